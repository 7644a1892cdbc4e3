r"""The variational autoencoder: an encoder, a decoder, and a bound on the likelihood that trains both.

The decoder turns a latent point :math:`z \in \mathbb{R}^L` into the logits :math:`\ell(z)` of independent Bernoulli
pixels; with :math:`z \sim N(0, I_L)` it is a generator of images. The encoder turns an image x into a Gaussian
:math:`q(z \mid x) = N(\mu(x), \mathrm{diag}\, e^{\lambda(x)})`, a guess at the latent points that x may have come from.
Both are trained together to maximise the evidence lower bound

.. math::

    \mathrm{ELBO}(x) = \mathbb{E}_{z \sim q(\cdot \mid x)} \log p(x \mid z)
    - \mathrm{KL}\bigl(q(\cdot \mid x) \,\|\, N(0, I_L)\bigr) \le \log p(x).

The expectation is estimated by one draw, :math:`z = \mu + e^{\lambda / 2} \odot \varepsilon` with
:math:`\varepsilon \sim N(0, I_L)`: the noise comes in as an argument, so that the bound is a differentiable function of
the parameters, and its gradient is written out below.

Source: Turinici2022image, section 3.1 (with dense layers in place of the convolutions, and a linear last layer, as
a Bernoulli likelihood needs); Kingma and Welling (2014), eq. (10) and appendix B.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from ..arrays import Array, as_points, as_vector, check_count, check_rng, namespace, to_numpy
from ..files import replacing
from .network import (
    Layers,
    Layout,
    bernoulli_log_likelihood,
    bernoulli_log_likelihood_backward,
    perceptron,
    perceptron_backward,
    perceptron_initial,
    perceptron_shapes,
    sigmoid,
)

__all__ = [
    "ELBO", "VAE", "elbo_and_gradient", "gaussian_kl", "gaussian_kl_backward",
    "reparametrise", "reparametrise_backward",
]

FORMAT = "divergen.VAE 1"  # the first entry of a saved file: whose it is, and which version


class ELBO(NamedTuple):
    """The evidence lower bound and its two terms, value = log_likelihood - kl: means over the images, in nats."""

    value: float
    log_likelihood: float
    kl: float


# --- the latent layer ------------------------------------------------------------------------------------------


def reparametrise(mean: Array, log_variance: Array, noise: Array) -> Array:
    r"""Turn standard normal noise into draws of :math:`N(\mu, e^\lambda)`: :math:`z = \mu + e^{\lambda/2} \varepsilon`.

    Parameters
    ----------
    mean, log_variance, noise : array, shape (n, L)

    Returns
    -------
    array, shape (n, L)

    Examples
    --------
    >>> z = reparametrise(np.array([[1.0]]), np.array([[np.log(4.0)]]), np.array([[0.5]]))
    >>> print(f"{z[0, 0]:.1f}")
    2.0
    """
    return mean + namespace(mean, log_variance, noise).exp(log_variance / 2) * noise


def reparametrise_backward(gradient: Array, log_variance: Array, noise: Array) -> tuple[Array, Array]:
    r"""Go back through :func:`reparametrise`: G to the mean, :math:`G \varepsilon e^{\lambda/2} / 2` to the
    log-variance."""
    return gradient, gradient * noise * namespace(gradient, log_variance, noise).exp(log_variance / 2) / 2


def gaussian_kl(mean: Array, log_variance: Array) -> Array:
    r"""Return the Kullback-Leibler divergence of :math:`N(\mu, \mathrm{diag}\,e^\lambda)` from :math:`N(0, I_L)`.

    .. math:: \mathrm{KL} = \tfrac12 \sum_{l=1}^L \mu_l^2 + e^{\lambda_l} - 1 - \lambda_l.

    Parameters
    ----------
    mean, log_variance : array, shape (n, L)

    Returns
    -------
    array, shape (n,)
        In nats, one for each row.

    References
    ----------
    Kingma and Welling (2014), appendix B.

    Examples
    --------
    >>> kl = gaussian_kl(np.array([[1.0, 0.0]]), np.array([[0.0, np.log(2.0)]]))
    >>> print(f"{kl[0]:.6f}")
    0.653426
    """
    xp = namespace(mean, log_variance)
    return xp.sum(mean * mean + (xp.expm1(log_variance) - log_variance), axis=1) / 2


def gaussian_kl_backward(gradient: Array, mean: Array, log_variance: Array) -> tuple[Array, Array]:
    r"""Go back through :func:`gaussian_kl`: :math:`G_i \mu_i` to the mean, :math:`G_i (e^{\lambda_i} - 1) / 2` to the
    log-variance, for G of shape (n,)."""
    g = gradient[:, None]
    return g * mean, g * namespace(gradient, mean, log_variance).expm1(log_variance) / 2


# --- the model -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class VAE:
    """A variational autoencoder with dense layers: the sizes of its layers, and all its parameters in one vector.

    Parameters
    ----------
    sizes : tuple of int
        The numbers of units from the image through the latent space back to the image, such as (784, 400, 2, 400, 784):
        an odd number of them, with L in the middle and the number of pixels at both ends. Behind each hidden layer
        stands a ReLU.
    parameters : array, shape (layout.size,)
        float32 or float64, of any array library; everything is computed in this dtype.

    Raises
    ------
    ValueError
        If the sizes are not such a sequence, or the parameters not a finite vector of that length.

    Examples
    --------
    >>> vae = VAE.initial((784, 400, 2, 400, 784), rng=np.random.default_rng(0))
    >>> print(f"L = {vae.latent_dim}, {vae.layout.size:,} parameters of dtype {vae.parameters.dtype}")
    L = 2, 631,188 parameters of dtype float32
    """

    sizes: tuple[int, ...]
    parameters: Array

    def __post_init__(self) -> None:
        sizes = _check_sizes(self.sizes)
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "parameters", as_vector(self.parameters, "parameters", length=_layout(sizes).size))

    @classmethod
    def initial(cls, sizes: Sequence[int], *, rng: np.random.Generator, dtype: Any = np.float32) -> VAE:
        """Return an untrained autoencoder with NumPy parameters, drawn by :func:`.network.perceptron_initial`.

        For another array library use ``dataclasses.replace(vae, parameters=cupy.asarray(vae.parameters))``.

        Parameters
        ----------
        sizes : sequence of int
            As for the class.
        rng : numpy.random.Generator
        dtype : numpy.float32 or numpy.float64
            Both get the same draws, rounded or not.

        Raises
        ------
        ValueError
            If the sizes are not right, `rng` is no generator, or `dtype` is another one.
        """
        sizes, rng, dtype = _check_sizes(sizes), check_rng(rng), np.dtype(dtype)
        if dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype: expected float32 or float64, got {dtype}")
        encoder, decoder = _halves(sizes)
        pieces = perceptron_initial(encoder, "encoder", rng) | perceptron_initial(decoder, "decoder", rng)
        return cls(sizes, _layout(sizes).flatten(pieces).astype(dtype))

    @property
    def latent_dim(self) -> int:
        """L, the dimension of the latent space."""
        return self.sizes[len(self.sizes) // 2]

    @property
    def layout(self) -> Layout:
        """Where each weight and bias lies in `parameters`."""
        return _layout(self.sizes)

    def encode(self, x: Array) -> tuple[Array, Array]:
        r"""Return mean and log-variance, shape (n, L) each, of :math:`q(z \mid x)` for images x, shape (n, pixels).

        Raises
        ------
        ValueError
            If x is not n images of that many pixels with values in [0, 1].
        """
        encoder, _ = _networks(self.sizes, self.parameters)
        output, _ = perceptron(encoder, _as_images(x, self, "x"))
        return output[:, : self.latent_dim], output[:, self.latent_dim :]

    def decode(self, z: Array) -> Array:
        """Return the images of latent points, shape (n, L): each pixel's probability to be white, shape (n, pixels).

        Raises
        ------
        ValueError
            If z is not n finite points of dimension L.
        """
        xp = namespace(z, self.parameters)
        z = xp.astype(as_points(z, "z", dim=self.latent_dim), self.parameters.dtype, copy=False)
        _, decoder = _networks(self.sizes, self.parameters)
        return sigmoid(perceptron(decoder, z)[0])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to the file `path` (npz, no pickle), beside it first and then renamed: there is never half a file."""
        with replacing(path) as file:
            np.savez(file, format=np.array(FORMAT), sizes=np.array(self.sizes), parameters=to_numpy(self.parameters))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> VAE:
        """Read what :meth:`save` wrote, bit for bit, into NumPy arrays.

        Raises
        ------
        ValueError
            If the file is damaged, or not one of ours.
        FileNotFoundError
            If there is no such file.
        """
        with open(path, "rb") as file:
            try:
                with np.load(file, allow_pickle=False) as saved:
                    if str(saved["format"]) != FORMAT:
                        raise ValueError(f"its format is {str(saved['format'])!r}, not {FORMAT!r}")
                    return cls(tuple(saved["sizes"].tolist()), saved["parameters"])
            except (ValueError, TypeError, KeyError, EOFError, RuntimeError, OSError, BadZipFile, zlib.error) as error:
                raise ValueError(f"path: expected a file that VAE.save wrote, got {path}: {error}") from error


def _check_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(check_count(size, "sizes") for size in sizes)
    if len(sizes) < 3 or len(sizes) % 2 == 0 or sizes[0] != sizes[-1]:
        raise ValueError("sizes: expected an odd number of layer sizes, the latent dimension in the middle and the "
                         f"number of pixels at both ends, such as (784, 400, 2, 400, 784), got {sizes}")
    return sizes


def _halves(sizes: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes of encoder and decoder; the encoder's last layer holds the mean and the log-variance side by side."""
    middle = len(sizes) // 2
    return (*sizes[:middle], 2 * sizes[middle]), sizes[middle:]


@cache
def _layout(sizes: tuple[int, ...]) -> Layout:
    encoder, decoder = _halves(sizes)
    return Layout(perceptron_shapes(encoder, "encoder") | perceptron_shapes(decoder, "decoder"))


def _networks(sizes: tuple[int, ...], parameters: Array) -> tuple[Layers, Layers]:
    """Cut the parameters into the layers of the encoder and of the decoder, which are equally many."""
    pieces = list(_layout(sizes).views(parameters).values())
    layers = list(zip(pieces[::2], pieces[1::2], strict=True))
    return layers[: len(layers) // 2], layers[len(layers) // 2 :]


def _as_images(x: Array, vae: VAE, name: str) -> Array:
    """Check images and bring them to the dtype of the parameters."""
    xp = namespace(x, vae.parameters)
    x = as_points(x, name, dim=vae.sizes[0])
    low, high = float(xp.min(x)), float(xp.max(x))
    if low < 0 or high > 1:
        raise ValueError(f"{name}: expected values in [0, 1], as a Bernoulli likelihood needs, "
                         f"got values from {low:g} to {high:g}")
    return xp.astype(x, vae.parameters.dtype, copy=False)


# --- the bound and its gradient --------------------------------------------------------------------------------


def elbo_and_gradient(vae: VAE, x: Array, noise: Array) -> tuple[ELBO, Array]:
    r"""Return the evidence lower bound, with the given noise in place of the expectation, and its gradient.

    Parameters
    ----------
    vae : VAE
    x : array, shape (n, pixels)
        Images, values in [0, 1].
    noise : array, shape (n, L)
        :math:`\varepsilon`: standard normal draws, one for each image.

    Returns
    -------
    ELBO
        Means over the n images, in nats. They are not finite where the parameters are so large that they overflow.
    array, shape (layout.size,)
        The gradient of the ELBO's value with respect to `vae.parameters`; it points uphill.

    Raises
    ------
    ValueError
        If the images or the noise are not of these shapes, not finite, or the images not in [0, 1].

    References
    ----------
    Kingma and Welling (2014), eq. (10), with one draw.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> vae = VAE.initial((4, 8, 1, 8, 4), rng=rng, dtype=np.float64)
    >>> value, gradient = elbo_and_gradient(vae, rng.uniform(size=(5, 4)), rng.standard_normal((5, 1)))
    >>> print(f"{value.log_likelihood:.4f} - {value.kl:.4f} = {value.value:.4f}, {gradient.shape[0]} parameters")
    -5.1416 - 0.1922 = -5.3337, 110 parameters
    """
    x = _as_images(x, vae, "x")
    xp = namespace(x, noise)
    noise = xp.astype(as_points(noise, "noise", dim=vae.latent_dim), x.dtype, copy=False)
    if noise.shape[0] != x.shape[0]:
        raise ValueError(f"noise: expected one row for each of the {x.shape[0]} images, got {noise.shape[0]}")
    return _elbo_and_gradient(vae.sizes, vae.parameters, x, noise)


def _elbo_and_gradient(sizes: tuple[int, ...], parameters: Array, x: Array, noise: Array) -> tuple[ELBO, Array]:
    xp = namespace(x)
    n, dim = noise.shape
    encoder, decoder = _networks(sizes, parameters)

    # Forwards: image -> (mean, log-variance) -> latent point -> logits -> the two terms.
    encoded, encoder_inputs = perceptron(encoder, x)  # (n, 2 L)
    mean, log_variance = encoded[:, :dim], encoded[:, dim:]  # (n, L) each
    z = reparametrise(mean, log_variance, noise)
    logits, decoder_inputs = perceptron(decoder, z)  # (n, pixels)
    log_likelihood = float(xp.mean(bernoulli_log_likelihood(logits, x)))
    kl = float(xp.mean(gaussian_kl(mean, log_variance)))

    # Backwards: both terms weigh 1/n for each image; they meet at the mean and the log-variance.
    each = xp.full((n,), 1 / n, dtype=x.dtype, device=x.device)
    to_logits = bernoulli_log_likelihood_backward(each, logits, x)
    to_z, decoder_gradients = perceptron_backward(to_logits, decoder_inputs, decoder)
    to_mean, to_log_variance = reparametrise_backward(to_z, log_variance, noise)
    kl_to_mean, kl_to_log_variance = gaussian_kl_backward(each, mean, log_variance)
    to_encoded = xp.concat([to_mean - kl_to_mean, to_log_variance - kl_to_log_variance], axis=1)
    _, encoder_gradients = perceptron_backward(to_encoded, encoder_inputs, encoder, input_gradient=False)

    layout = _layout(sizes)
    pieces = [piece for layer in (*encoder_gradients, *decoder_gradients) for piece in layer]
    gradient = layout.flatten(dict(zip(layout.shapes, pieces, strict=True)))
    return ELBO(log_likelihood - kl, log_likelihood, kl), gradient
