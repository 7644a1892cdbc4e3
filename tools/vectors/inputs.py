r"""Inputs that are the same everywhere and for ever, and what the modules of golden vectors share."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from mpmath import mp, mpf

EPS = 2.0**-52


def cloud(n: int, d: int, seed: int, scale: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """Return points whose coordinates are whole multiples of scale / 64 up to 2 scale, moved by the offset."""
    draw = random.Random(seed).random  # the only method whose values never change from Python to Python
    return np.array([[int(draw() * 257 - 128) / 64 * scale + offset for _ in range(d)] for _ in range(n)])


def ugly(n: int, d: int, seed: int) -> np.ndarray:
    """Return points with all 53 bits in use."""
    draw = random.Random(seed).random
    return np.array([[4 * draw() - 2 for _ in range(d)] for _ in range(n)])


def shares(*counts: int) -> np.ndarray:
    """Return weights whose sum is exactly 1: the counts add up to a power of two."""
    return np.array(counts, dtype=np.float64) / sum(counts)


def equal(n: int) -> np.ndarray:
    return shares(*[1] * n)


def allowance(absolute: float, relative: float, reason: str) -> dict[str, Any]:
    """Return a tolerance, rounded up to two digits."""
    return {"relative": float(f"{1.05 * relative:.1e}"), "absolute": float(f"{1.05 * absolute:.1e}"), "reason": reason}


def squared(x: Sequence[mpf], y: Sequence[mpf]) -> mpf:
    return mp.fsum((p - q) ** 2 for p, q in zip(x, y, strict=True))
