"""Truncated latents of a linear decoder of digits: towards the mean image, hard and soft."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

import divergen as dg
from divergen.datasets import digits

data = digits()
pca = PCA(16).fit(data.train_images)  # D(z) = mean + sum_i sqrt(variance_i) z_i v_i
z = np.random.default_rng(5).standard_normal((20, 16))


def mosaic(z):
    made = pca.inverse_transform(z * np.sqrt(pca.explained_variance_))
    framed = np.pad(made.reshape(4, 5, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)))  # white between them
    return framed.transpose(0, 2, 1, 3).reshape(40, 50)


figure, axes = plt.subplots(2, 4, figsize=(8.4, 3.9))
for ax, psi in zip(axes[0], (0.0, 0.3, 0.7, 1.0), strict=True):
    ax.imshow(mosaic(psi * z), cmap="gray_r", vmin=0, vmax=1)  # dg.soft_truncation, and 0, which it does not take
    ax.set_title(rf"soft, $\psi$ = {psi:g}")
for ax, psi in zip(axes[1], (0.04, 0.5, 1.0, 2.0), strict=True):
    ax.imshow(mosaic(dg.hard_truncation(z, psi, np.random.default_rng(6))), cmap="gray_r", vmin=0, vmax=1)
    ax.set_title(rf"hard, $\psi$ = {psi:g}")
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
