"""The distance on a line, by sorting, against rational sums over all pairs, against the blocked sums, and by laws."""

import tracemalloc
from fractions import Fraction

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import divergen as dg
from divergen.arrays import to_numpy
from divergen.distance import line
from divergen.distance.line import line_squared_distance, line_squared_distance_and_gradient
from divergen.equations import turinici2023
from strategies import weighted_clouds

ENERGY = dg.HuberEnergy(a=0)
EPS = 2.0**-52


def all_pairs(x, y, u, w):
    """The squared distance and its gradient from the definition, in rational numbers."""
    z = [Fraction(float(p)) for p in [*x[:, 0], *y[:, 0]]]
    s = [Fraction(float(p)) for p in [*u, *-w]]
    value = -sum(p * q * abs(a - b) for p, a in zip(s, z, strict=True) for q, b in zip(s, z, strict=True)) / 2
    slopes = [-p * sum(q * ((a > b) - (a < b)) for q, b in zip(s, z, strict=True)) for p, a in zip(s, z, strict=True)]
    return value, slopes[: len(u)]


@given(weighted_clouds(dim=1), weighted_clouds(dim=1))
def test_all_pairs_in_rational_arithmetic(mu, nu):
    """The error is that of the running sums, by a bound with no constant to choose but their number of roundings."""
    (x, u), (y, w) = mu, nu
    y[-1] = x[0]
    exact, slopes = all_pairs(x, y, u, w)
    value, gradient = line_squared_distance_and_gradient(x, y, u, w)
    size = np.abs(u).sum() + np.abs(w).sum()
    level = (len(u) + len(w) + 2) * EPS * size  # the error of S; the masses differ by no more either
    span = np.ptp(np.concatenate([x, y]))
    bound = 2 * np.sqrt(max(float(exact), 0) * span) * level + span * level**2 + 8 * EPS * float(abs(exact))
    assert value >= 0 and abs(Fraction(value) - exact) <= bound
    assert line_squared_distance(x, y, u, w) == value
    for got, weight, want in zip(gradient[:, 0], u, slopes, strict=True):
        assert abs(Fraction(float(got)) - want) <= 2 * level * abs(weight) + 4 * EPS * float(abs(want))


def cases():
    rng = np.random.default_rng(7)
    x, y = rng.standard_normal((300, 1)), rng.standard_normal((170, 1)) + 0.3
    u, w = rng.standard_normal(300), rng.standard_normal(170)
    yield "equal weights", (x, y)
    yield "one point and many", (x[:1], y)
    yield "one point and one", (x[:1], y[:1])
    u[0] += 3 - u.sum()
    w[0] += 3 - w.sum()
    yield "weights of any sign", (x, y, u, w)
    yield "masses that agree but for rounding", (x, y, u * (1 + 5e-10), w)
    yield "mass 0", (x, y, u - u.mean(), w - w.mean())
    tied, ties = x.copy(), y.copy()
    tied[20:40], tied[50:60], ties[:30] = 0.25, x[0], tied[:30]
    yield "ties within the clouds and between them", (tied, ties, u, w)
    grid = [np.round(v * 2**20) / 2**20 for v in (x, y)]
    yield "spread 1 at 1e8", (grid[0] + 1e8, grid[1] + 1e8, u, w)
    yield "far apart", (x, y + 1e12)
    yield "tiny", (x * 1e-140, y * 1e-140)


@pytest.mark.parametrize("clouds", [pytest.param(clouds, id=name) for name, clouds in cases()])
def test_blocked_sums_over_all_pairs(clouds):
    value, gradient = line_squared_distance_and_gradient(*clouds)
    x, y, u, w = (*clouds, None, None)[:4]
    mu, nu = dg.Diracs(x, u), dg.Diracs(y, w)  # measures know potentials, and nothing of lines
    want, want_gradient = dg.squared_distance_and_gradient(mu, nu, ENERGY)
    assert dg.cloud_squared_distance_and_gradient(*clouds, kernel=ENERGY)[0] == value  # which does
    assert value == pytest.approx(want, rel=1e-12)
    np.testing.assert_allclose(gradient, want_gradient, rtol=1e-12, atol=1e-13 * np.abs(want_gradient).max())
    assert gradient.shape == clouds[0].shape and line_squared_distance(*clouds) == value


def test_equation_4(rng):
    x, y = rng.standard_normal((30, 1)), rng.standard_normal((40, 1))
    want = turinici2023.discrete_squared_distance(x, y, lambda v: turinici2023.huber_energy_kernel(v, 0.0))
    assert line_squared_distance(x, y) == pytest.approx(want, rel=1e-12)


def test_differences(rng):
    """Between two neighbours d^2 is linear in a point, so that a difference quotient is exact."""
    x, y = rng.permutation(np.arange(60.0))[:, None][:25], rng.permutation(np.arange(60.0))[:, None][:30] + 0.5
    u, w = rng.standard_normal(25), rng.standard_normal(30)
    w[0] += u.sum() - w.sum()
    _, gradient = line_squared_distance_and_gradient(x, y, u, w)
    for i in range(25):
        up, down = (x.copy() for _ in range(2))
        up[i] += 0.25
        down[i] -= 0.25
        slope = (line_squared_distance(up, y, u, w) - line_squared_distance(down, y, u, w)) / 0.5
        assert slope == pytest.approx(gradient[i, 0], abs=1e-11)


def test_masses_that_differ_by_rounding_are_treated_alike_on_both_sides(rng):
    """What is left of S behind the last point is halved: the definition's value but for a square, as mirrored."""
    x, y = rng.random((20, 1)), rng.random((20, 1)) + 0.7
    u, w = np.full(20, 0.05), np.full(20, 0.05 * (1 + 5e-10))
    exact, slopes = all_pairs(x, y, u, w)
    value, gradient = line_squared_distance_and_gradient(x, y, u, w)
    assert abs(value / float(exact) - 1) < 1e-14
    np.testing.assert_allclose(gradient[:, 0], [float(slope) for slope in slopes], rtol=1e-13)
    assert line_squared_distance(-x, -y, u, w) == pytest.approx(value, rel=1e-14)


def test_a_million_points_keep_twelve_digits():
    """Two ladders of n rungs, 2 apart: S climbs by 1/n, stays, and descends. One running sum loses five digits here."""
    n = 10**6
    x = np.arange(n)[:, None] / n
    exact = Fraction((n - 1) * (2 * n - 1), 3 * n**2) + 1 + Fraction(1, n)
    value, gradient = line_squared_distance_and_gradient(x, x + 2)
    assert value == pytest.approx(float(exact), rel=5e-13)
    want = -(2 * np.arange(n)[:, None] + 1) / n**2
    np.testing.assert_allclose(gradient, want, rtol=1e-11, atol=1e-18)


def test_running_sums():
    for count in range(1, 40):
        s = np.random.default_rng(count).integers(-9, 9, count).astype(float)
        assert np.array_equal(line._running_sums(s), np.concatenate([[0], np.cumsum(s)]))


@given(weighted_clouds(dim=1), st.integers(0, 2**32 - 1))
def test_the_order_of_the_points_does_not_matter_and_equal_measures_are_at_zero(mu, seed):
    x, w = mu
    order = np.random.default_rng(seed).permutation(len(w))
    value, gradient = line_squared_distance_and_gradient(x, x[order], w, w[order])
    level = (2 * len(w) + 2) * EPS * 2 * np.abs(w).sum()
    assert 0 <= value <= np.ptp(x) * level**2
    assert np.all(np.abs(gradient[:, 0]) <= 2 * level * np.abs(w))
    other = x[::-1] * 0.5
    here = line_squared_distance_and_gradient(x, other, w, w)
    there = line_squared_distance_and_gradient(x[order], other, w[order], w)
    span = np.ptp(np.concatenate([x, other]))
    assert abs(here[0] - there[0]) <= 4 * np.sqrt(here[0] * span) * level + 4 * span * level**2
    np.testing.assert_allclose(there[1], here[1][order], atol=2 * level * np.abs(w).max())


@given(weighted_clouds(dim=1), st.integers(-3, 3), st.integers(-1000, 1000))
def test_mirror_scale_symmetry_and_translation(mu, power, shift):
    """A mirror image and powers of two change no digit that counts; d^2 is symmetric, and of degree 1 in the points."""
    x, w = mu
    x = np.round(x * 1024) / 1024  # so that a whole number is added without rounding
    y, factor = x[::-1] * 0.5, 2.0**power
    value, gradient = line_squared_distance_and_gradient(x, y, w, w[::-1])
    tolerance = 1e-12 * value + 1e-12 * (np.abs(w).sum() * np.ptp(x)) * np.sqrt(value) + 1e-26
    images = ((-x, -y, 1, -1), (factor * x, factor * y, factor, 1), (x + shift, y + shift, 1, 1))
    for a, b, scale, sign in images:
        moved, slopes = line_squared_distance_and_gradient(a, b, w, w[::-1])
        assert abs(moved - scale * value) <= scale * tolerance
        np.testing.assert_allclose(slopes, sign * gradient, atol=1e-12 * (1 + np.abs(w).sum()) ** 2)
    assert abs(line_squared_distance(y, x, w[::-1], w) - value) <= tolerance


def test_coincident_points():
    x = np.array([[1.0], [1.0], [2.0]])
    value, gradient = line_squared_distance_and_gradient(x, x)
    assert value == 0 and np.all(gradient == 0)
    value, gradient = line_squared_distance_and_gradient(x, np.array([[1.0]]))
    # sigma has 2/3 - 1 at 1 and 1/3 at 2; the points at 1 are pushed by the third alone
    assert value == pytest.approx(1 / 9) and gradient[:, 0] == pytest.approx([1 / 9, 1 / 9, 1 / 9])
    assert line_squared_distance_and_gradient(x[:1], x[1:2])[1][0, 0] == 0


def test_single_precision_is_computed_in_double(rng):
    x, y = rng.standard_normal((2, 3000, 1)).astype(np.float32)
    w = rng.random(3000).astype(np.float32)
    w /= w.sum()
    for weights in ((), (w, w[::-1].copy())):
        value, gradient = line_squared_distance_and_gradient(x, y, *weights)
        doubles = [v.astype(np.float64) for v in weights]
        if doubles:
            doubles[1] *= doubles[0].sum() / doubles[1].sum()
        want, want_gradient = line_squared_distance_and_gradient(x.astype(float), y.astype(float), *doubles)
        assert value == pytest.approx(want, rel=1e-12) and gradient.dtype == np.float32
        np.testing.assert_allclose(gradient, want_gradient, rtol=1e-6, atol=1e-12)
    assert line_squared_distance_and_gradient(x, y.astype(float))[1].dtype == np.float64


def test_other_libraries(library, rng):
    x, y, w = rng.standard_normal((90, 1)), rng.standard_normal((70, 1)), rng.random(70)
    w /= w.sum()
    for b in (y, np.concatenate([x[:10], y[10:]])):  # without ties and with them
        want, want_gradient = line_squared_distance_and_gradient(x, b, None, w)
        arrays = [library.asarray(v) for v in (x, b, w)]
        value, gradient = line_squared_distance_and_gradient(arrays[0], arrays[1], None, arrays[2])
        assert isinstance(value, float) and value == pytest.approx(want, rel=1e-12)
        assert dg.namespace(gradient) is not np
        np.testing.assert_allclose(to_numpy(gradient), want_gradient, rtol=1e-12, atol=1e-15)


def test_arguments_are_not_changed(rng):
    x, y, u = rng.standard_normal((50, 1)), rng.standard_normal((50, 1)), rng.random(50)
    copies = [v.copy() for v in (x, y, u)]
    line_squared_distance_and_gradient(x, y, u, u[::-1])
    assert all(np.array_equal(a, b) for a, b in zip((x, y, u), copies, strict=True))


def test_memory_grows_with_the_points_not_the_pairs(rng):
    peaks = []
    for n in (20_000, 40_000):
        x, y = rng.standard_normal((2, n, 1))
        tracemalloc.start()
        line_squared_distance_and_gradient(x, y)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.2 * peaks[0] and peaks[1] < 12 * 8 * 80_000


def test_bad_input():
    x = np.zeros((3, 1))
    with pytest.raises(ValueError, match=r"x: expected points of dimension 1, got dimension 2"):
        line_squared_distance(np.zeros((3, 2)), x)
    with pytest.raises(ValueError, match=r"y: expected points of dimension 1, got dimension 3"):
        line_squared_distance_and_gradient(x, np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"y: expected an array of shape \(n, d\).* on a line use y\[:, None\]"):
        line_squared_distance(x, x[:, 0])
    with pytest.raises(ValueError, match=r"masses 2 \(x_weights\) and 1 \(y_weights\)"):
        line_squared_distance(x, x, [1.0, 1.0, 0.0])
    with pytest.raises(ValueError, match=r"masses 1 \(x_weights\) and 1.00000001 \(y_weights\)"):
        line_squared_distance(x, x[:1], None, [1 + 1e-8])
    with pytest.raises(ValueError, match=r"y_weights: expected one weight for each of the 3 points, got shape \(2,\)"):
        line_squared_distance(x, x, None, [0.5, 0.5])
    with pytest.raises(ValueError, match=r"x: expected finite numbers"):
        line_squared_distance(x * np.nan, x)
    with pytest.raises(ValueError, match=r"y: expected numbers of size at most 1e\+150"):
        line_squared_distance(x, x + 1e200)
    with pytest.raises(ValueError, match=r"expected arrays of one library"):
        line_squared_distance(x, array_api_strict.zeros((3, 1)))


@pytest.mark.parametrize("dtypes", [(np.float32, np.float32), (np.float32, np.float64), (np.float64, np.float32)])
@pytest.mark.parametrize("weighted", [False, True])
def test_clouds_in_single_precision_are_the_same_number(dtypes, weighted, rng):
    """1/7 in single precision is not 1/7: nobody asked for it."""
    x, y = (rng.standard_normal((n, 1)).astype(dtype) for n, dtype in zip((7, 3), dtypes, strict=True))
    weights = (np.full(7, 1 / 8), np.array([0.125, 0.5, 0.25])) if weighted else (None, None)  # exact in both
    value, gradient = line_squared_distance_and_gradient(x, y, *weights)
    assert dg.cloud_squared_distance(x, y, *weights, ENERGY) == value == line_squared_distance(x, y, *weights)
    got, slopes = dg.cloud_squared_distance_and_gradient(x, y, *weights, ENERGY)
    assert got == value
    assert np.array_equal(slopes, gradient)
    assert slopes.dtype == gradient.dtype == np.result_type(x, y)
    if not weighted:
        u, w = np.full(7, 1 / 7), np.full(3, 1 / 3)
        assert value == pytest.approx(float(all_pairs(x, y, u, w)[0]), rel=1e-14)


@pytest.mark.parametrize("dim", [1, 2])
def test_clouds_of_two_precisions(dim, rng):
    """The weights 1/7 are those of the common precision, so that their sum is 1 in it."""
    x, y = rng.standard_normal((7, dim)).astype(np.float32), rng.standard_normal((4, dim))
    kernel = dg.HuberEnergy(a=0.1)
    want = dg.cloud_squared_distance(x.astype(np.float64), y, kernel=kernel)
    assert dg.cloud_squared_distance(x, y, kernel=kernel) == want
    assert dg.cloud_squared_distance(y, x, kernel=kernel) == pytest.approx(want, rel=1e-13)
