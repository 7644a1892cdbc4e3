"""The generators of the PR-divergences, and with which weights four divergences average over them."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

figure, axes = plt.subplots(1, 2, figsize=(6.6, 2.9))
u = np.linspace(0, 4, 401)
for lam, style in ((0.5, "k--"), (1.0, "k-"), (2.0, "k:")):
    axes[0].plot(u, dg.precision_recall(lam).f(u), style, label=rf"$\lambda$ = {lam:g}")
axes[0].set(xlabel="$u$", ylabel=r"$f_\lambda(u)$", title="generators: a kink at $1/\\lambda$", ylim=(-1.1, 3))
axes[0].legend(frameon=False)
lam = np.geomspace(0.05, 20, 200)
for f, style, name in ((dg.kl, "k-", "KL"), (dg.reverse_kl, "k--", "reverse KL"),
                       (dg.jensen_shannon, "k-.", "Jensen-Shannon"), (dg.pearson_chi2, "k:", r"$\chi^2$")):
    axes[1].loglog(lam, f.second_derivative(1 / lam) / lam**3, style, label=name)
axes[1].set(xlabel=r"$\lambda$", ylabel=r"$\lambda^{-3} f''(1/\lambda)$", title="weights of theorem 3.6")
axes[1].legend(frameon=False)
