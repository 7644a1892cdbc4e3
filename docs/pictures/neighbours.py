"""Left: one real outlier makes points precise that are not. Right: what a perfect model scores, by dimension."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

rng = np.random.default_rng(0)
k = 3
real = np.concatenate([rng.standard_normal((60, 2)), [[6.5, 0.5]]])  # the last one is an outlier
generated = np.concatenate([rng.standard_normal((14, 2)), np.array([4.3, 0.0]) + 0.35 * rng.standard_normal((14, 2))])
found = dg.neighbour_metrics(real, generated, k)
without = dg.neighbour_metrics(real[:-1], generated, k)

figure, axes = plt.subplots(1, 2, figsize=(9, 4), gridspec_kw={"width_ratios": [1.15, 1]})
radii = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
for centre, radius in zip(real[:-1], radii[:-1], strict=True):
    axes[0].add_patch(plt.Circle(centre, radius, color="C0", alpha=0.1, lw=0))
axes[0].add_patch(plt.Circle(real[-1], radii[-1], fill=False, ls="--", color="C0"))
axes[0].plot(*real.T, "+", color="C0", ms=5, label="real, with balls")
axes[0].scatter(*generated.T, s=6 + 10 * found.balls, fc="none", ec="k", label="generated, size by balls")
axes[0].annotate("in the outlier's ball alone", (4.3, -0.9), (3.0, -2.9), arrowprops={"arrowstyle": "-", "lw": 0.6})
axes[0].set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$", xlim=(-3.6, 11.8), ylim=(-4.7, 6.6))
axes[0].set_title(f"precision {found.precision:.2f}, density {found.density:.2f}; "
                  f"without the outlier {without.precision:.2f}, {without.density:.2f}", fontsize=9)
axes[0].legend(frameon=False, loc="upper left", fontsize=8)

dimensions = np.array([1, 2, 4, 8, 16, 32, 64, 128])
styles = {"density": "ks:", "coverage": "kD-.", "precision": "ko-", "recall": "k^--"}
scores = {name: [] for name in styles}
n, repetitions = 1000, 5
for d in dimensions:
    trials = [dg.neighbour_metrics(*rng.standard_normal((2, n, d)), 5) for _ in range(repetitions)]
    for name, values in scores.items():
        values.append(np.mean([getattr(one, name) for one in trials]))
expected = 1 - np.prod([(n - 1 - i) / (2 * n - 1 - i) for i in range(5)])
for level in (1.0, expected):
    axes[1].axhline(level, color="0.75", lw=3)
for name, style in styles.items():
    axes[1].semilogx(dimensions, scores[name], style, mfc="white", ms=5, lw=1.2, label=name)
axes[1].set(xlabel="dimension", ylabel="score of a perfect model", ylim=(0.5, 1.12), xticks=dimensions,
            title="two samples of one Gaussian, $n$ = 1000, $k$ = 5")
axes[1].set_xticklabels(dimensions)
axes[1].minorticks_off()
axes[1].legend(frameon=False, loc="lower left")
