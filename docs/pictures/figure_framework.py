"""A generator pushes a normal law forward: three generators of one target, one of them good."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import ndtr

import divergen as dg

rng = np.random.default_rng(3)


def arch(u, v, spread):
    """Send the normal levels u, v of a latent to a place along an arch and beside it."""
    angle = np.pi * u
    return np.stack([(2 + spread * v) * np.cos(angle), (2 + spread * v) * np.sin(angle)], axis=1)


def generate(z, spread=0.25, along=lambda u: u):
    return arch(along(ndtr(z[:, 0])), z[:, 1], spread)


target, z = generate(rng.standard_normal((800, 2))), rng.standard_normal((800, 2))
models = {
    "a good $G$": generate(z),
    "low diversity": generate(z, along=lambda u: 0.15 + 0.25 * u),
    "low quality": generate(z, spread=0.9),
}
figure, axes = plt.subplots(1, 4, figsize=(10.5, 2.9))
axes[0].plot(*z.T, "k.", ms=2)
axes[0].set(title="latents $z \\sim Q$\n", aspect="equal", xlim=(-4, 4), ylim=(-4, 4))
for ax, (name, x) in zip(axes[1:], models.items(), strict=True):
    found = dg.neighbour_metrics(target, x, k=5)
    ax.plot(*target.T, ".", color="0.75", ms=4, label="data")
    ax.plot(*x.T, "k.", ms=2, label="$G(z)$")
    ax.set(title=f"{name}:\nprecision {found.precision:.2f}, recall {found.recall:.2f}", aspect="equal",
           xlim=(-4, 4), ylim=(-3, 5))
axes[1].legend(loc="lower center", ncols=2, frameon=False, markerscale=3)
