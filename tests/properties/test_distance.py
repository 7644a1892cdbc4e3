"""What must hold for every kernel and all points: the distance is one, and moves with the space."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import divergen as dg
from divergen.equations import turinici2023
from strategies import clouds, kernels, weighted_clouds


def size(kernel, *pairs):
    """How large the terms of a sum may be whose value is near 0: what rounding is measured by."""
    radius = max(np.abs(points).max() for points, _ in pairs)
    dim = pairs[0][0].shape[1]
    total = sum(np.abs(weights).sum() for _, weights in pairs)
    return (1 + total) ** 2 * float(kernel.value(np.float64(4 * dim * (radius + 1) ** 2)))


@given(weighted_clouds(mass=0.0), kernels)
def test_kernels_are_conditionally_negative_definite(cloud, kernel):
    x, p = cloud
    p = p - p.mean()
    form = turinici2023.conditionally_negative_form(x, p, lambda v: kernel.value(np.sum(v * v, axis=-1)))
    assert form <= 1e-14 * size(kernel, (x, p))


@given(weighted_clouds(dim=3), weighted_clouds(dim=3), kernels)
def test_squared_distance_is_not_negative_and_symmetric(mu, nu, kernel):
    there = dg.cloud_squared_distance(mu[0], nu[0], mu[1], nu[1], kernel)
    back = dg.cloud_squared_distance(nu[0], mu[0], nu[1], mu[1], kernel)
    raw = -turinici2023.conditionally_negative_form(
        np.concatenate([mu[0], nu[0]]), np.concatenate([mu[1], -nu[1]]), lambda v: kernel.value(np.sum(v * v, axis=-1))
    ) / 2
    tolerance = 1e-14 * size(kernel, mu, nu)
    assert there >= 0 and raw >= -tolerance  # the library clips at 0, so the sign is asked of the definition
    assert abs(there - back) <= tolerance and abs(there - max(raw, 0)) <= tolerance


@given(weighted_clouds(), kernels)
def test_distance_to_itself_is_zero(mu, kernel):
    assert dg.cloud_squared_distance(mu[0], mu[0], mu[1], mu[1], kernel) <= 1e-14 * size(kernel, mu)


@given(clouds(dim=2, min_size=2), clouds(dim=2), kernels)
def test_different_measures_are_apart(x, y, kernel):
    """A metric and no less: disjoint supports give a positive distance."""
    assume(not any((p == q).all() for p in x for q in y))
    gap = min(np.sum((p - q) ** 2) for p in x for q in y)
    assume(gap > 1e-2)
    assert dg.cloud_squared_distance(x, y, kernel=kernel) > 0


@given(weighted_clouds(), kernels, st.floats(-100, 100, width=32))
def test_translation_invariance(mu, kernel, shift):
    x, w = mu
    y = x[::-1] * 0.5
    here = dg.cloud_squared_distance(x, y, w, w[::-1], kernel)
    there = dg.cloud_squared_distance(x + shift, y + shift, w, w[::-1], kernel)
    # Adding the shift rounds the points by up to eps * 110; near coincidence a cusp amplifies that.
    moved = float(kernel.value(np.float64((1e-13 * x.shape[1]) ** 2))) * 1e3
    assert abs(here - there) <= 1e-12 * size(kernel, mu, mu) + moved * (1 + np.abs(w).sum()) ** 2


@given(weighted_clouds(dim=3), kernels, st.integers(0, 2**32 - 1))
def test_rotation_invariance(mu, kernel, seed):
    x, w = mu
    y = x[::-1] * 0.5 + 1
    q = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))[0]
    here = dg.cloud_squared_distance(x, y, w, w[::-1], kernel)
    there = dg.cloud_squared_distance(x @ q, y @ q, w, w[::-1], kernel)
    moved = float(kernel.value(np.float64((1e-13) ** 2))) * 1e3
    assert abs(here - there) <= 1e-12 * size(kernel, mu, mu) + moved * (1 + np.abs(w).sum()) ** 2


@given(clouds(dim=2, min_size=2), st.integers(1, 5))
def test_repeating_a_cloud_changes_nothing(x, times):
    """Equal weights: the measure knows points, not their number. (A U-statistic would fail here.)"""
    other = x + 1.0
    once = dg.cloud_squared_distance(x, other)
    assert abs(dg.cloud_squared_distance(np.repeat(x, times, axis=0), other) - once) <= 1e-12 * (1 + once)


@given(clouds(dim=2), clouds(dim=2), st.floats(0.1, 5))
def test_rounding_the_kink_moves_the_distance_by_at_most_a(x, y, a):
    """-a <= h_a - h_0 <= 0 at every pair, so 0 <= d_0^2 - d_a^2 <= a for two unit measures: a/2 can be added to h."""
    smooth = dg.cloud_squared_distance(x, y, kernel=dg.HuberEnergy(a))
    sharp = dg.cloud_squared_distance(x, y, kernel=dg.HuberEnergy(0))
    assert -1e-12 <= sharp - smooth <= a + 1e-12


@given(clouds(), kernels, st.floats(0.01, 100))
def test_gradient_is_that_of_the_definition_along_a_line(x, kernel, a):
    y = x[::-1] + 0.37
    kernel = dg.HuberEnergy(a) if kernel.a == 0 else kernel  # a kink has no difference quotient
    assume(kernel.a > 1e-3)
    value, gradient = dg.cloud_squared_distance_and_gradient(x, y, kernel=kernel)
    direction = np.cos(np.arange(x.size)).reshape(x.shape)
    h = 1e-4 * kernel.a
    up, down = (dg.cloud_squared_distance(x + s * direction, y, kernel=kernel) for s in (h, -h))
    assume(min(up, down, value) > 0)
    assert abs((up - down) / (2 * h) - np.sum(gradient * direction)) <= 1e-6 * (1 + value) * x.size / min(kernel.a, 1)
