r"""The checks by golden vectors: one for each capability and group of vectors.

If a vector fails, the same values are held against the other conventions. Where all agree with one of them, the
implementation is right and its declaration wrong, and the report says so.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .adapter import Adapter
from .capabilities import CAPABILITIES
from .checks import CheckFailure, Finding, register
from .compare import Deviation, Tolerance, compare
from .conventions import Conventions
from .vectors import Vector, load_vectors

__all__ = ["expected_under"]


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
        value = vector.variants.get(f"{name}={getattr(conventions, name)}", value)
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
    want = expected_under(capability, vector, conventions)
    tolerance = tolerance_under(capability, vector, conventions)
    if not isinstance(want, tuple):
        return compare(got, want, tolerance)
    try:
        parts = tuple(got)
    except TypeError:
        parts = ()
    if len(parts) != len(want):
        return Deviation(math.inf, got, want, problem=f"expected {len(want)} results, got {type(got).__name__}")
    worst = [compare(g, w, tolerance) for g, w in zip(parts, want, strict=True)]
    i = max(range(len(worst)), key=lambda i: worst[i].excess)
    return worst[i]._replace(where=(i, *worst[i].where))


def judge(adapter: Adapter, capability: str, vectors: tuple[Vector, ...]) -> None:
    """Compare all vectors, and raise the worst with a diagnosis if one is off."""
    got = [_call(adapter, capability, vector) for vector in vectors]
    found = [deviation(g, capability, v, adapter.conventions) for g, v in zip(got, vectors, strict=True)]
    bad = [i for i, one in enumerate(found) if not one.excess <= 1]
    if not bad:
        return
    i = max(bad, key=lambda i: found[i].excess)
    raise CheckFailure(Finding(
        f"{capability}: {len(bad)} of {len(vectors)} golden vectors are off; the worst is", vectors[i].inputs, found[i],
        tolerance_under(capability, vectors[i], adapter.conventions), vectors[i].id, vectors[i].flags,
        _diagnose(adapter, capability, vectors, got),
    ))


def _call(adapter: Adapter, capability: str, vector: Vector) -> Any:
    """Call the implementation; what it raises is a failure that names the vector."""
    try:
        return adapter.call(capability, *vector.inputs.values())
    except (Exception, SystemExit) as error:
        problem = f"it raised {type(error).__name__}: {error}"
        raise CheckFailure(Finding(f"{capability}: a golden vector could not be computed", vector.inputs,
                                   Deviation(math.inf, None, vector.expected, problem=problem), vector.tolerance,
                                   vector.id, vector.flags)) from error


def _diagnose(adapter: Adapter, capability: str, vectors: tuple[Vector, ...], got: list[Any]) -> str:
    """Say which convention the values follow, or by what factor all of them are off."""
    declared = adapter.conventions
    for words, other in declared.others(CAPABILITIES[capability].conventions):
        if all(deviation(g, capability, v, other).excess <= 1 for g, v in zip(got, vectors, strict=True)):
            return f"all {len(vectors)} values are right by another convention: declare {words}"
    try:
        values = np.concatenate([np.ravel(np.asarray(g, dtype=np.float64)) for g in got])
        wanted = np.concatenate([np.ravel(np.asarray(expected_under(capability, v, declared), dtype=np.float64))
                                 for v in vectors])
    except (TypeError, ValueError):
        return ""
    if values.shape != wanted.shape:
        return ""
    some = np.isfinite(values) & np.isfinite(wanted) & (wanted != 0)
    if np.count_nonzero(some) > 1 and np.count_nonzero(values[some]) == np.count_nonzero(some):
        ratios = values[some] / wanted[some]
        factor = float(ratios[0])
        # What is 0 or infinite must be the same times the factor: one wrong nan is no factor of 1.
        rest = np.isclose(values[~some], factor * wanted[~some], rtol=0.0, atol=1e-9)
        if np.ptp(ratios) <= 1e-9 * abs(factor) and abs(factor - 1) > 1e-6 and np.all(rest):
            return f"every value is {factor:.12g} times the right one"
    return ""


def _register_all() -> None:
    for capability in CAPABILITIES:
        if capability == "compress":  # its result is not one: properties judge it
            continue
        document = load_vectors(capability)
        for flag, meaning in document.flags.items():
            group = tuple(v for v in document.vectors if v.flags[0] == flag)
            if not group:
                continue

            def run(adapter: Adapter, capability: str = capability, group: tuple[Vector, ...] = group) -> None:
                judge(adapter, capability, group)

            register(f"{capability}/vectors-{flag}", "vectors", f"{len(group)} golden vectors: {meaning}")(run)


_register_all()
