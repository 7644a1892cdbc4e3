"""The game's gradients against differences, quadrature, closed forms and exact optima; none of them against itself."""

import math
from dataclasses import replace

import hypothesis.extra.numpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad

import divergen as dg
from divergen.arrays import to_numpy
from divergen.evaluation.generators import (
    alpha_divergence,
    gan,
    jensen_shannon,
    kl,
    neyman_chi2,
    pearson_chi2,
    precision_recall,
    reverse_kl,
    squared_hellinger,
    total_variation,
)
from divergen.models.games import critic_objective, generator_objective, plain_generator_objective

SMOOTH = [kl, reverse_kl, jensen_shannon, gan, pearson_chi2, neyman_chi2, squared_hellinger, alpha_divergence(1.5)]
KINKED = [total_variation, precision_recall(0.2), precision_recall(1), precision_recall(5)]


def by_name(f):
    return f.name


def differences(function, v, h=1e-5):
    """The gradient of a function of a vector, by central differences."""
    return np.array([(function(v + h * e) - function(v - h * e)) / (2 * h) for e in np.eye(len(v))])


# --- the critic ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", SMOOTH, ids=by_name)
def test_dual_value_is_that_of_the_critic_g_prime(g, rng):
    v, w = rng.normal(size=30), rng.normal(size=20)
    want = dg.dual_value(g, g.derivative(np.exp(v)), g.derivative(np.exp(w)))
    assert critic_objective(g, v, w).value == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("g", SMOOTH + KINKED, ids=by_name)
def test_critic_gradient_is_that_of_its_value(g, rng):
    v, w = rng.normal(size=7), rng.normal(size=5)
    _, real, generated = critic_objective(g, v, w)
    assert_allclose(real, differences(lambda x: critic_objective(g, x, w).value, v), atol=3e-9)
    assert_allclose(generated, differences(lambda x: critic_objective(g, v, x).value, w), atol=3e-9)


def test_gan_is_the_original_game(rng):
    v, w = rng.normal(size=9), rng.normal(size=9)
    d, e = 1 / (1 + np.exp(-v)), 1 / (1 + np.exp(-w))  # the discriminator's probabilities
    value, real, generated = critic_objective(gan, v, w)
    assert value == pytest.approx(np.mean(np.log(d)) + np.mean(np.log(1 - e)), rel=1e-12)
    assert_allclose(9 * real, 1 - d, rtol=1e-12)
    assert_allclose(9 * generated, -e, rtol=1e-12)


@pytest.mark.parametrize("g", SMOOTH, ids=by_name)
def test_critic_gradient_vanishes_at_the_true_ratio(g):
    """On three atoms with P = r Q: the gradient of E_P - E_Q is zero at v = log r, and J is the divergence."""
    p, q = np.array([1, 2, 3]), np.array([3, 2, 1])  # in sixths
    v = np.log(p / q)
    value, real, generated = critic_objective(g, np.repeat(v, p), np.repeat(v, q))
    ends_p, ends_q = np.cumsum(p) - 1, np.cumsum(q) - 1
    assert_allclose(real[ends_p] * p + generated[ends_q] * q, 0, atol=1e-14)
    assert value == pytest.approx(dg.divergence(g, p / 6, q / 6), rel=1e-12)


@pytest.mark.parametrize("f", KINKED, ids=by_name)
def test_squashed_critic_of_a_kinked_divergence(f, rng):
    v, w = rng.normal(size=30), rng.normal(size=20)
    low, high = f.derivative(0.0), f.slope_at_infinity

    def squash(x):
        return low + (high - low) / (1 + np.exp(-x))

    assert critic_objective(f, v, w).value == pytest.approx(dg.dual_value(f, squash(v), squash(w)), rel=1e-12)


log_ratios = hypothesis.extra.numpy.arrays(np.float64, st.integers(2, 12), elements=st.floats(-50, 50))


@given(v=log_ratios, w=log_ratios, f=st.sampled_from(SMOOTH + KINKED), budget=st.floats(1, 20))
def test_properties_of_the_game(v, w, f, budget):
    """The critic pushes real points up and generated ones down, the generator pulls those up; order is nothing."""
    value, real, generated = critic_objective(f, v, w)
    assert math.isfinite(value) and np.all(real >= 0) and np.all(generated <= 0)
    for objective in (generator_objective(f, v, budget=budget), plain_generator_objective(f, v)):
        assert math.isfinite(objective.value) and np.all(np.isfinite(objective.gradient))
        assert np.all(objective.gradient <= 0)
    again = generator_objective(f, v[::-1], budget=budget)
    assert_allclose(again.gradient[::-1], generator_objective(f, v, budget=budget).gradient, rtol=1e-9)


@given(v=hypothesis.extra.numpy.arrays(np.float64, 3, elements=st.floats(-8, 8)), f=st.sampled_from(SMOOTH + KINKED))
def test_no_critic_exceeds_the_divergence(v, f):
    p, q = np.array([1, 2, 3]), np.array([3, 2, 1])  # in sixths
    largest = dg.divergence(f, p / 6, q / 6)
    assert critic_objective(f, np.repeat(v, p), np.repeat(v, q)).value <= largest + 1e-9 * (1 + np.exp(2 * np.max(v)))


# --- large numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [-50.0, 50.0])
def test_extreme_log_ratios_are_exact(dtype, size):
    """Closed forms of u^2 f'' and of f* at u = exp(v), where u^2 alone is too large for single precision."""
    v = np.array([size], dtype=dtype)
    u = math.exp(size)
    forms = [(kl, u, u - 1), (reverse_kl, 1.0, size), (gan, 1 / (1 + 1 / u), math.log1p(u)),
             (squared_hellinger, math.sqrt(u) / 2, math.sqrt(u) - 1)]
    for f, curvature, conjugate in forms:
        value, gradient, *_ = generator_objective(f, v)
        assert_allclose(gradient, -curvature, rtol=1e-6)
        assert value == pytest.approx(-conjugate, rel=1e-6)
        assert gradient.dtype == dtype
        objective = critic_objective(f, v, v)
        assert_allclose(objective.generated, -curvature, rtol=1e-6)
        assert_allclose(objective.real, curvature / u, rtol=1e-6)
        assert objective.generated.dtype == objective.real.dtype == dtype


def test_what_overflows_is_handed_back_as_it_is():
    with np.errstate(over="ignore", invalid="ignore"):
        value, gradient, *_ = generator_objective(kl, np.array([1000.0, 0.0]))
        assert value == -math.inf and not np.isfinite(gradient[0]) and gradient[1] == -0.5
        assert critic_objective(kl, np.zeros(1), np.array([1000.0])).value == -math.inf


# --- the generator -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [1.0, 1.7])
@pytest.mark.parametrize("f", SMOOTH + KINKED, ids=by_name)
def test_generator_gradient_is_that_of_its_value(f, budget, rng):
    """With a budget, the rule a stays: its value is followed by moving one point, and the others hold the rule."""
    v = rng.normal(size=12)
    value, gradient, estimate, certain = generator_objective(f, v, bandwidth=0.6, budget=budget)

    def without_slope(u):
        return f.f(u) - f.slope_at_one * (u - 1)

    if budget == 1:
        assert certain == 1
        found = differences(lambda x: generator_objective(f, x, bandwidth=0.6).value, v)
        assert estimate == pytest.approx(np.mean(without_slope(np.exp(v))), rel=1e-12)
    else:
        rule = dg.obrs(v, budget, log=True)

        def psi(x):
            """With the rule fixed, psi is eta at Z r, from the border on, over Z."""
            border = -rule.log_scale
            rows = [generator_objective(f, np.array([max(w, border) + math.log(rule.rate)]), bandwidth=0.6).value
                    - generator_objective(f, np.array([border + math.log(rule.rate)]), bandwidth=0.6).value for w in x]
            return np.mean(rows) / rule.rate

        found = differences(psi, v)
        assert value == pytest.approx(psi(v), rel=1e-9)
        accepted = rule.probability
        assert np.all(gradient[accepted < 1] == 0) and np.all(gradient[accepted == 1] <= 0)
        assert 0 < np.sum(accepted == 1) < 12
        assert certain == np.mean(accepted == 1) == np.mean(gradient < 0)
        want = np.mean(accepted * without_slope(rule.rate * np.exp(v) / accepted)) / rule.rate
        assert estimate == pytest.approx(want, rel=1e-12)
    assert_allclose(gradient, found, atol=1e-8)


def test_plain_dual_without_kinks_is_the_same_step(rng):
    v = rng.normal(size=8)
    for f in SMOOTH:
        ours, plain = generator_objective(f, v), plain_generator_objective(f, v)
        assert_allclose(plain.gradient, ours.gradient)
        assert ours.value == pytest.approx(-np.mean(f.conjugate(f.derivative(np.exp(v)))), rel=1e-10)


@pytest.mark.parametrize("f", KINKED, ids=by_name)
def test_plain_dual_with_kinks(f, rng):
    v = rng.normal(size=8)
    value, gradient, estimate, certain = plain_generator_objective(f, v)
    assert_allclose(gradient, differences(lambda x: plain_generator_objective(f, x).value, v), atol=1e-9)
    low, high = f.derivative(0.0), f.slope_at_infinity
    assert value == pytest.approx(-np.mean(f.conjugate(low + (high - low) / (1 + np.exp(-v)))), rel=1e-12)
    assert math.isnan(estimate) and certain == 1


# --- the right gradient, and the wrong one ------------------------------------------------------------------------

X = np.linspace(-14, 14, 28_001)
P = 0.5 * np.exp(-(((X + 1.5) / 0.6) ** 2) / 2) / 0.6 + 0.5 * np.exp(-(((X - 1.2) / 0.7) ** 2) / 2) / 0.7
P /= P.sum()
MEAN, DEVIATION = 0.4, 1.6  # wider than P: the ratio is bounded, by 2.7


def model(mean, deviation):
    """The law of x = mean + deviation z on the fine grid X."""
    q = np.exp(-(((X - mean) / deviation) ** 2) / 2)
    return q / q.sum()


def descent(f, bandwidth, budget=1.0):
    """The derivatives with respect to mean and deviation that the gradient through x = G(z) gives.

    The grid is turned into the sample: each atom by its own call with weights, through the rows' own gradient.
    """
    q = model(MEAN, DEVIATION)
    v = np.log(P / q)
    inner = np.abs(X - MEAN) < 8 * DEVIATION
    x, q, v = X[inner], q[inner], v[inner]
    slope = np.gradient(v, x)
    rows = rowwise(f, v, q, bandwidth, budget)
    return np.array([np.sum(q * rows * slope), np.sum(q * rows * slope * (x - MEAN) / DEVIATION)])


def rowwise(f, v, q, bandwidth, budget):
    """Each row's gradient. With a budget, the sample is a large one whose rule is that of the weights q."""
    if budget == 1:
        return len(v) * generator_objective(f, v, bandwidth=bandwidth).gradient
    count = 400_000  # quantiles of q stand for the sample, so that generator_objective finds the rule by itself
    place = np.searchsorted(np.cumsum(q), (np.arange(count) + 0.5) / count).clip(0, len(v) - 1)
    gradient = count * generator_objective(f, v[place], bandwidth=bandwidth, budget=budget).gradient
    rows = np.zeros_like(v)
    rows[place] = gradient
    return np.where(np.bincount(place, minlength=len(v)) > 0, rows, 0.0)


def exact(f, budget=1.0, h=1e-4):
    """The derivatives of the divergence of the best refined law, by differences of exact optima."""

    def value(mean, deviation):
        q = model(mean, deviation)
        kept = dg.obrs(P / q, budget, weights=q).probability * q
        return dg.divergence(f, P, kept / kept.sum())

    return np.array([value(MEAN + h, DEVIATION) - value(MEAN - h, DEVIATION),
                     value(MEAN, DEVIATION + h) - value(MEAN, DEVIATION - h)]) / (2 * h)


FINITE = [reverse_kl, jensen_shannon, gan, squared_hellinger, kl]


@pytest.mark.parametrize("f", FINITE, ids=by_name)
def test_descent_is_the_derivative_of_the_divergence(f):
    assert_allclose(descent(f, 1.0), exact(f), rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("f", [precision_recall(0.8), precision_recall(1.5), total_variation], ids=by_name)
def test_descent_of_a_kinked_divergence_as_the_bandwidth_falls(f):
    errors = [np.abs(descent(f, tau) - exact(f, h=1e-3)).max() for tau in (0.5, 0.05)]
    assert errors[1] < 5e-3 and errors[1] < errors[0] / 5


@pytest.mark.parametrize("budget", [1.2, 1.6, 2.5])
@pytest.mark.parametrize("f", FINITE, ids=by_name)
def test_descent_through_obrs_is_the_derivative_of_the_exact_optimum(f, budget):
    assert_allclose(descent(f, 1.0, budget), exact(f, budget), rtol=0.02, atol=1e-4)


def test_descent_through_obrs_of_a_kinked_divergence():
    f = precision_recall(0.6)
    want = exact(f, 1.6, h=1e-3)
    assert np.abs(want).max() > 0.02  # it is no test of zeros
    assert_allclose(descent(f, 0.02, 1.6), want, atol=5e-3)


@pytest.mark.parametrize("m", [0.5, 2.0])
def test_primal_with_a_frozen_ratio_has_the_wrong_gradient(m):
    """P = N(0, 1), Q = N(m, 1), KL = m^2/2: through x alone, E_Q[f(r)] gives -m^3/2 in place of m."""

    def density(x):
        return math.exp(-((x - m) ** 2) / 2) / math.sqrt(2 * math.pi)

    def frozen(x):  # d/dx f(r(x)) = f'(r) r' with log r = m^2/2 - m x
        v = m * m / 2 - m * x
        return v * math.exp(v) * -m

    def danskin(x):
        return generator_objective(kl, np.array([m * m / 2 - m * x])).gradient[0] * -m

    wrong = quad(lambda x: density(x) * frozen(x), -15, 15, points=[0, m])[0]
    right = quad(lambda x: density(x) * danskin(x), -15, 15, points=[0, m])[0]
    assert right == pytest.approx(m, rel=1e-8)
    assert wrong == pytest.approx(-(m**3) / 2, rel=1e-8)


@pytest.mark.parametrize("tau", [0.3, 1.0])
@pytest.mark.parametrize("lam", [0.2, 3.0])
def test_a_smoothed_pr_divergence_is_an_average_of_pr_divergences(lam, tau):
    """The gradient in the generator's weights q: of the average by differences, of eta_tau as it is."""
    p, q = np.array([0.1, 0.3, 0.25, 0.35]), np.array([0.4, 0.2, 0.3, 0.1])
    t = np.linspace(-30, 30, 200_001)
    log_mu = math.log(lam) + tau * t
    weights = 1 / (2 + 2 * np.cosh(t)) * (t[1] - t[0])  # the logistic density; its mass is 1
    assert weights.sum() == pytest.approx(1, abs=1e-9)

    def average(q):
        """Of sum q f_mu(p/q) over mu, by the definition of f_mu; q need not sum to 1."""
        mu = np.exp(log_mu)[:, None]
        values = np.sum(np.maximum(mu * p, q) - q * np.maximum(mu, 1), axis=1)
        return np.sum(weights * values)

    found = np.array([generator_objective(precision_recall(lam), np.array([math.log(r)]), bandwidth=tau).value
                      for r in p / q])
    want = differences(average, q, h=2e-3)  # many nodes wide
    along = np.array([[1, -1, 0, 0], [0, 1, -1, 0], [0, 0, 1, -1]])  # directions in which the mass stays 1
    assert_allclose(along @ found, along @ want, atol=3e-4)


def test_total_variation_is_smoothed_around_one(rng):
    v = rng.normal(size=6)
    assert_allclose(generator_objective(total_variation, v, bandwidth=0.7).gradient,
                    generator_objective(precision_recall(1), v, bandwidth=0.7).gradient, rtol=1e-12)


def test_a_ratio_exactly_at_a_kink_is_pulled_once():
    """f'' is infinite there; the pull is that of the smoothed kink, and no more."""
    for f in (total_variation, precision_recall(1)):
        value, gradient, *_ = generator_objective(f, np.zeros(1), bandwidth=0.5)
        assert gradient[0] == pytest.approx(-0.5, rel=1e-12)  # k(0) = 1 / (4 tau)
        near = generator_objective(f, np.full(1, 1e-9), bandwidth=0.5).value
        assert value == pytest.approx(near, abs=1e-8)


def test_a_budget_beyond_the_price_of_the_target_pulls_nothing():
    objective = generator_objective(kl, np.log(np.array([0.5, 1.0, 1.5])), budget=4)
    assert np.all(objective.gradient == 0)
    assert objective.estimate == pytest.approx(0, abs=1e-12)  # refined exactly: the ratio is 1 on all that is kept
    assert objective.certain == 0


@given(v=log_ratios, f=st.sampled_from(SMOOTH + KINKED))
def test_a_budget_of_as_many_as_there_are_points_buys_the_target(v, f):
    """The mean of r is at least its maximum over n."""
    objective = generator_objective(f, v, budget=len(v) * (1 + 1e-9))
    assert objective.certain == 0 and not np.any(objective.gradient)


@pytest.mark.parametrize("budget", [1.0, 1.5])
@pytest.mark.parametrize("offset", [-0.5, 0.0, 0.5])
def test_the_estimate_does_not_take_a_wrong_mean_of_the_ratio_for_a_divergence(offset, budget, rng):
    """A critic that is off by a constant has E_Q[r] of 1 e^offset; lambda times that would be added."""
    v = 0.4 * rng.normal(size=4000) - 0.08 + offset
    estimates = {lam: generator_objective(precision_recall(lam), v, budget=budget).estimate for lam in (0.05, 1, 20)}
    assert all(-1e-12 <= estimates[lam] <= min(1, lam) for lam in estimates)
    assert estimates[0.05] < 1e-3 and estimates[20] < 1e-3  # nearly all ratios are between 1/20 and 20
    assert estimates[1] == pytest.approx(generator_objective(total_variation, v, budget=budget).estimate, rel=1e-12)
    if budget == 1:
        assert estimates[1] == pytest.approx(np.mean(np.abs(np.exp(v) - 1)) / 2, rel=1e-12)


@pytest.mark.parametrize("budget", [1.0, 1.3])
@pytest.mark.parametrize("f", SMOOTH + KINKED, ids=by_name)
def test_the_estimate_at_exact_ratios_is_the_divergence(f, budget):
    """Three atoms; with a budget, that of P from the law that OBRS makes of Q."""
    p, q = np.array([1, 2, 3]), np.array([3, 2, 1])  # in sixths
    kept = dg.obrs(p / q, budget, weights=q / 6).probability * q
    want = dg.divergence(f, p / 6, kept / kept.sum())
    assert generator_objective(f, np.repeat(np.log(p / q), q), budget=budget).estimate == pytest.approx(want, rel=1e-9)


# --- the naive dual ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam", [0.05, 20.0])
def test_the_naive_dual_saturates(lam):
    """At ratios between 1/10 and 10 the best T is one constant: the critic climbs without end, and all slopes die."""
    p, q = np.array([10, 1]) / 11, np.array([1, 10]) / 11
    v, slopes = np.zeros(2), []
    for _ in range(4000):
        _, real, generated = critic_objective(precision_recall(lam), v, v)
        v = v + 2 * (real * p + generated * q) / lam**0.5
        slopes.append(np.abs(plain_generator_objective(precision_recall(lam), v).gradient).max())
    assert np.all(np.sign(v) == (1 if lam > 10 else -1))  # the same on both atoms
    assert slopes[-1] < slopes[0] / 100
    ratios = np.log(p / q)
    assert np.abs(generator_objective(precision_recall(lam), ratios).gradient).max() > slopes[-1] * 10


# --- libraries and messages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [kl, jensen_shannon, precision_recall(2)], ids=by_name)
def test_other_libraries(f, library, rng):
    v, w = rng.normal(size=9), rng.normal(size=7)
    for ours, numpys in zip(critic_objective(f, library.asarray(v), library.asarray(w)), critic_objective(f, v, w),
                            strict=True):
        assert_allclose(to_numpy(ours), numpys, rtol=1e-12)
    for budget in (1, 2):
        ours = generator_objective(f, library.asarray(v), budget=budget)
        assert dg.namespace(ours.gradient) is not np
        assert_allclose(to_numpy(ours.gradient), generator_objective(f, v, budget=budget).gradient, rtol=1e-12)
    assert_allclose(to_numpy(plain_generator_objective(f, library.asarray(v)).gradient),
                    plain_generator_objective(f, v).gradient, rtol=1e-12)


def test_messages():
    v = np.zeros(2)
    with pytest.raises(ValueError, match="bandwidth: expected a finite number above 0, got 0"):
        generator_objective(kl, v, bandwidth=0)
    with pytest.raises(ValueError, match=r"budget: expected a finite number at least 1, got 0\.5"):
        generator_objective(kl, v, budget=0.5)
    with pytest.raises(ValueError, match="v: expected a vector"):
        generator_objective(kl, np.zeros((2, 1)))
    with pytest.raises(ValueError, match="v_real: expected finite numbers"):
        critic_objective(kl, np.array([np.nan]), v)
    with pytest.raises(ValueError, match="v_generated: expected a vector"):
        critic_objective(kl, v, np.zeros((2, 1)))
    unbounded = replace(precision_recall(2), slope_at_infinity=math.inf)
    with pytest.raises(ValueError, match="f: expected a divergence whose slopes are bounded"):
        critic_objective(unbounded, v, v)
