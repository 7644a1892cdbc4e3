"""Precision against recall of small generators, trained and truncated: what three files in docs/results say."""

import csv
from pathlib import Path

import matplotlib.pyplot as plt

import divergen

RESULTS = Path(divergen.__file__).parents[2] / "docs" / "results"


def read(name, columns, **chosen):
    """The means in two columns of the rows in which the other columns have the given values."""
    with (RESULTS / name).open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if all(row[key] == value for key, value in chosen.items())]
    return [tuple(float(row[column].split(" ± ")[0]) for column in columns) for row in rows]


figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.9))
both = ("recall", "precision")
for ax, data in zip(axes, ("ring", "grid", "digits"), strict=True):
    families = {
        "trained for $\\lambda$ = 0.05 to 20": (read("gan_lambda.csv", both, dataset=data), "ko-"),
        "hard truncation": (read("gan_psi.csv", both, dataset=data, rule="hard"), "k^:"),
        "soft truncation": (read("gan_psi.csv", both, dataset=data, rule="soft"), "ks--"),
        "naive dual": (read("gan_lambda.csv", ("naive recall", "naive precision"), dataset=data), "kx"),
        "refined with OBRS, $K$ = 1 to 4": (
            read("gan_obrs.csv", both, **{"dataset": data, "trained from": "first weights"}), "kD-."),
    }
    for name, (points, style) in families.items():
        ax.plot(*zip(*points, strict=True), style, ms=4, lw=1, mfc="black" if "o" in style else "white", label=name)
    ax.set(title=data, xlabel="recall", xlim=(-0.03, 1.03), ylim=(0.25, 1.03))
axes[0].set_ylabel("precision")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
