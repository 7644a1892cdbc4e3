"""Each erratum of the first three sources: the counterexample to what is printed, and what is right, by number.

The numbers are those of the page of errata in the book.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import divergen as dg
from divergen.equations import turinici2022image, turinici2022old, turinici2023
from strategies import clouds, weighted_clouds

old = turinici2022old


def test_1_gradient_of_the_norm():
    """Printed x/|x|^2; the norm has slope 1 everywhere but at 0."""
    x = np.array([[2.0]])
    slope = (turinici2023.energy_kernel(x + 1e-6) - turinici2023.energy_kernel(x - 1e-6))[0] / 2e-6
    assert abs(turinici2023.norm_gradient(x)[0, 0] - slope) < 1e-9
    assert abs(turinici2023.norm_gradient_as_printed(x)[0, 0] - slope) > 0.4


@given(clouds(), st.floats(0.1, 2))
def test_2_two_conventions_of_the_distance(x, a):
    """The slides carry a factor 1/2 that the paper drops: the squares differ by exactly 2."""
    z = x[::-1] + 1.0
    slides = turinici2023.discrete_squared_distance(x, z, lambda v: turinici2023.huber_energy_kernel(v, a))
    paper = old.squared_distance(old.delta(x), old.delta(z), a)
    assert abs(paper - 2 * slides) < 1e-11
    assert abs(turinici2022image.squared_distance(x, z, a) - slides) < 1e-11
    assert abs(dg.cloud_squared_distance(x, z, kernel=dg.HuberEnergy(a)) - slides) < 1e-11


@given(st.integers(1, 4), st.integers(1, 4), weighted_clouds(dim=2), clouds(dim=2, min_size=8))
def test_3_mass_of_the_signed_target(kp, k, mu, xy):
    """As printed the mass is K / (Kp + K); divided by K it is 1, and gives the distance of the union, scaled."""
    y, x = xy[:kp], xy[kp : kp + k]
    printed, right = old.signed_target_as_printed(mu, y, k), old.signed_target(mu, y, k)
    assert abs(printed[1].sum() - k / (kp + k)) < 1e-12 and abs(right[1].sum() - 1) < 1e-12
    union = old.objective(np.concatenate([x, y]), mu, 0.5)
    scale = 1e-12 * (1 + np.abs(right[1]).sum()) ** 2 * 30
    assert abs(union - (k / (kp + k)) ** 2 * old.objective(x, right, 0.5)) < scale


def test_3_as_printed_for_one_and_one():
    mu = (np.array([[0.0]]), np.ones(1))
    assert old.signed_target_as_printed(mu, np.array([[1.0]]), 1)[1].sum() == 0.5


def test_3_as_printed_there_need_be_no_minimum():
    """Masses that differ: the "squared distance" (here without 1/2) is unbounded below, against Proposition 1."""
    mu, y = (np.array([[0.0]]), np.ones(1)), np.zeros((3, 1))
    printed = old.signed_target_as_printed(mu, y, 2)
    values = [old.objective(np.array([[-r], [r]]), printed, 0.0) for r in (10.0, 20.0, 40.0)]
    np.testing.assert_allclose(values, [-2, -4, -8])
    right = old.signed_target(mu, y, 2)
    assert all(old.objective(np.array([[-r], [r]]), right, 0.0) >= 0 for r in (10.0, 20.0, 40.0))


def test_4_line_7_of_haw_c():
    """mu = (-1, 0, 0, 1), history (0, 1): two points at -1 and 0 complete it exactly.

    The printed target, although it has mass 1, sends them to -1 and -0.7 instead.
    """
    z, y = np.array([[-1.0], [0.0], [0.0], [1.0]]), np.array([[0.0], [1.0]])
    grid = np.linspace(-1.5, 1.5, 31)[:, None]
    pairs = [grid[[i, j]] for i in range(31) for j in range(i, 31)]
    union = [old.objective(np.concatenate([x, y]), old.delta(z), 0.0) for x in pairs]
    printed = [old.objective(x, old.haw_c_target_as_printed(z, y, 2), 0.0) for x in pairs]
    right = [old.objective(x, old.haw_c_target(z, y, 2), 0.0) for x in pairs]
    assert old.haw_c_target_as_printed(z, y, 2)[1].sum() == pytest.approx(1)
    assert min(union) == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(pairs[int(np.argmin(right))][:, 0], [-1, 0], atol=1e-12)
    np.testing.assert_allclose(pairs[int(np.argmin(printed))][:, 0], [-1, -0.7], atol=1e-12)
    assert union[int(np.argmin(printed))] == pytest.approx(0.0875)


def test_4_the_normal_distribution():
    """N(0, 1), one historical point at 0, two to come: where each formula puts them, and what the union is worth."""
    normal, origin = dg.Gaussian.standard(1), np.zeros((1, 1))
    targets = {
        "corrected": (dg.with_history(normal, origin, 2), 0.9674, 0.034907),
        "line 7 as printed": (2 * normal - dg.Diracs(origin), 1.1503, 0.040152),
    }
    for eta, place, worth in targets.values():
        found = dg.compress(eta, 2, dg.HuberEnergy(0), rng=np.random.default_rng(0), method="lbfgs", restarts=5)
        np.testing.assert_allclose(np.sort(found.points[:, 0]), [-place, place], atol=5e-4)
        union = dg.squared_distance(dg.Diracs(np.concatenate([found.points, origin])), normal, dg.HuberEnergy(0))
        assert union == pytest.approx(worth, abs=1e-5)


@given(st.integers(1, 4), clouds(dim=1, min_size=6))
def test_4_both_forms_agree_for_one_point(kp, cloud):
    z, y = cloud[kp:], cloud[:kp]
    for one, other in zip(old.haw_c_target_as_printed(z, y, 1), old.haw_c_target(z, y, 1), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


@given(clouds(dim=3), weighted_clouds(dim=3), st.sampled_from([0.0, 1e-6, 0.3, 4.0]))
def test_5_existence_inequality_for_every_x(x, eta, a):
    """sum h(x_k) <= K^2 (a/2 + f(X) + d(delta_0, eta)^2), without the assumption that f(X) is near the infimum."""
    bound = float(old.bound_of_proof(x, eta, a))
    h = old._h(x, a)
    slack = 1e-9 * (1 + np.abs(eta[1]).sum()) ** 2 * x.shape[0] ** 2
    assert h.sum() <= bound + slack


@given(clouds(dim=2), weighted_clouds(dim=2), st.sampled_from([0.0, 0.3, 4.0]))
def test_5_the_steps_of_the_proof(x, eta, a):
    slack = 1e-9 * (1 + np.abs(eta[1]).sum()) ** 2
    f = old.objective(x, eta, a)
    assert f >= old.lower_bound_7(x, eta, a) - slack
    squared = old.distance_to_origin(x, a)
    assert squared == pytest.approx(old.squared_distance(old.delta(x), old.delta(np.zeros((1, 2))), a), abs=1e-10)
    assert squared <= old.upper_bound_8(x, eta, a) + slack
    bound_10, bound_11 = old.distance_to_origin_bound_10(x, a), old.distance_to_origin_bound_11(x, a)
    assert squared >= bound_10 - 1e-10 and bound_10 >= bound_11 - 1e-10


def test_5_the_constant_as_printed_holds_near_the_infimum():
    """The paper's C0 on a grid: every X with f(X) <= m + 1 has sum h(x_k) <= C0."""
    grid = np.linspace(-4, 4, 33)[:, None]
    eta = (np.array([[-1.0], [2.0], [0.0]]), np.array([0.8, 0.7, -0.5]))
    m = old.infimum(grid, 2, eta, 0.3)
    assert old.objective(old.minimum(grid, 2, eta, 0.3), eta, 0.3) == m
    c0 = old.compactness_constant(2, m, float(old.objective(np.zeros((1, 1)), eta, 0.3)), 0.3)
    near = [x for x in (grid[[i, j]] for i in range(33) for j in range(33)) if old.objective(x, eta, 0.3) <= m + 1]
    assert len(near) > 10 and all(old._h(x, 0.3).sum() <= c0 for x in near)


def test_6_target_compression_starts_in_the_target():
    """Line 3 is blank in print: the points start as draws of the target, J of them."""
    sizes = []

    def sample(n, rng):
        sizes.append(n)
        return rng.standard_normal((n, 2)) + 100

    x = turinici2022image.algorithm_tc(sample, 4, 9, 1, 0.01, np.random.default_rng(0))
    assert sizes == [4, 9] and np.all(np.abs(x - 100) < 10)


def test_7_a_bernoulli_likelihood_needs_logits_of_both_signs():
    """A ReLU before the sigmoid cannot say "black": its probabilities start at 1/2, and a black pixel costs log 2."""
    logits = np.linspace(-5, 5, 101)
    through_relu = 1 / (1 + np.exp(-np.maximum(logits, 0)))
    assert through_relu.min() == 0.5 and (-np.log(1 - through_relu)).min() == pytest.approx(np.log(2))
    assert (1 / (1 + np.exp(-logits))).min() < 0.01
