"""The shape of the house: what may import what, and what a module must not contain."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "reference" / "divergen"
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path):
    """The absolute names of what a module imports, at its top or inside functions."""
    package = ("divergen", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: -node.level] if node.level else ()
            yield from (".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_library_code_checks_input_by_exceptions(path):
    tree = ast.parse(path.read_text())
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    text = path.read_text()
    assert "np.random.seed" not in text and "RandomState(" not in text


# Who may import from whom; arrows run downwards only.
ALLOWED = {
    "distance": {"arrays", "chunks", "threads", "distance"},
    "sampling": {"arrays", "threads", "adam", "distance", "sampling"},
    "models": {"arrays", "adam", "files", "distance", "sampling", "evaluation", "models"},
    "evaluation": {"arrays", "chunks", "threads", "evaluation"},
    "equations": {"arrays", "equations"},
    "oracle": {"equations", "oracle"},
}


@pytest.mark.parametrize("part", ALLOWED)
def test_arrows_run_downwards(part):
    for path in (PACKAGE / part).rglob("*.py"):
        parts = {name.split(".")[1] for name in imports(path) if name.startswith("divergen.")}
        assert parts <= ALLOWED[part], path


def test_only_plotting_knows_matplotlib():
    knowing = {p.parent.name for p in MODULES if any(name.split(".")[0] == "matplotlib" for name in imports(p))}
    assert knowing == {"plotting"}


def test_only_chunks_knows_dask():
    knowing = {p.stem for p in MODULES if any(name.split(".")[0] in ("dask", "distributed") for name in imports(p))}
    assert knowing == {"chunks"}


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
