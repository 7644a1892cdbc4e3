"""Precision-recall curves against their definition atom by atom, against f-divergences, and against simulation."""

import itertools
import math

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import divergen.equations.verine2024 as eq
from divergen.arrays import namespace, to_numpy
from divergen.evaluation import curves as cv
from divergen.evaluation import divergences as dv
from strategies import distributions


def pairs(atoms=9):
    return distributions(atoms, kinds=("any", "zeros", "disjoint", "equal", "grid"))


lambdas_between = st.floats(1e-6, 1e6)


@settings(max_examples=400)
@given(pairs(), lambdas_between)
def test_curve_is_its_definition(pair, lam):
    """At 0, infinity, every breakpoint and one lambda between; alpha = lambda beta."""
    p, q = pair
    exact, chosen = cv.pr_curve(p, q), cv.pr_curve(p, q, np.array([0.0, lam, math.inf]))
    for curve in (exact, chosen):
        for x, alpha, beta in zip(curve.lambdas, curve.precision, curve.recall, strict=True):
            assert alpha == pytest.approx(eq.precision(x, p, q), rel=1e-12, abs=1e-300)
            assert beta == pytest.approx(eq.recall(x, p, q), rel=1e-12, abs=1e-300)
    both = (p > 0) & (q > 0)
    assert np.array_equal(exact.lambdas[1:-1], np.unique((q / q.sum())[both] / (p / p.sum())[both]))
    assert (exact.lambdas[0], exact.lambdas[-1]) == (0.0, math.inf)


@settings(max_examples=400)
@given(pairs(), st.one_of(st.sampled_from([0.0, 1.0, math.inf]), lambdas_between))
def test_theorem_3_5(pair, lam):
    """Precision and recall are divergences, with the second line corrected (erratum 8) and recession (erratum 9)."""
    p, q = pair
    curve = cv.pr_curve(p, q, np.array([lam]))
    inverse = math.inf if lam == 0 else 1 / lam
    alpha = min(1.0, lam) - dv.divergence(dv.precision_recall(lam), p, q)
    beta = min(1.0, inverse) - dv.divergence(dv.precision_recall(inverse), q, p)
    assert curve.precision[0] == pytest.approx(alpha, abs=1e-12)
    assert curve.recall[0] == pytest.approx(beta, abs=1e-12)


@given(pairs())
def test_theorem_2_3(pair):
    p, q = pair
    curve = cv.pr_curve(p, q)
    want = eq.support_precision_recall(p, q)
    assert (curve.max_precision, curve.max_recall) == pytest.approx(want, rel=1e-12)
    assert curve.max_precision == pytest.approx(np.max(curve.precision)) == curve.precision[-1]
    assert curve.max_recall == pytest.approx(np.max(curve.recall)) == curve.recall[0]
    # known at a single lambda, the curve still knows its ends
    assert cv.pr_curve(p, q, np.array([1.0])).max_precision == curve.max_precision


@given(pairs())
def test_area_by_quadrature(pair):
    """int beta d alpha, by a fine grid of lambda between the breakpoints."""
    p, q = pair
    curve = cv.pr_curve(p, q)
    inner = curve.lambdas[1:-1]
    want = 0.0
    if inner.size:
        fine = [np.linspace(0, inner[0], 3)[1:]]
        fine += [np.exp(np.linspace(np.log(a), np.log(b), 400)) for a, b in itertools.pairwise(inner)]
        grid = np.unique(np.concatenate(fine))
        dense = cv.pr_curve(p, q, grid)
        steps = np.diff(dense.precision, prepend=0.0)
        middle = (dense.recall + np.concatenate([dense.recall[:1], dense.recall[:-1]])) / 2
        want = float(np.sum(steps * middle))
        assert dense.area == pytest.approx(curve.area, rel=1e-10)
    assert curve.area == pytest.approx(want, rel=2e-3, abs=1e-14)
    assert 0 <= curve.area <= curve.max_precision * curve.max_recall + 1e-12


def test_area_by_hand():
    """p = (1/2, 1/2), q = (1/4, 3/4): up to 1/2 the recall is 1, then (1/4 + lambda/2, 1/2 + 1/(4 lambda))."""
    curve = cv.pr_curve(np.array([0.5, 0.5]), np.array([0.25, 0.75]))
    assert curve.area == pytest.approx(0.5 + 0.25 * 0.5 * math.log(3) + 0.5**2 * 1.0, rel=1e-14)
    same = cv.pr_curve(np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    assert same.area == pytest.approx(1.0) and same.f_score(2) == pytest.approx(1.0)
    apart = cv.pr_curve(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert apart.area == 0 and apart.f_score() == 0 and apart.max_precision == 0 == apart.max_recall


@given(pairs(), st.floats(0, 20))
def test_f_score_is_the_largest(pair, beta):
    p, q = pair
    curve = cv.pr_curve(p, q)
    grid = np.exp(np.linspace(-20, 20, 2001))
    dense = cv.pr_curve(p, q, np.unique(np.concatenate([grid, curve.lambdas[1:-1]])))
    a, b = dense.precision, dense.recall
    scores = (1 + beta**2) * a * b / np.where(a + b > 0, beta**2 * a + b, 1)
    if beta > 1e-3:
        assert curve.f_score(beta) == pytest.approx(scores.max(), rel=1e-12, abs=1e-15)
    assert curve.f_score(beta) >= scores.max() - 1e-12
    assert curve.f_score(0) == curve.f_score(1e-200) == curve.max_precision and curve.f_score(1e200) == curve.max_recall


@settings(max_examples=400)
@given(pairs(), st.sampled_from([1.0, 1.0001, 1.5, 2.0, 4.0, 40.0, 1e6]))
def test_proposition_4_3(pair, budget):
    """After OBRS, drawn up by its definition in every case of erratum 15, the curve is the one that we predict."""
    p, q = pair
    accepted = eq.refined(eq.obrs_acceptance(p, q, budget), q) if np.any((p > 0) & (q > 0)) else q
    want = cv.pr_curve(p, accepted / accepted.sum())
    ours = cv.pr_curve_after_obrs(cv.pr_curve(p, q), budget)
    inner = ours.lambdas[1:-1]
    for x, alpha, beta in zip(inner, ours.precision[1:-1], ours.recall[1:-1], strict=True):
        assert alpha == pytest.approx(eq.precision(x, p, accepted), rel=1e-9, abs=1e-12)
        assert beta == pytest.approx(eq.recall(x, p, accepted), rel=1e-9, abs=1e-12)
    assert ours.max_precision == pytest.approx(want.max_precision, rel=1e-9)
    assert ours.max_recall == pytest.approx(want.max_recall, rel=1e-9)
    assert ours.area == pytest.approx(want.area, rel=1e-9, abs=1e-12)  # so no breakpoint is missing


def test_obrs_at_chosen_lambdas():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    curve = cv.pr_curve(p, q, np.array([0.0, 0.5, 1.0, 2.0, math.inf]))
    better = cv.pr_curve_after_obrs(curve, 2.0)
    assert better.lambdas[0] == 0 and better.lambdas[-1] == math.inf and {1.0, 2.0, 4.0} <= set(better.lambdas.tolist())
    assert np.all(better.precision <= 1) and better.recall[-1] == 0


def test_obrs_where_rounding_joins_two_lambdas():
    lam = np.array([0.0, 1.9, np.nextafter(1.9, 2), 2.5, math.inf])
    curve = cv.PRCurve(lam, np.array([0.0, 0.4, 0.4, 0.5, 0.5]), np.array([0.4, 0.4 / 1.9, 0.4 / 1.9, 0.2, 0.0]))
    joined = [k for k in np.linspace(1, 2, 101).tolist() if k * lam[1] == k * lam[2]]
    assert joined  # the case occurs, and is not an error
    assert all(cv.pr_curve_after_obrs(curve, k).area > 0 for k in joined)


def test_samples_find_the_curve_of_separate_groups(rng):
    """Four tight groups with known shares: clusters are the groups, and the curve is that of the shares."""
    centres = np.array([[0.0, 0], [20, 0], [0, 20], [20, 20]])
    shares_real, shares_generated = np.array([400, 300, 300, 0]), np.array([60, 0, 60, 80])
    real = np.repeat(centres, shares_real, axis=0) + rng.standard_normal((1000, 2))
    generated = np.repeat(centres, shares_generated, axis=0) + rng.standard_normal((200, 2))
    want = cv.pr_curve(shares_real / 1000, shares_generated / 200)
    for offset in (0.0, 1e8):
        ours = cv.pr_curve_from_samples(real + offset, generated + offset, 4, rng=np.random.default_rng(1))
        np.testing.assert_allclose(ours.precision, want.precision, rtol=1e-12)
        np.testing.assert_allclose(ours.recall, want.recall, rtol=1e-12)
    grid = np.array([0.0, 0.5, math.inf])
    chosen = cv.pr_curve_from_samples(real, generated, 4, rng=np.random.default_rng(1), lambdas=grid)
    assert np.array_equal(chosen.lambdas, grid)


def test_both_samples_weigh_the_same(rng):
    """Three clusters for four places: eight generated points outweigh 500 real ones that lie close together."""
    real = np.repeat([0.0, 1.0, 10.0], [200, 200, 100])[:, None]
    generated = np.repeat([10.0, 14.0], 4)[:, None]
    curve = cv.pr_curve_from_samples(real, generated, 3, rng=rng)
    assert (curve.max_precision, curve.max_recall) == pytest.approx((0.5, 0.2))


def test_samples_are_seeded_and_any_size(rng):
    real, generated = rng.standard_normal((300, 3)), rng.standard_normal((40, 3)) + 1
    one, other = (cv.pr_curve_from_samples(real, generated, rng=np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.precision, other.precision)
    same = cv.pr_curve_from_samples(np.ones((5, 2)), np.ones((3, 2)), 20, rng=rng)  # one distinct point
    assert same.area == pytest.approx(1.0)
    halves = real.astype(np.float32), generated.astype(np.float32)
    single = cv.pr_curve_from_samples(*halves, rng=np.random.default_rng(5))
    assert single.precision.dtype == np.float64


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 12), lambdas_between)
def test_scores_are_the_best_threshold(seed, n, m, lam):
    """alpha is the smallest lambda P(S) + Q(not S) over all thresholds, ties included: by trying them all."""
    rng = np.random.default_rng(seed)
    real, generated = rng.integers(-3, 4, n) * 0.5 + 0.5, rng.integers(-3, 4, m) * 0.5
    curve = cv.pr_curve_from_scores(real, generated, np.array([lam, math.inf]))
    thresholds = [-math.inf, *np.unique(np.concatenate([real, generated]))]
    tried = [lam * np.mean(real <= t) + np.mean(generated > t) for t in thresholds]
    assert curve.precision[0] == pytest.approx(min(tried), rel=1e-12, abs=1e-15)
    exact = cv.pr_curve_from_scores(real, generated)
    assert np.all(np.diff(exact.lambdas) > 0)
    monotone = cv.pr_curve_from_scores(np.exp(real) + 3, np.exp(generated) + 3)
    assert np.array_equal(monotone.precision, exact.precision)


def test_scores_of_the_true_ratio(rng):
    """N(0, 1) against N(1, 1) with the true log-ratio: within 5 standard errors of the curve in closed form."""
    from scipy.stats import norm

    n = 20_000
    real, generated = rng.standard_normal(n), rng.standard_normal(n) + 1
    lam = np.array([0.2, 0.5, 1.0, 2.0, 5.0])
    curve = cv.pr_curve_from_scores(0.5 - real, 0.5 - generated, lam)  # log p/q = 1/2 - x
    cut = 0.5 + np.log(lam)  # p lam < q where x > cut
    want = lam * norm.sf(cut) + norm.cdf(cut - 1)
    assert np.all(np.abs(curve.precision - want) < 5 * np.maximum(lam, 1) * 0.5 / math.sqrt(n))


def test_useless_scores():
    """One score for all: nothing tells the samples apart, the curve is perfect. Perfect scores: it is zero."""
    assert cv.pr_curve_from_scores(np.zeros(4), np.zeros(7)).area == pytest.approx(1.0)
    assert cv.pr_curve_from_scores(np.ones(4), np.zeros(7)).area == 0
    assert cv.pr_curve_from_scores(np.zeros(4), np.ones(7)).area == pytest.approx(1.0)  # upside down is no better


def test_curves_are_checked():
    lam = np.array([0.0, 1.0])
    curve = cv.PRCurve(lam, np.array([0.0, 0.7]), np.array([0.9, 0.7]))
    assert (curve.max_precision, curve.max_recall) == (0.7, 0.9)
    assert cv.PRCurve(np.array([0.0, math.inf]), lam, lam).area == 0


GOOD = np.array([0.5, 0.5])
POINTS = np.zeros((3, 2))
RNG = np.random.default_rng(0)
BAD = [
    (lambda: cv.pr_curve([1.5, -0.5], GOOD), "p: expected probabilities, none of them negative, got -0.5"),
    (lambda: cv.pr_curve(GOOD, [0.5, 0.4]), "q: expected probabilities that sum to 1, got the sum 0.9"),
    (lambda: cv.pr_curve(GOOD, [1.0]), "q: expected one probability for each of the 2 atoms of p, got 1"),
    (lambda: cv.pr_curve(GOOD, [math.nan, 1.0]), "q: expected finite numbers"),
    (lambda: cv.pr_curve(GOOD, GOOD, [1.0, -1.0]), r"lambdas: expected numbers in \[0, inf\]"),
    (lambda: cv.pr_curve(GOOD, GOOD, [1.0, math.nan]), r"lambdas: expected numbers in \[0, inf\]"),
    (lambda: cv.pr_curve(GOOD, GOOD, [1.0, 0.5]), "lambdas: expected increasing numbers"),
    (lambda: cv.pr_curve(GOOD, GOOD, [[1.0]]), "lambdas: expected a vector"),
    (lambda: cv.pr_curve(GOOD, GOOD, []), "lambdas: expected a vector"),
    (lambda: cv.PRCurve(GOOD[:1], GOOD, GOOD), "precision: expected 1 values, one for each lambda"),
    (lambda: cv.pr_curve(GOOD, GOOD).f_score(-1), "beta: expected a finite number at least 0"),
    (lambda: cv.pr_curve_after_obrs(cv.pr_curve(GOOD, GOOD), 0.9), "budget: expected a finite number at least 1"),
    (lambda: cv.pr_curve_from_scores(GOOD, [math.inf]), "scores_generated: expected finite numbers"),
    (lambda: cv.pr_curve_from_scores([], GOOD), "scores_real: expected a vector"),
    (lambda: cv.pr_curve_from_samples(POINTS, POINTS[:, :1], rng=RNG), "generated: expected the same dimension"),
    (lambda: cv.pr_curve_from_samples(POINTS, POINTS * math.nan, rng=RNG), "generated: expected finite numbers"),
    (lambda: cv.pr_curve_from_samples(POINTS, POINTS, 0, rng=RNG), "clusters: expected a whole number of at least 1"),
    (lambda: cv.pr_curve_from_samples(POINTS, POINTS, rng=0), "rng: expected a numpy.random.Generator"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_scikit_learn(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        cv.pr_curve_from_samples(POINTS, POINTS, rng=RNG)


def same(ours, numpys):
    for name in ("lambdas", "precision", "recall"):
        values = getattr(ours, name)
        assert namespace(values) is not np
        np.testing.assert_allclose(to_numpy(values), getattr(numpys, name), rtol=1e-13)
    assert ours.max_precision == pytest.approx(numpys.max_precision, rel=1e-14)
    assert ours.area == pytest.approx(numpys.area, rel=1e-13)
    for beta in (0, 1, 3):
        assert ours.f_score(beta) == pytest.approx(numpys.f_score(beta), rel=1e-13)


def test_other_libraries(library, rng):
    p, q = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.2, 0.3, 0.0, 0.5])
    lp, lq = library.asarray(p), library.asarray(q)
    same(cv.pr_curve(lp, lq), cv.pr_curve(p, q))
    grid = np.array([0.0, 0.4, 1.0, math.inf])
    same(cv.pr_curve(lp, lq, library.asarray(grid)), cv.pr_curve(p, q, grid))
    same(cv.pr_curve_after_obrs(cv.pr_curve(lp, lq), 1.5), cv.pr_curve_after_obrs(cv.pr_curve(p, q), 1.5))
    x, y = rng.standard_normal((50, 2)), rng.standard_normal((60, 2)) + 1
    lx, ly = library.asarray(x), library.asarray(y)
    same(cv.pr_curve_from_scores(lx[:, 0], ly[:, 0]), cv.pr_curve_from_scores(x[:, 0], y[:, 0]))
    same(cv.pr_curve_from_samples(lx, ly, 5, rng=np.random.default_rng(2)),
         cv.pr_curve_from_samples(x, y, 5, rng=np.random.default_rng(2)))


def test_libraries_are_not_mixed():
    for call in (cv.pr_curve, cv.pr_curve_from_scores):
        with pytest.raises(ValueError, match="one library"):
            call(GOOD, array_api_strict.asarray(GOOD))
    with pytest.raises(ValueError, match="one library"):
        cv.pr_curve_from_samples(POINTS, array_api_strict.asarray(POINTS), rng=RNG)
