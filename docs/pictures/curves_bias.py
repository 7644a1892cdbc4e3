"""The area under a curve from histograms: few bins flatter the model, few points in each bin punish it."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import ndtr, ndtri

from divergen.evaluation.curves import pr_curve

rng = np.random.default_rng(0)
bins = np.array([2, 3, 5, 8, 12, 20, 40, 80, 160, 320])
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
for ax, shift in zip(axes, (0.0, 1.5), strict=True):  # P = N(0, 1), Q = N(shift, 1)
    def shares(k, shift=shift):
        """Masses of both in the k bins of equal probability under N(shift/2, 1)."""
        edges = ndtri(np.linspace(0, 1, k + 1)) + shift / 2
        return np.diff(ndtr(edges)), np.diff(ndtr(edges - shift))

    ax.axhline(pr_curve(*shares(20_000)).area, color="0.7", lw=3, label="exact")
    ax.semilogx(bins, [pr_curve(*shares(k)).area for k in bins], "k-", label=r"$n = \infty$")
    for n, style in ((2000, "ko--"), (200, "k^:")):
        areas = [[pr_curve(*(rng.multinomial(n, share) / n for share in shares(k))).area for _ in range(20)]
                 for k in bins]
        ax.semilogx(bins, np.mean(areas, axis=1), style, mfc="white", ms=5, label=f"$n$ = {n}")
    ax.set(xlabel="number of bins", xticks=[2, 5, 20, 100, 300], ylim=(0, 1.03),
           title="the model is the target" if shift == 0 else f"the model is {shift:g} to the right")
    ax.set_xticklabels([2, 5, 20, 100, 300])
axes[0].set_ylabel("area under the curve")
axes[0].legend(frameon=False, loc="lower left")
