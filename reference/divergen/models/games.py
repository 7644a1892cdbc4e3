r"""The adversarial game under any f-divergence: what critic and generator climb and descend, at log-ratios.

The critic's network gives :math:`v(x)`, an estimate of :math:`\log r(x)`, :math:`r = p/q`: P is the target, Q the
generator's law. Everything here is a function of v at real and at generated points, and so is its gradient.

**The critic** learns r through an auxiliary, strictly convex g. With :math:`u = e^v` and :math:`T = g'(u)`, which lies
in the range of g' and so in the domain of the conjugate, whatever v is,

.. math:: J = \mathbb{E}_P[T] - \mathbb{E}_Q[g^*(T)], \qquad g^*(T) = u g'(u) - g(u), \qquad
    \frac{\partial J}{\partial v} = u\,g''(u) \text{ (real)}, \quad -u^2 g''(u) \text{ (generated)},

and the ratio is read off, :math:`\nabla g^*(T) = e^v`. With ``gan`` this is the original game of the discriminator
:math:`\sigma(v)`.

**The generator** descends :math:`D_f`. The primal :math:`\mathbb{E}_Q[f(r(x))]` is its value, but to differentiate it
through x = G(z) alone, with the function r held fixed, is wrong: r moves with q. Between P = N(0, 1) and Q = N(m, 1)
the KL divergence has the derivative m; that way gives :math:`-m^3/2`. At the critic's optimum the dual says what is
right (Danskin's theorem): go through x with

.. math:: \eta(r) = f(r) - r f'(r) = -f^*(f'(r)), \qquad
    \frac{\partial \eta}{\partial v} = -u^2 f''(u).

So a generator is pulled to where r is larger, and f decides at which ratios it is pulled how strongly.

**Kinks.** Where f' jumps by J at u = c, as the PR-divergence does by :math:`\lambda` at :math:`1/\lambda`, f'' is a
Dirac mass: the pull acts on the level set r = c alone, where no sample ever is. It is spread over log r by a logistic
density :math:`k_\tau` of the bandwidth :math:`\tau`,

.. math:: \frac{\partial \eta_\tau}{\partial v} = -u^2 f''(u) - c J\, k_\tau(v - \log c), \qquad
    D_{f_\tau} = \int D_{\mu\text{-PR}}\; k_\tau(\log\mu - \log\lambda)\, d\log\mu ,

the second for the PR-divergence: what is descended is an average of its neighbours on the same curve, again an
f-divergence.

**A budget.** Of the generator's samples, optimal budgeted rejection sampling keeps x with the probability
:math:`a = \min(1, s r)`, :math:`\mathbb{E}_Q[a] = Z = 1/K`. To descend :math:`\min_a D_f(P \| aq/Z)` in q, the envelope
theorem gives

.. math:: \psi(x) = \frac1Z \bigl[ \eta(Z r) - \eta(Z/s) \bigr] \text{ where } a = 1, \qquad
    0 \text{ where } a < 1 :

only samples that are accepted for certain pull the generator; of the others there are enough. On a sample of n, exact
rejection costs no more than n proposals, as the mean of r is at least its maximum over n. A budget beyond that price
buys P itself, by a = r/M with :math:`a < 1` below the largest ratio, and nothing pulls: that is the optimum of this
sample, but not of the law behind it, whose M may be larger. ``GeneratorObjective.certain`` shows it.

Source: Verine2024, theorem 3.2, 3.6 and 4.2, eq. (9), (12)-(15) and (17)-(18), with errata.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..arrays import Array, as_vector, check_number, namespace
from ..evaluation.generators import FDivergence
from ..sampling.rejection import obrs
from .network import sigmoid

__all__ = [
    "CriticObjective", "GeneratorObjective", "critic_objective", "generator_objective", "plain_generator_objective",
]


class CriticObjective(NamedTuple):
    """The dual value J, and its gradient with respect to v at the real and at the generated points."""

    value: float
    real: Array
    generated: Array


class GeneratorObjective(NamedTuple):
    """What the generator descends, and its gradient with respect to v.

    `value` is the mean of the function that is differentiated (eta, psi); `estimate` that of the divergence itself.
    `certain` is the share of points that pull: those that are accepted for certain, all of them without a budget.
    """

    value: float
    gradient: Array
    estimate: float
    certain: float


def critic_objective(g: FDivergence, v_real: Array, v_generated: Array) -> CriticObjective:
    r"""Return the dual value of a critic under g, which it climbs, and its gradient.

    Where g has a kink, as the PR-divergence has, :math:`g'(e^v)` is a step and has no gradient. The critic is then
    :math:`T = l + (h - l)\,\sigma(v)`, between the slopes l and h of g at 0 and infinity: the plain dual, whose v is no
    log-ratio.

    Parameters
    ----------
    g : FDivergence
    v_real, v_generated : array, shapes (n,) and (m,)
        The critic's network at points of P and of Q.

    Returns
    -------
    CriticObjective
        Not finite where it overflows; that is the caller's to report.

    Raises
    ------
    ValueError
        If v is no finite vector, or g has a kink and unbounded slopes.

    References
    ----------
    Verine2024, eq. (9), (12) and (13).

    Examples
    --------
    The original game, at a discriminator that is undecided:

    >>> import numpy as np
    >>> from divergen.evaluation.generators import gan
    >>> value, real, generated = critic_objective(gan, np.zeros(1), np.zeros(1))
    >>> print(f"{value:.6f} {real[0]:.2f} {generated[0]:.2f}")
    -1.386294 0.50 -0.50
    """
    v_real, v_generated = as_vector(v_real, "v_real"), as_vector(v_generated, "v_generated")
    xp = namespace(v_real, v_generated)
    x, y = xp.astype(v_real, xp.float64), xp.astype(v_generated, xp.float64)
    if g.kinks:
        t_real, slope_real = _squashed(g, x)
        t, slope = _squashed(g, y)
        cost, to_real, to_generated = g.conjugate(t), slope_real, -g.conjugate_derivative(t) * slope
    else:
        u = xp.exp(x)
        t_real, to_real = g.derivative(u), u * g.second_derivative(u)
        cost, to_generated = -_eta(g, y, xp), -_curvature(g, y, xp)
    value = float(xp.mean(t_real)) - float(xp.mean(cost))
    return CriticObjective(value, xp.astype(to_real / x.shape[0], v_real.dtype),
                           xp.astype(to_generated / y.shape[0], v_generated.dtype))


def generator_objective(
    f: FDivergence, v: Array, *, bandwidth: float = 1.0, budget: float = 1.0
) -> GeneratorObjective:
    r"""Return what the generator descends to lower :math:`D_f`, or that of its refined law, at the critic's log-ratios.

    Parameters
    ----------
    f : FDivergence
    v : array, shape (n,)
        The critic's :math:`\log r` at points of Q, on which the samples' gradient is based.
    bandwidth : float
        :math:`\tau > 0`, how far on the scale of log r a kink of f is spread; without kinks nothing is.
    budget : float
        K >= 1, proposals for each sample that OBRS keeps; at 1 all are kept.

    Returns
    -------
    GeneratorObjective
        `value` is the mean of :math:`\eta_\tau`, or of :math:`\psi`, whose gradient is taken at a fixed rule a.
        `estimate` is the primal estimate, eq. (15), of the divergence after OBRS, kinks as they are: without what P has
        where Q has nothing. It is the mean of :math:`f(r) - f'(1)(r - 1)`, which is that of f(r) where
        :math:`\mathbb{E}_Q[r] = 1`: a critic's ratios do not have that mean, and what they miss, times f'(1), would
        drown the divergence. `certain` is 0, and so is the gradient, where the budget buys exact samples of P on these
        points; a budget of n or more always does.

    Raises
    ------
    ValueError
        If v is no finite vector, or a number is out of its range.

    References
    ----------
    Verine2024, eq. (14)-(15) with errata (22), and "Training generative models with OBRS objective".

    Examples
    --------
    The KL divergence pulls in proportion to r, the PR-divergence at :math:`r \approx 1/\lambda`:

    >>> import numpy as np
    >>> from divergen.evaluation.generators import kl, precision_recall
    >>> v = np.log(np.array([0.05, 1.0, 20.0]))
    >>> for f in (kl, precision_recall(20)):
    ...     print(" ".join(f"{3 * x:.3f}" for x in generator_objective(f, v, bandwidth=0.5).gradient))
    -0.050 -1.000 -20.000
    -0.500 -0.005 -0.000
    """
    given = as_vector(v, "v")
    bandwidth, budget = check_number(bandwidth, "bandwidth", above=0), check_number(budget, "budget", at_least=1)
    xp = namespace(given)
    v = xp.astype(given, xp.float64)
    if budget == 1:
        value, gradient = _smoothed_eta(f, v, bandwidth, xp), _smoothed_slope(f, v, bandwidth, xp)
        estimate, share = _primal(f, v, xp), 1.0
    else:
        rule = obrs(v, budget, log=True)
        log_z, border = math.log(rule.rate), -rule.log_scale
        certain = xp.astype(v > border, xp.float64)  # none at all where the budget buys the target itself
        refined = xp.maximum(v, xp.full_like(v, border)) + log_z  # log of p / (a q / Z)
        at_border = _smoothed_eta(f, xp.full_like(v[:1], border + log_z), bandwidth, xp)
        value = certain * (_smoothed_eta(f, refined, bandwidth, xp) - at_border) / rule.rate
        gradient = certain * _smoothed_slope(f, refined, bandwidth, xp) / rule.rate
        estimate = xp.astype(rule.probability, xp.float64) * _primal(f, refined, xp) / rule.rate
        share = float(xp.mean(certain))
    return GeneratorObjective(float(xp.mean(value)), xp.astype(gradient / v.shape[0], given.dtype),
                              float(xp.mean(estimate)), share)


def plain_generator_objective(f: FDivergence, v: Array) -> GeneratorObjective:
    r"""Return the generator's side of the plain dual, :math:`-\mathbb{E}_Q[f^*(T)]`, for a critic that f itself trains.

    Without kinks it is :func:`generator_objective`. With kinks T is the squashed critic of :func:`critic_objective`:
    for the PR-divergence :math:`T = \lambda \sigma(v)`, and

    .. math:: J = \lambda\, \mathbb{E}_P[\sigma(v)] - \mathbb{E}_Q[\sigma(v)] + 1 - \max(\lambda, 1), \qquad
        \frac{\partial J}{\partial v} = -\sigma'(v) \text{ (generated)}.

    Its optimum is a step, T = 0 or :math:`\lambda` according to the side of :math:`1/\lambda` that r is on. A critic
    that comes near it is constant on each side, :math:`\sigma'` vanishes, and the generator stands still. The further
    :math:`\lambda` is from 1, the more points are on one side, until all are: T is one constant, and says nothing.

    Parameters
    ----------
    f : FDivergence
    v : array, shape (n,)
        The critic's network at generated points.

    Returns
    -------
    GeneratorObjective
        The estimate is nan for an f with kinks: its critic knows no ratio.

    Raises
    ------
    ValueError
        As :func:`critic_objective`.

    References
    ----------
    Verine2024, eq. (12), "the naive approach fails".

    Examples
    --------
    >>> import numpy as np
    >>> from divergen.evaluation.generators import precision_recall
    >>> print(" ".join(f"{x:.4f}" for x in plain_generator_objective(precision_recall(5), np.array([0., 9.])).gradient))
    -0.1250 -0.0001
    """
    if not f.kinks:
        return generator_objective(f, v)
    given = as_vector(v, "v")
    xp = namespace(given)
    t, slope = _squashed(f, xp.astype(given, xp.float64))
    gradient = -f.conjugate_derivative(t) * slope / given.shape[0]
    return GeneratorObjective(-float(xp.mean(f.conjugate(t))), xp.astype(gradient, given.dtype), math.nan, 1.0)


# All of these take v in double precision: u^2 f''(u) may be a plain number where u^2 is too large for single.


def _eta(f: FDivergence, v: Array, xp: Any) -> Array:
    r"""f(u) - u f'(u), u = e^v, without cancellation: the slope of the reverse :math:`w f(1/w)` at w = 1/u."""
    return f.reverse().derivative(xp.exp(-v))


def _curvature(f: FDivergence, v: Array, xp: Any) -> Array:
    """u^2 f''(u) where f is smooth, 0 at a kink."""
    u = xp.exp(v)
    second = f.second_derivative(u)
    if f.kinks:  # its Dirac mass shows as infinity at that very point
        second = xp.where(xp.isinf(second), xp.zeros_like(second), second)
    return u * (u * second)


def _primal(f: FDivergence, v: Array, xp: Any) -> Array:
    """f(u) - f'(1) (u - 1): the mean of u, which is 1, is put in for that of the sample."""
    return f.reduced(xp.exp(v)) + f.value_at_one


def _smoothed_eta(f: FDivergence, v: Array, bandwidth: float, xp: Any) -> Array:
    """eta with each of its steps, of height -c J at log c, replaced by a logistic curve."""
    value = _eta(f, v, xp)
    for place, jump in f.kinks:
        distance = v - math.log(place)
        # at u = c itself the reverse's derivative, from the left, has taken the step already
        value = value + place * jump * (xp.astype(distance >= 0, v.dtype) - sigmoid(distance / bandwidth))
    return value


def _smoothed_slope(f: FDivergence, v: Array, bandwidth: float, xp: Any) -> Array:
    """The derivative of the smoothed eta with respect to v."""
    slope = -_curvature(f, v, xp)
    for place, jump in f.kinks:
        distance = (v - math.log(place)) / bandwidth
        slope = slope - place * jump * sigmoid(distance) * sigmoid(-distance) / bandwidth
    return slope


def _squashed(f: FDivergence, v: Array) -> tuple[Array, Array]:
    """A critic between the slopes of f at 0 and at infinity, and its derivative with respect to v."""
    low, high = f.derivative(0.0), f.slope_at_infinity
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"f: expected a divergence whose slopes are bounded, since it has a kink, got {f.name}, "
                         f"whose slopes run from {low:g} to {high:g}")
    share = sigmoid(v)
    return low + (high - low) * share, (high - low) * share * sigmoid(-v)
