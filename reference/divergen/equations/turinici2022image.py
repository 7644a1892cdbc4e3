"""Turinici (2022), *Diversity aware image generation*: every numbered item and algorithm.

Its distance and its kernel are those of the later slides, under the letters k and d.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import Array, namespace
from . import turinici2023
from .kingmaba2014 import adam_init, adam_step

__all__ = ["algorithm_tc", "kernel", "squared_distance"]


def kernel(x: Array, a: float) -> Array:
    r"""The kernel of eq. (1): :math:`k(x) = \sqrt{\|x\|^2 + a^2} - a`, a >= 0."""
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
