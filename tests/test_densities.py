"""Toy densities against SciPy's normal, quadrature and large samples."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import dblquad
from scipy.stats import multivariate_normal, norm

import divergen as dg
from divergen.arrays import to_numpy
from divergen.densities import bin_probabilities, bin_shares, grid, log_density, ring

OBLIQUE = np.array([[2.0, 0.6], [0.6, 0.5]])


def test_ring():
    p = ring(5, radius=3.0, scale=0.2)
    assert p.mass == pytest.approx(1) and len(p.terms) == 5
    centres = np.array([gaussian.mean for _, gaussian in p.terms])
    assert_allclose(np.hypot(*centres.T), 3)
    gaps = np.hypot(*(centres - np.roll(centres, 1, axis=0)).T)
    assert_allclose(gaps, 6 * math.sin(math.pi / 5))
    assert_allclose([gaussian.cov for _, gaussian in p.terms], [0.04 * np.eye(2)] * 5)


def test_grid():
    p = grid(3, spacing=2.0, scale=0.5)
    assert p.mass == pytest.approx(1)
    centres = {tuple(gaussian.mean) for _, gaussian in p.terms}
    assert centres == {(x, y) for x in (-2, 0, 2) for y in (-2, 0, 2)}
    assert_allclose(p.terms[4][1].cov, 0.25 * np.eye(2))


@pytest.mark.parametrize("cov", [np.diag([2.0, 0.5]), OBLIQUE], ids=["diagonal", "oblique"])
def test_log_density_of_a_gaussian(cov, rng):
    x = rng.normal(size=(50, 2)) * 5
    ours = log_density(dg.Gaussian(np.array([1.0, -2.0]), cov), x)
    assert_allclose(ours, multivariate_normal([1.0, -2.0], cov).logpdf(x), rtol=1e-12)


def test_log_density_with_oblique_axes_in_three_dimensions(rng):
    """In the plane a matrix of eigenvectors may be its own transpose; here it is not."""
    root = rng.normal(size=(3, 3))
    cov, x = root @ root.T + np.eye(3), rng.normal(size=(20, 3)) * 3
    mean = np.arange(3.0)
    assert_allclose(log_density(dg.Gaussian(mean, cov), x), multivariate_normal(mean, cov).logpdf(x), rtol=1e-12)


def test_log_density_of_a_combination(rng):
    one, other = dg.Gaussian(np.zeros(2), OBLIQUE), dg.Gaussian(np.ones(2), 0.1 * np.eye(2))
    x = rng.normal(size=(50, 2)) * 3
    want = 2 * multivariate_normal([0, 0], OBLIQUE).pdf(x) + 0.5 * multivariate_normal([1, 1], 0.1 * np.eye(2)).pdf(x)
    assert_allclose(log_density(2 * one + 0.5 * other + 0 * other, x), np.log(want), rtol=1e-12)
    nested = dg.Combination(((0.5, 4 * one + 1.0 * other),))
    assert_allclose(log_density(nested, x), np.log(want), rtol=1e-12)


def test_log_density_far_away_does_not_underflow():
    far = log_density(ring(8, radius=2.0, scale=0.1), np.array([[100.0, 0.0]]))
    assert_allclose(far, -(98**2) / 0.02 - math.log(8 * 2 * math.pi * 0.01), rtol=1e-12)


@pytest.mark.parametrize("far", [1e160, 1e308])
def test_log_density_where_the_square_is_too_large(far):
    """Minus infinity, as SciPy has it; no nan, and no warning, which is an error here."""
    near = np.array([2.0, 0.0])
    for x in (np.array([far, 0.0]), np.array([-far, far])):
        found = log_density(ring(8, radius=2.0, scale=0.1), np.stack([x, near]))
        assert found[0] == -math.inf and found[1] == pytest.approx(0.687852, abs=1e-6)
        assert log_density(dg.Gaussian(np.zeros(2), OBLIQUE), x[None, :])[0] == -math.inf
    other = dg.Gaussian(np.full(1, 1e150), np.eye(1) * 1e-20)  # of two terms one is minus infinity
    found = log_density(0.5 * dg.Gaussian.standard(1) + 0.5 * other, np.array([[0.0], [1e150], [far]]))
    assert_allclose(found, [math.log(0.5) + norm.logpdf(0), math.log(0.5) + norm.logpdf(0, scale=1e-10), -math.inf])


def test_log_density_where_a_product_with_the_axes_overflows():
    """A sum over coordinates, taken in parts of either sign, may come to inf - inf."""
    gaussian = dg.Gaussian(np.zeros(64), np.eye(64) + np.ones((64, 64)))  # one axis is along (1, ..., 1)
    signs = [np.where(np.arange(64) // run % 2 == 0, 1.7e308, -1.7e308) for run in (1, 2, 4, 8, 32)]
    for x in (np.stack(signs), *(np.tile(row, (5, 1)) for row in signs)):
        assert np.all(log_density(gaussian, x) == -math.inf)


def test_bin_probabilities_by_quadrature():
    p = 0.3 * dg.Gaussian(np.array([0.2, -0.1]), np.diag([0.5, 2.0])) + 0.7 * dg.Gaussian(np.ones(2), np.eye(2))
    edges = [np.array([-20.0, 0.0, 1.5, 20.0]), np.array([-20.0, 0.3, 20.0])]
    found = bin_probabilities(p, edges)
    assert found.shape == (3, 2) and found.sum() == pytest.approx(1, abs=1e-14)
    inner = dblquad(lambda y, x: math.exp(log_density(p, np.array([[x, y]]))[0]), 0.0, 1.5, -12, 0.3)[0]
    assert found[1, 0] == pytest.approx(inner, rel=1e-7)


def test_bins_in_the_tails_keep_their_digits():
    edges = [np.array([-41.0, -40.0, -30.0, 30.0, 37.0, 38.0])]
    found = bin_probabilities(dg.Gaussian.standard(1), edges)
    assert found[0] == pytest.approx(norm.cdf(-40), rel=1e-10, abs=0)
    assert found[1] == pytest.approx(norm.cdf(-30), rel=1e-10, abs=0)
    assert found[3] == pytest.approx(norm.sf(30), rel=1e-10, abs=0)
    assert found[4] == pytest.approx(norm.sf(37), rel=1e-10, abs=0)


def test_shares_of_a_large_sample_are_near_the_probabilities(rng):
    p, edges = grid(3, spacing=1.0, scale=0.3), [np.linspace(-1.5, 1.5, 6)] * 2
    n = 200_000
    want, shares = bin_probabilities(p, edges), bin_shares(p.sample(n, rng), edges)
    assert shares.shape == (5, 5) and shares.sum() == pytest.approx(1)
    deviations = (shares - want) / np.sqrt(want * (1 - want) / n)
    assert np.abs(deviations).max() < 4.5
    curve = dg.pr_curve(want.ravel(), shares.ravel(), np.array([1.0]))
    assert curve.precision[0] > 0.99


def test_shares_count_as_numpy_does(rng):
    x = rng.normal(size=(500, 2))
    edges = [np.array([-9.0, -1.0, 0.0, 0.7, 9.0]), np.array([-9.0, 0.5, 9.0])]
    assert_allclose(500 * bin_shares(x, edges), np.histogramdd(x, edges)[0])
    outside = bin_shares(np.array([[-50.0], [50.0], [1.0]]), [np.array([-1.0, 1.0, 2.0])])
    assert_allclose(outside, [1 / 3, 2 / 3])


def test_other_libraries(library, rng):
    x = rng.normal(size=(20, 2))
    gaussian = dg.Gaussian(library.asarray(np.zeros(2)), library.asarray(OBLIQUE))
    ours = log_density(0.5 * gaussian + 0.5 * gaussian, library.asarray(x))
    assert dg.namespace(ours) is not np
    assert_allclose(to_numpy(ours), multivariate_normal([0, 0], OBLIQUE).logpdf(x), rtol=1e-12)
    edges = [np.linspace(-1, 1, 4)] * 2
    standard = dg.Gaussian(library.asarray(np.zeros(2)), library.asarray(np.eye(2)))
    found = bin_probabilities(standard, [library.asarray(edge) for edge in edges])
    assert dg.namespace(found) is not np
    assert_allclose(to_numpy(found), bin_probabilities(dg.Gaussian.standard(2), edges), rtol=1e-12)
    assert_allclose(to_numpy(bin_shares(library.asarray(x), edges)), bin_shares(x, edges))


def test_messages():
    x, edges = np.zeros((1, 2)), [np.linspace(-1, 1, 3)] * 2
    gaussian = dg.Gaussian.standard(2)
    with pytest.raises(ValueError, match="measure: expected coefficients of at least 0, got -1"):
        log_density(2 * gaussian - gaussian, x)
    with pytest.raises(ValueError, match="measure: expected Gaussians and combinations of them, got Diracs"):
        log_density(gaussian + dg.Diracs(x), x)
    with pytest.raises(ValueError, match="measure: expected a measure of positive mass, got one of mass 0"):
        log_density(0 * gaussian, x)
    with pytest.raises(ValueError, match="measure: expected Gaussians with invertible covariances, got a singular one"):
        log_density(dg.Gaussian(np.zeros(2), np.diag([1.0, 0.0])), x)
    with pytest.raises(ValueError, match="measure: expected Gaussians with invertible"):
        bin_probabilities(dg.Gaussian(np.zeros(2), np.diag([1.0, 0.0])), edges)
    with pytest.raises(ValueError, match="measure: expected Gaussians with axes along the coordinates"):
        bin_probabilities(dg.Gaussian(np.zeros(2), OBLIQUE), edges)
    with pytest.raises(ValueError, match="edges: expected 2 arrays, one for each coordinate, got 1"):
        bin_probabilities(gaussian, edges[:1])
    for bad in (np.array([0.0]), np.array([0.0, 0.0, 1.0])):
        with pytest.raises(ValueError, match=r"edges\[1\]: expected at least two increasing numbers"):
            bin_shares(x, [edges[0], bad])
    with pytest.raises(ValueError, match="x: expected points of dimension 2, got dimension 1"):
        log_density(gaussian, np.zeros((3, 1)))
    for make in (ring, grid):
        with pytest.raises(ValueError, match="expected a whole number of at least 1, got 0"):
            make(0)
        with pytest.raises(ValueError, match="scale: expected a finite number above 0, got 0"):
            make(3, scale=0)
    with pytest.raises(ValueError, match="radius: expected a finite number at least 0, got -1"):
        ring(3, radius=-1)
    with pytest.raises(ValueError, match="spacing: expected a finite number above 0, got 0"):
        grid(3, spacing=0)
