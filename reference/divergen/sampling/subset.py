r"""The best k of the target's own points: one after the other, then by swaps.

Let A be the points chosen so far together with those of the history, N of them. With the target's potential U and
:math:`S(x) = \sum_{y \in A} h(x - y)`, both known at all own points, adding x changes the part of the distance that
depends on the points, :math:`\frac1N \sum_A U - \frac1{2N^2} \sum_{A \times A} h`, by :math:`\frac1N` times

.. math:: \mathrm{score}(x) = U(x) - \frac{S(x)}N ,

N counting x as well, and a constant. So the *greedy* choice is the lowest score, again and again; a *swap* takes one
point out and puts that of the lowest score in. Both need one column h(. - x) for each point that comes or goes, O(n),
and U once, O(n^2): a pass of swaps over all k points costs O(nk), and O(n) memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..arrays import Array, namespace, pairs_per_block, to_numpy
from ..distance import energy
from ..distance.algebra import Diracs
from ..distance.kernels import Kernel
from ..distance.pairs import pair_sums
from .minimise import Callback, Descent

__all__ = ["Candidates", "Chosen", "candidates", "greedy", "nearest", "swaps"]

IMPROVEMENT = 1e-12  # a swap has to gain more than this share of the largest potential: rounding is no gain


class Candidates(NamedTuple):
    """What choosing needs to know of all n own points."""

    points: Array  # (n, dim)
    potential: Array  # U, (n,)
    closed: Array  # (n,): infinite where a point may not be chosen, or is already, 0 elsewhere
    history: Array  # S of the points that stay, (n,)
    stay: int  # how many those are
    kernel: Kernel


class Chosen(NamedTuple):
    """Indices in the order of choice, and S at each of them when it was chosen."""

    indices: list[int]
    sums: list[float]


def candidates(target: Diracs, history: Array | None, kernel: Kernel, workers: int = 1) -> Candidates:
    """Compute the potentials at the target's own points; those without positive weight may not be chosen."""
    points, weights = target.points, target.weights
    xp = namespace(points)
    potential, _ = pair_sums(points, None, weights, kernel, False, workers)
    target._energies.setdefault(kernel, float(xp.sum(potential * xp.astype(weights, xp.float64))))  # it is there now
    zero = xp.zeros_like(potential)
    past = zero
    if history is not None:
        ones = xp.ones((history.shape[0],), dtype=xp.float64, device=points.device)
        past = energy.potential(xp.astype(points, xp.float64), xp.astype(history, xp.float64), ones, kernel,
                                workers=workers)
    closed = xp.where(weights > 0, zero, xp.full_like(zero, xp.inf))
    return Candidates(points, potential, closed, past, 0 if history is None else history.shape[0], kernel)


def _column(points: Array, i: int, kernel: Kernel) -> Array:
    """Return h(x - x_i) for all points x, (n,), in float64."""
    xp = namespace(points)
    here, rows = xp.astype(points[i, :], xp.float64), max(1, 8 * pairs_per_block(points) // points.shape[1])
    n, parts = points.shape[0], []
    for j in range(0, n, rows):
        difference = xp.astype(points[j : min(j + rows, n), :], xp.float64) - here  # (rows, dim)
        parts.append(kernel.value(xp.sum(difference * difference, axis=1)))
    return xp.concat(parts)


def greedy(known: Candidates, k: int, callback: Callback | None = None) -> Chosen:
    """Choose k points one after the other, each the best complement to all before it; the first one of equals."""
    xp = namespace(known.points)
    sums, closed = known.history, xp.asarray(known.closed, copy=True)
    chosen: list[int] = []
    at_choice: list[float] = []
    for number in range(1, k + 1):
        i = int(xp.argmin(known.potential - sums / (known.stay + number) + closed))
        closed[i] = xp.inf
        chosen.append(i)
        at_choice.append(float(sums[i]))
        sums = sums + _column(known.points, i, known.kernel)
        if callback is not None and callback(number, take(known.points, chosen)):
            break
    return Chosen(chosen, at_choice)


def nearest(known: Candidates, start: Array) -> list[int]:
    """Return for each point of `start` the nearest own point that is left."""
    xp = namespace(known.points, start)
    closed, chosen = xp.asarray(known.closed, copy=True), []
    for j in range(start.shape[0]):
        difference = known.points - start[j, :]
        i = int(xp.argmin(xp.sum(difference * difference, axis=1) + xp.astype(closed, difference.dtype)))
        closed[i] = xp.inf
        chosen.append(i)
    return chosen


def swaps(
    known: Candidates, chosen: list[int], passes: int, callback: Callback | None, value: Callable[[Array], float]
) -> tuple[Descent, np.ndarray]:
    """Swap points for better ones, one after the other, until no swap at all improves the whole."""
    xp = namespace(known.points)
    chosen, closed, sums = list(chosen), xp.asarray(known.closed, copy=True), known.history
    column = functools.partial(_column, known.points, kernel=known.kernel)
    for i in chosen:
        closed[i] = xp.inf
        sums = sums + column(i)
    count = known.stay + len(chosen)
    least = IMPROVEMENT * float(xp.max(xp.abs(known.potential)))
    points = take(known.points, chosen)
    trace, converged = [(0, value(points))], False
    for number in range(1, passes + 1):
        converged = True
        for slot, out in enumerate(chosen):
            rest = sums - column(out)
            score = known.potential - rest / count
            closed[out] = 0.0
            best = int(xp.argmin(score + closed))
            if float(score[best]) < float(score[out]) - least:
                chosen[slot], sums, converged = best, rest + column(best), False
            closed[chosen[slot]] = xp.inf
        points = take(known.points, chosen)
        trace.append((number, value(points)))
        stopped = callback is not None and callback(number, points)
        if stopped or converged:
            break
    return Descent(points, number, converged and not stopped, trace), np.asarray(chosen)


def take(points: Array, chosen: list[int]) -> Array:
    """Return the chosen points, (k, dim)."""
    xp = namespace(points)
    return xp.take(points, xp.asarray(np.asarray(chosen), device=points.device), axis=0)


def prefix_values(known: Candidates, found: Chosen, target: Diracs, history: Array | None) -> np.ndarray:
    """Return, for each number of chosen points, the moving part of d^2 of these and the history to the target."""
    potentials = to_numpy(take(known.potential[:, None], found.indices))[:, 0]
    towards, apart = np.cumsum(potentials), 2 * np.cumsum(found.sums)
    if history is not None:
        towards += float(np.sum(to_numpy(target.potential(history, known.kernel))))
        apart += known.stay**2 * energy.self_energy(history, None, known.kernel)
    count = known.stay + np.arange(1, len(found.indices) + 1)
    return towards / count - apart / (2 * count**2)
