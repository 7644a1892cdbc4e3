r"""The generators of f-divergences in mpmath: each by its formula, and everything that the second routes start from.

The second routes use neither f nor :math:`f^*` as they are written here, but :math:`f''` with the kinks, f(1) and
f'(1), from which convexity gives the rest:

.. math:: f(u) = f(1) + f'(1)(u - 1) + \int_1^u (u - s) f''(s)\,ds, \qquad
    D_f(P \| Q) = f(1) + \int_0^1 f''(u) \sum_i (u q_i - p_i)_+ du + \int_1^\infty f''(u) \sum_i (p_i - u q_i)_+ du .
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import mpmath
from mpmath import mp, mpf

INF = mpmath.inf
SHORTER = 34  # digits of integrals by quadrature
GUARD = 60  # digits beyond the working precision, for what cancels on the way
Function = Callable[[mpf], mpf]


def guarded(compute: Callable, *arguments: object) -> Callable[[], object]:
    """Return a computation with guard digits."""
    def called() -> object:
        with mp.extradps(GUARD):
            return compute(*arguments)

    return called


def shorter(compute: Callable, *arguments: object) -> Callable[[], object]:
    """Return a computation at fewer digits: integrals of second routes, which need to agree to 25."""
    def called() -> object:
        with mp.workdps(SHORTER):
            return compute(*arguments)

    return called


@dataclass(frozen=True)
class Generator:
    """A convex f on u >= 0 with its conjugate; the other fields are for the second routes.

    `jumps` are the kinks of f and by how much f' jumps there; `first` is f'(1), the left one at a kink.
    """

    f: Function
    conjugate: Function
    at_zero: Callable[[], mpf]
    slope_at_infinity: Callable[[], mpf]
    derivative: Function | None = None
    second: Function | None = None
    value: Callable[[], mpf] = lambda: mpf(0)
    first: Callable[[], mpf] = lambda: mpf(0)
    jumps: tuple[tuple[mpf, mpf], ...] = ()


def zero() -> mpf:
    return mpf(0)


def one() -> mpf:
    return mpf(1)


def infinity() -> mpf:
    return INF


def log2() -> mpf:
    return mp.log(2)


def _xlogx(u: mpf) -> mpf:
    return u * mp.log(u) if u else mpf(0)


def _below(upper: Callable[[], mpf], formula: Function, closed: bool = False) -> Function:
    """Return the formula inside the domain, and infinity outside."""
    return lambda t: formula(t) if t < upper() or (closed and t == upper()) else INF


def _precision_recall(lam: mpf) -> Generator:
    def conjugate(t: mpf) -> mpf:
        return max(t, mpf(0)) / lam + max(lam, mpf(1)) - 1

    return Generator(
        f=lambda u: max(lam * u, mpf(1)) - max(lam, mpf(1)),
        conjugate=_below(lambda: lam, conjugate, closed=True),
        at_zero=lambda: 1 - max(lam, mpf(1)), slope_at_infinity=lambda: lam,
        first=lambda: lam if lam > 1 else mpf(0), jumps=((1 / lam, lam),),
    )


GENERATORS: dict[str, Generator] = {
    "kl": Generator(
        f=lambda u: _xlogx(u) - u + 1, conjugate=lambda t: mp.exp(t) - 1, at_zero=one, slope_at_infinity=infinity,
        derivative=mp.log, second=lambda u: 1 / u),
    "reverse_kl": Generator(
        f=lambda u: u - 1 - mp.log(u) if u else INF, conjugate=_below(one, lambda t: -mp.log(1 - t)),
        at_zero=infinity, slope_at_infinity=one, derivative=lambda u: 1 - 1 / u, second=lambda u: 1 / u**2),
    "jensen_shannon": Generator(
        f=lambda u: _xlogx(u) - (u + 1) * mp.log((u + 1) / 2),
        conjugate=_below(log2, lambda t: -mp.log(2 - mp.exp(t))),
        at_zero=log2, slope_at_infinity=log2, derivative=lambda u: mp.log(2 * u / (1 + u)),
        second=lambda u: 1 / (u * (1 + u))),
    "gan": Generator(
        f=lambda u: _xlogx(u) - (u + 1) * mp.log(u + 1), conjugate=_below(zero, lambda t: -mp.log(1 - mp.exp(t))),
        at_zero=zero, slope_at_infinity=zero, derivative=lambda u: mp.log(u / (1 + u)),
        second=lambda u: 1 / (u * (1 + u)), value=lambda: -2 * mp.log(2), first=lambda: -mp.log(2)),
    "total_variation": Generator(
        f=lambda u: abs(u - 1) / 2, conjugate=_below(lambda: mpf(0.5), lambda t: max(t, mpf(-0.5)), closed=True),
        at_zero=lambda: mpf(0.5), slope_at_infinity=lambda: mpf(0.5), first=lambda: mpf(-0.5),
        jumps=((mpf(1), mpf(1)),)),
    "pearson_chi2": Generator(
        f=lambda u: (u - 1) ** 2, conjugate=lambda t: t + t**2 / 4 if t >= -2 else mpf(-1),
        at_zero=one, slope_at_infinity=infinity, derivative=lambda u: 2 * (u - 1), second=lambda u: mpf(2)),
    "neyman_chi2": Generator(
        f=lambda u: (u - 1) ** 2 / u if u else INF,
        conjugate=_below(one, lambda t: 2 - 2 * mp.sqrt(1 - t), closed=True), at_zero=infinity, slope_at_infinity=one,
        derivative=lambda u: 1 - 1 / u**2, second=lambda u: 2 / u**3),
    "squared_hellinger": Generator(
        f=lambda u: (mp.sqrt(u) - 1) ** 2, conjugate=_below(one, lambda t: t / (1 - t)), at_zero=one,
        slope_at_infinity=one, derivative=lambda u: 1 - 1 / mp.sqrt(u), second=lambda u: u ** mpf(-1.5) / 2),
    **{f"precision_recall({lam})": _precision_recall(mpf(lam)) for lam in ("0.25", "1", "4")},
}


# ---- first routes ----------------------------------------------------------------------------------------------

def divergence(name: str, p: Sequence[mpf], q: Sequence[mpf]) -> mpf:
    """Sum q f(p/q); an atom of P alone costs p times the slope at infinity."""
    g = GENERATORS[name]
    return mp.fsum(y * g.f(x / y) if y else x * g.slope_at_infinity() for x, y in zip(p, q, strict=True) if x or y)


# ---- second routes ---------------------------------------------------------------------------------------------

def f_by_curvature(name: str, u: mpf) -> mpf:
    """Integrate f'' twice from 1; in the logarithm of s, in steps, since u may be huge."""
    g = GENERATORS[name]
    with mp.extradps(int(abs(mp.log10(u))) if u and g.value() else 0):  # of the gan's terms little is left
        return _f_by_curvature(g, u)


def _f_by_curvature(g: Generator, u: mpf) -> mpf:
    total = g.value() + g.first() * (u - 1)
    for place, jump in g.jumps:
        if (place < 1 and u < place) or (place >= 1 and u > place):
            total += jump * abs(u - place)
    return total + (_integral(g.second, lambda s: abs(u - s), u, mpf(1)) if g.second and u != 1 else 0)


def _integral(second: Function, weight: Function, a: mpf, b: mpf) -> mpf:
    """Integrate f''(s) weight(s) ds between a and b, either of which may be 0 or infinite."""
    a, b = min(a, b), max(a, b)
    low = mp.log(a) if a else None
    high = mp.log(b) if b < INF else None
    if low is None or high is None:  # one end is 1, or a ratio: the integrand falls as a power of s or 1/s
        start = high if low is None else low
        sign = -1 if low is None else 1

        def along(w: mpf) -> mpf:
            s = mp.exp(start + sign * w)
            return second(s) * weight(s) * s

        return mp.quad(along, [0, 2, 8, 32, 96, 400])
    steps = max(1, int(mp.ceil((high - low) / 3)))
    points = [low + (high - low) * i / steps for i in range(steps + 1)]
    return mp.quad(lambda x: second(mp.exp(x)) * weight(mp.exp(x)) * mp.exp(x), points, method="gauss-legendre")


def conjugate_by_search(name: str, t: mpf) -> mpf:
    """Maximise t u - f(u) over u >= 0: at 0, at a kink, where f' = t, or at the end of what is searched."""
    g, far = GENERATORS[name], mpf(104)  # log u

    def gain(u: mpf) -> mpf:
        return t * u - g.f(u)

    if gain(mp.exp(far)) > mp.exp(far / 2):
        return INF
    if g.derivative is None:
        return max(gain(u) for u in (mpf(0), *(place for place, _ in g.jumps), mp.exp(far) if g.jumps else mpf(0)))
    low, high = -far, far
    for _ in range(400):
        middle = (low + high) / 2
        low, high = (middle, high) if g.derivative(mp.exp(middle)) < t else (low, middle)
    best = gain(mp.exp(high))
    return max(best, -g.at_zero()) if g.at_zero() < INF else best


def divergence_by_curvature(name: str, p: Sequence[mpf], q: Sequence[mpf]) -> mpf:
    """Average the hockey-stick divergences with the weight f'', atom by atom; kinks are its Dirac masses."""
    g = GENERATORS[name]
    total = g.value() * mp.fsum(q) + g.first() * (mp.fsum(p) - mp.fsum(q))  # decimal fractions need not add up to 1
    for x, y in zip(p, q, strict=True):
        if not x and not y:
            continue
        for place, jump in g.jumps:
            total += jump * (max(place * y - x, mpf(0)) if place < 1 else max(x - place * y, mpf(0)))
        if g.second is None or x == y:
            continue
        ratio = x / y if y else INF
        if (ratio == 0 and g.at_zero() == INF) or (ratio == INF and g.slope_at_infinity() == INF):
            return INF
        total += _integral(g.second, partial(_stick, x, y), ratio, mpf(1))
    return total


def _stick(x: mpf, y: mpf, u: mpf) -> mpf:
    return abs(x - u * y)
