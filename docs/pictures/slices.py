"""A cloud projected on a line, where sorting is enough; and the error of a mean over lines, by their choice."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

rng = np.random.default_rng(6)
x, y = rng.standard_normal((14, 2)) * [0.5, 1.0], rng.standard_normal((14, 2)) * [1.0, 0.4] + [1.6, 0.6]
direction = np.array([np.cos(0.5), np.sin(0.5)])

figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.1), width_ratios=(1.15, 1, 1))
for cloud, marker, colour in ((x, "o", "k"), (y, "s", "tab:orange")):
    foot = (cloud @ direction)[:, None] * direction - 2.3 * np.array([-direction[1], direction[0]])
    for point, below in zip(cloud, foot, strict=True):
        axes[0].plot(*np.stack([point, below]).T, ":", color="0.6", lw=0.6)
    axes[0].plot(*cloud.T, marker, color=colour, mfc="w", ms=4)
    axes[0].plot(*foot.T, marker, color=colour, ms=3)
ends = np.array([[-2.6], [3.6]]) * direction - 2.3 * np.array([-direction[1], direction[0]])
axes[0].plot(*ends.T, "k-", lw=0.8, zorder=0)
axes[0].set(aspect="equal", title=r"two clouds on one line $\xi$", xlabel="$x_1$", ylabel="$x_2$")

a, b = np.sort(x @ direction), np.sort(y @ direction)
t = np.linspace(-2.2, 3.6, 1200)
S = np.searchsorted(a, t, side="right") / len(a) - np.searchsorted(b, t, side="right") / len(b)
axes[1].plot(t, S, "k-", lw=1, label="$S$")
axes[1].fill_between(t, S**2, color="0.75", label="$S^2$, of area $d_1^2$")
axes[1].plot(a, 0 * a, "o", color="k", ms=3)
axes[1].plot(b, 0 * b, "s", color="tab:orange", ms=3)
on_line = dg.line_squared_distance(a[:, None], b[:, None])
axes[1].set(xlabel=r"$\xi \cdot x$", title=f"on the line: $d_1^2$ = {on_line:.3f}", ylim=(-0.2, 1.35))
axes[1].legend(frameon=False, fontsize=8, loc="upper right")

exact = dg.cloud_squared_distance(x, y, kernel=dg.HuberEnergy(a=0))
counts = np.array([2, 4, 8, 16, 32, 64])
errors = {"independent": [], "equal angles": []}
for count in counts:
    for name in errors:
        found = []
        for _ in range(24):
            angles = np.pi * (rng.random() + np.arange(count) / count if name == "equal angles" else rng.random(count))
            lines = np.stack([np.cos(angles), np.sin(angles)])  # (2, count)
            slices = [dg.line_squared_distance(x @ line[:, None], y @ line[:, None]) for line in lines.T]
            found.append(dg.slice_constant(2) * np.mean(slices))
        errors[name].append(np.std(found) / exact)
axes[2].loglog(counts, errors["independent"], "ko-", mfc="w", label="independent")
axes[2].loglog(counts, errors["equal angles"], "ks-", label="equal angles")
axes[2].loglog(counts, errors["independent"][0] * np.sqrt(counts[0] / counts), "k:", lw=1, label="$K^{-1/2}$")
axes[2].set(xlabel="lines $K$", title="relative error of $d^2$")
axes[2].set_xticks(counts, labels=counts)
axes[2].minorticks_off()
axes[2].legend(frameon=False, fontsize=8)
