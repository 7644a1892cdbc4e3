r"""Cells of equal mass in a cloud: where k points can start, and a coarse picture of many points.

All of space is cut in two parts of equal mass, across the coordinate in which the cloud is widest; then each part, and
so on: a k-d tree. The mean of each cell is a point in the middle of 1/k of the mass, and the cells' means with the
cells' masses are a smaller cloud with nearly the same potential: within a cell of diameter r the first moment is kept,
so what changes is of second order in r.
"""

from __future__ import annotations

import numpy as np

from ..arrays import like, to_numpy
from ..distance.algebra import Diracs

__all__ = ["cell_means", "coarse"]


def cells(points: np.ndarray, weights: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a cloud into cells of nearly equal mass, all cells of one level at a time.

    Parameters
    ----------
    points : numpy.ndarray, shape (n, d)
    weights : numpy.ndarray, shape (n,)
        All positive.
    count : int
        How many cells; fewer are returned if single points are heavier than a cell should be.

    Returns
    -------
    order : numpy.ndarray of int, shape (n,)
        The points, cell by cell.
    starts : numpy.ndarray of int
        Where in `order` each cell begins.
    """
    order, starts = np.arange(points.shape[0]), np.zeros(1, dtype=int)
    share = np.array([count])  # how many cells each of the present ones has to become
    while np.any(share > 1):
        size = np.diff(np.append(starts, order.size))
        cell = np.repeat(np.arange(starts.size), size)  # of each point, in order
        x, w = points[order], weights[order]
        mass = np.add.reduceat(w, starts)
        away = x - (np.add.reduceat(w[:, None] * x, starts) / mass[:, None])[cell]
        widest = np.argmax(np.add.reduceat(w[:, None] * away * away, starts), axis=1)
        order = order[np.lexsort((x[np.arange(x.shape[0]), widest[cell]], cell))]
        before = np.cumsum(weights[order]) - weights[order] / 2  # mass up to the middle of each point
        below = np.cumsum(mass) - mass
        cut = np.searchsorted(before, below + mass * (share // 2) / share)
        cut = np.clip(cut, starts + 1, starts + size - 1)
        parted = (share > 1) & (size > 1)
        share = np.where(parted, share, 1)  # a single point cannot be parted, however heavy
        fresh = np.argsort(np.concatenate([starts, cut[parted]]), kind="stable")
        share = np.concatenate([np.where(parted, share // 2, 1), (share - share // 2)[parted]])[fresh]
        starts = np.concatenate([starts, cut[parted]])[fresh]
    return order, starts


def cell_means(measure: Diracs, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the means and the masses of `count` cells of a positive cloud, on the host and in float64."""
    points, weights = (to_numpy(array).astype(np.float64) for array in (measure.points, measure.weights))
    points, weights = points[weights > 0], weights[weights > 0]
    order, starts = cells(points, weights, count)
    mass = np.add.reduceat(weights[order], starts)
    return np.add.reduceat((weights[:, None] * points)[order], starts) / mass[:, None], mass


def coarse(measure: Diracs, count: int) -> Diracs:
    """Return the means of `count` cells of a positive cloud with their masses, as a measure of the same mass."""
    means, mass = cell_means(measure, count)
    return Diracs(like(means, measure.points), like(mass, measure.points))
