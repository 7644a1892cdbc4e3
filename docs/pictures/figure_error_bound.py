"""The error of total variation, read off a critic of another divergence, against the bound of theorem 3.7."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg
from divergen.evaluation import divergences

rng = np.random.default_rng(2)
f = dg.total_variation
figure, axes = plt.subplots(1, 2, figsize=(6.6, 3.1), sharex=True, sharey=True)
for ax, g, name in zip(axes, (dg.pearson_chi2, dg.kl), (r"critic of $\chi^2$", "critic of KL, ratios below 10"),
                       strict=True):
    gaps, errors, limits = [], [], []
    for _ in range(400):
        p, q = rng.dirichlet(np.full(8, 3.0)), rng.dirichlet(np.full(8, 3.0))
        ratio = p / q
        learnt = ratio * np.exp(rng.normal(0, 10 ** rng.uniform(-2.5, 0.3), 8))
        if max(ratio.max(), learnt.max()) > 10:
            continue
        critic = divergences.optimal_critic(g, learnt)
        dual = divergences.dual_value(g, critic, critic, weights_p=p, weights_q=q)
        gaps.append(max(divergences.divergence(g, p, q) - dual, 0.0))
        estimate = divergences.primal_estimate(f, g, critic, weights_q=q)
        errors.append(abs(estimate - divergences.divergence(f, p, q)))
        limits.append(divergences.estimation_error_bound(f, g, gaps[-1], ratios=(0.0, 10.0)).value)
    order = np.argsort(gaps)
    ax.loglog(gaps, errors, "k.", ms=3, label="random pairs and critics")
    ax.loglog(np.array(gaps)[order], np.array(limits)[order], "k-", lw=1, label="the bound")
    ax.set(xlabel=r"gap $\epsilon$ of the critic", title=name, xlim=(1e-6, 10), ylim=(1e-6, 10))
axes[0].set_ylabel("error of total variation")
axes[0].legend(frameon=False, loc="upper left")
