r"""How a golden vector is computed twice, checked, and written.

A :class:`Case` says what goes in and how the result is computed: by functions without arguments that work at the
precision that mpmath is set to. Each is called at two precisions, and where there is a second route, that one too; all
must agree. Inputs are float64, and mpmath gets exactly those.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf

DIGITS = (60, 90)  # working precisions
WRITTEN = 40  # digits in the file

Nested = Any  # an mpf, or nested lists of them
Compute = Callable[[], Any]  # gives a nested list, or a tuple of them for a capability with several results


@dataclass(frozen=True)
class Case:
    """One vector to be.

    Attributes
    ----------
    id : str
        Lower case letters, digits, dots, pluses and hyphens.
    flags : tuple of str
        The first is the group that it is judged in.
    inputs : mapping
        The arguments in the order of the call: float64 arrays, numbers, texts, lists of whole numbers.
    compute : callable
        The result, by the definition.
    second : callable, optional
        The same by another derivation.
    variants : mapping of str to callable
        The result under other conventions, by ``"statistic=U"`` and the like.
    tolerance : dict, optional
        relative, absolute and reason, if other than the file's.
    """

    id: str
    flags: tuple[str, ...]
    inputs: Mapping[str, Any]
    compute: Compute
    second: Compute | None = None
    variants: Mapping[str, Compute] = field(default_factory=dict)
    tolerance: Mapping[str, Any] | None = None


def exact(x: Any) -> Any:
    """Turn float64 numbers and arrays into (nested lists of) mpf, exactly."""
    if isinstance(x, np.ndarray):
        return [exact(v) for v in x]
    return mpf(float(x))


def flat(x: Nested) -> tuple[list[int], list[mpf]]:
    """Return the shape and the entries of nested lists, row by row."""
    if not isinstance(x, (list, tuple)):
        return [], [x if isinstance(x, mpf) else mpf(x)]  # mpf(x) of an mpf would round it to mp's precision
    parts = [flat(v) for v in x]
    shapes = {tuple(shape) for shape, _ in parts}
    if len(shapes) > 1:
        raise ValueError(f"rows of different shapes: {shapes}")
    return [len(parts), *(next(iter(shapes)) if shapes else ())], [v for _, values in parts for v in values]


def solve(case: Case) -> tuple[dict[str, Any], float]:
    """Compute a vector, and return it with the digits to which its routes agree (infinite with one route)."""
    agreement = mpmath.inf
    computed = {}
    for name, compute in {"": case.compute, **case.variants}.items():
        low, high = (_at(digits, compute) for digits in DIGITS)
        confirmed = _digits_in_common(low, high)
        if confirmed < WRITTEN:
            raise ArithmeticError(f"{case.id} {name}: {DIGITS} digits agree to {float(confirmed):.1f} only")
        computed[name] = high
    if case.second is not None:
        agreement = _digits_in_common(computed[""], _at(DIGITS[0], case.second))
        if agreement < 25:
            raise ArithmeticError(f"{case.id}: the routes agree to {float(agreement):.1f} digits only")
    vector = {
        "id": case.id, "flags": list(case.flags), "inputs": {k: encode(v) for k, v in case.inputs.items()},
        "expected": _results(computed.pop("")),
    }
    if computed:
        vector["variants"] = {name: _results(value) for name, value in computed.items()}
    if case.tolerance is not None:
        vector["tolerance"] = dict(case.tolerance)
    return vector, float(agreement)


def _at(digits: int, compute: Compute) -> Any:
    with mp.workdps(digits):
        return compute()


def _parts(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _digits_in_common(one: Any, other: Any) -> mpf:
    """The relative agreement of the worst entry, in digits; entries of 0 have to be 0 in both, or below 1e-45."""
    worst = mpmath.inf
    for a, b in zip(_parts(one), _parts(other), strict=True):
        (shape, left), (shape_b, right) = flat(a), flat(b)
        if shape != shape_b:
            raise ArithmeticError(f"shapes {shape} and {shape_b}")
        for x, y in zip(left, right, strict=True):
            if x == y or max(abs(x), abs(y)) < mpf(10) ** -45:
                continue
            if mpmath.isinf(x) or mpmath.isinf(y):
                return mpf(0)
            worst = min(worst, -mpmath.log10(abs(x - y) / max(abs(x), abs(y))))
    return worst


def encode(x: Any) -> Any:
    """Write an argument as the schema has it."""
    if isinstance(x, np.ndarray):
        values = x.astype(np.float64).ravel().tolist()
        return {"shape": list(x.shape), "values": [_json_number(v) for v in values]}
    if isinstance(x, (np.floating, float)):
        return _json_number(float(x))
    return x


def _json_number(x: float) -> Any:
    return ("inf" if x > 0 else "-inf") if np.isinf(x) else x


def _results(value: Any) -> Any:
    encoded = [_result(part) for part in _parts(value)]
    return encoded if isinstance(value, tuple) else encoded[0]


def _result(value: Nested) -> dict[str, Any]:
    shape, entries = flat(value)
    return {"shape": shape, "decimal": [decimal(x) for x in entries], "hex": [nearest(x) for x in entries]}


def decimal(x: mpf) -> str:
    """Return forty digits."""
    if mpmath.isinf(x):
        return "inf" if x > 0 else "-inf"
    return mpmath.nstr(x, WRITTEN, strip_zeros=True, min_fixed=-5, max_fixed=20) if abs(x) > mpf(10) ** -45 else "0.0"


def nearest(x: mpf) -> str:
    """Return the nearest float64, in hexadecimal."""
    if mpmath.isinf(x):
        return "inf" if x > 0 else "-inf"
    return float(x).hex() if abs(x) > mpf(10) ** -45 else "0x0.0p+0"


def document(
    capability: str, cases: Iterable[Case], *, equation: str, arguments: str, returns: str, script: str,
    routes: Sequence[str], flags: Mapping[str, str], tolerance: Mapping[str, Any],
) -> dict[str, Any]:
    """Compute the vectors of one capability, and return the content of its file."""
    solved = [solve(case) for case in cases]
    ids = [vector["id"] for vector, _ in solved]
    if len(set(ids)) != len(ids):
        raise ValueError(f"{capability}: ids occur twice: {sorted({i for i in ids if ids.count(i) > 1})}")
    used = {flag for vector, _ in solved for flag in vector["flags"]}
    if used - set(flags):
        raise ValueError(f"{capability}: flags without a meaning: {used - set(flags)}")
    agreement = min((digits for _, digits in solved), default=float("inf"))
    return {
        "format": "divergen vectors 1", "capability": capability, "equation": equation, "arguments": arguments,
        "returns": returns,
        "provenance": {
            "script": script, "mpmath": mpmath.__version__, "digits": list(DIGITS), "routes": list(routes),
            "routes_agree_to_digits": None if agreement == float("inf") else round(agreement, 1),
        },
        "flags": {name: meaning for name, meaning in flags.items() if name in used},
        "tolerance": dict(tolerance),
        "vectors": [vector for vector, _ in solved],
    }


def dump(content: Mapping[str, Any]) -> str:
    """Write a document as JSON, one vector a line."""
    head = {name: value for name, value in content.items() if name != "vectors"}
    text = json.dumps(head, indent=1, ensure_ascii=False)[:-2]
    rows = ",\n".join("  " + json.dumps(vector, ensure_ascii=False) for vector in content["vectors"])
    return f'{text},\n "vectors": [\n{rows}\n ]\n}}\n'
