"""The page of errata: a row, a section, an example that runs and a test for each erratum, under one number."""

import ast
import doctest
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
DOCS, EQUATIONS = ROOT / "docs", ROOT / "reference" / "divergen" / "equations"
PAGE = (DOCS / "errata.rst").read_text()
NUMBERS = range(1, 23)
BOOK = {path: path.read_text() for path in DOCS.rglob("*.rst") if "gallery" not in path.parts}
TABLE, *_ = PAGE.split(".. _erratum-1:\n")
PIECES = re.split(r"^\.\. _erratum-(\d+):\n\n", PAGE.split("\nAlso noted\n")[0], flags=re.MULTILINE)
SECTIONS = {int(number): text for number, text in zip(PIECES[1::2], PIECES[2::2], strict=True)}
TESTS = {  # (file, function): the errata that the name counts
    (path.name, node.name): int(re.match(r"test_(\d+)_", node.name)[1])
    for path in (ROOT / "tests").glob("test_errata*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
}


def field(number, name):
    """The content of an item of the list at the head of a section; continued lines are indented."""
    found = re.search(rf"^\* {name}: (.*\n(?:  .*\n)*)", SECTIONS[number], flags=re.MULTILINE)
    return found[1] if found else ""


def decimals(text):
    """The numbers in a text that have at least three digits after the point."""
    return {float(number) for number in re.findall(r"(?<![\d.])\d+\.\d{3,}(?!\d)", text)}


def test_the_table_has_a_row_for_each_erratum():
    assert re.findall(r"^    \* - :ref:`(\d+) <erratum-(\d+)>`$", TABLE, flags=re.MULTILINE) == [
        (str(number), str(number)) for number in NUMBERS
    ]


def test_sections_in_order():
    assert list(SECTIONS) == list(NUMBERS)
    for number, text in SECTIONS.items():
        title, rule = text.split("\n")[:2]
        assert re.match(rf"{number}\. \S", title) and rule == "-" * len(title)


@pytest.mark.parametrize("number", NUMBERS)
def test_each_section_has_an_example_that_prints(number):
    examples = doctest.DocTestParser().get_examples(SECTIONS[number])
    assert any(example.want for example in examples)


@pytest.mark.parametrize("number", NUMBERS)
def test_each_section_names_all_of_its_tests(number):
    named = {
        (file, name)
        for names, file in re.findall(r"((?:``test_\w+``,?\s+)+)in ``tests/(\w+\.py)``", field(number, "Tests"))
        for name in re.findall(r"``(\w+)``", names)
    }
    assert named == {test for test, counted in TESTS.items() if counted == number} != set()


def test_no_test_counts_further_than_the_page():
    assert set(TESTS.values()) == set(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_each_section_leads_to_the_book(number):
    linked = field(number, "In the book")
    equations, anchors = re.findall(r":eq:`([\w-]+)`", linked), re.findall(r":ref:`([\w-]+)`", linked)
    assert equations
    for label in equations:
        assert any(f":label: {label}\n" in text for text in BOOK.values()), label
    for anchor in anchors:
        assert any(f".. _{anchor}:\n" in text for text in BOOK.values()), anchor


def test_each_printed_formula_in_code_is_on_the_page():
    printed = {
        f"{path.stem}.{node.name}"
        for path in EQUATIONS.glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.endswith("_as_printed")
    }
    assert len(printed) >= 8
    for name in printed:
        listed = [number for number in NUMBERS if f"`~divergen.equations.{name}`" in field(number, "In code")]
        assert listed, name
        called = (example.source for example in doctest.DocTestParser().get_examples(SECTIONS[listed[0]]))
        assert any(f"{name}(" in source for source in called), name


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_in_the_text_are_those_of_the_example(number):
    examples = doctest.DocTestParser().get_examples(SECTIONS[number])
    lines = SECTIONS[number].splitlines()
    shown = {
        line for example in examples
        for line in lines[example.lineno:example.lineno + (example.source + example.want).count("\n")]
    }
    text = "\n".join(line for line in lines if line not in shown)
    row = re.search(rf":ref:`{number} <erratum-{number}>`\n((?:      .*\n)*)", TABLE)[1]
    assert decimals(text + row) <= decimals("".join(example.source + example.want for example in examples))


def test_the_book_uses_the_same_numbers():
    counted = 0
    for path, text in BOOK.items():
        for shown, anchor in re.findall(r":ref:`(?:erratum )?(\d+) <erratum-(\d+)>`", text):
            assert shown == anchor, path
        for anchor in re.findall(r"<erratum-(\d+)>|:ref:`erratum-(\d+)`", text):
            assert int("".join(anchor)) in NUMBERS, path
            counted += 1
    assert counted > len(NUMBERS)  # more than the table of this page


@pytest.mark.parametrize("path", sorted(EQUATIONS.glob("*.py")), ids=lambda path: path.stem)
def test_the_code_uses_the_same_numbers(path):
    """A function whose docstring names an erratum is listed in the section of that erratum."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            for number in re.findall(r"[Ee]rratum (\d+)", ast.get_docstring(node) or ""):
                assert f"{path.stem}.{node.name}`" in SECTIONS[int(number)], (node.name, number)
