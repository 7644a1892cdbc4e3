r"""Diverse sampling: the k equal Diracs that are closest to a target measure.

.. math:: \min_{X = (x_1, \ldots, x_k)} \; d\Bigl(\frac1k \sum_i \delta_{x_i},\; \eta\Bigr)^2

The four algorithms of the sources are this one, with four targets :math:`\eta`:

========  =====================================================================  ==========================
name      target                                                                 source
========  =====================================================================  ==========================
Sg        ``Gaussian.standard(L)``, the ideal latent distribution                Turinici2023, eq. (2)
Semp      ``Diracs(latents)``, the latents of the data                           Turinici2023, eq. (1)
TC        any measure that can be drawn from, ``Sampled(draw, dim)``             Turinici2022image, A1
HAW-C     ``with_history(mu, history, k)``, signed: what is there already stays  Turinici2022old, A1
========  =====================================================================  ==========================

``method="adam"`` is the sources' way: Adam on the distance to a fresh minibatch of the target, at a rate that falls
along a cosine. Where the target's potential is known exactly, ``method="lbfgs"`` minimises the same function without
noise. Its objective is :math:`k\,d^2`, whose gradient in each point does not shrink with k, in units of the target's
spread: L-BFGS stops by absolute tolerances.
A minimum exists (Turinici2022old, Proposition 1); it need not be unique or the only local one, hence ``restarts``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

from ..adam import Schedule, adam_init, adam_step, cosine_decay
from ..arrays import Array, as_points, check_count, check_number, check_rng, check_same_mass, like, namespace, to_numpy
from ..distance.algebra import Combination, Diracs, Measure, Sampled, _part
from ..distance.kernels import HuberEnergy, Kernel, check_kernel
from ..distance.measures import _check_measure, _mass_tolerance, _moving_part, _self_energy

__all__ = ["Compression", "compress", "recursive_compress", "with_history"]

REFERENCE_SIZE = 10_000  # draws against which the result is judged where the target can only be drawn from
CHECKPOINTS = 50  # how often the trace of Adam looks at the distance to the target itself

Callback = Callable[[int, Array], Any]


@dataclass(frozen=True, eq=False)
class Compression:
    r"""The points that :func:`compress` found, and how close they are.

    Attributes
    ----------
    points : array, shape (k, dim)
        X.
    squared_distance : float
        :math:`d(\delta_X, \eta)^2`, of the points to the target; with a history, to the signed target.
    union_squared_distance : float
        :math:`d(\delta_{X \cup Y}, \mu)^2`, of the points and the history Y together to the target that was given:
        :math:`(k / (n + k))^2` times `squared_distance`, and the same number where there is no history.
    exact : bool
        True if the two are exact; False if the target can only be drawn from, and they are unbiased estimates from
        fresh draws (with restarts, the smallest of several such estimates, which is biased downwards).
    iterations : int
        Steps taken, in the best of the restarts.
    converged : bool
        L-BFGS: whether it met its tolerances. Adam: whether it was not stopped by the callback.
    trace : numpy.ndarray, shape (checkpoints, 2)
        Iteration and `squared_distance` there: the distance to the target, never that to a minibatch.
    """

    points: Array
    squared_distance: float
    union_squared_distance: float
    exact: bool
    iterations: int
    converged: bool
    trace: np.ndarray


def with_history(target: Measure, history: Array, k: int) -> Measure:
    r"""Return the signed measure of mass 1 that k new points should be close to, given points that stay.

    .. math:: \eta = \frac{(n + k)\,\mu - \sum_{j=1}^n \delta_{y_j}}{k}, \qquad
        d(\delta_{X \cup Y}, \mu) = \frac{k}{n + k}\, d(\delta_X, \eta) .

    Parameters
    ----------
    target : Measure
        :math:`\mu`, of mass 1.
    history : array, shape (n, dim)
        Y, the points already there.
    k : int
        How many points are to come.

    Returns
    -------
    Measure

    Raises
    ------
    ValueError
        On a history that is not a cloud of the target's dimension, and on k < 1.

    References
    ----------
    Turinici2022old, eq. (1), divided by K and not by K_p + K (see the errata: as printed its mass is not 1).

    Examples
    --------
    >>> import numpy as np
    >>> from divergen import Gaussian
    >>> print(f"{with_history(Gaussian.standard(2), np.zeros((3, 2)), k=2).mass:.6f}")
    1.000000
    """
    _check_measure(target, "target")
    k = check_count(k, "k")
    history = as_points(history, "history", dim=target.dim)
    n = history.shape[0]
    return ((n + k) * target - n * Diracs(history)) * (1 / k)


def compress(
    target: Measure,
    k: int,
    kernel: Kernel = HuberEnergy(),
    *,
    rng: np.random.Generator,
    method: str = "adam",
    history: Array | None = None,
    batch_size: int = 1000,
    iterations: int = 1000,
    learning_rate: float | Schedule | None = None,
    restarts: int = 1,
    callback: Callback | None = None,
) -> Compression:
    r"""Find k points whose equal Diracs are as close to the target as they can be.

    Parameters
    ----------
    target : Measure
        :math:`\mu`, of mass 1. It may be signed; then its positive part gives the initial points.
    k : int
        How many points.
    kernel : Kernel
        h, :class:`HuberEnergy` with a = 1e-6 if not given.
    rng : numpy.random.Generator
        Where all randomness comes from.
    method : {"adam", "lbfgs"}
        Minibatches of any target, or deterministic minimisation where the potential is known.
    history : array, shape (n, dim), optional
        Points already drawn, which the new ones complete: see :func:`with_history`.
    batch_size : int
        B, draws from the target at each step of Adam.
    iterations : int
        Steps of Adam, or the most that L-BFGS may take.
    learning_rate : float or callable, optional
        Adam's rate or schedule of it, in the units of the points. If not given: half a cosine that starts at a tenth of
        the target's standard deviation.
    restarts : int
        Independent starts, of which the best is returned.
    callback : callable, optional
        ``callback(iteration, points)`` after each step, counted from 1; a true answer stops this start.

    Returns
    -------
    Compression

    Raises
    ------
    ValueError
        On k < 1, a target whose mass is not 1 (both masses are printed), a history of another dimension, an unknown
        method, "lbfgs" for a target without a known potential, and counts or rates out of range.

    References
    ----------
    Turinici2023, algorithms Sg and Semp; Turinici2022image, algorithm A1; Turinici2022old, algorithm A1.

    Examples
    --------
    The best single point for a normal target is its mean:

    >>> import numpy as np
    >>> from divergen import Gaussian
    >>> one = compress(Gaussian.standard(2), 1, rng=np.random.default_rng(0), method="lbfgs")
    >>> print(f"{abs(one.points).max():.4f} {one.squared_distance:.6f}")
    0.0000 0.367087
    """
    _check_measure(target, "target")
    k, rng = check_count(k, "k"), check_rng(rng)
    batch_size, iterations = check_count(batch_size, "batch_size"), check_count(iterations, "iterations")
    restarts = check_count(restarts, "restarts")
    if method not in ("adam", "lbfgs"):
        raise ValueError(f'method: expected "adam" or "lbfgs", got {method!r}')
    check_same_mass(1.0, target.mass, "the k equal Diracs", "target", tolerance=_mass_tolerance(target))
    signed, share = target, 1.0
    if history is not None:
        signed = with_history(target, history, k)
        share = k / (k + as_points(history, "history").shape[0])
    exact = not any(isinstance(m, Sampled) for _, m in target._terms)
    if method == "lbfgs" and not exact:
        raise ValueError('method: expected "adam" for a target that can only be drawn from, got "lbfgs"; '
                         'or give Diracs(target.sample(n, rng)) as the target')
    check_kernel(kernel)
    if learning_rate is not None and not callable(learning_rate):
        check_number(learning_rate, "learning_rate", at_least=0)
    if callback is not None and not callable(callback):
        raise ValueError(f"callback: expected a function callback(iteration, points), got {callback!r}")
    judged, excess = _observed(signed, kernel, rng)
    constant = _self_energy(judged, kernel) + excess

    def squared_distance(points: Array) -> float:
        return max(_moving_part(Diracs(points), judged, kernel)[0] - constant / 2, 0.0) + 0.0

    source = _part(target._terms, 1.0)
    if source is None:
        raise ValueError("target: expected a measure with a positive part to draw the initial points from, got none")
    best: Compression | None = None
    for _ in range(restarts):
        start = _initial(source, k, rng)
        # The unit of length. It is not asked for where nobody needs it, so that all draws are those of the algorithms.
        scale = _spread(source, rng) if learning_rate is None or method == "lbfgs" else 1.0
        if kernel.a > 10 * scale > 0:
            warnings.warn(
                f"kernel: its a = {kernel.a:g} is far above the spread of the target, {scale:.3g}; it is a parabola "
                "there, which sees the mean and nothing else", stacklevel=2,
            )
        if method == "lbfgs":
            points, taken, converged, trace = _lbfgs(
                start, signed, kernel, constant, iterations, scale or 1.0, callback
            )
        else:
            rate = cosine_decay(0.1 * scale, iterations) if learning_rate is None else learning_rate
            points, taken, converged, trace = _adam(
                start, signed, kernel, batch_size, iterations, rate, rng, callback, squared_distance
            )
        value = squared_distance(points)
        if best is None or value < best.squared_distance:
            best = Compression(points, value, share**2 * value, exact, taken, converged, np.asarray(trace))
    return best  # type: ignore[return-value]  # there is at least one start


def recursive_compress(
    target: Measure,
    k: int,
    kernel: Kernel = HuberEnergy(),
    *,
    rng: np.random.Generator,
    history: Array | None = None,
    callback: Callback | None = None,
    **options: Any,
) -> Compression:
    r"""Draw k points one at a time, each the best complement to all that came before it.

    The first j points are then a good summary of the target for every j, which the points of :func:`compress` are not;
    in exchange the k points together are further from it.

    Parameters
    ----------
    target, k, kernel, rng
        As in :func:`compress`.
    history : array, shape (n, dim), optional
        Points that are there before the first.
    callback : callable, optional
        ``callback(number, points)`` after each point, counted from 1; a true answer stops there.
    **options
        ``method``, ``batch_size``, ``iterations``, ``learning_rate`` and ``restarts`` of :func:`compress`, for each
        point. A single point has many local minima: ``restarts`` of 5 to 10 are well spent.

    Returns
    -------
    Compression
        The points in the order in which they were found; `trace` holds the number of points found and the squared
        distance of all of them, with the history, to the target; `iterations` is the sum over the points.

    Raises
    ------
    ValueError
        As :func:`compress`.

    References
    ----------
    Turinici2022old, section 3.2 and figure 2.

    Examples
    --------
    >>> import numpy as np
    >>> from divergen import Gaussian
    >>> found = recursive_compress(Gaussian.standard(1), 2, rng=np.random.default_rng(0), method="lbfgs")
    >>> print(f"{abs(found.points[0, 0]):.4f} {abs(found.points[1, 0]):.4f}")
    0.0000 0.6745
    """
    k = check_count(k, "k")
    unknown = set(options) - {"method", "batch_size", "iterations", "learning_rate", "restarts"}
    if unknown:
        raise ValueError(f"options: expected options of compress, got {', '.join(sorted(unknown))}")
    known = None if history is None else as_points(history, "history")
    found: list[Array] = []
    trace, iterations, converged = [], 0, True
    for number in range(1, k + 1):
        parts = ([] if known is None else [known]) + found
        past = namespace(*parts).concat(parts) if parts else None
        one = compress(target, 1, kernel, rng=rng, history=past, **options)
        found.append(one.points)
        trace.append((number, one.union_squared_distance))
        iterations, converged = iterations + one.iterations, converged and one.converged
        if callback is not None and callback(number, namespace(*found).concat(found)):
            break
    total = len(found) + (0 if known is None else known.shape[0])
    union = trace[-1][1]
    return Compression(
        namespace(*found).concat(found), (total / len(found)) ** 2 * union, union, one.exact, iterations, converged,
        np.asarray(trace),
    )


def _initial(source: Combination, k: int, rng: np.random.Generator) -> Array:
    """Draw the k points to start from: of equal Diracs, each at most once if there are enough of them.

    Two points in one place feel the same pull and no push from each other: they would never part.
    """
    (_, measure), *more = source.terms
    if not more and isinstance(measure, Diracs) and k <= measure.points.shape[0]:
        weights = to_numpy(measure.weights)
        if weights.min() == weights.max():
            chosen = rng.choice(weights.shape[0], size=k, replace=False)
            xp = namespace(measure.points)
            start = xp.take(measure.points, xp.asarray(chosen, device=measure.points.device), axis=0)
            return _apart(start, source, rng)
    return _apart(source.sample(k, rng), source, rng)


def _apart(start: Array, source: Combination, rng: np.random.Generator) -> Array:
    """Move points that share a place apart, by a millionth of the spread of the source."""
    host = to_numpy(start)
    _, first = np.unique(host, axis=0, return_index=True)
    again = np.setdiff1d(np.arange(host.shape[0]), first)
    if again.size == 0:
        return start
    host = host.copy()
    host[again] += 1e-6 * _spread(source, rng) * rng.standard_normal((again.size, host.shape[1]))
    return like(host, start)


def _spread(source: Combination, rng: np.random.Generator) -> float:
    """Return the standard deviation of a coordinate, by a thousand draws; 0 if they all are in one place."""
    draws = to_numpy(source.sample(1000, rng)).astype(np.float64)
    return float(np.sqrt(np.mean(draws.var(axis=0))))


def _observed(target: Measure, kernel: Kernel, rng: np.random.Generator) -> tuple[Measure, float]:
    r"""Return the target with fresh draws in the place of what can only be drawn from, and what its energy lacks then.

    The diagonal of n draws with themselves is 0 where two draws of the target would not meet, so their mean energy is
    (n - 1)/n of the target's. Taking the same draws for all three terms lets their noise cancel to first order.
    """
    terms, excess = [], 0.0
    for weight, measure in target._terms:
        if isinstance(measure, Sampled):
            measure = Diracs(measure.sample(REFERENCE_SIZE, rng))
            excess += weight**2 * _self_energy(measure, kernel) / (REFERENCE_SIZE - 1)
        terms.append((weight, measure))
    return Combination(tuple(terms)), excess


def _adam(
    points: Array, target: Measure, kernel: Kernel, batch_size: int, iterations: int, learning_rate: float | Schedule,
    rng: np.random.Generator, callback: Callback | None, squared_distance: Callable[[Array], float],
) -> tuple[Array, int, bool, list[tuple[int, float]]]:
    """Algorithms Sg, Semp, TC and HAW-C: one step of Adam on the distance to each fresh minibatch."""
    state = adam_init(points)
    every = math.ceil(iterations / CHECKPOINTS)
    trace = [(0, squared_distance(points))]
    for step in range(1, iterations + 1):
        batch = target.minibatch(batch_size, rng)
        _, gradient = _moving_part(Diracs(points), batch, kernel)
        points, state = adam_step(points, gradient, state, learning_rate)
        if step % every == 0 or step == iterations:
            trace.append((step, squared_distance(points)))
        if callback is not None and callback(step, points):
            return points, step, False, trace
    return points, iterations, True, trace


def _lbfgs(
    start: Array, target: Measure, kernel: Kernel, constant: float, iterations: int, scale: float,
    callback: Callback | None,
) -> tuple[Array, int, bool, list[tuple[int, float]]]:
    """Minimise k d^2 by L-BFGS in float64 on the host; the distance itself is computed where the points live.

    L-BFGS sees the points in units of the target's spread about their mean, and d^2 in units of h at that spread.
    """
    xp = namespace(start)
    k = start.shape[0]
    centre = to_numpy(start).astype(np.float64).mean(axis=0)
    unit = float(kernel.value(np.asarray(scale**2))) / k or 1.0

    def unflatten(flat: np.ndarray) -> Array:
        points = centre + scale * flat.reshape(start.shape)  # (k, dim)
        return xp.asarray(points, dtype=xp.float64, device=start.device)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = _moving_part(Diracs(unflatten(flat)), target, kernel)
        return (value - constant / 2) / unit, to_numpy(gradient).reshape(-1) * (scale / unit)

    flat = ((to_numpy(start).astype(np.float64) - centre) / scale).reshape(-1)
    trace = [(0, objective(flat)[0] * unit)]
    stopped = False

    def watch(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        nonlocal stopped
        trace.append((len(trace), intermediate_result.fun * unit))
        if callback is not None and callback(len(trace) - 1, unflatten(intermediate_result.x)):
            stopped = True
            raise StopIteration

    result = scipy.optimize.minimize(
        objective, flat, jac=True, method="L-BFGS-B", callback=watch,
        options={"maxiter": iterations, "maxfun": 20 * iterations, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-7},
    )
    points = xp.astype(unflatten(result.x), start.dtype)
    return points, int(result.nit), bool(result.success) and not stopped, trace
