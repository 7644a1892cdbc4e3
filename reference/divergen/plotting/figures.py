"""What all pictures share: empty figures, planes, legends, and files that are never half there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..arrays import Array, as_points, to_numpy
from ..files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["check_picture_path", "save_figure"]

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


def principal_axes(cloud: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[str, str]]:
    """Return the centre of a cloud, its first two principal axes as columns, and what to write along them.

    Parameters
    ----------
    cloud : numpy.ndarray, shape (n, d)
        Of at least two dimensions.

    Returns
    -------
    centre : numpy.ndarray, shape (d,)
    axes : numpy.ndarray, shape (d, 2)
        Orthonormal columns; the largest entry of each is positive.
    labels : (str, str)
        They say how much of the variance lies along each.

    Examples
    --------
    >>> _, axes, labels = principal_axes(np.diag([1.0, 2.0, 3.0]))
    >>> print(labels[0], axes.shape)
    principal axis 1 (75 % of the variance) (3, 2)
    """
    centre = cloud.mean(axis=0)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(cloud.T, bias=True)))  # in ascending order
    axes = axes[:, :-3:-1]  # (d, 2)
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)  # one sign of two, always the same
    shares = 100 * variances[:-3:-1] / (variances.sum() or 1.0)
    first, second = (f"principal axis {i} ({share:.0f} % of the variance)" for i, share in enumerate(shares, start=1))
    return centre, axes, (first, second)


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
    >>> from divergen.plotting import numbered_points
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
