"""Twenty-four points of a normal law while they are compressed, and the field that moves them, before and after."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

kernel = dg.HuberEnergy(a=0.1)
normal = dg.Gaussian.standard(2)
path = [normal.sample(24, np.random.default_rng(7))]
chosen = dg.compress(normal, 24, kernel, rng=np.random.default_rng(0), method="mm", start=path[0],
                     callback=lambda step, points: path.append(points))
path = np.array(path)  # (steps, 24, 2)

axis = np.linspace(-3.2, 3.2, 81)
grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
levels = np.linspace(-0.3, 0.3, 16)
figure, axes = plt.subplots(1, 2, figsize=(9, 4.3), sharex=True, sharey=True)
panels = (("independent draws", path[0], "w"), ("compressed", path[-1], "k"))
for ax, (name, points, filling) in zip(axes, panels, strict=True):
    field = normal.potential(grid, kernel) - dg.Diracs(points).potential(grid, kernel)
    image = ax.contourf(axis, axis, field.reshape(81, 81), levels, cmap="RdBu_r", alpha=0.7, extend="both")
    d2 = dg.squared_distance(dg.Diracs(points), normal, kernel)
    ax.set(title=f"{name}: $d^2$ = {d2:.4f}", xlabel="$x_1$", aspect="equal", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
    for trail in path.transpose(1, 0, 2):
        ax.plot(*trail.T, "-", color="0.35", lw=0.8)
    ax.plot(*points.T, "o", mfc=filling, mec="k", ms=5)
axes[0].set_ylabel("$x_2$")
figure.colorbar(image, ax=axes, label=r"$U_\eta - U_{\delta_X}$", shrink=0.85, ticks=[-0.3, -0.1, 0.1, 0.3])
