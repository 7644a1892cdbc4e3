"""Where the minimisation begins: draws of the target, evenly spread points, or the answer to a coarser question."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from ..arrays import Array, as_points, like, namespace, to_numpy
from ..distance.algebra import Combination, Diracs, Gaussian, Measure, Sampled, _part
from ..distance.kernels import Kernel
from .cells import cell_means, coarse
from .minimise import lbfgs

__all__ = ["check_start", "initial", "spread"]

CELLS = 32  # of the coarse picture, for each point to be found
FEWEST_CELLS = 1024
DRAWS = 50  # in each cell, of a target in chunks
COARSE_ITERATIONS, COARSE_TOLERANCE = 200, 1e-7


def check_start(start: Any, k: int, target: Measure) -> Any:
    """Return `start`, an array as k points; raise ValueError if it is no way to begin."""
    if start is None:
        return None
    if not isinstance(start, str):
        points = as_points(start, "start", dim=target.dim, squared=True)
        if points.shape[0] != k:
            raise ValueError(f"start: expected k = {k} points, got {points.shape[0]}")
        return points
    if start not in ("sample", "sobol", "coarse"):
        raise ValueError(f'start: expected "sample", "sobol", "coarse" or points, got {start!r}')
    if start == "coarse" and any(isinstance(measure, Sampled) for _, measure in target._terms):
        raise ValueError('start: expected "sample" or points for a target that can only be drawn from, got "coarse"')
    normal = any(isinstance(measure, Gaussian) for _, measure in target._terms)
    if start != "sample" and normal and target.dim > qmc.Sobol.MAXDIM:
        raise ValueError(f'start: expected "sample" or points in more than {qmc.Sobol.MAXDIM} dimensions, as many as '
                         f'Sobol points have, got "{start}" in {target.dim}')
    return start


def initial(
    start: Any, source: Combination, k: int, rng: np.random.Generator, signed: Measure, kernel: Kernel
) -> Array:
    """Return the k points to start from, no two of them in one place.

    Two points in one place feel the same pull and no push from each other: they would never part.
    """
    if start is None or (isinstance(start, str) and start == "sample"):
        points = _sample(source, k, rng)
    elif isinstance(start, str):
        points = _even(source, k, rng)
        if start == "coarse":
            points = _coarse_answer(_apart(points, source, rng), source, rng, signed, kernel)
    else:
        points = start
    return _apart(points, source, rng)


def repeats(start: Any, source: Combination) -> bool:
    """Tell whether a start is the same each time: given points are, and the cells of Diracs."""
    if start is None or isinstance(start, str):
        return start == "sobol" and not any(isinstance(measure, Gaussian) for _, measure in source.terms)
    return True


def _sample(source: Combination, k: int, rng: np.random.Generator) -> Array:
    """Draw k points: of equal Diracs, each at most once if there are enough of them."""
    (_, measure), *more = source.terms
    if not more and isinstance(measure, Diracs) and not measure.chunked and k <= measure.points.shape[0]:
        weights = to_numpy(measure.weights)
        if weights.min() == weights.max():
            chosen = rng.choice(weights.shape[0], size=k, replace=False)
            xp = namespace(measure.points)
            return xp.take(measure.points, xp.asarray(chosen, device=measure.points.device), axis=0)
    return source.sample(k, rng)


def _even(source: Combination, k: int, rng: np.random.Generator) -> Array:
    """Return k points that are spread evenly over a positive measure, each term with its share of them."""
    masses = np.cumsum([weight * measure.mass for weight, measure in source.terms])
    places = (np.arange(k) + rng.random()) / k * masses[-1]
    counts = np.bincount(np.searchsorted(masses[:-1], places, side="right"), minlength=masses.size)
    parts = []
    for (_, measure), count in zip(source.terms, counts.tolist(), strict=True):
        if count == 0:
            continue
        if isinstance(measure, Gaussian):
            parts.append(_sobol(measure, count, rng))
        elif isinstance(measure, Diracs):
            measure = _here(measure, count, rng)
            means = like(cell_means(measure, count)[0], measure.points)
            parts.append(means)
            if means.shape[0] < count:  # single points are heavier than 1/k: the rest is drawn
                parts.append(measure.sample(count - means.shape[0], rng))
        else:
            parts.append(measure.sample(count, rng))
    return namespace(*parts).concat(parts)


def _sobol(measure: Gaussian, k: int, rng: np.random.Generator) -> Array:
    """Return the first k of a scrambled Sobol sequence, which the inverse normal carries from the cube to N(m, S)."""
    xp = namespace(measure.mean)
    sequence = qmc.Sobol(measure.dim, scramble=True, rng=rng)
    # The middles of the small cubes whose corners the sequence gives: 0 has no inverse.
    uniform = sequence.random_base2(math.ceil(math.log2(k)))[:k] + 0.5 ** (sequence.bits + 1)
    z = like(ndtri(uniform), measure.mean) * xp.sqrt(measure._variances)  # (k, dim)
    if measure._axes is not None:
        z = z @ xp.permute_dims(measure._axes, (1, 0))
    return z + measure.mean


def _coarse_answer(start: Array, source: Combination, rng: np.random.Generator, signed: Measure,
                   kernel: Kernel) -> Array:
    """Compress the means of some cells in the place of all points: few sums, and nearly the same answer."""
    count = max(CELLS * start.shape[0], FEWEST_CELLS)
    terms: list[tuple[float, Measure]] = []
    for sign in (1.0, -1.0):
        part = _part(signed._terms, sign)
        for weight, measure in () if part is None else part.terms:
            if isinstance(measure, Diracs) and measure.points.shape[0] > count:
                measure = coarse(_here(measure, count, rng), count)
            terms.append((sign * weight, measure))
    scale = spread(source, rng) or 1.0
    return lbfgs(start, Combination(tuple(terms)), kernel, COARSE_ITERATIONS, scale, COARSE_TOLERANCE, None).points


def _here(measure: Diracs, count: int, rng: np.random.Generator) -> Diracs:
    """Return a positive measure of the same mass in the memory of this process: of chunks, draws for `count` cells."""
    if not measure.chunked:
        return measure
    draws = measure.sample(DRAWS * count, rng)
    return Diracs(draws, np.full(draws.shape[0], measure.mass / draws.shape[0], dtype=draws.dtype))


def _apart(start: Array, source: Combination, rng: np.random.Generator) -> Array:
    """Move points that share a place apart, by a millionth of the spread of the source."""
    host = to_numpy(start)
    _, first = np.unique(host, axis=0, return_index=True)
    again = np.setdiff1d(np.arange(host.shape[0]), first)
    if again.size == 0:
        return start
    host = host.copy()
    host[again] += 1e-6 * spread(source, rng) * rng.standard_normal((again.size, host.shape[1]))
    return like(host, start)


def spread(source: Combination, rng: np.random.Generator) -> float:
    """Return the standard deviation of a coordinate, by a thousand draws; 0 if they all are in one place."""
    draws = to_numpy(source.sample(1000, rng)).astype(np.float64)
    return float(np.sqrt(np.mean((draws - draws[0]).var(axis=0))))  # of equal draws, 0 to the last bit
