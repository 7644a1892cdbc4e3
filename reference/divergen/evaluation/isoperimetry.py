r"""What the probabilities of the classes say of the class radius, and the class radius of the probabilities.

If the classes cover the latent space, the Gaussian isoperimetric inequality bounds the mean of the class radius r by
the probabilities p alone:

.. math::

    E\,r(z) \le \sum_i \bigl[p_i \Phi^{-1}(p_i) + \varphi(\Phi^{-1}(p_i))\bigr] = \sum_i p_i\,\kappa(p_i), \qquad
    \kappa(x) = \Phi^{-1}(x) + \varphi(\Phi^{-1}(x)) / x,

and, for classes that are not too large, so do :math:`\kappa(\|p\|^2)` and the bound of the source,
:math:`\gamma(\|p\|^2)`. Hence a large radius means a small collision entropy :math:`\log(1/\|p\|^2)`.

Source: ClassRadius; errata 18 to 21.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfcx, log_ndtr, ndtri

from ..arrays import check_number, to_numpy
from .classes import ClassProbabilities, _as_probabilities, collision_probability

__all__ = [
    "DiversityBound", "RadiusBound", "diversity_bound", "gamma", "gamma_bound", "isoperimetric_bound", "kappa",
    "kappa_bound", "lipschitz_bound",
]

DECAY = 1 / 5  # the source's assumption on every p_i
CONCAVE = 0.27311824866335674  # kappa is concave below, convex above
GAMMA_MAX = 2 * math.sqrt(2 * math.pi) / math.e  # 1.8443, at exp(-e^2 / (4 pi)) = 0.5554
WHOLE = 0.9054005311088587  # gamma_bound holds for every p whose largest entry is below; two classes are the worst


class RadiusBound(NamedTuple):
    """An upper bound of the mean class radius, and whether it is one.

    Attributes
    ----------
    value : float
    proven : bool
        For this p the value is at least the isoperimetric sum, and the classes are not known to leave holes.
    decay : bool
        Every p_i is at most 1/5, as the source assumes; enough for all three bounds, and far from necessary.
    partition : bool or None
        Do the classes cover the latent space? None where only a vector p was given, which cannot tell: then it is
        taken for granted, as the source does.
    notes : tuple of str
        The assumptions that do not hold, in words.
    """

    value: float
    proven: bool
    decay: bool
    partition: bool | None
    notes: tuple[str, ...]


class DiversityBound(NamedTuple):
    """What a mean class radius says of the diversity of the classes.

    Attributes
    ----------
    entropy : float
        The collision entropy is at most this, in nats.
    collision_probability : float
        Two draws are of one class with at least this probability, exp(-entropy).
    unconditional : bool
        True if that holds for every p of classes that cover the space; if not, `notes` says what p must satisfy.
    notes : tuple of str
    """

    entropy: float
    collision_probability: float
    unconditional: bool
    notes: tuple[str, ...]


def gamma(x: Any) -> np.ndarray:
    r"""Return :math:`\gamma(x) = \log(4\pi \log(1/x)) / \sqrt{2 \log(1/x)}`, the function of the source's bound.

    Concave on (0, 1), increasing up to :math:`e^{-e^2/(4\pi)} = 0.5554`, where it is :math:`2\sqrt{2\pi}/e = 1.8443`,
    and falling from there, below 0 above 0.9235. :math:`\gamma(0) = 0` and :math:`\gamma(1) = -\infty` are limits.

    Parameters
    ----------
    x : array_like
        In [0, 1].

    Raises
    ------
    ValueError
        If some x is outside [0, 1].

    Examples
    --------
    >>> print([f"{g:.4f}" for g in gamma([1e-300, 0.1, 0.5])])
    ['0.2440', '1.5681', '1.8384']
    """
    x = _as_unit(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        h = -np.log(x)
        value = np.log(4 * np.pi * h) / np.sqrt(2 * h)
    return np.where(x == 0, 0.0, np.where(x == 1, -np.inf, value))[()]


def kappa(x: Any) -> np.ndarray:
    r"""Return :math:`\kappa(x) = \Phi^{-1}(x) + \varphi(\Phi^{-1}(x))/x`: a half-space's mean distance to its boundary.

    More exactly, the mean of the distance over a half-space of probability x. Increasing from 0 to infinity, concave
    below 0.2731, convex above. Accurate to 1e-14, relative, down to the smallest x.

    Parameters
    ----------
    x : array_like
        In [0, 1].

    Raises
    ------
    ValueError
        If some x is outside [0, 1].

    Examples
    --------
    >>> print([f"{k:.4f}" for k in kappa([1e-300, 0.1, 0.5])])
    ['0.0270', '0.4734', '0.7979']
    """
    return _kappa_at_quantile(ndtri(_as_unit(x)))[()]


def _kappa_at_quantile(a: Any) -> np.ndarray:
    r"""Return :math:`a + \varphi(a)/\Phi(a)`, the mean of a - y for a standard normal y, given y < a."""
    a = np.asarray(a, dtype=np.float64)
    # Far left, both terms cancel; the continued fraction of Mills' ratio leaves out the part that does.
    x = np.maximum(-a, 4.0)
    tail = x
    for k in range(40, 1, -1):
        tail = x + k / tail
    middle = np.maximum(a, -4.0)
    return np.where(a < -4, 1 / tail, middle + math.sqrt(2 / math.pi) / erfcx(-middle / math.sqrt(2)))


def _as_unit(x: Any) -> np.ndarray:
    x = np.asarray(to_numpy(x), dtype=np.float64)
    if not np.all((x >= 0) & (x <= 1)):
        raise ValueError(f"x: expected numbers in [0, 1], got {x[~((x >= 0) & (x <= 1))][0]:.6g}")
    return x


def isoperimetric_bound(p: Any) -> RadiusBound:
    r"""Bound the mean class radius by :math:`\sum_i [p_i \Phi^{-1}(p_i) + \varphi(\Phi^{-1}(p_i))]`.

    It holds for every p, if the classes cover the latent space, and two complementary half-spaces attain it. (In the
    source the sum does not cover the second term; erratum 18.)

    Parameters
    ----------
    p : array_like, shape (K,), or ClassProbabilities
        Only the latter knows of holes.

    Returns
    -------
    RadiusBound
        Infinite for a single class, as is its radius.

    Raises
    ------
    ValueError
        If p is not a vector of probabilities that add up to 1.

    References
    ----------
    ClassRadius, "Some details", after Fawzi et al. (2018).

    Examples
    --------
    >>> bound = isoperimetric_bound(np.full(10, 0.1))
    >>> print(f"{bound.value:.4f}", bound.proven, bound.partition)
    0.4734 True None
    """
    return _bound(p, _isoperimetric_sum(_as_probabilities(p)))


def gamma_bound(p: Any) -> RadiusBound:
    r"""Bound the mean class radius by :math:`\gamma(\|p\|^2)`, the theorem of the source.

    The source assumes :math:`p_i \le 1/5`; it holds whenever :math:`\max_i p_i \le 0.9054` (erratum 19).

    Parameters
    ----------
    p : array_like, shape (K,), or ClassProbabilities

    Returns
    -------
    RadiusBound

    Raises
    ------
    ValueError
        If p is not a vector of probabilities that add up to 1.

    References
    ----------
    ClassRadius, theorem.

    Examples
    --------
    >>> for p in (np.full(10, 0.1), [0.5, 0.5], [0.99, 0.01]):
    ...     bound = gamma_bound(p)
    ...     print(f"{bound.value:.4f}", bound.decay, bound.proven)
    1.5681 True True
    1.8384 False True
    -6.9056 False False
    """
    return _bound(p, float(gamma(collision_probability(p))))


def kappa_bound(p: Any) -> RadiusBound:
    r"""Bound the mean class radius by :math:`\kappa(\|p\|^2)`: as simple as the source's bound, and lower.

    It holds whenever :math:`\max_i p_i \le 0.2731`, where :math:`\kappa` is concave; for equal classes it is the
    isoperimetric sum, and under the source's assumption it is at most a third of the source's bound (erratum 20).

    Parameters
    ----------
    p : array_like, shape (K,), or ClassProbabilities

    Returns
    -------
    RadiusBound

    Raises
    ------
    ValueError
        If p is not a vector of probabilities that add up to 1.

    Examples
    --------
    >>> print(f"{kappa_bound(np.full(10, 0.1)).value:.4f}")
    0.4734
    >>> for note in kappa_bound([0.6, 0.4]).notes:
    ...     print(note)
    the source assumes p_i <= 1/5, the largest is 0.6
    the value is below the isoperimetric sum 0.823354, so that it need not be a bound
    """
    return _bound(p, float(kappa(collision_probability(p))))


def _isoperimetric_sum(p: np.ndarray) -> float:
    return float(np.sum(p * kappa(p)))


def _bound(p: Any, value: float) -> RadiusBound:
    """Say what holds of an upper bound, next to the isoperimetric sum."""
    partition = p.hole_share == 0 if isinstance(p, ClassProbabilities) else None
    vector = _as_probabilities(p)
    largest, exact, notes = float(np.max(vector)), _isoperimetric_sum(vector), []
    enough = value >= exact * (1 - 1e-12)  # equal classes: equal but for rounding
    if largest > DECAY:
        notes.append(f"the source assumes p_i <= 1/5, the largest is {largest:.4g}")
    if not enough:
        notes.append(f"the value is below the isoperimetric sum {exact:.6g}, so that it need not be a bound")
    if partition is False:
        notes.append(f"the classes leave {p.hole_share:.2%} of the latent space in holes, where the bounds end")
    return RadiusBound(value, enough and partition is not False, largest <= DECAY, partition, tuple(notes))


def lipschitz_bound(bound: RadiusBound, lipschitz: float) -> RadiusBound:
    r"""Carry a bound over to the image space: if g is L-Lipschitz, an image of another class is within :math:`L\,r(z)`.

    Parameters
    ----------
    bound : RadiusBound
        Any of the three.
    lipschitz : float
        L, of the generator, at least 0.

    Raises
    ------
    ValueError
        If `lipschitz` is below 0 or not finite.

    References
    ----------
    ClassRadius, "Adversarial examples - a tangential connection".

    Examples
    --------
    >>> print(f"{lipschitz_bound(isoperimetric_bound(np.full(10, 0.1)), 3.0).value:.4f}")
    1.4203
    """
    factor = check_number(lipschitz, "lipschitz", at_least=0)
    return bound._replace(value=factor * bound.value if factor > 0 else 0.0)


def diversity_bound(expected_radius: float, *, bound: str = "gamma") -> DiversityBound:
    r"""Invert a bound: classes of a mean radius R have a collision entropy of at most so much.

    From :math:`R \le \gamma(e^{-H_2})` follows, on the increasing branch, :math:`H_2 \le e^{2w}/(4\pi)` with the root
    :math:`w \ge 1` of :math:`w\,e^{-w} = R / (2\sqrt{2\pi})`; from :math:`R \le \kappa(e^{-H_2})` follows
    :math:`H_2 \le -\log \kappa^{-1}(R)`, which is far sharper, under its own assumption.

    Parameters
    ----------
    expected_radius : float
        R, at least 0; for ``"gamma"`` at most :math:`2\sqrt{2\pi}/e = 1.8443`, its maximum.
    bound : "gamma" or "kappa"

    Returns
    -------
    DiversityBound
        The entropy is infinite for R = 0. For "gamma" it holds for every p: where p leaves the increasing branch
        (:math:`\|p\|^2 > 0.5554`) its entropy is below 0.5880, the least value of this bound. For "kappa" it holds for
        every p if :math:`R \le 0.4474`, and for p with :math:`\max_i p_i \le 0.2731` otherwise.

    Raises
    ------
    ValueError
        If R is outside the domain, or there is no such bound.

    References
    ----------
    ClassRadius, "Inverting yields an upper bound"; erratum 19 for the branch.

    Examples
    --------
    >>> for name in ("gamma", "kappa"):
    ...     found = diversity_bound(0.4, bound=name)
    ...     print(f"{found.entropy:.3f}", found.unconditional)
    188.731 True
    3.280 True
    """
    radius = check_number(expected_radius, "expected_radius", at_least=0)
    notes: tuple[str, ...] = ()
    if bound == "gamma":
        if radius > GAMMA_MAX:
            raise ValueError(
                f"expected_radius: expected at most 2 sqrt(2 pi) / e = {GAMMA_MAX:.6g}, the maximum of gamma, got "
                f"{radius:.6g}; a larger one means holes, or a class of more than {WHOLE:.4f} of the probability"
            )
        # With log(4 pi H) = 2 w, gamma = R is w - log w = c: two roots, and w >= 1 is the one of the rising branch.
        c = max(math.log(2 * math.sqrt(2 * math.pi) / radius), 1.0) if radius > 0 else math.inf
        w = brentq(lambda w: w - math.log(w) - c, 1.0, 2 * c, xtol=1e-15) if c < 345 else math.inf
        entropy = math.exp(2 * w) / (4 * math.pi)  # above e^700, infinite
    elif bound == "kappa":
        if radius < 1e-150:  # beyond, the square of the quantile is not a float
            entropy = math.inf
        else:  # kappa is below 1/|a| left of 0, and above a right of it
            quantile = brentq(lambda a: float(_kappa_at_quantile(a)) - radius, -2 / radius, radius, xtol=1e-15)
            entropy = max(-float(log_ndtr(quantile)), 0.0)
        if radius > float(kappa(CONCAVE**2)):
            notes = (f"holds for p with max p_i <= {CONCAVE:.4f}; a larger class may break it",)
    else:
        raise ValueError(f'bound: expected "gamma" or "kappa", got {bound!r}')
    return DiversityBound(entropy, math.exp(-entropy), not notes, notes)
