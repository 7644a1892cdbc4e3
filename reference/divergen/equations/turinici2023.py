r"""Turinici (2023), *Diversity in deep generative models and generative AI*, slides: every numbered item and algorithm.

Points are rows. ``h`` is a kernel as a function of displacements, an array of shape (..., d), and returns (...).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..arrays import Array, namespace
from .kingmaba2014 import adam_init, adam_step

__all__ = [
    "algorithm_semp", "algorithm_sg", "conditionally_negative_form", "discrete_gradient", "discrete_squared_distance",
    "energy_kernel", "expected_huber_energy", "generate", "huber_energy_kernel", "latent_measure", "norm_gradient",
    "norm_gradient_as_printed", "power_kernel", "quantile_lattice", "rational_kernel", "reconstruction_error",
    "semp_objective", "sg_objective", "squared_distance",
]

KernelOfDisplacement = Callable[[Array], Array]


def generate(decoder: Callable[[Array], Array], count: int, dim: int, rng: np.random.Generator) -> Array:
    r"""Standard generation step: :math:`D(X_j)` with :math:`X_j \sim N(0_L, I_L)` independent; (count, N)."""
    return decoder(rng.standard_normal((count, dim)))


def latent_measure(encoder: Callable[[Array], Array], x: Array) -> Array:
    r"""Latent space representation: the points of :math:`\mu_L = E(\mu_e)`, each of weight 1/M; (M, L)."""
    return encoder(x)


def reconstruction_error(encoder: Callable[[Array], Array], decoder: Callable[[Array], Array], x: Array) -> Array:
    r"""VAE structure, :math:`D \circ E \sim \mathrm{Id}`: the mean of :math:`\|D(E(x_i)) - x_i\|^2` over the data."""
    return namespace(x).mean(_squared_norm(decoder(encoder(x)) - x))


def semp_objective(x: Array, latents: Array, h: KernelOfDisplacement) -> Array:
    r"""Eq. (1), Semp: :math:`\mathrm{dist}(\delta_X, \mu_L)^2` for the empirical :math:`\mu_L` of the latents."""
    return discrete_squared_distance(x, latents, h)


def sg_objective(x: Array, a: float) -> Array:
    r"""Eq. (2), Sg: :math:`\mathrm{dist}(\delta_X, N(0_L, I_L))^2` under the Huber-energy kernel.

    Eq. (3) with both expectations under the normal written out: z - z' is :math:`\sqrt2` times a normal.
    """
    xp = namespace(x)
    between = huber_energy_kernel(x[:, None, :] - x[None, :, :], a)
    origin = xp.zeros_like(x[:1, :])
    both_normal = math.sqrt(2) * expected_huber_energy(origin, a / math.sqrt(2))[0]
    return xp.mean(expected_huber_energy(x, a)) - xp.mean(between) / 2 - both_normal / 2


def expected_huber_energy(x: Array, a: float) -> Array:
    r"""Deterministic optimization, the closed form: :math:`\mathbb{E}\sqrt{\|x - z\|^2 + a^2} - a`, z standard normal.

    .. math:: \frac1{2\sqrt\pi} \int_0^\infty \Bigl[1 - (1 + 2t)^{-L/2} e^{-t \|x\|^2 / (1 + 2t)}\Bigr]
        e^{-a^2 t}\, t^{-3/2}\, dt, \qquad t = e^w .
    """
    xp = namespace(x)
    w = np.linspace(-80, 80, 1601)
    t = np.exp(w)
    squared_norm = xp.sum(x * x, axis=1)[:, None]  # (n, 1)
    log_g = -x.shape[1] / 2 * np.log1p(2 * t) - squared_norm * t / (1 + 2 * t)  # (n, nodes)
    integrand = -xp.expm1(log_g) * np.exp(-(a**2) * t - w / 2)
    return xp.sum(integrand, axis=1) * 0.1 / (2 * math.sqrt(math.pi))


def squared_distance(x: Array, weights: Array, h: KernelOfDisplacement) -> Array:
    r"""Eq. (3): :math:`-\frac12 \iint h(x - y) (\mu_1 - \mu_2)(dx) (\mu_1 - \mu_2)(dy)`.

    The difference is given as signed weighted points: :math:`\mu_1 - \mu_2 = \sum_i p_i \delta_{x_i}`,
    :math:`\sum_i p_i = 0`.
    """
    return -conditionally_negative_form(x, weights, h) / 2


def discrete_squared_distance(x: Array, z: Array, h: KernelOfDisplacement) -> Array:
    """Eq. (4): the squared distance of J equal Diracs at x and B equal Diracs at z."""
    xp = namespace(x, z)
    j, b = x.shape[0], z.shape[0]
    return (
        xp.sum(h(x[:, None, :] - z[None, :, :])) / (j * b)
        - xp.sum(h(x[:, None, :] - x[None, :, :])) / (2 * j**2)
        - xp.sum(h(z[:, None, :] - z[None, :, :])) / (2 * b**2)
    )


def conditionally_negative_form(x: Array, p: Array, h: KernelOfDisplacement) -> Array:
    r"""Definition of conditionally negative definite: :math:`\sum_{i,j} p_i p_j h(x_i - x_j) \le 0`.

    For all points and all p with :math:`\sum_i p_i = 0`.
    """
    xp = namespace(x, p)
    return xp.sum(p[:, None] * p[None, :] * h(x[:, None, :] - x[None, :, :]))


def energy_kernel(x: Array) -> Array:
    r"""Theorem of Gini, Szekely and Gretton, its kernel: :math:`h(x) = |x|`."""
    return namespace(x).sqrt(_squared_norm(x))


def norm_gradient_as_printed(x: Array) -> Array:
    r"""Caution, as printed: :math:`\nabla |x| = x / |x|^2`. Wrong: erratum 1."""
    return x / _squared_norm(x)[..., None]


def norm_gradient(x: Array) -> Array:
    r"""Caution, corrected: :math:`\nabla |x| = x / |x|`, of length 1; undefined at 0, with 0 a valid subgradient."""
    return x / energy_kernel(x)[..., None]


def power_kernel(x: Array, a: float, alpha: float) -> Array:
    r"""Theorem of Schoenberg and Micchelli, first family: :math:`(a^2 + |x|^2)^\alpha - a^{2\alpha}`."""
    return (a**2 + _squared_norm(x)) ** alpha - a ** (2 * alpha)


def rational_kernel(x: Array, a: float, alpha: float) -> Array:
    r"""Theorem of Schoenberg and Micchelli, second family: :math:`|x|^2 / (a^2 + |x|^2)^\alpha`."""
    return _squared_norm(x) / (a**2 + _squared_norm(x)) ** alpha


def huber_energy_kernel(x: Array, a: float) -> Array:
    r"""Choice of h: :math:`h(x) = \sqrt{a^2 + \|x\|^2} - a`."""
    return namespace(x).sqrt(a**2 + _squared_norm(x)) - a


def discrete_gradient(x: Array, z: Array, a: float) -> Array:
    r"""The gradient of eq. (4) in x under the Huber-energy kernel, :math:`\nabla h(x) = x / \sqrt{a^2 + \|x\|^2}`."""
    xp = namespace(x, z)
    j = x.shape[0]

    def gradient(displacements: Array) -> Array:
        return displacements / xp.sqrt(a**2 + _squared_norm(displacements))[..., None]

    pull = xp.mean(gradient(x[:, None, :] - z[None, :, :]), axis=1)
    push = xp.mean(gradient(x[:, None, :] - x[None, :, :]), axis=1)
    return (pull - push) / j


def algorithm_sg(
    j: int, dim: int, batch_size: int, iterations: int, learning_rate: float, rng: np.random.Generator, a: float = 1e-6
) -> Array:
    """Algorithm Sg: J points that represent N(0_L, Id_L), by Adam on the distance to fresh samples of it."""
    x = rng.standard_normal((j, dim))
    state = adam_init(x)
    for _ in range(iterations):
        z = rng.standard_normal((batch_size, dim))
        x, state = adam_step(x, discrete_gradient(x, z, a), state, learning_rate)
    return x


def algorithm_semp(
    latents: Array, j: int, batch_size: int, iterations: int, learning_rate: float, rng: np.random.Generator,
    a: float = 1e-6,
) -> Array:
    """Algorithm Semp: J points that represent the empirical latent measure, by Adam on draws from the latents."""
    x = latents[rng.integers(latents.shape[0], size=j), :]
    state = adam_init(x)
    for _ in range(iterations):
        z = latents[rng.integers(latents.shape[0], size=batch_size), :]
        x, state = adam_step(x, discrete_gradient(x, z, a), state, learning_rate)
    return x


def quantile_lattice(q: int, quantile: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    r"""Latent MNIST representation, the lattice: Q x Q points at equidistant quantiles; (q * q, 2).

    The slides put point :math:`(i_1, i_2)` at the quantiles :math:`(i_1/Q, i_2/Q)`, of which the last is infinite for a
    normal; the midpoints :math:`(i - \frac12)/Q`, i = 1, ..., Q, are as equidistant and finite.
    """
    levels = quantile((np.arange(1, q + 1) - 0.5) / q)
    first, second = np.meshgrid(levels, levels, indexing="ij")
    return np.stack([first.ravel(), second.ravel()], axis=1)


def _squared_norm(x: Array) -> Array:
    return namespace(x).sum(x * x, axis=-1)
