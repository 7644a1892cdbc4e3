r"""Inputs of each capability for the laws: small, of size 1, and exactly representable."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from .capabilities import CAPABILITIES, DIVERGENCES
from .laws import Draw

__all__ = ["ARGUMENTS", "autoencoder", "cloud", "distribution", "layer_shapes", "masses", "merged", "pair",
           "two_clouds", "with_order"]

Arguments = dict[str, Any]


def cloud(draw: Draw, n: int, d: int) -> np.ndarray:
    """n points in d dimensions within [-4, 4], now and then two of them in one place."""
    points = draw.array((n, d), -4, 4)
    if n > 1 and draw.choice((False, False, True)):
        points[0] = points[-1]
    return points


def _kernel(draw: Draw) -> Arguments:
    n, d = draw.integer(1, 6), draw.integer(1, 4)
    return {"x": cloud(draw, n, d), "a": draw.number(0, 3)}


def two_clouds(draw: Draw, smooth: bool = False) -> Arguments:
    """Two weighted clouds; by the U-statistic of at least two points each, with equal weights."""
    u_statistic = draw.conventions.statistic == "U"
    least = 2 if u_statistic else 1
    n, m, d = draw.integer(least, 6), draw.integer(least, 6), draw.choice((1, 2, 3, 9))
    x, y = cloud(draw, n, d), cloud(draw, m, d)
    weights = [np.full(k, 1 / k) if u_statistic else draw.weights(k) for k in (n, m)]
    a = draw.number(0.125 if smooth else 0, 2)
    return {"x": x, "y": y, "x_weights": weights[0], "y_weights": weights[1], "a": a}


def _smooth_clouds(draw: Draw) -> Arguments:
    return two_clouds(draw, smooth=True)


def _gaussian(draw: Draw) -> Arguments:
    n, d = draw.integer(1, 4), draw.integer(1, 3)
    root = draw.array((d, d), -1, 1)
    return {"x": cloud(draw, n, d), "mean": draw.array((d,), -2, 2), "cov": root @ root.T + np.eye(d) / 8,
            "a": draw.number(0, 2)}


def _adam(draw: Draw) -> Arguments:
    p, steps = draw.integer(1, 4), draw.integer(1, 6)
    return {"start": draw.array((p,), -2, 2), "gradients": draw.array((steps, p), -2, 2),
            "learning_rates": draw.array((steps,), 0.125, 1), "beta1": draw.number(0, 0.9375, 16),
            "beta2": draw.number(0.25, 0.9375, 16), "epsilon": draw.choice((1e-8, 0.125, 1.0))}


def _compress(draw: Draw) -> Arguments:
    """Forty points, from a generator of which hypothesis chooses the seed: drawn one by one, they would coincide."""
    d = draw.integer(1, 3)
    points = np.random.default_rng(draw.integer(0, 10**6)).normal(size=(40, d))
    return {"points": points, "k": draw.integer(2, 6), "a": draw.choice((0.0, 0.125)), "seed": draw.integer(0, 1000)}


def _gaussian_kl(draw: Draw) -> Arguments:
    shape = draw.integer(1, 4), draw.integer(1, 4)
    return {"mean": draw.array(shape, -3, 3), "log_variance": draw.array(shape, -3, 3)}


def layer_shapes(sizes: list[int]) -> list[tuple[int, int]]:
    """The shapes of the weights, encoder first; its last layer has means and log-variances side by side."""
    middle = len(sizes) // 2
    encoder, decoder = [*sizes[:middle], 2 * sizes[middle]], sizes[middle:]
    return [*pairwise(encoder), *pairwise(decoder)]


def autoencoder(draw: Draw) -> Arguments:
    """A dense autoencoder of one or two hidden layers a side, and a batch with its noise."""
    pixels, latent, hidden, n = (draw.integer(1, 4) for _ in range(4))
    sizes = draw.choice(([pixels, hidden, latent, hidden, pixels], [pixels, latent, pixels],
                         [pixels, hidden, 3, latent, 2, hidden, pixels]))
    size = sum((p + 1) * q for p, q in layer_shapes(sizes))
    seed = draw.integer(0, 10**6)  # drawn one by one, hundreds of parameters would be slow
    parameters = np.random.default_rng(seed).normal(scale=0.6, size=size)  # so that no unit is at its kink
    return {"sizes": sizes, "parameters": parameters, "x": draw.array((n, pixels), 0, 1),
            "noise": draw.array((n, latent), -2, 2)}


def _f(draw: Draw) -> Arguments:
    return {"name": draw.choice(DIVERGENCES), "u": draw.array((draw.integer(1, 5),), 1, 64, 1) / draw.choice((8, 64))}


def _conjugate(draw: Draw) -> Arguments:
    return {"name": draw.choice(DIVERGENCES), "t": draw.array((draw.integer(1, 5),), -4, 4)}


def distribution(draw: Draw, n: int, zeros: bool = True) -> np.ndarray:
    """Probabilities of n atoms, multiples of 1/64."""
    return draw.weights(n, zeros=zeros)


def pair(draw: Draw) -> Arguments:
    """Two distributions on the same 2 to 6 atoms, some of them empty."""
    n = draw.integer(2, 6)
    return {"p": distribution(draw, n), "q": distribution(draw, n)}


def _divergence(draw: Draw) -> Arguments:
    return {"name": draw.choice(DIVERGENCES), **pair(draw)}


def _pr_curve(draw: Draw) -> Arguments:
    lambdas = np.unique(draw.array((draw.integer(1, 5),), 0.125, 6))
    return {**pair(draw), "lambdas": lambdas}


def _neighbours(draw: Draw) -> Arguments:
    """Whole coordinates, so that distances tie."""
    n, m, d = draw.integer(3, 8), draw.integer(3, 8), draw.integer(1, 3)
    return {"real": draw.array((n, d), -4, 4, 1), "generated": draw.array((m, d), -4, 4, 1),
            "k": draw.integer(1, min(n, m) - 1)}


def _obrs(draw: Draw) -> Arguments:
    n = draw.integer(2, 6)
    p, q = distribution(draw, n), distribution(draw, n, zeros=False)
    return {"ratio": p / q, "budget": draw.number(1, 5), "weights": q}


def _drs(draw: Draw) -> Arguments:
    ratio = draw.array((draw.integer(1, 6),), 0, 4)
    return {"ratio": ratio, "gamma": draw.number(-4, 4), "supremum": max(float(ratio.max()), 0.125) + draw.number(0, 2)}


def _classes(draw: Draw) -> Arguments:
    """Eight to sixteen classes, each of probability 1/64 to 1/5."""
    n = draw.integer(8, 16)
    parts = draw.array((n,), 1, 5, 1)
    p = parts / parts.sum()
    return {"p": p if p.max() <= 0.2 else np.full(n, 1 / n)}


def _renyi(draw: Draw) -> Arguments:
    p = distribution(draw, draw.integer(1, 6), zeros=False)
    return {"p": p, "alpha": draw.choice((1.0, 2.0, 0.0, 0.5, 3.0, float("inf")))}


def with_order(draw: Draw, arguments: Arguments, *names: str) -> Arguments:
    """Arguments, and a new order of the rows of each of these: `order`, and `other_order` for the second."""
    orders = [draw.permutation(arguments[name].shape[0]) for name in names]
    return {**arguments, **dict(zip(("order", "other_order"), orders, strict=False))}


def merged(p: np.ndarray) -> np.ndarray:
    """The distribution after its first two atoms are put together."""
    return np.concatenate([[p[0] + p[1]], p[2:]])


def masses(rng: np.random.Generator, n: int, zeros: bool = False) -> np.ndarray:
    """n weights of size 1/n, multiples of 2^-20 with the sum 1; if asked for, one in five is 0, but not the first."""
    whole = 2**20
    parts = rng.integers(whole // (2 * n), whole // n + 1, n)
    if zeros:
        parts[1:][rng.random(n - 1) < 0.2] = 0
    some = np.flatnonzero(parts)
    share, rest = divmod(whole - int(parts.sum()), len(some))
    parts[some] += share
    parts[0] += rest
    return parts / whole


ARGUMENTS: dict[str, Callable[[Draw], Arguments]] = {
    "kernel": _kernel, "squared_distance": two_clouds, "squared_distance_gradient": _smooth_clouds,
    "expected_kernel": _gaussian, "adam": _adam, "compress": _compress, "gaussian_kl": _gaussian_kl,
    "elbo": autoencoder, "elbo_gradient": autoencoder, "f": _f, "conjugate": _conjugate, "divergence": _divergence,
    "pr_curve": _pr_curve, "neighbour_metrics": _neighbours, "obrs": _obrs, "drs": _drs,
    "isoperimetric_bound": _classes, "gamma_bound": _classes, "kappa_bound": _classes, "renyi_entropy": _renyi,
}

if set(ARGUMENTS) != set(CAPABILITIES):
    raise RuntimeError("every capability needs inputs")
