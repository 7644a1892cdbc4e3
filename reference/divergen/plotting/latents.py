"""Pictures of a latent space: clouds, the images behind them, and the whole plane decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from ..arrays import Array, as_points, check_count, to_numpy
from .figures import CHOSEN, GREY, LARGE, SECOND, SMALL, _figure, _in_plane, _legend, _plane

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["image_rows", "latent_clouds", "quantile_grid", "quantile_manifold"]


def latent_clouds(
    latents: Array, labels: Array, panels: Mapping[str, Sequence[Array]],
    *, axis_labels: tuple[str, str] = ("$z_1$", "$z_2$"),
) -> Figure:
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
    axis_labels : (str, str)
        What to write along the axes.

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
        _plane(ax, axis_labels, adjustable="box")
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
        axes[-3].set_xlabel(axis_labels[0])
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
        :math:`Q`.

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


def quantile_manifold(
    images: Array, image_shape: tuple[int, int], *, axis_labels: tuple[str, str] = ("$z_1$", "$z_2$")
) -> Figure:
    """Draw the images that a decoder makes of :func:`quantile_grid`, as one mosaic.

    Parameters
    ----------
    images : array, shape (Q**2, pixels)
        In the order of the grid, values in [0, 1].
    image_shape : (int, int)
        The height and width of an image.
    axis_labels : (str, str)
        What the two coordinates of the grid are called.

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
    ax.set_xlabel(f"level of the normal quantile, {axis_labels[1]}")
    ax.set_ylabel(f"level of the normal quantile, {axis_labels[0]}")
    return fig
