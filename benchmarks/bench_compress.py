"""Compression: 48 points of N(0, I_2) and of 12,288 data, all methods and peers on one plot, time against distance.

Run: python benchmarks/bench_compress.py [--seeds 10] [--large]
It writes docs/results/compress_methods.csv and compress_methods.svg; --large adds K = 1,000 points of N(0, I_2).
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import common  # before NumPy: it asks for one thread
import matplotlib
import numpy as np
import torch
from scipy.spatial.distance import cdist
from scipy.special import hyp1f1

import divergen as dg

RESULTS = Path(__file__).parents[1] / "docs" / "results"
ENERGY = dg.HuberEnergy(a=0)
NORMAL = dg.Gaussian.standard(2)
K, BAR, DATA = 48, 1.5665e-3, 12_288
ITERATIONS, BATCH = 1000, 1000

Method = Callable[[np.ndarray, int], np.ndarray]  # the data and a seed: the chosen points


# --- 48 of 12,288 points ---------------------------------------------------------------------------------------


def data(seed: int) -> dict[str, np.ndarray]:
    """Draw the clouds: a normal one, and a ring of radius 3 and deviation 0.3."""
    rng = np.random.default_rng(1000 + seed)
    angle, radius = rng.uniform(0, 2 * np.pi, DATA), 3 + 0.3 * rng.standard_normal(DATA)
    ring = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return {"normal": rng.standard_normal((DATA, 2)), "ring": ring}


def ours(**options) -> Method:
    """Return compress with these options."""
    def run(x: np.ndarray, seed: int) -> np.ndarray:
        return dg.compress(dg.Diracs(x), K, ENERGY, rng=np.random.default_rng(seed), **options).points

    return run


def independent(x: np.ndarray, seed: int) -> np.ndarray:
    """Draw 48 of the points."""
    return x[np.random.default_rng(seed).choice(DATA, size=K, replace=False)]


def torch_adam(x: np.ndarray, seed: int) -> np.ndarray:
    """Compress with torch.optim.Adam: as many batches and steps, the same schedule, a loss without its constant."""
    torch.manual_seed(seed)
    cloud = torch.from_numpy(x)
    points = cloud[torch.randperm(DATA)[:K]].clone().requires_grad_()
    optimizer = torch.optim.Adam([points], lr=0.1 * float(np.sqrt(x.var(axis=0).mean())))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: (1 + math.cos(math.pi * t / ITERATIONS)) / 2)
    for _ in range(ITERATIONS):
        batch = cloud[torch.randint(DATA, (BATCH,))]
        optimizer.zero_grad()
        loss = torch.cdist(points, batch).mean() - torch.cdist(points, points).mean() / 2
        loss.backward()
        optimizer.step()
        schedule.step()
    return points.detach().numpy()


def kernel_thinning(x: np.ndarray, seed: int) -> np.ndarray:
    """Choose with goodpoints' kt.thin_K, and the kernel |x| + |y| - |x - y| of the energy distance."""
    from goodpoints import kt

    centred = x - x.mean(axis=0)
    norm = np.linalg.norm(centred, axis=1)
    matrix = cdist(centred, centred)
    np.subtract(norm[:, None], matrix, out=matrix)
    matrix += norm
    return x[kt.thin_K(matrix, matrix, int(math.log2(DATA / K)), seed=seed, unique=True)]


FREE: dict[str, Method] = {
    "Adam": ours(),
    "L-BFGS": ours(method="lbfgs"),
    "L-BFGS, coarse start": ours(method="lbfgs", start="coarse", tolerance=1e-6),
    "MM": ours(method="mm"),
    "MM, coarse start": ours(method="mm", start="coarse"),
    "torch.optim.Adam": torch_adam,
}
OWN: dict[str, Method] = {
    "subset": ours(support="subset"),
    "subset, coarse start": ours(support="subset", start="coarse"),
    "independent draws": independent,
}
if find_spec("goodpoints") is not None:
    OWN["goodpoints kt.thin_K"] = kernel_thinning


def compare_methods(seeds: int) -> None:
    """Time all methods in turn, seed by seed, and judge them by the exact distance to all data.

    The runs are too long to be interleaved closely, so the clock is that of the processor: one thread's own time.
    """
    print(f"\n{K} of {DATA:,} points, {seeds} seeds, processor seconds until the points are there, d^2 to all data")
    if "goodpoints kt.thin_K" not in OWN:
        print("  goodpoints is not installed: pip install goodpoints")
    methods = FREE | OWN
    for run in methods.values():  # once that is not counted
        run(data(-1)["normal"], 0)
    seconds: dict[tuple[str, str], list[float]] = {(name, cloud): [] for name in methods for cloud in data(0)}
    distances: dict[tuple[str, str], list[float]] = {key: [] for key in seconds}
    energy_seconds = []
    for seed in range(seeds):
        for cloud, x in data(seed).items():
            target = dg.Diracs(x)
            start = time.process_time()
            target.self_energy(ENERGY)
            energy_seconds.append(time.process_time() - start)
            for name, run in methods.items():
                start = time.process_time()
                points = run(x, seed)
                seconds[name, cloud].append(time.process_time() - start)
                distances[name, cloud].append(dg.squared_distance(dg.Diracs(points), target, ENERGY))
    rows = [["method", "support", "data", "median s", "slowest s", "median d^2", "largest d^2"]]
    rows += [
        [name, "free" if name in FREE else "own points", cloud, f"{median(t):.3f}", f"{max(t):.3f}",
         f"{median(distances[name, cloud]):.4e}", f"{max(distances[name, cloud]):.4e}"]
        for (name, cloud), t in seconds.items()
    ]
    common.print_table([[*row, ""] for row in rows])
    print(f"  the energy of the data, which only their d^2 needs: {median(energy_seconds):.3f} s more")
    with open(RESULTS / "compress_methods.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    plot(seconds, distances)


def plot(seconds: dict[tuple[str, str], list[float]], distances: dict[tuple[str, str], list[float]]) -> None:
    """Draw time against distance: all runs, free points round and own points square, peers hollow.

    Independent draws take no time and are far above the frame: their mean is in the titles.
    """
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "compress", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    clouds = list(dict.fromkeys(cloud for _, cloud in seconds))
    fig, axes = plt.subplots(1, len(clouds), figsize=(12, 4.6), layout="constrained", sharey=True, sharex=True)
    for ax, cloud in zip(axes, clouds, strict=True):
        drawn = float(np.mean(distances["independent draws", cloud]))
        for number, name in enumerate(name for name in FREE | OWN if name != "independent draws"):
            hollow = name in ("torch.optim.Adam", "goodpoints kt.thin_K")
            color = f"C{number}"
            ax.semilogx(seconds[name, cloud], distances[name, cloud], "o" if name in FREE else "s", ls="none", ms=5,
                        color=color, mfc="none" if hollow else color, label=name)
        ax.set(xlabel="processor seconds, one thread",
               title=f"{cloud} (independent draws: {drawn:.3f})")
    axes[0].set_ylabel("$d^2$ to all data")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
    fig.savefig(RESULTS / "compress_methods.svg", metadata={"Date": None})
    plt.close(fig)


# --- a normal target -------------------------------------------------------------------------------------------


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


def compare_starts(seeds: int) -> None:
    """Where to begin: draws or Sobol points, for each method, with the steps and the distance in the end."""
    print(f"\nN(0, I_2), K = {K}, {seeds} seeds: where it begins")
    rows = [("method", "start", "seconds", "steps", "d^2 at the start", "d^2 at the end", "largest", "")]
    tries = [("adam", {"iterations": 100}), ("adam", {}), ("lbfgs", {"tolerance": 1e-7}), ("lbfgs", {}), ("mm", {})]
    for method, options in tries:
        for start in ("sample", "sobol"):
            runs, seconds = [], []
            for seed in range(seeds):
                begin = time.perf_counter()
                runs.append(dg.compress(NORMAL, K, ENERGY, rng=np.random.default_rng(seed), method=method, start=start,
                                        **options))
                seconds.append(time.perf_counter() - begin)
            ends = [run.squared_distance for run in runs]
            name = method + "".join(f", {key} {value:g}" for key, value in options.items())
            rows.append((name, start, f"{median(seconds):.3f}", f"{median(run.iterations for run in runs):.0f}",
                         f"{median(run.trace[0, 1] for run in runs):.2e}", f"{median(ends):.4e}", f"{max(ends):.4e}",
                         ""))
    common.print_table(rows)


def many_points() -> None:
    """Compress N(0, I_2) to 1,000 points."""
    print("\nN(0, I_2), K = 1,000, one seed")
    rows = [("method", "seconds", "steps", "d^2", "")]
    for name, options in (("L-BFGS, tolerance 1e-7", {"method": "lbfgs", "tolerance": 1e-7}),
                          ("L-BFGS", {"method": "lbfgs"}), ("MM", {"method": "mm"})):
        begin = time.perf_counter()
        found = dg.compress(NORMAL, 1000, ENERGY, rng=np.random.default_rng(0), **options)
        rows.append((name, f"{time.perf_counter() - begin:.2f}", str(found.iterations),
                     f"{found.squared_distance:.4e}", ""))
    common.print_table(rows)


def scipy_potential(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return E|x - z|, z ~ N(0, I_2), and its gradient by Kummer's function: for a = 0 and low dimension only."""
    half = np.sum(x * x, axis=1) / 2
    factor = math.sqrt(math.pi / 2)
    return factor * hyp1f1(-0.5, 1, -half), factor / 2 * hyp1f1(0.5, 2, -half)[:, None] * x


def compare_potentials() -> None:
    """The potential of a Gaussian and its gradient, against SciPy's special functions."""
    print(f"\nPotential of N(0, I_2) at {K} points, value and gradient")
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


def main() -> None:
    """Run the comparisons."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    peers = ["goodpoints"] if "goodpoints kt.thin_K" in OWN else []
    common.print_header("Compression in the plane, a = 0", "numpy", "scipy", "torch", *peers)

    print(f"\nN(0, I_2), K = {K}, L-BFGS: seconds until d^2 <= {BAR}, restarts included")
    lbfgs_to_the_bar(0)
    runs = [lbfgs_to_the_bar(seed) for seed in range(arguments.seeds)]
    rows = [("seed", "to the bar", "to the end", "d^2 at the end", "starts", "")]
    rows += [(str(i), f"{a:.3f}", f"{b:.3f}", f"{d:.4e}", str(n), "") for i, (a, b, d, n) in enumerate(runs)]
    common.print_table(rows)
    reached = [run[0] for run in runs]
    print(f"  to the bar: median {median(reached):.3f} s, slowest {max(reached):.3f} s")
    compare_starts(arguments.seeds)
    compare_potentials()
    if arguments.large:
        many_points()
    compare_methods(arguments.seeds)


if __name__ == "__main__":
    main()
