"""The equations themselves against independent truths: quadrature, mpmath, and what the sources say of them."""

import autograd
import mpmath
import numpy as np
import pytest

from divergen.equations import turinici2022old, turinici2023


def huber(a):
    return lambda v: turinici2023.huber_energy_kernel(v, a)


def test_equation_3_becomes_equation_4(rng):
    x, z = rng.standard_normal((4, 2)), rng.standard_normal((6, 2))
    signed = np.concatenate([np.full(4, 1 / 4), np.full(6, -1 / 6)])
    general = turinici2023.squared_distance(np.concatenate([x, z]), signed, huber(0.3))
    assert general == pytest.approx(turinici2023.discrete_squared_distance(x, z, huber(0.3)), rel=1e-12)
    assert turinici2023.semp_objective(x, z, huber(0.3)) == turinici2023.discrete_squared_distance(x, z, huber(0.3))


def test_equation_4_by_hand():
    """Two points against one, worked out on paper: (1 + 2)/2 - (3 + 3)/(2 * 4) = 3/4."""
    x, z = np.array([[0.0], [3.0]]), np.array([[1.0]])
    assert turinici2023.discrete_squared_distance(x, z, turinici2023.energy_kernel) == 0.75


@pytest.mark.parametrize(("r", "dim", "a"), [(0.0, 1, 0.0), (1.5, 2, 0.0), (0.3, 3, 0.7), (4.0, 5, 1e-3)])
def test_expected_kernel_by_the_radial_integral(r, dim, a):
    """|x - z| is noncentral chi: integrate the kernel against its density, by mpmath."""
    from scipy.stats import ncx2

    def integrand(s):
        return mpmath.mpf(float(np.sqrt(s**2 + a * a) - a) * float(ncx2.pdf(s * s, dim, r * r)) * 2 * float(s))

    want = mpmath.quad(lambda s: integrand(float(s)), [1e-9, 0.5, 1, 2, 3, 4, 6, 8, 12, 20])
    x = np.zeros((1, dim))
    x[0, 0] = r
    assert abs(turinici2023.expected_huber_energy(x, a)[0] - float(want)) < 1e-7


def test_sg_objective_by_monte_carlo(rng):
    x = rng.standard_normal((5, 2))
    draws = [
        turinici2023.discrete_squared_distance(x, rng.standard_normal((2000, 2)), huber(0.1)) for _ in range(8)
    ]
    bias = 1.6 / (2 * 2000)  # E h(z - z') / (2 n) of a V-statistic; the mean distance is below 1.78
    assert abs(np.mean(draws) - bias - turinici2023.sg_objective(x, 0.1)) < 5 * np.std(draws) / 8**0.5 + 2e-4


def test_gradient_of_equation_4_by_autograd(rng):
    x, z = rng.standard_normal((4, 3)), rng.standard_normal((6, 3))
    want = autograd.grad(turinici2023.discrete_squared_distance)(x, z, huber(0.2))
    np.testing.assert_allclose(turinici2023.discrete_gradient(x, z, 0.2), want, rtol=1e-12)


def test_everything_is_differentiable(rng):
    """autograd walks through each equation; a central difference says the same."""
    x, w = rng.standard_normal((4, 2)), np.array([0.5, -0.2, -0.4, 0.1])
    eta = (rng.standard_normal((3, 2)), np.array([1.5, -1.0, 0.5]))
    old = turinici2022old
    functions = [
        lambda v: turinici2023.squared_distance(v, w, huber(0.3)),
        lambda v: turinici2023.sg_objective(v, 0.3),
        lambda v: turinici2023.squared_distance(v, w, lambda u: turinici2023.power_kernel(u, 0.3, 0.4)),
        lambda v: turinici2023.squared_distance(v, w, lambda u: turinici2023.rational_kernel(u, 0.3, 0.4)),
        lambda v: old.distance(old.delta(v), eta, 0.3),
        lambda v: old.objective(v, eta, 0.3),
        lambda v: old.lower_bound_7(v, eta, 0.3),
        lambda v: old.upper_bound_8(v, eta, 0.3),
        lambda v: old.distance_to_origin_bound_10(v, 0.3),
        lambda v: old.distance_to_origin_bound_11(v, 0.3),
        lambda v: old.bound_of_proof(v, eta, 0.3),
        lambda v: old.objective(v, old.signed_target((eta[0], eta[1]), v[:1], 2), 0.3),
    ]
    direction = rng.standard_normal((4, 2))
    for f in functions:
        slope = np.sum(autograd.grad(f)(x) * direction)
        difference = (f(x + 1e-5 * direction) - f(x - 1e-5 * direction)) / 2e-5
        assert abs(slope - difference) < 1e-7 * (1 + abs(slope))


def test_quantile_lattice():
    from scipy.stats import norm

    lattice = turinici2023.quantile_lattice(20, norm.ppf)
    assert lattice.shape == (400, 2) and np.all(np.isfinite(lattice))
    share = norm.cdf(lattice).reshape(20, 20, 2)
    np.testing.assert_allclose(np.diff(share[:, 0, 0]), 1 / 20, rtol=1e-9)
    np.testing.assert_allclose(np.diff(share[0, :, 1]), 1 / 20, rtol=1e-9)
    np.testing.assert_allclose(share.mean(axis=(0, 1)), 0.5)


def test_generate_decodes_normal_draws():
    drawn = turinici2023.generate(lambda z: np.concatenate([z, z], axis=1), 3, 2, np.random.default_rng(1))
    want = np.random.default_rng(1).standard_normal((3, 2))
    assert np.array_equal(drawn, np.concatenate([want, want], axis=1))
