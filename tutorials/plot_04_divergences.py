r"""
Which divergence wants what?
============================

A model that cannot be the target has to choose: to cover all of it, or to stay inside it. The divergence that it
minimises makes the choice.

Here one Gaussian is fitted to a mixture of two under KL, reverse KL and Jensen-Shannon, and under the PR-divergence,
whose :math:`\lambda` turns the choice into a dial (:cite:`Verine2024`, section 2;
:doc:`/chapters/divergences`).

All of these compare densities. The kernel distance of :cite:`Turinici2023` compares points in space; it too is zero
only for equal distributions, but it has no dial. The integrals are sums over a grid.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

from divergen.evaluation import curves, divergences

x = np.linspace(-15, 15, 1501)


def normal(mean, deviation):
    """A Gaussian on the grid, of mass 1."""
    density = np.exp(-(((x - mean) / deviation) ** 2) / 2)
    return density / density.sum()


target = 0.6 * normal(-2, 0.7) + 0.4 * normal(2.2, 1.0)
print(f"target: mean {target @ x:.3f}, standard deviation {np.sqrt(target @ x**2 - (target @ x) ** 2):.3f}")

# %%
# Three kinds of fit
# ------------------
#
# For each divergence, the best mean and standard deviation among several starts of the Nelder-Mead search.


def fit(f):
    """The mean and the standard deviation of the Gaussian Q that minimises D_f(P || Q)."""
    found = [
        minimize(
            lambda v: divergences.divergence(f, target, normal(v[0], np.exp(v[1]))), (mean, np.log(deviation)),
            method="Nelder-Mead", bounds=[(-5, 5), (np.log(0.05), np.log(6))],
            options={"xatol": 1e-7, "fatol": 1e-12, "maxiter": 2000},
        )
        for mean, deviation in ((-2.0, 0.7), (0.0, 2.0), (2.0, 1.0), (-1.0, 3.0))
    ]
    best = min(found, key=lambda result: result.fun)
    return best.x[0], float(np.exp(best.x[1])), best.fun


named = {"KL": divergences.kl, "Jensen-Shannon": divergences.jensen_shannon, "reverse KL": divergences.reverse_kl}
fits = {name: fit(f) for name, f in named.items()}
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.fill_between(x, target / (x[1] - x[0]), color="0.85", label="target")
for (name, (mean, deviation, value)), style in zip(fits.items(), ("k-", "k--", "k:"), strict=True):
    print(f"{name:15s} mean {mean:+.3f}, standard deviation {deviation:.3f}, divergence {value:.4f}")
    ax.plot(x, normal(mean, deviation) / (x[1] - x[0]), style, label=name)
ax.set(xlabel="$x$", ylabel="density", title="One Gaussian for two groups", xlim=(-8, 8))
ax.legend()
plt.show()

# %%
# KL pays for every target point that the model misses, so it covers: its best Gaussian has the mean and the variance
# of the target, exactly. Reverse KL pays for every model point off the target, so it takes the larger group and leaves
# the other.

mean, deviation, _ = fits["KL"]
assert abs(mean - target @ x) < 1e-4
assert abs(deviation**2 - (target @ x**2 - (target @ x) ** 2)) < 1e-3
assert abs(fits["reverse KL"][0] + 2) < 0.1 and abs(fits["reverse KL"][1] - 0.7) < 0.1
assert fits["reverse KL"][1] < fits["Jensen-Shannon"][1] + 1e-6 < deviation

# %%
# The dial
# --------
#
# Minimising the PR-divergence maximises the precision at :math:`\lambda`, as
# :math:`\alpha_\lambda = \min(1, \lambda) - D_\lambda(P \| Q)`. A small :math:`\lambda` asks for
# :math:`q \ge \lambda p` everywhere, for cover; a large one for :math:`q \le \lambda p`.

lambdas = [0.3, 0.7, 1.0, 1.5, 3.0]
dial = [fit(divergences.precision_recall(lam)) for lam in lambdas]
rows = []
for lam, (mean, deviation, value) in zip(lambdas, dial, strict=True):
    curve = curves.pr_curve(target, normal(mean, deviation), np.array([lam]))
    assert abs(curve.precision[0] - (min(1, lam) - value)) < 1e-12  # theorem 3.5
    for other, other_deviation, _ in dial:  # no other setting of the dial has a better precision at this lambda
        best = curves.pr_curve(target, normal(other, other_deviation), np.array([lam])).precision[0]
        assert best <= curve.precision[0] + 1e-6
    inside = 1 - float(np.sum(np.maximum(normal(mean, deviation) - 3 * target, 0)))
    covered = 1 - float(np.sum(np.maximum(target - 3 * normal(mean, deviation), 0)))
    rows.append((inside, covered))
    print(f"lambda {lam:5.1f}: mean {mean:+.3f}, deviation {deviation:.3f}, "
          f"precision {inside:.3f}, recall {covered:.3f}")

fig, axes = plt.subplots(1, len(lambdas), figsize=(11, 2.6), layout="constrained", sharey=True)
for ax, lam, (mean, deviation, _) in zip(axes, lambdas, dial, strict=True):
    ax.fill_between(x, target / (x[1] - x[0]), color="0.85")
    ax.plot(x, normal(mean, deviation) / (x[1] - x[0]), "k-")
    ax.set(title=rf"$\lambda$ = {lam:g}", xlabel="$x$", xlim=(-8, 8), ylim=(0, 0.65))
axes[0].set_ylabel("density")
fig.suptitle("The best Gaussian at five settings of the dial")
plt.show()

# %%
# In the table, precision is :math:`\alpha_3` (what of the model is at most 3 times too dense) and recall
# :math:`\beta_{1/3}`. From one end of the dial to the other, the first grows and the second falls.

assert rows[-1][0] > rows[0][0] + 0.05 and rows[0][1] > rows[-1][1] + 0.05
assert dial[0][1] > 1.5 * dial[-1][1]  # wide for recall, narrow for precision

# %%
# Every divergence is an average of these
# ---------------------------------------
#
# Theorem 3.6: :math:`D_f = \int \lambda^{-3} f''(1/\lambda) D_\lambda \, d\lambda`. The weight of KL falls like
# :math:`\lambda^{-2}`, that of reverse KL like :math:`\lambda^{-1}`: this is why one covers and the other does not.

model = normal(0.5, 1.5)
for name, f in named.items():
    value, average = divergences.divergence(f, target, model), divergences.divergence_from_pr(f, target, model)
    print(f"{name:15s} {value:.12f}, as an average {average:.12f}")
    assert abs(value - average) < 1e-12 * (1 + value)

# %%
# Learning it from samples
# ------------------------
#
# In practice only samples are at hand, and a critic T estimates the dual form from below. A critic of a few
# parameters is enough to see it: for two Gaussians :math:`\log p/q` is a parabola, and a search for the largest dual
# value of KL finds it. The same critic then estimates *any* divergence, by :math:`\mathbb{E}_Q[f((g^*)'(T))]`.

rng = np.random.default_rng(4)
real, generated = 0.5 + 0.8 * rng.standard_normal(20_000), rng.standard_normal(20_000)


def features(points):
    return np.stack([np.ones_like(points), points, points**2], axis=1)


def negative_dual(v):
    return -divergences.dual_value(divergences.kl, features(real) @ v, features(generated) @ v)


critic = minimize(negative_dual, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-6, "maxiter": 5000}).x
exact = -np.log(0.8) + (0.64 + 0.25) / 2 - 0.5
print(f"KL by the dual {-negative_dual(critic):.4f}, exact {exact:.4f}")
assert abs(-negative_dual(critic) - exact) < 0.02
p, q = normal(0.5, 0.8), normal(0.0, 1.0)
for f in (divergences.total_variation, divergences.jensen_shannon, divergences.precision_recall(2.0)):
    estimate = divergences.primal_estimate(f, divergences.kl, features(generated) @ critic)
    print(f"{f.name:22s} from the critic of KL {estimate:.4f}, exact {divergences.divergence(f, p, q):.4f}")
    assert abs(estimate - divergences.divergence(f, p, q)) < 0.02
