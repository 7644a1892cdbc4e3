"""The oracle's command line: what it lists and explains, what a run says and writes, and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import divergen
from divergen import __main__ as cli
from divergen.oracle import CAPABILITIES, checks

NAMES = [one.name for one in checks.all_checks()]

MODULE = """
import numpy as np
from divergen.oracle import from_functions

def kernel(x, a):
    s = (x * x).sum(axis=1)
    return np.where(s > 0, s / (np.sqrt(s + a * a) + a + (s == 0)), 0.0)

right = from_functions("right", kernel=kernel)
uneven = from_functions("uneven", kernel=lambda x, a: kernel(x, a) + (x[:, 0] < 0))

class Methods:
    def kernel(self, x, a):
        return kernel(x, a)

methods = Methods()

def build():
    return right

def need(argument):
    return right

def stops():
    raise RuntimeError("no\\nluck")

class nested:
    inside = right

number = 3
def list():
    return "none of the names"
"""
KERNEL = "^kernel/(even|zero-at-zero|vectors-Normal|scaling)$"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a module of adapters, and files of expected failures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    files = {
        "judged.py": MODULE, "broken.py": "1 / 0", "leaves.py": "import sys\nsys.exit('bye')",
        "good.txt": "# known\n\nkernel/even  # one side is raised\nkernel/vectors-Normal # so are these\n",
        "good.json": '{"kernel/even": "one side is raised", "kernel/vectors-Normal": "so are these"}',
        "unknown.txt": "kernel/even # yes\nkernel/odd  # no such check\n", "bare.txt": "kernel/even\n",
        "twice.txt": "kernel/even # a\nkernel/even # b\n", "half.json": '{"kernel/even": "a"',
        "numbers.json": '{"kernel/even": 3}', "twice.json": '{"kernel/even": "a", "kernel/even": "b"}',
        "unknown.json": '{"kernel/odd": "a"}', "old.json": "old",
        "close.txt": "kernal/even # a\n", "absent.txt": "adam/recursion # a\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe")
    yield tmp_path
    for name in ("judged", "broken", "leaves"):
        sys.modules.pop(name, None)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def oracle(*arguments):
    return cli.main(["oracle", *map(str, arguments)])


# --- list ------------------------------------------------------------------------------------------------------


def test_the_list_names_every_capability_and_check(capsys):
    assert oracle("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == list(CAPABILITIES)
    listed = [line.split()[0] for line in lines if line.startswith("    ") and "/" in line.split()[0]
              and line.split()[0] in set(NAMES)]
    assert listed == NAMES
    assert max(map(len, lines)) <= 120


def test_the_list_says_arguments_results_equations_and_conventions(capsys):
    oracle("list")
    words = " ".join(capsys.readouterr().out.split())
    for name, one in CAPABILITIES.items():
        for text in (one.arguments, one.returns, one.equation, *(f"{c} = " for c in one.conventions)):
            assert " ".join(text.split()) in words, name


def test_one_capability_is_listed_alone(capsys):
    assert oracle("list", "--capability", "drs") == 0
    out = capsys.readouterr().out
    assert out.startswith("drs\n") and "drs/vectors-" in out and "obrs/" not in out


# --- explain ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_check_can_be_explained(name, capsys):
    assert oracle("explain", name) == 0
    out = capsys.readouterr().out
    check = checks._REGISTERED[name]
    assert out.startswith(f"{name}\n")
    words = " ".join(out.split())
    assert check.equation in words and " ".join(check.what.split()) in words
    if check.kind == "vectors":
        assert "mpmath 1." in words and "tolerance" in words and "vector " in words
    else:
        assert "def " in out


def test_vectors_are_explained_by_origin_flags_and_tolerance(capsys):
    oracle("explain", "kernel/vectors-Cancellation")
    words = " ".join(capsys.readouterr().out.split())
    assert "made by tools/vectors/distance.py, mpmath" in words
    assert "routes quotient: s / (sqrt(s + a^2) + a); difference:" in words
    assert "flag Cancellation: |x| far below a" in words
    assert "|want|: the squares of 2 coordinates are added" in words
    assert "vector small-0: x (3, 2), a = 1.0" in words


def test_laws_are_explained_by_their_code_and_tolerance(capsys):
    oracle("explain", "kernel/even")
    out = capsys.readouterr().out
    assert 'trial.equal(trial("kernel", -x, a), trial("kernel", x, a))' in out
    assert "ROUNDING: 1e-12 + 1e-10 |want|: float64 arithmetic" in out
    oracle("explain", "kernel/zero-at-zero")  # it has a tolerance of its own
    out = capsys.readouterr().out
    assert "ROUNDING" not in out and "Tolerance(0.0, 1e-15" in out
    oracle("explain", "squared_distance/symmetric")
    assert "SUMS: 1e-11 + 1e-10 |want|" in capsys.readouterr().out


def test_statistics_are_explained_with_their_false_alarm(capsys):
    oracle("explain", "expected_kernel/monte-carlo")
    out = capsys.readouterr().out
    assert "fails with a probability of at most 1e-06" in out and "200_000" in out


@pytest.mark.parametrize("name", CAPABILITIES)
def test_every_capability_can_be_explained(name, capsys):
    assert oracle("explain", name) == 0
    out = capsys.readouterr().out
    words = " ".join(out.split())
    for text in (CAPABILITIES[name].arguments, CAPABILITIES[name].equation, f'from_functions("mine", {name}=lambda '):
        assert " ".join(text.split()) in words
    assert all(check in words for check in NAMES if check.split("/")[0] == name)
    assert "made by tools/vectors/" in words
    assert max(map(len, out.splitlines())) <= 120


def test_what_a_check_needs_beyond_its_own_is_said(capsys):
    oracle("explain", "conjugate/fenchel-young")
    assert "needs        f, conjugate" in capsys.readouterr().out


# --- run -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["right", "methods", "Methods", "build", "nested.inside"])
def test_a_right_implementation_passes(folder, capsys, name):
    assert oracle("run", f"judged:{name}", "--select", KERNEL) == 0
    said = capsys.readouterr()
    assert "4 passed" in said.out
    assert said.err == ""  # no bar where there is no terminal


def test_a_wrong_one_is_reported_and_exits_with_1(folder, capsys):
    assert oracle("run", "judged:uneven", "--select", KERNEL) == 1
    out = capsys.readouterr().out
    assert "FAILED  kernel/even  (Turinici2023, choice of h)" in out and "got" in out and "want" in out


def test_what_is_not_offered_is_skipped_and_said(folder, capsys):
    assert oracle("run", "judged:right", "--select", "^(kernel|adam)/(even|rate-zero)$") == 0
    out = capsys.readouterr().out
    assert "1 passed, 1 skipped" in out and "skipped, not offered: adam" in out


def test_the_report_and_the_junit_file(folder, capsys):
    assert oracle("run", "judged:uneven", "--select", KERNEL, "--report", "old.json", "--junit", "out.xml") == 1
    report = json.loads((folder / "old.json").read_text())
    assert report["adapter"] == "uneven" and not report["ok"]
    assert {r["name"] for r in report["results"]} == {n for n in NAMES if n in {
        "kernel/even", "kernel/zero-at-zero", "kernel/vectors-Normal", "kernel/scaling"}}
    suite = ElementTree.parse(folder / "out.xml").getroot()
    assert suite.get("tests") == "4" and int(suite.get("failures")) == report["counts"]["failed"] > 0
    out = capsys.readouterr().out
    assert "wrote old.json\nwrote out.xml\n" in out
    assert not list(folder.glob(".divergen-*"))


@pytest.mark.parametrize("file", ["good.txt", "good.json"])
def test_expected_failures(folder, capsys, file):
    select = "^kernel/(even|vectors-Normal)$"
    assert oracle("run", "judged:uneven", "--select", select, "--xfails", file) == 0
    assert "2 expected failure" in capsys.readouterr().out
    assert oracle("run", "judged:right", "--select", select, "--xfails", file) == 1  # they are strict
    assert "UNEXPECTED PASS  kernel/even" in capsys.readouterr().out


def test_the_bar_names_the_checks_where_there_is_a_terminal(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert oracle("run", "judged:right", "--select", KERNEL) == 0
    assert "judging" in capsys.readouterr().err


NOTHING = "select: expected a regular expression that matches some check of what right offers, got "
REFUSED = {
    "": "divergen oracle: error: the following arguments are required: part",
    "judge": "divergen oracle: error: argument part: invalid choice: 'judge'",
    "list --capability nothing": "divergen oracle list: error: capability: expected one of kernel, squared_distance,",
    "explain": "divergen oracle explain: error: the following arguments are required: name",
    "explain kernel/odd": "divergen oracle explain: error: check: expected the name of one, or of a capability, got "
    "'kernel/odd'\n",
    "explain kernel/eve": "divergen oracle explain: error: check: expected the name of one, or of a capability, got "
    "'kernel/eve'; did you mean kernel/even?\n",
    "explain kernle": "divergen oracle explain: error: check: expected the name of one, or of a capability, got "
    "'kernle'; did you mean kernel?\n",
    "run": "the following arguments are required: module:adapter",
    "run judged": "adapter: expected module:attribute, got 'judged'",
    "run judged.py:right": "importing judged.py raised ModuleNotFoundError: No module named 'judged.py'; 'judged' is",
    "run ../judged:right": "adapter: expected module:attribute, got '../judged:right'",
    "run nowhere:right": "importing nowhere raised ModuleNotFoundError: No module named 'nowhere'",
    "run broken:right": "importing broken raised ZeroDivisionError: division by zero",
    "run leaves:right": "importing leaves raised SystemExit: bye",
    "run judged:wrong": "judged:wrong: there is no wrong in it",
    "run judged:number": "judged:number: implementation: expected methods with the arguments of capabilities, got int ",
    "run judged:list": "judged:list: implementation: expected methods with names of capabilities (kernel, squared_",
    "run judged:need": "calling need raised TypeError: need() missing 1 required positional argument: 'argument'",
    "run judged:stops": "calling stops raised RuntimeError: no luck",
    "run judged:right --select [": "select: expected a regular expression, got '['",
    "run judged:right --select ^nothing": f"{NOTHING}'^nothing', which matches 0 of ",
    "run judged:right --select ^adam/": f"{NOTHING}'^adam/', which matches ",
    "run judged:right --report nowhere/a.json": "nowhere/a.json: there is no directory ",
    "run judged:right --junit .": ".: expected the name of a file, got a directory",
    "run judged:right --report a --junit a": "a: expected a file of its own for each result",
    "run judged:right --report good.txt --xfails good.txt": "good.txt: expected a file of its own for each result",
    "run judged:right --xfails missing.txt": "missing.txt: cannot be read: No such file or directory",
    "run judged:right --xfails bytes.txt": "bytes.txt: expected text in UTF-8: ",
    "run judged:right --xfails unknown.txt": "unknown.txt, line 2: expected the name of a check, got 'kernel/odd'",
    "run judged:right --xfails bare.txt": "bare.txt, line 1: expected a reason for kernel/even, got none",
    "run judged:right --xfails twice.txt": "twice.txt, line 2: kernel/even is there twice",
    "run judged:right --xfails half.json": "half.json: expected JSON, as it begins with a brace: ",
    "run judged:right --xfails numbers.json": "numbers.json: expected a text as the reason of each check",
    "run judged:right --xfails twice.json": "twice.json: kernel/even is there twice",
    "run judged:right --xfails unknown.json": "unknown.json: expected the name of a check, got 'kernel/odd'",
    "run judged:right --xfails close.txt": "close.txt, line 1: expected the name of a check, got 'kernal/even'; did "
    "you mean kernel/even?\n",
    "run judged:right --xfails absent.txt": "expected_failures: expected checks of what right offers, got "
    "'adam/recursion', which would be skipped (not offered: adam)\n",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_bad_input_is_refused_in_one_line_and_touches_no_file(folder, capsys, monkeypatch, arguments):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = contents(folder)
    with pytest.raises(SystemExit) as stop:
        oracle(*arguments.split())
    assert stop.value.code == 2
    said = capsys.readouterr()
    wanted = REFUSED[arguments]
    assert said.err.startswith(wanted if wanted.startswith("divergen") else f"divergen oracle run: error: {wanted}")
    assert said.err.count("\n") == 1 and said.err.endswith("\n")
    assert said.out == ""
    assert contents(folder) == before


def test_a_failure_while_writing_leaves_the_old_file(folder, capsys, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = contents(folder)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(SystemExit) as stop:
        oracle("run", "judged:right", "--select", KERNEL, "--report", "old.json")
    assert stop.value.code == 2
    assert capsys.readouterr().err == "divergen oracle run: error: [Errno 28] No space left on device\n"
    assert contents(folder) == before


def test_without_hypothesis_nothing_is_judged(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(SystemExit) as stop:
        oracle("run", "judged:right", "--select", KERNEL)
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith("need hypothesis: pip install divergen[oracle]\n")


def test_stopped_by_the_user(folder, capsys, monkeypatch):
    from divergen.oracle import command

    def stop_here(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "check", stop_here)
    with pytest.raises(SystemExit) as stop:
        oracle("run", "judged:right", "--report", "old.json")
    assert stop.value.code == 130
    assert (folder / "old.json").read_text() == "old"


def test_as_a_module_from_the_current_folder(folder):
    def python(*arguments):
        paths = {"PYTHONPATH": str(Path(divergen.__file__).parents[1])}
        return subprocess.run([sys.executable, "-m", "divergen", "oracle", "run", *arguments, "--select", KERNEL],
                              capture_output=True, text=True, check=False, env={**os.environ, **paths})

    assert python("judged:right").returncode == 0
    assert python("judged:uneven").returncode == 1
    refused = python("judged:wrong")
    assert (refused.returncode, refused.stderr) == (
        2, "divergen oracle run: error: judged:wrong: there is no wrong in it\n")
