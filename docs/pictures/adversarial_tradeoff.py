"""Precision against recall for generators trained at several lambda: the chapter's first table."""

import csv
from pathlib import Path

import matplotlib.pyplot as plt

rows = list(csv.DictReader(Path("results/gan_lambda.csv").read_text(encoding="utf-8").splitlines()))


def read(row, name):
    """A cell "mean ± standard error" as two numbers."""
    mean, _, error = row[name].partition("±")
    return float(mean), float(error)


figure, axes = plt.subplots(1, 3, figsize=(9, 3.5), sharey=True)
for ax, dataset in zip(axes, ("ring", "grid", "digits"), strict=True):
    of = [row for row in rows if row["dataset"] == dataset]
    for prefix, style, name in (("", "o-", "auxiliary"), ("naive ", "x:", "plain dual")):
        (recall, recall_error), (precision, precision_error) = (
            zip(*(read(row, prefix + key) for row in of), strict=True) for key in ("recall", "precision"))
        colour = "C3" if prefix else "k"
        ax.errorbar(recall, precision, xerr=recall_error, yerr=precision_error, fmt=style, color=colour, mfc="white",
                    ms=5, lw=1, elinewidth=0.6, label=name)
        for row, x, y in zip(of, recall, precision, strict=True):
            if row["lam"] in ("0.05", "20"):
                place = (-4, 7 if row["lam"] == "20" else -14)
                ax.annotate(row["lam"], (x, y), place, textcoords="offset points", color=colour, fontsize=8, ha="right",
                            bbox={"fc": "white", "ec": "none", "pad": 0.3, "alpha": 0.8})
    ax.set(title=dataset, xlabel="recall", xlim=(-0.02, 1.05), ylim=(0.2, 1))
axes[0].set_ylabel("precision")
axes[1].legend(frameon=False, loc="upper left", fontsize=8)
