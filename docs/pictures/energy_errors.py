"""Relative errors of squared radii: the Gram form alone loses what close points or a far origin cancel."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

rng = np.random.default_rng(0)
dim, count = 10, 60
kernel = dg.HuberEnergy(a=0)


def errors(separation, origin):
    """Return the median relative errors in |x - y| of the Gram form, of differences and of the library."""
    y = origin + rng.standard_normal((count, dim))
    x = y + separation * rng.standard_normal((count, dim))  # each x close to one y
    exact = np.sqrt(np.sum((x.astype(np.longdouble) - y) ** 2, axis=1))
    gram = np.sum(x * x, axis=1) + np.sum(y * y, axis=1) - 2 * np.sum(x * y, axis=1)
    direct = np.sum((x - y) ** 2, axis=1)
    library = [dg.potential(x[i : i + 1], y, np.eye(count)[i], kernel=kernel)[0] for i in range(0, count, 4)]
    found = np.sqrt(np.maximum(gram, 0)), np.sqrt(direct), np.array(library)
    rows = slice(None), slice(None), slice(0, count, 4)
    return [max(float(np.median(np.abs(f / exact[r] - 1))), 1e-17) for f, r in zip(found, rows, strict=True)]


separations, origins = np.geomspace(1e-10, 10, 21), np.geomspace(1, 1e10, 21)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.3), sharey=True)
panels = (
    (separations, [errors(s, 0.0) for s in separations], "distance of the two points"),
    (origins, [errors(1.0, o) for o in origins], "distance of both from the origin"),
)
for axis, (where, found, label) in zip(axes, panels, strict=True):
    lines = zip(np.array(found).T, ("k.", "b+", "rx"), ("Gram form alone", "differences", "divergen"), strict=True)
    for error, style, name in lines:
        axis.loglog(where, error, style, ms=5, label=name)
    axis.set(xlabel=label)
axes[0].set_ylabel("relative error of $\\|x - y\\|$")
axes[0].legend(frameon=False, fontsize=8)
