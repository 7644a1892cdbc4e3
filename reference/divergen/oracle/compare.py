r"""Holding what came against what was to come: how far off, where worst, in absolute, relative and ulp error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Deviation", "Tolerance", "compare", "parts_of", "show"]


class Tolerance(NamedTuple):
    """What may be off: `absolute` plus `relative` times the size of what is wanted; and why as much as that."""

    relative: float
    absolute: float
    reason: str


class Deviation(NamedTuple):
    """The worst entry of one comparison.

    Attributes
    ----------
    excess : float
        The error divided by what is allowed: above 1 is a failure. Infinite where a number should be finite and is not.
    got, want : float
    where : tuple of int
        The entry, () for a number.
    absolute, relative, ulp : float
        The error in three units; relative to a wanted 0 it is infinite.
    problem : str
        What is wrong if numbers cannot be compared at all: a shape, a type. Empty otherwise.
    """

    excess: float
    got: Any
    want: Any
    where: tuple[int, ...] = ()
    absolute: float = math.nan
    relative: float = math.nan
    ulp: float = math.nan
    problem: str = ""


def compare(got: Any, want: Any, tolerance: Tolerance) -> Deviation:
    """Return the entry of `got` that is furthest from `want`, measured by the tolerance.

    Parameters
    ----------
    got : array_like
        What the implementation returned; checked for its shape and for being real numbers.
    want : array_like
        float64. Infinities and nans are met by equal ones only.
    tolerance : Tolerance

    Returns
    -------
    Deviation

    Examples
    --------
    >>> found = compare([1.0, 2.5], [1.0, 2.0], Tolerance(1e-12, 0.0, "an example"))
    >>> print(found.where, f"{found.relative:.2f} {found.excess > 1}")
    (1,) 0.25 True
    """
    want = np.asarray(want, dtype=np.float64)
    if isinstance(got, Mapping):
        return Deviation(math.inf, got, want, problem=f"expected real numbers of shape {want.shape}, got {_named(got)}")
    if isinstance(got, np.ma.MaskedArray) and np.ma.is_masked(got):
        return Deviation(math.inf, repr(got), want, problem="expected numbers, got an array with masked entries")
    try:
        values = np.asarray(got)
        if values.dtype.kind not in "fiub":
            raise TypeError(f"of dtype {values.dtype}")
        values = values.astype(np.float64)
    except (TypeError, ValueError) as reason:
        return Deviation(math.inf, got, want, problem=f"expected real numbers, got {type(got).__name__} {reason}")
    if values.shape != want.shape:
        return Deviation(math.inf, got, want, problem=f"expected shape {want.shape}, got {values.shape}")
    if want.size == 0:
        return Deviation(0.0, got, want)
    same = (values == want) | (np.isnan(values) & np.isnan(want))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        error = np.where(same, 0.0, np.abs(values - want))
        error = np.where(np.isfinite(values) & np.isfinite(want) | same, error, math.inf)
        allowed = np.where(np.isfinite(want), tolerance.absolute + tolerance.relative * np.abs(want), 0.0)
        excess = np.where(same, 0.0, np.where(allowed > 0, error / np.where(allowed > 0, allowed, 1.0), math.inf))
        where = np.unravel_index(int(np.argmax(excess)), excess.shape) if want.ndim else ()
        off, target = float(error[where]), float(want[where])
        relative = 0.0 if off == 0 else (off / abs(target) if target else math.inf)
        ulp = off / float(np.spacing(abs(target))) if math.isfinite(target) else math.inf
    place = tuple(int(i) for i in where)
    return Deviation(float(excess[where]), float(values[where]), target, place, off, relative, ulp)


def parts_of(got: Any, count: int) -> tuple[tuple[Any, ...], str]:
    """Return the parts of a result that should have that many, and what is wrong if it has not.

    Examples
    --------
    >>> parts_of((1.0, 2.0), 2)
    ((1.0, 2.0), '')
    >>> parts_of({"alpha": 1.0, "beta": 2.0}, 2)
    ((), "expected 2 results in a tuple, got dict with keys 'alpha', 'beta'")
    """
    if count == 1:
        return (got,), ""
    if isinstance(got, Mapping):
        return (), f"expected {count} results in a tuple, got {_named(got)}"
    try:
        parts = tuple(got)
    except TypeError:
        parts = ()
    return (parts, "") if len(parts) == count else ((), f"expected {count} results, got {_named(got)}")


def _named(value: Any) -> str:
    """The type of a value; of a mapping, with the keys."""
    name = type(value).__name__
    return f"{name} with keys {', '.join(map(repr, value))}" if isinstance(value, Mapping) else name


def show(value: Any, width: int = 400) -> str:
    """Return a value as text that can be typed in again, cut where it is long."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 4]} ..."
