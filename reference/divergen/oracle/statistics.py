r"""Tests of random behaviour: what must come out on average, and the probability that a right implementation fails.

The draws come from generators with fixed seeds, so that a test says the same every time. The probability is over the
choice of that seed, and it is a bound for any number of draws, not a limit: by Hoeffding's inequality for numbers in
[0, 1], by the concentration of Lipschitz functions of normal variables,

.. math:: P\Bigl[\Bigl|\frac1N \sum_i F(z_i) - E F(z)\Bigr| > \Lambda \sqrt{2 \log(2/\delta) / N}\Bigr] \le \delta ,

and by the inequality of Laurent and Massart for their squares. The level of each single test is 1e-6.
"""

from __future__ import annotations

import math

import numpy as np

from ..equations import turinici2023
from .adapter import Adapter
from .checks import register
from .compare import Tolerance
from .laws import Trial

__all__ = ["LEVEL", "gaussian_deviation", "hoeffding_deviation"]

LEVEL = 1e-6


def hoeffding_deviation(draws: int, level: float) -> float:
    """How far the mean of that many numbers in [0, 1] is from its expectation, but for a probability `level`."""
    return math.sqrt(math.log(2 / level) / (2 * draws))


def gaussian_deviation(draws: int, lipschitz: float, level: float) -> float:
    """The same for a function of standard normal variables with this Lipschitz constant."""
    return lipschitz * math.sqrt(2 * math.log(2 / level) / draws)


def _within(deviation: float, inequality: str) -> Tolerance:
    return Tolerance(0.0, deviation, f"{inequality} at the level {LEVEL:g}")


@register("expected_kernel/monte-carlo", "statistics", "it is the mean of h over 200,000 draws", false_alarm=LEVEL,
          equation="Turinici2023 (2)")
def _(adapter: Adapter) -> None:
    rng, n, draws = np.random.default_rng(1), 8, 200_000
    root = rng.normal(size=(3, 3)) / 2
    x, mean, a = rng.normal(size=(n, 3)), np.array([0.5, -1.0, 0.0]), 0.25
    inputs = {"x": x, "mean": mean, "cov": root @ root.T, "a": a}
    trial = Trial(adapter, "it is the mean of h over draws of N(mean, cov)", inputs)
    found = trial("expected_kernel", *inputs.values())
    z = mean + rng.normal(size=(draws, 3)) @ root.T
    means = [float(np.mean(turinici2023.huber_energy_kernel(point - z, a))) for point in x]
    # h has the Lipschitz constant 1, and the map from standard normals to z that of its matrix.
    deviation = gaussian_deviation(draws, float(np.linalg.norm(root, 2)), LEVEL / n)
    trial.equal(found, np.array(means), _within(deviation, "concentration of a Lipschitz function of normals"))


@register("gaussian_kl/monte-carlo", "statistics", "it is the mean of log q/p over 200,000 draws of q",
          false_alarm=LEVEL, equation="KingmaWelling2013, appendix B")
def _(adapter: Adapter) -> None:
    rng, draws = np.random.default_rng(2), 200_000
    inputs = {"mean": np.array([[0.5, -1.0, 0.0]]), "log_variance": np.array([[-1.0, 0.5, 1.0]])}
    mean, log_variance = inputs["mean"][0], inputs["log_variance"][0]
    trial = Trial(adapter, "it is the mean of log q/p over draws of q", inputs)
    noise = rng.normal(size=(draws, 3))
    z = mean + np.exp(log_variance / 2) * noise
    mean_ratio = float(np.mean(np.sum(z * z - noise * noise - log_variance, axis=1))) / 2
    # log q/p is a sum of (v - 1)(e^2 - 1)/2 and of m s e, for standard normals e, and a constant.
    squares, each = (np.exp(log_variance) - 1) / 2, math.log(4 / LEVEL)
    deviation = (2 * float(np.linalg.norm(squares)) * math.sqrt(each / draws)
                 + 2 * float(np.abs(squares).max()) * each / draws
                 + gaussian_deviation(draws, float(np.linalg.norm(mean * np.exp(log_variance / 2))), LEVEL / 2))
    trial.equal(trial("gaussian_kl", *inputs.values()), np.array([mean_ratio]),
                _within(deviation, "Laurent and Massart's inequality"))


@register("elbo/mean-over-noise", "statistics", "with 20,000 draws of the noise for one image it is E log p(x|z) - KL",
          false_alarm=LEVEL)
def _(adapter: Adapter) -> None:
    rng, draws, x = np.random.default_rng(3), 20_000, np.array([0.0, 1.0, 0.25])
    # No hidden layer: z = m + s e with m = x.w + b, and the logits are c z + d.
    parameters = rng.normal(size=3 * 2 + 2 + 3 + 3) / 2
    weight, bias, c, d = parameters[:6].reshape(3, 2), parameters[6:8], parameters[8:11], parameters[11:]
    mean, log_variance = x @ weight + bias
    inputs = {"sizes": [3, 1, 3], "parameters": parameters, "x": np.tile(x, (draws, 1)),
              "noise": rng.normal(size=(draws, 1))}
    trial = Trial(adapter, f"the mean over the noise: x is one image {draws} times", inputs)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    logits = (mean + np.exp(log_variance / 2) * nodes)[:, None] * c + d
    expected = float(np.sum(x * logits - np.logaddexp(0, logits), axis=1) @ (weights / weights.sum()))
    want = expected - (mean**2 + math.exp(log_variance) - 1 - log_variance) / 2
    lipschitz = math.exp(log_variance / 2) * float(np.sum(np.abs(c)))  # the residual of a pixel is at most 1
    trial.equal(trial("elbo", *inputs.values()), float(want), _within(
        gaussian_deviation(draws, lipschitz, LEVEL), "concentration of a Lipschitz function of normals"))


@register("compress/against-chance", "statistics", "ten results are closer to the points than three quarters of 200 "
          "random subsets", false_alarm=LEVEL)
def _(adapter: Adapter) -> None:
    rng, k, a, seeds, each, lost = np.random.default_rng(4), 5, 0.0, 10, 20, 0
    points = rng.normal(size=(60, 2))
    trial = Trial(adapter, f"d^2 of the results of {seeds} seeds against that of {each} random subsets each",
                  {"points": points, "k": k, "a": a})

    def objective(x: np.ndarray) -> float:
        return float(turinici2023.discrete_squared_distance(
            x, points, lambda z: turinici2023.huber_energy_kernel(z, a)))

    for seed in range(seeds):
        found = objective(trial("compress", points, k, a, seed))
        lost += sum(found > objective(points[rng.choice(60, k, replace=False)]) for _ in range(each))
    # What beats 95 subsets of 100 loses more than a quarter of N with a probability of at most exp(-2 N 0.2^2).
    tolerance = Tolerance(0.0, 0.0, "Hoeffding's inequality at 1.2e-7, for a result better than 95 of 100 subsets")
    trial.at_most(lost / (seeds * each), 0.25, tolerance, "the share of the comparisons that was lost")


def _accepted(acceptance: np.ndarray, q: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """The share of the proposals that was accepted at each atom."""
    rng = np.random.default_rng(seed)
    atoms = rng.choice(q.shape[0], size=draws, p=q)
    return np.bincount(atoms[rng.uniform(size=draws) < acceptance[atoms]], minlength=q.shape[0]) / draws


P = np.array([0.5, 0.25, 0.125, 0.125])
Q = np.array([0.25, 0.25, 0.375, 0.125])


@register("obrs/draws-from-the-target", "statistics", "with a large budget, what is accepted of 200,000 proposals is "
          "distributed as the target", false_alarm=LEVEL, equation="Verine2024, rejection sampling; erratum 15")
def _(adapter: Adapter) -> None:
    draws, inputs = 200_000, {"ratio": P / Q, "budget": 8.0, "weights": Q}
    trial = Trial(adapter, "accepted proposals are distributed as the target, one in M", inputs)
    found = _accepted(trial("obrs", *inputs.values()), Q, draws, 5)
    trial.equal(found, P / 2, _within(hoeffding_deviation(draws, LEVEL / 4), "Hoeffding's inequality"),
                "the share of accepted proposals at each point, against p / M")


@register("obrs/pays-the-budget", "statistics", "of 200,000 proposals one in K is accepted", false_alarm=LEVEL,
          equation="Verine2024 (17)")
def _(adapter: Adapter) -> None:
    draws, inputs = 200_000, {"ratio": P / Q, "budget": 1.25, "weights": Q}
    trial = Trial(adapter, "one proposal in K is accepted", inputs)
    found = float(_accepted(trial("obrs", *inputs.values()), Q, draws, 6).sum())
    trial.equal(found, 1 / 1.25, _within(hoeffding_deviation(draws, LEVEL), "Hoeffding's inequality"))


@register("drs/draws-from-the-target", "statistics", "with gamma = 0, what is accepted of 200,000 proposals is "
          "distributed as the target", false_alarm=LEVEL)
def _(adapter: Adapter) -> None:
    draws, inputs = 200_000, {"ratio": P / Q, "gamma": 0.0, "supremum": 2.0}
    trial = Trial(adapter, "accepted proposals are distributed as the target, one in M", inputs)
    found = _accepted(trial("drs", *inputs.values()), Q, draws, 7)
    trial.equal(found, P / 2, _within(hoeffding_deviation(draws, LEVEL / 4), "Hoeffding's inequality"),
                f"the share of accepted proposals at each point, against p / M, for proposals from {Q.tolist()}")


@register("neighbour_metrics/coverage-of-equals", "statistics", "where both sets come from one distribution, the mean "
          "coverage is 1 - (n-1)...(n-k) / ((n+m-1)...(n+m-k))", false_alarm=LEVEL)
def _(adapter: Adapter) -> None:
    rng, repetitions, n, m, k = np.random.default_rng(8), 1000, 20, 15, 3
    clouds = rng.normal(size=(repetitions, n + m, 2))
    trial = Trial(adapter, "the mean coverage over repetitions", {"real": clouds[0, :n], "generated": clouds[0, n:],
                                                                  "k": k})
    found = np.array([trial("neighbour_metrics", x[:n], x[n:], k)[3] for x in clouds])
    # All k nearest of a real point, among n - 1 + m others in an order that is any with equal probability, are real.
    missed = math.prod((n - i) / (n + m - i) for i in range(1, k + 1))
    each = math.log(3 / LEVEL) / repetitions  # an empirical Bernstein inequality, for numbers in [0, 1]
    deviation = math.sqrt(2 * float(np.var(found)) * each) + 3 * each
    trial.equal(float(np.mean(found)), 1 - missed, _within(deviation, "Bernstein's inequality, empirical"),
                f"the mean over {repetitions} pairs of sets, of which the first is shown")


@register("isoperimetric_bound/half-spaces", "statistics", "it is the mean distance of 200,000 normal draws to the "
          "boundary of two half-spaces", false_alarm=LEVEL, equation="ClassRadius, erratum 18")
def _(adapter: Adapter) -> None:
    draws, trial = 200_000, Trial(adapter, "it is the mean distance of normal draws to the boundary",
                                  {"p": np.array([0.25, 0.75])})
    boundary = -0.6744897501960817  # Phi^-1(1/4)
    found = float(np.mean(np.abs(np.random.default_rng(9).normal(size=draws) - boundary)))
    trial.equal(trial("isoperimetric_bound", np.array([0.25, 0.75])), found, _within(
        gaussian_deviation(draws, 1.0, LEVEL), "concentration of a Lipschitz function of normals"))


@register("renyi_entropy/collisions", "statistics", "exp(-H_2) is how often two draws agree, of 200,000 pairs",
          false_alarm=LEVEL, equation="ClassRadius, problem and solution")
def _(adapter: Adapter) -> None:
    rng, draws, p = np.random.default_rng(10), 200_000, np.array([0.5, 0.25, 0.125, 0.125])
    trial = Trial(adapter, "exp(-H_2) is how often two draws agree", {"p": p, "alpha": 2.0})
    base = adapter.conventions.logarithm
    found = float(trial("renyi_entropy", p, 2.0)) * (1.0 if base == "e" else math.log(float(base)))
    share = float(np.mean(rng.choice(4, size=draws, p=p) == rng.choice(4, size=draws, p=p)))
    trial.equal(math.exp(-found), share, _within(hoeffding_deviation(draws, LEVEL), "Hoeffding's inequality"))
