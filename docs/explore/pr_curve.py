"""The explorable picture of a PR curve and of rejection with a budget: its numbers for every place of its sliders."""

from __future__ import annotations

from typing import Any

import numpy as np

from divergen.evaluation.curves import pr_curve, pr_curve_after_obrs
from divergen.sampling.rejection import obrs

X = np.linspace(-6, 6, 181)
LAMBDAS = [float(f"{10 ** (j / 20):.2g}") for j in range(-34, 35)]  # 0.02 to 50, with 0.1, 1 and 10
BUDGETS = [*(1 + j / 10 for j in range(11)), *(2 + j / 5 for j in range(1, 11)), 4.5, 5, 5.5, 6, 7, 8, 9, 10, 12, 14,
           16, 18, 20]

TITLE = "A target p, a model q, and what rejection with a budget makes of q"
CONTROLS = (
    {"kind": "range", "name": "lambda", "label": "λ, where on the curve", "values": LAMBDAS, "start": 0.5},
    {"kind": "range", "name": "K", "label": "K, proposals paid for a sample", "values": BUDGETS, "start": 2.0},
)
PANELS = (
    {"name": "densities", "title": "What is common to λp and q", "ratio": 0.52,
     "legend": (("a", "target p"), ("a thin dashed", "λp"), ("b", "model q"),
                ("overlap fill", "min(λp, q): its area is the precision"))},
    {"name": "curve", "title": "The curve, before and after", "ratio": 1.0,
     "legend": (("b", "model q, and its point at λ (round)"),
                ("c dashed", "refined law, and its point at Kλ (square)"))},
    {"name": "rejection", "title": "What the budget K accepts of q", "ratio": 0.52,
     "legend": (("b", "model q"), ("accepted fill", "accepted, q·a"), ("hatch fill", "rejected, q·(1 − a)"),
                ("c dashed", "refined law, accepted part over its mass"), ("a thin", "target p"))},
)
NUMBERS = (
    ("alpha", "precision α at λ"), ("beta", "recall β at λ"),
    ("alpha_after", "precision after, at Kλ"), ("beta_after", "recall after, at Kλ"),
    ("rate", "acceptance rate"), ("proposals", "proposals for one sample"), ("c", "constant c of OBRS"),
    ("M", "M, largest ratio p/q"),
)


def laws() -> tuple[np.ndarray, np.ndarray]:
    """Return p and q as probabilities on the grid: two bumps, and a model that is wide and has one of them only."""

    def mixture(*parts: tuple[float, float, float]) -> np.ndarray:
        density = sum(w / s * np.exp(-(((X - m) / s) ** 2) / 2) for w, m, s in parts)
        return density / np.sum(density)

    return mixture((0.5, -1.8, 0.6), (0.5, 2.0, 0.6)), mixture((1.0, -0.9, 1.5))


def data() -> dict[str, Any]:
    """Return what the page draws and says."""
    p, q = laws()
    step = X[1] - X[0]
    at = pr_curve(p, q, np.array(LAMBDAS))
    by_budget = []
    for budget in BUDGETS:
        found = obrs(p / q, budget, weights=q)
        accepted = q * found.probability
        after = pr_curve_after_obrs(at, budget)
        place = np.searchsorted(after.lambdas, budget * at.lambdas)
        by_budget.append({
            "accepted": accepted / step,
            "refined": accepted / found.rate / step,
            "precision": after.precision[place],
            "recall": after.recall[place],
            # The refined law is min(t p, q/rate) with t = scale/rate: from lambda = t on its precision is 1.
            "corner": found.rate / np.exp(found.log_scale),
            "rate": found.rate, "proposals": 1 / found.rate, "c": found.constant, "status": found.status,
        })
    return {
        "x": X, "p": p / step, "q": q / step, "M": float(np.max(p / q)),
        "precision": at.precision, "recall": at.recall, "budgets": by_budget,
    }


def table(found: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[float, ...]]]:
    """Return some of the numbers, for readers without JavaScript: at lambda = 1, for a few budgets."""
    one = LAMBDAS.index(1.0)
    rows = []
    for budget in (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0):
        after = found["budgets"][BUDGETS.index(budget)]
        rows.append((budget, after["rate"], after["c"], found["precision"][one], found["recall"][one],
                     after["precision"][one], after["recall"][one]))
    return ("K", "acceptance rate", "c", "α at λ = 1", "β at λ = 1", "α after, at Kλ", "β after, at Kλ"), rows
