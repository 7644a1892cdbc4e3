"""Notebooks without the markup of the book: sphinx-gallery turns formulas into Markdown, but knows no roles.

A citation becomes its key, a link to a chapter the chapter's name, a name of the code the name as code.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx_gallery import notebook

_markdown = notebook.rst2md


def without_roles(text: str) -> str:
    """Replace the roles in a cell of text; formulas stay, for they are known."""
    text = re.sub(r":cite(?::\w+)?:`([^`]+)`", lambda found: "[" + ", ".join(found[1].split(",")) + "]", text)
    text = re.sub(r":doc:`[^`<]*<?/?(?:\.\./)?chapters/(\w+)>?`", r"chapter *\1* of the book", text)
    text = re.sub(r":doc:`/?(?:gallery/)?(\w+)`", r"*\1*", text)
    return re.sub(r":(?!math)[\w:]+:`[~!]?(?:[\w.]+\.)?(\w+)`", r"``\1``", text)


def setup(app: Any) -> dict[str, Any]:
    notebook.rst2md = lambda text, *rest: _markdown(without_roles(text), *rest)
    return {"version": "1", "parallel_read_safe": True}
