"""The squared distance of two clouds with its gradient, against PyTorch's autograd, eager, and a fused Numba kernel.

Run: python benchmarks/bench_gradient.py [--workers 2], for everybody's threads.
"""

from __future__ import annotations

import common  # before NumPy: it asks for one thread
import numba
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


@numba.njit(fastmath=True, parallel=True)
def row_sums(x, y, a):
    """Return sum_j h(x_i - y_j) and its gradient for all i: two loops, nothing stored between them, every row apart."""
    value, gradient = np.zeros(len(x)), np.zeros((len(x), 2))
    for i in numba.prange(len(x)):
        total, first, second = 0.0, 0.0, 0.0
        for j in range(len(y)):
            p, q = x[i, 0] - y[j, 0], x[i, 1] - y[j, 1]
            root = np.sqrt(p * p + q * q + a * a)
            total += root - a
            first += p / root
            second += q / root
        value[i], gradient[i, 0], gradient[i, 1] = total, first, second
    return value, gradient


@numba.njit(fastmath=True)
def one_row(x, i, first, last, a):
    """Return sum_j h(x_i - x_j) for first <= j < last."""
    total = 0.0
    for j in range(first, last):
        p, q = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1]
        total += np.sqrt(p * p + q * q + a * a) - a
    return total


@numba.njit(fastmath=True, parallel=True)
def half_sum(x, a):
    """Return sum_{i < j} h(x_i - x_j): each row takes the half that follows it, around the end, and all do as much."""
    n, total = len(x), 0.0
    for i in numba.prange(n):
        end = i + (n + 1) // 2 + (n % 2 == 0 and i < n // 2)
        total += one_row(x, i, i + 1, min(end, n), a) + one_row(x, i, 0, max(end - n, 0), a)
    return total


def fused(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return d(x, y)^2 and its gradient by compiled loops: what a language with loops can do on these cores.

    In the plane only, with a > 0; the sum over x with itself visits each pair twice, so that no two threads meet.
    """
    n, m = len(x), len(y)
    towards, pull = row_sums(x, y, A)
    apart, push = row_sums(x, x, A)
    value = towards.sum() / (n * m) - apart.sum() / (2 * n * n) - half_sum(y, A) / m**2
    return value, pull / (n * m) - push / (n * n)


def main() -> None:
    """Time both kernels, a = 0 and a = 1e-6, and compare values and gradients with ours."""
    torch.set_num_threads(common.WORKERS)
    common.print_header("Squared distance with gradient", "numpy", "torch", "numba")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((N, DIM)), rng.standard_normal((N, DIM)) + 0.1
    peers = {
        "torch.cdist, default": by_cdist(y, "use_mm_for_euclid_dist_if_necessary"),
        "torch.cdist, differences": by_cdist(y, "donot_use_mm_for_euclid_dist"),
        "torch, broadcasting, a = 1e-6": by_differences(y),
    }

    def ours(a: float) -> tuple[float, np.ndarray]:
        return dg.cloud_squared_distance_and_gradient(x, y, kernel=dg.HuberEnergy(a), workers=common.WORKERS)

    runs: common.Runs = {"divergen": lambda: ours(0), "divergen, a = 1e-6": lambda: ours(A)}
    runs["Numba, fused, a = 1e-6"] = lambda: fused(x, y)
    for name, loss in peers.items():
        runs[name] = lambda loss=loss: autograd(x, loss)
    times, results = common.interleave(runs, rounds=5)
    notes = {}
    for name, (value, gradient) in results.items():
        expected, reference = results["divergen, a = 1e-6" if "1e-6" in name else "divergen"]
        off = np.abs(gradient - reference).max() / np.abs(reference).max()
        notes[name] = f"d^2 = {value:.9f}, off by {abs(value / expected - 1):.1e}; gradient off by {off:.1e}"
    print(f"\n{N} x {N} points, L = {DIM}, float64; 'off' is relative, to divergen with the same a")
    common.print_times(times, "divergen", notes, f"distance with gradient, {N:,} x {N:,} points, L = {DIM}")
    ratios = [common.ratio(times, name, "divergen") for name in peers]
    print(f"  PyTorch's autograd takes {min(ratios):.1f} to {max(ratios):.1f} times as long; we take "
          f"{common.ratio(times, 'divergen, a = 1e-6', 'Numba, fused, a = 1e-6'):.2f} times as long as compiled loops")


if __name__ == "__main__":
    main()
