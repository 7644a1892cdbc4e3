r"""Two-dimensional convolution and its adjoint, the transposed convolution, forward and backward side by side.

Images have shape (n, height, width, channels), a weight has shape (kh, kw, c_in, c_out). As in every library of neural
networks, what is called a convolution is a cross-correlation: the kernel is not flipped. With padding "same", at stride
s, an image of height h becomes one of height :math:`\lceil h / s \rceil`, and likewise for the width:

.. math::

    y_{r, q} = b + \sum_{i < k_h} \sum_{j < k_w} x_{s r + i - t,\; s q + j - l}\, W_{i, j}, \qquad
    t = \Bigl\lfloor \tfrac12 \max\bigl((\lceil h / s \rceil - 1)\, s + k_h - h,\; 0\bigr) \Bigr\rfloor,

where pixels outside the image are zero, each pixel is a row of c_in channels, and l is to the width what t is to the
height. The maximum is the number of rows of zeros that the windows need, and the smaller half of them stands above the
image: this is the rule of TensorFlow and Keras. (PyTorch at stride 2 has the larger half above.)

The transposed convolution is *by definition* the adjoint of the convolution with the same stride: where c_in and
c_out change their places in the weight, and without the biases,

.. math:: \langle \mathrm{conv2d}(x), y \rangle = \langle x, \mathrm{conv2d\_transpose}(y) \rangle .

So each of them goes back through the other, and there are two things to compute. *Gathering* puts the pixels of each
window side by side, after which a convolution is one product of matrices; *scattering* adds what belongs to a window
to the pixels from which it was gathered. Both work on a few images at a time, so that their copies stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Integral
from typing import NamedTuple

from ..arrays import Array, namespace
from .network import check_shape

__all__ = ["conv2d", "conv2d_backward", "conv2d_transpose", "conv2d_transpose_backward"]


def conv2d(x: Array, weight: Array, bias: Array, *, stride: int = 1) -> Array:
    r"""Convolve images with a kernel (cross-correlation, padding "same"), by the formula at the top of this module.

    Parameters
    ----------
    x : array, shape (n, h, w, c_in)
    weight : array, shape (kh, kw, c_in, c_out)
    bias : array, shape (c_out,)
    stride : 1 or 2

    Returns
    -------
    array, shape (n, ceil(h / stride), ceil(w / stride), c_out)

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the stride is another one.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(4.0).reshape(1, 1, 4, 1)  # one row of four pixels
    >>> y = conv2d(x, np.ones((1, 3, 1, 1)), np.zeros(1))
    >>> print(" ".join(f"{v:.1f}" for v in y[0, 0, :, 0]))
    1.0 3.0 6.0 5.0
    """
    _check(x, weight, stride)
    check_shape("bias", bias, weight.shape[3:])
    xp = namespace(x, weight, bias)
    windows = _windows(x.shape[1:3], weight.shape[:2], stride)
    matrix = xp.reshape(weight, (-1, weight.shape[3]))  # (kh kw c_in, c_out)
    y = _empty(x, (x.shape[0], *windows.number, weight.shape[3]), xp.result_type(x, weight, bias))
    for block in _blocks(x, windows, *weight.shape[2:]):
        product = xp.matmul(_gather(x[block, ...], windows), matrix) + bias
        y[block, ...] = xp.reshape(product, (-1, *y.shape[1:]))
    return y


def conv2d_backward(
    gradient: Array, x: Array, weight: Array, *, stride: int = 1, input_gradient: bool = True
) -> tuple[Array | None, Array, Array]:
    r"""Go back through :func:`conv2d`.

    With G the gradient with respect to what it returned, and all sums over the places where the pixels exist,

    .. math::

        \frac{\partial}{\partial x_{u, v}} = \sum_{\substack{s r + i - t = u \\ s q + j - l = v}} G_{r, q} W_{i, j}^T,
        \qquad
        \frac{\partial}{\partial W_{i, j}} = \sum_{r, q} x_{s r + i - t,\; s q + j - l}^T\, G_{r, q}, \qquad
        \frac{\partial}{\partial b} = \sum_{r, q} G_{r, q}.

    Parameters
    ----------
    gradient : array, shape (n, ceil(h / stride), ceil(w / stride), c_out)
    x : array, shape (n, h, w, c_in)
    weight : array, shape (kh, kw, c_in, c_out)
    stride : 1 or 2
        What the layer was given.
    input_gradient : bool
        False for the first layer of a network, where nobody needs the gradient with respect to x.

    Returns
    -------
    array of shape (n, h, w, c_in), or None
        The gradient with respect to x; None without `input_gradient`.
    array, shape (kh, kw, c_in, c_out)
        With respect to the weight.
    array, shape (c_out,)
        With respect to the bias.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the stride is another one.
    """
    _check(x, weight, stride)
    windows = _windows(x.shape[1:3], weight.shape[:2], stride)
    check_shape("gradient", gradient, (x.shape[0], *windows.number, weight.shape[3]))
    xp = namespace(gradient, x, weight)
    dtype = xp.result_type(gradient, x, weight)
    to_x = _empty(x, x.shape, dtype) if input_gradient else None
    to_weight = _zeros(x, (math.prod(weight.shape[:3]), weight.shape[3]), dtype)
    for block in _blocks(x, windows, *weight.shape[2:]):
        rows = xp.reshape(gradient[block, ...], (-1, weight.shape[3]))
        to_weight += xp.matmul(xp.matrix_transpose(_gather(x[block, ...], windows)), rows)
        if to_x is not None:
            to_x[block, ...] = _scatter(rows, weight, windows)
    return to_x, xp.reshape(to_weight, weight.shape), _sum_of_pixels(gradient)


def conv2d_transpose(x: Array, weight: Array, bias: Array, *, stride: int = 1) -> Array:
    r"""Apply the adjoint of a convolution, which enlarges an image by the stride.

    Each pixel of x paints a window of the output with the kernel:

    .. math:: y_{u, v} = b + \sum_{\substack{s r + i - t = u \\ s q + j - l = v}} x_{r, q} W_{i, j},

    with the t and l of the convolution that takes an image of the output's size to one of the size of x.

    Parameters
    ----------
    x : array, shape (n, h, w, c_in)
    weight : array, shape (kh, kw, c_in, c_out)
        In terms of this layer's own input and output. (Keras has c_out before c_in here.)
    bias : array, shape (c_out,)
    stride : 1 or 2

    Returns
    -------
    array, shape (n, stride h, stride w, c_out)

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the stride is another one.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 10.0]).reshape(1, 1, 2, 1)  # one row of two pixels
    >>> y = conv2d_transpose(x, np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1), np.zeros(1), stride=2)
    >>> print(" ".join(f"{v:.1f}" for v in y[0, 0, :, 0]))
    1.0 2.0 13.0 20.0
    """
    _check(x, weight, stride)
    check_shape("bias", bias, weight.shape[3:])
    xp = namespace(x, weight, bias)
    windows = _windows((stride * x.shape[1], stride * x.shape[2]), weight.shape[:2], stride)
    kernel = xp.permute_dims(weight, (0, 1, 3, 2))  # that of the convolution: (kh, kw, c_out, c_in)
    y = _empty(x, (x.shape[0], *windows.image, weight.shape[3]), xp.result_type(x, weight, bias))
    for block in _blocks(x, windows, *weight.shape[:1:-1]):
        y[block, ...] = _scatter(xp.reshape(x[block, ...], (-1, weight.shape[2])), kernel, windows) + bias
    return y


def conv2d_transpose_backward(
    gradient: Array, x: Array, weight: Array, *, stride: int = 1, input_gradient: bool = True
) -> tuple[Array | None, Array, Array]:
    r"""Go back through :func:`conv2d_transpose`.

    With G the gradient with respect to what it returned, zero outside the image,

    .. math::

        \frac{\partial}{\partial x_{r, q}} = \sum_{i, j} G_{s r + i - t,\; s q + j - l}\, W_{i, j}^T, \qquad
        \frac{\partial}{\partial W_{i, j}} = \sum_{r, q} x_{r, q}^T\, G_{s r + i - t,\; s q + j - l}, \qquad
        \frac{\partial}{\partial b} = \sum_{u, v} G_{u, v}.

    Parameters
    ----------
    gradient : array, shape (n, stride h, stride w, c_out)
    x : array, shape (n, h, w, c_in)
    weight : array, shape (kh, kw, c_in, c_out)
    stride : 1 or 2
        What the layer was given.
    input_gradient : bool
        False where nobody needs the gradient with respect to x.

    Returns
    -------
    array of shape (n, h, w, c_in), or None
        The gradient with respect to x; None without `input_gradient`.
    array, shape (kh, kw, c_in, c_out)
        With respect to the weight.
    array, shape (c_out,)
        With respect to the bias.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the stride is another one.
    """
    _check(x, weight, stride)
    windows = _windows((stride * x.shape[1], stride * x.shape[2]), weight.shape[:2], stride)
    kh, kw, c_in, c_out = weight.shape
    check_shape("gradient", gradient, (x.shape[0], *windows.image, c_out))
    xp = namespace(gradient, x, weight)
    dtype = xp.result_type(gradient, x, weight)
    matrix = xp.reshape(xp.permute_dims(weight, (0, 1, 3, 2)), (-1, c_in))  # (kh kw c_out, c_in)
    to_x = _empty(x, x.shape, dtype) if input_gradient else None
    to_matrix = _zeros(x, matrix.shape, dtype)
    for block in _blocks(x, windows, c_out, c_in):
        columns = _gather(gradient[block, ...], windows)  # one copy for both products
        if to_x is not None:
            to_x[block, ...] = xp.reshape(xp.matmul(columns, matrix), (-1, *x.shape[1:]))
        to_matrix += xp.matmul(xp.matrix_transpose(columns), xp.reshape(x[block, ...], (-1, c_in)))
    to_weight = xp.permute_dims(xp.reshape(to_matrix, (kh, kw, c_out, c_in)), (0, 1, 3, 2))
    return to_x, to_weight, _sum_of_pixels(gradient)


# --- windows ---------------------------------------------------------------------------------------------------


class _Windows(NamedTuple):
    """Where the windows of a convolution lie in the image that they are cut from."""

    image: tuple[int, int]  # (h, w)
    padded: tuple[int, int]  # the same with the zeros around it
    number: tuple[int, int]  # how many windows there are below and beside each other
    inner: tuple[slice, slice]  # where the image lies in the padded one
    rows: list[slice]  # for each row i of the kernel, the rows of the padded image that it meets, one in each window
    columns: list[slice]  # likewise for each column j


def _windows(image: tuple[int, int], kernel: tuple[int, int], stride: int) -> _Windows:
    padded, number, inner, met = [], [], [], []
    for size, k in zip(image, kernel, strict=True):
        count = -(-size // stride)  # rounded up
        padding = max((count - 1) * stride + k - size, 0)
        before = padding // 2
        padded.append(size + padding)
        number.append(count)
        inner.append(slice(before, before + size))
        met.append([slice(i, i + (count - 1) * stride + 1, stride) for i in range(k)])
    return _Windows(tuple(image), tuple(padded), tuple(number), tuple(inner), *met)  # type: ignore[arg-type]


def _gather(x: Array, at: _Windows) -> Array:
    """Put the pixels of each window of x, shape (n, h, w, c), in one row: shape (number of windows, kh kw c)."""
    xp = namespace(x)
    n, _, _, c = x.shape
    padded = _zeros(x, (n, *at.padded, c), x.dtype)
    padded[:, *at.inner, :] = x
    columns = xp.concat([padded[:, i, j, :] for i in at.rows for j in at.columns], axis=3)
    return xp.reshape(columns, (n * math.prod(at.number), columns.shape[3]))


def _scatter(y: Array, weight: Array, at: _Windows) -> Array:
    """Give each window the kernel times its row of y, shape (number of windows, c_out), and add up at the pixels.

    The adjoint of `_gather` and a product with the weight, (kh, kw, c, c_out): returns the shape (n, h, w, c).
    First the rows of the kernel, then its columns: kh + kw additions in place of kh kw.
    """
    xp = namespace(y, weight)
    kh, kw, c, c_out = weight.shape
    n = y.shape[0] // math.prod(at.number)
    bands = _zeros(y, (n, at.padded[0], at.number[1], kw * c), xp.result_type(y, weight))
    matrices = xp.reshape(weight, (kh, kw * c, c_out))
    for i in range(kh):
        product = xp.matmul(y, xp.matrix_transpose(matrices[i, ...]))
        bands[:, at.rows[i], :, :] += xp.reshape(product, (n, *at.number, kw * c))
    bands = bands[:, at.inner[0], :, :]
    x = _zeros(y, (n, at.image[0], at.padded[1], c), bands.dtype)
    for j in range(kw):
        x[:, :, at.columns[j], :] += bands[:, :, :, j * c : (j + 1) * c]
    return x[:, :, at.inner[1], :]


def _blocks(x: Array, at: _Windows, gathered: int, others: int) -> Iterator[slice]:
    """Cut the images into blocks whose gathered windows fit the cache of a CPU, or feed a whole GPU."""
    numbers = 2**24 if namespace(x).__name__.startswith("cupy") else 2**17
    step = max(numbers // (math.prod(at.number) * max(len(at.rows) * len(at.columns) * gathered, others)), 1)
    for start in range(0, x.shape[0], step):
        yield slice(start, min(start + step, x.shape[0]))


def _sum_of_pixels(gradient: Array) -> Array:
    """Sum over images, then rows, then columns: one long running sum loses digits in float32, and is slower."""
    xp = namespace(gradient)
    return xp.sum(xp.sum(xp.sum(gradient, axis=0), axis=0), axis=0)


def _zeros(like: Array, shape: tuple[int, ...], dtype: object) -> Array:
    return namespace(like).zeros(shape, dtype=dtype, device=like.device)


def _empty(like: Array, shape: tuple[int, ...], dtype: object) -> Array:
    return namespace(like).empty(shape, dtype=dtype, device=like.device)


def _check(x: Array, weight: Array, stride: int) -> None:
    if not isinstance(stride, Integral) or stride not in (1, 2):
        raise ValueError(f"stride: expected 1 or 2, got {stride!r}")
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(f"x: expected images of shape (n, height, width, channels), got shape {tuple(x.shape)}")
    if weight.ndim != 4 or 0 in weight.shape:
        raise ValueError(f"weight: expected shape (kh, kw, c_in, c_out), got {tuple(weight.shape)}")
    if not any(namespace(array).isdtype(array.dtype, "real floating") for array in (x, weight)):
        raise ValueError(f"x: expected real floating-point numbers, as whole ones would wrap around, got {x.dtype} "
                         f"with a weight of {weight.dtype}")
    if x.shape[3] != weight.shape[2]:
        raise ValueError(f"x: expected {weight.shape[2]} channels, as the weight has inputs, got {x.shape[3]}")
