r"""Layers of a neural network, forward and backward side by side.

A layer is a pair of pure functions. ``f(x, ...)`` computes; ``f_backward(gradient, ...)`` takes the gradient of some
scalar with respect to what ``f`` returned and gives the gradients with respect to what ``f`` was given: the chain rule,
one factor at a time. There is no tape and there are no objects: a network's forward pass is a few calls, its backward
pass is the same calls in the opposite order, and what the backward pass needs again is passed on by hand.

All parameters of a network lie in **one flat vector**, of which a :class:`Layout` gives named views. A step of Adam is
then one elementwise formula, a file of parameters is one array, and a gradient is checked by differences along each
coordinate of that vector.

Rows are samples: x has shape (n, p), and a dense layer's weight W has shape (p, q).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Array, check_rng, namespace

__all__ = [
    "Layout", "he_normal", "glorot_uniform", "dense", "dense_backward", "relu", "relu_backward", "perceptron",
    "perceptron_backward", "perceptron_shapes", "perceptron_initial", "sigmoid", "softplus",
    "bernoulli_log_likelihood", "bernoulli_log_likelihood_backward",
]

Layers = Sequence[tuple[Array, Array]]  # (weight, bias) of each dense layer, the first one first


# --- parameters ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """Where the parameters of a network lie in one flat vector: a name and a shape for each piece, in order.

    Parameters
    ----------
    names : tuple of str
        One name for each piece, all different.
    shapes : tuple of tuple of int
        Their shapes.

    Raises
    ------
    ValueError
        If a name comes twice, or there is not one shape for each name.

    Examples
    --------
    >>> import numpy as np
    >>> layout = Layout(("weight", "bias"), ((2, 3), (3,)))
    >>> layout.size
    9
    >>> pieces = layout.views(np.arange(9.0))
    >>> print(f"{pieces['weight'][1, 0]:.1f} {pieces['bias'][2]:.1f}")
    3.0 8.0
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.shapes):
            raise ValueError(f"shapes: expected one for each of the {len(self.names)} names, got {len(self.shapes)}")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"names: expected each name once, got {self.names}")

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """The offset one past each piece's last entry."""
        return tuple(int(end) for end in np.cumsum([math.prod(shape) for shape in self.shapes]))

    @property
    def size(self) -> int:
        """The length of the flat vector."""
        return self.ends[-1] if self.ends else 0

    def views(self, flat: Array) -> dict[str, Array]:
        """Cut the flat vector, shape (size,), into its named pieces. Nothing is copied.

        Raises
        ------
        ValueError
            If the vector has another length.
        """
        if tuple(flat.shape) != (self.size,):
            raise ValueError(f"flat: expected a vector of length {self.size}, got shape {tuple(flat.shape)}")
        xp = namespace(flat)
        starts = (0, *self.ends[:-1])
        return {
            name: xp.reshape(flat[start:end], shape)
            for name, shape, start, end in zip(self.names, self.shapes, starts, self.ends, strict=True)
        }

    def flatten(self, pieces: Mapping[str, Array]) -> Array:
        """Join named pieces into one flat vector of shape (size,): the inverse of :meth:`views`.

        Raises
        ------
        ValueError
            If the names or the shapes are not those of this layout.
        """
        if set(pieces) != set(self.names):
            raise ValueError(f"pieces: expected the names {sorted(self.names)}, got {sorted(pieces)}")
        for name, shape in zip(self.names, self.shapes, strict=True):
            if tuple(pieces[name].shape) != tuple(shape):
                raise ValueError(f"pieces[{name!r}]: expected shape {tuple(shape)}, got {tuple(pieces[name].shape)}")
        xp = namespace(*pieces.values())
        return xp.concat([xp.reshape(pieces[name], (-1,)) for name in self.names])


def he_normal(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    r"""Draw a weight for a layer that a ReLU follows: normal, variance :math:`2 / p` for p inputs.

    The ReLU sets half of its inputs to zero, so this variance keeps the mean square of the signal from layer to layer.

    Parameters
    ----------
    shape : (int, int)
        (p, q): the numbers of inputs and of outputs.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray, shape (p, q), float64

    References
    ----------
    He, Zhang, Ren and Sun (2015), eq. (10).

    Examples
    --------
    >>> weight = he_normal((800, 500), np.random.default_rng(0))
    >>> print(f"{800 * weight.var():.2f}")
    2.00
    """
    return check_rng(rng).standard_normal(shape) * math.sqrt(2 / shape[0])


def glorot_uniform(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    r"""Draw a weight for a layer with no ReLU behind it: uniform, variance :math:`2 / (p + q)`.

    A compromise between keeping the signal's mean square forwards (1/p) and the gradient's backwards (1/q).

    Parameters
    ----------
    shape : (int, int)
        (p, q): the numbers of inputs and of outputs.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray, shape (p, q), float64

    References
    ----------
    Glorot and Bengio (2010), eq. (16).

    Examples
    --------
    >>> weight = glorot_uniform((800, 500), np.random.default_rng(0))
    >>> print(f"{1300 * weight.var():.2f}")
    2.00
    """
    bound = math.sqrt(6 / (shape[0] + shape[1]))
    return check_rng(rng).uniform(-bound, bound, shape)


# --- layers ----------------------------------------------------------------------------------------------------


def dense(x: Array, weight: Array, bias: Array) -> Array:
    r"""Apply a dense layer, :math:`y = x W + b`.

    Parameters
    ----------
    x : array, shape (n, p)
    weight : array, shape (p, q)
    bias : array, shape (q,)

    Returns
    -------
    array, shape (n, q)

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    Examples
    --------
    >>> y = dense(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5]))
    >>> print(f"{y[0, 0]:.1f}")
    11.5
    """
    _check_dense(x, weight)
    if tuple(bias.shape) != (weight.shape[1],):
        raise ValueError(f"bias: expected shape ({weight.shape[1]},), as weight has {weight.shape[1]} columns, "
                         f"got {tuple(bias.shape)}")
    return namespace(x, weight, bias).matmul(x, weight) + bias


def dense_backward(
    gradient: Array, x: Array, weight: Array, *, input_gradient: bool = True
) -> tuple[Array | None, Array, Array]:
    r"""Go back through :func:`dense`.

    .. math::

        \frac{\partial}{\partial x} = G W^T, \qquad
        \frac{\partial}{\partial W} = x^T G, \qquad
        \frac{\partial}{\partial b} = \sum_i G_i.

    Parameters
    ----------
    gradient : array, shape (n, q)
        G, with respect to what the layer returned.
    x : array, shape (n, p)
    weight : array, shape (p, q)
        What the layer was given.
    input_gradient : bool
        False for the first layer of a network: nobody needs the gradient with respect to the data, and it would cost
        as much as the forward pass.

    Returns
    -------
    array of shape (n, p), or None
        The gradient with respect to x; None without `input_gradient`.
    array, shape (p, q)
        With respect to the weight.
    array, shape (q,)
        With respect to the bias.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    _check_dense(x, weight)
    _check_shape(gradient, (x.shape[0], weight.shape[1]))
    xp = namespace(gradient, x, weight)
    to_x = xp.matmul(gradient, xp.matrix_transpose(weight)) if input_gradient else None
    return to_x, xp.matmul(xp.matrix_transpose(x), gradient), xp.sum(gradient, axis=0)


def relu(x: Array) -> Array:
    r"""Return :math:`\max(x, 0)`, element by element.

    Examples
    --------
    >>> y = relu(np.array([-1.0, 2.0]))
    >>> print(f"{y[0]:.1f} {y[1]:.1f}")
    0.0 2.0
    """
    return namespace(x).maximum(x, 0.0)


def relu_backward(gradient: Array, x: Array) -> Array:
    r"""Go back through :func:`relu`: the gradient passes where x > 0.

    At x = 0 the derivative is taken as 0, a valid subgradient. `x` may be what the ReLU was given or what it returned:
    both are positive at the same places.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    _check_shape(gradient, x.shape)
    xp = namespace(gradient, x)
    return gradient * xp.astype(x > 0, gradient.dtype)  # several times faster than xp.where on a random mask


def perceptron(layers: Layers, x: Array) -> tuple[Array, list[Array]]:
    """Apply dense layers with a ReLU between each two of them; the last one is linear.

    Parameters
    ----------
    layers : sequence of (weight, bias)
        The first layer first.
    x : array, shape (n, p)

    Returns
    -------
    output : array, shape (n, q)
    inputs : list of array
        What each dense layer was given: all that :func:`perceptron_backward` needs.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or there is no layer.

    Examples
    --------
    The absolute value, as a network of two hidden units:

    >>> layers = [(np.array([[1.0, -1.0]]), np.zeros(2)), (np.array([[1.0], [1.0]]), np.zeros(1))]
    >>> y, _ = perceptron(layers, np.array([[-3.0], [2.0]]))
    >>> print(f"{y[0, 0]:.1f} {y[1, 0]:.1f}")
    3.0 2.0
    """
    if not layers:
        raise ValueError("layers: expected at least one (weight, bias), got none")
    inputs = [x]
    for weight, bias in layers[:-1]:
        inputs.append(relu(dense(inputs[-1], weight, bias)))
    return dense(inputs[-1], *layers[-1]), inputs


def perceptron_backward(
    gradient: Array, inputs: Sequence[Array], layers: Layers, *, input_gradient: bool = True
) -> tuple[Array | None, list[tuple[Array, Array]]]:
    """Go back through :func:`perceptron`.

    Parameters
    ----------
    gradient : array, shape (n, q)
        With respect to the output.
    inputs : list of array
        From the forward pass.
    layers : sequence of (weight, bias)
    input_gradient : bool
        Whether the gradient with respect to x is wanted.

    Returns
    -------
    array of shape (n, p), or None
        With respect to x.
    list of (array, array)
        With respect to the weight and the bias of each layer, the first layer first.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    gradients: list[tuple[Array, Array]] = []
    for i in reversed(range(len(layers))):
        to_input, to_weight, to_bias = dense_backward(gradient, inputs[i], layers[i][0],
                                                      input_gradient=input_gradient or i > 0)
        gradients.append((to_weight, to_bias))
        if i > 0:
            gradient = relu_backward(to_input, inputs[i])
    return to_input, gradients[::-1]


def perceptron_shapes(sizes: Sequence[int], name: str) -> dict[str, tuple[int, ...]]:
    """Name the parameters of a perceptron whose layers have these sizes, for a :class:`Layout`.

    Examples
    --------
    >>> perceptron_shapes((3, 4, 2), "critic")
    {'critic.0.weight': (3, 4), 'critic.0.bias': (4,), 'critic.1.weight': (4, 2), 'critic.1.bias': (2,)}
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (p, q) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        shapes |= {f"{name}.{i}.weight": (p, q), f"{name}.{i}.bias": (q,)}
    return shapes


def perceptron_initial(sizes: Sequence[int], name: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw the parameters of a perceptron: He before each ReLU, Glorot in the last layer, biases zero.

    Parameters
    ----------
    sizes : sequence of int
        The numbers of units: input, hidden layers, output.
    name : str
        As for :func:`perceptron_shapes`.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        A float64 array for each name.
    """
    last = len(sizes) - 2
    pieces: dict[str, np.ndarray] = {}
    for i, (p, q) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        draw = glorot_uniform if i == last else he_normal
        pieces |= {f"{name}.{i}.weight": draw((p, q), rng), f"{name}.{i}.bias": np.zeros(q)}
    return pieces


# --- losses ----------------------------------------------------------------------------------------------------


def sigmoid(x: Array) -> Array:
    r"""Return :math:`\sigma(x) = 1 / (1 + e^{-x})`, accurate in both tails.

    Computed as :math:`e^{\min(x, 0)} / (1 + e^{-|x|})`: no exponential ever has a positive argument, so none overflows.

    Examples
    --------
    >>> y = sigmoid(np.array([-1000.0, 0.0, 2.0]))
    >>> print(f"{y[0]:.4f} {y[1]:.4f} {y[2]:.4f}")
    0.0000 0.5000 0.8808
    """
    xp = namespace(x)
    return xp.exp(xp.minimum(x, 0.0)) / (1 + xp.exp(-xp.abs(x)))


def softplus(x: Array) -> Array:
    r"""Return :math:`\log(1 + e^x) = \max(x, 0) + \log(1 + e^{-|x|})`, with no overflow. Its derivative is
    :func:`sigmoid`.

    Examples
    --------
    >>> y = softplus(np.array([-1000.0, 0.0, 1000.0]))
    >>> print(f"{y[0]:.4f} {y[1]:.4f} {y[2]:.4f}")
    0.0000 0.6931 1000.0000
    """
    xp = namespace(x)
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


def bernoulli_log_likelihood(logits: Array, x: Array) -> Array:
    r"""Return the log-likelihood of each row of x under independent Bernoulli pixels, given on the logit scale.

    .. math::

        \log p(x \mid \ell) = \sum_j x_j \ell_j - \log(1 + e^{\ell_j})
        = \sum_j \ell_j (x_j - [\ell_j > 0]) - \log(1 + e^{-|\ell_j|}).

    The last form is the one computed: none of its terms is positive, so nothing cancels, and a confident pixel keeps
    its small loss to full precision. Grey values x in [0, 1] are allowed, as usual for digits.

    Parameters
    ----------
    logits : array, shape (n, p)
        :math:`\ell`; the probability of a white pixel is sigmoid(logit).
    x : array, shape (n, p)
        Values in [0, 1] (not checked here).

    Returns
    -------
    array, shape (n,)
        In nats.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> value = bernoulli_log_likelihood(np.array([[0.0, 1000.0]]), np.array([[1.0, 1.0]]))
    >>> print(f"{value[0]:.6f}")
    -0.693147
    """
    if tuple(logits.shape) != tuple(x.shape):
        raise ValueError(f"x: expected the shape of logits, {tuple(logits.shape)}, got {tuple(x.shape)}")
    xp = namespace(logits, x)
    white = xp.astype(logits > 0, logits.dtype)
    return xp.sum(logits * (x - white) - softplus(-xp.abs(logits)), axis=1)


def bernoulli_log_likelihood_backward(gradient: Array, logits: Array, x: Array) -> Array:
    r"""Go back through :func:`bernoulli_log_likelihood` to the logits: row i is :math:`G_i (x_i - \sigma(\ell_i))`.

    Parameters
    ----------
    gradient : array, shape (n,)
        G, with respect to each row's log-likelihood.
    logits, x : array, shape (n, p)

    Returns
    -------
    array, shape (n, p)

    Raises
    ------
    ValueError
        If there is not one gradient for each row.
    """
    _check_shape(gradient, (logits.shape[0],))
    return gradient[:, None] * (x - sigmoid(logits))


def _check_dense(x: Any, weight: Any) -> None:
    if x.ndim != 2 or weight.ndim != 2 or x.shape[1] != weight.shape[0]:
        raise ValueError(f"x: expected shape (n, p) for a weight of shape (p, q), got {tuple(x.shape)} and a weight of "
                         f"shape {tuple(weight.shape)}")


def _check_shape(gradient: Any, shape: Sequence[int]) -> None:
    if tuple(gradient.shape) != tuple(shape):
        raise ValueError(f"gradient: expected the shape of what the forward pass returned, {tuple(shape)}, "
                         f"got {tuple(gradient.shape)}")
