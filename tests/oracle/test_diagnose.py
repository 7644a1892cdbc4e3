"""What the kit believes to be the reason: conventions, exchanged arguments and results, misreadings, factors."""

import json
import math

import numpy as np
import pytest

from divergen import oracle
from divergen.oracle import Adapter, CheckFailure, Conventions
from divergen.oracle.conventions import CHOICES, FOLLOWED
from divergen.oracle.diagnose import diagnosis
from divergen.oracle.variants import adam_hat
from oracle.mutants import MUTANTS, adam, by_gram, distance, kl, neighbours, single, u_for, vae
from oracle.own import OWN

own = OWN.functions


def said(capability, function, conventions=None):
    return diagnosis(Adapter("judged", {capability: function}, conventions or Conventions()), capability)


# --- conventions -------------------------------------------------------------------------------------------------


FOLLOWS = "you follow the convention"


def doubled(name):
    return lambda *arguments: 2 * own[name](*arguments)


def inside(m, v, t, beta1, beta2, epsilon):
    return m / (1 - beta1**t) / np.sqrt(v / (1 - beta2**t) + epsilon)


def hat(m, v, t, beta1, beta2, epsilon):
    return m * np.sqrt(1 - beta2**t) / (1 - beta1**t) / (np.sqrt(v) + epsilon)


OTHERS = {  # a function that follows another convention, right where that is declared
    ("factor", "one", "squared_distance"): doubled("squared_distance"),
    ("factor", "one", "squared_distance_gradient"): doubled("squared_distance_gradient"),
    ("power", "root", "squared_distance"): lambda *args: math.sqrt(max(own["squared_distance"](*args), 0.0)),
    ("statistic", "U", "squared_distance"): lambda *args: u_for((0, 1), *args),
    ("boundary", "<", "neighbour_metrics"): lambda *args: neighbours(*args, inside=np.less),
    ("logarithm", "2", "renyi_entropy"): lambda p, alpha: own["renyi_entropy"](p, alpha) / math.log(2),
    ("logarithm", "10", "renyi_entropy"): lambda p, alpha: own["renyi_entropy"](p, alpha) / math.log(10),
    ("epsilon", "inside", "adam"): lambda *args: adam(*args, direction=inside),
    ("epsilon", "hat", "adam"): lambda *args: adam(*args, direction=hat),
}


def test_every_convention_is_tried():
    assert {key[:2] for key in OTHERS} == {(name, c) for name, choices in CHOICES.items() for c in choices[1:]}


@pytest.mark.parametrize("key", OTHERS, ids="-".join)
def test_a_declared_convention_passes(key):
    name, choice, capability = key
    adapter = Adapter("other", {capability: OTHERS[key]}, Conventions(**{name: choice}))
    report = oracle.check(adapter, on_fail="report", select=f"^{capability}/vectors")
    assert report.ok, str(report)
    assert report.conventions == {name: choice} and f"convention {name} = {choice}" in str(report)


@pytest.mark.parametrize("key", OTHERS, ids="-".join)
def test_an_undeclared_convention_is_diagnosed(key):
    name, choice, capability = key
    adapter = Adapter("other", {capability: OTHERS[key]})
    with pytest.raises(CheckFailure, match=rf"{FOLLOWS} {name}='{choice}' "):
        oracle.check(adapter, select=f"^{capability}/vectors")


@pytest.mark.parametrize("key", OTHERS, ids="-".join)
def test_a_convention_that_is_declared_and_not_followed_is_diagnosed(key):
    name, choice, capability = key
    adapter = Adapter("other", {capability: own[capability]}, Conventions(**{name: choice}))
    house = CHOICES[name][0]
    with pytest.raises(CheckFailure, match=rf"{FOLLOWS} {name}='{house}' "):
        oracle.check(adapter, select=f"^{capability}/vectors")


@pytest.mark.parametrize(("capability", "factor", "diagnosis"), [
    ("gaussian_kl", 2.0, "your value is exactly twice ours "),
    ("kernel", -1.0, "your value is ours with the other sign "),
    ("drs", 0.5, "your value is exactly half of ours "), ("pr_curve", 3.0, "your value is 3 times ours "),
])
def test_a_factor_is_found(capability, factor, diagnosis):
    def times(*arguments):
        value = own[capability](*arguments)
        return tuple(factor * v for v in value) if isinstance(value, tuple) else factor * value

    with pytest.raises(CheckFailure, match=diagnosis):
        oracle.check(oracle.from_functions("scaled", **{capability: times}), select="vectors-Normal")


def test_no_factor_is_seen_where_there_is_none():
    def one_nan(x, a):
        value = own["kernel"](x, a)
        value[0] = math.nan
        return value

    for function in (one_nan, lambda x, a: own["kernel"](x, a) * (1 + 1e-9), lambda x, a: own["kernel"](x, a) + 1):
        with pytest.raises(CheckFailure) as caught:
            oracle.check(oracle.from_functions("odd", kernel=function), select="^kernel/vectors")
        assert caught.value.finding.diagnosis == ""


def test_two_wrong_declarations_are_diagnosed_together():
    def root_of_the_double(*arguments):
        return np.sqrt(2 * np.maximum(OWN.functions["squared_distance"](*arguments), 0.0))

    adapter = oracle.from_functions("both", squared_distance=root_of_the_double)
    report = oracle.check(adapter, on_fail="report", select="squared_distance/vectors-Normal")
    (failed,) = [result for result in report.results if result.bad]
    assert "factor='one'" in failed.finding.diagnosis and "power='root'" in failed.finding.diagnosis
    declared = oracle.from_functions("both", oracle.Conventions(factor="one", power="root"),
                                     squared_distance=root_of_the_double)
    assert oracle.check(declared, on_fail="report", select="squared_distance/vectors").ok


# --- what else is tried ------------------------------------------------------------------------------------------


def test_each_choice_has_its_words():
    assert set(FOLLOWED) == {f"{name}={choice}" for name, choices in CHOICES.items() for choice in choices}


def test_the_sentence_is_the_whole_story():
    words = said("squared_distance", doubled("squared_distance"))
    total = len(oracle.load_vectors("squared_distance").vectors)
    assert words.startswith("squared_distance: your value is exactly twice ours: you follow the convention "
                            "factor='one' (d^2 with the factor 1/2 of Turinici2023 (3)-(4), or without")
    assert words.endswith(f"declare it (so read, {total} of {total} vectors are right)")


def test_a_diagnosis_is_of_all_groups_and_allows_for_another_bug():
    """Twice ours, and cancellation beside it: the group that cancels has the diagnosis of all."""
    def energy_distance(*arguments):
        return 2 * distance(*arguments, squares=by_gram)

    adapter = oracle.from_functions("both", squared_distance=energy_distance)
    with pytest.raises(CheckFailure, match="your value is exactly twice ours") as caught:
        oracle.check(adapter, select="squared_distance/vectors-Cancellation")
    words = caught.value.finding.diagnosis
    assert "factor='one'" in words
    kept, total = (int(word) for word in words.split("(so read, ")[1].split(" vectors")[0].split(" of "))
    assert 0.75 * total < kept < total


def right_without_smoothing(x, a):
    """Twice ours but at a = 0, where it is right: a factor would put that wrong."""
    return (1 if a == 0 else 2) * own["kernel"](x, a)


def test_what_would_put_right_answers_wrong_is_no_reason():
    assert said("kernel", lambda x, a: 2 * own["kernel"](x, a)) and not said("kernel", right_without_smoothing)


@pytest.mark.parametrize("capability", own)
def test_what_is_right_has_no_diagnosis(capability):
    assert said(capability, own[capability]) == ""
    assert diagnosis(Adapter("mine", {"kernel": own["kernel"]}), "adam") == ""


def exchanged(capability, *order):
    return lambda *arguments: tuple(own[capability](*arguments)[i] for i in order)


def kl_of(read):
    """The divergence by somebody who reads s as something else, of which `read` makes a log-variance."""
    def function(mean, s):
        with np.errstate(all="ignore"):
            return kl(mean, read(s))

    return function


def elbo(deviation, log_variance):
    """The same of the bound, in the draw and in the KL."""
    def function(sizes, parameters, x, noise):
        with np.errstate(all="ignore"):
            middle = vae(sizes, parameters, x, noise, beta=0.0, deviation=deviation)
            seen = {}
            vae(sizes, parameters, x, noise, deviation=lambda s: seen.setdefault("s", s))
            right = float(vae(sizes, parameters, x, noise, beta=0.0) - own["elbo"](sizes, parameters, x, noise))
            s = seen["s"]
            mean_square = 2 * right - float(np.mean(np.sum(np.exp(s) - 1 - s, axis=1)))
            s = log_variance(s)
            return float(middle) - (mean_square + float(np.mean(np.sum(np.expm1(s) - s, axis=1)))) / 2

    return function


def same(s):
    return s


READINGS = {
    "alpha and beta": ("pr_curve", exchanged("pr_curve", 1, 0), "your results are in the order beta, alpha "),
    "precision and recall": ("neighbour_metrics", exchanged("neighbour_metrics", 1, 0, 2, 3),
                             "your results are in the order recall, precision, density, coverage "),
    "density first": ("neighbour_metrics", exchanged("neighbour_metrics", 2, 3, 0, 1),
                      "your results are in the order density, coverage, precision, recall "),
    "density first of all": ("neighbour_metrics", exchanged("neighbour_metrics", 2, 0, 1, 3),
                             "your results are in the order density, precision, recall, coverage "),
    "p and q of the divergence": ("divergence", lambda name, p, q: own["divergence"](name, q, p),
                                  "you take p for q, and q for p "),
    "p and q of the curve": ("pr_curve", lambda p, q, lambdas: own["pr_curve"](q, p, lambdas),
                             "you take p for q, and q for p "),
    "real and generated": ("neighbour_metrics", lambda x, y, k: own["neighbour_metrics"](y, x, k),
                           "you take real for generated, and generated for real "),
    "betas": ("adam", lambda s, g, r, b1, b2, e: own["adam"](s, g, r, b2, b1, e),
              "you take beta1 for beta2, and beta2 for beta1 "),
    "log deviation": ("gaussian_kl", kl_of(lambda s: 2 * s),
                      "you read log_variance as the logarithm of the standard deviation "),
    "deviation": ("gaussian_kl", kl_of(lambda s: 2 * np.log(s)), "you read log_variance as the standard deviation "),
    "variance": ("gaussian_kl", kl_of(np.log), "you read log_variance as the variance "),
    "log deviation in the draw": ("elbo", elbo(np.exp, same),
                                  "you read the log-variance as the logarithm of the standard deviation in the draw "),
    "log deviation in the KL": ("elbo", elbo(lambda s: np.exp(s / 2), lambda s: 2 * s),
                                "you read the log-variance as the logarithm of the standard deviation in the KL "),
    "log deviation throughout": ("elbo", elbo(np.exp, lambda s: 2 * s),
                                 "you read the log-variance as the logarithm of the standard deviation (so"),
    "deviation throughout": ("elbo", elbo(same, lambda s: 2 * np.log(s)),
                             "you read the log-variance as the standard deviation (so"),
    "variance in the draw": ("elbo", elbo(np.sqrt, same), "you read the log-variance as the variance in the draw "),
}


@pytest.mark.parametrize("name", READINGS)
def test_a_misreading_is_named(name):
    capability, function, words = READINGS[name]
    assert words in said(capability, function)


SINGLE = [name for name in own if name not in ("f", "conjugate", "divergence", "compress")]  # fewer are off, or by more


@pytest.mark.parametrize("capability", SINGLE)
def test_single_precision_is_suspected(capability):
    words = said(capability, single(capability))
    assert "float32" in words and "computed in single precision?" in words


@pytest.mark.parametrize("function", [
    lambda x, a: own["kernel"](x, a) * (1 + 1e-4), lambda x, a: np.sqrt(np.sum(x * x, axis=1) + a * a) - a])
def test_single_precision_is_not_suspected_elsewhere(function):
    assert "single" not in said("kernel", function)


def test_every_diagnosis_of_a_mutant_is_one_of_these():
    """What the kit says of some bugs that it has a reading for."""
    bugs = {mutant.name: mutant for mutant in MUTANTS}
    for name, words in {
        "squared_distance: dropped half": "factor='one'", "squared_distance: root": "power='root'",
        "adam: epsilon before correction": "epsilon='hat'", "adam: epsilon inside": "epsilon='inside'",
        "adam: betas exchanged": "you take beta1 for beta2", "gaussian_kl: log deviation": "you read log_variance",
        "gaussian_kl: dropped half": "exactly twice ours", "elbo: a loss": "with the other sign",
        "elbo: log variance as deviation": "in the draw", "squared_distance: U for V": "statistic='U'",
    }.items():
        mutant = bugs[name]
        assert words in diagnosis(mutant.adapter(), mutant.capability), name


def test_an_answer_that_is_none_does_not_stop_the_diagnosis():
    def odd(p, q, lambdas):
        if len(lambdas) > 20:
            raise OverflowError
        return own["pr_curve"](p, q, lambdas)[::-1] if len(p) > 1 else None

    assert "in the order beta, alpha" in said("pr_curve", odd)
    assert said("kernel", lambda x, a: {"h": 1.0}) == "" and said("neighbour_metrics", lambda *_: "text") == ""


def test_the_path_by_epsilon_hat_is_that_of_the_formula():
    start, gradients, rates = np.array([1.0, -2.0]), np.array([[0.5, -1.0], [0.25, 2.0], [0.0, 1.0]]), np.full(3, 0.1)
    want = adam(start, gradients, rates, 0.9, 0.99, 0.25, direction=hat)
    np.testing.assert_allclose(adam_hat(start, gradients, rates, 0.9, 0.99, 0.25), want, rtol=1e-14)


# --- where it stands ---------------------------------------------------------------------------------------------


def test_laws_point_to_the_diagnosis_and_the_report_has_it_once():
    adapter = oracle.from_functions("theirs", squared_distance=doubled("squared_distance"))
    report = oracle.check(adapter, on_fail="report", select="^squared_distance/(vectors-Normal|definition|symmetric)")
    assert [r.outcome for r in report.results] == ["failed", "failed", "passed"]
    assert all("exactly twice ours" in r.finding.diagnosis and "exactly twice ours" in r.message
               for r in report.results if r.bad)
    text = str(report)
    assert text.count("exactly twice ours") == 1 and text.count("  diagnosis  at the end of this report") == 2
    assert "\ndiagnoses\n  squared_distance: your value is exactly twice ours" in text
    plain = json.loads(json.dumps(report.to_json()))
    assert plain["diagnoses"] == dict(report.diagnoses) and list(plain["diagnoses"]) == ["squared_distance"]
    assert report.to_junit().count("exactly twice ours") == 2  # each case is read alone


def test_a_check_that_is_called_says_the_diagnosis_too():
    adapter = oracle.from_functions("theirs", squared_distance=doubled("squared_distance"))
    law = next(one for one in oracle.iter_checks(adapter) if one.name == "squared_distance/definition")
    with pytest.raises(CheckFailure, match="exactly twice ours"):
        law(adapter)


def test_no_diagnosis_no_section():
    odd = oracle.from_functions("odd", kernel=right_without_smoothing)
    report = oracle.check(odd, on_fail="report", select="^kernel/")
    assert not report.ok and not report.diagnoses and "diagnos" not in str(report)
