"""A cloud in chunks on a cluster of two processes: potentials, neighbours, compression; --large for 20 million points.

Run: python benchmarks/bench_cluster.py [--large]. Needs dask and distributed beside the extra `bench`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import common  # before NumPy: it asks for one thread
import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster, wait

import divergen as dg

K = 48
LARGE = 20_000_000


def peaks(client: Client) -> list[float]:
    """Return the highest resident memory of each worker so far, in MiB."""

    def highest() -> int:
        return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines()
                    if "VmHWM" in line)

    return sorted(kibibytes / 2**10 for kibibytes in client.run(highest).values())


def made(n: int, rows: int, dim: int = 2) -> Any:
    """Return normal points, made on the workers and kept there."""
    y = da.random.default_rng(0).standard_normal((n, dim), chunks=(rows, dim)).persist()
    wait(y)
    return y


def timed(run: Callable[[], Any], calls: int = 5) -> float:
    """Return the median time of a call, after one that does not count."""
    run()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return median(times)


def potentials(client: Client) -> None:
    """Compare the potential with gradient of a cloud in chunks with that of the same cloud in memory."""
    x = np.random.default_rng(1).standard_normal((K, 2))
    rows = [("points", "chunks", "in memory, ms", "in memory, 2 threads", "in chunks, ms", "off by", "")]
    for n, chunk in ((10_000, 5_000), (100_000, 25_000), (1_000_000, 250_000), (1_000_000, 50_000), (1_000_000, 5_000)):
        y = made(n, chunk)
        points = y.compute()
        target, here = dg.Diracs(y), dg.Diracs(points)
        value, want = target.potential(x), here.potential(x)
        one = timed(lambda here=here: here.potential_and_gradient(x))
        two = timed(lambda here=here: here.potential_and_gradient(x, workers=2))
        chunked = timed(lambda target=target: target.potential_and_gradient(x))
        rows.append((str(n), str(n // chunk), f"{1e3 * one:.0f}", f"{1e3 * two:.0f}", f"{1e3 * chunked:.0f}",
                     f"{np.max(np.abs(value / want - 1)):.0e}", ""))
    print(f"\nPotential and gradient at {K} points of the plane")
    common.print_table(rows)


def neighbours(client: Client, n: int = 20_000, dim: int = 64) -> None:
    """Compare the neighbour metrics of real points in chunks with those in memory."""
    generated = 0.97 * np.random.default_rng(1).standard_normal((2_000, dim))
    rows = [("chunks of the real points", "seconds", "same numbers", "")]
    for chunk in (n, n // 4, n // 10):
        real = made(n, chunk, dim)
        start = time.perf_counter()
        found = dg.neighbour_metrics(real, generated)
        seconds = time.perf_counter() - start
        want = dg.neighbour_metrics(real.compute(), generated)
        same = all(np.array_equal(a, b) for a, b in zip(found, want, strict=True))
        rows.append((str(n // chunk), f"{seconds:.1f}", "yes" if same else "NO", ""))
    print(f"\nNeighbour metrics of {n} real and {generated.shape[0]} generated points, d = {dim}, k = 5")
    common.print_table(rows)


def compression(client: Client, n: int, chunk: int, iterations: int) -> None:
    """Compress n normal points to K by L-BFGS on all of them."""
    before = peaks(client)
    start = time.perf_counter()
    y = made(n, chunk)
    seconds_made = time.perf_counter() - start
    target, rng = dg.Diracs(y), np.random.default_rng(0)
    x = rng.standard_normal((K, 2))
    start = time.perf_counter()
    target.potential_and_gradient(x)
    one = time.perf_counter() - start
    batch = timed(lambda: target.minibatch(1000, rng), calls=3)
    start = time.perf_counter()
    found = dg.compress(target, K, rng=rng, method="lbfgs", start="coarse", iterations=iterations)
    seconds = time.perf_counter() - start
    truth = dg.squared_distance(dg.Diracs(found.points), dg.Gaussian.standard(2))
    print(f"\n{n} points of the plane in {n // chunk} chunks ({16 * chunk / 2**20:.0f} MiB each, "
          f"{16 * n / 2**20:.0f} MiB in all; made in {seconds_made:.1f} s) compressed to {K}")
    print(f"  one potential with gradient {one:.2f} s, one minibatch of 1,000 points {1e3 * batch:.0f} ms")
    print(f"  {found.iterations} iterations of L-BFGS, with the start, {seconds:.1f} s; d^2 to the points "
          f"{found.squared_distance:.4e} ({'exact' if found.exact else 'estimated from 10,000 draws'}), to N(0, I) "
          f"{truth:.4e}")
    print(f"  d^2 of the start {found.trace[0, 1]:.4e}; peak memory of the workers "
          f"{', '.join(f'{p:.0f}' for p in peaks(client))} MiB ({', '.join(f'{p:.0f}' for p in before)} before)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help=f"{LARGE:,} points compressed to {K}, some minutes")
    arguments = parser.parse_args()
    common.print_header("A cluster of two processes on this machine", "numpy", "dask", "distributed")
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        if arguments.large:
            compression(client, LARGE, 500_000, 20)
        else:
            potentials(client)
            neighbours(client)
            compression(client, 1_000_000, 100_000, 20)
