r"""Vectors of precision, recall, density and coverage by neighbours: whole numbers, so that equality is exact."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from mpmath import mpf

from .evaluation import array, loose, make
from .format import Case

SCRIPT = "tools/vectors/neighbours.py"
Points = Sequence[Sequence[int]]


def cloud(seed: int, n: int, d: int, size: int, shift: int = 0) -> np.ndarray:
    rng = random.Random(seed)
    return np.array([[shift + rng.randrange(-size, size + 1) for _ in range(d)] for _ in range(n)], dtype=np.float64)


def neighbour_cases() -> Iterator[Case]:
    line, other = array(0, 1, 3, 7)[:, None], array(2, 4, 20)[:, None]
    yield neighbour_case("line-1", ("Ties",), line, other, 1)
    yield neighbour_case("line-2", ("Ties",), line, other, 2)
    yield neighbour_case("house-example", ("Normal",), array(0, 2, 4, 6)[:, None], array(5, 7, 18)[:, None], 1)
    for seed, (n, m, d, k) in enumerate(((9, 7, 2, 1), (9, 7, 2, 3), (6, 12, 3, 2), (12, 6, 3, 5), (20, 20, 1, 4),
                                         (24, 16, 5, 3))):
        yield neighbour_case(f"plane-{seed}", ("Normal",), cloud(seed, n, d, 40), cloud(seed + 90, m, d, 55, 9), k)
    grid = np.array([[i, j] for i in range(4) for j in range(4)], dtype=np.float64)
    for k in (1, 2, 3, 4):
        yield neighbour_case(f"grid-{k}", ("Ties",), grid, 2 * grid[[0, 3, 5, 6, 11, 12]] - 1, k)
    yield neighbour_case("grid-itself", ("Ties", "Equal"), grid, grid, 2)
    twice = np.concatenate([grid[:5], grid[:5], grid[7:9]])
    for k in (1, 2, 3):
        yield neighbour_case(f"duplicates-{k}", ("Duplicates", "Ties"), twice, grid[[3, 4, 5, 6, 7, 3, 4]], k)
    yield neighbour_case("all-equal", ("Duplicates", "Ties"), np.ones((4, 2)), np.ones((3, 2)), 1)
    yield neighbour_case("all-equal-apart", ("Duplicates",), np.ones((4, 2)), np.zeros((3, 2)), 2)
    yield neighbour_case("apart", ("DisjointSupport",), cloud(7, 8, 2, 5), cloud(8, 9, 2, 5, 1000), 3)
    yield neighbour_case("wide-real", ("Asymmetric",), cloud(9, 8, 2, 50), cloud(10, 8, 2, 4), 2)
    yield neighbour_case("wide-generated", ("Asymmetric",), cloud(10, 8, 2, 4), cloud(9, 8, 2, 50), 2)
    yield neighbour_case("outlier", ("Asymmetric",), np.concatenate([cloud(11, 7, 2, 3), array(60, 60)[None, :]]),
                         cloud(12, 9, 2, 9, 20), 1)
    yield neighbour_case("dimension-64", ("HighDimension",), cloud(13, 10, 64, 8), cloud(14, 9, 64, 8), 3)
    yield neighbour_case("dimension-256", ("HighDimension",), cloud(15, 6, 256, 1), cloud(16, 6, 256, 1), 2)
    for bits in (20, 30, 44):
        yield neighbour_case(f"offset-{bits}", ("Offset",), cloud(17, 9, 3, 9, 2**bits + 1),
                             cloud(18, 8, 3, 9, 2**bits + 2), 2)
    yield neighbour_case("largest-k", ("Normal",), cloud(19, 6, 2, 20), cloud(20, 6, 2, 20, 12), 5)
    yield neighbour_case("scale-small", ("Scale",), cloud(0, 9, 2, 40) * 2.0**-70, cloud(90, 7, 2, 55, 9) * 2.0**-70, 2)
    yield neighbour_case("scale-large", ("Scale",), cloud(0, 9, 2, 40) * 2.0**300, cloud(90, 7, 2, 55, 9) * 2.0**300, 2)


def neighbour_case(name: str, flags: tuple[str, ...], real: np.ndarray, generated: np.ndarray, k: int) -> Case:
    x, y = ([[int(mpf(v) * 2**70) for v in row] for row in points.tolist()] for points in (real, generated))
    return Case(name, flags, {"real": real, "generated": generated, "k": k}, partial(by_radii, x, y, k, False),
                partial(by_ranks, x, y, k), {"boundary=<": partial(by_radii, x, y, k, True)})


def squared(a: Sequence[int], b: Sequence[int]) -> int:
    return sum((s - t) ** 2 for s, t in zip(a, b, strict=True))


def means(in_real: list[list[bool]], in_generated: list[list[bool]], k: int) -> tuple[mpf, mpf, mpf, mpf]:
    """Take the four means of: does the ball of real i hold generated j, and that of generated j real i."""
    n, m = len(in_real), len(in_generated)
    return (mpf(sum(any(row[j] for row in in_real) for j in range(m))) / m,
            mpf(sum(any(row[i] for row in in_generated) for i in range(n))) / n,
            mpf(sum(map(sum, in_real))) / (k * m), mpf(sum(map(any, in_real))) / n)


def by_radii(x: Points, y: Points, k: int, strict: bool) -> tuple[mpf, mpf, mpf, mpf]:
    """Compare each distance with the k-th smallest to the other points of the cloud, in whole numbers."""
    def balls(centres: Points, others: Points) -> list[list[bool]]:
        rows = []
        for i, c in enumerate(centres):
            radius = sorted(squared(c, e) for j, e in enumerate(centres) if j != i)[k - 1]
            rows.append([squared(c, o) < radius or (not strict and squared(c, o) == radius) for o in others])
        return rows

    return means(balls(x, y), balls(y, x), k)


def by_ranks(x: Points, y: Points, k: int) -> tuple[mpf, mpf, mpf, mpf]:
    """Use no radius: a point is in the ball if fewer than k other points of the cloud are nearer to the centre."""
    def balls(centres: Points, others: Points) -> list[list[bool]]:
        return [[sum(squared(c, e) < squared(c, o) for j, e in enumerate(centres) if j != i) < k for o in others]
                for i, c in enumerate(centres)]

    return means(balls(x, y), balls(y, x), k)


# ---- documents -------------------------------------------------------------------------------------------------

FLAGS = {
    "Normal": "nothing special",
    "Ties": "distances are equal to radii: equality counts, by the house's convention",
    "DisjointSupport": "the clouds are far apart",
    "Equal": "both clouds are the same",
    "Duplicates": "points occur more than once; a point is not its own neighbour, another one at its place is",
    "Asymmetric": "one cloud is much wider than the other: the four results are all different",
    "HighDimension": "64 dimensions and more",
    "Offset": "far from the origin: |x|^2 + |y|^2 - 2 x.y is wrong there, and so are lower precisions",
    "Scale": "coordinates of the order of 2^-70 or 2^300",
}

DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "neighbour_metrics": lambda: make(
        "neighbour_metrics", neighbour_cases,
        ["distances against the k-th smallest, in whole numbers", "counts of nearer points, without radii"],
        loose(1e-12, 1e-15, "quotients of counts: the next count is off by 1/(k n m) at least, rounding by an ulp"),
        FLAGS, SCRIPT),
}
