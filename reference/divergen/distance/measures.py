r"""The distance between any two measures of equal mass, and its gradient.

.. math::

    d(\mu, \nu)^2 = -\frac12 \iint h(x - y)\,(\mu - \nu)(dx)\,(\mu - \nu)(dy)

is bilinear in :math:`\mu - \nu`. So one formula serves every pair: expand the difference into Diracs and Gaussians, and
sum the double integrals of h over pairs of terms. It is a squared distance only where both masses agree; anything else
is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, as_points, check_rng, check_same_mass, namespace, resolution
from . import energy
from .algebra import NO_POTENTIAL, Combination, Diracs, Gaussian, Measure, Sampled
from .kernels import HuberEnergy, Kernel
from .sliced import DIRECTIONS, sliced_between

__all__ = [
    "Combination", "Diracs", "Gaussian", "Measure", "Sampled", "distance", "squared_distance",
    "squared_distance_and_gradient",
]


def _energy(mu: Measure, nu: Measure, kernel: Kernel, workers: int) -> float:
    r"""Return the double integral of h against two measures without terms of their own."""
    if isinstance(nu, Diracs):
        if mu is nu:
            return nu.self_energy(kernel, workers=workers)
        return nu.energy_with(mu, kernel, workers=workers)
    if isinstance(mu, Diracs):
        return _energy(nu, mu, kernel, workers)
    if isinstance(mu, Gaussian) and isinstance(nu, Gaussian):  # x - y is Gaussian with the sum of the covariances
        xp = namespace(mu.mean, nu.mean)
        between = Gaussian(mu.mean - nu.mean, mu.cov + nu.cov)
        return float(between.potential(xp.zeros_like(mu.mean)[None, :], kernel)[0])
    raise ValueError(NO_POTENTIAL)


def _self_energy(measure: Measure, kernel: Kernel, workers: int = 1) -> float:
    """Return the double integral of h against a measure and itself, with each pair of terms taken once."""
    terms = measure._terms
    total = 0.0
    for i, (a, mu) in enumerate(terms):
        total += a * a * _energy(mu, mu, kernel, workers)
        total += 2 * a * sum(b * _energy(mu, nu, kernel, workers) for b, nu in terms[i + 1 :])
    return total


def _mass_tolerance(*measures: Measure) -> float:
    """Return how far masses may differ by rounding: weights in single precision sum to 1 less well."""
    terms = [m for measure in measures for _, m in measure._terms]
    arrays = [m.points if isinstance(m, Diracs) else m.mean for m in terms if isinstance(m, (Diracs, Gaussian))]
    return 1e-5 if any(resolution(x) > 1e-8 for x in arrays) else 1e-9


def _check_measure(mu: Any, name: str) -> None:
    if not isinstance(mu, Measure):
        raise ValueError(f"{name}: expected a measure, such as Diracs(points) or Gaussian.standard(dim), "
                         f"got {type(mu).__name__}")


def _check_comparable(mu: Any, nu: Any, mu_name: str, nu_name: str) -> None:
    _check_measure(mu, mu_name)
    _check_measure(nu, nu_name)
    if mu.dim != nu.dim:
        raise ValueError(
            f"{nu_name}: expected the same dimension as {mu_name}, which is {mu.dim}, got dimension {nu.dim}"
        )
    check_same_mass(mu.mass, nu.mass, mu_name, nu_name, tolerance=_mass_tolerance(mu, nu))


def squared_distance(
    mu: Measure, nu: Measure, kernel: Kernel = HuberEnergy(), *, workers: int = 1, method: str = "exact",
    directions: int = DIRECTIONS, rng: np.random.Generator | None = None,
) -> float:
    r"""Return :math:`d(\mu, \nu)^2 = -\frac12 \iint h(x - y)\,(\mu - \nu)(dx)\,(\mu - \nu)(dy)`.

    Parameters
    ----------
    mu, nu : Measure
        Signed measures of equal mass and dimension.
    kernel : Kernel
        h, :class:`HuberEnergy` with a = 1e-6 if not given.
    workers : int
        Threads for the sums over points, -1 for one on each core; the result has the same bits for any number.
    method : {"exact", "sliced"}
        All pairs, in a time that grows with their number; or an unbiased estimate from random lines, in a time that is
        nearly linear in the number of points: for combinations of Diracs and ``HuberEnergy(a=0)``. On a line
        "sliced" is exact as well.
    directions : int
        How many lines; for "sliced" alone.
    rng : numpy.random.Generator, optional
        Where the lines come from; needed for "sliced" alone. :func:`sliced_squared_distance` tells the standard error.

    Returns
    -------
    float
        At least 0: what rounding puts below is returned as 0.

    Raises
    ------
    ValueError
        If the masses differ (both are printed), or the dimensions, or a measure has no known potential; for "sliced",
        on a kernel with another a, a measure that is not made of Diracs, and no rng.

    References
    ----------
    Turinici2023, eq. (3); half of Turinici2022old, eq. (2).

    Examples
    --------
    >>> import numpy as np
    >>> from divergen import HuberEnergy
    >>> origin = Diracs(np.zeros((1, 2)))
    >>> print(f"{squared_distance(origin, Gaussian.standard(2), HuberEnergy(a=0)):.6f}")
    0.367087
    """
    _check_comparable(mu, nu, "mu", "nu")
    if method == "sliced":
        if kernel != HuberEnergy(a=0):
            raise ValueError('kernel: expected HuberEnergy(a=0) for method="sliced", whose lines make up |x| and '
                             f"nothing else, got {kernel!r}")
        return sliced_between(mu, nu, rng=check_rng(rng), directions=directions, workers=workers).squared_distance
    if method != "exact":
        raise ValueError(f'method: expected "exact" or "sliced", got {method!r}')
    return max(-_self_energy(mu - nu, kernel, workers) / 2, 0.0) + 0.0  # + 0.0 makes 0 of -0


def distance(mu: Measure, nu: Measure, kernel: Kernel = HuberEnergy(), **options: Any) -> float:
    r"""Return :math:`d(\mu, \nu)`, the root of :func:`squared_distance`: a metric on measures of equal mass.

    Parameters
    ----------
    mu, nu, kernel
        As in :func:`squared_distance`.
    **options
        Its other arguments. The root of an unbiased estimate is not unbiased.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As :func:`squared_distance`.

    References
    ----------
    Turinici2023, eq. (3).

    Examples
    --------
    >>> import numpy as np
    >>> from divergen import HuberEnergy
    >>> print(f"{distance(Diracs(np.array([[0.0]])), Diracs(np.array([[9.0]])), HuberEnergy(a=0)):.3f}")
    3.000
    """
    return squared_distance(mu, nu, kernel, **options) ** 0.5


def squared_distance_and_gradient(
    points: Array | Diracs, target: Measure, kernel: Kernel = HuberEnergy(), *, workers: int = 1
) -> tuple[float, Array]:
    r"""Return :math:`d(\delta_X, \nu)^2` and its gradient with respect to the points X.

    .. math:: \nabla_{x_i} d^2 = u_i \Bigl[ \nabla U_\nu(x_i) - \sum_{j} u_j \nabla h(x_i - x_j) \Bigr]

    Parameters
    ----------
    points : array, shape (k, dim), or Diracs
        X, with weights u = 1/k if it is an array.
    target : Measure
        :math:`\nu`, of the same mass.
    kernel : Kernel
        :math:`h`.
    workers : int
        Threads for the sums over pairs, -1 for one on each core; the result has the same bits for any number.

    Returns
    -------
    value : float
    gradient : array, shape (k, dim)

    Raises
    ------
    ValueError
        As :func:`squared_distance`.

    References
    ----------
    The gradient of Turinici2023, eq. (1) and (2).

    Examples
    --------
    >>> import numpy as np
    >>> value, gradient = squared_distance_and_gradient(np.array([[3.0, 0.0]]), Gaussian.standard(2))
    >>> print(f"{value:.5f} {gradient[0, 0]:.5f}")
    2.28635 0.93744
    """
    cloud = points if isinstance(points, Diracs) else Diracs(as_points(points))
    _check_comparable(cloud, target, "points", "target")
    value, gradient = _moving_part(cloud, target, kernel, workers)
    return max(value - _self_energy(target, kernel, workers) / 2, 0.0) + 0.0, gradient


def _moving_part(cloud: Diracs, target: Measure, kernel: Kernel, workers: int = 1) -> tuple[float, Array]:
    """Return the part of the squared distance that depends on the points, and its gradient: no target-target term."""
    xp = namespace(cloud.points)
    value, pull = target.potential_and_gradient(cloud.points, kernel, workers=workers)
    apart, push = energy.self_energy_and_gradient(cloud.points, cloud.weights, kernel, workers=workers)
    towards = float(xp.sum(cloud.weights * value, dtype=xp.float64))
    return towards - apart / 2, cloud.weights[:, None] * pull - push / 2
