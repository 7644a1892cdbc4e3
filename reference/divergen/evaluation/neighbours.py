r"""Precision, recall, density and coverage from k nearest neighbours, in blocks: no matrix of all distances.

The support of a cloud :math:`X = \{x_1, \ldots, x_n\}` is taken to be the union of balls around its points, each
reaching as far as the point's k-th nearest neighbour in the cloud, :math:`r_k(x)`. With real points X and generated
points Y,

.. math::

    \text{precision} &= \frac1m \sum_j \max_i \mathbf{1}[y_j \in B_k(x_i)], &
    \text{recall} &= \frac1n \sum_i \max_j \mathbf{1}[x_i \in B_k(y_j)], \\
    \text{density} &= \frac1{km} \sum_j \sum_i \mathbf{1}[y_j \in B_k(x_i)], &
    \text{coverage} &= \frac1n \sum_i \max_j \mathbf{1}[y_j \in B_k(x_i)],

where :math:`B_k(x)` is the closed ball (``ties="inclusive"``, as published) or the open one (``ties="strict"``).

Both are decided exactly (:mod:`~divergen.evaluation.nearest`), one strip of pairs after the other. Where an outlier
stands so far away that no floating-point scale holds its square and those of the others, the clouds are refused. The
real points may be a Dask array, which fits on no machine: each of its chunks then meets every other one.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, as_points, check_count, check_same_dimension, is_chunked, like, namespace
from ..chunks import (
    add_up,
    against_each,
    as_chunked,
    chunk_of_cloud,
    compute,
    in_a_tree,
    on_each,
    pieces,
    shared,
    task,
)
from ..threads import check_workers
from .nearest import count_inside, handed_back, nearest_squared, squared_radii

__all__ = ["NeighbourMetrics", "neighbour_metrics"]

# Numbers that are 0 or at least the first differ by 2^-53 of it or not at all, and no square of that vanishes; where
# all squared radii are at least the second, it does not matter if one does.
SMALLEST, SMALLEST_RADIUS = 2.0**-420, 2.0**-900


class NeighbourMetrics(NamedTuple):
    """The four metrics, and what they are means of. For several k every entry has a leading axis, one entry each.

    Attributes
    ----------
    precision, recall, density, coverage : float, or array of shape (len(k),)
        Density is at least 0, and may exceed 1; the others lie in [0, 1].
    balls : array of int, shape (m,)
        In how many balls of real points each generated point lies: density times k.
    generated_inside : array of bool, shape (m,)
        Which generated points lie in a ball of a real point; precision is the mean.
    real_inside : array of bool, shape (n,)
        Which real points lie in a ball of a generated point; recall is the mean.
    real_covered : array of bool, shape (n,)
        Which real points have a generated point in their ball; coverage is the mean.
    """

    precision: float | Array
    recall: float | Array
    density: float | Array
    coverage: float | Array
    balls: Array
    generated_inside: Array
    real_inside: Array
    real_covered: Array


def neighbour_metrics(
    real: Array, generated: Array, k: int | Sequence[int] = 5, *, ties: str = "inclusive", workers: int = 1
) -> NeighbourMetrics:
    r"""Return precision, recall, density and coverage of generated points with respect to real ones.

    Parameters
    ----------
    real : array or dask array, shape (n, d)
        :math:`X`. A point is not its own neighbour, but another point at the same place is. In chunks the result is
        the same.
    generated : array, shape (m, d)
        :math:`Y`.
    k : int or sequence of int
        Which neighbour sets the radius, 1 <= k < min(n, m). Several are answered in one pass.
    ties : {"inclusive", "strict"}
        Whether a point at exactly the distance of the k-th neighbour is in the ball.
    workers : int
        Threads, -1 for one on each core; the result is the same for any number.

    Returns
    -------
    NeighbourMetrics

    Raises
    ------
    ValueError
        On points that are not finite numbers of these shapes, a k out of its range, another word for `ties`, and on
        balls (also of radius 0) that cannot be told from smaller ones, because squares on their scale vanish beside the
        largest coordinate: that takes coordinates some 126 orders of magnitude apart.

    References
    ----------
    Verine2024, Definition 2.1, whose supports are estimated as in Kynkäänniemi et al. (2019); density and coverage are
    those of Naeem et al. (2020).

    Examples
    --------
    Real points at 0, 1, 2, 3; one of the generated points is far away, and none is near 0 and 1:

    >>> import numpy as np
    >>> real, generated = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([[2.5], [3.5], [9.0]])
    >>> found = neighbour_metrics(real, generated, k=1)
    >>> print(f"{found.precision:.2f} {found.recall:.2f} {found.density:.2f} {found.coverage:.2f}")
    0.67 0.50 1.00 0.50
    >>> [int(n) for n in found.balls]
    [2, 1, 0]
    """
    chunked = is_chunked(real)
    real = as_chunked(real, "real") if chunked else as_points(real, "real")
    generated = as_points(generated, "generated")
    check_same_dimension(real, generated, "real", "generated")
    if ties not in ("inclusive", "strict"):
        raise ValueError(f'ties: expected "inclusive" or "strict", got {ties!r}')
    n, m = real.shape[0], generated.shape[0]
    several = isinstance(k, (Sequence, np.ndarray))
    wanted = _check_neighbours(k, n, m)
    workers = check_workers(workers, generated)
    count = _count_in_chunks if chunked else _count
    balls, real_inside, real_covered = count(real, generated, wanted, ties == "strict", workers)
    generated_inside = balls > 0
    means = (
        generated_inside.mean(axis=1), real_inside.mean(axis=1), balls.mean(axis=1) / wanted, real_covered.mean(axis=1)
    )
    per_point = (balls, generated_inside, real_inside, real_covered)
    if several:
        double = namespace(generated).astype(generated[:1, :], namespace(generated).float64)
        return NeighbourMetrics(*(like(v, double) for v in means), *(handed_back(v, double) for v in per_point))
    return NeighbourMetrics(*(float(v[0]) for v in means), *(handed_back(v[0], generated) for v in per_point))


def _check_neighbours(k: int | Sequence[int] | np.ndarray, n: int, m: int) -> np.ndarray:
    """Return the numbers of neighbours as an array, or raise ValueError."""
    several = list(k) if isinstance(k, (Sequence, np.ndarray)) else [k]
    if not several:
        raise ValueError("k: expected at least one number of neighbours, got none")
    for one in several:
        if check_count(one, "k") >= min(n, m):
            raise ValueError(
                f"k: expected fewer neighbours than points, of which there are {n} real and {m} generated, got {one}"
            )
    return np.asarray([int(one) for one in several])


def _scale(largest: float) -> float:
    """Return a power of two, which rounds nothing, that brings numbers where their squares neither overflow nor vanish.
    """
    if largest == 0 or 1e-6 < largest < 1e9:
        return 1.0
    return 2.0 ** -max(min(math.frexp(largest)[1], 1000), -1000)


def _extent(x: Array) -> tuple[float, float]:
    """Return the largest size of a number, and the smallest that is not 0 (or infinity)."""
    xp = namespace(x)
    size = xp.abs(x)
    return float(xp.max(size)), float(xp.min(xp.where(size > 0, size, xp.full_like(size, math.inf))))


def _joint(extents: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return max(largest for largest, _ in extents), min(smallest for _, smallest in extents)


def _check_range(radii: np.ndarray, extent: tuple[float, float], scale: float) -> None:
    """Raise ValueError if squares of differences may have vanished where these squared radii ask for them."""
    largest, smallest = extent
    if smallest * scale < SMALLEST and np.any(radii < SMALLEST_RADIUS):
        raise ValueError(
            f"real, generated: expected coordinates of 0 or of size {SMALLEST / scale:.3g} and more beside the largest "
            f"one, {largest:.3g}, where points have neighbours that are so near, got one of size {smallest:.3g}; "
            "leave outliers out"
        )


def _count(
    real: Array, generated: Array, wanted: np.ndarray, strict: bool, workers: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, in a row for each k, as :func:`~divergen.evaluation.nearest.count_inside`, what lies in which balls."""
    xp = namespace(real, generated)
    x, y = xp.astype(real, xp.float64), xp.astype(generated, xp.float64)
    extent = _joint([_extent(x), _extent(y)])
    scale = _scale(extent[0])
    if scale != 1:
        x, y = x * scale, y * scale
    x_radii, y_radii = (squared_radii(points, wanted, workers) for points in (x, y))  # (n, K), (m, K)
    _check_range(np.concatenate([x_radii, y_radii]), extent, scale)
    return count_inside(x, y, x_radii, y_radii, strict, workers)


def _count_in_chunks(
    real: Array, generated: Array, wanted: np.ndarray, strict: bool, workers: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Do the same with real points in chunks: a worker holds two of them, and the generated points."""
    if namespace(generated) is not np:
        raise ValueError("generated: expected a NumPy array beside chunks of NumPy arrays, got one of "
                         f"{namespace(generated).__name__}")
    y = generated.astype(np.float64)
    extent = _joint([compute(in_a_tree(on_each(_extent_of_chunk, real, None, real.shape), _joint)), _extent(y)])
    scale = _scale(extent[0])
    y = y * scale
    y_radii = squared_radii(y, wanted, workers)
    _check_range(y_radii, extent, scale)
    options: dict[str, Any] = {"shape": real.shape, "scale": scale, "workers": workers}
    chunks = list(pieces(real))
    nearest = against_each(functools.partial(_nearer, depth=int(wanted.max()) + 1, **options), chunks, chunks)
    count = functools.partial(_count_in_chunk, wanted=wanted, strict=strict, extent=extent, **options)
    sent, sent_radii = shared(y), shared(y_radii)
    counts = [task(count, *one) for one in zip(chunks, nearest, [sent] * len(chunks), [sent_radii] * len(chunks),
                                               strict=True)]
    balls = in_a_tree([task(operator.itemgetter(0), one) for one in counts], add_up)
    balls, flags = compute([balls, [task(operator.itemgetter(1), one) for one in counts]])
    real_inside, real_covered = np.concatenate(flags, axis=2)
    return balls, real_inside, real_covered


def _chunk(piece: tuple, shape: tuple, scale: float = 1.0) -> np.ndarray:
    """Return the points of one chunk in double precision, where they are."""
    block, weights, where = piece
    points, _ = chunk_of_cloud(block, weights, where, shape, ("real", ""), squared=False)
    points = points.astype(np.float64, copy=False)
    return points if scale == 1 else points * scale


def _extent_of_chunk(block: Any, weights: None, where: tuple, shape: tuple) -> tuple[float, float]:
    return _extent(_chunk((block, weights, where), shape))


def _nearer(
    state: np.ndarray | None, mine: tuple, theirs: tuple, *, shape: tuple, scale: float, workers: int, depth: int
) -> np.ndarray:
    """Return the least squared distances of each of my points to those of all chunks so far, shape (rows, depth)."""
    found = nearest_squared(_chunk(mine, shape, scale), _chunk(theirs, shape, scale), depth, workers)
    return found if state is None else np.sort(np.concatenate([state, found], axis=1), axis=1)[:, :depth]


def _count_in_chunk(
    piece: tuple, nearest: np.ndarray, y: np.ndarray, y_radii: np.ndarray, *, shape: tuple, scale: float, workers: int,
    wanted: np.ndarray, strict: bool, extent: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the balls of this chunk that hold each y, and two flags of each of its points, shape (2, K, rows)."""
    x, x_radii = _chunk(piece, shape, scale), nearest[:, wanted]
    _check_range(x_radii, extent, scale)
    balls, inside, covered = count_inside(x, y, x_radii, y_radii, strict, workers)
    return balls, np.stack([inside, covered])
