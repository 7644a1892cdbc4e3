"""Compression of N(0, I_2) to 48 points: L-BFGS, Adam against PyTorch's Adam, and the potential against SciPy.

Run: python benchmarks/bench_compress.py
"""

from __future__ import annotations

import math
import time
from statistics import median

import common  # before NumPy: it asks for one thread
import numpy as np
import torch
from scipy.special import hyp1f1

import divergen as dg

ENERGY = dg.HuberEnergy(a=0)
NORMAL = dg.Gaussian.standard(2)
K, BAR = 48, 1.5665e-3
ITERATIONS, BATCH = 1000, 1000


def lbfgs_to_the_bar(seed: int) -> tuple[float, float, float, int]:
    """Return the seconds until d^2 <= BAR, the seconds until the end, the d^2 at the end, and the starts it took."""
    rng = np.random.default_rng(seed)
    start = time.perf_counter()
    for starts in range(1, 100):
        stamps = [time.perf_counter()]
        found = dg.compress(
            NORMAL, K, ENERGY, rng=rng, method="lbfgs",
            callback=lambda iteration, points, stamps=stamps: stamps.append(time.perf_counter()),
        )
        below = np.flatnonzero(found.trace[:, 1] <= BAR)  # one stamp for each row of the trace
        if below.size:
            return stamps[below[0]] - start, time.perf_counter() - start, found.squared_distance, starts
    raise RuntimeError(f"99 starts did not reach {BAR}")


def torch_adam(seed: int) -> np.ndarray:
    """Compress with torch.optim.Adam: same batches, steps and schedule, and a loss without its constant part."""
    torch.manual_seed(seed)
    points = torch.randn(K, 2, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.Adam([points], lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: (1 + math.cos(math.pi * t / ITERATIONS)) / 2)
    for _ in range(ITERATIONS):
        batch = torch.randn(BATCH, 2, dtype=torch.float64)
        optimizer.zero_grad()
        loss = torch.cdist(points, batch).mean() - torch.cdist(points, points).mean() / 2
        loss.backward()
        optimizer.step()
        schedule.step()
    return points.detach().numpy()


def divergen_adam(seed: int) -> np.ndarray:
    """Compress with our Adam, whose first rate is a tenth of the target's standard deviation: 0.1 here."""
    rng = np.random.default_rng(seed)
    return dg.compress(NORMAL, K, ENERGY, rng=rng, batch_size=BATCH, iterations=ITERATIONS).points


def scipy_potential(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return E|x - z|, z ~ N(0, I_2), and its gradient by Kummer's function: for a = 0 and low dimension only."""
    half = np.sum(x * x, axis=1) / 2
    factor = math.sqrt(math.pi / 2)
    return factor * hyp1f1(-0.5, 1, -half), factor / 2 * hyp1f1(0.5, 2, -half)[:, None] * x


def main() -> None:
    """Run the three comparisons."""
    torch.set_num_threads(1)
    common.print_header(f"Compression of N(0, I_2) to {K} points, a = 0", "numpy", "scipy", "torch")

    print(f"\nL-BFGS: seconds until d^2 <= {BAR}, 10 seeds, restarts included (goal: 0.2 s)")
    lbfgs_to_the_bar(0)
    runs = [lbfgs_to_the_bar(seed) for seed in range(10)]
    rows = [("seed", "to the bar", "to the end", "d^2 at the end", "starts", "")]
    rows += [(str(i), f"{a:.3f}", f"{b:.3f}", f"{d:.4e}", str(n), "") for i, (a, b, d, n) in enumerate(runs)]
    common.print_table(rows)
    reached = [run[0] for run in runs]
    print(f"  to the bar: median {median(reached):.3f} s, slowest {max(reached):.3f} s")

    print(f"\nAdam: {ITERATIONS} steps on fresh minibatches of {BATCH}; 5 seeds, exact d^2 of what each found")
    adams = {"divergen": divergen_adam, "torch.optim.Adam": torch_adam}
    times: common.Times = {name: [] for name in adams}
    distances: dict[str, list[float]] = {name: [] for name in adams}
    for seed in range(5):
        for name, adam in adams.items():
            start = time.perf_counter()
            points = adam(seed)
            times[name].append(time.perf_counter() - start)
            distances[name].append(dg.squared_distance(dg.Diracs(points), NORMAL, ENERGY))
    notes = {name: f"d^2: median {median(d):.4e}, largest {max(d):.4e} (bar + 5 %: {1.05 * BAR:.4e})"
             for name, d in distances.items()}
    common.print_times(times, "divergen", notes)

    print(f"\nPotential of N(0, I_2) at {K} points, value and gradient (goal: about 1 ms)")
    x = NORMAL.sample(K, np.random.default_rng(0))
    potentials: common.Runs = {
        "divergen": lambda: NORMAL.potential_and_gradient(x, ENERGY),
        "SciPy hyp1f1": lambda: scipy_potential(x),
    }
    times, results = common.interleave(potentials, rounds=11, calls=20)
    value, gradient = results["divergen"]
    peer_value, peer_gradient = results["SciPy hyp1f1"]
    off = max(np.abs(value / peer_value - 1).max(), np.abs(gradient - peer_gradient).max() / np.abs(gradient).max())
    common.print_times(times, "divergen", {"SciPy hyp1f1": f"differs from ours by {off:.1e}; a = 0 only"})


if __name__ == "__main__":
    main()
