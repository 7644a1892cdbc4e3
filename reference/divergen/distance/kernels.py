r"""Conditionally negative definite kernels, and the Gaussian mixture inside each of them.

A kernel here is a function :math:`h` of the displacement between two points, and depends on it through the squared
radius :math:`s = \|x - y\|^2` alone. It is *conditionally negative definite* if

.. math:: \sum_{i,j} p_i p_j\, h(x_i - x_j) \le 0 \qquad\text{whenever}\qquad \sum_i p_i = 0,

which is what makes the distance of :mod:`divergen.distance.energy` the square of something real. All kernels of the
sources have this property for one reason (Schoenberg 1938): each is a positive mixture of Gaussians,

.. math:: h(s) = \int_0^\infty \bigl(1 - e^{-ts}\bigr)\, \nu(dt), \qquad \nu \ge 0,

and :math:`-e^{-ts}` is minus a positive definite function. The same mixture gives the expectation of any of them under
any Gaussian as one integral over t: see :mod:`divergen.distance.gaussian`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from ..arrays import Array, check_number, namespace

__all__ = ["HuberEnergy", "Kernel", "PowerKernel", "RationalKernel"]

LARGEST_A = 1e150  # so that a^2 is a float


class Kernel(ABC):
    """A conditionally negative definite kernel as a function of the squared radius.

    Subclasses are frozen dataclasses. They vanish exactly at 0, grow without bound, and give the density of their
    Gaussian mixture.
    """

    a: float

    @property
    @abstractmethod
    def exponent(self) -> float:
        r"""The :math:`\beta \in (0, 1)` for which the mixture behaves as :math:`t^{-1-\beta}` at small t."""

    @abstractmethod
    def value(self, squared_radius: Array) -> Array:
        """Return h(s), elementwise, for s >= 0; exactly 0 at s = 0."""

    @abstractmethod
    def derivative(self, squared_radius: Array) -> Array:
        r"""Return dh/ds, elementwise.

        The gradient of :math:`x \mapsto h(\|x\|^2)` is :math:`2 h'(\|x\|^2)\, x`. Where a = 0 the kernel has a
        kink (or a cusp) at s = 0 and dh/ds is infinite there; 0 is returned, so that the product is the subgradient 0.
        """

    def value_and_derivative(self, squared_radius: Array) -> tuple[Array, Array]:
        """Return h(s) and dh/ds together, sharing what can be shared."""
        return self.value(squared_radius), self.derivative(squared_radius)

    @abstractmethod
    def mixture_factor(self, t: Array) -> Array:
        r"""Return :math:`t^{1+\beta}\,\nu(t)`: the mixture without its power, finite at t = 0 and decaying if a > 0."""

    def mixture_density(self, t: Array) -> Array:
        r"""Return the density :math:`\nu(t)`, t > 0, of the mixture :math:`h(s) = \int (1 - e^{-ts}) \nu(t) dt`."""
        return self.mixture_factor(t) * t ** (-1 - self.exponent)


def check_kernel(kernel: Any) -> Kernel:
    """Return `kernel`; raise ValueError if it is none."""
    if not isinstance(kernel, Kernel):
        raise ValueError(f"kernel: expected a kernel, such as HuberEnergy(a=0), got {kernel!r}")
    return kernel


def _positive_or_one(x: Array) -> tuple[Array, Array]:
    """Return x with its zeros replaced by 1, and where they were: quotients then need no warning to be silenced."""
    xp = namespace(x)
    zero = x <= 0
    return xp.where(zero, xp.ones_like(x), x), zero


def _zero_where(mask: Array, x: Array) -> Array:
    xp = namespace(x)
    return xp.where(mask, xp.zeros_like(x), x)


@dataclass(frozen=True)
class HuberEnergy(Kernel):
    r"""The Huber-energy kernel :math:`h(x) = \sqrt{\|x\|^2 + a^2} - a`.

    It is the energy kernel :math:`\|x\|` for a = 0 (Gini, Szekely) with its kink rounded off at the scale a.

    Parameters
    ----------
    a : float
        The scale of the rounding, a >= 0, in the units of the points.

    Raises
    ------
    ValueError
        If a is negative, not a finite number or beyond 1e150.

    Notes
    -----
    Computed as :math:`s / (\sqrt{s + a^2} + a)`, which does not cancel at small radii. The mixture is
    :math:`\nu(t) = e^{-a^2 t}\, t^{-3/2} / (2\sqrt\pi)`.

    References
    ----------
    Turinici2023, the choice of h under the theorem of Schoenberg and Micchelli; Turinici2022image, eq. (1).

    Examples
    --------
    >>> import numpy as np
    >>> print(f"{HuberEnergy(a=0).value(np.array(25.0)):.3f} {HuberEnergy(a=12).value(np.array(25.0)):.3f}")
    5.000 1.000
    """

    a: float = 1e-6

    def __post_init__(self) -> None:
        object.__setattr__(self, "a", check_number(self.a, "a", at_least=0, below=LARGEST_A))

    @property
    def exponent(self) -> float:
        return 0.5

    def value(self, squared_radius: Array) -> Array:
        xp = namespace(squared_radius)
        if self.a == 0:
            return xp.sqrt(squared_radius)
        root = xp.sqrt(squared_radius + self.a**2)
        root += self.a
        return squared_radius / root

    def derivative(self, squared_radius: Array) -> Array:
        return self.value_and_derivative(squared_radius)[1]

    def value_and_derivative(self, squared_radius: Array) -> tuple[Array, Array]:
        xp = namespace(squared_radius)
        root = xp.sqrt(squared_radius + self.a**2) if self.a > 0 else xp.sqrt(squared_radius)
        value = root if self.a == 0 else squared_radius / (root + self.a)
        if self.a**2 >= xp.finfo(squared_radius.dtype).smallest_normal:  # the root cannot vanish
            return value, 0.5 / root
        infinity = xp.full_like(root, math.inf)  # 1/inf = 0: the subgradient at the kink
        return value, 0.5 / xp.where(root > 0, root, infinity)

    def mixture_factor(self, t: Array) -> Array:
        xp = namespace(t)
        return xp.exp(-(self.a**2) * t) / (2 * math.sqrt(math.pi))


@dataclass(frozen=True)
class PowerKernel(Kernel):
    r"""The power kernel :math:`h(x) = (a^2 + \|x\|^2)^\alpha - a^{2\alpha}`.

    Parameters
    ----------
    a : float
        The scale below which the kernel is smooth, a >= 0.
    alpha : float
        The exponent, in the open interval (0, 1); 1/2 is :class:`HuberEnergy`.

    Raises
    ------
    ValueError
        If a is negative or beyond 1e150, or alpha is not inside (0, 1).

    Notes
    -----
    Computed as :math:`a^{2\alpha}\,\mathrm{expm1}(\alpha\,\mathrm{log1p}(s/a^2))` for small s. The mixture is
    :math:`\nu(t) = \frac{\alpha}{\Gamma(1-\alpha)} e^{-a^2 t}\, t^{-1-\alpha}`.

    References
    ----------
    Turinici2023, theorem of Schoenberg and Micchelli, first family.

    Examples
    --------
    >>> import numpy as np
    >>> print(f"{PowerKernel(a=0, alpha=0.25).value(np.array(16.0)):.3f}")
    2.000
    """

    a: float
    alpha: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "a", check_number(self.a, "a", at_least=0, below=LARGEST_A))
        object.__setattr__(self, "alpha", check_number(self.alpha, "alpha", above=0, below=1))

    @property
    def exponent(self) -> float:
        return self.alpha

    def value(self, squared_radius: Array) -> Array:
        xp = namespace(squared_radius)
        if self.a == 0:
            return squared_radius**self.alpha
        zero = xp.zeros_like(squared_radius)
        base = self.a ** (2 * self.alpha)
        # Up to alpha log(1 + s/a^2) = 1 the difference of powers cancels and expm1 does not; beyond, it is the other
        # way round: the error of expm1 grows with its argument.
        near = squared_radius < self.a * self.a * math.expm1(min(1 / self.alpha, 700.0))
        small, large = xp.where(near, squared_radius, zero), xp.where(near, zero, squared_radius)
        grown = base * xp.expm1(self.alpha * xp.log1p(small / self.a / self.a))
        return xp.where(near, grown, (large + self.a**2) ** self.alpha - base)

    def derivative(self, squared_radius: Array) -> Array:
        # alpha is the float that was given; alpha - 1 would be rounded, and a power of small numbers feels it.
        safe, zero = _positive_or_one(squared_radius + self.a**2)
        return _zero_where(zero, self.alpha * safe**self.alpha / safe)

    def mixture_factor(self, t: Array) -> Array:
        xp = namespace(t)
        return self.alpha / math.gamma(1 - self.alpha) * xp.exp(-(self.a**2) * t)


@dataclass(frozen=True)
class RationalKernel(Kernel):
    r"""The rational kernel :math:`h(x) = \|x\|^2 / (a^2 + \|x\|^2)^\alpha`.

    Parameters
    ----------
    a : float
        The scale below which the kernel is a parabola, a >= 0.
    alpha : float
        The exponent, in the open interval (0, 1).

    Raises
    ------
    ValueError
        If a is negative or beyond 1e150, or alpha is not inside (0, 1).

    Notes
    -----
    The mixture is :math:`\nu(t) = \bigl[\frac{1-\alpha}{\Gamma(\alpha)} t^{\alpha-2} + \frac{a^2}{\Gamma(\alpha)}
    t^{\alpha-1}\bigr] e^{-a^2 t}`.

    References
    ----------
    Turinici2023, theorem of Schoenberg and Micchelli, second family.

    Examples
    --------
    >>> import numpy as np
    >>> print(f"{RationalKernel(a=3, alpha=0.5).value(np.array(16.0)):.3f}")
    3.200
    """

    a: float
    alpha: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "a", check_number(self.a, "a", at_least=0, below=LARGEST_A))
        object.__setattr__(self, "alpha", check_number(self.alpha, "alpha", above=0, below=1))

    @property
    def exponent(self) -> float:
        return 1 - self.alpha

    def value(self, squared_radius: Array) -> Array:
        safe, _ = _positive_or_one(squared_radius + self.a**2)
        return squared_radius / safe**self.alpha

    def derivative(self, squared_radius: Array) -> Array:
        safe, zero = _positive_or_one(squared_radius + self.a**2)
        slope = (self.a**2 + (1 - self.alpha) * squared_radius) / safe
        return _zero_where(zero, slope / safe**self.alpha)

    def mixture_factor(self, t: Array) -> Array:
        xp = namespace(t)
        beta = 1 - self.alpha
        return beta / math.gamma(1 - beta) * (1 + self.a**2 / beta * t) * xp.exp(-(self.a**2) * t)
