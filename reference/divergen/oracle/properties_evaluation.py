r"""Laws of precision-recall curves, of neighbours, of the bounds of the class radius, and of entropies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..equations import classradius, verine2024
from .compare import Tolerance
from .inputs import ARGUMENTS, distribution, merged, with_order
from .laws import EXACT, Trial, law

# --- precision-recall curves -----------------------------------------------------------------------------------

CURVE = ARGUMENTS["pr_curve"]


@law("pr_curve/definition", "alpha = sum min(lambda p, q) and beta = sum min(p, q / lambda)", CURVE)
def _(trial: Trial, p: Any, q: Any, lambdas: Any) -> None:
    found = trial("pr_curve", p, q, lambdas)
    for values, want, name in zip(found, zip(*verine2024.pr_curve(p, q, lambdas.tolist()), strict=True),
                                  ("alpha", "beta"), strict=True):
        trial.equal(values, np.array(want), detail=name)


@law("pr_curve/alpha-is-lambda-beta", "alpha = lambda beta", CURVE)
def _(trial: Trial, p: Any, q: Any, lambdas: Any) -> None:
    alpha, beta = trial("pr_curve", p, q, lambdas)
    trial.equal(alpha, lambdas * beta)


@law("pr_curve/monotone", "alpha never falls and beta never rises with lambda; alpha <= min(1, lambda), beta <= min(1, "
     "1/lambda)", CURVE)
def _(trial: Trial, p: Any, q: Any, lambdas: Any) -> None:
    alpha, beta = trial("pr_curve", p, q, lambdas)
    trial.at_least(alpha[1:], alpha[:-1])
    trial.at_most(beta[1:], beta[:-1])
    trial.at_most(alpha, np.minimum(1, lambdas), detail="alpha against min(1, lambda)")
    trial.at_most(beta, np.minimum(1, 1 / lambdas), detail="beta against min(1, 1/lambda)")


@law("pr_curve/exchange", "beta of (P, Q) at lambda is alpha of (Q, P) at 1/lambda", CURVE,
     equation="Verine2024, theorem 3.5; erratum 8")
def _(trial: Trial, p: Any, q: Any, lambdas: Any) -> None:
    _, beta = trial("pr_curve", p, q, lambdas)
    alpha, _ = trial("pr_curve", q, p, (1 / lambdas)[::-1])
    trial.equal(beta, alpha[::-1])


@law("pr_curve/ends", "far out alpha is the model's mass where the target lives, far in beta is the target's where the "
     "model lives", CURVE, equation="Verine2024 (1), theorem 2.3")
def _(trial: Trial, p: Any, q: Any, lambdas: Any) -> None:
    alpha, beta = trial("pr_curve", p, q, np.array([1e-3, 1e3]))
    want_alpha, want_beta = verine2024.support_precision_recall(p, q)
    trial.equal(alpha[1], float(want_alpha), detail="alpha at lambda = 1000, above all ratios q/p")
    trial.equal(beta[0], float(want_beta), detail="beta at lambda = 1/1000, below all ratios q/p > 0")


@law("pr_curve/perfect", "a perfect model has alpha = min(1, lambda)", CURVE)
def _(trial: Trial, p: Any, q: Any, lambdas: Any) -> None:
    alpha, _ = trial("pr_curve", p, p, lambdas)
    trial.equal(alpha, np.minimum(1, lambdas), detail="with q = p")


@law("pr_curve/data-processing", "putting two atoms together never lowers alpha or beta", CURVE)
def _(trial: Trial, p: Any, q: Any, lambdas: Any) -> None:
    for after, before in zip(trial("pr_curve", merged(p), merged(q), lambdas), trial("pr_curve", p, q, lambdas),
                             strict=True):
        trial.at_least(after, before, detail="after and before the first two atoms are put together")


@law("pr_curve/atom-order", "the order of the atoms does not matter", lambda draw: with_order(draw, CURVE(draw), "p"))
def _(trial: Trial, p: Any, q: Any, lambdas: Any, order: Any) -> None:
    for one, other in zip(trial("pr_curve", p[order], q[order], lambdas), trial("pr_curve", p, q, lambdas),
                          strict=True):
        trial.equal(one, other)


# --- neighbours ------------------------------------------------------------------------------------------------

NEIGHBOURS = ARGUMENTS["neighbour_metrics"]
COUNTS = Tolerance(1e-12, 1e-12, "counts, divided by other counts")


def _metrics(trial: Trial, real: np.ndarray, generated: np.ndarray, k: int) -> np.ndarray:
    return np.array(trial("neighbour_metrics", real, generated, k))


def counted(real: np.ndarray, generated: np.ndarray, k: int, strict: bool) -> list[float]:
    """The four metrics by counting; exact for whole coordinates."""
    def squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=2)

    def radii(x: np.ndarray) -> np.ndarray:
        others = squares(x, x) + np.diag(np.full(x.shape[0], np.inf))
        return np.partition(others, k - 1, axis=1)[:, k - 1]

    between = squares(real, generated)  # (n, m)
    in_real = between < radii(real)[:, None] if strict else between <= radii(real)[:, None]
    in_generated = between < radii(generated)[None, :] if strict else between <= radii(generated)[None, :]
    return [in_real.any(axis=0).mean(), in_generated.any(axis=1).mean(), in_real.sum() / (k * generated.shape[0]),
            in_real.any(axis=1).mean()]


ORDER = "in the order precision, recall, density, coverage"


@law("neighbour_metrics/definition", "they are counted as defined, with the boundary as declared", NEIGHBOURS,
     examples=80)
def _(trial: Trial, real: Any, generated: Any, k: int) -> None:
    want = counted(real, generated, k, trial.conventions.boundary == "<")
    trial.equal(_metrics(trial, real, generated, k), np.array(want), COUNTS, ORDER)


@law("neighbour_metrics/exchange", "exchanging the two sets exchanges precision and recall", NEIGHBOURS)
def _(trial: Trial, real: Any, generated: Any, k: int) -> None:
    trial.equal(_metrics(trial, generated, real, k)[:2], _metrics(trial, real, generated, k)[[1, 0]], COUNTS)


@law("neighbour_metrics/whole-numbers", "density k m, precision m, recall n and coverage n are whole numbers",
     NEIGHBOURS)
def _(trial: Trial, real: Any, generated: Any, k: int) -> None:
    n, m = real.shape[0], generated.shape[0]
    counts = _metrics(trial, real, generated, k) * np.array([m, n, k * m, n])
    trial.equal(counts, np.round(counts), COUNTS, ORDER)


@law("neighbour_metrics/identical", "identical sets without repetitions have precision, recall and coverage 1",
     NEIGHBOURS)
def _(trial: Trial, real: Any, generated: Any, k: int) -> None:
    points = np.unique(real, axis=0)
    if points.shape[0] > k:
        trial.equal(_metrics(trial, points, points, k)[[0, 1, 3]], np.ones(3), COUNTS, "precision, recall and coverage "
                    "of the distinct real points against themselves")


@law("neighbour_metrics/far-apart", "sets that are far apart have 0 of everything", NEIGHBOURS)
def _(trial: Trial, real: Any, generated: Any, k: int) -> None:
    trial.equal(_metrics(trial, real, generated + 1000, k), np.zeros(4), EXACT, "generated + 1000 in its place")


@law("neighbour_metrics/a-hair-beyond", "a point beyond the radius by 1e-7 to 1e-11 of it is outside, one within is "
     "inside", lambda draw: {"scale": 2.0 ** draw.integer(-8, 8), "hair": 2.0 ** -draw.integer(24, 36)})
def _(trial: Trial, scale: float, hair: float) -> None:
    real = scale * np.array([[0.0], [1.0]])  # each has the radius 1, times the scale
    for distance, want in ((1 + hair, [0.0, 0.0, 0.0, 0.0]), (1 - hair, [1.0, 0.0, 1.0, 0.5])):
        trial.equal(_metrics(trial, real, scale * np.full((2, 1), -distance), 1), np.array(want), COUNTS,
                    f"for real points at 0 and {scale}, and two generated ones at {-distance * scale!r}")


@law("neighbour_metrics/translation", "moving and stretching both sets changes nothing",
     lambda draw: {**NEIGHBOURS(draw), "shift": draw.integer(-100, 100)})
def _(trial: Trial, real: Any, generated: Any, k: int, shift: int) -> None:
    trial.equal(_metrics(trial, 4 * real + shift, 4 * generated + shift, k), _metrics(trial, real, generated, k),
                COUNTS, ORDER)


@law("neighbour_metrics/point-order", "the order of the points does not matter",
     lambda draw: with_order(draw, NEIGHBOURS(draw), "real"))
def _(trial: Trial, real: Any, generated: Any, k: int, order: Any) -> None:
    trial.equal(_metrics(trial, real[order], generated[::-1].copy(), k), _metrics(trial, real, generated, k), COUNTS,
                ORDER)


# --- bounds of the class radius --------------------------------------------------------------------------------

CLASSES = ARGUMENTS["isoperimetric_bound"]
DEFINITIONS = {"isoperimetric_bound": classradius.isoperimetric_sum, "gamma_bound": classradius.radius_bound,
               "kappa_bound": classradius.kappa_bound}
QUANTILES = Tolerance(1e-9, 1e-11, "quantiles of the normal distribution, good to ten digits")


def _register_bound(capability: str) -> None:
    definition = DEFINITIONS[capability]

    @law(f"{capability}/definition", "it is the formula", CLASSES)
    def _(trial: Trial, p: Any) -> None:
        trial.equal(trial(capability, p), float(definition(p)), QUANTILES)

    @law(f"{capability}/class-order", "the order of the classes does not matter",
         lambda draw: with_order(draw, CLASSES(draw), "p"))
    def _(trial: Trial, p: Any, order: Any) -> None:
        trial.equal(trial(capability, p[order]), trial(capability, p), QUANTILES)

    @law(f"{capability}/merging", "putting two classes together never lowers it", CLASSES)
    def _(trial: Trial, p: Any) -> None:
        merged = np.concatenate([[p[0] + p[1]], p[2:]])
        trial.at_least(trial(capability, merged), trial(capability, p), QUANTILES,
                       "after and before the first two classes are put together")

    @law(f"{capability}/above-the-radius", "half-spaces attain the isoperimetric sum: no bound is below it", CLASSES,
         equation="ClassRadius, some details; erratum 20")
    def _(trial: Trial, p: Any) -> None:
        trial.at_least(trial(capability, p), float(classradius.isoperimetric_sum(p)), QUANTILES,
                       "against the isoperimetric sum")


for _capability in DEFINITIONS:
    _register_bound(_capability)


@law("isoperimetric_bound/two-half-spaces", "for p = (1/2, 1/2) it is 2 / sqrt(2 pi), the mean of |N(0, 1)|", CLASSES,
     equation="ClassRadius, erratum 18", examples=1)
def _(trial: Trial, p: Any) -> None:
    trial.equal(trial("isoperimetric_bound", np.array([0.5, 0.5])), 2 / math.sqrt(2 * math.pi), QUANTILES,
                "for p = (1/2, 1/2)")


@law("gamma_bound/equal-classes", "for K equal classes it is log(4 pi log K) / sqrt(2 log K)",
     lambda draw: {"classes": draw.integer(2, 64)}, equation="ClassRadius, theorem, equal classes")
def _(trial: Trial, classes: int) -> None:
    trial.equal(trial("gamma_bound", np.full(classes, 1 / classes)), classradius.uniform_bound(classes), QUANTILES)


@law("kappa_bound/equal-classes", "for K equal classes it is the isoperimetric sum",
     lambda draw: {"classes": draw.integer(2, 64)})
def _(trial: Trial, classes: int) -> None:
    p = np.full(classes, 1 / classes)
    trial.equal(trial("kappa_bound", p), float(classradius.isoperimetric_sum(p)), QUANTILES)


@law("kappa_bound/ordering", "isoperimetric sum <= kappa(|p|^2) <= gamma(|p|^2), as far as they are offered", CLASSES)
def _(trial: Trial, p: Any) -> None:
    lower, upper = (trial(name, p) if trial.adapter.offers(name) else DEFINITIONS[name](p)
                    for name in ("isoperimetric_bound", "gamma_bound"))
    middle = trial("kappa_bound", p)
    trial.at_least(middle, lower, QUANTILES, "kappa against the isoperimetric sum")
    trial.at_most(middle, upper, QUANTILES, "kappa against gamma")


# --- entropies -------------------------------------------------------------------------------------------------

RENYI = ARGUMENTS["renyi_entropy"]


def entropy(trial: Trial, p: np.ndarray, alpha: float) -> float:
    """What the implementation returns, in nats."""
    base = trial.conventions.logarithm
    return float(trial("renyi_entropy", p, alpha)) * (1.0 if base == "e" else math.log(float(base)))


def entropy_of(p: np.ndarray, alpha: float) -> float:
    """The definition, in nats."""
    if alpha == 1:
        return float(classradius.shannon_entropy(p))
    return -math.log(p.max()) if math.isinf(alpha) else float(classradius.renyi_entropy(p, alpha))


@law("renyi_entropy/definition", "it is log sum p^alpha / (1 - alpha), and its limits at 1 and infinity", RENYI)
def _(trial: Trial, p: Any, alpha: float) -> None:
    trial.equal(entropy(trial, p, alpha), entropy_of(p, alpha), detail="in nats")


@law("renyi_entropy/bounds", "it is between 0 and the logarithm of the number of classes, reached by equal ones",
     RENYI)
def _(trial: Trial, p: Any, alpha: float) -> None:
    found, most = entropy(trial, p, alpha), classradius.maximum_entropy(p.shape[0])
    trial.at_least(found, 0.0)
    trial.at_most(found, most)
    trial.equal(entropy(trial, np.full(p.shape[0], 1 / p.shape[0]), alpha), most, detail="of as many equal classes")


@law("renyi_entropy/falls-with-alpha", "it never rises with alpha", RENYI)
def _(trial: Trial, p: Any, alpha: float) -> None:
    values = np.array([entropy(trial, p, a) for a in (0.0, 0.5, 0.99, 1.0, 1.01, 2.0, 3.0, 50.0, math.inf)])
    trial.at_most(values[1:], values[:-1],
                  detail="at alpha = 0.5, 0.99, 1, 1.01, 2, 3, 50, inf and the one before each")


@law("renyi_entropy/continuous", "it has no jump at alpha = 1", RENYI)
def _(trial: Trial, p: Any, alpha: float) -> None:
    for near in (1 - 1e-6, 1 + 1e-6):
        trial.equal(entropy(trial, p, near), entropy(trial, p, 1.0),
                    Tolerance(0.0, 1e-4, "it moves by at most 1e-6 times half a variance of log p, and a plain formula "
                                         "loses six digits there"), f"at alpha = {near!r} and 1")


@law("renyi_entropy/additive", "independent classes add their entropies",
     lambda draw: {**RENYI(draw), "other": distribution(draw, draw.integer(1, 4), zeros=False)})
def _(trial: Trial, p: Any, alpha: float, other: Any) -> None:
    trial.equal(entropy(trial, np.outer(p, other).ravel(), alpha),
                entropy(trial, p, alpha) + entropy(trial, other, alpha), detail="of all products, and of both")


@law("renyi_entropy/empty-class", "a class of probability 0 changes nothing", RENYI)
def _(trial: Trial, p: Any, alpha: float) -> None:
    trial.equal(entropy(trial, np.append(p, 0.0), alpha), entropy(trial, p, alpha))


@law("renyi_entropy/class-order", "the order of the classes does not matter",
     lambda draw: with_order(draw, RENYI(draw), "p"))
def _(trial: Trial, p: Any, alpha: float, order: Any) -> None:
    trial.equal(entropy(trial, p[order], alpha), entropy(trial, p, alpha))
