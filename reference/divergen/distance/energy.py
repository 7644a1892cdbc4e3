r"""The kernel distance between weighted point clouds, and its gradient: exact, in blocks, in O(n + m) memory.

For measures of equal mass :math:`\mu = \sum_i u_i \delta_{x_i}` and :math:`\nu = \sum_j w_j \delta_{y_j}`

.. math::

    d(\mu, \nu)^2 = \sum_{i,j} u_i w_j h(x_i - y_j) - \frac12 \sum_{i,i'} u_i u_{i'} h(x_i - x_{i'})
    - \frac12 \sum_{j,j'} w_j w_{j'} h(y_j - y_{j'}),

over all pairs, the diagonal too (a V-statistic). Everything is made of *potentials*
:math:`U(x) = \sum_j w_j h(x - y_j)` and their gradients :math:`\sum_j 2 w_j h'(\|x - y_j\|^2)(x - y_j)`,
which :mod:`~divergen.distance.pairs` sums. The cloud y may be a Dask array, which fits on no machine: then they are
summed chunk by chunk (:mod:`~divergen.distance.chunked`).
"""

from __future__ import annotations

import numpy as np

from ..arrays import Array, as_points, as_weights, check_same_dimension, check_same_mass, is_chunked, namespace
from ..threads import check_workers
from .chunked import ALL_PAIRS, as_chunked_cloud, chunked_masses, chunked_pair_energy, chunked_pair_sums
from .kernels import HuberEnergy, Kernel
from .line import line_squared_distance, line_squared_distance_and_gradient
from .pairs import pair_sums

__all__ = [
    "cloud_squared_distance", "cloud_squared_distance_and_gradient", "potential", "potential_and_gradient",
    "self_energy", "self_energy_and_gradient",
]


def _as_clouds(x: Array, y: Array, x_weights: Array, y_weights: Array) -> tuple[Array, Array, Array, Array]:
    """Check two clouds, and bring them to their common dtype; chunks of y are brought there later, where they are."""
    x = as_points(x, "x", squared=True)
    if is_chunked(y):
        y, w = as_chunked_cloud(y, y_weights, ("y", "y_weights"), dim=x.shape[1])
        xp = namespace(x)
        x = xp.astype(x, xp.result_type(x.dtype, xp.asarray(np.zeros(0, y.dtype)).dtype))
        return x, y, as_weights(x_weights, x, "x_weights"), w
    y = as_points(y, "y", squared=True)
    check_same_dimension(x, y, "x", "y")
    xp = namespace(x, y)
    dtype = xp.result_type(x.dtype, y.dtype)
    x, y = xp.astype(x, dtype), xp.astype(y, dtype)  # the weights after that: 1/n of a float32 is no 1/n of a float64
    return x, y, as_weights(x_weights, x, "x_weights"), as_weights(y_weights, y, "y_weights")


def _sums(
    x: Array, y: Array, w: Array, kernel: Kernel, gradient: bool, workers: int
) -> tuple[Array, Array | None]:
    """Sum over the points of y, wherever they are."""
    if is_chunked(y):
        return chunked_pair_sums(x, y, w, kernel, gradient, workers)
    return pair_sums(x, y, w, kernel, gradient, workers)


def potential(
    x: Array, y: Array, weights: Array | None = None, kernel: Kernel = HuberEnergy(), *, workers: int = 1
) -> Array:
    r"""Return :math:`U(x_i) = \sum_j w_j h(x_i - y_j)`, the potential of a weighted cloud y at the points x.

    Parameters
    ----------
    x : array, shape (n, d)
        Where.
    y : array or dask array, shape (m, d)
        The cloud.
    weights : array or dask array, shape (m,), optional
        w, of any sign; 1/m each if not given.
    kernel : Kernel
        :math:`h`.
    workers : int
        Threads, -1 for one on each core; the result has the same bits for any number.

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
    return namespace(x).astype(_sums(x, y, w, kernel, False, workers)[0], x.dtype)


def potential_and_gradient(
    x: Array, y: Array, weights: Array | None = None, kernel: Kernel = HuberEnergy(), *, workers: int = 1
) -> tuple[Array, Array]:
    r"""Return :func:`potential` and its gradient, :math:`\sum_j 2 w_j h'(\|x_i - y_j\|^2)\,(x_i - y_j)`.

    Parameters
    ----------
    x, y, weights, kernel, workers
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
    value, gradient = _sums(x, y, w, kernel, True, workers)
    xp = namespace(x)
    return xp.astype(value, x.dtype), xp.astype(gradient, x.dtype)


def self_energy(
    x: Array, weights: Array | None = None, kernel: Kernel = HuberEnergy(), *, workers: int = 1, limit: int = ALL_PAIRS
) -> float:
    r"""Return :math:`\sum_{i,j} w_i w_j h(x_i - x_j)`, over all pairs and the (vanishing) diagonal.

    Parameters
    ----------
    x : array or dask array, shape (n, d)
        The cloud.
    weights : array or dask array, shape (n,), optional
        w, of any sign; 1/n each if not given.
    kernel : Kernel
        :math:`h`.
    workers : int
        Threads, -1 for one on each core; the result has the same bits for any number.
    limit : int
        The most points in a Dask array for which this sum over n^2 pairs is done; arrays in memory have no limit.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        On points or weights that are not finite numbers of these shapes, and on more points than `limit`.

    References
    ----------
    Turinici2023, the last two sums of eq. (4), without their factor 1/2.

    Examples
    --------
    >>> import numpy as np
    >>> print(f"{self_energy(np.array([[0.0], [1.0]]), kernel=HuberEnergy(a=0)):.3f}")
    0.500
    """
    if is_chunked(x):
        return chunked_pair_energy(as_chunked_cloud(x, weights, ("x", "weights")), None, kernel, workers, limit)
    x = as_points(x, "x", squared=True)
    return _own_energy(x, as_weights(weights, x), kernel, workers)


def self_energy_and_gradient(
    x: Array, weights: Array | None = None, kernel: Kernel = HuberEnergy(), *, workers: int = 1
) -> tuple[float, Array]:
    r"""Return :func:`self_energy` and its gradient with respect to the points, :math:`2 w_i \nabla U(x_i)`.

    Parameters
    ----------
    x, weights, kernel, workers
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
    total, gradient = pair_sums(x, None, w, kernel, True, workers)
    w = xp.astype(w, xp.float64)
    return float(xp.sum(total * w)), xp.astype(2 * w[:, None] * gradient, x.dtype)


def cloud_squared_distance(
    x: Array, y: Array, x_weights: Array | None = None, y_weights: Array | None = None,
    kernel: Kernel = HuberEnergy(), *, workers: int = 1,
) -> float:
    r"""Return :math:`d(\sum_i u_i \delta_{x_i}, \sum_j w_j \delta_{y_j})^2`, with the factor 1/2 of the sources.

    Parameters
    ----------
    x : array, shape (n, d)
        First cloud.
    y : array or dask array, shape (m, d)
        Second cloud.
    x_weights, y_weights : array, shapes (n,) and (m,), optional
        u and w, of any sign, with equal sums; 1/n and 1/m each if not given. Those of a Dask array may be one.
    kernel : Kernel
        :math:`h`.
    workers : int
        Threads, -1 for one on each core; the result has the same bits for any number.

    Returns
    -------
    float
        At least 0: what rounding puts below is returned as 0. The absolute error is a few eps times the mean of h.
        All pairs are summed, in O((n + m)^2) time; on a line with a = 0, where :mod:`~divergen.distance.line` sorts
        instead, O((n + m) log(n + m)).

    Raises
    ------
    ValueError
        On points or weights that are not finite numbers of these shapes, on sums of weights that differ, and on a Dask
        array of more than 100,000 points, whose own pairs are too many.

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
    return _cloud_distance(x, y, x_weights, y_weights, kernel, False, workers)[0]


def cloud_squared_distance_and_gradient(
    x: Array, y: Array, x_weights: Array | None = None, y_weights: Array | None = None,
    kernel: Kernel = HuberEnergy(), *, workers: int = 1,
) -> tuple[float, Array]:
    r"""Return :func:`cloud_squared_distance` and its gradient with respect to the points x.

    .. math::

        \nabla_{x_i} d^2 = u_i \Bigl[ \sum_j w_j \nabla h(x_i - y_j) - \sum_{i'} u_{i'} \nabla h(x_i - x_{i'}) \Bigr]

    Parameters
    ----------
    x, y, x_weights, y_weights, kernel, workers
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
    return _cloud_distance(x, y, x_weights, y_weights, kernel, True, workers)


def _cloud_distance(
    x, y, x_weights, y_weights, kernel: Kernel, gradient: bool, workers: int
) -> tuple[float, Array | None]:
    given = x, y, x_weights, y_weights
    x, y, u, w = _as_clouds(*given)
    xp = namespace(x)
    u64 = xp.astype(u, xp.float64)
    tolerance = 1e-9 if x.dtype == xp.float64 else 1e-5
    check_same_mass(float(xp.sum(u64)), _mass(y, w), "x_weights", "y_weights", tolerance=tolerance)
    check_workers(workers)
    if x.shape[1] == 1 and kernel == HuberEnergy(a=0) and not is_chunked(y):  # sorting is enough
        return _line_distance(*given, gradient)  # which has no weights in single precision unless they were given
    towards, towards_gradient = _sums(x, y, w, kernel, gradient, workers)
    apart, apart_gradient = pair_sums(x, None, u, kernel, gradient, workers, folded=not gradient)
    value = float(xp.sum(u64 * (towards - apart / 2))) - _own_energy(y, w, kernel, workers) / 2
    value = max(value, 0.0) + 0.0  # + 0.0 makes 0 of -0
    if towards_gradient is None or apart_gradient is None:
        return value, None
    return value, xp.astype(u64[:, None] * (towards_gradient - apart_gradient), x.dtype)


def _line_distance(
    x: Array, y: Array, x_weights: Array | None, y_weights: Array | None, gradient: bool
) -> tuple[float, Array | None]:
    if gradient:
        return line_squared_distance_and_gradient(x, y, x_weights, y_weights)
    return line_squared_distance(x, y, x_weights, y_weights), None


def _mass(y: Array, w: Array | None) -> float:
    """Return the sum of checked weights, wherever they are; None in chunks is 1/m each."""
    if is_chunked(y):
        return float(chunked_masses(y, w)[0].sum())
    xp = namespace(w)
    return float(xp.sum(xp.astype(w, xp.float64)))


def _own_energy(y: Array, w: Array, kernel: Kernel, workers: int) -> float:
    """Return the sum over all pairs of a checked cloud."""
    if is_chunked(y):
        return chunked_pair_energy((y, w), None, kernel, workers)
    xp = namespace(y)
    total, _ = pair_sums(y, None, w, kernel, False, workers, folded=True)
    return float(xp.sum(total * xp.astype(w, xp.float64)))
