r"""On a line the energy distance needs no pairs: sort, add up, and square.

For :math:`h = |x|` (a = 0) and measures :math:`\mu = \sum_i u_i \delta_{x_i}` and :math:`\nu = \sum_j w_j \delta_{y_j}`
of equal mass on the line, let :math:`S(t)` be what :math:`\sigma = \mu - \nu` has to the left of t. Then

.. math::

    d(\mu, \nu)^2 = -\frac12 \iint |s - t|\,\sigma(ds)\,\sigma(dt) = \int S(t)^2\,dt .

S is constant between neighbouring points, so the integral is a sum of n + m - 1 terms, none of them negative: nothing
cancels, and sorting is the only step that costs more than O(n + m). Weights may have any sign.

**Accuracy.** A running sum of N terms takes N roundings, which for equal weights all go the same way: at a million
points 10 digits are left. In two levels, :math:`\sqrt N` rows of :math:`\sqrt N` terms, it takes :math:`2\sqrt N`.
Everything is computed in float64, whatever the points are. Masses that differ by rounding leave S a little off 0
behind the last point; half of that is taken off everywhere, so that left and right are treated alike.
"""

from __future__ import annotations

import math
from typing import Any

from ..arrays import Array, as_points, as_weights, check_same_mass, namespace

__all__ = ["line_squared_distance", "line_squared_distance_and_gradient"]


def line_squared_distance(
    x: Array, y: Array, x_weights: Array | None = None, y_weights: Array | None = None
) -> float:
    r"""Return :math:`d(\sum_i u_i \delta_{x_i}, \sum_j w_j \delta_{y_j})^2` on a line for :math:`h = |x|`, by sorting.

    Parameters
    ----------
    x : array, shape (n, 1)
        First cloud.
    y : array, shape (m, 1)
        Second cloud.
    x_weights, y_weights : array, shapes (n,) and (m,), optional
        u and w, of any sign, with equal sums; 1/n and 1/m each if not given.

    Returns
    -------
    float
        At least 0, and what :func:`~divergen.distance.energy.cloud_squared_distance` gives with ``HuberEnergy(a=0)``.

    Raises
    ------
    ValueError
        On points that are not on a line, points or weights that are not finite numbers of these shapes, and on sums of
        weights that differ.

    References
    ----------
    Turinici2023, eq. (4), for the kernel of the energy distance in one dimension; SzekelyRizzo2013.

    Examples
    --------
    >>> import numpy as np
    >>> print(f"{line_squared_distance(np.array([[0.0]]), np.array([[3.0], [1.0]])):.3f}")
    1.500
    """
    z, s, _, _ = _on_a_line(x, y, x_weights, y_weights)
    return float(signed_line(z, s)[0])


def line_squared_distance_and_gradient(
    x: Array, y: Array, x_weights: Array | None = None, y_weights: Array | None = None
) -> tuple[float, Array]:
    r"""Return :func:`line_squared_distance` and its gradient with respect to the points x.

    .. math::

        \frac{\partial d^2}{\partial x_i} = -u_i \bigl[ S(x_i^-) + S(x_i^+) \bigr]
        = u_i \Bigl[ \sum_j w_j \operatorname{sgn}(x_i - y_j) - \sum_k u_k \operatorname{sgn}(x_i - x_k) \Bigr],

    from the values of S just left and just right of the point.

    Parameters
    ----------
    x, y, x_weights, y_weights
        As in :func:`line_squared_distance`.

    Returns
    -------
    value : float
    gradient : array, shape (n, 1)
        A point takes the subgradient 0 from those that coincide with it.

    Raises
    ------
    ValueError
        As :func:`line_squared_distance`.

    References
    ----------
    The gradient of Turinici2023, eq. (4).

    Examples
    --------
    >>> import numpy as np
    >>> value, gradient = line_squared_distance_and_gradient(np.array([[0.0]]), np.array([[3.0], [1.0]]))
    >>> print(f"{value:.3f} {gradient[0, 0]:.3f}")
    1.500 -1.000
    """
    z, s, n, dtype = _on_a_line(x, y, x_weights, y_weights)
    value, slopes = signed_line(z, s, n)
    return float(value), namespace(z).astype((s[:n] * slopes)[:, None], dtype)


def signed_line(z: Array, s: Array, gradients: int = 0, tie: Array | float = 0.0) -> tuple[Array, Array | None]:
    r"""Return :math:`\int S^2` for the measure :math:`\sigma = \sum_k s_k \delta_{z_k}` of mass 0, and its slopes.

    Parameters
    ----------
    z, s : array, shape (N,), float64
        Points and their weights, in any order.
    gradients : int
        For how many of the points, from the first, slopes are wanted.
    tie : float
        Points that are no further apart than this take the subgradient 0 from each other.

    Returns
    -------
    value : array, shape ()
        :math:`-\frac12 \sum_{k,l} s_k s_l |z_k - z_l| \ge 0`.
        An array and not a Python number, for which a GPU would have to be waited for.
    slopes : array of shape (gradients,), or None
        :math:`-\sum_l s_l \operatorname{sgn}(z_k - z_l)`, which times :math:`s_k` is the derivative in :math:`z_k`.
    """
    xp = namespace(z)
    order = xp.argsort(z)
    z = xp.take(z, order)
    levels = _running_sums(xp.take(s, order))  # (N + 1,): S left of all points, between them, and right of all
    levels -= levels[-1:] / 2
    inner = levels[1:-1]
    gaps = z[1:] - z[:-1]
    value = xp.sum(inner * inner * gaps)
    if not gradients:
        return value, None
    if bool(xp.any(gaps <= tie)):  # S jumps once where several points are
        left, right = xp.searchsorted(z, z - tie, side="left"), xp.searchsorted(z, z + tie, side="right")
        slopes = -(xp.take(levels, left) + xp.take(levels, right))
    else:
        slopes = -(levels[:-1] + levels[1:])
    places = xp.argsort(order)[:gradients]  # the inverse of the permutation
    return value, xp.take(slopes, places)


def _running_sums(s: Array) -> Array:
    """Return the N + 1 sums of none, one, two, ... of the numbers, in rows of about sqrt(N): see Accuracy."""
    xp = namespace(s)
    count = s.shape[0] + 1
    width = math.isqrt(count - 1) + 1
    zeros = xp.zeros((width * -(-count // width) - count + 1,), dtype=s.dtype, device=s.device)
    rows = xp.reshape(xp.concat([zeros[:1], s, zeros[1:]]), (-1, width))  # the sum of none first, the rest is padding
    within = xp.cumulative_sum(rows, axis=1)
    before = xp.cumulative_sum(within[:-1, -1])
    within[1:, :] += before[:, None]
    return xp.reshape(within, (-1,))[:count]


def signed_weights(x: Array, y: Array, x_weights: Array | None, y_weights: Array | None) -> Array:
    """Return the weights of mu - nu in float64, shape (n + m,), x first; raise ValueError unless the masses agree."""
    xp = namespace(x, y)
    single = xp.float32 in (x.dtype, y.dtype)
    u, w = (
        xp.full((points.shape[0],), 1.0 / points.shape[0], dtype=xp.float64, device=points.device)
        if weights is None else xp.astype(as_weights(weights, points, name), xp.float64)
        for points, weights, name in ((x, x_weights, "x_weights"), (y, y_weights, "y_weights"))
    )
    check_same_mass(float(xp.sum(u)), float(xp.sum(w)), "x_weights", "y_weights", tolerance=1e-5 if single else 1e-9)
    return xp.concat([u, -w])


def _on_a_line(
    x: Array, y: Array, x_weights: Array | None, y_weights: Array | None
) -> tuple[Array, Array, int, Any]:
    """Check two clouds; return all points and signed weights in float64, how many are x's, and the gradient's dtype."""
    x, y = as_points(x, "x", dim=1, squared=True), as_points(y, "y", dim=1, squared=True)
    s = signed_weights(x, y, x_weights, y_weights)
    xp = namespace(x)
    z = xp.concat([xp.astype(x[:, 0], xp.float64), xp.astype(y[:, 0], xp.float64)])
    return z, s, x.shape[0], xp.result_type(x.dtype, y.dtype)
