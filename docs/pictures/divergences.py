"""Left: a critic's value at a ratio is the slope of a tangent. Right: which PR-divergences a divergence is made of."""

import matplotlib.pyplot as plt
import numpy as np

from divergen.evaluation import divergences as dv

figure, axes = plt.subplots(1, 2, figsize=(9, 3.7))

# --- the dual: below the generator runs a tangent for each value of the critic ---------------------
f, truth, wrong = dv.kl, 2.4, 0.7  # the ratio p/q at a point, and the ratio that a poor critic takes it for
u = np.linspace(0.001, 3.2, 400)
axes[0].plot(u, f.f(u), "k-", lw=2, label="$f$, KL")
for ratio, style, name in ((truth, "--", f"$T = f'({truth})$, optimal"), (wrong, ":", f"$T = f'({wrong})$")):
    t = dv.optimal_critic(f, ratio)
    line = t * u - f.conjugate(t)
    axes[0].plot(u, line, "C0" + style, lw=1.6, label=f"$Tu - f^*(T)$, {name}")
    axes[0].plot(0, -f.conjugate(t), "C0o", mfc="white", clip_on=False, zorder=5)
    if ratio == wrong:
        axes[0].annotate("", (truth, t * truth - f.conjugate(t)), (truth, f.f(truth)),
                         arrowprops={"arrowstyle": "<->", "color": "C3"})
        axes[0].text(truth + 0.06, 0.05, "lost", color="C3")
axes[0].plot(truth, f.f(truth), "ko")
axes[0].axvline(truth, color="0.8", lw=0.8, zorder=0)
axes[0].text(0.08, -f.conjugate(dv.optimal_critic(f, truth)) - 0.02, "$-f^*(T)$", va="center", color="C0")
axes[0].set(xlabel="ratio $u = p/q$", ylim=(-1.9, 1.6), xlim=(0, 3.2), title="the dual form, at one point")
axes[0].legend(frameon=False, loc="lower right", fontsize=8)

# --- the average: the weight of D_lambda on the scale of log lambda is u^2 f''(u) at u = 1/lambda --
lam = np.geomspace(1e-3, 1e3, 61)
for g, name, style, place, factor in (
    (dv.pearson_chi2, r"Pearson $\chi^2$", "-.", 0.07, 1.7), (dv.kl, "KL", "-", 0.013, 0.3),
    (dv.jensen_shannon, "Jensen-Shannon", "--", 2e-3, 0.4), (dv.reverse_kl, "reverse KL", ":", 40, 1.4),
    (dv.neyman_chi2, r"Neyman $\chi^2$", (0, (5, 1, 1, 1, 1, 1)), 6, 25),
):
    axes[1].loglog(lam, g.second_derivative(1 / lam) / lam**2, "k", ls=style, lw=1.5)
    axes[1].text(place, factor * g.second_derivative(1 / place) / place**2, name, fontsize=8)
axes[1].axvline(1, color="0.8", lw=0.8, zorder=0)
axes[1].set(xlabel=r"$\lambda$:   recall $\leftarrow$   $\rightarrow$ precision", ylim=(2e-3, 2e3), xlim=(1e-3, 1e3),
            ylabel=r"weight of $D_\lambda$ in $D_f$, per $\log\lambda$", title="what a divergence looks at")
