"""The tutorials run as scripts, and what they claim holds: every claim is an assert in the script itself."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import divergen

TUTORIALS = Path(__file__).resolve().parents[1] / "tutorials"
SCRIPTS = sorted(TUTORIALS.glob("plot_*.py"))
TEXTS = {script.stem: script.read_text(encoding="utf-8") for script in SCRIPTS}
HEADER = (TUTORIALS / "GALLERY_HEADER.rst").read_text(encoding="utf-8")
LONG = {name for name, text in TEXTS.items() if "\n*Long:* " in ast.get_docstring(ast.parse(text))}
PATIENCE = {True: 600, False: 180}  # seconds, by whether it is marked as long: far above what either takes

DRIVER = '''
import json, runpy, sys
runpy.run_path(sys.argv[1], run_name="__main__")
import matplotlib.pyplot as plt
found = []


def label(axis):
    """Its label; or, where words stand at the ticks, they need none."""
    words = type(axis.get_major_formatter()).__name__ in ("FixedFormatter", "FuncFormatter", "StrCategoryFormatter")
    return axis.get_label_text() or ("words" if words else "")


for number in plt.get_fignums():
    figure = plt.figure(number)
    axes = [ax for ax in figure.axes if ax.axison]
    ticked = [ax for ax in axes if len(ax.get_xticks()) + len(ax.get_yticks()) and ax.get_label() != "<colorbar>"]
    found.append({
        "title": [figure.get_suptitle(), *(ax.get_title() for ax in figure.axes)],
        "labels": [(label(ax.xaxis), label(ax.yaxis)) for ax in ticked],
    })
print(json.dumps(found))
'''


def run_script(path, folder, timeout=600):
    """Run a script from an empty folder, without a display, on one thread, with warnings as errors.

    Its last line of output describes its pictures, which no script closes.
    """
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
        [sys.executable, "-W", "error", "-c", DRIVER, str(path)],
        cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=timeout,
    )


def check_pictures(pictures):
    """Each picture has a title, which the gallery makes its alternative text of, and each axis of numbers a label."""
    assert pictures
    for picture in pictures:
        assert len("".join(picture["title"])) >= 12, picture
        across, upwards = zip(*picture["labels"], strict=True) if picture["labels"] else ((), ())
        assert not across or any(across), picture  # panels that share an axis share its label
        assert not upwards or any(upwards), picture


def test_there_are_tutorials():
    assert len(SCRIPTS) >= 3


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_tutorial_runs(script, tmp_path):
    result = run_script(script, tmp_path, PATIENCE[script.stem in LONG])
    assert result.returncode == 0, result.stdout + result.stderr
    *printed, pictures = result.stdout.splitlines()
    assert printed  # each prints what it found
    check_pictures(json.loads(pictures))
    assert not list(tmp_path.iterdir())  # and leaves nothing behind


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_tutorial_claims_something(script):
    """A title, cells of text, sources, visible seeds and asserts: the form that the gallery and the reader rely on."""
    text = TEXTS[script.stem]
    title, underline = text.split('"""', 1)[1].strip().splitlines()[:2]
    assert set(underline) == {"="} and len(underline) >= len(title)
    assert text.count("# %%\n") >= 5
    assert "default_rng(" in text
    assert ":cite:`Turinici" in text
    assert sum(line.lstrip().startswith("assert ") for line in text.splitlines()) >= 5


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_tutorial_leads_to_a_chapter(script):
    """Its opening says where the proofs are, and the picture that stands for it is one that it has."""
    text = TEXTS[script.stem]
    chapters = re.findall(r":doc:`(?:/|\.\./)chapters/(\w+)`", text)
    assert chapters
    for chapter in chapters:
        assert (TUTORIALS.parent / "docs" / "chapters" / f"{chapter}.rst").is_file(), chapter
    (number,) = re.findall(r"^# sphinx_gallery_thumbnail_number = (\d+)$", text, flags=re.MULTILINE) or ["1"]
    assert 1 <= int(number) <= text.count("plt.show()")


def test_the_gallery_lists_each_tutorial():
    """With its time, and those that are long are named as such, there as in their own opening."""
    lines = re.findall(r"^\* :doc:`(\w+)` \((\d+) s(, long)?\): .{30,}", HEADER, flags=re.MULTILINE)
    assert sorted(name for name, _, _ in lines) == sorted(TEXTS)
    assert {name for name, _, long in lines if long} == LONG
    assert all(int(seconds) < 60 for name, seconds, _ in lines if name not in LONG)


def test_a_false_claim_is_seen(tmp_path):
    """What the test above relies on: a failing assert makes the script fail."""
    script = tmp_path / "plot_99_false.py"
    script.write_text("assert 1 + 1 == 3\n", encoding="utf-8")
    result = run_script(script, tmp_path)
    assert result.returncode == 1
    assert "AssertionError" in result.stderr


@pytest.mark.parametrize("drawing", ["ax.plot([1, 2])", "ax.set_title('x')", "ax.set(title='a long enough title')"])
def test_a_bare_picture_is_seen(drawing, tmp_path):
    script = tmp_path / "plot_99_bare.py"
    script.write_text(f"import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\n{drawing}\n", encoding="utf-8")
    pictures = json.loads(run_script(script, tmp_path).stdout.splitlines()[-1])
    with pytest.raises(AssertionError):
        check_pictures(pictures)
