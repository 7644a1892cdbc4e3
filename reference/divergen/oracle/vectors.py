r"""Golden vectors: inputs with results that were computed to forty digits, one JSON file for each capability.

Inputs are JSON numbers and belong to exactly the float64 that each of them is the shortest decimal of. Results stand
there twice, as decimal strings and as the nearest float64 in C's hexadecimal notation. ``vectors/schema.json`` says how
a file is built, ``vectors/README.md`` how to read one from another language.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from .compare import Tolerance

__all__ = ["Document", "Vector", "load_vectors"]


class Vector(NamedTuple):
    """One input with its golden result.

    Attributes
    ----------
    id : str
        It never changes, and never means another input.
    flags : tuple of str
        What is special; the first one is the group that the vector is judged in.
    inputs : dict
        The arguments by name, in the order of the call.
    expected : array, or tuple of arrays
        By the house's conventions.
    variants : dict
        The result under other conventions, where it does not follow from the first: by ``"statistic=U"`` and the like.
    tolerance : Tolerance
    """

    id: str
    flags: tuple[str, ...]
    inputs: dict[str, Any]
    expected: Any
    variants: dict[str, Any]
    tolerance: Tolerance


class Document(NamedTuple):
    """One file: the vectors of a capability, and what their flags mean."""

    capability: str
    flags: dict[str, str]
    provenance: dict[str, Any]
    vectors: tuple[Vector, ...]


@cache
def load_vectors(capability: str) -> Document:
    """Return the golden vectors of a capability.

    Raises
    ------
    ValueError
        If there are none.

    Examples
    --------
    >>> first = load_vectors("kernel").vectors[0]
    >>> print(first.id, list(first.inputs))
    plane-0 ['x', 'a']
    """
    path = files(__package__) / "vectors" / f"{capability}.json"
    if not path.is_file():
        raise ValueError(f"capability: there are no golden vectors of {capability!r}")
    content = json.loads(path.read_text(encoding="utf-8"))
    return Document(
        content["capability"], content["flags"], content["provenance"],
        tuple(
            Vector(
                one["id"], tuple(one["flags"]), {name: _input(value) for name, value in one["inputs"].items()},
                _result(one["expected"]),
                {name: _result(value) for name, value in one.get("variants", {}).items()},
                Tolerance(**one.get("tolerance", content["tolerance"])),
            )
            for one in content["vectors"]
        ),
    )


def _input(value: Any) -> Any:
    """Lists of floats become arrays; whole numbers, lists of whole numbers, texts and single numbers stay."""
    if isinstance(value, dict):  # {"values": ..., "shape": ...}: an array, whatever it holds
        return np.array([_number(v) for v in value["values"]], dtype=np.float64).reshape(value["shape"])
    return _number(value) if isinstance(value, str) and value in ("inf", "-inf") else value


def _number(value: Any) -> float:
    return float(value)


def _result(value: dict[str, Any] | list[dict[str, Any]]) -> Any:
    """{"hex": ..., "decimal": ..., "shape": ...} becomes an array; a list of them a tuple."""
    if isinstance(value, list):
        return tuple(map(_result, value))
    return np.array([float.fromhex(v) for v in value["hex"]], dtype=np.float64).reshape(value["shape"])
