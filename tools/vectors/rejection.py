r"""Vectors of rejection sampling: acceptance probabilities with a budget (OBRS), and of a discriminator's (DRS)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from mpmath import mp, mpf

from .evaluation import array, loose, make, ugly
from .format import Case, exact
from .generators import guarded

SCRIPT = "tools/vectors/rejection.py"


# ---- OBRS ------------------------------------------------------------------------------------------------------

def obrs_cases() -> Iterator[Case]:
    ratio = array(0.125, 0.5, 1.0, 2.375)  # with equal weights, a target of mass 1
    quarter = np.full(4, 0.25)
    for k in (1.125, 1.25, 1.5, 1.75, 2.0, 2.3):
        yield obrs_case(f"equal-{k}", ("Normal",), ratio, k, quarter)
    weights = array(0.5, 0.25, 0.125, 0.125)
    uneven = array(0.25, 1.0, 2.0, 3.0)
    for k in (1.125, 1.5, 2.0, 2.75):
        yield obrs_case(f"weighted-{k}", ("Weighted",), uneven, k, weights)
    yield obrs_case("weighted-reversed", ("Weighted",), uneven[::-1].copy(), 2.0, weights[::-1].copy())
    yield obrs_case("unsorted", ("Weighted",), array(2.0, 0.25, 3.0, 1.0), 1.5, array(0.125, 0.5, 0.125, 0.25))
    for k in (3.0, 4.0, 10.0, 1e6):
        yield obrs_case(f"large-budget-{k:g}".replace("e+0", "e"), ("LargeBudget",) if k > 3 else ("Boundary",),
                        uneven, k, weights)
    yield obrs_case("large-budget-equal", ("LargeBudget",), ratio, 5.0, quarter)
    half = array(0.0, 2.0, 0.0, 2.0)
    yield obrs_case("paper-15", ("InfeasibleBudget", "ZeroMass", "Paper"), half, 1 / 0.9, quarter)
    for k in (1.0, 1.25, 1.75):
        yield obrs_case(f"infeasible-{k}", ("InfeasibleBudget", "ZeroMass"), array(0.0, 0.0, 1.5, 2.5), k, quarter)
    yield obrs_case("infeasible-weighted", ("InfeasibleBudget", "ZeroMass", "Weighted"), array(0.0, 2.0, 1.0, 0.0),
                    1.125, array(0.125, 0.25, 0.5, 0.125))
    yield obrs_case("support-exact", ("Boundary", "ZeroMass"), array(0.0, 0.0, 1.5, 2.5), 2.0, quarter)
    yield obrs_case("every-proposal", ("Boundary",), ratio, 1.0, quarter)
    yield obrs_case("supremum-exact", ("Boundary",), ratio, 2.375, quarter)
    yield obrs_case("zero-ratio", ("ZeroMass",), array(0.0, 0.5, 1.0, 2.5), 2.0, quarter)
    yield obrs_case("zero-ratio-weighted", ("ZeroMass", "Weighted"), array(0.0, 0.5, 1.0, 3.0), 1.5,
                    array(0.25, 0.25, 0.25, 0.25))
    yield obrs_case("zero-weight", ("ZeroWeight",), array(0.5, 8.0, 1.5, 1.0), 1.25, array(0.25, 0.0, 0.25, 0.5))
    yield obrs_case("zero-weight-low", ("ZeroWeight",), array(0.5, 0.125, 1.5, 1.0), 1.25, array(0.25, 0.0, 0.25, 0.5))
    yield obrs_case("equal-ratios", ("Ties",), array(0.5, 1.5, 0.5, 1.5), 1.25, quarter)
    yield obrs_case("kink", ("Ties",), array(0.5, 1.0, 0.5, 2.0), 4 / 3, quarter)
    yield obrs_case("kink-exact", ("Ties",), array(0.25, 0.5, 1.25, 2.0), 2.0, quarter)
    yield obrs_case("constant-ratio", ("Ties",), np.ones(4), 1.0, quarter)
    yield obrs_case("constant-ratio-2", ("Ties", "LargeBudget"), np.ones(4), 2.0, quarter)
    yield obrs_case("one-point", ("OneClass",), array(1.0), 1.0, array(1.0))
    yield obrs_case("one-point-budget", ("OneClass", "LargeBudget"), array(1.0), 8.0, array(1.0))
    span = array(2.0**-60, 2.0**-20, 1.0, 2.0**40)
    for k in (1.0, 1.25, 1.5, 2.0, 8.0):
        yield obrs_case(f"span-{k}", ("HugeRatios",), span, k, quarter)
    yield obrs_case("span-weighted", ("HugeRatios", "Weighted"), array(2.0**50, 0.5, 2.0**-50), 4.0,
                    array(2.0**-51, 1 - 2.0**-51 - 2.0**-30, 2.0**-30))
    yield obrs_case("float32-overflow", ("HugeRatios",), array(2.0**150, 2.0**130, 2.0**140, 2.0**149), 2.0, quarter)
    rng = random.Random(5)
    for n, k in ((16, 1.5), (64, 3.0), (200, 1.2)):
        sample = array(*(rng.lognormvariate(-0.5, 1.0) for _ in range(n)))
        weights = np.full(n, 1 / n) if n in (16, 64) else ugly(6, n)
        yield obrs_case(f"sample-{n}", ("Sample", "Ugly"), sample, k, weights)
    p, q = ugly(7, 12), ugly(8, 12)
    for k in (1.125, 1.7, 3.0):
        yield obrs_case(f"ugly-{k}", ("Sample", "Ugly", "Weighted"), p / q, k, q)


def obrs_case(name: str, flags: tuple[str, ...], ratio: np.ndarray, budget: float, weights: np.ndarray) -> Case:
    r, w, k = exact(ratio), exact(weights), exact(budget)
    return Case(name, flags, {"ratio": ratio, "budget": float(budget), "weights": weights},
                guarded(lambda: acceptance(r, 1 / k, w, by_sorting)),
                guarded(lambda: acceptance(r, 1 / k, w, by_bisection)),
                tolerance=loose(1e-12, 1e-14, "what is left for the rest is the difference of two sums that are equal "
                                "but for rounding") if "Boundary" in flags else None)


def rate(scale: mpf, r: list[mpf], w: list[mpf]) -> mpf:
    return mp.fsum(b * min(mpf(1), scale * a) for a, b in zip(r, w, strict=True))


def acceptance(r: list[mpf], target: mpf, w: list[mpf], solve: Callable[[list[mpf], mpf, list[mpf]], mpf]) -> list[mpf]:
    """Theorem 4.2, with the two cases of erratum 15 in which no constant of 1 or above pays the budget exactly."""
    least = 1 / max(a for a, b in zip(r, w, strict=True) if b)  # c = 1: exact sampling of the target
    support = mp.fsum(b for a, b in zip(r, w, strict=True) if a)
    if target > support:
        rest = (target - support) / mp.fsum(b for a, b in zip(r, w, strict=True) if not a)
        return [mpf(1) if a else rest for a in r]
    scale = least if rate(least, r, w) >= target else solve(r, target, w)
    return [min(mpf(1), scale * a) for a in r]


def by_sorting(r: list[mpf], target: mpf, w: list[mpf]) -> mpf:
    """Return the least s with the rate `target`: the j largest ratios are at 1, and the rest is linear in s."""
    pairs = sorted(((a, b) for a, b in zip(r, w, strict=True) if a and b), reverse=True)
    for j in range(len(pairs)):
        scale = (target - mp.fsum(b for _, b in pairs[:j])) / mp.fsum(a * b for a, b in pairs[j:])
        if scale * pairs[j][0] <= 1:
            return scale
    return 1 / pairs[-1][0]


def by_bisection(r: list[mpf], target: mpf, w: list[mpf]) -> mpf:
    low, high = mpf(-2000), mpf(2000)  # log2 of the scale
    for _ in range(int(mp.prec) + 12):
        middle = (low + high) / 2
        low, high = (low, middle) if rate(mpf(2) ** middle, r, w) >= target else (middle, high)
    return mpf(2) ** high


# ---- DRS -------------------------------------------------------------------------------------------------------

def drs_cases() -> Iterator[Case]:
    ratio = array(0.125, 0.5, 1.0, 1.75)
    for gamma in (-3.0, -1.0, -0.25, 0.25, 1.0, 2.5):
        yield drs_case(f"gamma{gamma:+}", ("Normal",), ratio, gamma, 2.0)
    yield drs_case("gamma-zero", ("ZeroGamma",), ratio, 0.0, 2.0)
    yield drs_case("gamma-zero-ugly", ("ZeroGamma", "Ugly"), array(0.1, 0.7, 1.3), 0.0, 2.9)
    for gamma in (-2.0, 0.0, 0.75, 6.0):
        yield drs_case(f"supremum{gamma:+}", ("AtSupremum",), array(0.25, 2.0, 1.0, 2.0), gamma, 2.0)
        yield drs_case(f"zero{gamma:+}", ("ZeroMass",), array(0.0, 0.5, 0.0, 1.5), gamma, 2.0)
    yield drs_case("only-supremum", ("AtSupremum",), array(1.0), 3.0, 1.0)
    yield drs_case("far-supremum", ("Normal",), array(0.25, 0.5, 1.5), -1.5, 1024.0)
    for gamma in (-30.0, -700.0, 20.0, 60.0):
        yield drs_case(f"large{gamma:+}", ("LargeGamma",), array(0.125, 1.0, 1.75, 2.0), gamma, 2.0)
    yield drs_case("tiny+", ("TinyGamma",), ratio, 2.0**-30, 2.0)
    yield drs_case("tiny-", ("TinyGamma",), ratio, -(2.0**-50), 2.0)
    for gamma in (-40.0, 0.0, 5.0):
        yield drs_case(f"span{gamma:+}", ("HugeRatios",), array(2.0**-40, 1.0, 2.0**60), gamma, 2.0**70)
    for bits, gamma in ((20, 5.0), (20, 14.0), (30, 20.0)):
        yield drs_case(f"near-supremum-{bits}-{gamma:g}", ("NearSupremum",), array(2 - 2.0 ** (1 - bits), 1.0), gamma,
                       2.0, loose(16 * 2.0 ** (bits - 53), 0.0, "1 - r/M is small, and half an ulp of r/M or of its "
                             "logarithm is a relative error of 2^-53 / (1 - r/M) in it"))
    rng = random.Random(9)
    sample = array(*(rng.lognormvariate(-0.5, 1.0) for _ in range(24)))
    for gamma in (-1.3, 0.4):
        yield drs_case(f"sample{gamma:+}", ("Sample", "Ugly"), sample, gamma, float(np.max(sample)))


def drs_case(name: str, flags: tuple[str, ...], ratio: np.ndarray, gamma: float, supremum: float,
             tolerance: dict | None = None) -> Case:
    r, g, m = exact(ratio), exact(gamma), exact(supremum)
    return Case(name, flags, {"ratio": ratio, "gamma": float(gamma), "supremum": float(supremum)},
                guarded(lambda: [a / (a * (1 - mp.exp(g)) + m * mp.exp(g)) for a in r]),
                guarded(lambda: [by_sigmoid(a / m, g) for a in r]), tolerance=tolerance)


def by_sigmoid(share: mpf, gamma: mpf) -> mpf:
    """Take Azadi's sigmoid of F (erratum 17), and its limits at both ends."""
    if share in (0, 1):
        return share
    return 1 / (1 + mp.exp(gamma - mp.log(share) + mp.log(1 - share)))


# ---- documents -------------------------------------------------------------------------------------------------

FLAGS = {
    "Normal": "nothing special",
    "Ugly": "float64 numbers without a pattern",
    "Weighted": "points have different weights",
    "Sample": "ratios as a critic gives them: drawn at random, and their mean need not be 1",
    "Boundary": "the budget is one at which a case begins: 1, the supremum of the ratios, or 1/P-hat(p > 0)",
    "LargeBudget": "K exceeds the supremum M of the ratios: c_K is 1 and not less, a = r/M (erratum 15)",
    "InfeasibleBudget": "1/K exceeds P-hat(p > 0): p > 0 is accepted, and of p = 0 what is missing (erratum 15)",
    "ZeroMass": "ratios of 0",
    "ZeroWeight": "a point of weight 0 has a ratio; it enters neither rate nor supremum, but gets its probability",
    "Ties": "equal ratios, or 1/K at a kink of the rate",
    "OneClass": "one point",
    "HugeRatios": "ratios that span many powers of 2, so that c_K does too: a bisection with a cap does not get there",
    "Paper": "the example of erratum 15: half of the ratios are 0, and 1/K = .9",
    "ZeroGamma": "gamma = 0 is exact rejection sampling, a = r/M",
    "AtSupremum": "r = M is accepted, whatever gamma",
    "LargeGamma": "exp(gamma) is tiny or huge; at r = M the printed formula subtracts huge numbers",
    "TinyGamma": "exp(gamma) is nearly 1",
    "NearSupremum": "r is nearly M, and exp(gamma) is large",
}

DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "obrs": lambda: make(
        "obrs", obrs_cases, ["the piece of the rate, piecewise linear in c, that holds 1/K", "bisection in log c"],
        loose(1e-12, 0.0, "a sum of weights is subtracted from 1/K, and what remains divided; 200 points at most"),
        FLAGS, SCRIPT),
    "drs": lambda: make(
        "drs", drs_cases, ["the formula of definition 4.1", "the sigmoid of log(r/M) - log(1 - r/M) - gamma"],
        loose(1e-12, 0.0, "exp(gamma) is off by |gamma| ulp, and the rest by some ulp"), FLAGS, SCRIPT),
}
