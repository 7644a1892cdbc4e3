"""Each layer against its formula and mpmath, its backward pass against differences and against autograd."""

from itertools import pairwise

import autograd.numpy as anp
import mpmath
import numpy as np
import pytest
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st

from divergen.models import network

LOGITS = [-1e3, -745.0, -50.0, -1.0, -1e-9, 0.0, 1e-9, 0.5, 17.0, 50.0, 745.0, 1e3]


def differences(function, x, step=1e-6):
    """The gradient of a scalar function by central differences along every coordinate."""
    result = np.empty_like(x)
    for i in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[i] = step
        result[i] = (function(x + shift) - function(x - shift)) / (2 * step)
    return result


def close(got, expected, tolerance=1e-8):
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


# --- layers ----------------------------------------------------------------------------------------------------


def test_dense_and_its_backward(rng):
    x, weight, bias = rng.standard_normal((5, 3)), rng.standard_normal((3, 4)), rng.standard_normal(4)
    upstream = rng.standard_normal((5, 4))
    by_hand = [[sum(x[i, k] * weight[k, j] for k in range(3)) + bias[j] for j in range(4)] for i in range(5)]
    close(network.dense(x, weight, bias), by_hand, 1e-14)
    gradients = network.dense_backward(upstream, x, weight)
    for i, got in enumerate(gradients):

        def scalar(argument, i=i):
            given = [x, weight, bias]
            given[i] = argument
            return np.sum(upstream * network.dense(*given))

        def formula(argument, i=i):
            a, w, b = (argument if i == j else given for j, given in enumerate((x, weight, bias)))
            return anp.sum(upstream * (anp.dot(a, w) + b))

        argument = (x, weight, bias)[i]
        close(got, differences(scalar, argument))
        close(got, grad(formula)(argument), 1e-13)


def test_dense_backward_without_the_input(rng):
    x, weight, upstream = rng.standard_normal((5, 3)), rng.standard_normal((3, 4)), rng.standard_normal((5, 4))
    nothing, to_weight, to_bias = network.dense_backward(upstream, x, weight, input_gradient=False)
    _, same_weight, same_bias = network.dense_backward(upstream, x, weight)
    assert nothing is None
    assert np.array_equal(to_weight, same_weight) and np.array_equal(to_bias, same_bias)


def test_relu_and_its_backward(rng):
    x, upstream = rng.standard_normal((6, 3)), rng.standard_normal((6, 3))
    assert network.relu(x).tolist() == [[max(v, 0.0) for v in row] for row in x]
    got = network.relu_backward(upstream, x)
    close(got, differences(lambda v: np.sum(upstream * network.relu(v)), x))
    close(got, grad(lambda v: anp.sum(upstream * anp.where(v > 0, v, 0)))(x), 1e-14)
    assert np.array_equal(got, network.relu_backward(upstream, network.relu(x)))


def test_relu_has_slope_zero_at_zero():
    assert network.relu_backward(np.ones((1, 2)), np.array([[0.0, -0.0]])).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("sizes", [(3, 2), (3, 5, 2), (3, 5, 4, 2)])
def test_perceptron_and_its_backward(sizes, rng):
    layers = [(rng.standard_normal((p, q)), rng.standard_normal(q)) for p, q in pairwise(sizes)]
    x, upstream = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))

    def formula(x, *flat):
        for i in range(0, len(flat), 2):
            x = anp.dot(anp.maximum(x, 0) if i else x, flat[i]) + flat[i + 1]
        return x

    flat = [piece for layer in layers for piece in layer]
    output, inputs = network.perceptron(layers, x)
    close(output, formula(x, *flat), 1e-13)
    to_x, gradients = network.perceptron_backward(upstream, inputs, layers)
    got = [to_x, *(piece for pair in gradients for piece in pair)]
    for i, (piece, argument) in enumerate(zip(got, [x, *flat], strict=True)):
        expected = grad(lambda *arguments: anp.sum(upstream * formula(*arguments)), i)(x, *flat)
        close(piece, expected, 1e-12)

        def scalar(moved, i=i):
            given = [x, *flat]
            given[i] = moved
            return np.sum(upstream * network.perceptron(list(zip(given[1::2], given[2::2], strict=True)), given[0])[0])

        close(piece, differences(scalar, argument), 1e-7)
    nothing, same = network.perceptron_backward(upstream, inputs, layers, input_gradient=False)
    assert nothing is None
    assert all(np.array_equal(a, b) for one, other in zip(same, gradients, strict=True) for a, b in
               zip(one, other, strict=True))


# --- losses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("logit", LOGITS)
def test_sigmoid_and_softplus_against_mpmath(logit):
    with mpmath.workdps(50):
        sigmoid = float(1 / (1 + mpmath.exp(-mpmath.mpf(logit))))
        softplus = float(mpmath.log1p(mpmath.exp(mpmath.mpf(logit))))
    x = np.array([logit])
    np.testing.assert_allclose(network.sigmoid(x)[0], sigmoid, rtol=5e-16, atol=5e-324)
    np.testing.assert_allclose(network.softplus(x)[0], softplus, rtol=5e-16, atol=5e-324)


@pytest.mark.parametrize("pixel", [0.0, 1e-3, 0.3, 254 / 255, 1.0])
@pytest.mark.parametrize("logit", LOGITS)
def test_likelihood_against_mpmath(logit, pixel):
    with mpmath.workdps(500):  # 1 - 1e-435 needs its digits
        white = 1 / (1 + mpmath.exp(-mpmath.mpf(logit)))
        expected = mpmath.mpf(pixel) * mpmath.log(white) + (1 - mpmath.mpf(pixel)) * mpmath.log(1 - white)
        slope = float(mpmath.mpf(pixel) - white)
    x, logits = np.array([[pixel]]), np.array([[logit]])
    np.testing.assert_allclose(network.bernoulli_log_likelihood(logits, x)[0], float(expected), rtol=1e-15, atol=5e-324)
    got = network.bernoulli_log_likelihood_backward(np.ones(1), logits, x)[0, 0]
    np.testing.assert_allclose(got, slope, rtol=1e-15, atol=2e-16)  # a difference of two numbers of size 1


def test_likelihood_in_single_precision_is_finite_and_keeps_its_dtype():
    logits, x = np.array([[-1e3, 1e3, 1e38]], dtype=np.float32), np.array([[1, 0, 1]], dtype=np.float32)
    value = network.bernoulli_log_likelihood(logits, x)
    slope = network.bernoulli_log_likelihood_backward(np.ones(1, dtype=np.float32), logits, x)
    assert value.dtype == slope.dtype == np.float32
    assert value.tolist() == [-2000.0] and slope.tolist() == [[1.0, -1.0, 0.0]]


def test_likelihood_backward(rng):
    logits, x, upstream = 3 * rng.standard_normal((4, 5)), rng.uniform(size=(4, 5)), rng.standard_normal(4)

    def formula(v):
        white = 1 / (1 + anp.exp(-v))
        return anp.sum(upstream * anp.sum(x * anp.log(white) + (1 - x) * anp.log(1 - white), axis=1))

    got = network.bernoulli_log_likelihood_backward(upstream, logits, x)
    close(np.sum(upstream * network.bernoulli_log_likelihood(logits, x)), formula(logits), 1e-13)
    close(got, grad(formula)(logits), 1e-12)
    close(got, differences(lambda v: np.sum(upstream * network.bernoulli_log_likelihood(v, x)), logits))


@given(st.floats(-800, 800), st.floats(0, 1))
def test_likelihood_is_never_positive_and_symmetric_in_black_and_white(logit, pixel):
    one = network.bernoulli_log_likelihood(np.array([[logit]]), np.array([[pixel]]))[0]
    other = network.bernoulli_log_likelihood(np.array([[-logit]]), np.array([[1 - pixel]]))[0]
    assert one <= 0
    assert one == pytest.approx(other, rel=1e-12, abs=800 * 1.2e-16)  # 1 - pixel is rounded


# --- parameters ------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(0, 4), max_size=3).map(tuple), min_size=1, max_size=5))
def test_layout_views_and_flatten_are_inverse(shapes):
    layout = network.Layout({f"piece {i}": shape for i, shape in enumerate(shapes)})
    flat = np.arange(float(layout.size))
    pieces = layout.views(flat)
    assert [piece.shape for piece in pieces.values()] == shapes
    assert layout.flatten(dict(reversed(pieces.items()))).tolist() == flat.tolist()


def test_layout_views_share_memory():
    layout = network.Layout({"a": (2, 3), "b": (2,)})
    flat = np.zeros(8)
    layout.views(flat)["b"][1] = 5.0
    assert flat.tolist() == [0, 0, 0, 0, 0, 0, 0, 5.0]


def test_initial_parameters(rng):
    weight, bias = network.he_normal(500, 400, rng)
    assert weight.shape == (500, 400) and bias.shape == (400,)
    assert 500 * weight.var() == pytest.approx(2, rel=0.02) and 500 * bias.var() == pytest.approx(2, rel=0.3)
    weight, bias = network.glorot_uniform(500, 400, rng)
    assert 900 * weight.var() == pytest.approx(2, rel=0.02) and np.abs(weight).max() <= np.sqrt(6 / 900)
    assert bias.tolist() == [0] * 400


def test_he_keeps_the_mean_square_through_many_layers(rng):
    x = rng.standard_normal((200, 300))
    for _ in range(10):
        weight, bias = network.he_normal(300, 300, rng)
        x = network.relu(network.dense(x, weight, 0 * bias))
    assert 0.5 < np.mean(x**2) < 2


def test_initial_perceptron_fits_its_shapes():
    pieces = network.perceptron_initial((5, 4, 3), "critic", np.random.default_rng(0))
    assert {name: piece.shape for name, piece in pieces.items()} == network.perceptron_shapes((5, 4, 3), "critic")
    again = network.perceptron_initial((5, 4, 3), "critic", np.random.default_rng(0))
    assert all(np.array_equal(piece, again[name]) for name, piece in pieces.items())
    assert not pieces["critic.1.bias"].any() and pieces["critic.0.bias"].all()


# --- messages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, message", [
    (lambda: network.dense(np.zeros((2, 3)), np.zeros((4, 5)), np.zeros(5)),
     r"x: expected shape \(2, 4\), got \(2, 3\)"),
    (lambda: network.dense(np.zeros((2, 3)), np.zeros((3, 5)), np.zeros(4)),
     r"bias: expected shape \(5,\), got \(4,\)"),
    (lambda: network.dense_backward(np.zeros((2, 5)), np.zeros((2, 3)), np.zeros((4, 5))),
     r"x: expected shape \(2, 4\), got \(2, 3\)"),
    (lambda: network.dense_backward(np.zeros((2, 4)), np.zeros((2, 3)), np.zeros((3, 5))),
     r"gradient: expected shape \(2, 5\), got \(2, 4\)"),
    (lambda: network.relu_backward(np.zeros((2, 4)), np.zeros((2, 3))),
     r"gradient: expected shape \(2, 3\), got \(2, 4\)"),
    (lambda: network.perceptron([], np.zeros((2, 3))), r"layers: expected at least one \(weight, bias\), got none"),
    (lambda: network.bernoulli_log_likelihood(np.zeros((2, 3)), np.zeros((2, 4))),
     r"x: expected shape \(2, 3\), got \(2, 4\)"),
    (lambda: network.bernoulli_log_likelihood_backward(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))),
     r"gradient: expected shape \(2,\), got \(2, 3\)"),
    (lambda: network.Layout({"a": (2, 3)}).views(np.zeros(5)), r"flat: expected shape \(6,\), got \(5,\)"),
    (lambda: network.Layout({"a": (2, 3)}).flatten({"b": np.zeros((2, 3))}), "pieces: expected the names a, got b"),
    (lambda: network.Layout({"a": (2, 3)}).flatten({"a": np.zeros((3, 2))}),
     r"a: expected shape \(2, 3\), got \(3, 2\)"),
    (lambda: network.he_normal(2, 3, 0), "rng: expected a numpy.random.Generator"),
    (lambda: network.glorot_uniform(2, 3, None), "rng: expected a numpy.random.Generator"),
])
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- other array libraries -------------------------------------------------------------------------------------


def test_every_function_on_another_library(library, rng):
    layout = network.Layout(network.perceptron_shapes((3, 4, 2), "net"))
    flat, x = rng.standard_normal(layout.size), rng.uniform(size=(5, 3))
    upstream, image, each = rng.standard_normal((5, 2)), rng.uniform(size=(5, 2)), rng.standard_normal(5)

    def everything(flat, x, upstream, image, each):
        pieces = layout.views(flat)
        layers = [(pieces["net.0.weight"], pieces["net.0.bias"]), (pieces["net.1.weight"], pieces["net.1.bias"])]
        output, inputs = network.perceptron(layers, x)
        to_x, gradients = network.perceptron_backward(upstream, inputs, layers)
        named = {f"net.{i}.{kind}": piece for i, pair in enumerate(gradients)
                 for kind, piece in zip(("weight", "bias"), pair, strict=True)}
        return [output, to_x, layout.flatten(named), network.sigmoid(output), network.softplus(output),
                network.bernoulli_log_likelihood(output, image),
                network.bernoulli_log_likelihood_backward(each, output, image)]

    given = (flat, x, upstream, image, each)
    for got, expected in zip(everything(*map(library.asarray, given)), everything(*given), strict=True):
        assert got.__array_namespace__().__name__ == library.__name__
        got = got.get() if hasattr(got, "get") else np.asarray(got)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)
