"""The expected kernel under a Gaussian against golden values, closed forms, Monte Carlo and autograd."""

import functools
import json
import pathlib

import autograd
import numpy as np
import pytest
import scipy.special
import scipy.stats

import divergen as dg
from divergen.equations import turinici2023


@functools.cache
def vectors(name):
    """The golden values that tools/make_vectors.py made with mpmath, by two routes that agree."""
    return json.loads((pathlib.Path(__file__).parents[1] / "vectors" / name).read_text())["vectors"]


def kernel_of(vector):
    family = getattr(dg, vector["kernel"])
    return family(vector["a"]) if vector["alpha"] is None else family(vector["a"], vector["alpha"])


def error(got, want):
    return abs(got - want) / abs(want) if want else abs(got)


@pytest.mark.parametrize("dim", [1, 2, 8, 64, 512, 784])
def test_standard_normal_against_mpmath(dim):
    """Value and gradient, relative error at most 1e-12; the worst is printed if it is not."""
    mine = [v for v in vectors("expected_kernel.json") if v["dim"] == dim]
    assert len(mine) >= 45
    worst = (0.0, "")
    for v in mine:
        # Not along an axis: the gradient has to find its direction too.
        direction = np.cos(np.arange(dim) + 1.0)
        direction /= np.linalg.norm(direction)
        x = v["radius"] * direction
        value, gradient = dg.expected_kernel_and_gradient(x[None, :], np.zeros(dim), np.eye(dim), kernel_of(v))
        size = np.linalg.norm(gradient[0])
        worst = max(
            worst, (error(value[0], float.fromhex(v["value_hex"])), v["id"] + " value"),
            (error(size, float.fromhex(v["derivative_hex"])), v["id"] + " derivative"),
        )
        if size:
            np.testing.assert_allclose(gradient[0], size * direction, rtol=1e-12, atol=1e-15 * size)
    assert worst[0] <= 1e-12, worst


def test_general_covariances_against_mpmath():
    """Rotated, stretched, thin and degenerate covariances, off their axes; each component of the gradient for itself.

    Two inputs cannot be met to 1e-12 by anybody who diagonalises in float64: a component that is small because the
    others are large is met to 1e-12 of the whole gradient.
    """
    worst = (0.0, "")
    for v in vectors("expected_kernel_general.json"):
        value, gradient = dg.expected_kernel_and_gradient(
            np.array([v["x"]]), np.array(v["mean"]), np.array(v["cov"]), kernel_of(v)
        )
        want = np.array([float.fromhex(g) for g in v["gradient_hex"]])
        off = np.abs(gradient[0] - want).max()
        worst = max(
            worst, (error(value[0], float.fromhex(v["value_hex"])), v["id"] + " value"),
            (off / np.abs(want).max() if want.any() else off, v["id"] + " gradient"),
        )
    assert worst[0] <= 1e-12, worst


def test_self_energy_against_mpmath():
    worst = (0.0, "")
    for v in vectors("self_energy.json"):
        cov = np.eye(v["dim"]) if v["cov"] is None else np.array(v["cov"])
        got = dg.gaussian_self_energy(cov, kernel_of(v))
        worst = max(worst, (error(got, float.fromhex(v["value_hex"])), v["id"]))
    assert worst[0] <= 1e-12, worst


@pytest.mark.parametrize("dim", [1, 2, 5, 100])
def test_energy_kernel_is_a_hypergeometric_function(dim):
    """a = 0 and S = I: sqrt(2) Gamma((L+1)/2) / Gamma(L/2) 1F1(-1/2; L/2; -r^2/2), where SciPy can compute it."""
    r = np.array([0.0, 0.1, 1.0, 5.0])
    x = np.zeros((4, dim))
    x[:, 0] = r
    want = np.sqrt(2) * scipy.special.poch(dim / 2, 0.5) * scipy.special.hyp1f1(-0.5, dim / 2, -(r**2) / 2)
    got = dg.expected_kernel(x, np.zeros(dim), np.eye(dim), dg.HuberEnergy(0))
    np.testing.assert_allclose(got, want, rtol=1e-13)


def test_one_dimension_is_the_folded_normal():
    x = np.array([[-3.0], [0.0], [0.2], [40.0]])
    want = [scipy.stats.foldnorm(abs(v)).mean() for v in (x[:, 0] - 1) / 2]
    got = dg.expected_kernel(x, np.array([1.0]), np.array([[4.0]]), dg.HuberEnergy(0))
    np.testing.assert_allclose(got, 2 * np.array(want), rtol=1e-13)


@pytest.mark.parametrize("a", [1e-6, 0.3, 2.0])
def test_gradient_three_ways(a, rng):
    x = rng.standard_normal((5, 3)) * 2
    value, analytic = dg.expected_kernel_and_gradient(x, np.zeros(3), np.eye(3), dg.HuberEnergy(a))
    np.testing.assert_allclose(value, turinici2023.expected_huber_energy(x, a), rtol=1e-12)
    by_autograd = autograd.grad(lambda v: autograd.numpy.sum(turinici2023.expected_huber_energy(v, a)))(x)
    np.testing.assert_allclose(analytic, by_autograd, rtol=1e-11, atol=1e-13)
    for i, k in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[i, k] = 1e-5
        up, down = (dg.expected_kernel(x + s, np.zeros(3), np.eye(3), dg.HuberEnergy(a))[i] for s in (step, -step))
        assert abs((up - down) / 2e-5 - analytic[i, k]) < 1e-9


@pytest.mark.parametrize("kernel", [dg.HuberEnergy(0.2), dg.PowerKernel(0, 0.3), dg.RationalKernel(0.5, 0.6)])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_any_covariance_by_monte_carlo(kernel, rank, rng):
    """A rotated covariance of any rank, against 400,000 draws; five standard errors are a false alarm in 1e6."""
    factor = rng.standard_normal((3, rank))
    mean, cov = rng.standard_normal(3), factor @ factor.T
    x = rng.standard_normal((4, 3)) * 2
    z = mean + rng.standard_normal((400_000, rank)) @ factor.T
    value, gradient = dg.expected_kernel_and_gradient(x, mean, cov, kernel)
    for i in range(4):
        difference = x[i] - z
        h, slope = kernel.value_and_derivative(np.sum(difference**2, axis=1))
        draws = np.column_stack([h, 2 * slope[:, None] * difference])
        error = draws.std(axis=0) / np.sqrt(len(draws))
        assert np.all(np.abs(draws.mean(axis=0) - [value[i], *gradient[i]]) < 5 * error)


def test_self_energy_is_the_kernel_between_two_draws(rng):
    cov = np.array([[2.0, 0.5], [0.5, 1.0]])
    z, other = rng.multivariate_normal([0, 0], cov, size=(2, 400_000))
    h = dg.HuberEnergy(0.5).value(np.sum((z - other) ** 2, axis=1))
    got = dg.gaussian_self_energy(cov, dg.HuberEnergy(0.5))
    assert abs(h.mean() - got) < 5 * h.std() / np.sqrt(h.size)


@pytest.mark.parametrize("kernel", [dg.HuberEnergy(0), dg.HuberEnergy(1.0), dg.PowerKernel(0.1, 0.7)])
def test_no_variance_is_the_kernel_itself(kernel, rng):
    x, mean = rng.standard_normal((6, 4)), rng.standard_normal(4)
    x[0] = mean
    value, gradient = dg.expected_kernel_and_gradient(x, mean, np.zeros((4, 4)), kernel)
    want, want_gradient = dg.potential_and_gradient(x, mean[None, :], kernel=kernel)
    np.testing.assert_allclose(value, want, rtol=1e-13)
    np.testing.assert_allclose(gradient, want_gradient, rtol=1e-13)


def test_little_variance_is_nearly_the_kernel_itself():
    """Continuity as S -> 0, with scales 1e12 apart in one call."""
    x = np.array([[1e-6, 0.0], [1.0, 1.0], [300.0, 0.0]])
    got = dg.expected_kernel(x, np.zeros(2), 1e-24 * np.eye(2), dg.HuberEnergy(0))
    np.testing.assert_allclose(got, np.linalg.norm(x, axis=1), rtol=1e-11)


def test_general_and_isotropic_code_agree(rng):
    """The same covariance written as a rotated matrix with one eigenvalue moved by one part in 1e14."""
    x = rng.standard_normal((7, 4))
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    cov = rotation @ np.diag([1, 1, 1, 1 + 1e-14]) @ rotation.T
    for kernel in (dg.HuberEnergy(), dg.RationalKernel(1.0, 0.2)):
        general = dg.expected_kernel_and_gradient(x, np.zeros(4), (cov + cov.T) / 2, kernel)
        isotropic = dg.expected_kernel_and_gradient(x, np.zeros(4), np.eye(4), kernel)
        for g, i in zip(general, isotropic, strict=True):
            np.testing.assert_allclose(g, i, rtol=1e-12, atol=1e-14)


def test_the_value_does_not_depend_on_the_company(rng):
    """The nodes are chosen from all points of a call: far points must not spoil near ones, nor many a few."""
    x = np.concatenate([rng.standard_normal((500, 2)), [[1e-8, 0], [1e6, 0]]])
    together = dg.expected_kernel(x, np.zeros(2), np.eye(2), dg.HuberEnergy())
    alone = [dg.expected_kernel(p[None, :], np.zeros(2), np.eye(2), dg.HuberEnergy())[0] for p in x]
    np.testing.assert_allclose(together, alone, rtol=2e-14)


@pytest.mark.parametrize("a", [1e-120, 1e-10, 1e8, 1e100])
@pytest.mark.parametrize("alpha", [0.01, 0.5, 0.99])
def test_extreme_parameters(a, alpha):
    """Against the kernel's own limits: a power for a -> 0, a parabola for a -> infinity."""
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    got = dg.expected_kernel(x, np.zeros(2), np.eye(2), dg.PowerKernel(a, alpha))
    if a < 1:
        limit = dg.expected_kernel(x, np.zeros(2), np.eye(2), dg.PowerKernel(0.0, alpha)) - a ** (2 * alpha)
    else:
        limit = alpha * a ** (2 * (alpha - 1)) * np.array([2.0, 27.0])
    np.testing.assert_allclose(got, limit, rtol=1e-8)


def test_single_precision():
    x = np.array([[0.0, 0.0], [1.0, 2.0]], np.float32)
    normal = np.zeros(2, np.float32), np.eye(2, dtype=np.float32)
    value, gradient = dg.expected_kernel_and_gradient(x, *normal, dg.HuberEnergy())
    assert value.dtype == gradient.dtype == np.float32
    want = dg.expected_kernel(x.astype(float), np.zeros(2), np.eye(2), dg.HuberEnergy())
    np.testing.assert_allclose(value, want, rtol=1e-7)


def test_bad_input():
    with pytest.raises(ValueError, match=r"x: expected the same dimension as mean, which is 3, got dimension 2"):
        dg.expected_kernel(np.zeros((1, 2)), np.zeros(3), np.eye(3), dg.HuberEnergy())
    with pytest.raises(ValueError, match=r"cov: expected a matrix of shape \(2, 2\), got shape \(3, 3\)"):
        dg.expected_kernel(np.zeros((1, 2)), np.zeros(2), np.eye(3), dg.HuberEnergy())
    with pytest.raises(ValueError, match=r"cov: expected a positive semidefinite matrix, got .* -1"):
        dg.gaussian_self_energy(-np.eye(2), dg.HuberEnergy())
    with pytest.raises(ValueError, match=r"cov: expected a matrix of shape \(2, 2\), got shape \(2, 3\)"):
        dg.gaussian_self_energy(np.ones((2, 3)), dg.HuberEnergy())
