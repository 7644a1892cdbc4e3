r"""What ``python -m divergen oracle`` says and does: the list of checks, the explanation of one, and a run.

Texts come out as text and a run as a :class:`~divergen.oracle.report.Report`; who prints and writes them is another.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .adapter import Adapter, from_object
from .capabilities import CAPABILITIES
from .checks import Check, all_checks
from .compare import Tolerance
from .conventions import CHOICES, MEANINGS
from .laws import ROUNDING
from .report import Report, Result
from .runner import as_pattern, check
from .vectors import Vector, load_vectors

__all__ = ["explain", "list_checks", "load_adapter", "read_expected_failures", "run", "select_checks"]

WIDTH = 120


# --- list and explain ------------------------------------------------------------------------------------------


def list_checks(capability: str | None = None) -> str:
    """Return all capabilities with their checks, as text.

    Parameters
    ----------
    capability : str, optional
        Only this one.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is no such capability.

    Examples
    --------
    >>> print(list_checks("kernel").split(chr(10))[1])
      arguments    x (n, d), a
    """
    if capability is not None and capability not in CAPABILITIES:
        raise ValueError(f"capability: expected one of {', '.join(CAPABILITIES)}, got {capability!r}")
    checks, blocks = list(all_checks()), []
    for name in CAPABILITIES if capability is None else [capability]:
        mine = [one for one in checks if one.name.split("/")[0] == name]
        lines = [name, *_facts(name), "  checks"]
        widest = max(len(one.name) for one in mine)
        for one in mine:
            start = f"    {one.name:<{widest}}  {one.kind:<10}  "
            lines.append(start + textwrap.shorten(one.what, WIDTH - len(start), placeholder=" ..."))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _facts(capability: str) -> list[str]:
    one = CAPABILITIES[capability]
    return [*_field("arguments", one.arguments), *_field("returns", one.returns), *_field("equation", one.equation),
            *(line for c in one.conventions for line in _field("convention", f"{c} = {' | '.join(CHOICES[c])}: "
                                                                             f"{MEANINGS[c]}"))]


def _field(name: str, words: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent=f"  {name:<11}  ", subsequent_indent=" " * 15,
                         break_on_hyphens=False)


def explain(name: str) -> str:
    """Return what a check is: the equation, and its vectors with their origin, or its law as it is written.

    Parameters
    ----------
    name : str
        Of the check, as ``list`` names it.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is no such check.

    Examples
    --------
    >>> print(explain("kernel/even").split(chr(10))[2])
      what         h(-x) = h(x)
    """
    found = {one.name: one for one in all_checks()}
    if name not in found:
        close = [other for other in found if name in other]
        raise ValueError(f"check: expected the name of one, got {name!r}" + (f"; did you mean {close[0]}?" if close
                                                                             else ""))
    one = found[name]
    capability, part = name.split("/", 1)
    lines = [name, *_field("kind", one.kind), *_field("what", one.what), *_field("judged by", one.equation)]
    if one.needs != (capability,):
        lines += _field("needs", ", ".join(one.needs))
    lines += _facts(capability)
    lines += _of_vectors(capability, part.removeprefix("vectors-")) if one.kind == "vectors" else _of_law(one)
    return "\n".join(lines)


def _of_vectors(capability: str, flag: str) -> list[str]:
    document = load_vectors(capability)
    group = [vector for vector in document.vectors if vector.flags[0] == flag]
    origin = document.provenance
    routes = "; ".join(origin["routes"])
    lines = _field("made by", f"{origin['script']}, mpmath {origin['mpmath']}, at "
                   f"{' and '.join(map(str, origin['digits']))} digits")
    if routes:
        lines += _field("routes", f"{routes} (they agree to {origin['routes_agree_to_digits']:g} digits)")
    for other in sorted({f for vector in group for f in vector.flags}):
        lines += _field("flag", f"{other}: {document.flags[other]}")
    for tolerance in dict.fromkeys(vector.tolerance for vector in group):
        lines += _field("tolerance", _allowed(tolerance))
    return [*lines, *(line for vector in group for line in _field("vector", _summary(vector)))]


def _summary(vector: Vector) -> str:
    shapes = ", ".join(f"{name} {value.shape}" if hasattr(value, "shape") else f"{name} = {value!r}"
                       for name, value in vector.inputs.items())
    return f"{vector.id}: {shapes}" + (f"  [{', '.join(vector.flags[1:])}]" if vector.flags[1:] else "")


def _allowed(tolerance: Tolerance) -> str:
    return f"{tolerance.absolute:.3g} + {tolerance.relative:.3g} |want|: {tolerance.reason}"


def _of_law(one: Check) -> list[str]:
    """The law in its own code, and the tolerances that this calls by name."""
    holds = _held(one.run) if one.kind == "property" else one.run
    if one.kind == "statistics":
        lines = _field("false alarm", f"a right implementation fails with a probability of at most {one.false_alarm:g}")
    else:
        lines = _field("inputs", "hypothesis chooses them, always the same ones, and makes a counterexample simple")
    source = textwrap.dedent(inspect.getsource(holds))
    named = {n: v for n, v in getattr(holds, "__globals__", {}).items()
             if isinstance(v, Tolerance) and re.search(rf"\b{n}\b", source)}
    if not named and re.search(r"trial\.(equal|at_most|at_least)\(", source) and "Tolerance(" not in source:
        named["ROUNDING"] = ROUNDING  # what a comparison has that names none
    for name, tolerance in named.items():
        lines += _field("tolerance", f"{name}: {_allowed(tolerance)}")
    return [*lines, "  code", textwrap.indent(source.rstrip(), "    ")]


def _held(run: Callable[..., None]) -> Callable[..., None]:
    """The function behind a registered law: it is held in the closure, or is a default."""
    defaults = {name: p.default for name, p in inspect.signature(run).parameters.items()}
    return inspect.getclosurevars(run).nonlocals.get("holds") or defaults.get("holds") or run


# --- run -------------------------------------------------------------------------------------------------------


def load_adapter(text: str) -> Adapter:
    """Import an adapter.

    Parameters
    ----------
    text : str
        ``module:attribute``. The module may be in the current folder; the attribute is an adapter, an object that has
        methods with the names of capabilities, a class of such objects, or a function that returns one of these.

    Returns
    -------
    Adapter

    Raises
    ------
    ValueError
        If there is none.
    """
    if not re.fullmatch(r"\w+(\.\w+)*:\w+(\.\w+)*", text):
        raise ValueError(f"adapter: expected module:attribute, got {text!r}")
    module, path = text.split(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    found = _called(lambda: importlib.import_module(module), f"importing {module}")
    for name in path.split("."):
        if not hasattr(found, name):
            raise ValueError(f"{text}: there is no {name} in it")
        found = getattr(found, name)
    if isinstance(found, (int, float, complex, np.ndarray)):  # they have a method `conjugate`
        raise ValueError(f"{text}: expected an adapter, an object with methods or a function, "
                         f"got {type(found).__name__}")
    offers = isinstance(found, Adapter) or any(callable(getattr(found, name, None)) for name in CAPABILITIES)
    if isinstance(found, type) or (callable(found) and not offers):
        found = _called(found, f"calling {path}")
    try:
        return from_object(found)
    except ValueError as error:
        raise ValueError(f"{text}: {error}") from error


def _called(function: Callable[[], Any], what: str) -> Any:
    """Call somebody else's code; whatever it raises is bad input, said in one line."""
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise ValueError(f"{what} raised {type(error).__name__}: {' '.join(str(error).split())}") from error


def read_expected_failures(text: str, name: str) -> dict[str, str]:
    """Return checks that are expected to fail, with the reasons.

    Parameters
    ----------
    text : str
        One check in a line, ``# `` and the reason behind it; or JSON, an object of reasons by check.
    name : str
        Of the file, for messages.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If it cannot be read, a reason is missing, or there is no such check.

    Examples
    --------
    >>> read_expected_failures("kernel/even  # a known bug", "known.txt")
    {'kernel/even': 'a known bug'}
    """
    pairs = _pairs_of_json(text, name) if text.lstrip().startswith("{") else _pairs_of_lines(text, name)
    known, found = {one.name for one in all_checks()}, dict[str, str]()
    for place, key, reason in pairs:
        if key not in known:
            raise ValueError(f"{place}: expected the name of a check, got {key!r}")
        if key in found:
            raise ValueError(f"{place}: {key} is there twice")
        if not reason:
            raise ValueError(f"{place}: expected a reason for {key}, got none")
        found[key] = reason
    return found


def _pairs_of_lines(text: str, name: str) -> list[tuple[str, str, str]]:
    split = [(f"{name}, line {i}", *line.partition("#")[::2]) for i, line in enumerate(text.splitlines(), 1)]
    return [(place, key.strip(), reason.strip()) for place, key, reason in split if key.strip()]


def _pairs_of_json(text: str, name: str) -> list[tuple[str, str, str]]:
    try:
        pairs = json.loads(text, object_pairs_hook=list)  # a list, so that what is there twice is seen
    except ValueError as error:
        raise ValueError(f"{name}: expected JSON, as it begins with a brace: {error}") from error
    if not all(isinstance(reason, str) for _, reason in pairs):
        raise ValueError(f"{name}: expected a text as the reason of each check")
    return [(name, key, reason.strip()) for key, reason in pairs]


def select_checks(adapter: Adapter, select: str | None = None) -> list[Check]:
    """Return the checks whose name a regular expression matches somewhere, offered or not.

    Raises
    ------
    ValueError
        If it is no regular expression, no check matches, or the adapter offers nothing that is needed for any.
    """
    pattern = as_pattern(select)
    found = [one for one in all_checks() if pattern.search(one.name)]
    if not found:
        raise ValueError(f"select: expected to match the name of a check, got {select!r}")
    if not any(adapter.offers(*one.needs) for one in found):
        raise ValueError(f"{adapter.name} offers nothing that is needed for the {len(found)} selected checks")
    return found


def run(
    adapter: Adapter, *, select: str | None = None, expected_failures: Mapping[str, str] | None = None,
    callback: Callable[[Result], object] | None = None,
) -> Report:
    """Run the checks of an adapter, and collect what comes out: :func:`~divergen.oracle.runner.check` for a terminal.

    Raises
    ------
    ValueError
        As :func:`select_checks`.
    ImportError
        Without hypothesis, before anything is judged.
    """
    select_checks(adapter, select)
    try:
        import hypothesis  # noqa: F401  the properties need it
    except ImportError as error:
        raise ImportError("the properties of the oracle need hypothesis: pip install divergen[oracle]") from error
    return check(adapter, on_fail="report", expected_failures=expected_failures, select=select, callback=callback)
