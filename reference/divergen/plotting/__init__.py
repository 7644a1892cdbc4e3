r"""The pictures of the sources, as matplotlib figures. Nothing else in the package imports matplotlib.

Each function takes results and returns a :class:`matplotlib.figure.Figure`, which belongs to nobody: no global state of
pyplot is touched, no window opens, and no display is needed.
:func:`~divergen.plotting.figures.save_figure` writes it to a file. Planes of points have one scale on both axes; what
colours say is said by markers or digits too, for readers who print in grey.
"""

from .compression import chosen_points, compression_trace, mixture_compression, numbered_points
from .curves import precision_recall_curves
from .figures import check_picture_path, principal_axes, save_figure
from .latents import image_rows, latent_clouds, quantile_grid, quantile_manifold

__all__ = [
    "check_picture_path", "chosen_points", "compression_trace", "image_rows", "latent_clouds", "mixture_compression",
    "numbered_points", "precision_recall_curves", "principal_axes", "quantile_grid", "quantile_manifold", "save_figure",
]
