"""Our own functions go through the same kit as everybody's, on NumPy and on other array libraries."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import divergen as dg
from divergen import oracle
from oracle.own import OWN


def test_all_checks_pass_on_numpy():
    report = oracle.check(OWN, on_fail="report")
    assert report.ok, str(report)
    assert report.counts == {"passed": len(report.results)} and len(report.results) >= 359


# --- other array libraries -------------------------------------------------------------------------------------


def host(value):
    """An array of any library as NumPy's; numbers stay."""
    if hasattr(value, "__array_namespace__"):
        return value.get() if hasattr(value, "get") else np.asarray(value)
    return value


def through(library, function):
    """A function of this library's arrays as one of NumPy's; it has to stay within the library."""
    def called(*arguments):
        result = function(*(library.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments))
        parts = result if isinstance(result, tuple) else (result,)
        for part in parts:
            assert not isinstance(part, np.ndarray), "the result is NumPy's"
        return tuple(map(host, parts)) if isinstance(result, tuple) else host(result)

    return called


def ours(library):
    """The functions of own.py that call NumPy by name, by the library's name."""
    def kernel(x, a):
        return dg.HuberEnergy(a=a).value(library.sum(x * x, axis=1))

    def adam(start, gradients, learning_rates, beta1, beta2, epsilon):
        parameters, state, path = start, dg.adam_init(start), []
        for t in range(gradients.shape[0]):
            parameters, state = dg.adam_step(parameters, gradients[t, :], state, float(learning_rates[t]),
                                             beta1=beta1, beta2=beta2, epsilon=epsilon)
            path.append(parameters)
        return library.stack(path)

    return {**OWN.functions, "kernel": kernel, "adam": adam}


# An optimisation is slow on arrays that are checked at each step; the laws left out judge the same points again.
SOME = {"compress": "^compress/(finite|leaves-arguments-alone|same-twice|nan-is-not-lost|at-rest)$"}



@pytest.mark.parametrize("capability", oracle.CAPABILITIES)
def test_all_checks_pass_on_other_libraries(library, capability):
    function = ours(library)[capability]
    adapter = replace(OWN, name=library.__name__, functions={**OWN.functions, capability: through(library, function)})
    select = SOME.get(capability, f"^{capability}/")
    report = oracle.check(adapter, on_fail="report", select=select)
    assert report.ok, str(report)
    assert set(report.counts) == {"passed"}


# --- independence ----------------------------------------------------------------------------------------------


KIT = Path(oracle.__file__).parent
JUDGED_BY = ("divergen.equations", "divergen.oracle")


def imports(path, kit=KIT):
    """The absolute names of all that a module imports, wherever it stands in it."""
    package = ["divergen", "oracle", *path.relative_to(kit).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            for alias in node.names:
                yield ".".join([*base, *([node.module] if node.module else []), alias.name])


def is_independent(name):
    return name.split(".")[0] != "divergen" or any(f"{name}.".startswith(f"{one}.") for one in JUDGED_BY)


def test_the_kit_imports_nothing_that_it_judges():
    modules = sorted(KIT.rglob("*.py"))
    assert len(modules) > 10
    for path in modules:
        for name in imports(path):
            assert is_independent(name), f"{path.name} imports {name}"


# The kit without the package's own __init__, which loads everything; equations need arrays and one step of Adam.
ALONE = """
import sys, types
package = types.ModuleType("divergen")
package.__path__ = [sys.argv[1]]
sys.modules["divergen"] = package
from divergen import oracle
print(len(oracle.check(oracle.from_functions("mine", kernel=len), on_fail="report", select="/vectors").results))
print(*sorted(name for name in sys.modules if name.startswith("divergen.")))
"""


def test_all_checks_run_without_what_they_judge():
    """What is loaded while they run, by whatever means."""
    done = subprocess.run([sys.executable, "-c", ALONE, str(KIT.parent)], capture_output=True, text=True, timeout=120,
                          check=True)
    count, loaded = done.stdout.splitlines()
    assert int(count) > 100 and "divergen.oracle.golden" in loaded and "divergen.equations.verine2024" in loaded
    assert {name for name in loaded.split() if not is_independent(name)} <= {"divergen.arrays"}


@pytest.mark.parametrize(("name", "right"), [
    ("numpy", True), ("divergen.equations.verine2024", True), ("divergen.oracle.checks", True),
    ("divergen.equations_of_mine", False), ("divergen.distance", False), ("divergen", False), ("divergen.adam", False),
])
def test_independence_can_be_lost(name, right):
    assert is_independent(name) is right


def test_relative_imports_are_seen(tmp_path):
    module = tmp_path / "module.py"
    module.write_text("def f():\n    from ..distance import energy\n    from . import checks\nimport numpy.linalg\n")
    assert sorted(imports(module, tmp_path)) == ["divergen.distance.energy", "divergen.oracle.checks", "numpy.linalg"]
