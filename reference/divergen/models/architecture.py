r"""What an autoencoder is made of: an encoder and a decoder, forward and backward, without their parameters.

An :class:`Architecture` says which pieces of parameters there are and how an image goes through them. The parameters
come in with each call, as the named views of one flat vector, so the same architecture serves any parameters, dtype
and array library. :class:`Dense` is the simplest: two perceptrons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..arrays import Array, check_count, check_rng
from .network import Layers, Layout, perceptron, perceptron_backward, perceptron_initial, perceptron_shapes

__all__ = ["Architecture", "Dense", "Pieces", "as_architecture"]

Pieces = Mapping[str, Array]  # parameters by name, as Layout.views gives them


@runtime_checkable
class Architecture(Protocol):
    """An encoder and a decoder without their parameters; what :class:`.vae.VAE` asks of them.

    Implementations are frozen dataclasses: immutable, hashable, equal where they say the same. What `encode` and
    `decode` return second is whatever their backward passes need again. `pieces` are all the parameters, those of both
    halves, and each backward pass returns the gradients of its own half.
    """

    @property
    def pixels(self) -> int:
        """The number of pixels of an image."""

    @property
    def latent_dim(self) -> int:
        """L, the dimension of the latent space."""

    @property
    def layout(self) -> Layout:
        """The parameters' names and shapes: the encoder's first, then the decoder's."""

    def initial(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw parameters to start a training from, in float64."""

    def encode(self, pieces: Pieces, x: Array) -> tuple[Array, Any]:
        """Images, shape (n, pixels), to means and log-variances side by side, shape (n, 2 L), and what to save."""

    def encode_backward(self, pieces: Pieces, gradient: Array, saved: Any) -> dict[str, Array]:
        """Go back through :meth:`encode`, from the gradient of shape (n, 2 L) to those of the encoder's pieces."""

    def decode(self, pieces: Pieces, z: Array) -> tuple[Array, Any]:
        """Latent points, shape (n, L), to the logits of the pixels, shape (n, pixels), and what to save."""

    def decode_backward(self, pieces: Pieces, gradient: Array, saved: Any) -> tuple[Array, dict[str, Array]]:
        """Go back through :meth:`decode`: the gradients with respect to z, shape (n, L), and the decoder's pieces."""

    def settings(self) -> dict[str, Any]:
        """What a file has to say to rebuild it, as JSON: its `kind`, and the arguments it was made with."""


@dataclass(frozen=True)
class Dense:
    """Two perceptrons, the second one the mirror of the first where the sizes are.

    Parameters
    ----------
    sizes : sequence of int
        The numbers of units from the image through the latent space back to the image, such as (784, 400, 2, 400, 784):
        an odd number of them, with L in the middle and the number of pixels at both ends. Behind each hidden layer
        stands a ReLU.

    Raises
    ------
    ValueError
        If the sizes are not such a sequence.

    Examples
    --------
    >>> dense = Dense((784, 400, 2, 400, 784))
    >>> print(f"L = {dense.latent_dim}, {dense.layout.size:,} parameters")
    L = 2, 631,188 parameters
    """

    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        sizes = tuple(check_count(size, "sizes") for size in self.sizes)
        if len(sizes) < 3 or len(sizes) % 2 == 0 or sizes[0] != sizes[-1]:
            raise ValueError("sizes: expected an odd number of layer sizes, the latent dimension in the middle and the "
                             f"number of pixels at both ends, such as (784, 400, 2, 400, 784), got {sizes}")
        object.__setattr__(self, "sizes", sizes)

    @property
    def pixels(self) -> int:
        return self.sizes[0]

    @property
    def latent_dim(self) -> int:
        return self.sizes[len(self.sizes) // 2]

    @cached_property
    def layout(self) -> Layout:
        encoder, decoder = self._halves
        return Layout(perceptron_shapes(encoder, "encoder") | perceptron_shapes(decoder, "decoder"))

    def initial(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw both perceptrons by :func:`.network.perceptron_initial`."""
        encoder, decoder = self._halves
        check_rng(rng)
        return perceptron_initial(encoder, "encoder", rng) | perceptron_initial(decoder, "decoder", rng)

    def encode(self, pieces: Pieces, x: Array) -> tuple[Array, list[Array]]:
        return perceptron(self._layers(pieces, "encoder"), x)

    def encode_backward(self, pieces: Pieces, gradient: Array, saved: list[Array]) -> dict[str, Array]:
        layers = self._layers(pieces, "encoder")
        return _by_name("encoder", perceptron_backward(gradient, saved, layers, input_gradient=False)[1])

    def decode(self, pieces: Pieces, z: Array) -> tuple[Array, list[Array]]:
        return perceptron(self._layers(pieces, "decoder"), z)

    def decode_backward(self, pieces: Pieces, gradient: Array, saved: list[Array]) -> tuple[Array, dict[str, Array]]:
        to_z, gradients = perceptron_backward(gradient, saved, self._layers(pieces, "decoder"))
        return to_z, _by_name("decoder", gradients)

    def settings(self) -> dict[str, Any]:
        return {"kind": "dense", "sizes": list(self.sizes)}

    @property
    def _halves(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The sizes of encoder and decoder; the encoder's last layer holds means and log-variances side by side."""
        middle = len(self.sizes) // 2
        return (*self.sizes[:middle], 2 * self.sizes[middle]), self.sizes[middle:]

    def _layers(self, pieces: Pieces, half: str) -> Layers:
        """The layers of the encoder or of the decoder, which are equally many."""
        return [(pieces[f"{half}.{i}.weight"], pieces[f"{half}.{i}.bias"]) for i in range(len(self.sizes) // 2)]


def _by_name(half: str, layers: Layers) -> dict[str, Array]:
    """Name the gradients of a perceptron's layers as :func:`.network.perceptron_shapes` names the layers."""
    named: dict[str, Array] = {}
    for i, (weight, bias) in enumerate(layers):
        named |= {f"{half}.{i}.weight": weight, f"{half}.{i}.bias": bias}
    return named


def as_architecture(architecture: Architecture | Sequence[int]) -> Architecture:
    """Return an architecture as it is, and a sequence of sizes as :class:`Dense`.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> as_architecture((4, 8, 1, 8, 4))
    Dense(sizes=(4, 8, 1, 8, 4))
    """
    if isinstance(architecture, Architecture) and not isinstance(architecture, type):
        return architecture
    try:
        sizes = tuple(architecture)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError("architecture: expected an architecture, such as Dense((784, 400, 2, 400, 784)), or the sizes "
                         f"of dense layers, got {architecture!r}") from None
    return Dense(sizes)
