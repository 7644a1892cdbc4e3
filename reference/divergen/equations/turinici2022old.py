r"""Turinici (2022), *Algorithms that get old*: every numbered item and algorithm.

A signed measure is a pair (points, weights). The distance of this paper has **no factor 1/2**: its square is twice that
of Turinici (2023). ``h`` is the Huber-energy kernel throughout, with parameter ``a``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from ..arrays import Array, namespace
from .kingmaba2014 import adam_init, adam_step

__all__ = [
    "algorithm_haw_c", "bound_of_proof", "compactness_constant", "delta", "distance", "distance_to_origin",
    "distance_to_origin_bound_10", "distance_to_origin_bound_11", "haw_c_target", "haw_c_target_as_printed", "infimum",
    "lower_bound_7", "minimum", "objective", "recursive_haw_c", "signed_target", "signed_target_as_printed",
    "squared_distance", "subadditive_bound", "upper_bound_8",
]

SignedMeasure = tuple[Array, Array]


def _h(x: Array, a: float) -> Array:
    xp = namespace(x)
    return xp.sqrt(xp.sum(x * x, axis=-1) + a**2) - a


def _combine(terms: list[tuple[float, SignedMeasure]]) -> SignedMeasure:
    xp = namespace(*(points for _, (points, _) in terms))
    points = xp.concatenate([points for _, (points, _) in terms])
    return points, xp.concatenate([factor * weights for factor, (_, weights) in terms])


def delta(z: Array) -> SignedMeasure:
    r"""Eq. (4), first half: :math:`\delta_Z = \frac1J \sum_j \delta_{z_j}`."""
    return z, np.ones(z.shape[0]) / z.shape[0]


def signed_target_as_printed(mu: SignedMeasure, y: Array, k: int) -> SignedMeasure:
    r"""Eq. (1) as printed: :math:`\eta = ((K_p + K)\mu - K_p \delta_Y)/(K_p + K)`, of mass :math:`K/(K_p + K)`."""
    kp = y.shape[0]
    return _combine([((kp + k) / (kp + k), mu), (-kp / (kp + k), delta(y))])


def signed_target(mu: SignedMeasure, y: Array, k: int) -> SignedMeasure:
    r"""Eq. (1) corrected: :math:`\eta = ((K_p + K)\mu - K_p \delta_Y)/K`, of mass 1."""
    kp = y.shape[0]
    return _combine([((kp + k) / k, mu), (-kp / k, delta(y))])


def distance(eta1: SignedMeasure, eta2: SignedMeasure, a: float) -> Array:
    r"""Eq. (2): :math:`\sqrt{-\iint h(|X - Y|) (\eta_1 - \eta_2)(dX) (\eta_1 - \eta_2)(dY)}`."""
    return squared_distance(eta1, eta2, a) ** 0.5


def squared_distance(eta1: SignedMeasure, eta2: SignedMeasure, a: float) -> Array:
    r"""Eq. (3): :math:`-\sum_{k,\ell} p_k p_\ell h(|z_k-z_\ell|)`, if :math:`\eta_1-\eta_2=\sum_k p_k\delta_{z_k}`."""
    z, p = _combine([(1.0, eta1), (-1.0, eta2)])
    xp = namespace(z)
    return -xp.sum(p[:, None] * p[None, :] * _h(z[:, None, :] - z[None, :, :], a))


def objective(z: Array, eta: SignedMeasure, a: float) -> Array:
    r"""Eq. (4), second half: :math:`f(Z) = d(\delta_Z, \eta)^2`."""
    return squared_distance(delta(z), eta, a)


def infimum(grid: Array, k: int, eta: SignedMeasure, a: float) -> float:
    r"""Eq. (6): :math:`m_\eta = \inf_X f(X)`, over all K-point subsets (with repetition) of a grid."""
    return min(float(objective(grid[list(i)], eta, a)) for i in _choices(grid, k))


def minimum(grid: Array, k: int, eta: SignedMeasure, a: float) -> Array:
    r"""Eq. (5): an X that attains the infimum, over all K-point subsets (with repetition) of a grid."""
    return grid[list(min(_choices(grid, k), key=lambda i: float(objective(grid[list(i)], eta, a))))]


def _choices(grid: Array, k: int) -> itertools.combinations_with_replacement:
    return itertools.combinations_with_replacement(range(grid.shape[0]), k)


def lower_bound_7(x: Array, eta: SignedMeasure, a: float) -> Array:
    r"""Eq. (7), right-hand side: :math:`f(X) \ge \frac12 [d(\delta_X, \delta_0)^2 - 2 d(\delta_0, \eta)^2]`."""
    origin = np.zeros((1, x.shape[1]))
    return (squared_distance(delta(x), delta(origin), a) - 2 * objective(origin, eta, a)) / 2


def upper_bound_8(x: Array, eta: SignedMeasure, a: float) -> Array:
    r"""Eq. (8) for every X: :math:`d(\delta_X, \delta_0)^2 \le 2 f(X) + 2 d(\delta_0, \eta)^2`.

    The paper has :math:`m_\eta + 1` for f(X), since it takes X with :math:`f(X) \le m_\eta + 1`.
    """
    return 2 * objective(x, eta, a) + 2 * objective(np.zeros((1, x.shape[1])), eta, a)


def distance_to_origin(x: Array, a: float) -> Array:
    r"""Eq. (9): :math:`d(\delta_X,\delta_0)^2=\frac2K\sum_k h(|x_k|)-\frac1{K^2}\sum_{k,k'}h(|x_k-x_{k'}|)`."""
    xp = namespace(x)
    return 2 * xp.mean(_h(x, a)) - xp.mean(_h(x[:, None, :] - x[None, :, :], a))


def distance_to_origin_bound_10(x: Array, a: float) -> Array:
    r"""Eq. (10): (9) with :math:`h(|x - y|) \le h(|x|) + h(|y|) + a` put in for every pair of different indices."""
    xp = namespace(x)
    k, h = x.shape[0], _h(x, a)
    different = 1 - np.eye(k)
    return 2 * xp.mean(h) - xp.sum(different * (a + h[:, None] + h[None, :])) / k**2


def distance_to_origin_bound_11(x: Array, a: float) -> Array:
    r"""Eq. (11): :math:`\frac2{K^2} \sum_k h(|x_k|) - a`, which is at most (10)."""
    return 2 / x.shape[0] ** 2 * namespace(x).sum(_h(x, a)) - a


def subadditive_bound(x: Array, y: Array, a: float) -> Array:
    r"""Under eq. (11), the inequality behind (10): :math:`h(|x - y|) \le h(|x|) + h(|y|) + a`, its right side."""
    return _h(x, a) + _h(y, a) + a


def compactness_constant(k: int, infimum: float, distance_of_origin: float, a: float) -> float:
    r"""End of the proof, as printed: :math:`C_0 = K^2 (a/2 + m_\eta + 1 + d(\delta_0, \eta)^2)`."""
    return k**2 * (a / 2 + infimum + 1 + distance_of_origin)


def bound_of_proof(x: Array, eta: SignedMeasure, a: float) -> Array:
    r"""End of the proof, for **every** X: :math:`\sum_k h(x_k) \le K^2 (a/2 + f(X) + d(\delta_0, \eta)^2)`.

    The right-hand side. The same steps give it, and no X near the infimum is needed: erratum 5.
    """
    origin = np.zeros((1, x.shape[1]))
    return x.shape[0] ** 2 * (a / 2 + objective(x, eta, a) + objective(origin, eta, a))


def haw_c_target_as_printed(z: Array, y: Array, k: int) -> SignedMeasure:
    r"""Algorithm A1, line 7 as printed: :math:`\frac{K_p+1}B \sum_b \delta_{z_b} - \sum_j \delta_{y_j}`.

    Right for K = 1 only. K is an argument so that both forms are called alike; it does not enter.
    """
    kp = y.shape[0]
    return _combine([(kp + 1, delta(z)), (-1.0, (y, np.ones(kp)))])


def haw_c_target(z: Array, y: Array, k: int) -> SignedMeasure:
    r"""Algorithm A1, line 7 corrected: :math:`\frac{K_p+K}{K B} \sum_b \delta_{z_b} - \frac1K \sum_j \delta_{y_j}`."""
    return signed_target(delta(z), y, k)


def algorithm_haw_c(
    sample: Callable[[int, np.random.Generator], Array], y: Array, k: int, batch_size: int, iterations: int,
    learning_rate: float, rng: np.random.Generator, a: float = 1e-6,
) -> Array:
    r"""Algorithm A1 (HAW-C): K points that complete the history y to a representation of :math:`\mu`.

    The gradient of :math:`f` in :math:`x_i` is :math:`\frac2K \sum_j w_j \nabla h(x_i - z_j) -
    \frac2{K^2} \sum_{i'} \nabla h(x_i - x_{i'})` with the points and weights of line 7 (corrected); Adam does not feel
    the factor 2 that separates it from the gradient of Turinici (2023).
    """

    def gradient(displacements: Array) -> Array:
        return displacements / np.sqrt(np.sum(displacements**2, axis=-1) + a**2)[..., None]

    x = sample(k, rng)
    state = adam_init(x)
    for _ in range(iterations):
        z, w = haw_c_target(sample(batch_size, rng), y, k)
        pull = np.sum(w[None, :, None] * gradient(x[:, None, :] - z[None, :, :]), axis=1)
        push = np.mean(gradient(x[:, None, :] - x[None, :, :]), axis=1)
        x, state = adam_step(x, 2 / k * (pull - push), state, learning_rate)
    return x


def recursive_haw_c(
    sample: Callable[[int, np.random.Generator], Array], count: int, batch_size: int, iterations: int,
    learning_rate: float, rng: np.random.Generator, a: float = 1e-6,
) -> Array:
    """Section 3.2, figure 2: one point at a time by algorithm A1, each new point joining the history; (count, N)."""
    y = sample(0, rng)  # no history yet: K_p = 0
    for _ in range(count):
        x = algorithm_haw_c(sample, y, 1, batch_size, iterations, learning_rate, rng, a)
        y = np.concatenate([y, x])
    return y
