"""The equations of the slides against what they say of each other, and against quadrature and search."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from divergen.equations import verine2024 as eq
from divergen.evaluation import divergences as dv


@st.composite
def pairs(draw, zeros=True):
    n = draw(st.integers(2, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    p, q = rng.exponential(size=(2, n))
    if zeros and draw(st.booleans()):
        p[rng.random(n) < 0.3], q[rng.random(n) < 0.3] = 0, 0
        p[0], q[0] = p[0] or 1.0, q[0] or 1.0
    return p / p.sum(), q / q.sum()


P, Q = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.1, 0.3, 0.0, 0.6])


def test_definition_2_1_by_hand():
    assert eq.support_precision_recall(P, Q) == pytest.approx((0.4, 0.8))


def test_definition_2_2_by_hand():
    assert eq.pr_curve(P, Q, [0.0, 1.0, math.inf]) == [
        pytest.approx((0.0, 0.8)), pytest.approx((0.4, 0.4)), pytest.approx((0.4, 0.0))
    ]
    assert eq.precision(0.1, P, Q) == pytest.approx(0.08) and eq.recall(0.1, P, Q) == pytest.approx(0.8)


@given(pairs())
def test_theorem_2_3_the_maxima_are_the_supports(pair):
    p, q = pair
    grid = [0.0, *np.logspace(-6, 6, 49), math.inf]
    assert eq.max_precision_recall(p, q, grid) == pytest.approx(eq.support_precision_recall(p, q), rel=1e-12)


@given(pairs(), st.floats(1e-3, 1e3))
def test_theorem_3_5_against_definition_2_2(pair, lam):
    p, q = pair
    assert eq.precision_from_divergence(lam, p, q) == pytest.approx(eq.precision(lam, p, q), abs=1e-12 * (1 + lam))
    assert eq.recall_from_divergence(lam, p, q) == pytest.approx(eq.recall(lam, p, q), abs=1e-12 * (1 + 1 / lam))
    for end in (0.0, math.inf):
        assert eq.precision_from_divergence(end, p, q) == pytest.approx(eq.precision(end, p, q), abs=1e-12)
        assert eq.recall_from_divergence(end, p, q) == pytest.approx(eq.recall(end, p, q), abs=1e-12)


def test_minimising_the_divergence_maximises_the_precision():
    rng = np.random.default_rng(0)
    models = list(rng.dirichlet(np.ones(4), 50))
    for lam in (0.3, 1.0, 4.0):
        best = eq.best_model(lambda p, q, lam=lam: eq.pr_divergence(lam, p, q), P, models)
        assert eq.precision(lam, P, best) == pytest.approx(max(eq.precision(lam, P, q) for q in models))


@given(pairs())
def test_eq_7_against_the_library(pair):
    p, q = pair
    for f in (dv.kl, dv.jensen_shannon, dv.total_variation, dv.squared_hellinger, dv.pearson_chi2):
        ours = eq.f_divergence(f.f, f.slope_at_infinity, p, q)
        assert ours == pytest.approx(dv.divergence(f, p, q), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("name", ["kl", "reverse_kl", "jensen_shannon", "gan", "pearson_chi2", "total_variation"])
def test_conjugates_are_the_supremum_over_a_grid(name):
    f = getattr(dv, name)
    grid = np.concatenate([[0.0], np.logspace(-6, 4, 20_001)])
    for t in (-2.0, -0.5, -0.1, 0.3):
        if not f.conjugate_domain.outside(np.array(t)):
            values = eq.conjugate(f.f, t, grid if f.value_at_zero < math.inf else grid[1:])
            assert values == pytest.approx(f.conjugate(t), abs=1e-6)


def test_eq_8_supremum_by_search():
    """Coordinate ascent on the printed dual finds the divergence, without knowing f'."""
    from scipy.optimize import minimize

    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    for f in (dv.kl, dv.pearson_chi2):
        found = minimize(lambda t, f=f: -eq.dual_value(t, f.conjugate, p, q), np.zeros(3), tol=1e-12)
        assert -found.fun == pytest.approx(dv.divergence(f, p, q), abs=1e-8)


def test_eq_9_is_the_dual_of_the_slides_conjugate():
    """T = log D turns (8) into (9); the best D = p/(p + q) gives Jensen-Shannon less 2 log 2."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    for d in (np.array([0.3, 0.6, 0.9]), p / (p + q)):
        assert eq.gan_value(d, p, q) == pytest.approx(eq.dual_value(np.log(d), eq.gan_conjugate, p, q), rel=1e-13)
    best = eq.gan_value(p / (p + q), p, q)
    assert best == pytest.approx(dv.divergence(dv.jensen_shannon, p, q) - 2 * math.log(2), rel=1e-13)
    assert best == pytest.approx(dv.divergence(dv.gan, p, q), rel=1e-13)


@pytest.mark.parametrize("lam", [0.2, 1.0, 3.0])
def test_eq_12_conjugate_by_grid(lam):
    grid = np.linspace(0, 200, 200_001)
    for t in np.linspace(-2, lam, 17):
        over_grid = eq.conjugate(lambda u: eq.pr_generator(u, lam), t, grid)
        assert over_grid == pytest.approx(eq.pr_conjugate(t, lam), abs=1e-2)
        assert dv.precision_recall(lam).conjugate(float(t)) == pytest.approx(eq.pr_conjugate(t, lam), abs=1e-14)


def test_theorem_3_6_by_trapezia():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    grid = np.linspace(0.2, 5, 4001)  # D_lambda is 0 beyond the ratios
    for f in (dv.kl, dv.jensen_shannon, dv.reverse_kl):
        assert eq.pr_average(f.second_derivative, p, q, grid) == pytest.approx(dv.divergence(f, p, q), rel=1e-5)


def test_eq_13_to_15():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    critic = np.log(p / q)  # the best for KL
    assert eq.auxiliary_objective(critic, lambda t: np.exp(t) - 1, p, q) == pytest.approx(dv.divergence(dv.kl, p, q))
    np.testing.assert_allclose(eq.ratio_from_critic(critic, np.exp), p / q)
    for f in (dv.pearson_chi2, dv.total_variation):
        assert eq.primal_estimate(f.f, np.exp, critic, q) == pytest.approx(dv.divergence(f, p, q), rel=1e-13)


def test_eq_16_is_tight_for_chi_squared():
    """Two atoms, f = TV, r off by a constant in the right direction: equality."""
    p, q = np.array([0.8, 0.2]), np.array([0.5, 0.5])
    ratio = p / q + np.array([0.1, -0.1])
    critic = 2 * (ratio - 1)
    gap = dv.divergence(dv.pearson_chi2, p, q) - eq.dual_value(critic, dv.pearson_chi2.conjugate, p, q)
    error = eq.primal_estimate(dv.total_variation.f, lambda t: 1 + t / 2, critic, q) - 0.3
    assert error == pytest.approx(eq.error_bound(0.5, gap, 2.0), rel=1e-12)


@given(pairs(zeros=False), st.floats(1, 20))
def test_eq_18_spends_the_budget(pair, budget):
    p, q = pair
    a = eq.obrs_acceptance(p, q, budget)
    supremum = np.max(p / q)
    assert eq.is_feasible(a, q, min(budget, supremum), 1e-9)
    assert eq.acceptance_rate(a, q) == pytest.approx(max(1 / budget, 1 / supremum), rel=1e-9)
    assert eq.refined(a, q).sum() == pytest.approx(1)
    assert not eq.is_feasible(a, q, 0.5) and not eq.is_feasible(a - 2, q, budget)


def test_the_constant_of_theorem_4_2_by_hand():
    """Ratios 2 and 1/2, M = 2, K = 5/4: 1/3 + 2/3 * c/4 = 4/5 has the solution c = 14/5."""
    p, q = np.array([2 / 3, 1 / 3]), np.array([1 / 3, 2 / 3])
    c = eq.obrs_constant(p / q, q, 1.25, 2.0)
    assert c == pytest.approx(2.8, rel=1e-12)
    a = eq.obrs_acceptance_as_printed(p / q, c, 2.0)
    np.testing.assert_allclose(a, [1, 0.7])
    assert eq.acceptance_rate(a, q) == pytest.approx(0.8)


@given(pairs(), st.sampled_from([1.1, 1.5, 2.0, 4.0]), st.integers(0, 2**32))
def test_theorem_4_2_no_feasible_acceptance_is_better(pair, budget, seed):
    """In no divergence: OBRS does not depend on f."""
    p, q = pair
    ours = eq.refined(eq.obrs_acceptance(p, q, budget), q)
    rng = np.random.default_rng(seed)
    for _ in range(5):
        a = rng.random(p.size) ** rng.choice([0.2, 1, 4])
        a = np.minimum(a + np.max([0, 1 / budget - eq.acceptance_rate(a, q)]) * 1.0, 1)
        a = 1 - (1 - a) * min(1.0, (1 - 1 / budget) / max(eq.acceptance_rate(1 - a, q), 1e-300))
        assert eq.is_feasible(a, q, budget, 1e-12)
        other = eq.refined(a, q)
        for f in (dv.kl, dv.reverse_kl, dv.jensen_shannon, dv.total_variation, dv.pearson_chi2, dv.squared_hellinger,
                  dv.precision_recall(2.0)):
            one, two = dv.divergence(f, p, ours / ours.sum()), dv.divergence(f, p, other / other.sum())
            assert one <= two + 1e-9 * (1 + abs(two)) or two == math.inf


@given(pairs(zeros=False), st.floats(-3, 3), st.floats(-3, 3))
def test_definition_4_1_accepts_more_for_smaller_gamma(pair, gamma, other):
    p, q = pair
    ratio = p / q
    rates = [eq.acceptance_rate(eq.drs_acceptance(ratio, x, ratio.max()), q) for x in sorted([gamma, other])]
    assert rates[0] >= rates[1] - 1e-12
    a = eq.drs_acceptance(ratio, gamma, ratio.max())
    assert np.all(a > 0) and np.all(a <= 1 + 1e-12)
    np.testing.assert_allclose(eq.refined(eq.drs_acceptance(ratio, 0.0, ratio.max()), q), p, rtol=1e-12)


@given(pairs(), st.sampled_from([1.0, 1.3, 2.0, 10.0]), st.sampled_from([0.0, 0.2, 0.7, 1.0, 1.9, 6.0, math.inf]))
def test_proposition_4_3(pair, budget, lam):
    p, q = pair
    better = eq.refined(eq.obrs_acceptance(p, q, budget), q)
    assert eq.precision_after_obrs(lam, budget, p, q) == pytest.approx(eq.precision(lam, p, better), abs=1e-9)
    assert eq.recall_after_obrs(lam, budget, p, q) == pytest.approx(eq.recall(lam, p, better), abs=1e-9)


def test_truncation(rng):
    z = eq.hard_truncation((5000, 3), 0.8, rng)
    assert np.abs(z).max() <= 0.8 and abs(z.mean()) < 5 * 0.8 / math.sqrt(3 * 15_000)
    assert np.array_equal(eq.soft_truncation(z, 0.5), z / 2)


def test_the_naive_critic_says_which_side_and_no_more():
    """The best critic of eq. (12), value by value over a grid, is 0 or lambda: ratios of 2 and of 20 look the same."""
    lam, grid = 1.5, np.linspace(-1, 1.5, 26)
    q = np.full(4, 0.25)
    conjugate = np.vectorize(lambda t: eq.pr_conjugate(t, lam))
    best = []
    for ratios in (np.array([2.0, 1.4, 0.5, 0.1]), np.array([20.0, 8.0, 0.01, 0.001])):
        value = [[eq.auxiliary_objective(t * atom, conjugate, ratios * q, q) for t in grid] for atom in np.eye(4)]
        best.append(grid[np.argmax(value, axis=1)])
    np.testing.assert_allclose(best, [[lam, lam, 0, 0]] * 2, atol=1e-12)


def test_refined_divergence_by_search():
    """Over a fine grid of the acceptances that the budget allows, on two atoms."""
    p, q, budget = np.array([0.8, 0.2]), np.array([0.3, 0.7]), 1.6
    steps = np.linspace(0, 1, 401)
    allowed = [a for a in (np.array([s, t]) for s in steps for t in steps[::4]) if eq.is_feasible(a, q, budget)]
    for f in (dv.kl, dv.total_variation, dv.pearson_chi2):
        least = min(eq.f_divergence(f.f, f.slope_at_infinity, p, eq.refined(a, q)) for a in allowed)
        found = eq.refined_divergence(f.f, f.slope_at_infinity, p, q, budget)
        assert found <= least + 1e-12 and found == pytest.approx(least, abs=0.01)
