r"""
Precision-recall curves
=======================

Two numbers, not one: how much of what the model draws is realistic (precision), and how much of reality it can draw
(recall). A curve says how much of the one goes with how much of the other.

For supports alone both are 1 for any two Gaussians. The curve of :cite:`Verine2024`, definition 2.2, compares masses,

.. math:: \alpha_\lambda = \int \min(\lambda p, q), \qquad \beta_\lambda = \int \min(p, q/\lambda),

and here its four figures are drawn: low and high recall against low and high precision. The diverse sampling of
:cite:`Turinici2022image` is a way to gain recall; this is a way to see it. :doc:`/chapters/curves` has the proofs.
"""
# sphinx_gallery_thumbnail_number = 3

import time

import matplotlib.pyplot as plt
import numpy as np

from divergen.evaluation import curves, divergences

x = np.linspace(-12, 12, 1201)


def mixture(*parts):
    """A mixture of (weight, mean, deviation) on the grid, of mass 1."""
    density = sum(w / s * np.exp(-(((x - m) / s) ** 2) / 2) for w, m, s in parts)
    return density / density.sum()


target = mixture((0.5, -2.5, 1.0), (0.5, 2.5, 1.0))
models = {
    "low recall, high precision": mixture((1.0, -2.5, 0.8)),
    "high recall, low precision": mixture((1.0, 0.0, 5.0)),
    "low recall, low precision": mixture((0.5, -2.5, 0.8), (0.5, -8.0, 0.8)),
    "high recall, high precision": mixture((0.5, -2.4, 1.1), (0.5, 2.6, 1.0)),
}

# %%
# Four models
# -----------
#
# A large :math:`\lambda` forgives the model for being too dense where the target is, so :math:`\alpha_{10}` is nearly
# its share inside the target. In the same way :math:`\beta_{1/10}` is nearly the share of the target that it covers.

fig, axes = plt.subplots(2, 4, figsize=(12, 5.4), layout="constrained")
found = {}
for column, (name, model) in zip(axes.T, models.items(), strict=True):
    curve = curves.pr_curve(target, model)
    ends = curves.pr_curve(target, model, np.array([0.1, 1.0, 10.0]))
    found[name] = float(ends.precision[2]), float(ends.recall[0])
    print(f"{name:28s} precision {found[name][0]:.3f}, recall {found[name][1]:.3f}, area {curve.area:.3f}, "
          f"F1 {curve.f_score():.3f}")
    assert abs(ends.precision[1] - (1 - divergences.divergence(divergences.total_variation, target, model))) < 1e-12
    step = x[1] - x[0]
    column[0].fill_between(x, target / step, color="0.85", label="target")
    column[0].plot(x, model / step, "k-", label="model")
    column[0].set(title=name, xlabel="$x$", ylim=(0, 0.55))
    column[1].plot(curve.recall, curve.precision, "k-")
    column[1].plot(ends.recall[[0, 2]], ends.precision[[0, 2]], "ko", mfc="white")
    column[1].set(xlabel=r"recall $\beta_\lambda$", xlim=(0, 1.03), ylim=(0, 1.03), aspect="equal")
axes[0, 0].set_ylabel("density")
axes[1, 0].set_ylabel(r"precision $\alpha_\lambda$")
axes[0, 0].legend(loc="upper right")
fig.suptitle("Four models (above), and their curves (below)")
plt.show()

for name, (precision, recall) in found.items():
    assert (precision > 0.9) == ("high precision" in name)
    assert (recall > 0.9) == ("high recall" in name)

# %%
# Area and breakpoints
# --------------------
#
# A discrete curve is exact at every ratio q/p, and between two of them it is an arc of a hyperbola. Three atoms have
# three breakpoints, and the area under the curve is a finite sum.

p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
exact = curves.pr_curve(p, q)
dense = curves.pr_curve(p, q, np.exp(np.linspace(-6, 6, 20_001)))
print("breakpoints", " ".join(f"{lam:.2f}" for lam in exact.lambdas), f"area {exact.area:.9f}")
assert np.allclose(exact.lambdas[1:-1], [0.4, 1.0, 2.5])
trapezia = np.sum((dense.recall[1:] + dense.recall[:-1]) / 2 * np.diff(dense.precision)) + dense.precision[0]
assert abs(exact.area - trapezia) < 1e-6

# %%
# From samples
# ------------
#
# Densities are seldom known. Clusters of both samples give two histograms; a classifier's scores, sorted, give the best
# thresholds. For one of the models above, with 4,000 samples and the true log-ratio as the score:

rng = np.random.default_rng(5)
model = models["high recall, low precision"]
real, generated = (rng.choice(x, size=4000, p=weights) for weights in (target, model))
log_ratio = np.log(target) - np.log(model)
by_scores = curves.pr_curve_from_scores(np.interp(real, x, log_ratio), np.interp(generated, x, log_ratio))
truth = curves.pr_curve(target, model)
fig, ax = plt.subplots(figsize=(5, 4.6), layout="constrained")
ax.plot(truth.recall, truth.precision, "k-", lw=2, label="exact")
ax.plot(by_scores.recall, by_scores.precision, "k--", label="from scores")
for clusters, style in ((5, "k:"), (40, "k-.")):
    by_clusters = curves.pr_curve_from_samples(real[:, None], generated[:, None], clusters, rng=rng)
    ax.plot(by_clusters.recall, by_clusters.precision, style, label=f"{clusters} clusters")
    print(f"{clusters:3d} clusters: area {by_clusters.area:.4f}, exact {truth.area:.4f}")
    if clusters == 5:
        assert by_clusters.area > truth.area  # merging flatters
    else:
        assert abs(by_clusters.area - truth.area) < 0.03
print(f"from scores: area {by_scores.area:.4f}")
assert abs(by_scores.area - truth.area) < 0.03
ax.set(xlabel=r"recall $\beta_\lambda$", ylabel=r"precision $\alpha_\lambda$", aspect="equal",
       title="One curve, estimated in three ways")
ax.legend()
plt.show()

# %%
# Sorting is all that the scores need, so a validation set of a usual size takes milliseconds.

start = time.perf_counter()
curves.pr_curve_from_scores(rng.standard_normal(5000), rng.standard_normal(5000) + 1)
print(f"10,000 scores: {1e3 * (time.perf_counter() - start):.0f} ms")

# %%
# What a budget buys
# ------------------
#
# Optimal rejection that pays K proposals for one sample multiplies the precision by up to K, at unchanged recall
# (proposition 4.3, blank in print): :math:`\tilde\alpha_\lambda = \min(1, K\alpha_{\lambda/K})`. The accepted points
# have the density :math:`\tilde q \propto \min(c\,p, q)`, so the prediction can be checked against the
# curve of that density.

fig, ax = plt.subplots(figsize=(5, 4.6), layout="constrained")
for budget, style in ((1.0, "k-"), (1.3, "k--"), (1.8, "k-."), (3.0, "k:")):
    predicted = curves.pr_curve_after_obrs(truth, budget)
    low, high = 0.0, float(np.max(model / target))  # c with sum min(c p, q) = 1/K, by bisection
    for _ in range(100):
        c = (low + high) / 2
        low, high = (c, high) if np.minimum(c * target, model).sum() < 1 / budget else (low, c)
    accepted = np.minimum(high * target, model)
    direct = curves.pr_curve(target, accepted / accepted.sum())
    print(f"K = {budget:.1f}: area {predicted.area:.6f} predicted, {direct.area:.6f} by drawing up the density")
    assert abs(predicted.area - direct.area) < 1e-6
    ax.plot(predicted.recall, predicted.precision, style, label=f"K = {budget:g}")
ax.set(xlabel=r"recall $\beta_\lambda$", ylabel=r"precision $\alpha_\lambda$", aspect="equal",
       title="What a budget of K proposals buys")
ax.legend(loc="lower left")
plt.show()
