r"""What the training of an autoencoder maximises: the evidence lower bound, or that bound with other regularisers.

For :math:`q(z \mid x) = N(\mu(x), \mathrm{diag}\, e^{\lambda(x)})` from the encoder and :math:`p(x \mid z)` from the
decoder, the **evidence lower bound** is

.. math::

    \mathrm{ELBO}(x) = \mathbb{E}_{z \sim q(\cdot \mid x)} \log p(x \mid z)
    - \mathrm{KL}\bigl(q(\cdot \mid x) \,\|\, N(0, I_L)\bigr) \le \log p(x).

The expectation is estimated by one draw, :math:`z = \mu + e^{\lambda / 2} \odot \varepsilon` with
:math:`\varepsilon \sim N(0, I_L)`: the noise comes in as an argument, so that everything here is a differentiable
function of the parameters, and its gradient is written out below. An :class:`Objective` weighs the KL term and two
more, for a batch of n images :math:`x_i` with draws :math:`z_i`:

.. math::

    \frac1n \sum_{i=1}^n \log p(x_i \mid z_i) - \frac{w_\mathrm{KL}}{n} \sum_{i=1}^n \mathrm{KL}_i
    - \frac{w_\omega}{n} \sum_{i=1}^{\lfloor n/2 \rfloor} \omega(x_i, x_{i + \lfloor n/2 \rfloor})
    - w_d\, d\Bigl(\frac1n \sum_{i=1}^n \delta_{z_i},\, N(0, I_L)\Bigr)^2 .

Source: Kingma and Welling (2014), eq. (10); ClassRadius, "Experimental Setup", for :math:`\omega`; Turinici2022old and
its reference 16, the Radon-Sobolev autoencoder, for the kernel distance in place of the KL term.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..arrays import LARGEST_SINGLE, Array, as_points, check_number, namespace
from ..distance.kernels import HuberEnergy, Kernel, check_kernel
from ..distance.measures import Gaussian, squared_distance_and_gradient
from .architecture import Architecture
from .network import bernoulli_log_likelihood, bernoulli_log_likelihood_backward
from .vae import VAE, as_images, gaussian_kl, gaussian_kl_backward, reparametrise, reparametrise_backward

__all__ = ["ELBO", "Objective", "elbo_and_gradient", "objective_and_gradient", "omega", "omega_backward"]


class ELBO(NamedTuple):
    """The evidence lower bound or another :class:`Objective`, and its terms: means over the images, in nats.

    value = log_likelihood - kl - omega - latent_distance, what is maximised; each term carries its weight already. The
    last two are 0 for the evidence lower bound itself.
    """

    value: float
    log_likelihood: float
    kl: float
    omega: float = 0.0
    latent_distance: float = 0.0


@dataclass(frozen=True)
class Objective:
    r"""The weights of what is subtracted from the log-likelihood. The default is the evidence lower bound.

    Parameters
    ----------
    kl : float
        :math:`w_\mathrm{KL}`. Other values than 1 make it the objective of a beta-VAE, and no bound below 1.
    omega : float
        :math:`w_\omega`, which ClassRadius calls :math:`\lambda` and sets to 30: penalises encodings (means) that are
        further apart than their images. Row i of a batch is paired with row i + n // 2; the last one of an odd number
        is left out, and so are pairs of equal images.
    latent_distance : float
        :math:`w_d`: penalises the distance of the batch's draws :math:`z_i` from :math:`N(0, I_L)`. ``Objective(kl=0,
        latent_distance=100)`` puts it in place of the KL term.
    kernel : Kernel
        h of that distance.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or the kernel is none.

    Notes
    -----
    How large should :math:`w_d` be? About the size of the log-likelihood is a good start. Measured with
    dense layers, L = 2 and batches of 128, on images not seen in training: on the small digits (64 pixels,
    log-likelihood -21) weights of 30 and 100 bring the draws closer to :math:`N(0, I_2)` than the KL term does (squared
    distance 0.0002 and 0.00002, against 0.001) and reconstruct better (-20.4 and -20.7, against -21.5); at 300 the
    encoder no longer says anything of the image: :math:`q(z \mid x)` is the same for all. On MNIST (784 pixels, -150)
    100 and 300 do well (0.0014 and 0.0008 against 0.019); at 300 a training now and then ignores one of the dimensions
    for many epochs, and 1000 is too large. With too small a weight nothing goes wrong but that the
    draws spread further than the normal distribution. In place of the KL term it lets the encoder's variances go to
    almost 0: the draws have to be normal together, not one by one.

    Examples
    --------
    >>> Objective(omega=30)
    Objective(kl=1.0, omega=30.0, latent_distance=0.0, kernel=HuberEnergy(a=1e-06))
    """

    kl: float = 1.0
    omega: float = 0.0
    latent_distance: float = 0.0
    kernel: Kernel = HuberEnergy()

    def __post_init__(self) -> None:
        for name in ("kl", "omega", "latent_distance"):
            object.__setattr__(self, name, check_number(getattr(self, name), name, at_least=0))
        check_kernel(self.kernel)


# --- encodings that are far apart ------------------------------------------------------------------------------


def omega(encoded: Array, images: Array) -> Array:
    r"""Return :math:`\omega(x_i, x_{i+h}) = \|f(x_i) - f(x_{i+h})\|^2 / \|x_i - x_{i+h}\|^2` for i < h = n // 2.

    Parameters
    ----------
    encoded : array, shape (n, L)
        f(x).
    images : array, shape (n, p)
        :math:`x`.

    Returns
    -------
    array, shape (n // 2,)
        0 for a pair of equal images, which has no quotient.

    References
    ----------
    ClassRadius, "Motivation" and "Experimental Setup".

    Examples
    --------
    >>> import numpy as np
    >>> print(f"{omega(np.array([[0.0], [3.0]]), np.array([[0.0, 0.0], [1.0, 1.0]]))[0]:.1f}")
    4.5
    """
    xp = namespace(encoded, images)
    apart, inverse = _pairs(encoded, images)
    return xp.sum(apart * apart, axis=1) * inverse


def omega_backward(gradient: Array, encoded: Array, images: Array) -> Array:
    r"""Go back through :func:`omega` to the encodings: :math:`\pm 2 G_i (f(x_i) - f(x_{i+h})) / \|x_i - x_{i+h}\|^2`,
    for G of shape (n // 2,)."""
    xp = namespace(gradient, encoded, images)
    apart, inverse = _pairs(encoded, images)
    to_first = (2 * gradient * inverse)[:, None] * apart  # (h, L)
    return xp.concat([to_first, -to_first, xp.zeros_like(encoded[2 * apart.shape[0] :, :])])


def _pairs(encoded: Array, images: Array) -> tuple[Array, Array]:
    """Differences of the encodings (h, L), and one over the images' squared distances (h,), 0 where those are 0."""
    xp = namespace(encoded, images)
    h = images.shape[0] // 2
    squared = xp.sum((images[:h, :] - images[h : 2 * h, :]) ** 2, axis=1)  # (h,)
    equal = squared < xp.finfo(squared.dtype).smallest_normal  # whose inverse could overflow
    inverse = xp.where(equal, xp.zeros_like(squared), 1 / xp.where(equal, xp.ones_like(squared), squared))
    return encoded[:h, :] - encoded[h : 2 * h, :], inverse


# --- latents that are not normal -------------------------------------------------------------------------------


def _distance_to_normal(z: Array, kernel: Kernel) -> tuple[float, Array]:
    r"""Return :math:`d(\frac1n \sum_i \delta_{z_i}, N(0, I_L))^2` and its gradient; infinite where z is too large."""
    xp = namespace(z)
    if not float(xp.max(xp.abs(z))) <= LARGEST_SINGLE:  # nan too
        return float("inf"), xp.full_like(z, float("nan"))
    return squared_distance_and_gradient(z, Gaussian.standard(z.shape[1], like=z), kernel)


# --- the objective and its gradient ----------------------------------------------------------------------------


def elbo_and_gradient(vae: VAE, x: Array, noise: Array) -> tuple[ELBO, Array]:
    r"""Return the evidence lower bound, with the given noise in place of the expectation, and its gradient.

    It is :func:`objective_and_gradient` of the default objective.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> vae = VAE.initial((4, 8, 1, 8, 4), rng=rng, dtype=np.float64)
    >>> value, gradient = elbo_and_gradient(vae, rng.uniform(size=(5, 4)), rng.standard_normal((5, 1)))
    >>> print(f"{value.log_likelihood:.4f} - {value.kl:.4f} = {value.value:.4f}, {gradient.shape[0]} parameters")
    -5.1416 - 0.1922 = -5.3337, 110 parameters
    """
    return objective_and_gradient(vae, x, noise)


def objective_and_gradient(
    vae: VAE, x: Array, noise: Array, objective: Objective = Objective()
) -> tuple[ELBO, Array]:
    r"""Return an objective of a batch, with the given noise in place of the expectation, and its gradient.

    Parameters
    ----------
    vae : VAE
    x : array, shape (n, pixels)
        Images, values in [0, 1].
    noise : array, shape (n, L)
        :math:`\varepsilon`: standard normal draws, one for each image.
    objective : Objective

    Returns
    -------
    ELBO
        Means over the n images, in nats. They are not finite where the parameters are so large that they overflow.
    array, shape (layout.size,)
        The gradient of the value with respect to `vae.parameters`; it points uphill.

    Raises
    ------
    ValueError
        If the images or the noise are not of these shapes, not finite, or the images not in [0, 1].

    References
    ----------
    Kingma and Welling (2014), eq. (10), with one draw.

    Notes
    -----
    ClassRadius adds :math:`\lambda \sum_{i=1}^{b/2} \omega` to a loss that is a sum over the batch, as it is in the
    examples it starts from. Here everything is divided by n, so that its :math:`\lambda = 30` is ``omega=30``.

    The distance is taken from the draws z, not from the means, because the draws are what the decoder is trained on
    and :math:`N(0, I_L)` what it is given later. It is the V-statistic, as everywhere in this package: a batch that is
    spread out more evenly than independent draws has a smaller one. In shuffled batches that are small beside the data
    no encoder can arrange for that. What remains in the mean over batches is
    :math:`d(q, N(0, I_L))^2 + \frac{1}{2n} \mathbb{E}\, h(z - z')` for the distribution q of all draws, and that second
    term draws q together: by 1 - 2/n in each direction for the energy kernel, so that batches should not be small.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> vae = VAE.initial((4, 8, 1, 8, 4), rng=rng, dtype=np.float64)
    >>> x, noise = rng.uniform(size=(5, 4)), rng.standard_normal((5, 1))
    >>> value, _ = objective_and_gradient(vae, x, noise, Objective(kl=0, omega=30, latent_distance=100))
    >>> print(f"{value.log_likelihood:.2f} - {value.omega:.2f} - {value.latent_distance:.2f} = {value.value:.2f}")
    -5.14 - 0.51 - 15.93 = -21.58
    """
    x = as_images(x, vae, "x")
    xp = namespace(x, noise)
    noise = xp.astype(as_points(noise, "noise", dim=vae.latent_dim), x.dtype, copy=False)
    if noise.shape[0] != x.shape[0]:
        raise ValueError(f"noise: expected one row for each of the {x.shape[0]} images, got {noise.shape[0]}")
    return _objective_and_gradient(vae.architecture, vae.parameters, x, noise, check_objective(objective))


def check_objective(objective: Objective) -> Objective:
    """Return `objective`; raise ValueError if it is none."""
    if not isinstance(objective, Objective):
        raise ValueError(f"objective: expected an Objective, such as Objective(omega=30), got {objective!r}")
    return objective


def _objective_and_gradient(
    architecture: Architecture, parameters: Array, x: Array, noise: Array, objective: Objective
) -> tuple[ELBO, Array]:
    xp = namespace(x)
    n, dim = noise.shape
    pieces = architecture.layout.views(parameters)

    # Forwards: image -> (mean, log-variance) -> latent point -> logits.
    encoded, encoder_saved = architecture.encode(pieces, x)  # (n, 2 L)
    mean, log_variance = encoded[:, :dim], encoded[:, dim:]  # (n, L) each
    z = reparametrise(mean, log_variance, noise)
    logits, decoder_saved = architecture.decode(pieces, z)  # (n, pixels)
    log_likelihood = float(xp.mean(bernoulli_log_likelihood(logits, x)))
    kl = pairs = latent_distance = 0.0

    # Backwards: each image weighs 1/n. Each term is subtracted where it enters: z, the mean, the log-variance.
    each = xp.full((n,), 1 / n, dtype=x.dtype, device=x.device)
    to_logits = bernoulli_log_likelihood_backward(each, logits, x)
    to_z, decoder_gradients = architecture.decode_backward(pieces, to_logits, decoder_saved)
    if objective.latent_distance > 0:
        squared, squared_to_z = _distance_to_normal(z, objective.kernel)
        latent_distance = objective.latent_distance * squared
        to_z = to_z - objective.latent_distance * squared_to_z
    to_mean, to_log_variance = reparametrise_backward(to_z, log_variance, noise)
    if objective.kl > 0:
        kl = objective.kl * float(xp.mean(gaussian_kl(mean, log_variance)))
        kl_to_mean, kl_to_log_variance = gaussian_kl_backward(objective.kl * each, mean, log_variance)
        to_mean, to_log_variance = to_mean - kl_to_mean, to_log_variance - kl_to_log_variance
    if objective.omega > 0:
        pairs = objective.omega * float(xp.sum(omega(mean, x))) / n
        to_mean = to_mean - omega_backward(objective.omega * each[: n // 2], mean, x)
    to_encoded = xp.concat([to_mean, to_log_variance], axis=1)
    encoder_gradients = architecture.encode_backward(pieces, to_encoded, encoder_saved)

    gradient = architecture.layout.flatten(encoder_gradients | decoder_gradients)
    value = log_likelihood - kl - pairs - latent_distance
    return ELBO(value, log_likelihood, kl, pairs, latent_distance), gradient
