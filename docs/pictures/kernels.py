"""A kernel is a sum of Gaussian bumps of all sizes; and what is left of it at small radii in floating point."""

import itertools

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

kernel = dg.HuberEnergy(a=0)
r = np.geomspace(1e-2, 1e2, 400)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))

# The mixture, cut into bands of t: the sizes 1/sqrt(t) of a band differ by a factor of ten.
log_t = np.linspace(-24, 24, 4801)
t = np.exp(log_t)
density = kernel.mixture_density(t) * t * (log_t[1] - log_t[0])  # of log t
parts = -np.expm1(-(r[:, None] ** 2) * t) * density  # (radii, nodes)
edges = np.log(10.0) * np.arange(-5, 6, 2)
for low, high in itertools.pairwise(edges):
    band = (log_t >= low) & (log_t < high)
    axes[0].loglog(r, parts[:, band].sum(axis=1), ":", color="tab:blue", lw=1.5)
    size = np.exp(-(low + high) / 4)
    axes[0].annotate(f"$t^{{-1/2}} \\approx {size:g}$", (r[-1], parts[-1, band].sum()), (4, -3),
                     textcoords="offset points", fontsize=8, color="tab:blue", annotation_clip=False)
axes[0].loglog(r, kernel.value(r**2), "k-", label=r"their sum, $\|x\|$")
axes[0].plot([], [], ":", color="tab:blue", label="one band of Gaussians each")
axes[0].set(xlabel=r"$\|x\|$", ylabel="$h$", xlim=(r[0], r[-1]), ylim=(1e-6, 3e2),
            title="one kernel, Gaussians of all sizes")
axes[0].legend(frameon=False, fontsize=8, loc="lower right")

# Relative errors of two ways to compute the same number; the reference has the digits that both need.
ratio = np.geomspace(1e-10, 1e2, 400)  # radius over a
s = ratio**2
exact = s / (np.sqrt(s.astype(np.longdouble) + 1) + 1)
stable, naive = dg.HuberEnergy(a=1).value(s), np.sqrt(s + 1) - 1
for value, style, name in ((naive, ".", r"$\sqrt{s + a^2} - a$"), (stable, "+", r"$s / (\sqrt{s + a^2} + a)$")):
    error = np.maximum(np.abs(value / exact - 1).astype(float), 1e-17)
    axes[1].loglog(ratio, error, style, color="k" if style == "." else "tab:orange", ms=4, label=name)
axes[1].set(xlabel=r"$\|x\| / a$", ylabel="relative error", title="two formulas, float64")
axes[1].legend(frameon=False, fontsize=8)
