"""What becomes of a check: failed, error, skipped, expected failure; what is said of it, alone and in pytest."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest import SkipTest
from xml.etree import ElementTree

import numpy as np
import pytest

from divergen import oracle
from divergen.oracle import CheckError, CheckFailure, CheckSkipped
from divergen.oracle.laws import Trial, search, search_each
from oracle.own import OWN

own = OWN.functions
KERNEL = oracle.from_functions("right", kernel=own["kernel"])
WRONG = oracle.from_functions("wrong", kernel=lambda x, a: own["kernel"](x, a) + a)


def of(function):
    return oracle.from_functions("judged", kernel=function)


def named(name):
    return next(one for one in oracle.iter_checks(OWN) if one.name == name)


# --- an implementation that raises -------------------------------------------------------------------------------


def helper(a):
    raise ZeroDivisionError(f"a is {a}")


def raising(x, a):
    try:
        helper(a)
    except ZeroDivisionError as error:
        raise RuntimeError("no luck") from error


def test_what_an_implementation_raises_is_an_error_with_its_words_its_input_and_its_frames():
    report = oracle.check(of(raising), on_fail="report", select="^kernel/")
    assert report.counts == {"error": len(report.results)}  # to raise at a nan is no merit of who always raises
    for result in report.results:
        assert "RuntimeError: no luck" in result.message and result.finding.inputs, result.name
        frames = result.finding.frames
        assert "in helper" in frames and "in raising" in frames and "direct cause" in frames
        assert "ZeroDivisionError: a is " in frames and "divergen/oracle" not in frames
    with pytest.raises(CheckError, match=r"^kernel/vectors-Normal, Turinici2023, choice of h: kernel: 19 of 19 golden "
                                         r"vectors raised, 0 of 19 are off; the first that raised is") as caught:
        oracle.check(of(raising))
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert isinstance(caught.value.__cause__.__cause__, ZeroDivisionError)
    with pytest.raises(CheckError, match=r"^Turinici2023, choice of h: h\(-x\) = h\(x\)") as caught:
        named("kernel/even")(of(raising))
    assert isinstance(caught.value.__cause__, RuntimeError) and caught.value.finding.inputs["x"].shape == (1, 1)


def test_an_error_is_no_failure():
    assert not issubclass(CheckError, (CheckFailure, AssertionError)) and issubclass(CheckFailure, AssertionError)


def test_a_vector_that_raises_does_not_hide_the_others():
    def half(x, a):
        if len(x) == 1:
            raise ValueError("one row")
        return own["kernel"](x, a) + (x.shape[1] == 2)

    report = oracle.check(of(half), on_fail="report", select="^kernel/vectors-Normal")
    (result,) = report.results
    group = [v for v in oracle.load_vectors("kernel").vectors if v.flags[0] == "Normal"]
    raised = sum(len(v.inputs["x"]) == 1 for v in group)
    off = sum(len(v.inputs["x"]) > 1 and v.inputs["x"].shape[1] == 2 for v in group)
    assert raised and off and result.outcome == "error"
    assert f"kernel: {raised} of {len(group)} golden vectors raised, {off} of {len(group)} are off; the first" in (
        result.message)
    (worst,) = result.finding.also
    assert worst.deviation.absolute == pytest.approx(1) and worst.inputs["x"].shape[1] == 2 and worst.vector
    assert "the worst of those that are off is" in result.message
    plain = json.loads(json.dumps(report.to_json()))["results"][0]["finding"]
    assert plain["also"][0]["vector"] == worst.vector


def test_the_worst_of_all_is_shown():
    worse = of(lambda x, a: own["kernel"](x, a) + np.where(x[:, 0] > 1, 100.0, 1.0))
    group = [v for v in oracle.load_vectors("kernel").vectors if v.flags[0] == "Normal"]
    with pytest.raises(CheckFailure) as caught:
        oracle.check(worse, select="^kernel/vectors-Normal")
    excess = [oracle.golden.deviation(worse.call("kernel", *v.inputs.values()), "kernel", v, worse.conventions).excess
              for v in group]
    assert caught.value.finding.deviation.excess == max(excess) > min(excess)


@pytest.mark.parametrize(("function", "told"), [
    (lambda x: x, True), (lambda x, a: x.missing, True), (lambda x, a: 1 / 0, False)])
def test_who_calls_it_wrong_is_told_how(function, told):
    report = oracle.check(of(function), on_fail="report", select="^kernel/(even|vectors-Normal)")
    for result in report.results:
        words = "  note       kernel is called with x (n, d), a, by position, and returns (n,): h(x) = "
        assert (words in result.message) is told
        assert ("in <lambda>" in result.finding.frames) is ("missing" in result.message or not told)


def test_an_implementation_that_leaves_is_an_error_and_not_the_end():
    def leaves(x, a):
        raise SystemExit(0)

    report = oracle.check(of(leaves), on_fail="report", select="^kernel/")
    assert report.counts == {"error": len(report.results)} and "SystemExit" in str(report)
    assert report.results[0].finding.vector  # which input it was is not lost


def test_what_the_kit_itself_raises_is_an_error_and_not_a_pass(monkeypatch):
    from divergen.oracle import runner

    broken = replace(named("kernel/even"), run=lambda adapter: adapter.missing)
    monkeypatch.setattr(runner, "all_checks", lambda: [broken])
    report = oracle.check(KERNEL, on_fail="report")
    assert report.counts == {"error": 1} and not report.ok and "AttributeError" in report.results[0].message
    with pytest.raises(CheckError, match="AttributeError"):
        oracle.check(KERNEL)
    report = oracle.check(KERNEL, on_fail="report", expected_failures={broken.name: "it is broken"})
    assert report.counts == {"error": 1}


def test_an_exception_of_somebody_further_out_is_not_the_implementations():
    def law():
        Trial(KERNEL, "a law", {}).problem("a problem")

    try:
        raise KeyError("of the user")
    except KeyError:
        with pytest.raises(CheckFailure, match="a problem"):
            law()


def test_a_law_that_catches_ends_by_what_it_caught():
    trial = Trial(KERNEL, "a law", {})

    def law(error):
        try:
            raise error
        except Exception:
            trial.problem("it raised something")

    with pytest.raises(CheckError, match="it raised ValueError: bad"):
        law(ValueError("bad"))
    with pytest.raises(NotImplementedError):
        law(NotImplementedError())


# --- what is offered in part -------------------------------------------------------------------------------------


def in_the_plane(x, a):
    if x.shape[1] != 2:
        raise NotImplementedError("only in the plane")
    return own["kernel"](x, a)


def never(x, a):
    raise NotImplementedError


def test_what_is_not_offered_is_dropped_and_the_rest_judged():
    report = oracle.check(of(in_the_plane), on_fail="report", select="^kernel/")
    assert report.ok, str(report)
    results = {result.name.split("/")[1]: result for result in report.results}
    group = [v for v in oracle.load_vectors("kernel").vectors if v.flags[0] == "Normal"]
    offered = sum(v.inputs["x"].shape[1] == 2 for v in group)
    assert 0 < offered < len(group) and results["vectors-Normal"].outcome == "passed"
    assert results["vectors-Normal"].message == (
        f"{offered} of {len(group)} vectors judged; the others are not offered for these inputs: NotImplementedError: "
        "only in the plane")
    assert "passed in part, kernel/vectors-Normal: " in str(report)
    assert results["vectors-HighDimension"].outcome == "skipped"
    assert "skipped, kernel/vectors-HighDimension: not offered for these inputs: NotImplementedError: only" in str(
        report)
    assert results["even"].outcome == results["leaves-arguments-alone"].outcome == "passed"


def test_what_is_offered_is_judged_where_it_is():
    def off(x, a):
        return in_the_plane(x, a) + a

    report = oracle.check(of(off), on_fail="report", select="^kernel/")
    results = {result.name.split("/")[1]: result for result in report.results}
    assert results["vectors-Normal"].outcome == results["zero-at-zero"].outcome == "failed"
    assert re.search(r"kernel: (\d+) of \1 golden vectors \(\1 of 19 vectors judged\) are off",
                     results["vectors-Normal"].message)
    assert results["zero-at-zero"].finding.inputs["x"].shape[1] == 2


def test_what_is_never_offered_is_skipped_and_never_passed():
    report = oracle.check(of(never), on_fail="report", select="^kernel/")
    assert report.counts == {"skipped": len(report.results)}
    for name in ("kernel/even", "kernel/vectors-Normal", "kernel/nan-is-not-lost", "kernel/leaves-arguments-alone"):
        with pytest.raises(CheckSkipped, match=r"^not offered for these inputs: NotImplementedError$"):
            named(name)(of(never))
    assert issubclass(CheckSkipped, SkipTest)  # which pytest knows
    statistic = named("gaussian_kl/monte-carlo")
    with pytest.raises(CheckSkipped):
        statistic(oracle.from_functions("judged", gaussian_kl=never))


@pytest.mark.parametrize(("offered", "most"), [(False, 20), (True, 50)])
def test_inputs_that_are_refused_are_not_tried_for_ever(offered, most):
    tried = []

    def law(trial, n):
        tried.append(n)
        if n or not offered:
            raise NotImplementedError

    def run():
        search(KERNEL, "a law", lambda draw: {"n": draw.integer(0, 10**6)}, law, examples=10)

    if offered:
        run()
    else:
        with pytest.raises(CheckSkipped):
            run()
    assert sum(n > 0 or not offered for n in tried) == most


def test_sorts_of_inputs_are_skipped_one_by_one():
    def sort(d):
        return lambda draw: {"x": draw.array((2, d), -1, 1)}

    def law(trial, x):
        trial.at_most(trial("kernel", x, 0.0), 0.0)

    search_each(of(in_the_plane), "a law", [sort(1), sort(2)], lambda trial, x: trial("kernel", x, 0.0))
    with pytest.raises(CheckFailure):
        search_each(of(in_the_plane), "a law", [sort(1), sort(2), sort(3)], law)
    with pytest.raises(CheckSkipped, match="only in the plane"):
        search_each(of(in_the_plane), "a law", [sort(1), sort(3)], law)


def test_an_input_that_cannot_be_drawn_is_not_blamed_on_the_implementation():
    from hypothesis import reject
    from hypothesis.errors import Unsatisfiable

    with pytest.raises(Unsatisfiable):
        search(KERNEL, "a law", lambda draw: reject(), lambda trial: None)


# --- the chance of a false alarm ---------------------------------------------------------------------------------


def test_the_probability_of_a_false_alarm_is_stated():
    adapter = oracle.from_functions("off", gaussian_kl=lambda m, s: own["gaussian_kl"](m, s) + 1)
    report = oracle.check(adapter, on_fail="report", select="^gaussian_kl/(monte-carlo|even)")
    even, statistic = report.results
    assert (even.name, even.false_alarm) == ("gaussian_kl/even", 0) and statistic.false_alarm == 1e-6
    words = "a right implementation fails this check with a probability of at most 1e-06"
    assert words in statistic.message and words in str(report) and words not in even.message
    with pytest.raises(CheckFailure, match=words):
        named("gaussian_kl/monte-carlo")(adapter)
    assert [r["false_alarm"] for r in report.to_json()["results"]] == [0, 1e-6]
    suite = ElementTree.fromstring(report.to_junit())
    assert [[(p.get("name"), p.get("value")) for p in case.iter("property")] for case in suite] == [
        [], [("false_alarm", "1e-06")]]


def test_a_note_is_no_diagnosis():
    report = oracle.check(WRONG, on_fail="report", select="^kernel/bounds")
    finding = report.results[0].finding
    assert finding.note == "got should be at most what is wanted" and not finding.diagnosis
    assert "  note       got should be at most" in report.results[0].message
    law = oracle.check(OWN, select="^expected_kernel/jensen")
    assert law.ok


# --- expected failures -------------------------------------------------------------------------------------------


def test_expected_failures_are_strict():
    failing = [r.name for r in oracle.check(WRONG, on_fail="report", select="^kernel/").results if r.bad]
    report = oracle.check(WRONG, select="^kernel/", expected_failures=dict.fromkeys(failing, "no minus a"))
    assert report.ok and report.counts["expected failure"] == len(failing)
    assert all("expected to fail: no minus a" in r.message for r in report.results if r.outcome != "passed")
    with pytest.raises(CheckFailure, match=r"kernel/even.*expected to fail: for no reason"):
        oracle.check(KERNEL, select="^kernel/even", expected_failures={"kernel/even": "for no reason"})
    report = oracle.check(KERNEL, on_fail="report", select="^kernel/", expected_failures={"kernel/even": "no reason"})
    assert report.counts["unexpected pass"] == 1 and not report.ok


def test_an_error_is_no_expected_failure():
    name = "kernel/even"
    for function, told in ((raising, "RuntimeError: no luck"), (never, "it is expected to fail, and was skipped: ")):
        report = oracle.check(of(function), on_fail="report", select=name, expected_failures={name: "known"})
        assert report.counts == {"error": 1} and not report.ok
        assert "expected to fail: known\n" in report.results[0].message
        assert told in report.results[0].message
        with pytest.raises(CheckError, match=told):
            oracle.check(of(function), select=name, expected_failures={name: "known"})


@pytest.mark.parametrize("function", [
    lambda names: oracle.check(KERNEL, expected_failures=names),
    lambda names: oracle.parametrize_with_checks([KERNEL], expected_failures=names),
    lambda names: oracle.parametrize_with_checks([OWN, KERNEL], expected_failures=lambda adapter: names),
])
def test_an_expected_failure_that_nobody_would_see_is_refused(function):
    with pytest.raises(ValueError, match=r"expected_failures: expected checks of what right offers, got "
                                         r"'conjugate/fenchel-young', which would be skipped \(not offered: f, conj"):
        function({"conjugate/fenchel-young": "known"})
    with pytest.raises(ValueError, match="expected names of checks, got 'kernel/evn'; did you mean kernel/even"):
        function({"kernel/evn": "known"})


def test_what_is_not_selected_is_not_expected_to_fail():
    assert oracle.check(KERNEL, select="^kernel/even", expected_failures={"kernel/scaling": "elsewhere"}).ok


# --- pytest ------------------------------------------------------------------------------------------------------

MODULE = '''
import numpy as np
from divergen import oracle

class Mine:
    name = "mine"
    def kernel(self, x, a):
        return np.sqrt(np.sum(x * x, axis=1) + a * a) - a

@oracle.parametrize_with_checks([Mine()], expected_failures={expected})
def test_mine(adapter, check):
    check(adapter)
'''


def outcomes(folder, text):
    """Run pytest on a module like a user's, and return what it says at the end and at each failure."""
    (folder / "test_user.py").write_text(text)
    reference = str(Path(oracle.__file__).parents[2])
    code = f"import sys; sys.path.insert(0, {reference!r}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "-q", "-rA", "-p", "no:cacheprovider", "-k", "kernel or adam", "test_user.py"],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def test_each_check_is_an_item_of_pytest(tmp_path):
    status, said = outcomes(tmp_path, MODULE.format(expected={}))
    assert status == 1, said
    assert "FAILED test_user.py::test_mine[mine-kernel/vectors-Cancellation]" in said
    assert "PASSED test_user.py::test_mine[mine-kernel/even]" in said
    assert "not offered: adam" in said and " skipped" in said
    assert "Turinici2023, choice of h: kernel: " in said and "  tolerance  " in said, said


def test_what_is_missing_alone_is_the_reason_of_a_skip():
    adapter = oracle.from_functions("half", f=own["f"])
    decorator = oracle.parametrize_with_checks([adapter])
    reasons = {param.id: mark.kwargs["reason"] for param in decorator.args[1] for mark in param.marks}
    assert reasons["half-conjugate/fenchel-young"] == "not offered: conjugate"  # it needs f, too
    assert reasons["half-kernel/even"] == "not offered: kernel"


PARTLY = '''
from divergen import oracle

def kernel(x, a):
    {does}

adapter = oracle.from_functions("mine", kernel=kernel)

@oracle.parametrize_with_checks([adapter], expected_failures={expected})
def test_mine(adapter, check):
    check(adapter)
'''


def test_what_is_never_offered_is_skipped_in_pytest(tmp_path):
    status, said = outcomes(tmp_path, PARTLY.format(does="raise NotImplementedError('some day')", expected={}))
    assert status == 0 and "some day" in said and " passed" not in said and "failed" not in said, said
    known = {"kernel/even": "known"}
    status, said = outcomes(tmp_path, PARTLY.format(does="raise NotImplementedError('some day')", expected=known))
    assert status == 1 and "1 failed" in said and "it is expected to fail, and was skipped" in said, said


def test_what_raises_fails_in_pytest_though_it_was_expected_to_fail(tmp_path):
    status, said = outcomes(tmp_path, PARTLY.format(does="return x.missing", expected={"kernel/even": "known"}))
    assert status == 1 and "xfailed" not in said and "AttributeError" in said and "return x.missing" in said, said


def test_expected_failures_are_strict_in_pytest(tmp_path):
    failing = [r.name for r in oracle.check(
        oracle.from_functions("as printed", kernel=lambda x, a: np.sqrt(np.sum(x * x, axis=1) + a * a) - a),
        on_fail="report", select="^kernel/").results if r.bad]
    assert "kernel/vectors-Cancellation" in failing
    status, said = outcomes(tmp_path, MODULE.format(expected=dict.fromkeys(failing, "as printed")))
    assert status == 0 and f"{len(failing)} xfailed" in said, said
    known = dict.fromkeys([*failing, "kernel/even"], "as printed")
    status, said = outcomes(tmp_path, MODULE.format(
        expected=f"lambda adapter: {known!r} if adapter.name == 'mine' else {{}}"))
    assert status == 1 and "[XPASS(strict)] as printed" in said and "1 failed" in said, said
