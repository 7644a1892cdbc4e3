r"""The convolutional encoder and decoder of the sources, as two tables of layers.

The encoder turns an image into the 2 L numbers of a Gaussian in the latent space, the decoder turns a latent point into
the logits of the pixels. Turinici2022image, section 3.1, gives them layer by layer; every kernel is 3 x 3, and here is
what it leaves open or misprints:

- padding: the source leaves the encoder's open (its decoder's is "same"); here it is "same" everywhere, so that two
  halvings take 28 pixels to 7, which is where the decoder starts;
- the last layer is linear and gives logits: with the ReLU that is printed there, no pixel could be more likely black
  than white (errata, 7);
- the initial weights: see :meth:`Convolutional.initial`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, check_count, check_rng, namespace
from .convolution import conv2d, conv2d_backward, conv2d_transpose, conv2d_transpose_backward
from .network import Layout, check_shape, dense, dense_backward, glorot_uniform, he_normal, relu, relu_backward

__all__ = ["Convolutional"]

Pieces = Mapping[str, Array]


class Layer(NamedTuple):
    """One row of the table: what the layer does, and the shapes of one sample before and after it."""

    kind: str  # a key of FORWARD and BACKWARD
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    stride: int = 1

    @property
    def weight_shape(self) -> tuple[int, ...]:
        kernel = () if self.kind == "dense" else (3, 3)
        return (*kernel, self.inputs[-1], self.outputs[-1])


FORWARD = {"dense": dense, "convolution": conv2d, "transposed": conv2d_transpose}
BACKWARD = {"dense": dense_backward, "convolution": conv2d_backward, "transposed": conv2d_transpose_backward}


@dataclass(frozen=True)
class Convolutional:
    r"""The convolutional encoder and decoder of Turinici2022image, section 3.1: their sizes, and how they compute.

    With the default sizes, and a ReLU behind each layer but the last of each half:

    - encoder: 28 x 28 x 1; convolutions to 32 channels at stride 2, 32 and 32 at stride 1, 64 at stride 2; dense to
      2 L, the mean and the log-variance side by side;
    - decoder: L; dense to 7 x 7 x 32; transposed convolutions to 64 channels at stride 2, 32 and 32 at stride 1, 32 at
      stride 2, and one channel at stride 1: the logits.

    The parameters are not kept here: each method is given them as named pieces, the views that `layout` cuts from one
    flat vector. Images are rows of pixels.

    Parameters
    ----------
    latent_dim : int
        :math:`L`.
    image_shape : (int, int)
        Height and width, multiples of 4.
    filters : (int, int)
        The numbers of channels: of most layers, and of the one next to the coarsest images in each half.

    Raises
    ------
    ValueError
        If a number is not a positive whole one, or a side of the image no multiple of 4.

    Examples
    --------
    >>> network = Convolutional(latent_dim=2)
    >>> print(f"{network.layout.size:,} parameters")
    110,309 parameters
    >>> pieces = network.initial(np.random.default_rng(0))
    >>> logits, _ = network.decode(pieces, np.zeros((5, 2)))
    >>> print(logits.shape)
    (5, 784)
    """

    latent_dim: int = 2
    image_shape: tuple[int, int] = (28, 28)
    filters: tuple[int, int] = (32, 64)

    def __post_init__(self) -> None:
        object.__setattr__(self, "latent_dim", check_count(self.latent_dim, "latent_dim"))
        for name in ("image_shape", "filters"):
            object.__setattr__(self, name, _check_pair(getattr(self, name), name))
        if any(side % 4 for side in self.image_shape):
            raise ValueError(f"image_shape: expected multiples of 4, as the network halves the image twice, "
                             f"got {self.image_shape}")

    @property
    def pixels(self) -> int:
        """The number of pixels of an image."""
        return math.prod(self.image_shape)

    @cached_property
    def layers(self) -> dict[str, tuple[Layer, ...]]:
        """The layers of "encoder" and "decoder", in the order in which the forward pass goes through them."""
        few, many = self.filters
        whole, half, quarter = ((self.image_shape[0] // k, self.image_shape[1] // k) for k in (1, 2, 4))
        encoder = (
            Layer("convolution", (*whole, 1), (*half, few), stride=2),
            Layer("convolution", (*half, few), (*half, few)),
            Layer("convolution", (*half, few), (*half, few)),
            Layer("convolution", (*half, few), (*quarter, many), stride=2),
            Layer("dense", (math.prod(quarter) * many,), (2 * self.latent_dim,)),
        )
        decoder = (
            Layer("dense", (self.latent_dim,), (math.prod(quarter) * few,)),
            Layer("transposed", (*quarter, few), (*half, many), stride=2),
            Layer("transposed", (*half, many), (*half, few)),
            Layer("transposed", (*half, few), (*half, few)),
            Layer("transposed", (*half, few), (*whole, few), stride=2),
            Layer("transposed", (*whole, few), (*whole, 1)),
        )
        return {"encoder": encoder, "decoder": decoder}

    @cached_property
    def layout(self) -> Layout:
        """Where each weight and bias lies in the flat vector of parameters: the encoder's first."""
        shapes: dict[str, tuple[int, ...]] = {}
        for half, layers in self.layers.items():
            for i, layer in enumerate(layers):
                shapes |= {f"{half}.{i}.weight": layer.weight_shape, f"{half}.{i}.bias": layer.weight_shape[-1:]}
        return Layout(shapes)

    def initial(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        r"""Draw initial parameters, layer by layer.

        A convolution is a dense layer on a window of :math:`3 \cdot 3 \cdot c_\mathrm{in}` numbers, and is drawn as
        one: by :func:`.network.he_normal` where a ReLU follows, by :func:`.network.glorot_uniform` at the end of each
        half. In a transposed convolution a pixel is painted by :math:`3 \cdot 3 / s^2` others on average, not by
        :math:`3 \cdot 3`, since at stride s only every s-th row and column of the output has a pixel that sits there;
        so its numbers are multiplied by s.

        Parameters
        ----------
        rng : numpy.random.Generator

        Returns
        -------
        dict of numpy.ndarray, float64
            The pieces that `layout` names.

        Raises
        ------
        ValueError
            If `rng` is no generator.
        """
        check_rng(rng)
        pieces: dict[str, np.ndarray] = {}
        for half, layers in self.layers.items():
            for i, layer in enumerate(layers):
                draw = he_normal if i < len(layers) - 1 else glorot_uniform
                shape = layer.weight_shape
                weight, bias = draw(math.prod(shape[:-1]), shape[-1], rng)
                scale = layer.stride if layer.kind == "transposed" else 1
                pieces[f"{half}.{i}.weight"] = scale * weight.reshape(shape)
                pieces[f"{half}.{i}.bias"] = scale * bias
        return pieces

    def encode(self, pieces: Pieces, x: Array) -> tuple[Array, list[Array]]:
        """Return mean and log-variance side by side, and what :meth:`encode_backward` needs.

        Parameters
        ----------
        pieces : mapping of str to array
            Those that `layout` names, or at least the encoder's.
        x : array, shape (n, pixels)

        Returns
        -------
        encoded : array, shape (n, 2 L)
        saved : list of array
            What each layer was given.

        Raises
        ------
        ValueError
            If the shapes do not fit together.
        """
        check_shape("x", x, (*x.shape[:1], self.pixels))
        return _forward(self.layers["encoder"], "encoder", pieces, x)

    def encode_backward(self, pieces: Pieces, gradient: Array, saved: Sequence[Array]) -> dict[str, Array]:
        """Go back through :meth:`encode`.

        Parameters
        ----------
        pieces : mapping of str to array
        gradient : array, shape (n, 2 L)
            With respect to what :meth:`encode` returned first.
        saved : list of array
            What it returned second.

        Returns
        -------
        dict of array
            The gradient with respect to each of the encoder's pieces.

        Raises
        ------
        ValueError
            If the shapes do not fit together.
        """
        check_shape("gradient", gradient, (saved[0].shape[0], 2 * self.latent_dim))
        return _backward(self.layers["encoder"], "encoder", pieces, gradient, saved, input_gradient=False)[1]

    def decode(self, pieces: Pieces, z: Array) -> tuple[Array, list[Array]]:
        """Return the logits of the pixels, and what :meth:`decode_backward` needs.

        Parameters
        ----------
        pieces : mapping of str to array
            Those that `layout` names, or at least the decoder's.
        z : array, shape (n, L)

        Returns
        -------
        logits : array, shape (n, pixels)
        saved : list of array
            What each layer was given.

        Raises
        ------
        ValueError
            If the shapes do not fit together.
        """
        check_shape("z", z, (*z.shape[:1], self.latent_dim))
        return _forward(self.layers["decoder"], "decoder", pieces, z)

    def decode_backward(
        self, pieces: Pieces, gradient: Array, saved: Sequence[Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Go back through :meth:`decode`.

        Parameters
        ----------
        pieces : mapping of str to array
        gradient : array, shape (n, pixels)
            With respect to the logits.
        saved : list of array
            What :meth:`decode` returned second.

        Returns
        -------
        array, shape (n, L)
            The gradient with respect to z.
        dict of array
            With respect to each of the decoder's pieces.

        Raises
        ------
        ValueError
            If the shapes do not fit together.
        """
        check_shape("gradient", gradient, (saved[0].shape[0], self.pixels))
        return _backward(self.layers["decoder"], "decoder", pieces, gradient, saved, input_gradient=True)

    def settings(self) -> dict[str, Any]:
        """Return what makes this network, in a form that JSON can hold: ``Convolutional(**settings)`` without "kind".

        Examples
        --------
        >>> Convolutional().settings()
        {'kind': 'convolutional', 'latent_dim': 2, 'image_shape': [28, 28], 'filters': [32, 64]}
        """
        return {"kind": "convolutional", "latent_dim": self.latent_dim,
                "image_shape": list(self.image_shape), "filters": list(self.filters)}


def _forward(layers: Sequence[Layer], half: str, pieces: Pieces, x: Array) -> tuple[Array, list[Array]]:
    """Go through the layers, with a ReLU between each two of them; return rows, and what each layer was given."""
    xp = namespace(x)
    inputs: list[Array] = []
    for i, layer in enumerate(layers):
        inputs.append(xp.reshape(relu(x) if i > 0 else x, (x.shape[0], *layer.inputs)))
        x = FORWARD[layer.kind](inputs[i], pieces[f"{half}.{i}.weight"], pieces[f"{half}.{i}.bias"], **_options(layer))
    return xp.reshape(x, (x.shape[0], math.prod(layers[-1].outputs))), inputs


def _backward(
    layers: Sequence[Layer], half: str, pieces: Pieces, gradient: Array, inputs: Sequence[Array], input_gradient: bool
) -> tuple[Array, dict[str, Array]]:
    xp = namespace(gradient)
    gradients: dict[str, Array] = {}
    for i, layer in reversed(list(enumerate(layers))):
        gradient = xp.reshape(gradient, (gradient.shape[0], *layer.outputs))
        to_input, gradients[f"{half}.{i}.weight"], gradients[f"{half}.{i}.bias"] = BACKWARD[layer.kind](
            gradient, inputs[i], pieces[f"{half}.{i}.weight"], input_gradient=input_gradient or i > 0, **_options(layer)
        )
        if i > 0:
            gradient = relu_backward(to_input, inputs[i])
    return to_input, gradients


def _options(layer: Layer) -> dict[str, int]:
    return {} if layer.kind == "dense" else {"stride": layer.stride}


def _check_pair(values: Any, name: str) -> tuple[int, int]:
    try:
        first, second = values
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected two whole numbers, got {values!r}") from None
    return check_count(first, name), check_count(second, name)
