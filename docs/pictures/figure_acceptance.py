"""Two rules of acceptance, as functions of the ratio, each at three rates on one pair of laws."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq

import divergen as dg

x = np.linspace(-6, 6, 1201)
p, q = (np.exp(-((x / s) ** 2) / 2) / s for s in (1.0, 2.0))
p, q = p / p.sum(), q / q.sum()
ratio = p / q
order = np.argsort(ratio)
figure, axes = plt.subplots(1, 2, figsize=(6.6, 2.9), sharey=True)
for budget, style in ((1.1, "k:"), (1.4, "k--"), (ratio.max(), "k-")):
    best = dg.obrs(ratio, budget, weights=q)
    gamma = brentq(lambda g, rate=1 / budget: q @ dg.drs(ratio, g) - rate, -20, 20)
    label = f"$K$ = {budget:.1f}" + (" = $M$" if budget == ratio.max() else "")
    axes[0].plot(ratio[order], dg.drs(ratio, gamma)[order], style, label=rf"{label}, $\gamma$ = {gamma:.1f}")
    axes[1].plot(ratio[order], best.probability[order], style, label=label)
axes[0].set(xlabel=r"ratio $p/\hat p$", ylabel="probability of acceptance", title="DRS")
axes[1].set(xlabel=r"ratio $p/\hat p$", title="OBRS")
for ax in axes:
    ax.legend(frameon=False, loc="lower right")
