"""The pictures: what is drawn is what was given, nothing is cut off, and files appear whole or not at all."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy.special import ndtr

from divergen import plotting, pr_curve
from divergen.plotting import latents

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(200, 2)) * [3.0, 1.0]
LABELS = np.arange(200) % 10
TWO_RUNS = [CLOUD[:10], CLOUD[10:20]]
ROWS = [("iid\nrun 1", RNG.random((10, 16)), list("0123456789")), ("Sg", RNG.random((10, 16)), ["(9)"] * 10)]

PAIR = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
FIGURES = {
    "one panel": lambda: plotting.latent_clouds(CLOUD, LABELS, {"iid": TWO_RUNS}),
    "two panels": lambda: plotting.latent_clouds(CLOUD, LABELS, {"iid": TWO_RUNS, "Sg": TWO_RUNS}),
    "four panels": lambda: plotting.latent_clouds(CLOUD, LABELS, dict.fromkeys("abcd", TWO_RUNS)),
    "rows": lambda: plotting.image_rows(ROWS, (4, 4)),
    "manifold": lambda: plotting.quantile_manifold(RNG.random((400, 16)), (4, 4)),
    "mixture": lambda: plotting.mixture_compression(5 * CLOUD[:4], [CLOUD, CLOUD[:3]]),
    "one mixture": lambda: plotting.mixture_compression(CLOUD[:4], [CLOUD]),
    "numbers": lambda: plotting.numbered_points(CLOUD[:10]),
    "a line": lambda: plotting.chosen_points(CLOUD[:, :1], CLOUD[:5, :1], CLOUD[5:7, :1]),
    "a plane": lambda: plotting.chosen_points(CLOUD, CLOUD[:5], CLOUD[5:7]),
    "a tall plane": lambda: plotting.chosen_points(CLOUD[:, ::-1], CLOUD[:5, ::-1]),
    "a space": lambda: plotting.chosen_points(RNG.normal(size=(50, 5)), np.zeros((3, 5))),
    "a single point": lambda: plotting.chosen_points(np.ones((1, 2)), np.ones((1, 2))),
    "a single number": lambda: plotting.chosen_points(np.ones((1, 1)), np.ones((1, 1))),
    "a point in space": lambda: plotting.chosen_points(np.ones((1, 3)), np.ones((1, 3))),
    "curves": lambda: plotting.precision_recall_curves({"one": pr_curve(*PAIR), "other": pr_curve(*PAIR[::-1])}),
    "traces": lambda: plotting.compression_trace({"adam": [[0, 1.0], [9, 0.1]], "lbfgs": [[0, 1.0], [3, 0.05]]}),
}


def drawn(figure):
    """Lay the figure out, as saving it would, and return what drew it."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_off(name):
    figure = FIGURES[name]()
    box = figure.get_tightbbox(drawn(figure))  # of everything, in inches
    width, height = figure.get_size_inches()
    assert -0.01 <= box.x0 < box.x1 <= width + 0.01
    assert -0.01 <= box.y0 < box.y1 <= height + 0.01


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in ("rows", "manifold")])
def test_axes_are_named_and_legends_lie_beside_the_data(name):
    figure = FIGURES[name]()
    drawn(figure)
    shown = [ax for ax in figure.axes if ax.axison]
    assert any(ax.get_xlabel() for ax in shown)
    assert any(ax.get_ylabel() for ax in shown)
    for legend in [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]:
        for ax in shown:
            assert not legend.get_window_extent().overlaps(ax.get_window_extent())


@pytest.mark.parametrize(
    "name", ["one panel", "four panels", "mixture", "numbers", "a plane", "a tall plane", "a space"]
)
def test_planes_have_one_scale(name):
    figure = FIGURES[name]()
    drawn(figure)
    for ax in figure.axes:
        if ax.axison:
            (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (1, 1)])
            assert x1 - x0 == pytest.approx(y1 - y0, rel=1e-6)


def offsets(ax):
    return [np.asarray(collection.get_offsets()) for collection in ax.collections]


def test_latent_clouds_draw_the_cloud_and_each_run():
    figure = plotting.latent_clouds(CLOUD, LABELS, {"iid": TWO_RUNS, "Sg": TWO_RUNS[:1]})
    latents, iid, sg, legend = figure.axes
    assert [ax.get_title() for ax in (latents, iid, sg)] == ["the latents", "iid", "Sg"]
    assert not legend.axison
    np.testing.assert_array_equal(offsets(latents)[0], CLOUD)
    np.testing.assert_array_equal(offsets(iid)[1], TWO_RUNS[0])
    np.testing.assert_array_equal(offsets(iid)[2], TWO_RUNS[1])
    assert len(offsets(sg)) == 2
    assert sorted(text.get_text() for text in latents.texts) == list("0123456789")
    markers = [collection.get_paths()[0] for collection in iid.collections[1:]]
    assert len(markers[0].vertices) != len(markers[1].vertices)  # told apart without colours


def test_labels_on_one_spot_are_pushed_apart():
    places = latents._apart(np.array([[0.0, 0.0], [1e-3, 0.0], [0.0, 1e-3], [5.0, 5.0]]), 1.0)
    distances = np.linalg.norm(places[:, None] - places, axis=2)[np.triu_indices(4, 1)]
    assert distances.min() > 0.95
    np.testing.assert_array_equal(places[3], [5.0, 5.0])


def test_image_rows_show_each_image_with_its_caption():
    figure = plotting.image_rows([("a", ROWS[0][1][:3], list("xyz")), ("b", ROWS[1][1][:2], list("uv"))], (4, 4))
    assert [ax.get_xlabel() for ax in figure.axes] == list("xyzuv")
    assert [ax.get_ylabel() for ax in figure.axes] == ["a", "", "", "b", ""]
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), ROWS[0][1][1].reshape(4, 4))


def test_quantile_grid_has_the_first_coordinate_along_the_lines():
    grid = plotting.quantile_grid(20).reshape(20, 20, 2)
    levels = (np.arange(1, 21) - 0.5) / 20
    np.testing.assert_allclose(ndtr(grid[:, 7, 0]), levels, rtol=1e-12)
    np.testing.assert_allclose(ndtr(grid[3, :, 1]), levels, rtol=1e-12)


def test_quantile_manifold_puts_each_image_in_its_place():
    images = RNG.random((9, 6))
    mosaic = np.asarray(plotting.quantile_manifold(images, (2, 3)).axes[0].images[0].get_array())
    assert mosaic.shape == (6, 9)
    np.testing.assert_array_equal(mosaic[2:4, 6:9], images[1 * 3 + 2].reshape(2, 3))


def test_mixture_and_numbers_draw_what_they_are_given():
    left, right = plotting.mixture_compression(CLOUD[:4], [CLOUD[4:9], CLOUD[9:11]]).axes
    np.testing.assert_array_equal(offsets(left)[0], CLOUD[:4])
    np.testing.assert_array_equal(offsets(right)[1], CLOUD[9:11])
    ax = plotting.numbered_points(CLOUD[:3]).axes[0]
    np.testing.assert_array_equal([text.get_position() for text in ax.texts], CLOUD[:3])


def test_circles_hold_what_they_say():
    ax = plotting.numbered_points(np.zeros((1, 2))).axes[0]
    for line, share in zip(ax.lines, (0.5, 0.95), strict=True):
        radius = np.hypot(*line.get_data())
        np.testing.assert_allclose(1 - np.exp(-(radius**2) / 2), share)


def test_chosen_points_of_a_plane_are_drawn_as_they_are():
    cloud, chosen, history = offsets(plotting.chosen_points(CLOUD, CLOUD[:3], CLOUD[3:5]).axes[0])
    np.testing.assert_array_equal(cloud, CLOUD)
    np.testing.assert_array_equal(chosen, CLOUD[:3])
    np.testing.assert_array_equal(history, CLOUD[3:5])


def test_chosen_points_of_a_space_are_drawn_along_its_principal_axes():
    axes = np.linalg.qr(RNG.normal(size=(4, 4)))[0]
    inner = np.zeros((8, 4))
    inner[np.arange(8), np.repeat(np.arange(4), 2)] = [1, -1, 4, -4, 2, -2, 0.5, -0.5]  # axis 1 is the longest, then 2
    figure = plotting.chosen_points(inner @ axes.T + 7, axes[:, [1]].T + 7)
    total = 1 + 16 + 4 + 0.25
    assert figure.axes[0].get_xlabel() == f"principal axis 1 ({100 * 16 / total:.0f} % of the variance)"
    assert figure.axes[0].get_ylabel() == f"principal axis 2 ({100 * 4 / total:.0f} % of the variance)"
    cloud, chosen = offsets(figure.axes[0])
    np.testing.assert_allclose(np.abs(cloud), np.abs(inner[:, [1, 2]]), atol=1e-12)
    np.testing.assert_allclose(np.abs(chosen), [[1, 0]], atol=1e-12)


def test_curves_carry_their_numbers_and_a_mark_at_the_best_f_score():
    ax = FIGURES["curves"]().axes[0]
    curve = pr_curve(*PAIR)
    line = ax.lines[0]
    np.testing.assert_allclose(line.get_xdata(), curve.recall)
    np.testing.assert_allclose(line.get_ydata(), curve.precision)
    (best,) = line.get_markevery()
    f1 = 2 * curve.recall * curve.precision / (curve.recall + curve.precision)
    assert f1[best] == f1.max() and len({line.get_linestyle() for line in ax.lines}) == 2


def test_trace_is_logarithmic_and_told_apart_without_colours():
    ax = FIGURES["traces"]().axes[0]
    assert ax.get_yscale() == "log"
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), [[0, 1.0], [3, 0.05]])
    assert len({(line.get_linestyle(), line.get_marker()) for line in ax.lines}) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plotting.latent_clouds(CLOUD, LABELS[:5], {"a": TWO_RUNS}),
         r"labels: expected one for each of the 200 latents, got shape \(5,\)"),
        (lambda: plotting.latent_clouds(CLOUD, LABELS, {}), "panels: expected one or two runs in each, got no panels"),
        (lambda: plotting.latent_clouds(CLOUD, LABELS, {"a": TWO_RUNS, "b": TWO_RUNS + TWO_RUNS}),
         "panels: expected one or two runs in each, got 2, 4"),
        (lambda: plotting.latent_clouds(np.zeros((3, 3)), LABELS[:3], {"a": TWO_RUNS}),
         "latents: expected points of dimension 2, got dimension 3"),
        (lambda: plotting.image_rows([], (2, 2)), "rows: expected at least one row of images, got none"),
        (lambda: plotting.image_rows(ROWS, (2, 2)), "rows: expected points of dimension 4, got dimension 16"),
        (lambda: plotting.image_rows([("a", np.zeros((2, 4)), ["x"])], (2, 2)),
         "rows: expected one caption for each of the 2 images of 'a', got 1"),
        (lambda: plotting.quantile_grid(0), "size: expected a whole number of at least 1, got 0"),
        (lambda: plotting.quantile_manifold(np.zeros((8, 4)), (2, 2)),
         "images: expected a square number of images, got 8"),
        (lambda: plotting.mixture_compression(CLOUD, []), "clouds: expected at least one compression, got none"),
        (lambda: plotting.mixture_compression(CLOUD, [CLOUD], deviation=0),
         "deviation: expected a finite number above 0, got 0"),
        (lambda: plotting.numbered_points(np.zeros((3, 1))), "points: expected points of dimension 2, got dimension 1"),
        (lambda: plotting.chosen_points(CLOUD, np.zeros((1, 3))),
         "chosen: expected points of dimension 2, got dimension 3"),
        (lambda: plotting.chosen_points(CLOUD, CLOUD, np.zeros((1, 3))),
         "history: expected points of dimension 2, got dimension 3"),
        (lambda: plotting.precision_recall_curves({}), "curves: expected at least one, got none"),
        (lambda: plotting.precision_recall_curves({"a": [1.0]}),
         "curves: expected PRCurve for each name, got list for 'a'"),
        (lambda: plotting.compression_trace({}), "traces: expected at least one, got none"),
        (lambda: plotting.compression_trace({"a": [[np.nan, 1.0]]}), "traces: expected finite numbers, got 1"),
        (lambda: plotting.check_picture_path("x.gif"),
         r"x.gif: expected the name of a picture, which ends in .pdf, .png, .svg, got the ending '.gif'"),
        (lambda: plotting.check_picture_path("x"), "got the ending ''"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG\r\n\x1a\n"), ("a.pdf", b"%PDF"), ("a.SVG", b"<?xml")])
def test_save_figure_writes_what_the_ending_says(tmp_path, name, start):
    plotting.save_figure(plotting.numbered_points(CLOUD[:2]), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failure_while_saving_leaves_the_old_picture_and_nothing_else(tmp_path, monkeypatch):
    figure = plotting.numbered_points(CLOUD[:2])

    def half(file, **_):
        file.write(b"\x89PNG half of a picture")
        raise OSError("the disk is full")

    monkeypatch.setattr(figure, "savefig", half)
    (tmp_path / "a.png").write_bytes(b"old")
    with pytest.raises(OSError, match="the disk is full"):
        plotting.save_figure(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pictures need the package matplotlib: pip install divergen\[demo\]"):
        plotting.numbered_points(CLOUD)


def test_the_package_imports_no_matplotlib_and_pictures_no_pyplot():
    code = (
        "import sys, numpy, divergen, divergen.plotting as p;"
        "assert 'matplotlib' not in sys.modules;"
        "p.latent_clouds(numpy.eye(2), numpy.arange(2), {'a': [numpy.eye(2)]});"
        "assert 'matplotlib.figure' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
