"""48 points of the normal distribution in the plane: independent, chosen together, and 24 that complete an earlier 24.

    python docs/pictures/front.py docs/_static/front.png    # writes the picture of the README
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

target, kernel, rng = dg.Gaussian.standard(2), dg.HuberEnergy(), np.random.default_rng(0)
independent = target.sample(48, rng)
together = dg.compress(target, 48, kernel, rng=rng, method="mm", start="sobol").points
first = target.sample(24, rng)
then = dg.compress(target, 24, kernel, rng=rng, method="lbfgs", restarts=3, history=first).points

grid = np.linspace(-3.2, 3.2, 200)
density = np.exp(-(grid[:, None] ** 2 + grid**2) / 2)
figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), sharex=True, sharey=True, layout="constrained")
panels = [("independent", independent), ("chosen together", together), ("24 that complete an earlier 24", then)]
for ax, (title, points) in zip(axes, panels, strict=True):
    everything = points if points is not then else np.concatenate([first, then])
    ax.contourf(grid, grid, density, levels=12, cmap="Blues", alpha=0.55)
    if points is not together:
        ax.plot(*(independent if points is independent else first).T, "o", ms=5, mfc="white", mec="k",
                label="independent")
    if points is not independent:
        ax.plot(*points.T, "o", ms=5, color="#d55e00", mec="k", mew=0.5, label="chosen together")
    squared = dg.squared_distance(dg.Diracs(everything), target, kernel)
    ax.set(title=title, xlabel=f"$d^2$ to the normal: {squared:.4f}", aspect="equal", xticks=[], yticks=[])
axes[2].legend(loc="lower right", fontsize=7, framealpha=0.9)
if sys.argv[1:]:  # empty while the book is built
    figure.savefig(sys.argv[1], dpi=110)
