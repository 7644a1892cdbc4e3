"""The explorable picture of points that complete a history: the points, and the potential that they see."""

from __future__ import annotations

from typing import Any

import numpy as np

import divergen as dg

KERNEL = dg.HuberEnergy(a=0)
MOST = 40
AXIS = np.linspace(-3.2, 3.2, 41)
GRID = np.stack(np.meshgrid(AXIS, AXIS, indexing="xy"), axis=-1).reshape(-1, 2)  # row by row, from below
TARGETS = {
    "normal": dg.Gaussian.standard(2),
    "mixture": 0.5 * dg.Gaussian(np.array([-1.3, -0.6]), 0.35 * np.eye(2))
    + 0.3 * dg.Gaussian(np.array([1.3, -0.9]), 0.2 * np.eye(2))
    + 0.2 * dg.Gaussian(np.array([0.5, 1.4]), np.array([[0.5, 0.2], [0.2, 0.2]])),
}

TITLE = "Points that complete what is there, and points that do not look"
CONTROLS = (
    {"kind": "choice", "name": "target", "label": "Target",
     "options": (("normal", "normal"), ("mixture", "mixture of three"))},
    {"kind": "choice", "name": "group", "label": "New points at a time", "options": (("1", "one"), ("5", "five"))},
    {"kind": "range", "name": "n", "label": "n, points that are there", "values": list(range(MOST + 1)), "start": 5},
)
PANELS = (
    {"name": "chosen", "title": "Drawn with their history", "ratio": 1.0,
     "legend": (("a dot", "there already"), ("b ring", "next: where the signed target pulls"),
                ("potential fill", "its potential: the stronger, the lower"))},
    {"name": "independent", "title": "Drawn independently", "ratio": 1.0,
     "legend": (("c diamond", "the first n of one run of draws"),
                ("rings", "1, 2 and 3 deviations of each part of the target"))},
    {"name": "distance", "title": "Squared distance to the target", "ratio": 0.42,
     "legend": (("a", "with history"), ("c dashed", "this run of independent draws"),
                ("b thin", "independent draws on average, I/(2n)"))},
)
NUMBERS = (
    ("n", "points that are there"), ("chosen", "their d²"), ("independent", "d² of the independent draws"),
    ("mean", "d² of n draws on average"), ("worth", "so many draws would be as close on average"),
    ("next", "next"),
)


def one_by_one(target: dg.Measure, count: int) -> np.ndarray:
    """Return points each of which completes those before it, found from the lowest place of the grid."""
    found = np.zeros((0, 2))
    for _ in range(count):
        history = found if found.size else None
        signed = target if history is None else dg.with_history(target, history, 1)
        start = GRID[[np.argmin(signed.potential(GRID, KERNEL))]]
        one = dg.compress(target, 1, KERNEL, rng=np.random.default_rng(0), method="lbfgs", history=history, start=start)
        found = np.concatenate([found, one.points])
    return found


def sequences() -> dict[str, Any]:
    """Return for each target its points, one and five at a time, and independent draws."""
    found = {}
    for name, target in TARGETS.items():
        rng = np.random.default_rng(5)
        five = np.zeros((0, 2))
        while five.shape[0] < MOST + 5:
            history = five if five.size else None
            more = dg.compress(target, 5, KERNEL, rng=rng, method="lbfgs", restarts=2, tolerance=1e-8, history=history)
            five = np.concatenate([five, more.points])
        found[name] = {"1": one_by_one(target, MOST + 1), "5": five, "independent": target.sample(MOST, rng)}
    return found


def rings(target: Any) -> list[np.ndarray]:
    """Return the ellipses at 1, 2 and 3 standard deviations of each Gaussian of the target, as closed lines."""
    angle = np.linspace(0, 2 * np.pi, 49)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    parts = [target] if isinstance(target, dg.Gaussian) else [part for _, part in target._terms]
    return [(part.mean[:, None] + r * np.linalg.cholesky(part.cov) @ circle).T for part in parts for r in (1, 2, 3)]


def data() -> dict[str, Any]:
    """Return what the page draws and says."""
    result: dict[str, Any] = {"axis": AXIS, "most": MOST, "targets": {}}
    for name, points in sequences().items():
        target = TARGETS[name]
        measure = {key: [dg.squared_distance(dg.Diracs(some[:n]), target, KERNEL) for n in range(1, MOST + 1)]
                   for key, some in points.items()}
        between = 2 * dg.squared_distance(dg.Diracs(points["1"][:1]), target, KERNEL)
        towards = float(target.potential(points["1"][:1], KERNEL)[0])
        # d^2 of one Dirac is U - I/2, so that I, the mean of h between two draws, is 2 U - 2 d^2
        result["targets"][name] = {
            "potential": target.potential(GRID, KERNEL), "points": points, "distance": measure,
            "pair_mean": 2 * towards - between, "rings": rings(target),
        }
    return result


def table(found: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return some of the numbers, for readers without JavaScript."""
    rows = []
    for name, target in found["targets"].items():
        for n in (1, 5, 10, 20, 40):
            distances = target["distance"]
            rows.append((name, n, distances["1"][n - 1], distances["5"][n - 1] if n % 5 == 0 else "",
                         distances["independent"][n - 1], target["pair_mean"] / (2 * n)))
    return ("target", "n", "d², one at a time", "d², five at a time", "d², independent", "I/(2n)"), rows
