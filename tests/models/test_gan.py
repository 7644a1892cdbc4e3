"""The adversarial training: gradients of whole steps, ratios that are known, resuming bit for bit, messages."""

import builtins
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import divergen as dg
from divergen.arrays import to_numpy
from divergen.densities import bin_probabilities, bin_shares, ring
from divergen.evaluation.generators import (
    gan as original_game,
)
from divergen.evaluation.generators import (
    jensen_shannon,
    kl,
    neyman_chi2,
    pearson_chi2,
    precision_recall,
    reverse_kl,
    total_variation,
)
from divergen.models.checkpoint import load_checkpoint, save_checkpoint
from divergen.models.games import critic_objective, generator_objective
from divergen.models.gan import fit_gan
from divergen.models.gan_step import GANSettings, GANState, critic_gradient, gan_step, generator_gradient
from divergen.models.network import perceptron
from divergen.models.players import GAN, critic_values, layers

SMALL = {"generator_hidden": (8,), "critic_hidden": (8,), "batch_size": 32, "latent_dim": 2}


def by_name(f):
    return f.name


@pytest.fixture
def small(rng):
    gan = GAN.initial((2, 5, 4, 3), (3, 6, 5, 1), rng=rng, shift=np.array([1.0, -2.0, 0.5]), scale=3.0,
                      log_ratio_bound=4.0)
    return replace(gan, generator=gan.generator + 0.05 * rng.normal(size=gan.generator.shape),
                   critic=gan.critic + 0.05 * rng.normal(size=gan.critic.shape))


# --- the networks --------------------------------------------------------------------------------------------------


def test_generator_and_critic_by_hand(small, rng):
    z, x = rng.normal(size=(7, 2)), rng.normal(size=(6, 3)) * 5
    (w1, b1), (w2, b2), (w3, b3) = small.generator_layers
    assert w1.shape == (2, 5) and w3.shape == (4, 3)
    want = (np.maximum(np.maximum(z @ w1 + b1, 0) @ w2 + b2, 0) @ w3 + b3) * 3 + [1.0, -2.0, 0.5]
    assert_allclose(small.generate(z), want, rtol=1e-12)
    (w1, b1), (w2, b2), (w3, b3) = small.critic_layers
    inside = (x - [1.0, -2.0, 0.5]) / 3
    raw = (np.maximum(np.maximum(inside @ w1 + b1, 0) @ w2 + b2, 0) @ w3 + b3)[:, 0]
    assert_allclose(small.log_ratio(x), 4 * np.tanh(raw / 4), rtol=1e-12)


def test_sample_is_what_the_noise_gives(small):
    noise = np.random.default_rng(3).standard_normal((5, 2))
    assert_array_equal(small.sample(5, np.random.default_rng(3)), small.generate(noise))


def numeric(function, parameters, h=1e-6):
    return np.array([(function(parameters + h * e) - function(parameters - h * e)) / (2 * h)
                     for e in np.eye(len(parameters))])


@pytest.mark.parametrize("g", [kl, original_game, neyman_chi2, precision_recall(3), total_variation], ids=by_name)
def test_gradient_of_a_critic_step(small, g, rng):
    real, fake = rng.normal(size=(9, 3)), rng.normal(size=(9, 3))

    def dual(parameters):
        v = critic_values(layers(small.critic_sizes, parameters), np.concatenate([real, fake]), 4.0)[0]
        return critic_objective(g, v[:9], v[9:]).value

    value, gradient = critic_gradient(small, small.critic, g, real, fake, 0)
    assert value == pytest.approx(dual(small.critic), rel=1e-12)
    assert_allclose(gradient, numeric(dual, small.critic), atol=1e-7)
    assert np.abs(gradient).max() > 1e-2


@pytest.mark.parametrize("budget", [1.0, 1.5])
@pytest.mark.parametrize("f", [kl, reverse_kl, jensen_shannon, precision_recall(0.4)], ids=by_name)
def test_gradient_of_a_generator_step(small, f, budget, rng):
    z = rng.normal(size=(9, 2))

    def ratios(parameters):
        points = perceptron(layers(small.generator_sizes, parameters), z)[0]
        return critic_values(small.critic_layers, points, 4.0)[0]

    settings = GANSettings(f, kl, 10, 9, (1e-3, 1e-3), 1, budget, 0.7, 0.9)
    found, gradient = generator_gradient(small, small.generator, small.critic, settings, z, 0)
    at = generator_objective(f, ratios(small.generator), bandwidth=0.7, budget=budget)
    assert found.value == pytest.approx(at.value, rel=1e-12)
    # the rows' gradient is tested with the games; here it is fixed, and the chain goes on from it
    assert_allclose(gradient, numeric(lambda p: at.gradient @ ratios(p), small.generator), atol=1e-7)
    if budget == 1:
        value = numeric(lambda p: generator_objective(f, ratios(p), bandwidth=0.7).value, small.generator)
        assert_allclose(gradient, value, atol=1e-7)
    assert np.abs(gradient).max() > 1e-3


def test_gradient_of_a_generator_step_in_the_plain_dual(small, rng):
    z, f = rng.normal(size=(9, 2)), precision_recall(3)

    def cost(parameters):
        points = perceptron(layers(small.generator_sizes, parameters), z)[0]
        v = critic_values(small.critic_layers, points, 4.0)[0]
        return -np.mean(f.conjugate(3 / (1 + np.exp(-v))))

    settings = GANSettings(f, None, 10, 9, (1e-3, 1e-3), 1, 1.0, 1.0, 0.9)
    found, gradient = generator_gradient(small, small.generator, small.critic, settings, z, 0)
    assert found.value == pytest.approx(cost(small.generator), rel=1e-12)
    assert_allclose(gradient, numeric(cost, small.generator), atol=1e-8)


# --- what it learns ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", [kl, original_game, pearson_chi2], ids=by_name)
def test_a_critic_for_a_given_generator_learns_the_exact_log_ratio(g):
    """A linear generator is N(3, 2^2), P is N(4, 1.6^2): log r is a known parabola."""
    rng = np.random.default_rng(0)
    start = GAN((1, 1), (1, 32, 1), np.array([2.0, 3.0]), GAN.initial((1, 1), (1, 32, 1), rng=rng,
                                                                     shift=np.zeros(1)).critic, np.zeros(1), 1.0, 6.0)
    target = dg.Gaussian(np.array([4.0]), np.array([[1.6**2]]))
    found = fit_gan(target, kl, g=g, rng=rng, steps=1500, critic_steps=1, batch_size=512, start=start,
                    learning_rate=(0.0, 5e-3), dtype="float64").gan
    assert_array_equal(found.generator, start.generator)  # a rate of 0 leaves it as it was
    x = np.linspace(1, 7, 61)[:, None]  # where both have samples
    exact = -((x[:, 0] - 4) ** 2) / (2 * 1.6**2) - math.log(1.6) + (x[:, 0] - 3) ** 2 / 8 + math.log(2)
    assert np.abs(found.log_ratio(x) - exact).mean() < 0.1


@pytest.mark.parametrize(("f", "g"), [(original_game, None), (kl, None), (reverse_kl, jensen_shannon),
                                      (precision_recall(0.3), kl), (precision_recall(3), original_game),
                                      (total_variation, kl)],
                         ids=lambda f: f and f.name)
def test_a_linear_generator_finds_a_normal_law(f, g):
    rng = np.random.default_rng(1)
    data = 50 + 4 * rng.standard_normal((4000, 1))
    training = fit_gan(data, f, g=g, rng=rng, steps=600, latent_dim=1, generator_hidden=(), critic_hidden=(16,),
                       learning_rate=1e-2, averaging=0.98)
    w, b = training.gan.generator_layers[0]
    mean, deviation = float(b[0] * training.gan.scale + training.gan.shift[0]), abs(float(w[0, 0])) * training.gan.scale
    assert mean == pytest.approx(50, abs=1.2)
    assert deviation == pytest.approx(4, abs=1.0)
    assert training.trace.dual.shape == training.trace.estimate.shape == (600,)


def two_modes(n, rng):
    return np.where(rng.random(n) < 0.5, -2.0, 2.0)[:, None] + 0.5 * rng.standard_normal((n, 1))


def width(data, f, **options):
    """The standard deviation that a linear generator ends with."""
    rng = np.random.default_rng(0)
    training = fit_gan(data, f, rng=rng, steps=800, latent_dim=1, generator_hidden=(),
                       critic_hidden=(32,), learning_rate=5e-3, averaging=0.98, **options)
    return abs(float(training.gan.generator[0])) * training.gan.scale


def test_lambda_trades_precision_for_recall():
    """One Gaussian for two unequal modes: a small lambda spreads it over both, a large one keeps it in the larger."""
    rng = np.random.default_rng(0)
    data = np.where(rng.random(4000) < 0.8, -2.0, 2.0)[:, None] + 0.5 * rng.standard_normal((4000, 1))
    wide, narrow = (width(data, precision_recall(lam), g=kl) for lam in (0.1, 20))
    assert wide > 1.5 and narrow < 0.7


@pytest.mark.parametrize("lam", [5, 20])
def test_the_plain_dual_fails_where_the_auxiliary_divergence_does_not(lam):
    """One Gaussian for two unequal modes can have the precision 1, in the larger mode; P and Q are exact here."""
    target = 0.8 * dg.Gaussian(np.array([-2.0]), np.eye(1) / 4) + 0.2 * dg.Gaussian(np.array([2.0]), np.eye(1) / 4)
    edges = [np.linspace(-6, 6, 481)]

    def precision(g):
        gan = fit_gan(target, precision_recall(lam), g=g, rng=np.random.default_rng(1), steps=800, latent_dim=1,
                      generator_hidden=(), critic_hidden=(32,), learning_rate=5e-3, averaging=0.98).gan
        mean = gan.generator[1:].astype(float) * gan.scale + gan.shift
        law = dg.Gaussian(mean, np.array([[(float(gan.generator[0]) * gan.scale) ** 2]]))
        curve = dg.pr_curve(bin_probabilities(target, edges), bin_probabilities(law, edges), np.array([float(lam)]))
        return curve.precision[0]

    assert precision(kl) > 0.95
    assert precision(None) < 0.8


def test_training_through_obrs_widens_the_generator():
    """A generator that will be refined may waste samples between the modes, and covers more."""
    data = two_modes(4000, np.random.default_rng(0))
    assert width(data, precision_recall(1), g=kl, budget=2.0) > 1.1 * width(data, precision_recall(1), g=kl)


def test_refined_points_cost_the_budget_and_are_closer(rng):
    training = fit_gan(two_modes(4000, rng), kl, rng=rng, steps=800, latent_dim=1, generator_hidden=(),
                       critic_hidden=(32,), learning_rate=5e-3)
    gan = training.gan
    points, info, rule = gan.refine(20_000, rng, budget=1.5)
    assert points.shape == (20_000, 1)
    assert info.rate == pytest.approx(1 / 1.5, abs=0.02) and rule.status == "met"
    edges = [np.linspace(-5, 5, 41)]
    target = dg.Gaussian(np.array([-2.0]), np.eye(1) / 4) * 0.5 + dg.Gaussian(np.array([2.0]), np.eye(1) / 4) * 0.5
    p = bin_probabilities(target, edges)
    before, after = (dg.divergence(total_variation, p, bin_shares(x, edges)) for x in (gan.sample(20_000, rng), points))
    assert after < before - 0.1


def test_units_do_not_matter(rng):
    data = two_modes(500, rng)
    one, other = (fit_gan(x, kl, rng=np.random.default_rng(0), steps=20, dtype="float64", **SMALL).gan
                  for x in (data, 1000 * data + 7e3))
    z = rng.normal(size=(10, 2))
    assert_allclose(other.generate(z), 1000 * one.generate(z) + 7e3, rtol=1e-9, atol=1e-6)
    assert_allclose(other.log_ratio(1000 * data + 7e3), one.log_ratio(data), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_data_far_from_zero(dtype, rng):
    """In single precision the numbers at 1e9 are 64 apart; the samples differ like the data all the same."""
    data = rng.normal(size=(300, 2))
    far = data + 1e9
    near = far - 1e9  # the data as they are, rounded
    one, other = (fit_gan(x, kl, rng=np.random.default_rng(0), steps=3, dtype=dtype, **SMALL).gan for x in (near, far))
    z = rng.normal(size=(200, 2))
    assert_allclose(other.generate(z) - 1e9, one.generate(z), atol=2e-4)
    assert len(np.unique(other.generate(z)[:, 0])) > 190
    assert_allclose(other.log_ratio(far), one.log_ratio(near), atol=2e-4)
    assert np.ptp(one.log_ratio(near)) > 0.01


def test_tiny_and_large_units(rng):
    data = two_modes(300, rng)
    z = rng.normal(size=(10, 2))
    one = fit_gan(data, kl, rng=np.random.default_rng(0), steps=3, **SMALL).gan
    for factor, dtype in ((1e-200, "float64"), (1e140, "float64"), (1e-30, "float32"), (1e15, "float32")):
        other = fit_gan((factor * data).astype(dtype), kl, rng=np.random.default_rng(0), steps=3, **SMALL).gan
        assert other.scale == pytest.approx(factor * one.scale, rel=1e-6)
        assert_allclose(other.generate(z) / factor, one.generate(z), rtol=1e-3, atol=1e-4)


def test_a_constant_column_comes_out_as_it_is(rng):
    data = np.concatenate([rng.normal(size=(300, 1)), np.full((300, 1), 1e9)], axis=1)
    for given in (data, data.astype(np.float32)):
        training = fit_gan(given, kl, rng=np.random.default_rng(0), steps=3, **SMALL)
        assert training.gan.scale == pytest.approx(np.std(data[:, 0]) / math.sqrt(2), rel=1e-6)
        assert_allclose(training.gan.sample(100, rng)[:, 1], 1e9, atol=64)


def test_the_trace_says_what_pulled(rng):
    data = two_modes(300, rng)
    plain = fit_gan(data, kl, rng=np.random.default_rng(0), steps=5, **SMALL)
    assert_array_equal(plain.trace.certain, np.ones(5))
    # untrained critics know ratios near 1, which 31 proposals can pay for
    rich = fit_gan(data, kl, rng=np.random.default_rng(0), steps=5, budget=31, **SMALL)
    assert_array_equal(rich.trace.certain, np.zeros(5))
    assert_array_equal(rich.state.generator_adam.second, np.zeros_like(rich.state.generator))
    some = fit_gan(data, kl, rng=np.random.default_rng(0), steps=40, budget=1.1, learning_rate=1e-2, **SMALL)
    assert 0 < some.trace.certain[-1] < 1
    assert_allclose(some.trace.certain * 32, np.round(some.trace.certain * 32), atol=1e-9)


@pytest.mark.parametrize("lam", [0.05, 20.0])
def test_the_estimate_of_a_training_is_a_divergence(lam, rng):
    """It is between 0 and min(1, lambda), whatever the critic takes the mean of its ratio for."""
    data = two_modes(300, rng)
    trace = fit_gan(data, precision_recall(lam), g=kl, rng=rng, steps=60, learning_rate=1e-2, **SMALL).trace
    assert np.all(trace.estimate >= 0) and np.all(trace.estimate <= min(1, lam))


def test_a_short_training_does_not_hand_out_its_start(rng):
    """The average is one of trained weights, even where it forgets slowly."""
    data = rng.normal(size=(50, 2))
    weights = []
    training = fit_gan(data, kl, rng=rng, steps=3, every=1, averaging=0.9999, **SMALL,
                       callback=lambda t: weights.append(t.state.generator))
    assert_allclose(training.gan.generator, np.mean(weights, axis=0), rtol=1e-3, atol=1e-6)
    last = fit_gan(data, kl, rng=rng, steps=3, averaging=0, **SMALL)
    assert_array_equal(last.gan.generator, last.state.generator)


def test_rates_may_come_as_a_list(rng):
    data = rng.normal(size=(50, 2))
    same(*(fit_gan(data, kl, rng=np.random.default_rng(0), steps=3, learning_rate=rates, **SMALL)
           for rates in ([1e-3, 2e-3], (1e-3, 2e-3))))


# --- one run, twice ------------------------------------------------------------------------------------------------


def same(one, other):
    for a, b in zip(one.state, other.state, strict=True):
        for x, y in zip(a if isinstance(a, tuple) else [a], b if isinstance(b, tuple) else [b], strict=True):
            assert_array_equal(x, y)
    assert_array_equal(one.gan.generator, other.gan.generator)
    assert_array_equal(one.trace, other.trace)


def test_deterministic_given_rng(rng):
    data = two_modes(300, rng)
    runs = [fit_gan(data, kl, rng=np.random.default_rng(seed), steps=15, **SMALL) for seed in (5, 5, 6)]
    same(runs[0], runs[1])
    assert not np.array_equal(runs[0].gan.generator, runs[2].gan.generator)


class Stop(Exception):
    pass


@pytest.mark.parametrize("measure", [False, True])
def test_an_interrupted_training_goes_on_bit_for_bit(tmp_path, measure):
    data = dg.Gaussian.standard(2) if measure else np.random.default_rng(0).normal(size=(100, 2))
    options = {"g": kl, "steps": 23, "every": 5, "budget": 1.5, **SMALL}
    rng, whole_rng = np.random.default_rng(8), np.random.default_rng(8)
    whole = fit_gan(data, precision_recall(2), rng=whole_rng, **options)

    def stop(training):
        if training.state.generator_adam.step == 15:
            raise Stop

    path = tmp_path / "state.npz"
    with pytest.raises(Stop):
        fit_gan(data, precision_recall(2), rng=np.random.default_rng(8), checkpoint=path, callback=stop, **options)
    seen = []
    resumed = fit_gan(data, precision_recall(2), rng=rng, checkpoint=path, callback=seen.append, **options)
    assert [len(training.trace.dual) for training in seen] == [15, 20, 23]  # the one that failed is called again
    same(resumed, whole)
    assert rng.random() == whole_rng.random()
    again = fit_gan(data, precision_recall(2), rng=np.random.default_rng(8), checkpoint=path, **options)
    same(again, whole)  # a finished one is only read


def test_a_callback_may_draw_from_the_rng(tmp_path):
    """The state that is kept is the one after the callback; without that, what follows would differ."""
    data = np.random.default_rng(0).normal(size=(100, 2))
    options = {"steps": 12, "every": 4, **SMALL}

    def draws(training):
        drawing.random(3)

    drawing = np.random.default_rng(8)
    whole = fit_gan(data, kl, rng=drawing, callback=draws, **options)

    def stops(training):
        draws(training)
        if training.state.generator_adam.step == 8:
            raise Stop

    drawing = np.random.default_rng(8)
    with pytest.raises(Stop):
        fit_gan(data, kl, rng=drawing, callback=stops, checkpoint=tmp_path / "state.npz", **options)
    drawing = np.random.default_rng(8)
    same(fit_gan(data, kl, rng=drawing, callback=draws, checkpoint=tmp_path / "state.npz", **options), whole)


def test_how_numbers_are_printed_does_not_matter_to_a_checkpoint(tmp_path):
    data = np.random.default_rng(0).normal(size=(50, 2))

    def fit():
        return fit_gan(data, kl, rng=np.random.Generator(np.random.MT19937(0)), steps=3, checkpoint=path, **SMALL)

    path = tmp_path / "state.npz"
    whole = fit()
    with np.printoptions(threshold=5):
        same(fit(), whole)


def test_another_measure_or_rng_is_told_apart(tmp_path):
    path = tmp_path / "state.npz"
    measure = dg.Gaussian.standard(2)
    fit_gan(measure, kl, rng=np.random.default_rng(0), steps=2, checkpoint=path, **SMALL)
    with pytest.raises(ValueError, match=r"npz: rng: another seed or state$"):
        fit_gan(measure, kl, rng=np.random.default_rng(1), steps=2, checkpoint=path, **SMALL)
    with pytest.raises(ValueError, match=r"npz: data was [^;]*$"):
        fit_gan(dg.Gaussian(np.ones(2), np.eye(2)), kl, rng=np.random.default_rng(0), steps=2, checkpoint=path, **SMALL)


def test_a_checkpoint_that_cannot_be_written_is_refused_at_once(tmp_path):
    data = np.random.default_rng(0).normal(size=(50, 2))
    rng = np.random.default_rng(0)
    for path in (tmp_path, tmp_path / "missing" / "state.npz"):
        with pytest.raises(ValueError, match="checkpoint: expected a file in a folder that is there, got"):
            fit_gan(data, kl, rng=rng, steps=2, checkpoint=path, **SMALL)
    assert rng.random() == np.random.default_rng(0).random()  # nothing has begun


@pytest.mark.parametrize(("changed", "name"), [
    ({"f": jensen_shannon}, "f was"), ({"g": pearson_chi2}, "g was"), ({"steps": 7}, "steps was 6 and is 7"),
    ({"batch_size": 16}, "batch_size was 32 and is 16"), ({"learning_rate": 1e-4}, "learning_rate was"),
    ({"critic_steps": 1}, "critic_steps was 2 and is 1"), ({"budget": 2.0}, r"budget was 1\.0 and is 2\.0"),
    ({"bandwidth": 0.5}, "bandwidth was"), ({"averaging": 0.5}, "averaging was"),
    ({"log_ratio_bound": 3.0}, "log_ratio_bound was"), ({"generator_hidden": (4,)}, "generator_sizes was"),
    ({"critic_hidden": (4,)}, "critic_sizes was"), ({"rng": np.random.default_rng(1)}, "rng: another seed or state$"),
    ({"rng": np.random.Generator(np.random.MT19937(0))}, "rng: another seed or state$"),
    ({"data": np.ones((50, 2)) * np.arange(50)[:, None]}, r"npz: data was [^;]*$"),
    ({"start": GAN.initial((2, 8, 2), (2, 8, 1), rng=np.random.default_rng(3), shift=np.zeros(2), dtype="float32")},
     "start: other networks$"),
    ({"dtype": "float64"}, "dtype was float32 and is float64"),
])
def test_a_checkpoint_of_another_training_is_refused(tmp_path, changed, name):
    data = np.random.default_rng(0).normal(size=(50, 2))
    path = tmp_path / "state.npz"
    arguments = {"data": data, "f": kl, "g": None, "rng": np.random.default_rng(0), "steps": 6, "checkpoint": path,
                 **SMALL}
    fit_gan(**arguments)
    with pytest.raises(ValueError, match=f"checkpoint: expected the training of these arguments, .*{name}"):
        fit_gan(**(arguments | {"rng": np.random.default_rng(0)} | changed))


def test_other_files_are_refused(tmp_path, small):
    path = tmp_path / "state.npz"
    data = np.random.default_rng(0).normal(size=(50, 2))
    small.save(path)
    with pytest.raises(ValueError, match=r"expected a file of kind 'divergen.fit_gan 1'"):
        fit_gan(data, kl, rng=np.random.default_rng(0), steps=2, checkpoint=path, **SMALL)
    path.unlink()
    fit_gan(data, kl, rng=np.random.default_rng(0), steps=2, checkpoint=path, **SMALL)
    with pytest.raises(ValueError, match=r"expected a file of kind 'divergen.GAN 1'"):
        GAN.load(path)
    found = load_checkpoint(path, "divergen.fit_gan 1")
    save_checkpoint(path, "divergen.fit_gan 1", found.arrays, found.values)
    with pytest.raises(ValueError, match="the state of rng is missing"):
        fit_gan(data, kl, rng=np.random.default_rng(0), steps=2, checkpoint=path, **SMALL)
    save_checkpoint(path, "divergen.fit_gan 1", {}, found.values, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"checkpoint: expected a file that fit_gan wrote, .*'trace'"):
        fit_gan(data, kl, rng=np.random.default_rng(0), steps=2, checkpoint=path, **SMALL)
    save_checkpoint(path, "divergen.GAN 1", {}, {})
    with pytest.raises(ValueError, match=r"path: expected a file that GAN\.save wrote"):
        GAN.load(path)


def test_save_and_load(tmp_path, small, rng):
    z, x = rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
    for gan in (small, replace(small, knows_ratio=False)):
        gan.save(tmp_path / "gan.npz")
        found = GAN.load(tmp_path / "gan.npz")
        assert found.knows_ratio == gan.knows_ratio
        assert_array_equal(found.generate(z), gan.generate(z))
    assert_array_equal(GAN.load(tmp_path / "gan.npz").critic, small.critic)
    small.save(tmp_path / "gan.npz")
    assert_array_equal(GAN.load(tmp_path / "gan.npz").log_ratio(x), small.log_ratio(x))


def test_callback_progress_and_dtype(rng, capsys, monkeypatch):
    pytest.importorskip("tqdm")
    data = rng.normal(size=(50, 2))
    seen = []
    training = fit_gan(data, kl, rng=rng, steps=7, every=3, callback=seen.append, progress=True, **SMALL)
    assert [len(t.trace.dual) for t in seen] == [3, 6, 7]
    assert "7/7" in capsys.readouterr().err
    assert training.gan.generator.dtype == training.gan.critic.dtype == np.float32
    assert training.gan.log_ratio(data).dtype == np.float32
    for given in (np.float32, np.float64):  # points come out as the data went in
        for dtype in ("float32", "float64"):
            gan = fit_gan(data.astype(given), kl, rng=rng, steps=1, dtype=dtype, **SMALL).gan
            assert gan.sample(3, rng).dtype == given and gan.generator.dtype == dtype
            assert gan.log_ratio(data.astype(given)).dtype == dtype
            assert fit_gan(data, kl, rng=rng, steps=1, start=gan, batch_size=8).gan.sample(3, rng).dtype == given
    double = fit_gan(data, kl, rng=rng, steps=2, dtype="float64", **SMALL).gan
    assert double.critic.dtype == double.log_ratio(data).dtype == np.float64
    real_import = builtins.__import__

    def without_tqdm(name, *arguments, **keywords):
        if name == "tqdm":
            raise ImportError(name)
        return real_import(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without_tqdm)
    with pytest.raises(ImportError, match="progress=True shows a bar by tqdm, which is missing"):
        fit_gan(data, kl, rng=rng, steps=1, progress=True, **SMALL)


def test_the_average_is_a_running_mean_of_the_weights(rng):
    data = rng.normal(size=(50, 2))
    weights = []
    training = fit_gan(data, kl, rng=rng, steps=4, every=1, averaging=0.75,
                       callback=lambda t: weights.append((t.state.generator, t.gan.generator)), **SMALL)
    for t in range(1, 5):  # the first weights, before step 1, do not count
        now = np.array([each for each, _ in weights[:t]], dtype=np.float64)
        assert_allclose(weights[t - 1][1], np.average(now, axis=0, weights=0.75 ** np.arange(t)[::-1]), rtol=1e-5)
    assert_array_equal(training.gan.critic, training.state.critic)


@pytest.mark.parametrize("budget", [1.0, 1.5])
def test_other_libraries(library, budget):
    data = np.random.default_rng(0).normal(size=(60, 2))
    for f in (kl, precision_recall(2)):
        runs = [fit_gan(x, f, g=jensen_shannon, rng=np.random.default_rng(4), steps=4, budget=budget, dtype="float64",
                        **SMALL) for x in (library.asarray(data), data)]
        assert dg.namespace(runs[0].gan.generator) is not np
        assert_allclose(to_numpy(runs[0].gan.generator), runs[1].gan.generator, rtol=1e-6, atol=1e-9)
        assert_allclose(to_numpy(runs[0].gan.critic), runs[1].gan.critic, rtol=1e-6, atol=1e-9)
        ours, numpys = (run.gan.refine(10, np.random.default_rng(0), budget=1.5).points for run in runs)
        assert_allclose(to_numpy(ours), numpys, rtol=1e-6)
    normal = dg.Gaussian.standard(2, like=library.asarray(data))
    found = fit_gan(normal, kl, rng=np.random.default_rng(4), steps=2, **SMALL).gan
    assert found.generator.dtype == library.float32
    assert found.sample(3, np.random.default_rng(0)).dtype == library.float64
    single = fit_gan(library.asarray(data.astype(np.float32)), kl, rng=np.random.default_rng(4), steps=2, **SMALL).gan
    assert single.sample(3, np.random.default_rng(0)).dtype == library.float32
    assert single.log_ratio(library.asarray(data)).dtype == library.float32


# --- messages ------------------------------------------------------------------------------------------------------


def test_a_training_that_diverges_says_where(rng):
    data = rng.normal(size=(50, 2))
    with pytest.raises(FloatingPointError, match=r"diverged at step 1: dual value of the critic -?(inf|nan), norm"):
        fit_gan(data, kl, rng=rng, steps=5, start=blown_up(data, 2000.0, 1e5), batch_size=32)
    with pytest.raises(FloatingPointError, match=r"diverged at step \d+: "):
        fit_gan(data, kl, rng=rng, steps=50, learning_rate=1e30, **SMALL)
    with pytest.raises(FloatingPointError, match="diverged at step 1: some parameters of the generator are not finite"):
        fit_gan(data, kl, rng=rng, steps=1, learning_rate=(1e39, 1e-3), **SMALL)
    nan = replace(blown_up(data, 5.0, 1.0))
    object.__setattr__(nan, "generator", nan.generator * np.float32(np.nan))
    with pytest.raises(FloatingPointError, match="diverged at step 1: some log-ratios of the critic are nan"):
        gan_step(nan, GANState(nan.generator, nan.critic, nan.generator, None, None),
                           GANSettings(kl, None, 5, 4, (1e-3, 1e-3), 1, 1.0, 1.0, 0.9), 0,
                           lambda rng: data[:4].astype(np.float32), rng)


def blown_up(data, bound, factor):
    gan = GAN.initial((2, 4, 2), (2, 4, 1), rng=np.random.default_rng(0), shift=np.zeros(2, dtype=np.float32),
                      log_ratio_bound=bound)
    return replace(gan, critic=gan.critic * np.float32(factor))


def test_messages_of_the_training(rng):
    data = rng.normal(size=(50, 2))

    def fit(data=data, f=kl, **options):
        return fit_gan(data, f, **({"rng": rng, "steps": 1} | options))

    for name in ("steps", "batch_size", "critic_steps", "every"):
        with pytest.raises(ValueError, match=f"{name}: expected a whole number of at least 1, got 0"):
            fit(**{name: 0})
    for options, message in [
        ({"budget": 0.5}, "budget: expected a finite number at least 1"),
        ({"bandwidth": 0}, "bandwidth: expected a finite number above 0"),
        ({"averaging": 1}, "averaging: expected a finite number below 1 and at least 0"),
        ({"log_ratio_bound": 0}, "log_ratio_bound: expected a finite number above 0"),
        ({"learning_rate": -1}, "learning_rate: expected a finite number at least 0"),
        ({"learning_rate": (1, 2, 3)}, "learning_rate: expected a number, or one for the generator and one for"),
        ({"dtype": "float16"}, "dtype: expected 'float32' or 'float64', got 'float16'"),
        ({"rng": 3}, "rng: expected a numpy.random.Generator"),
        ({"g": total_variation}, "g: expected a divergence without kinks"),
        ({"f": precision_recall(0)}, "f: expected a divergence with a gradient"),
        ({"f": precision_recall(math.inf), "g": kl}, "f: expected a divergence with a gradient"),
        ({"f": precision_recall(2), "budget": 2}, r"budget: expected 1 for the plain dual of precision_recall\(2\)"),
        ({"data": np.ones((5, 2))}, "data: expected points that differ, got equal ones only"),
        ({"data": np.ones(5)}, r"data: expected an array of shape \(n, d\)"),
        ({"start": blown_up(data, 1.0, 1.0), "data": np.eye(3)}, "start: expected networks for points of dimension 3"),
        ({"latent_dim": 0}, "^latent_dim: expected a whole number of at least 1, got 0"),
        ({"generator_hidden": 4}, r"generator_hidden: expected a sequence of sizes, such as \(64, 64\), got 4"),
        ({"critic_hidden": (4, 0)}, "critic_hidden: size: expected a whole number of at least 1, got 0"),
        ({"learning_rate": "fast"}, "learning_rate: expected a number, or one for the generator and one for"),
        ({"learning_rate": None}, "learning_rate: expected a finite number at least 0, got None"),
        ({"f": "kl"}, "f: expected an FDivergence, such as divergen.kl, got 'kl'"),
        ({"f": None}, "f: expected an FDivergence, such as divergen.kl, got None"),
        ({"g": "kl"}, "g: expected an FDivergence, such as divergen.kl, got 'kl'"),
        ({"start": 3}, "start: expected a GAN, got 3"),
        ({"budget": 256}, "budget: expected less than batch_size, 256, got 256; on n points n proposals buy"),
        ({"budget": 9, "batch_size": 8}, "budget: expected less than batch_size, 8, got 9"),
        ({"data": 0.5 * ring()}, r"data: expected a measure of mass 1, got one of mass 0\.5"),
        ({"data": np.full((7, 2), 0.1)}, "data: expected points that differ, got equal ones only"),
        ({"data": np.full((7, 2), 0.1, dtype=np.float32)}, "data: expected points that differ, got equal ones only"),
        ({"data": dg.Diracs(np.full((1, 2), 0.1))}, "data: expected points that differ, got equal ones only"),
        ({"data": np.array([[1e160], [0.0]])}, r"data: expected numbers of size at most 1e\+150"),
        ({"data": np.array([[1e20], [0.0]], dtype=np.float32)}, r"data: expected numbers of size at most 1e\+17"),
        ({"data": (1e9 + 60 * data).astype(np.float32)}, "data: expected points whose differences are more than round"),
        ({"data": 1e17 + 60 * data}, "data: expected points whose differences are more than rounding, got float64"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit(**options)


def test_messages_of_the_networks(small, rng):
    with pytest.raises(ValueError, match="log_ratio: expected a critic that knows the ratio p/q"):
        replace(small, knows_ratio=False).log_ratio(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="log_ratio: expected a critic that knows the ratio p/q"):
        replace(small, knows_ratio=False).refine(3, rng, budget=2)
    with pytest.raises(ValueError, match="generator_sizes: expected at least two sizes"):
        replace(small, generator_sizes=(3,))
    with pytest.raises(ValueError, match="critic_sizes: expected to go from the data's dimension 3 to 1"):
        replace(small, critic_sizes=(3, 2), critic=np.zeros(8))
    for sizes in (5, (3, 5.0)):
        with pytest.raises(ValueError, match=r"generator_sizes: (size: )?expected a"):
            GAN.initial(sizes, (3, 1), rng=rng, shift=np.zeros(3))
        with pytest.raises(ValueError, match=r"critic_sizes: (size: )?expected a"):
            GAN.initial((2, 3), sizes, rng=rng, shift=np.zeros(3))
    with pytest.raises(ValueError, match="dtype: expected 'float32' or 'float64', got 'int8'"):
        GAN.initial((2, 3), (3, 1), rng=rng, shift=np.zeros(3), dtype="int8")
    with pytest.raises(ValueError, match="critic: expected the generator's dtype float64, got float32"):
        replace(small, critic=small.critic.astype(np.float32))
    with pytest.raises(ValueError, match="generator: expected a vector of length 54"):
        replace(small, generator=np.zeros(3))
    with pytest.raises(ValueError, match="shift: expected a vector of length 3"):
        replace(small, shift=np.zeros(2))
    with pytest.raises(ValueError, match="scale: expected a finite number above 0"):
        replace(small, scale=0.0)
    with pytest.raises(ValueError, match="log_ratio_bound: expected a finite number above 0"):
        replace(small, log_ratio_bound=0.0)
    with pytest.raises(ValueError, match="z: expected points of dimension 2, got dimension 3"):
        small.generate(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="x: expected points of dimension 3, got dimension 2"):
        small.log_ratio(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="budget: expected a finite number at least 1"):
        small.refine(3, rng, budget=0.5)
    for n, calibration in ((0, 10), (1, 0)):
        with pytest.raises(ValueError, match="expected a whole number of at least 1, got 0"):
            small.refine(n, rng, budget=2, calibration=calibration)
    with pytest.raises(ValueError, match="n: expected a whole number"):
        small.sample(0, rng)
