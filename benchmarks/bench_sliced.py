"""Slices against all pairs: error and time against the number of directions, the crossover, and a million points.

Run: python benchmarks/bench_sliced.py [--large]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from statistics import median

import common  # before NumPy: it asks for one thread
import numpy as np

import divergen as dg
from divergen.distance.line import line_squared_distance, line_squared_distance_and_gradient
from divergen.distance.sliced import sliced_squared_distance

ENERGY = dg.HuberEnergy(a=0)
SHIFT = 0.5  # of the second cloud, in one coordinate
MILLION = 1_000_000


def clouds(n: int, dim: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return two normal samples of n points, the second shifted."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n, dim)), rng.standard_normal((n, dim))
    y[:, 0] += shift
    return x, y


def errors(dim: int, n: int = 4000) -> None:
    """Print, for one law and for two, the error that some numbers of directions leave."""
    rows = [("directions", "groups", "ms", "standard error", "off by", "same law: standard error", "off by", "")]
    pairs = [clouds(n, dim, shift) for shift in (SHIFT, 0.0)]
    exact = [dg.cloud_squared_distance(x, y, kernel=ENERGY) for x, y in pairs]
    for directions in (16, 64, 128, 256, 1024):
        rng, cells = np.random.default_rng(1), []
        for (x, y), truth in zip(pairs, exact, strict=True):
            start = time.perf_counter()
            result = sliced_squared_distance(x, y, rng=rng, directions=directions)
            seconds = time.perf_counter() - start
            cells += [f"{result.standard_error / truth:.1e}", f"{result.squared_distance / truth - 1:+.1e}"]
        rows.append((str(result.directions), str(result.groups), f"{1e3 * seconds:.0f}", *cells, ""))
    print(f"\nL = {dim}: {n} x {n} points; errors are relative to d^2 = {exact[0]:.4e}, same law {exact[1]:.4e}")
    common.print_table(rows)


def crossover(dim: int) -> None:
    """Compare the time of all pairs with that of slices, value and gradient."""
    rows = [("points", "all pairs, ms", "slices, ms", "ratio", "with gradient: pairs", "slices", "ratio", "")]
    for n in (1000, 2000, 5000, 10_000, 20_000):
        x, y = clouds(n, dim, SHIFT)
        cells = []
        for gradient in (False, True):
            pairs = dg.cloud_squared_distance_and_gradient if gradient else dg.cloud_squared_distance

            def all_pairs(x=x, y=y, pairs=pairs):
                return pairs(x, y, kernel=ENERGY)

            def slices(x=x, y=y, gradient=gradient):
                return sliced_squared_distance(x, y, rng=np.random.default_rng(0), gradient=gradient)

            if n <= 5000:
                times, _ = common.interleave({"pairs": all_pairs, "slices": slices}, rounds=3)
            else:
                times = {"pairs": [seconds_of(all_pairs)], "slices": [seconds_of(slices)]}
            cells += [f"{1e3 * median(times[name]):.0f}" for name in ("pairs", "slices")]
            cells.append(f"{common.ratio(times, 'pairs', 'slices'):.2f}")
        rows.append((str(n), *cells, ""))
    print(f"\nL = {dim}: all pairs against 128 directions (a ratio above 1: slices are faster)")
    common.print_table(rows)


def seconds_of(function) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def on_a_line() -> None:
    """Print the time of the exact distance in one dimension."""
    rows = [("points", "value, ms", "with gradient", "")]
    for n in (1000, 10_000, 100_000, MILLION):
        x, y = clouds(n, 1, SHIFT)
        runs: common.Runs = {"value": lambda x=x, y=y: line_squared_distance(x, y),
                             "gradient": lambda x=x, y=y: line_squared_distance_and_gradient(x, y)}
        times, _ = common.interleave(runs, rounds=3)
        rows.append((str(n), f"{1e3 * median(times['value']):.1f}", f"{1e3 * median(times['gradient']):.1f}", ""))
    print("\nL = 1: exact, by sorting")
    common.print_table(rows)


def million(dim: int, gradient: bool) -> None:
    """Measure a million points against a million, in a process of its own: ask for it with --million."""
    x, y = clouds(MILLION, dim)
    start, cpu = time.perf_counter(), time.process_time()
    result = sliced_squared_distance(x, y, rng=np.random.default_rng(1), gradient=gradient)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    expected = dg.gaussian_self_energy(np.eye(dim), ENERGY) / MILLION  # E d^2 = E |z - z'| / n
    print(f"L = {dim}{', with gradient' if gradient else ''}: {seconds:.1f} s ({cpu:.1f} of the core), "
          f"{result.directions} directions in {result.groups} groups, "
          f"d^2 = {result.squared_distance:.3e} +- {result.standard_error:.1e} "
          f"({expected:.3e} expected of two samples of one law)")
    print(f"  peak memory of the process {peak / 1e6:.0f} MB, of which the points {(x.nbytes + y.nbytes) / 1e6:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="a million points against a million, a minute or two")
    parser.add_argument("--million", type=int, metavar="L", help=argparse.SUPPRESS)
    parser.add_argument("--gradient", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.million:
        million(arguments.million, arguments.gradient)
    elif arguments.large:
        common.print_header("A million points against a million, sliced", "numpy", "scipy")
        for options in (["2"], ["2", "--gradient"], ["32"], ["32", "--gradient"]):
            subprocess.run([sys.executable, __file__, "--million", *options], check=True)
    else:
        common.print_header("Slices", "numpy", "scipy")
        on_a_line()
        for dim in (2, 32):
            errors(dim)
            crossover(dim)
