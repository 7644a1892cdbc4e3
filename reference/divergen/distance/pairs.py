r"""Sums over all pairs of two clouds: in blocks that fit a cache, on several threads, in O(n + m) memory.

.. math:: U(x_i) = \sum_j w_j h(x_i - y_j), \qquad \nabla U(x_i) = \sum_j 2 w_j h'(\|x_i - y_j\|^2)\,(x_i - y_j)

**Two ways to the squared radius of a pair.** In low dimension, the sum of squared *differences*: each difference of
two floats is rounded once, so :math:`s = \|x - y\|^2` has a relative error of at most (d + 2) eps / 2 however close the
points are and however far from 0 both lie. In high dimension, the *Gram form*
:math:`\|x\|^2 + \|y\|^2 - 2 x \cdot y`, which is one matrix product, but cancels for close points: its error is
relative to :math:`\|x\|^2 + \|y\|^2`. Two things keep it harmless: the cloud is centred first, and every pair with
:math:`s \le (\|x\|^2 + \|y\|^2) / 64` is computed again from differences. What remains has a relative error of at most
64 (3d/2 + 4) eps in s, half of it in :math:`\sqrt s`, and equal points are at distance exactly 0 in both forms.
"""

from __future__ import annotations

from typing import NamedTuple

from ..arrays import Array, namespace, pairs_per_block
from ..threads import check_workers, map_in_order
from .kernels import Kernel, check_kernel

__all__ = ["pair_sums"]

GRAM_FROM_DIMENSION = 8  # from here on one matrix product is faster than d passes over the block
CLOSE = 1 / 64  # the Gram form is trusted down to this share of |x|^2 + |y|^2
ROWS = 256  # of a block
STRIP = 2**18  # pairs that a thread takes at a time

# Sums over one block of pairs: for its rows, and (by symmetry) for its columns; potentials, and gradients or None.
_Sums = tuple[Array, Array | None, Array | None, Array | None]


def _direct_block(x: Array, y: Array, u: Array | None, w: Array, kernel: Kernel, gradient: bool) -> _Sums:
    """Sum over a block with differences taken coordinate by coordinate; u is given if column sums are wanted."""
    xp = namespace(x)
    differences = [x[:, k][:, None] - y[:, k][None, :] for k in range(x.shape[1])]  # d times (rows, columns)
    if not gradient:
        s = differences[0]
        s *= s
        for difference in differences[1:]:
            difference *= difference
            s += difference
        h = kernel.value(s)
        return h @ w, None, None if u is None else u @ h, None
    s = differences[0] * differences[0]
    for difference in differences[1:]:
        s += difference * difference
    h, slope = kernel.value_and_derivative(s)
    row_gradients, column_gradients = [], []
    for difference in differences:
        difference *= slope
        row_gradients.append(difference @ w)
        if u is not None:
            column_gradients.append(u @ difference)
    rows = 2 * xp.stack(row_gradients, axis=1)
    if u is None:
        return h @ w, rows, None, None
    return h @ w, rows, u @ h, -2 * xp.stack(column_gradients, axis=1)


class _Cloud(NamedTuple):
    """Points with what the Gram form needs of them, for all points or some rows."""

    given: Array  # (n, d)
    centred: Array  # (n, d)
    size: Array  # (n,): squared norms of the centred points
    factor: Array  # (n, d + 2): of a product that gives all squared radii

    def rows(self, rows: slice) -> _Cloud:
        return _Cloud(self.given[rows, :], self.centred[rows, :], self.size[rows], self.factor[rows, :])


def _gram_clouds(x: Array, y: Array) -> tuple[_Cloud, _Cloud]:
    """Centre both clouds at the mean of y, and lay out |x|^2 + |y|^2 - 2 x.y as one product with d + 2 terms."""
    xp = namespace(x)
    centre = xp.mean(y, axis=0)
    x_centred, y_centred = x - centre, y - centre
    x_size, y_size = xp.sum(x_centred * x_centred, axis=1), xp.sum(y_centred * y_centred, axis=1)
    left = xp.concat([-2 * x_centred, x_size[:, None], xp.ones_like(x_size)[:, None]], axis=1)
    right = xp.concat([y_centred, xp.ones_like(y_size)[:, None], y_size[:, None]], axis=1)
    return _Cloud(x, x_centred, x_size, left), _Cloud(y, y_centred, y_size, right)


def _gram_block(x: _Cloud, y: _Cloud, u: Array | None, w: Array, kernel: Kernel, gradient: bool) -> _Sums:
    """Sum over a block with one matrix product, and again from differences for the pairs that are close."""
    xp = namespace(x.given)
    s = x.factor @ xp.permute_dims(y.factor, (1, 0))  # (rows, columns)
    n_close = 0
    if not float(xp.min(s)) > CLOSE * float(xp.max(x.size) + xp.max(y.size)):  # else not one pair is close
        size = x.size[:, None] + y.size[None, :]
        close = s <= CLOSE * size
        n_close = int(xp.count_nonzero(close))
    if n_close > s.shape[0] + s.shape[1]:  # too many to patch
        return _direct_block(x.given, y.given, u, w, kernel, gradient)
    if n_close:
        s = xp.where(close, size, s)  # any harmless value: what these pairs give is taken out below

    h, slope = kernel.value_and_derivative(s) if gradient else (kernel.value(s), None)
    if n_close:
        h = xp.where(close, xp.zeros_like(h), h)
    row_sum, column_sum = h @ w, None if u is None else u @ h
    row_gradient = column_gradient = None
    if slope is not None:
        if n_close:
            slope = xp.where(close, xp.zeros_like(slope), slope)
        row_gradient = 2 * ((slope @ w)[:, None] * x.centred - slope @ (w[:, None] * y.centred))
        if u is not None:
            transposed = xp.permute_dims(slope, (1, 0))
            column_gradient = 2 * ((u @ slope)[:, None] * y.centred - transposed @ (u[:, None] * x.centred))
    if n_close:
        i, j = xp.nonzero(close)
        difference = xp.take(x.given, i, axis=0) - xp.take(y.given, j, axis=0)  # (n_close, d)
        h, slope = kernel.value_and_derivative(xp.sum(difference * difference, axis=1))
        difference = 2 * slope[:, None] * difference
        # Scattering back is a product with the 0-1 matrix of who sits in which row: the standard has no scatter-add.
        in_row = xp.astype(xp.arange(s.shape[0], device=s.device)[:, None] == i[None, :], s.dtype)
        weight = xp.take(w, j)
        row_sum = row_sum + in_row @ (weight * h)
        if gradient:
            row_gradient = row_gradient + in_row @ (weight[:, None] * difference)
        if u is not None:
            in_column = xp.astype(xp.arange(s.shape[1], device=s.device)[:, None] == j[None, :], s.dtype)
            weight = xp.take(u, i)
            column_sum = column_sum + in_column @ (weight * h)
            if gradient:
                column_gradient = column_gradient - in_column @ (weight[:, None] * difference)
    return row_sum, row_gradient, column_sum, column_gradient


def pair_sums(
    x: Array, y: Array | None, w: Array, kernel: Kernel, gradient: bool, workers: int, *, folded: bool = False
) -> tuple[Array, Array | None]:
    r"""Return :math:`\sum_j w_j h(x_i - y_j)` for all i, and its gradient; y = None means x, and halves the work.

    With y = None and ``folded`` each pair counts twice for the first of its points and not for the second: that is less
    work, and the sum with weights w over all i is the same.
    """
    check_kernel(kernel)
    workers = check_workers(workers, x)
    namespace(x, y, w)  # of one library
    symmetric = y is None
    if y is None:
        y = x
    n, m = x.shape[0], y.shape[0]
    height = min(n, ROWS)
    width = max(ROWS, pairs_per_block(x) // height)  # of a block, in columns
    if x.shape[1] >= GRAM_FROM_DIMENSION:
        x_cloud, y_cloud = _gram_clouds(x, y)

        def block(rows: slice, part: slice, u: Array | None) -> _Sums:
            return _gram_block(x_cloud.rows(rows), y_cloud.rows(part), u, w[part], kernel, gradient)
    else:
        def block(rows: slice, part: slice, u: Array | None) -> _Sums:
            return _direct_block(x[rows, :], y[part, :], u, w[part], kernel, gradient)

    def strip_sums(strip: tuple[slice, slice]) -> _Sums:
        """Sum over a strip, block by block. In a symmetric sum it counts for its columns too, but for the diagonal."""
        rows, across = strip
        twice = symmetric and rows != across
        u = w[rows] if twice and not folded else None
        row_sums = _zeros(x[rows, :], gradient)
        column_sums = None if u is None else _zeros(y[across, :], gradient)
        for j in range(across.start, across.stop, width):
            part = slice(j, min(j + width, across.stop))
            sums = block(rows, part, u)
            _add(*row_sums, slice(None), sums[:2])
            if column_sums is not None:
                _add(*column_sums, slice(j - across.start, part.stop - across.start), sums[2:])
        if twice and folded:
            value, _ = row_sums
            value *= 2
        return *row_sums, *(column_sums or (None, None))

    strips = _strips(n, m, height, max(width, STRIP // height), symmetric)
    total = _zeros(x, gradient)
    for (rows, across), sums in zip(strips, map_in_order(strip_sums, strips, workers), strict=True):
        _add(*total, rows, sums[:2])
        if sums[2] is not None:
            _add(*total, across, sums[2:])
    return total


def _strips(n: int, m: int, height: int, length: int, symmetric: bool) -> list[tuple[slice, slice]]:
    """Cut all pairs into strips, rows and columns of each; in a symmetric sum, squares on the diagonal and the rest."""
    strips = []
    for i in range(0, n, height):
        rows = slice(i, min(i + height, n))
        if symmetric:
            strips.append((rows, rows))
        strips += [(rows, slice(j, min(j + length, m))) for j in range(rows.stop if symmetric else 0, m, length)]
    return strips


def _zeros(x: Array, gradient: bool) -> tuple[Array, Array | None]:
    """Return what sums are added to: in double precision, whatever the points are."""
    xp = namespace(x)
    return (xp.zeros((x.shape[0],), dtype=xp.float64, device=x.device),
            xp.zeros(x.shape, dtype=xp.float64, device=x.device) if gradient else None)


def _add(total: Array, total_gradient: Array | None, where: slice, sums: tuple[Array, Array | None]) -> None:
    """Add sums to the totals, in place and in their precision."""
    xp = namespace(total)
    total[where] += xp.astype(sums[0], total.dtype)
    if total_gradient is not None:
        total_gradient[where, :] += xp.astype(sums[1], total.dtype)
