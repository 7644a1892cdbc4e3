r"""Toy densities with exact formulas: mixtures of Gaussians in the plane, their densities and bin probabilities.

They are measures (:mod:`divergen.distance.measures`), so they can be sampled, scaled and added. With p and the
probabilities of bins known, a generator's precision-recall curve needs only a histogram of its samples::

    p = ring(8)
    edges = (np.linspace(-3, 3, 61),) * 2
    curve = pr_curve(bin_probabilities(p, edges).ravel(), bin_shares(x, edges).ravel())
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr

from .arrays import Array, as_points, as_vector, check_count, check_number, like, namespace, to_numpy
from .distance.algebra import Combination, Gaussian, Measure

__all__ = ["bin_probabilities", "bin_shares", "grid", "log_density", "ring"]


def ring(n: int = 8, *, radius: float = 2.0, scale: float = 0.1) -> Combination:
    r"""Return n equal Gaussians :math:`N(c_i, s^2 I)` in the plane, their centres evenly spread on a circle.

    Parameters
    ----------
    n : int
        How many.
    radius : float
        Of the circle around 0.
    scale : float
        s, the standard deviation.

    Returns
    -------
    Combination
        Of mass 1.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> p = ring(8, radius=2.0, scale=0.1)
    >>> print(f"{p.mass:.3f} {log_density(p, np.array([[2.0, 0.0]]))[0]:.6f}")
    1.000 0.687852
    """
    n, radius = check_count(n, "n"), check_number(radius, "radius", at_least=0)
    angles = 2 * math.pi * np.arange(n) / n
    return _equal_gaussians(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), scale)


def grid(side: int = 5, *, spacing: float = 1.0, scale: float = 0.05) -> Combination:
    r"""Return side x side equal Gaussians :math:`N(c_{ij}, s^2 I)` in the plane, their centres on a square grid.

    Parameters
    ----------
    side : int
        How many in a row.
    spacing : float
        Between neighbours; the grid is centred at 0.
    scale : float
        s, the standard deviation.

    Returns
    -------
    Combination
        Of mass 1.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> p = grid(5, spacing=1.0, scale=0.05)
    >>> print(f"{p.mass:.3f} {log_density(p, np.array([[2.0, -1.0]]))[0]:.6f}")
    1.000 0.934712
    """
    side, spacing = check_count(side, "side"), check_number(spacing, "spacing", above=0)
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    return _equal_gaussians(np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2), scale)


def _equal_gaussians(centres: np.ndarray, scale: float) -> Combination:
    scale = check_number(scale, "scale", above=0)
    cov = scale**2 * np.eye(2)
    return Combination(tuple((1 / len(centres), Gaussian(centre, cov)) for centre in centres))


def log_density(measure: Measure, x: Array) -> Array:
    r"""Return the logarithm of a measure's density, exactly.

    Parameters
    ----------
    measure : Gaussian or Combination
        A Gaussian with an invertible covariance, or a combination of such with non-negative coefficients.
    x : array, shape (n, d)
        Where.

    Returns
    -------
    array, shape (n,)
        Log of mass per unit of volume; of a mass other than 1, if the measure has one. So far away that its square is
        too large for a number, -inf.

    Raises
    ------
    ValueError
        If the measure has no such density, or x does not fit.

    Examples
    --------
    >>> print(f"{log_density(Gaussian.standard(2), np.zeros((1, 2)))[0]:.6f}")
    -1.837877
    """
    x = as_points(x, "x", dim=measure.dim)
    xp = namespace(x)
    terms = []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # far away
        for weight, gaussian in _gaussians(measure):
            _variances(gaussian)
            y = x - gaussian.mean  # (n, d)
            if gaussian._axes is not None:
                y = xp.matmul(y, gaussian._axes)
            constant = math.log(weight) - float(xp.sum(xp.log(2 * math.pi * gaussian._variances))) / 2
            terms.append(constant - xp.sum(y * (y / gaussian._variances), axis=1) / 2)
        rows = xp.stack(terms)  # (terms, n)
        rows = xp.where(xp.isnan(rows), -xp.inf, rows)  # of a finite x: where oblique axes meet inf - inf
        top = xp.max(rows, axis=0)
        top = xp.where(xp.isinf(top), xp.zeros_like(top), top)
        return top + xp.log(xp.sum(xp.exp(rows - top), axis=0))


def bin_probabilities(measure: Measure, edges: Sequence[Array]) -> Array:
    r"""Return the exact mass of a measure in each bin of a rectangular grid.

    .. math:: \sum_i w_i \prod_j \Bigl[ \Phi\Bigl(\frac{b_j - m_{ij}}{s_{ij}}\Bigr)
        - \Phi\Bigl(\frac{a_j - m_{ij}}{s_{ij}}\Bigr) \Bigr]

    Differences of :math:`\Phi` are taken in the lower tail, where nothing cancels. What lies below the first and above
    the last edge belongs to the outermost bins, which reach to infinity: the sum is the measure's mass.

    Parameters
    ----------
    measure : Gaussian or Combination
        As for :func:`log_density`, with axes along the coordinates.
    edges : sequence of d arrays
        Increasing, at least two for each coordinate.

    Returns
    -------
    array, shape (m_1, ..., m_d)
        One axis for each coordinate, one entry for each bin.

    Raises
    ------
    ValueError
        If the measure has no such density or oblique axes, or the edges do not fit.

    Examples
    --------
    >>> print(" ".join(f"{x:.6f}" for x in bin_probabilities(Gaussian.standard(1), [np.array([-9.0, 0.0, 1.0, 9.0])])))
    0.500000 0.341345 0.158655
    """
    inner = [edge[1:-1] for edge in _edges(edges, measure.dim)]
    total = np.zeros([len(edge) + 1 for edge in inner])
    parts = _gaussians(measure)
    for weight, gaussian in parts:
        if gaussian._axes is not None:
            raise ValueError("measure: expected Gaussians with axes along the coordinates, got a covariance that is "
                             "not diagonal")
        mean, deviation = to_numpy(gaussian.mean), np.sqrt(_variances(gaussian))
        product = np.full((), weight)
        for edge, m, s in zip(inner, mean, deviation, strict=True):
            t = np.concatenate([[-np.inf], (edge - m) / s, [np.inf]])
            low, high = t[:-1], t[1:]
            upper = low > 0
            product = np.multiply.outer(product, ndtr(np.where(upper, -low, high)) - ndtr(np.where(upper, -high, low)))
        total += product
    return like(total, parts[0][1].mean)


def bin_shares(x: Array, edges: Sequence[Array]) -> Array:
    """Return the share of points in each bin of :func:`bin_probabilities`: a histogram whose outermost bins are open.

    Parameters
    ----------
    x : array, shape (n, d)
    edges : sequence of d arrays
        Increasing, at least two for each coordinate. A point on an edge belongs to the bin above it.

    Returns
    -------
    array, shape (m_1, ..., m_d)
        With sum 1, in the library of x.

    Raises
    ------
    ValueError
        If x is no array of finite points, or the edges do not fit.

    Examples
    --------
    >>> print(bin_shares(np.array([[-5.0], [0.5], [0.7], [9.0]]), [np.array([-1.0, 0.0, 1.0])]))
    [0.25 0.75]
    """
    x = as_points(x, "x")
    inner = [edge[1:-1] for edge in _edges(edges, x.shape[1])]
    host = to_numpy(x)
    shape = [len(edge) + 1 for edge in inner]
    places = [np.searchsorted(edge, host[:, j], side="right") for j, edge in enumerate(inner)]
    counts = np.bincount(np.ravel_multi_index(places, shape), minlength=math.prod(shape)).reshape(shape)
    xp = namespace(x)
    return xp.asarray(counts / len(host), dtype=xp.float64, device=x.device)


def _gaussians(measure: Measure) -> list[tuple[float, Gaussian]]:
    """Return a measure as a combination of Gaussians with positive coefficients."""
    found: list[tuple[float, Gaussian]] = []
    for weight, part in measure._terms:
        if weight < 0:
            raise ValueError(f"measure: expected coefficients of at least 0, got {weight:.6g}")
        if isinstance(part, Gaussian):
            found.append((weight, part))
        elif isinstance(part, Combination):
            found += [(weight * inner, gaussian) for inner, gaussian in _gaussians(part)]
        else:
            raise ValueError(f"measure: expected Gaussians and combinations of them, got {type(part).__name__}")
    found = [(weight, gaussian) for weight, gaussian in found if weight > 0]
    if not found:
        raise ValueError("measure: expected a measure of positive mass, got one of mass 0")
    return found


def _variances(gaussian: Gaussian) -> np.ndarray:
    """Return the variances along the axes, all of them positive."""
    variances = to_numpy(gaussian._variances)
    if not variances.min() > 0:
        raise ValueError("measure: expected Gaussians with invertible covariances, got a singular one")
    return variances


def _edges(edges: Sequence[Array], dim: int) -> list[np.ndarray]:
    if len(edges) != dim:
        raise ValueError(f"edges: expected {dim} arrays, one for each coordinate, got {len(edges)}")
    checked = []
    for j, edge in enumerate(edges):
        values = to_numpy(as_vector(edge, f"edges[{j}]"))
        if len(values) < 2 or not np.all(np.diff(values) > 0):
            raise ValueError(f"edges[{j}]: expected at least two increasing numbers")
        checked.append(values)
    return checked
