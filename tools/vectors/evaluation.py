r"""Vectors of what evaluates and improves a model: f-divergences, precision and recall, rejection sampling."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from mpmath import mp, mpf

from divergen.oracle.capabilities import CAPABILITIES, DIVERGENCES

from .format import Case, document, exact
from .generators import (
    GENERATORS,
    INF,
    conjugate_by_search,
    divergence,
    divergence_by_curvature,
    f_by_curvature,
    guarded,
    shorter,
)

SCRIPT = "tools/vectors/evaluation.py"
Cases = Iterator[Case]


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def label(name: str) -> str:
    return name.replace("_", "-").replace("(", "-").replace(")", "")


def loose(relative: float, absolute: float, reason: str) -> dict[str, Any]:
    return {"relative": relative, "absolute": absolute, "reason": reason}


def ugly(seed: int, n: int, bits: int = 53) -> np.ndarray:
    """Return n probabilities without a pattern that are multiples of 2^-bits and add up to 1 exactly."""
    rng = random.Random(seed)
    cuts = sorted(rng.sample(range(1, 2**bits), n - 1))
    return np.array([b - a for a, b in zip([0, *cuts], [*cuts, 2**bits], strict=True)], dtype=np.float64) / 2.0**bits


# ---- generators ------------------------------------------------------------------------------------------------

SMOOTH = tuple(name for name in DIVERGENCES if GENERATORS[name].second is not None)


def f_cases() -> Cases:
    groups: dict[str, Sequence[float]] = {
        "Normal": (0.1, 0.25, 0.5, 0.75, 1.5, 2.0, 3.0, 7.3),
        "AtZero": (0.0,),
        "AtOne": (1.0,),
        "NearOne": (0.9375, 0.99, 1 - 2**-9, 1 + 2**-9, 1.01, 1.0625),
        "FarTail": (2.0**-40, 1e-30, 2.0**-10, 100.0, 2.0**40),
        "HugeRatios": (1e30, 2.0**200),
    }
    for name in DIVERGENCES:
        for flag, u in groups.items():
            if name != "gan" or flag not in ("FarTail", "HugeRatios"):  # the gan's are below: they cancel
                yield f_case(name, flag, flag.lower(), u)
        for place in (float(kink) for kink, _ in GENERATORS[name].jumps):
            yield f_case(name, "Kink", "kink",
                         (math.nextafter(place, 0), place, math.nextafter(place, INF), 0.75 * place, 1.25 * place))
    for name in SMOOTH:
        u = (1e6, 2.0**40, 1e30) if name == "gan" else (1 - 2**-12, 1 + 2**-20, 1 - 2**-26, 1 + 2**-30)
        yield f_case(name, "Cancellation", "cancellation", u)
    yield f_case("gan", "FarTail", "fartail", (2.0**-40, 1e-30, 2.0**-10, 100.0))


F_TOLERANCES = {
    "Cancellation": loose(1e-11, 0.0, "the input is exact, and forms in u - 1 (near 1) or 1/u (gan, far out) lose a "
                                      "few digits at most; the plain formula loses all of them"),
    "HugeRatios": loose(1e-12, 0.0, "u log u is up to 200 times the result, and no absolute error is small there"),
}


def f_case(name: str, flag: str, suffix: str, u: Sequence[float]) -> Case:
    at = exact(array(*u))
    infinite = GENERATORS[name].at_zero() == INF and min(u) == 0
    return Case(
        f"{label(name)}-{suffix}", (flag, *(("Infinite",) if infinite else ())), {"name": name, "u": array(*u)},
        guarded(lambda: [GENERATORS[name].f(x) for x in at]),
        None if infinite else shorter(lambda: [f_by_curvature(name, x) for x in at]), tolerance=F_TOLERANCES.get(flag),
    )


# Inside the domain; the first row where its upper end is infinite, then by the end.
INSIDE = {INF: (-1.5, -0.7, -0.25, 0.3, 0.75, 2.0, 3.25), 1: (-5.0, -0.7, -0.25, 0.3, 0.75, 0.9),
          0: (-5.0, -2.0, -0.7, -0.25, -0.1), 0.5: (-0.45, -0.25, 0.1, 0.3, 0.49),
          0.25: (-0.3, 0.03, 0.125, 0.2), 4: (-0.3, 0.1, 0.5, 1.7, 3.9), "log": (-5.0, -0.7, 0.125, 0.3, 0.6)}


def conjugate_cases() -> Cases:
    for name in DIVERGENCES:
        upper = GENERATORS[name].slope_at_infinity()
        inside = INSIDE["log" if name == "jensen_shannon" else upper if upper == INF else float(upper)]
        yield conjugate_case(name, "Normal", "normal", inside)
        yield conjugate_case(name, "AtZero", "zero", (0.0,))
        yield conjugate_case(name, "FarTail", "far-tail", (-12.0, -20.0, -36.5, -1000.0))
        if upper < INF:
            end = float(upper)
            beyond = (end + 2**-20, end + 0.25, end + 1.0, 2 * end + 10.0, 700.0, 1e300)
            yield conjugate_case(name, "Domain", "domain", beyond)
            yield conjugate_case(name, "Domain", "next-float", (math.nextafter(end, INF), end + 1e-3))
            if name != "jensen_shannon":  # log 2 is no float64
                yield conjugate_case(name, "EndOfDomain", "end", (end,))
            for bits in (10, 20, 30):
                near = end - 2.0**-bits
                slack = 8 * 2.0**-53 * 2.0**bits if name in ("jensen_shannon", "gan") else 0.0
                yield conjugate_case(name, "NearEnd", f"near-end-{bits}", (near,), loose(
                    1e-13, max(slack, 1e-15), "half an ulp of exp(t) moves the logarithm by 2^-53 over the distance "
                    "from the end" if slack else "the distance from the end is exact, and little else happens"))
        else:
            yield conjugate_case(name, "FarTail", "far-out", (20.0, 50.5))
        if name in SMOOTH and name != "gan":
            yield conjugate_case(name, "Cancellation", "cancellation", (2.0**-10, -(2.0**-12), 2.0**-27, -(2.0**-40)),
                                 loose(1e-13, 0.0, "expm1 and log1p, or forms without a difference, lose nothing at 0"))
    yield conjugate_case("gan", "Cancellation", "cancellation", (-(2.0**-40), -(2.0**-20), -20.0, -36.5, -60.0),
                         loose(1e-13, 0.0, "expm1 near 0 and log1p far from it lose nothing"))
    for name, t in {"pearson_chi2": (-2.0, -2.25, -3.0, -4.0, -10.0), "total_variation": (-0.5, -0.75, -1.0, -100.0),
                    "precision_recall(0.25)": (-0.1, -1.0, -8.0), "precision_recall(1)": (-0.1, -1.0, -8.0),
                    "precision_recall(4)": (-0.1, -1.0, -8.0)}.items():
        yield conjugate_case(name, "NonnegativeRatios", "nonnegative-ratios", t)


def conjugate_case(name: str, flag: str, suffix: str, t: Sequence[float], tolerance: dict | None = None) -> Case:
    at = exact(array(*t))
    # At and just above its end the gain t u - f(u) grows too slowly for the search to tell; closed ends are met.
    end = float(GENERATORS[name].slope_at_infinity())
    slow = any(0 <= x - end < 2**-18 for x in t) and name not in ("total_variation", "neyman_chi2", "squared_hellinger")
    return Case(
        f"{label(name)}-{suffix}", (flag,), {"name": name, "t": array(*t)},
        guarded(lambda: [GENERATORS[name].conjugate(x) for x in at]),
        None if slow or suffix == "next-float" else guarded(lambda: [conjugate_by_search(name, x) for x in at]),
        tolerance=tolerance,
    )


# ---- pairs of distributions ------------------------------------------------------------------------------------

PAIRS: dict[str, tuple[str, tuple[str, ...], np.ndarray, np.ndarray]] = {
    key: (flag, more, p, q) for key, flag, more, p, q in (
        ("three", "Normal", (), array(0.5, 0.25, 0.25), array(0.25, 0.625, 0.125)),
        ("ugly", "Normal", ("Ugly",), ugly(1, 7), ugly(2, 7)),
        ("zero-mass", "ZeroMass", (), array(0.5, 0.0, 0.25, 0.25), array(0.25, 0.25, 0.375, 0.125)),
        ("recession", "Recession", (), array(0.25, 0.25, 0.375, 0.125), array(0.5, 0.0, 0.25, 0.25)),
        ("disjoint", "DisjointSupport", (), array(0.75, 0.25, 0.0, 0.0), array(0.0, 0.0, 0.5, 0.5)),
        ("both-zero", "ZeroMass", ("Recession", "BothZero"), array(0.5, 0.0, 0.5, 0.0), array(0.0, 0.0, 0.75, 0.25)),
        ("equal", "Equal", (), array(0.5, 0.375, 0.125), array(0.5, 0.375, 0.125)),
        ("near-equal", "NearEqual", (), array(0.5, 0.25, 0.25), array(0.5 + 2**-10, 0.25 - 2**-11, 0.25 - 2**-11)),
        ("huge-ratios", "HugeRatios", (), array(1.0, 2.0**-600), array(2.0**-600, 1.0)),
        ("one-class", "OneClass", (), array(1.0), array(1.0)),
        ("paper-8", "Paper", (), array(0.5, 0.5), array(0.9, 0.1)),
    )
}


def divergence_cases() -> Cases:
    for name in DIVERGENCES:
        for key, (flag, more, p, q) in PAIRS.items():
            if key == "one-class" and name not in ("kl", "gan"):
                continue
            x, y = exact(p), exact(q)
            wide = key == "huge-ratios"
            value = guarded(divergence, name, x, y)
            with mp.workdps(30):
                size = value()
            # an exact 0 can only be confirmed by many digits
            second = shorter if size else partial
            yield Case(
                f"{label(name)}-{key}", (flag, *more, *(("Infinite",) if size == INF else ())),
                {"name": name, "p": p, "q": q}, value,
                None if wide and GENERATORS[name].second else second(divergence_by_curvature, name, x, y))


LAMBDAS = {"normal": array(0.125, 0.5, 0.75, 1.0, 1.3, 2.0, 8.0), "ends": array(0.0, 1.0, INF),
           "extreme": array(2.0**-60, 1e-6, 1e6, 2.0**60)}


def pr_curve_cases() -> Cases:
    for key, (flag, more, p, q) in PAIRS.items():
        if key in ("huge-ratios", "near-equal"):
            continue
        for which, lambdas in LAMBDAS.items():
            flags = {"normal": (flag, *more), "ends": ("Ends", *((flag,) if flag != "Normal" else ())),
                     "extreme": ("ExtremeLambdas", *((flag,) if flag != "Normal" else ()))}[which]
            yield pr_case(f"{key}-{which}", flags, p, q, lambdas)
    p, q = array(0.5, 0.25, 0.25), array(0.25, 0.625, 0.125)
    yield pr_case("kinks", ("Ties",), p, q, array(0.5, 2.5))
    yield pr_case("kinks-paper", ("Ties", "Paper"), array(0.5, 0.5), array(0.9, 0.1), array(0.2, 1.8))
    yield pr_case("equal-ratios", ("Ties",), array(0.125, 0.25, 0.5, 0.125), array(0.0625, 0.125, 0.75, 0.0625),
                  array(0.25, 0.5, 1.0, 1.5))
    yield pr_case("huge-ratios", ("HugeRatios",), array(1 - 2.0**-40, 2.0**-40),
                  array(2.0**-30, 1 - 2.0**-30), array(2.0**-20, 1.0, 1e9))
    yield pr_case("reversed", ("Normal",), q, p, LAMBDAS["normal"])
    yield pr_case("many-classes", ("ManyClasses",), ugly(3, 64), ugly(4, 64), array(0.1, 0.5, 1.0, 2.0, 10.0))
    yield pr_case("one-lambda", ("Normal",), p, q, array(3.0))


def pr_case(name: str, flags: tuple[str, ...], p: np.ndarray, q: np.ndarray, lambdas: np.ndarray) -> Case:
    x, y, lams = exact(p), exact(q), exact(lambdas)
    finite = bool(np.all((lambdas > 0) & np.isfinite(lambdas)))
    return Case(name, flags, {"p": p, "q": q, "lambdas": lambdas}, guarded(pr_by_minima, x, y, lams),
                guarded(pr_by_sticks, x, y, lams) if finite else None,
                tolerance=loose(1e-13, 1e-30, "sums of products without a sign: a few ulp of the result, however small")
                if flags[0] == "ExtremeLambdas" else None)


def pr_by_minima(p: list[mpf], q: list[mpf], lambdas: list[mpf]) -> tuple[list[mpf], list[mpf]]:
    """Sum min(lambda p, q) and min(p, q/lambda), with infinity times 0 and 0/0 taken as 0: the limits."""
    pairs = list(zip(p, q, strict=True))
    alpha = [mp.fsum(min(lam * x, y) if x else 0 for x, y in pairs) for lam in lambdas]
    beta = [mp.fsum((min(x, y / lam) if lam else x) if y else 0 for x, y in pairs) for lam in lambdas]
    return alpha, beta


def pr_by_sticks(p: list[mpf], q: list[mpf], lambdas: list[mpf]) -> tuple[list[mpf], list[mpf]]:
    """Take what the divergence at lambda leaves of min(1, lambda): theorem 3.5 with the masses as they are."""
    alpha, beta = [], []
    for lam in lambdas:
        if lam >= 1:
            alpha.append(mp.fsum(q) - mp.fsum(max(y - lam * x, mpf(0)) for x, y in zip(p, q, strict=True)))
        else:
            alpha.append(lam * mp.fsum(p) - mp.fsum(max(lam * x - y, mpf(0)) for x, y in zip(p, q, strict=True)))
        beta.append(mp.fsum(p) - mp.fsum(max(x - y / lam, mpf(0)) for x, y in zip(p, q, strict=True)))
    return alpha, beta


# ---- documents -------------------------------------------------------------------------------------------------

FLAGS: Mapping[str, str] = {
    "Normal": "nothing special",
    "Ugly": "float64 numbers without a pattern; probabilities are multiples of 2^-53 and add up to 1",
    "AtZero": "the argument is 0: f(0) may be infinite, and f*(0) is -inf f",
    "AtOne": "u = 1: f is 0 there, but for the gan's generator, which is -2 log 2",
    "NearOne": "u is near 1, where the terms of the plain formula cancel; its absolute error is small, and passes",
    "FarTail": "far from 1 (f), or from 0 (f*)",
    "HugeRatios": "ratios by which a square, or a product with something small, may overflow",
    "Kink": "at the kink of f, next to it and on both sides",
    "Cancellation": "the result is small against the terms of the plain formula, and is asked for in relative terms",
    "Infinite": "the result is infinite",
    "Domain": "outside of the domain of f*, where the supremum is infinite; every formula gives some number there",
    "EndOfDomain": "t is the slope of f at infinity: f* is finite there for kinks and neyman_chi2 only",
    "NearEnd": "just inside the end of the domain",
    "NonnegativeRatios": "t is below the slope at u = 0: the supremum is over u >= 0 (erratum 11), and attained at 0",
    "ZeroMass": "p = 0 at a point where q > 0: it costs q f(0), and 0 log 0 is 0",
    "Recession": "q = 0 at a point where p > 0: it costs p times the slope of f at infinity (errata 9 and 13)",
    "BothZero": "p = q = 0 at a point, which costs nothing",
    "DisjointSupport": "the supports do not meet",
    "Equal": "both distributions are the same",
    "NearEqual": "both distributions are nearly the same",
    "OneClass": "a single point",
    "ManyClasses": "more classes than fit on a line",
    "Paper": "numbers of the errata: p = (.5, .5), q = (.9, .1); decimal fractions add up to 1 but for rounding",
    "Ties": "lambda is a ratio q/p",
    "Ends": "lambda is 0 or infinity among others: alpha is 0 and Q(p > 0) there, beta is P(q > 0) and 0",
    "ExtremeLambdas": "lambda is tiny or huge; alpha or beta is then small, and asked for in relative terms",
}


def make(capability: str, cases: Callable[[], Cases], routes: Sequence[str], tolerance: Mapping[str, Any],
         flags: Mapping[str, str] = FLAGS, script: str = SCRIPT) -> dict[str, Any]:
    """Return the document of a capability."""
    about = CAPABILITIES[capability]
    return document(capability, cases(), equation=about.equation, arguments=about.arguments, returns=about.returns,
                    script=script, routes=routes, flags=flags, tolerance=tolerance)


DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "f": lambda: make(
        "f", f_cases, ["the formula", "f(1) + f'(1) (u - 1) + the double integral of f'', kinks included"],
        loose(1e-13, 2e-15, "the formula's terms are at most about ten, and cancel; each is rounded once or twice")),
    "conjugate": lambda: make(
        "conjugate", conjugate_cases, ["the formula", "t u - f(u), maximised over u >= 0 by bisection"],
        loose(1e-13, 2e-15, "exp, log and root are within an ulp or two, and 1 or 2 is subtracted from them")),
    "divergence": lambda: make(
        "divergence", divergence_cases,
        ["the sum of q f(p/q), with the recession term", "the integral of f'' times the hockey-stick divergences"],
        loose(1e-13, 2e-15, "terms of both signs, such as p log(p/q), add up to at most a few, each within some ulp")),
    "pr_curve": lambda: make(
        "pr_curve", pr_curve_cases,
        ["sums of min(lambda p, q) and min(p, q/lambda)", "masses less the hockey-stick divergences, theorem 3.5"],
        loose(1e-13, 2e-15, "1 may be what a small result was subtracted from; sums of minima are better than that")),
}
