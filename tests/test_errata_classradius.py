"""Errata 18 to 21, all of the slides on the class radius: a counterexample to what is printed, and what is right.

The numbers are those of the page of errata in the book.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from divergen.equations import classradius as source
from divergen.evaluation import class_radius as cr


@given(st.floats(-3, 3))
def test_18_the_sum_covers_both_terms(a):
    """Two half-spaces z < a and z > a: E r = E|z - a| is the corrected sum, and above the printed line."""
    p = np.array([norm.cdf(a), norm.cdf(-a)])
    mean = quad(lambda t: abs(t - a) * norm.pdf(t), -10, 10, points=[a])[0]
    assert source.isoperimetric_sum(p) == pytest.approx(mean, abs=1e-8)
    assert cr.isoperimetric_bound(p).value == pytest.approx(mean, abs=1e-8)
    for i in (0, 1):
        assert source.isoperimetric_sum_as_printed(p, i) == pytest.approx(mean - norm.pdf(a), abs=1e-8)


def test_18_as_printed_for_two_equal_halves():
    half = np.array([0.5, 0.5])
    assert source.isoperimetric_sum_as_printed(half, 0) == pytest.approx(0.398942, abs=1e-6)
    assert source.isoperimetric_sum(half) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-12)  # E|z|


def test_19_the_assumption_is_sufficient_and_far_from_necessary():
    """p = (0.6, 0.4): not below 1/5, and yet each step of the proof holds."""
    p = np.array([0.6, 0.4])
    assert not source.probability_decay(p)
    assert source.isoperimetric_sum(p) < source.termwise_bound(p) < source.radius_bound(p)
    assert cr.gamma_bound(p).proven


@pytest.mark.parametrize(("p", "holds"), [(0.2, True), (0.8444, True), (0.8445, False), (0.95, False)])
def test_19_the_termwise_step(p, holds):
    """kappa(p) <= gamma(p) up to 0.84447."""
    assert (source.kappa(p) <= source.gamma(p)) == holds


@pytest.mark.parametrize(("p", "holds"), [(0.905, True), (0.9054, True), (0.9055, False), (0.99, False)])
def test_19_the_whole_bound(p, holds):
    """Two classes, the worst rest: beyond 0.9054 the bound of the theorem is below the radius of two half-spaces."""
    pair = np.array([p, 1 - p])
    assert (source.isoperimetric_sum(pair) <= source.radius_bound(pair)) == holds
    assert cr.gamma_bound(pair).proven == holds


def test_19_inverting_needs_the_rising_branch():
    """Above 0.5554 gamma falls: two values of ||p||^2 have the same bound, and the inverse is the lower one."""
    top = math.exp(-math.e**2 / (4 * math.pi))
    assert round(top, 4) == 0.5554
    assert source.gamma(top - 1e-3) < source.gamma(top) > source.gamma(top + 1e-3)
    x = np.array([0.7, 0.8, 0.9])
    assert np.all(np.diff(source.gamma(x)) < 0)
    for s in (0.5, 0.55, 0.7, 0.9):
        value = float(source.gamma(s))
        if value <= 0:
            continue
        found = cr.diversity_bound(value).collision_probability
        assert found < top + 1e-6
        assert (found == pytest.approx(s, rel=1e-9)) == (s < top)


def test_19_equal_classes_need_not_have_the_least_bound():
    """ "Our bound is smallest when p is uniform": not for two classes, which are on the falling branch."""
    assert source.radius_bound(np.array([0.85, 0.15])) < source.uniform_bound(2)
    assert source.isoperimetric_sum(np.array([0.85, 0.15])) > source.isoperimetric_sum(np.array([0.5, 0.5]))


@pytest.mark.parametrize(("k", "ratio"), [(5, 3.0), (100, 3.9), (10**9, 5.4)])
def test_20_the_theorem_is_loose(k, ratio):
    """For equal classes the printed bound is 3.0 to 5.4 times the sum, which kappa(||p||^2) equals."""
    assert round(source.uniform_bound(k) / float(source.kappa(1 / k)), 1) == ratio
    if k <= 100:
        p = np.full(k, 1 / k)
        assert source.kappa_bound(p) == pytest.approx(source.isoperimetric_sum(p), rel=1e-12)


@given(st.lists(st.floats(0.01, 1), min_size=20, max_size=40))
def test_20_kappa_is_a_bound_under_the_same_assumption(w):
    p = np.array(w) / np.sum(w)
    while p.max() > 1 / 5:
        p = 0.9 * p + 0.1 / p.size
    assert source.isoperimetric_sum(p) <= source.kappa_bound(p) + 1e-12
    assert 3 * source.kappa_bound(p) <= source.radius_bound(p)


def test_20_kappa_is_no_bound_without_it():
    """(0.6, 0.4): convex there, so that Jensen's inequality points the other way."""
    p = np.array([0.6, 0.4])
    assert source.kappa_bound(p) < source.isoperimetric_sum(p)


def test_21_one_model_can_be_checked_for_one_fifth_only():
    """p_i <= o(1) speaks of a sequence of models.

    One of ever more equal classes has it. One that keeps a class of 1/5 has not, and its bound stays away from 0; yet
    every single model of either passes the same check.
    """
    for k in (5, 10, 1000):
        assert cr.gamma_bound(np.full(k, 1 / k)).decay
        keeping = np.array([0.2, *[0.8 / (4 * k)] * (4 * k)])
        assert cr.gamma_bound(keeping).decay and cr.gamma_bound(keeping).value > source.gamma(0.04)
    assert source.gamma(0.04) > 1.4
