r"""The expectation of a kernel under a Gaussian, as one integral, with its gradient.

Every kernel is a mixture :math:`h(s) = \int_0^\infty (1 - e^{-ts})\,\nu(t)\,dt`, and a Gaussian in the exponent
integrates in closed form. With :math:`z \sim N(m, S)`, the eigenvalues :math:`\sigma_i` of S, and
:math:`y = Q^T (x - m)` in its eigenvectors,

.. math::

    \mathbb{E}\, h(x - z) &= \int_0^\infty \bigl[1 - G(t, y)\bigr]\,\nu(t)\,dt, \qquad
    G(t, y) = \prod_i (1 + 2 t \sigma_i)^{-1/2} \exp\Bigl(-\frac{t\,y_i^2}{1 + 2 t \sigma_i}\Bigr), \\
    \frac{\partial}{\partial y_i} \mathbb{E}\, h(x - z) &= 2 y_i \int_0^\infty \frac{t}{1 + 2 t \sigma_i}\,
    G(t, y)\,\nu(t)\,dt .

Every term of both integrands is positive, so nothing cancels, and with :math:`1 - G` taken as ``-expm1(log G)`` the
relative accuracy is that of the quadrature. For a = 0 and S = I the first integral is
:math:`\sqrt2\,\Gamma(\frac{L+1}2)/\Gamma(\frac L2)\;{}_1F_1(-\frac12; \frac L2; -\frac{r^2}2)`; the integral is the
better way to compute it (SciPy's ``hyp1f1`` returns inf at some radii from about L = 100 on), and serves all kernels
and all covariances.

**The quadrature** is the trapezoidal rule after :math:`t = e^{w}`, which converges geometrically: as a function of w
the integrand is analytic for :math:`|\mathrm{Im}\,w| < \pi/2`. It runs with slope 1 over the range of w in which
anything happens, and accelerates exponentially on both sides of it, where only a power of t is left:
:math:`w(v) = v - e^{l - v} + e^{v - r}`.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import (
    Array,
    as_covariance,
    as_points,
    as_vector,
    check_same_dimension,
    like,
    namespace,
    pairs_per_block,
)
from .kernels import Kernel, check_kernel

__all__ = ["expected_kernel", "expected_kernel_and_gradient", "gaussian_self_energy"]

# The error of the trapezoid falls as exp(-pi^2 / STEP): 7e-18 at 1/4. NEGLIGIBLE = -log of what may be left out.
STEP = 0.25
NEGLIGIBLE = 40.0
MARGIN = 4.0
LARGEST_LOG_T = 600.0


def _nodes(kernel: Kernel, c_small: float, c_large: float, finest: float) -> tuple[np.ndarray, np.ndarray]:
    r"""Return nodes t and weights for :math:`\int [\ldots]\,\nu(t)\,dt`.

    `c_small` and `c_large` bound :math:`\mathrm{tr} S + \|y\|^2` over the points: where 1 - G leaves its linear start.
    `finest` is the smallest scale of squared length at which G still changes.
    """
    beta = kernel.exponent
    left = -math.log(max(c_large, kernel.a**2)) - MARGIN
    right = -math.log(finest) + MARGIN
    v_first = left - math.log(NEGLIGIBLE / (1 - beta))
    v_last = right + math.log(NEGLIGIBLE / beta)
    accelerate = True
    if kernel.a > 0:
        cut = math.log(NEGLIGIBLE) + math.log1p(0.25) - 2 * math.log(kernel.a)  # exp(-a^2 t) < exp(-50) beyond
        if cut <= -math.log(c_small) + NEGLIGIBLE / beta:  # it is seen: follow it with slope 1, and stop there
            accelerate, v_last = False, max(cut, v_first + STEP)
    v = v_first + STEP * np.arange(math.ceil((v_last - v_first) / STEP) + 1)  # arange's own steps are rounded
    w = v - np.exp(left - v)
    slope = 1 + np.exp(left - v)
    if accelerate:
        w += np.exp(v - right)
        slope += np.exp(v - right)
    # Far out, t would leave the range of floats. There 1 - G is proportional to t (left) or constant (right), so the
    # node stays at the end of the range and the weight carries the rest (the power t^-beta, and t on the left).
    t = np.exp(np.clip(w, -LARGEST_LOG_T, LARGEST_LOG_T))
    exponent = -beta * w + np.minimum(w + LARGEST_LOG_T, 0.0)
    return t, STEP * slope * kernel.mixture_factor(t) * np.exp(exponent)


def _integrate(y: Array, variances: Array, kernel: Kernel, with_gradient: bool) -> tuple[Array, Array | None]:
    """Return E h(y - z) for z ~ N(0, diag(variances)) at the rows of y, and its gradient; all in float64."""
    xp = namespace(y, variances)
    squares = y * y  # (n, L)
    radii = xp.sum(squares, axis=1)  # (n,)
    trace = float(xp.sum(variances))
    if trace == 0:  # a Dirac
        value, slope = kernel.value_and_derivative(radii)
        return value, 2 * slope[:, None] * y if with_gradient else None
    isotropic = bool(xp.all(variances == variances[0]))
    flat = variances == 0
    finest = 2 * float(xp.min(xp.where(flat, xp.full_like(variances, math.inf), variances)))
    if bool(xp.any(flat)):  # along a direction without variance the point's own coordinate is the finest scale
        own = xp.where(flat & (squares > 0), squares, xp.full_like(squares, math.inf))
        finest = min(finest, float(xp.min(own)))
    t, weights = _nodes(kernel, trace + float(xp.min(radii)), trace + float(xp.max(radii)), finest)
    t, weights = like(t, y), like(weights, y)  # (T,)

    log_determinant = xp.zeros_like(t)
    if isotropic:
        shrink = 1 / (1 / t + 2 * variances[0])  # (T,): t / (1 + 2 t sigma), also where t is huge
        log_determinant = 0.5 * variances.shape[0] * xp.log1p(2 * t * variances[0])
    else:
        shrink = 1 / (1 / t[None, :] + 2 * variances[:, None])  # (L, T)
        log_determinant = 0.5 * xp.sum(xp.log1p(2 * t[None, :] * variances[:, None]), axis=0)

    values, gradients = [], []
    n, rows = y.shape[0], max(1, pairs_per_block(y) // t.shape[0])
    for i in range(0, n, rows):
        block = slice(i, min(i + rows, n))
        if isotropic:
            log_g = radii[block, None] * -shrink  # (rows, T)
        else:
            log_g = squares[block, :] @ -shrink
        log_g -= log_determinant
        values.append(-(xp.expm1(log_g) @ weights))
        if with_gradient:
            g = xp.exp(log_g)
            g *= weights
            if isotropic:
                pull = (g @ shrink)[:, None]  # (rows, 1)
            else:
                pull = g @ xp.permute_dims(shrink, (1, 0))  # (rows, L)
            gradients.append(2 * pull * y[block, :])
    return xp.concat(values), xp.concat(gradients) if with_gradient else None


def _in_eigenbasis(
    x: Array, mean: Array, variances: Array, axes: Array | None, kernel: Kernel, with_gradient: bool
) -> tuple[Array, Array | None]:
    """Return E h(x - z), z ~ N(mean, axes diag(variances) axes^T), and its gradient, in the dtype of x."""
    check_kernel(kernel)
    xp = namespace(x, mean, variances)
    dtype = x.dtype
    y = xp.astype(x, xp.float64) - xp.astype(mean, xp.float64)  # (n, L)
    variances = xp.astype(variances, xp.float64)
    if axes is not None:
        axes = xp.astype(axes, xp.float64)
        y = y @ axes
    value, gradient = _integrate(y, variances, kernel, with_gradient)
    if gradient is not None:
        if axes is not None:
            gradient = gradient @ xp.permute_dims(axes, (1, 0))
        gradient = xp.astype(gradient, dtype)
    return xp.astype(value, dtype), gradient


def _checked(x: Array, mean: Array, cov: Array) -> tuple[Array, Array, Array, Array | None]:
    x = as_points(x, "x", squared=True)
    mean = as_vector(mean, "mean")
    check_same_dimension(mean[None, :], x, "mean", "x")
    variances, axes, _ = as_covariance(cov, mean.shape[0])
    return x, mean, variances, axes


def expected_kernel(x: Array, mean: Array, cov: Array, kernel: Kernel) -> Array:
    r"""Return :math:`\mathbb{E}\,h(x - z)`, :math:`z \sim N(m, S)`, at each row of x.

    Parameters
    ----------
    x : array, shape (n, L)
        Points.
    mean : array, shape (L,)
        :math:`m`.
    cov : array, shape (L, L)
        S, symmetric positive semidefinite; singular ones too.
    kernel : Kernel
        :math:`h`.

    Returns
    -------
    array, shape (n,)
        Relative error below 1e-12 in float64; computed in float64 and rounded once for float32 points.

    Raises
    ------
    ValueError
        On points that are not finite numbers of shape (n, L), and on a matrix that is not a covariance.

    References
    ----------
    Turinici2022image, remark 2: the distance to a normal can be computed analytically.

    Examples
    --------
    The mean length of a standard normal vector in the plane is :math:`\sqrt{\pi/2}`:

    >>> import numpy as np
    >>> from divergen import HuberEnergy
    >>> print(f"{expected_kernel(np.zeros((1, 2)), np.zeros(2), np.eye(2), HuberEnergy(a=0))[0]:.12f}")
    1.253314137316
    """
    x, mean, variances, axes = _checked(x, mean, cov)
    return _in_eigenbasis(x, mean, variances, axes, kernel, False)[0]


def expected_kernel_and_gradient(x: Array, mean: Array, cov: Array, kernel: Kernel) -> tuple[Array, Array]:
    r"""Return :math:`\mathbb{E}\,h(x - z)` as :func:`expected_kernel` does, and its gradient with respect to x.

    Parameters
    ----------
    x, mean, cov, kernel
        As in :func:`expected_kernel`.

    Returns
    -------
    value : array, shape (n,)
    gradient : array, shape (n, L)
        Where S = 0 and x = m the kernel may have a kink: the subgradient 0 is returned.

    Raises
    ------
    ValueError
        As :func:`expected_kernel`.

    References
    ----------
    Turinici2022image, remark 2.

    Examples
    --------
    >>> import numpy as np
    >>> from divergen import HuberEnergy
    >>> u, g = expected_kernel_and_gradient(np.array([[3.0, 0.0]]), np.zeros(2), np.eye(2), HuberEnergy(a=0))
    >>> print(f"{u[0]:.6f} {g[0, 0]:.6f} {g[0, 1]:.6f}")
    3.172577 0.937445 0.000000
    """
    x, mean, variances, axes = _checked(x, mean, cov)
    value, gradient = _in_eigenbasis(x, mean, variances, axes, kernel, True)
    return value, gradient


def gaussian_self_energy(cov: Array, kernel: Kernel) -> float:
    r"""Return :math:`\mathbb{E}\,h(z - z')` for independent :math:`z, z' \sim N(m, S)`; the mean plays no part.

    The difference of the two is N(0, 2S), so this is :func:`expected_kernel` under N(0, 2S) at 0.

    Parameters
    ----------
    cov : array, shape (L, L)
        :math:`S`.
    kernel : Kernel
        :math:`h`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If S is not a symmetric positive semidefinite matrix.

    References
    ----------
    Turinici2022image, remark 2.

    Examples
    --------
    In the plane two standard normal points lie :math:`\sqrt\pi` apart on average:

    >>> import numpy as np
    >>> from divergen import HuberEnergy
    >>> print(f"{gaussian_self_energy(np.eye(2), HuberEnergy(a=0)):.12f}")
    1.772453850906
    """
    xp = namespace(cov)
    dim = xp.asarray(cov).shape[0] if xp.asarray(cov).ndim else 1
    variances, _, _ = as_covariance(cov, dim)
    zero = xp.zeros((1, dim), dtype=variances.dtype, device=variances.device)
    return float(_in_eigenbasis(zero, zero[0, :], 2 * variances, None, kernel, False)[0][0])
