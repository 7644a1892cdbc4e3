r"""The trade-off of adversarial training: precision and recall over lambda, against truncation, and through rejection.

Run: python experiments/gan_sweep.py [--dataset ring|grid|digits|all] [--seeds 5] [--steps 2000]. All of it takes about
half an hour on one thread. What is done is kept, and an interrupted run goes on from there.

Verine2024 reports for images: precision rises and recall falls with lambda; the plain dual fails; precision rises with
the budget K of OBRS; training through OBRS raises recall. Each is measured here on three targets:

- "ring": 8 Gaussians on a circle, and "grid": 25 Gaussians on a square. The densities are known, and with them the
  exact curve of a generator, up to its histogram;
- "digits": the first eight principal components of MNIST digits, with as many latents, so that a generator has a
  density. (In 32 components, from 8 latents, hardly any digit has a generated neighbour.) Precision and recall
  by neighbours alone.

The generators have 16 hidden units, too few for these targets: one that fits P has nothing to trade. The critics learn
from KL, on digits from the original game, which there gave more precision and more recall in each of five trainings.

A seed gives every training the same first weights, batches and noise, so differences between trainings are paired. The
results go to docs/results: every number to gan_sweep.json, means with standard errors over the seeds to

- gan_lambda.csv: trained for the PR-divergence at lambda, with an auxiliary divergence g, and by the plain dual;
- gan_truncation.csv: the generator of lambda = 1, its latents truncated as far as it takes to have the precision of
  another lambda: how many seeds have one, and over these, if they are three or more, the recall there and what the
  other lambda has above it. Between levels the path is taken as straight; it bends, so levels that are far apart would
  belittle truncation. gan_psi.csv: all levels;
- gan_obrs.csv: the generator of lambda = 1, refined at K, against one that was trained through OBRS at K, refined
  likewise, from the first weights or ("fine-tuned") from the plain one, for as many steps again. There the plain one
  was trained on without a budget.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded; on small matrices more cost time

import argparse
import csv
import io
import json
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from tqdm import tqdm

import divergen as dg
from divergen.datasets import mnist
from divergen.densities import bin_probabilities, bin_shares, grid, ring
from divergen.files import replacing

RESULTS = Path(__file__).resolve().parents[1] / "docs/results"
FIRST_SEED = 100
CORE = (0.05, 0.2, 1.0, 5.0, 20.0)
MORE = (0.1, 0.5, 2.0, 10.0)
BUDGETS = (1.0, 4 / 3, 2.0, 4.0)
HARD = (3.0, 2.75, 2.5, 2.25, 2.0, 1.75, 1.5, 1.25, 1.0, 0.7, 0.4)
SOFT = (0.975, 0.95, 0.925, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.3)
NEIGHBOURS = 5

# Which of the differences below are positive or negative by more than two standard errors: what was found, and is
# asserted. What is left out did not appear. Two is a low bar where seeds are five and differences many: what counts is
# how far they are beyond it, which is printed.
TRENDS = {
    "ring": {
        "precision, lambda 20 - 0.05": 1, "alpha_20, lambda 20 - 0.05": 1, "recall, lambda 20 - 0.05": -1,
        "beta_0.05, lambda 20 - 0.05": -1, "precision, K 4 - 1": 1,
    },
    "grid": {
        "precision, lambda 20 - 0.05": 1, "alpha_20, lambda 20 - 0.05": 1, "recall, lambda 20 - 0.05": -1,
        "beta_0.05, lambda 20 - 0.05": -1, "precision, K 4 - 1": 1, "recall, through obrs 2": 1,
        "recall, through obrs 4": 1, "precision, through obrs 2": -1,
    },
    "digits": {
        "precision, lambda 20 - 0.05": 1, "recall, lambda 20 - 0.05": -1, "precision, K 4 - 1": 1, "recall, K 4 - 1": 1,
        "recall, lambda 5 - hard truncation": 1, "precision, through obrs 2": -1, "precision, through obrs 4": -1,
    },
}


@dataclass(frozen=True)
class Setting:
    """What is trained on a target, and how it is measured."""

    g: str
    latent_dim: int
    hidden: int
    lambdas: tuple[float, ...]
    tuned: int  # seeds of the fine-tuning
    points: int  # real and generated, for the neighbours
    repeats: int  # with other generated points


SETTINGS = {
    "ring": Setting("kl", 2, 16, CORE + MORE, 10, 3000, 1),
    "grid": Setting("kl", 2, 16, CORE, 0, 3000, 1),
    "digits": Setting("gan", 8, 16, CORE, 0, 1000, 3),
}


# --- targets and trainings ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Target:
    """Data to train on and others to compare with; where P is known, its mass in the bins of a grid."""

    data: np.ndarray
    test: np.ndarray
    edges: tuple[np.ndarray, ...] = ()
    masses: np.ndarray | None = None


@cache
def target(dataset: str) -> Target:
    if dataset == "digits":
        images = mnist()
        pca = PCA(8, random_state=0).fit(images.train_images)
        data, test = (pca.transform(part).astype(np.float64) for part in (images.train_images, images.test_images))
        return Target(data, test)
    if dataset == "ring":
        p, edges = ring(8, radius=2.0, scale=0.2), np.linspace(-3.2, 3.2, 41)
    else:
        p, edges = grid(5, spacing=1.0, scale=0.12), np.linspace(-2.75, 2.75, 56)
    data, test = (p.sample(n, np.random.default_rng(seed)) for n, seed in ((20_000, 99), (3000, 98)))
    return Target(data, test, (edges, edges), bin_probabilities(p, (edges, edges)).ravel())


@lru_cache(maxsize=2)
def train(dataset: str, seed: int, steps: int, lam: float, naive: bool = False, budget: float = 1.0) -> dg.GAN:
    s = SETTINGS[dataset]
    return dg.fit_gan(target(dataset).data, dg.precision_recall(lam), g=None if naive else getattr(dg, s.g),
                      rng=np.random.default_rng(seed), steps=steps, latent_dim=s.latent_dim,
                      generator_hidden=(s.hidden,), critic_hidden=(64, 64), budget=budget).gan


def tune(dataset: str, seed: int, steps: int, budget: float) -> dg.GAN:
    """Go on from the generator of lambda = 1, with a budget or without."""
    return dg.fit_gan(target(dataset).data, dg.precision_recall(1.0), g=getattr(dg, SETTINGS[dataset].g),
                      rng=np.random.default_rng([seed, 2]), steps=steps, budget=budget,
                      start=train(dataset, seed, steps, 1.0)).gan


# --- what is measured ----------------------------------------------------------------------------------------------


def draws(dataset: str) -> int:
    s = SETTINGS[dataset]
    return 50_000 if target(dataset).masses is not None else s.points * s.repeats


def measure(dataset: str, x: np.ndarray) -> dict[str, float]:
    s, p, x = SETTINGS[dataset], target(dataset), x.astype(np.float64)
    found = [dg.neighbour_metrics(p.test, x[i * s.points : (i + 1) * s.points], k=NEIGHBOURS) for i in range(s.repeats)]
    row = {name: float(np.mean([getattr(one, name) for one in found]))
           for name in ("precision", "recall", "density", "coverage")}
    if p.masses is not None:
        curve = dg.pr_curve(p.masses, bin_shares(x, p.edges).ravel(), np.array([0.05, 1.0, 20.0]))
        row |= {"alpha_20": float(curve.precision[2]), "alpha_1": float(curve.precision[1]),
                "beta_0.05": float(curve.recall[0])}
    return row


def perform(dataset: str, seed: int, steps: int, job: str) -> list[dict[str, Any]]:
    """Train what a job needs, and return a row for everything measured."""
    kind, *number = job.split()
    value = float(number[0]) if number else 0.0
    n = draws(dataset)

    def rng() -> np.random.Generator:  # the same latents everywhere
        return np.random.default_rng([seed, 1])

    def plain(gan: dg.GAN) -> dict[str, float]:
        return measure(dataset, gan.sample(n, rng()))

    def refined(gan: dg.GAN, K: float) -> dict[str, float]:
        return measure(dataset, gan.refine(n, rng(), budget=K).points)

    if kind in ("auxiliary", "naive"):
        return [{"lam": value} | plain(train(dataset, seed, steps, value, kind == "naive"))]
    if kind == "truncation":
        gan = train(dataset, seed, steps, 1.0)
        z = rng().standard_normal((n, gan.latent_dim))
        again = np.random.default_rng([seed, 3])
        latents = [("hard", psi, dg.hard_truncation(z, psi, again)) for psi in HARD]
        latents += [("soft", psi, dg.soft_truncation(z, psi)) for psi in SOFT]
        return [{"rule": rule, "psi": psi} | measure(dataset, gan.generate(zs)) for rule, psi, zs in latents]
    if kind == "obrs":
        rows = [{"trained": 1.0, "K": value} | refined(train(dataset, seed, steps, 1.0), value)]
        if value > 1:
            gan = train(dataset, seed, steps, 1.0, budget=value)
            rows += [{"trained": value, "K": 1.0} | plain(gan), {"trained": value, "K": value} | refined(gan, value)]
        return rows
    gan = tune(dataset, seed, steps, value)  # kind "tuned"
    return [{"trained": value, "K": K} | (plain(gan) if K == 1 else refined(gan, K))
            for K in ((1.0, 2.0, 4.0) if value == 1 else (1.0, value))]


def jobs(datasets: list[str], seeds: int) -> list[tuple[str, int, str]]:
    """Return (dataset, seed, job) in the order in which they are done: what matters most comes first."""
    based = ["auxiliary 1", "truncation", *(f"obrs {K:.6g}" for K in BUDGETS)]  # of one generator, trained once
    core = [f"{kind} {lam:g}" for kind in ("auxiliary", "naive") for lam in CORE]
    found = [(name, FIRST_SEED + i, job) for name in datasets for i in range(seeds)
             for job in dict.fromkeys(based + core)]
    found += [(name, FIRST_SEED + i, f"tuned {K:g}") for name in datasets for i in range(SETTINGS[name].tuned)
              for K in (1, 2, 4)]
    return found + [(name, FIRST_SEED + i, f"{kind} {lam:g}") for name in datasets for kind in ("auxiliary", "naive")
                    for i in range(seeds) for lam in SETTINGS[name].lambdas if lam not in CORE]


# --- what is kept ----------------------------------------------------------------------------------------------


def load(path: Path, settings: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return settings and rows of earlier runs; stop if a target's settings were others."""
    if not path.exists():
        return settings, []
    kept = json.loads(path.read_text(encoding="utf-8"))
    changed = [name for name in settings if kept["settings"].get(name, settings[name]) != settings[name]]
    if changed:
        sys.exit(f"{path.name} is of other settings ({', '.join(changed)}): move it away to start anew")
    return kept["settings"] | settings, kept["rows"]


def save(path: Path, settings: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in rows)
    with replacing(path) as file:
        file.write(f'{{"settings": {json.dumps(settings, indent=1)},\n"rows": [\n{lines}\n]}}\n'.encode())


class Rows:
    """The rows of one target, looked up by what they have in common; a quantity over the seeds, in their order."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self.rows = list(rows)

    def over_seeds(self, quantity: str, **wanted: Any) -> dict[int, float]:
        found = [row for row in self.rows if all(row.get(key) == value for key, value in wanted.items())]
        return {row["seed"]: row[quantity] for row in found if quantity in row}


def with_error(values: Iterable[float], sign: str = "", at_least: int = 2) -> str:
    values = list(values)
    if len(values) < at_least:
        return "–"
    return f"{np.mean(values):{sign}.3f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


def paired(one: dict[int, float], other: dict[int, float]) -> list[float]:
    return [one[seed] - other[seed] for seed in sorted(one) if seed in other]


def write_table(path: Path, header: list[str], lines: Iterable[list[str]]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(lines)
    with replacing(path) as file:
        file.write(text.getvalue().encode())
    print(f"{path.name}\n{text.getvalue()}")


# --- the tables ----------------------------------------------------------------------------------------------------


def lambda_lines(dataset: str, rows: Rows) -> Iterable[list[str]]:
    for lam in sorted(SETTINGS[dataset].lambdas):
        by = {kind: f"{kind} {lam:g}" for kind in ("auxiliary", "naive")}
        yield [dataset, f"{lam:g}",
               *(with_error(rows.over_seeds(name, job=by["auxiliary"]).values())
                 for name in ("precision", "recall", "coverage", "alpha_20", "beta_0.05")),
               *(with_error(rows.over_seeds(name, job=by["naive"]).values()) for name in ("precision", "recall"))]


def psi_lines(dataset: str, rows: Rows) -> Iterable[list[str]]:
    for rule, levels in (("hard", HARD), ("soft", SOFT)):
        for psi in levels:
            yield [dataset, rule, f"{psi:g}", *(with_error(rows.over_seeds(name, rule=rule, psi=psi).values())
                                                for name in ("precision", "recall", "coverage"))]


def matched_recall(wanted: float, precision: np.ndarray, recall: np.ndarray) -> float | None:
    """Return the largest recall on a path of truncations, linear between its levels, where it has a precision."""
    found = []
    for i in range(len(precision) - 1):
        low, high = sorted(precision[i : i + 2])
        if low <= wanted <= high and low < high:
            t = (wanted - precision[i]) / (precision[i + 1] - precision[i])
            found.append(recall[i] + t * (recall[i + 1] - recall[i]))
    return max(found, default=None)


def matched(dataset: str, rows: Rows, lam: float, rule: str) -> dict[int, float]:
    """Return the recall of the generator of lambda = 1, truncated to the precision of another lambda, where it can be.

    Seed by seed.
    """
    levels = HARD if rule == "hard" else SOFT
    path = {name: [rows.over_seeds(name, job="auxiliary 1"), *(rows.over_seeds(name, rule=rule, psi=psi)
                                                               for psi in levels)] for name in ("precision", "recall")}
    found = {}
    for seed, wanted in rows.over_seeds("precision", job=f"auxiliary {lam:g}").items():
        recall = matched_recall(wanted, *(np.array([level[seed] for level in values]) for values in path.values()))
        if recall is not None:
            found[seed] = recall
    return found


def truncation_lines(dataset: str, rows: Rows) -> Iterable[list[str]]:
    for lam in sorted(SETTINGS[dataset].lambdas):
        if lam == 1:  # the generator that is truncated
            continue
        precision, recall = (rows.over_seeds(name, job=f"auxiliary {lam:g}") for name in ("precision", "recall"))
        line = [dataset, f"{lam:g}", with_error(precision.values()), with_error(recall.values())]
        for rule in ("hard", "soft"):
            reached = matched(dataset, rows, lam, rule)
            line += [f"{len(reached)}/{len(precision)}", with_error(reached.values(), at_least=3),
                     with_error(paired(recall, reached), "+", at_least=3)]
        yield line


def obrs_lines(dataset: str, rows: Rows) -> Iterable[list[str]]:
    names = ("precision", "recall")
    for K in BUDGETS:
        sampled = {name: rows.over_seeds(name, job=f"obrs {K:.6g}", trained=1.0, K=float(f"{K:.6g}")) for name in names}
        line = [dataset, "first weights", f"{K:.3g}", *(with_error(sampled[name].values()) for name in names)]
        if K > 1:
            line += through(rows, sampled, f"obrs {K:.6g}", float(f"{K:.6g}"))
        yield line + ["–"] * (9 - len(line))
    for K in (2.0, 4.0) if SETTINGS[dataset].tuned else ():
        sampled = {name: rows.over_seeds(name, job="tuned 1", K=K) for name in names}
        yield [dataset, "fine-tuned", f"{K:g}", *(with_error(sampled[name].values()) for name in names),
               *through(rows, sampled, f"tuned {K:g}", K)]


def through(rows: Rows, sampled: dict[str, dict[int, float]], job: str, K: float) -> list[str]:
    """Return refined precision and recall after training through OBRS, and their paired differences to `sampled`."""
    found = {name: rows.over_seeds(name, job=job, trained=K, K=K) for name in sampled}
    return [*(with_error(found[name].values()) for name in found),
            *(with_error(paired(found[name], sampled[name]), "+") for name in found)]


def differences(dataset: str, rows: Rows) -> dict[str, np.ndarray]:
    """Return the paired differences, over the seeds, on which the source makes a claim."""
    found = {}
    for name in ("precision", "recall", "coverage", "alpha_20", "beta_0.05"):
        ends = (rows.over_seeds(name, job=f"auxiliary {lam}") for lam in (20, 0.05))
        found[f"{name}, lambda 20 - 0.05"] = paired(*ends)
    for lam in (5, 20):
        for rule in ("hard", "soft"):
            values = paired(rows.over_seeds("recall", job=f"auxiliary {lam}"), matched(dataset, rows, lam, rule))
            found[f"recall, lambda {lam} - {rule} truncation"] = values if len(values) >= 3 else []
    for name in ("precision", "recall"):
        found[f"{name}, K 4 - 1"] = paired(*(rows.over_seeds(name, job=f"obrs {K}", trained=1.0, K=K) for K in (4, 1)))
        for K in (2, 4):
            for kind, plain in (("obrs", f"obrs {K}"), ("tuned", "tuned 1")):
                found[f"{name}, through {kind} {K}"] = paired(
                    rows.over_seeds(name, job=f"{kind} {K}", trained=K, K=K),
                    rows.over_seeds(name, job=plain, trained=1.0, K=K),
                )
    return {name: np.array(values) for name, values in found.items() if len(values) > 1}


def check_trends(dataset: str, rows: Rows) -> None:
    """Assert the trends that were found, and say of all what came out."""
    scores = {}
    for name, values in differences(dataset, rows).items():
        scores[name] = float(values.mean() / (values.std(ddof=1) / np.sqrt(len(values))))
        print(f"{dataset}: {name}: {with_error(values, '+')}, {scores[name]:+.1f} standard errors, {len(values)} seeds"
              f"{'' if name in TRENDS[dataset] else '; nothing is asserted about it'}")
    failed = [name for name, sign in TRENDS[dataset].items() if not sign * scores[name] > 2]
    assert not failed, (dataset, failed)


def main() -> None:
    parser = argparse.ArgumentParser(description="Precision and recall of adversarial training.")
    parser.add_argument("--dataset", choices=[*SETTINGS, "all"], default="all")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each kind (default: 5)")
    parser.add_argument("--steps", type=int, default=2000, help="of each training (default: 2000)")
    asked = parser.parse_args()
    if asked.seeds < 2 or asked.steps < 1:
        parser.error("at least 2 seeds and 1 step are needed")
    packages = {package: version(package) for package in ("numpy", "scipy", "scikit-learn", "mlxtend")}
    path = RESULTS / "gan_sweep.json"
    chosen = list(SETTINGS) if asked.dataset == "all" else [asked.dataset]
    settings = {"steps": asked.steps, "Python": platform.python_version(), **packages,
                "hard": list(HARD), "soft": list(SOFT), "budgets": list(BUDGETS),
                **{name: json.loads(json.dumps(asdict(SETTINGS[name]))) for name in chosen}}
    settings, rows = load(path, settings)
    done = {(row["dataset"], row["seed"], row["job"]) for row in rows}
    todo = [job for job in jobs(chosen, asked.seeds) if job not in done]
    for dataset, seed, job in tqdm(todo, desc="jobs"):
        common = {"dataset": dataset, "seed": seed, "job": job}
        rows += [common | row for row in perform(dataset, seed, asked.steps, job)]
        save(path, settings, rows)
    save(path, settings, rows)  # once at least: a setting may be new

    complete = [name for name in SETTINGS if any(row["dataset"] == name for row in rows)]
    by_target = {name: Rows(row for row in rows if row["dataset"] == name) for name in complete}
    for name, header, lines in (
        ("gan_lambda.csv", ["dataset", "lam", "precision", "recall", "coverage", "alpha_20", "beta_0.05",
                            "naive precision", "naive recall"], lambda_lines),
        ("gan_psi.csv", ["dataset", "rule", "psi", "precision", "recall", "coverage"], psi_lines),
        ("gan_truncation.csv", ["dataset", "lam", "precision", "recall", "hard: reached", "recall then", "gain",
                                "soft: reached", "recall then", "gain"], truncation_lines),
        ("gan_obrs.csv", ["dataset", "trained from", "K", "precision", "recall", "precision through",
                          "recall through", "difference", "difference of recall"], obrs_lines),
    ):
        write_table(RESULTS / name, header, [line for one in complete for line in lines(one, by_target[one])])
    for dataset in complete:
        check_trends(dataset, by_target[dataset])


if __name__ == "__main__":
    main()
