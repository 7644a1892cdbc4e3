"""Points that follow the negative gradient of the distance to a cloud: pulled by it, pushed apart by each other."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

rng = np.random.default_rng(5)
kernel = dg.HuberEnergy(a=0)
angle = rng.uniform(0, np.pi, 300)
target = np.stack([3 * np.cos(angle), 3 * np.sin(angle) - 1.5], axis=1) + 0.15 * rng.standard_normal((300, 2))  # an arc
points = 0.5 * rng.standard_normal((7, 2)) + np.array([0.3, -0.8])

figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True)
_, pull = dg.potential_and_gradient(points, target, kernel=kernel)
_, push = dg.potential_and_gradient(points, points, kernel=kernel)
for arrows, colour, width, name in (
    (-pull, "0.6", 0.004, "pull of the cloud"), (push, "tab:orange", 0.004, "push of the others"),
    (push - pull, "k", 0.007, "sum: $-J\\,\\nabla d^2$"),
):
    axes[0].quiver(*points.T, *arrows.T, angles="xy", scale_units="xy", scale=1, color=colour, width=width, label=name)

path = [points]
for _ in range(200):
    _, gradient = dg.cloud_squared_distance_and_gradient(path[-1], target, kernel=kernel)
    path.append(path[-1] - 1.4 * gradient)
for trajectory in np.stack(path, axis=1):
    axes[1].plot(*trajectory.T, "k-", lw=0.6)
axes[1].plot(*path[-1].T, "ko", ms=6, label="at the end")
values = [dg.cloud_squared_distance(x, target, kernel=kernel) for x in (path[0], path[-1])]
for axis, title in zip(axes, ("forces at the start", "200 steps later"), strict=True):
    axis.plot(*target.T, ".", color="tab:blue", ms=2, zorder=0, label="cloud")
    axis.plot(*points.T, "o", mfc="w", mec="k", ms=5, label="start")
    axis.set(xlabel="$x_1$", title=f"{title}: $d^2$ = {values[axis is axes[1]]:.3f}", aspect="equal",
             xlim=(-3.6, 3.6), ylim=(-3.4, 2.2))
    axis.legend(frameon=False, fontsize=8, loc="lower center", ncols=3 if axis is axes[1] else 2)
axes[0].set_ylabel("$x_2$")
