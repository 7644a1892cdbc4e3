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

**How membership is decided exactly.** What is compared are squared distances summed from differences, in double
precision, each rounded the same way wherever it occurs. From d = 8 on, a matrix product finds *lower bounds* of them,
at most :math:`2\eta(\|x\|^2 + \|y\|^2)` below with :math:`\eta = (2d + 20)\epsilon`; only the few pairs for which
such a bound leaves a question open are summed from differences. Single precision is enough for most bounds, and where
it is not, the product is done in double. On integers nothing is rounded, and no question is open.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, as_points, check_count, check_same_dimension, like, namespace, pairs_per_block, to_numpy

__all__ = ["NeighbourMetrics", "neighbour_metrics"]

PRODUCT_FROM_DIMENSION = 8  # from here on a matrix product is faster than d passes over the block
STRIP, ROWS = 2**18, 16  # pairs at a time on a CPU, and rows at least: less, and the product becomes slow
GROUPS = 8  # groups of columns for each neighbour wanted, when a row's nearest points are looked for
PAIRS = 2**18  # numbers at a time, when pairs are summed from differences
MANY = 64  # open questions in a row (for each neighbour wanted) that are too many


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
    real: Array, generated: Array, k: int | Sequence[int] = 5, *, ties: str = "inclusive"
) -> NeighbourMetrics:
    r"""Return precision, recall, density and coverage of generated points with respect to real ones.

    Parameters
    ----------
    real : array, shape (n, d)
        X. A point is not its own neighbour, but another point at the same place is.
    generated : array, shape (m, d)
        Y.
    k : int or sequence of int
        Which neighbour sets the radius, 1 <= k < min(n, m). Several are answered in one pass.
    ties : {"inclusive", "strict"}
        Whether a point at exactly the distance of the k-th neighbour is in the ball.

    Returns
    -------
    NeighbourMetrics

    Raises
    ------
    ValueError
        On points that are not finite numbers of these shapes, a k out of its range, and another word for `ties`.

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
    real, generated = as_points(real, "real"), as_points(generated, "generated")
    check_same_dimension(real, generated, "real", "generated")
    if ties not in ("inclusive", "strict"):
        raise ValueError(f'ties: expected "inclusive" or "strict", got {ties!r}')
    n, m = real.shape[0], generated.shape[0]
    several = isinstance(k, (Sequence, np.ndarray))
    wanted = _check_neighbours(k, n, m)
    xp = namespace(real, generated)
    x, y = _common_scale(xp.astype(real, xp.float64), xp.astype(generated, xp.float64))

    x_radii, y_radii = _squared_radii(x, wanted), _squared_radii(y, wanted)  # (n, K), (m, K)
    balls, real_inside, real_covered = _count(x, y, x_radii, y_radii, ties == "strict")
    generated_inside = balls > 0
    means = (
        generated_inside.mean(axis=1), real_inside.mean(axis=1), balls.mean(axis=1) / wanted, real_covered.mean(axis=1)
    )
    per_point = (balls, generated_inside, real_inside, real_covered)
    if several:
        return NeighbourMetrics(*(like(v, x) for v in means), *(_handed_back(v, x) for v in per_point))
    return NeighbourMetrics(*(float(v[0]) for v in means), *(_handed_back(v[0], x) for v in per_point))


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


def _common_scale(x: Array, y: Array) -> tuple[Array, Array]:
    """Multiply both clouds by one power of two, which rounds nothing, where squares could overflow or vanish."""
    xp = namespace(x)
    largest = max(float(xp.max(xp.abs(x))), float(xp.max(xp.abs(y))))
    if largest == 0 or 1e-6 < largest < 1e9:
        return x, y
    scale = 2.0 ** -max(min(math.frexp(largest)[1], 1000), -1000)
    return x * scale, y * scale


def _handed_back(values: np.ndarray, reference: Array) -> Array:
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

    def refine(self) -> None:
        """Go over to double precision for good, where single precision leaves too many questions open."""
        self.coarse = False
        self._prepare(self.xp.float64)

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
            x, y = (xp.take(points, _handed_back(index[part], points), axis=0)
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


def _squared_radii(x: Array, wanted: np.ndarray) -> np.ndarray:
    """Return the squared distances to the k-th nearest other point, on the host, shape (n, len(wanted))."""
    xp = namespace(x)
    n = x.shape[0]
    # A point's distance from itself, 0, is the smallest in its row: the k-th among the others is number k, from 0.
    depth = int(wanted.max()) + 1
    pairs = _Pairs(x, x)
    radii = np.empty((n, len(wanted)))
    for first in range(0, n, pairs.rows):
        last = min(first + pairs.rows, n)
        many = MANY * depth * (last - first)
        low, near = _nearest(pairs, first, last, depth)
        if pairs.coarse and int(xp.count_nonzero(near)) > many:
            pairs.refine()
            low, near = _nearest(pairs, first, last, depth)
        counts = to_numpy(xp.count_nonzero(near, axis=1))
        if pairs.exact and counts.sum() > many:  # ties
            radii[first:last, :] = to_numpy(xp.sort(low, axis=1)[:, :depth])[:, wanted]
            continue
        i, j = _where(near)
        values = _taken(low, i, j) if pairs.exact else pairs.from_differences(first + i, j)
        values = values[np.lexsort((values, i))]  # row by row, each from its smallest
        starts = np.cumsum(counts) - counts
        radii[first:last, :] = values[starts[:, None] + wanted[None, :]]
    return radii


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


def _count(
    x: Array, y: Array, x_radii: np.ndarray, y_radii: np.ndarray, strict: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, in a row for each k, in how many balls each y lies, which x lie in a ball, and whose ball holds a y."""
    n, m, K = x.shape[0], y.shape[0], x_radii.shape[1]
    balls = np.zeros((K, m), dtype=np.int64)
    real_inside, real_covered = np.zeros((K, n), dtype=bool), np.zeros((K, n), dtype=bool)
    pairs = _Pairs(x, y)
    for first in range(0, n, pairs.rows):
        last = min(first + pairs.rows, n)
        i, j, squared, unclear = _inside(pairs, first, last, x_radii, y_radii)
        if pairs.coarse and len(unclear) > MANY * (last - first):
            pairs.refine()
            i, j, squared, unclear = _inside(pairs, first, last, x_radii, y_radii)
        squared[unclear] = pairs.from_differences(i[unclear], j[unclear])
        x_bounds, y_bounds = x_radii[i, :], y_radii[j, :]  # (pairs, K)
        compare = np.less if strict else np.less_equal
        in_x, in_y = compare(squared[:, None], x_bounds), compare(squared[:, None], y_bounds)
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
    return to_numpy(xp.take(xp.reshape(values, (-1,)), _handed_back(i * values.shape[1] + j, values)))
