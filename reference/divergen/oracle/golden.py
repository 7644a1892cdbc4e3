r"""The checks by golden vectors: one for each capability and group of vectors."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .adapter import Adapter
from .capabilities import CAPABILITIES
from .checks import CheckFailure, CheckSkipped, Finding, refusal, register
from .compare import Deviation, Tolerance, compare, parts_of
from .conventions import Conventions
from .raised import raised_at
from .variants import COMPUTED
from .vectors import Vector, load_vectors

__all__ = ["Answer", "answers_to", "deviation", "expected_under", "held_against", "judge"]


class Answer(NamedTuple):
    """What an implementation made of a vector: a result, or what it raised."""

    vector: Vector
    got: Any
    error: BaseException | None


def expected_under(capability: str, vector: Vector, conventions: Conventions) -> Any:
    """Return the golden result of a vector by other conventions than the house's.

    Parameters
    ----------
    capability : str
    vector : Vector
    conventions : Conventions

    Returns
    -------
    array, or tuple of arrays
    """
    relevant = CAPABILITIES[capability].conventions
    value = vector.expected
    for name in relevant:
        key = f"{name}={getattr(conventions, name)}"
        if key in vector.variants:
            value = vector.variants[key]
        elif key in COMPUTED:
            value = COMPUTED[key](*vector.inputs.values())
    if "factor" in relevant and conventions.factor == "one":
        value = 2 * value
    if "power" in relevant and conventions.power == "root":
        value = np.sqrt(np.maximum(value, 0.0))
    if "logarithm" in relevant and conventions.logarithm != "e":
        value = value / math.log(float(conventions.logarithm))
    return value


def tolerance_under(capability: str, vector: Vector, conventions: Conventions) -> Tolerance:
    r"""Return what a vector allows by other conventions.

    A root halves the relative error, and turns the absolute one into :math:`\varepsilon / (2 d)`, or
    :math:`\sqrt\varepsilon` where the distance d is 0.
    """
    t = vector.tolerance
    if "power" not in CAPABILITIES[capability].conventions or conventions.power == "squared":
        return t
    root = float(np.max(expected_under(capability, vector, conventions)))
    absolute = math.sqrt(t.absolute) if root == 0 else min(math.sqrt(t.absolute), t.absolute / (2 * root))
    return Tolerance(t.relative, absolute, f"the root of a number with this tolerance: {t.reason}")


def deviation(got: Any, capability: str, vector: Vector, conventions: Conventions) -> Deviation:
    """Return the worst entry of a result; of a tuple, of all its parts."""
    return held_against(got, expected_under(capability, vector, conventions),
                        tolerance_under(capability, vector, conventions))


def held_against(got: Any, want: Any, tolerance: Tolerance) -> Deviation:
    """Return the worst entry of a result, whatever it was to be; of a tuple, of all its parts."""
    if not isinstance(want, tuple):
        return compare(got, want, tolerance)
    parts, problem = parts_of(got, len(want))
    if problem:
        return Deviation(math.inf, got, want, problem=problem)
    worst = [compare(g, w, tolerance) for g, w in zip(parts, want, strict=True)]
    i = max(range(len(worst)), key=lambda i: worst[i].excess)
    return worst[i]._replace(where=(i, *worst[i].where))


def answers_to(adapter: Adapter, capability: str, vectors: tuple[Vector, ...]) -> list[Answer]:
    """Ask an implementation all these vectors, whatever it raises at some of them."""
    found = []
    for vector in vectors:
        try:
            got = adapter.call(capability, *vector.inputs.values())
        except (Exception, SystemExit) as error:
            found.append(Answer(vector, None, error))
        else:
            found.append(Answer(vector, _in_order(got) if capability == "compress" else got, None))
    return found


def _in_order(points: Any) -> Any:
    """Sort the rows of an array lexicographically, as golden points are: compression may give them in any order."""
    try:
        rows = np.asarray(points)
    except ValueError:  # rows of several lengths, which the comparison will say
        return points
    return rows[np.lexsort(rows.T[::-1])] if rows.ndim == 2 and rows.size else points


def judge(adapter: Adapter, capability: str, vectors: tuple[Vector, ...]) -> str:
    """Compare all vectors that an implementation offers, and raise the worst if one is off.

    Returns
    -------
    str
        Nothing if all were judged; else how many, and why not the others.

    Raises
    ------
    CheckError
        If the implementation raised at one and more; the finding says how many of the others are off, too.
    CheckFailure
        If results are off.
    CheckSkipped
        If it raised NotImplementedError at each.
    """
    answers = answers_to(adapter, capability, vectors)
    refused = [one.error for one in answers if isinstance(one.error, NotImplementedError)]
    asked = [one for one in answers if not isinstance(one.error, NotImplementedError)]
    if not asked:
        raise CheckSkipped(refusal(refused[-1])) from refused[-1]
    judged = f"{len(asked)} of {len(vectors)} vectors judged" if refused else ""

    raised = [one for one in asked if one.error is not None]
    found = [(one, deviation(one.got, capability, one.vector, adapter.conventions))
             for one in asked if one.error is None]
    off = sorted((pair for pair in found if not pair[1].excess <= 1), key=lambda pair: -pair[1].excess)
    count = f"{len(asked)} golden vectors" + (f" ({judged})" if refused else "")

    worst: tuple[Finding, ...] = ()
    if off:
        vector, furthest = off[0][0].vector, off[0][1]
        what = "the worst of those that are off is" if raised else (
            f"{capability}: {len(off)} of {count} are off; the worst is")
        worst = (Finding(what, vector.inputs, furthest,
                         tolerance_under(capability, vector, adapter.conventions), vector.id, vector.flags),)
    if raised:
        vector, error = raised[0].vector, raised[0].error
        raise raised_at(f"{capability}: {len(raised)} of {count} raised, {len(off)} of {len(asked)} are off; the first "
                        "that raised is", vector.inputs, error or ValueError(), capability, vector=vector.id,
                        flags=vector.flags, also=worst) from error
    if worst:
        raise CheckFailure(worst[0])
    return f"{judged}; the others are {refusal(refused[-1])}" if refused else ""


def _register_all() -> None:
    for capability in CAPABILITIES:
        document = load_vectors(capability)
        for flag, meaning in document.flags.items():
            group = tuple(v for v in document.vectors if v.flags[0] == flag)
            if not group:
                continue

            def run(adapter: Adapter, capability: str = capability, group: tuple[Vector, ...] = group) -> str:
                return judge(adapter, capability, group)

            register(f"{capability}/vectors-{flag}", "vectors", f"{len(group)} golden vectors: {meaning}")(run)


_register_all()
