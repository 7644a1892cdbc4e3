"""The potential of a signed target: the history repels, and the next points go where mass is missing."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

kernel = dg.HuberEnergy(a=0)
mu = dg.Gaussian.standard(2)
history = np.array([[0.9, 0.5], [0.1, -0.9], [1.2, -0.4], [0.4, 0.1]])  # four points, all on one side
n, k = len(history), 2
target = ((n + k) * mu - n * dg.Diracs(history)) * (1 / k)

side = np.linspace(-3, 3, 61)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)  # (61 * 61, 2)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.9), sharey=True)
for axis, measure, name in (
    (axes[0], mu, r"potential of $\mathcal{N}(0, I)$"),
    (axes[1], target, r"of the signed target, mass 1"),
):
    potential = measure.potential(grid, kernel).reshape(61, 61)
    filled = axis.contourf(side, side, potential, levels=14, cmap="Greys_r")
    axis.contour(side, side, potential, levels=14, colors="k", linewidths=0.3)
    best = dg.compress(measure, k, kernel, rng=np.random.default_rng(0), method="lbfgs", restarts=2).points
    axis.plot(*best.T, "*", ms=14, color="tab:orange", mec="k", label=f"best {k} points")
    axis.set(xlabel="$x_1$", title=name, aspect="equal")
    figure.colorbar(filled, ax=axis, label="$U(x)$")
axes[1].plot(*history.T, "o", ms=6, mfc="w", mec="k", label="history")
axes[1].legend(fontsize=8, loc="lower left")
axes[0].legend(fontsize=8, loc="lower left")
axes[0].set_ylabel("$x_2$")
