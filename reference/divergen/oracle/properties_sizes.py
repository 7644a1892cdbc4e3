r"""Laws at many sizes: what is right for six points may be wrong for 257.

Fast implementations work in blocks: tiles of threads, lanes of a vector, a buffer of 1024 rows, an index of eight bits.
Their bugs begin at the edge of a block, so that each law here is tried at the sizes around the usual edges, in
ascending order: what fails is the smallest size that does. Inputs come from NumPy's generator with a seed that
hypothesis chooses; points are multiples of 1/64, weights of 2^-20. What is right is what the equation says, or what
does not depend on the size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..equations import turinici2023, verine2024
from .capabilities import DIVERGENCES
from .compare import Tolerance
from .generators import GENERATORS
from .inputs import layer_shapes, masses
from .laws import EXACT, Draw, Inputs, Trial, law
from .properties_distance import QUADRATURE, gradient, pull, self_energy, squared_distance
from .properties_divergences import conjugate, divergence
from .properties_evaluation import COUNTS, DEFINITIONS, QUANTILES, counted, entropy, entropy_of
from .properties_models import bound, recursion, slope
from .properties_sampling import ROOT

__all__ = ["SIZES"]

# One, two, and around the edges of blocks.
SIZES = (1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025)
SUMS = Tolerance(1e-10, 1e-11, "float64 sums of up to a million terms of size 10; float32 misses it by far")

Shape = tuple[int, ...]
Make = Callable[..., Inputs]


def up_to(largest: int, least: int = 1) -> tuple[int, ...]:
    """The sizes within these bounds."""
    return tuple(n for n in SIZES if least <= n <= largest)


def along(few: int = 3, both: int = 0, least: int = 1) -> Iterator[Shape]:
    """Each size with a few in the other direction, and in both directions where it is at most `both`."""
    for n in up_to(SIZES[-1], least):
        yield from [(n, few), (few, n), *([(n, n)] if n <= both else [])]


def at_sizes(
    capability: str, what: str, names: str, shapes: Sequence[Shape], make: Make, *, examples: int = 2
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put a law on the list that is tried with the inputs ``make(rng, *shape)`` of all these shapes, one after another.

    A failure names the seed, the shape, by `names`, and the arguments. Nothing is left to shrink: the shapes ascend,
    and the first seed is 0.
    """
    def put(holds: Callable[..., None]) -> Callable[..., None]:
        @law(f"{capability}/sizes", f"{what}, at sizes up to {SIZES[-1]}", _seed, examples=examples, shrink=False)
        def _(trial: Trial, seed: int) -> None:
            def judge(shape: Shape) -> None:
                inputs = make(np.random.default_rng([seed, *shape]), *shape)
                if "x_weights" in inputs and trial.conventions.statistic == "U":
                    if 1 in shape[:2]:
                        return  # a single point has no pairs
                    inputs = {**inputs, "x_weights": _equal(inputs["x"]), "y_weights": _equal(inputs["y"])}
                at = ", ".join(f"{k} = {n}" for k, n in zip(["seed", *names.split()], [seed, *shape], strict=True))
                holds(Trial(trial.adapter, f"{trial.what}; here {at}", inputs), **inputs)

            for_each(judge, shapes)

        return holds

    return put


def for_each(judge: Callable[[Any], None], cases: Iterable[Any]) -> None:
    """Judge all cases but those that are not offered, by NotImplementedError, which goes on if that is all of them."""
    judged, refusal = 0, None
    for case in cases:
        try:
            judge(case)
            judged += 1
        except NotImplementedError as error:
            refusal = error
    if refusal is not None and not judged:
        raise refusal


def _seed(draw: Draw) -> Inputs:
    return {"seed": draw.integer(0, 10**6)}


def _equal(x: np.ndarray) -> np.ndarray:
    return np.full(x.shape[0], 1 / x.shape[0])


def points(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """n points within [-4, 4]^d, multiples of 1/64."""
    return rng.integers(-256, 257, (n, d)) / 64


# --- the distance ----------------------------------------------------------------------------------------------

A = 0.5


@at_sizes("kernel", "it is h, row by row", "n d", tuple(along()), lambda rng, n, d: {"x": points(rng, n, d), "a": A})
def _(trial: Trial, x: Any, a: float) -> None:
    trial.equal(trial("kernel", x, a), turinici2023.huber_energy_kernel(x, a))


def _clouds(rng: np.random.Generator, n: int, m: int, d: int) -> Inputs:
    return {"x": points(rng, n, d), "y": points(rng, m, d) + 8, "x_weights": masses(rng, n),
            "y_weights": masses(rng, m), "a": A}


CLOUDS = [(n, m, 2) for n, m in along(both=129)] + [(33, 129, 2), (257, 65, 2)] + [(5, 4, d) for d in SIZES]
CLOUDS.sort(key=lambda shape: (max(shape), shape))


def _between(x: Any, y: Any, u: Any, w: Any, a: float) -> float:
    return float(u @ turinici2023.huber_energy_kernel(x[:, None, :] - y[None, :, :], a) @ w)


@at_sizes("squared_distance", "it is the sum over pairs of both clouds less half of those within each", "n m d", CLOUDS,
          _clouds, examples=1)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    want = (_between(x, y, x_weights, y_weights, a)
            - (self_energy(x, x_weights, a) + self_energy(y, y_weights, a)) / 2)
    trial.equal(squared_distance(trial, x, y, x_weights, y_weights, a), want, SUMS,
                "both by the conventions of this package")


@at_sizes("squared_distance_gradient", "it is u_i times the pull of y minus the push of x, at x_i", "n m d", CLOUDS,
          _clouds, examples=1)
def _(trial: Trial, x: Any, y: Any, x_weights: Any, y_weights: Any, a: float) -> None:
    want = x_weights[:, None] * (pull(x, y, y_weights, a) - pull(x, x, x_weights, a))
    trial.equal(gradient(trial, x, y, x_weights, y_weights, a), want, SUMS, "both by the conventions of this package")


def _gaussian(rng: np.random.Generator, n: int, d: int) -> Inputs:
    """Rows from a list of eight, so that the integrals are few; d = 2 has a covariance with a correlation."""
    cov = np.array([[1.0, 0.5], [0.5, 2.0]]) if d == 2 else np.eye(d) / 4
    return {"x": points(rng, 8, d)[rng.integers(0, 8, n)], "mean": points(rng, 1, d)[0], "cov": cov, "a": A}


@at_sizes("expected_kernel", "each row has its value whatever the others are, for the covariance I/4 the closed form",
          "n d", [*((n, 2) for n in SIZES), *((3, d) for d in up_to(129) if d != 2), (257, 3)], _gaussian)
def _(trial: Trial, x: Any, mean: Any, cov: Any, a: float) -> None:
    rows, which = np.unique(x, axis=0, return_inverse=True)
    if x.shape[1] == 2:
        alone = np.array([trial("expected_kernel", row[None, :], mean, cov, a)[0] for row in rows])
    else:  # E h(x - m - s z), with s = 1/2
        alone = turinici2023.expected_huber_energy(2 * (rows - mean), 2 * a) / 2
    trial.equal(trial("expected_kernel", x, mean, cov, a), alone[np.ravel(which)], QUADRATURE)


def _halves(rng: np.random.Generator, n: int) -> Inputs:
    """n points about (-4, 0), and behind them n - 1 about (4, 0)."""
    middle = np.repeat([[-4.0, 0.0], [4.0, 0.0]], [n, n - 1], axis=0)
    return {"points": middle + points(rng, 2 * n - 1, 2) / 8, "k": 4, "a": A, "seed": 0}


@at_sizes("compress", "where half of the points are, half of the result is, though they come last", "half",
          [(n,) for n in (32, 64, 128, 256, 512, 1024)], _halves, examples=1)
def _(trial: Trial, points: Any, k: int, a: float, seed: int) -> None:
    found = trial("compress", points, k, a, seed)
    trial.equal(np.array([np.sum(found[:, 0] < 0), np.sum(found[:, 0] > 0)]), np.full(2, k / 2), EXACT,
                "the numbers of points left and right of 0")


# --- models ----------------------------------------------------------------------------------------------------

LONG = Tolerance(1e-10, 1e-11, "float64 through up to 1025 steps; float32 misses it by far")


def _adam(rng: np.random.Generator, p: int, steps: int) -> Inputs:
    return {"start": points(rng, 1, p)[0], "gradients": points(rng, steps, p),
            "learning_rates": rng.integers(1, 9, steps) / 64, "beta1": 0.875, "beta2": 0.96875, "epsilon": 1e-8}


@at_sizes("adam", "it is algorithm 1, step by step", "p T", tuple(along()), _adam)
def _(trial: Trial, **inputs: Any) -> None:
    trial.equal(trial("adam", *inputs.values()), recursion(trial, **inputs), LONG)


@at_sizes("gaussian_kl", "it is half the sum of m^2 + e^s - 1 - s, row by row", "n L", tuple(along()),
          lambda rng, n, d: {"mean": points(rng, n, d), "log_variance": points(rng, n, d) / 2})
def _(trial: Trial, mean: Any, log_variance: Any) -> None:
    want = np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance, axis=1) / 2
    trial.equal(trial("gaussian_kl", mean, log_variance), want)


def _autoencoder(rng: np.random.Generator, n: int, pixels: int, hidden: int, latent: int) -> Inputs:
    sizes = [pixels, hidden, latent, hidden, pixels]
    parameters = [rng.normal(scale=p**-0.5, size=(p + 1) * q) / 2 for p, q in layer_shapes(sizes)]
    return {"sizes": sizes, "parameters": np.concatenate(parameters), "x": rng.integers(0, 65, (n, pixels)) / 64,
            "noise": rng.integers(-128, 129, (n, latent)) / 64}


NETWORKS = [(n, 3, 2, 1) for n in SIZES]
NETWORKS += [shape for s in up_to(257, least=31) for shape in ((2, s, 2, 1), (2, 2, s, 1), (2, 3, 2, s))]
NETWORKS.sort(key=lambda shape: (max(shape), shape))


@at_sizes("elbo", "it is mean log p(x|z) - KL, forwards through the layers", "n pixels hidden latent", NETWORKS,
          _autoencoder)
def _(trial: Trial, **inputs: Any) -> None:
    trial.equal(trial("elbo", *inputs.values()), float(bound(**inputs)), LONG)


@at_sizes("elbo_gradient", "it is the derivative of the bound, by complex steps", "n pixels hidden latent", NETWORKS,
          _autoencoder, examples=1)
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any) -> None:
    found = trial("elbo_gradient", sizes, parameters, x, noise)
    if parameters.shape[0] < 64:
        trial.equal(found, slope(sizes, parameters, x, noise), LONG)
    else:  # along two directions, of which every parameter has a part
        for seed in (1, 2):
            along = np.random.default_rng(seed).integers(1, 65, parameters.shape) / 64 * (-1) ** np.arange(found.size)
            want = bound(sizes, parameters + 1e-30j * along, x, noise).imag / 1e-30
            trial.equal(float(found @ along), float(want), LONG, "its sum with the weights "
                        f"default_rng({seed}).integers(1, 65, p) / 64 * (-1) ** arange(p)")


# --- divergences -----------------------------------------------------------------------------------------------


def _register_for_each_name(capability: str, what: str, key: str, make: Make, want: Callable[..., Any]) -> None:
    @at_sizes(capability, what, "n", [(n,) for n in SIZES], make, examples=1)
    def _(trial: Trial, **inputs: Any) -> None:
        def judge(name: str) -> None:
            one = Trial(trial.adapter, trial.what, {"name": name, **inputs})
            one.equal(one(capability, name, *inputs.values()), want(name, *inputs.values()), SUMS)

        for_each(judge, DIVERGENCES)


_register_for_each_name("f", "it is the generator, entry by entry", "u",
                        lambda rng, n: {"u": rng.integers(1, 513, n) / 64}, lambda name, u: GENERATORS[name].f(u))
_register_for_each_name("conjugate", "it is the conjugate, entry by entry", "t",
                        lambda rng, n: {"t": rng.integers(-256, 257, n) / 64}, conjugate)
_register_for_each_name("divergence", "it is the sum of q f(p/q), and of p lim f(u)/u where q = 0", "p q",
                        lambda rng, n: {"p": masses(rng, n, zeros=True), "q": masses(rng, n, zeros=True)}, divergence)


# --- evaluation ------------------------------------------------------------------------------------------------


@at_sizes("pr_curve", "alpha = sum min(lambda p, q) and beta = sum min(p, q / lambda)", "n m", tuple(along(both=129)),
          lambda rng, n, m: {"p": masses(rng, n, zeros=True), "q": masses(rng, n, zeros=True),
                             "lambdas": np.arange(1, m + 1) / 64})
def _(trial: Trial, p: Any, q: Any, lambdas: Any) -> None:
    found = trial("pr_curve", p, q, lambdas)
    for values, want, name in zip(found, zip(*verine2024.pr_curve(p, q, lambdas.tolist()), strict=True),
                                  ("alpha", "beta"), strict=True):
        trial.equal(values, np.array(want), detail=name)


# A lost neighbour shows where there are as many points of the other set around: one size of each kind is square.
NEIGHBOURS = [*((n, m, 3) for n, m in along(few=7, both=129, least=31)), *((n, n, 3) for n in (257, 513, 1025)),
              *((n + 2, n + 1, n) for n in up_to(257))]
NEIGHBOURS.sort(key=lambda shape: (max(shape), shape))


@at_sizes("neighbour_metrics", "they are counted as defined, with the boundary as declared", "n m k", NEIGHBOURS,
          lambda rng, n, m, k: {"real": points(rng, n, 2), "generated": points(rng, m, 2), "k": k}, examples=1)
def _(trial: Trial, real: Any, generated: Any, k: int) -> None:
    want = counted(real, generated, k, trial.conventions.boundary == "<")
    trial.equal(np.array(trial("neighbour_metrics", real, generated, k)), np.array(want), COUNTS,
                "in the order precision, recall, density, coverage")


def _register_bound(capability: str) -> None:
    @at_sizes(capability, "it is the formula", "n", [(n,) for n in (8, *up_to(SIZES[-1], least=31))],
              lambda rng, n: {"p": masses(rng, n)})
    def _(trial: Trial, p: Any) -> None:
        trial.equal(trial(capability, p), float(DEFINITIONS[capability](p)), QUANTILES)


for _capability in DEFINITIONS:
    _register_bound(_capability)


@at_sizes("renyi_entropy", "it is log sum p^alpha / (1 - alpha), and its limits at 1 and infinity", "n",
          [(n,) for n in SIZES], lambda rng, n: {"p": masses(rng, n)})
def _(trial: Trial, p: Any) -> None:
    def judge(alpha: float) -> None:
        one = Trial(trial.adapter, trial.what, {"p": p, "alpha": alpha})
        one.equal(entropy(one, p, alpha), entropy_of(p, alpha), detail="in nats")

    for_each(judge, (0.0, 0.5, 1.0, 2.0, math.inf))


# --- rejection sampling ----------------------------------------------------------------------------------------


def _ratios(rng: np.random.Generator, n: int) -> Inputs:
    p, q = masses(rng, n, zeros=True), masses(rng, n)
    return {"ratio": p / q, "budget": 1.125, "weights": q}


@at_sizes("obrs", "it is min(r c_K / M, 1), c_K >= 1, and beyond the support what is missing from 1/K", "n",
          [(n,) for n in SIZES], _ratios)
def _(trial: Trial, ratio: Any, budget: float, weights: Any) -> None:
    for k in (budget, 2.5):
        one = Trial(trial.adapter, trial.what, {"ratio": ratio, "budget": k, "weights": weights})
        one.equal(one("obrs", ratio, k, weights), verine2024.obrs_acceptance(ratio * weights, weights, k), ROOT)


@at_sizes("drs", "a = r / (r (1 - e^gamma) + M e^gamma)", "n", [(n,) for n in SIZES],
          lambda rng, n: {"ratio": rng.integers(0, 257, n) / 64, "gamma": 0.75, "supremum": 4.5})
def _(trial: Trial, ratio: Any, gamma: float, supremum: float) -> None:
    trial.equal(trial("drs", ratio, gamma, supremum), verine2024.drs_acceptance(ratio, gamma, supremum))
