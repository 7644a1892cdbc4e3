"""Thirty handwritten digits, drawn at random: what the autoencoders of the sources learn from."""

import matplotlib.pyplot as plt
import numpy as np

from divergen.datasets import mnist

data = mnist()
rows = np.random.default_rng(4).choice(len(data.train_images), 30, replace=False)
mosaic = data.train_images[rows].reshape(3, 10, 28, 28).transpose(0, 2, 1, 3).reshape(84, 280)  # 3 rows of 10
figure, ax = plt.subplots(figsize=(6, 2.0))
ax.imshow(mosaic, cmap="gray_r")
ax.set(xticks=[], yticks=[], title="thirty of 4,000")
