"""The tutorials run as scripts, and what they claim holds: every claim is an assert in the script itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import divergen

TUTORIALS = Path(__file__).resolve().parents[1] / "tutorials"
SCRIPTS = sorted(TUTORIALS.glob("plot_*.py"))


def run_script(path, folder):
    """Run a script from an empty folder, without a display, on one thread, with warnings as errors."""
    environment = os.environ | {
        "MPLBACKEND": "Agg",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(divergen.__file__).resolve().parents[1]),
        "PYTHONIOENCODING": "utf-8",
    }
    environment.pop("DISPLAY", None)  # with a display, plt.show() warns that Agg shows nothing
    environment.pop("PYTHONOPTIMIZE", None)  # which would leave the asserts out
    return subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=600,
    )


def test_there_are_tutorials():
    assert len(SCRIPTS) >= 3


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_tutorial_runs(script, tmp_path):
    result = run_script(script, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout  # each prints what it found
    assert not list(tmp_path.iterdir())  # and leaves nothing behind


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_tutorial_claims_something(script):
    """A title, cells of text, sources, visible seeds and asserts: the form that the gallery and the reader rely on."""
    text = script.read_text(encoding="utf-8")
    title, underline = text.split('"""', 1)[1].strip().splitlines()[:2]
    assert set(underline) == {"="} and len(underline) >= len(title)
    assert text.count("# %%\n") >= 5
    assert "default_rng(" in text
    assert ":cite:`Turinici" in text
    assert sum(line.lstrip().startswith("assert ") for line in text.splitlines()) >= 5


def test_a_false_claim_is_seen(tmp_path):
    """What the test above relies on: a failing assert makes the script fail."""
    script = tmp_path / "plot_99_false.py"
    script.write_text("assert 1 + 1 == 3\n", encoding="utf-8")
    result = run_script(script, tmp_path)
    assert result.returncode == 1
    assert "AssertionError" in result.stderr
