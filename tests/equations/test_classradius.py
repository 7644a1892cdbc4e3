"""The equations of the slides on the class radius against quadrature, hand-made cases and what the slides say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

import divergen as dg
from divergen.equations import classradius as source
from divergen.evaluation import isoperimetry


@st.composite
def distributions(draw, largest=1.0):
    """p from two to thirty classes, none above `largest`."""
    w = np.array(draw(st.lists(st.floats(1e-6, 1), min_size=math.ceil(1 / largest) + 1, max_size=30)))
    p = w / w.sum()
    for _ in range(200):  # mix in the uniform until the largest is small enough
        if p.max() <= largest:
            return p
        p = 0.9 * p + 0.1 / p.size
    return np.full(p.size, 1 / p.size)


def test_generate():
    want = np.random.default_rng(3).standard_normal((5, 2))
    assert np.array_equal(source.generate(lambda z: 2 * z, 5, 2, np.random.default_rng(3)), 2 * want)


def test_class_probabilities_and_assumptions():
    np.testing.assert_allclose(source.class_probabilities(np.array([0.1, 0.3])), [0.25, 0.75])
    assert source.partition(np.array([0.5, 0.5])) and not source.partition(np.array([0.5, 0.4]))
    assert source.probability_decay(np.full(5, 0.2)) and not source.probability_decay(np.array([0.21, 0.79]))


def test_class_radius_by_hand():
    z = np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]])
    np.testing.assert_allclose(source.class_radius(z, np.array([0, 1, 0])), [5, math.sqrt(20), math.sqrt(20)])
    assert np.all(np.isinf(source.class_radius(z, np.zeros(3))))


def test_adversarial_radius_is_the_class_radius_after_the_generator():
    z = np.array([[-2.0], [-0.5], [1.0]])
    found = source.adversarial_radius(z, lambda z: z**3, lambda x: np.sign(x[:, 0]))
    np.testing.assert_allclose(found, [3, 1.5, 1.5])


@given(distributions())
def test_entropies(p):
    """Two draws by enumeration; the special cases as limits of the definition."""
    pairs = sum(a * b for i, a in enumerate(p) for j, b in enumerate(p) if i == j)
    assert source.same_type_probability(p) == pytest.approx(pairs, rel=1e-12)
    assert source.collision_entropy(p) == pytest.approx(source.renyi_entropy(p, 2), abs=1e-12)
    limit = (source.renyi_entropy(p, 1 - 1e-5) + source.renyi_entropy(p, 1 + 1e-5)) / 2
    assert source.shannon_entropy(p) == pytest.approx(limit, abs=1e-6)


@given(distributions(), st.sampled_from([0, 0.5, 0.9, 2, 3, 10]))
def test_maximum_entropy(p, alpha):
    most = source.maximum_entropy(p.size)
    assert source.renyi_entropy(p, alpha) <= most + 1e-12
    assert source.renyi_entropy(np.full(p.size, 1 / p.size), alpha) == pytest.approx(most, abs=1e-12)


@given(distributions(largest=0.2))
def test_the_chain_of_the_proof(p):
    """Sum <= termwise bound <= Jensen's = the theorem's, and least for equal classes."""
    assert source.probability_decay(p)
    terms = source.termwise_bound(p)
    assert source.isoperimetric_sum(p) <= terms <= source.jensen_bound(p) + 1e-12
    assert source.jensen_bound(p) == pytest.approx(source.radius_bound(p), rel=1e-12)
    assert source.uniform_bound(p.size) <= source.radius_bound(p) + 1e-12
    assert source.uniform_bound(p.size) == pytest.approx(source.radius_bound(np.full(p.size, 1 / p.size)), rel=1e-12)
    assert source.isoperimetric_sum(p) <= source.kappa_bound(p) + 1e-12
    assert source.isoperimetric_sum(p) == pytest.approx(np.sum(p * source.kappa(p)), rel=1e-12)


@given(distributions(), st.floats(0, 4))
def test_steps_1_and_2_of_the_proof(p, eta):
    """The tail bound integrates to the sum; half-spaces attain it."""
    total = source.expectation_from_tail(lambda t: source.tail_bound(p, t))
    assert total == pytest.approx(source.isoperimetric_sum(p), abs=1e-9)
    a = norm.ppf(p[0])
    two = np.array([p[0], 1 - p[0]])
    attained = norm.cdf(a - eta) + norm.sf(a + eta)  # P[|z - a| >= eta]
    assert source.tail_bound(two, eta) == pytest.approx(attained, abs=1e-12)


def test_expectation_from_tail():
    assert source.expectation_from_tail(lambda t: math.exp(-3 * t)) == pytest.approx(1 / 3, rel=1e-12)


def test_the_uniform_bound_tends_to_0():
    values = [source.uniform_bound(10**k) for k in (1, 3, 10, 100, 300)]
    assert values == sorted(values, reverse=True) and values[-1] < 0.25


def test_less_diverse():
    assert [source.less_diverse(*pair) for pair in ((2, 1), (1, 2), (1, 1))] == [1, 2, 0]


def test_image_space_bound(rng):
    """A linear map of norm L: an image of another class is at most L r(z) away, on average below the bound."""
    matrix = rng.standard_normal((3, 2))
    lipschitz = np.linalg.norm(matrix, 2)
    z = rng.standard_normal((1500, 2))
    labels = np.floor(8 * np.mod(np.arctan2(z[:, 1], z[:, 0]) / (2 * np.pi), 1)).astype(int)  # eight sectors
    image = source.class_radius(z @ matrix.T, labels)
    assert np.all(image <= lipschitz * source.class_radius(z, labels) + 1e-12)
    assert image.mean() < source.image_space_bound(np.full(8, 1 / 8), lipschitz)
    assert source.image_space_bound(np.full(8, 1 / 8), 2.0) == 2 * source.radius_bound(np.full(8, 1 / 8))


def test_omega_and_the_regulariser(rng):
    l = rng.standard_normal((6, 4))
    np.testing.assert_allclose(source.omega(lambda v: 3 * v, l[:3], l[3:]), 9)
    assert source.regulariser(lambda v: 3 * v, l) == pytest.approx(30 * 3 * 9)
    squares = [np.sum((l[i] ** 2 - l[i + 3] ** 2) ** 2) / np.sum((l[i] - l[i + 3]) ** 2) for i in range(3)]
    assert source.regulariser(lambda v: v**2, l, 2.0) == pytest.approx(2 * sum(squares))


def test_clip_weights():
    assert source.clip_weights(np.array([-1.0, 0.1, 0.5])).tolist() == [-0.3, 0.1, 0.3]


def test_kappa_is_a_conditional_mean():
    """kappa(p) is the mean of a - y over y < a, with Phi(a) = p: the half-space's own class radius."""
    for p in (0.05, 0.3, 0.8):
        a = norm.ppf(p)
        mean = quad(lambda t, a=a: (a - t) * norm.pdf(t), -12, a)[0] / p
        assert source.kappa(p) == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("radius", [0.1, 0.4, 1.0, 1.8])
def test_entropy_bound_inverts_the_theorem(radius):
    """On the falling side of gamma(e^-h): with a little more entropy the bound is below the radius."""
    h = source.entropy_bound(radius)
    assert dg.diversity_bound(radius).entropy == pytest.approx(h, rel=1e-9)
    if h < 700:  # e^-h is a float
        assert source.gamma(math.exp(-h)) == pytest.approx(radius, rel=1e-9)
        assert source.gamma(math.exp(-1.01 * h)) < radius


def test_covered_mass():
    masses = np.array([0.3, 0.5])
    assert source.covered_mass(masses) == pytest.approx(0.8) and not source.partition(masses)
    labels = np.array([0] * 3 + [1] * 5 + [-1] * 2)
    assert dg.hole_share(labels, -1).value == pytest.approx(1 - source.covered_mass(masses))


def test_objectives_of_the_autoencoder(rng):
    """Their sum is minus the library's ELBO; the first by quadrature in one dimension."""
    model = dg.VAE.initial((4, 5, 2, 6, 4), rng=rng, dtype=np.float64)
    x, noise = rng.uniform(size=(3, 4)), rng.standard_normal((3, 2))
    mean, log_variance = model.encode(x)
    drawn = mean + np.exp(log_variance / 2) * noise
    loss = source.encoder_objective(mean, np.exp(log_variance)) + source.decoder_objective(x, model.decode(drawn))
    assert loss == pytest.approx(-dg.elbo_and_gradient(model, x, noise)[0].value, rel=1e-12)
    m, v = 0.7, 0.3
    law = norm(m, math.sqrt(v))
    want = quad(lambda z: law.pdf(z) * (law.logpdf(z) - norm.logpdf(z)), -6, 6)[0]
    assert source.encoder_objective(np.array([[m]]), np.array([[v]])) == pytest.approx(want, rel=1e-8)
    assert source.decoder_objective(np.array([[1.0, 0.0]]), np.array([[0.5, 0.2]])) == pytest.approx(-math.log(0.4))


def test_gamma_is_that_of_the_library():
    x = np.concatenate([np.logspace(-300, -1, 50), np.linspace(0.1, 0.99, 50)])
    np.testing.assert_allclose(source.gamma(x), isoperimetry.gamma(x), rtol=1e-12)
