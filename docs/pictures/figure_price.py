"""What exact rejection costs in many dimensions, and how far a fixed budget gets."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import chi2

dimensions = np.arange(1, 101)
figure, axes = plt.subplots(1, 2, figsize=(6.6, 2.9))
for spread, style in ((1.1, "k-"), (1.2, "k--"), (1.5, "k:")):
    axes[0].semilogy(dimensions, spread**dimensions, style)  # M = s^d
    at = min(80.0, 5 / np.log10(spread))
    axes[0].text(at + 2, spread**at, f"{spread:g}", va="top")
axes[0].axhline(4, color="0.6", lw=3, zorder=0)
axes[0].text(60, 1.4, "a budget of 4")
axes[0].set(xlabel="dimension", ylabel="proposals per sample",
            title="price of the target, for models\n1.1, 1.2 and 1.5 times as wide", ylim=(1, 1e6))


def left_over(d, spread, budget):
    """Total variation from N(0, I_d) to what OBRS makes of N(0, s^2 I_d): the integral of (p - K q)_+, over a ball."""
    log_room = d * np.log(spread) - np.log(budget)  # log M / K
    if log_room <= 0:
        return 0.0
    squared = 2 * log_room / (1 - 1 / spread**2)  # of the radius where p = K q
    return chi2.cdf(squared, d) - budget * chi2.cdf(squared / spread**2, d)


for budget, style in ((1.0, "k:"), (4.0, "k-"), (16.0, "k--")):
    values = [left_over(d, 1.1, budget) for d in dimensions]
    axes[1].plot(dimensions, values, style, label=f"$K$ = {budget:g}")
axes[1].set(xlabel="dimension", ylabel="total variation to the target",
            title="what a budget leaves,\nmodel 1.1 times as wide", ylim=(0, 1))
axes[1].legend(frameon=False)
