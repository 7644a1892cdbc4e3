"""The directive ``.. explorable:: pr_curve``: a picture with sliders over numbers that this build computes.

``docs/explore/NAME.py`` says what there is to see, as plain data: TITLE, CONTROLS, PANELS, NUMBERS, a pure function
``data()``, and ``table(data)``, which a reader without JavaScript gets. The page holds the data as JSON, the controls
as native form elements and an empty SVG for each panel; ``docs/_static/explore/NAME.js`` draws into these. Nothing is
loaded from elsewhere, and scripts read no files, so that it works from ``file://``.
"""

from __future__ import annotations

import html
import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

DIGITS = 5  # more than a picture shows, and few enough for a page of some 100 kB


class explorable(nodes.General, nodes.Element):
    """A picture with sliders; `name`, `page` (its HTML)."""


def load(path: Path) -> ModuleType:
    """Import a picture's module from its file, afresh."""
    spec = importlib.util.spec_from_file_location(f"explore_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ExtensionError(f"explorable: there is no {path.name} in docs/explore")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain(value: Any) -> Any:
    """Return nested data as JSON has it: arrays as lists, floats rounded to five digits."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise ValueError(f"data: expected finite numbers, got {value}; JSON has no others")
        rounded = float(f"{float(value):.{DIGITS}g}")
        return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e6 else rounded
    return value


def _text(value: Any) -> str:
    return html.escape(f"{value:.4g}" if isinstance(value, float) else str(value))


def _control(name: str, control: dict[str, Any]) -> str:
    """Return a slider or a group of radio buttons; sliders run over the indices of their values."""
    key, label = f"{name}-{control['name']}", html.escape(control["label"])
    if control["kind"] == "range":
        values = control["values"]
        start = min(range(len(values)), key=lambda i: abs(values[i] - control["start"]))
        return (
            f'<div class="control"><label for="{key}">{label}</label>'
            f'<input type="range" id="{key}" name="{control["name"]}" min="0" max="{len(values) - 1}" step="1" '
            f'value="{start}" autocomplete="off"><output for="{key}">{_text(values[start])}</output></div>'
        )
    buttons = "".join(
        f'<label><input type="radio" name="{key}" value="{value}" autocomplete="off"{" checked" if i == 0 else ""}> '
        f"{html.escape(text)}</label>"
        for i, (value, text) in enumerate(control["options"])
    )
    return f'<fieldset class="control" data-name="{control["name"]}"><legend>{label}</legend>{buttons}</fieldset>'


def _panel(name: str, panel: dict[str, Any]) -> str:
    """Return an empty drawing with its title and its legend."""
    keys = "".join(
        f'<li><svg class="key" viewBox="0 0 28 14" aria-hidden="true">{_key(style)}</svg> {html.escape(text)}</li>'
        for style, text in panel["legend"]
    )
    title = html.escape(panel["title"])
    return (
        f'<div class="panel panel-{panel["name"]}"><p class="panel-title">{title}</p>'
        f'<svg role="img" aria-label="{title}" data-panel="{panel["name"]}" data-ratio="{panel["ratio"]}"></svg>'
        f'<ul class="legend">{keys}</ul></div>'
    )


def _key(style: str) -> str:
    """Return the sample of a legend: its shape says which kind of mark it stands for."""
    kind = style.split()[-1]
    if kind == "fill":
        pattern = ' fill="url(#hatch)"' if style.startswith("hatch") else ""
        return f'<rect class="{style}"{pattern} x="1" y="1" width="26" height="12"/>'
    if kind in ("dot", "ring", "disc"):
        return f'<circle class="{style}" cx="14" cy="7" r="5"/>'
    if kind == "diamond":
        return f'<path class="{style}" d="M14 1 20 7 14 13 8 7Z"/>'
    if kind == "cross":
        return f'<path class="{style}" d="M9 2 19 12M19 2 9 12"/>'
    return f'<path class="line {style}" d="M1 7H27"/>'


def figure(name: str, module: ModuleType) -> str:
    """Return the HTML of a picture: controls, panels, numbers, a sentence for all of it, a table without scripts."""
    found = module.data()
    payload = json.dumps(
        plain({"controls": module.CONTROLS, "data": found}), ensure_ascii=False, separators=(",", ":")
    ).replace("</", "<\\/")
    header, rows = module.table(found)
    head = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    numbers = "".join(
        f'<div><dt>{html.escape(text)}</dt><dd data-number="{key}">–</dd></div>' for key, text in module.NUMBERS
    )
    controls = "".join(_control(name, control) for control in module.CONTROLS)
    return (
        f'<figure class="explorable" id="explorable-{name}" data-explorable="{name}" aria-labelledby="title-{name}">'
        f'<figcaption id="title-{name}">{html.escape(module.TITLE)}</figcaption>'
        f'<form class="controls needs-script" hidden>{controls}'
        f'<button type="button" class="reset">Reset</button></form>'
        f'<p class="reading needs-script" role="status" aria-live="polite" hidden></p>'
        f'<div class="panels needs-script" hidden>{"".join(_panel(name, panel) for panel in module.PANELS)}</div>'
        f'<dl class="numbers needs-script" hidden>{numbers}</dl>'
        f"<noscript><p>The picture moves by JavaScript, which is off. Some of its numbers:</p>"
        f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></noscript>'
        f'<script type="application/json" id="data-{name}">{payload}</script></figure>'
    )


class Explorable(SphinxDirective):
    """Show the picture of docs/explore/NAME.py."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        path = Path(self.env.srcdir) / "explore" / f"{name}.py"
        module = load(path)
        self.env.note_dependency(str(path))
        self.env.note_dependency(__file__)
        for other in list(sys.modules.values()):  # the numbers are as old as the code that computes them
            source = getattr(other, "__file__", None) or ""
            if other.__name__.partition(".")[0] == "divergen" and source.endswith(".py"):
                self.env.note_dependency(source)
        return [explorable("", name=name, page=figure(name, module))]


def _write(translator: Any, node: explorable) -> None:
    translator.body.append(node["page"])
    raise nodes.SkipNode


def _leave_out(translator: Any, node: explorable) -> None:
    raise nodes.SkipNode


def _load_scripts(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give a page the script of each picture that it shows, and no other page any."""
    names = [] if doctree is None else [node["name"] for node in doctree.findall(explorable)]
    if names:
        app.add_css_file("explore/explore.css")
        app.add_js_file("explore/common.js", loading_method="defer")
    for name in names:
        app.add_js_file(f"explore/{name}.js", loading_method="defer")


def setup(app: Any) -> dict[str, Any]:
    app.add_node(explorable, html=(_write, None), text=(_leave_out, None), latex=(_leave_out, None))
    app.add_directive("explorable", Explorable)
    app.connect("html-page-context", _load_scripts)
    return {"version": "1", "parallel_read_safe": True}
