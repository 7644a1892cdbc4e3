"""Precision, recall, density and coverage against prdc: time and memory; with --large, both at 50,000 points.

Run: python benchmarks/bench_neighbours.py [--large] [--workers 2]. Needs prdc beside the extra `bench`. prdc
compares with <, which is our ties="strict"; on data without ties both give the same numbers. It asks scikit-learn for
eight threads; it keeps them here, and we use one, or as many as are given.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import subprocess
import sys
import time
from pathlib import Path

import common  # before NumPy: it asks for one thread
import numpy as np

import divergen as dg

K, DIM = 5, 64
NAMES = ("precision", "recall", "density", "coverage")


def clouds(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, DIM)), 0.97 * rng.standard_normal((n, DIM))


def ours(x: np.ndarray, y: np.ndarray) -> list[float]:
    return list(dg.neighbour_metrics(x, y, K, ties="strict", workers=common.WORKERS)[:4])


def theirs(x: np.ndarray, y: np.ndarray) -> list[float]:
    from prdc import compute_prdc

    with contextlib.redirect_stdout(io.StringIO()):  # it prints the sizes
        found = compute_prdc(x, y, nearest_k=K)
    return [float(found[name]) for name in NAMES]


def peak() -> int:
    """Return the highest resident memory of this process so far, in bytes.

    What `getrusage` says includes, on Linux, the parent's memory at the start of the process; VmHWM does not.
    """
    if (status := Path("/proc/self/status")).is_file():
        return 1024 * next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line)
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def extra_memory(which: str, n: int) -> float:
    """Return by how many MiB the peak of this process rises; what is loaded on first use does not count."""
    run = {"divergen": ours, "prdc": theirs}[which]
    x, y = clouds(n)
    run(x[:100], y[:100])
    before = peak()
    run(x, y)
    return (peak() - before) / 2**20


def measured_apart(which: str, n: int) -> float:
    """Return extra_memory from a process of its own: a peak never falls."""
    command = [sys.executable, __file__, "--memory", which, str(n)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def side_by_side(n: int = 10_000, rounds: int = 5) -> None:
    x, y = clouds(n)
    times, values = common.interleave({"divergen": lambda: ours(x, y), "prdc": lambda: theirs(x, y)}, rounds)
    print(f"\n{n} real and {n} generated points, d = {DIM}, k = {K}, float64, {rounds} rounds")
    notes = {name: ", ".join(f"{key} {v:.4f}" for key, v in zip(NAMES, found, strict=True))
             for name, found in values.items()}
    common.print_times(times, "divergen", notes, f"neighbour metrics, {n:,} and {n:,} points, d = {DIM}, k = {K}")
    memory = {which: measured_apart(which, n) for which in ("divergen", "prdc")}
    for which, mebibytes in memory.items():
        print(f"  {which}: {mebibytes:.0f} MiB beside the data")
    print(f"  prdc / divergen: {common.ratio(times, 'prdc', 'divergen'):.1f} times the time, "
          f"{memory['prdc'] / memory['divergen']:.1f} times the memory")


def large(n: int = 50_000) -> None:
    x, y = clouds(n)
    ours(x[:100], y[:100])
    before = peak()
    start = time.perf_counter()
    found = ours(x, y)
    seconds = time.perf_counter() - start
    print(f"\n{n} real and {n} generated points, d = {DIM}, k = {K}: {seconds:.1f} s, "
          f"{(peak() - before) / 2**20:.0f} MiB beside the data")
    print("  " + ", ".join(f"{key} {v:.4f}" for key, v in zip(NAMES, found, strict=True)))
    print(f"  (one matrix of all distances takes {8 * n**2 / 2**30:.0f} GiB)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="time and memory at n = m = 50,000, one to two minutes")
    parser.add_argument("--workers", type=int, default=1, help="our threads")
    parser.add_argument("--memory", nargs=2, metavar=("WHICH", "N"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        print(extra_memory(arguments.memory[0], int(arguments.memory[1])))
    elif arguments.large:
        common.print_header("Neighbour metrics of two large clouds", "numpy")
        large()
    else:
        common.print_header("Neighbour metrics", "numpy", "scikit-learn", "prdc")
        side_by_side()
