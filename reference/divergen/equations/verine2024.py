r"""Verine (2024), *Quality and diversity in generative models*, slides: every numbered item.

P is the target and Q the model (P-hat in print), both discrete: vectors ``p`` and ``q`` of probabilities of the same
atoms. A generator ``f`` is a function of ratios. What is printed wrongly, or not at all, has a second function beside
it; the numbers of the errata are those of the book.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..arrays import Array, namespace

__all__ = [
    "acceptance_rate", "auxiliary_objective", "azadi_acceptance", "best_model", "conjugate", "drs_acceptance",
    "dual_value", "error_bound", "f_divergence", "f_divergence_as_printed", "gan_conjugate", "gan_generator",
    "gan_value", "generator_objective", "generator_objective_as_printed", "hard_truncation", "is_feasible",
    "jensen_shannon_conjugate", "jensen_shannon_generator", "max_precision_recall", "obrs_acceptance",
    "obrs_acceptance_as_printed", "obrs_constant", "pr_average", "pr_conjugate", "pr_curve", "pr_divergence",
    "pr_generator", "pr_generator_at_infinity", "precision", "precision_after_obrs", "precision_from_divergence",
    "primal_estimate", "ratio_from_critic", "recall", "recall_after_obrs", "recall_from_divergence",
    "recall_from_divergence_as_printed", "refined", "refined_divergence", "soft_truncation",
    "support_precision_recall",
]

Function = Callable[[Array], Array]


# Evaluating


def support_precision_recall(p: Array, q: Array) -> tuple[Array, Array]:
    r"""Definition 2.1, eq. (1): :math:`\bar\alpha = Q(\mathrm{Supp} P)`, :math:`\bar\beta = P(\mathrm{Supp} Q)`."""
    xp = namespace(p, q)
    return xp.sum(q * (p > 0)), xp.sum(p * (q > 0))


def pr_curve(p: Array, q: Array, lambdas: Sequence[float]) -> list[tuple[Array, Array]]:
    r"""Definition 2.2, eq. (2): the pairs :math:`(\alpha_\lambda, \beta_\lambda)` of the given lambdas."""
    return [(precision(lam, p, q), recall(lam, p, q)) for lam in lambdas]


def precision(lam: float, p: Array, q: Array) -> Array:
    r"""Eq. (3), first half, and (4): :math:`\alpha_\lambda = \int \min(\lambda p, q)`; infinity times 0 is 0."""
    xp = namespace(p, q)
    return xp.sum(xp.minimum(lam * p, q)) if lam < math.inf else support_precision_recall(p, q)[0]


def recall(lam: float, p: Array, q: Array) -> Array:
    r"""Eq. (3), second half, and (5): :math:`\beta_\lambda = \int \min(p, q/\lambda)`; 0/0 is 0."""
    xp = namespace(p, q)
    return xp.sum(xp.minimum(p, q / lam)) if lam > 0 else support_precision_recall(p, q)[1]


def max_precision_recall(p: Array, q: Array, lambdas: Sequence[float]) -> tuple[float, float]:
    r"""Theorem 2.3, eq. (6): :math:`\max_\lambda \alpha_\lambda` and :math:`\max_\lambda \beta_\lambda`."""
    pairs = pr_curve(p, q, lambdas)
    return max(float(a) for a, _ in pairs), max(float(b) for _, b in pairs)


# Optimizing


def hard_truncation(shape: tuple[int, ...], psi: float, rng: np.random.Generator) -> Array:
    """Hard truncation: normal latents, each coordinate drawn again until it is within psi > 0."""
    z = rng.standard_normal(shape)
    while np.any(np.abs(z) > psi):
        z = np.where(np.abs(z) > psi, rng.standard_normal(shape), z)
    return z


def soft_truncation(z: Array, psi: float) -> Array:
    """Soft truncation: normal latents, scaled by psi."""
    return psi * z


def best_model(divergence: Callable[[Array, Array], Array], p: Array, models: Sequence[Array]) -> Array:
    r"""Eq. (6), the second one, training: the Q that minimises :math:`D(P \| Q)` among `models`."""
    return min(models, key=lambda q: float(divergence(p, q)))


def f_divergence_as_printed(f: Function, p: Array, q: Array) -> Array:
    r"""Definition 3.1, eq. (7), with no word on q = 0: :math:`\int_{q > 0} q f(p/q)`."""
    return namespace(p, q).sum(q[q > 0] * f(p[q > 0] / q[q > 0]))


def f_divergence(f: Function, slope_at_infinity: float, p: Array, q: Array) -> Array:
    r"""Definition 3.1, eq. (7), with the recession term :math:`P(q = 0)\, \lim f(u)/u`."""
    alone = float(namespace(p).sum(p * (q == 0)))
    return f_divergence_as_printed(f, p, q) + (alone * slope_at_infinity if alone > 0 else 0.0)


def conjugate(f: Function, t: float, ratios: Array) -> float:
    r"""Fenchel conjugate: :math:`f^*(t) = \sup_u \{tu - f(u)\}`, over a grid of ratios :math:`u \ge 0`."""
    return float(namespace(ratios).max(t * ratios - f(ratios)))


def dual_value(critic: Array, conjugate: Function, p: Array, q: Array) -> Array:
    r"""Theorem 3.2, eq. (8), inside the supremum: :math:`\mathbb{E}_P[T] - \mathbb{E}_Q[f^*(T)]`."""
    return namespace(p, q).sum(p * critic) - namespace(p, q).sum(q * conjugate(critic))


def gan_value(discriminator: Array, p: Array, q: Array) -> Array:
    r"""Eq. (9): :math:`\mathbb{E}_P[\log D] + \mathbb{E}_Q[\log(1 - D)]`, D in (0, 1)."""
    xp = namespace(p, q)
    return xp.sum(p * xp.log(discriminator)) + xp.sum(q * xp.log(1 - discriminator))


def gan_conjugate(t: Array) -> Array:
    r"""Under eq. (9), printed as that of Jensen-Shannon: :math:`-\log(1 - e^t)`, t < 0. See erratum 12."""
    xp = namespace(t)
    return -xp.log(1 - xp.exp(t))


def gan_generator(u: Array) -> Array:
    r"""Under eq. (9), what that conjugate belongs to: :math:`u \log u - (u + 1)\log(u + 1)`, -2 log 2 at 1; u > 0."""
    xp = namespace(u)
    return u * xp.log(u) - (u + 1) * xp.log(u + 1)


def jensen_shannon_conjugate(t: Array) -> Array:
    r"""Under eq. (9), corrected (erratum 12): :math:`-\log(2 - e^t)`, t < log 2."""
    xp = namespace(t)
    return -xp.log(2 - xp.exp(t))


def jensen_shannon_generator(u: Array) -> Array:
    r"""Under eq. (9), corrected (erratum 12): :math:`u \log u - (u + 1) \log\frac{u + 1}2`, 0 at 1; u > 0."""
    xp = namespace(u)
    return u * xp.log(u) - (u + 1) * xp.log((u + 1) / 2)


def pr_generator(u: Array, lam: float) -> Array:
    r"""Definition 3.3, eq. (10): :math:`\max(\lambda u, 1) - \max(\lambda, 1)`, and at infinity :math:`1_{\{u=0\}}`."""
    xp = namespace(u)
    return 1.0 * (u == 0) if lam == math.inf else xp.maximum(lam * u, xp.ones_like(u)) - max(lam, 1.0)


def pr_generator_at_infinity(u: Array, lam: float) -> Array:
    r"""Eq. (10), equivalent for :math:`\lambda \ge 1` (erratum 10): :math:`(1 - \lambda u)_+ \to f_\infty`."""
    return namespace(u).maximum(1 - lam * u, namespace(u).zeros_like(u))


def pr_divergence(lam: float, p: Array, q: Array) -> Array:
    r"""Proposition 3.4, eq. (11), with the recession term of erratum 9: :math:`\lambda P(q = 0)`, 0 at infinity."""
    return f_divergence(lambda u: pr_generator(u, lam), lam if lam < math.inf else 0.0, p, q)


def pr_conjugate(t: float, lam: float) -> float:
    r"""What eq. (12) needs and erratum 11 gives: :math:`f_\lambda^*(t)`, :math:`0 < \lambda < \infty`, over u >= 0."""
    return math.inf if t > lam else max(t / lam, 0.0) + max(lam, 1.0) - 1


def precision_from_divergence(lam: float, p: Array, q: Array) -> Array:
    r"""Theorem 3.5, first line: :math:`\alpha_\lambda = \min(1, \lambda) - D_\lambda(P \| Q)`."""
    return min(1.0, lam) - pr_divergence(lam, p, q)


def recall_from_divergence_as_printed(lam: float, p: Array, q: Array) -> Array:
    r"""Theorem 3.5, second line as printed: :math:`\min(1, \lambda) - D_\lambda(Q \| P)`. That is beta at 1/lambda."""
    return min(1.0, lam) - pr_divergence(lam, q, p)


def recall_from_divergence(lam: float, p: Array, q: Array) -> Array:
    r"""Theorem 3.5, corrected (erratum 8): :math:`\min(1, 1/\lambda) - D_{1/\lambda}(Q \| P)`."""
    return recall_from_divergence_as_printed(1 / lam if lam > 0 else math.inf, p, q)


def pr_average(second_derivative: Function, p: Array, q: Array, lambdas: Array) -> Array:
    r"""Theorem 3.6: :math:`\int \lambda^{-3} f''(1/\lambda) D_\lambda(P \| Q)\,d\lambda`, trapezia on a fine grid."""
    values = np.array([float(pr_divergence(float(lam), p, q)) for lam in lambdas])
    values = values * second_derivative(1 / lambdas) / lambdas**3
    return np.sum((values[1:] + values[:-1]) / 2 * np.diff(lambdas))


def auxiliary_objective(critic: Array, g_conjugate: Function, p: Array, q: Array) -> Array:
    r"""Eq. (12) and (13), inside the maximum: :math:`\mathbb{E}_P[T] - \mathbb{E}_Q[g^*(T)]`."""
    return dual_value(critic, g_conjugate, p, q)


def ratio_from_critic(critic: Array, g_conjugate_derivative: Function) -> Array:
    r"""Eq. (14): :math:`\nabla g^*(T) = p/q` at the optimum."""
    return g_conjugate_derivative(critic)


def primal_estimate(f: Function, g_conjugate_derivative: Function, critic: Array, q: Array) -> Array:
    r"""Eq. (15): :math:`\mathbb{E}_Q[f(\nabla g^*(T))]`, which is :math:`D_f` only where P << Q (erratum 13)."""
    return namespace(q).sum(q * f(ratio_from_critic(critic, g_conjugate_derivative)))


def generator_objective_as_printed(f: Function, ratio: Array) -> Array:
    r"""Eq. (15) as a function of the generator: the mean of f(r(x)) over generated rows x, with r as it is.

    As a value it is :math:`D_f`. Its derivative along x, with the function r held fixed, is not that of
    :math:`D_f` (erratum 22).
    """
    return namespace(ratio).mean(f(ratio))


def generator_objective(f: Function, derivative: Function, ratio: Array) -> Array:
    r"""Training by eq. (15), corrected (erratum 22): the mean of :math:`f(r) - r f'(r)` over generated rows.

    With the function r held fixed, its derivative along the rows is that of :math:`D_f`.
    """
    return namespace(ratio).mean(f(ratio) - ratio * derivative(ratio))


def error_bound(lipschitz: float, gap: float, strong_convexity: float) -> float:
    r"""Theorem 3.7, eq. (16): :math:`\sigma\sqrt{2\epsilon/\mu}`; mu on the ratios that occur (erratum 14)."""
    return lipschitz * math.sqrt(2 * gap / strong_convexity)


# Improving


def acceptance_rate(a: Array, q: Array) -> Array:
    r"""Rejection sampling, the rate: :math:`\mathbb{E}_Q[a]`."""
    return namespace(a, q).sum(q * a)


def refined(a: Array, q: Array) -> Array:
    r"""Rejection sampling, the law of what is accepted: :math:`\tilde P_a = a q / \mathbb{E}_Q[a]`."""
    return a * q / acceptance_rate(a, q)


def drs_acceptance(ratio: Array, gamma: float, supremum: float) -> Array:
    r"""Definition 4.1: :math:`a_{DRS} = r / (r (1 - e^\gamma) + M e^\gamma)`."""
    return ratio / (ratio * (1 - math.exp(gamma)) + supremum * math.exp(gamma))


def azadi_acceptance(ratio: Array, gamma: float, supremum: float) -> Array:
    r"""Definition 4.1, as Azadi's sigmoid of :math:`\log(r/M) - \log(1 - r/M) - \gamma`, 0 < r < M (erratum 17)."""
    xp = namespace(ratio)
    return 1 / (1 + xp.exp(-(xp.log(ratio / supremum) - xp.log(1 - ratio / supremum) - gamma)))


def is_feasible(a: Array, q: Array, budget: float, tolerance: float = 1e-12) -> bool:
    r"""Eq. (17), the constraints: :math:`\mathbb{E}_Q[a] \ge 1/K` and :math:`0 \le a \le 1`."""
    return bool(acceptance_rate(a, q) >= 1 / budget - tolerance and np.all(a >= 0) and np.all(a <= 1))


def obrs_constant(ratio: Array, q: Array, budget: float, supremum: float) -> float:
    r"""Theorem 4.2, its :math:`c_K`: the solution of :math:`\mathbb{E}_Q[\min(r c/M, 1)] = 1/K`, by bisection."""
    low, high = 0.0, supremum / float(np.min(ratio[ratio > 0]))
    for _ in range(200):
        c = (low + high) / 2
        low, high = (c, high) if acceptance_rate(np.minimum(ratio * c / supremum, 1), q) < 1 / budget else (low, c)
    return high


def obrs_acceptance_as_printed(ratio: Array, c: float, supremum: float) -> Array:
    r"""Theorem 4.2, eq. (18): :math:`a_{OBRS} = \min(r c_K / M, 1)`."""
    return np.minimum(ratio * c / supremum, 1)


def obrs_acceptance(p: Array, q: Array, budget: float) -> Array:
    r"""Theorem 4.2 with the two cases in which no :math:`c_K \ge 1` exists (erratum 15).

    The budget is larger than any acceptance can use: c = 1. It is smaller than Q(p > 0) needs: all of p > 0 is
    accepted, and of p = 0 what is missing.
    """
    ratio = np.where(q > 0, p, 0) / np.where(q > 0, q, 1)
    supremum, reached = float(np.max(ratio)), float(np.sum(q[p > 0]))
    if 1 / budget > reached:
        return np.where(p > 0, 1.0, (1 / budget - reached) / (1 - reached))
    c = max(1.0, obrs_constant(ratio, q, budget, supremum))
    return obrs_acceptance_as_printed(ratio, c, supremum)


def refined_divergence(f: Function, slope_at_infinity: float, p: Array, q: Array, budget: float) -> Array:
    r"""Training with OBRS, inside the minimum over G: :math:`\min_a D_f(P \| \tilde P_a)`."""
    return f_divergence(f, slope_at_infinity, p, refined(obrs_acceptance(p, q, budget), q))


def precision_after_obrs(lam: float, budget: float, p: Array, q: Array) -> float:
    r"""Proposition 4.3, blank in print (erratum 16): :math:`\tilde\alpha_\lambda = \min(1, K \alpha_{\lambda/K})`."""
    return min(1.0, budget * float(precision(lam / budget, p, q)))


def recall_after_obrs(lam: float, budget: float, p: Array, q: Array) -> float:
    r"""Proposition 4.3, blank in print (erratum 16): :math:`\tilde\beta_\lambda=\min(1/\lambda,\beta_{\lambda/K})`."""
    found = float(recall(lam / budget, p, q))
    return min(1 / lam, found) if lam > 0 else found
