r"""Vectors of what the probabilities of the classes say: the three bounds of the class radius, and the entropies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from mpmath import mp, mpf

from .evaluation import array, loose, make, ugly
from .format import Case, exact
from .generators import INF, guarded, shorter

SCRIPT = "tools/vectors/radius.py"
Vector = list[mpf]
EPS = 2.0**-53
MOST = 12  # different probabilities that the second route is taken for; each is an integral


def alike(n: int) -> np.ndarray:
    return np.full(n, 1 / n)


# Name: flags, probabilities. All but decimal fractions add up to 1 exactly.
CLASSES: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
    "halves": (("Uniform", "Paper"), alike(2)),
    **{f"uniform-{n}": (("Uniform",), alike(n)) for n in (4, 8, 64, 1024)},
    "uniform-5": (("Uniform", "Paper"), alike(5)),
    "uniform-10": (("Uniform", "Paper"), alike(10)),
    "three": (("Normal",), array(0.5, 0.25, 0.25)),
    "four": (("Normal",), array(0.4375, 0.3125, 0.1875, 0.0625)),
    "ten": (("Normal",), array(0.1875, 0.1875, 0.125, 0.125, 0.125, 0.0625, 0.0625, 0.0625, 0.03125, 0.03125)),
    "ugly-3": (("Normal", "Ugly"), ugly(21, 3)),
    "ugly-6": (("Normal", "Ugly"), ugly(22, 6)),
    "ugly-12": (("Normal", "Ugly"), ugly(23, 12)),
    "ugly-50": (("ManyClasses", "Ugly"), ugly(24, 50)),
    "geometric": (("FarTail",), array(*(2.0**-i for i in range(1, 41)), 2.0**-40)),
    "rare": (("FarTail",), array(0.5, 0.5 - 2.0**-50, 2.0**-50)),
    "rarest": (("FarTail",), array(0.75, 0.25, 1e-300)),
    "zeros": (("ZeroMass",), array(0.5, 0.0, 0.25, 0.25, 0.0)),
    "zeros-uniform": (("ZeroMass", "Uniform"), array(0.0, 0.25, 0.25, 0.25, 0.25)),
    "large-class": (("LargeClass",), array(0.875, 0.125)),
    "largest-proven": (("LargeClass", "Paper"), array(0.9054, 0.0946)),
    "larger": (("LargeClass",), array(0.96875, 0.03125)),
    "nearly-one-10": (("NearOneClass",), array(1 - 2.0**-10, 2.0**-10)),
    "nearly-one-20": (("NearOneClass",), array(1 - 2.0**-20, 2.0**-21, 2.0**-21)),
    "one": (("OneClass", "Infinite"), array(1.0)),
    "one-and-none": (("OneClass", "ZeroMass", "Infinite"), array(0.0, 1.0)),
}


def bound_cases(first: Callable[[Vector], mpf], second: Callable[[Vector], mpf], sensitive: bool) -> Iterator[Case]:
    """Yield all classes; `sensitive` to the rounding of |p|^2 where that is nearly 1."""
    for name, (flags, p) in CLASSES.items():
        x = exact(p)
        near = sensitive and "NearOneClass" in flags
        tolerance = None
        if near:
            off = float(1 - mp.fsum(v * v for v in x))
            tolerance = loose(float(f"{16 * EPS / off:.1g}"), 0.0, "|p|^2 is nearly 1: half an ulp of it is 2^-53 of "
                              "1 - |p|^2, relative, and the quantile or logarithm feels that")
        few = "OneClass" not in flags and len(set(p.tolist())) <= MOST
        yield Case(name, flags, {"p": p}, guarded(first, x), shorter(second, x) if few else None, tolerance=tolerance)


# ---- the normal distribution -----------------------------------------------------------------------------------

def quantile(p: mpf) -> mpf:
    r"""Solve log Phi(a) = log p by Newton's method: log Phi is concave, so the steps come from the left."""
    if p > mpf(0.5):
        return -quantile(1 - p)
    a = -mp.sqrt(-2 * mp.log(p))
    for _ in range(200):
        phi = mp.ncdf(a)
        step = (mp.log(p) - mp.log(phi)) * phi / mp.npdf(a)
        a += step
        if abs(step) <= mpf(10) ** (8 - mp.dps) * (1 + abs(a)):
            return a
    raise ArithmeticError(f"no quantile of {p}")


def quantile_by_erfinv(p: mpf) -> mpf:
    with mp.extradps(int(-mp.log10(p)) + 5):
        return mp.sqrt(2) * mp.erfinv(2 * p - 1)


def half_space(p: mpf) -> mpf:
    """p Phi^-1(p) + phi(Phi^-1(p)), and its limits."""
    if p in (0, 1):
        return INF if p else mpf(0)
    a = quantile(p)
    return p * a + mp.npdf(a)


def half_space_by_tail(p: mpf) -> mpf:
    """Integrate the tail Phi(Phi^-1(p) - eta) over eta > 0: step 2 of the proof, with no closed form."""
    a = quantile_by_erfinv(p)
    scale = 1 / (1 + abs(a))
    points = [0, 3 * scale, 24 * scale, 3, 12] if a < 0 else [0, a + 1, a + 4, a + 12]
    return mp.quad(lambda eta: mp.ncdf(a - eta), sorted(points))


def square(p: Vector) -> mpf:
    return mp.fsum(x * x for x in p)


# ---- bounds ----------------------------------------------------------------------------------------------------

def isoperimetric(p: Vector) -> mpf:
    return _over_classes(half_space, p)


def isoperimetric_by_tail(p: Vector) -> mpf:
    return _over_classes(half_space_by_tail, p)


def _over_classes(term: Callable[[mpf], mpf], p: Vector) -> mpf:
    """Sum the terms of the classes, equal ones once; no class adds nothing."""
    return mp.fsum(p.count(x) * term(x) for x in set(p) if x)


def gamma(p: Vector) -> mpf:
    s = square(p)
    return mp.log(4 * mp.pi * mp.log(1 / s)) / mp.sqrt(2 * mp.log(1 / s)) if s < 1 else -INF


def gamma_by_root(p: Vector) -> mpf:
    r"""Write it with :math:`2w = \log(4\pi H)` as :math:`2\sqrt{2\pi}\, w e^{-w}`, H the collision entropy.

    H itself is integrated: :math:`\log(1/s) = \int_s^1 dx/x`.
    """
    s = square(p)
    h = mp.quad(lambda x: 1 / x, mp.linspace(s, 1, 2) if s > 0.1 else [s, *(s * 4**i for i in range(1, 12) if
                                                                          s * 4**i < 1), 1])
    w = mp.log(4 * mp.pi * h) / 2
    return 2 * mp.sqrt(2 * mp.pi) * w * mp.exp(-w)


def kappa(p: Vector) -> mpf:
    s = square(p)
    return half_space(s) / s


def kappa_by_tail(p: Vector) -> mpf:
    s = square(p)
    return half_space_by_tail(s) / s


# ---- entropies -------------------------------------------------------------------------------------------------

ALPHAS = {"Normal": (0.5, 2.0, 3.0), "Shannon": (1.0,), "Hartley": (0.0,), "MinEntropy": (math.inf,)}


def renyi_cases() -> Iterator[Case]:
    for name in ("halves", "uniform-5", "uniform-64", "three", "four", "ugly-6", "ugly-50", "geometric", "zeros",
                 "rarest", "larger", "one-and-none"):
        flags, p = CLASSES[name]
        flags = tuple(flag for flag in flags if flag not in ("Infinite", "LargeClass", "Normal"))
        for group, alphas in ALPHAS.items():
            for alpha in alphas:
                if not (name in ("uniform-64", "rarest", "ugly-50") and alpha == 3):
                    yield renyi_case(f"{name}-{alpha:g}", (group, *flags), p, alpha)
    p = CLASSES["four"][1]
    for alpha in (0.1, 2.0**-30, 1.5, 7.3, 0.9):
        yield renyi_case(f"four-{alpha:g}", ("Normal",), p, alpha)
    for alpha in (100.0, 1000.0, 1e5):
        for name in ("four", "ugly-6", "uniform-64"):
            yield renyi_case(f"{name}-{alpha:g}".replace("+0", ""), ("LargeAlpha",), CLASSES[name][1], alpha)
    for name in ("four", "ugly-6", "uniform-64", "zeros"):
        p = CLASSES[name][1]
        for sign, word in ((1, "above"), (-1, "below")):
            yield renyi_case(f"{name}-{word}-1-by-10", ("NearShannon",), p, 1 + sign * 2.0**-10)
            yield renyi_case(f"{name}-{word}-1-by-30", ("Cancellation",), p, 1 + sign * 2.0**-30)


def renyi_case(name: str, flags: tuple[str, ...], p: np.ndarray, alpha: float) -> Case:
    x = exact(p)
    tolerance = {
        "NearShannon": loose(32 * EPS * 2**10, 0.0, "log of a sum near 1, divided by 1 - alpha = 2^-10: an ulp of it "
                             "is 2^10 ulp of the result"),
        "Cancellation": loose(1e-12, 0.0, "log1p of the sum of p expm1((alpha - 1) log p) keeps the digits that the "
                              "plain formula loses; the probabilities add up to 1 exactly"),
    }.get(flags[0])
    return Case(name, flags, {"p": p, "alpha": alpha}, guarded(renyi, x, alpha),
                shorter(renyi_by_tilting, x, alpha), tolerance=tolerance)


def renyi(p: Vector, alpha: float) -> mpf:
    p = [x for x in p if x]
    if alpha == INF:
        return -mp.log(max(p))
    if alpha == 1:
        return -mp.fsum(x * mp.log(x) for x in p)
    return mp.log(mp.fsum(x ** mpf(alpha) for x in p)) / (1 - mpf(alpha))


def renyi_by_tilting(p: Vector, alpha: float) -> mpf:
    r"""Use the tilted laws :math:`p^s / \sum p^s`: minus the mean of log p, averaged over s from 1 to alpha.

    At 1 that is the mean itself; at infinity, where the law has gone to the largest p.
    """
    p = [x for x in p if x]
    logs = [mp.log(x) for x in p]

    def tilted(s: mpf) -> mpf:
        powers = [mp.exp(s * (log - max(logs))) for log in logs]
        return mp.fdot(powers, logs) / mp.fsum(powers)

    if alpha == INF:
        return -tilted(mpf(10) ** 6)
    if alpha == 1:
        return -tilted(mpf(1)) * mp.fsum(p)
    end = mpf(alpha)
    if abs(end - 1) < mpf(2) ** -5 or len(set(p)) == 1:
        points = [mpf(1), end]
    else:  # the smallest p leaves first, at a distance of 1 / log(max p / min p)
        width = 1 / (1 + max(logs) - min(logs))
        inner = [1 + (end - 1) * i / 4 for i in (1, 2, 3)] if end < 8 else [mpf(4) ** i for i in range(1, 9)]
        inner += [5 * width * 2**i for i in range(8)] if end < 1 else []
        points = [mpf(1), *sorted((x for x in inner if min(1, end) < x < max(1, end)), reverse=end < 1), end]
    # decimal fractions need not add up to 1
    return -(mp.quad(tilted, points) + mp.log(mp.fsum(p))) / (end - 1)


# ---- documents -------------------------------------------------------------------------------------------------

FLAGS = {
    "Normal": "nothing special",
    "Ugly": "float64 numbers without a pattern: multiples of 2^-53 that add up to 1 exactly",
    "Uniform": "equal classes: all entropies are log K, and the isoperimetric sum is kappa(1/K)",
    "Paper": "half-spaces, or numbers of the slides and the errata; decimal fractions add up to 1 but for rounding",
    "ManyClasses": "50 classes without a pattern",
    "FarTail": "classes of a tiny probability",
    "ZeroMass": "classes of probability 0, which add nothing, and do not count at alpha = 0",
    "LargeClass": "a class beyond the assumptions of the theorem; the formula has a value there all the same",
    "NearOneClass": "one class has nearly all the probability",
    "OneClass": "one class has all the probability: infinite radius, gamma minus infinity, entropies 0",
    "Infinite": "the result is infinite",
    "Shannon": "alpha = 1: Shannon's entropy, where the formula is 0/0",
    "Hartley": "alpha = 0: the logarithm of the number of classes that have any probability",
    "MinEntropy": "alpha is infinite: minus the logarithm of the largest probability",
    "LargeAlpha": "p^alpha underflows",
    "NearShannon": "alpha is near 1, at a distance of 2^-10",
    "Cancellation": "alpha is so near to 1 that the plain formula has no digits left",
}


def bound(capability: str, first: Callable[[Vector], mpf], second: Callable[[Vector], mpf], sensitive: bool,
          routes: list[str], reason: str) -> dict[str, Any]:
    return make(capability, partial(bound_cases, first, second, sensitive), routes, loose(1e-13, 1e-15, reason), FLAGS,
                SCRIPT)


DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "isoperimetric_bound": lambda: bound(
        "isoperimetric_bound", isoperimetric, isoperimetric_by_tail, False,
        ["p Phi^-1(p) + phi(Phi^-1(p)), the quantile by Newton's method",
         "the integral of Phi(Phi^-1(p) - eta) over eta, the quantile by the inverse error function"],
        "both terms of a class cancel down to a tenth, a thousand classes at most are added"),
    "gamma_bound": lambda: bound(
        "gamma_bound", gamma, gamma_by_root, True,
        ["the formula", "2 sqrt(2 pi) w exp(-w), 2 w = log(4 pi H), H as an integral"],
        "two logarithms and a root, of a sum of squares that is within some ulp"),
    "kappa_bound": lambda: bound(
        "kappa_bound", kappa, kappa_by_tail, True,
        ["Phi^-1(s) + phi(Phi^-1(s)) / s, the quantile by Newton's method",
         "the integral of Phi(Phi^-1(s) - eta) over eta, divided by s, the quantile by the inverse error function"],
        "both terms cancel down to a tenth, and s is within some ulp"),
    "renyi_entropy": lambda: make(
        "renyi_entropy", renyi_cases,
        ["the definition, and its limits", "minus the mean of log p by the laws p^s, averaged over s from 1 to alpha"],
        loose(1e-13, 1e-15, "logarithms are within some ulp, p^alpha within alpha log(1/p) ulp"), FLAGS, SCRIPT),
}
