"""Turinici (2022), *Diversity aware image generation*: every numbered item and algorithm.

Its distance and its kernel are those of the later slides, under the letters k and d.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import Array, namespace
from . import turinici2023
from .kingmaba2014 import adam_init, adam_step

__all__ = [
    "algorithm_tc", "decoder_shapes", "encoder_shapes", "kernel", "pixel_probability", "pixel_probability_as_printed",
    "squared_distance",
]


def kernel(x: Array, a: float) -> Array:
    r"""Kernel of eq. (1): :math:`k(x) = \sqrt{\|x\|^2 + a^2} - a`, a >= 0."""
    xp = namespace(x)
    return xp.sqrt(xp.sum(x * x, axis=-1) + a**2) - a


def squared_distance(x: Array, z: Array, a: float) -> Array:
    r"""Eq. (1): :math:`d(\frac1J \sum_j \delta_{X_j}, \frac1B \sum_b \delta_{z_b})^2`."""
    xp = namespace(x, z)
    return (
        xp.mean(kernel(x[:, None, :] - z[None, :, :], a))
        - xp.mean(kernel(x[:, None, :] - x[None, :, :], a)) / 2
        - xp.mean(kernel(z[:, None, :] - z[None, :, :], a)) / 2
    )


def algorithm_tc(
    sample: Callable[[int, np.random.Generator], Array], j: int, batch_size: int, iterations: int,
    learning_rate: float, rng: np.random.Generator, a: float = 1e-6,
) -> Array:
    r"""Algorithm A1 (TC): J points that represent a target :math:`\mu_L` known by its samples.

    Line 3 is blank in print, and line 6 says K for J: the points start as samples of :math:`\mu_L`, and there are J.
    """
    x = sample(j, rng)
    state = adam_init(x)
    for _ in range(iterations):
        z = sample(batch_size, rng)
        x, state = adam_step(x, turinici2023.discrete_gradient(x, z, a), state, learning_rate)
    return x


def encoder_shapes(latent_dim: int) -> list[tuple[int, ...]]:
    """Section 3.1, the encoder: (height, width, channels) before and after each layer, then the 2L numbers.

    Padding "same": a stride s turns n rows into n / s, rounded up.
    """
    shapes: list[tuple[int, ...]] = [(28, 28, 1)]
    for filters, stride in ((32, 2), (32, 1), (32, 1), (64, 2)):
        height, width, _ = shapes[-1]
        shapes.append((-(-height // stride), -(-width // stride), filters))
    return [*shapes, (2 * latent_dim,)]


def decoder_shapes(latent_dim: int) -> list[tuple[int, ...]]:
    """Section 3.1, the decoder: L numbers, 7 x 7 x 32 after the dense layer, and (height, width, channels) after each.

    A transposed convolution of stride s turns n rows into n s.
    """
    shapes: list[tuple[int, ...]] = [(latent_dim,), (7, 7, 32)]
    for filters, stride in ((64, 2), (32, 1), (32, 1), (32, 2), (1, 1)):
        height, width, _ = shapes[-1]
        shapes.append((height * stride, width * stride, filters))
    return shapes


def pixel_probability_as_printed(t: Array) -> Array:
    r"""Section 3.1, the last layer as printed: a ReLU before the sigmoid, :math:`1/(1 + e^{-\max(t, 0)}) \ge \frac12`.

    No pixel can be more likely black than white: erratum 7.
    """
    xp = namespace(t)
    return 1 / (1 + xp.exp(-xp.maximum(t, xp.zeros_like(t))))


def pixel_probability(t: Array) -> Array:
    r"""Section 3.1, the last layer corrected: linear, so that t is the logit of a pixel, :math:`1/(1 + e^{-t})`."""
    return 1 / (1 + namespace(t).exp(-t))
