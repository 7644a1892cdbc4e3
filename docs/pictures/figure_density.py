"""Most draws of a normal distribution fall near its centre; ten points chosen together also go elsewhere."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

rng = np.random.default_rng(1)
normal = dg.Gaussian.standard(2)
side = np.linspace(-3, 3, 121)
x, y = np.meshgrid(side, side)
panels = {
    "ten independent draws": normal.sample(10, rng),
    "ten points chosen together (Sg)": dg.compress(normal, 10, dg.HuberEnergy(), rng=rng, method="lbfgs").points,
}
figure, axes = plt.subplots(1, 2, figsize=(7, 3.7), sharex=True, sharey=True)
for ax, (name, points) in zip(axes, panels.items(), strict=True):
    ax.contourf(side, side, np.exp(-(x**2 + y**2) / 2), levels=10, cmap="Reds", alpha=0.75)
    ax.add_patch(plt.Circle((0, 0), np.sqrt(2 * np.log(2)), fill=False, ls="--"))  # P(r < R) = 1 - exp(-R^2 / 2)
    ax.plot(*points.T, "o", color="black", mec="white", ms=7)
    inside = np.sum(np.sum(points**2, axis=1) < 2 * np.log(2))
    ax.set(title=f"{name}:\n{inside} in the circle that holds half", xlabel="$z_1$", aspect="equal")
axes[0].set_ylabel("$z_2$")
