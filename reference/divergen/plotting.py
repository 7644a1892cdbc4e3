r"""The pictures of the sources, as matplotlib figures. Nothing else in the package imports matplotlib.

Each function takes results and returns a :class:`matplotlib.figure.Figure`, which belongs to nobody: no global state of
pyplot is touched, no window opens, and no display is needed. :func:`save_figure` writes it to a file. Planes of points
have one scale on both axes; what colours say is said by markers or digits too, for readers who print in grey.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import ndtri

from .arrays import Array, as_points, check_count, check_number, to_numpy
from .files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "check_picture_path", "chosen_points", "compression_trace", "image_rows", "latent_clouds", "mixture_compression",
    "numbered_points", "quantile_grid", "quantile_manifold", "save_figure",
]

Style = dict[str, Any]

DPI = 150
PICTURES = (".pdf", ".png", ".svg")
SMALL, LARGE = 9, 11  # points, the size of letters where matplotlib's 10 does not suit
BLUE, RED, GREY = "#1f5fbf", "#c8321e", "#9a9a9a"
CHOSEN: Style = {"marker": "o", "s": 52, "facecolor": "white", "edgecolor": "black", "linewidth": 1.6, "zorder": 4}
SECOND: Style = {"marker": "X", "s": 62, "facecolor": "black", "edgecolor": "white", "linewidth": 0.9, "zorder": 5}


def _figure(width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained") -> Figure:
    """Return an empty figure, sizes in inches; "compressed" is the layout for several axes of fixed shape."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("pictures need the package matplotlib: pip install divergen[demo]") from error
    return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def _plane(
    ax: Axes, labels: tuple[str, str] = ("$z_1$", "$z_2$"), adjustable: Literal["box", "datalim"] = "datalim"
) -> None:
    """Make the axes those of a plane: both in the same units, and named."""
    ax.set_aspect("equal", adjustable=adjustable)
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.tick_params(labelsize=SMALL)


def _in_plane(points: Array, name: str) -> np.ndarray:
    """Return points of the plane as a NumPy array, or raise ValueError."""
    return to_numpy(as_points(points, name, dim=2)).astype(float)


def _legend(fig: Figure, ax: Axes, columns: int) -> None:
    """Put the legend of one of the axes below all of them, where it covers nothing."""
    handles, names = ax.get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False, fontsize=SMALL)


# --- files -----------------------------------------------------------------------------------------------------


def check_picture_path(path: str | os.PathLike[str]) -> str:
    """Return the format that the ending of a picture's name asks for: "pdf", "png" or "svg".

    Parameters
    ----------
    path : path-like

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the name has another ending, or none.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> check_picture_path("latent.PNG")
    'png'
    """
    _figure(1, 1)
    ending = Path(path).suffix
    if ending.lower() not in PICTURES:
        raise ValueError(f"{os.fspath(path)}: expected the name of a picture, which ends in {', '.join(PICTURES)}, "
                         f"got the ending {ending!r}")
    return ending.lower()[1:]


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure to a file, PNG, PDF or SVG by its ending; a file that is there is replaced in one step.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path-like

    Raises
    ------
    ValueError
        As :func:`check_picture_path`.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "points.png")
    >>> save_figure(numbered_points(np.eye(2)), path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    >>> folder.cleanup()
    """
    ending = check_picture_path(path)
    with replacing(path) as file:
        figure.savefig(file, format=ending, dpi=DPI)


# --- latent space ----------------------------------------------------------------------------------------------


def latent_clouds(latents: Array, labels: Array, panels: Mapping[str, Sequence[Array]]) -> Figure:
    r"""Draw a labelled latent cloud, and once more for each way of choosing points, with the chosen points on top.

    Parameters
    ----------
    latents : array, shape (n, 2)
        The cloud. One in a hundred of its points may lie outside of the picture.
    labels : array, shape (n,)
        Small whole numbers, such as digits. They give the colours, and in the first panel each stands at the median of
        its latents, or beside it where another stands there.
    panels : mapping from str to sequence of array, each of shape (k, 2)
        For each further panel its title, and the points of one run or two.

    Returns
    -------
    matplotlib.figure.Figure
        Panels side by side in pairs, all on the same scale.

    Raises
    ------
    ValueError
        If the points are not points of the plane, there is not one label for each latent, or there are no panels or not
        one or two runs in each.

    References
    ----------
    Turinici2023, figure 2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> figure = latent_clouds(rng.normal(size=(50, 2)), np.arange(50) % 10, {"iid": [rng.normal(size=(10, 2))]})
    >>> [ax.get_title() for ax in figure.axes]
    ['the latents', 'iid']
    """
    from matplotlib import colormaps

    cloud, labels = _in_plane(latents, "latents"), to_numpy(labels)
    if labels.shape != (cloud.shape[0],):
        raise ValueError(f"labels: expected one for each of the {cloud.shape[0]} latents, got shape {labels.shape}")
    runs = {title: [_in_plane(points, "panels") for points in several] for title, several in panels.items()}
    if not runs or not all(1 <= len(several) <= 2 for several in runs.values()):
        numbers = ", ".join(str(len(several)) for several in runs.values()) or "no panels"
        raise ValueError(f"panels: expected one or two runs in each, got {numbers}")
    lines = len(runs) // 2 + 1
    fig = _figure(8.4, 4.1 * lines + (0.3 if len(runs) % 2 == 0 else 0.9), "compressed")
    axes = fig.subplots(lines, 2, sharex=True, sharey=True).ravel()
    chosen = np.concatenate([points for several in runs.values() for points in several])
    reach = 1.06 * max(np.quantile(np.abs(cloud).max(axis=1), 0.99), np.abs(chosen).max())
    colours = colormaps["tab10"](labels % 10)
    for ax, (title, several) in zip(axes, [("the latents", []), *runs.items()], strict=False):
        ax.scatter(*cloud.T, s=4, c=colours, alpha=0.55, linewidth=0, rasterized=True)
        for points, style, name in zip(several, (CHOSEN, SECOND), ("first run", "second run"), strict=False):
            ax.scatter(*points.T, label=f"{len(points)} chosen points, {name}", **style)
        ax.set_title(title)
        _plane(ax, adjustable="box")
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
        ax.label_outer()
    kinds = np.unique(labels)
    places = _apart(np.array([np.median(cloud[labels == kind], axis=0) for kind in kinds]), 0.13 * reach)
    for kind, place in zip(kinds, places, strict=True):
        box = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": colormaps["tab10"](kind % 10)}
        axes[0].text(*place, str(kind), ha="center", va="center", fontsize=11, weight="bold", bbox=box)
    if len(axes) > len(runs) + 1:  # a place is left for the legend
        axes[-1].axis("off")
        axes[-3].tick_params(labelbottom=True)
        axes[-3].set_xlabel("$z_1$")
        axes[-1].legend(*axes[1].get_legend_handles_labels(), loc="center", frameon=False)
    else:
        _legend(fig, axes[1], 2)
    return fig


def _apart(places: np.ndarray, distance: float) -> np.ndarray:
    """Push places of the plane apart until all are about `distance` from each other."""
    places = places.astype(float)
    for _ in range(100):
        between = places[:, None] - places  # (n, n, 2)
        length = np.hypot(*between.T) + 1e-12
        push = np.clip(distance - length, 0, None)
        np.fill_diagonal(push, 0)
        places = places + 0.3 * ((push / length)[:, :, None] * between).sum(axis=1)
    return places


def image_rows(rows: Sequence[tuple[str, Array, Sequence[str]]], image_shape: tuple[int, int]) -> Figure:
    """Draw rows of images, dark on white, each row with a label at its left and each image with a caption below.

    Parameters
    ----------
    rows : sequence of (str, array of shape (n, pixels), sequence of n str)
        Label, images with values in [0, 1], captions; a label may have several lines.
    image_shape : (int, int)
        The height and width of an image.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no rows, the images have not that many pixels, or a row has not one caption for each image.

    References
    ----------
    Turinici2023, figure 1.

    Examples
    --------
    >>> figure = image_rows([("iid", np.eye(4), ["a", "b", "c", "d"])], (2, 2))
    >>> len(figure.axes)
    4
    """
    height, width = (check_count(n, "image_shape") for n in image_shape)
    images = [to_numpy(as_points(row[1], "rows", dim=height * width)) for row in rows]
    if not images:
        raise ValueError("rows: expected at least one row of images, got none")
    for (label, _, captions), row in zip(rows, images, strict=True):
        if len(captions) != len(row):
            raise ValueError(f"rows: expected one caption for each of the {len(row)} images of {label!r}, "
                             f"got {len(captions)}")
    columns = max(len(row) for row in images)
    fig = _figure(1.6 + 0.62 * columns, 0.88 * len(images) + 0.1)
    axes = fig.subplots(len(images), columns, squeeze=False)
    for line, (label, _, captions), row in zip(axes, rows, images, strict=True):
        for ax, image, caption in zip(line, row, captions, strict=False):
            ax.imshow(image.reshape(height, width), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            ax.set_xlabel(caption, fontsize=LARGE, labelpad=2)
            for side in ax.spines.values():
                side.set(color=GREY, linewidth=0.5)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=LARGE, labelpad=6)
        for ax in line[len(row) :]:
            ax.remove()
    return fig


def quantile_grid(size: int = 20) -> np.ndarray:
    r"""Return the points of the plane at the quantiles :math:`(i - \frac12)/Q` of the normal, :math:`i = 1, \ldots, Q`.

    The source writes :math:`i/Q`, of which the last is infinite.

    Parameters
    ----------
    size : int
        Q.

    Returns
    -------
    numpy.ndarray, shape (size**2, 2)
        Line by line: :math:`i_1`, of the first coordinate, is the number of the line, :math:`i_2` that of the column.

    References
    ----------
    Turinici2022image, figure 1.

    Examples
    --------
    >>> print(f"{quantile_grid(2)[1, 0]:.4f} {quantile_grid(2)[1, 1]:.4f}")
    -0.6745 0.6745
    """
    quantiles = ndtri((np.arange(check_count(size, "size")) + 0.5) / size)
    first, second = np.meshgrid(quantiles, quantiles, indexing="ij")
    return np.stack([first.ravel(), second.ravel()], axis=1)  # (size**2, 2)


def quantile_manifold(images: Array, image_shape: tuple[int, int]) -> Figure:
    """Draw the images that a decoder makes of :func:`quantile_grid`, as one mosaic.

    Parameters
    ----------
    images : array, shape (Q**2, pixels)
        In the order of the grid, values in [0, 1].
    image_shape : (int, int)
        The height and width of an image.

    Returns
    -------
    matplotlib.figure.Figure
        The axes are numbered with the levels of the quantiles.

    Raises
    ------
    ValueError
        If the number of images is no square, or they have not that many pixels.

    References
    ----------
    Turinici2022image, figure 1.

    Examples
    --------
    >>> figure = quantile_manifold(np.zeros((9, 4)), (2, 2))
    >>> figure.axes[0].images[0].get_array().shape
    (6, 6)
    """
    height, width = (check_count(n, "image_shape") for n in image_shape)
    pixels = to_numpy(as_points(images, "images", dim=height * width))
    size = round(len(pixels) ** 0.5)
    if size**2 != len(pixels):
        raise ValueError(f"images: expected a square number of images, got {len(pixels)}")
    mosaic = pixels.reshape(size, size, height, width).transpose(0, 2, 1, 3).reshape(size * height, size * width)
    fig = _figure(7.2, 7.2 * height / width)
    ax = fig.add_subplot()
    ax.imshow(mosaic, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    shown = np.unique(np.linspace(0, size - 1, min(size, 6)).round().astype(int))
    names = [f"{(i + 0.5) / size:.3g}" for i in shown]
    ax.set_xticks((shown + 0.5) * width - 0.5, names)
    ax.set_yticks((shown + 0.5) * height - 0.5, names)
    ax.tick_params(labelsize=SMALL)
    ax.set_xlabel("level of the normal quantile $z_2$")
    ax.set_ylabel("level of the normal quantile $z_1$")
    return fig


# --- compression -----------------------------------------------------------------------------------------------


def _circle(ax: Axes, centre: Sequence[float], radius: float, **style: Any) -> None:
    angle = np.linspace(0, 2 * np.pi, 181)
    ax.plot(centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle), **style)


def mixture_compression(centres: Array, clouds: Sequence[Array], *, deviation: float = 1.0) -> Figure:
    """Draw compressions of a mixture of round Gaussians of the plane, side by side.

    Parameters
    ----------
    centres : array, shape (m, 2)
        The means of the Gaussians: red crosses.
    clouds : sequence of array, each of shape (k, 2)
        The points of each compression: blue dots.
    deviation : float
        The standard deviation of each Gaussian; twice that is the radius of the grey circles.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no compressions, or the points are not points of the plane.

    References
    ----------
    Turinici2022old, figure 1.

    Examples
    --------
    >>> figure = mixture_compression(np.eye(2), [np.zeros((3, 2)), np.zeros((1, 2))])
    >>> [ax.get_title() for ax in figure.axes]
    ['K = 3', 'K = 1']
    """
    means = _in_plane(centres, "centres")
    deviation = check_number(deviation, "deviation", above=0)
    found = [_in_plane(points, "clouds") for points in clouds]
    if not found:
        raise ValueError("clouds: expected at least one compression, got none")
    alone = len(found) == 1
    fig = _figure(4.5 * len(found), 5.5 if alone else 5, "compressed")
    axes = fig.subplots(1, len(found), sharex=True, sharey=True, squeeze=False)[0]
    for ax, points in zip(axes, found, strict=True):
        for number, mean in enumerate(means):
            _circle(ax, mean, 2 * deviation, color=GREY, linewidth=0.8,
                    label=None if number else "two standard deviations of a Gaussian")
        ax.scatter(means[:, 0], means[:, 1], marker="+", s=80, color=RED, linewidth=1.8, zorder=3,
                   label="centres of the Gaussians")
        ax.scatter(points[:, 0], points[:, 1], marker="o", s=22, color=BLUE, label="chosen points", zorder=2)
        ax.set_title(f"K = {len(points)}")
        _plane(ax, ("$x_1$", "$x_2$"), adjustable="box")
        ax.label_outer()
    _legend(fig, axes[0], 1 if alone else 3)
    return fig


def numbered_points(points: Array) -> Figure:
    r"""Draw points of the plane with their numbers, over the circles that hold half and 95 % of :math:`N(0, I_2)`.

    Parameters
    ----------
    points : array, shape (k, 2)
        In the order in which they were found.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the points are not points of the plane.

    References
    ----------
    Turinici2022old, figure 2.

    Examples
    --------
    >>> figure = numbered_points(np.eye(2))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1', '2']
    """
    found = _in_plane(points, "points")
    fig = _figure(5.2, 5.5)
    ax = fig.add_subplot()
    for share, dashes in ((0.5, "--"), (0.95, ":")):
        _circle(ax, (0, 0), (-2 * np.log(1 - share)) ** 0.5, color="#606060", linewidth=1, linestyle=dashes,
                label=f"holds {100 * share:.0f} % of $N(0, I_2)$")
    ax.scatter(found[:, 0], found[:, 1], marker="o", s=330, facecolor="#dce8fa", edgecolor=BLUE, linewidth=1.4,
               zorder=3)
    for number, point in enumerate(found, start=1):
        ax.text(point[0], point[1], str(number), ha="center", va="center_baseline", fontsize=10, zorder=4)
    _plane(ax)
    ax.margins(0.1)
    _legend(fig, ax, 2)
    return fig


def chosen_points(points: Array, chosen: Array, history: Array | None = None) -> Figure:
    """Draw representatives over the cloud that they stand for, whatever its dimension.

    Points of the plane are drawn as they are. Points of a line are drawn as a histogram, with the chosen ones below it.
    Of more dimensions the first two principal axes of the cloud are drawn; the axes name the share of the cloud's
    variance that lies along them.

    Parameters
    ----------
    points : array, shape (n, d)
        The cloud.
    chosen : array, shape (k, d)
        Its representatives.
    history : array, shape (h, d), optional
        Those that were there before.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the points are not points, or of different dimensions.

    Examples
    --------
    >>> figure = chosen_points(np.diag([1.0, 2.0, 3.0]), np.zeros((1, 3)))
    >>> figure.axes[0].get_xlabel()
    'principal axis 1 (75 % of the variance)'
    """
    cloud = to_numpy(as_points(points)).astype(float)
    groups = [(to_numpy(as_points(chosen, "chosen", dim=cloud.shape[1])).astype(float), CHOSEN, "chosen")]
    if history is not None:
        past = to_numpy(as_points(history, "history", dim=cloud.shape[1])).astype(float)
        groups.append((past, SECOND, "of the history"))
    labels = ("$x_1$", "$x_2$")
    if cloud.shape[1] > 2:
        centre, axes, labels = _principal_axes(cloud)
        cloud = (cloud - centre) @ axes
        groups = [((x - centre) @ axes, style, name) for x, style, name in groups]
    spans = np.ptp(np.concatenate([cloud, *(x for x, _, _ in groups)]), axis=0)
    shape = 0.65 if len(spans) == 1 else float(np.clip(spans[1] / (spans[0] or 1.0), 0.5, 1.4))
    fig = _figure(6, 5 * shape + 0.9)
    ax = fig.add_subplot()
    if cloud.shape[1] == 1:
        ax.hist(cloud[:, 0], bins="auto" if np.ptp(cloud) > 0 else 1, density=True, color="#bcd0ee",
                              label=f"{len(cloud):,} points")
        depth = -0.04 * ax.get_ylim()[1]
        groups = [(np.column_stack([x, np.full(len(x), depth)]), style, name) for x, style, name in groups]
        ax.axhline(0, color="black", linewidth=0.8)
        ax.set(xlabel="$x$", ylabel="density of the points")
    else:
        ax.scatter(cloud[:, 0], cloud[:, 1], s=4, color="#7a9fd8", alpha=0.5, linewidth=0, rasterized=True,
                   label=f"{len(cloud):,} points")
        _plane(ax, labels)
    for x, style, name in groups:
        ax.scatter(*x.T, label=f"{len(x)} {name}", **style)
    _legend(fig, ax, 3)
    return fig


def _principal_axes(cloud: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[str, str]]:
    """Return the centre of a cloud, its first two principal axes as columns, and what to write along them."""
    centre = cloud.mean(axis=0)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(cloud.T, bias=True)))  # in ascending order
    axes = axes[:, :-3:-1]  # (d, 2)
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)  # one sign of two, always the same
    shares = 100 * variances[:-3:-1] / (variances.sum() or 1.0)
    first, second = (f"principal axis {i} ({share:.0f} % of the variance)" for i, share in enumerate(shares, start=1))
    return centre, axes, (first, second)


def compression_trace(traces: Mapping[str, Array]) -> Figure:
    """Draw how compressions came down: iteration against squared distance, on a logarithmic scale.

    Parameters
    ----------
    traces : mapping from str to array of shape (checkpoints, 2)
        What :attr:`Compression.trace <divergen.Compression>` holds, by name.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no traces, or they are not pairs of numbers.

    Examples
    --------
    >>> figure = compression_trace({"Adam": np.array([[0, 0.1], [10, 0.01]])})
    >>> figure.axes[0].get_yscale()
    'log'
    """
    curves = {name: _in_plane(trace, "traces") for name, trace in traces.items()}
    if not curves:
        raise ValueError("traces: expected at least one, got none")
    fig = _figure(6, 4.2)
    ax = fig.add_subplot()
    styles = zip(curves.items(), ["-", "--", "-.", ":"] * len(curves), "osD^vPX*" * len(curves), strict=False)
    for (name, curve), line, marker in styles:
        ax.plot(*curve.T, linestyle=line, marker=marker, markersize=4, markevery=max(1, len(curve) // 12), label=name)
    ax.set(yscale="log", xlabel="iteration", ylabel="squared distance $d^2$ to the target")
    ax.grid(True, which="both", color="#dddddd", linewidth=0.5)
    _legend(fig, ax, min(len(curves), 4))
    return fig
