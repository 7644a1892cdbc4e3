"""The areas that make a point of the precision-recall curve, at three thresholds."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

x = np.linspace(-5, 7, 1201)
step = x[1] - x[0]
p = np.exp(-(((x + 0.5) / 0.9) ** 2) / 2) / (0.9 * np.sqrt(2 * np.pi))
q = np.exp(-(((x - 1.5) / 1.4) ** 2) / 2) / (1.4 * np.sqrt(2 * np.pi))
lambdas = np.array([0.3, 1.0, 3.0])
curve = dg.pr_curve(p / p.sum(), q / q.sum(), lambdas)
figure, axes = plt.subplots(2, 3, figsize=(9, 4.4), sharex=True)
for column, lam, alpha, beta in zip(axes.T, lambdas, curve.precision, curve.recall, strict=True):
    for ax, upper, lower, names in ((column[0], lam * p, q, (r"$\lambda p$", r"$\hat p$")),
                                    (column[1], p, q / lam, ("$p$", r"$\hat p / \lambda$"))):
        ax.fill_between(x, np.minimum(upper, lower), color="0.8")
        ax.plot(x, upper, "k-", lw=1, label=names[0])
        ax.plot(x, lower, "k--", lw=1, label=names[1])
        ax.set(yticks=[], ylim=(0, None))
        ax.legend(frameon=False)
    column[0].set_title(rf"$\lambda$ = {lam:g}: area $\alpha_\lambda$ = {alpha:.2f}")
    column[1].set(title=rf"area $\beta_\lambda$ = {beta:.2f}", xlabel="$x$")
