"""The explorable pictures in a browser: they move, show what divergen computes, and can be used by everybody."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import pathlib

import numpy as np
import pytest

import divergen as dg
from divergen.evaluation import class_radius as cr
from divergen.evaluation.classes import renyi_entropy
from divergen.evaluation.curves import pr_curve
from divergen.sampling.rejection import obrs

ROOT = pathlib.Path(__file__).parents[2]
NAMES = ("pr_curve", "history", "class_radius")
START = {"pr_curve": "lambda=0.5&K=2", "history": "target=normal&group=1&n=5", "class_radius": "K=10&s=0&shape=sectors"}
SLIDERS = [("pr_curve", "lambda"), ("pr_curve", "K"), ("history", "n"), ("class_radius", "K"), ("class_radius", "s")]


class Picture:
    """An explorable figure on an open page."""

    def __init__(self, visitor, name, place="", **options):
        self.visitor, self.name = visitor, name
        self.page = visitor.open(f"explore/{name}.html", f"#{place}" if place else "", **options)
        self.figure = self.page.locator(f"#explorable-{name}")
        self.figure.locator(".reading").wait_for()

    def slider(self, control):
        return self.figure.locator(f'input[type=range][name="{control}"]')

    def move(self, control, value):
        """Move a slider to the value, as a finger would."""
        self.slider(control).evaluate(
            """(input, value) => {
                const data = JSON.parse(input.closest("figure").querySelector("script").textContent);
                const control = data.controls.find((c) => c.name === input.name);
                input.value = control.values.findIndex((v) => Math.abs(v - value) < 1e-9);
                input.dispatchEvent(new Event("input", { bubbles: true }));
            }""", value)

    def choose(self, control, value):
        self.figure.locator(f'input[name="{self.name}-{control}"][value="{value}"]').check()

    def output(self, control):
        return self.figure.locator(f'output[for="{self.name}-{control}"]').inner_text()

    def texts(self):
        """The texts of the table, by name."""
        return dict(self.figure.evaluate(
            "(f) => [...f.querySelectorAll('[data-number]')].map((e) => [e.dataset.number, e.textContent])"))

    def numbers(self, *names):
        texts = self.texts()
        return [number(texts[name]) for name in names]

    def part(self, part):
        """What is drawn for a part, as text; '' if nothing is."""
        return self.figure.evaluate(
            "(f, part) => [...f.querySelectorAll(`[data-part='${part}']`)].map((e) => e.outerHTML).join('')", part)

    def parts(self):
        names = self.figure.evaluate("(f) => [...f.querySelectorAll('[data-part]')].map((e) => e.dataset.part)")
        return {name: self.part(name) for name in set(names)}

    def labels(self):
        return self.figure.evaluate("(f) => [...f.querySelectorAll('svg[data-panel]')].map((e) => e.ariaLabel)")

    def data(self):
        return json.loads(self.page.locator(f"#data-{self.name}").text_content())["data"]


def number(text):
    """The number that a text of the page shows."""
    text = text.replace("−", "-").replace("⁻", "-")
    digits, times, power = text.partition("·10")
    power = int(power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))) if times else 0
    return float(digits) * 10**power


def close(shown, computed):
    """The page shows four digits, and three of large numbers."""
    assert shown == pytest.approx(computed, rel=5.5e-4 if abs(computed) < 1e6 else 1e-2, abs=1e-12)


def module(name):
    spec = importlib.util.spec_from_file_location(f"explore_{name}", ROOT / "docs" / "explore" / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def targets(site):
    return module("history").TARGETS


# --- what moves, and what does not ---------------------------------------------------------------------------

MOVES = [
    ("pr_curve", "lambda", 5.0, {"overlap", "scaled", "point", "point-after", "move"}),
    ("pr_curve", "K", 4, {"accepted", "rejected", "refined", "after", "point-after", "move"}),
    ("history", "n", 12, {"there", "next", "halo", "drawn", "now", "now-chosen", "now-drawn",
                          *(f"below-{i}" for i in range(1, 8))}),
    ("class_radius", "K", 30, {"edges", "now", "now-gamma", "now-sum", "now-shape"}),
    ("class_radius", "s", 1.0, {"edges", "outside", "gamma", "kappa", "sum", "sectors", "slabs", "now-gamma", "now-sum",
                                "now-shape", "kappa-fails"}),
]


@pytest.mark.parametrize(("name", "control", "value", "expected"), MOVES, ids=[f"{m[0]}-{m[1]}" for m in MOVES])
def test_slider_moves_the_picture(visitor, name, control, value, expected):
    picture = Picture(visitor, name)
    before, labels, reading = picture.parts(), picture.labels(), picture.figure.locator(".reading").inner_text()
    picture.move(control, value)
    after = picture.parts()
    changed = {part for part in before.keys() | after.keys() if before.get(part) != after.get(part)}
    if name == "pr_curve":  # its height may grow with the refined law, and with it what stands in that panel
        expected = expected | (changed & {"model", "target"})
    assert changed == expected
    assert number(picture.output(control)) == value
    assert picture.slider(control).get_attribute("aria-valuetext") == picture.output(control)
    assert picture.labels() != labels and picture.figure.locator(".reading").inner_text() != reading
    assert visitor.problems == []


@pytest.mark.parametrize(("name", "control", "value", "parts"), [
    ("history", "target", "mixture",
     {"there", "next", "drawn", "ring", "with-history", "independent", "mean", "below-3"}),
    ("history", "group", "5", {"there", "next", "with-history", "below-3"}),
    ("class_radius", "shape", "slabs", {"edges", "now-shape"}),
])
def test_choice_moves_the_picture(visitor, name, control, value, parts):
    picture = Picture(visitor, name)
    before = picture.parts()
    picture.choose(control, value)
    after = picture.parts()
    assert all(before[part] != after[part] for part in parts)
    assert visitor.problems == []


def test_the_overlap_is_the_smaller_of_both(visitor):
    """The drawn area has the mass that the number says: the polygon's area in the units of the axes."""
    picture = Picture(visitor, "pr_curve", "lambda=0.5&K=2")
    for part, name in (("overlap", "alpha"), ("accepted", "rate")):
        area, unit = picture.figure.evaluate(
            """(f, part) => {
                const path = f.querySelector(`[data-part="${part}"]`), svg = path.closest("svg");
                const numbers = path.getAttribute("d").match(/[-0-9.]+ [-0-9.]+/g).map((t) => t.split(" ").map(Number));
                let area = 0;
                numbers.forEach(([x, y], i) => {
                    const [x2, y2] = numbers[(i + 1) % numbers.length];
                    area += x * y2 - x2 * y;
                });
                const labels = [...svg.querySelectorAll("text")];
                const at = (text, key) => Number(labels.find((t) => t.textContent === text).getAttribute(key));
                const unit = (at("2", "x") - at("0", "x")) / 2 * Math.abs(at("0.3", "y") - at("0.1", "y")) / 0.2;
                return [Math.abs(area) / 2, unit];
            }""", part)
        assert area / unit == pytest.approx(number(picture.texts()[name]), rel=5e-3)


# --- the numbers are divergen's ------------------------------------------------------------------------------


@pytest.mark.parametrize(("lam", "budget"), [(0.02, 1), (0.1, 4), (0.25, 2), (1, 1.5), (3.2, 12), (50, 20)])
def test_numbers_of_the_curve(visitor, lam, budget):
    x = np.linspace(-6, 6, 181)
    p = np.exp(-(((x + 1.8) / 0.6) ** 2) / 2) + np.exp(-(((x - 2) / 0.6) ** 2) / 2)
    q = np.exp(-(((x + 0.9) / 1.5) ** 2) / 2)
    p, q = p / p.sum(), q / q.sum()
    found = obrs(p / q, budget, weights=q)
    refined = q * found.probability / found.rate
    picture = Picture(visitor, "pr_curve", f"lambda={lam}&K={budget}")
    alpha, beta, after, recall, rate, proposals, c, supremum = picture.numbers(
        "alpha", "beta", "alpha_after", "beta_after", "rate", "proposals", "c", "M")
    close(alpha, np.minimum(lam * p, q).sum())
    close(beta, np.minimum(p, q / lam).sum())
    direct = pr_curve(p, refined, np.array([budget * lam]))  # not by proposition 4.3, from the refined law itself
    close(after, direct.precision[0])
    close(recall, direct.recall[0])
    close(rate, found.rate)
    close(proposals, 1 / found.rate)
    close(c, found.constant)
    close(supremum, np.max(p / q))
    assert f"{alpha:g}" in picture.figure.locator(".reading").inner_text()


@pytest.mark.parametrize(("target", "worth"), [("normal", 331), ("mixture", 361)])
def test_numbers_in_the_text_of_the_history(visitor, target, worth):
    """The text before the picture says how many draws forty points are worth."""
    picture = Picture(visitor, "history", f"target={target}&n=40")
    assert picture.numbers("worth") == [worth]
    assert str(worth) in picture.page.locator("article ol").first.inner_text()


def test_proposition_in_words(visitor):
    picture = Picture(visitor, "pr_curve", "lambda=0.25&K=4")
    alpha, beta, after, recall = picture.numbers("alpha", "beta", "alpha_after", "beta_after")
    assert after == pytest.approx(4 * alpha, rel=1e-3) and recall == beta
    assert "unchanged recall" in picture.figure.locator(".reading").inner_text()
    picture.move("K", 12)
    assert "law of the target" in picture.figure.locator(".reading").inner_text()


@pytest.mark.parametrize(("target", "group", "n"), [("normal", 1, 1), ("normal", 1, 40), ("normal", 5, 15),
                                                    ("mixture", 1, 8), ("mixture", 5, 40)])
def test_numbers_of_the_history(visitor, targets, target, group, n):
    picture = Picture(visitor, "history", f"target={target}&group={group}&n={n}")
    points = picture.data()["targets"][target]["points"]
    own, drawn = np.array(points[str(group)]), np.array(points["independent"])
    measure, kernel = targets[target], dg.HuberEnergy(a=0)
    shown, chosen, independent, mean, worth = picture.numbers("n", "chosen", "independent", "mean", "worth")
    assert shown == n
    counts = {part: picture.figure.locator(f"[data-part={part}]").count() for part in ("there", "drawn", "next")}
    assert counts == {"there": n, "drawn": n, "next": group}
    exact = dg.squared_distance(dg.Diracs(own[:n]), measure, kernel)
    assert chosen == pytest.approx(exact, rel=2e-3)  # of points that the page has to five digits
    assert independent == pytest.approx(dg.squared_distance(dg.Diracs(drawn[:n]), measure, kernel), rel=2e-3)
    # The mean of h between two draws, from the kernel's mean over pairs of parts
    parts = [(1.0, measure)] if target == "normal" else measure._terms
    pairs = sum(a * b * dg.Gaussian(m.mean, m.cov + k.cov).potential(k.mean[None, :], kernel)[0]
                for (a, m), (b, k) in itertools.product(parts, parts))
    assert mean == pytest.approx(pairs / (2 * n), rel=1e-3)
    assert worth == pytest.approx(pairs / (2 * exact), abs=1, rel=2e-3)


@pytest.mark.parametrize(("target", "group", "n"), [("normal", 1, 0), ("normal", 1, 7), ("mixture", 1, 23),
                                                    ("mixture", 5, 20)])
def test_potential_of_the_signed_target(visitor, targets, target, group, n):
    picture = Picture(visitor, "history", f"target={target}&group={group}&n={n}")
    data = picture.data()
    own, axis = np.array(data["targets"][target]["points"][str(group)]), np.array(data["axis"])
    shown = np.array(picture.figure.evaluate("(f) => f.shown.potential")).reshape(axis.size, axis.size)  # [y, x]
    kernel, measure = dg.HuberEnergy(a=0), targets[target]
    eta = dg.with_history(measure, own[:n], group) if n else measure
    for i, j in [(0, 0), (3, 30), (20, 20), (25, 11), (40, 7)]:
        there = np.array([[axis[i], axis[j]]])
        assert shown[j, i] == pytest.approx(eta.potential(there, kernel)[0], abs=2e-3 * (n + 1))
    if group == 1:  # one new point goes where it is lowest
        lowest = float(eta.potential(own[n : n + 1], kernel)[0])
        assert lowest <= shown.min() + 1e-3 * np.ptp(shown)
        ring = picture.figure.locator("[data-part=next]")
        x, y = (float(ring.get_attribute(key)) for key in ("cx", "cy"))
        inside = picture.figure.evaluate(
            "(f, [x, y]) => [...f.querySelectorAll('path.potential')].filter((e) => "
            "e.isPointInFill(new DOMPoint(x, y))).length", [x, y])
        assert inside >= 6  # within nearly all of the seven nested regions


@pytest.mark.parametrize(("k", "s"), [(2, 0), (5, 1), (10, 0.4), (100, 2), (10_000, 1), (3, 4)])
def test_numbers_of_the_class_radius(visitor, k, s):
    p = np.arange(1.0, k + 1) ** -s
    p /= p.sum()
    picture = Picture(visitor, "class_radius", f"K={k}&s={s}")
    largest, collision, entropy, slides, short, exact = picture.numbers(
        "largest", "collision", "entropy", "gamma", "kappa", "sum")
    for shown, computed in ((largest, p[0]), (collision, np.sum(p * p)), (entropy, renyi_entropy(p, 2)),
                            (slides, cr.gamma_bound(p).value), (short, cr.kappa_bound(p).value),
                            (exact, cr.isoperimetric_bound(p).value)):
        close(shown, computed)
    reading = picture.figure.locator(".reading").inner_text()
    assert ("at most 1/5" in reading) == (p[0] > 0.2)
    assert ("κ is below" in reading) == (not cr.kappa_bound(p).proven)
    assert ("γ is below" in reading) == (not cr.gamma_bound(p).proven)
    assert ("All assumptions hold" in reading) == (cr.gamma_bound(p).decay)


@pytest.mark.parametrize(("k", "s"), [(2, 0), (5, 1), (10, 0), (6, 2)])
def test_radii_are_those_of_simulated_cells(visitor, k, s):
    picture = Picture(visitor, "class_radius", f"K={k}&s={s}")
    p = np.arange(1.0, k + 1) ** -s
    ends = np.cumsum(p / p.sum())[:-1]
    rng = np.random.default_rng(7)
    z, queries = rng.standard_normal((60_000, 2)), rng.standard_normal((6000, 2))

    def sector(x):
        return np.searchsorted(ends, np.arctan2(x[:, 1], x[:, 0]) / (2 * math.pi) % 1.0)

    def slab(x):
        share = np.array([math.erf(v / math.sqrt(2)) for v in x[:, 0]]) / 2 + 0.5
        return np.searchsorted(ends, share)

    for name, classify in (("sectors", sector), ("slabs", slab)):
        measured = dg.class_radius(z, classify(z), queries=queries, query_labels=classify(queries))
        shown = picture.numbers(name)[0]
        error = 4 * measured.std() / math.sqrt(measured.size)
        assert shown - error < measured.mean() < shown + error + 0.03  # the cloud is a part of the class


# --- the keyboard, the address, reset ------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "control"), SLIDERS)
def test_keyboard(visitor, name, control):
    picture = Picture(visitor, name)
    slider = picture.slider(control)
    start, last = int(slider.input_value()), int(slider.get_attribute("max"))
    slider.focus()
    texts = picture.texts()
    for key, expected in (("ArrowRight", start + 1), ("ArrowLeft", start), ("End", last), ("Home", 0), ("ArrowUp", 1)):
        picture.page.keyboard.press(key)
        assert int(slider.input_value()) == expected
        assert picture.texts() != texts or expected == start
    assert visitor.problems == []


def test_slider_by_fives(visitor):
    picture = Picture(visitor, "history", "target=normal&group=1&n=7")
    picture.choose("group", "5")
    assert picture.output("n") == "5"  # the nearest number of fives
    picture.slider("n").focus()
    picture.page.keyboard.press("ArrowRight")
    assert picture.output("n") == "10" and picture.figure.locator("[data-part=next]").count() == 5
    picture.choose("group", "1")
    picture.slider("n").focus()
    picture.page.keyboard.press("ArrowRight")
    assert picture.output("n") == "11"


def test_labels_name_the_controls(visitor):
    for name, control in SLIDERS:
        picture = Picture(visitor, name)
        label = picture.figure.locator(f'label[for="{name}-{control}"]')
        assert label.inner_text().strip().startswith({"lambda": "λ"}.get(control, control))
        assert picture.slider(control).get_attribute("id") == f"{name}-{control}"
        assert picture.figure.locator(".reading").get_attribute("aria-live") == "polite"
        assert picture.figure.get_attribute("aria-labelledby") == f"title-{name}"


PLACES = {"pr_curve": {"lambda": "2.5", "K": "3"}, "history": {"target": "mixture", "group": "5", "n": "20"},
          "class_radius": {"K": "100", "s": "1.2", "shape": "slabs"}}


@pytest.mark.parametrize("name", NAMES)
def test_address_and_reset(visitor, name):
    place = "&".join(f"{key}={value}" for key, value in PLACES[name].items())
    picture = Picture(visitor, name, place)
    shown = picture.texts()
    for key, value in PLACES[name].items():
        if picture.slider(key).count():
            assert picture.output(key) == value
        else:
            assert picture.figure.locator(f'input[name="{name}-{key}"]:checked').input_value() == value
    picture.figure.locator(".reset").click()
    picture.page.wait_for_function("(hash) => location.hash === hash", arg=f"#{START[name]}")
    fresh = Picture(visitor, name).texts()
    assert fresh != shown
    again = Picture(visitor, name, place)
    assert again.texts() == shown
    again.page.evaluate("(hash) => { location.hash = hash; }", START[name])  # a link within the page
    again.page.wait_for_function("() => true")
    assert again.texts() == fresh
    assert visitor.problems == []


def test_address_follows_the_sliders(visitor):
    picture = Picture(visitor, "pr_curve")
    picture.move("lambda", 2.0)
    picture.page.wait_for_function("location.hash === '#lambda=2&K=2'")


@pytest.mark.parametrize("place", ["lambda=abc&K=", "lambda=&K=1e999", "read-on", "%E0%A4%A", "lambda=nan",
                                   "other=1&K=2"])
def test_nonsense_in_the_address(visitor, place):
    picture = Picture(visitor, "pr_curve", place)
    assert picture.output("lambda") == "0.5" and picture.output("K") == "2"
    assert visitor.problems == []


def test_nearest_place(visitor):
    picture = Picture(visitor, "pr_curve", "lambda=0.26&K=1000")
    assert picture.output("lambda") == "0.25" and picture.output("K") == "20"


# --- for everybody: phones, colours, no scripts -------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_phone(visitor, name):
    picture = Picture(visitor, name, width=390)
    assert picture.page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [panel.bounding_box() for panel in picture.figure.locator(".panel").all()]
    assert all(upper["y"] + upper["height"] <= lower["y"] for upper, lower in itertools.pairwise(boxes))
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["width"] > 280 for box in boxes)
    for control in picture.figure.locator("input, button").all():
        box = control.bounding_box()
        assert min(box["width"], box["height"]) >= 24
    assert visitor.problems == []
    picture.page.set_viewport_size({"width": 1300, "height": 900})  # a phone that is turned, or a window that grows
    picture.page.wait_for_function("document.querySelector('.panel svg').viewBox.baseVal.width > 350")
    first, second = [panel.bounding_box() for panel in picture.figure.locator(".panel").all()][:2]
    assert second["x"] >= first["x"] + first["width"]


@pytest.mark.parametrize("width", [390, 1300])
@pytest.mark.parametrize("name", NAMES)
def test_letters_can_be_read(visitor, name, width):
    picture = Picture(visitor, name, width=width)
    texts = picture.figure.evaluate("""(f) => [...f.querySelectorAll("svg text")].map((t) => {
        const svg = t.ownerSVGElement, box = t.getBoundingClientRect(), frame = svg.getBoundingClientRect();
        return { text: t.textContent, panel: svg.dataset.panel, left: box.left - frame.left, top: box.top - frame.top,
            right: box.right - frame.left, bottom: box.bottom - frame.top, width: frame.width, height: frame.height,
            size: parseFloat(getComputedStyle(t).fontSize) * frame.width / svg.viewBox.baseVal.width };
    })""")
    assert len(texts) > 15
    for text in texts:
        assert text["size"] > 11
        assert text["left"] >= -1 and text["right"] <= text["width"] + 1, f"cut: {text}"
        assert text["top"] >= -2 and text["bottom"] <= text["height"] + 2, f"cut: {text}"
    for one, two in itertools.combinations(texts, 2):
        apart = (one["right"] < two["left"] or two["right"] < one["left"] or one["bottom"] < two["top"] + 3
                 or two["bottom"] < one["top"] + 3)
        assert one["panel"] != two["panel"] or apart, f"{one} and {two}"


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    """The ratio of WCAG 2 between two opaque colours."""
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_formula():
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast((0x77 / 255,) * 3, (1, 1, 1)) == pytest.approx(4.48, abs=0.005)  # the grey that just fails


def colour(text):
    """rgb(r, g, b) or rgba(r, g, b, a) as four numbers of [0, 1]."""
    values = [float(v) for v in text[text.index("(") + 1 : -1].replace("/", " ").replace(",", " ").split()]
    return (*(v / 255 for v in values[:3]), values[3] if len(values) > 3 else 1.0)


def over(top, below, alpha=None):
    alpha = top[3] if alpha is None else alpha
    return tuple(alpha * a + (1 - alpha) * b for a, b in zip(top[:3], below[:3], strict=True))


COLOURS = """(f) => {
    const ground = (e) => {
        for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (c !== "rgba(0, 0, 0, 0)" && c !== "transparent") return c;
        }
        return "rgb(255, 255, 255)";
    };
    const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const shown = [...f.querySelectorAll("*")].filter((e) => e.getClientRects().length && !e.closest("noscript"));
    const words = shown.filter((e) => own(e) && !["SCRIPT", "STYLE"].includes(e.tagName)).map((e) => {
        const style = getComputedStyle(e);
        return [e.tagName, e.closest("svg") ? style.fill : style.color, ground(e)];
    });
    const paint = (selector, key) => [...f.querySelectorAll(selector)].map((e) =>
        [e.getAttribute("class"), getComputedStyle(e)[key], ground(e)]);
    const marks = paint(".line, .axis, .cross, .ring", "stroke").concat(paint(".dot, .box", "fill"));
    const shade = f.querySelector("svg[data-panel] .potential");
    return { words, marks, theme: document.documentElement.dataset.theme,
        shade: shade && [getComputedStyle(shade).fill, Number(getComputedStyle(shade).fillOpacity)] };
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_contrast(visitor, name, theme):
    picture = Picture(visitor, name, "K=3&s=1" if name == "class_radius" else "", theme=theme)
    seen = picture.figure.evaluate(COLOURS)
    assert seen["theme"] == theme
    assert (luminance(colour(seen["words"][0][2])) < 0.1) == (theme == "dark")  # the page is dark indeed
    assert len(seen["words"]) > 20 and len(seen["marks"]) > 10
    for what, front, ground in seen["words"]:
        assert contrast(over(colour(front), colour(ground)), colour(ground)) >= 4.5, what
    for what, front, ground in seen["marks"]:
        if "grid" in what:
            continue
        assert contrast(over(colour(front), colour(ground)), colour(ground)) >= 3, what
    if seen["shade"]:  # points on the deepest of seven layers
        deepest = colour(seen["words"][0][2])
        for _ in range(7):
            deepest = over(colour(seen["shade"][0]), deepest, seen["shade"][1])
        for what, front, _ in seen["marks"]:
            if what == "a dot":
                assert contrast(colour(front), deepest) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_not_by_colour_alone(visitor, name):
    """Lines of one panel differ in their dashes, widths or marks where their colours differ."""
    picture = Picture(visitor, name)
    for panel in picture.figure.locator("svg[data-panel]").all():
        styles = panel.evaluate("""(svg) => [...svg.querySelectorAll(".line:not(.arrow)")].map((e) => {
            const s = getComputedStyle(e);
            return [s.stroke, s.strokeDasharray, s.strokeWidth, e.dataset.part];
        })""")
        curves = [s for s in styles if s[3] not in ("ring", "edges")]
        seen = {}
        for stroke, dashes, width, part in curves:
            assert seen.setdefault((dashes, width), stroke) == stroke or part in ("model", "target", "gamma"), part


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_axe(visitor, axe, name, theme):
    picture = Picture(visitor, name, theme=theme)
    found = axe.run(picture.page, context=f"#explorable-{name}").response
    assert [(v["id"], v["help"]) for v in found["violations"] if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("name", NAMES)
def test_without_scripts(without_scripts, name):
    page = without_scripts.page
    page.goto((without_scripts.site / "explore" / f"{name}.html").as_uri())
    figure = page.locator(f"#explorable-{name}")
    assert figure.locator("noscript table tbody tr").count() >= 5
    assert figure.locator("noscript table").is_visible()
    assert not any(part.is_visible() for part in figure.locator(".needs-script").all())
    rows = [row.locator("td").all_inner_texts() for row in figure.locator("tbody tr").all()]
    if name == "class_radius":
        at = next(row for row in rows if row[0] == "1" and row[1] == "10")
        p = 1 / np.arange(1.0, 11)
        assert float(at[5]) == pytest.approx(cr.isoperimetric_bound(p / p.sum()).value, rel=1e-3)


def test_scripts_name_no_other_host(site):
    for path in [*(site / "_static" / "explore").glob("*"), *(site / "explore").glob("*.html")]:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        if path.suffix in (".js", ".css"):
            assert "http:" not in text and "https:" not in text and "//cdn" not in text, path.name
        assert 'src="http' not in text and 'rel="stylesheet" href="http' not in text, path.name
