r"""The kernel distance between weighted point clouds, and its gradient: exact, in blocks, in O(n + m) memory.

For measures of equal mass :math:`\mu = \sum_i u_i \delta_{x_i}` and :math:`\nu = \sum_j w_j \delta_{y_j}`

.. math::

    d(\mu, \nu)^2 = \sum_{i,j} u_i w_j h(x_i - y_j) - \frac12 \sum_{i,i'} u_i u_{i'} h(x_i - x_{i'})
    - \frac12 \sum_{j,j'} w_j w_{j'} h(y_j - y_{j'}),

over all pairs, the diagonal too (a V-statistic). Everything is made of *potentials*
:math:`U(x) = \sum_j w_j h(x - y_j)` and their gradients :math:`\sum_j 2 w_j h'(\|x - y_j\|^2)(x - y_j)`.

**Two ways to the squared radius of a pair.** In low dimension, the sum of squared *differences*: each difference of
two floats is rounded once, so :math:`s = \|x - y\|^2` has a relative error of at most (d + 2) eps however close the
points are and however far from 0 both lie. In high dimension, the *Gram form*
:math:`\|x\|^2 + \|y\|^2 - 2 x \cdot y`, which is one matrix product, but cancels for close points: its error is
relative to :math:`\|x\|^2 + \|y\|^2`. Two things keep it harmless: the cloud is centred first, and every pair with
:math:`s \le (\|x\|^2 + \|y\|^2) / 64` is computed again from differences. What remains has a relative error of at most
64 (d + 4) eps in s, half of it in :math:`\sqrt s`, and equal points are at distance exactly 0 in both forms.
"""

from __future__ import annotations

from ..arrays import (
    Array,
    as_points,
    as_weights,
    check_same_dimension,
    check_same_mass,
    namespace,
    pairs_per_block,
)
from .kernels import HuberEnergy, Kernel, check_kernel

__all__ = [
    "cloud_squared_distance", "cloud_squared_distance_and_gradient", "potential", "potential_and_gradient",
    "self_energy", "self_energy_and_gradient",
]

GRAM_FROM_DIMENSION = 8  # from here on one matrix product is faster than d passes over the block
CLOSE = 1 / 64  # the Gram form is trusted down to this share of |x|^2 + |y|^2
ROWS = 128

# Sums over one block of pairs: for its rows, and (by symmetry) for its columns; potentials, and gradients or None.
_Sums = tuple[Array, Array | None, Array | None, Array | None]


def _direct_block(
    x: Array, y: Array, centre: Array, u: Array | None, w: Array, kernel: Kernel, gradient: bool
) -> _Sums:
    """Sum over a block with differences taken coordinate by coordinate; u is given if column sums are wanted.

    The centre is not used: a difference of the points as given is rounded once, one of centred points three times.
    """
    xp = namespace(x)
    differences = [x[:, k][:, None] - y[:, k][None, :] for k in range(x.shape[1])]  # d times (rows, columns)
    s = differences[0] * differences[0]
    for difference in differences[1:]:
        s += difference * difference
    if not gradient:
        h = kernel.value(s)
        return h @ w, None, None if u is None else u @ h, None
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


def _gram_block(
    x_given: Array, y_given: Array, centre: Array, u: Array | None, w: Array, kernel: Kernel, gradient: bool
) -> _Sums:
    """Sum over a block with one matrix product, and again from differences for the pairs that are close."""
    xp = namespace(x_given)
    x, y = x_given - centre, y_given - centre
    y_transposed = xp.permute_dims(y, (1, 0))
    size = xp.sum(x * x, axis=1)[:, None] + xp.sum(y * y, axis=1)[None, :]  # (rows, columns)
    s = size - 2 * (x @ y_transposed)
    close = s <= CLOSE * size
    n_close = int(xp.count_nonzero(close))
    if n_close > x.shape[0] + y.shape[0]:  # too many to patch
        return _direct_block(x_given, y_given, centre, u, w, kernel, gradient)
    if n_close:
        s = xp.where(close, size, s)  # any harmless value: what these pairs give is taken out below

    h, slope = kernel.value_and_derivative(s)
    if n_close:
        h = xp.where(close, xp.zeros_like(h), h)
        slope = xp.where(close, xp.zeros_like(slope), slope)
    row_sum, column_sum = h @ w, None if u is None else u @ h
    row_gradient = column_gradient = None
    if gradient:
        row_gradient = 2 * ((slope @ w)[:, None] * x - slope @ (w[:, None] * y))
        if u is not None:
            transposed = xp.permute_dims(slope, (1, 0))
            column_gradient = 2 * ((u @ slope)[:, None] * y - transposed @ (u[:, None] * x))
    if n_close:
        i, j = xp.nonzero(close)
        difference = xp.take(x_given, i, axis=0) - xp.take(y_given, j, axis=0)  # (n_close, d)
        h, slope = kernel.value_and_derivative(xp.sum(difference * difference, axis=1))
        difference = 2 * slope[:, None] * difference
        # Scattering back is a product with the 0-1 matrix of who sits in which row: the standard has no scatter-add.
        in_row = xp.astype(xp.arange(x.shape[0])[:, None] == i[None, :], x.dtype)
        weight = xp.take(w, j)
        row_sum = row_sum + in_row @ (weight * h)
        if gradient:
            row_gradient = row_gradient + in_row @ (weight[:, None] * difference)
        if u is not None:
            in_column = xp.astype(xp.arange(y.shape[0])[:, None] == j[None, :], x.dtype)
            weight = xp.take(u, i)
            column_sum = column_sum + in_column @ (weight * h)
            if gradient:
                column_gradient = column_gradient - in_column @ (weight[:, None] * difference)
    return row_sum, row_gradient, column_sum, column_gradient


def _pair_sums(x: Array, y: Array | None, w: Array, kernel: Kernel, gradient: bool) -> tuple[Array, Array | None]:
    r"""Return :math:`\sum_j w_j h(x_i - y_j)` for all i, and its gradient; y = None means x, and halves the work."""
    check_kernel(kernel)
    xp = namespace(x, y, w)
    symmetric = y is None
    if y is None:
        y = x
    n, m, d = x.shape[0], y.shape[0], x.shape[1]
    block = _gram_block if d >= GRAM_FROM_DIMENSION else _direct_block
    centre = xp.mean(y, axis=0)
    # Sums over blocks are kept in double precision, whatever the points are.
    total = xp.zeros((n,), dtype=xp.float64, device=x.device)
    total_gradient = xp.zeros((n, d), dtype=xp.float64, device=x.device) if gradient else None
    columns = max(ROWS, pairs_per_block(x) // ROWS)
    for i in range(0, n, ROWS):
        rows = slice(i, min(i + ROWS, n))
        first = 0
        if symmetric:  # the square on the diagonal, whose columns are its rows; then what lies to the right of it
            square = block(x[rows, :], x[rows, :], centre, None, w[rows], kernel, gradient)
            _add(total, total_gradient, rows, square[:2])
            first = rows.stop
        for j in range(first, m, columns):
            across = slice(j, min(j + columns, m))
            u = w[rows] if symmetric else None
            sums = block(x[rows, :], y[across, :], centre, u, w[across], kernel, gradient)
            _add(total, total_gradient, rows, sums[:2])
            if symmetric:
                _add(total, total_gradient, across, sums[2:])
    return total, total_gradient


def _add(total: Array, total_gradient: Array | None, where: slice, sums: tuple[Array, Array | None]) -> None:
    """Add the sums of one block to the totals, in place and in their precision."""
    xp = namespace(total)
    total[where] += xp.astype(sums[0], total.dtype)
    if total_gradient is not None:
        total_gradient[where, :] += xp.astype(sums[1], total.dtype)


def _as_clouds(x: Array, y: Array, x_weights: Array, y_weights: Array) -> tuple[Array, Array, Array, Array]:
    """Check two clouds, and bring them to their common dtype."""
    x, y = as_points(x, "x", squared=True), as_points(y, "y", squared=True)
    check_same_dimension(x, y, "x", "y")
    xp = namespace(x, y)
    u, w = as_weights(x_weights, x, "x_weights"), as_weights(y_weights, y, "y_weights")
    dtype = xp.result_type(x.dtype, y.dtype)
    return xp.astype(x, dtype), xp.astype(y, dtype), xp.astype(u, dtype), xp.astype(w, dtype)


def potential(x: Array, y: Array, weights: Array | None = None, kernel: Kernel = HuberEnergy()) -> Array:
    r"""Return :math:`U(x_i) = \sum_j w_j h(x_i - y_j)`, the potential of a weighted cloud y at the points x.

    Parameters
    ----------
    x : array, shape (n, d)
        Where.
    y : array, shape (m, d)
        The cloud.
    weights : array, shape (m,), optional
        w, of any sign; 1/m each if not given.
    kernel : Kernel
        h.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ValueError
        On points or weights that are not finite numbers of these shapes, or of two array libraries.

    References
    ----------
    Turinici2023, the inner integral of eq. (3).

    Examples
    --------
    >>> import numpy as np
    >>> print(f"{potential(np.array([[0.0]]), np.array([[3.0], [5.0]]), kernel=HuberEnergy(a=0))[0]:.3f}")
    4.000
    """
    x, y, _, w = _as_clouds(x, y, None, weights)
    return namespace(x).astype(_pair_sums(x, y, w, kernel, False)[0], x.dtype)


def potential_and_gradient(
    x: Array, y: Array, weights: Array | None = None, kernel: Kernel = HuberEnergy()
) -> tuple[Array, Array]:
    r"""Return :func:`potential` and its gradient, :math:`\sum_j 2 w_j h'(\|x_i - y_j\|^2)\,(x_i - y_j)`.

    Parameters
    ----------
    x, y, weights, kernel
        As in :func:`potential`.

    Returns
    -------
    value : array, shape (n,)
    gradient : array, shape (n, d)
        With a = 0 a point of x that coincides with one of y takes the subgradient 0 from it.

    Raises
    ------
    ValueError
        As :func:`potential`.

    References
    ----------
    Turinici2023, the caution on the gradient of the norm, as corrected in the errata.

    Examples
    --------
    >>> import numpy as np
    >>> u, g = potential_and_gradient(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]), kernel=HuberEnergy(a=0))
    >>> print(f"{u[0]:.1f} {g[0, 0]:.1f} {g[0, 1]:.1f}")
    5.0 -0.6 -0.8
    """
    x, y, _, w = _as_clouds(x, y, None, weights)
    value, gradient = _pair_sums(x, y, w, kernel, True)
    xp = namespace(x)
    return xp.astype(value, x.dtype), xp.astype(gradient, x.dtype)


def self_energy(x: Array, weights: Array | None = None, kernel: Kernel = HuberEnergy()) -> float:
    r"""Return :math:`\sum_{i,j} w_i w_j h(x_i - x_j)`, over all pairs and the (vanishing) diagonal.

    Parameters
    ----------
    x : array, shape (n, d)
        The cloud.
    weights : array, shape (n,), optional
        w, of any sign; 1/n each if not given.
    kernel : Kernel
        h.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        On points or weights that are not finite numbers of these shapes.

    References
    ----------
    Turinici2023, the last two sums of eq. (4), without their factor 1/2.

    Examples
    --------
    >>> import numpy as np
    >>> print(f"{self_energy(np.array([[0.0], [1.0]]), kernel=HuberEnergy(a=0)):.3f}")
    0.500
    """
    x = as_points(x, "x", squared=True)
    w = as_weights(weights, x)
    xp = namespace(x)
    total, _ = _pair_sums(x, None, w, kernel, False)
    return float(xp.sum(total * xp.astype(w, xp.float64)))


def self_energy_and_gradient(
    x: Array, weights: Array | None = None, kernel: Kernel = HuberEnergy()
) -> tuple[float, Array]:
    r"""Return :func:`self_energy` and its gradient with respect to the points, :math:`2 w_i \nabla U(x_i)`.

    Parameters
    ----------
    x, weights, kernel
        As in :func:`self_energy`.

    Returns
    -------
    value : float
    gradient : array, shape (n, d)

    Raises
    ------
    ValueError
        As :func:`self_energy`.

    References
    ----------
    Turinici2023, eq. (4).

    Examples
    --------
    >>> import numpy as np
    >>> e, g = self_energy_and_gradient(np.array([[0.0], [1.0]]), kernel=HuberEnergy(a=0))
    >>> print(f"{e:.3f} {g[0, 0]:.3f} {g[1, 0]:.3f}")
    0.500 -0.500 0.500
    """
    x = as_points(x, "x", squared=True)
    w = as_weights(weights, x)
    xp = namespace(x)
    total, gradient = _pair_sums(x, None, w, kernel, True)
    w = xp.astype(w, xp.float64)
    return float(xp.sum(total * w)), xp.astype(2 * w[:, None] * gradient, x.dtype)


def cloud_squared_distance(
    x: Array, y: Array, x_weights: Array | None = None, y_weights: Array | None = None,
    kernel: Kernel = HuberEnergy(),
) -> float:
    r"""Return :math:`d(\sum_i u_i \delta_{x_i}, \sum_j w_j \delta_{y_j})^2`, with the factor 1/2 of the sources.

    Parameters
    ----------
    x : array, shape (n, d)
        First cloud.
    y : array, shape (m, d)
        Second cloud.
    x_weights, y_weights : array, shapes (n,) and (m,), optional
        u and w, of any sign, with equal sums; 1/n and 1/m each if not given.
    kernel : Kernel
        h.

    Returns
    -------
    float
        At least 0: what rounding puts below is returned as 0. The absolute error is a few eps times the mean of h.

    Raises
    ------
    ValueError
        On points or weights that are not finite numbers of these shapes, and on sums of weights that differ.

    References
    ----------
    Turinici2023, eq. (4); Turinici2022image, eq. (1); half of Turinici2022old, eq. (3).

    Examples
    --------
    Two points a distance 3 apart; the square root of the result is the distance of the measures:

    >>> import numpy as np
    >>> print(f"{cloud_squared_distance(np.array([[0.0]]), np.array([[3.0]]), kernel=HuberEnergy(a=0)):.3f}")
    3.000
    """
    return _cloud_distance(x, y, x_weights, y_weights, kernel, False)[0]


def cloud_squared_distance_and_gradient(
    x: Array, y: Array, x_weights: Array | None = None, y_weights: Array | None = None,
    kernel: Kernel = HuberEnergy(),
) -> tuple[float, Array]:
    r"""Return :func:`cloud_squared_distance` and its gradient with respect to the points x.

    .. math::

        \nabla_{x_i} d^2 = u_i \Bigl[ \sum_j w_j \nabla h(x_i - y_j) - \sum_{i'} u_{i'} \nabla h(x_i - x_{i'}) \Bigr]

    Parameters
    ----------
    x, y, x_weights, y_weights, kernel
        As in :func:`cloud_squared_distance`.

    Returns
    -------
    value : float
    gradient : array, shape (n, d)

    Raises
    ------
    ValueError
        As :func:`cloud_squared_distance`.

    References
    ----------
    The gradient of Turinici2023, eq. (4).

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.array([[0.0]]), np.array([[3.0], [1.0]])
    >>> value, gradient = cloud_squared_distance_and_gradient(x, y, kernel=HuberEnergy(a=0))
    >>> print(f"{value:.3f} {gradient[0, 0]:.3f}")
    1.500 -1.000
    """
    return _cloud_distance(x, y, x_weights, y_weights, kernel, True)


def _cloud_distance(x, y, x_weights, y_weights, kernel: Kernel, gradient: bool) -> tuple[float, Array | None]:
    x, y, u, w = _as_clouds(x, y, x_weights, y_weights)
    xp = namespace(x)
    u64, w64 = xp.astype(u, xp.float64), xp.astype(w, xp.float64)
    tolerance = 1e-9 if x.dtype == xp.float64 else 1e-5
    check_same_mass(float(xp.sum(u64)), float(xp.sum(w64)), "x_weights", "y_weights", tolerance=tolerance)
    towards, towards_gradient = _pair_sums(x, y, w, kernel, gradient)
    apart, apart_gradient = _pair_sums(x, None, u, kernel, gradient)
    target, _ = _pair_sums(y, None, w, kernel, False)
    value = float(xp.sum(u64 * (towards - apart / 2))) - float(xp.sum(w64 * target)) / 2
    value = max(value, 0.0) + 0.0  # + 0.0 makes 0 of -0
    if towards_gradient is None or apart_gradient is None:
        return value, None
    return value, xp.astype(u64[:, None] * (towards_gradient - apart_gradient), x.dtype)
