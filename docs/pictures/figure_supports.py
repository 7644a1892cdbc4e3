"""Precision and recall of two laws with finite supports, and of two without."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

side = np.linspace(-3, 3, 601)
x, y = np.meshgrid(side, side)
real, made = (x + 0.6) ** 2 + y**2 < 1.6**2, (x - 1.1) ** 2 + (y / 0.75) ** 2 < 1.3**2
p, q = real / real.sum(), made / made.sum()  # uniform laws on a disc and on an ellipse
figure, axes = plt.subplots(1, 4, figsize=(11.5, 2.9))
for ax, law, name, share in ((axes[0], made, "precision", q[real].sum()), (axes[1], real, "recall", p[made].sum())):
    shade = law + 1.0 * (real & made)  # 2 in both, 1 in the one whose share is asked for
    ax.contourf(side, side, shade, levels=[-0.5, 0.5, 1.5, 2.5], colors=["white", "0.88", "0.55"])
    ax.contour(side, side, real * 1.0, levels=[0.5], colors="k")
    ax.contour(side, side, made * 1.0, levels=[0.5], colors="k", linestyles="--")
    ax.text(-1.2, 1.75, "$P$"), ax.text(1.3, 1.2, r"$\hat P$")
    ax.set(title=f"{name} {share:.2f}:\nthe dark part of the grey", aspect="equal", xticks=[], yticks=[])
line = np.linspace(-8, 8, 801)
normals = [np.exp(-(((line - m) / s) ** 2) / 2) / s for m, s in ((-1, 1.0), (1.5, 1.5))]
p1, q1 = (one / one.sum() for one in normals)
axes[2].plot(line, p1, "k-", label="$p$")
axes[2].plot(line, q1, "k--", label=r"$\hat p$")
axes[2].set(title="infinite supports:\nboth numbers are 1", xlabel="$x$", yticks=[])
axes[2].legend(frameon=False)
for law, style, name in (((p.ravel(), q.ravel()), "k-", "disc and ellipse"), ((p1, q1), "k--", "two normals")):
    curve = dg.pr_curve(*law)
    axes[3].plot(curve.recall, curve.precision, style, label=name)
axes[3].set(title="the curves, which end\nat those numbers", xlabel=r"recall $\beta_\lambda$",
            ylabel=r"precision $\alpha_\lambda$", xlim=(0, 1.04), ylim=(0, 1.04), aspect="equal")
axes[3].legend(frameon=False, loc="upper right")
