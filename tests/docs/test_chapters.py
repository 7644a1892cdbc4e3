"""Every chapter has one shape: question, key equations, code, picture, numerics, exercises, references."""

import doctest
import pathlib
import re

import pytest

CHAPTERS = pathlib.Path(__file__).parents[2] / "docs" / "chapters"
BIBLIOGRAPHY = (CHAPTERS.parent / "refs.bib").read_text()


def entries(page):
    """The documents in the toctrees of a page, in order."""
    blocks = re.findall(r"\.\. toctree::\n((?:    .*\n|\n)*)", (CHAPTERS / f"{page}.rst").read_text())
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip() and ":" not in line]


PARTS = [name for name in entries("index") if name.startswith("part_")]
NAMES = [name for part in PARTS for name in entries(part)]
TEXTS = {name: (CHAPTERS / f"{name}.rst").read_text() for name in NAMES}


def titles(text):
    """The headings of a page: lines that the next line underlines."""
    return re.findall(r"^(\S.*)\n[=\-]{3,}$", text, flags=re.MULTILINE)


def indented(text, opening):
    """The indented bodies of all directives that begin with `opening`."""
    return re.findall(re.escape(opening) + r".*\n((?:    .*\n|\n)*)", text)


def test_four_parts():
    assert PARTS == ["part_1", "part_2", "part_3", "part_4"]
    assert len(NAMES) == 16


def test_no_page_of_the_book_is_left_out():
    reached = {"index", *entries("index"), *NAMES, *entries("more")}
    assert {path.stem for path in CHAPTERS.glob("*.rst")} <= reached


@pytest.mark.parametrize("name", NAMES)
def test_opening(name):
    text = TEXTS[name]
    question, key = text.find(":class: question"), text.find(":class: key-equations")
    assert 0 < question < key < text.find(titles(text)[1])  # both before the first section
    (asked,) = indented(text, ".. admonition:: The question")
    assert "?" in asked
    (listed,) = indented(text, ".. admonition:: Key equations")
    named = re.findall(r":eq:`([\w-]+)`", listed)
    assert len(named) >= 2
    assert set(named) <= set(re.findall(r":label: ([\w-]+)", text)), "key equations are derived in their own chapter"


@pytest.mark.parametrize("name", NAMES)
def test_last_sections(name):
    assert titles(TEXTS[name])[-3:] == ["What can go wrong numerically", "Exercises", "References"]
    assert ".. code-of::" in TEXTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_described(name):
    pictures = indented(TEXTS[name], ".. plot::") + indented(TEXTS[name], ".. figure::")
    assert pictures
    for body in pictures:
        alt, caption = re.search(r":alt: (.*)", body), re.sub(r"^ +:.*$", "", body, flags=re.MULTILINE).strip()
        assert alt and len(alt[1]) >= 40, body
        assert caption, body
    for script in re.findall(r"\.\. plot:: (\S+)", TEXTS[name]):
        assert (CHAPTERS.parent / "pictures" / script).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_has_a_solution_that_runs(name):
    part = TEXTS[name].split("\nExercises\n---------\n")[1].split("\nReferences\n----------\n")[0]
    pieces = re.split(r"^\.\. admonition:: Exercise (\d+)\. (.+)$", part, flags=re.MULTILINE)
    assert not pieces[0].strip()
    numbers, bodies = pieces[1::3], pieces[3::3]
    assert len(numbers) >= 3 and numbers == [str(n) for n in range(1, len(numbers) + 1)]
    for body in bodies:
        asked, _, solved = body.partition(".. dropdown:: Solution\n    :class-container: solution\n")
        assert asked.lstrip().startswith(":class: exercise") and len(asked.split()) > 10
        examples = doctest.DocTestParser().get_examples(solved)
        assert any(example.want for example in examples), body  # something is printed, hence checked


@pytest.mark.parametrize("name", NAMES)
def test_references_say_why(name):
    part = TEXTS[name].split("\nReferences\n----------\n")[1]
    items = re.split(r"^\* ", part, flags=re.MULTILINE)[1:]
    assert items
    for item in items:
        keys = re.match(r":cite:t:`([\w,]+)`", item)
        assert keys, item
        assert all(f"{{{key}," in BIBLIOGRAPHY for key in keys[1].split(","))
        assert len(item.split()) >= 8, item


def test_each_picture_is_shown():
    shown = {script for path in CHAPTERS.parent.rglob("*.rst") if "gallery" not in path.parts
             for script in re.findall(r"\.\. plot:: (\S+)", path.read_text())}
    assert {path.name for path in (CHAPTERS.parent / "pictures").glob("*.py")} == shown


def test_every_tutorial_belongs_to_a_chapter_and_every_chapter_to_a_tutorial():
    linked = {name: set(re.findall(r"gallery/(plot_\w+)", text)) for name, text in TEXTS.items()}
    assert all(linked.values()), [name for name, found in linked.items() if not found]
    tutorials = {path.stem for path in (CHAPTERS.parents[1] / "tutorials").glob("plot_*.py")}
    assert set().union(*linked.values()) == tutorials
