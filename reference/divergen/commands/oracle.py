r"""``python -m divergen oracle list | explain | run``: judge another implementation."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..report import progress, write_json, write_text
from .options import check_writable, same_file

__all__ = ["add_to"]


def add_to(commands: Any) -> None:
    """Add the command with its three parts to argparse's subparsers."""
    one = commands.add_parser(
        "oracle", help="judge your own implementation of these algorithms", allow_abbrev=False,
        description="Hold an implementation against golden vectors, laws and statistical tests.",
    )
    parts = one.add_subparsers(dest="part", required=True)
    listing = parts.add_parser("list", help="what can be judged, and by which checks", allow_abbrev=False)
    listing.add_argument("--capability", metavar="NAME", help="only this one")
    listing.set_defaults(run=_list, parser=listing)
    explaining = parts.add_parser("explain", help="what one check or capability is", allow_abbrev=False)
    explaining.add_argument("name", help="of the check or capability, as in the list")
    explaining.set_defaults(run=_explain, parser=explaining)
    judge = parts.add_parser(
        "run", help="judge an adapter", allow_abbrev=False,
        description="Judge an adapter. The exit status is 0 if all is well, 1 if something failed, 2 if the input "
        "cannot be used.",
    )
    judge.add_argument("adapter", metavar="module:adapter",
                       help="a module in the current folder, or one that is installed, and in it an adapter, an object "
                       "that has methods with the names of capabilities, or a function that returns one of these")
    judge.add_argument("--select", metavar="REGEX", help="only checks whose name this matches somewhere")
    judge.add_argument("--report", type=Path, metavar="FILE", help="where to write all results as JSON")
    judge.add_argument("--junit", type=Path, metavar="FILE", help="where to write them as JUnit's XML")
    judge.add_argument("--xfails", type=Path, metavar="FILE",
                       help="the checks that are expected to fail, one in a line with '# reason', or a JSON object of "
                       "reasons by check; one that passes is a failure")
    judge.set_defaults(run=_run, parser=judge)


def _list(arguments: argparse.Namespace) -> None:
    from ..oracle.explain import list_checks

    print(list_checks(arguments.capability))


def _explain(arguments: argparse.Namespace) -> None:
    from ..oracle.explain import explain

    print(explain(arguments.name))


def _run(arguments: argparse.Namespace) -> int:
    from ..oracle import command
    from ..oracle.runner import select_checks

    outputs = [path for path in (arguments.report, arguments.junit) if path is not None]
    for i, path in enumerate(outputs):
        if any(same_file(path, other) for other in (arguments.xfails, *outputs[:i])):
            raise ValueError(f"{path}: expected a file of its own for each result")
        check_writable(path)
    expected = {} if arguments.xfails is None else _read_xfails(arguments.xfails)
    adapter = command.load_adapter(arguments.adapter)
    total = len(select_checks(adapter, arguments.select))
    with progress(total, "judging", "check", shown=sys.stderr.isatty()) as step:
        report = command.run(adapter, select=arguments.select, expected_failures=expected,
                             callback=lambda result: step(result.name))
    print(report)
    if arguments.report is not None:
        write_json(arguments.report, report.to_json())
        print(f"wrote {arguments.report}")
    if arguments.junit is not None:
        write_text(arguments.junit, report.to_junit())
        print(f"wrote {arguments.junit}")
    return 0 if report.ok else 1


def _read_xfails(path: Path) -> dict[str, str]:
    from ..oracle.command import read_expected_failures

    try:
        return read_expected_failures(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8: {error}") from error
