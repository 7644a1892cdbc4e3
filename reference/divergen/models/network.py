r"""Layers of a neural network, forward and backward side by side.

A layer is a pair of pure functions. ``f(x, ...)`` computes; ``f_backward(gradient, ...)`` takes the gradient of some
scalar with respect to what ``f`` returned and gives the gradients with respect to what ``f`` was given: the chain rule,
one factor at a time. There is no tape: a network's forward pass is a few calls, its backward pass is their partners in
the opposite order, and what these need again is passed on by hand.

All parameters of a network lie in **one flat vector**, of which a :class:`Layout` gives named views. A step of Adam is
then one elementwise formula, a file of parameters is one array, and a gradient is checked by differences along each
coordinate of that vector.

Rows are samples: x has shape (n, p), and a dense layer's weight W has shape (p, q). Every function here raises
:class:`ValueError` where shapes do not fit together, with what was expected and what came.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ..arrays import Array, check_rng, namespace

__all__ = [
    "Layout", "he_normal", "glorot_uniform", "dense", "dense_backward", "relu", "relu_backward", "perceptron",
    "perceptron_backward", "perceptron_shapes", "perceptron_initial", "sigmoid", "softplus",
    "bernoulli_log_likelihood", "bernoulli_log_likelihood_backward", "check_shape",
]

Layers = Sequence[tuple[Array, Array]]  # (weight, bias) of each dense layer, the first one first


# --- parameters ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """Where the parameters of a network lie in one flat vector: the shape of each piece by its name, in order.

    Examples
    --------
    >>> layout = Layout({"weight": (2, 3), "bias": (3,)})
    >>> pieces = layout.views(np.arange(9.0))
    >>> print(f"{layout.size} {pieces['weight'][1, 0]:.1f} {pieces['bias'][2]:.1f}")
    9 3.0 8.0
    """

    shapes: Mapping[str, tuple[int, ...]]

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Which entries of the flat vector belong to each piece."""
        ends = np.cumsum([0] + [math.prod(shape) for shape in self.shapes.values()]).tolist()
        return {name: slice(*ends[i : i + 2]) for i, name in enumerate(self.shapes)}

    @cached_property
    def size(self) -> int:
        """The length of the flat vector."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def views(self, flat: Array) -> dict[str, Array]:
        """Cut the flat vector, shape (size,), into its named pieces. Nothing is copied."""
        check_shape("flat", flat, (self.size,))
        xp = namespace(flat)
        return {name: xp.reshape(flat[self.slices[name]], shape) for name, shape in self.shapes.items()}

    def flatten(self, pieces: Mapping[str, Array]) -> Array:
        """Join named pieces, in any order, into one flat vector of shape (size,): the inverse of :meth:`views`."""
        if set(pieces) != set(self.shapes):
            raise ValueError(f"pieces: expected the names {', '.join(self.shapes)}, got {', '.join(pieces)}")
        for name, shape in self.shapes.items():
            check_shape(name, pieces[name], shape)
        xp = namespace(*pieces.values())
        return xp.concat([xp.reshape(pieces[name], (-1,)) for name in self.shapes])


def he_normal(p: int, q: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    r"""Draw a dense layer that a ReLU follows: normal, variance :math:`2 / p` for p inputs.

    The ReLU sets half of its inputs to zero, so this variance keeps the mean square of the signal from layer to layer.
    The bias is drawn as if it were the weight of one more input. Were it zero, the network would start as a
    homogeneous function, with all its kinks at the origin, which costs dearly where there are few inputs, as in a
    decoder of a two-dimensional latent space.

    Parameters
    ----------
    p, q : int
        The numbers of inputs and outputs.
    rng : numpy.random.Generator

    Returns
    -------
    weight : numpy.ndarray, shape (p, q), float64
    bias : numpy.ndarray, shape (q,), float64

    References
    ----------
    He, Zhang, Ren and Sun (2015), eq. (10), for the weight.

    Examples
    --------
    >>> weight, bias = he_normal(800, 500, np.random.default_rng(0))
    >>> print(f"{800 * weight.var():.2f} {bias.shape[0]}")
    2.01 500
    """
    rows = check_rng(rng).standard_normal((p + 1, q)) * math.sqrt(2 / p)
    return rows[:p], rows[p]


def glorot_uniform(p: int, q: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    r"""Draw a dense layer with no ReLU behind it: uniform, variance :math:`2 / (p + q)`; the bias is zero.

    A compromise between keeping the signal's mean square forwards (1/p) and the gradient's backwards (1/q).
    Parameters and what is returned are those of :func:`he_normal`.

    References
    ----------
    Glorot and Bengio (2010), eq. (16).

    Examples
    --------
    >>> weight, bias = glorot_uniform(800, 500, np.random.default_rng(0))
    >>> print(f"{1300 * weight.var():.2f}")
    2.00
    """
    bound = math.sqrt(6 / (p + q))
    return check_rng(rng).uniform(-bound, bound, (p, q)), np.zeros(q)


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

    Examples
    --------
    >>> y = dense(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5]))
    >>> print(f"{y[0, 0]:.1f}")
    11.5
    """
    check_shape("x", x, (x.shape[0], weight.shape[0]))
    check_shape("bias", bias, weight.shape[1:])
    y = namespace(x, weight, bias).matmul(x, weight)
    y += bias
    return y


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
    """
    check_shape("x", x, (x.shape[0], weight.shape[0]))
    check_shape("gradient", gradient, (x.shape[0], weight.shape[1]))
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
    """
    check_shape("gradient", gradient, x.shape)
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
    for i, (p, q) in enumerate(pairwise(sizes)):
        shapes |= {f"{name}.{i}.weight": (p, q), f"{name}.{i}.bias": (q,)}
    return shapes


def perceptron_initial(sizes: Sequence[int], name: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw what :func:`perceptron_shapes` names, by :func:`he_normal`, and the last layer by :func:`glorot_uniform`."""
    pieces: dict[str, np.ndarray] = {}
    for i, (p, q) in enumerate(pairwise(sizes)):
        draw = glorot_uniform if i == len(sizes) - 2 else he_normal
        pieces[f"{name}.{i}.weight"], pieces[f"{name}.{i}.bias"] = draw(p, q, rng)
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

    Examples
    --------
    >>> value = bernoulli_log_likelihood(np.array([[0.0, 1000.0]]), np.array([[1.0, 1.0]]))
    >>> print(f"{value[0]:.6f}")
    -0.693147
    """
    check_shape("x", x, logits.shape)
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
    """
    check_shape("gradient", gradient, (logits.shape[0],))
    return gradient[:, None] * (x - sigmoid(logits))


def check_shape(name: str, array: Array, shape: Sequence[int]) -> None:
    """Raise ValueError, with the name, what was expected and what came, if an array has another shape."""
    if tuple(array.shape) != tuple(shape):
        raise ValueError(f"{name}: expected shape {tuple(shape)}, got {tuple(array.shape)}")
