"""Other people's implementations, as the oracle sees them, and the table of what it finds: ``python -m oracle.peers``.

A peer rarely does all that a capability asks for. Its `domain` says in words which inputs it is meant for; at the
others the adapter raises NotImplementedError, and nothing is judged there.
"""

import csv
import importlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from divergen.oracle import Adapter, Report, check

TABLE = Path(__file__).parents[3] / "docs" / "results" / "oracle_peers.csv"
MODULES = {"dcor": "with_dcor", "geomloss": "with_geomloss", "prdc": "with_prdc", "scipy": "with_scipy",
           "torch": "with_torch"}


@dataclass(frozen=True)
class Peer:
    """One capability of one package; `known` has the checks that fail, each with a fact and an input."""

    package: str
    what: str  # the function that is called
    adapter: Adapter
    capability: str
    domain: str = "all inputs"
    known: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """A name for tests."""
        return f"{self.adapter.name}-{self.capability}"


def peers(package: str) -> list[Peer]:
    """All peers of a package; ImportError if it is not installed."""
    return importlib.import_module(f"{__name__}.{MODULES[package]}").PEERS


def only(inside: bool, domain: str) -> None:
    """End a call that is outside of what a peer is meant for."""
    if not inside:
        raise NotImplementedError(domain)


def judged(peer: Peer) -> Report:
    """Run what can be asked of a peer."""
    return check(peer.adapter, on_fail="report", expected_failures=peer.known, select=f"^{peer.capability}/")


def installed(package: str) -> str:
    """The version, without the name of a build behind a plus sign."""
    return version(package).partition("+")[0]


def row(peer: Peer, report: Report) -> list[str]:
    """One line of the table."""
    conventions = ", ".join(f"{name}={value}" for name, value in report.conventions.items())
    failed = [result.name for result in report.results if result.outcome != "passed" and result.outcome != "skipped"]
    found = dict[str, list[str]]()  # checks by what was found
    for name in failed:
        found.setdefault(peer.known.get(name, "not known"), []).append(name.split("/")[1])
    findings = "; ".join(f"{reason} ({', '.join(names)})" for reason, names in found.items())
    return [peer.package, installed(peer.package), peer.what, peer.capability, peer.domain, conventions,
            str(report.counts.get("passed", 0)), str(len(failed)), findings]


HEAD = ["peer", "version", "function", "capability", "inputs", "conventions", "passed", "failed",
        "what fails, and where"]


def text(rows: list[list[str]]) -> str:
    """The table as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([HEAD, *rows])
    return out.getvalue()
