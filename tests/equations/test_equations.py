"""The equations themselves against independent truths: quadrature, mpmath, and what the sources say of them."""

import autograd
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import divergen as dg
from divergen.equations import turinici2022image, turinici2022old, turinici2023
from strategies import clouds, weighted_clouds


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


def test_reconstruction_error_of_a_projection(rng):
    """Encode by the first coordinate, decode to the axis: what is lost is the square of the second."""
    x = rng.standard_normal((6, 2))
    encoder, decoder = (lambda v: v[:, :1]), (lambda z: np.concatenate([z, 0 * z], axis=1))
    assert turinici2023.reconstruction_error(encoder, decoder, x) == pytest.approx(np.mean(x[:, 1] ** 2), rel=1e-14)
    assert turinici2023.reconstruction_error(lambda v: 2 * v, lambda z: z / 2, x) == 0


def test_latent_measure_is_where_the_encoder_puts_the_data(rng):
    """A function integrates over E(mu_e) as its composition with E integrates over mu_e; the library's own encoder."""
    model, x = dg.VAE.initial((5, 4, 2, 4, 5), rng=rng, dtype=np.float64), rng.uniform(size=(7, 5))
    latents = turinici2023.latent_measure(lambda v: model.encode(v)[0], x)
    each = np.concatenate([model.encode(row[None, :])[0] for row in x])
    points = rng.standard_normal((3, 2))
    found = dg.squared_distance(dg.Diracs(points), dg.Diracs(latents), dg.HuberEnergy(0.3))
    assert found == pytest.approx(turinici2023.semp_objective(points, each, huber(0.3)), rel=1e-12)


def test_layers_of_the_autoencoder():
    """Turinici2022image, section 3.1: the sizes by arithmetic are those that the library's network goes through."""
    network = dg.Convolutional(latent_dim=3)
    for half, shapes in (
        ("encoder", turinici2022image.encoder_shapes(3)), ("decoder", turinici2022image.decoder_shapes(3))
    ):
        outputs = [layer.outputs for layer in network.layers[half]]
        assert [np.prod(shape) for shape in outputs] == [np.prod(shape) for shape in shapes[1:]]
        convolutions = [layer.outputs for layer in network.layers[half] if layer.kind != "dense"]
        assert convolutions == [shape for shape in shapes[1:] if len(shape) == 3][-len(convolutions):]
        assert np.prod(network.layers[half][0].inputs) == np.prod(shapes[0])


def test_last_layer_of_the_autoencoder(rng):
    """Erratum 7: with the printed ReLU no pixel is more likely black than white; the library's decoder is linear."""
    t = np.array([-3.0, 0.0, 2.0])
    np.testing.assert_allclose(turinici2022image.pixel_probability_as_printed(t), [0.5, 0.5, 1 / (1 + np.exp(-2))])
    model = dg.VAE.initial(dg.Convolutional(2, (4, 4), (2, 3)), rng=rng, dtype=np.float64)
    z = 3 * rng.standard_normal((20, 2))
    logits, _ = model.architecture.decode(model.layout.views(model.parameters), z)
    np.testing.assert_allclose(model.decode(z), turinici2022image.pixel_probability(logits), rtol=1e-12)
    assert np.any(model.decode(z) < 0.5)


@given(clouds(dim=2, min_size=2), st.sampled_from([0.0, 0.3, 4.0]))
def test_nearly_subadditive(x, a):
    """Turinici2022old, under (11); without the a it fails: near 0 the kernel is a parabola."""
    for y in x:
        here = dg.HuberEnergy(a).value(np.sum((x - y) ** 2, axis=1))
        assert np.all(here <= turinici2022old.subadditive_bound(x, y[None, :], a) + 1e-12 * (1 + here))
    one = np.array([[1e-2, 0.0]])
    bare = turinici2022old.subadditive_bound(one, -one, 1.0) - 1.0
    assert turinici2022image.kernel(2 * one, 1.0)[0] > 1.9 * bare[0]


def test_remark_1_a_rotated_minimum_is_a_minimum(rng):
    """The corners of a square do not change under quarter turns: nor does f, and the two best points are not unique."""
    square = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    eta, turn = turinici2022old.delta(square), np.array([[0.0, -1.0], [1.0, 0.0]])
    x = rng.standard_normal((3, 2))
    assert turinici2022old.objective(x @ turn, eta, 0.1) == pytest.approx(turinici2022old.objective(x, eta, 0.1))
    grid = np.array([[i, j] for i in (-1.0, 0.0, 1.0) for j in (-1.0, 0.0, 1.0)])
    best = turinici2022old.minimum(grid, 2, eta, 0.1)
    least = turinici2022old.infimum(grid, 2, eta, 0.1)
    assert turinici2022old.objective(best @ turn, eta, 0.1) == pytest.approx(least, rel=1e-12)
    assert {tuple(point) for point in (best @ turn).tolist()} != {tuple(point) for point in best.tolist()}


def test_recursive_compression_is_algorithm_a1_one_point_at_a_time():
    """Turinici2022old, section 3.2: the library takes the same steps on the same draws."""
    def sample(n, rng):
        return rng.standard_normal((n, 2))

    theirs = turinici2022old.recursive_haw_c(sample, 4, 50, 25, 0.05, np.random.default_rng(3))
    ours = dg.recursive_compress(
        dg.Gaussian.standard(2), 4, rng=np.random.default_rng(3), batch_size=50, iterations=25, learning_rate=0.05
    )
    assert theirs.shape == (4, 2)
    # The paper's square is twice ours, which Adam feels through its epsilon alone.
    np.testing.assert_allclose(ours.points, theirs, atol=1e-5)


def test_distance_to_the_origin(rng):
    """Turinici2022old, (9): twice the library's squared distance from the points to the origin."""
    x = rng.standard_normal((5, 3))
    ours = dg.squared_distance(dg.Diracs(x), dg.Diracs(np.zeros((1, 3))), dg.HuberEnergy(0.4))
    assert turinici2022old.distance_to_origin(x, 0.4) == pytest.approx(2 * ours, rel=1e-12)


def test_equation_2_is_the_root_of_twice_our_square(rng):
    """Turinici2022old, (2), between signed measures of mass 1; and it obeys the triangle inequality."""
    measures = [(rng.standard_normal((3, 2)), np.array([1.5, -1.0, 0.5])) for _ in range(3)]
    ours = [dg.Diracs(*measure) for measure in measures]
    between = [turinici2022old.distance(measures[i], measures[i - 1], 0.3) for i in range(3)]
    for i in range(3):
        assert between[i] == pytest.approx(2**0.5 * dg.distance(ours[i], ours[i - 1], dg.HuberEnergy(0.3)), rel=1e-12)
    assert max(between) < sum(between) - max(between)


@given(weighted_clouds(mass=0.0), st.floats(0, 2), st.floats(0.05, 0.95))
def test_what_is_conditionally_negative_definite(cloud, a, alpha):
    """Turinici2023, both theorems; and the cube of the norm is not: its exponent is above 2."""
    x, p = cloud
    p = p - p.mean()
    for h in (
        turinici2023.energy_kernel, huber(a), lambda v: turinici2023.power_kernel(v, a, alpha),
        lambda v: turinici2023.rational_kernel(v, a + 1e-3, alpha),
    ):
        spread = np.abs(h(x[:, None, :] - x[None, :, :])).max()
        assert turinici2023.conditionally_negative_form(x, p, h) <= 1e-12 * (1 + spread) * (1 + np.abs(p).sum()) ** 2
    line, second_difference = np.arange(5.0)[:, None], np.array([1.0, -4.0, 6.0, -4.0, 1.0])
    cube = turinici2023.conditionally_negative_form(line, second_difference, lambda v: np.abs(v[..., 0]) ** 3)
    assert cube > 0


@given(clouds(dim=3), st.floats(0, 2))
def test_the_kernel_has_two_letters(x, a):
    """k of Turinici2022image is h of the slides, and the library's kernel of the squared radius."""
    here = turinici2022image.kernel(x, a)
    np.testing.assert_allclose(here, turinici2023.huber_energy_kernel(x, a), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(here, dg.HuberEnergy(a).value(np.sum(x * x, axis=1)), rtol=1e-12, atol=1e-14)


def test_without_history_haw_c_is_target_compression():
    """Turinici2022old, section 3.2: K_p = 0, here for two Gaussians; the same draws, the same points."""
    def sample(n, rng):
        return rng.standard_normal((n, 2)) + 4.0 * rng.integers(0, 2, (n, 1))

    one = turinici2022old.algorithm_haw_c(sample, np.zeros((0, 2)), 5, 40, 30, 0.05, np.random.default_rng(2))
    other = turinici2022image.algorithm_tc(sample, 5, 40, 30, 0.05, np.random.default_rng(2))
    np.testing.assert_allclose(one, other, atol=1e-6)  # the factor 2 between them reaches Adam through epsilon alone
