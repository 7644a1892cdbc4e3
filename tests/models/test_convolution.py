"""Convolutions against loops that follow the definition, SciPy, each other's adjoint, differences and autograd."""

import array_api_strict
import autograd.numpy as anp
import numpy as np
import pytest
import scipy.signal
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st

from divergen.models import convolution
from divergen.models.convolution import conv2d, conv2d_backward, conv2d_transpose, conv2d_transpose_backward

SIDES, KERNELS, CHANNELS = st.integers(1, 7), st.integers(1, 5), st.integers(1, 3)


@st.composite
def cases(draw):
    """Images, a weight, a bias and a stride, of any sizes, with whole numbers in them: results are exact."""
    n, h, w, kh, kw = draw(st.integers(1, 3)), draw(SIDES), draw(SIDES), draw(KERNELS), draw(KERNELS)
    c_in, c_out, stride = draw(CHANNELS), draw(CHANNELS), draw(st.sampled_from([1, 2]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    arrays = [rng.integers(-9, 10, shape).astype(float) for shape in
              ((n, h, w, c_in), (kh, kw, c_in, c_out), (c_out,))]
    return *arrays, stride


def before(size, kernel, stride):
    """How many rows of zeros stand above, in the words of TensorFlow's documentation: by the remainder of the size."""
    remainder = size % stride
    return max(kernel - (remainder if remainder else stride), 0) // 2


def meetings(size, kernel, stride):
    """Which pixel (u), which window (r) and which row of the kernel (i) meet along one side of an image."""
    above = before(size, kernel, stride)
    return [(u, r, i) for r in range((size + stride - 1) // stride) for i in range(kernel)
            for u in range(size) if u + above == stride * r + i]


def by_loops(x, weight, bias, stride):
    """The convolution, one meeting of a pixel and an entry of the kernel after the other."""
    (n, h, w, _), (kh, kw, _, c_out) = x.shape, weight.shape
    y = np.zeros((n, (h + stride - 1) // stride, (w + stride - 1) // stride, c_out)) + bias
    for u, r, i in meetings(h, kh, stride):
        for v, q, j in meetings(w, kw, stride):
            y[:, r, q] += x[:, u, v] @ weight[i, j]
    return y


def transposed_by_loops(x, weight, bias, stride):
    """The transposed convolution: the same meetings, with pixels and windows in each other's place."""
    (n, h, w, _), (kh, kw, _, c_out) = x.shape, weight.shape
    y = np.zeros((n, stride * h, stride * w, c_out)) + bias
    for u, r, i in meetings(stride * h, kh, stride):
        for v, q, j in meetings(stride * w, kw, stride):
            y[:, u, v] += x[:, r, q] @ weight[i, j]
    return y


def incidence(size, kernel, stride):
    """1 where pixel u and row i of the kernel meet in window r: shape (i, r, u)."""
    result = np.zeros((kernel, (size + stride - 1) // stride, size))
    for u, r, i in meetings(size, kernel, stride):
        result[i, r, u] = 1
    return result


def formula(x, weight, bias, stride):
    """The convolution as a sum that autograd can follow."""
    rows = incidence(x.shape[1], weight.shape[0], stride)
    columns = incidence(x.shape[2], weight.shape[1], stride)
    return anp.einsum("iru,jqv,nuvc,ijcd->nrqd", rows, columns, x, weight) + bias


def transposed_formula(x, weight, bias, stride):
    rows = incidence(stride * x.shape[1], weight.shape[0], stride)
    columns = incidence(stride * x.shape[2], weight.shape[1], stride)
    return anp.einsum("iru,jqv,nrqc,ijcd->nuvd", rows, columns, x, weight) + bias


def differences(function, x, step=1e-3):
    """The gradient by central differences: exact but for rounding, since everything here is linear in each argument."""
    result = np.empty_like(x)
    for i in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[i] = step
        result[i] = (function(x + shift) - function(x - shift)) / (2 * step)
    return result


LAYERS = {
    "conv2d": (conv2d, conv2d_backward, formula, by_loops),
    "conv2d_transpose": (conv2d_transpose, conv2d_transpose_backward, transposed_formula, transposed_by_loops),
}
both = pytest.mark.parametrize("layer", LAYERS)
strides = pytest.mark.parametrize("stride", [1, 2])


# --- forward ---------------------------------------------------------------------------------------------------


@given(cases())
def test_convolution_is_its_definition(case):
    assert np.array_equal(conv2d(*case[:3], stride=case[3]), by_loops(*case))


@given(cases())
def test_transposed_convolution_is_its_definition(case):
    assert np.array_equal(conv2d_transpose(*case[:3], stride=case[3]), transposed_by_loops(*case))


@given(cases())
def test_the_transposed_convolution_is_the_adjoint(case):
    x, weight, _, stride = case
    c_in, c_out = weight.shape[2:]
    x = np.repeat(np.repeat(x, stride, axis=1), stride, axis=2)  # sides that are multiples of the stride
    y = conv2d(x, weight, np.zeros(c_out), stride=stride)
    other = np.random.default_rng(0).integers(-9, 10, y.shape).astype(float)
    back = conv2d_transpose(other, weight.swapaxes(2, 3), np.zeros(c_in), stride=stride)
    assert back.shape == x.shape
    assert np.vdot(y, other) == np.vdot(x, back)


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (5, 3), (3, 7)])
@pytest.mark.parametrize("size", [(8, 9), (9, 8), (14, 14)])
def test_convolution_is_scipys_correlation(kernel, size, rng):
    x, weight = rng.standard_normal((2, *size, 3)), rng.standard_normal((*kernel, 3, 4))
    same = np.stack([[sum(scipy.signal.correlate2d(image[..., c], weight[..., c, d], "same") for c in range(3))
                      for d in range(4)] for image in x])
    same = np.moveaxis(same, 1, -1)
    np.testing.assert_allclose(conv2d(x, weight, np.zeros(4)), same, rtol=1e-13, atol=1e-13)
    # At stride 2 an even side needs one zero less than at stride 1, and the one above is saved: the odd rows are left.
    first = [1 if side % 2 == 0 and k > 1 else 0 for side, k in zip(size, kernel, strict=True)]
    np.testing.assert_allclose(conv2d(x, weight, np.zeros(4), stride=2), same[:, first[0] :: 2, first[1] :: 2],
                               rtol=1e-13, atol=1e-13)


@strides
def test_transposed_convolution_is_scipys_convolution(stride, rng):
    """What each pixel paints, added up: a true convolution of the image with zeros between its pixels."""
    x, weight = rng.standard_normal((5, 6)), rng.standard_normal((3, 3))
    spread = np.zeros((stride * 5, stride * 6))
    spread[::stride, ::stride] = x
    cut = 1 if stride == 1 else 0
    expected = scipy.signal.convolve2d(spread, weight, "full")[cut : cut + stride * 5, cut : cut + stride * 6]
    got = conv2d_transpose(x[None, :, :, None], weight[:, :, None, None], np.zeros(1), stride=stride)
    np.testing.assert_allclose(got[0, :, :, 0], expected, rtol=1e-13, atol=1e-13)


def test_a_kernel_of_one_point_is_a_dense_layer_on_each_pixel(rng):
    x, weight, bias = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((1, 1, 5, 6)), rng.standard_normal(6)
    for layer in (conv2d, conv2d_transpose):
        np.testing.assert_allclose(layer(x, weight, bias), x @ weight[0, 0] + bias, rtol=1e-13, atol=1e-13)


# --- backward --------------------------------------------------------------------------------------------------


@both
@strides
@pytest.mark.parametrize("size, kernel", [((4, 5), (3, 3)), ((5, 2), (2, 3)), ((1, 3), (4, 5)), ((4, 4), (1, 2))])
def test_gradients(layer, stride, size, kernel, rng):
    forward, backward, definition, _ = LAYERS[layer]
    given = [rng.standard_normal((2, *size, 3)), rng.standard_normal((*kernel, 3, 2)), rng.standard_normal(2)]
    upstream = rng.standard_normal(forward(*given, stride=stride).shape)
    gradients = backward(upstream, *given[:2], stride=stride)
    for i, got in enumerate(gradients):

        def scalar(argument, i=i):
            return np.sum(upstream * forward(*given[:i], argument, *given[i + 1 :], stride=stride))

        def by_formula(*arguments):
            return anp.sum(upstream * definition(*arguments, stride))

        np.testing.assert_allclose(got, grad(by_formula, i)(*given), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(got, differences(scalar, given[i]), rtol=1e-9, atol=1e-9)


@given(cases(), st.sampled_from(sorted(LAYERS)))
def test_gradients_of_any_size(case, layer):
    """The layer is linear in each argument: <G, layer(x + dx) - layer(x)> = <gradient, dx>, exactly for integers."""
    forward, backward, *_ = LAYERS[layer]
    *given, stride = case
    rng = np.random.default_rng(1)
    y = forward(*given, stride=stride)
    upstream = rng.integers(-9, 10, y.shape).astype(float)
    gradients = backward(upstream, *given[:2], stride=stride)
    for i, got in enumerate(gradients):
        step = rng.integers(-9, 10, given[i].shape).astype(float)
        moved = forward(*given[:i], given[i] + step, *given[i + 1 :], stride=stride)
        assert got.shape == given[i].shape
        assert np.vdot(upstream, moved - y) == np.vdot(got, step)


@both
@strides
def test_backward_without_the_input(layer, stride, rng):
    forward, backward, *_ = LAYERS[layer]
    x, weight = rng.standard_normal((2, 4, 5, 3)), rng.standard_normal((3, 3, 3, 2))
    upstream = rng.standard_normal(forward(x, weight, np.zeros(2), stride=stride).shape)
    nothing, *rest = backward(upstream, x, weight, stride=stride, input_gradient=False)
    _, *same = backward(upstream, x, weight, stride=stride)
    assert nothing is None
    assert all(np.array_equal(a, b) for a, b in zip(rest, same, strict=True))


# --- blocks, precision, libraries ------------------------------------------------------------------------------


def to_weight_by_loops(image, window, shape, stride):
    """Sum the products of what meets at each entry of the kernel: image (n, h, w, c), window (n, rows, columns, d)."""
    result = np.zeros((*shape, image.shape[3], window.shape[3]))
    for u, r, i in meetings(image.shape[1], shape[0], stride):
        for v, q, j in meetings(image.shape[2], shape[1], stride):
            result[i, j] += image[:, u, v].T @ window[:, r, q]
    return result


@strides
def test_more_images_than_fit_a_block(stride, rng):
    n, side = 31, 16
    image = rng.integers(-9, 10, (n, side * stride, side * stride, 4)).astype(float)
    window = rng.integers(-9, 10, (n, side, side, 3)).astype(float)
    weight = rng.integers(-9, 10, (3, 3, 4, 3)).astype(float)
    windows = convolution._windows(image.shape[1:3], (3, 3), stride)
    assert len(list(convolution._blocks(image, windows, 4, 3))) > 2  # or this would test nothing
    backwards = weight.swapaxes(2, 3)
    to_weight = to_weight_by_loops(image, window, (3, 3), stride)
    for got, want in [
        (conv2d(image, weight, np.ones(3), stride=stride), by_loops(image, weight, 1, stride)),
        (conv2d_transpose(window, backwards, np.ones(4), stride=stride),
         transposed_by_loops(window, backwards, 1, stride)),
        *zip(conv2d_backward(window, image, weight, stride=stride),
             (transposed_by_loops(window, backwards, 0, stride), to_weight, window.sum(axis=(0, 1, 2))), strict=True),
        *zip(conv2d_transpose_backward(image, window, backwards, stride=stride),
             (by_loops(image, weight, 0, stride), to_weight.swapaxes(2, 3), image.sum(axis=(0, 1, 2))), strict=True),
    ]:
        assert np.array_equal(got, want)


@given(st.integers(0, 50), st.integers(1, 40), st.integers(1, 300))
def test_blocks_cover_each_image_once(n, side, channels):
    x = np.zeros((n, 1, 1, 1))
    blocks = list(convolution._blocks(x, convolution._windows((side, side), (3, 3), 1), channels, 2))
    assert [i for block in blocks for i in range(n)[block]] == list(range(n))
    largest = max([block.stop - block.start for block in blocks], default=1)
    assert largest == 1 or largest * side**2 * 9 * channels <= 2**17


@both
@strides
def test_no_images(layer, stride):
    forward, backward, *_ = LAYERS[layer]
    x, weight = np.zeros((0, 4, 4, 3)), np.ones((3, 3, 3, 2))
    y = forward(x, weight, np.ones(2), stride=stride)
    assert y.shape[0] == 0
    to_x, to_weight, to_bias = backward(y, x, weight, stride=stride)
    assert to_x.shape == x.shape and not to_weight.any() and not to_bias.any()
    assert to_weight.shape == weight.shape and to_bias.shape == (2,)


@both
@strides
def test_single_precision(layer, stride, rng):
    forward, backward, *_ = LAYERS[layer]
    given = [rng.standard_normal((3, 6, 6, 8)), rng.standard_normal((3, 3, 8, 4)), rng.standard_normal(4)]
    single = [array.astype(np.float32) for array in given]
    y = forward(*given, stride=stride)
    got = forward(*single, stride=stride)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, y, rtol=1e-4, atol=2e-5)
    for a, b in zip(backward(y.astype(np.float32), *single[:2], stride=stride),
                    backward(y, *given[:2], stride=stride), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


@both
def test_whole_numbers_and_mixed_precision_are_not_rounded(layer):
    forward, backward, *_ = LAYERS[layer]
    x, weight = np.ones((1, 2, 2, 1), dtype=int), np.full((1, 1, 1, 1), 0.5)
    assert forward(x, weight, np.array([0.25])).tolist() == np.full((1, 2, 2, 1), 0.75).tolist()
    to_x, to_weight, _ = backward(np.full((1, 2, 2, 1), 0.5), x, np.ones((1, 1, 1, 1)))
    assert to_x[0, 0, 0, 0] == 0.5 and to_weight[0, 0, 0, 0] == 2.0


@both
def test_the_bias_gradient_keeps_its_digits_in_single_precision(layer):
    """Half a million times 0.1: one running sum in float32 would be off by one part in a thousand."""
    _, backward, *_ = LAYERS[layer]
    gradient = np.full((32, 128, 128, 2), 0.1, dtype=np.float32)
    x, weight = np.zeros((32, 128, 128, 1), dtype=np.float32), np.ones((1, 1, 1, 2), dtype=np.float32)
    *_, to_bias = backward(gradient, x, weight, input_gradient=False)
    np.testing.assert_allclose(to_bias, np.sum(gradient, axis=(0, 1, 2), dtype=float), rtol=1e-5)


@both
@strides
def test_the_same_twice_and_nothing_is_changed(layer, stride, rng):
    forward, backward, *_ = LAYERS[layer]
    given = [rng.standard_normal((3, 6, 5, 2)), rng.standard_normal((3, 2, 2, 4)), rng.standard_normal(4)]
    copies = [array.copy() for array in given]
    y = forward(*given, stride=stride)
    upstream = y.copy()
    first = backward(upstream, *given[:2], stride=stride)
    assert np.array_equal(forward(*given, stride=stride), y)
    assert all(np.array_equal(a, b) for a, b in
               zip(backward(upstream, *given[:2], stride=stride), first, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip([*given, upstream], [*copies, y], strict=True))


@both
@strides
def test_views_that_are_not_contiguous(layer, stride, rng):
    forward, backward, _, loops = LAYERS[layer]
    x = rng.integers(-9, 10, (3, 2, 5, 6)).astype(float).transpose(0, 3, 2, 1)  # channels last, as a view
    weight, bias = rng.integers(-9, 10, (4, 2, 3, 3)).astype(float).transpose(3, 2, 1, 0), np.arange(4.0)
    y = loops(x, weight, bias, stride)
    assert np.array_equal(forward(x, weight, bias, stride=stride), y)
    straight = backward(y, x.copy(), weight.copy(), stride=stride)
    assert all(np.array_equal(a, b) for a, b in zip(backward(y[::1], x, weight, stride=stride), straight, strict=True))


@both
@strides
def test_on_another_library(library, layer, stride, rng):
    forward, backward, *_ = LAYERS[layer]
    given = [rng.standard_normal((3, 6, 5, 2)), rng.standard_normal((3, 2, 2, 4)), rng.standard_normal(4)]
    y = forward(*given, stride=stride)
    there = [library.asarray(array) for array in given]
    results = [forward(*there, stride=stride),
               *backward(library.asarray(y), *there[:2], stride=stride)]
    for got, expected in zip(results, [y, *backward(y, *given[:2], stride=stride)], strict=True):
        assert got.__array_namespace__().__name__ == library.__name__
        got = got.get() if hasattr(got, "get") else np.asarray(got)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@both
def test_everything_stays_on_the_device_of_the_images(layer, rng):
    forward, backward, *_ = LAYERS[layer]
    device = array_api_strict.Device("device1")  # not the default one, and arrays of two devices do not mix
    x, weight, bias = (array_api_strict.asarray(rng.standard_normal(shape), device=device)
                       for shape in ((3, 6, 5, 2), (3, 2, 2, 4), (4,)))
    y = forward(x, weight, bias, stride=2)
    assert [array.device for array in (y, *backward(y, x, weight, stride=2))] == [device] * 4


# --- messages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [
    lambda x, weight, stride: conv2d(x, weight, np.zeros(2), stride=stride),
    lambda x, weight, stride: conv2d_backward(np.zeros((1, 4, 4, 2)), x, weight, stride=stride),
    lambda x, weight, stride: conv2d_transpose(x, weight, np.zeros(2), stride=stride),
    lambda x, weight, stride: conv2d_transpose_backward(np.zeros((1, 4, 4, 2)), x, weight, stride=stride),
])
@pytest.mark.parametrize("x, weight, stride, message", [
    ((1, 4, 4, 3), (3, 3, 3, 2), 3, "stride: expected 1 or 2, got 3"),
    ((1, 4, 4, 3), (3, 3, 3, 2), 0, "stride: expected 1 or 2, got 0"),
    ((1, 4, 4, 3), (3, 3, 3, 2), 2.0, "stride: expected 1 or 2, got 2.0"),
    ((4, 4, 3), (3, 3, 3, 2), 1, r"x: expected images of shape \(n, height, width, channels\), got shape \(4, 4, 3\)"),
    ((1, 0, 4, 3), (3, 3, 3, 2), 1, r"x: expected images of shape .*, got shape \(1, 0, 4, 3\)"),
    ((1, 4, 4, 3), (3, 3, 2), 1, r"weight: expected shape \(kh, kw, c_in, c_out\), got \(3, 3, 2\)"),
    ((1, 4, 4, 3), (3, 0, 3, 2), 1, r"weight: expected shape \(kh, kw, c_in, c_out\), got \(3, 0, 3, 2\)"),
    ((1, 4, 4, 2), (3, 3, 3, 2), 1, "x: expected 3 channels, as the weight has inputs, got 2"),
])
def test_messages(call, x, weight, stride, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros(x), np.zeros(weight), stride)


@pytest.mark.parametrize("call, message", [
    (lambda x, weight: conv2d(x, weight, np.zeros(3)), r"bias: expected shape \(2,\), got \(3,\)"),
    (lambda x, weight: conv2d_transpose(x, weight, np.zeros(3)), r"bias: expected shape \(2,\), got \(3,\)"),
    (lambda x, weight: conv2d_backward(np.zeros((1, 5, 4, 2)), x, weight, stride=2),
     r"gradient: expected shape \(1, 3, 2, 2\), got \(1, 5, 4, 2\)"),
    (lambda x, weight: conv2d_transpose_backward(np.zeros((1, 5, 4, 2)), x, weight, stride=2),
     r"gradient: expected shape \(1, 10, 8, 2\), got \(1, 5, 4, 2\)"),
])
def test_messages_of_what_comes_with_the_images(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((1, 5, 4, 3)), np.zeros((3, 3, 3, 2)))


@pytest.mark.parametrize("layer", [conv2d, conv2d_transpose])
def test_whole_numbers_alone_are_refused_since_they_would_wrap_around(layer):
    x, weight = np.full((1, 3, 3, 1), 200, dtype=np.uint8), np.ones((3, 3, 1, 1), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"x: expected real floating-point numbers.*got uint8 with a weight of uint8"):
        layer(x, weight, np.zeros(1, dtype=np.uint8))
