r"""Sums over the points of a cloud that fits on no machine: one task for each chunk, and a tree that adds.

With chunks :math:`C_1, \ldots, C_N` of the cloud, the potential at a few points is a sum of potentials,

.. math:: U(x_i) = \sum_{c=1}^N \sum_{j \in C_c} w_j h(x_i - y_j),

and so is its gradient. The k points x, some kilobytes, go to the workers; each chunk gives k sums and k d more, in
double precision; :func:`divergen.chunks.in_a_tree` adds them up in an order that does not depend on who is ready first.
The sum over all pairs *within* the cloud is another matter, O(n^2): it is done up to a size, and refused beyond it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..arrays import Array, namespace
from ..chunks import (
    add_up,
    against_each,
    as_chunked,
    as_chunked_weights,
    chunk_of_cloud,
    compute,
    in_a_tree,
    on_each,
    pieces,
    shared,
    taken,
)
from .kernels import Kernel, check_kernel
from .pairs import pair_sums

__all__ = [
    "ALL_PAIRS", "as_chunked_cloud", "chunked_draws", "chunked_integral", "chunked_masses", "chunked_pair_energy",
    "chunked_pair_sums",
]

ALL_PAIRS = 100_000  # points of a cloud whose pairs are all summed unasked: a third of a minute on one core
NAMES = ("points", "weights")  # what chunks are called in messages: there is one chunked cloud in a call


def as_chunked_cloud(
    points: Array, weights: Any = None, names: tuple[str, str] = NAMES, *, dim: int | None = None
) -> tuple[Array, Array | None]:
    """Return the points and weights of a chunked cloud in a layout that can be worked on; None means 1/n each.

    Raises
    ------
    ValueError
        As :func:`divergen.chunks.as_chunked`.
    """
    points = as_chunked(points, names[0], dim=dim)
    return points, as_chunked_weights(weights, points, names[1])


def chunked_pair_sums(
    x: Array, y: Array, weights: Array | None, kernel: Kernel, gradient: bool, workers: int
) -> tuple[np.ndarray, np.ndarray | None]:
    r"""Return :math:`\sum_j w_j h(x_i - y_j)` for all i, and its gradient, in double precision.

    Parameters
    ----------
    x : numpy.ndarray, shape (k, d)
        In the dtype in which pairs are to be computed.
    y : dask array, shape (n, d)
    weights : dask array, shape (n,), or None
    kernel : Kernel
    gradient : bool
    workers : int
        Threads in each task.

    Returns
    -------
    value : numpy.ndarray, shape (k,)
    gradient : numpy.ndarray, shape (k, d), or None

    Raises
    ------
    ValueError
        On chunks that do not hold what was announced, and on x of another library than NumPy.
    """
    check_kernel(kernel)
    if namespace(x) is not np:
        raise ValueError(f"x: expected a NumPy array beside chunks of NumPy arrays, got one of {namespace(x).__name__}")
    parts = on_each(_potential, y, weights, shared(x), kernel, gradient, workers, y.shape)
    return compute(in_a_tree(parts, add_up))


def _potential(
    block: Any, weights: Any, where: tuple, x: np.ndarray, kernel: Kernel, gradient: bool, workers: int, shape: tuple
) -> tuple[np.ndarray, np.ndarray | None]:
    y, w = chunk_of_cloud(block, weights, where, shape, NAMES)
    return pair_sums(x, y.astype(x.dtype, copy=False), w.astype(x.dtype, copy=False), kernel, gradient, workers)


def chunked_integral(
    points: Array, weights: Array | None, measure: Any, kernel: Kernel, workers: int
) -> float:
    r"""Return :math:`\sum_j w_j U(y_j)`, with the potential of a measure that can be sent to the workers.

    Parameters
    ----------
    points, weights : dask arrays, shapes (n, d) and (n,)
        The weights may be None.
    measure : Measure
        In the memory of this process, with a known potential U.
    kernel : Kernel
    workers : int
        Threads in each task.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As :func:`chunked_pair_sums`, and what the potential raises.
    """
    parts = on_each(_integral, points, weights, shared(measure), kernel, workers, points.shape)
    return float(compute(in_a_tree(parts, add_up)))


def _integral(
    block: Any, weights: Any, where: tuple, measure: Any, kernel: Kernel, workers: int, shape: tuple
) -> np.float64:
    y, w = chunk_of_cloud(block, weights, where, shape, NAMES)
    return np.sum(w * measure.potential(y, kernel, workers=workers), dtype=np.float64)


def chunked_pair_energy(
    x: tuple[Array, Array | None], y: tuple[Array, Array | None] | None, kernel: Kernel, workers: int,
    limit: int = ALL_PAIRS,
) -> float:
    r"""Return :math:`\sum_{i,j} u_i w_j h(x_i - y_j)` for two chunked clouds, or for one with itself (y = None).

    Parameters
    ----------
    x, y : (points, weights)
    kernel : Kernel
    workers : int
        Threads in each task.
    limit : int
        The most points, in the geometric mean of the two clouds, for which this is done.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Beyond the limit, with what it would take; and as :func:`chunked_pair_sums`.
    """
    check_kernel(kernel)
    n, m = x[0].shape[0], (x if y is None else y)[0].shape[0]
    if n * m > limit**2:
        raise ValueError(
            f"points: expected at most {limit} points in chunks where all their pairs are summed, got {n * m:.3g} pairs"
            "; take Diracs(measure.sample(10000, rng)) for an estimate, or call measure.self_energy(kernel, limit=n), "
            "whose result is kept, and wait"
        )
    mine = [(*piece, x[0].shape, NAMES) for piece in pieces(*x)]
    theirs = mine if y is None else [(*piece, y[0].shape, NAMES) for piece in pieces(*y)]
    step = functools.partial(_add_pairs, kernel=kernel, workers=workers, symmetric=y is None)
    states = against_each(step, mine, theirs, upper=y is None)
    return float(compute(in_a_tree(states, add_up)))


def _add_pairs(
    total: np.float64 | None, mine: tuple, theirs: tuple, *, kernel: Kernel, workers: int, symmetric: bool
) -> np.float64:
    """Add the sum over all pairs of two chunks: in a symmetric sum twice, but once for a chunk with itself."""
    x, u = chunk_of_cloud(*mine)
    same = symmetric and mine[2] == theirs[2]
    if same:
        sums, _ = pair_sums(x, None, u, kernel, False, workers, folded=True)
    else:
        sums, _ = pair_sums(x, *chunk_of_cloud(*theirs), kernel, False, workers)
    added = np.sum(u * sums, dtype=np.float64) * (2 if symmetric and not same else 1)
    return added if total is None else total + added


def chunked_masses(points: Array, weights: Array | None) -> tuple[np.ndarray, float]:
    """Return the sum of the weights of each chunk, shape (chunks,), and the smallest weight of all; None is 1/n each.

    Raises
    ------
    ValueError
        On weights that are not finite, or not as many in a chunk as announced.
    """
    if weights is None:
        n = points.shape[0]
        return np.asarray(points.chunks[0]) / n, 1.0 / n
    found = compute(on_each(_mass, weights[:, None], None, weights.shape))
    totals = np.zeros(len(weights.chunks[0]))
    for number, total, _ in found:
        totals[number] = total
    return totals, min(smallest for _, _, smallest in found)


def _mass(block: Any, _: None, where: tuple, shape: tuple) -> tuple[int, float, float]:
    weights = chunk_of_cloud(block, None, where, (shape[0], 1), ("weights", "weights"))[0]
    return where[0], float(np.sum(weights, dtype=np.float64)), float(weights.min())


def chunked_draws(
    points: Array, weights: Array | None, totals: np.ndarray | None, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw n points by their weights, which are positive; only these rows are fetched.

    They are the same rows as a generator in this state draws from the same cloud in memory.

    Parameters
    ----------
    points, weights : dask arrays
    totals : numpy.ndarray, shape (chunks,)
        The sums of the weights, chunk by chunk; None where there are no weights.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray, shape (n, dim)
    """
    place = rng.random(n)
    reached = np.cumsum(points.chunks[0] if totals is None else totals)
    before = np.concatenate([[0], reached[:-1]])
    if totals is None:
        place = np.minimum((place * points.shape[0]).astype(np.int64), points.shape[0] - 1)
    else:
        place = place * reached[-1]
    chunk = np.minimum(np.searchsorted(reached, place, side="right"), np.flatnonzero(np.diff(reached, prepend=0))[-1])
    order = np.argsort(chunk, kind="stable")
    chosen = [place[chunk == c] - before[c] if np.any(chunk == c) else None for c in range(len(reached))]
    drawn = np.concatenate(taken(points, weights, chosen, NAMES))
    return drawn[np.argsort(order)]
