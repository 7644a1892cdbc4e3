"""The kit itself: adapters, conventions, comparisons, runs and reports. Each part is seen to say no."""

import json
import math
import re
import sys
import types
from xml.etree import ElementTree

import numpy as np
import pytest

from divergen import oracle
from divergen.oracle import Adapter, CheckFailure, Conventions, Finding, Report, Result
from divergen.oracle.checks import register
from divergen.oracle.compare import Tolerance, compare, show
from divergen.oracle.conventions import HOUSE
from divergen.oracle.words import argument_names
from oracle.own import OWN

own = OWN.functions
KERNEL = oracle.from_functions("right", kernel=own["kernel"])
WRONG = oracle.from_functions("wrong", kernel=lambda x, a: own["kernel"](x, a) + a)

# --- adapter -----------------------------------------------------------------------------------------------------


def test_an_adapter_of_functions():
    assert KERNEL.name == "right" and KERNEL.conventions == HOUSE
    assert KERNEL.offers("kernel") and KERNEL.offers() and not KERNEL.offers("kernel", "adam")
    declared = oracle.from_functions("mine", Conventions(factor="one"), kernel=own["kernel"])
    assert declared.conventions.factor == "one"


@pytest.mark.parametrize(("make", "message"), [
    (lambda: oracle.from_functions("mine", kernels=abs),
     r"functions: expected names of capabilities \(kernel, .*'kernels'; did you mean kernel\?"),
    (lambda: oracle.from_functions("mine", kernel=3), "kernel: expected something callable, got int"),
    (lambda: oracle.from_functions("mine"), "functions: expected at least one capability, got none"),
    (lambda: oracle.from_functions("", kernel=abs), "name: expected a text, got ''"),
    (lambda: Adapter(3, {"kernel": abs}), "name: expected a text, got 3"),
    (lambda: Adapter("mine", {"kernel": abs}, "half"), "conventions: expected Conventions, got str"),
    (lambda: oracle.from_object(object()), "implementation: expected methods with names of capabilities .* got object"),
])
def test_what_is_no_adapter_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


class Mine:
    """Methods by the names of capabilities, and something else."""

    conventions = Conventions(logarithm="2")
    adam = "no function"

    def kernel(self, x, a):
        return own["kernel"](x, a)

    def other(self):
        raise NotImplementedError


def test_an_adapter_of_an_object():
    one = oracle.from_object(Mine())
    assert one.name == "Mine" and one.conventions.logarithm == "2" and list(one.functions) == ["kernel"]
    other = oracle.from_object(Mine(), name="other", conventions=HOUSE)
    assert other.name == "other" and other.conventions == HOUSE


def test_an_adapter_of_a_module_and_of_an_adapter():
    module = types.ModuleType("my_module")
    module.kernel = own["kernel"]
    found = oracle.from_object(module)
    assert found.name == "my_module" and oracle.check(found, select="^kernel/vectors").ok
    assert oracle.from_object(KERNEL) is KERNEL


class Wrong:
    def kernel(self, x):
        return x

    def adam(self, *arguments):
        return arguments


@pytest.mark.parametrize(("implementation", "message"), [
    (Mine, "expected an object, got the class Mine; instantiate it"),
    (np, r"got module in which conjugate takes 1 argument, and the capability has 2 \(name, t\); from_functions takes"),
    (np.ones(2), "got ndarray in which .*conjugate takes"),
    (3, "got int in which conjugate is the method of a number, and"),
    (Wrong(), r"got Wrong in which kernel takes \(x\), and the capability has 2 \(x, a\);"),
])
def test_what_only_looks_like_an_implementation_is_refused_with_the_reason(implementation, message):
    with pytest.raises(ValueError, match=message):
        oracle.from_object(implementation)


def test_what_may_fit_is_taken():
    assert oracle.from_object(types.SimpleNamespace(adam=Wrong().adam)).offers("adam")
    assert oracle.from_object(types.SimpleNamespace(conjugate=max)).offers("conjugate")  # a builtin does not say


def test_the_names_of_arguments_are_those_of_the_vectors():
    for name in oracle.CAPABILITIES:
        assert argument_names(name) == list(oracle.load_vectors(name).vectors[0].inputs)


def test_a_call_gets_copies():
    def greedy(sizes, parameters, x, noise):
        sizes.clear()
        parameters[:] = 0
        return 0.0

    sizes, numbers = [2, 1, 2], np.ones(3)
    oracle.from_functions("greedy", elbo=greedy).call("elbo", sizes, numbers, numbers, numbers)
    assert sizes == [2, 1, 2] and np.all(numbers == 1)


# --- converters --------------------------------------------------------------------------------------------------


class Tensor:
    """What the fake libraries have instead of arrays."""

    def __init__(self, values, dtype=None):
        self.values = np.asarray(values, dtype=dtype)
        self.shape, self.dtype = self.values.shape, self.values.dtype

    def is_floating_point(self):
        return self.values.dtype.kind == "f"

    def to(self, dtype):
        return Tensor(self.values, dtype)

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.values

    get = numpy

    def __array__(self, dtype=None, copy=None):
        return self.values


def fake(monkeypatch, **modules):
    for name, functions in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(functions)
        monkeypatch.setitem(sys.modules, name.replace("_", "."), module)


@pytest.fixture
def libraries(monkeypatch):
    seen = []

    def as_tensor(array, device=None):
        seen.append(device)
        return Tensor(array)

    asarray = lambda array, dtype=None: Tensor(array, dtype)  # noqa: E731
    fake(monkeypatch, torch={"as_tensor": as_tensor}, jax={}, jax_numpy={"asarray": asarray}, cupy={"asarray": asarray})
    sys.modules["jax"].numpy = sys.modules["jax.numpy"]
    return seen


@pytest.mark.parametrize("convert", [oracle.from_torch, oracle.from_jax, oracle.from_cupy])
def test_tensors_go_in_and_arrays_come_out(libraries, convert):
    def function(x, a, n):
        assert isinstance(x, Tensor) and isinstance(a, float) and isinstance(n, Tensor)
        assert n.dtype == np.int64
        return Tensor(x.values + a), Tensor(n.values), a

    for dtype in (None, np.float32):
        first, second, third = convert(function, dtype=dtype)(np.ones(2), 1.5, np.arange(2))
        assert isinstance(first, np.ndarray) and first.dtype == (dtype or np.float64) and first.tolist() == [2.5, 2.5]
        assert isinstance(second, np.ndarray) and third == 1.5
    assert isinstance(convert(lambda x: Tensor(x.values))(np.ones(2)), np.ndarray)
    assert isinstance(convert(lambda x: [x, x])(np.ones(2))[1], np.ndarray)
    assert convert(lambda x: 0.5)(np.ones(2)) == 0.5


def test_tensors_are_put_on_the_device(libraries):
    oracle.from_torch(lambda x: x, device="cuda:1")(np.ones(2))
    assert libraries == ["cuda:1"]


@pytest.mark.parametrize(("convert", "library"), [
    (oracle.from_torch, "torch"), (oracle.from_jax, "jax"), (oracle.from_cupy, "cupy")])
def test_a_library_is_loaded_when_it_is_used(monkeypatch, convert, library):
    monkeypatch.setitem(sys.modules, library, None)
    function = convert(lambda x: x)
    with pytest.raises(ImportError):
        function(np.ones(2))


# --- conventions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "message"), [
    ("factor", "factor: expected 'half' or 'one' .*got 'none'"), ("logarithm", "'e' or '2' or '10'"),
])
def test_what_is_no_convention_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        Conventions(**{name: "none"})


# --- comparing ---------------------------------------------------------------------------------------------------

LOOSE = Tolerance(1e-3, 1e-6, "an example")


def test_the_worst_entry_is_named():
    found = compare([[1.0, 2.0], [3.0, 4.5]], [[1.0, 2.0], [3.0, 4.0]], LOOSE)
    assert found.where == (1, 1) and (found.got, found.want, found.absolute, found.relative) == (4.5, 4.0, 0.5, 0.125)
    assert found.excess == pytest.approx(0.5 / (1e-6 + 4e-3)) and not found.problem


def test_ulps_are_counted():
    want = 1.0
    assert compare(np.nextafter(want, 2), want, LOOSE).ulp == 1.0
    assert compare(want + 10 * np.spacing(want), want, LOOSE).ulp == 10.0
    assert compare(want, want, LOOSE)[3:7] == ((), 0.0, 0.0, 0.0)
    assert compare(0.5, 0.0, LOOSE).relative == math.inf


@pytest.mark.parametrize(("got", "want", "passes"), [
    (math.inf, math.inf, True), (-math.inf, math.inf, False), (1e300, math.inf, False), (math.nan, math.inf, False),
    (math.inf, 1.0, False), (math.nan, 1.0, False), (math.nan, math.nan, True), (1.0, math.nan, False),
    (1.0009, 1.0, True), (1.0011, 1.0, False), (5e-7, 0.0, True), (2e-6, 0.0, False), (-0.0, 0.0, True),
])
def test_what_passes(got, want, passes):
    found = compare(got, want, LOOSE)
    assert (found.excess <= 1) is passes
    assert passes or found.excess > 1  # no nan


@pytest.mark.parametrize(("got", "problem"), [
    ([1.0], r"expected shape \(2,\), got \(1,\)"), ([[1.0, 2.0]], r"got \(1, 2\)"),
    ("text", "expected real numbers, got str"),
    ([1j, 2.0], "of dtype complex128"), (None, "got NoneType"), ([[1.0], [1.0, 2.0]], "got list"),
    ([object(), 1.0], "of dtype object"),
    ({"h": [1.0, 2.0], "n": 2}, r"^expected real numbers of shape \(2,\), got dict with keys 'h', 'n'$"),
])
def test_what_cannot_be_compared(got, problem):
    found = compare(got, [1.0, 2.0], LOOSE)
    assert found.excess == math.inf and re.search(problem, found.problem)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.int32, np.uint8, np.bool_])
def test_all_real_types_are_numbers(dtype):
    assert compare(np.array([1, 0], dtype=dtype), [1.0, 0.0], LOOSE).excess == 0
    assert compare(np.empty(0), np.empty(0), LOOSE).excess == 0


def test_values_are_shown_so_that_they_can_be_typed_in():
    assert show(np.array([[0.1, 2.0]])) == "[[0.1, 2.0]]"
    assert len(show(np.zeros(1000))) == 400 and show(np.zeros(1000)).endswith(" ...")


# --- running -----------------------------------------------------------------------------------------------------


def test_iter_checks_yields_what_is_offered():
    names = [one.name for one in oracle.iter_checks(KERNEL)]
    assert names and all(name.startswith("kernel/") for name in names)
    kinds = [one.kind for one in oracle.iter_checks(OWN)]
    assert set(kinds) == {"vectors", "property", "statistics"} and len(kinds) >= 359
    next(iter(oracle.iter_checks(KERNEL)))(KERNEL)
    with pytest.raises(CheckFailure, match=r"^Turinici2023, choice of h: "):
        next(iter(oracle.iter_checks(WRONG)))(WRONG)


def test_failures_are_raised_or_reported():
    with pytest.raises(CheckFailure, match="kernel/vectors-Normal, Turinici2023, choice of h: ") as caught:
        oracle.check(WRONG)
    assert caught.value.finding.vector and caught.value.finding.deviation.excess > 1
    report = oracle.check(WRONG, on_fail="report", select="^kernel/")
    assert not report.ok and report.counts["failed"] > 3 and report.counts["passed"] >= 1
    assert oracle.check(KERNEL, select="^kernel/").ok


def test_a_finding_says_everything():
    text = str(oracle.check(WRONG, on_fail="report", select="^kernel/vectors-Paper"))
    for part in ("wrong: 1 failed", "FAILED  kernel/vectors-Paper  (Turinici2023, choice of h)",
                 "golden vectors are off",
                 "  vector ", "[Paper", "  x ", "  a ", "  got ", "  want ", "absolute ", "relative ", " ulp",
                 "  tolerance ", "|want|: "):
        assert part in text, part


def test_what_is_not_offered_is_skipped_and_not_passed():
    report = oracle.check(KERNEL, on_fail="report", select="^(kernel|adam)/vectors")
    outcomes = {name: {r.outcome for r in report.results if r.name.startswith(name)} for name in ("kernel", "adam")}
    assert outcomes == {"kernel": {"passed"}, "adam": {"skipped"}}
    assert report.ok and "skipped, not offered: adam" in str(report)
    assert report.counts["skipped"] == sum(r.name.startswith("adam") for r in report.results)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"on_fail": "ignore"}, "on_fail: expected 'raise' or 'report', got 'ignore'"),
    ({"select": "("}, r"select: expected a regular expression, got '\('"),
    ({"expected_failures": {"kernel/odd": "?"}}, "expected_failures: expected names of checks, got 'kernel/odd'"),
])
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        oracle.check(KERNEL, **arguments)


def test_the_callback_sees_each_result():
    seen = []
    report = oracle.check(KERNEL, select="^kernel/", callback=seen.append)
    assert tuple(seen) == report.results


@pytest.mark.parametrize(("name", "kind"), [
    ("kernels/new", "vectors"), ("kernel/new", "vector"), ("kernel/even", "property")])
def test_a_check_has_a_new_name_and_a_known_kind(name, kind):
    list(oracle.iter_checks(KERNEL))  # registers all
    with pytest.raises(ValueError, match="name: expected a new one of the form capability/what"):
        register(name, kind, "something")


# --- reports -----------------------------------------------------------------------------------------------------


def awkward():
    """A report with one result of each outcome, and with what JSON and XML cannot hold."""
    deviation = compare([math.nan, math.inf], [1.0, 2.0], LOOSE)
    finding = Finding("off", {"x": np.array([[math.inf, 1.0]]), "n": np.int64(3), "f": abs}, deviation, LOOSE, "id-1",
                      ("Normal",), "because <&>")
    outcomes = ("passed", "failed", "error", "unexpected pass", "expected failure", "skipped")
    return Report("mine \x00 <&>", {"factor": "one"}, tuple(
        Result(f"kernel/{i}", "vectors", "an equation <&>", outcome, "a message \x1b\ud800\nin two lines" if i else "",
               finding if outcome == "failed" else None, 0.25)
        for i, outcome in enumerate(outcomes)))


def test_the_report_as_json():
    plain = json.loads(json.dumps(awkward().to_json(), allow_nan=False))
    assert plain["format"] == "divergen oracle report 1" and plain["ok"] is False
    assert plain["adapter"] == awkward().adapter
    assert plain["conventions"] == {"factor": "one"} and plain["counts"] == dict.fromkeys(awkward().counts, 1)
    assert len(plain["results"]) == 6 and set(plain["versions"]) == {"divergen", "numpy", "python"}
    finding = plain["results"][1]["finding"]
    assert finding["inputs"] == {"x": [["inf", 1.0]], "n": 3, "f": repr(abs)} and finding["vector"] == "id-1"
    assert finding["deviation"]["excess"] == "inf" and finding["tolerance"]["reason"] == "an example"
    assert plain["results"][0]["finding"] is None


def test_a_real_report_as_json():
    report = oracle.check(WRONG, on_fail="report", select="^kernel/|adam/first")
    plain = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert plain["counts"] == report.counts
    assert [r["name"] for r in plain["results"]] == [r.name for r in report.results]
    assert all(r["finding"]["inputs"] for r in plain["results"] if r["outcome"] == "failed")


def test_the_report_as_junit():
    text = awkward().to_junit()
    suite = ElementTree.fromstring(text.encode())
    assert suite.tag == "testsuite"
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "6", "failures": "2", "errors": "1", "skipped": "2", "time": "1.500"}
    inner = [[child.tag for child in case] for case in suite]
    assert inner == [[], ["failure"], ["error"], ["failure"], ["skipped"], ["skipped"]]
    assert suite[1].get("name") == "kernel/1" and suite[1].get("classname") == "mine  <&>.kernel"
    assert suite[1][0].get("message") == "a message " and "an equation <&>" in suite[1][0].text


def test_the_report_as_text():
    text = str(awkward())
    first = text.splitlines()[0]
    assert "1 passed, 1 failed, 1 error, 1 unexpected pass, 1 expected failure, 1 skipped" in first
    assert "UNEXPECTED PASS  kernel/3  (an equation <&>)" in text and "convention factor = one" in text
    assert "kernel/0" not in text and "kernel/4" not in text


# --- found by a reader's trial ---------------------------------------------------------------------------------


@pytest.mark.parametrize("select", ["no such check", "^elbo/"])
def test_to_judge_nothing_is_no_success(select):
    adapter = oracle.from_functions("kernel only", kernel=OWN.functions["kernel"])
    with pytest.raises(ValueError, match="select: expected a regular expression that matches some check"):
        oracle.check(adapter, on_fail="report", select=select)


def test_masked_entries_are_no_numbers():
    def hidden(x, a):
        return np.ma.masked_array(OWN.functions["kernel"](x, a), mask=True)

    report = oracle.check(oracle.from_functions("hidden", kernel=hidden), on_fail="report", select="^kernel/vectors")
    assert all(result.bad for result in report.results) and "masked" in str(report)
