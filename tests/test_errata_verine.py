"""Each erratum of the slides on f-divergences: the counterexample to what is printed, and what is right, by number.

The numbers are those of the page of errata in the book.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from divergen.equations import verine2024 as eq
from divergen.evaluation import curves, divergences, generators

P, Q = np.array([0.5, 0.5]), np.array([0.9, 0.1])


@st.composite
def pairs(draw):
    n = draw(st.integers(2, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    p, q = rng.exponential(size=(2, n))
    p[rng.random(n) < 0.3], q[rng.random(n) < 0.3] = 0, 0
    p[0], q[0] = p[0] or 1.0, q[0] or 1.0
    return p / p.sum(), q / q.sum()


def test_8_the_second_line_of_theorem_3_5():
    """At lambda = 2 the recall is .5; the printed line gives .7, which is the recall at 1/2."""
    assert eq.recall(2.0, P, Q) == pytest.approx(0.5)
    assert eq.recall_from_divergence_as_printed(2.0, P, Q) == pytest.approx(0.7)
    assert eq.recall(0.5, P, Q) == pytest.approx(0.7)
    assert eq.recall_from_divergence(2.0, P, Q) == pytest.approx(0.5)


def test_9_the_recession_term():
    """Disjoint supports: alpha is 0 at every lambda. Without the term where q = 0 the theorem says min(1, lambda)."""
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    for lam in (0.5, 1.0, 3.0):
        as_printed = min(1.0, lam) - eq.f_divergence_as_printed(lambda u, lam=lam: eq.pr_generator(u, lam), p, q)
        assert as_printed == pytest.approx(lam) and as_printed > 0
        assert eq.precision_from_divergence(lam, p, q) == pytest.approx(0) == eq.precision(lam, p, q)


@given(pairs(), st.floats(0.01, 100))
def test_9_the_stable_form(pair, lam):
    p, q = pair
    want = np.sum(np.maximum(q - lam * p, 0)) if lam >= 1 else np.sum(np.maximum(lam * p - q, 0))
    assert divergences.divergence(divergences.precision_recall(lam), p, q) == pytest.approx(want, rel=1e-12, abs=1e-13)
    assert eq.pr_divergence(lam, p, q) == pytest.approx(want, abs=1e-12 * (1 + lam))


def test_9_cancellation():
    """lambda = 1e9, precision 1 - 1e-6: the printed sum is wrong by 4.6 % of the 1e-6, the stable one is exact."""
    p, q = np.array([1.0, 0.0]), np.array([1 - 1e-6, 1e-6])
    lam = 1e9
    stable = divergences.divergence(divergences.precision_recall(lam), p, q)
    assert stable == pytest.approx(1e-6, rel=1e-12)
    assert abs(eq.pr_divergence(lam, p, q) - 1e-6) > 1e-9 * 1e-6


def test_10_lambda_infinity():
    """The printed f gives the right precision, but its conjugate is 0 on t <= 0, and the dual value never above 0."""
    p, q = np.array([1.0, 0.0]), np.array([0.6, 0.4])
    assert 1 - eq.pr_divergence(math.inf, p, q) == pytest.approx(0.6) == eq.precision(math.inf, p, q)
    grid = np.concatenate([[0.0], np.logspace(-12, 3, 1000)])
    for t in (-5.0, -1.0, 0.0):
        assert eq.conjugate(lambda u: eq.pr_generator(u, math.inf), t, grid) == pytest.approx(0, abs=1e-11)
    for t in np.linspace(-9, 0, 10):
        critic = np.array([0.0, t])
        assert eq.dual_value(critic, np.zeros_like, p, q) <= 0
    # the limit of the equivalent generator: each has a dual that is attained
    for lam in (10.0, 1e3, 1e6):
        assert np.all(eq.pr_generator_at_infinity(np.array([0.0, 1 / lam, 1.0]), lam) == [1, 0, 0])
        value = eq.f_divergence(lambda u, lam=lam: eq.pr_generator_at_infinity(u, lam), 0.0, p, q)
        assert value == pytest.approx(eq.pr_divergence(math.inf, p, q))
        critic = np.array([lam, 0.0])
        f = divergences.precision_recall(lam)
        assert divergences.dual_value(f, critic, critic, weights_p=p, weights_q=q) == pytest.approx(0.4, rel=1e-8)


def test_11_the_conjugate_needs_ratios_that_are_not_negative():
    """Over all real u the supremum is infinite at every t < 0; over u >= 0 it is max(lambda, 1) - 1."""
    lam, t = 2.0, -1.0
    far = [eq.conjugate(lambda u: eq.pr_generator(u, lam), t, np.linspace(-r, r, 101)) for r in (10.0, 100.0, 1000.0)]
    assert far == pytest.approx([11, 101, 1001])
    assert eq.conjugate(lambda u: eq.pr_generator(u, lam), t, np.linspace(0, 1000, 2001)) == pytest.approx(1.0)
    assert eq.pr_conjugate(t, lam) == 1 == divergences.precision_recall(lam).conjugate(t)
    assert eq.pr_conjugate(1.0, lam) == 1.5 and eq.pr_conjugate(2.1, lam) == math.inf


def test_12_the_conjugate_under_the_gan_equation():
    """-log(1 - e^t) belongs to a generator with f(1) = -2 log 2; Jensen-Shannon's is -log(2 - e^t)."""
    assert eq.gan_generator(np.array([1.0]))[0] == pytest.approx(-2 * math.log(2))
    assert eq.jensen_shannon_generator(np.array([1.0]))[0] == 0
    grid = np.logspace(-8, 6, 40_001)
    for t in (-3.0, -0.7, -0.1):
        assert eq.conjugate(eq.gan_generator, t, grid) == pytest.approx(eq.gan_conjugate(np.array(t)), abs=1e-6)
        right = eq.jensen_shannon_conjugate(np.array(t))
        assert eq.conjugate(eq.jensen_shannon_generator, t, grid) == pytest.approx(right, abs=1e-6)
        assert abs(right - eq.gan_conjugate(np.array(t))) > 0.03
    same = divergences.divergence(divergences.gan, P, P)  # a divergence of P from itself that is not zero
    assert same == pytest.approx(-2 * math.log(2))
    assert divergences.divergence(divergences.jensen_shannon, P, P) == 0


def test_13_the_primal_estimate_where_the_target_leaves_the_model():
    """Q = delta at 0, P = (1/2, 1/2): the total variation is 1/2, the primal estimate sees 1/4 of it."""
    p, q = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    tv, kl = divergences.total_variation, divergences.kl
    assert divergences.divergence(tv, p, q) == pytest.approx(0.5)
    critic = divergences.optimal_critic(kl, p[:1] / q[:1])
    assert divergences.primal_estimate(tv, kl, critic) == pytest.approx(0.25)
    assert eq.primal_estimate(tv.f, np.exp, np.log(p[:1]), q[:1]) == pytest.approx(0.25)
    recession = p[1] * tv.slope_at_infinity
    assert 0.25 + recession == pytest.approx(0.5)


def test_14_kl_is_not_strongly_convex():
    """P = Q and the ratio 10 everywhere: mu = 1, as if g'' were 1, breaks the bound; mu = 1/10 does not."""
    p = q = np.array([0.5, 0.5])
    kl, tv = divergences.kl, divergences.total_variation
    critic = np.log(np.array([10.0, 10.0]))
    gap = divergences.divergence(kl, p, q) - eq.dual_value(critic, kl.conjugate, p, q)
    error = abs(eq.primal_estimate(tv.f, np.exp, critic, q) - divergences.divergence(tv, p, q))
    assert gap == pytest.approx(9 - math.log(10)) and error == pytest.approx(4.5)
    assert error > 2 * eq.error_bound(0.5, gap, 1.0)
    right = divergences.estimation_error_bound(tv, kl, gap, ratios=(1.0, 10.0))
    assert right.strong_convexity == pytest.approx(0.1) and error <= right.value
    assert divergences.estimation_error_bound(tv, kl, gap).value == math.inf


def test_15_budgets_without_a_constant():
    """Half of the ratios are zero and 1/K = .9: no c accepts more than half. And K > M: the rate stays at 1/M."""
    p, q = np.array([0.5, 0.5, 0.0, 0.0]), np.full(4, 0.25)
    ratio, supremum = p / q, 2.0
    for c in (1.0, 2.0, 1e9):
        assert eq.acceptance_rate(eq.obrs_acceptance_as_printed(ratio, c, supremum), q) <= 0.5
    a = eq.obrs_acceptance(p, q, 1 / 0.9)
    assert eq.acceptance_rate(a, q) == pytest.approx(0.9) and np.all(a[:2] == 1) and a[2] == pytest.approx(0.8)
    skew = np.array([0.4, 0.3, 0.2, 0.1])
    supremum = 1.6
    smallest = eq.acceptance_rate(eq.obrs_acceptance_as_printed(skew / q, 1.0, supremum), q)
    assert smallest == pytest.approx(1 / supremum) and smallest > 1 / 10  # with c >= 1, K = 10 cannot be spent
    a = eq.obrs_acceptance(skew, q, 10.0)
    np.testing.assert_allclose(a, skew / (q * supremum), rtol=1e-12)
    np.testing.assert_allclose(eq.refined(a, q), skew, rtol=1e-12)


@given(pairs(), st.floats(1, 30))
def test_15_the_corrected_acceptance_is_always_one(pair, budget):
    p, q = pair
    a = eq.obrs_acceptance(p, q, budget)
    assert np.all(a >= 0) and np.all(a <= 1) and eq.acceptance_rate(a, q) >= 1 / budget - 1e-12


@given(pairs(), st.floats(1, 30), st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0, 10.0, math.inf]))
def test_16_proposition_4_3(pair, budget, lam):
    """What the blank should say, in all three cases of erratum 15: not only for K <= M."""
    p, q = pair
    refined = eq.refined(eq.obrs_acceptance(p, q, budget), q)
    assert eq.precision(lam, p, refined) == pytest.approx(eq.precision_after_obrs(lam, budget, p, q), abs=1e-9)
    assert eq.recall(lam, p, refined) == pytest.approx(eq.recall_after_obrs(lam, budget, p, q), abs=1e-9)
    before, after = curves.pr_curve(p, q), curves.pr_curve_after_obrs(curves.pr_curve(p, q), budget)
    assert after.max_recall == before.max_recall and after.max_precision >= before.max_precision


@given(pairs(), st.floats(-4, 4))
def test_17_drs_is_azadis_sigmoid(pair, gamma):
    p, q = pair
    inside = (p > 0) & (q > 0)
    ratio = p[inside] / q[inside]
    supremum = 1.5 * ratio.max()
    np.testing.assert_allclose(
        eq.drs_acceptance(ratio, gamma, supremum), eq.azadi_acceptance(ratio, gamma, supremum), rtol=1e-10
    )
    more, less = (eq.drs_acceptance(ratio, x, supremum) for x in (gamma - 0.5, gamma + 0.5))
    assert np.all(more > less)


@given(pairs(), st.floats(-4, 4))
def test_17_obrs_is_never_worse_at_the_same_rate(pair, gamma):
    p, q = pair
    ratio = np.where(q > 0, p, 0) / np.where(q > 0, q, 1)
    drs = eq.drs_acceptance(ratio, gamma, ratio.max())
    budget = (1 + 1e-12) / eq.acceptance_rate(drs, q)  # else rounding alone may ask for more than Q(p > 0)
    ours, theirs = eq.refined(eq.obrs_acceptance(p, q, max(budget, 1.0)), q), eq.refined(drs, q)
    for f in (divergences.kl, divergences.jensen_shannon, divergences.total_variation, divergences.reverse_kl):
        one, other = (divergences.divergence(f, p, x / x.sum()) for x in (ours, theirs))
        assert one <= other + 1e-9


# --- 22: the gradient of (15) ------------------------------------------------------------------------------------

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
WEIGHTS = WEIGHTS / WEIGHTS.sum()  # of N(0, 1)


def derivative_in_the_mean(objective, m):
    """d/dm of an objective of the rows m + z, z from N(0, 1), at the frozen ratio of N(0, 1) to N(m, 1)."""
    def at(moved):
        values = objective(np.exp(m * m / 2 - m * (moved + NODES)))
        return float(WEIGHTS @ values)

    return (at(m + 1e-5) - at(m - 1e-5)) / 2e-5


def rows(objective, *functions):
    """The summands of a mean over rows."""
    return lambda ratio: np.array([float(objective(*functions, np.array([r]))) for r in ratio])


GAUSSIAN_DIVERGENCES = [  # of N(0, 1) from N(m, 1), and the derivative in m
    ("kl", lambda m: m),  # m^2 / 2
    ("reverse_kl", lambda m: m),
    ("squared_hellinger", lambda m: m / 2 * math.exp(-m * m / 8)),  # 2 - 2 exp(-m^2 / 8)
    ("pearson_chi2", lambda m: 2 * m * math.exp(m * m)),  # exp(m^2) - 1
]


@pytest.mark.parametrize(("name", "exact"), GAUSSIAN_DIVERGENCES)
@pytest.mark.parametrize("m", [0.3, 0.8, 1.2])
def test_22_the_gradient_of_the_divergence(name, exact, m):
    f = getattr(generators, name)
    corrected = derivative_in_the_mean(rows(eq.generator_objective, f.f, f.derivative), m)
    assert corrected == pytest.approx(exact(m), rel=1e-6)
    printed = derivative_in_the_mean(rows(eq.generator_objective_as_printed, f.f), m)
    assert abs(printed - exact(m)) > 0.1 * m


@pytest.mark.parametrize("m", [0.3, 0.8, 1.2])
def test_22_printed_and_frozen_kl_has_the_opposite_sign(m):
    """-m^3 / 2, where the truth is m."""
    f = generators.kl
    assert derivative_in_the_mean(rows(eq.generator_objective_as_printed, f.f), m) == pytest.approx(-m**3 / 2, rel=1e-6)


@pytest.mark.parametrize("c", [-1.0, 2.5])
def test_22_a_multiple_of_u_minus_1_changes_no_divergence_but_the_frozen_gradient(c):
    m, f = 0.8, generators.kl

    def tilted(u):
        return f.f(u) + c * (u - 1)

    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    assert eq.f_divergence(tilted, math.inf, p, q) == pytest.approx(eq.f_divergence(f.f, math.inf, p, q), abs=1e-15)
    frozen = derivative_in_the_mean(rows(eq.generator_objective_as_printed, tilted), m)
    assert frozen == pytest.approx(-m**3 / 2 - c * m, rel=1e-6)
    corrected = rows(eq.generator_objective, tilted, lambda u: f.derivative(u) + c)
    assert derivative_in_the_mean(corrected, m) == pytest.approx(m, rel=1e-6)
