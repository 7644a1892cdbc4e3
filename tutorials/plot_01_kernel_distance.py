r"""
The kernel distance
===================

How far apart are two clouds of points? Not point by point, for there is no pairing, but as two *distributions*. This
tutorial builds one answer from its definition: take a function :math:`h` of two points that grows with their distance,
and compare how far the clouds are from each other with how far each is from itself.

.. math:: d(\mu_1, \mu_2)^2 = -\frac12 \iint h(x - y)\,(\mu_1 - \mu_2)(dx)\,(\mu_1 - \mu_2)(dy)

(:cite:`Turinici2023`, eq. (3)). Every number that the text claims is asserted in the code, and every draw has its seed
here:
"""
# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

rng = np.random.default_rng(2023)

# %%
# The kernels
# -----------
#
# The double integral is a *squared* distance only if it is never negative, and that asks something of
# :math:`h`: it must be *conditionally negative definite*. For any points and any weights that sum to zero,
#
# .. math:: \sum_{i,j} p_i p_j\, h(x_i - x_j) \le 0 \qquad\text{whenever}\qquad \sum_i p_i = 0 .
#
# The length :math:`\|x\|` has this property, and so have the two families in :cite:`Turinici2023`, after
# Schoenberg and Micchelli. In the code a kernel is a function of the squared radius :math:`s = \|x - y\|^2`.

kernels = {
    r"energy: $r$": (dg.HuberEnergy(a=0), "k-"),
    r"Huber-energy, $a = 1$: $\sqrt{r^2 + 1} - 1$": (dg.HuberEnergy(a=1), "k--"),
    r"power, $a = 1$, $\alpha = 0.3$: $(1 + r^2)^{0.3} - 1$": (dg.PowerKernel(a=1, alpha=0.3), "k-."),
    r"rational, $a = 1$, $\alpha = 0.3$: $r^2 / (1 + r^2)^{0.3}$": (dg.RationalKernel(a=1, alpha=0.3), "k:"),
}

points = rng.standard_normal((40, 3))
p = rng.standard_normal(40)
p -= p.mean()  # weights that sum to zero
s = np.sum((points[:, None, :] - points[None, :, :]) ** 2, axis=-1)  # (40, 40)
for kernel, _ in kernels.values():
    assert p @ kernel.value(s) @ p < 0

# %%
# Not every growing function will do. The square :math:`r^2` does so only just: its sum is
# :math:`-2\|\sum_i p_i x_i\|^2`, which is blind to everything but the means. And :math:`r^3` fails, on three
# points of a line:

assert abs(p @ s @ p + 2 * np.sum((p @ points) ** 2)) < 1e-10 * np.abs(p) @ s @ np.abs(p)
three, weights = np.array([0.0, 1.0, 2.0]), np.array([1.0, -2.0, 1.0])
cubes = np.abs(three[:, None] - three[None, :]) ** 3
assert weights @ cubes @ weights == 8.0

# %%
# Why do they have it? Because each is a *mixture of Gaussians* turned upside down:
#
# .. math:: h(s) = \int_0^\infty \bigl(1 - e^{-ts}\bigr)\,\nu(t)\,dt, \qquad \nu \ge 0 .
#
# The constant drops out when the weights sum to zero, and what is left is minus a positive definite function.
# The mixture is known for each kernel. The integral below is a plain sum over a fine grid of :math:`\log t`.

log_t = np.linspace(-60, 60, 24001)
t = np.exp(log_t)
step = log_t[1] - log_t[0]
for kernel, _ in kernels.values():
    for radius in (0.5, 1.0, 3.0):
        mixed = np.sum(-np.expm1(-t * radius**2) * kernel.mixture_density(t) * t) * step  # dt = t d(log t)
        assert abs(mixed / kernel.value(np.array(radius**2)) - 1) < 1e-6

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
r = np.linspace(0, 4, 400)
shown = np.abs(log_t) < 7
for label, (kernel, style) in kernels.items():
    left.plot(r, kernel.value(r**2), style, label=label)
    right.loglog(t[shown], kernel.mixture_density(t[shown]), style)
left.set(xlabel="radius $r$", ylabel="$h$", title="Four kernels ...")
right.set(xlabel="$t$: a Gaussian of variance $1/(2t)$", ylabel=r"$\nu(t)$", title="... and their Gaussian mixtures")
right.set_ylim(1e-6, 1e5)
left.legend(fontsize=8)
plt.show()

# %%
# From the definition to the library
# ----------------------------------
#
# For two clouds the integrals are sums over all pairs. With :math:`J` points :math:`X` and :math:`B` points
# :math:`z`,
#
# .. math::
#
#     d^2 = \frac{1}{JB} \sum_{j,b} h(X_j - z_b) - \frac{1}{2J^2} \sum_{j,j'} h(X_j - X_{j'})
#         - \frac{1}{2B^2} \sum_{b,b'} h(z_b - z_{b'})
#
# (:cite:`Turinici2023`, eq. (4), which is also :cite:`Turinici2022image`, eq. (1)): how far the clouds are
# from each other, less half of how far each is from itself.

energy = dg.HuberEnergy(a=0)
X = rng.standard_normal((300, 2))
z = rng.standard_normal((500, 2)) + np.array([1.0, 0.0])


def mean_distance(a, b):
    """Return the mean of |a_i - b_j| over all pairs."""
    return np.mean(np.linalg.norm(a[:, None, :] - b[None, :, :], axis=-1))


by_hand = mean_distance(X, z) - mean_distance(X, X) / 2 - mean_distance(z, z) / 2
by_library = dg.cloud_squared_distance(X, z, kernel=energy)
print(f"three sums: {by_hand:.12f}   the library: {by_library:.12f}")
assert abs(by_hand - by_library) < 1e-13

# %%
# Clouds are one kind of measure. Measures can be added and scaled, and ``squared_distance`` takes any two of
# the same mass. It uses that the distance is bilinear in :math:`\mu_1 - \mu_2`.

assert abs(dg.squared_distance(dg.Diracs(X), dg.Diracs(z), energy) - by_library) < 1e-13

# %%
# The factor one half
# -------------------
#
# Two conventions are in use. The *energy distance* of the literature :cite:`SzekelyRizzo2013` is
# :math:`2\,\mathbb{E}\|X - Y\| - \mathbb{E}\|X - X'\| - \mathbb{E}\|Y - Y'\|`, without the factor, and so is
# eq. (2) of :cite:`Turinici2022old`. This library keeps the :math:`\frac12` of eq. (3) above. So whoever
# compares: **the energy distance is twice our squared distance**.

energy_distance = 2 * mean_distance(X, z) - mean_distance(X, X) - mean_distance(z, z)
assert abs(energy_distance / 2 - by_library) < 1e-13

# %%
# With the half, two single points are as far apart as :math:`h` says:
# :math:`d(\delta_x, \delta_y)^2 = h(x - y)`.

x, y = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])
assert dg.cloud_squared_distance(x, y, kernel=energy) == 5.0

# %%
# All pairs, the diagonal too
# ---------------------------
#
# The sums run over *all* pairs and are divided by :math:`J^2`, although the :math:`J` diagonal terms are zero
# (a *V-statistic*). Two samples of the same law are therefore not at distance zero on average. The mean of
# the second sum is :math:`\frac{J-1}{J} I`, where :math:`I = \mathbb{E}\,h(z - z')` is the mean kernel of two
# independent draws. So
#
# .. math:: \mathbb{E}\,d(\delta_X, \delta_z)^2 = I - \frac{J-1}{2J} I - \frac{B-1}{2B} I
#     = \frac I2 \Bigl(\frac1J + \frac1B\Bigr),
#
# and :math:`I = \sqrt\pi` for the energy kernel and :math:`\mathcal{N}(0, I_2)`. Four hundred repetitions
# agree within their standard error. (Leaving out the diagonal, a *U-statistic*, makes the mean zero, but then
# the estimate can be negative and is no distance between the clouds.)

J, B = 20, 50
I = dg.gaussian_self_energy(np.eye(2), energy)
assert abs(I - np.sqrt(np.pi)) < 1e-14
draws = np.array([
    dg.cloud_squared_distance(rng.standard_normal((J, 2)), rng.standard_normal((B, 2)), kernel=energy)
    for _ in range(400)
])
expected = I / 2 * (1 / J + 1 / B)
error = draws.std(ddof=1) / np.sqrt(len(draws))
print(f"expected {expected:.5f}, found {draws.mean():.5f} with a standard error of {error:.5f}")
assert abs(draws.mean() - expected) < 4 * error
assert draws.min() > 0

# %%
# A Gaussian needs no draws
# -------------------------
#
# The mixture gives more than a proof. A Gaussian inside a Gaussian integrates in closed form, so the mean
# kernel under a Gaussian is one integral over :math:`t`. For :math:`z \sim \mathcal{N}(0, I_L)` and
# :math:`r = \|x\|`
#
# .. math::
#
#     U(x) = \mathbb{E}\,h(x - z) = \int_0^\infty \Bigl[1 - (1 + 2t)^{-L/2} e^{-t r^2 / (1 + 2t)}\Bigr]\,\nu(t)\,dt ,
#
# the *potential* of the Gaussian, good to twelve digits in any dimension (:doc:`/chapters/gaussian`). Here it
# stands against an average over 20,000 draws, whose error bars are two standard errors long.

radii = np.linspace(0, 4, 9)
at = np.column_stack([radii, np.zeros(9)])  # (9, 2)
exact = dg.Gaussian.standard(2).potential(at, energy)
z = rng.standard_normal((20_000, 2))
lengths = np.linalg.norm(at[:, None, :] - z[None, :, :], axis=-1)  # (9, 20000)
estimate = lengths.mean(axis=1)
error = lengths.std(axis=1, ddof=1) / np.sqrt(len(z))
scores = (estimate - exact) / error
print("standard scores:", " ".join(f"{score:+.2f}" for score in scores))
assert np.abs(scores).max() < 4
assert abs(exact[0] - np.sqrt(np.pi / 2)) < 1e-14  # the mean length of a standard normal vector of the plane

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
fine = np.linspace(0, 4, 200)
potential = dg.Gaussian.standard(2).potential(np.column_stack([fine, 0 * fine]), energy)
left.plot(fine, potential, "k-", label="closed form")
left.plot(fine, fine, "k:", label="$r$: all mass in the centre")
left.plot(radii, estimate, "o", color="0.4", mfc="none", label="mean of 20,000 draws")
left.set(xlabel=r"$r = \|x\|$", ylabel="$U(x)$", title=r"Potential of $\mathcal{N}(0, I_2)$")
left.legend()
right.errorbar(radii, estimate - exact, yerr=2 * error, fmt="o", color="0.4", mfc="none", capsize=3)
right.axhline(0, color="k", lw=1)
right.set(xlabel=r"$r = \|x\|$", ylabel="estimate minus closed form", title="What is left is noise")
plt.show()

# %%
# The gradient: pulled by the target, pushed by the others
# --------------------------------------------------------
#
# What we want is to *move* points so that they represent a target :math:`\mu`. The gradient says how:
#
# .. math:: \nabla_{x_i}\, d(\delta_X, \mu)^2 = \frac1J \nabla\varphi(x_i), \qquad
#     \varphi(x) = U_\mu(x) - \frac1J \sum_j h(x - x_j) .
#
# Each point runs downhill on the landscape :math:`\varphi`. The target's mass makes it deep, and each point
# raises a peak where it stands, so every point is pulled to where mass is missing and pushed away from its
# fellows. (On its own peak the kernel has a kink and the point feels no force from itself: the subgradient
# 0.) Below, six points in a corner, and the six best points.

target = dg.Gaussian.standard(2)
crowd = rng.standard_normal((6, 2)) / 3 + np.array([1.3, 1.0])
best = dg.compress(target, 6, energy, rng=rng, method="lbfgs", restarts=5)


def landscape(where, cloud):
    """Return phi at the points `where`, for a cloud that should represent the target."""
    return target.potential(where, energy) - dg.potential(where, cloud, kernel=energy)


side = np.linspace(-3, 3, 121)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)  # (121 * 121, 2)
fig, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained", sharey=True)
spans = []
panels = ((crowd, 0.2, "Six points in a corner"), (best.points, 0.02, "The six best points"))
for ax, (cloud, height, name) in zip(axes, panels, strict=True):
    value, gradient = dg.squared_distance_and_gradient(cloud, target, energy)
    phi = landscape(grid, cloud).reshape(121, 121)
    spans.append(np.ptp(phi))
    levels = height * np.arange(np.floor(phi.min() / height), np.ceil(phi.max() / height) + 1)
    filled = ax.contourf(side, side, phi, levels=levels, cmap="Greys_r")
    ax.contour(side, side, phi, levels=levels, colors="k", linewidths=0.4)
    ax.plot(*cloud.T, "o", color="white", mec="black", ms=8)
    ax.quiver(*cloud.T, *-6 * gradient.T, angles="xy", scale_units="xy", scale=1, width=0.008, color="tab:red")
    ax.set(xlabel="$x_1$", title=f"{name}: $d^2$ = {value:.4f}", aspect="equal")
    fig.colorbar(filled, ax=ax, label=rf"$\varphi$, a line every {height:g}")
axes[0].set_ylabel("$x_2$")
plt.show()

# %%
# The arrows, :math:`-6\,\nabla_{x_i} d^2 = -\nabla\varphi(x_i)`, are long on the left. On the right they are
# gone: what is left of the landscape is more than ten times flatter, and each point stands on its own peak. A
# short step along the arrows makes the distance smaller. The gradient is the real one: it agrees with a
# difference quotient.

value, gradient = dg.squared_distance_and_gradient(crowd, target, energy)
assert dg.squared_distance(dg.Diracs(crowd - 0.1 * gradient), target, energy) < value
assert spans[0] > 10 * spans[1]
_, at_best = dg.squared_distance_and_gradient(best.points, target, energy)
assert np.abs(at_best).max() < 1e-6 * np.abs(gradient).max()

shift = np.zeros_like(crowd)
shift[2, 1] = 1e-5
ahead = dg.squared_distance(dg.Diracs(crowd + shift), target, energy)
behind = dg.squared_distance(dg.Diracs(crowd - shift), target, energy)
assert abs((ahead - behind) / 2e-5 - gradient[2, 1]) < 1e-8

# %%
# Rounding off the kink
# ---------------------
#
# The energy kernel has a kink at 0, where its gradient :math:`x/\|x\|` jumps. The sources use the
# *Huber-energy* kernel :math:`h_a(x) = \sqrt{\|x\|^2 + a^2} - a` with a tiny :math:`a = 10^{-6}`, which is a
# parabola near 0 and a cone far away. Since :math:`\sqrt{r^2 + a^2}` lies between :math:`r` and
# :math:`r + a`,
#
# .. math:: 0 \le h_0(x) - h_a(x) \le a ,
#
# and as each of the three sums of :math:`d^2` is an average, :math:`|d_a^2 - d_0^2| \le a`: the rounding
# changes nothing that is larger than :math:`a`.

r = np.geomspace(1e-9, 1e9, 1000)
for a in (1e-6, 0.25, 1.0):
    gap = energy.value(r**2) - dg.HuberEnergy(a=a).value(r**2)
    assert gap.min() >= -1e-15 * r[gap.argmin()] and np.all(gap <= a + 1e-15 * r)
    rounded = dg.squared_distance(dg.Diracs(X), target, dg.HuberEnergy(a=a))
    assert abs(rounded - dg.squared_distance(dg.Diracs(X), target, energy)) <= a

fig, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
line = np.linspace(-2, 2, 401)  # has 0 in it
for a, style in ((0, "k-"), (0.25, "k--"), (1.0, "k:")):
    h, slope = dg.HuberEnergy(a=a).value_and_derivative(line**2)
    axes[0].plot(line, h, style, label=f"$a$ = {a:g}")
    axes[1].plot(line, 2 * slope * line, style, label=f"$a$ = {a:g}")
axes[0].set(xlabel="$x$", ylabel="$h_a(x)$", title="The kernel on a line", aspect="equal")
axes[1].set(xlabel="$x$", ylabel="$h_a'(x)$", title="Its gradient: $a$ is the width of the turn")
axes[0].legend()
plt.show()

# %%
# Why not simply :math:`a = 0`? With the subgradient 0 at coincident points it works too, and the tutorials
# use it so that numbers can be compared. A positive :math:`a` makes the distance differentiable everywhere.
#
# The next tutorial, :doc:`plot_02_diverse_sampling`, lets the points run downhill.
