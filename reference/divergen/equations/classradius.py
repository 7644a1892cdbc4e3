r"""ClassRadius, slides: every definition, assumption, theorem and equation, in the order of the document.

The slides number nothing, so each function says what it is called there. ``p`` is the vector of the classes'
probabilities, all above 0, and the normal distribution comes from SciPy: these functions are for NumPy arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.integrate import quad
from scipy.special import ndtr, ndtri

from ..arrays import Array

__all__ = [
    "adversarial_radius", "class_probabilities", "class_radius", "clip_weights", "collision_entropy", "covered_mass",
    "decoder_objective", "encoder_objective", "entropy_bound", "expectation_from_tail", "gamma", "generate",
    "image_space_bound", "isoperimetric_sum", "isoperimetric_sum_as_printed", "jensen_bound", "kappa", "kappa_bound",
    "less_diverse", "maximum_entropy", "omega", "partition", "probability_decay", "radius_bound", "regulariser",
    "renyi_entropy", "same_type_probability", "shannon_entropy", "tail_bound", "termwise_bound", "uniform_bound",
]


def generate(g: Callable[[Array], Array], n: int, d: int, rng: np.random.Generator) -> Array:
    r"""Definition, deep generative model: :math:`X = g(z)` with :math:`z \sim N(0, I_d)`, n times."""
    return g(rng.standard_normal((n, d)))


def covered_mass(masses: Array) -> Array:
    r"""Main claim, coverage: :math:`\sum_i P[z \in K_i]`, the share of the latent space that maps to some class."""
    return np.sum(masses)


# --- Notation and assumptions ----------------------------------------------------------------------------------


def class_probabilities(masses: Array) -> Array:
    r"""Notation, probability of a class: :math:`p_i = P[z \in K_i] / \sum_j P[z \in K_j]`, without the holes."""
    return masses / np.sum(masses)


def class_radius(z: Array, labels: Array) -> Array:
    r"""Notation, class radius: :math:`r(z) = \inf_{z' \in \bigcup_{j \ne i} K_j} \|z - z'\|` for z in class i.

    Here each class is the set of its points among the rows of z. The infimum over no points at all is infinite.
    """
    distances = np.sqrt(np.sum((z[:, None, :] - z[None, :, :]) ** 2, axis=2))
    return np.min(np.where(labels[:, None] != labels[None, :], distances, np.inf), axis=1)


def probability_decay(p: Array) -> bool:
    r"""Assumption, probability decay, the half that one model can meet or not: :math:`p_i \le 1/5`."""
    return bool(np.all(p <= 1 / 5))


def partition(masses: Array) -> bool:
    r"""Assumption, partition of the latent space: :math:`\bigcup_i K_i = \mathbb{R}^d`.

    Up to a null set: the masses of the classes add up to 1.
    """
    return bool(np.isclose(np.sum(masses), 1, rtol=0, atol=1e-12))


# --- Main result -----------------------------------------------------------------------------------------------


def radius_bound(p: Array) -> Array:
    r"""Theorem: :math:`E\,r(z) \le \log(4\pi \log(1/\|p\|^2)) / \sqrt{2 \log(1/\|p\|^2)}`."""
    h = np.log(1 / np.sum(p**2))
    return np.log(4 * np.pi * h) / np.sqrt(2 * h)


def entropy_bound(radius: float) -> float:
    r"""Main result, inverted: the largest :math:`h = \log(1/\|p\|^2)` with :math:`\gamma(e^{-h}) \ge E\,r(z)`.

    By bisection: :math:`\gamma(e^{-h})` falls from :math:`h = e^2/(4\pi)` on, where it is 1.8443, its largest value.
    """
    low, high = math.e**2 / (4 * math.pi), 1e12
    for _ in range(300):
        h = math.sqrt(low * high)
        low, high = (h, high) if math.log(4 * math.pi * h) / math.sqrt(2 * h) >= radius else (low, h)
    return low


# --- Diversity -------------------------------------------------------------------------------------------------


def same_type_probability(p: Array) -> Array:
    r"""Problem and solution, two samples: of the same type with probability :math:`\sum_i p_i^2 = \|p\|^2`."""
    return np.sum(p**2)


def renyi_entropy(p: Array, alpha: float) -> Array:
    r"""Definition, Renyi entropy: :math:`H_\alpha(p) = \frac{1}{1 - \alpha} \log \sum_i p_i^\alpha`, alpha not 1."""
    return np.log(np.sum(p**alpha)) / (1 - alpha)


def shannon_entropy(p: Array) -> Array:
    r"""Special case, Shannon entropy: :math:`\lim_{\alpha \to 1} H_\alpha(p) = -\sum_i p_i \log p_i`."""
    return -np.sum(p * np.log(p))


def collision_entropy(p: Array) -> Array:
    r"""Special case, collision entropy: :math:`H_2(p) = \log(1 / \|p\|^2)`."""
    return np.log(1 / np.sum(p**2))


def maximum_entropy(k: int) -> float:
    r"""Fact: :math:`H_\alpha(p) \le \log K` for all :math:`\alpha`, reached by the uniform distribution."""
    return math.log(k)


def uniform_bound(k: int) -> float:
    r"""Uniform distribution, K equal classes: :math:`E\,r(z) \le \log(4\pi \log K) / \sqrt{2 \log K}`."""
    return math.log(4 * math.pi * math.log(k)) / math.sqrt(2 * math.log(k))


# --- Proof -----------------------------------------------------------------------------------------------------


def tail_bound(p: Array, eta: float) -> Array:
    r"""Proof outline, step 1, not spelt out there: :math:`P[r(z) \ge \eta] \le \sum_i \Phi(\Phi^{-1}(p_i) - \eta)`.

    The Gaussian isoperimetric inequality, applied to the complement of each class; half-spaces attain it.
    """
    return np.sum(ndtr(ndtri(p) - eta))


def expectation_from_tail(tail: Callable[[float], float]) -> float:
    r"""Proof outline, step 2: :math:`E X = \int_0^\infty P[X \ge \eta]\,d\eta` for :math:`X \ge 0`, by quadrature."""
    return float(quad(tail, 0, np.inf, epsabs=1e-12, epsrel=1e-12, limit=200)[0])


def isoperimetric_sum_as_printed(p: Array, i: int) -> Array:
    r"""Some details, the sum as printed: :math:`\sum_i \Phi^{-1}(p_i)\,p_i + e^{-\Phi^{-1}(p_i)^2/2} / \sqrt{2\pi}`.

    The second term stands outside the sum, and its index i is free.
    """
    return np.sum(ndtri(p) * p) + np.exp(-(ndtri(p[i]) ** 2) / 2) / np.sqrt(2 * np.pi)


def isoperimetric_sum(p: Array) -> Array:
    r"""Some details, the sum corrected: :math:`E\,r(z) \le \sum_i [p_i \Phi^{-1}(p_i) + \varphi(\Phi^{-1}(p_i))]`."""
    return np.sum(ndtri(p) * p + np.exp(-(ndtri(p) ** 2) / 2) / np.sqrt(2 * np.pi))


def gamma(x: Array) -> Array:
    r"""Some details, the concave function: :math:`\gamma(x) = \log(4\pi \log(1/x)) / \sqrt{2 \log(1/x)}`, 0 < x < 1."""
    return np.log(4 * np.pi * np.log(1 / x)) / np.sqrt(2 * np.log(1 / x))


def termwise_bound(p: Array) -> Array:
    r"""Some details, after "rewrite some": the sum is at most :math:`\sum_i p_i \gamma(p_i)`."""
    return np.sum(p * gamma(p))


def jensen_bound(p: Array) -> Array:
    r"""Some details, "then Jensen": :math:`\sum_i p_i \gamma(p_i) \le \gamma(\sum_i p_i p_i)`, the theorem."""
    return gamma(np.sum(p * p))


def kappa(x: Array) -> Array:
    r"""Some details, the first line without the second: :math:`\Phi^{-1}(x) + \varphi(\Phi^{-1}(x)) / x`.

    The isoperimetric sum is :math:`\sum_i p_i \kappa(p_i)`. Not in the slides; erratum 20.
    """
    return ndtri(x) + np.exp(-(ndtri(x) ** 2) / 2) / np.sqrt(2 * np.pi) / x


def kappa_bound(p: Array) -> Array:
    r"""Some details, "then Jensen" for :math:`\kappa`: :math:`E\,r(z) \le \kappa(\|p\|^2)`.

    :math:`\kappa` is concave below 0.2731. Not in the slides; erratum 20.
    """
    return kappa(np.sum(p * p))


# --- Implications ----------------------------------------------------------------------------------------------


def less_diverse(mean_radius_1: float, mean_radius_2: float) -> int:
    """Test for diversity: the generator, 1 or 2, of the larger mean class radius; 0 if they are equal."""
    return 0 if mean_radius_1 == mean_radius_2 else 1 if mean_radius_1 > mean_radius_2 else 2


def adversarial_radius(z: Array, g: Callable[[Array], Array], c: Callable[[Array], Array]) -> Array:
    r"""Adversarial examples, recalled: :math:`r(z) = \inf_{z' \in \bigcup_{j \ne c(g(z))} K_j} \|z - z'\|`, z a row."""
    return class_radius(z, c(g(z)))


def image_space_bound(p: Array, lipschitz: float) -> Array:
    r"""Adversarial examples, L-Lipschitz generator: at most :math:`L\,\gamma(\|p\|^2)` in image space, on average."""
    return lipschitz * radius_bound(p)


# --- Experiments -----------------------------------------------------------------------------------------------


def encoder_objective(mean: Array, variance: Array) -> Array:
    r"""VAE architecture, first objective: match :math:`Q(Z|X)` to :math:`N(0, I_d)`.

    For :math:`Q(Z|X) = N(m, \mathrm{diag}\,v)` the KL divergence :math:`\frac12 \sum_l [m_l^2 + v_l - 1 - \log v_l]`,
    the mean over the rows. The slides name the objective, not the formula.
    """
    return np.mean(np.sum(mean**2 + variance - 1 - np.log(variance), axis=1)) / 2


def decoder_objective(x: Array, probability: Array) -> Array:
    r"""VAE architecture, second objective: minimise the expected reconstruction loss.

    :math:`-\sum_j [x_j \log y_j + (1 - x_j) \log(1 - y_j)]` for pixels that are white with the probabilities y, the
    mean over the rows. The slides leave the loss open.
    """
    return -np.mean(np.sum(x * np.log(probability) + (1 - x) * np.log(1 - probability), axis=1))


def omega(f: Callable[[Array], Array], l1: Array, l2: Array) -> Array:
    r"""Motivation: :math:`\omega(l_1, l_2) = \|f(l_1) - f(l_2)\|^2 / \|l_1 - l_2\|^2`, for each pair of rows."""
    return np.sum((f(l1) - f(l2)) ** 2, axis=-1) / np.sum((l1 - l2) ** 2, axis=-1)


def regulariser(f: Callable[[Array], Array], l: Array, weight: float = 30.0) -> Array:
    r"""Experimental setup, regulariser: :math:`\lambda \sum_{i=1}^{b/2} \omega(l_i, l_{i + b/2})`, b rows."""
    half = l.shape[0] // 2
    return weight * np.sum(omega(f, l[:half], l[half:]))


def clip_weights(weights: Array, bound: float = 0.3) -> Array:
    """Experimental setup, clipping: clip the network's weights to [-0.3, 0.3]."""
    return np.clip(weights, -bound, bound)
