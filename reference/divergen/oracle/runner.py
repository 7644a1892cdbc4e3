r"""Running the checks: all of them for a report, or one pytest item for each."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .adapter import Adapter, from_object
from .checks import Check, CheckFailure, Finding, all_checks
from .report import Report, Result

__all__ = ["check", "iter_checks", "parametrize_with_checks"]


def iter_checks(adapter: Any) -> Iterator[Check]:
    """Yield the checks of what an adapter offers; ``check(adapter)`` runs one.

    Parameters
    ----------
    adapter : Adapter or object
        As :func:`~divergen.oracle.adapter.from_object` takes it.
    """
    judged = from_object(adapter)
    yield from (one for one in all_checks() if judged.offers(*one.needs))


def check(
    adapter: Any, *, on_fail: str = "raise", expected_failures: Mapping[str, str] | None = None,
    select: str | None = None, callback: Callable[[Result], object] | None = None,
) -> Report:
    """Run every check, and say what came out.

    Parameters
    ----------
    adapter : Adapter or object
    on_fail : {"raise", "report"}
        Whether the first failure is raised, or all are collected.
    expected_failures : mapping of str to str, optional
        Names of checks that are known to fail, with the reason. One that passes is a failure.
    select : str, optional
        A regular expression; only checks whose name it matches somewhere are run, and the others are not reported.
    callback : callable, optional
        Called with each result.

    Returns
    -------
    Report

    Raises
    ------
    CheckFailure
        With ``on_fail="raise"``: the first check that fails, and was not expected to, or did not and was.
    ValueError
        If an argument is none of these, an expected failure is no check, or nothing at all would be judged.
    """
    judged, expected = from_object(adapter), dict(expected_failures or {})
    if on_fail not in ("raise", "report"):
        raise ValueError(f"on_fail: expected 'raise' or 'report', got {on_fail!r}")
    checks = list(all_checks())
    _check_names(expected, checks)
    pattern = as_pattern(select)
    chosen = [one for one in checks if pattern.search(one.name)]
    if not any(judged.offers(*one.needs) for one in chosen):  # nothing would be judged, and all be well
        raise ValueError(f"select: expected a regular expression that matches some check of what {judged.name} offers, "
                         f"got {select!r}, which matches {len(chosen)} of {len(checks)} checks")
    results = []
    for one in chosen:
        result = _run(one, judged, expected.get(one.name))
        results.append(result)
        if callback is not None:
            callback(result)
        if on_fail == "raise" and result.bad:
            finding = result.finding or Finding(result.message, {})
            raise CheckFailure(finding, f"{one.name}, {one.equation}")
    return Report(judged.name, judged.conventions.changed(), tuple(results))


def as_pattern(select: str | None) -> re.Pattern[str]:
    """Compile a selection of checks by their names; ValueError if it is no regular expression."""
    try:
        return re.compile(select or "")
    except re.error as error:
        raise ValueError(f"select: expected a regular expression, got {select!r}: {error}") from error


def _check_names(expected: Iterable[str], checks: list[Check]) -> None:
    unknown = sorted(set(expected) - {one.name for one in checks})
    if unknown:
        raise ValueError(f"expected_failures: expected names of checks, got {', '.join(map(repr, unknown))}")


def _run(one: Check, adapter: Adapter, reason: str | None) -> Result:
    missing = [name for name in one.needs if not adapter.offers(name)]
    if missing:
        return Result(one.name, one.kind, one.equation, "skipped", f"not offered: {', '.join(missing)}")
    start, finding, message, outcome = time.perf_counter(), None, "", "passed"
    try:
        one.run(adapter)
    except CheckFailure as failure:
        outcome, finding, message = "failed", failure.finding, str(failure.finding)
    except (Exception, SystemExit) as error:  # the implementation's own
        outcome, message = "error", f"{type(error).__name__}: {error}\n{_its_frames(error)}"
    seconds = time.perf_counter() - start
    if reason is not None:
        outcome = "unexpected pass" if outcome == "passed" else "expected failure"
        message = f"expected to fail: {reason}" + (f"\n{message}" if message else "")
    return Result(one.name, one.kind, one.equation, outcome, message, finding, seconds)


def _its_frames(error: BaseException) -> str:
    """Return the end of the traceback: the last three frames."""
    return "".join(traceback.format_tb(error.__traceback__)[-3:]).rstrip()


def parametrize_with_checks(
    adapters: Iterable[Any], *,
    expected_failures: Mapping[str, str] | Callable[[Adapter], Mapping[str, str]] | None = None,
) -> Any:
    """Return a pytest decorator that calls a test with each adapter and each of its checks.

    Parameters
    ----------
    adapters : iterable of Adapter or object
    expected_failures : mapping of str to str, or callable, optional
        Names of checks with reasons, for all adapters or given by a function of the adapter. They are strict: one that
        passes fails the test.

    Returns
    -------
    pytest.MarkDecorator
        For ``def test_mine(adapter, check): check(adapter)``. What is not offered is skipped.
    """
    import pytest

    checks = list(all_checks())
    items = []
    for adapter in map(from_object, adapters):
        expected = expected_failures(adapter) if callable(expected_failures) else expected_failures or {}
        _check_names(expected, checks)
        for one in checks:
            marks = []
            if not adapter.offers(*one.needs):
                marks.append(pytest.mark.skip(reason=f"not offered: {', '.join(one.needs)}"))
            elif one.name in expected:
                marks.append(pytest.mark.xfail(reason=expected[one.name], strict=True))
            items.append(pytest.param(adapter, one, id=f"{adapter.name}-{one.name}", marks=marks))
    return pytest.mark.parametrize(("adapter", "check"), items)
