"""The ELBO and the other objectives against their definitions, their gradients against differences and autograd."""

from dataclasses import replace

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import logsumexp

from divergen.distance.kernels import HuberEnergy, PowerKernel
from divergen.distance.measures import Diracs, Gaussian, squared_distance
from divergen.equations import classradius, turinici2023
from divergen.models import objective as module
from divergen.models.convolutional import Convolutional
from divergen.models.objective import ELBO, Objective, elbo_and_gradient, objective_and_gradient
from divergen.models.vae import VAE

TINY = (4, 5, 2, 6, 4)
DEEP = (3, 4, 5, 1, 3, 4, 3)
HUBER = HuberEnergy(a=0.1)
OBJECTIVES = {
    "ELBO": Objective(),
    "likelihood": Objective(kl=0),
    "beta": Objective(kl=0.3),
    "omega": Objective(kl=0, omega=30),
    "distance": Objective(kl=0, latent_distance=100, kernel=HUBER),
    "all": Objective(kl=0.7, omega=3, latent_distance=20, kernel=HUBER),
}


def example(sizes=TINY, n=8, seed=0):
    rng = np.random.default_rng(seed)
    model = VAE.initial(sizes, rng=rng, dtype=np.float64)
    return model, rng.uniform(size=(n, sizes[0])), rng.standard_normal((n, model.latent_dim))


def network(parameters, sizes, x, noise):
    """Mean, deviation, draw and probabilities, in autograd's NumPy, with no line in common with the package."""
    half, start, y = len(sizes) // 2, 0, x
    widths = [*sizes[: half + 1], *sizes[half + 1 :]]
    for i in range(len(sizes) - 1):
        p, q = widths[i], widths[i + 1] * (2 if i + 1 == half else 1)
        weight = parameters[start : start + p * q].reshape(p, q)
        bias = parameters[start + p * q : start + p * q + q]
        start += p * q + q
        y = anp.dot(y, weight) + bias
        if i + 1 == half:
            mean, deviation = y[:, : sizes[half]], anp.exp(y[:, sizes[half] :]) ** 0.5
            y = z = mean + deviation * noise
        elif i + 2 < len(sizes):
            y = anp.maximum(y, 0)
    return mean, deviation, z, 1 / (1 + anp.exp(-y))


def formula(parameters, sizes, x, noise, objective):
    """The objective's terms from their definitions: the sources' own equations where there are any."""
    mean, deviation, z, white = network(parameters, sizes, x, noise)
    log_likelihood = anp.sum(x * anp.log(white) + (1 - x) * anp.log(1 - white), axis=1)
    kl = anp.sum((deviation**2 + mean**2 - 1) / 2 - anp.log(deviation), axis=1)
    even = x[: len(x) // 2 * 2]
    omega = classradius.regulariser(
        lambda images: network(parameters, sizes, images, 0 * noise[: len(images)])[0], even, objective.omega)
    distance = turinici2023.sg_objective(z, objective.kernel.a) if objective.latent_distance else 0.0
    return (anp.mean(log_likelihood), objective.kl * anp.mean(kl), omega / len(x), objective.latent_distance * distance)


# --- the objectives --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, 8])
@pytest.mark.parametrize("sizes", [TINY, DEEP, (3, 2, 3)])
@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_terms_against_their_definitions(objective, sizes, n):
    model, x, noise = example(sizes, n)
    got, _ = objective_and_gradient(model, x, noise, objective)
    terms = formula(model.parameters, sizes, x, noise, objective)
    np.testing.assert_allclose(got[1:], terms, rtol=1e-11, atol=1e-14)
    assert got.value == pytest.approx(terms[0] - sum(terms[1:]), rel=1e-11)
    for name, term in zip(("kl", "omega", "latent_distance"), terms[1:], strict=True):
        assert (term > 0) == (getattr(objective, name) > 0 and not (name == "omega" and n == 1))


@pytest.mark.parametrize("n", [1, 7, 8])
@pytest.mark.parametrize("sizes", [TINY, DEEP, (3, 2, 3)])
@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_gradient_by_autograd(objective, sizes, n):
    model, x, noise = example(sizes, n)

    def value(parameters):
        log_likelihood, *subtracted = formula(parameters, sizes, x, noise, objective)
        return log_likelihood - sum(subtracted)

    _, gradient = objective_and_gradient(model, x, noise, objective)
    np.testing.assert_allclose(gradient, autograd.grad(value)(model.parameters), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sizes", [TINY, DEEP, (3, 2, 3)])
@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_gradient_by_differences_for_every_parameter(objective, sizes):
    model, x, noise = example(sizes)
    _, gradient = objective_and_gradient(model, x, noise, objective)
    assert gradient.shape == model.parameters.shape
    step = 1e-6
    for i in range(gradient.size):
        sides = []
        for sign in (1, -1):
            moved = model.parameters.copy()
            moved[i] += sign * step
            sides.append(objective_and_gradient(replace(model, parameters=moved), x, noise, objective)[0].value)
        assert gradient[i] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_gradient_with_convolutions(objective, rng):
    """The objective knows nothing of the layers: by differences along random directions."""
    model = VAE.initial(Convolutional(latent_dim=2, image_shape=(4, 8), filters=(2, 3)), rng=rng, dtype=np.float64)
    x, noise = rng.uniform(size=(5, 32)), rng.standard_normal((5, 2))
    _, gradient = objective_and_gradient(model, x, noise, objective)
    for direction in rng.standard_normal((5, gradient.size)):
        step = 1e-6 * direction
        ahead, behind = (objective_and_gradient(replace(model, parameters=model.parameters + s), x, noise, objective)[0]
                         for s in (step, -step))
        assert direction @ gradient == pytest.approx((ahead.value - behind.value) / 2e-6, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_gradient_in_single_precision(objective):
    model, x, noise = example()
    value, gradient = objective_and_gradient(model, x, noise, objective)
    single = replace(model, parameters=model.parameters.astype(np.float32))
    rough_value, rough = objective_and_gradient(single, x, noise, objective)
    assert rough.dtype == np.float32
    np.testing.assert_allclose(rough_value, value, rtol=1e-5)
    np.testing.assert_allclose(rough, gradient, rtol=1e-3, atol=1e-5 * np.abs(gradient).max())


def test_elbo_is_the_default_objective():
    model, x, noise = example()
    elbo, gradient = elbo_and_gradient(model, x, noise)
    same, again = objective_and_gradient(model, x, noise, Objective(kl=1, omega=0, latent_distance=0))
    assert elbo == same and np.array_equal(gradient, again)
    assert isinstance(elbo, ELBO) and elbo.omega == elbo.latent_distance == 0


# --- omega -----------------------------------------------------------------------------------------------------


def test_omega_by_hand():
    images = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.5], [1.0, 1.0], [7.0, 7.0]])  # the last one has no partner
    encoded = np.array([[0.0], [2.0], [3.0], [0.0], [9.0]])
    np.testing.assert_allclose(module.omega(encoded, images), [9 / 0.25, 4 / 1])
    gradient = module.omega_backward(np.array([1.0, 10.0]), encoded, images)
    np.testing.assert_allclose(gradient, [[-2 * 3 / 0.25], [10 * 2 * 2], [2 * 3 / 0.25], [-10 * 2 * 2], [0]])


def test_equal_images_and_single_ones_count_nothing():
    """Equal images have no quotient, nor have those whose squared distance underflows."""
    images = np.array([[0.5, 0.5], [0.0, 0.0], [1.0, 0.0], [0.5, 0.5], [1e-170, 0.0], [0.0, 0.0]])
    encoded = np.arange(6.0)[:, None]
    np.testing.assert_allclose(module.omega(encoded, images), [0, 0, 9])
    gradient = module.omega_backward(np.ones(3), encoded, images)
    np.testing.assert_allclose(gradient[:, 0], [0, 0, -6, 0, 0, 6])
    assert module.omega(encoded[:1], images[:1]).shape == (0,)
    assert np.array_equal(module.omega_backward(np.ones(0), encoded[:1], images[:1]), [[0.0]])

    close = np.array([[0.0, 0.5], [1e-9, 0.5]])  # close is not equal
    np.testing.assert_allclose(module.omega(np.array([[0.0], [1e-8]]), close), [100])

    model, x, noise = example(n=6)
    same, gradient = objective_and_gradient(model, np.tile(x[:3], (2, 1)), noise, Objective(kl=0, omega=30))
    plain, wanted = objective_and_gradient(model, np.tile(x[:3], (2, 1)), noise, Objective(kl=0))
    assert same == plain and np.array_equal(gradient, wanted)


numbers = st.floats(-10, 10, allow_subnormal=False)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 9), dim=st.integers(1, 3), c=numbers, shift=numbers)
def test_omega_scales_and_does_not_shift(seed, n, dim, c, shift):
    rng = np.random.default_rng(seed)
    encoded, images = rng.standard_normal((n, dim)), rng.uniform(size=(n, 4))
    base = module.omega(encoded, images)
    assert base.shape == (n // 2,) and np.all(base >= 0)
    np.testing.assert_allclose(module.omega(c * encoded + shift, images), c**2 * base, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(module.omega(encoded, images / 2), 4 * base, rtol=1e-12)
    weights = rng.standard_normal(n // 2)
    to_encoded = module.omega_backward(weights, encoded, images)
    # omega is a quadratic form of the encodings, by Euler's theorem half its gradient's product with them ...
    assert np.sum(to_encoded * encoded) == pytest.approx(2 * np.sum(weights * base), rel=1e-9, abs=1e-9)
    # ... and what no shift can change has a gradient that sums to 0.
    np.testing.assert_allclose(np.sum(to_encoded, axis=0), 0, atol=1e-9 * (1 + np.abs(to_encoded).max()))


# --- the distance of the latents -------------------------------------------------------------------------------


def test_latent_distance_on_a_line_in_closed_form():
    r"""With h = |x|: E|z - N| = z (2 Phi(z) - 1) + 2 phi(z), and E|N - N'| = 2 / sqrt(pi)."""
    model, x, noise = example((3, 2, 1, 2, 3), n=11)
    objective = Objective(kl=0, latent_distance=5, kernel=HuberEnergy(a=0))
    got, _ = objective_and_gradient(model, x, noise, objective)
    mean, log_variance = model.encode(x)
    z = (mean + np.exp(log_variance / 2) * noise)[:, 0]
    towards = np.mean(z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z))
    expected = towards - np.mean(np.abs(z[:, None] - z)) / 2 - 1 / np.sqrt(np.pi)
    assert got.latent_distance == pytest.approx(5 * expected, rel=1e-11)
    # The same as an integral over the distribution functions (Szekely): d^2 is that of (F - Phi)^2.
    grid = np.linspace(-9, 9, 400_001)
    steps = np.mean(z[:, None] <= grid[::40], axis=0) - stats.norm.cdf(grid[::40])
    assert np.sum(steps**2) * (grid[40] - grid[0]) == pytest.approx(expected, rel=1e-2)


def test_latents_are_compared_as_drawn_and_by_the_kernel():
    """Not the means, and by the kernel that was asked for."""
    model, x, noise = example()
    mean, log_variance = model.encode(x)
    for kernel in (HuberEnergy(a=1.0), PowerKernel(a=0.0, alpha=0.3)):
        got, _ = objective_and_gradient(model, x, noise, Objective(latent_distance=2, kernel=kernel))
        drawn = Diracs(mean + np.exp(log_variance / 2) * noise)
        expected = squared_distance(drawn, Gaussian.standard(2), kernel)
        assert got.latent_distance == pytest.approx(2 * expected, rel=1e-12)
        assert abs(squared_distance(Diracs(mean), Gaussian.standard(2), kernel) / expected - 1) > 0.01


@pytest.mark.parametrize("n", [32, 128])
def test_mean_over_batches_draws_the_latents_together(n):
    """Of all normals s N(0, I), the mean V-statistic of n draws is smallest at s = 1 - 2/n, nearly: as documented."""
    normal, energy = Gaussian.standard(2), HuberEnergy(a=0)

    def in_the_mean(s):
        scaled = Gaussian(np.zeros(2), s**2 * np.eye(2))
        spread = -2 * squared_distance(scaled, Diracs(np.zeros((1, 2))), energy) + 2 * scaled.potential(
            np.zeros((1, 2)), energy)[0]  # E h(z - z'), from E|z| and the distance to a Dirac
        return squared_distance(scaled, normal, energy) + spread / (2 * n)

    rng = np.random.default_rng(0)
    drawn = [squared_distance(Diracs(0.9 * rng.standard_normal((n, 2))), normal, energy) for _ in range(300)]
    assert np.mean(drawn) == pytest.approx(in_the_mean(0.9), abs=4 * np.std(drawn) / np.sqrt(300))
    scales = np.linspace(0.9, 1.05, 601)
    assert scales[np.argmin([in_the_mean(s) for s in scales])] == pytest.approx(1 - 2 / n, abs=4 / n**2)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
@pytest.mark.parametrize("size", [1e18, 1e30, np.finfo(np.float32).max])
def test_latents_beyond_reach_make_the_objective_infinite_not_an_error(size):
    model, x, noise = example()
    pieces = {name: 0 * piece for name, piece in model.layout.views(model.parameters).items()}
    pieces["encoder.1.bias"] = np.array([size, 0, 0, 0])
    model = replace(model, parameters=model.layout.flatten(pieces).astype(np.float32))
    got, gradient = objective_and_gradient(model, x, noise, Objective(kl=0, latent_distance=1))
    assert got.value == -np.inf and got.latent_distance == np.inf and np.isfinite(got.log_likelihood)
    assert not np.all(np.isfinite(gradient))


# --- what the bound is -----------------------------------------------------------------------------------------


def test_elbo_and_the_posterior_gap_make_the_likelihood():
    """log p(x) = E ELBO + KL(q || posterior), all three by quadrature over a latent line."""
    model, _, _ = example((3, 4, 1, 4, 3))
    x = np.array([[0.0, 1.0, 1.0]])
    nodes = np.linspace(-9, 9, 2001)  # evenly spaced: the ReLUs have kinks, which no Gaussian rule likes
    values = [elbo_and_gradient(model, x, np.array([[node]]))[0].value for node in nodes]
    bound = np.sum(stats.norm.pdf(nodes) * values) * (nodes[1] - nodes[0])

    grid = np.linspace(-12, 12, 40_001)
    white = model.decode(grid[:, None])
    log_joint = np.sum(np.log(np.where(x == 1, white, 1 - white)), axis=1) + stats.norm.logpdf(grid)
    log_evidence = logsumexp(log_joint) + np.log(grid[1] - grid[0])
    mean, log_variance = model.encode(x)
    log_q = stats.norm.logpdf(grid, mean[0, 0], np.exp(log_variance[0, 0] / 2))
    gap = np.sum(np.exp(log_q) * (log_q - (log_joint - log_evidence))) * (grid[1] - grid[0])
    assert gap > 0.01
    assert bound + gap == pytest.approx(log_evidence, abs=1e-6)


# --- messages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, message", [
    (lambda m, x, e: elbo_and_gradient(m, 2 * np.ones((8, 4)), e), r"x: expected values in \[0, 1\]"),
    (lambda m, x, e: elbo_and_gradient(m, x, e[1:]), "noise: expected one row for each of the 8 images, got 7"),
    (lambda m, x, e: elbo_and_gradient(m, x, e[:, 1:]), "noise: expected points of dimension 2, got dimension 1"),
    (lambda m, x, e: objective_and_gradient(m, x, e, 30.0), r"objective: expected an Objective, .* got 30\.0"),
    (lambda m, x, e: Objective(kl=-1), "kl: expected a finite number at least 0, got -1"),
    (lambda m, x, e: Objective(omega=-0.1), "omega: expected a finite number at least 0, got -0.1"),
    (lambda m, x, e: Objective(latent_distance=np.inf), "latent_distance: expected a finite number .* got inf"),
    (lambda m, x, e: Objective(kernel="energy"), "kernel: expected a kernel, .* got 'energy'"),
])
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call(*example())


# --- other array libraries -------------------------------------------------------------------------------------


def _to_numpy(x):
    return x.get() if hasattr(x, "get") else np.asarray(x)


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-10), (np.float32, 1e-4)])
@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_objectives_on_another_library(library, objective, n, dtype, rtol):
    model, x, noise = example(n=n)
    model = replace(model, parameters=model.parameters.astype(dtype))
    there = replace(model, parameters=library.asarray(model.parameters))
    value, gradient = objective_and_gradient(there, library.asarray(x), library.asarray(noise), objective)
    wanted, expected = objective_and_gradient(model, x, noise, objective)
    assert gradient.__array_namespace__().__name__ == library.__name__ and _to_numpy(gradient).dtype == dtype
    np.testing.assert_allclose(value, wanted, rtol=rtol)
    np.testing.assert_allclose(_to_numpy(gradient), expected, rtol=rtol, atol=rtol * np.abs(expected).max())


def test_omega_on_another_library(library, rng):
    encoded, images, weights = rng.standard_normal((5, 2)), rng.uniform(size=(5, 3)), rng.standard_normal(2)
    encoded_there, images_there = library.asarray(encoded), library.asarray(images)
    np.testing.assert_allclose(_to_numpy(module.omega(encoded_there, images_there)), module.omega(encoded, images))
    np.testing.assert_allclose(
        _to_numpy(module.omega_backward(library.asarray(weights), encoded_there, images_there)),
        module.omega_backward(weights, encoded, images))
