r"""Laws of the kernel, of the distance between clouds and its gradient, and of the expected kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..equations import turinici2023
from .compare import Tolerance
from .inputs import ARGUMENTS, two_clouds, with_order
from .laws import Draw, Inputs, Trial, law

DIFFERENCES = Tolerance(2e-5, 2e-6, "central differences with a step of 1e-4, at a distance a >= 1/8 from the kink")
SUMS = Tolerance(1e-10, 1e-11, "float64 sums over a few pairs of points of size 4")


# --- kernel ----------------------------------------------------------------------------------------------------

KERNEL = ARGUMENTS["kernel"]


@law("kernel/even", "h(-x) = h(x)", KERNEL)
def _(trial: Trial, x: np.ndarray, a: float) -> None:
    trial.equal(trial("kernel", -x, a), trial("kernel", x, a))


@law("kernel/zero-at-zero", "h(0) = 0", KERNEL)
def _(trial: Trial, x: np.ndarray, a: float) -> None:
    trial.equal(trial("kernel", np.zeros_like(x), a), np.zeros(x.shape[0]),
                Tolerance(0.0, 1e-15, "sqrt(a^2) - a is 0 but for one rounding"))


@law("kernel/bounds", "|x| - a <= h(x) <= |x|", KERNEL)
def _(trial: Trial, x: np.ndarray, a: float) -> None:
    h, length = trial("kernel", x, a), np.sqrt(np.sum(x * x, axis=1))
    trial.at_most(h, length)
    trial.at_least(h, length - a)


@law("kernel/definition", "h(x) = sqrt(|x|^2 + a^2) - a", KERNEL)
def _(trial: Trial, x: np.ndarray, a: float) -> None:
    trial.equal(trial("kernel", x, a), turinici2023.huber_energy_kernel(x, a))


@law("kernel/scaling", "h(4 x) with 4 a is 4 h(x) with a", KERNEL)
def _(trial: Trial, x: np.ndarray, a: float) -> None:
    trial.equal(trial("kernel", 4 * x, 4 * a), 4 * trial("kernel", x, a))


@law("kernel/row-order", "each row is judged by itself: another order of the rows is another order of the values",
     lambda draw: with_order(draw, KERNEL(draw), "x"))
def _(trial: Trial, x: np.ndarray, a: float, order: np.ndarray) -> None:
    trial.equal(trial("kernel", x[order], a), trial("kernel", x, a)[order])


@law("kernel/conditionally-negative", "sum_ij p_i p_j h(x_i - x_j) <= 0 where sum_i p_i = 0",
     lambda draw: _with_signs(draw, KERNEL(draw)), equation="Turinici2023, conditionally negative definite")
def _(trial: Trial, x: np.ndarray, a: float, p: np.ndarray) -> None:
    n, d = x.shape
    differences = (x[:, None, :] - x[None, :, :]).reshape(n * n, d)
    h = trial("kernel", differences, a).reshape(n, n)
    trial.at_most(float(p @ h @ p), 0.0, Tolerance(0.0, 1e-10, "rounding of a sum of a few numbers below 100"))


def _with_signs(draw: Draw, arguments: Inputs) -> Inputs:
    p = draw.array((arguments["x"].shape[0],), -2, 2)
    p[-1] -= p.sum()
    return {**arguments, "p": p}


# --- squared distance and gradient -----------------------------------------------------------------------------


def self_energy(x: np.ndarray, w: np.ndarray, a: float) -> float:
    h = turinici2023.huber_energy_kernel(x[:, None, :] - x[None, :, :], a)
    return float(w @ h @ w)


def _excess(w: np.ndarray) -> float:
    """By how much a U-statistic's self-energy is above the V-statistic's, as a share of it."""
    pairs = 1 - float(np.sum(w * w))
    return 1 / pairs - 1 if pairs > 0 else 0.0


def squared_distance(trial: Trial, x: np.ndarray, y: np.ndarray, u: np.ndarray, w: np.ndarray, a: float) -> float:
    """Call the implementation, and turn what it returns from its convention into the house's."""
    value = float(trial("squared_distance", x, y, u, w, a))
    if trial.conventions.power == "root":
        value = value * value
    if trial.conventions.factor == "one":
        value = value / 2
    if trial.conventions.statistic == "U":
        value += (self_energy(x, u, a) * _excess(u) + self_energy(y, w, a) * _excess(w)) / 2
    return value


def gradient(trial: Trial, x: np.ndarray, y: np.ndarray, u: np.ndarray, w: np.ndarray, a: float) -> np.ndarray:
    """The same for the gradient."""
    value = trial("squared_distance_gradient", x, y, u, w, a)
    if trial.conventions.factor == "one":
        value = value / 2
    if trial.conventions.statistic == "U":
        value = value + _excess(u) * u[:, None] * pull(x, x, u, a)
    return value


def pull(x: np.ndarray, y: np.ndarray, w: np.ndarray, a: float) -> np.ndarray:
    """sum_j w_j grad h(x_i - y_j), with 0 for the gradient at 0; (n, d)."""
    difference = x[:, None, :] - y[None, :, :]  # (n, m, d)
    root = np.sqrt(np.sum(difference**2, axis=2) + a * a)
    return np.sum(w[None, :, None] * difference / np.where(root > 0, root, 1.0)[:, :, None], axis=1)


def _not_a_root_of_a_negative(trial: Trial, want: float) -> bool:
    """Whether the root of a U-statistic that is below 0 would be asked for, which has none."""
    return trial.conventions.power == "root" and trial.conventions.statistic == "U" and want < 1e-9


@law("squared_distance/definition", "it is minus half the double sum of h under the difference of the clouds",
     two_clouds, equation="Turinici2023 (3)")
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    points, weights = np.concatenate([x, y]), np.concatenate([x_weights, -y_weights])
    want = float(turinici2023.squared_distance(points, weights,
                                               lambda z: turinici2023.huber_energy_kernel(z, a)))
    correction = (self_energy(x, x_weights, a) * _excess(x_weights)
                  + self_energy(y, y_weights, a) * _excess(y_weights)) / 2
    if _not_a_root_of_a_negative(trial, want - correction):
        return
    trial.equal(squared_distance(trial, x, y, x_weights, y_weights, a), want, SUMS,
                "both by the conventions of this package")


@law("squared_distance/of-two-points", "the squared distance of two single points is h(x - y)",
     lambda draw: {**two_clouds(draw), "n": draw.integer(2, 4)})
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float, n: int) -> None:
    x, y, w = np.repeat(x[:1], n, axis=0), np.repeat(y[:1], n, axis=0), np.full(n, 1 / n)
    want = turinici2023.huber_energy_kernel(x[0] - y[0], a)
    trial.equal(squared_distance(trial, x, y, w, w, a), float(want), SUMS, f"each is given {n} times, at 1/{n} each")


@law("squared_distance/symmetric", "d^2(mu, nu) = d^2(nu, mu)", two_clouds)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    trial.equal(_raw(trial, y, x, y_weights, x_weights, a), _raw(trial, x, y, x_weights, y_weights, a), SUMS)


def _raw(trial: Trial, *arguments: Any) -> float:
    """What the implementation returns, squared if it is a root: roots of rounding errors are no small numbers."""
    value = float(trial("squared_distance", *arguments))
    return value * value if trial.conventions.power == "root" else value


@law("squared_distance/not-negative", "d^2 >= 0", two_clouds)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    if not _not_a_root_of_a_negative(trial, 0.0):
        trial.at_least(squared_distance(trial, x, y, x_weights, y_weights, a), 0.0, SUMS)


@law("squared_distance/zero-to-itself", "d^2(mu, mu) = 0", two_clouds)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    if not _not_a_root_of_a_negative(trial, 0.0):
        trial.equal(squared_distance(trial, x, x, x_weights, x_weights, a), 0.0, SUMS)


@law("squared_distance/translation", "moving both clouds by the same vector changes nothing",
     lambda draw: {**two_clouds(draw), "shift": 1.1 * draw.number(-64, 64)})
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float, shift: float) -> None:
    trial.equal(_raw(trial, x + shift, y + shift, x_weights, y_weights, a),
                _raw(trial, x, y, x_weights, y_weights, a),
                SUMS)


@law("squared_distance/splitting", "a point is as good as two in its place that share its weight", two_clouds)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    if trial.conventions.statistic == "U":  # equal weights stay equal only if all are split
        split, weights = np.concatenate([x, x]), np.concatenate([x_weights, x_weights]) / 2
    else:
        split, weights = np.concatenate([x, x[:1]]), np.concatenate([x_weights, x_weights[:1]])
        weights[[0, -1]] /= 2
    if not _not_a_root_of_a_negative(trial, 0.0):
        trial.equal(squared_distance(trial, split, y, weights, y_weights, a),
                    squared_distance(trial, x, y, x_weights, y_weights, a), SUMS)


@law("squared_distance/point-order", "the order of the points does not matter",
     lambda draw: with_order(draw, two_clouds(draw), "x", "y"))
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float, order: Any, other_order: Any) -> None:
    trial.equal(_raw(trial, x[order], y[other_order], x_weights[order], y_weights[other_order], a),
                _raw(trial, x, y, x_weights, y_weights, a), SUMS)


@law("squared_distance/scaling", "points and a times 4 give d^2 times 4", two_clouds)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    trial.equal(_raw(trial, 4 * x, 4 * y, x_weights, y_weights, 4 * a) / 4,
                _raw(trial, x, y, x_weights, y_weights, a), SUMS)


GRADIENT = ARGUMENTS["squared_distance_gradient"]


@law("squared_distance_gradient/definition", "it is u_i times the pull of y minus the push of x, at x_i", two_clouds)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    want = x_weights[:, None] * (pull(x, y, y_weights, a) - pull(x, x, x_weights, a))
    trial.equal(gradient(trial, x, y, x_weights, y_weights, a), want, SUMS, "both by the conventions of this package")


@law("squared_distance_gradient/differences", "it agrees with differences of the implementation's own d^2", GRADIENT,
     needs=("squared_distance_gradient", "squared_distance"), examples=25)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    found, step = gradient(trial, x, y, x_weights, y_weights, a), 1e-4
    i = int(np.argmax(np.abs(found).sum(axis=1)))
    moved = np.zeros_like(x)
    moved[i] = step
    if not _not_a_root_of_a_negative(trial, 0.0):
        high, low = (squared_distance(trial, x + s * moved, y, x_weights, y_weights, a) for s in (1, -1))
        trial.equal(float(found[i].sum()), (high - low) / (2 * step), DIFFERENCES,
                    f"the sum of row {i}, against moving point {i} along (1, ..., 1)")


@law("squared_distance_gradient/zero-at-itself", "where both clouds are one, nothing pulls", two_clouds)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    trial.equal(gradient(trial, x, x, x_weights, x_weights, a), np.zeros_like(x), SUMS)


@law("squared_distance_gradient/action-and-reaction",
     "what pulls x towards y as a whole pulls y towards x as much", two_clouds)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    trial.equal(gradient(trial, x, y, x_weights, y_weights, a).sum(axis=0),
                -gradient(trial, y, x, y_weights, x_weights, a).sum(axis=0), SUMS, "the sums of both gradients")


@law("squared_distance_gradient/point-order", "the order of the points does not matter",
     lambda draw: with_order(draw, two_clouds(draw), "x", "y"))
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float, order: Any, other_order: Any) -> None:
    moved = trial("squared_distance_gradient", x[order], y[other_order], x_weights[order], y_weights[other_order], a)
    trial.equal(moved, trial("squared_distance_gradient", x, y, x_weights, y_weights, a)[order], SUMS)


# --- expected kernel -------------------------------------------------------------------------------------------

EXPECTED = ARGUMENTS["expected_kernel"]
QUADRATURE = Tolerance(1e-7, 1e-9, "an expectation may come from quadrature; Monte Carlo misses this by far")


@law("expected_kernel/jensen", "h is convex: E h(x - z) >= h(x - m); its square root form bounds it above", EXPECTED)
def _(trial: Trial, x: Any, mean: Any, cov: Any, a: float) -> None:
    found, squared = trial("expected_kernel", x, mean, cov, a), np.sum((x - mean) ** 2, axis=1)
    trial.at_least(found, np.sqrt(squared + a * a) - a, QUADRATURE, "at least h(x - m)")
    trial.at_most(found, np.sqrt(squared + np.trace(cov) + a * a) - a, QUADRATURE,
                  "at most sqrt(|x - m|^2 + tr S + a^2) - a")


@law("expected_kernel/standard-normal", "under N(0, I) it is the closed form", EXPECTED,
     equation="Turinici2023 (2), closed form", examples=20)
def _(trial: Trial, x: Any, mean: Any, cov: Any, a: float) -> None:
    d = x.shape[1]
    trial.equal(trial("expected_kernel", x, np.zeros(d), np.eye(d), a), turinici2023.expected_huber_energy(x, a),
                QUADRATURE, "with mean 0 and covariance I in the place of those above")


@law("expected_kernel/certainty", "with covariance 0 it is h(x - m)", EXPECTED)
def _(trial: Trial, x: Any, mean: Any, cov: Any, a: float) -> None:
    trial.equal(trial("expected_kernel", x, mean, np.zeros_like(cov), a),
                turinici2023.huber_energy_kernel(x - mean, a), QUADRATURE, "with covariance 0 in the place of cov")


@law("expected_kernel/translation", "moving x and the mean by the same vector changes nothing",
     lambda draw: {**EXPECTED(draw), "shift": draw.number(-16, 16)}, examples=25)
def _(trial: Trial, x: Any, mean: Any, cov: Any, a: float, shift: float) -> None:
    trial.equal(trial("expected_kernel", x + shift, mean + shift, cov, a), trial("expected_kernel", x, mean, cov, a),
                QUADRATURE)


@law("expected_kernel/rotation", "rotating x, mean and covariance together changes nothing",
     lambda draw: {**EXPECTED(draw), "angle": draw.number(0, 6)}, examples=25)
def _(trial: Trial, x: Any, mean: Any, cov: Any, a: float, angle: float) -> None:
    q = np.eye(x.shape[1])
    if x.shape[1] == 1:
        q = -q
    else:
        q[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    turned = q @ cov @ q.T
    trial.equal(trial("expected_kernel", x @ q.T, q @ mean, (turned + turned.T) / 2, a),
                trial("expected_kernel", x, mean, cov, a), QUADRATURE)


@law("expected_kernel/scaling", "x, mean and a times 2 and the covariance times 4 give it times 2", EXPECTED,
     examples=25)
def _(trial: Trial, x: Any, mean: Any, cov: Any, a: float) -> None:
    trial.equal(trial("expected_kernel", 2 * x, 2 * mean, 4 * cov, 2 * a),
                2 * trial("expected_kernel", x, mean, cov, a), QUADRATURE)


@law("expected_kernel/far-away", "at a distance r it is r - a + (tr S - e'S e + a^2) / (2 r) up to 1/r^2", EXPECTED,
     examples=20)
def _(trial: Trial, x: Any, mean: Any, cov: Any, a: float) -> None:
    r, d = 1e4, x.shape[1]
    found = trial("expected_kernel", mean + r * np.eye(d), mean, cov, a)  # one point along each axis
    want = r - a + (np.trace(cov) - np.diag(cov) + a * a) / (2 * r)
    trial.equal(found, want, Tolerance(1e-10, 1e-6, "the next term of the expansion is below 1e-6 at r = 1e4"),
                f"at mean + {r:g} e_i for each axis in the place of x")


@law("expected_kernel/row-order", "another order of the rows is another order of the values",
     lambda draw: with_order(draw, EXPECTED(draw), "x"), examples=25)
def _(trial: Trial, x: Any, mean: Any, cov: Any, a: float, order: Any) -> None:
    trial.equal(trial("expected_kernel", x[order], mean, cov, a), trial("expected_kernel", x, mean, cov, a)[order],
                QUADRATURE)
