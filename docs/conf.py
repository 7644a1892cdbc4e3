"""How the book is built: get_mathjax.py, then `sphinx-build -W -n --keep-going -b html docs build/docs`."""

import os
import re
import sys
from pathlib import Path

from docutils import nodes
from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style as UnsrtStyle
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle
from sphinx.errors import ConfigError

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT / "reference"), str(DOCS / "_ext")]
import divergen  # noqa: E402  the version has one place

os.environ.setdefault("TQDM_DISABLE", "1")  # a progress bar in a tutorial's output is noise

project = "divergen"
author = "the divergen authors"
copyright = "the divergen authors, BSD-3-Clause"
release = version = divergen.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinxcontrib.bibtex",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "source_code",
    "equation_index",
    "explorable",
    "notebook_text",
]
root_doc = "index"
exclude_patterns = ["_build", "gallery/**/*.ipynb", "sg_execution_times.rst"]
html_static_path = ["_static"]
templates_path: list[str] = []
default_role = None
nitpicky = True
nitpick_ignore = [("py:class", "matplotlib.figure.Figure")]  # no other project's index is fetched

# --- formulas: MathJax beside the pages, no CDN ---------------------------------------------------
if not (DOCS / "_static/mathjax/es5/tex-mml-chtml.js").is_file():
    raise ConfigError("no MathJax in docs/_static/mathjax; `python docs/get_mathjax.py` puts it there")
mathjax_path = "mathjax/es5/tex-mml-chtml.js"
mathjax3_config = {
    "tex": {
        "macros": {
            "R": r"\mathbb{R}",
            "E": r"\mathbb{E}",
            "N": r"\mathcal{N}",
            "dd": r"\mathrm{d}",
            "abs": [r"\lvert #1\rvert", 1],
            "norm": [r"\lVert #1\rVert", 1],
            "KL": r"\operatorname{KL}",
            "diag": r"\operatorname{diag}",
        }
    },
    "options": {"enableMenu": False},  # its menu could ask for files that are not shipped
}
math_eqref_format = "({number})"
numfig = math_numfig = True
numfig_secnum_depth = 2  # equations are numbered by part and chapter

# --- the reference --------------------------------------------------------------------------------
autodoc_typehints = "none"  # the docstrings say types, shapes and units
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
autodoc_default_options = {"members": True, "ignore-module-all": True}  # in the order of the source
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_class_members_toctree = False


def skip_fields(app, what, name, obj, skip, options):
    """Leave out the fields of NamedTuples: their generated docstrings say nothing."""
    return True if (getattr(obj, "__doc__", None) or "").startswith("Alias for field number") else skip


def find_public_name(app, env, node, contnode):
    """Resolve a reference to a name as users import it, from any module: `HuberEnergy`, `divergen.HuberEnergy`."""
    if node.get("refdomain") != "py":
        return None
    first, _, rest = node["reftarget"].removeprefix("divergen.").partition(".")
    target = getattr(divergen, first, None)
    if not hasattr(target, "__qualname__"):
        return None
    name = f"{target.__module__}.{target.__qualname__}" + (f".{rest}" if rest else "")
    if name == node["reftarget"]:
        return None
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, contnode)


# --- the bibliography: one file, and labels that are the keys used all over the code --------------
class KeyLabels(BaseLabelStyle):
    """The label of a source is its key."""

    def format_labels(self, sorted_entries):
        return [entry.key for entry in sorted_entries]


class KeyOrder(BaseSortingStyle):
    """Entries in the order of their keys."""

    def sorting_key(self, entry):
        return entry.key.lower()


class BookStyle(UnsrtStyle):
    """Entries as pybtex's `unsrt` prints them, with our labels and order."""

    default_label_style = KeyLabels
    default_sorting_style = KeyOrder


register_plugin("pybtex.style.formatting", "book", BookStyle)
bibtex_bibfiles = ["refs.bib"]
bibtex_default_style = "book"
bibtex_reference_style = "label"

# --- the gallery: the tutorials run while the book is built ---------------------------------------
sphinx_gallery_conf = {
    "examples_dirs": ["../tutorials"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"[\\/]plot_",
    "within_subsection_order": "FileNameSortKey",
    "reference_url": {},
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "plot_gallery": "True",
    "abort_on_example_error": False,
    "only_warn_on_example_error": False,
    "remove_config_comments": True,
    "nested_sections": False,
}

# --- the pictures of the chapters: scripts in docs/pictures, drawn while the book is built ---------
plot_basedir = str(DOCS / "pictures")
plot_working_directory = str(DOCS)  # where the scripts find results/
plot_formats = [("png", 110)]
plot_html_show_formats = False
plot_html_show_source_link = True  # each picture offers its script, below its caption
plot_template = """
.. only:: html

   {% for img in images %}
   .. figure:: {{ build_dir }}/{{ img.basename }}.{{ default_fmt }}
      {% for option in options -%}
      {{ option }}
      {% endfor %}

      {{ caption }}

      :download:`script <{{ build_dir }}/{{ src_name }}>`
   {% endfor %}
"""
plot_rcparams = {"figure.constrained_layout.use": True, "font.size": 9}
plot_apply_rcparams = True

# --- the look -------------------------------------------------------------------------------------
html_theme = "pydata_sphinx_theme"
html_context = {"default_mode": "auto"}
html_title = "divergen"
html_favicon = "_static/logo.svg"
html_css_files = ["divergen.css"]
html_js_files = ["divergen.js"]
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it would be fetched, which a page opened from a file may not do
html_theme_options = {
    "logo": {"text": "divergen", "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg", "alt_text": ""},
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars: dict[str, list[str]] = {"index": []}


def describe_thumbnails(app, doctree, docname):
    """Give the thumbnails of the gallery an alternative text: the title of their tutorial."""
    for image in doctree.findall(nodes.image):
        name = re.search(r"sphx_glr_(plot_\w+)_thumb", image["uri"])
        if name:
            image["alt"] = "Picture from the tutorial: " + app.env.titles[f"gallery/{name[1]}"].astext()


def setup(app):
    app.connect("doctree-resolved", describe_thumbnails)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("missing-reference", find_public_name)
