"""Training: it climbs, it is the same for the same seed, it stops and goes on, and it says where it diverges."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from divergen.adam import AdamState, adam_init, adam_step, cosine_decay
from divergen.datasets import digits
from divergen.models import training as module
from divergen.models.checkpoint import load_checkpoint
from divergen.models.convolutional import Convolutional
from divergen.models.objective import ELBO, Objective, elbo_and_gradient, objective_and_gradient
from divergen.models.training import fit
from divergen.models.vae import VAE

TINY = (4, 5, 2, 6, 4)
EVERYTHING = Objective(kl=0.5, omega=3, latent_distance=20)


def example(sizes=TINY, n=7, seed=0):
    rng = np.random.default_rng(seed)
    model = VAE.initial(sizes, rng=rng, dtype=np.float64)
    return model, rng.uniform(size=(n, sizes[0])), rng.standard_normal((n, model.latent_dim))


@pytest.fixture(scope="module")
def images():
    return digits().train_images


def test_training_on_digits_raises_the_elbo(images):
    rng = np.random.default_rng(0)
    start = VAE.initial((64, 100, 2, 100, 64), rng=rng)
    before = start.parameters.copy()
    result = fit(start, images, rng=rng, epochs=30, learning_rate=cosine_decay(3e-3, 360))
    values = [terms.value for terms in result.trace]
    assert len(values) == 30 and result.state.step == 30 * 12  # 1,438 images are 11 batches of 128 and one of 30
    assert np.array_equal(start.parameters, before)
    assert all(terms.value == pytest.approx(terms.log_likelihood - terms.kl) for terms in result.trace)
    # The best model that knows nothing but each pixel's mean, fitted to the very same images, reaches this:
    pixel = np.clip(images.mean(axis=0), 1e-9, 1 - 1e-9)
    pixelwise = np.mean(np.sum(images * np.log(pixel) + (1 - images) * np.log(1 - pixel), axis=1))
    assert values[0] < pixelwise - 10 and values[-1] > pixelwise + 1
    held_out, _ = elbo_and_gradient(result.vae, digits().test_images, rng.standard_normal((359, 2)))
    assert held_out.value > pixelwise + 1
    assert held_out.kl > 1  # the latent space is used


def test_trace_is_the_mean_over_the_images():
    """A learning rate of zero leaves the parameters alone, so the trace must be the ELBO under the noise drawn."""
    model, x, _ = example(n=10)
    rng, twin = np.random.default_rng(5), np.random.default_rng(5)
    result = fit(model, x, rng=rng, epochs=1, batch_size=4, learning_rate=0)
    order = twin.permutation(10)
    noise = np.concatenate([twin.standard_normal((b, 2)) for b in (4, 4, 2)])
    assert np.array_equal(result.vae.parameters, model.parameters)
    np.testing.assert_allclose(result.trace[0], elbo_and_gradient(model, x[order], noise)[0], rtol=1e-13)


def test_same_seed_same_weights(images):
    def train(seed):
        rng = np.random.default_rng(seed)
        return fit(VAE.initial((64, 8, 2, 8, 64), rng=rng), images[:300], rng=rng, epochs=2).vae.parameters

    assert np.array_equal(train(1), train(1))
    assert not np.array_equal(train(1), train(2))


def test_training_goes_on_bit_for_bit(images, tmp_path):
    def start():
        rng = np.random.default_rng(7)
        return rng, VAE.initial((64, 8, 2, 8, 64), rng=rng)

    options = {"batch_size": 50, "learning_rate": cosine_decay(1e-2, 30)}
    rng, model = start()
    whole = fit(model, images[:240], rng=rng, epochs=6, **options)

    rng, model = start()
    first = fit(model, images[:240], rng=rng, epochs=2, **options)
    first.vae.save(tmp_path / "half.npz")  # all that the rest needs, by way of files
    np.savez(tmp_path / "adam.npz", first=first.state.first, second=first.state.second)
    rng_state, step = rng.bit_generator.state, first.state.step
    del model, rng
    rng = np.random.default_rng()
    rng.bit_generator.state = rng_state
    with np.load(tmp_path / "adam.npz") as moments:
        state = AdamState(step, moments["first"], moments["second"])
    second = fit(VAE.load(tmp_path / "half.npz"), images[:240], rng=rng, epochs=4, state=state, **options)

    assert np.array_equal(second.vae.parameters, whole.vae.parameters)
    assert first.trace + second.trace == whole.trace
    assert second.state.step == whole.state.step == 30


def test_callback_and_schedule_see_every_epoch_and_step():
    model, x, _ = example(n=10)
    seen, steps = [], []

    def rate(step):
        steps.append(step)
        return 1e-3

    result = fit(model, x, rng=np.random.default_rng(0), epochs=3, batch_size=4, learning_rate=rate,
                 callback=seen.append)
    assert [len(training.trace) for training in seen] == [1, 2, 3]
    assert seen[-1] is result and isinstance(seen[0].trace[0], ELBO)
    assert not np.array_equal(seen[0].vae.parameters, result.vae.parameters)
    assert steps == list(range(9))


def test_progress_bar(capsys):
    model, x, _ = example()
    pytest.importorskip("tqdm")
    plain = fit(model, x, rng=np.random.default_rng(0), epochs=2)
    assert capsys.readouterr() == ("", "")
    shown = fit(model, x, rng=np.random.default_rng(0), epochs=2, progress=True)
    assert "2/2" in capsys.readouterr().err
    assert np.array_equal(plain.vae.parameters, shown.vae.parameters)


def test_progress_bar_without_tqdm(monkeypatch):
    model, x, _ = example()
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match="progress=True shows a bar by tqdm, which is missing: pip install tqdm"):
        fit(model, x, rng=np.random.default_rng(0), epochs=1, progress=True)
    fit(model, x, rng=np.random.default_rng(0), epochs=1)


def test_divergence_names_the_step(images):
    rng = np.random.default_rng(0)
    model = VAE.initial((64, 8, 2, 8, 64), rng=rng)
    with pytest.raises(FloatingPointError, match=r"at epoch 1, step 2: objective (nan|-inf) \(log-likelihood .*, KL "):
        fit(model, images, rng=rng, epochs=3, learning_rate=1e10)
    good = fit(model, images[:256], rng=rng, epochs=2)  # 4 steps; then the rate explodes in step 6
    with pytest.raises(FloatingPointError, match=r"diverged at epoch 2, step 7: objective"):
        fit(good.vae, images[:256], rng=rng, epochs=3, state=good.state,
            learning_rate=lambda step: 1e10 if step == 5 else 1e-3)


def test_divergence_in_the_last_step():
    """What the last step breaks shows in the parameters, as no further ELBO is computed."""
    model, x, _ = example()
    single = replace(model, parameters=model.parameters.astype(np.float32))
    with pytest.raises(FloatingPointError, match="diverged at epoch 1, step 1: some parameters are not finite"):
        fit(single, x, rng=np.random.default_rng(0), epochs=1, learning_rate=1e39)


def test_divergence_of_the_gradient_alone():
    """The ELBO is finite in single precision, while the squares of the gradient, which Adam needs, are not."""
    model = VAE.initial((1, 1, 1), rng=np.random.default_rng(0))
    pieces = {name: 0 * piece for name, piece in model.layout.views(model.parameters).items()}
    pieces["decoder.0.weight"] = np.array([[1e20]], dtype=np.float32)
    model = replace(model, parameters=model.layout.flatten(pieces))
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 1: objective -[0-9.e+]+ .* norm of its gradient inf"):
        fit(model, np.zeros((4, 1)), rng=np.random.default_rng(0), epochs=1)


def test_divergence_names_every_term():
    model, x, _ = example(n=8)
    pieces = {name: 0 * piece for name, piece in model.layout.views(model.parameters).items()}
    pieces["encoder.1.bias"] = np.array([1e18, 0, 0, 0])
    model = replace(model, parameters=model.layout.flatten(pieces).astype(np.float32))
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 1: objective -inf \(log-likelihood -2\.77\d*, KL "
                       r"2\.5e\+35, omega 0, latent distance inf\), norm of its gradient nan; a smaller"):
        fit(model, x, rng=np.random.default_rng(0), epochs=1, objective=EVERYTHING)
    pieces["encoder.0.weight"] = np.full((4, 5), 1e12)
    pieces["encoder.1.weight"] = np.full((5, 4), 1e12) * [1, 1, 0, 0]
    model = replace(model, parameters=model.layout.flatten(pieces).astype(np.float32))
    with pytest.raises(FloatingPointError, match=r"objective (nan|-inf) .* KL inf, omega inf, latent distance inf"):
        fit(model, x, rng=np.random.default_rng(0), epochs=1, objective=EVERYTHING)


# --- objectives and clipping -----------------------------------------------------------------------------------


def test_trace_holds_every_term():
    model, x, _ = example(n=10)
    rng, twin = np.random.default_rng(5), np.random.default_rng(5)
    result = fit(model, x, rng=rng, epochs=1, batch_size=4, learning_rate=0, objective=EVERYTHING)
    order = twin.permutation(10)
    total = np.zeros(5)
    for batch in (order[:4], order[4:8], order[8:]):
        terms, _ = objective_and_gradient(model, x[batch], twin.standard_normal((len(batch), 2)), EVERYTHING)
        total += len(batch) * np.array(terms)
    np.testing.assert_allclose(result.trace[0], total / 10, rtol=1e-13)
    assert all(term > 0 for term in result.trace[0][2:])


def test_each_objective_gets_what_it_asks_for(images):
    """Trained for it, each term is smaller than in a training that does not know it."""
    def train(objective):
        rng = np.random.default_rng(1)
        model = VAE.initial((64, 32, 2, 32, 64), rng=rng)
        vae = fit(model, images, rng=rng, epochs=15, learning_rate=3e-3, objective=objective).vae
        noise = rng.standard_normal((len(images), 2))
        return objective_and_gradient(vae, images, noise, Objective(kl=1, omega=1, latent_distance=1))[0]

    free, elbo = train(Objective(kl=0)), train(Objective())
    assert elbo.kl < free.kl / 2
    assert train(Objective(omega=30)).omega < elbo.omega / 2
    distance = train(Objective(kl=0, latent_distance=30))
    assert distance.latent_distance < 0.01 < free.latent_distance / 2
    assert distance.kl > elbo.kl and distance.log_likelihood > elbo.log_likelihood


@settings(max_examples=20)
@given(clip=st.floats(1e-3, 3), rate=st.floats(1e-4, 10), dtype=st.sampled_from([np.float32, np.float64]))
def test_clipping_bounds_every_parameter(clip, rate, dtype):
    model, x, _ = example(n=10)
    model = replace(model, parameters=model.parameters.astype(dtype))
    seen = []
    fit(model, x, rng=np.random.default_rng(0), epochs=2, batch_size=4, learning_rate=rate, clip=clip,
        callback=seen.append)
    for training in seen:
        assert training.vae.parameters.dtype == dtype
        assert np.max(np.abs(training.vae.parameters)) <= dtype(clip)


def test_clipping_takes_the_start_as_it_is_and_every_step_after():
    model, x, _ = example(n=10)
    big = replace(model, parameters=10 * model.parameters)
    clipped = fit(big, x, rng=np.random.default_rng(0), epochs=1, batch_size=10, learning_rate=0, clip=0.3)
    plain = fit(big, x, rng=np.random.default_rng(0), epochs=1, batch_size=10, learning_rate=0)
    assert clipped.trace == plain.trace  # of the one step, taken at the start
    assert np.array_equal(clipped.vae.parameters, np.clip(big.parameters, -0.3, 0.3))
    within = fit(model, x, rng=np.random.default_rng(0), epochs=3, clip=100)
    assert np.array_equal(within.vae.parameters, fit(model, x, rng=np.random.default_rng(0), epochs=3).vae.parameters)
    # By hand, several steps in one epoch: each gradient is taken at parameters that are clipped.
    rng, vae, state = np.random.default_rng(0), model, adam_init(model.parameters)
    order = rng.permutation(10)
    for batch in (order[:4], order[4:8], order[8:]):
        _, gradient = elbo_and_gradient(vae, x[batch], rng.standard_normal((len(batch), 2)))
        parameters, state = adam_step(vae.parameters, -gradient, state, 0.05)
        vae = replace(vae, parameters=np.clip(parameters, -0.1, 0.1))
    result = fit(model, x, rng=np.random.default_rng(0), epochs=1, batch_size=4, clip=0.1, learning_rate=0.05)
    assert np.array_equal(result.vae.parameters, vae.parameters) and np.mean(np.abs(vae.parameters) == 0.1) > 0.2


# --- checkpoints -----------------------------------------------------------------------------------------------


class Interruption(Exception):
    pass


def interrupt_after(epochs):
    def callback(training):
        if len(training.trace) == epochs:
            raise Interruption

    return callback


CASES = {
    "dense": (TINY, np.float64, {}),
    "single": (TINY, np.float32, {"objective": EVERYTHING, "clip": 0.3}),
    "convolutional": (Convolutional(latent_dim=1, image_shape=(4, 4), filters=(2, 3)), np.float32,
                      {"objective": Objective(omega=30), "clip": 0.3}),
}


def start(case, seed=3):
    """Everything as in a fresh process: generator, model, data and options from one seed."""
    architecture, dtype, options = CASES[case]
    rng = np.random.default_rng(seed)
    model = VAE.initial(architecture, rng=rng, dtype=dtype)
    data = np.random.default_rng(99).uniform(size=(11, model.architecture.pixels)).astype(dtype)
    return model, data, {"rng": rng, "batch_size": 4, "learning_rate": cosine_decay(1e-2, 18), **options}


def assert_same(one, other):
    assert one.vae.architecture == other.vae.architecture
    assert one.vae.parameters.dtype == other.vae.parameters.dtype
    for a, b in zip((one.vae.parameters, *one.state[1:]), (other.vae.parameters, *other.state[1:]), strict=True):
        assert np.array_equal(a, b)
    assert one.state.step == other.state.step and one.trace == other.trace


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stops", [(1,), (3,), (2, 2, 5), (6,)])
def test_interrupted_and_resumed_bit_for_bit(case, stops, tmp_path):
    model, data, options = start(case)
    whole = fit(model, data, epochs=6, **options)
    after = options["rng"].random()
    for stop in stops:
        model, data, options = start(case)
        with pytest.raises(Interruption):
            fit(model, data, epochs=6, checkpoint=tmp_path / "a", callback=interrupt_after(stop), **options)
        done = stop - 1  # the epoch whose callback raised is not complete
        assert (tmp_path / "a").exists() == (done > 0)
        if done:
            assert len(load_checkpoint(tmp_path / "a", module.KIND).arrays["trace"]) == done
    model, data, options = start(case)
    seen = []
    result = fit(model, data, epochs=6, checkpoint=tmp_path / "a", callback=seen.append, **options)
    assert_same(result, whole)
    assert options["rng"].random() == after
    assert [len(training.trace) for training in seen] == list(range(max(stops), 7))


def test_a_checkpoint_changes_nothing(tmp_path):
    model, data, options = start("single")
    plain = fit(model, data, epochs=3, **options)
    model, data, options = start("single")
    assert_same(fit(model, data, epochs=3, checkpoint=str(tmp_path / "a"), **options), plain)
    assert os.listdir(tmp_path) == ["a"]


def test_an_interruption_in_the_middle_of_an_epoch(tmp_path):
    model, data, options = start("dense")
    whole = fit(model, data, epochs=6, **options)
    model, data, options = start("dense")

    def rate(step):
        if step == 10:  # of the fourth epoch, whose first step is 9
            raise KeyboardInterrupt
        return cosine_decay(1e-2, 18)(step)

    with pytest.raises(KeyboardInterrupt):
        fit(model, data, epochs=6, checkpoint=tmp_path / "a", **options | {"learning_rate": rate})
    model, data, options = start("dense")
    seen = []
    assert_same(fit(model, data, epochs=6, checkpoint=tmp_path / "a", callback=seen.append, **options), whole)
    assert len(seen[0].trace) == 4


def _train_and_be_killed(path):
    model, data, options = start("single")

    def callback(training):
        if len(training.trace) == 4:
            os.kill(os.getpid(), signal.SIGKILL)

    fit(model, data, epochs=6, checkpoint=path, callback=callback, **options)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing kills a process outright here")
def test_a_killed_process(tmp_path):
    code = (
        "import importlib.util, sys\n"
        "spec = importlib.util.spec_from_file_location('this', sys.argv[1])\n"
        "this = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(this)\n"
        "this._train_and_be_killed(sys.argv[2])\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, __file__, tmp_path / "a"], check=False,
                            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert killed.returncode == -signal.SIGKILL
    model, data, options = start("single")
    whole = fit(model, data, epochs=6, **options)
    model, data, options = start("single")
    seen = []
    assert_same(fit(model, data, epochs=6, checkpoint=tmp_path / "a", callback=seen.append, **options), whole)
    assert len(seen) == 3


def test_a_finished_training_returns_at_once(tmp_path):
    model, data, options = start("dense")
    whole = fit(model, data, epochs=3, checkpoint=tmp_path / "a", **options)
    after, before = options["rng"].random(), (tmp_path / "a").read_bytes()
    model, data, options = start("dense")
    seen = []
    again = fit(model, data, epochs=3, checkpoint=tmp_path / "a", callback=seen.append, **options)
    assert_same(again, whole)
    assert options["rng"].random() == after and not seen and (tmp_path / "a").read_bytes() == before
    model, data, options = start("dense")
    longer = fit(model, data, epochs=6, checkpoint=tmp_path / "a", **options)
    model, data, options = start("dense")
    assert_same(longer, fit(model, data, epochs=6, **options))


def test_a_callback_may_draw_from_the_generator(tmp_path):
    def draws(rng, stop=None):
        def callback(training):
            if len(training.trace) == stop:
                raise Interruption
            rng.random(3)

        return callback

    model, data, options = start("dense")
    whole = fit(model, data, epochs=5, callback=draws(options["rng"]), **options)
    model, data, options = start("dense")
    with pytest.raises(Interruption):
        fit(model, data, epochs=5, checkpoint=tmp_path / "a", callback=draws(options["rng"], 3), **options)
    model, data, options = start("dense")
    assert_same(fit(model, data, epochs=5, checkpoint=tmp_path / "a", callback=draws(options["rng"]), **options), whole)


def test_a_checkpoint_of_a_training_that_itself_goes_on(tmp_path):
    """`state` and `checkpoint` together: the steps are counted from the first training's."""
    model, data, options = start("dense")
    whole = fit(model, data, epochs=6, **options)
    model, data, options = start("dense")
    first = fit(model, data, epochs=2, **options)
    rng_state = options["rng"].bit_generator.state
    with pytest.raises(Interruption):
        fit(first.vae, data, epochs=4, state=first.state, checkpoint=tmp_path / "a", callback=interrupt_after(3),
            **options)
    options["rng"].bit_generator.state = rng_state
    rest = fit(first.vae, data, epochs=4, state=first.state, checkpoint=tmp_path / "a", **options)
    assert np.array_equal(rest.vae.parameters, whole.vae.parameters) and rest.state.step == whole.state.step
    assert first.trace + rest.trace == whole.trace
    rates = load_checkpoint(tmp_path / "a", module.KIND).values["learning_rate"]
    assert rates == [cosine_decay(1e-2, 18)(step) for step in (6, 9, 12, 15, 18)]


@pytest.mark.parametrize("bits", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_every_bit_generator_of_numpy_goes_on(bits, tmp_path):
    def train(**more):
        model, data, options = start("dense")
        return fit(model, data, **options | {"rng": np.random.Generator(getattr(np.random, bits)(1))} | more)

    whole = train(epochs=4)
    train(epochs=2, checkpoint=tmp_path / "a")
    assert_same(train(epochs=4, checkpoint=tmp_path / "a"), whole)


def test_a_divergence_leaves_the_last_good_epoch(tmp_path):
    model, data, options = start("dense")
    rates = {"learning_rate": lambda step: 1e300 if step == 7 else 1e-3}
    with pytest.raises(FloatingPointError, match="epoch 3, step 9"):
        fit(model, data, epochs=6, checkpoint=tmp_path / "a", **options | rates)
    assert load_checkpoint(tmp_path / "a", module.KIND).values["step"] == 6


def other_data(model, data, options):
    data[3, 1] = 1 - data[3, 1]
    return model, data, options


OTHERS = {
    "architecture": (lambda m, d, o: (VAE.initial((4, 5, 2, 5, 4), rng=o["rng"], dtype=m.parameters.dtype), d, o),
                     r"architecture: expected .*\[4, 5, 2, 6, 4\].*, as in the checkpoint '.*a', got .*5, 2, 5"),
    "dtype": (lambda m, d, o: (replace(m, parameters=m.parameters.astype(np.float32)), d, o),
              "dtype: expected float64, .* got float32"),
    "batch size": (lambda m, d, o: (m, d, o | {"batch_size": 5}), "batch_size: expected 4, .* got 5"),
    "objective": (lambda m, d, o: (m, d, o | {"objective": Objective(omega=3)}),
                  r"objective: expected Objective\(kl=1.0, omega=0.0, .* got Objective\(kl=1.0, omega=3.0"),
    "clip": (lambda m, d, o: (m, d, o | {"clip": 0.3}), "clip: expected None, .* got 0.3"),
    "data": (other_data, r"data: expected float64 \(11, 4\) \w*, .* got float64 \(11, 4\) "),
    "fewer data": (lambda m, d, o: (m, d[1:], o), r"data: expected float64 \(11, 4\) \w*, .* got float64 \(10, 4\) "),
    "rate": (lambda m, d, o: (m, d, o | {"learning_rate": 1e-2}),
             "learning_rate at the start of epoch 2: expected 0.009.*, .* got 0.01"),
    "schedule": (lambda m, d, o: (m, d, o | {"learning_rate": cosine_decay(1e-2, 20)}),
                 "learning_rate at the start of epoch 2: expected 0.009"),
    "next rate": (lambda m, d, o: (m, d, o | {"learning_rate": lambda step: cosine_decay(1e-2, 18)(min(step, 5))}),
                  "learning_rate at the start of epoch 3: expected 0.0075"),
    "generator": (lambda m, d, o: (m, d, o | {"rng": np.random.Generator(np.random.SFC64(0))}),
                  "rng: expected the state at the start of the training in the checkpoint '.*a', made anew"),
    "seed": (lambda m, d, o: (m, d, o | {"rng": np.random.default_rng(77)}),
             "rng: expected the state at the start of the training in the checkpoint '.*a', made anew"),
    "start": (lambda m, d, o: (replace(m, parameters=m.parameters + 1e-3), d, o),
              "vae: expected the start of the training in the checkpoint '.*a', made anew"),
    "state": (lambda m, d, o: (m, d, o | {"state": adam_init(m.parameters)._replace(second=m.parameters * 0 + 1)}),
              "state: expected the state at the start of the training"),
    "epochs": (lambda m, d, o: (m, d, o | {"epochs": 1}), "epochs: expected at least 2, which the checkpoint .* got 1"),
}


@pytest.mark.parametrize("change, message", OTHERS.values(), ids=OTHERS)
def test_another_training_is_refused_and_the_file_left_alone(change, message, tmp_path):
    model, data, options = start("dense")
    fit(model, data, epochs=2, checkpoint=tmp_path / "a", **options)
    before = (tmp_path / "a").read_bytes()
    model, data, options = change(*start("dense"))
    state = options["rng"].bit_generator.state
    with pytest.raises(ValueError, match=message):
        fit(model, data, checkpoint=tmp_path / "a", **{"epochs": 4} | options)
    assert (tmp_path / "a").read_bytes() == before
    assert str(options["rng"].bit_generator.state) == str(state)


def test_a_damaged_checkpoint_is_refused_and_left_alone(tmp_path):
    model, data, options = start("dense")
    fit(model, data, epochs=2, checkpoint=tmp_path / "a", **options)
    whole = (tmp_path / "a").read_bytes()
    middle = whole.index(b"first.npy") + 200
    VAE.initial(TINY, rng=np.random.default_rng(0)).save(tmp_path / "vae")
    for content in (b"", whole[:-1], whole[: len(whole) // 2], b"x" + whole[1:], (tmp_path / "vae").read_bytes(),
                    whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]):
        (tmp_path / "a").write_bytes(content)
        model, data, options = start("dense")
        with pytest.raises(ValueError, match=r"path: expected a file of kind 'divergen.Training 1', got .*a: "):
            fit(model, data, epochs=2, checkpoint=tmp_path / "a", **options)
        assert (tmp_path / "a").read_bytes() == content


def test_the_bar_starts_where_the_checkpoint_ends(tmp_path, capsys):
    pytest.importorskip("tqdm")
    model, data, options = start("dense")
    fit(model, data, epochs=2, checkpoint=tmp_path / "a", **options)
    model, data, options = start("dense")
    fit(model, data, epochs=5, checkpoint=tmp_path / "a", progress=True, **options)
    shown = capsys.readouterr().err
    assert "2/5" in shown and "5/5" in shown and "0/5" not in shown


# --- messages --------------------------------------------------------------------------------------------------


def train(model, x, **options):
    return fit(model, x, **{"rng": np.random.default_rng(0), "epochs": 1} | options)


@pytest.mark.parametrize("call, message", [
    (lambda m, x: train(m, 16 * np.ones((7, 4))),
     r"data: expected values in \[0, 1\], as a Bernoulli likelihood needs, got values from 16.0 to 16.0"),
    (lambda m, x: train(m, x[:, :3]), "data: expected points of dimension 4"),
    (lambda m, x: train(m, x, rng=1), "rng: expected a numpy.random.Generator"),
    (lambda m, x: train(m, x, epochs=0), "epochs: expected a whole number"),
    (lambda m, x: train(m, x, batch_size=0), "batch_size: expected a whole"),
    (lambda m, x: train(m, x, learning_rate=-1.0), "learning_rate: expected"),
    (lambda m, x: train(m, x, objective="ELBO"), "objective: expected an Objective, .* got 'ELBO'"),
    (lambda m, x: train(m, x, clip=0), "clip: expected a finite number above 0, got 0"),
    (lambda m, x: train(m, x, clip=-0.3), "clip: expected a finite number above 0, got -0.3"),
    (lambda m, x: train(m, x, clip=np.inf), "clip: expected a finite number above 0, got inf"),
    (lambda m, x: train(m, x, checkpoint="/no/such/folder/a"), "checkpoint: expected a file in a folder that is there"),
    (lambda m, x: train(m, x, state=AdamState(3, np.zeros(2), np.zeros(2))),
     r"state: expected the state of an autoencoder of 95 parameters, got one of shape \(2,\)"),
])
def test_messages(call, message):
    model, x, _ = example()
    with pytest.raises(ValueError, match=message):
        call(model, x)


# --- other array libraries -------------------------------------------------------------------------------------


def _to_numpy(x):
    return x.get() if hasattr(x, "get") else np.asarray(x)


@pytest.mark.parametrize("more", [{}, {"objective": EVERYTHING, "clip": 0.3}], ids=["ELBO", "everything"])
def test_training_on_another_library(library, more, tmp_path):
    model, x, _ = example()
    there = replace(model, parameters=library.asarray(model.parameters))
    options = {"batch_size": 4, "learning_rate": 1e-2, **more}
    expected = fit(model, x, rng=np.random.default_rng(0), epochs=3, **options)
    fit(there, library.asarray(x), rng=np.random.default_rng(0), epochs=1, checkpoint=tmp_path / "a", **options)
    result = fit(there, library.asarray(x), rng=np.random.default_rng(0), epochs=3, checkpoint=tmp_path / "a",
                 **options)
    for a, b in [(result.vae.parameters, expected.vae.parameters), (result.state.second, expected.state.second)]:
        assert a.__array_namespace__().__name__ == library.__name__
        np.testing.assert_allclose(_to_numpy(a), b, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(result.trace, expected.trace, rtol=1e-10)


def test_libraries_are_not_mixed(library):
    model, x, _ = example()
    with pytest.raises(ValueError, match="expected arrays of one library"):
        fit(model, library.asarray(x), rng=np.random.default_rng(0), epochs=1)
