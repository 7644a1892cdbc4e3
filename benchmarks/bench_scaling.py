"""Time and memory against the number of points, and the slopes: what grows with n, what with n squared.

Run: python benchmarks/bench_scaling.py [--large]. It prints a table, and writes scaling.csv, scaling_time.svg and
scaling_memory.svg into the folder --out, docs/results if nothing else is said. A case is not run any larger once a
call takes more than --seconds.
"""

from __future__ import annotations

import argparse
import csv
import gc
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common  # before NumPy: it asks for one thread
import numpy as np
from scipy.spatial.distance import cdist

import divergen as dg

ENERGY = dg.HuberEnergy(a=0)
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
Case = tuple[str, int, Callable[[np.ndarray, np.ndarray], Any]]


def nearest_neighbours(x: np.ndarray, y: np.ndarray) -> float:
    return dg.neighbour_metrics(x, y, k=5, workers=common.WORKERS).coverage


def one_step(x: np.ndarray, y: np.ndarray) -> float:
    """What L-BFGS asks for in each step of a compression: 48 points against all of x."""
    return dg.potential_and_gradient(y[:48], x, kernel=ENERGY, workers=common.WORKERS)[0].sum()


def exact(x: np.ndarray, y: np.ndarray) -> float:
    return dg.cloud_squared_distance(x, y, kernel=ENERGY, workers=common.WORKERS)


def sliced(x: np.ndarray, y: np.ndarray) -> float:
    return dg.sliced_squared_distance(x, y, rng=np.random.default_rng(0), workers=common.WORKERS).squared_distance


def matrices(x: np.ndarray, y: np.ndarray) -> float:
    """The textbook's way, with SciPy: three matrices of distances."""
    return cdist(x, y).mean() - cdist(x, x).mean() / 2 - cdist(y, y).mean() / 2


CASES: list[Case] = [
    ("all pairs, L = 2", 2, exact),
    ("all pairs, L = 32", 32, exact),
    ("SciPy cdist, L = 2", 2, matrices),
    ("128 slices, L = 2", 2, sliced),
    ("128 slices, L = 32", 32, sliced),
    ("on a line, sorted", 1, dg.line_squared_distance),
    ("neighbour metrics, d = 64", 64, nearest_neighbours),
    ("48 points against n, L = 2", 2, one_step),
]


def measure(case: Case, seconds: float) -> list[tuple[str, int, float, float]]:
    """Return name, n, seconds and MiB beside the data, for growing n as long as a call takes no more than `seconds`."""
    name, dim, run = case
    rows = []
    for n in SIZES:
        if name.startswith("SciPy") and n > 10_000:  # a matrix of 30,000 x 30,000 distances has 7 GiB
            break
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((n, dim)), rng.standard_normal((n, dim)) + 0.1
        run(x[:100], y[:100])  # what is loaded or compiled on first use does not count
        gc.collect()
        start = time.perf_counter()
        run(x, y)
        taken = time.perf_counter() - start
        if taken < 1:  # short ones again, and the best of them
            taken = min(taken, *(timed(run, x, y) for _ in range(4)))
        # Measured apart, and not where it takes long: the allocations of the blocks are counted one by one.
        tracemalloc.start()
        run(x, y)
        mebibytes = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        rows.append((name, n, taken, mebibytes))
        print(f"  {name:<28} n = {n:>9,}  {taken:10.4f} s  {mebibytes:9.1f} MiB", flush=True)
        if taken > seconds:
            break
    return rows


def timed(run: Callable[[np.ndarray, np.ndarray], Any], x: np.ndarray, y: np.ndarray) -> float:
    start = time.perf_counter()
    run(x, y)
    return time.perf_counter() - start


def slope(rows: list[tuple[str, int, float, float]], column: int) -> float:
    """Return the exponent of n in the last step measured: from the largest n of at most a third to the largest."""
    (_, *before), (_, *last) = rows[-2:]
    return float(np.log(last[column] / before[column]) / np.log(last[0] / before[0]))


def plot(rows: list[tuple[str, int, float, float]], column: int, label: str, path: Path) -> None:
    """Draw one line for each case on doubly logarithmic axes, its slope in the legend."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "divergen"  # the same file for the same numbers
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for (name, _, _), marker in zip(CASES, "os^Dv<>P", strict=True):
        mine = [row for row in rows if row[0] == name]
        exponent = f", slope {slope(mine, column):.2f}" if len(mine) > 1 else ""
        style = "--" if name.startswith("SciPy") else "-"
        axes.loglog([row[1] for row in mine], [row[column + 1] for row in mine], style, marker=marker, markersize=5,
                    label=name + exponent)
    axes.set(xlabel="n, points in each of the two clouds", ylabel=label)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main(out: Path, seconds: float) -> None:
    common.print_header("Time and memory against the number of points", "numpy", "scipy")
    rows = [row for case in CASES for row in measure(case, seconds)]
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "scaling.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("what", "n", "seconds", "MiB beside the data"))
        writer.writerows((name, n, f"{taken:.3g}", f"{mebibytes:.3g}") for name, n, taken, mebibytes in rows)
    plot(rows, 1, "seconds", out / "scaling_time.svg")
    plot(rows, 2, "MiB beside the data", out / "scaling_memory.svg")
    print(f"written to {out}: scaling.csv, scaling_time.svg, scaling_memory.svg")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "results")
    parser.add_argument("--seconds", type=float, default=3.5, help="a call that takes longer ends its case")
    parser.add_argument("--large", action="store_true", help="the same as --seconds 20")
    parser.add_argument("--workers", type=int, default=1, help="threads")
    options = parser.parse_args()
    main(options.out, 20.0 if options.large else options.seconds)
