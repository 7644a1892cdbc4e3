"""The measure algebra, the distances between all kinds of measures, and drawing from them."""

import autograd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import divergen as dg
from divergen.equations import turinici2022old, turinici2023
from strategies import clouds, kernels, numbers, weighted_clouds

ENERGY = dg.HuberEnergy(a=0)


@pytest.fixture
def zoo(rng):
    """One measure of mass 1 of every kind, in the plane."""
    a, b = dg.Gaussian(rng.standard_normal(2), [[2.0, 0.3], [0.3, 0.5]]), dg.Gaussian.standard(2)
    signed = dg.Diracs(rng.standard_normal((6, 2)), np.array([2, -1, 0.5, -0.5, 1, -1.0]))
    return [a, b, dg.Diracs(rng.standard_normal((5, 2))), signed, 0.25 * a + 0.75 * b, 2 * b - signed]


def test_masses_and_dimensions(zoo):
    assert all(m.dim == 2 and abs(m.mass - 1) < 1e-14 for m in zoo)
    assert (3 * zoo[0]).mass == 3 and (zoo[0] - zoo[1]).mass == 0 and (-zoo[0] / 2).mass == -0.5


def test_sum_makes_a_mixture(rng):
    centres = rng.standard_normal((3, 2))
    mixture = sum(w * dg.Gaussian(c, np.eye(2)) for w, c in zip([0.2, 0.3, 0.5], centres, strict=True))
    x = rng.standard_normal((4, 2))
    want = sum(w * dg.Gaussian(c, np.eye(2)).potential(x) for w, c in zip([0.2, 0.3, 0.5], centres, strict=True))
    np.testing.assert_allclose(mixture.potential(x), want, rtol=1e-15)
    assert abs(mixture.mass - 1) < 1e-15


def test_numpy_scalars_are_numbers():
    g = dg.Gaussian.standard(2)
    for weight in (np.float64(0.5), np.float32(0.5), np.int64(2), np.array([0.5])[0]):
        assert isinstance(weight * g, dg.Measure) and (weight * g).mass == (g * weight).mass == weight
    assert (g / np.float64(4)).mass == 0.25
    weights = np.array([0.25, 0.75])
    assert sum(w * g for w in weights).mass == 1


def test_a_measure_times_zero(rng):
    nothing = 0 * dg.Gaussian.standard(2)
    assert nothing.mass == 0 and nothing.minibatch(3, rng).potential(np.zeros((1, 2)))[0] == 0
    assert dg.squared_distance(nothing, dg.Gaussian.standard(2) - dg.Gaussian.standard(2)) == 0


def test_measures_do_not_change_with_the_callers_arrays():
    points, weights, mean, cov = np.ones((2, 2)), np.array([0.5, 0.5]), np.zeros(2), np.eye(2)
    cloud, normal = dg.Diracs(points, weights), dg.Gaussian(mean, cov)
    before = dg.squared_distance(cloud, normal)
    for array in (points, weights, mean, cov):
        array *= 100
        array += 1
    assert dg.squared_distance(cloud, normal) == before
    assert dg.squared_distance(cloud, dg.Diracs(np.ones((2, 2)))) == 0


def test_sizes_whose_squares_overflow_are_refused():
    huge = np.full((2, 1), 1e160)
    for use in (
        lambda: dg.Diracs(huge), lambda: dg.Gaussian(huge[0], [[1.0]]), lambda: dg.Gaussian.standard(1).potential(huge),
        lambda: dg.cloud_squared_distance(huge, huge), lambda: dg.self_energy(huge), lambda: dg.potential(huge, huge),
    ):
        with pytest.raises(ValueError, match=r"expected numbers of size at most 1e\+150, got 1e\+160; change the unit"):
            use()


def test_zero_is_not_minus_zero():
    for mu in (dg.Diracs([[0.0]]), dg.Gaussian.standard(2)):
        assert f"{dg.squared_distance(mu, mu):.1f}" == "0.0"
    assert f"{dg.cloud_squared_distance([[1.0]], [[1.0]]):.1f}" == "0.0"


@pytest.mark.parametrize("kernel", ["energy", dg.HuberEnergy, None])
def test_kernels_are_checked(kernel):
    normal, x = dg.Gaussian.standard(1), np.zeros((1, 1))
    for use in (
        lambda: dg.squared_distance(normal, dg.Diracs(x), kernel), lambda: normal.potential(x, kernel),
        lambda: dg.Diracs(x).potential(x, kernel), lambda: dg.cloud_squared_distance(x, x, kernel=kernel),
        lambda: dg.gaussian_self_energy(np.eye(1), kernel), lambda: dg.Diracs(x).self_energy(kernel),
    ):
        with pytest.raises(ValueError, match=r"kernel: expected a kernel, such as HuberEnergy\(a=0\), got "):
            use()


def test_potentials_are_linear(zoo, rng):
    x = rng.standard_normal((5, 2))
    mu, nu = zoo[4], zoo[5]
    value, gradient = (2 * mu - 0.5 * nu).potential_and_gradient(x)
    (mu_value, mu_gradient), (nu_value, nu_gradient) = mu.potential_and_gradient(x), nu.potential_and_gradient(x)
    np.testing.assert_allclose(value, 2 * mu_value - 0.5 * nu_value, atol=1e-13)
    np.testing.assert_allclose(gradient, 2 * mu_gradient - 0.5 * nu_gradient, atol=1e-13)
    np.testing.assert_allclose((2 * mu - 0.5 * nu).potential(x), value, atol=1e-14)


def test_every_pair_against_monte_carlo(zoo, rng):
    """d^2 between Gaussians, mixtures and Diracs against samples of 3,000 points, whose own error is about 1/3000."""
    for mu in zoo[:3] + zoo[4:5]:
        for nu in zoo[:3] + zoo[4:5]:
            x, y = mu.sample(3000, rng), nu.sample(3000, rng)
            estimate = dg.cloud_squared_distance(x, y, kernel=ENERGY)
            scale = dg.self_energy(np.concatenate([x, y]), kernel=ENERGY)
            error = scale / 3000 + 6 * np.sqrt(estimate * scale / 3000)
            assert abs(dg.squared_distance(mu, nu, ENERGY) - estimate) < error


def test_distance_is_symmetric_and_zero_on_itself(zoo):
    for i, mu in enumerate(zoo):
        assert dg.squared_distance(mu, mu) < 1e-14
        for nu in zoo[i + 1 :]:
            d = dg.squared_distance(mu, nu)
            assert d > 1e-3 and abs(d - dg.squared_distance(nu, mu)) < 1e-13
            assert dg.distance(mu, nu) == pytest.approx(d**0.5, abs=1e-14)


def test_triangle_inequality(zoo):
    d = np.array([[dg.distance(mu, nu) for nu in zoo] for mu in zoo])
    assert np.all(d[:, None, :] <= d[:, :, None] + d[None, :, :] + 1e-7)


def test_gaussians_agree_with_their_own_quantiles():
    """Two normals on the line, by the distribution functions: d^2 = integral of (F - G)^2 for the energy kernel."""
    from scipy.integrate import quad
    from scipy.stats import norm

    want = quad(lambda t: (norm.cdf(t) - norm.cdf(t, 1.0, 2.0)) ** 2, -30, 30, epsabs=1e-13)[0]
    got = dg.squared_distance(dg.Gaussian.standard(1), dg.Gaussian([1.0], [[4.0]]), ENERGY)
    assert abs(got - want) < 1e-12


@given(weighted_clouds(dim=2), weighted_clouds(dim=2), kernels)
def test_diracs_are_equation_3(mu, nu, kernel):
    signed = np.concatenate([mu[0], nu[0]]), np.concatenate([mu[1], -nu[1]])
    want = turinici2023.squared_distance(*signed, lambda v: kernel.value(np.sum(v * v, axis=-1)))
    got = dg.squared_distance(dg.Diracs(*mu), dg.Diracs(*nu), kernel)
    size = (np.abs(mu[1]).sum() + np.abs(nu[1]).sum()) ** 2 * float(kernel.value(np.float64(800.0)))
    assert abs(got - want) <= 1e-14 * size


@given(clouds(dim=2), weighted_clouds(dim=2), numbers, numbers, kernels)
def test_bilinearity(x, nu, a, b, kernel):
    """The energy of a combination expands: the distance is a quadratic form of the measure."""
    x_measure, g, n = dg.Diracs(x), dg.Gaussian.standard(2), dg.Diracs(*nu)
    difference = a * (x_measure - g) + b * (x_measure - n)  # mass 0
    whole = dg.squared_distance(difference + g, g, kernel)
    parts = (
        a**2 * dg.squared_distance(x_measure, g, kernel)
        + b**2 * dg.squared_distance(x_measure, n, kernel)
        + a * b * (
            dg.squared_distance(x_measure, g, kernel) + dg.squared_distance(x_measure, n, kernel)
            - dg.squared_distance(g, n, kernel)
        )
    )
    size = (1 + abs(a) + abs(b)) ** 2 * (2 + np.abs(nu[1]).sum()) ** 2 * float(kernel.value(np.float64(800.0)))
    assert abs(whole - parts) <= 1e-12 * size


def test_gradient_three_ways(zoo, rng):
    x = rng.standard_normal((6, 2))
    for target in zoo:
        value, analytic = dg.squared_distance_and_gradient(x, target, dg.HuberEnergy(0.1))
        assert value == pytest.approx(dg.squared_distance(dg.Diracs(x), target, dg.HuberEnergy(0.1)), abs=1e-13)
        for i, k in np.ndindex(*x.shape):
            step = np.zeros_like(x)
            step[i, k] = 1e-5
            up, down = (
                dg.squared_distance(dg.Diracs(x + s), target, dg.HuberEnergy(0.1)) for s in (step, -step)
            )
            assert abs((up - down) / 2e-5 - analytic[i, k]) < 1e-9
    _, analytic = dg.squared_distance_and_gradient(x, zoo[1], dg.HuberEnergy(0.1))
    np.testing.assert_allclose(analytic, autograd.grad(turinici2023.sg_objective)(x, 0.1), rtol=1e-10, atol=1e-13)
    value, _ = dg.squared_distance_and_gradient(x, zoo[1], dg.HuberEnergy(0.1))
    assert value == pytest.approx(float(turinici2023.sg_objective(x, 0.1)), rel=1e-11)


def test_gradient_of_weighted_points(rng):
    x, w = rng.standard_normal((5, 2)), rng.random(5)
    target = w.sum() * dg.Gaussian.standard(2)
    _, analytic = dg.squared_distance_and_gradient(dg.Diracs(x, w), target)
    step = np.zeros_like(x)
    step[2, 1] = 1e-5
    up, down = (dg.squared_distance(dg.Diracs(x + s, w), target) for s in (step, -step))
    assert abs((up - down) / 2e-5 - analytic[2, 1]) < 1e-9


def test_signed_distance_is_that_of_the_paper(rng):
    """The measure algebra against the explicit points and weights of the equations, which carry no factor 1/2."""
    z, y, x = rng.standard_normal((7, 2)), rng.standard_normal((3, 2)), rng.standard_normal((2, 2))
    algebra = ((3 + 2) * dg.Diracs(z) - 3 * dg.Diracs(y)) * (1 / 2)
    eta = turinici2022old.signed_target(turinici2022old.delta(z), y, 2)
    got = dg.squared_distance(dg.Diracs(x), algebra, dg.HuberEnergy(0.2))
    assert got == pytest.approx(turinici2022old.objective(x, eta, 0.2) / 2, rel=1e-12)


def test_samples_have_the_right_law(zoo, rng):
    """The distance of 4,000 draws to their measure is that of an independent sample: (E h) / (2 n), within a factor."""
    for mu in (zoo[0], zoo[1], zoo[2], zoo[4], dg.Diracs(np.arange(3.0)[:, None] @ np.ones((1, 2)), [0.7, 0.0, 0.3])):
        draws = mu.sample(4000, rng)
        assert draws.shape == (4000, 2)
        expected = dg.self_energy(mu.sample(4000, rng), kernel=ENERGY) / (2 * 4000)
        assert dg.squared_distance(dg.Diracs(draws), mu, ENERGY) < 8 * expected


def test_samples_of_a_rotated_gaussian_have_its_covariance(rng):
    factor = rng.standard_normal((3, 3))
    mean, cov = np.array([1.0, 2.0, 3.0]), factor @ factor.T
    centred = dg.Gaussian(mean, cov).sample(100_000, rng) - mean
    products = centred[:, :, None] * centred[:, None, :]
    for draws, want in ((products, cov), (centred, 0)):
        assert np.all(np.abs(draws.mean(axis=0) - want) < 5 * draws.std(axis=0) / 100_000**0.5)


def test_same_generator_same_draws(zoo):
    for mu in (zoo[0], zoo[2], zoo[4]):
        one, two = (mu.sample(5, np.random.default_rng(3)) for _ in range(2))
        assert np.array_equal(one, two)


def test_minibatches_keep_the_mass_and_the_mean_potential(rng):
    y = rng.standard_normal((40, 2))
    many = dg.Diracs(rng.standard_normal((400, 2)), rng.standard_normal(400))
    x = np.array([[0.3, -1.0], [2.0, 0.0]])
    for mu in (2 * dg.Gaussian.standard(2) - dg.Diracs(y), many, 0.5 * many + dg.Diracs(y) - dg.Gaussian.standard(2)):
        batches = [mu.minibatch(64, rng) for _ in range(300)]
        assert all(abs(b.mass - mu.mass) < 1e-10 for b in batches)
        draws = np.array([b.potential(x) for b in batches])
        error = draws.std(axis=0) / np.sqrt(len(draws))
        assert np.all(error > 0) and np.all(np.abs(draws.mean(axis=0) - mu.potential(x)) < 5 * error)


def test_minibatch_keeps_what_is_small(rng):
    small = dg.Diracs(rng.standard_normal((10, 2)))
    assert small.minibatch(10, rng) is small
    batch = (2 * dg.Gaussian.standard(2) - small).minibatch(50, rng)
    assert any(m is small for _, m in batch.terms)


def test_sampled_measure(rng):
    mu = dg.Sampled(lambda n, rng: rng.standard_normal((n, 2)), dim=2)
    assert mu.mass == 1 and mu.dim == 2 and mu.sample(3, rng).shape == (3, 2)
    assert abs(dg.squared_distance(mu.minibatch(4000, rng), dg.Gaussian.standard(2), ENERGY)) < 2e-3
    for use in (
        lambda: mu.potential(np.zeros((1, 2))), lambda: mu.potential_and_gradient(np.zeros((1, 2))),
        lambda: dg.squared_distance(mu, mu), lambda: dg.squared_distance(mu, dg.Gaussian.standard(2)),
        lambda: dg.squared_distance(dg.Diracs(np.zeros((1, 2))), mu),
    ):
        with pytest.raises(ValueError, match=r"measures with a known potential, got Sampled"):
            use()
    with pytest.raises(ValueError, match=r"draw: expected a function draw\(n, rng\), got 3"):
        dg.Sampled(3, 2)
    with pytest.raises(ValueError, match=r"draw\(n, rng\): expected 4 points, got 3"):
        dg.Sampled(lambda n, rng: np.zeros((n - 1, 2)), 2).sample(4, rng)
    with pytest.raises(ValueError, match=r"draw\(n, rng\): expected points of dimension 2, got dimension 3"):
        dg.Sampled(lambda n, rng: np.zeros((n, 3)), 2).sample(4, rng)


def test_bad_input(zoo, rng):
    g = dg.Gaussian.standard(2)
    with pytest.raises(ValueError, match=r"nu: expected the same mass as mu, got masses 1 \(mu\) and 2 \(nu\)"):
        dg.squared_distance(g, 2 * g)
    with pytest.raises(ValueError, match=r"got masses 1 \(points\) and 3 \(target\)"):
        dg.squared_distance_and_gradient(np.zeros((1, 2)), 3 * g)
    with pytest.raises(ValueError, match=r"nu: expected the same dimension as mu, which is 2, got dimension 3"):
        dg.squared_distance(g, dg.Gaussian.standard(3))
    with pytest.raises(ValueError, match=r"mu: expected a measure, such as Diracs.*, got ndarray"):
        dg.squared_distance(np.zeros((1, 2)), g)
    with pytest.raises(ValueError, match=r"two measures of one dimension, got dimensions 2 and 3"):
        g + dg.Gaussian.standard(3)
    with pytest.raises(ValueError, match=r"divisor: expected a number other than 0"):
        g / 0
    with pytest.raises(ValueError, match=r"factor: expected a finite number, got nan"):
        g * float("nan")
    with pytest.raises(ValueError, match=r"sample: expected a positive measure, got one with a term of mass -1"):
        (2 * g - g).sample(3, rng)
    with pytest.raises(ValueError, match=r"sample: expected a positive measure, got the weight -1"):
        dg.Diracs(np.zeros((2, 2)), [2.0, -1.0]).sample(3, rng)
    with pytest.raises(ValueError, match=r"n: expected a whole number of at least 1, got 0"):
        g.sample(0, rng)
    with pytest.raises(ValueError, match=r"rng: expected a numpy.random.Generator"):
        g.minibatch(3, 0)
    with pytest.raises(ValueError, match=r"x: expected points of dimension 2, got dimension 1"):
        g.potential(np.zeros((3, 1)))
    with pytest.raises(ValueError, match=r"dim: expected a whole number of at least 1"):
        dg.Gaussian.standard(0)
    with pytest.raises(ValueError, match=r"terms: expected at least one term"):
        dg.Combination(())
    with pytest.raises(TypeError):
        g + 1
    with pytest.raises(TypeError):
        g * g


@given(st.integers(1, 5), st.integers(1, 5))
def test_the_mass_of_the_history_target(n, k):
    eta = dg.with_history(dg.Gaussian.standard(1), np.zeros((n, 1)), k)
    assert abs(eta.mass - 1) < 1e-14


def test_sliced_distance_of_measures(rng):
    """Near the exact one, by the standard error that the same lines report, for signed combinations as well."""
    x, y = rng.standard_normal((300, 2)), rng.standard_normal((200, 2)) + 0.3
    mu, nu = 2 * dg.Diracs(x) - dg.Diracs(x[:50] + 1), dg.Diracs(y)
    kernel = dg.HuberEnergy(a=0)
    exact = dg.squared_distance(mu, nu, kernel)
    points = np.concatenate([x, x[:50] + 1])
    weights = np.concatenate([np.full(300, 2 / 300), np.full(50, -1 / 50)])
    with_error = dg.sliced_squared_distance(points, y, weights, rng=np.random.default_rng(1), directions=64)
    got = dg.squared_distance(mu, nu, kernel, method="sliced", directions=64, rng=np.random.default_rng(1))
    assert got == pytest.approx(with_error.squared_distance, rel=1e-12)
    assert got == pytest.approx(exact, abs=5 * with_error.standard_error)
    assert got != pytest.approx(exact, rel=1e-12)  # it is the estimate
    root = dg.distance(mu, nu, kernel, method="sliced", directions=64, rng=np.random.default_rng(1), workers=2)
    assert root == got**0.5


def test_on_a_line_sliced_is_exact(rng):
    mu, nu = dg.Diracs(rng.standard_normal((40, 1))), dg.Diracs(rng.standard_normal((30, 1)))
    kernel = dg.HuberEnergy(a=0)
    got = dg.squared_distance(mu, nu, kernel, method="sliced", rng=rng)
    assert got == pytest.approx(dg.squared_distance(mu, nu, kernel), rel=1e-12)


def test_bad_methods(rng):
    mu, normal = dg.Diracs(rng.standard_normal((40, 2))), dg.Gaussian.standard(2)
    kernel = dg.HuberEnergy(a=0)
    with pytest.raises(ValueError, match=r'method: expected "exact" or "sliced", got "?\'fast'):
        dg.squared_distance(mu, normal, kernel, method="fast")
    with pytest.raises(ValueError, match=r'kernel: expected HuberEnergy\(a=0\) for method="sliced".* got HuberEnergy'):
        dg.squared_distance(mu, mu, method="sliced", rng=rng)
    with pytest.raises(ValueError, match=r"rng: expected a numpy.random.Generator.*, got None"):
        dg.squared_distance(mu, mu, kernel, method="sliced")
    with pytest.raises(ValueError, match=r"nu: expected Diracs, or a combination of them.*, got Gaussian"):
        dg.squared_distance(mu, normal, kernel, method="sliced", rng=rng)
    with pytest.raises(ValueError, match=r"directions: expected a whole number of at least 2, got 1"):
        dg.squared_distance(mu, mu, kernel, method="sliced", rng=rng, directions=1)
