r"""Measures you can add: Diracs, Gaussians, and their signed combinations.

``2 * mu - nu`` is a measure. A Gaussian mixture is ``sum(w * Gaussian(...))``, and the target of history-aware
compression is ``((n + k) * mu - n * Diracs(history)) * (1 / k)``. Of a measure one needs its mass, draws from it, and
its potential :math:`U_\mu(x) = \int h(x - y)\,\mu(dy)` with the gradient; mass and potential are linear in the measure.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from ..arrays import (
    Array,
    as_covariance,
    as_points,
    as_vector,
    as_weights,
    check_count,
    check_number,
    check_rng,
    is_chunked,
    like,
    namespace,
    to_numpy,
)
from . import energy, gaussian
from .chunked import ALL_PAIRS, as_chunked_cloud, chunked_draws, chunked_integral, chunked_masses, chunked_pair_energy
from .kernels import HuberEnergy, Kernel

__all__ = ["Combination", "Diracs", "Gaussian", "Measure", "Sampled"]

NO_POTENTIAL = (
    "measure: expected measures with a known potential, got Sampled, which can only be drawn from; "
    "take Diracs(measure.sample(n, rng)) for an estimate"
)


class Measure(ABC):
    """A signed measure on R^dim: knows its mass, its potential, and how to draw from itself.

    Measures are immutable. ``+``, ``-`` and ``*`` by a number give signed combinations of them.
    """

    __array_ufunc__ = None  # so that a NumPy scalar times a measure is left to the measure

    @property
    @abstractmethod
    def mass(self) -> float:
        """The total mass, positive parts minus negative ones."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """The dimension of the space."""

    @abstractmethod
    def potential(self, x: Array, kernel: Kernel = HuberEnergy(), *, workers: int = 1) -> Array:
        r"""Return :math:`U(x) = \int h(x - y)\,m(dy)`, m this measure, at each row of x: shape (n,)."""

    @abstractmethod
    def potential_and_gradient(
        self, x: Array, kernel: Kernel = HuberEnergy(), *, workers: int = 1
    ) -> tuple[Array, Array]:
        """Return the potential, shape (n,), and its gradient, shape (n, dim), at each row of x."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n points, shape (n, dim), independently from this measure over its mass; positive measures only."""

    def minibatch(self, n: int, rng: np.random.Generator) -> Measure:
        """Return a random measure of Diracs whose mean is this measure, and whose mass is its mass exactly.

        Terms of at most n Diracs are kept as they are: that costs nothing, and adds no noise. What is left is replaced
        by n independent draws for its positive and, if there is one, n for its negative part.
        """
        n, rng = check_count(n, "n"), check_rng(rng)
        kept: list[tuple[float, Measure]] = []
        drawn: list[tuple[float, Measure]] = []
        for term in self._terms:
            few = isinstance(term[1], Diracs) and term[1].points.shape[0] <= n
            (kept if few or term[0] == 0 else drawn).append(term)
        for sign in (1.0, -1.0):
            part = _part(drawn, sign)
            if part is not None:
                points = part.sample(n, rng)
                kept.append((sign, Diracs(points, like(np.full(n, part.mass / n), points))))
        return kept[0][1] if len(kept) == 1 and kept[0][0] == 1 else Combination(tuple(kept))

    @property
    def _terms(self) -> tuple[tuple[float, Measure], ...]:
        """The measure as a combination of measures that are none."""
        return ((1.0, self),)

    def __add__(self, other: Any) -> Measure:
        if isinstance(other, Real) and other == 0:  # so that sum(...) works
            return self
        if not isinstance(other, Measure):
            return NotImplemented
        if other.dim != self.dim:
            raise ValueError(f"+: expected two measures of one dimension, got dimensions {self.dim} and {other.dim}")
        return Combination(self._terms + other._terms)

    __radd__ = __add__

    def __mul__(self, factor: Any) -> Measure:
        if not isinstance(factor, Real):
            return NotImplemented
        factor = check_number(factor, "factor")
        return Combination(tuple((factor * weight, measure) for weight, measure in self._terms))

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Measure:
        if not isinstance(divisor, Real):
            return NotImplemented
        if divisor == 0:
            raise ValueError("divisor: expected a number other than 0, got 0")
        return self * (1.0 / divisor)

    def __neg__(self) -> Measure:
        return self * -1.0

    def __sub__(self, other: Any) -> Measure:
        if not isinstance(other, Measure):
            return NotImplemented
        return self + (-1.0) * other


@dataclass(frozen=True, eq=False)
class Diracs(Measure):
    r"""The measure :math:`\sum_j w_j \delta_{y_j}`: weighted points.

    Parameters
    ----------
    points : array or dask array, shape (n, dim)
        :math:`y`. A Dask array fits on no machine: it stays where it is, in chunks of rows, and its numbers are looked
        at when something is computed with them.
    weights : array or dask array, shape (n,), optional
        w, of any sign; 1/n each if not given (in chunks they stay None).

    Raises
    ------
    ValueError
        On points or weights that are not finite numbers of these shapes.

    References
    ----------
    Turinici2022old, eq. (4) for equal weights; eq. (3) for signed ones.

    Examples
    --------
    >>> import numpy as np
    >>> print(f"{Diracs(np.array([[0.0], [1.0]])).mass:.1f}")
    1.0
    """

    points: Array
    weights: Array = None
    _energies: dict[Kernel, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if is_chunked(self.points):
            points, weights = as_chunked_cloud(self.points, self.weights)
        else:
            points = as_points(self.points, squared=True)
            weights = as_weights(self.weights, points)
            xp = namespace(points)  # copies: what happens to the caller's arrays later is not our measure's business
            points, weights = xp.asarray(points, copy=True), xp.asarray(weights, copy=True)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "_energies", {})

    @property
    def chunked(self) -> bool:
        """Whether the points are a Dask array."""
        return is_chunked(self.points)

    @functools.cached_property
    def _masses(self) -> tuple[np.ndarray, float]:
        """The mass of each chunk, and the smallest weight."""
        return chunked_masses(self.points, self.weights)

    @functools.cached_property
    def mass(self) -> float:
        if self.chunked:
            return float(self._masses[0].sum())
        return float(namespace(self.weights).sum(self.weights, dtype=namespace(self.weights).float64))

    @property
    def dim(self) -> int:
        return self.points.shape[1]

    def self_energy(self, kernel: Kernel = HuberEnergy(), *, workers: int = 1, limit: int = ALL_PAIRS) -> float:
        r"""Return :math:`\sum_{i,j} w_i w_j h(y_i - y_j)`; computed once for each kernel.

        In chunks that is refused for more than `limit` points.
        """
        if kernel not in self._energies:
            self._energies[kernel] = energy.self_energy(
                self.points, self.weights, kernel, workers=workers, limit=limit
            )
        return self._energies[kernel]

    def has_self_energy(self, kernel: Kernel = HuberEnergy()) -> bool:
        """Tell whether :meth:`self_energy` is known, or will be computed unasked."""
        return not self.chunked or self.points.shape[0] <= ALL_PAIRS or kernel in self._energies

    def energy_with(self, measure: Measure, kernel: Kernel = HuberEnergy(), *, workers: int = 1) -> float:
        r"""Return :math:`\sum_j w_j U(y_j)`, U the potential of the other measure: the double integral of h."""
        if not self.chunked:
            xp = namespace(self.points)
            return float(xp.sum(self.weights * measure.potential(self.points, kernel, workers=workers),
                                dtype=xp.float64))
        if isinstance(measure, Diracs) and measure.chunked:
            clouds = (self.points, self.weights), (measure.points, measure.weights)
            return chunked_pair_energy(*clouds, kernel, workers)
        return chunked_integral(self.points, self.weights, measure, kernel, workers)

    def potential(self, x: Array, kernel: Kernel = HuberEnergy(), *, workers: int = 1) -> Array:
        x = as_points(x, "x", dim=self.dim, squared=True)
        return energy.potential(x, self.points, self.weights, kernel, workers=workers)

    def potential_and_gradient(
        self, x: Array, kernel: Kernel = HuberEnergy(), *, workers: int = 1
    ) -> tuple[Array, Array]:
        x = as_points(x, "x", dim=self.dim, squared=True)
        return energy.potential_and_gradient(x, self.points, self.weights, kernel, workers=workers)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        n, rng = check_count(n, "n"), check_rng(rng)
        if self.chunked:
            totals, smallest = self._masses
            if smallest < 0 or totals.sum() <= 0:
                raise ValueError(f"sample: expected a positive measure, got the weight {smallest:.6g}")
            return chunked_draws(self.points, self.weights, None if self.weights is None else totals, n, rng)
        xp = namespace(self.points)
        weights = to_numpy(self.weights).astype(np.float64)
        if weights.min() < 0 or weights.sum() <= 0:
            raise ValueError(f"sample: expected a positive measure, got the weight {weights.min():.6g}")
        chosen = rng.choice(weights.shape[0], size=n, p=weights / weights.sum())
        return xp.take(self.points, xp.asarray(chosen, device=self.points.device), axis=0)


@dataclass(frozen=True, eq=False)
class Gaussian(Measure):
    r"""The normal distribution N(m, S), of mass 1.

    Parameters
    ----------
    mean : array, shape (dim,)
        :math:`m`.
    cov : array, shape (dim, dim)
        S, symmetric positive semidefinite; singular ones too.

    Raises
    ------
    ValueError
        If the mean is not a finite vector, or the matrix not a covariance of its dimension.

    References
    ----------
    Turinici2023, eq. (2): the ideal latent distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from divergen import HuberEnergy
    >>> print(f"{Gaussian.standard(2).potential(np.zeros((1, 2)), HuberEnergy(a=0))[0]:.6f}")
    1.253314
    """

    mean: Array
    cov: Array
    _variances: Array = field(init=False, repr=False)  # S = _axes diag(_variances) _axes^T, diagonalised once
    _axes: Array | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        mean = as_vector(self.mean, "mean")
        as_points(mean[None, :], "mean", squared=True)
        namespace(mean, self.cov)
        variances, axes, cov = as_covariance(self.cov, mean.shape[0])
        xp = namespace(mean)
        for name, value in (("mean", mean), ("cov", cov), ("_variances", variances), ("_axes", axes)):
            object.__setattr__(self, name, None if value is None else xp.asarray(value, copy=True))

    @classmethod
    def standard(cls, dim: int, *, like: Array | None = None) -> Gaussian:
        """Return N(0, I) in `dim` dimensions, in the library, dtype and device of `like` (NumPy float64 if None)."""
        dim = check_count(dim, "dim")
        like = np.zeros(0) if like is None else like
        xp = namespace(like)
        return cls(
            xp.zeros((dim,), dtype=like.dtype, device=like.device), xp.eye(dim, dtype=like.dtype, device=like.device)
        )

    @property
    def mass(self) -> float:
        return 1.0

    @property
    def dim(self) -> int:
        return self.mean.shape[0]

    def potential(self, x: Array, kernel: Kernel = HuberEnergy(), *, workers: int = 1) -> Array:
        x = as_points(x, "x", dim=self.dim, squared=True)
        return gaussian._in_eigenbasis(x, self.mean, self._variances, self._axes, kernel, False)[0]

    def potential_and_gradient(
        self, x: Array, kernel: Kernel = HuberEnergy(), *, workers: int = 1
    ) -> tuple[Array, Array]:
        x = as_points(x, "x", dim=self.dim, squared=True)
        value, gradient = gaussian._in_eigenbasis(x, self.mean, self._variances, self._axes, kernel, True)
        return value, gradient

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        n, rng = check_count(n, "n"), check_rng(rng)
        xp = namespace(self.mean)
        z = like(rng.standard_normal((n, self.dim)), self.mean) * xp.sqrt(self._variances)  # (n, dim)
        if self._axes is not None:
            z = z @ xp.permute_dims(self._axes, (1, 0))
        return z + self.mean


class Sampled(Measure):
    r"""A probability known only through its draws: a generator, a simulator, a data loader.

    Parameters
    ----------
    draw : callable
        ``draw(n, rng)`` returns n independent points, shape (n, dim).
    dim : int
        The dimension of the space.

    Raises
    ------
    ValueError
        If `draw` cannot be called or dim < 1; later, if `draw` returns something else than n points of that dimension,
        and from `potential` and `potential_and_gradient`, which draws alone do not give.

    References
    ----------
    Turinici2022image, algorithm TC: the target is asked for samples and for nothing else.

    Examples
    --------
    >>> import numpy as np
    >>> cube = Sampled(lambda n, rng: rng.random((n, 3)), dim=3)
    >>> print(f"{cube.sample(10_000, np.random.default_rng(0)).mean():.2f}")
    0.50
    """

    def __init__(self, draw: Callable[[int, np.random.Generator], Array], dim: int) -> None:
        if not callable(draw):
            raise ValueError(f"draw: expected a function draw(n, rng), got {draw!r}")
        self._draw, self._dim = draw, check_count(dim, "dim")

    @property
    def mass(self) -> float:
        return 1.0

    @property
    def dim(self) -> int:
        return self._dim

    def potential(self, x: Array, kernel: Kernel = HuberEnergy(), *, workers: int = 1) -> Array:
        raise ValueError(NO_POTENTIAL)

    def potential_and_gradient(
        self, x: Array, kernel: Kernel = HuberEnergy(), *, workers: int = 1
    ) -> tuple[Array, Array]:
        raise ValueError(NO_POTENTIAL)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        n, rng = check_count(n, "n"), check_rng(rng)
        points = as_points(self._draw(n, rng), "draw(n, rng)", dim=self.dim)
        if points.shape[0] != n:
            raise ValueError(f"draw(n, rng): expected {n} points, got {points.shape[0]}")
        return points


@dataclass(frozen=True, eq=False)
class Combination(Measure):
    r"""A signed combination :math:`\sum_i c_i \mu_i`; made by ``+``, ``-`` and ``*`` rather than by hand.

    Parameters
    ----------
    terms : tuple of (float, Measure)
        Coefficients and measures of one dimension, at least one.

    Raises
    ------
    ValueError
        If there are no terms.

    References
    ----------
    Turinici2022old, eq. (1): the signed target.

    Examples
    --------
    >>> import numpy as np
    >>> signed = 2 * Gaussian.standard(1) - Diracs(np.zeros((1, 1)))
    >>> print(f"{signed.mass:.1f}")
    1.0
    """

    terms: tuple[tuple[float, Measure], ...]

    def __post_init__(self) -> None:
        if not self.terms:
            raise ValueError("terms: expected at least one term, got none")

    @property
    def _terms(self) -> tuple[tuple[float, Measure], ...]:
        return self.terms

    @property
    def mass(self) -> float:
        return float(sum(weight * measure.mass for weight, measure in self.terms))

    @property
    def dim(self) -> int:
        return self.terms[0][1].dim

    def potential(self, x: Array, kernel: Kernel = HuberEnergy(), *, workers: int = 1) -> Array:
        parts = [weight * measure.potential(x, kernel, workers=workers) for weight, measure in self.terms]
        return functools.reduce(lambda a, b: a + b, parts)

    def potential_and_gradient(
        self, x: Array, kernel: Kernel = HuberEnergy(), *, workers: int = 1
    ) -> tuple[Array, Array]:
        parts = [(weight, m.potential_and_gradient(x, kernel, workers=workers)) for weight, m in self.terms]
        value = functools.reduce(lambda a, b: a + b, [weight * part[0] for weight, part in parts])
        gradient = functools.reduce(lambda a, b: a + b, [weight * part[1] for weight, part in parts])
        return value, gradient

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        n, rng = check_count(n, "n"), check_rng(rng)
        masses = np.array([weight * measure.mass for weight, measure in self.terms])
        if masses.min() < 0 or masses.sum() <= 0:
            raise ValueError(f"sample: expected a positive measure, got one with a term of mass {masses.min():.6g}")
        counts = rng.multinomial(n, masses / masses.sum())
        drawn = [m.sample(int(count), rng) for (_, m), count in zip(self.terms, counts, strict=True) if count]
        if len(drawn) == 1:
            return drawn[0]
        xp = namespace(*drawn)
        order = xp.asarray(rng.permutation(n), device=drawn[0].device)  # any part of the draws is a sample too
        return xp.take(xp.concat(drawn), order, axis=0)


def _part(signed_terms: Sequence[tuple[float, Measure]], sign: float) -> Combination | None:
    """Return the positive (sign = 1) or negative (sign = -1) part as a positive measure, or None if there is none.

    The parts are those of the terms: what overlaps is not cancelled.
    """
    terms: list[tuple[float, Measure]] = []
    for weight, m in signed_terms:
        if isinstance(m, Diracs) and m.chunked and m._masses[1] < 0:
            share = Diracs(m.points, (sign * weight * m.weights).clip(0, None))
            if share.mass > 0:
                terms.append((1.0, share))
        elif isinstance(m, Diracs) and not m.chunked:
            xp = namespace(m.weights)
            share = sign * weight * m.weights
            share = xp.where(share > 0, share, xp.zeros_like(share))
            if bool(xp.any(share > 0)):
                terms.append((1.0, Diracs(m.points, share)))
        elif sign * weight > 0:
            terms.append((abs(weight), m))
    return Combination(tuple(terms)) if terms else None
