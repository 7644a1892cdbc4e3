r"""The energy distance of a million points: project them on random lines, where sorting is enough, and average.

For a direction :math:`\xi` uniform on the unit sphere of :math:`R^d`, :math:`E|\xi \cdot x|` is proportional to
:math:`\|x\|`. So, for :math:`h(x) = \|x\|` (a = 0),

.. math:: d(\mu, \nu)^2 = c_d\, E\, d_1(\xi \cdot \mu,\, \xi \cdot \nu)^2, \qquad
    c_d = \sqrt\pi\, \frac{\Gamma(\frac{d+1}2)}{\Gamma(\frac d2)},

with the distance :math:`d_1` on the line of :mod:`divergen.distance.line`: O((n + m) log(n + m)) for each direction,
and an average over directions that is unbiased, for the value and for the gradient.

**Which directions.** A fixed set of them, turned at random: each direction by itself is then uniform, which is all that
the mean needs, and within the set errors cancel. In the plane the set is lines at equal angles; in three dimensions and
more, the axes of an orthonormal frame. Opposite directions are the same line, and never both in a set. Several sets,
turned independently, are the *groups* from whose means the standard error is computed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..arrays import (
    Array,
    as_points,
    check_count,
    check_rng,
    check_same_dimension,
    like,
    namespace,
    pairs_per_block,
    to_numpy,
)
from ..threads import check_workers, map_in_order
from .algebra import Diracs, Measure
from .line import signed_line, signed_weights

__all__ = ["Sliced", "slice_constant", "sliced_squared_distance"]

DIRECTIONS = 128  # full frames up to d = 32
GROUPS = 4  # no fewer than this, as long as there are as many directions; few, because full frames are worth more
GROUPS_IN_PLANE = 8  # the error of equal angles is nearly a cosine of the turn, of which 4 are too few to judge
BLOCK = 4  # directions at a time, for each thread: 64 MB of projections for a million points and a million others


class Sliced(NamedTuple):
    r"""An estimate of a squared distance from random directions.

    Attributes
    ----------
    squared_distance : float
        The mean over the groups: an unbiased estimate of :math:`d^2`, never negative.
    standard_error : float
        The standard deviation of the groups' means over the square root of their number. If the means are normal,
        ``scipy.stats.t.interval(0.95, groups - 1, squared_distance, standard_error)`` covers :math:`d^2` with
        probability 0.95: Student's t, with ``groups - 1`` degrees of freedom. It is the error of the slices for these
        points; what the points themselves miss as a sample is not in it. On a line, 0: nothing is estimated.
    directions : int
        How many were used: the number asked for, without what is left over when it is divided into groups.
    groups : int
        Into how many independent groups they fall.
    gradient : array of shape (n, d), or None
        An unbiased estimate of the gradient with respect to x.
    """

    squared_distance: float
    standard_error: float
    directions: int
    groups: int
    gradient: Array | None = None


def slice_constant(dim: int) -> float:
    r"""Return :math:`c_d = \sqrt\pi\,\Gamma(\frac{d+1}2) / \Gamma(\frac d2)`: :math:`\|x\| = c_d\,E|\xi \cdot x|`.

    Parameters
    ----------
    dim : int
        d, at least 1.

    Returns
    -------
    float
        By :math:`c_1 = 1`, :math:`c_2 = \pi/2` and :math:`c_{d+2} = c_d\,(d+1)/d`, in which nothing overflows.

    Raises
    ------
    ValueError
        If d is not a whole number of at least 1.

    Examples
    --------
    >>> print(f"{slice_constant(1):.4f} {slice_constant(2):.4f} {slice_constant(3):.4f}")
    1.0000 1.5708 2.0000
    """
    dim = check_count(dim, "dim")
    return math.prod(((k + 1) / k for k in range(dim - 2, 0, -2)), start=1.0 if dim % 2 else math.pi / 2)


def sliced_squared_distance(
    x: Array, y: Array, x_weights: Array | None = None, y_weights: Array | None = None, *,
    rng: np.random.Generator, directions: int = DIRECTIONS, gradient: bool = False, workers: int = 1,
) -> Sliced:
    r"""Estimate :math:`d(\sum_i u_i \delta_{x_i}, \sum_j w_j \delta_{y_j})^2` for :math:`h = \|x\|` from random slices.

    Parameters
    ----------
    x : array, shape (n, d)
        First cloud.
    y : array, shape (m, d)
        Second cloud.
    x_weights, y_weights : array, shapes (n,) and (m,), optional
        u and w, of any sign, with equal sums; 1/n and 1/m each if not given.
    rng : numpy.random.Generator
        Where the directions come from.
    directions : int
        The most lines to use, at least 2: time grows with it, the error falls with its root (in the plane faster). They
        are divided into frames of d, or of fewer where that would leave less than 4 groups; in the plane into 8 groups.
        On a line the result is exact, from one.
    gradient : bool
        Whether to estimate the gradient too.
    workers : int
        Threads, -1 for one on each core; the result has the same bits for any number.

    Returns
    -------
    Sliced

    Raises
    ------
    ValueError
        On points or weights that are not finite numbers of these shapes, on sums of weights that differ, and on fewer
        than 2 directions, of which no standard error can be computed.

    Notes
    -----
    Points that coincide take the subgradient 0 from each other: projections that differ by no more than the rounding of
    a product of d terms count as one. The direction of x - y for points as close as that is lost in any case.

    References
    ----------
    Turinici2023, eq. (4), for the kernel of the energy distance; Hertrich2024 for slices of it.

    Examples
    --------
    Two points a distance 5 apart:

    >>> import numpy as np
    >>> x, y = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])
    >>> result = sliced_squared_distance(x, y, rng=np.random.default_rng(0))
    >>> print(f"{result.squared_distance:.2f}")
    5.00
    """
    x, y = as_points(x, "x", squared=True), as_points(y, "y", squared=True)
    check_same_dimension(x, y, "x", "y")
    s = signed_weights(x, y, x_weights, y_weights)
    directions, rng = check_count(directions, "directions", at_least=2), check_rng(rng)
    workers = check_workers(workers, x)
    xp = namespace(x)
    n, dim = x.shape
    sets = _direction_sets(dim, directions, rng)  # (groups, size, d)
    groups, size = sets.shape[:2]
    lines = like(sets.reshape(groups * size, dim), s)
    tie = _rounding(x, y) if gradient and dim > 1 else 0.0
    blocks = [lines[part, :] for part in _slices(groups * size, BLOCK)]

    def on_lines(block: Array) -> list[tuple[Array, Array | None]]:
        z = _project(x, y, block)  # (k, n + m)
        return [signed_line(z[k, :], s, n if gradient else 0, tie) for k in range(block.shape[0])]

    values: list[Array] = []
    total = xp.zeros((n, dim), dtype=xp.float64, device=x.device) if gradient else None
    for block, sums in zip(blocks, map_in_order(on_lines, blocks, workers), strict=True):
        values += [value for value, _ in sums]
        if total is not None:
            _add_gradients(total, block, [slopes for _, slopes in sums])
    constant = slice_constant(dim)
    means = constant * to_numpy(xp.stack(values)).reshape(groups, size).mean(axis=1)
    error = float(means.std(ddof=1)) / math.sqrt(groups) if groups > 1 else 0.0
    if total is not None:
        total *= (constant / (groups * size) * s[:n])[:, None]
        total = xp.astype(total, xp.result_type(x.dtype, y.dtype), copy=False)
    return Sliced(float(means.mean()), error, groups * size, groups, total)


def sliced_between(
    mu: Measure, nu: Measure, *, rng: np.random.Generator, directions: int = DIRECTIONS, gradient: bool = False,
    workers: int = 1,
) -> Sliced:
    """Return :func:`sliced_squared_distance` between combinations of Diracs; the gradient is that in mu's points."""
    (x, u), (y, w) = _as_cloud(mu, "mu"), _as_cloud(nu, "nu")
    return sliced_squared_distance(x, y, u, w, rng=rng, directions=directions, gradient=gradient, workers=workers)


def _as_cloud(measure: Measure, name: str) -> tuple[Array, Array]:
    """Return the points and the weights of a combination of Diracs, one term after the other."""
    points, weights = [], []
    for factor, term in measure._terms:
        if not isinstance(term, Diracs):
            raise ValueError(
                f'{name}: expected Diracs, or a combination of them, for method="sliced", got {type(term).__name__}; '
                "take Diracs(measure.sample(n, rng)), or another method"
            )
        if term.chunked:
            raise ValueError(
                f'{name}: expected points in the memory of this process for method="sliced", got a dask array; '
                "take Diracs(measure.sample(n, rng)), or another method"
            )
        points.append(term.points)
        weights.append(factor * term.weights)
    if len(points) == 1:  # not copied
        return points[0], weights[0]
    xp = namespace(*points)
    return xp.concat(points), xp.concat(weights)


def _direction_sets(dim: int, directions: int, rng: np.random.Generator) -> np.ndarray:
    """Return independent sets of unit vectors, shape (groups, size, d): each a fixed set, turned at random."""
    if dim == 1:
        return np.ones((1, 1, 1))
    size = max(directions // (GROUPS_IN_PLANE if dim == 2 else GROUPS), 1)
    if dim == 2:
        groups = directions // size
        angles = math.pi * (rng.random((groups, 1)) + np.arange(size) / size)
        return np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    size = min(size, dim)
    groups = directions // size
    # The lines along the columns of Q are uniform; their signs are not, but a line has none.
    frames, _ = np.linalg.qr(rng.standard_normal((groups, dim, size)))
    return np.swapaxes(frames, 1, 2)


def _project(x: Array, y: Array, directions: Array) -> Array:
    """Return the projections of all points, x first, on k directions, shape (k, n + m), in float64."""
    xp = namespace(x)
    n, dim = x.shape
    z = xp.empty((directions.shape[0], n + y.shape[0]), dtype=xp.float64, device=x.device)
    centre = xp.astype(y[0, :], xp.float64)  # of points far from the origin, products would keep few digits
    for cloud, first in ((x, 0), (y, n)):
        for rows in _slices(cloud.shape[0], pairs_per_block(x) // dim):
            part = xp.astype(cloud[rows, :], xp.float64) - centre  # (rows, d)
            z[:, first + rows.start : first + rows.stop] = directions @ xp.permute_dims(part, (1, 0))
    return z


def _rounding(x: Array, y: Array) -> Array:
    """Return by how much projections of one point may differ: (d + 1) eps times the diagonal of the clouds' box."""
    xp = namespace(x)
    low, high = (end(xp.stack([end(x, axis=0), end(y, axis=0)]), axis=0) for end in (xp.min, xp.max))
    sides = xp.astype(high, xp.float64) - xp.astype(low, xp.float64)
    return (x.shape[1] + 1) * float(xp.finfo(xp.float64).eps) * xp.sqrt(xp.sum(sides * sides))


def _add_gradients(total: Array, directions: Array, slopes: list[Array]) -> None:
    """Add to total, shape (n, d), the slopes on k lines, each (n,), along the directions of the lines; in place."""
    xp = namespace(total)
    n, dim = total.shape
    for rows in _slices(n, pairs_per_block(total) // dim):
        total[rows, :] += xp.stack([slope[rows] for slope in slopes], axis=1) @ directions  # (rows, k) @ (k, d)


def _slices(length: int, step: int) -> list[slice]:
    """Cut 0, ..., length - 1 into slices of a step, or of 1 if the step is none."""
    step = max(step, 1)
    return [slice(i, min(i + step, length)) for i in range(0, length, step)]
