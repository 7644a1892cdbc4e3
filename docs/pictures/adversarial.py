"""How strongly samples are pulled while their critic learns: by the plain dual, and by the auxiliary route."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import ndtri

import divergen as dg
from divergen.models.games import critic_objective, generator_objective, plain_generator_objective

# Samples of Q = N(0, 1.3^2) at even quantiles, against P = N(0.8, 1). The critic is a free number v for each of them,
# that is, one without the limits of a network, and climbs its exact objective: no noise, no minibatches.
n, steps, rate = 200, 400, 0.5
shown = np.unique([*np.geomspace(1, steps, 30).astype(int), 30])
x = 1.3 * ndtri((np.arange(n) + 0.5) / n)
log_ratio = np.log(1.3) + (x / 1.3) ** 2 / 2 - (x - 0.8) ** 2 / 2


def climb(f):
    """The critic after each step that is shown."""
    v, path = np.zeros(n), {}
    for step in range(1, steps + 1):
        found = critic_objective(f, v, v)  # its gradients are 1/n of those at each point
        v = v + rate * n * (np.exp(log_ratio) * found.real + found.generated)
        if step in shown:
            path[step] = v
    return path


games = {lam: dg.precision_recall(lam) for lam in (0.05, 1.0, 20.0)}
plain = {lam: [-n * plain_generator_objective(f, v).gradient for v in climb(f).values()] for lam, f in games.items()}
ratios = climb(dg.gan)  # one critic for all lambda
auxiliary = {lam: [-n * generator_objective(f, v).gradient for v in ratios.values()] for lam, f in games.items()}

figure, axes = plt.subplots(1, 2, figsize=(9, 3.7))
order = np.argsort(log_ratio)
for step, style in ((1, "k:"), (30, "k--"), (steps, "k-.")):
    pull = plain[20.0][list(shown).index(step)]
    axes[0].plot(log_ratio[order], pull[order], style, lw=1.2, label=f"plain, step {step}")
axes[0].plot(log_ratio[order], auxiliary[20.0][-1][order], "C0-", lw=2, label=f"auxiliary, step {steps}")
axes[0].plot(log_ratio, np.full(n, -0.008), "|", color="0.6", ms=5)
axes[0].axvline(-np.log(20), color="0.8", lw=0.8, zorder=0)
axes[0].set(xlabel=r"log-ratio of the sample, $\log r$", ylabel="pull", ylim=(-0.02, 0.36),
            title=r"$\lambda$ = 20: who is pulled")
axes[0].legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
for route, style, name in ((plain, "k:", "plain"), (auxiliary, "C0-", "auxiliary")):
    for (lam, pulls), marker in zip(route.items(), "so^", strict=True):
        axes[1].loglog(shown, np.mean(pulls, axis=1), style, marker=marker, mfc="white", ms=4,
                       markevery=3, label=rf"{name}, $\lambda$ = {lam:g}")
axes[1].set(xlabel="step of the critic", ylabel="mean pull", title="as the critic gets better", ylim=(3e-4, 0.4))
axes[1].legend(frameon=False, fontsize=8, loc="lower left", ncols=2)
