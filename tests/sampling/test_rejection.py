"""OBRS against random feasible acceptances, DRS and exact fractions; the sampler against the exact law."""

import math
from fractions import Fraction

import hypothesis.extra.numpy as hnp
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from divergen.arrays import to_numpy
from divergen.equations import verine2024
from divergen.sampling.rejection import Acceptance, drs, obrs, rejection_sample

# --- seven divergences D_f(P || Q) on finite sets, each by its own formula -------------------------------------------


def _kl(p, q):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sum(np.where(p > 0, p * np.log(p / q), 0.0))


DIVERGENCES = {
    "KL": _kl,
    "reverse KL": lambda p, q: _kl(q, p),
    "Jensen-Shannon": lambda p, q: _kl(p, (p + q) / 2) + _kl(q, (p + q) / 2),
    "total variation": lambda p, q: np.abs(p - q).sum() / 2,
    "Pearson chi2": lambda p, q: np.inf if np.any((q == 0) & (p > 0)) else np.sum((p - q)[q > 0] ** 2 / q[q > 0]),
    "squared Hellinger": lambda p, q: np.sum((np.sqrt(p) - np.sqrt(q)) ** 2),
    "precision-recall, lambda = 2": lambda p, q: np.sum(np.maximum(2 * p, q)) - 2,
}


def refined(q, a):
    """The law of what is accepted."""
    return q * a / np.sum(q * a)


def random_pair(rng, n=9, zeros=True):
    p, q = rng.dirichlet(np.full(n, 0.5)), rng.dirichlet(np.full(n, 0.8))
    if zeros and rng.random() < 0.5:
        p[rng.random(n) < 0.3] = 0
        p[0] += 0.01
    return p / p.sum(), q


def random_feasible(rng, q, rate, near):
    """Acceptances with E[a] >= rate: arbitrary ones, and small disturbances of `near`."""
    for _ in range(40):
        yield rng.random(len(q)) ** rng.choice([0.2, 1, 5])
        yield (rng.random(len(q)) < 0.5).astype(float)
        yield np.clip(near + 0.05 * rng.standard_normal(len(q)), 0, 1)


def lift(a, q, rate):
    """Move towards 1 as far as it takes to reach the rate."""
    short = rate - np.sum(q * a)
    return a if short <= 0 else a + min(1.0, short / np.sum(q * (1 - a))) * (1 - a)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_theorem_4_2_no_feasible_acceptance_is_better(name, rng):
    divergence = DIVERGENCES[name]
    beaten = 0
    for _ in range(30):
        p, q = random_pair(rng)
        budget = rng.choice([1.05, 1.5, 3.0, 20.0])
        found = obrs(p / q, budget, weights=q)
        assert found.rate >= 1 / budget - 1e-12
        best = divergence(p, refined(q, found.probability))
        for a in random_feasible(rng, q, 1 / budget, found.probability):
            other = divergence(p, refined(q, lift(a, q, 1 / budget)))
            assert best <= other + 1e-12
            beaten += best < other - 1e-6
    assert beaten > 1000  # the comparison is one


@pytest.mark.parametrize("name", DIVERGENCES)
def test_never_worse_than_drs_at_the_same_rate(name, rng):
    divergence = DIVERGENCES[name]
    for _ in range(60):
        p, q = random_pair(rng)
        gamma = rng.normal(0, 3)
        a = drs(p / q, gamma)
        rate = np.sum(q * a)
        found = obrs(p / q, 1 / rate, weights=q)
        assert found.rate >= rate - 1e-12
        assert divergence(p, refined(q, found.probability)) <= divergence(p, refined(q, a)) + 1e-12


def test_equations(rng):
    """The definitions of the document, by bisection, on the same pairs."""
    for _ in range(60):
        p, q = random_pair(rng)
        budget = rng.uniform(1, 6)
        found = obrs(p / q, budget, weights=q)
        np.testing.assert_allclose(found.probability, verine2024.obrs_acceptance(p, q, budget), atol=1e-12)


def test_proposition_4_3(rng):
    """For 1 <= K <= M: alpha~_l = min(1, K alpha_{l/K}) and beta~_l = min(1/l, beta_{l/K}) (errata, 16)."""
    for _ in range(300):
        p, q = random_pair(rng, zeros=False)
        budget = rng.uniform(1, np.max(p / q))
        found = obrs(p / q, budget, weights=q)
        assert found.status == "met"
        after = refined(q, found.probability)
        for l in np.exp(rng.uniform(-4, 4, 10)):
            precision, recall = np.minimum(l * p, after).sum(), np.minimum(p, after / l).sum()
            before = np.minimum(l / budget * p, q).sum(), np.minimum(p, q * budget / l).sum()
            assert precision == pytest.approx(min(1, budget * before[0]), abs=1e-13)
            assert recall == pytest.approx(min(1 / l, before[1]), abs=1e-13)


# --- the rate ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deviation", [0.0, 0.1, 1.0, 5.0, 20.0])
@pytest.mark.parametrize("budget", [1, 1.0001, 2, 10, 1000])
@pytest.mark.parametrize("weighted", [False, True])
def test_rate_meets_the_budget(deviation, budget, weighted, rng):
    l = deviation * rng.standard_normal(5000)
    w = rng.dirichlet(np.ones(5000)) if weighted else None
    found = obrs(l, budget, weights=w, log=True)
    if found.status == "target reached":
        assert found.constant == 1
        mean = np.average(np.exp(l - l.max()), weights=w)
        assert found.rate == pytest.approx(mean, rel=1e-12) and found.rate > 1 / budget
        np.testing.assert_allclose(found.probability, np.exp(l - l.max()), rtol=1e-13)
    else:
        assert found.status == "met"
        assert abs(found.rate - 1 / budget) < 1e-12
        assert found.constant >= 1
        np.testing.assert_allclose(found.probability, np.minimum(1, np.exp(l + found.log_scale)), rtol=1e-12)
        assert math.log(found.constant) == pytest.approx(found.log_scale + l.max(), abs=1e-12)
    assert found.rate == pytest.approx(np.average(found.probability, weights=w), abs=1e-14)


def test_extreme_log_ratios():
    """Ratios that no float can hold, and gaps that underflow on the way."""
    l = np.array([1e4, 5e3, 0.0, -2e3, -1e4])
    found = obrs(l, 1 / 0.7, log=True)
    np.testing.assert_allclose(found.probability, [1, 1, 1, 0.5, 0], atol=1e-11)
    assert abs(found.rate - 0.7) < 1e-12 and found.constant == math.inf
    one = obrs(l, 1, log=True)
    assert np.all(one.probability == 1) and one.rate == 1


def test_a_budget_of_one_accepts_everything(rng):
    """Weights below the rounding of their sum do not show in the rate; those points are accepted all the same."""
    for _ in range(20):
        l = np.sort(5 * rng.standard_normal(300))[::-1]
        w = np.exp(-rng.uniform(0.2, 4) * np.arange(300) / 2)
        assert np.all(obrs(l, 1, weights=w / w.sum(), log=True).probability == 1)


def exact_scale(ratios, weights, target):
    """The root of the piecewise linear rate in fractions, kink after kink."""
    kinks = sorted({1 / r for r in ratios if r > 0})
    before, rate_before = Fraction(0), Fraction(0)
    for s in kinks:
        rate = sum(w * min(1, s * r) for r, w in zip(ratios, weights, strict=True))
        if rate >= target:
            return before + (s - before) * (target - rate_before) / (rate - rate_before)
        before, rate_before = s, rate
    return None


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 5)), min_size=1, max_size=8),
    st.fractions(1, 9, max_denominator=12),
)
def test_constant_in_fractions(points, budget):
    """Equal ratios and zeros are likely, and so is a budget at a kink."""
    total = sum(w for _, w in points)
    ratios, weights = [Fraction(r) for r, _ in points], [Fraction(w, total) for _, w in points]
    found = obrs(np.array([float(r) for r in ratios]), float(budget), weights=np.array([float(w) for w in weights]))
    largest = max(ratios)
    inside = sum(w for r, w in zip(ratios, weights, strict=True) if r > 0)
    if 1 / budget > inside:
        assert found.status == "support exhausted"
        zero = (1 / budget - inside) / (1 - inside)
        want = [Fraction(1) if r > 0 else zero for r in ratios]
        assert found.rate == pytest.approx(float(1 / budget), abs=1e-12)
    else:
        scale = max(exact_scale(ratios, weights, 1 / budget), 1 / largest)
        want = [min(1, scale * r) for r in ratios]
        assert found.constant == pytest.approx(float(scale * largest), rel=1e-12)
        assert found.status == ("target reached" if found.rate > 1 / budget + 1e-12 else "met")
    np.testing.assert_allclose(found.probability, [float(a) for a in want], atol=1e-12)


@given(hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(-700, 700)), st.floats(1, 1e6))
def test_acceptance_is_feasible_and_monotone(l, budget):
    found = obrs(l, budget, log=True)
    assert np.all((found.probability >= 0) & (found.probability <= 1))
    assert found.rate >= 1 / budget - 1e-12
    assert np.all(np.diff(found.probability[np.argsort(l)]) >= 0)


# --- the cases ----------------------------------------------------------------------------------------------------


def test_budget_above_the_supremum_is_exact_rejection(rng):
    p, q = random_pair(rng, zeros=False)
    m = np.max(p / q)
    found = obrs(p / q, m * 1.5, weights=q)
    assert (found.status, found.constant) == ("target reached", 1.0)
    assert found.rate == pytest.approx(1 / m, rel=1e-13)
    np.testing.assert_allclose(refined(q, found.probability), p, atol=1e-15)


def test_budget_at_the_supremum_is_met(rng):
    for _ in range(50):
        p, q = random_pair(rng, zeros=False)
        found = obrs(p / q, np.max(p / q), weights=q)
        assert found.constant == pytest.approx(1, abs=1e-12)
        assert found.rate == pytest.approx(1 / np.max(p / q), rel=1e-13)


def test_erratum_15():
    """Half the ratios are zero and 1/K = 0.9: no constant reaches it."""
    ratios = np.array([4.0, 0.0, 0.0, 1.0])
    found = obrs(ratios, 1 / 0.9)
    assert found.status == "support exhausted" and found.constant == math.inf
    np.testing.assert_allclose(found.probability, [1, 0.8, 0.8, 1], rtol=1e-14)
    assert found.rate == pytest.approx(0.9, abs=1e-14)
    for c in (1.0, 1e3, 1e300):
        assert np.minimum(1, ratios * c / 4).mean() < 0.9
    # with a budget of exactly the support, the constant exists
    assert obrs(ratios, 2).status == "met" and obrs(ratios, 2).constant == pytest.approx(4)


def test_no_overlap_at_all():
    found = obrs(np.zeros(5), 4)
    assert found.status == "support exhausted"
    np.testing.assert_allclose(found.probability, 0.25)


def test_infinite_ratios_are_always_accepted():
    found = obrs(np.array([np.inf, 3.0, 1.0, 0.0]), 2)
    np.testing.assert_allclose(found.probability, [1, 0.75, 0.25, 0])
    assert found.constant == math.inf and found.status == "met"
    found = obrs(np.array([np.inf, 3.0, 1.0, 0.0]), 10)
    np.testing.assert_allclose(found.probability, [1, 0, 0, 0])
    assert found.status == "target reached" and found.rate == 0.25


def test_equal_ratios_and_one_point():
    for n in (1, 4):
        found = obrs(np.full(n, 0.7), 3)
        assert found.status == "target reached" and np.all(found.probability == 1)
        met = obrs(np.full(n, 0.7), 3, supremum=7.0)
        np.testing.assert_allclose(met.probability, 1 / 3, rtol=1e-14)
        assert met.status == "met" and met.constant == pytest.approx(10 / 3)


def test_points_without_weight_do_not_count():
    ratios, weights = np.array([100.0, 2.0, 1.0]), np.array([0.0, 0.5, 0.5])
    found, without = obrs(ratios, 1.2, weights=weights), obrs(ratios[1:], 1.2)
    np.testing.assert_allclose(found.probability[1:], without.probability, rtol=1e-14)
    assert found.probability[0] == 1 and found.constant == pytest.approx(without.constant)


def test_rule_for_other_points(rng):
    l = rng.standard_normal(1000)
    found = obrs(l, 1.5, log=True)
    assert isinstance(found, Acceptance)
    np.testing.assert_array_equal(found(l), found.probability)
    np.testing.assert_array_equal(found(np.array([[np.inf, -np.inf]])), [[1, 0]])
    assert np.isnan(found(np.array([np.nan]))[0])
    assert obrs(np.array([0.0, 1.0]), 1).at_zero == 1


def test_ratios_and_their_logarithms_agree(rng):
    r = np.exp(2 * rng.standard_normal(100))
    one, other = obrs(r, 1.7, supremum=9e3), obrs(np.log(r), 1.7, supremum=math.log(9e3), log=True)
    np.testing.assert_allclose(one.probability, other.probability, rtol=1e-13)
    assert one.constant == pytest.approx(other.constant, rel=1e-12)
    np.testing.assert_allclose(drs(r, 0.3, supremum=9e3), drs(np.log(r), 0.3, supremum=math.log(9e3), log=True),
                               rtol=1e-12)


def test_integers_and_lists_are_ratios():
    assert obrs([4, 0, 2], 1.6).status == "met"
    assert obrs(np.array([True, False]), 2).rate == 0.5


# --- DRS -----------------------------------------------------------------------------------------------------------


def test_drs_is_definition_4_1(rng):
    r = np.exp(rng.standard_normal(200))
    for gamma in (-3.0, -0.1, 0.0, 2.0):
        for m in (r.max(), 50.0):
            want = r / (r * (1 - np.exp(gamma)) + m * np.exp(gamma))
            np.testing.assert_allclose(drs(r, gamma, supremum=m), want, rtol=1e-12)
    np.testing.assert_allclose(drs(r, 0.0), r / r.max(), rtol=1e-12)


def test_drs_accepts_more_below_zero(rng):
    r = np.exp(rng.standard_normal(50))
    rates = [drs(r, gamma).mean() for gamma in (3.0, 1.0, 0.0, -1.0, -3.0)]
    assert np.all(np.diff(rates) > 0)


def test_drs_at_the_extremes():
    l = np.array([np.inf, 1e4, 0.0, -1e4, -np.inf])
    np.testing.assert_array_equal(drs(l[1:], 0.0, log=True), [1, 0, 0, 0])
    np.testing.assert_allclose(drs(l[1:], -1e4, log=True), [1, 0.5, 0, 0])
    np.testing.assert_allclose(drs(l, 5.0, log=True), [1, 0, 0, 0, 0])
    np.testing.assert_array_equal(drs(np.array([1.0, 2.0]), 1e4), [0, 1])
    np.testing.assert_array_equal(drs(np.zeros(3), 0.0), np.zeros(3))


@pytest.mark.parametrize("supremum", [2.0, 0.3, 1e-300, 1e300, 7e15])
@pytest.mark.parametrize("gap", [2.0**-53, 1e-15, 1e-12, 1e-8, 1e-4, 0.3])
def test_drs_keeps_its_digits_near_the_supremum(gap, supremum):
    """1 - r/M is known to all digits, however small: neither r/M nor its logarithm may be rounded on the way."""
    r = np.array([supremum * (1 - gap), np.nextafter(supremum, 0), supremum / 3])
    for gamma in (-2.5, 0.0, -math.log(gap) - 1.5, -math.log(gap) + 20):
        with mpmath.workdps(50):
            odds = [mpmath.exp(gamma) * (mpmath.mpf(supremum) - float(v)) / float(v) for v in r]
            want = [float(1 / (1 + o)) for o in odds]
        # What the logarithms of numbers far from 1 lose is no matter of the gap.
        rtol = 3e-14 if 0.1 < supremum < 10 else 3e-13
        np.testing.assert_allclose(drs(r, gamma, supremum=supremum), want, rtol=rtol)


@pytest.mark.parametrize("gap", [1e-15, 1e-12, 1e-4, 30.0])
def test_drs_of_logarithms_keeps_its_digits_near_the_supremum(gap):
    l = np.array([0.75 - gap, 0.75 - 2 * gap])
    for gamma in (0.0, -math.log(gap) - 1.5):
        with mpmath.workdps(50):
            want = [float(1 / (1 + mpmath.exp(gamma) * mpmath.expm1(mpmath.mpf(0.75) - float(v)))) for v in l]
        np.testing.assert_allclose(drs(l, gamma, supremum=0.75, log=True), want, rtol=3e-14)


def test_drs_does_not_overflow():
    """The quotient (M - r)/r and exp(gamma) may leave the range of floats where their product does not."""
    r = np.array([1e-300, 5e-324, 0.0, 1e300])
    with mpmath.workdps(50):
        want = [float(1 / (1 + mpmath.exp(-1400) * (mpmath.mpf(1e300) - float(v)) / float(v))) for v in r if v]
    np.testing.assert_allclose(drs(r, -1400.0, supremum=1e300), [*want[:2], 0.0, want[2]], rtol=1e-12)
    np.testing.assert_array_equal(drs(np.array([0.0, 1.0, np.inf]), 3.0), [0, 0, 1])
    np.testing.assert_array_equal(drs(np.array([0.0, 1.0]), 3.0, supremum=math.inf), [0, 0])


# --- sampling -------------------------------------------------------------------------------------------------------


def test_samples_have_the_refined_law(rng):
    """Chi-squared on 8 atoms, 20,000 samples; false alarm 1e-6 for the law and about 6e-7 (5 sigma) for the rate."""
    from scipy.stats import chi2

    p, q = rng.dirichlet(np.ones(8)), rng.dirichlet(np.ones(8))
    atoms = np.arange(8.0)[:, None]
    log_ratio = np.log(p / q)
    acceptance = obrs(log_ratio, 1.4, weights=q, log=True)

    def draw(n, rng):
        return atoms[rng.choice(8, n, p=q)]

    x, info = rejection_sample(draw, lambda x: log_ratio[x[:, 0].astype(int)], acceptance, 20_000, rng)
    assert x.shape == (20_000, 1)
    expected = 20_000 * refined(q, acceptance.probability)
    counts = np.bincount(x[:, 0].astype(int), minlength=8)
    assert np.sum((counts - expected) ** 2 / expected) < chi2.isf(1e-6, 7)
    assert info.accepted >= 20_000 and info.rate == info.accepted / info.proposed
    sigma = math.sqrt(acceptance.rate * (1 - acceptance.rate) / info.proposed)
    assert abs(info.rate - acceptance.rate) < 5 * sigma


def test_rare_acceptances_and_small_batches(rng):
    """At a rate of 1/1000, 50 samples of any shape, in batches of at most 100."""
    x, info = rejection_sample(
        lambda n, rng: rng.random((n, 2, 3)), lambda x: np.zeros(len(x)), lambda l: np.full(l.shape, 1e-3), 50, rng,
        batch_size=100,
    )
    assert x.shape == (50, 2, 3) and info.proposed > 10_000
    assert len(np.unique(x[:, 0, 0])) == 50


def test_sampling_is_reproducible():
    def run(seed):
        return rejection_sample(lambda n, rng: rng.random((n, 1)), lambda x: np.log(x[:, 0]), np.exp, 100,
                                np.random.default_rng(seed))[0]

    np.testing.assert_array_equal(run(1), run(1))
    assert np.any(run(1) != run(2))


def test_nothing_accepted_is_an_error(rng):
    with pytest.raises(RuntimeError, match="none of the last 1000 proposals was accepted \\(0 of 1000 in all\\)"):
        rejection_sample(lambda n, rng: rng.random((n, 1)), lambda x: np.full(len(x), -np.inf), np.exp, 3, rng,
                         patience=1000)


def test_patience_starts_again_after_each_acceptance(rng):
    seen = []

    def draw(n, rng):
        seen.append(n)
        return np.full((n, 1), float(len(seen)))

    def even(l):
        return (l % 2 == 0).astype(float)

    x, info = rejection_sample(draw, lambda x: x[:, 0], even, 200, rng, batch_size=60, patience=100)
    assert len(x) == 200 and info.proposed == sum(seen)


# --- libraries, dtypes, errors --------------------------------------------------------------------------------------


def test_other_libraries(library, rng):
    l = rng.standard_normal(40)
    l[:3] = np.inf, -np.inf, -np.inf
    w = rng.dirichlet(np.ones(40))
    for budget in (1, 2, 1000):
        ours = obrs(library.asarray(l), budget, weights=library.asarray(w), log=True)
        numpys = obrs(l, budget, weights=w, log=True)
        np.testing.assert_allclose(to_numpy(ours.probability), numpys.probability, rtol=1e-13)
        assert ours.status == numpys.status and ours.rate == pytest.approx(numpys.rate)
    np.testing.assert_allclose(to_numpy(drs(library.asarray(np.exp(l)), 1.0)), drs(np.exp(l), 1.0), rtol=1e-13)
    np.testing.assert_allclose(to_numpy(obrs(library.asarray(np.array([1, 2])), 1.1).probability),
                               obrs([1, 2], 1.1).probability)

    def draw(n, rng):
        return library.asarray(rng.random((n, 2)))

    x, _ = rejection_sample(draw, lambda x: library.log(x[:, 0]), library.exp, 30, np.random.default_rng(3))
    want, _ = rejection_sample(
        lambda n, rng: rng.random((n, 2)), lambda x: np.log(x[:, 0]), np.exp, 30, np.random.default_rng(3)
    )
    np.testing.assert_array_equal(to_numpy(x), want)


def test_single_precision_stays(rng):
    l = (20 * rng.standard_normal(1000)).astype(np.float32)
    found = obrs(l, 1.5, log=True)
    assert found.probability.dtype == np.float32 and abs(found.rate - 1 / 1.5) < 1e-12
    assert drs(l, 0.0, log=True).dtype == found(l).dtype == np.float32


@pytest.mark.parametrize(("call", "message"), [
    (lambda: obrs(np.array([1.0, -1.0]), 2), "ratio: expected ratios of at least 0, got 1"),
    (lambda: obrs(np.array([1.0, np.nan]), 2), "ratio: expected ratios of at least 0, got 1"),
    (lambda: obrs(np.array([1.0, np.nan]), 2, log=True), "ratio: expected log-ratios, .* got 1 that are nan"),
    (lambda: obrs(np.ones((2, 2)), 2), "ratio: expected a vector"),
    (lambda: obrs(np.array([]), 2), "ratio: expected a vector of at least one number"),
    (lambda: obrs(np.array([1j]), 2), "ratio: expected real numbers"),
    (lambda: obrs(np.ones(2), 0.5), "budget: expected a finite number at least 1"),
    (lambda: obrs(np.ones(2), math.inf), "budget: expected a finite number"),
    (lambda: obrs(np.ones(2), 2, weights=np.ones(3) / 3), "weights: expected a vector of length 2"),
    (lambda: obrs(np.ones(2), 2, weights=np.ones(2)), "weights: expected probabilities"),
    (lambda: obrs(np.ones(2), 2, weights=np.array([1.5, -0.5])), "weights: expected probabilities"),
    (lambda: obrs(np.array([1.0, 3.0]), 2, supremum=2.0), "supremum: expected at least the largest ratio"),
    (lambda: obrs(np.array([1.0, 3.0]), 2, supremum=2.0, log=True), "supremum: .* largest log-ratio 3, got"),
    (lambda: obrs(np.ones(2), 2, supremum=math.nan), "supremum: expected a number"),
    (lambda: drs(np.ones(2), math.nan), "gamma: expected a finite number"),
    (lambda: drs(np.array([-1.0]), 0.0), "ratio: expected ratios of at least 0"),
    (lambda: drs(np.array([1.0, 3.0]), 0.0, supremum=-1.0), "supremum: expected at least the largest ratio"),
])
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bad_input_of_the_sampler(rng):
    def draw(n, rng):
        return rng.random((n, 1))

    def flat(x):
        return np.zeros(len(x))

    for acceptance in (lambda l: l + 2, lambda l: l - 1, lambda l: l * np.nan):
        with pytest.raises(ValueError, match="acceptance: expected probabilities in"):
            rejection_sample(draw, flat, acceptance, 3, rng)
    with pytest.raises(ValueError, match="draw, log_ratio, acceptance: expected 64 samples"):
        rejection_sample(lambda n, rng: rng.random((n + 1, 1)), flat, np.exp, 3, rng)
    with pytest.raises(ValueError, match="n: expected a whole number"):
        rejection_sample(draw, flat, np.exp, 0, rng)
    with pytest.raises(ValueError, match="patience: expected a whole number"):
        rejection_sample(draw, flat, np.exp, 1, rng, patience=0)
    with pytest.raises(ValueError, match="batch_size: expected a whole number"):
        rejection_sample(draw, flat, np.exp, 1, rng, batch_size=0)
    with pytest.raises(ValueError, match=r"rng: expected a numpy.random.Generator"):
        rejection_sample(draw, flat, np.exp, 1, 7)
