"""The directive ``.. code-of:: divergen.adam.adam_step``: an object's source, without its docstring.

A chapter says the maths and shows the code that does it, side by side. The docstring would say the maths a second
time, and line numbers go stale, so the code is looked up by its name; a name that no longer exists is a warning, hence
an error.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective


def find(path: str) -> tuple[Any, str]:
    """Return the object with the dotted name `path`, and the name of its module."""
    parts = path.split(".")
    for cut in range(len(parts), 0, -1):
        module_name = ".".join(parts[:cut])
        try:
            target: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not module_name.startswith(error.name):
                raise
            continue
        for part in parts[cut:]:
            target = inspect.getattr_static(target, part) if inspect.isclass(target) else getattr(target, part)
        wrapped = getattr(target, "fget", None) or getattr(target, "__func__", None)  # property, classmethod
        return wrapped or target, module_name
    raise AttributeError(f"no module holds {path}")


def without_docstrings(source: str) -> str:
    """Drop every docstring from `source`, and the blank line that follows it."""
    lines = textwrap.dedent(source).splitlines()
    drop: set[int] = set()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        if ast.get_docstring(node) is None or len(node.body) < 2:
            continue
        first = node.body[0]
        end = first.end_lineno or first.lineno
        drop.update(range(first.lineno, end + 1))
        if end < len(lines) and not lines[end].strip():
            drop.add(end + 1)
    return "\n".join(line for number, line in enumerate(lines, 1) if number not in drop)


class CodeOf(SphinxDirective):
    """Show the source of the named objects, one block each, under their names as links to the reference."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        blocks: list[nodes.Node] = []
        for path in self.arguments[0].split():
            try:
                target, module_name = find(path)
                code = without_docstrings(inspect.getsource(target))
            except (AttributeError, ImportError, OSError, TypeError) as error:
                return [self.state.document.reporter.warning(f"code-of: {path}: {error}", line=self.lineno)]
            self.env.note_dependency(inspect.getsourcefile(importlib.import_module(module_name)) or "")
            block = nodes.literal_block(code, code, language="python")
            name: nodes.Node = nodes.literal(path, path)
            if "._" not in path:  # a private helper has no entry in the reference
                name = addnodes.pending_xref(
                    "", name, refdomain="py", reftype="obj", reftarget=path, refexplicit=True
                )
            blocks.append(nodes.container("", nodes.paragraph("", "", name), block, classes=["code-of"]))
        return blocks


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("code-of", CodeOf)
    return {"version": "1", "parallel_read_safe": True}
