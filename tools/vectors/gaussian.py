r"""Golden vectors of the expected kernel under a Gaussian, and the integral over the kernel's mixture.

The kernel is :math:`h(s) = \int_0^\infty (1 - e^{-ts})\,\nu(t)\,dt` with :math:`\nu(t) = e^{-a^2 t} t^{-3/2} /
(2 \sqrt\pi)` and :math:`s = |x|^2`. Under :math:`z \sim N(m, S)` that gives one integral,

.. math:: E\,h(x - z) = \int_0^\infty \bigl[1 - \det(I + 2tS)^{-1/2} e^{-t \delta^T (I + 2tS)^{-1} \delta}\bigr]
    \,\nu(t)\,dt, \qquad \delta = x - m.

It is confirmed by integrating :math:`\sqrt{s + a^2}` itself: by Ruben's series, which writes :math:`|x - z|^2` as a
mixture of chi-squared variables, whose expected roots are Tricomi's functions; by Kummer's function; by the density
of :math:`|x - z|` in one and three dimensions; along both axes of a thin Gaussian.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np
from mpmath import mp, mpf

from divergen.oracle.capabilities import CAPABILITIES

from .format import Case, document
from .inputs import cloud

Function = Callable[[mpf], mpf]


# ---- the mixture -----------------------------------------------------------------------------------------------

def mixture(function: Function, largest: mpf, smallest: mpf, a: mpf, digits: int = 46) -> mpf:
    """Integrate a function of t against the mixture; it changes where 1/largest < t < 1/smallest.

    With t = e^w the integrand is analytic in |Im w| < pi/2, and sums with step 1/2, 1/4, ... double their digits.
    Beyond the changes it is a power of t, and w = u + e^(u - high) - e^(low - u) reaches far in few steps.
    """
    low, high = -mp.log(largest + a * a) - 2, -mp.log(smallest) + 2
    if a and -2 * mp.log(a) < high + 5 * mp.dps:  # exp(-a^2 t) ends the integral before the power of t does
        high = max(high, -2 * mp.log(a) + 2)

    def integrand(u: mpf) -> mpf:
        right, left = mp.exp(u - high), mp.exp(low - u)
        w = u + right - left
        t = mp.exp(w)
        return function(t) * mp.exp(-a * a * t - w / 2) * (1 + right + left)

    return trapezoid(integrand, low + 2, mpf(1) / 2, digits) / (2 * mp.sqrt(mp.pi))


def trapezoid(integrand: Function, start: mpf, step: mpf, digits: int) -> mpf:
    """Integrate over the line: halve the step until two sums agree to half of the digits; the last has them all."""
    total = step * grid_sum(integrand, start, step)
    for _ in range(12):
        finer = (total + step * grid_sum(integrand, start + step / 2, step)) / 2
        if abs(finer - total) <= mpf(10) ** (-digits / 2) * abs(finer):
            return finer
        total, step = finer, step / 2
    raise ArithmeticError("a trapezoidal sum does not converge")


def grid_sum(integrand: Function, start: mpf, step: mpf) -> mpf:
    """Sum over the grid start + k step, to both sides until nothing comes any more."""
    terms, largest, tiny = [], mpf(0), mpf(10) ** (3 - mp.dps)
    for k, stride in ((0, 1), (-1, -1)):
        negligible = 0
        while negligible < 3:
            terms.append(integrand(start + k * step))
            largest = max(largest, abs(terms[-1]))
            negligible = negligible + 1 if abs(terms[-1]) <= tiny * largest else 0
            k += stride
    return mp.fsum(terms)


def by_mixture(delta: Sequence[Fraction], cov: Sequence[Sequence[Fraction]], a: float) -> mpf:
    """Take the expected kernel as an integral over the mixture."""
    trace = number(sum(cov[i][i] for i in range(len(cov))))
    square = number(sum(y * y for y in delta))
    if not trace:
        return square / (mp.sqrt(square + mpf(a) ** 2) + a) if square else square
    exponent, scales = diagonal(delta, cov) if is_diagonal(cov) else polynomials(delta, cov)
    return mixture(lambda t: -mp.expm1(-exponent(t)), trace + square, min(scales), mpf(a))


def is_diagonal(cov: Sequence[Sequence[Fraction]]) -> bool:
    return not any(c for i, row in enumerate(cov) for j, c in enumerate(row) if i != j)


def diagonal(delta: Sequence[Fraction], cov: Sequence[Sequence[Fraction]]) -> tuple[Function, list[mpf]]:
    """Return log det(I + 2tS) / 2 + t delta' (I + 2tS)^-1 delta for a diagonal S, and the scales where it changes."""
    groups: dict[Fraction, tuple[int, Fraction]] = {}
    for i, y in enumerate(delta):
        count, square = groups.get(cov[i][i], (0, Fraction(0)))
        groups[cov[i][i]] = count + 1, square + y * y
    rows = [(number(v), count, number(square)) for v, (count, square) in groups.items()]

    def exponent(t: mpf) -> mpf:
        return mp.fsum(count * mp.log1p(2 * t * v) / 2 + t * square / (1 + 2 * t * v) for v, count, square in rows)

    return exponent, [s for v, _, square in rows for s in ([2 * v] if v else [square]) if s]


def polynomials(delta: Sequence[Fraction], cov: Sequence[Sequence[Fraction]]) -> tuple[Function, list[mpf]]:
    """Do the same for any S: determinant and adjugate as polynomials in 2t, exactly (Faddeev and LeVerrier)."""
    d = len(delta)
    adjugate, det, quadratic = [[Fraction(i == j) for j in range(d)] for i in range(d)], [Fraction(1)], []
    for k in range(1, d + 1):
        quadratic.append(sum(delta[i] * adjugate[i][j] * delta[j] for i in range(d) for j in range(d)))
        product = [[sum((cov[i][m] * adjugate[m][j] for m in range(d)), Fraction(0)) for j in range(d)]
                   for i in range(d)]
        det.append(sum((product[i][i] for i in range(d)), Fraction(0)) / k)
        adjugate = [[det[k] * (i == j) - product[i][j] for j in range(d)] for i in range(d)]
    det_mp, quadratic_mp = [number(c) for c in det], [number(c) for c in quadratic]

    def exponent(t: mpf) -> mpf:
        powers = [(2 * t) ** k for k in range(d + 1)]
        excess = mp.fdot(det_mp[1:], powers[1:])
        return mp.log1p(excess) / 2 + t * mp.fdot(quadratic_mp, powers[:d]) / (1 + excess)

    rank = max(k for k, c in enumerate(det) if c)
    return exponent, [det_mp[rank] / det_mp[rank - 1], *([quadratic_mp[0]] if rank < d and quadratic[0] else [])]


def number(x: Fraction | int) -> mpf:
    return mpf(x.numerator) / x.denominator


# ---- the root itself -------------------------------------------------------------------------------------------

@cache
def mean_root(n: int, a: mpf, digits: int) -> mpf:
    """Return E sqrt(X + a^2) for a chi-squared X with n degrees of freedom; `digits` keeps the cache apart."""
    if not a:
        return mp.sqrt(2) * mp.gammaprod([mpf(n + 1) / 2], [mpf(n) / 2])
    return mp.sqrt(2) * mp.hyperu(mpf(-1) / 2, mpf(1 - n) / 2, a * a / 2)


def by_ruben(delta: Sequence[Fraction], cov: Sequence[Sequence[Fraction]], a: float) -> mpf:
    """Write |x - z|^2 as b chi^2 with d + 2k degrees of freedom, with probability c_k; b is the smallest variance.

    A direction without variance adds its square to a^2.
    """
    with mp.workdps(75):  # a large a is subtracted in the end
        variances, along = axes(delta, cov)
        flat = mp.fsum(y * y for v, y in zip(variances, along, strict=True) if not v)
        regular = [(v, y) for v, y in zip(variances, along, strict=True) if v]
        rest = mp.sqrt(mpf(a) ** 2 + flat)
        if not regular:
            return rest - a
        b, d = min(v for v, _ in regular), len(regular)
        chances = [mp.exp(-mp.fsum(y * y / v for v, y in regular) / 2) * mp.sqrt(mp.fprod(b / v for v, _ in regular))]
        rates, total, left = [], chances[0] * mean_root(d, rest / mp.sqrt(b), mp.dps), 1 - chances[0]
        groups = grouped(regular, b)
        while left > mpf(10) ** -45:
            k = len(chances)
            rates.append(mp.fsum((count * g**k + k * pull * g ** (k - 1)) / 2 for g, count, pull in groups))
            chances.append(mp.fdot(rates, reversed(chances)) / k)
            total += chances[-1] * mean_root(d + 2 * k, rest / mp.sqrt(b), mp.dps)
            left -= chances[-1]
        return mp.sqrt(b) * total - a


def grouped(regular: list[tuple[mpf, mpf]], b: mpf) -> list[tuple[mpf, int, mpf]]:
    """Collect equal variances v: 1 - b/v, how many, and the sum of b (y/v)^2."""
    return [(1 - b / v, sum(w == v for w, _ in regular), mp.fsum(b * (y / w) ** 2 for w, y in regular if w == v))
            for v in {v for v, _ in regular}]


def axes(delta: Sequence[Fraction], cov: Sequence[Sequence[Fraction]]) -> tuple[list[mpf], list[mpf]]:
    """Return the variances along the principal axes, and delta along them; variances below 1e-40 are 0."""
    if is_diagonal(cov):
        return [number(cov[i][i]) for i in range(len(cov))], [number(y) for y in delta]
    values, vectors = mp.eigsy(mp.matrix([[number(c) for c in row] for row in cov]))
    d = len(delta)
    return ([v if v > mpf(10) ** -40 else mpf(0) for v in values],
            [mp.fsum(vectors[i, k] * number(delta[i]) for i in range(d)) for k in range(d)])


def by_kummer(delta: Sequence[Fraction], cov: Sequence[Sequence[Fraction]], a: float) -> mpf:
    """Take S = v I and a = 0."""
    half, v = mpf(len(delta)) / 2, number(cov[0][0])
    return mp.sqrt(2 * v) * mp.gammaprod([half + 0.5], [half]) * mp.hyp1f1(-0.5, half, -number(
        sum(y * y for y in delta)) / (2 * v))


def by_density(delta: Sequence[Fraction], cov: Sequence[Sequence[Fraction]], a: float) -> mpf:
    """Integrate against the density of |x - z| for S = v I in one and three dimensions, far from the mean."""
    v, r = number(cov[0][0]), mp.sqrt(number(sum(y * y for y in delta)))
    three = len(delta) == 3

    def integrand(u: mpf) -> mpf:  # |x - z| = r + u deviations; beyond -r the mirror image, of which nothing is left
        rho = r + u * mp.sqrt(v)
        return mp.npdf(u) * mp.sqrt(rho * rho + mpf(a) ** 2) * (rho / r if three else 1)

    return trapezoid(integrand, mpf(0), mpf(1) / 2, 46) - a


def by_both_axes(delta: Sequence[Fraction], cov: Sequence[Sequence[Fraction]], a: float) -> mpf:
    """Integrate along the thin second axis what Ruben's series gives along the first one."""
    wide, thin = [[cov[0][0]]], mp.sqrt(number(cov[1][1]))

    def along(v: mpf) -> mpf:
        flat = mp.sqrt(v * v + mpf(a) ** 2)
        return ruben_on_a_line(number(delta[0]), mp.sqrt(number(wide[0][0])), flat)

    with mp.workdps(30):
        centre = number(delta[1]) / thin
        ends = sorted({centre - 12, min(max(mpf(0), centre - 12), centre + 12), centre, centre + 12})
        return mp.quad(lambda u: mp.npdf(u - centre) * along(u * thin), ends) - a


def ruben_on_a_line(y: mpf, deviation: mpf, flat: mpf) -> mpf:
    """Return E sqrt(z^2 + flat^2) for z ~ N(y, deviation^2): a Poisson mixture of Tricomi's functions."""
    rate, k = (y / deviation) ** 2 / 2, 0
    chance, total = mp.exp(-rate), mpf(0)
    while k <= rate or chance > mpf(10) ** -29:
        total += chance * mean_root(1 + 2 * k, flat / deviation, mp.dps)
        k += 1
        chance *= rate / k
    return deviation * total


# ---- what is wanted --------------------------------------------------------------------------------------------

Route = Callable[[Sequence[Fraction], Sequence[Sequence[Fraction]], float], mpf]


def case(name: str, flags: str, x: Any, mean: Any, cov: Any, a: float, route: Route = by_ruben) -> Case:
    x, mean, cov = (np.array(part, dtype=np.float64) for part in (x, mean, cov))
    fractions = [[Fraction(c) for c in row] for row in cov.tolist()]
    deltas = [[Fraction(p) - Fraction(q) for p, q in zip(row, mean.tolist(), strict=True)] for row in x.tolist()]

    def compute(route: Route) -> list[mpf]:
        return [route(delta, fractions, a) for delta in deltas]

    return Case(name, tuple(flags.split()), {"x": x, "mean": mean, "cov": cov, "a": a}, partial(compute, by_mixture),
                partial(compute, route))


def expected_kernel_cases() -> Iterator[Case]:
    for d in (1, 2, 3, 8):
        rows = [[0.0] * d, [2.0**-10] + [0.0] * (d - 1), [0.5] * d, [3.0, *[-1.0] * (d - 1)]]
        for a, flags in ((0.0, "ZeroSmoothing"), (1e-6, "Paper TinySmoothing"), (0.125, "Normal"), (1.0, "Normal"),
                         (8.0, "Normal")):
            yield case(f"standard-d{d}-a{a:g}", flags, rows, [0.0] * d, np.eye(d), a)
    for i, (variance, a) in enumerate(((4.0, 1.0), (0.25, 0.5), (2.0**-20, 2.0**-10), (2.0**20, 1.0), (9.0, 0.0),
                                       (2.0, 1e-6))):
        yield case(f"scaled-{i}", "Normal" if a else "ZeroSmoothing", np.array([0.5, -1.0, 2.0])
                   + cloud(2, 3, i, math.sqrt(variance)), [0.5, -1.0, 2.0], variance * np.eye(3), a)
    oblique, full = [[2.0, 0.75], [0.75, 0.5]], [[1.5, 0.5, 0.25], [0.5, 1.0, -0.375], [0.25, -0.375, 1.25]]
    for a in (0.0, 0.5, 1e-6):
        label, flags = f"a{a:g}", "Anisotropic" + (" ZeroSmoothing" if a == 0 else "")
        yield case(f"axes-{label}", flags, [[0.0, 0.0], [0.5, -0.75], [3.0, 1.0]], [0.0, 0.0], np.diag([4.0, 0.25]), a)
        yield case(f"oblique-{label}", flags, [[0.25, -1.0], [1.0, 0.0], [-3.0, 2.0]], [0.25, -1.0], oblique, a)
        yield case(f"full3-{label}", flags, [[0.5, -0.25, 1.0], [1.0, -1.0, 0.5]], [0.5, -0.25, 1.0], full, a)
        yield case(f"axes8-{label}", flags, cloud(2, 8, 7), [0.25] * 8, np.diag([1.0, 2.0, 0.5, 0.75] * 2), a)
        yield case(f"line-{label}", "Degenerate", [[0.5, 0.0], [0.5, 0.125], [1.0, -2.0]], [0.0, 0.0],
                   [[1.0, 0.0], [0.0, 0.0]], a)
        yield case(f"line-oblique-{label}", "Degenerate", [[1.5, 1.0], [2.0, -1.0]], [1.0, 0.0],
                   [[1.0, 2.0], [2.0, 4.0]], a)
        yield case(f"plane-in-space-{label}", "Degenerate", [[0.5, 1.0, 0.0], [0.5, 1.0, 2.0]], [0.0, 0.0, 0.0],
                   np.diag([1.0, 0.5, 0.0]), a)
        yield case(f"point-{label}", "Degenerate", [[0.5, 1.0], [3.5, 5.0], [0.5, 1.0009765625]], [0.5, 1.0],
                   np.zeros((2, 2)), a)
    for i, (y, a) in enumerate(((2.0**-20, 0.0), (0.25, 1e-6))):
        yield case(f"thin-{i}", "Thin", [[2.0**-10, y]], [0.0, 0.0], [[1.0, 0.0], [0.0, 2.0**-40]], a, by_both_axes)
    for i, (d, r, a) in enumerate(((1, 40.0, 0.0), (1, 300.0, 1.0), (3, 30.0, 1e-6), (3, 1e4, 2.0), (1, 1e8, 0.0))):
        yield case(f"far-{i}", "FarTail", [[r] + [0.0] * (d - 1), [-r] * d], [0.0] * d, np.eye(d), a, by_density)
    yield case("far-plane", "FarTail ZeroSmoothing", [[1000.0, 0.0], [18.0, -24.0]], [0.0, 0.0], np.eye(2), 0.0,
               by_kummer)
    yield case("far-mean", "FarTail", cloud(2, 2, 8, offset=1e6), [1e6, 1e6], np.eye(2), 0.5)
    for i, a in enumerate((100.0, 1e4, 1e7)):
        yield case(f"large-a-{i}", "LargeSmoothing", [[0.0, 0.0], [1.0, -2.0]], [0.0, 0.5], [[1.0, 0.0], [0.0, 1.0]], a)
    for a in (0.0, 1e-6, 1.0):
        yield case(f"high-d64-a{a:g}", "HighDimension", [[0.0] * 64, [0.5] * 64], [0.0] * 64, np.eye(64), a)
    yield case("high-d64-axes", "HighDimension Anisotropic", cloud(2, 64, 9), [0.0] * 64,
               np.diag([1.0, 0.5] * 32), 1e-6)
    yield case("high-d64-far", "HighDimension FarTail", [[30.0] + [0.0] * 63], [0.0] * 64, np.eye(64), 1e-6)
    yield case("high-d128", "HighDimension", cloud(2, 128, 10), [0.0] * 128, np.eye(128), 1e-6)
    yield case("high-d256", "HighDimension", cloud(2, 256, 11), [0.0] * 256, np.eye(256), 0.0, by_kummer)


FLAGS = {
    "Normal": "an isotropic Gaussian, points at, near and beyond its mean; a is not small",
    "Paper": "a = 1e-6, the parameter of Turinici2023 and Turinici2022image, under N(0, I)",
    "ZeroSmoothing": "a = 0: the kernel has a kink at 0",
    "TinySmoothing": "0 < a <= 1e-6: the kernel bends on a scale far below the Gaussian's",
    "Anisotropic": "the covariance is not a multiple of the identity",
    "Degenerate": "the covariance is singular, or 0: the Gaussian is a Dirac, and the result h(x - mean) itself",
    "Thin": "the covariance is regular with condition number 2^40",
    "FarTail": "the point is many deviations from the mean, or both are far from the origin: series in the squared "
               "distance overflow or cancel",
    "LargeSmoothing": "a is far above all distances: the mean of sqrt(s + a^2) minus a cancels",
    "HighDimension": "L >= 64: factors such as (1 + 2t)^(-L/2) underflow, Kummer's function overflows in naive code",
}

TOLERANCE = {
    "relative": 1e-12, "absolute": 0.0,
    "reason": "an integral or a series of positive terms, to twelve digits: a few hundred terms, each rounded",
}


def expected_kernel_document() -> dict[str, Any]:
    capability = CAPABILITIES["expected_kernel"]
    return document(
        "expected_kernel", expected_kernel_cases(), equation=capability.equation, arguments=capability.arguments,
        returns=capability.returns, script="tools/vectors/gaussian.py", flags=FLAGS, tolerance=TOLERANCE,
        routes=["mixture: one integral over the Gaussian kernels of which h is made",
                "root: sqrt(s + a^2) under Ruben's mixture of chi-squared variables, under the density of |x - z| in "
                "one and three dimensions, by Kummer's function, or along both axes of a thin Gaussian"],
    )


DOCUMENTS = {"expected_kernel": expected_kernel_document}
