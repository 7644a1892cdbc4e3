r"""The classes of a latent space: their probabilities, the holes between them, and how diverse they are.

Draws of the latent space are labelled by a classifier of what the generator makes of them. Their shares are the
probabilities :math:`p_i` of the classes; the less they concentrate, the more diverse the generator, which the Renyi
entropies measure. Computed by NumPy and SciPy on the host.

Source: ClassRadius.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from scipy.special import entr, logsumexp, ndtri

from ..arrays import as_vector, check_count, check_rng, to_numpy

__all__ = [
    "ClassProbabilities", "LabelledLatents", "Share", "class_probabilities", "collision_probability", "hole_share",
    "label_latents", "renyi_entropy",
]


class ClassProbabilities(NamedTuple):
    """The classes among labelled latents.

    Attributes
    ----------
    classes : numpy.ndarray, shape (K,)
        The labels, sorted, the hole's left out.
    probabilities : numpy.ndarray, shape (K,)
        p: the share of each class among the latents that belong to one.
    hole_share : float
        The share of all latents that belong to none.
    """

    classes: np.ndarray
    probabilities: np.ndarray
    hole_share: float


class LabelledLatents(NamedTuple):
    """Draws of the latent space, shape (n, d), and the labels that a classifier gave them, shape (n,)."""

    latents: np.ndarray
    labels: np.ndarray


class Share(NamedTuple):
    """A share among n draws, and Wilson's interval for the probability behind it, of confidence 95 %."""

    value: float
    low: float
    high: float
    n: int


def class_probabilities(labels: Any, *, hole: Any = None) -> ClassProbabilities:
    r"""Return the classes among the labels and their shares, :math:`p_i = P[z \in K_i] / \sum_j P[z \in K_j]`.

    Parameters
    ----------
    labels : array_like of integers or strings, shape (n,)
        Of draws of the latent space.
    hole : integer or string, optional
        The label of what belongs to no class; without it, every latent belongs to one.

    Returns
    -------
    ClassProbabilities

    Raises
    ------
    ValueError
        If the labels are not integers or strings, or none belongs to a class.

    References
    ----------
    ClassRadius, notation.

    Examples
    --------
    >>> p = class_probabilities(["cat", "dog", "cat", "?"], hole="?")
    >>> print(*p.classes, [f"{x:.4f}" for x in p.probabilities], f"{p.hole_share:.2f}")
    cat dog ['0.6667', '0.3333'] 0.25
    """
    y = _as_labels(labels, "labels")
    kept = y if hole is None else y[~_is_hole(y, hole)]
    if kept.size == 0:
        raise ValueError(f"labels: expected some that belong to a class, got {y.size} that are all {hole!r}")
    classes, counts = np.unique(kept, return_counts=True)
    return ClassProbabilities(classes, counts / kept.size, (y.size - kept.size) / y.size)


def label_latents(
    classify: Callable[[np.ndarray], Any], dim: int, n: int, *, rng: np.random.Generator, batch_size: int = 10_000
) -> LabelledLatents:
    r"""Draw n latents :math:`z \sim N(0, I_d)` and label them: the Monte Carlo way to :func:`class_probabilities`.

    Parameters
    ----------
    classify : callable
        Maps latents of shape (b, dim) to b labels: the classifier of images after the generator, ``c(g(z))``.
    dim, n : int
    rng : numpy.random.Generator
    batch_size : int
        So many latents at a time.

    Raises
    ------
    ValueError
        If `classify` does not return one label for each latent, or an argument is out of its range.

    Examples
    --------
    >>> drawn = label_latents(lambda z: np.sign(z[:, 0]).astype(int), 2, 10_000, rng=np.random.default_rng(0))
    >>> p = class_probabilities(drawn.labels)
    >>> print(*p.classes, [f"{x:.2f}" for x in p.probabilities])
    -1 1 ['0.50', '0.50']
    """
    dim, n, batch_size = check_count(dim, "dim"), check_count(n, "n"), check_count(batch_size, "batch_size")
    z = check_rng(rng).standard_normal((n, dim))
    pieces = []
    for start in range(0, n, batch_size):
        batch = z[start : start + batch_size]
        pieces.append(_as_labels(classify(batch), "the labels from classify", length=batch.shape[0]))
    return LabelledLatents(z, np.concatenate(pieces))


def hole_share(labels: Any, hole: Any) -> Share:
    """Return the share of the latent space that lies in holes, from the labels of draws of it.

    The interval says what a share of 0 is worth: no hole among 100 draws leaves room for holes of 3.7 %.

    Raises
    ------
    ValueError
        If the labels are not integers or strings, or `hole` is of the other kind.

    References
    ----------
    ClassRadius, "Lack of density in latent space is bad"; Wilson (1927) for the interval.

    Examples
    --------
    >>> share = hole_share([7, 1, -1, 7, 1, 1, 7, 7], hole=-1)
    >>> print(f"{share.value:.3f}, {share.low:.3f} to {share.high:.3f}")
    0.125, 0.022 to 0.471
    """
    y = _as_labels(labels, "labels")
    n, share, z2 = y.size, float(np.mean(_is_hole(y, hole))), float(ndtri(0.975)) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Share(share, max(centre - half, 0.0), min(centre + half, 1.0), n)


def _as_labels(labels: Any, name: str, *, length: int | None = None) -> np.ndarray:
    """Return labels as a NumPy vector of integers or of strings, never of both."""
    expected = "a vector of labels" if length is None else f"{length} labels"
    if isinstance(labels, (list, tuple)):  # NumPy would turn [1, "1"] into two equal strings
        labels = np.fromiter(labels, dtype=object, count=len(labels))
    y = to_numpy(labels)
    if y.ndim != 1 or y.size == 0 or (length is not None and y.size != length):
        raise ValueError(f"{name}: expected {expected}, got shape {y.shape}")
    if y.dtype.kind == "T" or (y.dtype.kind == "O" and all(isinstance(label, str) for label in y)):
        return y.astype(str)
    if y.dtype.kind == "O" and all(isinstance(label, Integral) for label in y):
        return np.array([int(label) for label in y])
    if y.dtype.kind not in "biuU":
        kinds = sorted({type(label).__name__ for label in y.tolist()})
        raise ValueError(f"{name}: expected integers or strings, got {' and '.join(kinds)}")
    return y


def _is_hole(labels: np.ndarray, hole: Any) -> np.ndarray:
    if not isinstance(hole, str if labels.dtype.kind == "U" else Integral):
        kind = "a string" if labels.dtype.kind == "U" else "an integer"
        raise ValueError(f"hole: expected {kind}, as the labels are, got {hole!r}")
    return labels == hole


def _as_probabilities(p: Any) -> np.ndarray:
    p = to_numpy(as_vector(p.probabilities if isinstance(p, ClassProbabilities) else p, "p"))
    tolerance = 1e-5 if p.dtype == np.float32 else 1e-9
    p = p.astype(np.float64)
    if np.min(p) < 0:
        raise ValueError(f"p: expected probabilities, got {np.min(p):.6g} among them")
    if abs(np.sum(p) - 1) > tolerance:
        raise ValueError(f"p: expected probabilities that add up to 1, got a sum of {np.sum(p):.12g}")
    return np.minimum(p, 1.0)


# --- diversity -------------------------------------------------------------------------------------------------


def collision_probability(p: Any) -> float:
    r"""Return the probability :math:`\|p\|^2 = \sum_i p_i^2` that two independent draws are of the same class.

    Parameters
    ----------
    p : array_like, shape (K,), or ClassProbabilities

    Raises
    ------
    ValueError
        If p is not a vector of probabilities that add up to 1.

    References
    ----------
    ClassRadius, ":math:`\|p\|_2^2` as a measure of diversity".

    Examples
    --------
    >>> print(f"{collision_probability([0.5, 0.25, 0.25]):.3f}")
    0.375
    """
    return min(float(np.sum(_as_probabilities(p) ** 2)), 1.0)


def renyi_entropy(p: Any, alpha: float) -> float:
    r"""Return the Renyi entropy :math:`H_\alpha(p) = \frac1{1 - \alpha} \log \sum_i p_i^\alpha`, in nats.

    Its limits are the logarithm of the number of classes with :math:`p_i > 0` at 0, Shannon's entropy at 1, and
    :math:`-\log \max_i p_i` at infinity; at 2 it is the collision entropy :math:`\log(1 / \|p\|^2)`.

    Parameters
    ----------
    p : array_like, shape (K,), or ClassProbabilities
    alpha : float
        At least 0; ``math.inf`` too.

    Raises
    ------
    ValueError
        If p is not a vector of probabilities that add up to 1, or alpha is below 0 or nan.

    References
    ----------
    ClassRadius, definition of the Renyi entropy and its special cases.

    Examples
    --------
    >>> print([f"{renyi_entropy([0.5, 0.25, 0.25], alpha):.4f}" for alpha in (0, 1, 2, math.inf)])
    ['1.0986', '1.0397', '0.9808', '0.6931']
    """
    p = _as_probabilities(p)
    p = p[p > 0]
    if not isinstance(alpha, Real) or isinstance(alpha, bool) or not alpha >= 0:
        raise ValueError(f"alpha: expected a number of at least 0, or infinity, got {alpha!r}")
    alpha, log_p = float(alpha), np.log(p)
    if alpha == 1:
        entropy = np.sum(entr(p))
    elif math.isinf(alpha):
        entropy = -np.max(log_p)
    elif abs(alpha - 1) < 0.1:  # log1p keeps the digits that 0/0 at alpha = 1 would lose
        entropy = np.log1p(np.sum(p * np.expm1((alpha - 1) * log_p))) / (1 - alpha)
    else:
        top = np.max(log_p)
        with np.errstate(over="ignore"):  # to -inf, whose exponential is the right 0
            scaled = alpha * (log_p - top)
        entropy = alpha / (1 - alpha) * top + logsumexp(scaled) / (1 - alpha)
    return max(float(entropy), 0.0)
