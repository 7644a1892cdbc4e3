r"""Running the checks: all of them for a report, or one pytest item for each."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

from .adapter import Adapter, from_object
from .checks import Check, CheckError, CheckFailure, CheckSkipped, Finding, all_checks
from .diagnose import diagnosis
from .raised import frames_of
from .report import Report, Result
from .words import suggestion

__all__ = ["check", "iter_checks", "parametrize_with_checks", "select_checks"]


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
        Names of checks that are known to fail, with the reason. One that passes is a failure, and so is one at which
        the implementation raises: what cannot run is no known deviation.
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
    CheckError
        With ``on_fail="raise"``, if it is one at which the implementation raised.
    ValueError
        If an argument is none of these, an expected failure is no check or is not offered, or nothing at all would be
        judged.
    """
    judged, expected = from_object(adapter), dict(expected_failures or {})
    if on_fail not in ("raise", "report"):
        raise ValueError(f"on_fail: expected 'raise' or 'report', got {on_fail!r}")
    _check_names(expected, judged)
    diagnose = cache(partial(diagnosis, judged))
    results = []
    for one in select_checks(judged, select):
        result, cause = _run(one, judged, expected.get(one.name), diagnose)
        results.append(result)
        if callback is not None:
            callback(result)
        if on_fail == "raise" and result.bad:
            kind = CheckError if result.outcome == "error" else CheckFailure
            raise kind(result.finding or Finding(result.message, {}), f"{one.name}, {one.equation}") from cause
    asked = {name: None for result, one in zip(results, select_checks(judged, select), strict=True)
             if result.bad and result.finding is not None for name in one.needs}
    return Report(judged.name, judged.conventions.changed(), tuple(results),
                  {name: words for name in asked if (words := diagnose(name))})


def select_checks(adapter: Adapter, select: str | None = None) -> list[Check]:
    """Return the checks whose name a regular expression matches somewhere, offered or not.

    Raises
    ------
    ValueError
        If it is no regular expression, or nothing of what it matches is offered: then nothing would be judged, and all
        be well.
    """
    try:
        pattern = re.compile(select or "")
    except re.error as error:
        raise ValueError(f"select: expected a regular expression, got {select!r}: {error}") from error
    checks = list(all_checks())
    chosen = [one for one in checks if pattern.search(one.name)]
    if not any(adapter.offers(*one.needs) for one in chosen):
        raise ValueError(f"select: expected a regular expression that matches some check of what {adapter.name} "
                         f"offers, got {select!r}, which matches {len(chosen)} of {len(checks)} checks")
    return chosen


def _missing(one: Check, adapter: Adapter) -> str:
    """What is not offered of what a check needs, in words; empty if all is there."""
    missing = [name for name in one.needs if not adapter.offers(name)]
    return f"not offered: {', '.join(missing)}" if missing else ""


def _check_names(expected: Iterable[str], adapter: Adapter) -> None:
    """Refuse expectations that no check could meet."""
    checks = {one.name: one for one in all_checks()}
    for name in expected:
        if name not in checks:
            raise ValueError(f"expected_failures: expected names of checks, got {name!r}{suggestion(name, checks)}")
        missing = _missing(checks[name], adapter)
        if missing:
            raise ValueError(f"expected_failures: expected checks of what {adapter.name} offers, got {name!r}, which "
                             f"would be skipped ({missing})")


def _expected_to_fail(one: Check) -> Check:
    """The same check; that it is skipped is an error, since nobody would see that it was."""
    def run(adapter: Adapter) -> str | None:
        try:
            return one.run(adapter)
        except (CheckSkipped, NotImplementedError) as skipped:
            raise CheckError(Finding(f"it is expected to fail, and was skipped: {skipped}", {})) from skipped

    return replace(one, run=run)


def _run(
    one: Check, adapter: Adapter, reason: str | None, diagnose: Callable[[str], str]
) -> tuple[Result, BaseException | None]:
    """Return what came out of a check, and what the implementation raised if it did."""
    facts = Result(one.name, one.kind, one.equation, "skipped", false_alarm=one.false_alarm)
    missing = _missing(one, adapter)
    if missing:
        return facts._replace(message=missing), None
    start, finding, cause, outcome, message = time.perf_counter(), None, None, "passed", ""
    try:
        message = (one if reason is None else _expected_to_fail(one)).judge(adapter)
    except CheckSkipped as skipped:
        outcome, message = "skipped", f"{one.name}: {skipped}"
    except (CheckFailure, CheckError) as found:
        outcome = "failed" if isinstance(found, CheckFailure) else "error"
        words = "; ".join(filter(None, map(diagnose, one.needs)))
        finding, cause = found.finding._replace(diagnosis=words), found.__cause__
        message = str(finding)
    except (Exception, SystemExit) as error:  # a bug of the kit
        last = "".join(traceback.format_tb(error.__traceback__)[-3:]).rstrip()
        outcome, message, cause = "error", f"{type(error).__name__}: {error}\n{frames_of(error) or last}", error
    if reason is not None:
        outcome = {"passed": "unexpected pass", "failed": "expected failure"}.get(outcome, outcome)
        message = f"expected to fail: {reason}" + (f"\n{message}" if message else "")
    return facts._replace(outcome=outcome, message=message, finding=finding, seconds=time.perf_counter() - start), cause


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
        passes fails the test, and so does one at which the implementation raises.

    Returns
    -------
    pytest.MarkDecorator
        For ``def test_mine(adapter, check): check(adapter)``. What is not offered is skipped.

    Raises
    ------
    ValueError
        If an expected failure is no check, or one that an adapter does not offer.
    """
    import pytest

    checks = list(all_checks())
    items = []
    for adapter in map(from_object, adapters):
        expected = expected_failures(adapter) if callable(expected_failures) else expected_failures or {}
        _check_names(expected, adapter)
        for one in checks:
            marks, missing = [], _missing(one, adapter)
            if missing:
                marks.append(pytest.mark.skip(reason=missing))
            elif one.name in expected:
                marks.append(pytest.mark.xfail(reason=expected[one.name], raises=CheckFailure, strict=True))
            judged = _expected_to_fail(one) if one.name in expected else one
            items.append(pytest.param(adapter, judged, id=f"{adapter.name}-{one.name}", marks=marks))
    return pytest.mark.parametrize(("adapter", "check"), items)
