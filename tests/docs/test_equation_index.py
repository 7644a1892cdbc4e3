"""The equation index has no gap, and whatever it names exists and belongs together."""

import ast
import functools
import importlib
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
DOCS, TESTS = ROOT / "docs", ROOT / "tests"
sys.path.insert(0, str(DOCS / "_ext"))
import equation_index as index  # noqa: E402 (it lies beside conf.py)

NUMBERED = {  # what the documents number, in their order
    "Turinici2023": ["eq. (1)", "eq. (2)", "eq. (3)", "eq. (4)", "algorithm Sg", "algorithm Semp"],
    "Turinici2022image": ["eq. (1)", "remark 1", "algorithm A1", "remark 2"],
    "Turinici2022old": [
        "eq. (1)", "eq. (2)", "eq. (3)", "proposition 1", "eq. (4)", "eq. (5)", "remark 1",
        *(f"eq. ({n})" for n in range(6, 12)), "algorithm A1",
    ],
    "Verine2024": [
        "definition 2.1", "eq. (1)", "definition 2.2", "eq. (2)", "eq. (3)", "eq. (4)", "eq. (5)", "theorem 2.3",
        "eq. (6)", "eq. (6)", "definition 3.1", "eq. (7)", "theorem 3.2", "eq. (8)", "eq. (9)", "definition 3.3",
        "eq. (10)", "proposition 3.4", "eq. (11)", "theorem 3.5", "theorem 3.6", "eq. (12)", "eq. (13)", "eq. (14)",
        "eq. (15)", "theorem 3.7", "eq. (16)", "definition 4.1", "eq. (17)", "theorem 4.2", "eq. (18)",
        "proposition 4.3",
    ],
    "ClassRadius": [],
    "KingmaBa2014": ["algorithm 1, initialisation", "algorithm 1, inside the loop"],
}
UNNUMBERED = {  # and what they state without a number, by slide or section
    "Turinici2023": [
        "Introduction", "Standard generation step", "VAE structure", "Latent space representation",
        "Mathematical formulation", "Definition", "Theorem of Gini, Szekely and Gretton", "Caution",
        "Theorem of Schoenberg and Micchelli", "Choice of h", "Deterministic optimization",
        "Latent MNIST representation",
    ],
    "Turinici2022image": [
        "Section 1, generation", "Section 1, goal", "Kernel of eq. (1)", "Section 3.1", "Figure 1",
    ],
    "Turinici2022old": [
        "Section 1, data", "Section 1, quality of a VAE", "Section 1.2", "Section 2, kernel", "Under eq. (11)",
        "End of the proof", "Section 3.2, figure 1", "Section 3.2, figure 2", "Reference 16",
    ],
    "Verine2024": [
        "Framework", "Hard truncation", "Soft truncation", "Usual divergences", "Fenchel conjugate", "Dual training",
        "Effect of the f-divergence", "Consequence of theorem 3.5", "Naive approach", "Training by eq. (15)",
        "Rejection sampling", "Under theorem 4.2", "Training with OBRS",
    ],
    "ClassRadius": [
        "Definition, deep generative model", "Main claim", "Notation, probability of a class",
        "Notation, class radius", "Assumption, probability decay", "Assumption, partition of the latent space",
        "Theorem", "Main result, inverted", "Problem and solution, two samples", "Definition, Renyi entropy",
        "Special case, Shannon entropy", "Special case, collision entropy", "Fact", "Uniform distribution",
        "Proof outline, step 1", "Proof outline, step 2", "Some details, the sum",
        'Some details, after "rewrite some"', "Some details, the concave function", 'Some details, "then Jensen"',
        "Some details, the first line without the second", "Test for diversity", "Adversarial examples, recalled",
        "Adversarial examples, L-Lipschitz generator", "VAE architecture, first objective",
        "VAE architecture, second objective", "Motivation", "Experimental setup, regulariser",
        "Experimental setup, clipping",
    ],
    "KingmaBa2014": [],
}
ITEMS = [item for key in index.DOCUMENTS for item in index.inventory(key)]
PAGES = {p: p.read_text() for p in DOCS.rglob("*.rst") if "gallery" not in p.parts and "generated" not in p.parts}

each_item = pytest.mark.parametrize("item", ITEMS, ids=[item.target for item in ITEMS])
each_document = pytest.mark.parametrize("key", index.DOCUMENTS)


# --- which objects of the package does a piece of source mention? ------------------------------------------------


def dotted(node):
    """`a.b.c` as ["a", "b", "c"]; nothing for anything else."""
    if isinstance(node, ast.Attribute) and dotted(node.value):
        return [*dotted(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else []


def imported(tree):
    """The names that a file binds to something of the package: its imports, and lines like `old = turinici2022old`."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "divergen":
                    whole = alias.name if alias.asname else "divergen"
                    names[alias.asname or whole] = importlib.import_module(whole)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "divergen":
            for alias in node.names:
                names[alias.asname or alias.name] = index.find(f"{node.module}.{alias.name}")
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id not in names:
            found = resolve(node.value, names)
            if found is not None:
                names[node.targets[0].id] = found
    return names


def resolve(node, names):
    """The object that a (dotted) name stands for, or None."""
    first, *rest = dotted(node) or [""]
    found = names.get(first)
    for part in rest:
        found = getattr(found, part, None)
    return found


@functools.cache
def parsed(path):
    tree = ast.parse(path.read_text())
    return tree, imported(tree)


def with_helpers(tree, start):
    """The nodes of a test and, again and again, of what they name in their file: helpers, fixtures, constants."""
    known = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            known[node.name] = node
        elif isinstance(node, ast.Assign):
            known |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    todo, seen = [start], []
    while todo:
        node = todo.pop()
        seen.append(node)
        for part in ast.walk(node):
            name = part.id if isinstance(part, ast.Name) else part.arg if isinstance(part, ast.arg) else None
            if name in known and known[name] not in seen and known[name] not in todo:
                todo.append(known[name])
    return seen


def mentions(roots, names, wanted):
    """Does one of the nodes name one of the objects? A method is recognised by its name."""
    objects, methods = [], set()
    for name in wanted:
        owner = index.find(name.rpartition(".")[0])
        if isinstance(owner, type):
            methods.add(name.rpartition(".")[2])
        else:
            objects.append(index.find(name))
    for node in (part for root in roots for part in ast.walk(root)):
        if isinstance(node, ast.Attribute) and node.attr in methods:
            return True
        if isinstance(node, (ast.Name, ast.Attribute)):
            found = resolve(node, names)
            if found is not None and any(found is wanted for wanted in objects):
                return True
    return False


def functions(item):
    return [*item.definitions, *(f"divergen.{name}" for name in item.careful)]


# --- no gap ------------------------------------------------------------------------------------------------------


def test_inventories():
    assert {path.stem for path in index.INVENTORY.glob("*.toml")} == set(index.DOCUMENTS) == set(NUMBERED)


@each_document
def test_numbers_have_no_gap(key):
    items = index.inventory(key)
    assert [number for item in items for number in item.numbers] == NUMBERED[key]
    assert [item.place for item in items if item.place] == UNNUMBERED[key]
    assert all(bool(item.numbers) != bool(item.place) for item in items)


@pytest.mark.parametrize(
    ("key", "kind", "expected"),
    [
        ("Turinici2023", "eq.", range(1, 5)), ("Turinici2022image", "eq.", [1]),
        ("Turinici2022image", "remark", [1, 2]),
        ("Turinici2022old", "eq.", range(1, 12)), ("Verine2024", "eq.", sorted([*range(1, 19), 6])),
        ("Verine2024", "definition", [2.1, 2.2, 3.1, 3.3, 4.1]),
        ("Verine2024", "theorem", [2.3, 3.2, 3.5, 3.6, 3.7, 4.2]), ("Verine2024", "proposition", [3.4, 4.3]),
    ],
)
def test_numbers_as_the_documents_print_them(key, kind, expected):
    """Counted once more without the lists above: a number that is missing in both places is seen here."""
    numbers = [number for item in index.inventory(key) for number in item.numbers if number.startswith(kind)]
    assert [float(re.search(r"[\d.]+", number[len(kind):])[0]) for number in numbers] == list(expected)


@each_document
def test_every_function_of_the_equations_is_in_the_index(key):
    used = {name for item in ITEMS for name in item.definitions}
    module = f"divergen.equations.{key.lower()}"
    assert {f"{module}.{name}" for name in index.find(module).__all__} - used == set()
    assert {name for name in used if name.startswith(f"{module}.")} <= {
        f"{module}.{name}" for name in index.find(module).__all__
    }


@each_document
def test_every_public_function_is_listed(key):
    """A function that nobody would find in the index since `__all__` forgot it."""
    module = index.find(f"divergen.equations.{key.lower()}")
    tree = ast.parse(pathlib.Path(module.__file__).read_text())
    public = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}
    assert public == set(module.__all__) == set(index.public_functions(key))


def test_every_erratum_is_at_an_item_of_its_document():
    rows = dict(re.findall(r":ref:`(\d+) <erratum-\d+>`\n      - (.*)\n", (DOCS / "errata.rst").read_text()))
    assert {number for item in ITEMS for number in item.errata} == {int(n) for n in rows} == set(range(1, 23))
    for item in ITEMS:
        for number in item.errata:
            assert item.key in re.findall(r"\w+", rows[str(number)]), f"{item.label}: erratum {number}"
    for number, place in rows.items():
        keys = {item.key for item in ITEMS if int(number) in item.errata}
        assert keys == {key for key in index.DOCUMENTS if key in re.findall(r"\w+", place)}, f"erratum {number}"


# --- every item --------------------------------------------------------------------------------------------------


@each_item
def test_item_says_something(item):
    assert item.title and not item.title.endswith(".")
    assert item.says or item.define
    assert len(item.says) == len(item.says.strip()) and (not item.says or item.says.endswith("."))


def test_items_are_told_apart():
    assert len({item.target for item in ITEMS}) == len(ITEMS)


@each_item
def test_a_column_is_empty_for_a_reason_only(item):
    empty = {column for column in index.COLUMNS if not getattr(item, column)}
    assert set(item.without) == empty
    assert all(len(reason.split()) >= 4 for reason in item.without.values())


def test_reasons_are_few():
    assert all(item.define and item.tests and item.book for item in ITEMS)
    assert sum(not item.careful for item in ITEMS) <= 5 and sum(not item.tutorials for item in ITEMS) <= 10


@each_item
def test_functions_exist(item):
    for name in functions(item):
        assert (index.find(name).__doc__ or "").strip(), name


@each_item
def test_definitions_say_which_item_they_define(item):
    """Those of its own document; each names one of the items that it is listed at."""
    for name in item.definitions:
        if name.startswith(f"divergen.equations.{item.key.lower()}."):
            text = " ".join((index.find(name).__doc__ or "").split()).lower()
            labels = [
                label.lower() for other in ITEMS if other.key == item.key and name in other.definitions
                for label in (*other.numbers, other.place) if label
            ]
            assert any(label in text for label in labels), f"{name}: {labels}"


@each_item
def test_tests_exist_and_mention_the_item(item):
    assert 1 <= len(item.tests) <= 2
    for test in item.tests:
        file, _, name = test.partition("::")
        tree, names = parsed(TESTS / file)
        found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        assert len(found) == 1 and name.startswith("test_"), f"no {test}"
        roots = with_helpers(tree, found[0])
        assert mentions(roots, names, functions(item)), f"{test} does not mention {functions(item)}"


@each_item
def test_a_definition_is_tested(item):
    """At least one of the tests runs a definition, not only the careful function."""
    reached = []
    for test in item.tests:
        file, _, name = test.partition("::")
        tree, names = parsed(TESTS / file)
        (node,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
        reached.append(mentions(with_helpers(tree, node), names, item.definitions))
    assert any(reached)


@each_item
def test_tutorials_exist_and_mention_the_item(item):
    for number in item.tutorials:
        tree, names = parsed(ROOT / "tutorials" / f"{index.tutorial(number)}.py")
        assert mentions([tree], names, functions(item)), f"tutorial {number} does not mention {functions(item)}"


@each_item
def test_labels_of_the_book_exist(item):
    for label in item.book:
        if "/" in label:
            assert (DOCS / f"{label}.rst") in PAGES
        else:
            pattern = rf"^(\.\. _{re.escape(label)}:| +:label: {re.escape(label)})$"
            assert any(re.search(pattern, text, re.MULTILINE) for text in PAGES.values()), label


# --- the page ----------------------------------------------------------------------------------------------------


def test_the_page_draws_every_document():
    text = (DOCS / "equation-index.rst").read_text()
    assert re.findall(r"^\.\. equation-items:: (\w+)$", text, re.MULTILINE) == list(index.DOCUMENTS)
    assert ".. equation-summary::" in text and ".. equation-functions::" in text
    assert not re.search(r"equations\.\w+\.\w+", text), "functions belong to the inventory"


@pytest.mark.parametrize(
    ("name", "labels", "beginning"),
    [
        ("precision", ["eq. (3)"], "First half, and (4): :math:"), ("precision", ["eq. (4)"], "Eq. (3), first half"),
        ("auxiliary_objective", ["eq. (12)"], "Inside the maximum: :math:"),
        ("f_divergence", ["definition 3.1", "eq. (7)"], "With the recession term"),
    ],
)
def test_a_docstring_loses_the_number_of_its_item(name, labels, beginning):
    assert index.statement(f"divergen.equations.verine2024.{name}", tuple(labels)).startswith(beginning)


def test_names_are_found_by_what_they_mean():
    """The machinery of these tests: other names, helpers, fixtures, and nothing that merely sounds alike."""
    tree = ast.parse(
        "import divergen as dg\nfrom divergen.equations import turinici2022old\nold = turinici2022old\n"
        "def helper():\n    return old.distance\n"
        "def fixture():\n    return dg.kl\n"
        "def test_one(fixture):\n    helper()\n"
        "def test_two(x):\n    x.distance; distance; model.decode\n"
    )
    names = imported(tree)
    one, two = (with_helpers(tree, node) for node in tree.body[-2:])
    for name in ("divergen.equations.turinici2022old.distance", "divergen.evaluation.generators.kl"):
        assert mentions(one, names, [name]) and not mentions(two, names, [name])
    assert not mentions(one, names, ["divergen.distance.measures.distance"])
    assert mentions(two, names, ["divergen.models.vae.VAE.decode"])
