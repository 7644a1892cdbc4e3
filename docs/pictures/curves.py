"""A point of the curve is an area: of the densities' overlap, with the target's multiplied by lambda."""

import matplotlib.pyplot as plt
import numpy as np

from divergen.evaluation.curves import pr_curve

x = np.linspace(-6, 6, 1201)
step = x[1] - x[0]


def mixture(*parts):
    """A mixture of (weight, mean, deviation) on the grid, of mass 1."""
    density = sum(w / s * np.exp(-(((x - m) / s) ** 2) / 2) for w, m, s in parts)
    return density / density.sum()


p = mixture((0.5, -2, 0.8), (0.5, 2, 0.8))  # the target has two groups
q = mixture((0.8, 2.2, 1.0), (0.2, 0.0, 1.2))  # the model nearly misses one, and fills the gap
lambdas = np.array([0.25, 1.0, 4.0])
found = pr_curve(p, q, lambdas)

figure = plt.figure(figsize=(9, 3.3))
grid = figure.add_gridspec(1, 4, width_ratios=[1, 1, 1, 1.35])
for i, (lam, alpha, beta) in enumerate(zip(lambdas, found.precision, found.recall, strict=True)):
    axes = figure.add_subplot(grid[i])
    axes.fill_between(x, np.minimum(lam * p, q) / step, color="0.8")
    axes.plot(x, lam * p / step, "C0--", label=r"$\lambda p$")
    axes.plot(x, q / step, "C3-", label="$q$")
    axes.set(title=rf"$\lambda$ = {lam:g}" "\n" rf"$\alpha_\lambda$ = {alpha:.2f}, $\beta_\lambda$ = {beta:.2f}",
             xlabel="$x$", ylim=(0, 0.5), yticks=[0, 0.2, 0.4], xlim=(-5.5, 5.5))
    if i:
        axes.set_yticklabels([])
    if i == 0:
        axes.legend(frameon=False, loc="upper right")
axes = figure.add_subplot(grid[3])
whole = pr_curve(p, q)
axes.fill_between(whole.recall, whole.precision, color="0.93")
axes.plot(whole.recall, whole.precision, "k-")
for lam, alpha, beta, where in zip(lambdas, found.precision, found.recall, ((6, 6), (7, 3), (-1, -13)), strict=True):
    reach = min(1.05, 1.05 / lam)
    axes.plot([0, reach], [0, lam * reach], "k:", lw=0.8)
    axes.plot(beta, alpha, "ko", mfc="white")
    axes.annotate(rf"{lam:g}", (beta, alpha), where, textcoords="offset points")
axes.set(xlabel=r"recall $\beta_\lambda$", ylabel=r"precision $\alpha_\lambda$", aspect="equal", xlim=(0, 1.05),
         ylim=(0, 1.05), title="the curve")
