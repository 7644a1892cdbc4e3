"""What is said in more than one place is the same everywhere, and what the guides name exists."""

import pathlib
import re

import divergen

ROOT = pathlib.Path(__file__).parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_one_version():
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), flags=re.MULTILINE)
    latest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert cited[1] == latest[1] == divergen.__version__


def test_files_of_the_guide_exist():
    named = set(re.findall(r"`((?:reference|tests|docs|tools|tutorials|benchmarks)/[\w/.<>*-]*)`", GUIDE))
    assert len(named) >= 25
    for name in named:
        pattern = re.sub(r"<\w+>", "*", name)
        assert list(ROOT.glob(pattern.rstrip("/"))), name


def test_names_of_the_guide_exist():
    """Names in the lists: each occurs in one of the files that stand in the same step."""
    for step in re.findall(r"^\d+\. .*(?:\n   .*)*", GUIDE, flags=re.MULTILINE):
        paths = [p for name in re.findall(r"`([\w/.<>*-]+/[\w.<>*-]+)`", step)
                 for p in ROOT.glob(re.sub(r"<\w+>", "*", name)) if p.is_file()]
        text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
        named = re.findall(r"`([A-Z][A-Z]+|FDivergence|Kernel|value_and_derivative|mixture_factor|exponent)`", step)
        for name in named:
            assert name in text, (name, paths)


def test_the_guide_covers_what_is_asked_for_most():
    titles = re.findall(r"^## (.*)$", GUIDE, flags=re.MULTILINE)
    assert {"An equation", "A kernel", "A divergence", "A check of the oracle"} <= set(titles)


def test_every_module_is_in_the_table_of_the_architecture():
    page = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf-8")
    package = ROOT / "reference" / "divergen"
    for path in package.iterdir():
        if path.suffix == ".py" and path.stem != "__init__":
            assert f"``{path.name}``" in page, path.name
        elif path.is_dir() and (path / "__init__.py").is_file():
            assert f"``{path.name}/``" in page, path.name
    for folder in (ROOT / "tests").iterdir():
        if folder.is_dir() and any(folder.glob("test_*.py")):
            assert f"``tests/{folder.name}``" in page, folder.name
