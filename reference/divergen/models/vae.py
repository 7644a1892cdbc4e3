r"""The variational autoencoder: an encoder, a decoder, and the random layer between them.

The decoder turns a latent point :math:`z \in \mathbb{R}^L` into the logits :math:`\ell(z)` of independent Bernoulli
pixels; with :math:`z \sim N(0, I_L)` it is a generator of images. The encoder turns an image x into a Gaussian
:math:`q(z \mid x) = N(\mu(x), \mathrm{diag}\, e^{\lambda(x)})`, a guess at the latent points that x may have come from.
What a training of both maximises is the subject of :mod:`divergen.models.objective`.

Source: Turinici2022image, section 3.1 (with a linear last layer, as a Bernoulli likelihood needs); Kingma and Welling
(2014), appendix B.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, as_points, as_vector, check_rng, namespace
from .architecture import Architecture, Dense, as_architecture
from .checkpoint import load_checkpoint, save_checkpoint
from .convolutional import Convolutional
from .network import Layout, sigmoid

__all__ = ["VAE", "gaussian_kl", "gaussian_kl_backward", "reparametrise", "reparametrise_backward"]

KIND = "divergen.VAE 2"  # of a saved file: whose it is, and which version

# What a file can be rebuilt with, by the kind that the settings of an architecture name.
ARCHITECTURES: dict[str, Callable[..., Architecture]] = {"dense": Dense, "convolutional": Convolutional}


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
    """A variational autoencoder: its architecture, and all its parameters in one vector.

    Parameters
    ----------
    architecture : Architecture or sequence of int
        Sizes stand for :class:`.architecture.Dense` of these sizes.
    parameters : array, shape (layout.size,)
        float32 or float64, of any array library; everything is computed in this dtype.

    Raises
    ------
    ValueError
        If the architecture is none, or the parameters are not a finite vector of the length that it needs.

    Examples
    --------
    >>> vae = VAE.initial((784, 400, 2, 400, 784), rng=np.random.default_rng(0))
    >>> print(f"L = {vae.latent_dim}, {vae.layout.size:,} parameters of dtype {vae.parameters.dtype}")
    L = 2, 631,188 parameters of dtype float32
    """

    architecture: Architecture
    parameters: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "architecture", as_architecture(self.architecture))
        object.__setattr__(self, "parameters", as_vector(self.parameters, "parameters", length=self.layout.size))

    @classmethod
    def initial(
        cls, architecture: Architecture | Sequence[int], *, rng: np.random.Generator, dtype: Any = np.float32
    ) -> VAE:
        """Return an untrained autoencoder with NumPy parameters, as its architecture draws them.

        For another array library use ``dataclasses.replace(vae, parameters=cupy.asarray(vae.parameters))``.

        Parameters
        ----------
        architecture : Architecture or sequence of int
            As for the class.
        rng : numpy.random.Generator
        dtype : numpy.float32 or numpy.float64
            Both get the same draws, rounded or not.

        Raises
        ------
        ValueError
            If the architecture is none, `rng` is no generator, or `dtype` is another one.
        """
        architecture, rng, dtype = as_architecture(architecture), check_rng(rng), np.dtype(dtype)
        if dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype: expected float32 or float64, got {dtype}")
        return cls(architecture, architecture.layout.flatten(architecture.initial(rng)).astype(dtype))

    @property
    def latent_dim(self) -> int:
        """L, the dimension of the latent space."""
        return self.architecture.latent_dim

    @property
    def layout(self) -> Layout:
        """Where each weight and bias lies in `parameters`."""
        return self.architecture.layout

    def encode(self, x: Array) -> tuple[Array, Array]:
        r"""Return mean and log-variance, shape (n, L) each, of :math:`q(z \mid x)` for images x, shape (n, pixels).

        Raises
        ------
        ValueError
            If x is not n images of that many pixels with values in [0, 1].
        """
        encoded, _ = self.architecture.encode(self.layout.views(self.parameters), as_images(x, self, "x"))  # (n, 2 L)
        return encoded[:, : self.latent_dim], encoded[:, self.latent_dim :]

    def decode(self, z: Array) -> Array:
        """Return the images of latent points, shape (n, L): each pixel's probability to be white, shape (n, pixels).

        Raises
        ------
        ValueError
            If z is not n finite points of dimension L.
        """
        xp = namespace(z, self.parameters)
        z = xp.astype(as_points(z, "z", dim=self.latent_dim), self.parameters.dtype, copy=False)
        return sigmoid(self.architecture.decode(self.layout.views(self.parameters), z)[0])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to the file `path` by :func:`.checkpoint.save_checkpoint`: there is never half a file."""
        save_checkpoint(path, KIND, {"parameters": self.parameters}, {"architecture": self.architecture.settings()})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> VAE:
        """Read what :meth:`save` wrote, bit for bit, into NumPy arrays.

        Raises
        ------
        ValueError
            If the file is damaged, not one of ours, or of an architecture that is not one of this package's.
        FileNotFoundError
            If there is no such file.
        """
        found = load_checkpoint(path, KIND)
        try:
            return cls(_architecture(found.values["architecture"]), found.arrays["parameters"])
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"path: expected a file that VAE.save wrote, got {path}: {error}") from error


def _architecture(settings: dict[str, Any]) -> Architecture:
    """Build an architecture from its settings."""
    arguments = dict(settings)
    kind = arguments.pop("kind")
    if kind not in ARCHITECTURES:
        raise ValueError(f"its architecture is of kind {kind!r}, and only {' and '.join(ARCHITECTURES)} can be rebuilt")
    return ARCHITECTURES[kind](**arguments)


def as_images(x: Array, vae: VAE, name: str) -> Array:
    """Return images, shape (n, pixels), in the dtype of the parameters; raise ValueError unless they are in [0, 1]."""
    xp = namespace(x, vae.parameters)
    x = as_points(x, name, dim=vae.architecture.pixels)
    low, high = float(xp.min(x)), float(xp.max(x))
    if low < 0 or high > 1:
        raise ValueError(f"{name}: expected values in [0, 1], as a Bernoulli likelihood needs, "
                         f"got values from {low!r} to {high!r}")
    return xp.astype(x, vae.parameters.dtype, copy=False)
