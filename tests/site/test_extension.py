"""The directive `explorable`: what it writes, and when a page is built again."""

import importlib.util
import json
import os
import pathlib
import re
import sys

import numpy as np
import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed")
DOCS = pathlib.Path(__file__).parents[2] / "docs"

TOY = """
TITLE = "A toy </script>"
CONTROLS = ({"kind": "range", "name": "t", "label": "t", "values": [0.1, 0.2], "start": 0.19},)
PANELS = ({"name": "one", "title": "One", "ratio": 0.5, "legend": (("a", "line"),)},)
NUMBERS = (("t", "the number"),)


def data():
    return {"words": "</script>", "third": 1 / 3}


def table(found):
    return ("third",), [(found["third"],)]
"""


@pytest.fixture
def extension(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    spec = importlib.util.spec_from_file_location("explorable", DOCS / "_ext" / "explorable.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_plain_data(extension):
    given = {"a": np.array([1 / 3, 2.0]), "b": (np.int64(3), np.bool_(True), "x"), "c": np.float32(123456.789)}
    assert extension.plain(given) == {"a": [0.33333, 2], "b": [3, True, "x"], "c": 123460}
    assert isinstance(extension.plain(2.0), int)


def test_figure(extension, tmp_path):
    (tmp_path / "toy.py").write_text(TOY)
    page = extension.figure("toy", extension.load(tmp_path / "toy.py"))
    data = re.search(r'<script type="application/json" id="data-toy">(.*?)</script>', page)[1]
    assert json.loads(data)["data"] == {"words": "</script>", "third": 0.33333}  # and the element did not end early
    assert 'value="1"' in page and "<output for=\"toy-t\">0.2</output>" in page  # the value nearest to the start
    assert "A toy &lt;/script&gt;" in page and "<td>0.3333</td>" in page


def test_data_must_be_numbers(extension, tmp_path):
    (tmp_path / "toy.py").write_text(TOY.replace("1 / 3", "float('nan')"))
    with pytest.raises(ValueError, match="data: expected finite numbers, got nan"):
        extension.figure("toy", extension.load(tmp_path / "toy.py"))


def test_unknown_picture(extension, tmp_path):
    with pytest.raises(Exception, match=r"there is no nothing\.py in docs/explore"):
        extension.load(tmp_path / "nothing.py")


def test_a_page_is_built_again_if_its_picture_changed(tmp_path, monkeypatch):
    from sphinx.application import Sphinx

    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    source = tmp_path / "docs"
    (source / "explore").mkdir(parents=True)
    (source / "conf.py").write_text('extensions = ["explorable"]\nroot_doc = "index"\n')
    (source / "index.rst").write_text("Toy\n===\n\n.. toctree::\n\n   other\n\n.. explorable:: toy\n")
    (source / "other.rst").write_text("Other\n=====\n")
    toy = source / "explore" / "toy.py"
    toy.write_text(TOY)

    def build():
        app = Sphinx(source, source, tmp_path / "html", tmp_path / "trees", "html", status=None, warning=None)
        read = []
        app.connect("source-read", lambda app, name, text: read.append(name))
        app.build()
        return read

    assert sorted(build()) == ["index", "other"]
    assert build() == []
    later = toy.stat().st_mtime + 10
    os.utime(toy, (later, later))
    assert build() == ["index"]
    page, other = ((tmp_path / "html" / f"{name}.html").read_text() for name in ("index", "other"))
    assert page.count("explore/toy.js") == page.count("explore/common.js") == 1
    assert "explore/" not in other.replace("_static/explore.css", "")
    sys.modules.pop("explorable", None)
