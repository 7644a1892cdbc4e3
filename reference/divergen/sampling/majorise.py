r"""Majorise-minimise: each step goes to the minimum of a parabola that lies above the distance and touches it.

With :math:`\eta = \eta_+ - \eta_-` and the Huber-energy kernel, k times the part of :math:`d(\delta_X, \eta)^2` that
depends on X is

.. math:: F(X) = \sum_i \int h(x_i - z)\,\eta_+(dz) - \sum_i \int h(x_i - z)\,\eta_-(dz)
    - \frac1{2k} \sum_{i,j} h(x_i - x_j) .

The attraction is the root of a square, and the root is concave: at :math:`s_0 = \|x^0 - z\|^2`

.. math:: h(x - z) \le h(x^0 - z) + h'(s_0)\,\bigl(\|x - z\|^2 - s_0\bigr), \qquad
    2 h'(s_0) = \frac{1}{\sqrt{\|x^0 - z\|^2 + a^2}} .

The repulsion is minus a convex function, which lies below its tangents. Together they are a parabola in each point,
with the gradient of F at :math:`X^0` and the curvature :math:`\kappa_i`, and the step is

.. math:: x_i = x_i^0 - \omega\,\frac{\nabla_i F(X^0)}{\kappa_i}, \qquad
    \kappa_i = \int \frac{\eta_+(dz)}{\sqrt{\|x_i^0 - z\|^2 + a^2}} .

For every :math:`0 < \omega < 2` it lowers the parabola, hence F, by at least
:math:`\omega (1 - \frac\omega2) \sum_i \|\nabla_i F\|^2 / \kappa_i`. :math:`\omega = 1` goes to its minimum, which for
a = 0 is the fixed point of the support points (MakJoseph2018), and for k = 1 Weiszfeld's.

Data very close to a point would hold it, for a parabola there is steep; when no other step is left, and in the first
one, they are majorised by cones in the place of parabolas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..arrays import Array, namespace
from ..distance import energy, gaussian
from ..distance.algebra import Diracs, Gaussian, Measure, _part
from ..distance.kernels import HuberEnergy, Kernel
from .minimise import CHECKPOINTS, Callback, Descent, unit_of

__all__ = ["mm"]

OMEGA = 1.5  # the length of a step; twice as fast as 1 in the plane, where the parabola is twice too steep
NEAR = 1e-4  # of the target's spread: so close to a datum its parabola is too steep to get away from it


@dataclass(frozen=True)
class _Attraction(HuberEnergy):
    """No kernel: it lets one pass over all pairs sum curvatures in the place of values, beside the gradients.

    Pairs as close as `near` are left out; at -1 that is none, at 0 those in the very same place.
    """

    near: float = -1.0

    def value_and_derivative(self, squared_radius: Array) -> tuple[Array, Array]:
        slope = super().value_and_derivative(squared_radius)[1]
        if self.near >= 0:
            slope = namespace(slope).where(squared_radius > self.near**2, slope, 0.0 * squared_radius)
        return 2 * slope, slope


@dataclass(frozen=True)
class _Close(HuberEnergy):
    """No kernel: it sums the weights of the points as close as `near`."""

    near: float = 0.0

    def value(self, squared_radius: Array) -> Array:
        return namespace(squared_radius).astype(squared_radius <= self.near**2, squared_radius.dtype)

    def value_and_derivative(self, squared_radius: Array) -> tuple[Array, Array]:
        return self.value(squared_radius), 0.0 * squared_radius


def attraction(
    x: Array, measure: Measure, kernel: Kernel, workers: int = 1, near: float = -1.0
) -> tuple[Array, Array]:
    r"""Return the gradient of a positive measure's potential at x, (k, dim), and a curvature that majorises it, (k,).

    .. math:: U(x') \le U(x) + \nabla U(x) \cdot (x' - x) + \frac{\kappa(x)}2 \|x' - x\|^2

    For Diracs it is the sum of those of its points. The potential of a Gaussian is a concave function of the *squares*
    of the coordinates :math:`y_i` along its axes, so :math:`\frac{1}{y_i} \partial_i U`, which is smooth at 0, is a
    curvature along each axis, and the largest one serves for all. What :func:`mass_near` counts is left out of both.
    """
    xp = namespace(x)
    total_gradient, total = xp.zeros_like(x), xp.zeros_like(x[:, 0])
    for weight, term in measure._terms:
        if isinstance(term, Gaussian):
            gradient, curvature = _gaussian_attraction(x, term, kernel)
            apart = 1.0 - _at_narrow(x, term, near)
            gradient, curvature = apart[:, None] * gradient, apart * curvature
        else:
            curvature, gradient = term.potential_and_gradient(x, _Attraction(kernel.a, near), workers=workers)
        total_gradient = total_gradient + weight * gradient
        total = total + weight * curvature
    return total_gradient, total


def mass_near(x: Array, measure: Measure, workers: int, near: float) -> Array:
    """Return how much of a positive measure is as close as `near` to each x, (k,): of Diracs, and narrow Gaussians."""
    total = namespace(x).zeros_like(x[:, 0])
    for weight, term in measure._terms:
        if isinstance(term, Diracs):
            total = total + weight * term.potential(x, _Close(0.0, near), workers=workers)
        elif isinstance(term, Gaussian):
            total = total + weight * _at_narrow(x, term, near)
    return total


def _at_narrow(x: Array, measure: Gaussian, near: float) -> Array:
    """Return 1 where x is as close as `near` to the mean of a Gaussian that is no wider, else 0; shape (k,)."""
    xp = namespace(x)
    y = x - xp.astype(measure.mean, x.dtype)
    if near < 0 or float(xp.sum(measure._variances)) > near**2:
        return xp.zeros_like(x[:, 0])
    return xp.astype(xp.sum(y * y, axis=1) <= near**2, x.dtype)


def _gaussian_attraction(x: Array, measure: Gaussian, kernel: Kernel) -> tuple[Array, Array]:
    xp = namespace(x)
    y = x - xp.astype(measure.mean, x.dtype)
    axes = None if measure._axes is None else xp.astype(measure._axes, x.dtype)
    if axes is not None:
        y = y @ axes  # (k, dim)
    tiny = 1e-9 * (float(xp.sum(measure._variances)) ** 0.5 or 1.0)
    safe = xp.where(xp.abs(y) > tiny, y, xp.full_like(y, tiny))
    _, slopes = gaussian._in_eigenbasis(safe, xp.zeros_like(measure.mean), measure._variances, None, kernel, True)
    slopes = slopes / safe
    gradient = slopes * y
    if axes is not None:
        gradient = gradient @ xp.permute_dims(axes, (1, 0))
    return gradient, xp.max(slopes, axis=1)


def mm(
    start: Array, target: Measure, kernel: Kernel, iterations: int, scale: float, tolerance: float,
    callback: Callback | None, value: Callable[[Array], float], workers: int = 1,
) -> Descent:
    """Take majorise-minimise steps until the next one is sure of less than the tolerance; in float64."""
    xp = namespace(start)
    plus = _part(target._terms, 1.0) or target  # its mass is 1, so there is a positive part
    minus = _part(target._terms, -1.0)
    x, k = xp.astype(start, xp.float64), start.shape[0]
    unit = unit_of(kernel, scale, k)
    every = math.ceil(iterations / CHECKPOINTS)
    kinks = kernel.a**2 < xp.finfo(x.dtype).smallest_normal  # at each of the target's points
    trace = [(0, value(x))]
    step, converged = 0, False
    while step < iterations and not converged:
        repulsion = k / 2 * energy.self_energy_and_gradient(x, None, kernel)[1]  # (k, dim)
        if minus is not None:
            repulsion = repulsion + minus.potential_and_gradient(x, kernel, workers=workers)[1]
        move, sure = _step(x, plus, repulsion, kernel, workers, 0.0 if kinks else -1.0)
        least = tolerance * unit * k / (OMEGA * (1 - OMEGA / 2))
        if step == 0 or float(xp.sum(sure)) <= least:  # is anything held by data nearby that need not be?
            other, surer = _step(x, plus, repulsion, kernel, workers, NEAR * scale)
            move = xp.where((surer > sure)[:, None], other, move)
            sure = xp.maximum(sure, surer)
        x = x - OMEGA * move
        step += 1
        converged = float(xp.sum(sure)) <= least
        if step % every == 0 or step == iterations or converged:
            trace.append((step, value(x)))
        if callback is not None and callback(step, x):
            return Descent(xp.astype(x, start.dtype), step, False, trace)
    return Descent(xp.astype(x, start.dtype), step, converged, trace)


def _step(
    x: Array, plus: Measure, repulsion: Array, kernel: Kernel, workers: int, near: float
) -> tuple[Array, Array]:
    r"""Return minus the way of each point to the minimum of its majoriser, (k, dim), and twice what that gains, (k,).

    Close to a datum of weight w its parabola is steep, and at the datum, for a = 0, there is none. But h rises no
    faster than the distance, so :math:`w \|x' - x\|` lies above what the data within `near` add. All the rest plus
    that cone has its minimum along the gradient of the rest, at a length shorter by w, or at the point itself
    (VardiZhang2000 for k = 1, Weiszfeld's problem).
    """
    xp = namespace(x)
    gradient, curvature = attraction(x, plus, kernel, workers, near)
    gradient = gradient - repulsion
    if near >= 0:
        length = xp.sqrt(xp.sum(gradient * gradient, axis=1))
        left = length - mass_near(x, plus, workers, near)
        factor = xp.where(left > 0, left, xp.zeros_like(left)) / xp.where(length > 0, length, xp.ones_like(length))
        gradient = factor[:, None] * gradient
    move = gradient / xp.where(curvature > 0, curvature, xp.ones_like(curvature))[:, None]
    return move, xp.sum(gradient * move, axis=1)
