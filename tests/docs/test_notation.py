"""The page of notation and the signatures of the public functions: the same names, each with one meaning."""

import importlib
import inspect
import pathlib
import pkgutil
import re

import pytest

import divergen

DOCS = pathlib.Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "notation.rst").read_text()
BOOK = "".join(path.read_text() for path in DOCS.rglob("*.rst") if "gallery" not in path.parts)
MODULES = [divergen, *(importlib.import_module(f"divergen.{name}") for name in ("datasets", "densities", "plotting"))]
MODULES += [importlib.import_module(f"divergen.equations.{found.name}")
            for found in pkgutil.iter_modules(importlib.import_module("divergen.equations").__path__)]


def tables():
    """The tables of the page: the cells of the head, and those of each row."""
    for block in re.findall(r"^\.\. list-table::\n((?:    .*\n|\n)+)", PAGE, flags=re.MULTILINE):
        rows = [[cell.strip() for cell in re.split(r"^ {6}-", row, flags=re.MULTILINE)]
                for row in re.split(r"^ {4}\* - ", block, flags=re.MULTILINE)[1:]]
        yield rows[0], rows[1:]


def rows_under(*head):
    """All rows of the tables that begin with these heads."""
    return [row for found, rows in tables() if found[: len(head)] == list(head) for row in rows]


def names_in(cell):
    return re.findall(r"(?<!`)``(\w+)``(?!`)", cell)


def links_in(cell):
    """Where links lead: ``~divergen.x``, or what is written in front of the class that a field belongs to."""
    found = re.findall(r":py:(?:obj|mod):`(?:~divergen\.|divergen\.)?([\w.]+)(?: <divergen\.([\w.]+)>)?`", cell)
    assert len(found) == cell.count(":py:") and all(name.startswith(owner) for name, owner in found)
    return [name for name, _ in found]


def resolve(name):
    """What a link stands for: a module, a public name, or an attribute of one."""
    found = divergen
    for part in name.split("."):
        if not hasattr(found, part) and part in getattr(found, "__dataclass_fields__", {}):
            return found.__dataclass_fields__[part]  # a field without a default is no attribute of its class
        found = getattr(found, part)
    return found


def parameters(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def public():
    """Every public function, constructor and method, by (module, qualified name), with its parameters."""
    found = {}
    for module in MODULES:
        own = {name for name, thing in vars(module).items()
               if not name.startswith("_") and getattr(thing, "__module__", None) == module.__name__}
        for name in {*module.__all__, *own}:
            thing = getattr(module, name)
            if inspect.isclass(thing):
                if not getattr(thing, "_is_protocol", False):
                    found[thing.__module__, thing.__qualname__] = parameters(thing)
                for method in (n for n in dir(thing) if not n.startswith("_")):
                    static = inspect.getattr_static(thing, method)
                    static = getattr(static, "__func__", static)
                    if inspect.isfunction(static) and static.__module__.startswith("divergen."):
                        found[static.__module__, static.__qualname__] = parameters(static)
            elif inspect.isfunction(thing):
                found[thing.__module__, thing.__qualname__] = parameters(thing)
    return found


RESULTS = {links_in(row[0])[0]: row for row in rows_under("result", "fields")}
RESULT_CLASSES = {(resolve(name).__module__, resolve(name).__qualname__) for name in RESULTS}
FUNCTIONS = {key: names for key, names in public().items() if key not in RESULT_CLASSES}
ARGUMENTS = {name for names in FUNCTIONS.values() for name in names}
SYMBOLS, OTHERS = rows_under("symbol", "in code"), rows_under("argument", "type")
MEANINGS = rows_under("argument", "meaning", "in")
LISTED = {name for row in SYMBOLS for name in names_in(row[1])} | {name for row in OTHERS for name in names_in(row[0])}


def test_the_tables_are_understood():
    assert len(SYMBOLS) > 70 and len(OTHERS) > 40 and len(RESULTS) > 15 and len(MEANINGS) > 40
    assert len(FUNCTIONS) > 250 and len(ARGUMENTS) > 180


def test_every_argument_is_on_the_page():
    assert sorted(ARGUMENTS - LISTED) == []


def test_every_name_on_the_page_is_an_argument():
    assert sorted(LISTED - ARGUMENTS) == []


@pytest.mark.parametrize("row", SYMBOLS, ids=lambda row: row[0])
def test_symbols(row):
    symbol, code, shape, meaning, where = row
    assert ":math:" in symbol and shape and meaning
    assert names_in(code) or links_in(code)
    for name in links_in(code):
        assert resolve(name) is not None
    labels = re.findall(r":eq:`([\w-]+)`", where)
    assert labels or ":doc:" in where or ":ref:" in where
    for label in labels:
        assert f":label: {label}\n" in BOOK


@pytest.mark.parametrize("row", OTHERS, ids=lambda row: row[0])
def test_other_arguments(row):
    argument, kind, meaning, of = row
    assert kind and meaning
    names, taken = set(names_in(argument)), [set(parameters(resolve(name))) for name in links_in(of)]
    assert names and taken
    assert names <= set().union(*taken) and all(names & one for one in taken)


@pytest.mark.parametrize("name", RESULTS)
def test_fields_of_results(name):
    fields = [field for field in parameters(resolve(name)) if not field.startswith("_")]
    assert names_in(RESULTS[name][1]) == fields


def test_every_named_tuple_is_among_the_results():
    tuples = {name for name in divergen.__all__ if hasattr(getattr(divergen, name), "_fields")}
    constructed = {"ConjugateDomain"}  # users who write a generator of their own build one
    assert tuples - constructed <= set(RESULTS)


@pytest.mark.parametrize("name", sorted({names_in(row[0])[0] for row in MEANINGS}))
def test_each_function_with_an_ambiguous_argument_has_one_meaning(name):
    rows = [links_in(row[2]) for row in MEANINGS if names_in(row[0]) == [name]]
    assert len(rows) > 1
    used = set()
    for (module, qualified), names in FUNCTIONS.items():
        if name not in names:
            continue
        found = []
        for place, links in enumerate(rows):
            for link in links:
                thing = resolve(link)
                if inspect.ismodule(thing):
                    found.append((1, place, link)) if thing.__name__ == module else None
                elif (thing.__module__, thing.__qualname__) in ((module, qualified), (module, qualified.split(".")[0])):
                    found.append((2, place, link))
        nearest = max(found)[0] if found else 0  # what names the function counts before what names its module
        chosen = [(place, link) for rank, place, link in found if rank == nearest]
        assert len(chosen) == 1, (qualified, module, chosen)
        used.add(chosen[0])
    assert used == {(place, link) for place, links in enumerate(rows) for link in links}  # no dead entries


def test_one_name_has_one_kind_of_type():
    """Where an argument is an array here and a flag there, or the like, the page has a row for each of the two."""
    kinds = {"Array": "array", "ndarray": "array", "Sequence": "array", "float": "number", "int": "number",
             "bool": "flag", "str": "word", "Callable": "function", "FDivergence": "generator", "Measure": "measure"}
    found: dict[str, set[str]] = {}
    for module, qualified in FUNCTIONS:
        function = importlib.import_module(module)
        for part in qualified.split("."):
            function = inspect.getattr_static(function, part)
        function = getattr(function, "__func__", function)
        for name, parameter in inspect.signature(function).parameters.items():
            word = re.match(r"(?:\w+\.)*(\w+)", str(parameter.annotation))
            if word and word[1] in kinds:
                found.setdefault(name, set()).add(kinds[word[1]])
    ambiguous = {name for name, seen in found.items() if len(seen) > 1}
    explained = {names_in(row[0])[0] for row in MEANINGS}
    assert ambiguous and sorted(ambiguous - explained) == []
