"""Pictures of compressions: points chosen for a mixture, for a cloud, one after the other, and how they were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array, as_points, check_number, to_numpy
from .figures import BLUE, CHOSEN, GREY, RED, SECOND, _figure, _in_plane, _legend, _plane, principal_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["chosen_points", "compression_trace", "mixture_compression", "numbered_points"]


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


def numbered_points(points: Array, *, axis_labels: tuple[str, str] = ("$z_1$", "$z_2$")) -> Figure:
    r"""Draw points of the plane with their numbers, over the circles that hold half and 95 % of :math:`N(0, I_2)`.

    Parameters
    ----------
    points : array, shape (k, 2)
        In the order in which they were found.
    axis_labels : (str, str)
        What to write along the axes.

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
    _plane(ax, axis_labels)
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
        centre, axes, labels = principal_axes(cloud)
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
