"""A convolution of eight pixels as a matrix, at stride 1 and 2, its adjoint, and how often that paints each pixel."""

import matplotlib.pyplot as plt
import numpy as np

from divergen.models.convolution import conv2d, conv2d_transpose

kernel = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)


def matrix(layer, pixels, stride):
    """Column j is what the layer makes of an image whose only white pixel is j."""
    images = np.eye(pixels).reshape(pixels, 1, pixels, 1)
    return layer(images, kernel, np.zeros(1), stride=stride)[:, 0, :, 0].T


figure, axes = plt.subplots(1, 4, figsize=(9, 2.9), width_ratios=(8, 8, 4, 8))
panels = ((matrix(conv2d, 8, 1), "stride 1"), (matrix(conv2d, 8, 2), "stride 2"),
          (matrix(conv2d_transpose, 4, 2), "transposed"))
for ax, (entries, name) in zip(axes, panels, strict=False):
    ax.imshow(entries, cmap="Blues", vmin=0, vmax=5)
    for (row, column), value in np.ndenumerate(entries):
        if value:
            ax.text(column, row, f"$w_{{{value - 1:.0f}}}$", ha="center", va="center", fontsize=8)
    ax.set(title=name, xlabel="pixel in", xticks=np.arange(-0.5, entries.shape[1]), xticklabels=[],
           yticks=np.arange(-0.5, entries.shape[0]), yticklabels=[])
    ax.grid(color="0.85")
    ax.tick_params(length=0)
axes[0].set_ylabel("pixel out")
grey = conv2d_transpose(np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 1)), np.zeros(1), stride=2)[0, :, :, 0]
axes[3].imshow(grey, cmap="Greys_r", vmin=0, vmax=4)
for (row, column), value in np.ndenumerate(grey):
    axes[3].text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=8, color="w" if value < 3 else "k")
axes[3].set(title="painted by how many pixels", xticks=[], yticks=[])
