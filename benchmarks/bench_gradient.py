"""The squared distance of two clouds with its gradient, against PyTorch's autograd, eager.

Run: python benchmarks/bench_gradient.py
"""

from __future__ import annotations

import common  # before NumPy: it asks for one thread
import numpy as np
import torch

import divergen as dg

N, DIM, A = 4000, 2, 1e-6


def autograd(x: np.ndarray, loss) -> tuple[float, np.ndarray]:
    """Return a PyTorch loss and its gradient with respect to the points x."""
    points = torch.from_numpy(x).requires_grad_()
    value = loss(points)
    (gradient,) = torch.autograd.grad(value, points)
    return value.item(), gradient.numpy()


def by_cdist(y: np.ndarray, mode: str):
    """Return x -> d(x, y)^2 with torch.cdist. Its gradient at distance 0 is the subgradient 0."""
    target = torch.from_numpy(y)

    def mean(a, b):
        return torch.cdist(a, b, compute_mode=mode).mean()

    def loss(points):
        with torch.no_grad():  # this part does not depend on x: no graph for it
            constant = mean(target, target) / 2
        return mean(points, target) - mean(points, points) / 2 - constant

    return loss


def by_differences(y: np.ndarray):
    """Return x -> d(x, y)^2 from the array of differences; a > 0 keeps the root's derivative finite on the diagonal."""
    target = torch.from_numpy(y)

    def mean(a, b):
        return ((a[:, None, :] - b[None, :, :]).square().sum(-1) + A**2).sqrt().mean() - A

    def loss(points):
        with torch.no_grad():
            constant = mean(target, target) / 2
        return mean(points, target) - mean(points, points) / 2 - constant

    return loss


def main() -> None:
    """Time both kernels, a = 0 and a = 1e-6, and compare values and gradients with ours."""
    torch.set_num_threads(1)
    common.print_header("Squared distance with gradient", "numpy", "torch")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((N, DIM)), rng.standard_normal((N, DIM)) + 0.1
    peers = {
        "torch.cdist, default": by_cdist(y, "use_mm_for_euclid_dist_if_necessary"),
        "torch.cdist, differences": by_cdist(y, "donot_use_mm_for_euclid_dist"),
        "torch, broadcasting, a = 1e-6": by_differences(y),
    }
    runs: common.Runs = {"divergen": lambda: dg.cloud_squared_distance_and_gradient(x, y, kernel=dg.HuberEnergy(a=0))}
    runs["divergen, a = 1e-6"] = lambda: dg.cloud_squared_distance_and_gradient(x, y, kernel=dg.HuberEnergy(a=A))
    for name, loss in peers.items():
        runs[name] = lambda loss=loss: autograd(x, loss)
    times, results = common.interleave(runs, rounds=5)
    notes = {}
    for name, (value, gradient) in results.items():
        expected, reference = results["divergen, a = 1e-6" if "1e-6" in name else "divergen"]
        off = np.abs(gradient - reference).max() / np.abs(reference).max()
        notes[name] = f"d^2 = {value:.9f}, off by {abs(value / expected - 1):.1e}; gradient off by {off:.1e}"
    print(f"\n{N} x {N} points, L = {DIM}, float64; 'off' is relative, to divergen with the same a")
    common.print_times(times, "divergen", notes)
    ratios = [common.ratio(times, name, "divergen") for name in peers]
    print(f"  goal: 10 times faster than PyTorch's autograd; measured: {min(ratios):.1f} to {max(ratios):.1f} times")


if __name__ == "__main__":
    main()
