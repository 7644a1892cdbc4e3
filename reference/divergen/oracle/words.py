r"""Words that several messages need."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from .capabilities import CAPABILITIES

__all__ = ["argument_names", "call_of", "suggestion"]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" for the known name that is closest to a misspelt one, or nothing.

    Examples
    --------
    >>> suggestion("kernle", ["kernel", "adam"])
    '; did you mean kernel?'
    >>> suggestion("something else", ["kernel", "adam"])
    ''
    """
    names = list(known)
    close = get_close_matches(name, names, n=1, cutoff=0.8) or [other for other in names if name and name in other]
    return f"; did you mean {close[0]}?" if close else ""


def argument_names(capability: str) -> list[str]:
    """Return the names of the arguments of a capability, in the order of the call.

    Examples
    --------
    >>> argument_names("f")
    ['name', 'u']
    """
    bare, depth = "", 0
    for c in CAPABILITIES[capability].arguments:  # without what stands in parentheses, which has commas
        depth += (c == "(") - (c == ")")
        bare += c if depth == 0 and c != ")" else ""
    return [part.split()[0] for part in bare.split(",")]


def call_of(capability: str) -> str:
    """Return how a capability is called and what it returns, in words."""
    one = CAPABILITIES[capability]
    return f"{capability} is called with {one.arguments}, by position, and returns {one.returns}"
