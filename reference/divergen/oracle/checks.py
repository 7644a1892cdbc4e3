r"""What a check is, what it says when it fails, and the list of all of them.

A check is a function of an adapter that returns when all is well and raises :class:`CheckFailure` when not. There are
three kinds: **vectors** (inputs with golden values), **property** (something that must hold for all inputs; hypothesis
searches for one where it does not, and shrinks it) and **statistics** (something random, tested at a stated level).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple

from .adapter import Adapter
from .capabilities import CAPABILITIES
from .compare import Deviation, Tolerance, show

__all__ = ["Check", "CheckFailure", "Finding", "all_checks", "register"]

KINDS = ("vectors", "property", "statistics")


class Finding(NamedTuple):
    """What went wrong, where it is worst.

    Attributes
    ----------
    what : str
        One line.
    inputs : dict
        The arguments of the worst case, by name.
    deviation : Deviation or None
    tolerance : Tolerance or None
    vector : str
        The id of the golden vector, if it is one.
    flags : tuple of str
        What is special about that vector.
    diagnosis : str
        What the kit believes is the reason, if it can tell.
    """

    what: str
    inputs: dict[str, Any]
    deviation: Deviation | None = None
    tolerance: Tolerance | None = None
    vector: str = ""
    flags: tuple[str, ...] = ()
    diagnosis: str = ""

    def __str__(self) -> str:
        lines = [self.what]
        if self.vector:
            lines.append(f"  vector     {self.vector}" + (f"  [{', '.join(self.flags)}]" if self.flags else ""))
        lines += [f"  {name:<10} {show(value)}" for name, value in self.inputs.items()]
        d = self.deviation
        if d is not None and d.problem:
            lines.append(f"  problem    {d.problem}")
            lines += [] if d.got is None else [f"  got        {show(d.got)}"]
        elif d is not None:
            place = f" at {list(d.where)}" if d.where else ""
            lines += [f"  got        {show(d.got)}{place}", f"  want       {show(d.want)}",
                      f"  error      absolute {d.absolute:.3g}, relative {d.relative:.3g}, {d.ulp:.3g} ulp"]
        if self.tolerance is not None:
            t = self.tolerance
            lines.append(f"  tolerance  {t.absolute:.3g} + {t.relative:.3g} |want|: {t.reason}")
        if self.diagnosis:
            lines.append(f"  diagnosis  {self.diagnosis}")
        return "\n".join(lines)


class CheckFailure(AssertionError):
    """A check that did not hold. `finding` says how."""

    def __init__(self, finding: Finding, equation: str = "") -> None:
        super().__init__((f"{equation}: " if equation else "") + str(finding))
        self.finding = finding


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes
    ----------
    name : str
        ``capability/what``, which never changes.
    kind : {"vectors", "property", "statistics"}
    equation : str
        What it holds the implementation against.
    what : str
        One sentence.
    needs : tuple of str
        The capabilities without which it is skipped.
    run : callable
        ``run(adapter)``.
    false_alarm : float
        Of statistics: the probability that a right implementation fails. 0 for the rest.
    """

    name: str
    kind: str
    equation: str
    what: str
    needs: tuple[str, ...]
    run: Callable[[Adapter], None]
    false_alarm: float = 0.0

    def __call__(self, adapter: Adapter) -> None:
        """Run the check; a failure comes with the equation in front."""
        try:
            self.run(adapter)
        except CheckFailure as failure:
            raise CheckFailure(failure.finding, self.equation) from None


_REGISTERED: dict[str, Check] = {}


def register(
    name: str, kind: str, what: str, *, needs: tuple[str, ...] = (), equation: str = "", false_alarm: float = 0.0
) -> Callable[[Callable[[Adapter], None]], Callable[[Adapter], None]]:
    """Put a function on the list of checks; `needs` and `equation` are those of its capability, if not given."""
    capability = name.split("/")[0]
    if capability not in CAPABILITIES or kind not in KINDS or name in _REGISTERED:
        raise ValueError(f"name: expected a new one of the form capability/what, got {name!r} of kind {kind!r}")

    def put(run: Callable[[Adapter], None]) -> Callable[[Adapter], None]:
        _REGISTERED[name] = Check(name, kind, equation or CAPABILITIES[capability].equation, what,
                                  needs or (capability,), run, false_alarm)
        return run

    return put


def all_checks() -> Iterator[Check]:
    """Yield every check, in the order of the capabilities."""
    for module in ("golden", "properties", "statistics"):  # they register themselves
        import_module(f"{__package__}.{module}")

    order = {name: i for i, name in enumerate(CAPABILITIES)}
    yield from sorted(_REGISTERED.values(), key=lambda c: (order[c.name.split("/")[0]], KINDS.index(c.kind)))
