r"""Make the golden values in ``tests/vectors``: the expected kernel under a Gaussian, and a trajectory of Adam.

A kernel is a function h of the squared radius :math:`s = |x|^2`, and a Gaussian is :math:`z \sim N(m, S)`. Wanted are
:math:`U(x) = E\, h(|x - z|^2)`, its gradient, and the self-energy :math:`E\, h(|z - z'|^2)`. Each comes out of two
derivations that share no formula, at 50 digits, and the script stops where they differ:

- *mixture*: :math:`h(s) = \int (1 - e^{-ts})\,\nu(dt)` with a positive measure :math:`\nu`, so that U is one
  integral over :math:`t = e^w` of :math:`1 - \det(I + 2tS)^{-1/2} \exp(-t\,\delta^T (I + 2tS)^{-1} \delta)`, where
  :math:`\delta = x - m`;
- *direct*: h itself integrated against the density of :math:`x - z`, in polar coordinates around x. For
  :math:`S = I` that is the noncentral chi density in :math:`|x - z|`; for a general S the angles are integrated as
  well; for S of rank one it is an integral along a line, for a thin diagonal S an iterated integral along both axes;
- *series*, a third one where it exists: Kummer's function for a = 0, and a Poisson mixture of Tricomi's
  functions for the Huber energy near the mean.

All integrals are trapezoidal sums in a logarithmic variable, in which the integrands are analytic: halving the step
doubles the number of correct digits. Inputs are float64 numbers, and the values belong to exactly these numbers.

The vectors of the oracle, in ``reference/divergen/oracle/vectors``, come from the modules in ``tools/vectors``.

Usage: ``python tools/make_vectors.py`` writes all files (seven minutes of one core), ``--check`` computes them anew and
compares, by all derivations. ``--check --quick`` computes every vector anew too (four minutes), those of the oracle by
all derivations, but those in ``tests/vectors`` by the first one alone, which is the one that is stored; the others
confirm a fixed sample of 16 vectors of each file, where they are fast. ``--only NAME`` does it for one capability of
the oracle. The exit status is 1 where something differs.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import mpmath
from mpmath import mp, mpf

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "vectors"
ORACLE = Path(__file__).resolve().parent.parent / "reference" / "divergen" / "oracle" / "vectors"
DIGITS = 50  # working precision
DIRECT_DIGITS = 33  # working precision of the direct integrals in several variables
STORED = 36  # digits written
AGREE, AGREE_GENERAL = 33, 25  # digits to which the routes must agree
FINE = mpf(3) / 20  # a first step that one halving mostly makes good: the error of 0.075 is exp(-pi^2 / 0.15) = 3e-29
REPEAT = 30  # digits to which --check must find the committed values again

Values = list  # [U, gradient...]: mpf numbers
Node = tuple[Any, tuple]  # (squared radius or None, weights: the first one decides where a sum ends)


# ---- kernels ---------------------------------------------------------------------------------------------------

class Kernel(NamedTuple):
    name: str
    a: float
    alpha: float | None = None

    def h(self, s: mpf) -> mpf:
        """Return h(s), without subtracting what is nearly equal."""
        a2 = mpf(self.a) ** 2
        if self.name == "HuberEnergy":
            return s / (mp.sqrt(s + a2) + self.a) if s else s
        if self.name == "RationalKernel":
            return s / (s + a2) ** mpf(self.alpha) if s else s
        return mp.expm1(self.alpha * mp.log1p(s / a2)) * a2 ** mpf(self.alpha) if a2 else s ** mpf(self.alpha)

    def slope(self, s: mpf) -> mpf:
        """Return dh/ds."""
        a2 = mpf(self.a) ** 2
        if self.name == "HuberEnergy":
            return 1 / (2 * mp.sqrt(s + a2))
        if self.name == "RationalKernel":
            return (a2 + (1 - mpf(self.alpha)) * s) * (s + a2) ** (-1 - mpf(self.alpha))
        return self.alpha * (s + a2) ** (mpf(self.alpha) - 1)

    def mixture(self) -> list[tuple[mpf, mpf]]:
        """Return the pairs (c, p) of nu(dt) = sum c t^p e^(-a^2 t) dt."""
        if self.name == "HuberEnergy":
            return [(1 / (2 * mp.sqrt(mp.pi)), mpf(-3) / 2)]
        alpha = mpf(self.alpha)
        if self.name == "PowerKernel":
            return [(alpha / mp.gamma(1 - alpha), -1 - alpha)]
        terms = [((1 - alpha) / mp.gamma(alpha), alpha - 2)]
        return terms + ([(mpf(self.a) ** 2 / mp.gamma(alpha), alpha - 1)] if self.a else [])


# ---- trapezoidal sums ------------------------------------------------------------------------------------------

def walk(node: Callable[[mpf], Node], start: mpf, step: mpf, level: int) -> Iterator[Node]:
    """Yield the nodes that `level` adds: the grid start + k step, then the midpoints of the grid before, and so on."""
    h = step if level == 0 else step / 2 ** (level - 1)
    origin = start if level == 0 else start + h / 2
    tiny, largest = mpf(10) ** (3 - mp.dps), mpf(0)
    for k, stride in ((0, 1), (-1, -1)):
        negligible = 0
        while negligible < 3:
            point, weights = node(origin + k * h)
            largest = max(largest, weights[0])
            negligible = negligible + 1 if weights[0] <= tiny * largest else 0
            yield point, weights
            k += stride


def difference(p: Values, q: Values, rounding: mpf | int = 0) -> mpf:
    """Return the relative difference of the values, or of the gradients as vectors, whichever is larger."""
    worst = mpf(0)
    for u, v in ((p[:1], q[:1]), (p[1:], q[1:])):
        gap = max((abs(x - y) for x, y in zip(u, v, strict=True)), default=mpf(0))
        if gap > rounding * abs(p[0]):
            worst = max(worst, gap / max(abs(y) for y in u + v))
    return worst


def refine(added: Callable[[int], Values], step: mpf, digits: float) -> Values:
    """Halve the step until two sums agree to half of `digits`; then the last is good to all of them."""
    total = [step * p for p in added(0)]
    for level in range(1, 12):
        finer = [(t + step * p) / 2 for t, p in zip(total, added(level), strict=True)]
        if difference(total, finer, mpf(10) ** (5 - mp.dps)) < mpf(10) ** (-digits / 2):
            return finer
        total, step = finer, step / 2
    raise ArithmeticError("a trapezoidal sum does not converge")


def add(rows: Iterator[tuple] | list) -> Values:
    return [mp.fsum(column) for column in zip(*rows, strict=True)]


# ---- route 1: the mixture --------------------------------------------------------------------------------------

def mixture_integral(kernel: Kernel, transform: Callable[[mpf], tuple], low: mpf, high: mpf) -> Values:
    """Integrate (1 - M(t), -grad M(t)) nu(dt), both of which `transform` gives; all changes are in low < log t < high.

    Beyond them the integrand is a power of t. There log t = u + e^(u - high) - e^(low - u) reaches far in few steps.
    """
    terms, a2 = kernel.mixture(), mpf(kernel.a) ** 2

    def node(u: mpf) -> Node:
        right, left = mp.exp(u - high), mp.exp(low - u)
        w = u + right - left
        t = mp.exp(w)
        density = mp.fsum(c * mp.exp((p + 1) * w - a2 * t) for c, p in terms) * (1 + right + left)
        return None, tuple(density * part for part in transform(t))

    step = mpf(1) / 2
    return refine(lambda level: add([weights for _, weights in walk(node, (low + high) / 2, step, level)]), step, 44)


def mixture_isotropic(kernel: Kernel, dim: int, r: float, variance: int = 1) -> Values:
    def transform(t: mpf) -> tuple:
        spread = 1 + 2 * variance * t
        exponent = dim * mp.log1p(2 * variance * t) / 2 + t * mpf(r) ** 2 / spread
        return -mp.expm1(-exponent), 2 * t * mpf(r) / spread * mp.exp(-exponent)

    low = -mp.log(1 + variance * dim + mpf(r) ** 2 + mpf(kernel.a) ** 2) - 2
    return mixture_integral(kernel, transform, low, mp.log1p(1 / mpf(kernel.a) ** 2 if kernel.a else 0) + 2)


def mixture_general(kernel: Kernel, cov: tuple, delta: tuple) -> Values:
    """Take det(I + 2tS) and the adjugate as polynomials in 2t with exact coefficients (Faddeev and LeVerrier)."""
    d = len(delta)
    adjugate, det, vectors = [[Fraction(i == j) for j in range(d)] for i in range(d)], [Fraction(1)], []
    for k in range(1, d + 1):
        vectors.append([sum(b * y for b, y in zip(row, delta, strict=True)) for row in adjugate])
        product = [[sum(cov[i][l] * adjugate[l][j] for l in range(d)) for j in range(d)] for i in range(d)]
        det.append(sum(product[i][i] for i in range(d)) / k)
        adjugate = [[det[k] * (i == j) - product[i][j] for j in range(d)] for i in range(d)]
    quadratic = [to_mp(sum(y * v for y, v in zip(delta, vector, strict=True))) for vector in vectors]
    columns = [[to_mp(vector[i]) for vector in vectors] for i in range(d)]
    det_mp = [to_mp(e) for e in det]

    def transform(t: mpf) -> tuple:
        powers = [(2 * t) ** k for k in range(d + 1)]
        excess = mp.fdot(det_mp[1:], powers[1:])
        exponent = mp.log1p(excess) / 2 + t * mp.fdot(quadratic, powers[:d]) / (1 + excess)
        scale = 2 * t * mp.exp(-exponent) / (1 + excess)
        return (-mp.expm1(-exponent), *(scale * mp.fdot(column, powers[:d]) for column in columns))

    scales = [p / q for p, q in pairwise(det_mp) if q] + [1 / quadratic[0] if quadratic[0] else 0]
    high = mp.log(1 + (1 / mpf(kernel.a) ** 2 if kernel.a else 0) + max(scales)) + 2
    return mixture_integral(kernel, transform, -mp.log(1 + det_mp[1] + quadratic[0] + mpf(kernel.a) ** 2) - 2, high)


# ---- route 2: the density of x - z -----------------------------------------------------------------------------

def expectation(kernel: Kernel, nodes: Callable[[int], list[Node]], step: mpf, digits: float) -> Values:
    """Sum w_0 h(s) and w_i 2 h'(s): the nodes (s, w) stand for |x - z|^2, its density, and density times x - z."""
    def sums(level: int) -> Values:
        return add([(w[0] * kernel.h(s), *(2 * kernel.slope(s) * c for c in w[1:])) for s, w in nodes(level)])

    return refine(sums, step, digits)


@cache
def chi_nodes(dim: int, r: float, level: int) -> list[Node]:
    """Return nodes for the noncentral chi density of rho = |x - z|, z ~ N(0, I).

    On the sphere of that radius x - z leans towards x as in the law of von Mises and Fisher: its mean component along x
    is rho I_{L/2}(r rho) / I_{L/2-1}(r rho). The second weight is the density times that.
    """
    half, r = mpf(dim) / 2, mpf(r)
    log_norm = (1 - half) * mp.log(2) - mp.loggamma(half)

    def node(v: mpf) -> Node:
        rho = mp.exp(v)
        density = mp.exp(log_norm + dim * v - (rho * rho + r * r) / 2)
        z = (r * rho / 2) ** 2
        lean = r * rho * rho / dim * mp.hyp0f1(half + 1, z)
        return rho * rho, (density * mp.hyp0f1(half, z), density * lean)

    start, step = chi_grid(dim, float(r))
    return list(walk(node, start, step, level))


def chi_grid(dim: int, r: float) -> tuple[mpf, mpf]:
    size = mp.sqrt(mpf(r) ** 2 + dim)
    return mp.log(size), 1 / (1 + size)


def direct_isotropic(kernel: Kernel, dim: int, r: float, variance: int = 1) -> Values:
    def nodes(level: int) -> list[Node]:
        return [(variance * s, w) for s, w in chi_nodes(dim, r, level)]

    return expectation(kernel, nodes, chi_grid(dim, r)[1], 44)


@cache
def directions(dim: int, level: int) -> list[tuple]:
    """Return the unit vectors of a rule on the circle (trapezoidal) or the sphere (Gauss in height), with weights."""
    n = 8 * 2**level
    angles = [(mp.cospi(mpf(2 * k) / n), mp.sinpi(mpf(2 * k) / n)) for k in range(n)]
    if dim == 2:
        return [(2 * mp.pi / n, (c, s)) for c, s in angles]
    rule = []
    for k in range(1, n // 2 + 1):  # Gauss-Legendre by Newton's method from Tricomi's estimate
        z = mp.cospi((k - mpf(1) / 4) / (n // 2 + mpf(1) / 2))
        for _ in range(8):
            before, now = mpf(1), z
            for j in range(2, n // 2 + 1):
                before, now = now, ((2 * j - 1) * z * now - (j - 1) * before) / j
            slope = (n // 2) * (z * now - before) / (z * z - 1)
            z -= now / slope
        weight = 2 / ((1 - z * z) * slope**2) * 2 * mp.pi / n
        rule += [(weight, (mp.sqrt(1 - z * z) * c, mp.sqrt(1 - z * z) * s, z)) for c, s in angles]
    return rule


@cache
def polar_nodes(cov: tuple, delta: tuple) -> Callable[[int], list[Node]]:
    """Integrate the density of y = x - z = rho omega over the directions omega, for each rho. S is regular."""
    d = len(delta)
    s = mp.matrix([[to_mp(c) for c in row] for row in cov])
    precision, centre = s**-1, mp.matrix([to_mp(c) for c in delta])
    b, sharpness = precision * centre, mp.sqrt(mp.fsum(precision[i, i] for i in range(d)))
    constant = (centre.T * b)[0] / 2 + mp.log((2 * mp.pi) ** d * mp.det(s)) / 2

    @cache
    def forms(level: int) -> list[tuple]:
        """Return per direction: weight, omega' P delta, omega' P omega / 2, omega."""
        return [(w, sum(b[i] * o[i] for i in range(d)),
                 sum(precision[i, j] * o[i] * o[j] for i in range(d) for j in range(d)) / 2, o)
                for w, o in directions(d, level)]

    def node(v: mpf) -> Node:
        rho, old = mp.exp(v), None
        for level in range(9):
            rows = []
            for w, linear, square, o in forms(level):
                p = w * mp.exp((linear - square * rho) * rho - constant)
                rows.append((p, *(p * c for c in o)))
            new = add(rows)
            seen = 8 * 2**level > 1.5 * rho * sharpness  # no peak hides between the directions any more
            negligible = old and seen and abs(old[0] - new[0]) * rho**d < mpf(10) ** -28
            if old and (negligible or difference(old[:1], new[:1]) < 1e-14):
                return rho * rho, (rho**d * new[0], *(rho ** (d + 1) * c for c in new[1:]))
            old = new
        raise ArithmeticError("the integral over the directions does not converge")

    start = mp.log(mp.sqrt(mp.fsum(s[i, i] for i in range(d)) + (centre.T * centre)[0]))
    return cache(lambda level: list(walk(node, start, mpf(1) / 4, level)))


def axis_grid(mean: mpf, deviation: mpf) -> tuple[mpf, mpf]:
    return mp.log(max(abs(mean), deviation)), FINE * min(mpf(1), deviation / abs(mean) if mean else 1)


def axis_nodes(mean: mpf, deviation: mpf) -> Callable[[int], list[Node]]:
    """Fold the line y ~ N(mean, deviation^2) at 0: nodes y = e^v, with the density of y and -y, and density times y."""
    def node(u: mpf) -> Node:
        bend = mp.exp(-25 - u)  # v = u - e^(-25 - u): nothing happens below e^-25, and few steps reach far there
        y = mp.exp(u - bend)
        plus, minus = (mp.npdf(sign * y, mean, deviation) * y * (1 + bend) for sign in (1, -1))
        return y * y, (plus + minus, (plus - minus) * y)

    start, step = axis_grid(mean, deviation)
    return cache(lambda level: list(walk(node, start, step, level)))


def direct_line(kernel: Kernel, direction: tuple, delta: tuple, variance: int) -> Values:
    """Take S = g g': x - z = q + g y, with q across the line and y normal along it."""
    g = [mpf(c) for c in direction]
    length2 = mp.fdot(g, g)
    along = mp.fdot(g, [to_mp(c) for c in delta]) / length2
    across = [to_mp(c) - along * e for c, e in zip(delta, g, strict=True)]
    offset = mp.fdot(across, across)
    line = axis_nodes(along, mpf(1))

    def nodes(level: int) -> list[Node]:
        return [(variance * (offset + length2 * y2), (w, *(w * q + e * wy for q, e in zip(across, g, strict=True))))
                for y2, (w, wy) in line(level)]

    return expectation(kernel, nodes, axis_grid(along, mpf(1))[1], 26)


def direct_thin(kernel: Kernel, cov: tuple, delta: tuple, variance: int) -> Values:
    """Iterate over the axes of a diagonal S: the thin one outside, the wide one inside."""
    (wide_mean, wide), (thin_mean, thin) = ((to_mp(delta[i]), mp.sqrt(to_mp(cov[i][i]))) for i in (0, 1))
    nodes, log_norm = axis_nodes(thin_mean, thin), mp.log(2 * mp.pi * wide**2) / 2

    def inside(t2: mpf) -> Values:
        scale = mp.sqrt(t2 + mpf(kernel.a) ** 2 / variance)  # y = scale sinh(u) turns s + a^2 into a square

        def node(u: mpf) -> Node:
            e = mp.exp(u)
            y = scale * (e - 1 / e) / 2
            s, density = variance * (y * y + t2), mp.exp(-(((y - wide_mean) / wide) ** 2) / 2 - log_norm)
            weight = density * scale * (e + 1 / e) / 2
            slope = 2 * weight * kernel.slope(s)
            return None, (density, weight * kernel.h(s), slope * y, slope)

        start = mp.asinh(wide_mean / scale)
        return refine(lambda level: add([w[1:] for _, w in walk(node, start, FINE, level)]), FINE, 26)

    def sums(level: int) -> Values:
        rows = [(w, wy, *inside(t2)) for t2, (w, wy) in nodes(level)]
        return add([(w * value, w * along, wy * across) for w, wy, value, along, across in rows])

    return refine(sums, axis_grid(thin_mean, thin)[1], 26)


# ---- route 3: series -------------------------------------------------------------------------------------------

@cache
def mean_root(n: int, a: float) -> mpf:
    """Return E sqrt(X + a^2) for a chi-squared X with n degrees of freedom, by Tricomi's function."""
    return mp.sqrt(2) * mp.hyperu(mpf(-1) / 2, mpf(1 - n) / 2, mpf(a) ** 2 / 2)


def series(kernel: Kernel, dim: int, r: float) -> Values:
    rate, half = mpf(r) ** 2 / 2, mpf(dim) / 2
    if kernel.a == 0:  # h(s) = s^p
        alpha = mpf(kernel.alpha or 0)
        p = {"HuberEnergy": mpf(1) / 2, "PowerKernel": alpha, "RationalKernel": 1 - alpha}[kernel.name]
        scale = 2**p * mp.gammaprod([half + p], [half])
        return [scale * mp.hyp1f1(-p, half, -rate), scale * p / half * r * mp.hyp1f1(1 - p, half + 1, -rate)]
    with mp.workdps(DIGITS + 15):
        value, derivative, weight, k = mpf(-kernel.a), mpf(0), mp.exp(-rate), 0
        while k <= rate or weight > mpf(10) ** -DIGITS:
            here, above = mean_root(dim + 2 * k, kernel.a), mean_root(dim + 2 * k + 2, kernel.a)
            value, derivative = value + weight * here, derivative + weight * r * (above - here)
            k += 1
            weight *= rate / k
        return [value, derivative]


# ---- what is wanted --------------------------------------------------------------------------------------------

class Case(NamedTuple):
    inputs: dict
    names: tuple[str, ...]  # what is kept of the outputs: the value, and the derivative or gradient
    agree: int
    routes: tuple[Callable[[], Values], ...]  # the first is stored, the others must agree
    quick: int  # how many routes are fast enough for the sample of --quick


FLAGS = {
    "ZeroSmoothing": "a = 0: the kernel is not smooth at 0",
    "TinySmoothing": "0 < a <= 1e-3: the kernel bends on a scale far below the Gaussian's",
    "AtMean": "x is the mean: the gradient is exactly 0",
    "NearMean": "0 < |x - m| <= 1e-2: the gradient is small and must keep its relative accuracy",
    "Far": "|x - m| >= 30: series in |x|^2 overflow or cancel",
    "HighDimension": "L >= 64: factors such as (1 + 2t)^(-L/2) underflow, Kummer's function overflows in naive code",
    "Anisotropic": "the covariance is not a multiple of the identity",
    "Degenerate": "the covariance is singular",
    "Thin": "the covariance is regular with condition number 1e12",
}


def flags(kernel: Kernel, dim: int, r: float | None, *more: str) -> list[str]:
    found = {"ZeroSmoothing": kernel.a == 0, "TinySmoothing": 0 < kernel.a <= 1e-3, "HighDimension": dim >= 64}
    if r is not None:
        found |= {"AtMean": r == 0, "NearMean": 0 < r <= 1e-2, "Far": r >= 30}
    return [name for name in FLAGS if found.get(name) or name in more]


def describe(kernel: Kernel) -> tuple[str, dict]:
    label = kernel.name.replace("Energy", "").replace("Kernel", "").lower()
    label += f"-a{kernel.a:g}" if kernel.alpha is None else f"-a{kernel.a:g}-alpha{kernel.alpha:g}"
    return label, {"kernel": kernel.name, "a": kernel.a, "alpha": kernel.alpha}


HUBER = [Kernel("HuberEnergy", a) for a in (0.0, 1e-6, 0.1, 1.0, 10.0)]
OTHERS = [Kernel(name, a, alpha) for name in ("PowerKernel", "RationalKernel")
          for alpha in (0.05, 0.3, 0.5, 0.75, 0.95) for a in (0.0, 1e-3, 1.0, 10.0)]
GRID = [(HUBER, (1, 2, 8, 64, 512, 784), (0.0, 1e-8, 1e-3, 0.1, 1.0, 5.0, 10.0, 30.0, 300.0)),
        (OTHERS, (1, 2, 64, 784), (0.0, 1e-3, 1.0, 30.0))]
SMALL = [*HUBER[:2], HUBER[3], Kernel("PowerKernel", 1e-3, 0.3), Kernel("PowerKernel", 0.0, 0.95),
         Kernel("RationalKernel", 1.0, 0.5), Kernel("RationalKernel", 0.0, 0.75)]


def isotropic_cases() -> Iterator[Case]:
    for kernels, dims, radii in GRID:
        for kernel in kernels:
            for dim in dims:
                for r in radii:
                    label, head = describe(kernel)
                    routes: list[Callable[..., Values]] = [mixture_isotropic, direct_isotropic]
                    if kernel.a == 0 or (kernel.name == "HuberEnergy" and r <= 5):
                        routes.append(series)
                    yield Case({"id": f"{label}-L{dim}-r{r:g}", **head, "dim": dim, "radius": r,
                                "flags": flags(kernel, dim, r)}, ("value", "derivative"), AGREE,
                               tuple(partial(f, kernel, dim, r) for f in routes), 3)


class Shape(NamedTuple):
    label: str
    mean: list[float]
    cov: list[list[float]]
    points: list[list[float]]
    marks: tuple[str, ...]
    direct: str  # how the density is integrated: polar, line, thin, point
    direction: tuple[float, ...] = ()

    @property
    def kernels(self) -> list[Kernel]:
        return [SMALL[i] for i in (0, 1, 5)] if self.direct == "thin" else SMALL

    @property
    def quick(self) -> int:
        """Return how many routes --quick takes."""
        return 1 if self.direct in ("polar", "thin") else 2


SHAPES = [
    Shape("axes", [0.0, 0.0], [[4.0, 0.0], [0.0, 0.25]],
          [[0.0, 0.0], [0.5, -0.75], [1e-3, 2e-3], [3.0, 1.0], [-24.0, 18.0]], ("Anisotropic",), "polar"),
    Shape("oblique", [0.25, -1.0], [[2.0, 0.75], [0.75, 0.5]], [[0.25, -1.0], [1.0, 0.0], [-3.0, 2.0]],
          ("Anisotropic",), "polar"),
    Shape("full3", [0.5, -0.25, 1.0], [[1.5, 0.5, 0.25], [0.5, 1.0, -0.375], [0.25, -0.375, 1.25]],
          [[0.5, -0.25, 1.0], [1.0, -1.0, 0.5]], ("Anisotropic",), "polar"),
    Shape("line", [0.0, 0.0], [[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.5, 0.0], [0.5, 1e-3], [1.0, -2.0]],
          ("Anisotropic", "Degenerate"), "line", (1.0, 0.0)),
    Shape("line-oblique", [1.0, 0.0], [[1.0, 2.0], [2.0, 4.0]], [[1.5, 1.0], [2.0, -1.0]],
          ("Anisotropic", "Degenerate"), "line", (1.0, 2.0)),
    Shape("line3", [0.0, 0.0, 1.0], [[1.0, 0.5, -2.0], [0.5, 0.25, -1.0], [-2.0, -1.0, 4.0]], [[1.0, 1.0, 1.0]],
          ("Anisotropic", "Degenerate"), "line", (1.0, 0.5, -2.0)),
    Shape("thin", [0.0, 0.0], [[1.0, 0.0], [0.0, 1e-12]], [[0.5, 1e-6], [0.5, -0.25]],
          ("Anisotropic", "Thin"), "thin"),
    Shape("point", [0.5, 1.0], [[0.0, 0.0], [0.0, 0.0]], [[0.5, 1.0], [0.3, 1.4], [0.5, 1.001]],
          ("Degenerate",), "point"),
]


def exact(x: Any) -> Any:
    return tuple(exact(y) for y in x) if isinstance(x, list) else Fraction(x)


def to_mp(x: Fraction | int) -> mpf:
    return mpf(x.numerator) / x.denominator


def direct_general(shape: Shape, kernel: Kernel, delta: tuple, variance: int = 1) -> Values:
    """Take |x - z|^2 times `variance`: with 2, the value at delta = 0 is the self-energy."""
    value, *gradient = direct_anywhere(shape, kernel, delta, variance)
    return [value, *(gradient if any(delta) else [mpf(0)] * len(delta))]  # by symmetry, and not 1e-33


def direct_anywhere(shape: Shape, kernel: Kernel, delta: tuple, variance: int) -> Values:
    cov = exact(shape.cov)
    if shape.direct == "point":
        s = to_mp(sum(y * y for y in delta)) * variance
        return [kernel.h(s), *(2 * kernel.slope(s) * to_mp(y) if s else mpf(0) for y in delta)]
    if shape.direct == "line":
        return direct_line(kernel, shape.direction, delta, variance)
    with mp.workdps(DIRECT_DIGITS):
        if shape.direct == "thin":
            return direct_thin(kernel, cov, delta, variance)
        nodes = polar_nodes(cov, delta)
        return expectation(kernel, lambda level: [(variance * s, w) for s, w in nodes(level)], mpf(1) / 4, 28)


def general_cases() -> Iterator[Case]:
    for shape in SHAPES:
        cov = exact(shape.cov)
        for number, x in enumerate(shape.points):
            delta = tuple(u - v for u, v in zip(exact(x), exact(shape.mean), strict=True))
            for kernel in shape.kernels:
                label, head = describe(kernel)
                marks = flags(kernel, len(x), math.hypot(*map(float, delta)), *shape.marks)
                yield Case({"id": f"{shape.label}-{number}-{label}", **head, "mean": shape.mean, "cov": shape.cov,
                            "x": x, "flags": marks}, ("value", "gradient"), AGREE_GENERAL,
                           (partial(mixture_general, kernel, cov, delta),
                            partial(direct_general, shape, kernel, delta)), shape.quick)


def self_energy_cases() -> Iterator[Case]:
    for kernels, dims, _ in GRID:
        for kernel in kernels:
            for dim in dims:
                label, head = describe(kernel)
                yield Case({"id": f"{label}-L{dim}", **head, "dim": dim, "cov": None,
                            "flags": flags(kernel, dim, None)}, ("value",), AGREE,
                           tuple(partial(f, kernel, dim, 0.0, 2) for f in (mixture_isotropic, direct_isotropic)), 2)
    for shape in SHAPES:
        double, zero = tuple(tuple(2 * c for c in row) for row in exact(shape.cov)), (Fraction(0),) * len(shape.mean)
        for kernel in shape.kernels:
            label, head = describe(kernel)
            yield Case({"id": f"{shape.label}-{label}", **head, "dim": len(zero), "cov": shape.cov,
                        "flags": flags(kernel, len(zero), None, *shape.marks)}, ("value",), AGREE_GENERAL,
                       (partial(mixture_general, kernel, double, zero),
                        partial(direct_general, shape, kernel, zero, 2)), shape.quick)


# ---- Adam ------------------------------------------------------------------------------------------------------

def adam_cases() -> Iterator[dict]:
    """Follow algorithm 1 of Kingma and Ba (2014), epsilon outside the root of the bias-corrected second moment."""
    steps, start = 20, [1.0, -0.5, 0.0, 3.25]
    falling = [0.125 * 0.75 ** (t // 4) for t in range(steps)]
    for label, rates, beta1, beta2, epsilon, scale in (
        ("default", [1e-3] * steps, 0.9, 0.999, 1e-8, 1.0),
        ("large-epsilon", [0.1] * steps, 0.5, 0.75, 0.5, 1.0),
        ("tiny-gradients", [1e-3] * steps, 0.9, 0.999, 1e-8, 2.0**-40),
        ("schedule", falling, 0.9, 0.999, 1e-8, 1.0),
        ("no-memory", falling, 0.0, 0.0, 1e-8, 1.0),
    ):
        # Fractions of 64 without a pattern; the third parameter waits two steps for its first gradient.
        gradients = [[0.0 if i == 2 and t < 2 else ((37 * t * t + 101 * i + 53 * t * i) % 257 - 128) / 64 * scale
                      for i in range(4)] for t in range(steps)]
        theta, first, second, path = [mpf(x) for x in start], [mpf(0)] * 4, [mpf(0)] * 4, []
        b1, b2 = mpf(beta1), mpf(beta2)
        for t, (rate, g) in enumerate(zip(rates, gradients, strict=True), 1):
            for i in range(4):
                first[i] = b1 * first[i] + (1 - b1) * g[i]
                second[i] = b2 * second[i] + (1 - b2) * mpf(g[i]) ** 2
                theta[i] -= rate * (first[i] / (1 - b1**t)) / (mp.sqrt(second[i] / (1 - b2**t)) + epsilon)
            path.append(list(theta))
        # The second route: both moments as weighted means of all the gradients, then the steps summed up.
        again = [mpf(x) for x in start]
        for t, rate in enumerate(rates, 1):
            weights = [[b ** (t - k) / mp.fsum(b**j for j in range(t)) for k in range(1, t + 1)] for b in (b1, b2)]
            for i in range(4):
                mean, square = (mp.fsum(w * mpf(g[i]) ** p for w, g in zip(ws, gradients, strict=False))
                                for p, ws in zip((1, 2), weights, strict=True))
                again[i] -= rate * mean / (mp.sqrt(square) + epsilon)
        check_agreement(f"adam {label}", [[mpf(0), *theta], [mpf(0), *again]], 40)
        yield {"id": label, "beta1": beta1, "beta2": beta2, "epsilon": epsilon, "learning_rates": rates, "start": start,
               "gradients": gradients, "parameters": [[decimal(x) for x in row] for row in path],
               "parameters_hex": [[nearest(x) for x in row] for row in path],
               "first": [decimal(x) for x in first], "second": [decimal(x) for x in second]}


# ---- files -----------------------------------------------------------------------------------------------------

def decimal(x: mpf) -> str:
    return mp.nstr(x, STORED)


def nearest(x: mpf) -> str:
    return float(decimal(x)).hex()


def check_agreement(label: str, results: list[Values], digits: int) -> float:
    """Return to how many digits the routes agree; raise ArithmeticError where that is too few."""
    worst = max(difference(results[0], other) for other in results[1:])
    if not worst < mpf(10) ** -digits:
        shown = ", ".join(mp.nstr(x, 40) for result in results for x in result)
        raise ArithmeticError(f"{label}: the routes differ by {mp.nstr(worst, 3)}, relative: {shown}")
    return float(-mp.log10(worst)) if worst else float(DIGITS)


def solve(case: Case, routes: int | None = None) -> tuple[dict, float]:
    """Return the vector, and the digits to which its routes agree; by the first so many of them, or by all."""
    results = [route() for route in case.routes[:routes]]
    reached = check_agreement(case.inputs["id"], results, case.agree) if len(results) > 1 else float(DIGITS)
    value, *rest = results[0]
    outputs: dict[str, Any] = {"value": value}
    if "gradient" in case.names:
        outputs["gradient"] = rest
    elif "derivative" in case.names:
        outputs["derivative"] = rest[0]
    row = dict(case.inputs)
    for name, x in outputs.items():
        row[name] = [decimal(c) for c in x] if isinstance(x, list) else decimal(x)
        row[name + "_hex"] = [nearest(c) for c in x] if isinstance(x, list) else nearest(x)
    return row, reached


ROUTES = ["mixture: one integral over the kernel's Gaussian mixture", "direct: the kernel against the density of x - z",
          "series: Kummer's function (a = 0) or Tricomi's (HuberEnergy, radius <= 5), where they apply"]
FILES: dict[str, tuple[Callable[[], Iterator[Case]], str]] = {
    "expected_kernel.json": (
        isotropic_cases, "U = E h(|x - z|^2), z ~ N(0, I_dim), |x| = radius; derivative is dU/d|x|, so that "
        "grad U = derivative * x / |x|, and 0 at x = 0"),
    "expected_kernel_general.json": (
        general_cases, "U = E h(|x - z|^2), z ~ N(mean, cov), and its gradient at x"),
    "self_energy.json": (
        self_energy_cases, "E h(|z - z'|^2), z and z' independent and N(0, cov); cov null stands for I_dim"),
}


def document(what: str, routes: list[str], agreement: float, meanings: dict, rows: list[dict]) -> dict:
    return {"what": what, "made_by": "tools/make_vectors.py", "mpmath": mpmath.__version__, "working_digits": DIGITS,
            "digits_written": STORED, "routes": routes, "routes_agree_to_digits": math.floor(agreement),
            "flags": meanings, "vectors": rows}


def dump(content: dict) -> str:
    """Write JSON with one vector a line."""
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in content.items() if k not in ("flags", "vectors")]
    if content["flags"]:
        flag_lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in content["flags"].items())
        lines.append(' "flags": {\n' + flag_lines + "\n }")
    lines.append(' "vectors": [\n' + ",\n".join("  " + json.dumps(v) for v in content["vectors"]) + "\n ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def close(fresh: Any, committed: Any) -> bool:
    """Compare JSON: decimals to REPEAT digits, all else exactly."""
    if isinstance(fresh, dict) and isinstance(committed, dict):
        return fresh.keys() == committed.keys() and all(close(v, committed[k]) for k, v in fresh.items())
    if isinstance(fresh, list) and isinstance(committed, list):
        return len(fresh) == len(committed) and all(map(close, fresh, committed))
    if fresh == committed or not (isinstance(fresh, str) and isinstance(committed, str)):
        return type(fresh) is type(committed) and fresh == committed
    try:
        x, y = mpf(fresh), mpf(committed)
    except ValueError:  # ids, names, hexadecimal floats
        return False
    return abs(x - y) <= abs(x) * mpf(10) ** -REPEAT


def compare(name: str, fresh: list[dict], committed: list[dict], all_ids: list[str]) -> list[str]:
    """Return a line for each difference between the vectors computed now and those in the file."""
    known = {row["id"]: row for row in committed}
    problems = [f"{name}: the ids in the file are not those of the script"] if list(known) != all_ids else []
    return problems + [f"{name}: {row['id']} differs: now {json.dumps(row)}, committed {json.dumps(known[row['id']])}"
                       for row in fresh if row["id"] in known and not close(row, known[row["id"]])]


def main() -> int:
    parser = argparse.ArgumentParser(description=(
        "Make the golden values in tests/vectors and those of the oracle, or check them."))
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    parser.add_argument("--quick", action="store_true", help=(
        "with --check: all vectors, but those in tests/vectors by one derivation of two or three; the others confirm a "
        "fixed sample of 16 of each file, where they are fast"))
    parser.add_argument("--only", metavar="NAME", help="one capability of the oracle, and nothing else")
    options = parser.parse_args()
    if options.quick and not options.check:
        parser.error("--quick goes with --check")
    problems = [] if options.only else small_vectors(options)
    problems += oracle_vectors(options.only, options.check)
    print("\n".join(problems) or "all is well")
    return 1 if problems else 0


def oracle_vectors(only: str | None, check: bool) -> list[str]:
    """Write the oracle's files, or return what differs from them."""
    from vectors.format import dump as dump_oracle

    from vectors import compression, distance, evaluation, models, neighbours, radius, rejection

    documents = {name: make for module in (distance, models, compression, evaluation, neighbours, rejection, radius)
                 for name, make in module.DOCUMENTS.items()}
    if only is not None and only not in documents:
        return [f"--only: expected one of {', '.join(documents)}, got {only!r}"]
    problems = []
    for name, make in documents.items():
        if only in (None, name):
            begun = time.perf_counter()
            content, path = make(), ORACLE / f"{name}.json"
            if not check:
                path.write_text(dump_oracle(content), encoding="utf-8")
            elif not path.exists():
                problems.append(f"oracle/{name}: there is no such file")
            else:
                problems += differences(name, content, json.loads(path.read_text(encoding="utf-8")))
            print(f"oracle/{name}: {len(content['vectors'])} vectors, {time.perf_counter() - begun:.0f} s", flush=True)
    return problems


def differences(name: str, fresh: dict, committed: dict) -> list[str]:
    """Return a line for each entry and each vector that is another in the file; the version of mpmath may differ."""
    for content in (fresh, committed):
        content["provenance"].pop("mpmath")
    fresh = json.loads(json.dumps(fresh))
    heads = [f"oracle/{name}: {key} differs" for key in {*fresh, *committed} - {"vectors"}
             if fresh.get(key) != committed.get(key)]
    now, then = ({row["id"]: row for row in content["vectors"]} for content in (fresh, committed))
    return heads + [f"oracle/{name}: {key} differs" for key in {**now, **then} if now.get(key) != then.get(key)]


def small_vectors(options: argparse.Namespace) -> list[str]:
    """Make or check the files in tests/vectors, and return what is wrong."""
    mp.dps = DIGITS
    begun, problems = time.perf_counter(), []
    for name, (make, what) in FILES.items():
        cases = list(make())
        ids = [case.inputs["id"] for case in cases]
        sample = {case.inputs["id"] for case in random.Random(0).sample(cases, 16)}
        rows, agreement = [], float(DIGITS)
        for number, case in enumerate(cases, 1):
            routes = None if not options.quick else case.quick if case.inputs["id"] in sample else 1
            try:
                row, reached = solve(case, routes)
            except ArithmeticError as error:  # two routes differ, or a sum does not converge
                problems.append(f"{name}: {error}")
                continue
            rows.append(row)
            agreement = min(agreement, reached)
            if sys.stderr.isatty():
                print(f"\r{name}: {number} of {len(cases)}", end="\r", file=sys.stderr)
        problems += finish(name, document(what, ROUTES, agreement, FLAGS, rows), ids, options.check)
        print(f"{name}: {len(rows)} vectors, the routes agree to {agreement:.1f} digits, "
              f"{time.perf_counter() - begun:.0f} s", flush=True)
    rows = list(adam_cases())
    what = ("Adam: parameters after each step, learning_rates[t] at step t + 1; first and second are the moments after "
            "the last step, before the correction of bias")
    routes = ["recursion: algorithm 1 step by step", "means: bias-corrected moments as weighted means of all gradients"]
    problems += finish("adam.json", document(what, routes, 40, {}, rows), [row["id"] for row in rows], options.check)
    print(f"adam.json: {len(rows)} trajectories")
    return problems


def finish(name: str, content: dict, all_ids: list[str], check: bool) -> list[str]:
    """Write the file, or return what differs from it."""
    path = FOLDER / name
    if check:
        if not path.exists():
            return [f"{name}: there is no such file"]
        return compare(name, content["vectors"], json.loads(path.read_text())["vectors"], all_ids)
    if [row["id"] for row in content["vectors"]] != all_ids:
        return [f"{name}: not written"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(content))
    return []


if __name__ == "__main__":
    sys.exit(main())
