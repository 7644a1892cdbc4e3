"""Pictures of quality against diversity: precision-recall curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import to_numpy
from ..evaluation.curves import PRCurve
from .figures import _figure, _legend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["precision_recall_curves"]


def precision_recall_curves(curves: Mapping[str, PRCurve]) -> Figure:
    r"""Draw precision-recall curves into one square: recall to the right, precision upwards, both in [0, 1].

    Parameters
    ----------
    curves : mapping from str to PRCurve
        By name; the marker on each curve stands at its largest F1 score.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no curves, or something else among them.

    References
    ----------
    Verine2024, definition 2.2 and the figures that follow it.

    Examples
    --------
    >>> import numpy as np
    >>> from divergen import pr_curve
    >>> figure = precision_recall_curves({"model": pr_curve(np.array([0.5, 0.5]), np.array([0.9, 0.1]))})
    >>> figure.axes[0].get_xlabel()
    'recall'
    """
    if not curves:
        raise ValueError("curves: expected at least one, got none")
    for name, curve in curves.items():
        if not isinstance(curve, PRCurve):
            raise ValueError(f"curves: expected PRCurve for each name, got {type(curve).__name__} for {name!r}")
    fig = _figure(5, 5.4)
    ax = fig.add_subplot()
    styles = zip(curves.items(), ["-", "--", "-.", ":"] * len(curves), "osD^vPX*" * len(curves), strict=False)
    for (name, curve), line, marker in styles:
        recall, precision = to_numpy(curve.recall), to_numpy(curve.precision)
        total = recall + precision
        best = int(np.argmax(2 * recall * precision / np.where(total > 0, total, 1.0)))
        ax.plot(recall, precision, linestyle=line, marker=marker, markersize=6, markevery=[best], label=name)
    ax.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.set_aspect("equal")
    ax.grid(alpha=0.3)
    _legend(fig, ax, min(2, len(curves)))
    return fig
