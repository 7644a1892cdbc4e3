"""Architectures, the latent layer, encoding and decoding, files and messages of the autoencoder."""

import os
from dataclasses import FrozenInstanceError, replace

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy import integrate, stats

from divergen.models import vae as module
from divergen.models.architecture import Architecture, Dense, as_architecture
from divergen.models.checkpoint import save_checkpoint
from divergen.models.convolutional import Convolutional
from divergen.models.vae import VAE

TINY = (4, 5, 2, 6, 4)


def example(sizes=TINY, n=7, seed=0):
    rng = np.random.default_rng(seed)
    model = VAE.initial(sizes, rng=rng, dtype=np.float64)
    return model, rng.uniform(size=(n, sizes[0])), rng.standard_normal((n, model.latent_dim))


# --- architectures ---------------------------------------------------------------------------------------------


def test_dense_is_an_architecture():
    dense = Dense(TINY)
    assert isinstance(dense, Architecture)
    assert (dense.pixels, dense.latent_dim) == (4, 2)
    assert dense == Dense(list(TINY)) and hash(dense) == hash(Dense(TINY)) and dense != Dense((4, 5, 1, 6, 4))
    assert dense.settings() == {"kind": "dense", "sizes": [4, 5, 2, 6, 4]}
    assert [name.split(".")[0] for name in dense.layout.shapes] == 4 * ["encoder"] + 4 * ["decoder"]
    with pytest.raises(FrozenInstanceError):
        dense.sizes = (4, 2, 4)


@pytest.mark.parametrize("sizes", [TINY, (3, 4, 5, 1, 3, 4, 3), (3, 2, 3)])
def test_both_halves_go_back_by_differences(sizes):
    """Each half alone, under any gradient from above; whatever its layers are."""
    rng, architecture = np.random.default_rng(1), as_architecture(sizes)
    flat = architecture.layout.flatten(architecture.initial(rng))
    n, dim = 5, architecture.latent_dim
    x, z = rng.uniform(size=(n, architecture.pixels)), rng.standard_normal((n, dim))
    to_encoded, to_logits = rng.standard_normal((n, 2 * dim)), rng.standard_normal((n, architecture.pixels))

    def scalar(flat, z):
        pieces = architecture.layout.views(flat)
        return np.sum(to_encoded * architecture.encode(pieces, x)[0]) + np.sum(
            to_logits * architecture.decode(pieces, z)[0])

    pieces = architecture.layout.views(flat)
    encoder = architecture.encode_backward(pieces, to_encoded, architecture.encode(pieces, x)[1])
    to_z, decoder = architecture.decode_backward(pieces, to_logits, architecture.decode(pieces, z)[1])
    assert [*encoder, *decoder] == list(architecture.layout.shapes)
    analytic = architecture.layout.flatten(encoder | decoder)
    step = 1e-6
    for i, unit in enumerate(step * np.eye(flat.size)):
        difference = (scalar(flat + unit, z) - scalar(flat - unit, z)) / (2 * step)
        assert analytic[i] == pytest.approx(difference, rel=1e-6, abs=1e-8)
    for i, unit in enumerate(step * np.eye(z.size)):
        unit = unit.reshape(z.shape)
        difference = (scalar(flat, z + unit) - scalar(flat, z - unit)) / (2 * step)
        assert to_z.ravel()[i] == pytest.approx(difference, rel=1e-6, abs=1e-8)


class Linear:
    """An architecture of somebody else: one matrix, there and back. It shares no line with the package's own."""

    pixels, latent_dim = 3, 1
    layout = module.Layout({"there": (3, 2), "back": (1, 3)})

    def initial(self, rng):
        return {"there": rng.standard_normal((3, 2)), "back": rng.standard_normal((1, 3))}

    def encode(self, pieces, x):
        return x @ pieces["there"], x

    def encode_backward(self, pieces, gradient, saved):
        return {"there": saved.T @ gradient}

    def decode(self, pieces, z):
        return z @ pieces["back"], z

    def decode_backward(self, pieces, gradient, saved):
        return gradient @ pieces["back"].T, {"back": saved.T @ gradient}

    def settings(self):
        return {"kind": "linear"}


def test_an_architecture_of_ones_own(tmp_path, rng):
    model, x = VAE.initial(Linear(), rng=rng, dtype=np.float64), rng.uniform(size=(2, 3))
    there, back = model.parameters[:6].reshape(3, 2), model.parameters[6:].reshape(1, 3)
    np.testing.assert_allclose(np.hstack(model.encode(x)), x @ there)
    np.testing.assert_allclose(model.decode(x[:, :1]), 1 / (1 + np.exp(-x[:, :1] @ back)))
    model.save(tmp_path / "linear.npz")
    with pytest.raises(ValueError, match=r"its architecture is of kind 'linear', and only dense.* can be rebuilt"):
        VAE.load(tmp_path / "linear.npz")


# --- the latent layer ------------------------------------------------------------------------------------------


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
    model, x, _ = example()
    pieces = model.layout.views(model.parameters)

    def by_hand(half, y):
        hidden = np.maximum(y @ pieces[f"{half}.0.weight"] + pieces[f"{half}.0.bias"], 0)
        return hidden @ pieces[f"{half}.1.weight"] + pieces[f"{half}.1.bias"]

    mean, log_variance = model.encode(x)
    assert mean.shape == log_variance.shape == (7, 2)
    np.testing.assert_allclose(np.hstack([mean, log_variance]), by_hand("encoder", x), rtol=1e-13)
    images = model.decode(mean)
    assert images.shape == (7, 4)
    np.testing.assert_allclose(images, 1 / (1 + np.exp(-by_hand("decoder", mean))), rtol=1e-13)


def test_decode_stays_in_the_unit_interval_far_away():
    model, _, _ = example()
    single = replace(model, parameters=model.parameters.astype(np.float32))
    images = single.decode(np.array([[1e6, -1e6], [-1e30, 1e30]]))
    assert images.dtype == np.float32 and np.all((images >= 0) & (images <= 1))


def test_initial():
    one, same = (VAE.initial(TINY, rng=np.random.default_rng(3)) for _ in range(2))
    other, double = VAE.initial(TINY, rng=np.random.default_rng(4)), example(seed=3)[0]
    assert one.parameters.dtype == np.float32 and one.latent_dim == 2 and one.architecture == Dense(TINY)
    assert np.array_equal(one.parameters, same.parameters)
    assert not np.array_equal(one.parameters, other.parameters)
    assert double.parameters.dtype == np.float64
    assert np.array_equal(one.parameters, double.parameters.astype(np.float32))
    assert one.layout.size == (4 * 5 + 5) + (5 * 4 + 4) + (2 * 6 + 6) + (6 * 4 + 4)
    assert one.layout.views(one.parameters)["encoder.1.weight"].shape == (5, 4)


def test_sizes_stand_for_dense_layers():
    model = VAE.initial(TINY, rng=np.random.default_rng(3))
    same = VAE.initial(Dense(TINY), rng=np.random.default_rng(3))
    assert np.array_equal(model.parameters, same.parameters)
    assert VAE(TINY, model.parameters).architecture == VAE(list(TINY), model.parameters).architecture == Dense(TINY)


# --- files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("architecture", [TINY, Convolutional(3, image_shape=(4, 8), filters=(2, 3))])
def test_save_and_load_bit_for_bit(architecture, dtype, tmp_path):
    model = VAE.initial(architecture, rng=np.random.default_rng(0), dtype=dtype)
    for name in ("model.npz", "without ending"):
        model.save(tmp_path / name)
        again = VAE.load(str(tmp_path / name))
        assert again.architecture == model.architecture and again.parameters.dtype == dtype
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
    middle = whole.index(model.parameters.tobytes()) + 40
    yield "one bit", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    np.save(path.with_suffix(".npy"), np.zeros(3))
    yield "npy", path.with_suffix(".npy").read_bytes()
    np.savez(path, x=np.zeros(3))
    yield "another npz", path.read_bytes()
    dense, parameters = {"kind": "dense", "sizes": TINY}, model.parameters
    for name, kind, arrays, settings in [
        ("another version", "divergen.VAE 99", {"parameters": parameters}, dense),
        ("wrong length", module.KIND, {"parameters": parameters[:-1]}, dense),
        ("wrong sizes", module.KIND, {"parameters": parameters}, {"kind": "dense", "sizes": (4, 5, 2, 4)}),
        ("sizes a number", module.KIND, {"parameters": parameters}, {"kind": "dense", "sizes": 3}),
        ("no such argument", module.KIND, {"parameters": parameters}, dense | {"depth": 3}),
        ("no kind", module.KIND, {"parameters": parameters}, {"sizes": TINY}),
        ("another architecture", module.KIND, {"parameters": parameters}, dense | {"kind": "sparse"}),
        ("nan", module.KIND, {"parameters": parameters * np.nan}, dense),
        ("no parameters", module.KIND, {}, dense),
    ]:
        save_checkpoint(path, kind, arrays, {"architecture": settings})
        yield name, path.read_bytes()


def test_load_refuses_what_it_did_not_write(tmp_path):
    for name, content in list(_damaged_files(tmp_path / "model.npz")):
        path = tmp_path / name
        path.write_bytes(content)
        message = "path: expected a file (of kind 'divergen.VAE 2'|that VAE.save wrote), got .*" + name
        with pytest.raises(ValueError, match=message):
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
    (lambda m, x, e: VAE(3, m.parameters), "architecture: expected an architecture, .* or the sizes of dense layers"),
    (lambda m, x, e: VAE(Dense, m.parameters), "architecture: expected an architecture, .* got <class"),
    (lambda m, x, e: VAE(m.architecture, m.parameters[1:]), "parameters: expected a vector of length 95"),
    (lambda m, x, e: VAE(TINY, m.parameters + np.nan), "parameters: expected finite numbers"),
    (lambda m, x, e: VAE.initial((4, 2), rng=np.random.default_rng(0)), "sizes: expected an odd number"),
    (lambda m, x, e: VAE.initial(None, rng=np.random.default_rng(0)), "architecture: expected an .* got None"),
    (lambda m, x, e: VAE.initial(TINY, rng=0), "rng: expected a numpy.random.Generator"),
    (lambda m, x, e: Dense(TINY).initial(0), "rng: expected a numpy.random.Generator"),
    (lambda m, x, e: VAE.initial(TINY, rng=np.random.default_rng(0), dtype=np.float16),
     "dtype: expected float32 or float64, got float16"),
    (lambda m, x, e: m.encode(x[:, 1:]), "x: expected points of dimension 4, got dimension 3"),
    (lambda m, x, e: m.encode(255 * np.ones((2, 4))),
     r"x: expected values in \[0, 1\].* got values from 255.0 to 255.0"),
    (lambda m, x, e: m.encode(x - 1), r"x: expected values in \[0, 1\]"),
    (lambda m, x, e: m.decode(np.zeros((2, 3))), "z: expected points of dimension 2, got dimension 3"),
    (lambda m, x, e: m.decode(np.array([[np.nan, 0]])), "z: expected finite numbers"),
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
        ([module.gaussian_kl(library.asarray(noise), library.asarray(noise))], [module.gaussian_kl(noise, noise)]),
    ]
    for got, wanted in pairs:
        for a, b in zip(got, wanted, strict=True):
            assert a.__array_namespace__().__name__ == library.__name__
            np.testing.assert_allclose(_to_numpy(a), b, rtol=1e-10, atol=1e-12)
    there.save(tmp_path / "model.npz")
    assert np.array_equal(VAE.load(tmp_path / "model.npz").parameters, model.parameters)
