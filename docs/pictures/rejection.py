"""Two acceptances at the same price, and the laws of what they accept."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq

import divergen as dg


def bell(x, mean, scale):
    return np.exp(-(((x - mean) / scale) ** 2) / 2) / (scale * np.sqrt(2 * np.pi))


budget = 2.0
x = np.linspace(-5, 5, 1001)
width = x[1] - x[0]
p = 0.6 * bell(x, -1.5, 0.4) + 0.4 * bell(x, 1.5, 0.6)
q = bell(x, 0, 2.0)
p, q = p / p.sum(), q / q.sum()
ratio = p / q
best = dg.obrs(ratio, budget, weights=q)
gamma = brentq(lambda g: q @ dg.drs(ratio, g) - 1 / budget, -20, 20)
sigmoid = dg.drs(ratio, gamma)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), width_ratios=(2, 3))
order = np.argsort(ratio)
rules = (("OBRS", best.probability, "-", "C0"), (rf"DRS, $\gamma$ = {gamma:.1f}", sigmoid, "--", "C1"),
         (r"$r/M$, at the price $M$", ratio / ratio.max(), ":", "0.3"))
for name, probability, style, colour in rules:
    left.plot(ratio[order], probability[order], style, color=colour, label=name)
left.set(xlabel="ratio $r$ of target to model", ylabel="probability of acceptance", title="what is accepted")
left.legend(frameon=False, loc="lower right")

right.fill_between(x, budget * q / width, color="0.92", label=rf"at most {budget:.0f} $\hat p$")
right.plot(x, p / width, color="k", lw=1, label="target $p$")
right.plot(x, q / width, "-.", color="0.4", lw=1, label=r"model $\hat p$")
for name, probability, style, colour in rules[:2]:
    law = probability * q / (probability @ q)
    divergence = np.sum(p * np.log(p / law))
    right.plot(x, law / width, style, color=colour, label=f"{name[:4].strip(',')}: KL = {divergence:.3f}")
right.set(xlabel="$x$", ylabel="density", ylim=(0, 0.62), title=f"what results, {budget:.0f} proposals a sample")
right.legend(frameon=False, loc="upper right", fontsize=8)
