r"""f-divergences of discrete distributions: their values, their duals, and what links them to each other.

.. math:: D_f(P \| Q) = \int q\, f(p/q)\, d\mu
    = \sup_T\; \mathbb{E}_P[T] - \mathbb{E}_Q[f^*(T)]
    = \int_0^\infty \frac1{\lambda^3} f''\Bigl(\frac1\lambda\Bigr) D_\lambda(P \| Q)\, d\lambda .

P is the target, Q the model. Every zero has its meaning: 0 f(0/0) = 0; an atom of Q alone costs q f(0); an atom
of P alone costs p times the slope of f at infinity. Infinite values are returned as such, nan never.
The generators themselves are in :mod:`divergen.evaluation.generators` and are handed on here.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, as_vector, check_number, namespace
from .generators import (
    ConjugateDomain,
    FDivergence,
    alpha_divergence,
    gan,
    jensen_shannon,
    kl,
    neyman_chi2,
    pearson_chi2,
    precision_recall,
    reverse_kl,
    squared_hellinger,
    total_variation,
)

__all__ = [
    "ConjugateDomain", "ErrorBound", "FDivergence", "alpha_divergence", "divergence", "divergence_from_pr",
    "dual_value", "estimation_error_bound", "gan", "jensen_shannon", "kl", "neyman_chi2", "optimal_critic",
    "pearson_chi2", "precision_recall", "primal_estimate", "reverse_kl", "squared_hellinger", "swap",
    "total_variation",
]


def as_distribution(x: Any, name: str) -> Array:
    """Return probabilities as a float64 vector that sums to 1; raise ValueError for negative mass or a mass not 1."""
    v = as_vector(x, name)
    xp = namespace(v)
    tolerance = 1e-9 if v.dtype == xp.float64 else 1e-5
    v = xp.astype(v, xp.float64)
    lowest = float(xp.min(v))
    if lowest < 0:
        raise ValueError(f"{name}: expected probabilities, none of them negative, got {lowest:.6g}")
    mass = float(xp.sum(v))
    if not abs(mass - 1) <= tolerance:
        raise ValueError(f"{name}: expected probabilities that sum to 1, got the sum {mass:.12g}")
    return v / mass


def as_pair(p: Any, q: Any) -> tuple[Array, Array, Any]:
    """Return two distributions on the same atoms, and their library; raise ValueError if they are not."""
    xp = namespace(p, q)
    p, q = as_distribution(p, "p"), as_distribution(q, "q")
    if p.shape != q.shape:
        raise ValueError(f"q: expected one probability for each of the {p.shape[0]} atoms of p, got {q.shape[0]}")
    return p, q, xp


def _weighted_sum(weights: Array, values: Array) -> float:
    """Sum weights * values, where weight 0 makes 0 of anything."""
    xp = namespace(weights, values)
    used = weights > 0
    return float(xp.sum(xp.where(used, weights, 0.0) * xp.where(used, values, 0.0)))


def divergence(f: FDivergence, p: Array, q: Array) -> float:
    r"""Return :math:`D_f(P \| Q)` of two discrete distributions on the same atoms.

    Atoms with :math:`p \le q` enter as :math:`q f(p/q)`, the others as :math:`p f^\circ(q/p)` with the reverse
    :math:`f^\circ(v) = v f(1/v)`. Both arguments then lie in [0, 1], nothing overflows, and q = 0 needs no case of its
    own: :math:`f^\circ(0)` is the slope of f at infinity. The tangent of f at 1 is left out of the sum and put back
    exactly, so all terms are non-negative.

    Parameters
    ----------
    f : FDivergence
        The generator.
    p, q : array, shape (n,)
        Probabilities of the target P and the model Q. A mass that is off by rounding is divided out.

    Returns
    -------
    float
        At least f(1), which is 0 for all but `gan`; infinite where the divergence is.

    Raises
    ------
    ValueError
        If p or q is no distribution (negative, nan, mass not 1), or the lengths differ.

    References
    ----------
    Verine2024, definition 3.1, eq. (7) and (11).

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.5, 0.25])
    >>> print(f"{divergence(kl, p, q):.6f} {divergence(kl, q, p):.6f} {divergence(total_variation, p, q):.6f}")
    0.346574 inf 0.250000
    """
    p, q, xp = as_pair(p, q)
    smaller, larger = xp.where(p <= q, p, q), xp.where(p <= q, q, p)
    ratio = smaller / xp.where(larger > 0, larger, 1.0)
    in_q = _weighted_sum(xp.where(p <= q, q, 0.0), f.reduced(ratio))
    in_p = _weighted_sum(xp.where(p <= q, 0.0, p), f.reverse().reduced(ratio))
    return f.value_at_one + in_q + in_p


def swap(f: FDivergence) -> FDivergence:
    r"""Return the generator of the divergence with its arguments exchanged, :math:`f^\circ(v) = v f(1/v)`.

    Parameters
    ----------
    f : FDivergence

    Returns
    -------
    FDivergence
        With :math:`D_{f^\circ}(P \| Q) = D_f(Q \| P)`.

    Examples
    --------
    >>> swap(kl).name, swap(total_variation).name
    ('reverse_kl', 'total_variation')
    """
    return f.reverse()


def _ratios(x: Any, name: str) -> Array:
    xp = namespace(x)
    x = np.asarray(x) if xp is np else x
    if not xp.isdtype(x.dtype, "real floating"):
        x = xp.astype(x, xp.float64)
    if bool(xp.any(xp.isnan(x))):
        raise ValueError(f"{name}: expected numbers, infinity included, got nan")
    return x


def _mean(values: Array, weights: Array | None, name: str) -> tuple[Array, Array]:
    """Return critic values as a vector with the probabilities of their points."""
    values = _ratios(values, name)
    xp = namespace(values, weights)
    if values.ndim != 1 or values.shape[0] == 0:
        raise ValueError(f"{name}: expected a vector of critic values, got shape {tuple(values.shape)}")
    values = xp.astype(values, xp.float64)
    if weights is None:
        return values, xp.full_like(values, 1 / values.shape[0])
    weights = as_distribution(weights, f"weights of {name}")
    if weights.shape != values.shape:
        raise ValueError(f"weights of {name}: expected {values.shape[0]} of them, got {weights.shape[0]}")
    return values, weights


def optimal_critic(f: FDivergence, ratio: Array) -> Array:
    r"""Return the critic that attains the supremum of the dual, :math:`T = f'(p/q)`.

    Parameters
    ----------
    f : FDivergence
        The generator.
    ratio : array or float
        p/q at the points, in [0, inf].

    Returns
    -------
    array or float
        T, same shape; it is infinite where f' is. Beyond ratios of about 1e15 a T with an upper limit rounds to it.

    Raises
    ------
    ValueError
        If a ratio is negative or nan.

    References
    ----------
    Verine2024, theorem 3.2 and eq. (14).

    Examples
    --------
    >>> print(f"{optimal_critic(kl, 2.0):.6f} {optimal_critic(jensen_shannon, float('inf')):.6f}")
    0.693147 0.693147
    """
    u = _ratios(ratio, "ratio")
    xp = namespace(u)
    if bool(xp.any(u < 0)):
        raise ValueError(f"ratio: expected ratios of at least 0, got {float(xp.min(u)):.6g}")
    return f.derivative(ratio)


def dual_value(
    f: FDivergence, critic_p: Array, critic_q: Array, *, weights_p: Array | None = None, weights_q: Array | None = None
) -> float:
    r"""Return the dual value of a critic, :math:`\mathbb{E}_P[T] - \mathbb{E}_Q[f^*(T)]`: at most :math:`D_f`.

    Parameters
    ----------
    f : FDivergence
        The generator.
    critic_p, critic_q : array, shapes (n,) and (m,)
        T at points of P and at points of Q. Infinite values are allowed.
    weights_p, weights_q : array, optional
        Probabilities of these points; equal if left out. Points of weight 0 count nothing, whatever T is there.

    Returns
    -------
    float
        :math:`-\infty` where T leaves the domain of the conjugate, never nan.

    Raises
    ------
    ValueError
        If T is nan, or the weights are no probabilities.

    References
    ----------
    Verine2024, theorem 3.2, eq. (8), (9), (12) and (13).

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    >>> critic = optimal_critic(kl, p / q)
    >>> print(f"{dual_value(kl, critic, critic, weights_p=p, weights_q=q):.6f} {divergence(kl, p, q):.6f}")
    0.510826 0.510826
    """
    namespace(critic_p, critic_q, weights_p, weights_q)
    t_p, w_p = _mean(critic_p, weights_p, "critic_p")
    t_q, w_q = _mean(critic_q, weights_q, "critic_q")
    xp = namespace(t_p)
    # On P alone T may reach the end of the domain (the supremum over P's own atoms), but not pass it.
    beyond = bool(xp.any((w_p > 0) & (t_p > f.conjugate_domain.upper)))
    minus_infinity_in_p = bool(xp.any((w_p > 0) & (t_p == -math.inf)))
    cost = f.conjugate(t_q)
    if beyond or minus_infinity_in_p or bool(xp.any((w_q > 0) & (cost == math.inf))):
        return -math.inf
    return _weighted_sum(w_p, t_p) - _weighted_sum(w_q, cost)


def primal_estimate(f: FDivergence, g: FDivergence, critic_q: Array, *, weights_q: Array | None = None) -> float:
    r"""Estimate :math:`D_f` from a critic that was trained for :math:`D_g`: :math:`\mathbb{E}_Q[f((g^*)'(T))]`.

    At the optimum :math:`(g^*)'(T) = p/q`, and the estimate is the divergence **where P << Q**. It sees samples of Q
    only, so what P has outside the support of Q (the recession term) is missing from it.

    Parameters
    ----------
    f, g : FDivergence
        The divergence to estimate, and the auxiliary one. A g with a kink gives no ratio.
    critic_q : array, shape (m,)
        T at points of Q.
    weights_q : array, optional
        Probabilities of these points; equal if left out.

    Returns
    -------
    float
        Infinite where a T beyond the domain of g* (ratio infinite) makes f so.

    Raises
    ------
    ValueError
        If T is nan, or the weights are no probabilities.

    References
    ----------
    Verine2024, eq. (14)-(15).

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    >>> print(f"{primal_estimate(kl, pearson_chi2, optimal_critic(pearson_chi2, p / q), weights_q=q):.6f}")
    0.510826
    """
    t, weights = _mean(critic_q, weights_q, "critic_q")
    return _weighted_sum(weights, f.f(g.conjugate_derivative(t)))


class ErrorBound(NamedTuple):
    """A bound on the error of a primal estimate, the two constants in it, and when it holds."""

    value: float
    lipschitz: float
    strong_convexity: float
    condition: str


def estimation_error_bound(
    f: FDivergence, g: FDivergence, gap: float, *, ratios: tuple[float, float] = (0.0, math.inf)
) -> ErrorBound:
    r"""Bound the error of :func:`primal_estimate` by the gap that the critic leaves in the dual of g.

    .. math:: D_g - D_{g,T}^{\mathrm{dual}} \le \epsilon \implies
        |D_f - D_{f,T}^{\mathrm{primal}}| \le \sigma \sqrt{2 \epsilon / \mu}

    where :math:`\sigma = \sup |f'|` and :math:`\mu = \inf g''` over the interval that holds the true ratios p/q and the
    critic's :math:`(g^*)'(T)`. Only chi-squared is strongly convex on all of :math:`[0, \infty]` (mu = 2); for KL,
    :math:`g'' = 1/u`, so mu = 1/r on ratios up to r, and no bound at all without such an r.

    Parameters
    ----------
    f, g : FDivergence
        The divergence that is estimated, and the auxiliary one. g'' is taken to be monotone, as all of ours are.
    gap : float
        :math:`\epsilon \ge 0`.
    ratios : (float, float)
        The interval of ratios.

    Returns
    -------
    ErrorBound
        The value is infinite where sigma is infinite or mu is 0; `condition` says what the bound rests on.

    Raises
    ------
    ValueError
        If the gap is negative, or the interval is none.

    References
    ----------
    Verine2024, theorem 3.7, eq. (16).

    Examples
    --------
    >>> bound = estimation_error_bound(total_variation, pearson_chi2, 0.01)
    >>> print(f"{bound.value:.6f} {bound.lipschitz:.6f} {bound.strong_convexity:.6f}")
    0.050000 0.500000 2.000000
    """
    gap = check_number(gap, "gap", at_least=0)
    low, high = (float(r) for r in ratios)
    if not 0 <= low <= high:
        raise ValueError(f"ratios: expected two numbers in [0, inf], the smaller one first, got {ratios!r}")
    # f' grows, so |f'| is largest at an end
    lipschitz = max(abs(f.derivative(low)), abs(f.slope_at_infinity if high == math.inf else f.derivative(high)))
    curvature = min(g.second_derivative(low), g.second_derivative(high))
    condition = f"P << Q, and p/q and the critic's ratio lie in [{low:g}, {high:g}]"
    if lipschitz == 0:
        value = 0.0
    elif curvature == 0 or lipschitz == math.inf:
        value = math.inf
    else:
        value = lipschitz * math.sqrt(2 * gap / curvature)
    if curvature == 0:
        condition += f"; {g.name} is not strongly convex there, so no bound holds"
    elif lipschitz == math.inf:
        condition += f"; {f.name} is not Lipschitz there, so no bound holds"
    return ErrorBound(value, lipschitz, curvature, condition)


def divergence_from_pr(f: FDivergence, p: Array, q: Array) -> float:
    r"""Return :math:`D_f` as the weighted average of PR-divergences, by integrating over lambda.

    With :math:`u = 1/\lambda` and :math:`E(u) = u D_{1/u}(P \| Q)` the theorem reads

    .. math:: D_f(P \| Q) = f(1) + \int_0^\infty f''(u) E(u)\, du, \qquad
        E(u) = \begin{cases} \sum (uq - p)_+ & u \le 1, \\ \sum (p - uq)_+ & u \ge 1. \end{cases}

    E is linear between the ratios p/q. There the integral is taken by Gauss-Legendre nodes, over pieces of log u no
    longer than 1; below the smallest and above the largest ratio it is taken in closed form. A kink of f is a Dirac
    mass in f''. The theorem needs no common support: atoms of one distribution alone are those two closed forms.

    Parameters
    ----------
    f : FDivergence
        The generator.
    p, q : array, shape (n,)
        Probabilities of the target and the model.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If p or q is no distribution, the lengths differ, or a ratio p/q leaves [1e-299, 1e299].

    References
    ----------
    Verine2024, theorem 3.6.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    >>> print(f"{divergence_from_pr(jensen_shannon, p, q):.9f} {divergence(jensen_shannon, p, q):.9f}")
    0.132828629 0.132828629
    """
    p, q, xp = as_pair(p, q)
    both = (p > 0) & (q > 0)
    log_ratio = xp.where(both, xp.log(xp.where(both, p, 1.0)) - xp.log(xp.where(both, q, 1.0)), 0.0)
    lowest, highest = min(float(xp.min(log_ratio)), 0.0), max(float(xp.max(log_ratio)), 0.0)
    if max(-lowest, highest) > 690:
        raise ValueError(f"p: expected ratios p/q within [1e-299, 1e299] or none, got logarithms up to "
                         f"{max(-lowest, highest):.0f}")

    def excess(u: Array) -> Array:
        """E(u) at a vector of places, by the definition; (m,)."""
        terms = xp.where(u[:, None] <= 1, u[:, None] * q - p, p - u[:, None] * q)  # (m, n)
        return xp.sum(xp.where(terms > 0, terms, 0.0), axis=1)

    def constant(values: Any) -> Array:
        return xp.asarray(values, dtype=xp.float64, device=p.device)

    kinks = [kink for kink in f.kinks if math.exp(lowest) < kink[0] < math.exp(highest)]
    extra = [math.exp(k) for k in range(math.ceil(lowest), math.floor(highest) + 1)] + [place for place, _ in kinks]
    places = xp.sort(xp.unique_values(xp.concat([xp.exp(log_ratio), constant([*extra, 1.0])])))
    first, last = float(places[0]), float(places[-1])
    rows = max(1, 2**20 // p.shape[0])
    at_places = xp.concat([excess(places[i : min(i + rows, places.shape[0])]) for i in range(0, places.shape[0], rows)])

    nodes, weights = (constant(x.tolist()) for x in np.polynomial.legendre.leggauss(16))
    left, right = places[:-1][:, None], places[1:][:, None]  # (pieces, 1)
    half = xp.log(right / left) / 2
    u = left * xp.exp(half * (1 + nodes[None, :]))  # (pieces, nodes)
    share = (u - left) / (right - left)
    between = (1 - share) * at_places[:-1][:, None] + share * at_places[1:][:, None]
    density = xp.where(between > 0, f.second_derivative(u) * u, 0.0)  # in log u
    inside = float(xp.sum(half * weights[None, :] * between * density))
    jumps = sum(jump * float(excess(constant([place]))[0]) for place, jump in f.kinks if first <= place < last)

    q_alone, p_alone = float(xp.sum(xp.where(p > 0, 0.0, q))), float(xp.sum(xp.where(q > 0, 0.0, p)))
    below = f.value_at_zero - f.f(first) + first * f.derivative(first) if q_alone > 0 else 0.0
    above = f.slope_at_infinity - f.derivative(last) if p_alone > 0 else 0.0
    return f.value_at_one + inside + jumps + q_alone * below + p_alone * above
