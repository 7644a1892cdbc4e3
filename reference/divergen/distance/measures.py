r"""The distance between any two measures of equal mass, and its gradient.

.. math::

    d(\mu, \nu)^2 = -\frac12 \iint h(x - y)\,(\mu - \nu)(dx)\,(\mu - \nu)(dy)

is bilinear in :math:`\mu - \nu`. So one formula serves every pair: expand the difference into Diracs and Gaussians, and
sum the double integrals of h over pairs of terms. It is a squared distance only where both masses agree; anything else
is refused.
"""

from __future__ import annotations

from typing import Any

from ..arrays import Array, as_points, check_same_mass, namespace
from . import energy
from .algebra import NO_POTENTIAL, Combination, Diracs, Gaussian, Measure, Sampled
from .kernels import HuberEnergy, Kernel

__all__ = [
    "Combination", "Diracs", "Gaussian", "Measure", "Sampled", "distance", "squared_distance",
    "squared_distance_and_gradient",
]


def _energy(mu: Measure, nu: Measure, kernel: Kernel) -> float:
    r"""Return the double integral of h against two measures without terms of their own."""
    if isinstance(nu, Diracs):
        if mu is nu:
            return nu.self_energy(kernel)
        xp = namespace(nu.points)
        return float(xp.sum(nu.weights * mu.potential(nu.points, kernel), dtype=xp.float64))
    if isinstance(mu, Diracs):
        return _energy(nu, mu, kernel)
    if isinstance(mu, Gaussian) and isinstance(nu, Gaussian):  # x - y is Gaussian with the sum of the covariances
        xp = namespace(mu.mean, nu.mean)
        between = Gaussian(mu.mean - nu.mean, mu.cov + nu.cov)
        return float(between.potential(xp.zeros_like(mu.mean)[None, :], kernel)[0])
    raise ValueError(NO_POTENTIAL)


def _self_energy(measure: Measure, kernel: Kernel) -> float:
    """Return the double integral of h against a measure and itself, with each pair of terms taken once."""
    terms = measure._terms
    total = 0.0
    for i, (a, mu) in enumerate(terms):
        total += a * a * _energy(mu, mu, kernel)
        total += 2 * a * sum(b * _energy(mu, nu, kernel) for b, nu in terms[i + 1 :])
    return total


def _mass_tolerance(*measures: Measure) -> float:
    """Return how far masses may differ by rounding: weights in single precision sum to 1 less well."""
    terms = [m for measure in measures for _, m in measure._terms]
    arrays = [m.weights if isinstance(m, Diracs) else m.mean for m in terms if isinstance(m, (Diracs, Gaussian))]
    return 1e-5 if any(namespace(x).finfo(x.dtype).eps > 1e-8 for x in arrays) else 1e-9


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


def squared_distance(mu: Measure, nu: Measure, kernel: Kernel = HuberEnergy()) -> float:
    r"""Return :math:`d(\mu, \nu)^2 = -\frac12 \iint h(x - y)\,(\mu - \nu)(dx)\,(\mu - \nu)(dy)`.

    Parameters
    ----------
    mu, nu : Measure
        Signed measures of equal mass and dimension.
    kernel : Kernel
        h, :class:`HuberEnergy` with a = 1e-6 if not given.

    Returns
    -------
    float
        At least 0: what rounding puts below is returned as 0.

    Raises
    ------
    ValueError
        If the masses differ (both are printed), or the dimensions, or a measure has no known potential.

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
    return max(-_self_energy(mu - nu, kernel) / 2, 0.0) + 0.0  # + 0.0 makes 0 of -0


def distance(mu: Measure, nu: Measure, kernel: Kernel = HuberEnergy()) -> float:
    r"""Return :math:`d(\mu, \nu)`, the root of :func:`squared_distance`: a metric on measures of one mass.

    Parameters
    ----------
    mu, nu, kernel
        As in :func:`squared_distance`.

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
    return squared_distance(mu, nu, kernel) ** 0.5


def squared_distance_and_gradient(
    points: Array | Diracs, target: Measure, kernel: Kernel = HuberEnergy()
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
        h.

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
    value, gradient = _moving_part(cloud, target, kernel)
    return max(value - _self_energy(target, kernel) / 2, 0.0) + 0.0, gradient


def _moving_part(cloud: Diracs, target: Measure, kernel: Kernel) -> tuple[float, Array]:
    """Return the part of the squared distance that depends on the points, and its gradient: no target-target term."""
    xp = namespace(cloud.points)
    value, pull = target.potential_and_gradient(cloud.points, kernel)
    apart, push = energy.self_energy_and_gradient(cloud.points, cloud.weights, kernel)
    towards = float(xp.sum(cloud.weights * value, dtype=xp.float64))
    return towards - apart / 2, cloud.weights[:, None] * pull - push / 2
