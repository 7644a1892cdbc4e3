"""Three directives that draw the equation index: ``equation-summary``, ``equation-items KEY``, ``equation-functions``.

The inventory, docs/inventory/KEY.toml, lists what a document states, item by item and in its order. It says what the
code cannot: the number, a title, which functions of `divergen.equations` define the item and which of the library
compute it, the one or two tests that hold the two together (a machine could find all that mention a function, but not
choose), tutorials, labels of the book, errata. Everything else is read from the code when the book is built: what a
definition says is the first paragraph of its docstring, a name finds its page by itself, a test its file, an erratum
and a section their titles, and the counts are counted. A name that does not exist is a warning, hence an error;
tests/docs/test_equation_index.py checks the rest, so that an entry cannot go stale.

The fields of an item:

numbers     as the document prints them, "eq. (3)" or "definition 2.1"; or, where there are none,
place       the title of the slide or section.
title       what it is, in a few words.
says        more, where the docstrings of the definitions do not say it.
define      functions of divergen.equations.KEY, or "module.function" of another document.
careful     names in the package, without "divergen."; `how` adds in which manner.
tests       "folder/test_file.py::test_name", in tests/.
tutorials   numbers: 1 is tutorials/plot_01_*.py.
book        labels of equations and of sections, or "chapters/name".
errata      numbers.
without     for a column that is empty, the reason in words.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import source_code
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

DOCS = Path(__file__).resolve().parents[1]
INVENTORY = DOCS / "inventory"
DOCUMENTS = ("Turinici2023", "Turinici2022image", "Turinici2022old", "Verine2024", "ClassRadius", "KingmaBa2014")
COLUMNS = {  # the columns that an item has or says why not, and how the page calls them
    "define": "definition", "careful": "library", "tests": "test", "tutorials": "tutorial", "book": "book",
}


class Item(NamedTuple):
    """One statement of a document; the fields are those of the inventory."""

    key: str
    title: str
    numbers: tuple[str, ...] = ()
    place: str = ""
    says: str = ""
    define: tuple[str, ...] = ()
    careful: tuple[str, ...] = ()
    how: str = ""
    tests: tuple[str, ...] = ()
    tutorials: tuple[int, ...] = ()
    book: tuple[str, ...] = ()
    errata: tuple[int, ...] = ()
    without: Mapping[str, str] = MappingProxyType({})

    @property
    def label(self) -> str:
        """The numbers, or the place."""
        return ", ".join(self.numbers) or self.place

    @property
    def target(self) -> str:
        """The name of its anchor on the page."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.key} {self.label}".lower()).strip("-")

    @property
    def definitions(self) -> tuple[str, ...]:
        """The full names of the functions that define it."""
        own = self.key.lower()
        return tuple(f"divergen.equations.{name if '.' in name else f'{own}.{name}'}" for name in self.define)


def inventory(key: str) -> list[Item]:
    """Read the items of a document, in its order."""
    with open(INVENTORY / f"{key}.toml", "rb") as file:
        rows = tomllib.load(file)["item"]
    lists_as_tuples: list[dict[str, Any]] = [
        {field: tuple(value) if isinstance(value, list) else value for field, value in row.items()} for row in rows
    ]
    return [Item(key, **row) for row in lists_as_tuples]


def find(name: str) -> Any:
    """Return the module, function, class or method with the dotted name `name`."""
    return source_code.find(name)[0]


def capital(text: str) -> str:
    """Begin the text with a capital."""
    return text[:1].upper() + text[1:]


def statement(name: str, labels: tuple[str, ...] = ()) -> str:
    """Return the first paragraph of a docstring, without the item's number at its beginning."""
    text = " ".join((inspect.getdoc(find(name)) or "").split("\n\n")[0].split())
    for label in labels:
        if text.lower().startswith(label.lower()):
            text = re.sub(r"^(,? (and )?(eq\. )?\(\d+\))?[,:]? +", "", text[len(label):])
    return capital(text)


def public_functions(key: str) -> list[str]:
    """Return the names of a document's functions in the order of the source."""
    module = importlib.import_module(f"divergen.equations.{key.lower()}")
    order = [node.name for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.FunctionDef)]
    return sorted(module.__all__, key=order.index)


def tutorial(number: int) -> str:
    """Return the name of the tutorial with this number, without its ending."""
    (found,) = (DOCS.parent / "tutorials").glob(f"plot_{number:02d}_*.py")
    return found.stem


@functools.cache
def equations() -> set[str]:
    """Return the labels of all equations of the book."""
    pages = (page.read_text() for page in DOCS.rglob("*.rst") if "gallery" not in page.parts)
    return {label for page in pages for label in re.findall(r"^ +:label: (\S+)$", page, re.MULTILINE)}


def in_book(label: str) -> str:
    """Return the reference to an equation, a section or a chapter of the book."""
    return f":doc:`{label}`" if "/" in label else f":eq:`{label}`" if label in equations() else f":ref:`{label}`"


def linked(name: str) -> str:
    """Return the reference to a function under its short name, to a method under its class's name too."""
    owner = find(name.rpartition(".")[0])
    return f":py:obj:`{owner.__name__}.{name.rpartition('.')[2]} <{name}>`" if inspect.isclass(owner) else (
        f":py:obj:`~{name}`")


def together(parts: Iterable[str]) -> str:
    """Return the parts as one line of text."""
    return ", ".join(parts)


def cells(item: Item) -> Iterator[tuple[str, list[str]]]:
    """Yield the columns of an item: its name on the page, and the entries as reStructuredText."""
    labels = (*item.numbers, item.place) if item.place else item.numbers
    defined = []
    for name, typed in zip(item.definitions, item.define, strict=True):
        other = "." in typed  # another document's: its numbers are not those of this one
        link = f":py:obj:`{typed} <{name}>`" if other else f":py:obj:`~{name}`"
        defined.append(f"{link}: {statement(name, () if other else labels)}")
    found: dict[str, list[str]] = {
        "define": defined,
        "careful": [together(linked(f"divergen.{name}") for name in item.careful) + f" {item.how}".rstrip()],
        "tests": ["``{1}``, ``tests/{0}``".format(*test.split("::")) for test in item.tests],
        "tutorials": [together(f":doc:`gallery/{tutorial(number)}`" for number in item.tutorials)],
        "book": [together(in_book(label) for label in item.book)],
    }
    for column, name in COLUMNS.items():
        yield name, found[column] if getattr(item, column) else [f"none: {item.without.get(column, '')}"]
    if item.errata:
        yield "erratum", [together(f":ref:`erratum-{number}`" for number in item.errata)]


class FromText(SphinxDirective):
    """A directive that writes reStructuredText and has it read."""

    def lines(self) -> Iterator[str]:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        for key in DOCUMENTS:
            self.env.note_dependency(str(INVENTORY / f"{key}.toml"))
            self.env.note_dependency(inspect.getsourcefile(find(f"divergen.equations.{key.lower()}")) or "")
        try:
            text = StringList(list(self.lines()), source="<equation index>")
        except (AttributeError, OSError, ValueError, TypeError) as error:
            return [self.state.document.reporter.warning(f"{self.name}: {error}", line=self.lineno)]
        holder = nodes.container()
        self.state.nested_parse(text, self.content_offset, holder)
        return holder.children


class Items(FromText):
    """All items of a document, each with what belongs to it."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        for item in inventory(self.arguments[0]):
            yield from (f".. _{item.target}:", "", ".. container:: index-item", "")
            yield f"   **{capital(item.label)}**: {item.title}"
            yield from ("", *(f"   {line}" for line in item.says.strip().splitlines()), "")
            for name, entries in cells(item):
                if len(entries) == 1:
                    yield f"   :{name}: {entries[0]}"
                else:
                    yield from (f"   :{name}:", *(f"      - {entry}" for entry in entries))
            yield ""


class Summary(FromText):
    """How many items each document has, and how many of them have what."""

    def lines(self) -> Iterator[str]:
        names = ("document", "items", *(name for name in COLUMNS.values()), "erratum")
        yield from (".. list-table::", "   :header-rows: 1", "   :class: dense", "")
        for i, name in enumerate(names):
            yield f"   {'*' if i == 0 else ' '} - {name}"
        total = [0] * (len(COLUMNS) + 2)
        for key in DOCUMENTS:
            items = inventory(key)
            counts = [len(items), *(sum(bool(getattr(x, c)) for x in items) for c in (*COLUMNS, "errata"))]
            total = [a + b for a, b in zip(total, counts, strict=True)]
            yield from (f"   * - :cite:`{key}`", *(f"     - {count}" for count in counts))
        yield from ("   * - together", *(f"     - {count}" for count in total))


class Functions(FromText):
    """Every function of `divergen.equations`, what it says, and the items that it defines."""

    def lines(self) -> Iterator[str]:
        items = [item for key in DOCUMENTS for item in inventory(key)]
        for key in DOCUMENTS:
            yield from (f".. rubric:: equations.{key.lower()}", "", ".. list-table::", "   :header-rows: 1")
            yield from ("   :widths: 30 70", "   :class: dense", "", "   * - function", "     - defines")
            for function in public_functions(key):
                name = f"divergen.equations.{key.lower()}.{function}"
                users = [item for item in items if name in item.definitions]
                links = (
                    f":ref:`{capital(item.label) if item.key == key else f'{item.key}, {item.label}'} <{item.target}>`"
                    for item in users
                )
                yield from (f"   * - :py:obj:`~{name}`", f"     - {'; '.join(links)}")
            yield ""


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("equation-items", Items)
    app.add_directive("equation-summary", Summary)
    app.add_directive("equation-functions", Functions)
    return {"version": "1", "parallel_read_safe": True}
