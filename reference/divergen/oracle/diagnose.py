r"""Why an implementation is off, if all of its golden vectors tell the same: a table of readings, tried one by one.

A reading is a way in which values that are wrong would be right: by another convention, with two results exchanged,
with an argument taken for another. One is believed if it puts three quarters of what is off right, within the tolerance
of each vector, and nothing wrong that was right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from .adapter import Adapter
from .capabilities import CAPABILITIES
from .compare import Tolerance, parts_of
from .conventions import Conventions
from .golden import Answer, answers_to, deviation, expected_under, held_against, tolerance_under
from .misread import misreadings
from .vectors import load_vectors

__all__ = ["diagnoses_of", "diagnosis"]

ENOUGH = 0.75  # of what is off

# The results of capabilities that have several, and arguments that are easily taken for each other.
RESULTS = {"pr_curve": ("alpha", "beta"), "neighbour_metrics": ("precision", "recall", "density", "coverage")}
ALIKE = {"divergence": [("p", "q")], "pr_curve": [("p", "q")], "neighbour_metrics": [("real", "generated")],
         "gaussian_kl": [("mean", "log_variance")], "adam": [("beta1", "beta2")]}
TIMES = {2.0: "exactly twice ours", 0.5: "exactly half of ours", -1.0: "ours with the other sign"}


class Reading(NamedTuple):
    """What is said if it is believed, and whether an answer is right if it is read like this."""

    words: str
    agrees: Callable[[Answer], bool]


def diagnoses_of(adapter: Adapter, capabilities: tuple[str, ...]) -> dict[str, str]:
    """Return the diagnoses of those of the capabilities that have one."""
    found = {name: diagnosis(adapter, name) for name in capabilities}
    return {name: words for name, words in found.items() if words}


def diagnosis(adapter: Adapter, capability: str) -> str:
    """Return what is believed to be the reason why golden vectors of a capability are off.

    Parameters
    ----------
    adapter : Adapter
    capability : str

    Returns
    -------
    str
        Empty if none is off, or none of the readings explains it.

    Examples
    --------
    >>> from .adapter import from_functions
    >>> swapped = from_functions("swapped", pr_curve=lambda p, q, lambdas: (
    ...     np.minimum(p, q / lambdas[:, None]).sum(axis=1), np.minimum(lambdas[:, None] * p, q).sum(axis=1)))
    >>> print(diagnosis(swapped, "pr_curve")[:51])
    pr_curve: your results are in the order beta, alpha
    """
    if not adapter.offers(capability):
        return ""
    answers = [one for one in answers_to(adapter, capability, load_vectors(capability).vectors) if one.error is None]
    right = [deviation(one.got, capability, one.vector, adapter.conventions).excess <= 1 for one in answers]
    off = [one for one, good in zip(answers, right, strict=True) if not good]
    best, words = 0, ""
    for reading in _readings(adapter, capability, answers, off) if off else ():
        fixed = sum(map(reading.agrees, off))
        if fixed > best and fixed >= ENOUGH * len(off) and all(
                reading.agrees(one) for one, good in zip(answers, right, strict=True) if good):
            kept = sum(right) + fixed
            best, words = fixed, f"{capability}: {reading.words} (so read, {kept} of {len(answers)} vectors are right)"
            if fixed == len(off):
                break
    return words


def _readings(adapter: Adapter, capability: str, answers: list[Answer], off: list[Answer]) -> Iterator[Reading]:
    declared = adapter.conventions

    def agrees(got: Callable[[Answer], Any]) -> Callable[[Answer], bool]:
        """Whether what is made of an answer is right by the declared conventions."""
        def judged(one: Answer) -> bool:
            try:
                with np.errstate(all="ignore"):
                    return deviation(got(one), capability, one.vector, declared).excess <= 1
            except (Exception, SystemExit):  # what an implementation is asked by a reading may be too much for it
                return False

        return judged

    for words, other in declared.others(CAPABILITIES[capability].conventions):
        yield Reading(words, partial(_by, capability, other))

    names = RESULTS.get(capability, ())
    for order in permutations(range(len(names))):
        yield Reading(f"your results are in the order {', '.join(names[i] for i in np.argsort(order))}",
                      agrees(partial(_in_order, order)))

    for pair in ALIKE.get(capability, ()):
        yield Reading(f"you take {pair[0]} for {pair[1]}, and {pair[1]} for {pair[0]}",
                      agrees(partial(_asked_again, adapter, capability, *pair)))

    for words, function in misreadings(capability):
        yield Reading(f"you read {words}", partial(_is, function))

    factor = _factor(capability, answers, declared)
    if factor is not None:
        yield Reading(f"your value is {TIMES.get(factor, f'{factor:.12g} times ours')}",
                      agrees(lambda one: _divided(one.got, factor)))

    if _typically_single(capability, off, len(answers), declared):
        yield Reading("your relative errors are of the size of float32's: is something computed in single precision?",
                      partial(_within_single, capability, declared))


def _by(capability: str, conventions: Conventions, one: Answer) -> bool:
    return deviation(one.got, capability, one.vector, conventions).excess <= 1


def _in_order(order: tuple[int, ...], one: Answer) -> list[Any]:
    return [one.got[i] for i in order]


def _asked_again(adapter: Adapter, capability: str, first: str, second: str, one: Answer) -> Any:
    """What the implementation makes of a vector with two arguments exchanged."""
    given = one.vector.inputs
    return adapter.call(capability, *{**given, first: given[second], second: given[first]}.values())


def _is(function: Callable[..., Any], one: Answer) -> bool:
    with np.errstate(all="ignore"):
        return held_against(one.got, function(*one.vector.inputs.values()), one.vector.tolerance).excess <= 1


def _divided(got: Any, factor: float) -> Any:
    return tuple(np.asarray(part) / factor for part in got) if isinstance(got, tuple) else np.asarray(got) / factor


def _numbers(capability: str, one: Answer, conventions: Conventions) -> tuple[np.ndarray, np.ndarray]:
    """What came and what was to come, in one row each; nothing if they cannot be compared."""
    want = expected_under(capability, one.vector, conventions)
    wanted = want if isinstance(want, tuple) else (want,)
    parts, _ = parts_of(one.got, len(wanted))
    try:
        rows = [np.concatenate([np.ravel(np.asarray(v, dtype=np.float64)) for v in row]) for row in (parts, wanted)]
    except (TypeError, ValueError):
        return np.empty(0), np.empty(0)
    return (rows[0], rows[1]) if rows[0].shape == rows[1].shape else (np.empty(0), np.empty(0))


def _factor(capability: str, answers: list[Answer], conventions: Conventions) -> float | None:
    """The median of got / want, if there is more than one such number and it is none that rounding makes of 1."""
    ratios: list[float] = []
    for got, want in (_numbers(capability, one, conventions) for one in answers):
        some = np.isfinite(got) & np.isfinite(want) & (want != 0) & (got != 0)
        with np.errstate(all="ignore"):
            ratios += (got[some] / want[some]).tolist()
    if len(ratios) < 2:
        return None
    factor = float(np.median(ratios))
    exact = round(factor * 840) / 840  # halves, thirds, ... of which the median has lost some digits
    factor = exact if exact and abs(factor / exact - 1) < 1e-9 else factor
    return factor if np.isfinite(factor) and factor != 0 and abs(factor - 1) > 1e-6 else None


def _typically_single(capability: str, off: list[Answer], total: int, conventions: Conventions) -> bool:
    """Whether half of all vectors are off, and half of these by what float32 makes of numbers."""
    sizes = np.sort([deviation(one.got, capability, one.vector, conventions).relative for one in off])  # nan last
    return 2 * len(off) >= total and 2e-9 < sizes[len(sizes) // 2] < 1e-6


def _within_single(capability: str, conventions: Conventions, one: Answer) -> bool:
    t = tolerance_under(capability, one.vector, conventions)
    single = Tolerance(max(t.relative, 1e-5), t.absolute, "single precision")
    return held_against(one.got, expected_under(capability, one.vector, conventions), single).excess <= 1
