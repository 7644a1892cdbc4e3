r"""The generators f, their conjugates and slopes at infinity, in their shortest form, by the names of the oracle.

Each has f(1) = 0 and f'(1) = 0, but for two: total variation and the PR-divergence have kinks, and `gan` is the
generator whose dual is the original adversarial game, with f(1) = -2 log 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..equations import verine2024
from .capabilities import DIVERGENCES

__all__ = ["GENERATORS", "Generator"]


class Generator(NamedTuple):
    """f for u > 0, its conjugate for t inside the domain, the domain's upper end, whether that belongs to it, f(0)."""

    f: Callable[[np.ndarray], np.ndarray]
    conjugate: Callable[[np.ndarray], np.ndarray]
    upper: float  # also the slope of f at infinity
    closed: bool
    at_zero: float


def _precision_recall(lam: float) -> Generator:
    return Generator(lambda u: verine2024.pr_generator(u, lam),
                     lambda t: np.array([verine2024.pr_conjugate(float(s), lam) for s in np.ravel(t)]),
                     lam, True, 1 - max(lam, 1.0))


_LOG2 = math.log(2)
GENERATORS: dict[str, Generator] = {
    "kl": Generator(lambda u: u * np.log(u) - u + 1, lambda t: np.exp(t) - 1, math.inf, False, 1.0),
    "reverse_kl": Generator(lambda u: u - 1 - np.log(u), lambda t: -np.log(1 - t), 1.0, False, math.inf),
    "jensen_shannon": Generator(verine2024.jensen_shannon_generator, verine2024.jensen_shannon_conjugate, _LOG2, False,
                                _LOG2),
    "gan": Generator(verine2024.gan_generator, verine2024.gan_conjugate, 0.0, False, 0.0),
    "total_variation": Generator(lambda u: np.abs(u - 1) / 2, lambda t: np.maximum(t, -0.5), 0.5, True, 0.5),
    "pearson_chi2": Generator(lambda u: (u - 1) ** 2, lambda t: np.where(t > -2, t + t * t / 4, -1.0), math.inf, False,
                              1.0),
    "neyman_chi2": Generator(lambda u: (u - 1) ** 2 / u, lambda t: 2 - 2 * np.sqrt(1 - t), 1.0, True, math.inf),
    "squared_hellinger": Generator(lambda u: (np.sqrt(u) - 1) ** 2, lambda t: t / (1 - t), 1.0, False, 1.0),
    **{f"precision_recall({lam:g})": _precision_recall(lam) for lam in (0.25, 1.0, 4.0)},
}

if tuple(GENERATORS) != DIVERGENCES:
    raise RuntimeError("every divergence needs its generator")
