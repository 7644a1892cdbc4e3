r"""Golden vectors of Adam, the divergence of a Gaussian from N(0, I); the documents of the evidence lower bound too.

Adam is confirmed by both moments as weighted means of all the gradients, the divergence by integrating the logarithm of
the quotient of both densities.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp, mpf

from divergen.oracle.capabilities import CAPABILITIES

from . import networks
from .format import Case, document, exact
from .inputs import EPS, allowance

Row = list[mpf]
Matrix = list[Row]


# ---- Adam ------------------------------------------------------------------------------------------------------

class Run(NamedTuple):
    """The arguments of a trajectory of Adam."""

    start: np.ndarray
    gradients: np.ndarray
    learning_rates: np.ndarray
    beta1: float
    beta2: float
    epsilon: float


def recursion(run: Run, inside: bool = False) -> Matrix:
    """Follow algorithm 1; with epsilon inside the root, divide by sqrt(v_hat + epsilon)."""
    b1, b2, epsilon = mpf(run.beta1), mpf(run.beta2), mpf(run.epsilon)
    theta, path = exact(run.start), []
    first, second = [mpf(0)] * len(theta), [mpf(0)] * len(theta)
    for t, (g, rate) in enumerate(zip(exact(run.gradients), exact(run.learning_rates), strict=True), 1):
        first = [b1 * m + (1 - b1) * c for m, c in zip(first, g, strict=True)]
        second = [b2 * v + (1 - b2) * c * c for v, c in zip(second, g, strict=True)]
        theta = [x - rate * m / (1 - b1**t) / scale(v / (1 - b2**t), epsilon, inside) if m else x
                 for x, m, v in zip(theta, first, second, strict=True)]
        path.append(theta)
    return path


def scale(moment: mpf, epsilon: mpf, inside: bool) -> mpf:
    return mp.sqrt(moment + epsilon) if inside else mp.sqrt(moment) + epsilon


def means(run: Run, sizes: bool = False) -> Matrix:
    """Take both corrected moments as weighted means of all gradients so far; with `sizes`, add up sizes of terms."""
    b1, b2, epsilon = mpf(run.beta1), mpf(run.beta2), mpf(run.epsilon)
    gradients = exact(abs(run.gradients) if sizes else run.gradients)
    sign, path = (1 if sizes else -1), [[mpf(0)] * len(run.start) if sizes else exact(run.start)]
    for t, rate in enumerate(exact(run.learning_rates), 1):
        late1, late2 = ([b ** (t - k) / mp.fsum(b**j for j in range(t)) for k in range(1, t + 1)] for b in (b1, b2))
        row = []
        for i, x in enumerate(path[-1]):
            mean = mp.fsum(w * g[i] for w, g in zip(late1, gradients, strict=False))
            square = mp.fsum(w * g[i] ** 2 for w, g in zip(late2, gradients, strict=False))
            row.append(x + sign * rate * mean / scale(square, epsilon, False) if mean else x)
        path.append(row)
    return path[1:]


def adam_cases() -> Iterator[Case]:
    def case(name: str, flags: str, gradients: Any, rates: Any = 1e-3, beta1: float = 0.9, beta2: float = 0.999,
             epsilon: float = 1e-8, start: Any = None) -> Case:
        gradients = np.array(gradients, dtype=np.float64)
        steps, size = gradients.shape
        start = np.array([1.0, -0.5, 0.0, 3.25][:size] if start is None else start)
        run = Run(start, gradients, np.full(steps, rates) if isinstance(rates, float) else np.array(rates), beta1,
                  beta2, epsilon)
        path = [abs(float(x)) for row in recursion(run) for x in row]
        moved = float(max(means(run, sizes=True)[-1]))
        growth = 1 / (1 - beta1) + 1 / (1 - beta2) + 8  # 1 - beta^t, and the moments themselves
        return Case(name, tuple(flags.split()), run._asdict(), partial(recursion, run), partial(means, run),
                    {"epsilon=inside": partial(recursion, run, True)},
                    allowance(EPS * (steps * max([*path, *abs(start)]) / 2 + growth * moved), 0.0,
                              "a rounding of the parameters at each step; in the step, 1 - beta^t has a relative error "
                              "of up to eps / (1 - beta)"))

    def wild(steps: int, size: int = 4, factor: float = 1.0) -> list[list[float]]:
        """Fractions of 64 without a pattern."""
        return [[((37 * t * t + 101 * i + 53 * t * i) % 257 - 128) / 64 * factor for i in range(size)]
                for t in range(steps)]

    falling = [0.125 * 0.75 ** (t // 4) for t in range(20)]
    yield case("default", "Paper", wild(20))
    yield case("default-constant", "Paper", [[1.0, -2.0, 0.5]] * 10)
    yield case("one-step", "Normal", wild(1), 0.1)
    yield case("two-steps", "Normal", wild(2), 0.1)
    yield case("three-steps", "Normal", wild(3), 0.5, 0.5, 0.75, 0.25)
    yield case("schedule", "Normal", wild(20), falling)
    yield case("short-memory", "Normal", wild(12), 0.125, 0.25, 0.5)
    yield case("longer-first-memory", "Normal", wild(12), 0.125, 0.96875, 0.5)
    yield case("one-parameter", "Normal", wild(8, 1), 0.25)
    yield case("rate-zero-now-and-then", "Normal", wild(6), [0.1, 0.0, 0.2, 0.0, 0.0, 0.4])
    yield case("no-memory", "Degenerate", wild(8), falling[:8], 0.0, 0.0)
    yield case("no-first-memory", "Degenerate", wild(8), 0.25, 0.0, 0.75)
    yield case("no-second-memory", "Degenerate", wild(8), 0.25, 0.5, 0.0)
    yield case("large-epsilon", "Epsilon", wild(12), 0.1, 0.5, 0.75, 0.5)
    yield case("epsilon-one", "Epsilon", wild(12), 0.5, 0.9, 0.999, 1.0)
    yield case("tiny-gradients", "Epsilon", wild(12, 4, 2.0**-30), 1e-3)
    yield case("tinier-gradients", "Epsilon", wild(12, 4, 2.0**-50), 0.5, start=[0.0, 0.0, 0.0, 0.0])
    yield case("no-gradient", "ZeroGradient", [[0.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, -0.5]], 0.1)
    yield case("late-gradient", "ZeroGradient", [[0.0, 1.0], [0.0, 0.25], [2.0, -1.0], [0.5, 0.0]], 0.1)
    yield case("huge-gradients", "FarTail", wild(8, 4, 2.0**300), 0.125)
    yield case("spike", "FarTail", [[1.0, -1.0], [1e6, -1e-6], [1.0, 1.0], [-0.5, 0.25]], 0.125)


# ---- the divergence of a Gaussian from the standard one ---------------------------------------------------------

def kl_rows(mean: np.ndarray, log_variance: np.ndarray, one: Callable[[mpf, mpf], mpf]) -> Row:
    return [mp.fsum(one(m, v) for m, v in zip(ms, vs, strict=True))
            for ms, vs in zip(exact(mean), exact(log_variance), strict=True)]


def kl_closed(m: mpf, v: mpf) -> mpf:
    return (m * m + mp.expm1(v) - v) / 2


def kl_integral(m: mpf, v: mpf) -> mpf:
    """Integrate log(q/p) against q: with z = m + e^(v/2) u it is a parabola in u, and a trapezoidal sum does it."""
    with mp.workdps(mp.dps + 30):
        deviation, step = mp.exp(v / 2), mpf(1) / 4
        return step * mp.fsum(mp.npdf(u) * ((m + deviation * u) ** 2 - u * u - v) / 2
                              for u in (k * step for k in range(-88, 89)))


def gaussian_kl_cases() -> Iterator[Case]:
    def case(name: str, flags: str, mean: Any, log_variance: Any) -> Case:
        mean, log_variance = np.array(mean, dtype=np.float64), np.array(log_variance, dtype=np.float64)
        near = flags.startswith("Cancellation")
        size = kl_rows(mean, log_variance,
                       lambda m, v: (m * m + (abs(mp.expm1(v)) if near else mp.exp(v) + 1) + abs(v)) / 2)
        count = mean.shape[1] / 2 + 4
        return Case(name, tuple(flags.split()), {"mean": mean, "log_variance": log_variance},
                    partial(kl_rows, mean, log_variance, kl_closed), partial(kl_rows, mean, log_variance, kl_integral),
                    tolerance=allowance(count * EPS * float(max(size) if not near else min(size)), count * EPS,
                                        "a sum over coordinates of mean^2, " +
                                        ("expm1(log_variance) and log_variance" if near else
                                         "exp(log_variance), 1 and log_variance") + ", each term rounded"))

    draw = random.Random(5).random
    for dim in (1, 2, 3, 8):
        for n in (1, 4):
            mean, log_variance = ([[int(257 * draw() - 128) / 64 for _ in range(dim)] for _ in range(n)] for _ in "mv")
            yield case(f"dyadic-n{n}-d{dim}", "Normal", mean, log_variance)
    yield case("all-bits", "Normal", [[2 * draw() - 1 for _ in range(5)] for _ in range(3)],
               [[2 * draw() - 1 for _ in range(5)] for _ in range(3)])
    yield case("variance-only", "Normal", [[0.0, 0.0, 0.0]], [[1.0, -1.0, 0.5]])
    yield case("mean-only", "Normal", [[1.0, -2.0, 0.375]], [[0.0, 0.0, 0.0]])
    yield case("rows-differ", "Normal", [[0.0, 1.0], [2.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.0, -1.0], [2.0, -2.0]])
    yield case("standard", "Coincident", [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]])
    yield case("standard-but-one", "Coincident", [[0.0, 0.0], [0.5, 0.0]], [[0.0, 0.0], [0.0, 0.0]])
    for i, size in enumerate((2.0**-10, 2.0**-20, 2.0**-26, 1e-12, 1e-15)):
        yield case(f"near-variance-{i}", "Cancellation", [[0.0, 0.0]], [[size, -size]])
    yield case("near-mean", "Cancellation", [[1e-9, -2e-10]], [[0.0, 0.0]])
    yield case("near-both", "Cancellation", [[2.0**-12, 2.0**-13]], [[2.0**-12, -(2.0**-11)]])
    yield case("large-mean", "FarTail", [[1e6, -3.0]], [[0.0, 1.0]])
    yield case("huge-mean", "FarTail", [[1e100, 1.0]], [[0.0, 0.0]])
    yield case("narrow", "FarTail", [[0.0, 1.0]], [[-700.0, -1000.0]])
    yield case("wide", "FarTail", [[0.0, 1.0]], [[20.0, 300.0]])
    yield case("very-narrow", "FarTail", [[0.5]], [[-1e6]])
    yield case("high-d64", "HighDimension", [[int(257 * draw() - 128) / 64 for _ in range(64)] for _ in range(2)],
               [[int(257 * draw() - 128) / 64 for _ in range(64)] for _ in range(2)])
    yield case("high-d512", "HighDimension", [[0.125] * 512], [[-0.25] * 512])


# ---- files -----------------------------------------------------------------------------------------------------

TOLERANCE = {"relative": 1e-14, "absolute": 0.0, "reason": "each vector has its own, from the number of its terms"}


def made(name: str, cases: Callable[[], Iterator[Case]], flags: dict[str, str], *routes: str,
         script: str = "tools/vectors/models.py") -> dict[str, Any]:
    capability = CAPABILITIES[name]
    return document(
        name, cases(), equation=capability.equation, arguments=capability.arguments, returns=capability.returns,
        script=script, flags=flags, tolerance=TOLERANCE, routes=routes)


ADAM_FLAGS = {
    "Paper": "beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, rate 0.001: the paper's settings",
    "Normal": "other rates and memories, short trajectories and schedules",
    "Degenerate": "a moment without memory: beta1 = 0 or beta2 = 0",
    "Epsilon": "epsilon is as large as the gradients, or larger: where it stands shows",
    "ZeroGradient": "gradients that are 0, from the beginning or later: no step before the first one that is not",
    "FarTail": "gradients that are very large, or of very different sizes",
}
KL_FLAGS = {
    "Normal": "means and log-variances of size 1",
    "Coincident": "the standard normal distribution itself: exactly 0",
    "Cancellation": "next to the standard normal distribution: exp(log_variance) - 1 - log_variance cancels, "
                    "expm1(log_variance) - log_variance much less",
    "FarTail": "large means, very narrow and very wide distributions",
    "HighDimension": "64 coordinates and more",
}
DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "adam": partial(
        made, "adam", adam_cases, ADAM_FLAGS, "recursion: algorithm 1 step by step; under epsilon=inside the step is "
        "divided by sqrt(v_hat + epsilon)", "means: corrected moments as weighted means of all gradients"),
    "gaussian_kl": partial(
        made, "gaussian_kl", gaussian_kl_cases, KL_FLAGS, "closed form: sum of (mean^2 + expm1(log_variance) - "
        "log_variance) / 2", "integral: log(q/p) against q, a trapezoidal sum for each coordinate"),
    "elbo": partial(
        made, "elbo", networks.elbo_cases, networks.FLAGS,
        "definition: x logit - log(1 + e^logit), and the closed form of the divergence",
        "logarithms: of the probabilities of white and black, at 900 more digits, and of the variances",
        script="tools/vectors/networks.py"),
    "elbo_gradient": partial(
        made, "elbo_gradient", networks.elbo_gradient_cases, networks.FLAGS, "backward: the chain rule, layer by layer",
        "differences: central ones of the bound, with 60 more digits", script="tools/vectors/networks.py"),
}
