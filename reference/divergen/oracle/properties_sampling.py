r"""Laws of compression and of rejection sampling."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from ..equations import turinici2023, verine2024
from .compare import Tolerance
from .inputs import ARGUMENTS, with_order
from .laws import EXACT, Draw, Trial, law

# --- compression -----------------------------------------------------------------------------------------------

COMPRESS = ARGUMENTS["compress"]
compression_law = partial(law, examples=5, shrink=False)  # each call is an optimisation


def _objective(found: np.ndarray, points: np.ndarray, a: float) -> float:
    return float(turinici2023.discrete_squared_distance(found, points,
                                                        lambda z: turinici2023.huber_energy_kernel(z, a)))


def _subsets(points: np.ndarray, k: int, a: float, seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([_objective(points[rng.choice(points.shape[0], k, replace=False)], points, a)
                     for _ in range(count)])


@compression_law("compress/finite", "it returns k finite points", COMPRESS)
def _(trial: Trial, points: Any, k: int, a: float, seed: int) -> None:
    found = trial("compress", points, k, a, seed)
    trial.at_most(np.abs(found), float(np.abs(points).max()), Tolerance(0.0, 1.0, "no point has a reason to be outside "
                                                                                  "of the cloud by more than 1"))


@compression_law("compress/better-than-chance", "its d^2 is at most 0.8 times the mean of random subsets", COMPRESS)
def _(trial: Trial, points: Any, k: int, a: float, seed: int) -> None:
    found = _objective(trial("compress", points, k, a, seed), points, a)
    trial.at_most(found, 0.8 * float(_subsets(points, k, a, 1, 100).mean()), Tolerance(0.0, 0.0, "a margin"),
                  "d^2 of the result against 0.8 times the mean of 100 subsets")


@compression_law("compress/better-than-the-best-of-twenty", "its d^2 is at most 1.1 times the least of 20 subsets",
                 COMPRESS)
def _(trial: Trial, points: Any, k: int, a: float, seed: int) -> None:
    found = _objective(trial("compress", points, k, a, seed), points, a)
    trial.at_most(found, 1.1 * float(_subsets(points, k, a, 2, 20).min()), Tolerance(0.0, 0.0, "a margin"),
                  "d^2 of the result against 1.1 times the least of 20 subsets")


@compression_law("compress/at-rest", "nothing pulls at the points that it found: k times the gradient of d^2 is small",
                 lambda draw: {**COMPRESS(draw), "a": 0.125})
def _(trial: Trial, points: Any, k: int, a: float, seed: int) -> None:
    found = trial("compress", points, k, a, seed)
    pull = k * np.asarray(turinici2023.discrete_gradient(found, points, a))
    trial.at_most(np.sqrt(np.sum(pull**2, axis=1)), 0.0,
                  Tolerance(0.0, 0.1, "Adam on minibatches leaves some; a random subset is pulled by 0.3"),
                  "the length of k times the gradient at each point")


@compression_law("compress/quantiles", "on the line, with a = 0, the best points are the quantiles (2 j - 1) / (2 k)",
                 lambda draw: {**COMPRESS(draw), "a": 0.0, "points": _line(draw)},
                 equation="Turinici2023 (1), in one dimension")
def _(trial: Trial, points: Any, k: int, a: float, seed: int) -> None:
    found = np.sort(trial("compress", points, k, a, seed)[:, 0])
    levels = (2 * np.arange(1, k + 1) - 1) / (2 * k)
    want = np.quantile(points[:, 0], levels, method="inverted_cdf")
    trial.equal(found, want, Tolerance(0.0, 0.1, "points on [0, 4] with gaps of 0.02, and an optimiser's patience"))


def _line(draw: Draw) -> np.ndarray:
    """201 points on [0, 4], denser at one end."""
    return 4 * np.linspace(0, 1, 201)[:, None] ** draw.number(1, 2)


@compression_law("compress/translation", "moving the points moves what represents them",
                 lambda draw: {**COMPRESS(draw), "shift": draw.number(-64, 64)})
def _(trial: Trial, points: Any, k: int, a: float, seed: int, shift: float) -> None:
    here = _objective(trial("compress", points, k, a, seed), points, a)
    there = _objective(trial("compress", points + shift, k, a, seed), points + shift, a)
    trial.at_most(there, here, Tolerance(0.3, 1e-9, "another local minimum may be met on the way"),
                  "d^2 of the result for the points moved, against here")


# --- rejection sampling ----------------------------------------------------------------------------------------

OBRS, DRS = ARGUMENTS["obrs"], ARGUMENTS["drs"]
ROOT = Tolerance(1e-8, 1e-8, "the constant c_K is the root of an equation, and may be found by bisection")


@law("obrs/definition", "it is min(r c_K / M, 1), c_K >= 1, and beyond the support what is missing from 1/K", OBRS,
     equation="Verine2024 (18); erratum 15")
def _(trial: Trial, ratio: Any, budget: float, weights: Any) -> None:
    want = verine2024.obrs_acceptance(ratio * weights, weights, budget)
    trial.equal(trial("obrs", ratio, budget, weights), want, ROOT)


@law("obrs/probability", "0 <= a <= 1", OBRS)
def _(trial: Trial, ratio: Any, budget: float, weights: Any) -> None:
    found = trial("obrs", ratio, budget, weights)
    trial.at_least(found, 0.0, EXACT)
    trial.at_most(found, 1.0, EXACT)


@law("obrs/budget", "E a = 1/K, or more where exact samples of the target cost less than K", OBRS,
     equation="Verine2024 (17); erratum 15")
def _(trial: Trial, ratio: Any, budget: float, weights: Any) -> None:
    rate = float(weights @ trial("obrs", ratio, budget, weights))
    exact = float(weights @ ratio) / float(ratio.max())
    trial.equal(rate, max(1 / budget, exact), ROOT, "E a, against the larger of 1/K and E r / M")


@law("obrs/all-for-one", "with a budget of one proposal a sample everything is accepted", OBRS)
def _(trial: Trial, ratio: Any, budget: float, weights: Any) -> None:
    trial.equal(trial("obrs", ratio, 1.0, weights), np.ones_like(ratio), ROOT, "with budget 1")


@law("obrs/monotone", "a larger ratio is never accepted less", OBRS)
def _(trial: Trial, ratio: Any, budget: float, weights: Any) -> None:
    found = trial("obrs", ratio, budget, weights)[np.argsort(ratio, kind="stable")]
    trial.at_least(found[1:], found[:-1], ROOT, "sorted by the ratio")


@law("obrs/scale", "ratios times 4 are accepted as before: M grows with them", OBRS)
def _(trial: Trial, ratio: Any, budget: float, weights: Any) -> None:
    trial.equal(trial("obrs", 4 * ratio, budget, weights), trial("obrs", ratio, budget, weights), ROOT)


@law("obrs/optimal", "no other acceptance of that budget brings the model closer to the target, by chi-squared",
     lambda draw: {**OBRS(draw), "seed": draw.integer(0, 1000)}, equation="Verine2024, theorem 4.2")
def _(trial: Trial, ratio: Any, budget: float, weights: Any, seed: int) -> None:
    found, p = trial("obrs", ratio, budget, weights), ratio * weights

    def chi2(a: np.ndarray) -> float:
        """sum of (refined - p)^2 / p; infinite where the model stays where the target is not."""
        left = a * weights / (a @ weights)
        empty = p == 0
        return math.inf if np.any(left[empty] > 0) else float(np.sum((left - p)[~empty] ** 2 / p[~empty]))

    rng, rivals = np.random.default_rng(seed), []
    for share in rng.uniform(size=20):
        rival = np.clip(found + 0.3 * share * rng.normal(size=found.shape), 0, 1) * (ratio > 0)
        lacking = 1 / budget - float(rival @ weights)
        if lacking > 0:  # accept more of what is not accepted, all in one proportion
            rest = float((ratio > 0) @ weights - rival @ weights)
            if rest < lacking:
                continue
            rival = rival + (1 - rival) * (ratio > 0) * (lacking / rest)
        rivals.append(chi2(rival))
    best = min(rivals, default=math.inf)
    if math.isfinite(best):
        trial.at_most(chi2(found), best, ROOT, "chi-squared of the result, and of the best of 20 rivals")


@law("obrs/point-order", "the order of the points does not matter", lambda draw: with_order(draw, OBRS(draw), "ratio"))
def _(trial: Trial, ratio: Any, budget: float, weights: Any, order: Any) -> None:
    trial.equal(trial("obrs", ratio[order], budget, weights[order]), trial("obrs", ratio, budget, weights)[order], ROOT)


@law("drs/definition", "a = r / (r (1 - e^gamma) + M e^gamma)", DRS)
def _(trial: Trial, ratio: Any, gamma: float, supremum: float) -> None:
    trial.equal(trial("drs", ratio, gamma, supremum), verine2024.drs_acceptance(ratio, gamma, supremum))


@law("drs/exact", "with gamma = 0 it is rejection sampling, a = r / M", DRS)
def _(trial: Trial, ratio: Any, gamma: float, supremum: float) -> None:
    trial.equal(trial("drs", ratio, 0.0, supremum), ratio / supremum, detail="with gamma = 0")


@law("drs/ends", "r = M is always accepted, r = 0 never", DRS)
def _(trial: Trial, ratio: Any, gamma: float, supremum: float) -> None:
    trial.equal(trial("drs", np.array([supremum, 0.0]), gamma, supremum), np.array([1.0, 0.0]),
                detail="for the ratios M and 0")


@law("drs/falls-with-gamma", "a larger gamma accepts less", lambda draw: {**DRS(draw), "more": draw.number(0, 4)})
def _(trial: Trial, ratio: Any, gamma: float, supremum: float, more: float) -> None:
    trial.at_most(trial("drs", ratio, gamma + more, supremum), trial("drs", ratio, gamma, supremum))


@law("drs/sigmoid", "it is the sigmoid of log(r/M) - log(1 - r/M) - gamma", DRS, equation="Verine2024, erratum 17")
def _(trial: Trial, ratio: Any, gamma: float, supremum: float) -> None:
    inside = np.clip(ratio / supremum, 1 / 64, 63 / 64) * supremum
    trial.equal(trial("drs", inside, gamma, supremum), verine2024.azadi_acceptance(inside, gamma, supremum),
                detail="with the ratios clipped to within M/64 and 63 M/64")


@law("drs/scale", "ratios and M times 4 are accepted as before", DRS)
def _(trial: Trial, ratio: Any, gamma: float, supremum: float) -> None:
    trial.equal(trial("drs", 4 * ratio, gamma, 4 * supremum), trial("drs", ratio, gamma, supremum))
