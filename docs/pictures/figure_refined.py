"""Precision and recall against the budget of rejection, also when trained through it: docs/results/gan_obrs.csv."""

import csv
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import divergen

RESULTS = Path(divergen.__file__).parents[2] / "docs" / "results"

with (RESULTS / "gan_obrs.csv").open(encoding="utf-8") as file:
    rows = [row for row in csv.DictReader(file) if row["trained from"] == "first weights"]
figure, axes = plt.subplots(2, 3, figsize=(9.5, 4.8), sharex=True)
for column, data in zip(axes.T, ("ring", "grid", "digits"), strict=True):
    own = [row for row in rows if row["dataset"] == data]
    for ax, name in zip(column, ("precision", "recall"), strict=True):
        for key, style, label in ((name, "ko-", "trained as usual"),
                                  (f"{name} through", "ks--", "trained through OBRS")):
            cells = [(row["K"], *row[key].split(" ± ")) for row in own if row[key] != "–"]
            budget, mean, error = np.array(cells, dtype=float).T
            ax.errorbar(budget, mean, error, fmt=style, mfc="white", ms=5, capsize=2, lw=1, label=label)
        ax.set_ylabel(name)
    column[0].set_title(data)
    column[1].set_xlabel("proposals per sample, $K$")
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
