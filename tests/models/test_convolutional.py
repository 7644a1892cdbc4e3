"""The convolutional network against the source's table, an independent definition of it, and differences."""

import json

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from divergen.datasets import mnist
from divergen.models.convolutional import Convolutional

TINY = Convolutional(latent_dim=3, image_shape=(4, 8), filters=(2, 3))


def selection(size, stride):
    """Which pixel a kernel of three entries meets in which window, by the source's padding: shape (3, windows, size).

    At stride 1 a window is centred on its pixel; at stride 2 (sides are even here) it begins at every second one.
    """
    result = np.zeros((3, size // stride, size))
    for window in range(size // stride):
        for i in range(3):
            pixel = window * stride + i - (1 if stride == 1 else 0)
            if 0 <= pixel < size:
                result[i, window, pixel] = 1
    return result


def convolution(x, weight, stride):
    rows, columns = selection(x.shape[1], stride), selection(x.shape[2], stride)
    return anp.einsum("iru,jqv,nuvc,ijcd->nrqd", rows, columns, x, weight)


def painting(x, weight, stride):
    rows, columns = selection(stride * x.shape[1], stride), selection(stride * x.shape[2], stride)
    return anp.einsum("iru,jqv,nrqc,ijcd->nuvd", rows, columns, x, weight)


def encoder(pieces, x):
    """Section 3.1 of the source, written out for TINY."""
    x = anp.reshape(x, (-1, 4, 8, 1))
    for i, stride in enumerate((2, 1, 1, 2)):
        x = anp.maximum(convolution(x, pieces[f"encoder.{i}.weight"], stride) + pieces[f"encoder.{i}.bias"], 0)
    return anp.dot(anp.reshape(x, (-1, 1 * 2 * 3)), pieces["encoder.4.weight"]) + pieces["encoder.4.bias"]


def decoder(pieces, z):
    x = anp.maximum(anp.dot(z, pieces["decoder.0.weight"]) + pieces["decoder.0.bias"], 0)
    x = anp.reshape(x, (-1, 1, 2, 2))
    for i, stride in ((1, 2), (2, 1), (3, 1), (4, 2)):
        x = anp.maximum(painting(x, pieces[f"decoder.{i}.weight"], stride) + pieces[f"decoder.{i}.bias"], 0)
    x = painting(x, pieces["decoder.5.weight"], 1) + pieces["decoder.5.bias"]
    return anp.reshape(x, (-1, 32))


@pytest.fixture
def pieces(rng):
    """Parameters that are nowhere zero, the last layers' biases included."""
    return {name: piece + 0.1 * rng.standard_normal(piece.shape) for name, piece in TINY.initial(rng).items()}


def halves(network, rng):
    """For both halves: forward, backward to all gradients, definition, and a suitable input and upstream gradient."""
    return {
        "encoder": (network.encode, lambda *given: (None, network.encode_backward(*given)), encoder,
                    rng.uniform(size=(5, network.pixels)), rng.standard_normal((5, 2 * network.latent_dim))),
        "decoder": (network.decode, network.decode_backward, decoder,
                    rng.standard_normal((5, network.latent_dim)), rng.standard_normal((5, network.pixels))),
    }


# --- the table -------------------------------------------------------------------------------------------------


def test_the_layers_are_those_of_the_source():
    network = Convolutional()
    assert network.latent_dim == 2 and network.pixels == 784
    weights = {name: shape for name, shape in network.layout.shapes.items() if name.endswith("weight")}
    assert weights == {
        "encoder.0.weight": (3, 3, 1, 32), "encoder.1.weight": (3, 3, 32, 32), "encoder.2.weight": (3, 3, 32, 32),
        "encoder.3.weight": (3, 3, 32, 64), "encoder.4.weight": (7 * 7 * 64, 4),
        "decoder.0.weight": (2, 7 * 7 * 32), "decoder.1.weight": (3, 3, 32, 64), "decoder.2.weight": (3, 3, 64, 32),
        "decoder.3.weight": (3, 3, 32, 32), "decoder.4.weight": (3, 3, 32, 32), "decoder.5.weight": (3, 3, 32, 1),
    }
    names = list(network.layout.shapes)
    assert names[0::2] == list(weights)
    assert names[1::2] == [name.replace("weight", "bias") for name in weights]
    assert all(network.layout.shapes[name.replace("weight", "bias")] == shape[-1:] for name, shape in weights.items())
    assert network.layout.size == sum(np.prod(shape) + shape[-1] for shape in weights.values())


def test_the_images_between_the_layers_are_those_of_the_source(rng):
    network = Convolutional()
    pieces = network.initial(rng)
    encoded, inputs = network.encode(pieces, np.zeros((2, 784)))
    assert encoded.shape == (2, 4)
    assert [x.shape[1:] for x in inputs] == [(28, 28, 1), (14, 14, 32), (14, 14, 32), (14, 14, 32), (7 * 7 * 64,)]
    logits, inputs = network.decode(pieces, np.zeros((2, 2)))
    assert logits.shape == (2, 784)
    assert [x.shape[1:] for x in inputs] == [(2,), (7, 7, 32), (14, 14, 64), (14, 14, 32), (14, 14, 32), (28, 28, 32)]


# --- forward and backward --------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", ["encoder", "decoder"])
def test_forward_is_the_definition(half, pieces, rng):
    forward, _, definition, x, _ = halves(TINY, rng)[half]
    got, _ = forward(pieces, x)
    np.testing.assert_allclose(got, definition(pieces, x), rtol=1e-12, atol=1e-12)
    last = len(TINY.layers[half]) - 1
    negated = {name: -piece if name.startswith(f"{half}.{last}.") else piece for name, piece in pieces.items()}
    assert np.array_equal(forward(negated, x)[0], -got)  # the last layer is linear: no ReLU behind it


@pytest.mark.parametrize("half", ["encoder", "decoder"])
def test_backward(half, pieces, rng):
    forward, backward, definition, x, upstream = halves(TINY, rng)[half]
    _, saved = forward(pieces, x)
    to_x, gradients = backward(pieces, upstream, saved)
    assert set(gradients) == {name for name in TINY.layout.shapes if name.startswith(half)}

    def scalar(flat, x=x):
        return np.sum(upstream * forward(TINY.layout.views(flat), x)[0])

    own = {name: pieces[name] for name in gradients}
    by_formula = grad(lambda own: anp.sum(upstream * definition(own, x)))(own)
    flat, step = TINY.layout.flatten(pieces), 1e-6
    for name, got in gradients.items():
        np.testing.assert_allclose(got, by_formula[name], rtol=1e-10, atol=1e-12)
        place = TINY.layout.slices[name].start  # one coordinate of each piece; autograd has seen them all
        shift = np.where(np.arange(flat.size) == place, step, 0)
        difference = (scalar(flat + shift) - scalar(flat - shift)) / (2 * step)
        assert got.flat[0] == pytest.approx(difference, rel=1e-6, abs=1e-7)
    if half == "encoder":
        return
    np.testing.assert_allclose(to_x, grad(lambda x: anp.sum(upstream * definition(pieces, x)))(x), rtol=1e-10)
    for i in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[i] = step
        difference = (scalar(flat, x + shift) - scalar(flat, x - shift)) / (2 * step)
        assert to_x[i] == pytest.approx(difference, rel=1e-6, abs=1e-7)


def test_each_image_is_computed_by_itself(pieces, rng):
    x, z = rng.uniform(size=(5, 32)), rng.standard_normal((5, 3))
    for forward, given in ((TINY.encode, x), (TINY.decode, z)):
        together, _ = forward(pieces, given)
        alone = np.concatenate([forward(pieces, row[None])[0] for row in given])
        np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-13)


def test_nothing_is_changed_and_twice_is_the_same(pieces, rng):
    copies = {name: piece.copy() for name, piece in pieces.items()}
    for forward, backward, _, x, upstream in halves(TINY, rng).values():
        given = x.copy(), upstream.copy()
        output, saved = forward(pieces, x)
        _, gradients = backward(pieces, upstream, saved)
        _, again = backward(pieces, upstream, saved)
        assert np.array_equal(forward(pieces, x)[0], output)
        assert all(np.array_equal(again[name], gradient) for name, gradient in gradients.items())
        assert np.array_equal(x, given[0]) and np.array_equal(upstream, given[1])
    assert all(np.array_equal(pieces[name], copy) for name, copy in copies.items())


def test_single_precision_stays(pieces, rng):
    single = {name: piece.astype(np.float32) for name, piece in pieces.items()}
    for forward, backward, _, x, upstream in halves(TINY, rng).values():
        output, saved = forward(single, x.astype(np.float32))
        to_x, gradients = backward(single, upstream.astype(np.float32), saved)
        expected, saved = forward(pieces, x)
        assert {output.dtype, *(piece.dtype for piece in gradients.values())} == {np.dtype(np.float32)}
        assert to_x is None or to_x.dtype == np.float32
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-5)
        for name, gradient in backward(pieces, upstream, saved)[1].items():
            np.testing.assert_allclose(gradients[name], gradient, rtol=1e-3, atol=1e-4)


def test_on_another_library(library, pieces, rng):
    def convert(array):
        return array.get() if hasattr(array, "get") else np.asarray(array)

    there = TINY.layout.views(library.asarray(TINY.layout.flatten(pieces)))
    for forward, backward, _, x, upstream in halves(TINY, rng).values():
        expected, saved = forward(pieces, x)
        to_x, gradients = backward(pieces, upstream, saved)
        output, saved = forward(there, library.asarray(x))
        got_x, got = backward(there, library.asarray(upstream), saved)
        assert output.__array_namespace__().__name__ == library.__name__
        np.testing.assert_allclose(convert(output), expected, rtol=1e-12, atol=1e-13)
        assert (got_x is None) == (to_x is None)
        if to_x is not None:
            np.testing.assert_allclose(convert(got_x), to_x, rtol=1e-11, atol=1e-12)
        for name, gradient in gradients.items():
            np.testing.assert_allclose(convert(got[name]), gradient, rtol=1e-11, atol=1e-12)


# --- the start -------------------------------------------------------------------------------------------------


def test_initial_pieces_fit_the_layout_and_the_seed():
    network = Convolutional(latent_dim=5, image_shape=(8, 12), filters=(3, 4))
    pieces, again = (network.initial(np.random.default_rng(3)) for _ in range(2))
    assert {name: piece.shape for name, piece in pieces.items()} == network.layout.shapes
    assert all(piece.dtype == np.float64 and np.array_equal(piece, again[name]) for name, piece in pieces.items())
    assert all(piece.any() for name, piece in pieces.items() if name not in ("encoder.4.bias", "decoder.5.bias"))


def test_the_signal_neither_dies_nor_explodes():
    """From real digits and from latent points, through every layer, on the average over four draws of the weights."""
    network, images = Convolutional(), mnist().train_images[:20].astype(float)
    encoder, decoder = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        pieces = network.initial(rng)
        encoded, inputs = network.encode(pieces, images)
        encoder.append([np.mean(x**2) for x in (*inputs[1:], encoded)])
        logits, inputs = network.decode(pieces, rng.standard_normal((20, 2)))
        decoder.append([np.mean(x**2) for x in (*inputs[1:], logits)])
    encoder, decoder = np.mean(encoder, axis=0), np.mean(decoder, axis=0)
    assert np.all((encoder > 0.08) & (encoder < 1)), encoder  # a digit's mean square is 0.1
    assert np.all((decoder > 0.6) & (decoder < 3)), decoder  # a latent point's is 1


def test_transposed_layers_at_stride_two_keep_the_mean_square():
    """Each doubles the sides; without the factor for the stride it would quarter the mean square."""
    network = Convolutional(latent_dim=20)
    ratios = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        _, inputs = network.decode(network.initial(rng), rng.standard_normal((20, 20)))
        means = [np.mean(x**2) for x in inputs]
        ratios.append([means[2] / means[1], means[5] / means[4]])
    assert np.all(np.abs(np.log2(np.mean(ratios, axis=0))) < 0.6), np.mean(ratios, axis=0)


# --- settings and messages -------------------------------------------------------------------------------------


def test_settings_make_the_same_network():
    settings = json.loads(json.dumps(TINY.settings()))
    assert settings == {"kind": "convolutional", "latent_dim": 3, "image_shape": [4, 8], "filters": [2, 3]}
    assert settings.pop("kind") and Convolutional(**settings) == TINY
    assert hash(Convolutional(**settings)) == hash(TINY) and Convolutional() != TINY


@pytest.mark.parametrize("options, message", [
    ({"latent_dim": 0}, "latent_dim: expected a whole number of at least 1, got 0"),
    ({"latent_dim": 2.0}, "latent_dim: expected a whole number of at least 1, got 2.0"),
    ({"image_shape": (28, 30)}, r"image_shape: expected multiples of 4, .*, got \(28, 30\)"),
    ({"image_shape": (0, 28)}, "image_shape: expected a whole number of at least 1, got 0"),
    ({"image_shape": 28}, "image_shape: expected two whole numbers, got 28"),
    ({"image_shape": (28, 28, 1)}, r"image_shape: expected two whole numbers, got \(28, 28, 1\)"),
    ({"filters": (32,)}, r"filters: expected two whole numbers, got \(32,\)"),
    ({"filters": (32, 0)}, "filters: expected a whole number of at least 1, got 0"),
])
def test_messages_of_the_sizes(options, message):
    with pytest.raises(ValueError, match=message):
        Convolutional(**options)


@pytest.mark.parametrize("call, message", [
    (lambda pieces: TINY.encode(pieces, np.zeros((2, 31))), r"x: expected shape \(2, 32\), got \(2, 31\)"),
    (lambda pieces: TINY.encode(pieces, np.zeros((2, 4, 8))), r"x: expected shape \(2, 32\), got \(2, 4, 8\)"),
    (lambda pieces: TINY.encode(pieces, np.zeros(())), r"x: expected shape \(32,\), got \(\)"),
    (lambda pieces: TINY.decode(pieces, np.zeros((2, 2))), r"z: expected shape \(2, 3\), got \(2, 2\)"),
    (lambda pieces: TINY.encode_backward(pieces, np.zeros((2, 3)), TINY.encode(pieces, np.zeros((2, 32)))[1]),
     r"gradient: expected shape \(2, 6\), got \(2, 3\)"),
    (lambda pieces: TINY.decode_backward(pieces, np.zeros((3, 32)), TINY.decode(pieces, np.zeros((2, 3)))[1]),
     r"gradient: expected shape \(2, 32\), got \(3, 32\)"),
    (lambda pieces: TINY.initial(0), "rng: expected a numpy.random.Generator"),
    (lambda pieces: TINY.encode(pieces | {"encoder.0.weight": np.zeros((3, 3, 2, 2))}, np.zeros((2, 32))),
     "x: expected 2 channels, as the weight has inputs, got 1"),
])
def test_messages_of_the_arrays(call, message, pieces):
    with pytest.raises(ValueError, match=message):
        call(pieces)
