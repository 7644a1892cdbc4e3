"""Each page of the book loads from disk without the network, and has what every reader needs."""

import html.parser
import json
import re
import urllib.parse

import pytest

import divergen as dg

LOOK = """() => {
    const formulas = [...document.querySelectorAll(".math")];
    const named = (i) => (i.getAttribute("alt") || "").trim()
        || (i.getAttribute("alt") === "" && i.closest("a") && i.closest("a").textContent.trim()); // a logo
    return {
        language: document.documentElement.lang,
        headings: document.querySelectorAll("h1").length,
        title: document.title,
        silent: [...document.images].filter((i) => !named(i)).map((i) => i.src),
        plain: formulas.filter((f) => !f.querySelector("mjx-container")).map((f) => f.textContent.slice(0, 60)),
        wrong: [...document.querySelectorAll("mjx-merror, [data-mml-node=merror]")].map((e) => e.textContent),
        formulas: formulas.length,
    };
}"""
WIDE = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const scrolls = (e) => e && e !== document.body
        && (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
    const wide = [...document.querySelectorAll("body *")].filter((e) =>
        e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement));
    const name = (e) => `${e.tagName.toLowerCase()}.${e.className}: ${e.textContent.trim().slice(0, 40)}`;
    return [`${document.documentElement.scrollWidth} px for ${width}`, ...wide.slice(0, 3).map(name)];
}"""


def test_page(visitor, html):
    page = visitor.open(html)
    seen, problems = page.evaluate(LOOK), []
    if seen["language"] != "en":
        problems.append(f"language {seen['language']!r}")
    if seen["headings"] != 1:
        problems.append(f"{seen['headings']} headings of the first level")
    if not seen["title"].strip():
        problems.append("no title")
    problems += [f"no alt text: {source}" for source in seen["silent"]]
    problems += [f"formula not set: {text}" for text in seen["plain"]]
    problems += [f"error in a formula: {text}" for text in seen["wrong"]]
    for width in (1300, 390):
        page.set_viewport_size({"width": width, "height": 900})
        problems += [f"wider than a window of {width} px: {text}" for text in page.evaluate(WIDE)]
    problems += visitor.problems
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", ["curves", "class_radius", "compression"])
def test_chapters_have_formulas(visitor, name):
    page = visitor.open(f"chapters/{name}.html")
    assert page.evaluate(LOOK)["formulas"] > 10
    assert page.locator("mjx-container").count() > 10
    assert page.locator("mjx-container mjx-mi").count() > 20  # not empty ones


@pytest.mark.parametrize("words", ["compress", "PR-divergence", "isoperimetric"])
def test_search(visitor, words):
    page = visitor.open("search.html", f"?q={urllib.parse.quote(words)}")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    page.wait_for_function("!document.querySelector('#search-progress')?.textContent.includes('Searching')")
    assert results.count() > 0
    # With `html_show_search_summary` the page would fetch others, which no browser allows for files.
    assert not visitor.problems, "\n".join(visitor.problems)
    target = results.first.get_attribute("href").partition("?")[0].partition("#")[0]
    assert (visitor.site / target).is_file()


def test_search_finds_nothing_for_nonsense(visitor):
    page = visitor.open("search.html", "?q=qwxzqwxz")
    page.wait_for_function("document.querySelector('#search-results')?.textContent.includes('did not match')")
    assert page.locator("#search-results li a").count() == 0


class Links(html.parser.HTMLParser):
    """Where a page points to, and the names of its places."""

    def __init__(self, text):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places.update(found[key] for key in ("id", "name") if found.get(key))
        self.links += [found[key] for key in ("href", "src") if found.get(key)]


@pytest.fixture(scope="module")
def parsed(site):
    pages = (path for path in site.rglob("*.html") if path.relative_to(site).parts[0] != "_static")
    return {path: Links(path.read_text()) for path in pages}


def test_links_lead_somewhere(site, parsed):
    broken = []
    for path, page in parsed.items():
        for link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            place = urllib.parse.unquote(parts.fragment)
            if not target.exists():
                broken.append(f"{path.relative_to(site)}: {link}")
            elif target in parsed and place and place not in parsed[target].places:
                broken.append(f"{path.relative_to(site)}: no such place, {link}")
    assert not broken, "\n".join(sorted(set(broken)))


def test_reference_begins_with_every_public_name(site):
    """Its first page links each name that users import from the top."""
    links = Links((site / "api" / "index.html").read_text()).links
    places = {urllib.parse.urlsplit(link).fragment.removeprefix("module-") for link in links}
    linked = {place.rpartition(".")[2] for place in places if place.startswith("divergen.")}
    assert set(dg.__all__) - linked == set()


def test_tutorial_downloads(site, tutorial):
    links = Links((site / tutorial).read_text()).links
    stem = tutorial.rpartition("/")[2].removesuffix(".html")
    files = {}
    for link in links:
        path = (site / tutorial).parent / urllib.parse.unquote(link)
        if path.name in (f"{stem}.py", f"{stem}.ipynb"):
            files[path.suffix] = path.read_text()
    assert set(files) == {".py", ".ipynb"}
    compile(files[".py"], stem, "exec")
    cells = json.loads(files[".ipynb"])["cells"]
    assert {cell["cell_type"] for cell in cells} == {"markdown", "code"}
    assert all("source" in cell for cell in cells)
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert not re.findall(r":[a-z][a-z:]*:`", text)  # roles, which a notebook does not know
