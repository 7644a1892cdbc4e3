"""Kernels against mpmath, their Gaussian mixture, and finite differences of nothing but the definition."""

import math

import mpmath
import numpy as np
import pytest

import divergen as dg
from divergen.equations import turinici2023

SQUARED_RADII = [0.0, 1e-300, 1e-30, 1e-16, 1e-12, 1e-8, 1e-3, 0.3, 1.0, 17.0, 1e6, 1e30]
FAMILY = [
    (dg.HuberEnergy, {}),
    *((family, {"alpha": alpha}) for family in (dg.PowerKernel, dg.RationalKernel) for alpha in (0.02, 0.5, 0.97)),
]
CASES = [(family, {"a": a, **more}) for family, more in FAMILY for a in (0.0, 1e-6, 0.1, 1.0, 10.0)]


def exact(family, s, a, alpha=0.5):
    """The definition of each kernel as the slides print it, and its derivative, with 50 digits."""
    s, a, alpha = mpmath.mpf(s), mpmath.mpf(a), mpmath.mpf(alpha)
    if family is dg.RationalKernel:
        value = s * (a**2 + s) ** -alpha if s else mpmath.mpf(0)
        slope = (a**2 + (1 - alpha) * s) * (a**2 + s) ** (-alpha - 1) if a or s else mpmath.mpf(0)
        return value, slope
    value = (a**2 + s) ** alpha - a ** (2 * alpha)
    return value, alpha * (a**2 + s) ** (alpha - 1) if a or s else mpmath.mpf(0)


@pytest.mark.parametrize(("family", "parameters"), CASES)
def test_value_and_derivative_against_mpmath(family, parameters):
    kernel = family(**parameters)
    with mpmath.workdps(400):
        truth = [exact(family, s, **parameters) for s in SQUARED_RADII]
        s = np.array(SQUARED_RADII)
        value, slope = kernel.value_and_derivative(s)
        for got, want in zip((value, slope, kernel.value(s), kernel.derivative(s)), (0, 1, 0, 1), strict=True):
            for x, pair in zip(got, truth, strict=True):
                assert abs(x - pair[want]) <= 4e-15 * abs(pair[want]), (x, pair[want])


@pytest.mark.parametrize(("family", "parameters"), CASES)
def test_exact_zero_at_zero(family, parameters):
    kernel = family(**parameters)
    assert kernel.value(np.zeros(3)).tolist() == [0, 0, 0]
    assert np.all(np.isfinite(kernel.derivative(np.zeros(3))))


@pytest.mark.parametrize("kernel", [dg.HuberEnergy(0), dg.PowerKernel(0, 0.3), dg.RationalKernel(0, 0.3)])
def test_subgradient_zero_at_the_kink(kernel):
    assert kernel.derivative(np.zeros(1))[0] == 0


@pytest.mark.parametrize(("family", "parameters"), [c for c in CASES if 0.02 < c[1].get("alpha", 0.5) < 0.97])
def test_gaussian_mixture(family, parameters):
    """h(s) is the integral of (1 - exp(-t s)) nu(t) dt, by mpmath's quadrature of the density that NumPy gives."""
    kernel = family(**parameters)

    def integrand(w):  # t = e^w
        t = math.exp(w)
        return -math.expm1(-t * 2.5) * float(kernel.mixture_density(np.float64(t))) * t

    tail = 40 / min(kernel.exponent, 1 - kernel.exponent)
    value = mpmath.quad(integrand, np.linspace(-tail, min(tail, 300), 60).tolist())
    assert abs(value / float(kernel.value(np.float64(2.5))) - 1) < 1e-12


def test_mixtures_are_positive():
    t = np.exp(np.linspace(-50, 1, 200))
    for family, parameters in CASES:
        assert np.all(family(**parameters).mixture_density(t) > 0)


def test_kernels_are_those_of_the_equations(rng):
    x = rng.standard_normal((50, 3))
    s = np.sum(x**2, axis=1)
    np.testing.assert_allclose(dg.HuberEnergy(0.3).value(s), turinici2023.huber_energy_kernel(x, 0.3), rtol=1e-14)
    np.testing.assert_allclose(dg.HuberEnergy(0).value(s), turinici2023.energy_kernel(x), rtol=1e-15)
    np.testing.assert_allclose(dg.PowerKernel(0.3, 0.7).value(s), turinici2023.power_kernel(x, 0.3, 0.7), rtol=1e-13)
    want = turinici2023.rational_kernel(x, 0.3, 0.7)
    np.testing.assert_allclose(dg.RationalKernel(0.3, 0.7).value(s), want, rtol=1e-14)


def test_power_with_exponent_one_half_is_huber():
    s = np.logspace(-20, 20, 81)
    np.testing.assert_allclose(dg.PowerKernel(0.2, 0.5).value(s), dg.HuberEnergy(0.2).value(s), rtol=1e-14)


@pytest.mark.parametrize("a", [1e-200, 1e-30, 1e140])
@pytest.mark.parametrize(("family", "parameters"), FAMILY)
def test_extreme_scales_stay_finite(family, parameters, a):
    kernel = family(a=a, **parameters)
    value, slope = kernel.value_and_derivative(np.array([0.0, 1e-250, 1.0, 1e250]))
    assert np.all(np.isfinite(value)) and np.all(np.isfinite(slope))


@pytest.mark.parametrize("kernel", [dg.HuberEnergy(), dg.PowerKernel(1e-3, 0.4), dg.RationalKernel(1e-3, 0.4)])
def test_single_precision_stays(kernel):
    s = np.array([0.0, 1e-12, 1.0], np.float32)
    value, slope = kernel.value_and_derivative(s)
    assert value.dtype == slope.dtype == np.float32
    np.testing.assert_allclose(value, kernel.value(s.astype(np.float64)), rtol=1e-5)


def test_kernels_are_frozen_and_comparable():
    assert dg.HuberEnergy() == dg.HuberEnergy(a=1e-6) and dg.HuberEnergy(1) == dg.HuberEnergy(1.0)
    with pytest.raises(AttributeError):
        dg.HuberEnergy().a = 2


@pytest.mark.parametrize("a", [-1.0, float("nan"), float("inf"), 1e200, "1"])
def test_bad_a(a):
    for family in (dg.HuberEnergy, lambda a: dg.PowerKernel(a, 0.5), lambda a: dg.RationalKernel(a, 0.5)):
        with pytest.raises(ValueError, match=r"a: expected a finite number below 1e\+150 and at least 0, got "):
            family(a)


@pytest.mark.parametrize("alpha", [0, 1, -0.5, 2.0, float("nan")])
@pytest.mark.parametrize("family", [dg.PowerKernel, dg.RationalKernel])
def test_bad_alpha(family, alpha):
    with pytest.raises(ValueError, match=r"alpha: expected a finite number above 0 and below 1, got "):
        family(1.0, alpha)
