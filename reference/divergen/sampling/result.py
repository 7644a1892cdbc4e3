"""What a compression is: the points, and how close they are, which is computed when it is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from ..distance.algebra import Combination, Diracs, Measure, Sampled
from ..distance.kernels import Kernel
from ..distance.measures import _self_energy

__all__ = ["Compression"]

REFERENCE_SIZE = 10_000  # draws against which the result is judged where the target can only be drawn from


@dataclass(frozen=True, eq=False)
class Compression:
    r"""The points that :func:`compress` found, and how close they are.

    The distances contain the double integral of h over the target, which no choice of points changes. Of n Diracs it
    takes n^2 / 2 pairs, most often more work than the points themselves: it is left until one of the distances is read.

    Attributes
    ----------
    points : array, shape (k, dim)
        :math:`X`.
    squared_distance : float
        :math:`d(\delta_X, \eta)^2`, of the points to the target; with a history, to the signed target.
    union_squared_distance : float
        :math:`d(\delta_{X \cup Y}, \mu)^2`, of the points and the history Y together to the target that was given:
        :math:`(k / (n + k))^2` times `squared_distance`, and the same number where there is no history.
    exact : bool
        True if the two are exact; False if the target can only be drawn from, or lies in chunks of more points than
        pairs are summed of, and they are unbiased estimates from fresh draws (with restarts, the smallest of several
        such estimates, which is biased downwards).
    iterations : int
        Steps taken, in the best of the restarts; of a subset, passes of swaps.
    converged : bool
        L-BFGS and MM: whether they met their tolerances. Subset: whether no swap is left that improves it. Adam:
        whether it was not stopped by the callback.
    trace : numpy.ndarray, shape (checkpoints, 2)
        Iteration and `squared_distance` there: the distance to the target, never that to a minibatch.
    indices : numpy.ndarray of int, shape (k,), or None
        Of a subset: which of the target's own points these are.
    """

    points: Array
    exact: bool
    iterations: int
    converged: bool
    indices: np.ndarray | None = None
    # d^2 without the part that no choice of points changes: at the end, and (iteration, value) on the way; that part;
    # and what turns the distance to the signed target into that of the union to the target.
    _moving: float = field(default=0.0, repr=False)
    _moving_trace: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)), repr=False)
    _constant: Callable[[], float] = field(default=float, repr=False)
    _union_factor: float = field(default=1.0, repr=False)

    @functools.cached_property
    def _fixed(self) -> float:
        return self._constant()

    @property
    def squared_distance(self) -> float:
        return max(self._moving + self._fixed, 0.0) + 0.0  # + 0.0 makes 0 of -0

    @property
    def union_squared_distance(self) -> float:
        return self._union_factor * self.squared_distance

    @property
    def trace(self) -> np.ndarray:
        iterations, moving = self._moving_trace[:, 0], self._moving_trace[:, 1]
        return np.stack([iterations, np.maximum(moving + self._fixed, 0.0)], axis=1)


def is_estimated(measure: Measure, kernel: Kernel) -> bool:
    """Tell whether distances to this measure, which is no combination, are estimated from draws."""
    return isinstance(measure, Sampled) or (isinstance(measure, Diracs) and not measure.has_self_energy(kernel))


def observed(
    target: Measure, kernel: Kernel, rng: np.random.Generator, workers: int = 1
) -> tuple[Measure, Callable[[], float]]:
    r"""Return the target with fresh draws in the place of what they stand for, and its part of d^2, uncomputed.

    They stand for what can only be drawn from, and for clouds in chunks whose pairs are too many.

    That part is minus half its double integral of h. The diagonal of n draws with themselves is 0 where two draws of
    the target would not meet, so their mean energy is (n - 1)/n of the target's. Taking the same draws for all three
    terms lets their noise cancel to first order.
    """
    terms: list[tuple[float, Measure]] = []
    drawn: list[tuple[float, Diracs]] = []
    for weight, measure in target._terms:
        if is_estimated(measure, kernel):
            share = measure.mass
            measure = Diracs(measure.sample(REFERENCE_SIZE, rng))
            weight = weight * share
            drawn.append((weight, measure))
        terms.append((weight, measure))
    judged = Combination(tuple(terms))
    return judged, functools.partial(_constant, judged, tuple(drawn), kernel, workers)


def _constant(judged: Measure, drawn: tuple[tuple[float, Diracs], ...], kernel: Kernel, workers: int) -> float:
    """Return the part of d^2 that no choice of points changes, the missing diagonal of the draws included."""
    missing = sum(weight**2 * draws.self_energy(kernel, workers=workers) / (draws.points.shape[0] - 1)
                  for weight, draws in drawn)
    return -(_self_energy(judged, kernel, workers) + missing) / 2
