"""The page on figures: each figure and table of the sources has a picture or a reason for none, and a verdict."""

import csv
import pathlib
import re

import pytest

DOCS = pathlib.Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "figures.rst").read_text(encoding="utf-8")
RESULTS = {
    path.name: list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    for path in (DOCS / "results").glob("*.csv")
}
VERDICTS = ("yes", "partly", "no", "nothing to compare")

# What the documents show, in their order: "figure n" and "table" as they say, "slide" for pictures without a number.
# The entries of Verine2024 are in the order of the slides; overlays of one picture are one entry.
INVENTORY = {
    "Turinici2023": (
        "slide: periods of a painter", "slides: the structure of a VAE", "slide: the latent cloud",
        "slide: most samples in the red part", "slide: images of MNIST", "figure 1: ten digits in three ways",
        "slide: the latent plane", "figure 2: chosen points in the latent cloud",
    ),
    "Turinici2022image": ("figure 1: the latent plane", "figure 2: ten digits, independent and diverse"),
    "Turinici2022old": (
        "figure 1: sixteen Gaussians", "figure 2: one point at a time",
        "figure 3: images of random and of recursive points", "figure 4: the same from a better network",
    ),
    "ClassRadius": (
        "slides: classes and holes", "slides: the structure of a VAE", "slides: geometric implications",
        "slides: sample quality",
    ),
    "Verine2024": (
        "slides: a dog playing with a child", "slides: framework", "slides: generative models in practice",
        "slides: support-based precision and recall", "slides: infinite supports", "slides: the ends of the curve",
        "slides: MNIST in practice", "slide: language models on Webtext", "slide: in-context examples",
        "slides: what alpha and beta compare", "figures: low and high precision and recall", "figure: AG News",
        "figure: hard truncation", "figure: soft truncation on BigGAN", "slides: effect of the f-divergence",
        "slide: the generator of the PR-divergence", "slide: every divergence is an average",
        "slides: minimised PR-divergences", "slides: the naive approach fails", "slide: convergence, examples",
        "slides: our approach in practice", "table: BigGAN trained for lambda", "table: fine-tuned against truncated",
        "slides: rejection sampling", "slide: rejection sampling in high dimension", "slides: DRS and OBRS",
        "table: OBRS on a diffusion model, and images of CelebA", "slides: training with OBRS",
        "table: training with OBRS", "slide: fairness",
    ),
}

TABLE, *REST = re.split(r"^(?=\.\. _figure-)", PAGE, flags=re.MULTILINE)
SECTIONS = {re.match(r"\.\. _(figure-[\w-]+):", text)[1]: re.split(r"\n\w+\n-{6,}\n", text)[0] for text in REST}
ROW = r"^    \* - :ref:`(.+) <(figure-(\w+?)-[\w-]+)>`\n      - (.+)\n      - (.+)$"
ROWS = re.findall(ROW, TABLE, flags=re.MULTILINE)
ANCHORS = [row[1] for row in ROWS]
DIRECTIVE = r"^ *\.\. (figure|plot):: (\S+)\n((?: +:.*\n)*)"


def test_every_figure_of_the_sources_has_its_row():
    listed = {key: tuple(name for name, _, document, _, _ in ROWS if document == key) for key in INVENTORY}
    assert listed == INVENTORY
    assert len(ROWS) == sum(map(len, INVENTORY.values()))


def test_rows_and_sections_are_the_same_in_the_same_order():
    assert list(SECTIONS) == ANCHORS
    for key in INVENTORY:
        assert re.search(rf"^{key}\n-+\n\n:cite:`{key}`", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("row", ROWS, ids=ANCHORS)
def test_section(row):
    """Theirs in words; ours as a picture, as a table, as a part of a picture that is shown, or a reason for none."""
    _, anchor, _, ours, verdict = row
    text = SECTIONS[anchor]
    assert re.search(r"^\.\. _[\w-]+:\n\n.+\n~+\n\n\.\. grid:: 1 1 2 2\n", text)
    assert len(re.search(r"\*\*Theirs\.\*\* (.+)", text)[1].split()) >= 5
    assert re.findall(r"^\*\*Agrees: (.+?)\.\*\*", text, flags=re.MULTILINE) == [verdict]
    assert verdict in VERDICTS
    shown = re.findall(DIRECTIVE, text, flags=re.MULTILINE)
    reason = re.search(r"\*\*Ours\.\*\* (.+)", text)
    if ours == "none":
        assert not shown and ("othing" in reason[1] or ":ref:" in reason[1])
    elif ours == "a part of another picture":
        assert not shown
        elsewhere = re.findall(r":ref:`[^<]*<(figure-[\w-]+)>`", reason[1])
        assert any(re.search(DIRECTIVE, SECTIONS[other], flags=re.MULTILINE) for other in elsewhere)
    elif ours.startswith("numbers"):
        assert text.count(":class: dense numbers") >= 2
        assert bool(shown) == ("picture" in ours)
    elif ours.startswith(":doc:"):
        ((kind, image, _),) = shown
        assert kind == "figure" and ours == f":doc:`gallery/{re.search(r'sphx_glr_(plot_.+)_0', image)[1]}`"
    else:
        assert ours == "a picture on this page"
        assert [kind for kind, _, _ in shown] == ["plot"]
    if verdict in ("partly", "no"):  # then it says why
        assert len(text.split("**Agrees:")[1].split()) >= 25


@pytest.mark.parametrize("anchor", ANCHORS)
def test_pictures_are_described_and_exist(anchor):
    for kind, name, options in re.findall(DIRECTIVE, SECTIONS[anchor], flags=re.MULTILINE):
        assert len(re.search(r":alt: (.+)", options)[1]) >= 60
        if kind == "plot":
            assert (DOCS / "pictures" / name).is_file()
            continue
        tutorial, number = re.fullmatch(r"gallery/images/sphx_glr_(plot_\w+)_(\d{3})\.png", name).groups()
        script = (DOCS.parent / "tutorials" / f"{tutorial}.py").read_text(encoding="utf-8")
        assert 1 <= int(number) <= script.count("plt.show()")
        assert f":target: gallery/{tutorial}.html" in options


def cells_of(name):
    return {value for row in RESULTS[name] for value in row}


@pytest.mark.parametrize("anchor", ANCHORS)
def test_our_numbers_are_those_of_the_files(anchor):
    """Each `a ± b` of a section stands in a results file that it names; each row of a table, in one row of the file."""
    text = SECTIONS[anchor]
    named = re.findall(r"``docs/results/([\w.]+)``", text)
    quoted = re.findall(r"[+-]?\d+\.\d+ ± \d+\.\d+", text)
    assert bool(quoted) == bool(named)
    assert set(quoted) <= set().union(*map(cells_of, named))
    tables = re.findall(r":class: dense numbers ours\n\n(.+\n)((?:.+\n)+)", text)
    for _, body in tables:
        for line in body.splitlines():
            cells = set(line.strip().split(","))
            assert any(cells <= set(row) for name in named for row in RESULTS[name]), line


@pytest.mark.parametrize("script", sorted((DOCS / "pictures").glob("figure_*.py")), ids=lambda path: path.stem)
def test_scripts_are_shown_and_deterministic(script):
    text = script.read_text(encoding="utf-8")
    assert f".. plot:: {script.name}\n" in PAGE
    assert text.startswith('"""') and "plt.show()" not in text
    assert not re.search(r"default_rng\(\)|np\.random\.(?!default_rng)", text)
