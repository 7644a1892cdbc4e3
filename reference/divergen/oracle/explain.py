r"""What is said of capabilities and checks: the list of all, and the explanation of one."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable

from .capabilities import CAPABILITIES
from .checks import Check, all_checks
from .compare import Tolerance
from .conventions import CHOICES, MEANINGS
from .laws import ROUNDING
from .vectors import Document, Vector, load_vectors
from .words import argument_names, suggestion

__all__ = ["explain", "list_checks"]

WIDTH = 120


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
        raise ValueError(f"capability: expected one of {', '.join(CAPABILITIES)}, got {capability!r}"
                         f"{suggestion(capability, CAPABILITIES)}")
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
        Of the check, as ``list`` names it; or of a capability, which is listed with the origin of its vectors and an
        adapter to begin with.

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
    >>> print(explain("kernel").split(chr(10))[-1])
      adapter      divergen.oracle.from_functions("mine", kernel=lambda x, a: ...)
    """
    if name in CAPABILITIES:
        return "\n".join([list_checks(name), *_of_capability(name)])
    found = {one.name: one for one in all_checks()}
    if name not in found:
        raise ValueError(f"check: expected the name of one, or of a capability, got {name!r}"
                         f"{suggestion(name, [*found, *CAPABILITIES])}")
    one = found[name]
    capability, part = name.split("/", 1)
    lines = [name, *_field("kind", one.kind), *_field("what", one.what), *_field("judged by", one.equation)]
    if one.needs != (capability,):
        lines += _field("needs", ", ".join(one.needs))
    lines += _facts(capability)
    lines += _of_vectors(capability, part.removeprefix("vectors-")) if one.kind == "vectors" else _of_law(one)
    return "\n".join(lines)


def _of_capability(name: str) -> list[str]:
    """Where the vectors come from, and how one begins."""
    document = load_vectors(name)
    lines = [*_field("vectors", f"{len(document.vectors)}"), *_origin(document)]
    names = ", ".join(argument_names(name))
    return [*lines, *_field("adapter", f'divergen.oracle.from_functions("mine", {name}=lambda {names}: ...)')]


def _origin(document: Document) -> list[str]:
    origin = document.provenance
    routes = "; ".join(origin["routes"])
    lines = _field("made by", f"{origin['script']}, mpmath {origin['mpmath']}, at "
                   f"{' and '.join(map(str, origin['digits']))} digits")
    if routes:
        lines += _field("routes", f"{routes} (they agree to {origin['routes_agree_to_digits']:g} digits)")
    return lines


def _of_vectors(capability: str, flag: str) -> list[str]:
    document = load_vectors(capability)
    group = [vector for vector in document.vectors if vector.flags[0] == flag]
    lines = _origin(document)
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


def _held(run: Callable[..., object]) -> Callable[..., object]:
    """The function behind a registered law: it is held in the closure, or is a default."""
    defaults = {name: p.default for name, p in inspect.signature(run).parameters.items()}
    return inspect.getclosurevars(run).nonlocals.get("holds") or defaults.get("holds") or run
