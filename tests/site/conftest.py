"""The built book in a browser: where it is, and a page of Chromium that may load nothing but files.

``DIVERGEN_SITE`` is the folder of the site, build/docs if not given; ``CHROMIUM`` the browser. Where playwright, a
browser or the site is missing the tests skip, and with ``DIVERGEN_SITE_REQUIRED=1`` they fail.
"""

from __future__ import annotations

import os
import pathlib
import shutil

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SITE = pathlib.Path(os.environ.get("DIVERGEN_SITE") or ROOT / "build" / "docs").resolve()
LOCAL = ("file:", "data:", "blob:", "about:")


def missing(reason):
    """Skip, or fail where the site must be there."""
    if os.environ.get("DIVERGEN_SITE_REQUIRED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def built(site=SITE):
    """The HTML pages of the site as paths below it; a placeholder where there are none, so that a test says so."""
    found = (path.relative_to(site) for path in site.rglob("*.html"))
    return sorted(str(path) for path in found if path.parts[0] != "_static") or ["index.html"]  # there: templates


def pytest_generate_tests(metafunc):
    if "html" in metafunc.fixturenames:
        metafunc.parametrize("html", built())
    if "tutorial" in metafunc.fixturenames:
        pages = [name for name in built() if pathlib.PurePath(name).match("gallery/plot_*.html")]
        metafunc.parametrize("tutorial", pages or ["gallery/plot_01_kernel_distance.html"])


@pytest.fixture(scope="session")
def site():
    if not (SITE / "index.html").is_file():
        missing("the book is not built; `make docs` does it, and DIVERGEN_SITE says where it is")
    return SITE


@pytest.fixture(scope="module")
def browser(site):
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if program is None:
        missing("there is no Chromium; CHROMIUM says where it is")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """One page of the browser, and what went wrong on it since the last `open`."""

    def __init__(self, browser, site, **options):
        self.site, self.problems = site, []
        self.context = browser.new_context(offline=True, viewport={"width": 1300, "height": 900}, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"error in a script: {error}"))
        self.page.on("request", self._request)
        self.page.on("requestfailed", lambda request: self.problems.append(f"cannot load {request.url}"))

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text}")

    def _request(self, request):
        if not request.url.startswith(LOCAL):
            self.problems.append(f"request to the network: {request.url}")

    def open(self, html, place="", width=1300, theme="light"):
        """Load a page of the site afresh, with its formulas set, and return it."""
        self.problems.clear()
        self.page.emulate_media(color_scheme=theme)
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.goto("about:blank")
        self.page.goto((self.site / html).as_uri() + place)
        self.page.evaluate("window.MathJax && MathJax.startup ? MathJax.startup.promise.then(() => true) : false")
        return self.page


@pytest.fixture(scope="module")
def visitor(browser, site):
    visitor = Visitor(browser, site)
    yield visitor
    visitor.context.close()


@pytest.fixture(scope="module")
def axe():
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        missing("axe-playwright-python is not installed")
    return Axe()


@pytest.fixture(scope="module")
def without_scripts(browser, site):
    visitor = Visitor(browser, site, java_script_enabled=False)
    yield visitor
    visitor.context.close()
