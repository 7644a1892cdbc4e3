"""The energy distance between two clouds against dcor, SciPy and PyTorch; with --large, time and memory at 100,000.

Run: python benchmarks/bench_energy.py [--large] [--workers 2]. The energy distance of the literature is twice our
squared distance.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
import tracemalloc

import common  # before NumPy: it asks for one thread
import numpy as np

import divergen as dg

ENERGY = dg.HuberEnergy(a=0)
N = 2000


def side_by_side(dim: int) -> None:
    """Compare 2,000 points with 2,000 others, and the values with SciPy's, which takes plain differences."""
    import dcor
    import torch
    from scipy.spatial.distance import cdist, pdist

    torch.set_num_threads(common.WORKERS)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((N, dim)), rng.standard_normal((N, dim)) + 0.1
    x_torch, y_torch = torch.from_numpy(x), torch.from_numpy(y)

    def scipy_formula() -> float:
        return cdist(x, y).mean() - pdist(x).sum() / N**2 - pdist(y).sum() / N**2

    def torch_formula(mode: str) -> float:
        def mean(a, b):
            return torch.cdist(a, b, compute_mode=mode).mean()

        return float(mean(x_torch, y_torch) - mean(x_torch, x_torch) / 2 - mean(y_torch, y_torch) / 2)

    runs: common.Runs = {
        "divergen": lambda: dg.cloud_squared_distance(x, y, kernel=ENERGY, workers=common.WORKERS),
        "dcor": lambda: float(dcor.energy_distance(x, y)) / 2,
        "SciPy cdist, pdist": scipy_formula,
        "torch.cdist, default": lambda: torch_formula("use_mm_for_euclid_dist_if_necessary"),
        "torch.cdist, differences": lambda: torch_formula("donot_use_mm_for_euclid_dist"),
    }
    times, values = common.interleave(runs)
    truth = values["SciPy cdist, pdist"]
    notes = {name: f"d^2 = {value:.9f}, off by {abs(value / truth - 1):.1e}" for name, value in values.items()}
    print(f"\nL = {dim}: {N} x {N} points, float64")
    common.print_times(times, "divergen", notes, f"energy distance, {N:,} x {N:,} points, L = {dim}")


def large(n: int = 100_000) -> None:
    """Compare 100,000 points with 100,000 others in the plane: 2 * 10^10 pairs, each visited once."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n, 2)), rng.standard_normal((n, 2))
    dg.cloud_squared_distance(x[:1000], y[:1000], kernel=ENERGY)  # what is loaded on first use is not extra memory

    resident = resident_bytes()
    start = time.perf_counter()
    value = dg.cloud_squared_distance(x, y, kernel=ENERGY)
    seconds = time.perf_counter() - start
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    expected = np.sqrt(np.pi) / 2 * (2 / n)  # E d^2 of two samples of one law: E h(z - z') (1/n + 1/m) / 2
    print(f"\nn = m = {n}, L = 2: {seconds:.1f} s")
    print(f"d^2 = {value:.3e}; two samples of one law have {expected:.3e} on average")
    print(f"resident memory rose by {(peak - resident) / 2**20:.1f} MiB at most")
    print(f"(one matrix of all distances, as the peers build it, takes {8 * n**2 / 2**30:.0f} GiB)")

    tracemalloc.start()
    dg.cloud_squared_distance(x[: n // 10], y[: n // 10], kernel=ENERGY)
    print(f"NumPy's own peak at n = m = {n // 10}: {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB")
    tracemalloc.stop()


def resident_bytes() -> int:
    """Return the memory of this process that is in use now (Linux), or its highest so far."""
    if os.path.exists("/proc/self/statm"):
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="time and memory at n = m = 100,000, one to two minutes")
    parser.add_argument("--workers", type=int, default=1, help="threads for everybody who has threads")
    if parser.parse_args().large:
        common.print_header("Squared distance of two large clouds", "numpy", "scipy")
        large()
    else:
        common.print_header("Energy distance", "numpy", "scipy", "dcor", "torch")
        for dim in (2, 32):
            side_by_side(dim)
