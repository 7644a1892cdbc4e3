"""Class cells in the plane with their radii, and the share of latents that are far from all other classes."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import ndtr, ndtri

from divergen.evaluation import class_radius as cr

rng = np.random.default_rng(3)
angles = np.linspace(0, 2 * np.pi, 6)[:-1] + 0.4  # five classes: sectors of equal probability


def sector(z):
    """The class of each latent: the nearest of five directions."""
    return np.argmax(z @ np.stack([np.cos(angles), np.sin(angles)]), axis=1)


def half(z):
    return (z[:, 0] > 0).astype(int)


def stripe(z, width=0.5):
    return np.floor(z[:, 0] / width).astype(int) % 2


figure, axes = plt.subplots(1, 2, figsize=(9, 4), gridspec_kw={"width_ratios": [1, 1.2]})
line = np.linspace(-3.5, 3.5, 281)
grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
shown = rng.standard_normal((26, 2))
radii = cr.class_radius(grid, sector(grid), queries=shown, query_labels=sector(shown))
axes[0].contourf(line, line, sector(grid).reshape(281, 281), levels=np.arange(6) - 0.5,
                 colors=["0.98", "0.8", "0.92", "0.74", "0.86"])
for z, radius in zip(shown, radii, strict=True):
    axes[0].add_patch(plt.Circle(z, radius, fill=False, color="C0", lw=1))
axes[0].plot(*shown.T, "k.", ms=4)
axes[0].set(aspect="equal", xlabel="$z_1$", ylabel="$z_2$", xlim=(-2.9, 2.9), ylim=(-2.9, 2.9),
            title=r"latents and their class radius $r(z)$")

# far from the centre no latent is drawn, so a fine grid stands for the classes: exact up to its step of 0.025
queries = rng.standard_normal((3000, 2)).clip(-3.2, 3.2)
eta = np.linspace(0, 2, 81)
for k, style in ((2, "k-"), (5, "k--")):
    axes[1].semilogy(eta, k * ndtr(ndtri(1 / k) - eta), style, lw=3, alpha=0.3, label=f"bound, {k} equal classes")
for name, classes, style in (("two half-planes", half, "C0-"), ("two classes in stripes", stripe, "C0:"),
                             ("five sectors", sector, "C3--")):
    r = cr.class_radius(grid, classes(grid), queries=queries, query_labels=classes(queries))
    axes[1].semilogy(eta, [max(np.mean(r >= e), 1e-5) for e in eta], style, label=f"{name}, mean {np.mean(r):.1f}")
axes[1].set(xlabel=r"$\eta$", ylabel=r"$P[r(z) \geq \eta]$", ylim=(1e-2, 5), yticks=[0.01, 0.1, 1], xlim=(0, 2),
            title="share of latents at least $\\eta$ from other classes")
axes[1].legend(frameon=False, loc="upper right", fontsize=8)
