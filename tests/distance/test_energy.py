"""The blocked sums against the equations, brute force and exact arithmetic; their gradients three ways."""

import tracemalloc
from fractions import Fraction

import autograd
import numpy as np
import pytest

import divergen as dg
from divergen.distance import pairs
from divergen.equations import turinici2022old, turinici2023

# 1 and 3 take differences, 8 and 40 the Gram form; 300 points make several blocks.
DIMENSIONS = [1, 3, 8, 40]


def brute_force(x, y, w, kernel):
    """Potential and gradient with every displacement in memory."""
    displacements = x[:, None, :] - y[None, :, :]
    h, slope = kernel.value_and_derivative(np.sum(displacements**2, axis=-1))
    return h @ w, np.sum(2 * (w * slope)[..., None] * displacements, axis=1)


@pytest.fixture(params=DIMENSIONS)
def clouds(request, rng):
    """Two weighted clouds with coincident and nearly coincident points, several blocks long."""
    x = rng.standard_normal((300, request.param))
    y = np.concatenate([rng.standard_normal((400, request.param)), x[::3], x[:20] + 1e-9])
    return x, y, rng.standard_normal(300), rng.standard_normal(y.shape[0])


KERNELS = [dg.HuberEnergy(), dg.HuberEnergy(0), dg.PowerKernel(0.1, 0.3), dg.RationalKernel(0, 0.6)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_potential_and_gradient(clouds, kernel):
    x, y, _, w = clouds
    value, gradient = dg.potential_and_gradient(x, y, w, kernel)
    want, want_gradient = brute_force(x, y, w, kernel)
    np.testing.assert_allclose(value, want, atol=1e-13 * np.abs(w).sum())
    np.testing.assert_allclose(gradient, want_gradient, rtol=1e-12, atol=1e-13 * np.abs(want_gradient).max())
    np.testing.assert_allclose(dg.potential(x, y, w, kernel), want, atol=1e-13 * np.abs(w).sum())


@pytest.mark.parametrize("kernel", [dg.HuberEnergy(0.1), dg.PowerKernel(0, 0.3)])
def test_self_energy_and_gradient(clouds, kernel):
    _, y, _, w = clouds
    value, gradient = dg.self_energy_and_gradient(y, w, kernel)
    want, want_gradient = brute_force(y, y, w, kernel)
    scale = np.abs(w).sum()
    np.testing.assert_allclose(value, w @ want, atol=1e-14 * scale**2)
    size = np.abs(gradient).max()
    np.testing.assert_allclose(gradient, 2 * w[:, None] * want_gradient, rtol=1e-12, atol=1e-12 * size)
    np.testing.assert_allclose(dg.self_energy(y, w, kernel), w @ want, atol=1e-14 * scale**2)


@pytest.mark.parametrize("a", [1e-6, 0.5])
def test_squared_distance_is_equation_4(clouds, a):
    x, y, _, _ = clouds
    want = turinici2023.discrete_squared_distance(x, y, lambda v: turinici2023.huber_energy_kernel(v, a))
    np.testing.assert_allclose(dg.cloud_squared_distance(x, y, kernel=dg.HuberEnergy(a)), want, atol=1e-13)


def test_squared_distance_is_half_of_the_paper_without_the_half(clouds):
    x, y, u, w = clouds
    w = w * (u.sum() / w.sum())
    want = turinici2022old.squared_distance((x, u), (y, w), 0.5) / 2
    got = dg.cloud_squared_distance(x, y, u, w, dg.HuberEnergy(0.5))
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12 * np.abs(u).sum() ** 2)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_gradient_three_ways(d, rng):
    x, y = rng.standard_normal((7, d)), rng.standard_normal((9, d))
    a = 0.4
    kernel = dg.HuberEnergy(a)
    _, analytic = dg.cloud_squared_distance_and_gradient(x, y, kernel=kernel)

    def definition(points):
        return turinici2023.discrete_squared_distance(points, y, lambda v: turinici2023.huber_energy_kernel(v, a))

    np.testing.assert_allclose(analytic, autograd.grad(definition)(x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(analytic, turinici2023.discrete_gradient(x, y, a), rtol=1e-12, atol=1e-14)
    for i, k in np.ndindex(*x.shape):
        step = np.zeros_like(x, dtype=complex)
        step[i, k] = 1e-30j  # the complex step takes no difference, so it loses nothing
        assert abs(definition(x + step).imag / 1e-30 - analytic[i, k]) < 1e-14
        h = 1e-5
        up, down = (dg.cloud_squared_distance(x + sign * h * step.imag / 1e-30, y, kernel=kernel) for sign in (1, -1))
        assert abs((up - down) / (2 * h) - analytic[i, k]) < 1e-9


@pytest.mark.parametrize("d", DIMENSIONS)
def test_coincident_points_are_at_distance_zero(d, rng):
    x = np.repeat(rng.standard_normal((1, d)) + 5, 200, axis=0)
    value, gradient = dg.self_energy_and_gradient(x, kernel=dg.HuberEnergy(0))
    assert value == 0 and np.all(gradient == 0)
    value, gradient = dg.potential_and_gradient(x, x, kernel=dg.PowerKernel(0, 0.1))
    assert np.all(value == 0) and np.all(gradient == 0)


def test_differences_do_not_cancel():
    """Points 1e-12 apart, 1e8 away from the origin: the value is that of exact rational arithmetic."""
    x = np.array([[1e8], [1e8 + 2**-20], [1e8 + 2**-26]])
    exact = sum(abs(Fraction(p) - Fraction(q)) for p in x[:, 0] for q in x[:, 0]) / 9
    assert abs(dg.self_energy(x, kernel=dg.HuberEnergy(0)) / float(exact) - 1) < 1e-15


@pytest.mark.parametrize("d", DIMENSIONS)
def test_offset_of_1e8(d, rng):
    """Points on a grid of 2^-20 move by 1e8 without rounding, so the distance must not move at all but by rounding."""
    x, y = np.round(rng.standard_normal((2, 100, d)) * 2**20) / 2**20
    here = dg.cloud_squared_distance_and_gradient(x, y, kernel=dg.HuberEnergy(0))
    there = dg.cloud_squared_distance_and_gradient(x + 1e8, y + 1e8, kernel=dg.HuberEnergy(0))
    assert abs(there[0] / here[0] - 1) < 1e-12
    np.testing.assert_allclose(there[1], here[1], atol=1e-13)


@pytest.mark.parametrize("scale", [1e-9, 1e-4])
def test_gram_form_repairs_close_pairs(scale, rng):
    """Two tight groups far apart: the Gram form alone would lose all digits inside a group."""
    x = np.repeat(10 * rng.standard_normal((2, 30)), 60, axis=0) + scale * rng.standard_normal((120, 30))
    want, want_gradient = brute_force(x, x, np.full(120, 1 / 120), dg.HuberEnergy(0))
    value, gradient = dg.potential_and_gradient(x, x, kernel=dg.HuberEnergy(0))
    np.testing.assert_allclose(value, want, rtol=1e-13)
    np.testing.assert_allclose(gradient, want_gradient, atol=1e-12)
    inside = dg.potential(x[:1], x[:60], kernel=dg.HuberEnergy(0))
    want_inside, _ = brute_force(x[:1], x[:60], np.full(60, 1 / 60), dg.HuberEnergy(0))
    np.testing.assert_allclose(inside, want_inside, rtol=1e-13)


def test_gram_form_patches_a_few_close_pairs(monkeypatch, rng):
    """Ten pairs close enough for the repair, but far enough for their kernel to count: patched in, not left out."""
    x, y = rng.standard_normal((100, 30)), rng.standard_normal((120, 30))
    y[:10] = x[20:30] + 0.1 * rng.standard_normal((10, 30))
    want, want_gradient = brute_force(x, y, np.full(120, 1 / 120), dg.HuberEnergy())

    def refuse(*_):
        raise RuntimeError("the whole block was computed from differences")

    monkeypatch.setattr(pairs, "_direct_block", refuse)
    value, gradient = dg.potential_and_gradient(x, y)
    np.testing.assert_allclose(value, want, rtol=1e-13)
    np.testing.assert_allclose(gradient, want_gradient, rtol=1e-11, atol=1e-13)


def test_sums_are_kept_in_double_precision(rng):
    """Half a million single-precision pairs at one point, in 2,000 blocks: the error stays that of one block."""
    y = rng.standard_normal((2**19, 1)).astype(np.float32) + np.float32(3)
    exact = np.abs(y.astype(np.float64)).mean()
    got = dg.potential(np.zeros((1, 1), np.float32), y, kernel=dg.HuberEnergy(0))[0]
    assert abs(got / exact - 1) < 1.5e-7


@pytest.mark.parametrize("d", DIMENSIONS)
def test_single_precision(d, rng):
    """float32 in, float32 out; sums over pairs are kept in double, so the error is that of one pair."""
    x, y = rng.standard_normal((2, 2000, d)).astype(np.float32)
    value, gradient = dg.potential_and_gradient(x, y)
    assert value.dtype == gradient.dtype == np.float32
    want, want_gradient = brute_force(x[:50].astype(float), y.astype(float), np.full(2000, 1 / 2000), dg.HuberEnergy())
    np.testing.assert_allclose(value[:50], want, rtol=1e-6)
    np.testing.assert_allclose(gradient[:50], want_gradient, atol=2e-6)
    exact = dg.cloud_squared_distance(x.astype(float), y.astype(float))
    assert abs(dg.cloud_squared_distance(x, y) - exact) < 1e-6 * np.sqrt(d)


def test_memory_stays_small(rng):
    """100,000 points against 1,000 in the plane: the matrix of pairs alone would take 800 MB."""
    x, y = rng.standard_normal((100_000, 2)), rng.standard_normal((1_000, 2))
    tracemalloc.start()
    dg.potential_and_gradient(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_arguments_are_not_changed(rng):
    x, y = rng.standard_normal((2, 50, 3))
    u, w = rng.random((2, 50))
    w *= u.sum() / w.sum()
    copies = [v.copy() for v in (x, y, u, w)]
    dg.cloud_squared_distance_and_gradient(x, y, u, w)
    for now, before in zip((x, y, u, w), copies, strict=True):
        assert np.array_equal(now, before)


def test_integers_are_promoted():
    assert dg.cloud_squared_distance([[0], [2]], [[1]], kernel=dg.HuberEnergy(0)) == 0.5


def test_bad_input():
    x = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"y: expected the same dimension as x, which is 2, got dimension 1"):
        dg.cloud_squared_distance(x, np.zeros((3, 1)))
    with pytest.raises(ValueError, match=r"masses 2 \(x_weights\) and 1 \(y_weights\)"):
        dg.cloud_squared_distance(x, x, [1.0, 1.0, 0.0])
    with pytest.raises(ValueError, match=r"y_weights: expected one weight for each of the 3 points, got shape \(2,\)"):
        dg.potential(x, x, [1.0, 1.0])
    with pytest.raises(ValueError, match=r"x: expected finite numbers"):
        dg.self_energy(x * np.nan)


def test_the_switch_between_forms_is_where_it_says(monkeypatch, rng):
    """Both forms give the same numbers on both sides of the switch."""
    for d in (pairs.GRAM_FROM_DIMENSION - 1, pairs.GRAM_FROM_DIMENSION):
        x, y = rng.standard_normal((2, 200, d))
        results = []
        for switch in (1, 1000):
            monkeypatch.setattr(pairs, "GRAM_FROM_DIMENSION", switch)
            results.append(dg.potential_and_gradient(x, y))
        monkeypatch.undo()
        np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-13)
        np.testing.assert_allclose(results[0][1], results[1][1], atol=1e-14)
        assert not np.array_equal(results[0][0], results[1][0])  # they are two computations


def test_far_from_the_origin_the_gram_form_stays_in_use(monkeypatch, rng):
    """Without centring, every pair would look close, and be computed again from differences: right, but slow."""
    x, y = rng.standard_normal((2, 100, 40)) + 1e8
    want, _ = brute_force(x, y, np.full(100, 0.01), dg.HuberEnergy())

    def refuse(*_):
        raise RuntimeError("the whole block was computed from differences")

    monkeypatch.setattr(pairs, "_direct_block", refuse)
    np.testing.assert_allclose(dg.potential(x, y), want, rtol=1e-12)
