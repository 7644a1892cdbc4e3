"""The shape of the house: what may import what, and what a module must not contain."""

import ast
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "reference" / "divergen"
MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_library_code_checks_input_by_exceptions(path):
    tree = ast.parse(path.read_text())
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    text = path.read_text()
    assert "np.random.seed" not in text and "RandomState(" not in text


def lint_imports(tree):
    """Run import-linter with the project's contracts on the package below `tree`."""
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()",
         "--config", str(ROOT / ".importlinter"), "--no-cache"],
        cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True, encoding="utf-8",
    )


def test_arrows_run_downwards():
    result = lint_imports(ROOT / "reference")
    assert result.returncode == 0 and "8 kept, 0 broken" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize(("module", "line", "contract"), [
    ("distance/kernels.py", "from . import energy", "Inside distance"),
    ("sampling/history.py", "from ..models import vae", "Arrows run downwards"),
    ("evaluation/curves.py", "from ..distance import energy", "What measures quality"),
    ("oracle/laws.py", "from .. import adam", "The definitions and the oracle"),
    ("sampling/compress.py", "import matplotlib", "Only plotting"),
    ("distance/energy.py", "import dask", "Only chunks"),
    ("models/vae.py", "import pooch", "Only datasets"),
    ("distance/pairs.py", "import cupy", "Only arrays"),
    ("novelty.py", "", "Arrows run downwards"),  # a module that no layer names
])
def test_a_wrong_arrow_is_seen(tmp_path, module, line, contract):
    shutil.copytree(PACKAGE, tmp_path / "divergen", ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    with (tmp_path / "divergen" / module).open("a") as file:
        file.write(f"\n{line}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    broken = [row for row in result.stdout.splitlines() if " BROKEN" in row]
    assert any(row.startswith(contract) for row in broken), result.stdout + result.stderr


def test_the_core_needs_numpy_and_scipy_alone():
    """Importing divergen and using it loads none of the extras."""
    code = (
        "import sys, numpy as np, divergen as dg\n"
        "dg.compress(dg.Gaussian.standard(2), 2, rng=np.random.default_rng(0), iterations=2)\n"
        "extras = {'matplotlib', 'mlxtend', 'pandas', 'tqdm', 'pooch', 'sklearn', 'autograd', 'torch', 'mpmath'}\n"
        "extras |= {'cupy', 'dask', 'distributed'}\n"
        "print(sorted(extras & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         env={"PYTHONPATH": str(ROOT / "reference")})
    assert run.stdout.strip() == "[]"


def test_the_facade_hands_on_every_public_name():
    import divergen

    assert len(divergen.__all__) == len(set(divergen.__all__))
    assert all(hasattr(divergen, name) for name in divergen.__all__)
    from divergen import adam, models
    from divergen.distance import energy, gaussian, kernels, line, measures, sliced
    from divergen.evaluation import class_radius, curves, divergences, neighbours
    from divergen.sampling import compress, rejection, truncation

    for module in (adam, energy, gaussian, kernels, line, measures, sliced, models, compress, rejection, truncation,
                   curves, divergences, class_radius, neighbours):
        missing = set(module.__all__) - set(divergen.__all__)
        assert missing <= {"Schedule", "gamma", "kappa"}, (module, missing)  # names that say too little by themselves
