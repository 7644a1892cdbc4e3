r"""What came out of a run, as text, as JSON and as JUnit's XML."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np

from .checks import Finding

__all__ = ["Report", "Result"]

OUTCOMES = ("passed", "failed", "error", "unexpected pass", "expected failure", "skipped")


class Result(NamedTuple):
    """The outcome of one check: one of passed, failed, error (the implementation raised), skipped (not offered),
    expected failure, unexpected pass. `false_alarm` is the probability that a right implementation fails."""

    name: str
    kind: str
    equation: str
    outcome: str
    message: str = ""
    finding: Finding | None = None
    seconds: float = 0.0
    false_alarm: float = 0.0

    @property
    def bad(self) -> bool:
        """Whether the run as a whole fails because of it."""
        return self.outcome in ("failed", "error", "unexpected pass")


class Report(NamedTuple):
    """All results of one adapter, with the conventions that it declared other than the house's.

    `diagnoses` has what the golden vectors of a capability tell about what fails there, by capability.
    """

    adapter: str
    conventions: dict[str, Any]
    results: tuple[Result, ...]
    diagnoses: Mapping[str, str] = MappingProxyType({})

    @property
    def ok(self) -> bool:
        """Whether nothing failed. What was skipped did not fail, and did not pass either."""
        return not any(result.bad for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """How many results there are of each outcome that occurs."""
        found = Counter(result.outcome for result in self.results)
        return {name: found[name] for name in OUTCOMES if found[name]}

    def __str__(self) -> str:
        lines = [f"{self.adapter}: " + ", ".join(f"{n} {name}" for name, n in self.counts.items())]
        lines += [f"convention {name} = {value}" for name, value in self.conventions.items()]
        for result in self.results:
            if result.bad:
                message = _without_diagnosis(result).replace("\n", "\n  ")
                lines += ["", f"{result.outcome.upper()}  {result.name}  ({result.equation})", f"  {message}"]
        if self.diagnoses:
            lines += ["", "diagnoses", *(f"  {words}" for words in self.diagnoses.values())]
        partly = [f"{r.name}: {r.message}" for r in self.results if r.outcome == "passed" and r.message]
        skipped = sorted({result.message for result in self.results if result.outcome == "skipped"})
        for words, some in (("passed in part", partly), ("skipped", skipped)):
            lines += [*([""] if some else []), *(f"{words}, {one}" for one in some)]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values, for ``json.dump``."""
        return {
            "format": "divergen oracle report 1", "adapter": self.adapter, "conventions": self.conventions,
            "versions": {"divergen": _version(), "numpy": np.__version__, "python": platform.python_version()},
            "ok": self.ok, "counts": self.counts, "diagnoses": dict(self.diagnoses),
            "results": [
                {"name": r.name, "kind": r.kind, "equation": r.equation, "outcome": r.outcome, "message": r.message,
                 "seconds": r.seconds, "false_alarm": r.false_alarm,
                 "finding": None if r.finding is None else _plain(r.finding)}
                for r in self.results
            ],
        }

    def to_junit(self) -> str:
        """Return JUnit's XML, as continuous integration reads it."""
        bad = Counter(r.outcome for r in self.results)
        suite = ElementTree.Element("testsuite", {
            "name": _printable(f"divergen oracle: {self.adapter}"), "tests": str(len(self.results)),
            "failures": str(bad["failed"] + bad["unexpected pass"]), "errors": str(bad["error"]),
            "skipped": str(bad["skipped"] + bad["expected failure"]),
            "time": f"{sum(r.seconds for r in self.results):.3f}",
        })
        for r in self.results:
            case = ElementTree.SubElement(suite, "testcase", {
                "classname": _printable(f"{self.adapter}.{r.name.split('/')[0]}"), "name": r.name,
                "time": f"{r.seconds:.3f}"})
            if r.false_alarm:
                properties = ElementTree.SubElement(case, "properties")
                ElementTree.SubElement(properties, "property", {"name": "false_alarm", "value": f"{r.false_alarm:g}"})
            kind = {"failed": "failure", "unexpected pass": "failure", "error": "error", "skipped": "skipped",
                    "expected failure": "skipped"}.get(r.outcome)
            if kind is not None:
                inner = ElementTree.SubElement(case, kind, {"message": _printable(r.message.split("\n")[0])})
                inner.text = _printable(f"{r.equation}\n{r.message}")
        return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _without_diagnosis(result: Result) -> str:
    """The message; a diagnosis stands at the end of the report, once for all that it explains."""
    finding = result.finding
    if finding is None or not finding.diagnosis:
        return result.message
    return str(finding._replace(diagnosis="at the end of this report"))


def _version() -> str:
    try:
        return version("divergen")
    except PackageNotFoundError:
        return "not installed"


def _printable(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(c for c in text if c in "\t\n" or " " <= c < "\ud800" or (c > "\udfff" and c not in "\ufffe\uffff"))


def _plain(value: Any) -> Any:
    """Turn findings into what JSON can hold; numbers that it has no sign for become texts."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: _plain(v) for key, v in value._asdict().items()}
    if isinstance(value, dict):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return repr(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)
