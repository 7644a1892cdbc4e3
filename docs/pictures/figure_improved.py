"""Different digits among ten, from convolutional autoencoders of three sizes: docs/results/diverse_digits.csv."""

import csv
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import divergen

RESULTS = Path(divergen.__file__).parents[2] / "docs" / "results"

with (RESULTS / "diverse_digits.csv").open(encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
ways = list(dict.fromkeys(row["way"] for row in rows))
figure, axes = plt.subplots(1, 3, figsize=(8.4, 2.9), sharey=True)
for ax, dimension in zip(axes, ("2", "8", "16"), strict=True):
    for offset, (column, shade) in enumerate((("distinct digits", "0.75"), ("distinct and sure", "white"))):
        cells = [row[column].split(" ± ") for row in rows if row["L"] == dimension]
        heights, errors = np.array(cells, dtype=float).T
        ax.barh(np.arange(len(ways)) + 0.38 * offset - 0.19, heights, 0.36, xerr=2 * errors, color=shade,
                edgecolor="black", capsize=2, label=column)
    ax.axvline(10 * (1 - 0.9**10), color="black", ls="--", lw=1, label="ten real digits at random")
    ax.set(title=f"latent dimension {dimension}", xlabel="of 10 digits", xlim=(0, 10))
axes[0].set_yticks(range(len(ways)), ways)
axes[0].invert_yaxis()
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
