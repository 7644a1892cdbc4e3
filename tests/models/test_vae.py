"""The ELBO against its definition, its gradient against differences and autograd, training, files and messages."""

import os
import sys
from dataclasses import replace

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy import integrate, stats
from scipy.special import logsumexp

from divergen.adam import AdamState, cosine_decay
from divergen.datasets import digits
from divergen.models import vae as module
from divergen.models.training import fit
from divergen.models.vae import ELBO, VAE, elbo_and_gradient

TINY = (4, 5, 2, 6, 4)
DEEP = (3, 4, 5, 1, 3, 4, 3)


def example(sizes=TINY, n=7, seed=0):
    rng = np.random.default_rng(seed)
    model = VAE.initial(sizes, rng=rng, dtype=np.float64)
    return model, rng.uniform(size=(n, sizes[0])), rng.standard_normal((n, model.latent_dim))


def formula(parameters, sizes, x, noise):
    """The ELBO from its definition, in autograd's NumPy, with no line in common with the module."""
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
            y = mean + deviation * noise
        elif i + 2 < len(sizes):
            y = anp.maximum(y, 0)
    white = 1 / (1 + anp.exp(-y))
    log_likelihood = anp.sum(x * anp.log(white) + (1 - x) * anp.log(1 - white), axis=1)
    kl = anp.sum((deviation**2 + mean**2 - 1) / 2 - anp.log(deviation), axis=1)
    return anp.mean(log_likelihood), anp.mean(kl)


# --- the bound -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [TINY, DEEP, (3, 2, 3)])
def test_elbo_against_its_definition(sizes):
    model, x, noise = example(sizes)
    got, _ = elbo_and_gradient(model, x, noise)
    log_likelihood, kl = formula(model.parameters, sizes, x, noise)
    np.testing.assert_allclose(got, (log_likelihood - kl, log_likelihood, kl), rtol=1e-13)


@pytest.mark.parametrize("sizes", [TINY, DEEP, (3, 2, 3)])
def test_gradient_by_differences_for_every_parameter(sizes):
    model, x, noise = example(sizes)
    _, gradient = elbo_and_gradient(model, x, noise)
    assert gradient.shape == model.parameters.shape
    step = 1e-6
    for i in range(gradient.size):
        sides = []
        for sign in (1, -1):
            moved = model.parameters.copy()
            moved[i] += sign * step
            sides.append(elbo_and_gradient(replace(model, parameters=moved), x, noise)[0].value)
        assert gradient[i] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("sizes", [TINY, DEEP, (3, 2, 3)])
def test_gradient_by_autograd(sizes):
    model, x, noise = example(sizes)

    def value(parameters):
        log_likelihood, kl = formula(parameters, sizes, x, noise)
        return log_likelihood - kl

    _, gradient = elbo_and_gradient(model, x, noise)
    np.testing.assert_allclose(gradient, grad(value)(model.parameters), rtol=1e-11, atol=1e-14)


def test_gradient_in_single_precision():
    model, x, noise = example()
    value, gradient = elbo_and_gradient(model, x, noise)
    single = replace(model, parameters=model.parameters.astype(np.float32))
    rough_value, rough = elbo_and_gradient(single, x, noise)
    assert rough.dtype == np.float32
    np.testing.assert_allclose(rough_value, value, rtol=1e-5)
    np.testing.assert_allclose(rough, gradient, rtol=1e-3, atol=1e-5)


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


@pytest.mark.parametrize("mean, log_variance", [(0.0, 0.0), (1.5, -2.0), (-0.3, 1.0), (3.0, -8.0)])
def test_kl_by_integration(mean, log_variance):
    deviation = np.exp(log_variance / 2)

    def integrand(e):
        z = mean + deviation * e
        return stats.norm.pdf(e) * (stats.norm.logpdf(z, mean, deviation) - stats.norm.logpdf(z))

    expected, _ = integrate.quad(integrand, -12, 12, epsabs=1e-12, epsrel=1e-12, limit=200)
    got = module.gaussian_kl(np.array([[mean, 0.0]]), np.array([[log_variance, 0.0]]))  # the second one adds nothing
    assert got.shape == (1,)
    assert got[0] == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_latent_layer_backwards(rng):
    mean, log_variance, noise, upstream = rng.standard_normal((4, 3, 2))
    each = rng.standard_normal(3)

    def drawn(m, v):
        return anp.sum(upstream * (m + anp.sqrt(anp.exp(v)) * noise))

    def divergence(m, v):
        return anp.sum(each * anp.sum((anp.exp(v) + m**2 - 1 - v) / 2, axis=1))

    z = module.reparametrise(mean, log_variance, noise)
    assert np.sum(upstream * z) == pytest.approx(drawn(mean, log_variance))
    for got, expected in [
        (module.reparametrise_backward(upstream, log_variance, noise), drawn),
        (module.gaussian_kl_backward(each, mean, log_variance), divergence),
    ]:
        np.testing.assert_allclose(got[0], grad(expected, 0)(mean, log_variance), rtol=1e-12)
        np.testing.assert_allclose(got[1], grad(expected, 1)(mean, log_variance), rtol=1e-12)


# --- encode, decode, initial -----------------------------------------------------------------------------------


def test_encode_and_decode():
    model, x, noise = example()
    mean, log_variance = model.encode(x)
    assert mean.shape == log_variance.shape == (7, 2)
    _, kl = formula(model.parameters, TINY, x, noise)
    assert np.mean(stats.norm.logpdf(0)) < 0 < kl == pytest.approx(
        np.mean(np.sum(np.exp(log_variance) + mean**2 - 1 - log_variance, axis=1)) / 2)
    images = model.decode(mean)
    assert images.shape == (7, 4) and np.all((images > 0) & (images < 1))
    # The decoded image is the mean of the likelihood: with no noise, formula() scores x by exactly these pixels.
    score, _ = formula(model.parameters, TINY, x, 0 * noise)
    assert np.mean(np.sum(stats.bernoulli.logpmf(1, images) * x + stats.bernoulli.logpmf(0, images) * (1 - x), axis=1)
                   ) == pytest.approx(score)


def test_decode_stays_in_the_unit_interval_far_away():
    model, _, _ = example()
    single = replace(model, parameters=model.parameters.astype(np.float32))
    images = single.decode(np.array([[1e6, -1e6], [-1e30, 1e30]]))
    assert images.dtype == np.float32 and np.all((images >= 0) & (images <= 1))


def test_initial():
    one, same = (VAE.initial(TINY, rng=np.random.default_rng(3)) for _ in range(2))
    other, double = VAE.initial(TINY, rng=np.random.default_rng(4)), example(seed=3)[0]
    assert one.parameters.dtype == np.float32 and one.latent_dim == 2 and one.sizes == TINY
    assert np.array_equal(one.parameters, same.parameters)
    assert not np.array_equal(one.parameters, other.parameters)
    assert double.parameters.dtype == np.float64
    assert np.array_equal(one.parameters, double.parameters.astype(np.float32))
    assert one.layout.size == (4 * 5 + 5) + (5 * 4 + 4) + (2 * 6 + 6) + (6 * 4 + 4)
    assert one.layout.views(one.parameters)["encoder.1.weight"].shape == (5, 4)


# --- training --------------------------------------------------------------------------------------------------


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
    with pytest.raises(FloatingPointError, match=r"at epoch 1, step 2: ELBO (nan|-inf) \(log-likelihood .*, KL "):
        fit(model, images, rng=rng, epochs=3, learning_rate=1e10)
    good = fit(model, images[:256], rng=rng, epochs=2)  # 4 steps; then the rate explodes in step 6
    with pytest.raises(FloatingPointError, match=r"diverged at epoch 2, step 7: ELBO"):
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
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 1: ELBO -[0-9.e+]+ .* norm of its gradient inf"):
        fit(model, np.zeros((4, 1)), rng=np.random.default_rng(0), epochs=1)


# --- files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_save_and_load_bit_for_bit(dtype, tmp_path):
    model = VAE.initial(TINY, rng=np.random.default_rng(0), dtype=dtype)
    for name in ("model.npz", "without ending"):
        model.save(tmp_path / name)
        again = VAE.load(str(tmp_path / name))
        assert again.sizes == model.sizes and again.parameters.dtype == dtype
        assert again.parameters.tobytes() == model.parameters.tobytes()
    assert sorted(os.listdir(tmp_path)) == ["model.npz", "without ending"]
    assert (tmp_path / "model.npz").read_bytes() == (tmp_path / "without ending").read_bytes()


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    VAE.initial(TINY, rng=np.random.default_rng(0)).save(path)
    before = path.read_bytes()

    def broken(file, **arrays):
        file.write(before[:100])
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", broken)
    with pytest.raises(OSError, match="no space left"):
        VAE.initial(TINY, rng=np.random.default_rng(1)).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.npz"]


def test_a_write_ends_in_one_rename_of_a_whole_file(tmp_path, monkeypatch):
    model, path, renamed, rename = example()[0], tmp_path / "model.npz", [], os.replace

    def watched(source, target):
        assert source.parent == tmp_path and target == path and not path.exists()
        renamed.append(VAE.load(source).parameters.tobytes())
        rename(source, target)

    monkeypatch.setattr(os, "replace", watched)
    model.save(path)
    assert renamed == [model.parameters.tobytes()] and path.exists()


def _damaged_files(path):
    model = VAE.initial(TINY, rng=np.random.default_rng(0))
    model.save(path)
    whole = path.read_bytes()
    yield "empty", b""
    yield "text", b"a,b\n1,2\n"
    yield "cut short", whole[: len(whole) // 2]
    flags = whole.index(b"PK\1\2") + 8  # of the first entry in the directory
    yield "flag of encryption", whole[:flags] + bytes([whole[flags] | 1]) + whole[flags + 1 :]
    np.savez_compressed(path, format="divergen.VAE 1", sizes=TINY, parameters=model.parameters)
    packed = path.read_bytes()
    # The data begin after a header of 30 bytes, the name and an extra field.
    data = 30 + int.from_bytes(packed[26:28], "little") + int.from_bytes(packed[28:30], "little")
    yield "deflated and damaged", packed[:data] + b"\xff" + packed[data + 1 :]
    middle = whole.index(model.parameters.tobytes()) + 40
    yield "one bit", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    np.save(path.with_suffix(".npy"), np.zeros(3))
    yield "npy", path.with_suffix(".npy").read_bytes()
    for name, arrays in {
        "another npz": {"x": np.zeros(3)},
        "another version": {"format": "divergen.VAE 99", "sizes": TINY, "parameters": model.parameters},
        "wrong length": {"format": "divergen.VAE 1", "sizes": TINY, "parameters": model.parameters[:-1]},
        "wrong sizes": {"format": "divergen.VAE 1", "sizes": (4, 5, 2, 4), "parameters": model.parameters},
        "sizes a number": {"format": "divergen.VAE 1", "sizes": 3, "parameters": model.parameters},
        "nan": {"format": "divergen.VAE 1", "sizes": TINY, "parameters": model.parameters * np.nan},
        "pickle": {"format": "divergen.VAE 1", "sizes": TINY, "parameters": np.array([{}], dtype=object)},
    }.items():
        np.savez(path, **arrays)
        yield name, path.read_bytes()


def test_load_refuses_what_it_did_not_write(tmp_path):
    for name, content in list(_damaged_files(tmp_path / "model.npz")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match="path: expected a file that VAE.save wrote, got .*" + name):
            VAE.load(path)


def test_load_of_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        VAE.load(tmp_path / "nothing.npz")


# --- messages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, message", [
    (lambda m, x, e: VAE((4, 2), m.parameters), r"sizes: expected an odd number .* got \(4, 2\)"),
    (lambda m, x, e: VAE((4,), m.parameters), r"sizes: expected an odd number .* got \(4,\)"),
    (lambda m, x, e: VAE((4, 2, 5), m.parameters), r"sizes: expected .* pixels at both ends, .* got \(4, 2, 5\)"),
    (lambda m, x, e: VAE((4, 0, 4), m.parameters), "sizes: expected a whole number of at least 1, got 0"),
    (lambda m, x, e: VAE(m.sizes, m.parameters[1:]), "parameters: expected a vector of length 95"),
    (lambda m, x, e: VAE(m.sizes, m.parameters + np.nan), "parameters: expected finite numbers"),
    (lambda m, x, e: VAE.initial((4, 2), rng=np.random.default_rng(0)), "sizes: expected an odd number"),
    (lambda m, x, e: VAE.initial(TINY, rng=0), "rng: expected a numpy.random.Generator"),
    (lambda m, x, e: VAE.initial(TINY, rng=np.random.default_rng(0), dtype=np.float16),
     "dtype: expected float32 or float64, got float16"),
    (lambda m, x, e: m.encode(x[:, 1:]), "x: expected points of dimension 4, got dimension 3"),
    (lambda m, x, e: m.encode(255 * np.ones((2, 4))), r"x: expected values in \[0, 1\].* got values from 255 to 255"),
    (lambda m, x, e: m.encode(x - 1), r"x: expected values in \[0, 1\]"),
    (lambda m, x, e: m.decode(np.zeros((2, 3))), "z: expected points of dimension 2, got dimension 3"),
    (lambda m, x, e: m.decode(np.array([[np.nan, 0]])), "z: expected finite numbers"),
    (lambda m, x, e: elbo_and_gradient(m, 2 * np.ones((7, 4)), e), r"x: expected values in \[0, 1\]"),
    (lambda m, x, e: elbo_and_gradient(m, x, e[1:]), "noise: expected one row for each of the 7 images, got 6"),
    (lambda m, x, e: elbo_and_gradient(m, x, e[:, 1:]), "noise: expected points of dimension 2, got dimension 1"),
    (lambda m, x, e: fit(m, 16 * np.ones((7, 4)), rng=np.random.default_rng(0), epochs=1),
     r"data: expected values in \[0, 1\], as a Bernoulli likelihood needs, got values from 16 to 16"),
    (lambda m, x, e: fit(m, x[:, :3], rng=np.random.default_rng(0), epochs=1), "data: expected points of dimension 4"),
    (lambda m, x, e: fit(m, x, rng=1, epochs=1), "rng: expected a numpy.random.Generator"),
    (lambda m, x, e: fit(m, x, rng=np.random.default_rng(0), epochs=0), "epochs: expected a whole number"),
    (lambda m, x, e: fit(m, x, rng=np.random.default_rng(0), epochs=1, batch_size=0), "batch_size: expected a whole"),
    (lambda m, x, e: fit(m, x, rng=np.random.default_rng(0), epochs=1, learning_rate=-1.0), "learning_rate: expected"),
    (lambda m, x, e: fit(m, x, rng=np.random.default_rng(0), epochs=1, state=AdamState(3, np.zeros(2), np.zeros(2))),
     r"state: expected the state of an autoencoder of 95 parameters, got one of shape \(2,\)"),
])
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call(*example())


# --- other array libraries -------------------------------------------------------------------------------------


def _to_numpy(x):
    return x.get() if hasattr(x, "get") else np.asarray(x)


def test_every_function_on_another_library(library, tmp_path):
    model, x, noise = example()
    there = replace(model, parameters=library.asarray(model.parameters))
    pairs = [
        (there.encode(library.asarray(x)), model.encode(x)),
        ([there.decode(library.asarray(noise))], [model.decode(noise)]),
        (elbo_and_gradient(there, library.asarray(x), library.asarray(noise))[1:],
         elbo_and_gradient(model, x, noise)[1:]),
        ([module.gaussian_kl(library.asarray(noise), library.asarray(noise))], [module.gaussian_kl(noise, noise)]),
    ]
    options = {"epochs": 3, "batch_size": 4, "learning_rate": 1e-2}
    result = fit(there, library.asarray(x), rng=np.random.default_rng(0), **options)
    expected = fit(model, x, rng=np.random.default_rng(0), **options)
    pairs.append(([result.vae.parameters, result.state.second], [expected.vae.parameters, expected.state.second]))
    for got, wanted in pairs:
        for a, b in zip(got, wanted, strict=True):
            assert a.__array_namespace__().__name__ == library.__name__
            np.testing.assert_allclose(_to_numpy(a), b, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(result.trace, expected.trace, rtol=1e-11)
    there.save(tmp_path / "model.npz")
    assert np.array_equal(VAE.load(tmp_path / "model.npz").parameters, model.parameters)


def test_libraries_are_not_mixed(library):
    model, x, _ = example()
    with pytest.raises(ValueError, match="expected arrays of one library"):
        fit(model, library.asarray(x), rng=np.random.default_rng(0), epochs=1)
