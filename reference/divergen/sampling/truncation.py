r"""Truncation of the latent: give up diversity for quality by keeping the latents near 0.

A generator was trained on :math:`z \sim \mathcal{N}(0, I_L)`, whose density is highest at the origin. Both truncations
make latents smaller, before the generator turns them into images:

- *hard*: a coordinate outside :math:`[-\psi, \psi]` is drawn again until it falls inside, so that each coordinate has
  the normal law conditioned on the interval;
- *soft*: :math:`\psi z`, a normal law with the standard deviation :math:`\psi`.

At :math:`\psi = 0` both give the same point, the origin: one image. The hard truncation at :math:`\psi = \infty` and
the soft one at :math:`\psi = 1` change nothing.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from scipy.special import erf, erfinv

from ..arrays import Array, as_points, check_number, check_rng, like, namespace, to_numpy

__all__ = ["hard_truncation", "soft_truncation"]


def hard_truncation(z: Array, psi: float, rng: np.random.Generator) -> Array:
    r"""Draw every coordinate of z that lies outside :math:`[-\psi, \psi]` again, until it lies within.

    The draws are not repeated one by one, which would not end for a small :math:`\psi`: the law that they end with is
    known, and so is its inverse distribution function. With u uniform on (-1, 1),

    .. math:: z = \sqrt2\, \operatorname{erf}^{-1}\bigl( u \operatorname{erf}(\psi / \sqrt2) \bigr) .

    Parameters
    ----------
    z : array, shape (n, L)
        Draws of :math:`\mathcal{N}(0, I_L)`, latents as rows.
    psi : float
        The bound, at least 0; infinity leaves z as it is.
    rng : numpy.random.Generator
        Draws what is drawn again.

    Returns
    -------
    array, shape (n, L)
        Coordinates that were within the bound are unchanged.

    Raises
    ------
    ValueError
        If z is not an array of finite numbers of shape (n, L), or psi is negative or nan.

    References
    ----------
    Verine2024, "Hard truncation".

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> z = hard_truncation(rng.standard_normal((10_000, 2)), 0.5, rng)
    >>> print(f"{np.abs(z).max():.2f} {z.std():.2f}")
    0.50 0.28
    """
    z = as_points(z, "z")
    rng = check_rng(rng)
    psi = _bound(psi)
    xp = namespace(z)
    bound = _round_down(psi, np.float32 if z.dtype == xp.float32 else np.float64)
    outside = xp.abs(z) > bound
    n_outside = int(xp.count_nonzero(outside))
    if not n_outside:
        return z
    u = 2 * rng.random(n_outside) - 1
    again = np.zeros(tuple(z.shape))
    again[to_numpy(outside)] = np.clip(math.sqrt(2) * erfinv(u * erf(psi / math.sqrt(2))), -bound, bound)
    return xp.where(outside, like(again, z), z)


def soft_truncation(z: Array, psi: float) -> Array:
    r"""Return :math:`\psi z`, latents of the standard deviation :math:`\psi`.

    Parameters
    ----------
    z : array, shape (n, L)
        Draws of :math:`\mathcal{N}(0, I_L)`, latents as rows.
    psi : float
        The scale, finite and at least 0; above 1 it spreads the latents instead.

    Returns
    -------
    array, shape (n, L)

    Raises
    ------
    ValueError
        If z is not an array of finite numbers of shape (n, L), psi is negative or not finite (an infinitely wide normal
        is no law), or the product overflows.

    References
    ----------
    Verine2024, "Soft truncation".

    Examples
    --------
    >>> import numpy as np
    >>> z = soft_truncation(np.array([[1.0, -3.0]]), 0.5)
    >>> print(f"{z[0, 0]:.1f} {z[0, 1]:.1f}")
    0.5 -1.5
    """
    z = as_points(z, "z")
    psi = check_number(psi, "psi", at_least=0)
    xp = namespace(z)
    largest = float(xp.max(xp.abs(z)))
    if psi * max(1.0, largest) > float(xp.finfo(z.dtype).max):
        raise ValueError(f"psi: expected a scale that keeps z finite, got {psi!r}, and a coordinate of {largest:.6g}")
    return psi * z


def _bound(psi: Any) -> float:
    """Return psi as a float of at least 0, or infinity."""
    if isinstance(psi, Real) and not isinstance(psi, bool) and psi == math.inf:
        return math.inf
    return check_number(psi, "psi", at_least=0)


def _round_down(psi: float, dtype: Any) -> float:
    """Return the largest number of this dtype that does not exceed psi, so that rounding cannot step over the bound."""
    bound = dtype(min(psi, float(np.finfo(dtype).max)))
    return float(np.nextafter(bound, dtype(0))) if float(bound) > psi else float(bound)
