r"""What a check is, what it says when it fails, and the list of all of them.

A check is a function of an adapter. It returns when all is well, raises :class:`CheckFailure` when what came out is not
what it should be, :class:`CheckError` when the implementation raised, and :class:`CheckSkipped` when it offers nothing
that the check could judge. There are three kinds: **vectors** (inputs with golden values), **property** (something that
must hold for all inputs; hypothesis searches for one where it does not, and shrinks it) and **statistics** (something
random, tested at a stated level).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from textwrap import indent
from typing import Any, NamedTuple
from unittest import SkipTest

from .adapter import Adapter
from .capabilities import CAPABILITIES
from .compare import Deviation, Tolerance, show

__all__ = ["Check", "CheckError", "CheckFailure", "CheckSkipped", "Finding", "all_checks", "refusal",
           "register"]

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
    note : str
        What was done with the inputs, or how to read the numbers.
    frames : str
        Where the implementation raised.
    also : tuple of Finding
        What else is wrong, and would be hidden by this.
    """

    what: str
    inputs: dict[str, Any]
    deviation: Deviation | None = None
    tolerance: Tolerance | None = None
    vector: str = ""
    flags: tuple[str, ...] = ()
    diagnosis: str = ""
    note: str = ""
    frames: str = ""
    also: tuple[Finding, ...] = ()

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
        lines += [f"  {name:<10} {text}" for name, text in (("note", self.note), ("diagnosis", self.diagnosis)) if text]
        if self.frames:
            lines.append(indent(self.frames, "  "))
        return "\n".join([*lines, *map(str, self.also)])


class _Found(Exception):
    """What a check found. `finding` says it."""

    def __init__(self, finding: Finding, equation: str = "") -> None:
        super().__init__((f"{equation}: " if equation else "") + str(finding))
        self.finding = finding


class CheckFailure(_Found, AssertionError):
    """A check that did not hold. `finding` says how. Nothing else can be an expected failure."""


class CheckError(_Found):
    """The implementation raised where it was to compute. `finding` says at which input; what it raised is the cause."""


class CheckSkipped(SkipTest):
    """The implementation offers no input of the check: it raised NotImplementedError each time. pytest sees a skip."""


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
        ``run(adapter)``; it may return a remark on what was left out.
    false_alarm : float
        Of statistics: the probability that a right implementation fails. 0 for the rest.
    """

    name: str
    kind: str
    equation: str
    what: str
    needs: tuple[str, ...]
    run: Callable[[Adapter], str | None]
    false_alarm: float = 0.0

    def judge(self, adapter: Adapter) -> str:
        """Run the check, and return a remark on what was left out, mostly empty.

        Raises
        ------
        CheckFailure, CheckError, CheckSkipped
        """
        try:
            return self.run(adapter) or ""
        except NotImplementedError as error:
            raise CheckSkipped(refusal(error)) from error
        except (CheckFailure, CheckError) as found:
            if not self.false_alarm:
                raise
            chance = f"a right implementation fails this check with a probability of at most {self.false_alarm:g}"
            finding = found.finding
            finding = finding._replace(note=f"{finding.note}; {chance}" if finding.note else chance)
            raise type(found)(finding) from found.__cause__

    def __call__(self, adapter: Adapter) -> None:
        """Run the check; what it finds comes with the equation in front and with a diagnosis, if there is one."""
        from .diagnose import diagnoses_of  # which needs the vectors' checks, and they this module

        try:
            self.judge(adapter)
        except (CheckFailure, CheckError) as found:
            words = "; ".join(diagnoses_of(adapter, self.needs).values())
            raise type(found)(found.finding._replace(diagnosis=words), self.equation) from found.__cause__


def refusal(error: NotImplementedError) -> str:
    """Return why nothing was judged."""
    words = " ".join(str(error).split())
    return "not offered for these inputs: NotImplementedError" + (f": {words}" if words else "")


_REGISTERED: dict[str, Check] = {}


def register(
    name: str, kind: str, what: str, *, needs: tuple[str, ...] = (), equation: str = "", false_alarm: float = 0.0
) -> Callable[[Callable[[Adapter], str | None]], Callable[[Adapter], str | None]]:
    """Put a function on the list of checks; `needs` and `equation` are those of its capability, if not given."""
    capability = name.split("/")[0]
    if capability not in CAPABILITIES or kind not in KINDS or name in _REGISTERED:
        raise ValueError(f"name: expected a new one of the form capability/what, got {name!r} of kind {kind!r}")

    def put(run: Callable[[Adapter], str | None]) -> Callable[[Adapter], str | None]:
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
