"""The explorable picture of the bounds on the class radius: bounds and radii for every K and every inequality."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from divergen.evaluation.class_radius import gamma_bound, isoperimetric_bound, kappa_bound
from divergen.evaluation.classes import renyi_entropy

CLASSES = [2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000, 3000, 5000,
           10_000, 20_000, 30_000]
EXPONENTS = [j / 5 for j in range(21)]

TITLE = "Three bounds on the mean class radius, and two partitions whose radius is known"
CONTROLS = (
    {"kind": "range", "name": "K", "label": "K, classes", "values": CLASSES, "start": 10},
    {"kind": "range", "name": "s", "label": "s, inequality of their shares", "values": EXPONENTS, "start": 0.0},
    {"kind": "choice", "name": "shape", "label": "Draw the classes as",
     "options": (("sectors", "sectors"), ("slabs", "slabs"))},
)
PANELS = (
    {"name": "plane", "title": "The classes, in a latent plane", "ratio": 1.0,
     "legend": (("edge", "between two classes"), ("a disc", "half of all latents lie inside"))},
    {"name": "bounds", "title": "Mean class radius against K", "ratio": 0.78,
     "legend": (("b", "γ(‖p‖²), of the slides"), ("c dashed", "κ(‖p‖²)"), ("a", "isoperimetric sum"),
                ("d dotted", "radius of the sectors"), ("e thin", "radius of the slabs"),
                ("outside fill", "largest share above 1/5"), ("cross", "not proven here: below the sum"))},
)
NUMBERS = (
    ("largest", "largest share"), ("collision", "‖p‖², two draws of one class"), ("entropy", "H₂, nats"),
    ("gamma", "γ(‖p‖²)"), ("kappa", "κ(‖p‖²)"), ("sum", "isoperimetric sum"),
    ("sectors", "mean radius of the sectors"), ("slabs", "mean radius of the slabs"),
)


def shares(k: int, s: float) -> np.ndarray:
    """Return p with p_i proportional to i^-s."""
    weights = np.arange(1.0, k + 1) ** -s
    return weights / np.sum(weights)


def slab_radius(p: np.ndarray) -> float:
    r"""Return the mean distance of a standard normal number to the nearest cut between slabs of probabilities p.

    Between cuts a and b with the middle m it is the integral of z - a over (a, m), and of b - z over (m, b).
    """
    below = np.cumsum(p)[:-1]
    above = np.cumsum(p[::-1])[::-1][1:]
    cuts = np.where(below < 0.5, ndtri(below), -ndtri(above))
    inner = np.sum(_rising(cuts[:-1], (cuts[:-1] + cuts[1:]) / 2) + _rising(-cuts[1:], -(cuts[:-1] + cuts[1:]) / 2))
    return float(inner + _rising(cuts[-1], np.inf) + _rising(-cuts[0], np.inf))


def _rising(a: Any, m: Any) -> Any:
    """Return the integral of (z - a) phi(z) over (a, m), from the side where the tails keep their digits."""

    def density(z: Any) -> Any:
        return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)

    mass = np.where(np.asarray(a) > 0, ndtr(-np.asarray(a)) - ndtr(-np.asarray(m)), ndtr(m) - ndtr(a))
    return density(a) - density(m) - a * mass


def sector_radius(p: np.ndarray) -> float:
    r"""Return the mean distance to the edge of the own sector, for sectors of the angles 2 pi p_i around the origin.

    At the angle u from the nearer edge and the distance R from the origin it is R sin u, and R if u is above a right
    angle. R and the angle are independent, and E R is the root of pi/2.
    """
    half = np.pi * p
    mean_sine = (1 - np.cos(np.minimum(half, np.pi / 2)) + np.maximum(half - np.pi / 2, 0)) / half
    return float(math.sqrt(math.pi / 2) * np.sum(p * mean_sine))


def data() -> dict[str, Any]:
    """Return what the page draws and says."""
    table = []
    for s in EXPONENTS:
        row = []
        for k in CLASSES:
            p = shares(k, s)
            exact, short, slides = isoperimetric_bound(p), kappa_bound(p), gamma_bound(p)
            entropy = renyi_entropy(p, 2)
            row.append({
                "largest": p[0], "collision": math.exp(-entropy), "entropy": entropy, "sum": exact.value,
                "kappa": short.value, "gamma": slides.value, "kappa_proven": short.proven,
                "gamma_proven": slides.proven, "decay": slides.decay, "slabs": slab_radius(p),
                "sectors": sector_radius(p),
            })
        table.append(row)
    drawn = [k for k in CLASSES if k <= 50]  # beyond, the lines would touch
    return {
        "bounds": table, "median": math.sqrt(2 * math.log(2)),
        "edges": [[np.cumsum(shares(k, s))[:-1] for k in drawn] for s in EXPONENTS],
        "cuts": [[ndtri(np.cumsum(shares(k, s))[:-1]) for k in drawn] for s in EXPONENTS],
    }


def table(found: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return some of the numbers, for readers without JavaScript."""
    rows = []
    for s in (0.0, 1.0, 2.0):
        for k in (2, 5, 10, 100, 10_000):
            at = found["bounds"][EXPONENTS.index(s)][CLASSES.index(k)]
            rows.append((s, k, at["largest"], at["gamma"], at["kappa"], at["sum"], at["sectors"], at["slabs"]))
    return ("s", "K", "largest share", "γ(‖p‖²)", "κ(‖p‖²)", "sum", "sectors", "slabs"), rows
