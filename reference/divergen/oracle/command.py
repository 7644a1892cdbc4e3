r"""What ``python -m divergen oracle run`` does: it finds an adapter, reads what is expected to fail, and runs all.

A run comes out as a :class:`~divergen.oracle.report.Report`; who prints and writes them is another.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from .adapter import Adapter, from_object
from .capabilities import CAPABILITIES
from .checks import all_checks
from .report import Report, Result
from .runner import check, select_checks
from .words import suggestion

__all__ = ["load_adapter", "read_expected_failures", "run"]


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
            raise ValueError(f"{place}: expected the name of a check, got {key!r}{suggestion(key, known)}")
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


def run(
    adapter: Adapter, *, select: str | None = None, expected_failures: Mapping[str, str] | None = None,
    callback: Callable[[Result], object] | None = None,
) -> Report:
    """Run the checks of an adapter, and collect what comes out: :func:`~divergen.oracle.runner.check` for a terminal.

    Raises
    ------
    ValueError
        As :func:`~divergen.oracle.runner.check`.
    ImportError
        Without hypothesis, before anything is judged.
    """
    select_checks(adapter, select)  # what is wrong with the arguments is said first
    try:
        import hypothesis  # noqa: F401  the properties need it
    except ImportError as error:
        raise ImportError("the properties of the oracle need hypothesis: pip install divergen[oracle]") from error
    return check(adapter, on_fail="report", expected_failures=expected_failures, select=select, callback=callback)
