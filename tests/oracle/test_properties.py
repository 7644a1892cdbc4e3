"""The laws and statistics of the oracle: our own functions obey all of them, and each mutant breaks one."""

import math
from dataclasses import replace

import numpy as np
import pytest

import divergen as dg
from divergen.oracle import CAPABILITIES, CheckFailure, Conventions, checks, properties, statistics  # noqa: F401
from divergen.oracle.capabilities import FORMS
from divergen.oracle.checks import CheckError, CheckSkipped
from divergen.oracle.compare import Tolerance
from divergen.oracle.generators import GENERATORS
from divergen.oracle.laws import Draw, Trial, search
from oracle.own import OWN, generator

LAWS = {name: one for name, one in checks._REGISTERED.items() if one.kind != "vectors"}

# --- our own functions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
def test_our_own_functions_obey(name):
    LAWS[name](OWN)


def test_each_capability_has_laws_and_says_by_which_equation():
    for capability in CAPABILITIES:
        own = [one for name, one in LAWS.items() if name.startswith(f"{capability}/") and one.kind == "property"]
        assert len(own) >= 7, capability  # three that all have, and four of its own
        assert {"leaves-arguments-alone", "same-twice", "nan-is-not-lost"} <= {c.name.split("/")[1] for c in own}
        assert all(one.equation and one.what for one in own)


def test_each_statistic_states_its_false_alarms():
    found = [one for one in LAWS.values() if one.kind == "statistics"]
    assert len(found) >= 8 and all(0 < one.false_alarm <= 1e-6 for one in found)


# --- other conventions -----------------------------------------------------------------------------------------


def u_statistic(x, y, u, w, a):
    """The distance with sums over pairs of different points, by the package's own self-energy."""
    value = OWN.functions["squared_distance"](x, y, u, w, a)
    for points, weights in ((x, u), (y, w)):
        h = np.sqrt(np.sum((points[:, None] - points[None]) ** 2, axis=2) + a * a) - a
        energy = float(weights @ h @ weights)
        value -= energy * (1 / (1 - float(weights @ weights)) - 1) / 2
    return value


def u_gradient(x, y, u, w, a):
    gradient = OWN.functions["squared_distance_gradient"]
    away = -gradient(x, np.zeros_like(x[:1]), u, np.ones(1), a) + u[:, None] * _pull_of_origin(x, a)
    return gradient(x, y, u, w, a) - away * (1 / (1 - float(u @ u)) - 1)


def _pull_of_origin(x, a):
    root = np.sqrt(np.sum(x * x, axis=1) + a * a)[:, None]
    return x / np.where(root > 0, root, 1.0)


def strict_neighbours(real, generated, k):
    return tuple(dg.neighbour_metrics(real, generated, k, ties="strict")[:4])


def adam_inside(start, gradients, learning_rates, beta1, beta2, epsilon):
    m, v, path = np.zeros_like(start), np.zeros_like(start), []
    for t in range(gradients.shape[0]):
        m, v = beta1 * m + (1 - beta1) * gradients[t], beta2 * v + (1 - beta2) * gradients[t] ** 2
        step = m / (1 - beta1 ** (t + 1)) / np.sqrt(v / (1 - beta2 ** (t + 1)) + epsilon)
        start = start - learning_rates[t] * step
        path.append(start)
    return np.array(path)


own = OWN.functions
OTHERS = {
    "factor=one": ({"factor": "one"}, {
        "squared_distance": lambda *args: 2 * own["squared_distance"](*args),
        "squared_distance_gradient": lambda *args: 2 * own["squared_distance_gradient"](*args)}),
    "power=root": ({"power": "root"}, {
        "squared_distance": lambda *args: math.sqrt(own["squared_distance"](*args)),
        "squared_distance_gradient": own["squared_distance_gradient"]}),
    "statistic=U": ({"statistic": "U"}, {
        "squared_distance": u_statistic, "squared_distance_gradient": u_gradient}),
    "boundary=<": ({"boundary": "<"}, {"neighbour_metrics": strict_neighbours}),
    "logarithm=2": ({"logarithm": "2"}, {"renyi_entropy": lambda p, a: dg.renyi_entropy(p, a) / math.log(2)}),
    "epsilon=inside": ({"epsilon": "inside"}, {"adam": adam_inside}),
}


UNDECLARED = {  # by which laws one is found that is not declared
    "factor=one": {"squared_distance": "of-two-points", "squared_distance_gradient": "definition"},
    "power=root": {"squared_distance": "of-two-points"},
    "statistic=U": {"squared_distance": "zero-to-itself", "squared_distance_gradient": "zero-at-itself"},
    "boundary=<": {"neighbour_metrics": "definition"},
    "logarithm=2": {"renyi_entropy": "bounds"},
    "epsilon=inside": {"adam": "recursion"},
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_declared_convention_is_obeyed_and_an_undeclared_one_found(name):
    declared, functions = OTHERS[name]
    one = replace(OWN, functions=functions, conventions=Conventions(**declared))
    asked = [law for law in LAWS.values() if one.offers(*law.needs)]
    for law in asked:
        law(one)
    for capability, law in UNDECLARED[name].items():
        with pytest.raises((CheckFailure, CheckError)):  # a U-statistic of one point divides by zero
            LAWS[f"{capability}/{law}"](replace(one, conventions=Conventions()))


# --- mutants ---------------------------------------------------------------------------------------------------


def shifted_adam(start, gradients, learning_rates, beta1, beta2, epsilon):
    """The bias corrections are one step behind."""
    m, v, path = np.zeros_like(start), np.zeros_like(start), []
    for t in range(gradients.shape[0]):
        m, v = beta1 * m + (1 - beta1) * gradients[t], beta2 * v + (1 - beta2) * gradients[t] ** 2
        start = start - learning_rates[t] * m / (1 - beta1 ** (t + 2)) / (
            np.sqrt(v / (1 - beta2 ** (t + 2))) + epsilon)
        path.append(start)
    return np.array(path)


def gram_distance(x, y, u, w, a):
    """The Gram form in single precision: it cancels for close points."""
    def energy(p, q, s, t):
        p, q = p.astype(np.float32), q.astype(np.float32)
        squares = np.sum(p * p, axis=1)[:, None] + np.sum(q * q, axis=1)[None, :] - 2 * p @ q.T
        return float(s @ (np.sqrt(np.maximum(squares, 0) + a * a) - a) @ t)

    return energy(x, y, u, w) - energy(x, x, u, u) / 2 - energy(y, y, w, w) / 2


def sorting_in_place(ratio, budget, weights):
    ratio.sort()
    return own["obrs"](ratio, budget, weights)


class Remembering:
    """Running moments are kept from call to call."""

    def __init__(self):
        self.calls = 0

    def __call__(self, *arguments):
        self.calls += 1
        return own["adam"](*arguments) + 1e-3 * self.calls


def elbo_with_deviation(sizes, parameters, x, noise):
    """The log-variance is taken for a log standard deviation: the noise counts twice as far."""
    return own["elbo"](sizes, parameters, x, noise * noise)


def monte_carlo(x, mean, cov, a):
    z = np.random.default_rng(0).multivariate_normal(mean, cov, size=300)
    return np.mean(np.sqrt(np.sum((x[:, None] - z[None]) ** 2, axis=2) + a * a) - a, axis=1)


def unclamped_obrs(ratio, budget, weights):
    """c_K may fall below 1: a large budget is used up although exact samples cost less."""
    low, high = 0.0, 1e6
    for _ in range(200):
        c = (low + high) / 2
        low, high = (c, high) if np.minimum(ratio * c / ratio.max(), 1) @ weights < 1 / budget else (low, c)
    return np.minimum(ratio * high / ratio.max(), 1)


def no_recession(name, p, q):
    seen = q > 0
    u = p[seen] / q[seen]
    return float(np.sum(q[seen] * own["f"](name, u)))


def swapped_neighbours(real, generated, k):
    precision, recall, density, coverage = own["neighbour_metrics"](real, generated, k)
    return recall, precision, density, coverage


def own_neighbour(real, generated, k):
    """Each point counts as its own nearest neighbour."""
    if k == 1:
        return tuple(float(v) for v in (
            np.mean([(real == g).all(axis=1).any() for g in generated]),
            np.mean([(generated == r).all(axis=1).any() for r in real]),
            np.mean([(real == g).all(axis=1).sum() for g in generated]),
            np.mean([(generated == r).all(axis=1).any() for r in real])))
    precision, recall, density, coverage = own["neighbour_metrics"](real, generated, k - 1)
    return precision, recall, density * (k - 1) / k, coverage


def subset(points, k, a, seed):
    return points[np.random.default_rng(seed).choice(points.shape[0], k, replace=False)]


def mean_only(points, k, a, seed):
    return np.repeat(points.mean(axis=0, keepdims=True), k, axis=0)


def equal_weights(x, y, u, w, a):
    return own["squared_distance"](x, y, np.full_like(u, 1 / len(u)), np.full_like(w, 1 / len(w)), a)


def kl_with(sign, mean, log_variance):
    return np.sum(mean**2 + np.exp(log_variance) - 1 + sign * log_variance, axis=1) / 2


MUTANTS = {
    "kernel without -a": ("kernel", lambda x, a: own["kernel"](x, a) + a, "kernel/zero-at-zero"),
    "kernel of the squared norm": ("kernel", lambda x, a: own["kernel"](x, a) ** 2, "kernel/bounds"),
    "kernel of the sum norm": ("kernel", lambda x, a: np.sum(np.sqrt(x * x + a * a) - a, axis=1), "kernel/definition"),
    "kernel cubed: not negative definite": (
        "kernel", lambda x, a: own["kernel"](x, a) ** 3, "kernel/conditionally-negative"),
    "kernel of nan_to_num": ("kernel", lambda x, a: own["kernel"](np.nan_to_num(x), a), "kernel/nan-is-not-lost"),
    "kernel divides by the length of x": (
        "kernel", lambda x, a: (x.__itruediv__(2), own["kernel"](2 * x, a))[1], "kernel/leaves-arguments-alone"),
    "distance without 1/2": (
        "squared_distance", lambda *args: 2 * own["squared_distance"](*args), "squared_distance/of-two-points"),
    "distance ignores weights": ("squared_distance", equal_weights, "squared_distance/splitting"),
    "U for V": ("squared_distance", lambda x, y, u, w, a: u_statistic(x, y, u, w, a) if min(len(x), len(y)) > 1
                else own["squared_distance"](x, y, u, w, a), "squared_distance/zero-to-itself"),
    "Gram form in float32": ("squared_distance", gram_distance, "squared_distance/translation"),
    "distance of the first cloud's half": (
        "squared_distance", lambda x, y, u, w, a: own["squared_distance"](x, y, u, w, a) + 0.1 * abs(x).max(),
        "squared_distance/symmetric"),
    "gradient not weighted": (
        "squared_distance_gradient", lambda x, y, u, w, a: own["squared_distance_gradient"](x, y, u, w, a) * len(x),
        "squared_distance_gradient/definition"),
    "gradient without the push": (
        "squared_distance_gradient",
        lambda x, y, u, w, a: own["squared_distance_gradient"](x, y, u, w, a) * (1 + (len(x) > 1)),
        "squared_distance_gradient/differences"),
    "gradient is nan at 0": (
        "squared_distance_gradient",
        lambda x, y, u, w, a: own["squared_distance_gradient"](x, y, u, w, a) + (np.nan if a == 0 else 0),
        "squared_distance_gradient/zero-at-itself"),
    "expectation by 300 draws": ("expected_kernel", monte_carlo, "expected_kernel/standard-normal"),
    "expectation ignores covariances": (
        "expected_kernel", lambda x, m, s, a: own["expected_kernel"](x, m, np.diag(np.diag(s)), a),
        "expected_kernel/rotation"),
    "covariance for its root": (
        "expected_kernel", lambda x, m, s, a: own["expected_kernel"](x, m, s @ s, a), "expected_kernel/scaling"),
    "t off by one": ("adam", shifted_adam, "adam/first-step"),
    "epsilon inside": ("adam", adam_inside, "adam/recursion"),
    "hidden state": ("adam", Remembering(), "adam/same-twice"),
    "one rate for all coordinates": (
        "adam", lambda s, g, *rest: own["adam"](s, g / (np.abs(g).max() + 1e-3), *rest), "adam/coordinates"),
    "subset for compression": ("compress", subset, "compress/better-than-the-best-of-twenty"),
    "subset for compression, by statistics": ("compress", subset, "compress/against-chance"),
    "all points at the mean": ("compress", mean_only, "compress/better-than-chance"),
    "KL with the wrong sign": ("gaussian_kl", lambda m, s: kl_with(+1, m, s), "gaussian_kl/not-negative"),
    "log-variance for log deviation": (
        "gaussian_kl", lambda m, s: kl_with(-1, m, 2 * s), "gaussian_kl/monte-carlo"),
    "mean over latents": ("gaussian_kl", lambda m, s: kl_with(-1, m, s) / m.shape[1], "gaussian_kl/additive"),
    "elbo of squared noise": ("elbo", elbo_with_deviation, "elbo/mean-over-noise"),
    "elbo as a sum": ("elbo", lambda s, p, x, e: own["elbo"](s, p, x, e) * len(x), "elbo/mean-over-images"),
    "elbo as a loss": ("elbo", lambda *args: -own["elbo"](*args), "elbo/not-positive"),
    "gradient of the loss": (
        "elbo_gradient", lambda *args: -own["elbo_gradient"](*args), "elbo_gradient/differences"),
    "gradient without the last layer": (
        "elbo_gradient", lambda s, p, x, e: np.append(own["elbo_gradient"](s, p, x, e)[:-1], 0.0),
        "elbo_gradient/definition"),
    "KL's f without 1 - u": (
        "f", lambda name, u: own["f"](name, u) + (u if name == "kl" else 0), "f/at-one"),
    "f(0) is nan": ("f", lambda name, u: np.where(u == 0, np.nan, own["f"](name, u)), "f/at-zero"),
    "concave PR generator": (
        "f", lambda name, u: np.minimum(4 * u, 1) - 1 if name == "precision_recall(4)" else own["f"](name, u),
        "f/convex"),
    "conjugate without a domain": (
        "conjugate", lambda name, t: np.where(np.isinf(own["conjugate"](name, t)), 0.0, own["conjugate"](name, t)),
        "conjugate/fenchel-young"),
    "conjugate over all real u": (
        "conjugate", lambda name, t: t + t * t / 4 if name == "pearson_chi2" else own["conjugate"](name, t),
        "conjugate/nondecreasing"),
    "no recession term": ("divergence", no_recession, "divergence/data-processing"),
    "P and Q exchanged": ("divergence", lambda name, p, q: own["divergence"](name, q, p), "divergence/definition"),
    "divergence in bits": (
        "divergence", lambda name, p, q: own["divergence"](name, p, q) / math.log(2), "divergence/disjoint"),
    "beta without 1/lambda": (
        "pr_curve", lambda p, q, lam: (own["pr_curve"](p, q, lam)[0],) * 2, "pr_curve/alpha-is-lambda-beta"),
    "beta of the printed theorem": (
        "pr_curve", lambda p, q, lam: (own["pr_curve"](p, q, lam)[0], own["pr_curve"](p, q, (1 / lam)[::-1])[1][::-1]),
        "pr_curve/exchange"),
    "curve of the atoms in q alone": (
        "pr_curve", lambda p, q, lam: tuple(v * (1 - p[q == 0].sum()) for v in own["pr_curve"](p, q, lam)),
        "pr_curve/ends"),
    "open balls": ("neighbour_metrics", strict_neighbours, "neighbour_metrics/definition"),
    "precision and recall exchanged": ("neighbour_metrics", swapped_neighbours, "neighbour_metrics/definition"),
    "a point its own neighbour": ("neighbour_metrics", own_neighbour, "neighbour_metrics/coverage-of-equals"),
    "density not divided by k": (
        "neighbour_metrics",
        lambda x, y, k: tuple(v * (k if i == 2 else 1) for i, v in enumerate(own["neighbour_metrics"](x, y, k))),
        "neighbour_metrics/definition"),
    "c_K not clamped": ("obrs", unclamped_obrs, "obrs/budget"),
    "ratios sorted in place": ("obrs", sorting_in_place, "obrs/leaves-arguments-alone"),
    "acceptance order lost": ("obrs", lambda r, k, w: np.sort(own["obrs"](r, k, w)), "obrs/point-order"),
    "uniform acceptance": ("obrs", lambda r, k, w: np.full_like(r, 1 / k), "obrs/optimal"),
    "gamma's sign": ("drs", lambda r, g, m: own["drs"](r, -g, m), "drs/falls-with-gamma"),
    "M of the sample": ("drs", lambda r, g, m: own["drs"](r, g, max(r.max(), 1e-9)), "drs/exact"),
    "sum without its bracket": (
        "isoperimetric_bound", lambda p: dg.equations.classradius.isoperimetric_sum_as_printed(p, 0),
        "isoperimetric_bound/class-order"),
    "log to base 10": ("gamma_bound", lambda p: own["gamma_bound"](p) / math.log(10), "gamma_bound/definition"),
    "kappa of max p": ("kappa_bound", lambda p: own["kappa_bound"](np.array([p.max(), 1 - p.max()])),
                       "kappa_bound/definition"),
    "entropy without its limit": (
        "renyi_entropy", lambda p, a: own["renyi_entropy"](p, 2.0 if a == 1 else a), "renyi_entropy/continuous"),
    "sign of 1 - alpha": ("renyi_entropy", lambda p, a: -own["renyi_entropy"](p, a), "renyi_entropy/bounds"),
    "entropy in float32": ("renyi_entropy", lambda p, a: np.float32(own["renyi_entropy"](p, a)),
                           "renyi_entropy/additive"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught_and_the_equation_is_named(name):
    capability, function, law = MUTANTS[name]
    mutant = replace(OWN, functions={**OWN.functions, capability: function})
    with pytest.raises(CheckFailure) as caught:
        LAWS[law](mutant)
    assert str(caught.value).startswith(LAWS[law].equation)
    assert caught.value.finding.inputs and caught.value.finding.deviation is not None


# --- machinery -------------------------------------------------------------------------------------------------


def test_a_counterexample_is_made_simple_and_is_always_the_same():
    def run():
        with pytest.raises(CheckFailure) as caught:
            LAWS["kernel/zero-at-zero"](replace(OWN, functions={"kernel": lambda x, a: own["kernel"](x, a) + a}))
        return caught.value.finding

    finding = run()
    assert finding.inputs["x"].tolist() == [[0.0]] and finding.inputs["a"] == 0.125
    assert finding.deviation.got == 0.125 and finding.deviation.want == 0 and finding.tolerance.reason
    assert str(finding) == str(run())


def test_what_the_implementation_raises_names_the_input():
    def raising(x, a):
        raise ArithmeticError("no luck")

    with pytest.raises(CheckError, match=r"kernel raised ArithmeticError: no luck") as caught:
        LAWS["kernel/even"](replace(OWN, functions={"kernel": raising}))
    assert caught.value.finding.inputs["x"].shape == (1, 1)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_what_always_raises_or_always_gives_nan_has_not_kept_a_nan(capability):
    """An exception at a nan is right; one at whatever comes is not, and no reason to pass."""
    def unfinished(*arguments):
        raise NotImplementedError("some day")

    def broken(*arguments):
        raise TypeError("always")

    def nowhere(*arguments):
        value = own[capability](*arguments)
        return tuple(np.nan for _ in value) if isinstance(value, tuple) else np.asarray(value) * np.nan

    law = LAWS[f"{capability}/nan-is-not-lost"]
    with pytest.raises(CheckSkipped, match="NotImplementedError: some day"):
        law(replace(OWN, functions={capability: unfinished}))
    with pytest.raises(CheckError, match=f"{capability} raised TypeError: always"):
        law(replace(OWN, functions={capability: broken}))
    with pytest.raises(CheckFailure, match=r"returned nan for finite arguments|expected shape"):
        law(replace(OWN, functions={capability: nowhere}))


def test_a_lost_nan_is_shown_in_the_input():
    with pytest.raises(CheckFailure, match=r"x has a nan, and what depends on it is 0\.0") as caught:
        LAWS["kernel/nan-is-not-lost"](replace(OWN, functions={"kernel": lambda x, a: own["kernel"](
            np.nan_to_num(x), a)}))
    assert np.isnan(caught.value.finding.inputs["x"]).tolist() == [[True]] and "spoilt" not in str(caught.value)


def test_the_root_of_a_u_statistic_may_be_none():
    """It is judged by what comes out at a nan alone: its square may be below 0 for any two clouds."""
    def root(x, y, u, w, a):
        value = u_statistic(x, y, u, w, a)
        if not value >= 0:
            raise ValueError("no root")
        return math.sqrt(value)

    LAWS["squared_distance/nan-is-not-lost"](replace(
        OWN, functions={"squared_distance": root}, conventions=Conventions(power="root", statistic="U")))


@pytest.mark.parametrize(("returned", "problem"), [
    (np.zeros(7), "expected shape"), ("text", "expected real numbers"), (None, "expected real numbers"),
    (np.array([np.nan]), "returned nan"),
])
def test_what_is_no_result_is_a_failure(returned, problem):
    with pytest.raises(CheckFailure, match=problem):
        LAWS["kernel/bounds"](replace(OWN, functions={"kernel": lambda x, a: returned}))


def test_several_results_are_counted():
    with pytest.raises(CheckFailure, match="expected 2 results"):
        LAWS["pr_curve/definition"](replace(OWN, functions={"pr_curve": lambda p, q, lam: lam}))
    with pytest.raises(CheckFailure, match="expected 4 results"):
        LAWS["neighbour_metrics/definition"](replace(OWN, functions={"neighbour_metrics": lambda *args: 1.0}))


def test_what_fails_once_only_is_a_failure_too():
    calls = []

    def flaky(x, a):
        calls.append(1)
        return own["kernel"](x, a) + (len(calls) == 20)

    with pytest.raises(CheckFailure):
        LAWS["kernel/definition"](replace(OWN, functions={"kernel": flaky}))


def test_a_bug_of_a_law_is_not_blamed_on_the_implementation():
    def law(trial, n):
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        search(OWN, "a law", lambda draw: {"n": draw.integer(0, 3)}, law)


def test_without_hypothesis_it_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match=r"pip install divergen\[oracle\]"):
        LAWS["kernel/even"](OWN)


def test_weights_are_exact_and_add_up():
    def law(trial, w, zeros):
        assert w.sum() == 1 and np.all(w * 64 == np.round(w * 64)) and np.all(w >= 0 if zeros else w > 0)

    for zeros in (False, True):
        search(OWN, "weights", lambda draw, zeros=zeros: {"w": draw.weights(draw.integer(1, 16), zeros=zeros),
                                                          "zeros": zeros}, law, examples=100)


def test_comparisons_have_a_direction():
    trial, tolerance = Trial(OWN, "a law", {"n": 1}), Tolerance(0.0, 0.5, "an example")
    trial.at_most([1.0, 2.0], 2.0, tolerance)
    trial.at_least([1.0, math.inf], 1.25, tolerance)
    with pytest.raises(CheckFailure, match="at most"):
        trial.at_most([1.0, 2.0], 1.0, tolerance)
    with pytest.raises(CheckFailure, match="at least"):
        trial.at_least(1.0, 2.0, tolerance)
    with pytest.raises(CheckFailure):
        trial.at_most(math.nan, 2.0, tolerance)


@pytest.mark.parametrize("name", GENERATORS)
def test_the_forms_that_are_stated_are_those_of_the_generators(name):
    u = np.array([1 / 64, 0.2, 0.25, 0.5, 1.0, 1.5, 4.0, 64.0])
    words = {"log": np.log, "sqrt": np.sqrt, "abs": np.abs, "max": np.maximum, "u": u}
    np.testing.assert_allclose(eval(FORMS[name].replace("^", "**"), words), GENERATORS[name].f(u), atol=1e-14)
    assert FORMS[name] in CAPABILITIES["f"].returns


@pytest.mark.parametrize("name", GENERATORS)
def test_the_generators_are_their_own_biconjugates(name):
    """The truth of the laws about f and f*, against each other on a grid."""
    one, u = GENERATORS[name], np.geomspace(1e-9, 1e6, 300_001)
    values = one.f(u)
    ts = np.array([t for t in (-3.0, -0.5, -0.1, 0.05, 0.2, 0.45, 0.65, 0.9, 2.0) if t < one.upper])
    sup = np.array([max(np.max(t * u - values), -one.at_zero) for t in ts])
    np.testing.assert_allclose(one.conjugate(ts), sup, rtol=1e-4, atol=1e-5)
    assert one.f(np.array([1.0]))[0] == pytest.approx(-2 * math.log(2) if name == "gan" else 0.0)
    if math.isfinite(one.upper):
        assert one.f(np.array([1e9]))[0] / 1e9 == pytest.approx(one.upper, abs=1e-4)
    if math.isfinite(one.at_zero):
        assert one.f(np.array([1e-12]))[0] == pytest.approx(one.at_zero, abs=1e-5)
    assert generator(name).value_at_zero == pytest.approx(one.at_zero)


def test_draws_know_the_conventions():
    def law(trial, weights, x):
        assert len(x) >= 2 and np.ptp(weights) == 0

    def inputs(draw):
        assert isinstance(draw, Draw)
        found = properties.ARGUMENTS["squared_distance"](draw)
        return {"weights": found["x_weights"], "x": found["x"]}

    search(replace(OWN, conventions=Conventions(statistic="U")), "equal weights", inputs, law)
