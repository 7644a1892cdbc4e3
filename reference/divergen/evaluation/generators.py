r"""The convex functions that generate f-divergences: each with its derivatives and its Fenchel conjugate.

A generator is a convex :math:`f : [0, \infty] \to ]-\infty, \infty]`, and :math:`D_f(P \| Q) = \int q f(p/q)`.
Adding :math:`c\,(u - 1)` to f changes no divergence, so there is one to choose. Here :math:`f(1) = f'(1) = 0` wherever
the source prints no other choice, as it does for ``gan`` and for the PR-divergence with :math:`\lambda > 1`: then
:math:`f \ge 0`, the divergence is a sum of non-negative numbers, the best critic is zero where p = q, and close to
u = 1 nothing has to cancel.

=====================  ===============================================  =======================================
name                   f(u)                                             :math:`f^*(t)`
=====================  ===============================================  =======================================
``kl``                 :math:`u \log u - u + 1`                         :math:`e^t - 1`
``reverse_kl``         :math:`u - 1 - \log u`                           :math:`-\log(1 - t),\ t < 1`
``jensen_shannon``     :math:`u \log u - (u + 1) \log\frac{u + 1}2`     :math:`-\log(2 - e^t),\ t < \log 2`
``gan``                :math:`u \log u - (u + 1) \log(u + 1)`           :math:`-\log(1 - e^t),\ t < 0`
``total_variation``    :math:`|u - 1| / 2`                              :math:`\max(t, -1/2),\ t \le 1/2`
``pearson_chi2``       :math:`(u - 1)^2`                                :math:`t + t^2/4`, or -1 for t < -2
``neyman_chi2``        :math:`(u - 1)^2 / u`                            :math:`2 - 2\sqrt{1 - t},\ t \le 1`
``squared_hellinger``  :math:`(\sqrt u - 1)^2`                          :math:`t / (1 - t),\ t < 1`
=====================  ===============================================  =======================================

Two families generate all of them but the two in the middle: powers of u (:func:`alpha_divergence`) and functions
with one kink (:func:`precision_recall`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, check_number, namespace

__all__ = [
    "ConjugateDomain", "FDivergence", "alpha_divergence", "gan", "jensen_shannon", "kl", "neyman_chi2", "pearson_chi2",
    "precision_recall", "reverse_kl", "squared_hellinger", "total_variation",
]

Function = Callable[[Any], Any]  # a number gives a float, an array an array of the same library and shape
Formula = Callable[[Array, Any], Array]  # the same with the library as second argument, for arguments in the domain


class ConjugateDomain(NamedTuple):
    """Where f* is finite: all t below `upper`, and `upper` itself if `closed`.

    There is no lower end, since f lives on u >= 0 and f* is therefore nondecreasing.
    """

    upper: float
    closed: bool

    def outside(self, t: Array) -> Array:
        """Tell for each t whether f*(t) is infinite."""
        return t > self.upper if self.closed else t >= self.upper


@dataclass(frozen=True)
class FDivergence:
    r"""A generator f, with all that is needed to compute with its divergence.

    Attributes
    ----------
    name : str
        What it is called.
    f, derivative, second_derivative : callable
        f, f' and f'' for ratios u in [0, inf], elementwise; f is +inf below 0. At a kink f' is the left derivative.
    conjugate, conjugate_derivative : callable
        :math:`f^*(t) = \sup_{u \ge 0} tu - f(u)` and its derivative, the u that attains it; +inf outside the domain.
    conjugate_domain : ConjugateDomain
        Where the conjugate is finite. Its upper end is ``slope_at_infinity``, where f is lower semi-continuous.
    value_at_zero, slope_at_infinity : float
        f(0), what an atom of Q alone costs, and :math:`\lim f(u)/u`, what an atom of P alone costs.
    kinks : tuple of (float, float)
        Places where f' jumps, and by how much: the Dirac masses that ``second_derivative`` cannot show.
    value_at_one, slope_at_one : float
        f(1), and a subgradient there; zero for all but `gan` and :func:`precision_recall`.
    reduced : callable
        :math:`f(u) - f(1) - f'(1)(u - 1) \ge 0`, computed without cancellation.
    reverse : callable
        Without arguments, returns the generator of :math:`D_f(Q \| P)`, which is :math:`v f(1/v)`.

    References
    ----------
    Verine2024, definition 3.1 and theorem 3.2.

    Examples
    --------
    >>> print(f"{kl.f(2.0):.6f} {kl.derivative(2.0):.6f} {kl.conjugate(kl.derivative(2.0)):.6f}")
    0.386294 0.693147 1.000000
    """

    name: str
    f: Function = field(repr=False)
    derivative: Function = field(repr=False)
    second_derivative: Function = field(repr=False)
    conjugate: Function = field(repr=False)
    conjugate_derivative: Function = field(repr=False)
    conjugate_domain: ConjugateDomain
    value_at_zero: float
    slope_at_infinity: float
    reduced: Function = field(repr=False)
    reverse: Callable[[], FDivergence] = field(repr=False)
    kinks: tuple[tuple[float, float], ...] = ()
    value_at_one: float = 0.0
    slope_at_one: float = 0.0


def _elementwise(formula: Formula, outside: Callable[[Array], Array], value: float) -> Function:
    """Turn a formula that holds inside a domain into a function of numbers and arrays, with `value` outside."""

    def function(argument: Any) -> Any:
        xp = namespace(argument)
        x = np.asarray(argument) if xp is np else argument
        if not xp.isdtype(x.dtype, "real floating"):
            x = xp.astype(x, xp.float64)
        with np.errstate(all="ignore"):  # infinite values are results here
            y = xp.where(outside(x), value, formula(x, xp))
            y = xp.where(xp.isnan(x), math.nan, y)  # a branch of a formula may have lost it
        return float(y) if isinstance(argument, Real) else y

    return function


def _generator(
    name: str, f: Formula, derivative: Formula, second_derivative: Formula, conjugate: Formula,
    conjugate_derivative: Formula, domain: ConjugateDomain, *, reduced: Formula | None = None, **numbers: Any,
) -> FDivergence:
    def below_zero(u: Array) -> Array:
        return u < 0

    return FDivergence(
        name=name,
        f=_elementwise(f, below_zero, math.inf),
        derivative=_elementwise(derivative, below_zero, -math.inf),
        second_derivative=_elementwise(second_derivative, below_zero, math.inf),
        conjugate=_elementwise(conjugate, domain.outside, math.inf),
        conjugate_derivative=_elementwise(conjugate_derivative, domain.outside, math.inf),
        conjugate_domain=domain,
        slope_at_infinity=domain.upper,
        reduced=_elementwise(reduced or f, below_zero, math.inf),
        **numbers,
    )


# Powers of u: f'' = u^(alpha - 2), integrated twice from u = 1.

_NODES = ((np.polynomial.legendre.leggauss(14)[0] + 1) / 2).tolist()
_WEIGHTS = (np.polynomial.legendre.leggauss(14)[1] / 2).tolist()


def _box_cox(log_u: Array, a: float, xp: Any) -> Array:
    """(u^a - 1) / a, and its limit log u for a = 0."""
    if a == 0:
        return log_u
    power = a * log_u
    return xp.where(xp.abs(power) < 1, xp.expm1(power), xp.exp(power) - 1) / a


def _power(u: Array, alpha: float, beta: float, xp: Any) -> Array:
    r"""f(u) for :math:`f'' = u^{\alpha - 2}`, f(1) = f'(1) = 0; beta = 1 - alpha."""
    log_u, a = xp.log(u), -beta
    first = u * _box_cox(log_u, a, xp)
    if a:  # where u^a may overflow, but not u^alpha
        first = xp.where(xp.abs(a * log_u) < 1, first, (xp.exp(alpha * log_u) - u) / a)
    far = first - _box_cox(log_u, alpha, xp)  # u f'(u) - f*(f'(u))
    far = xp.where(xp.isnan(far) & (u >= 0), math.inf, far)  # infinity - infinity: f grows at both ends that overflow
    # Near u = 1 the two terms cancel; Taylor's remainder (u - 1)^2 int_0^1 (1 - y) (1 + y (u - 1))^(alpha - 2) dy
    # has a positive integrand, so Gauss-Legendre nodes lose nothing.
    d = u - 1
    close = xp.abs(d) * max(1.0, abs(alpha)) < 0.5
    d = xp.where(close, d, 0.0)
    near = xp.zeros_like(u)
    for y, weight in zip(_NODES, _WEIGHTS, strict=True):
        near = near + weight * (1 - y) * xp.exp((alpha - 2) * xp.log1p(y * d))
    value = xp.where(close, d * d * near, far)
    return xp.where(u == 0, 1 / alpha if alpha > 0 else math.inf, value)


def _power_generator(
    name: str, alpha: float, beta: float, scale: float, reverse: Callable[[], FDivergence]
) -> FDivergence:
    r"""The generator :math:`c f_\alpha`, c = `scale`: its conjugate is :math:`c f_\alpha^*(t/c)`.

    beta is 1 - alpha. It comes along because the reverse exchanges the two, and rounding both would not.
    """
    slope = scale * (1 / beta) if beta > 0 else math.inf

    def log_ratio(t: Array, xp: Any) -> Array:
        """log u where f'(u) = t; -inf where t lies below every slope."""
        if beta == 0:
            return t / scale
        shifted = -beta * (t / scale)
        return xp.log1p(xp.where(shifted < -1, -1.0, shifted)) / -beta

    return _generator(
        name,
        f=lambda u, xp: scale * _power(u, alpha, beta, xp),
        derivative=lambda u, xp: scale * _box_cox(xp.log(u), -beta, xp),
        second_derivative=lambda u, xp: scale * u ** (alpha - 2),
        conjugate=lambda t, xp: scale * _box_cox(log_ratio(t, xp), alpha, xp),
        conjugate_derivative=lambda t, xp: xp.exp(log_ratio(t, xp)),
        domain=ConjugateDomain(slope, closed=alpha < 0),
        value_at_zero=scale * (1 / alpha) if alpha > 0 else math.inf,
        reverse=reverse,
    )


def alpha_divergence(alpha: float) -> FDivergence:
    r"""Return the alpha-divergence of Cressie and Read, :math:`f''(u) = u^{\alpha - 2}`.

    .. math:: f(u) = \frac{u^\alpha - 1 - \alpha (u - 1)}{\alpha (\alpha - 1)}

    with the limits KL at 1 and reverse KL at 0. It is half of Pearson's chi-squared at 2, half of Neyman's
    at -1 and twice the squared Hellinger distance at 1/2; the reverse has 1 - alpha.

    Parameters
    ----------
    alpha : float
        Any finite number. Values near 0 and 1 lose no digits.

    Returns
    -------
    FDivergence

    Raises
    ------
    ValueError
        If alpha is not a finite number.

    References
    ----------
    Verine2024, the list under definition 3.1.

    Examples
    --------
    >>> print(f"{alpha_divergence(2).f(3.0):.6f} {alpha_divergence(1).f(3.0):.6f}")
    2.000000 1.295837
    """
    alpha = check_number(alpha, "alpha")
    return _alpha(alpha, 1 - alpha)


def _alpha(alpha: float, beta: float) -> FDivergence:
    return _power_generator(f"alpha_divergence({alpha:g})", alpha, beta, 1.0, lambda: _alpha(beta, alpha))


kl: FDivergence = _power_generator("kl", 1.0, 0.0, 1.0, lambda: reverse_kl)
reverse_kl: FDivergence = _power_generator("reverse_kl", 0.0, 1.0, 1.0, lambda: kl)
pearson_chi2: FDivergence = _power_generator("pearson_chi2", 2.0, -1.0, 2.0, lambda: neyman_chi2)
neyman_chi2: FDivergence = _power_generator("neyman_chi2", -1.0, 2.0, 2.0, lambda: pearson_chi2)
squared_hellinger: FDivergence = _power_generator("squared_hellinger", 0.5, 0.5, 0.5, lambda: squared_hellinger)


# The two in the middle: Jensen-Shannon, and the same with another tangent at 1.

_LOG2 = math.log(2)
_LOG2_REST = 2.319046813846299e-17  # log 2 = _LOG2 + _LOG2_REST


def _middle(u: Array, xp: Any) -> Array:
    r"""u log u - (u + 1) log m, m = (u + 1)/2, as :math:`m [k(s) + k(-s)]`: k(s) = (1+s) log(1+s) - s, 1+s = u/m."""
    huge = u > 1e300
    v = xp.where(huge, 1.0, u)
    m = (v + 1) / 2
    s = (v - 1) / (v + 1)
    value = m * (_power(1 + s, 1.0, 0.0, xp) + _power(1 - s, 1.0, 0.0, xp))
    close = xp.abs(s) < 0.25  # there 1 + s would round; k(s) + k(-s) = 2 sum s^(2j) / (2j (2j - 1))
    square = xp.where(close, s * s, 0.0)
    series = xp.zeros_like(u)
    for j in range(13, 0, -1):
        series = square * (1 / (j * (2 * j - 1)) + series)
    return xp.where(huge, u * _LOG2, xp.where(close, m * series, value))


def _gan(u: Array, xp: Any) -> Array:
    """-u log(1 + 1/u) - log(1 + u); both terms have one sign."""
    small = u < 1
    first = xp.where(small, u * (xp.log1p(u) - xp.log(u)), u * xp.log1p(1 / u))
    first = xp.where(u == 0, 0.0, xp.where(u == math.inf, 1.0, first))
    return -first - xp.log1p(u)


def _gan_derivative(u: Array, xp: Any) -> Array:
    return xp.where(u < 1, xp.log(u) - xp.log1p(u), -xp.log1p(1 / u))


def _middle_derivative(u: Array, xp: Any) -> Array:
    """log(u/m): near u = 1 in terms of u/m - 1."""
    s = xp.where(u < 1e300, (u - 1) / (u + 1), 1.0)
    return xp.where(u < 0.5, xp.log(u) + _LOG2 - xp.log1p(u), xp.log1p(s))


def _below_log2(t: Array) -> Array:
    return (t - _LOG2) - _LOG2_REST


def _middle_conjugate(t: Array, xp: Any) -> Array:
    near_the_end = -_LOG2 - xp.log(-xp.expm1(_below_log2(t)))
    return xp.where(t > 0.35, near_the_end, -xp.log1p(-xp.expm1(t)))


jensen_shannon: FDivergence = _generator(
    "jensen_shannon",
    f=_middle,
    derivative=_middle_derivative,
    second_derivative=lambda u, xp: 1 / u / (1 + u),
    conjugate=_middle_conjugate,
    conjugate_derivative=lambda t, xp: 1 / xp.expm1(-_below_log2(t)),
    domain=ConjugateDomain(_LOG2, closed=False),
    value_at_zero=_LOG2,
    reverse=lambda: jensen_shannon,
)

gan: FDivergence = _generator(
    "gan",
    f=_gan,
    derivative=_gan_derivative,
    second_derivative=lambda u, xp: 1 / u / (1 + u),
    conjugate=lambda t, xp: xp.where(t > -_LOG2, -xp.log(-xp.expm1(t)), -xp.log1p(-xp.exp(t))),
    conjugate_derivative=lambda t, xp: 1 / xp.expm1(-t),
    domain=ConjugateDomain(0.0, closed=False),
    reduced=_middle,
    value_at_zero=0.0,
    value_at_one=-2 * _LOG2,
    slope_at_one=-_LOG2,
    reverse=lambda: gan,
)


# One kink: max(a u, b) + slope u + constant. The reverse, v f(1/v), swaps a with b and slope with constant.

def _hinge(
    name: str, a: float, b: float, slope: float, constant: float, reverse: Callable[[], FDivergence]
) -> FDivergence:
    kink = b / a if a > 0 else math.inf
    share = 1.0 if a > b else 0.5 if a == b else 0.0  # of the jump in f' that counts at u = 1
    value_at_one = max(a, b) + slope + constant

    def times(c: float, u: Array, xp: Any) -> Array:
        return c * u if c else xp.zeros_like(u)  # 0 * inf is 0 here

    def f(u: Array, xp: Any) -> Array:
        # the branch that runs through u = 1 is written around that point, where it must not cancel
        left = times(slope, u, xp) + (b + constant) if a > b else times(slope, u - 1, xp) + value_at_one
        right = times(a + slope, u - 1, xp) + value_at_one if a >= b else times(a + slope, u, xp) + constant
        return xp.where(u > kink, right, left)

    def reduced(u: Array, xp: Any) -> Array:
        if a == b:
            return a * xp.abs(u - 1) / 2
        value = b - a * u if a > b else (a * u - b if a > 0 else xp.full_like(u, -b))
        return xp.where(value > 0, value, 0.0)

    return _generator(
        name,
        f=f,
        derivative=lambda u, xp: xp.where(u > kink, a + slope, xp.full_like(u, slope)),
        second_derivative=lambda u, xp: xp.where(u == kink, math.inf, xp.zeros_like(u)) if a else xp.zeros_like(u),
        conjugate=lambda t, xp: xp.where(t > slope, (t - slope) * (kink if a else 0.0), 0.0) - (b + constant),
        conjugate_derivative=lambda t, xp: xp.where(t > slope, kink, xp.zeros_like(t)),
        domain=ConjugateDomain(a + slope, closed=True),
        reduced=reduced,
        value_at_zero=b + constant,
        value_at_one=value_at_one,
        slope_at_one=slope + share * a,
        kinks=((kink, a),) if 0 < kink < math.inf else (),
        reverse=reverse,
    )


def _indicator(name: str, at_zero: float, at_infinity: float, reverse: Callable[[], FDivergence]) -> FDivergence:
    """lambda = infinity: `at_zero` at u = 0 and zero elsewhere; the reverse costs `at_infinity` where q = 0."""
    return replace(
        _generator(
            name,
            f=lambda u, xp: xp.where(u == 0, at_zero, xp.zeros_like(u)),
            derivative=lambda u, xp: xp.where(u == 0, -math.inf if at_zero else 0.0, xp.zeros_like(u)),
            second_derivative=lambda u, xp: xp.zeros_like(u),
            conjugate=lambda t, xp: xp.zeros_like(t),
            conjugate_derivative=lambda t, xp: xp.zeros_like(t),
            domain=ConjugateDomain(0.0, closed=True),
            value_at_zero=at_zero,
            reverse=reverse,
        ),
        slope_at_infinity=at_infinity,
    )


total_variation: FDivergence = _hinge("total_variation", 1.0, 1.0, -0.5, -0.5, lambda: total_variation)


def precision_recall(lam: float) -> FDivergence:
    r"""Return the PR-divergence with the trade-off lambda: one point of the precision-recall curve, as a divergence.

    .. math:: f_\lambda(u) = \max(\lambda u, 1) - \max(\lambda, 1), \qquad f_\infty(u) = 1_{\{u = 0\}} .

    Minimising it over Q maximises :math:`\alpha_\lambda = \min(1, \lambda) - D_\lambda(P \| Q)`. A large lambda
    weighs precision, a small one recall. The conjugate (over :math:`u \ge 0`) is :math:`\max(\lambda, 1) - 1` for
    :math:`t \le 0`, rises with slope :math:`1/\lambda` up to :math:`t = \lambda`, and is infinite beyond.

    Parameters
    ----------
    lam : float
        :math:`\lambda \in [0, \infty]`. At infinity f is not lower semi-continuous: its dual value is never
        above 0, and estimates nothing.

    Returns
    -------
    FDivergence

    Raises
    ------
    ValueError
        If lambda is negative or nan.

    References
    ----------
    Verine2024, definition 3.3, eq. (10)-(12).

    Examples
    --------
    >>> half = precision_recall(0.5)
    >>> print(f"{half.f(4.0):.6f} {half.conjugate(0.25):.6f} {half.conjugate(0.6):.6f}")
    1.000000 0.500000 inf
    """
    if not isinstance(lam, Real) or isinstance(lam, bool) or not lam >= 0:
        raise ValueError(f"lam: expected a number in [0, inf], got {lam!r}")
    lam = float(lam)
    name = f"precision_recall({lam:g})"
    if lam == math.inf:
        return _indicator(name, 1.0, 0.0, lambda: _indicator(
            f"reverse of {name}", 0.0, 1.0, lambda: precision_recall(lam)))
    shift = -max(lam, 1.0)
    return _hinge(name, lam, 1.0, 0.0, shift, lambda: _hinge(
        f"reverse of {name}", 1.0, lam, shift, 0.0, lambda: precision_recall(lam)))
