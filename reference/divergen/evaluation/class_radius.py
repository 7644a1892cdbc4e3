r"""The class radius: how far it is, in the latent space, to the nearest point of another class, and what that says.

A generator g turns latents :math:`z \sim N(0, I_d)` into objects, and a classifier of the objects cuts the latent space
into classes :math:`K_1, \ldots, K_K` of probabilities :math:`p_i`. For z in class i,

.. math:: r(z) = \inf\{\|z - z'\| : z' \in K_j,\ j \ne i\}.

Here it is measured, and compared between generators; :mod:`divergen.evaluation.classes` has the classes, and
:mod:`divergen.evaluation.isoperimetry` the bounds that p puts on the mean of r. All their names are here too.

Everything here is computed by NumPy and SciPy on the host. Arrays of other libraries are copied there; probabilities
and bounds come back as NumPy arrays and numbers, radii in the library and dtype of the latents.

Source: ClassRadius; errata 18 to 21.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial import KDTree
from scipy.special import stdtr

from ..arrays import Array, as_points, as_vector, check_number, like, to_numpy
from .classes import (
    ClassProbabilities,
    LabelledLatents,
    Share,
    _as_labels,
    class_probabilities,
    collision_probability,
    hole_share,
    label_latents,
    renyi_entropy,
)
from .isoperimetry import (
    DiversityBound,
    RadiusBound,
    diversity_bound,
    gamma,
    gamma_bound,
    isoperimetric_bound,
    kappa,
    kappa_bound,
    lipschitz_bound,
)

__all__ = [
    "ClassProbabilities", "DiversityBound", "LabelledLatents", "RadiusBound", "RadiusComparison", "Share",
    "class_probabilities", "class_radius", "collision_probability", "compare_class_radius", "diversity_bound", "gamma",
    "gamma_bound", "hole_share", "isoperimetric_bound", "kappa", "kappa_bound", "label_latents", "lipschitz_bound",
    "renyi_entropy",
]


class RadiusComparison(NamedTuple):
    """Which of two generators is less diverse, going by their mean class radii.

    Attributes
    ----------
    less_diverse : int
        1 or 2, the generator of the larger mean radius; 0 if the difference is not significant.
    difference, standard_error : float
        Mean radius of the first less that of the second.
    p_value : float
        Of Welch's two-sided t-test.
    """

    less_diverse: int
    difference: float
    standard_error: float
    p_value: float


def class_radius(
    latents: Array, labels: Any, *, queries: Array | None = None, query_labels: Any = None
) -> Array:
    r"""Return each latent's distance to the nearest latent of another class.

    The points stand for the classes, so the distances are at least the true :math:`r(z)` and fall to them as n grows.
    Leave out the latents in holes: they have no class. Cost: a k-d tree for each half of the labels' binary digits,
    :math:`O(n \log n \log K)` in few dimensions; in many, the trees come down to comparing all pairs.

    Parameters
    ----------
    latents : array, shape (n, d)
    labels : array_like of integers or strings, shape (n,)
    queries : array, shape (m, d), optional
        Where to measure; by default at the latents themselves. Independent queries give independent radii, given the
        latents, which the standard error of :func:`compare_class_radius` needs.
    query_labels : array_like, shape (m,)
        The classes of the queries.

    Returns
    -------
    array, shape (n,) or (m,)
        Infinite where no latent is of another class (K = 1: the infimum over no points).

    Raises
    ------
    ValueError
        If the shapes do not fit, a point is not finite, the labels are neither integers nor strings, or only one of
        `queries` and `query_labels` is given.

    References
    ----------
    ClassRadius, notation.

    Examples
    --------
    >>> print(class_radius(np.array([[0.0], [1.0], [5.0]]), ["a", "a", "b"]))
    [5. 4. 4.]
    """
    x = as_points(latents, "latents")
    y = _as_labels(labels, "labels", length=x.shape[0])
    if (queries is None) != (query_labels is None):
        raise ValueError("query_labels: expected together with queries, got only one of the two")
    at = x if queries is None else as_points(queries, "queries", dim=x.shape[1])
    at_y = y if queries is None else _as_labels(query_labels, "query_labels", length=at.shape[0])
    if (y.dtype.kind == "U") != (at_y.dtype.kind == "U"):
        raise ValueError(f"query_labels: expected labels of the same kind, got {at_y.dtype} with {y.dtype}")
    if y.dtype.kind != at_y.dtype.kind:  # NumPy would make floats of signed and unsigned integers
        y, at_y = y.astype(object), at_y.astype(object)
    points, places = (to_numpy(v).astype(np.float64) for v in (x, at))
    # Squares of very large or small numbers leave the range of floats; a power of 2 brings them back exactly.
    scale = 2.0 ** np.frexp(max(np.max(np.abs(points)), np.max(np.abs(places))))[1].clip(-1000, 1000)
    code = np.unique(np.concatenate([y, at_y]), return_inverse=True)[1]
    code, at_code = code[: y.size], code[y.size :]
    radius = np.full(at_code.size, np.inf)
    # Two labels differ exactly if some binary digit of their numbers does: 2 log2(K) trees instead of K.
    for digit in range(int(max(code.max(), at_code.max())).bit_length()):
        for side in (0, 1):
            there, here = (code >> digit & 1) != side, (at_code >> digit & 1) == side
            if np.any(there) and np.any(here):
                distance = KDTree(points[there] / scale).query(places[here] / scale)[0]
                radius[here] = np.minimum(radius[here], distance)
    return like(radius * scale, at)


def compare_class_radius(first: Any, second: Any, *, significance: float = 0.05) -> RadiusComparison:
    r"""Say which of two generators is less diverse: the one of the larger mean class radius, as the source claims.

    The claim is a rule of thumb: a large radius bounds the diversity from above (:func:`diversity_bound`), but a small
    radius promises nothing (classes in thin stripes have a tiny radius, however few they are).

    Parameters
    ----------
    first, second : array_like, shape (n,) and (m,)
        *Independent* measurements of the class radius of each: radii of independent queries, or means of independent
        runs. The radii of one cloud at its own points depend on each other. A cloud's radii shrink as it grows, so both
        generators need reference clouds of the same size.
    significance : float
        Call it undecided if the p-value is not below this.

    Returns
    -------
    RadiusComparison
        The standard error is :math:`\sqrt{s_1^2/n + s_2^2/m}` with the samples' variances.

    Raises
    ------
    ValueError
        If one of them has fewer than two entries, or an entry is not finite or below 0.

    References
    ----------
    ClassRadius, "Test for diversity"; Welch (1947).

    Examples
    --------
    >>> result = compare_class_radius([0.41, 0.43, 0.40, 0.44], [0.35, 0.36, 0.33, 0.36])
    >>> print(result.less_diverse, f"{result.difference:.3f} +- {result.standard_error:.3f}, p = {result.p_value:.4f}")
    1 0.070 +- 0.012, p = 0.0011
    """
    significance = check_number(significance, "significance", above=0, below=1)
    moments = []
    for r, name in ((first, "first"), (second, "second")):
        r = to_numpy(as_vector(r, name)).astype(np.float64)
        if r.size < 2 or np.min(r) < 0:
            raise ValueError(f"{name}: expected at least two radii, none below 0, got {r.size} from {np.min(r):.6g}")
        moments.append((np.mean(r), np.var(r, ddof=1) / r.size, r.size - 1))
    (mean_1, v_1, df_1), (mean_2, v_2, df_2) = moments
    difference, error = float(mean_1 - mean_2), math.sqrt(v_1 + v_2)
    if error > 0:
        share = v_1 / (v_1 + v_2)
        df = 1 / (share**2 / df_1 + (1 - share) ** 2 / df_2)
        p_value = 2 * float(stdtr(df, -abs(difference) / error))
    else:  # two constants
        p_value = 1.0 if difference == 0 else 0.0
    side = 1 if difference > 0 else 2
    return RadiusComparison(side if p_value < significance else 0, difference, error, p_value)
