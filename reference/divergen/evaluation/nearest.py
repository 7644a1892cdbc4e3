r"""All pairs of two clouds, strip by strip: who is nearest, and who is in whose ball, exactly.

**How membership is decided exactly.** What is compared are squared distances summed from differences, in double
precision, each rounded the same way wherever it occurs. From d = 8 on, a matrix product finds *lower bounds* of them,
at most :math:`2\eta(\|x\|^2 + \|y\|^2)` below with :math:`\eta = (2d + 20)\epsilon`; only the few pairs for which
such a bound leaves a question open are summed from differences. Single precision is enough for most bounds, and where
it is not, the product is done in double. On integers nothing is rounded, and no question is open.
"""

from __future__ import annotations

import math
from copy import copy
from typing import Any

import numpy as np

from ..arrays import Array, like, namespace, pairs_per_block, to_numpy
from ..threads import map_in_order

__all__ = ["count_inside", "handed_back", "nearest_squared", "squared_radii"]

PRODUCT_FROM_DIMENSION = 8  # from here on a matrix product is faster than d passes over the block
STRIP, ROWS = 2**18, 16  # pairs at a time on a CPU, and rows at least: less, and the product becomes slow
GROUPS = 8  # groups of columns for each neighbour wanted, when a row's nearest points are looked for
PAIRS = 2**18  # numbers at a time, when pairs are summed from differences
MANY = 64  # open questions in a row (for each neighbour wanted) that are too many


def handed_back(values: np.ndarray, reference: Array) -> Array:
    """Bring a host array to the library and device of `reference`, in its own dtype."""
    xp = namespace(reference)
    return values if xp is np else xp.asarray(values, device=reference.device)


class _Pairs:
    """All pairs of two clouds, seen strip by strip: lower bounds of squared distances, and exact ones on request."""

    def __init__(self, x: Array, y: Array):
        self.xp = xp = namespace(x, y)
        self.x, self.y = x, y
        self.rows = max(ROWS, (STRIP if xp is np else pairs_per_block(x)) // y.shape[0])
        d = x.shape[1]
        self.exact = d < PRODUCT_FROM_DIMENSION
        self.coarse = False
        self.x_slack, self.y_slack = np.zeros(x.shape[0]), np.zeros(y.shape[0])
        if self.exact:
            return
        # The centre is a point of the cloud: equal points stay equal to it, and integers stay integers.
        mean = xp.mean(x, axis=0)
        self.centre = x[int(xp.argmin(_squared_norms(x - mean))), :]
        self.x_size, self.y_size = _squared_norms(x - self.centre), _squared_norms(y - self.centre)
        largest = _largest_integer(x, y, 4 * max(float(xp.max(self.x_size)), float(xp.max(self.y_size))))
        self.exact = largest < 2.0**53
        self.coarse = not self.exact
        self._prepare(xp.float32 if self.coarse or largest < 2.0**24 else xp.float64)

    def refined(self) -> _Pairs:
        """Return the same pairs in double precision, for where single precision leaves too many questions open."""
        other = copy(self)
        other.coarse = False
        other._prepare(self.xp.float64)
        return other

    def _prepare(self, dtype: Any) -> None:
        """Lay out the right factor of the product, and how far the bounds may be off."""
        xp, d = self.xp, self.x.shape[1]
        eta = 0.0 if self.exact else (2 * d + 20) * float(xp.finfo(dtype).eps)
        tiny = 1e-37 * (d + 2) if self.coarse else 0.0  # what products below the range of single precision lose
        x_slack, y_slack = eta * self.x_size + tiny, eta * self.y_size + tiny
        self.x_low, y_low = (self.x_size - x_slack)[:, None], (self.y_size - y_slack)[:, None]
        # (1 - eta)(|x|^2 + |y|^2) - 2 x.y as one product, with two more columns on the left and rows on the right
        columns = [self.y - self.centre, xp.ones_like(y_low), y_low]
        self.right = xp.permute_dims(xp.concat([xp.astype(c, dtype) for c in columns], axis=1), (1, 0))  # (d + 2, m)
        self.y_twice_slack = xp.astype(2 * y_slack, dtype)
        self.x_slack, self.y_slack = to_numpy(x_slack), to_numpy(y_slack)

    def strip(self, first: int, last: int) -> Array:
        """Return lower bounds of the squared distances of x[first:last] from all of y, shape (rows, m)."""
        xp, x, y = self.xp, self.x[first:last, :], self.y
        if x.shape[1] < PRODUCT_FROM_DIMENSION:
            squared = xp.zeros((x.shape[0], y.shape[0]), dtype=x.dtype, device=x.device)
            for c in range(x.shape[1]):
                difference = x[:, c][:, None] - y[:, c][None, :]
                difference *= difference
                squared += difference
            return squared
        low = self.x_low[first:last, :]
        left = xp.concat([-2 * (x - self.centre), low, xp.ones_like(low)], axis=1)
        return xp.astype(left, self.right.dtype) @ self.right

    def from_differences(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Return the squared distances of the pairs (i, j), on the host."""
        xp = self.xp
        found = np.empty(len(i))
        step = max(1, PAIRS // self.x.shape[1])
        for first in range(0, len(i), step):
            part = slice(first, first + step)
            x, y = (xp.take(points, handed_back(index[part], points), axis=0)
                    for points, index in ((self.x, i), (self.y, j)))
            found[part] = to_numpy(_squared_norms(x - y))
        return found


def _squared_norms(t: Array) -> Array:
    """Return the squared norms of rows, added in halves: the same rounding for a row, whatever rows stand beside it."""
    t = t * t
    while t.shape[1] > 1:
        half = (t.shape[1] + 1) // 2
        rest = t[:, half:]
        t = t[:, :half] + 0.0
        t[:, : rest.shape[1]] += rest
    return t[:, 0]


def _largest_integer(x: Array, y: Array, largest: float) -> float:
    """Return `largest`, which bounds sums of squares, in units in which all is an integer; infinity if there are none.

    Such units are 1, and 1/256 (pixels). A multiple of the unit differs from another by a multiple.
    """
    xp = namespace(x)
    for unit in (1, 256):
        parts = (x[: min(8, x.shape[0]), :], y[: min(8, y.shape[0]), :], x, y)  # the first points decide most cases
        if largest * unit**2 < 2.0**53 and all(bool(xp.all(xp.floor(one * unit) == one * unit)) for one in parts):
            return largest * unit**2
    return math.inf if largest else 0.0  # points that are all equal are all 0


def _strips(pairs: _Pairs) -> list[tuple[int, int]]:
    """Return the first and the last row, exclusive, of each strip."""
    n = pairs.x.shape[0]
    return [(first, min(first + pairs.rows, n)) for first in range(0, n, pairs.rows)]


def nearest_squared(x: Array, y: Array, depth: int, workers: int) -> np.ndarray:
    """Return the squared distances of each x to the `depth` nearest y (or to all y), the least first, on the host."""
    xp, depth = namespace(x), min(depth, y.shape[0])
    current = [_Pairs(x, y)]  # in one precision or the other: what is found is the same

    def strip_nearest(strip: tuple[int, int]) -> np.ndarray:
        (first, last), pairs = strip, current[0]
        many = MANY * depth * (last - first)
        low, near = _nearest(pairs, first, last, depth)
        if pairs.coarse and int(xp.count_nonzero(near)) > many:
            pairs = current[0] = pairs.refined()  # for the strips to come as well
            low, near = _nearest(pairs, first, last, depth)
        counts = to_numpy(xp.count_nonzero(near, axis=1))
        if pairs.exact and counts.sum() > many:  # ties
            return to_numpy(xp.sort(low, axis=1)[:, :depth]).astype(float)
        i, j = _where(near)
        values = _taken(low, i, j) if pairs.exact else pairs.from_differences(first + i, j)
        values = values[np.lexsort((values, i))]  # row by row, each from its smallest
        starts = np.cumsum(counts) - counts
        return values[starts[:, None] + np.arange(depth)[None, :]].astype(float)

    return np.concatenate(list(map_in_order(strip_nearest, _strips(current[0]), workers)))


def squared_radii(x: Array, wanted: np.ndarray, workers: int) -> np.ndarray:
    """Return the squared distances to the k-th nearest other point, on the host, shape (n, len(wanted))."""
    # A point's distance from itself, 0, is the smallest in its row: the k-th among the others is number k, from 0.
    return nearest_squared(x, x, int(wanted.max()) + 1, workers)[:, wanted]


def _nearest(pairs: _Pairs, first: int, last: int, depth: int) -> tuple[Array, Array]:
    """Return a strip of lower bounds, and which of its pairs can be among the `depth` nearest of their row."""
    xp = pairs.xp
    low = pairs.strip(first, last)
    upper = low if pairs.exact else low + pairs.y_twice_slack
    # The least upper bounds in `depth` or more groups of columns: each group holds a distance that is no larger.
    while upper.shape[1] >= 2 * GROUPS * depth:
        half = upper.shape[1] // 2
        upper = xp.minimum(upper[:, :half], upper[:, half : 2 * half])
    bound = xp.sort(upper, axis=1)[:, depth - 1] + like(2 * pairs.x_slack[first:last], upper)
    return low, low <= bound[:, None]


def count_inside(
    x: Array, y: Array, x_radii: np.ndarray, y_radii: np.ndarray, strict: bool, workers: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, in a row for each k, in how many balls each y lies, which x lie in a ball, and whose ball holds a y."""
    n, m, K = x.shape[0], y.shape[0], x_radii.shape[1]
    balls = np.zeros((K, m), dtype=np.int64)
    real_inside, real_covered = np.zeros((K, n), dtype=bool), np.zeros((K, n), dtype=bool)
    compare = np.less if strict else np.less_equal
    current = [_Pairs(x, y)]  # in one precision or the other: the balls hold the same points

    def members(strip: tuple[int, int]) -> tuple[np.ndarray, ...]:
        (first, last), pairs = strip, current[0]
        i, j, squared, unclear = _inside(pairs, first, last, x_radii, y_radii)
        if pairs.coarse and len(unclear) > MANY * (last - first):
            pairs = current[0] = pairs.refined()
            i, j, squared, unclear = _inside(pairs, first, last, x_radii, y_radii)
        squared[unclear] = pairs.from_differences(i[unclear], j[unclear])
        return i, j, compare(squared[:, None], x_radii[i, :]), compare(squared[:, None], y_radii[j, :])  # (pairs, K)

    for i, j, in_x, in_y in map_in_order(members, _strips(current[0]), workers):
        for row in range(K):
            balls[row] += np.bincount(j[in_x[:, row]], minlength=m)
            real_covered[row, i[in_x[:, row]]] = True
            real_inside[row, i[in_y[:, row]]] = True
    return balls, real_inside, real_covered


def _inside(
    pairs: _Pairs, first: int, last: int, x_radii: np.ndarray, y_radii: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs i, j of a strip that a ball may hold, their squared distances, and which are still unclear.

    The distances are on the right side of each radius, except for those few that are too close to one.
    """
    low = pairs.strip(first, last)
    near = low <= like(x_radii[first:last, :].max(axis=1), low)[:, None]
    near |= low <= like(y_radii.max(axis=1), low)[None, :]
    i, j = _where(near)
    squared = _taken(low, i, j).astype(float)
    i += first
    if pairs.exact:
        return i, j, squared, np.empty(0, dtype=np.int64)
    slack = pairs.x_slack[i] + pairs.y_slack[j]
    squared += slack  # within `slack` of the truth, now on either side
    gap = np.minimum(np.abs(x_radii[i, :] - squared[:, None]), np.abs(y_radii[j, :] - squared[:, None])).min(axis=1)
    return i, j, squared, np.nonzero(gap <= 1.01 * slack)[0]


def _where(mask: Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of the true entries, on the host, row by row."""
    xp = namespace(mask)
    (flat,) = xp.nonzero(xp.reshape(mask, (-1,)))  # much faster in one dimension
    i, j = np.divmod(to_numpy(flat), mask.shape[1])
    return i, j


def _taken(values: Array, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Return values[i, j], on the host."""
    xp = namespace(values)
    return to_numpy(xp.take(xp.reshape(values, (-1,)), handed_back(i * values.shape[1] + j, values)))
