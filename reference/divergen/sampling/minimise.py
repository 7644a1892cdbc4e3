r"""Adam on minibatches, and L-BFGS on the distance itself: two ways for points to move downhill.

Both see the part of :math:`d(\delta_X, \eta)^2` that depends on X. Its gradient in one point carries the factor 1/k,
while L-BFGS stops by absolute tolerances: what it is given is :math:`k\,d^2`, whose gradient in each point does not
shrink with k, in units of the target's spread.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize

from ..adam import Schedule, adam_init, adam_step
from ..arrays import Array, namespace, to_numpy
from ..distance.algebra import Diracs, Measure
from ..distance.kernels import Kernel
from ..distance.measures import _moving_part

__all__ = ["Callback", "Descent", "adam", "lbfgs", "unit_of"]

CHECKPOINTS = 50  # how often the trace looks at the distance itself, where the method does not

Callback = Callable[[int, Array], Any]


class Descent(NamedTuple):
    """Where a minimisation ended: the points, the steps it took, whether it is done, and what it saw on the way."""

    points: Array
    iterations: int
    converged: bool
    trace: list[tuple[int, float]]  # iteration, and the part of d^2 that depends on the points


def unit_of(kernel: Kernel, scale: float, k: int) -> float:
    """Return the unit of d^2 in which tolerances are meant: h at the target's spread, over k."""
    return float(kernel.value(np.asarray(scale**2))) / k or 1.0


def adam(
    points: Array, target: Measure, kernel: Kernel, batch_size: int, iterations: int, learning_rate: float | Schedule,
    rng: np.random.Generator, callback: Callback | None, value: Callable[[Array], float], workers: int = 1,
) -> Descent:
    """Algorithms Sg, Semp, TC and HAW-C: one step of Adam on the distance to each fresh minibatch."""
    state = adam_init(points)
    every = math.ceil(iterations / CHECKPOINTS)
    trace = [(0, value(points))]
    for step in range(1, iterations + 1):
        batch = target.minibatch(batch_size, rng)
        _, gradient = _moving_part(Diracs(points), batch, kernel, workers)
        points, state = adam_step(points, gradient, state, learning_rate)
        if step % every == 0 or step == iterations:
            trace.append((step, value(points)))
        if callback is not None and callback(step, points):
            return Descent(points, step, False, trace)
    return Descent(points, iterations, True, trace)


def lbfgs(
    start: Array, target: Measure, kernel: Kernel, iterations: int, scale: float, tolerance: float,
    callback: Callback | None, workers: int = 1,
) -> Descent:
    """Minimise k d^2 by L-BFGS in float64 on the host; the distance itself is computed where the points live.

    L-BFGS sees the points in units of the target's spread about their mean, and d^2, less what it is at the start, in
    units of h at that spread.
    """
    xp = namespace(start)
    centre = to_numpy(start).astype(np.float64).mean(axis=0)
    unit = unit_of(kernel, scale, start.shape[0])

    def unflatten(flat: np.ndarray) -> Array:
        points = centre + scale * flat.reshape(start.shape)  # (k, dim)
        return xp.asarray(points, dtype=xp.float64, device=start.device)

    def objective(flat: np.ndarray, offset: float = 0.0) -> tuple[float, np.ndarray]:
        value, gradient = _moving_part(Diracs(unflatten(flat)), target, kernel, workers)
        return (value - offset) / unit, to_numpy(gradient).reshape(-1) * (scale / unit)

    flat = ((to_numpy(start).astype(np.float64) - centre) / scale).reshape(-1)
    offset = objective(flat)[0] * unit
    trace = [(0, offset)]
    stopped = False

    def watch(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        nonlocal stopped
        trace.append((len(trace), offset + intermediate_result.fun * unit))
        if callback is not None and callback(len(trace) - 1, unflatten(intermediate_result.x)):
            stopped = True
            raise StopIteration

    result = scipy.optimize.minimize(
        objective, flat, args=(offset,), jac=True, method="L-BFGS-B", callback=watch,
        options={"maxiter": iterations, "maxfun": 20 * iterations, "maxcor": 20, "ftol": tolerance, "gtol": 1e-7},
    )
    points = xp.astype(unflatten(result.x), start.dtype)
    return Descent(points, int(result.nit), bool(result.success) and not stopped, trace)
