"""Slices: the constant, the directions, and an estimate that is unbiased and whose standard error covers.

The statistical tests have fixed seeds. FALSE_ALARM is the probability with which each of them would fail by chance with
another seed, if what it tests were true.
"""

import math
import tracemalloc

import array_api_strict
import mpmath
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import divergen as dg
from divergen.arrays import to_numpy
from divergen.distance import sliced
from divergen.distance.line import line_squared_distance, line_squared_distance_and_gradient
from divergen.distance.sliced import slice_constant, sliced_between, sliced_squared_distance
from strategies import clouds

ENERGY = dg.HuberEnergy(a=0)
FALSE_ALARM = 1e-6


def problem(dim, n=20, shift=0.5):
    """Two small clouds with signed weights, some points in common, and the exact value and gradient."""
    rng = np.random.default_rng(dim)
    x, y = rng.standard_normal((n, dim)), rng.standard_normal((n + 5, dim)) * 1.2
    y[:, 0] += shift
    y[:3] = x[:3]
    u, w = rng.random(n) + 0.2, rng.random(n + 5) + 0.2
    u[4] = -0.3
    w *= u.sum() / w.sum()
    return (x, y, u, w), dg.cloud_squared_distance_and_gradient(x, y, u, w, ENERGY)


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 10, 33, 100, 784, 3000])
def test_the_constant_is_the_quotient_of_gamma_functions(dim):
    want = mpmath.sqrt(mpmath.pi) * mpmath.gamma(mpmath.mpf(dim + 1) / 2) / mpmath.gamma(mpmath.mpf(dim) / 2)
    assert slice_constant(dim) == pytest.approx(float(want), rel=1e-13)


@pytest.mark.parametrize("dim", [2, 3, 4, 7, 20])
def test_the_constant_by_quadrature(dim):
    """E |xi_1| from the density of one coordinate on the sphere, (1 - t^2)^((d-3)/2) up to a factor; t = cos(angle)."""
    mass = mpmath.quad(lambda a: mpmath.sin(a) ** (dim - 2), [0, mpmath.pi / 2])
    mean = mpmath.quad(lambda a: mpmath.cos(a) * mpmath.sin(a) ** (dim - 2), [0, mpmath.pi / 2])
    assert slice_constant(dim) * float(mean / mass) == pytest.approx(1, rel=1e-13)


def test_the_constant_refuses_what_is_no_dimension():
    with pytest.raises(ValueError, match="dim: expected a whole number of at least 1, got 0"):
        slice_constant(0)


@pytest.mark.parametrize(("dim", "directions", "groups", "size"), [
    (1, 128, 1, 1), (2, 128, 8, 16), (2, 2, 2, 1), (2, 23, 11, 2), (3, 128, 42, 3), (3, 5, 5, 1), (8, 16, 4, 4),
    (32, 128, 4, 32), (32, 256, 8, 32), (100, 128, 4, 32), (100, 2, 2, 1), (50, 11, 5, 2),
])
def test_groups(dim, directions, groups, size):
    sets = sliced._direction_sets(dim, directions, np.random.default_rng(0))
    assert sets.shape == (groups, size, dim)
    gram = sets @ np.swapaxes(sets, 1, 2)
    if dim == 2 and size > 2:  # equal angles, no direction twice: a line has no sign
        angles = np.sort(np.arctan2(sets[..., 1], sets[..., 0]) % np.pi, axis=1)
        np.testing.assert_allclose(np.diff(angles, axis=1), np.pi / size, rtol=1e-9)
    else:
        np.testing.assert_allclose(gram, np.broadcast_to(np.eye(size), gram.shape), atol=1e-14)
    (x, y, u, w), _ = problem(dim)
    result = sliced_squared_distance(x, y, u, w, rng=np.random.default_rng(0), directions=directions)
    assert (result.groups, result.directions, result.gradient) == (groups, groups * size, None)


@pytest.mark.parametrize(("dim", "directions"), [(2, 16), (3, 12), (5, 12), (9, 36)])
def test_each_direction_is_uniform(dim, directions):
    """Moments of one coordinate, E t^2 = 1/d and E t^4 = 3/(d (d+2)), and no two coordinates correlated: z tests."""
    rng = np.random.default_rng(11)
    drawn = np.stack([sliced._direction_sets(dim, directions, rng)[0] for _ in range(4000)])  # (draws, size, d)
    samples = [(drawn**2, 1 / dim), (drawn**4, 3 / (dim * (dim + 2))),
               (drawn * np.roll(drawn, 1, axis=2), 0.0), (np.abs(drawn), 1 / slice_constant(dim))]
    tests = sum(values[0].size for values, _ in samples)
    limit = scipy.stats.norm.isf(FALSE_ALARM / tests / 2)
    for values, want in samples:
        error = values.std(axis=0, ddof=1) / math.sqrt(4000)
        assert np.all(np.abs(values.mean(axis=0) - want) <= limit * error)


def test_on_a_line_it_is_exact():
    (x, y, u, w), _ = problem(1)
    result = sliced_squared_distance(x, y, u, w, rng=np.random.default_rng(0), gradient=True)
    value, gradient = line_squared_distance_and_gradient(x, y, u, w)
    assert result.squared_distance == pytest.approx(value, rel=1e-13)
    assert (result.standard_error, result.directions, result.groups) == (0.0, 1, 1)
    np.testing.assert_allclose(result.gradient, gradient, rtol=1e-12, atol=1e-14)
    near = np.array([[1.0], [0.0]])  # neighbours in floating point are two points
    result = sliced_squared_distance(near, near * (1 + 2**-52), rng=np.random.default_rng(0), gradient=True)
    assert result.gradient[:, 0] == pytest.approx([-1 / 4, 0])


@pytest.mark.parametrize(("dim", "directions"), [(2, 24), (3, 20), (10, 20)])
def test_value_error_and_gradient_are_those_of_the_lines(dim, directions):
    """The same directions, one at a time, through the function for a line: mean, its error, and chain rule."""
    (x, y, u, w), _ = problem(dim)
    result = sliced_squared_distance(x, y, u, w, rng=np.random.default_rng(5), directions=directions, gradient=True)
    sets = sliced._direction_sets(dim, directions, np.random.default_rng(5))
    means, gradient = [], np.zeros_like(x)
    for group in sets:
        sums = [line_squared_distance_and_gradient(x @ xi[:, None], y @ xi[:, None], u, w) for xi in group]
        means.append(slice_constant(dim) * np.mean([value for value, _ in sums]))
        gradient += sum(slope * xi for (_, slope), xi in zip(sums, group, strict=True)) / sets[..., 0].size
    assert result.squared_distance == pytest.approx(np.mean(means), rel=1e-12)
    variance = sum((mean - np.mean(means)) ** 2 for mean in means) / (len(means) - 1)
    assert result.standard_error == pytest.approx(math.sqrt(variance / len(means)), rel=1e-9)
    # By hand, points in common project to one point but for rounding, which decides a sign: they are left out.
    np.testing.assert_allclose(result.gradient[3:], slice_constant(dim) * gradient[3:], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("dim", "directions"), [(2, 8), (3, 12), (6, 24), (12, 16)])
def test_unbiased_and_the_standard_error_covers(dim, directions):
    """1000 estimates: their mean, their mean gradient, and how often 95 % intervals by Student's t hold the truth.

    The intervals assume that the means of the groups are normal, which they are only nearly: the test allows their
    level to be 0.93, and in the plane, where the measured one is 0.94, it needs that.
    """
    repetitions = 1000
    (x, y, u, w), (exact, exact_gradient) = problem(dim)
    rng = np.random.default_rng(2024)
    results = [sliced_squared_distance(x, y, u, w, rng=rng, directions=directions, gradient=True)
               for _ in range(repetitions)]
    values = np.array([result.squared_distance for result in results])
    limit = scipy.stats.norm.isf(FALSE_ALARM / 2)
    assert abs(values.mean() - exact) <= limit * values.std(ddof=1) / math.sqrt(repetitions)
    gradients = np.stack([result.gradient for result in results])
    limit = scipy.stats.norm.isf(FALSE_ALARM / 2 / exact_gradient.size)
    error = gradients.std(axis=0, ddof=1) / math.sqrt(repetitions)
    assert np.all(np.abs(gradients.mean(axis=0) - exact_gradient) <= limit * error + 1e-15)
    quantile = scipy.stats.t.ppf(0.975, results[0].groups - 1)
    covered = sum(abs(r.squared_distance - exact) <= quantile * r.standard_error for r in results)
    assert scipy.stats.binom.ppf(FALSE_ALARM, repetitions, 0.93) <= covered
    assert covered <= scipy.stats.binom.isf(FALSE_ALARM, repetitions, 0.97)


@pytest.mark.parametrize("dim", [3, 8])
def test_frames_beat_independent_directions(dim, monkeypatch):
    """What frames are for: the same number of directions, less than a tenth of the variance on two shifted clouds."""
    (x, y, _, _), _ = problem(dim, n=60, shift=1.0)

    def variance():
        rng = np.random.default_rng(3)
        return np.var([sliced_squared_distance(x, y, rng=rng, directions=4 * dim).squared_distance for _ in range(60)])

    with_frames = variance()

    def independent(dim, directions, rng):
        sets = rng.standard_normal((directions, 1, dim))
        return sets / np.linalg.norm(sets, axis=2, keepdims=True)

    monkeypatch.setattr(sliced, "_direction_sets", independent)
    assert with_frames < variance() / 10


def test_equal_angles_beat_frames_in_the_plane():
    (x, y, _, _), _ = problem(2, n=60)
    few, many = (sliced_squared_distance(x, y, rng=np.random.default_rng(3), directions=n) for n in (16, 256))
    assert many.standard_error < few.standard_error / 100  # with 16 times the directions; independent ones gain 4


@given(clouds(dim=3), clouds(dim=3), st.integers(0, 2**32 - 1), st.integers(-3, 3))
def test_laws_that_hold_for_each_draw(x, y, seed, power):
    """With the same directions: not negative, symmetric, of degree 1 in the points, 0 for equal measures."""
    def estimate(a, b):
        return sliced_squared_distance(a, b, rng=np.random.default_rng(seed), directions=12, gradient=True)

    here, there, larger = estimate(x, y), estimate(y, x), estimate(2.0**power * x, 2.0**power * y)
    size = 1 + np.abs(x).max() + np.abs(y).max()
    assert here.squared_distance >= 0
    assert abs(here.squared_distance - there.squared_distance) <= 1e-13 * size
    assert larger.squared_distance == pytest.approx(2.0**power * here.squared_distance, abs=1e-13 * size)
    assert larger.standard_error == pytest.approx(2.0**power * here.standard_error, abs=1e-13 * size)
    same = estimate(x, x[::-1])
    assert same.squared_distance <= 1e-13 * size and same.standard_error <= 1e-13 * size


@pytest.mark.parametrize("directions", [3, 5, 20])
@pytest.mark.parametrize("dim", [2, 9, 40])
def test_equal_clouds_have_no_gradient(dim, directions, rng):
    """BLAS may round equal rows differently, by their place in the array: they are a tie all the same."""
    for n in (1, 7, 1003):
        x = rng.standard_normal((n, dim))
        result = sliced_squared_distance(x, x[rng.permutation(n)], rng=rng, directions=directions, gradient=True)
        assert result.squared_distance < 1e-14 and np.abs(result.gradient).max() < 1e-14
    moved = np.concatenate([x[:1] + 1e-9, x[1:2]])  # and this is no tie, but the pair beside it is
    near = sliced_squared_distance(moved, x[:2], rng=rng, directions=64, gradient=True)
    assert np.sum(near.gradient[0]) / dim**0.5 == pytest.approx(1 / 4, abs=0.1) and np.all(near.gradient[1] == 0)


@pytest.mark.parametrize("dim", [2, 12])
def test_far_from_the_origin(dim, rng):
    """Points on a grid of 2^-20 move by 1e8 without rounding: what is lost is that of centred points, not of these."""
    x, y = np.round(rng.standard_normal((2, 300, dim)) * 2**20) / 2**20
    here, there = (sliced_squared_distance(x + shift, y + shift, rng=np.random.default_rng(0), gradient=True)
                   for shift in (0, 1e8))
    assert there.squared_distance == pytest.approx(here.squared_distance, rel=1e-12)
    np.testing.assert_allclose(there.gradient, here.gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("dim", [1, 2, 20])
def test_the_number_of_threads_changes_no_bit(dim):
    (x, y, u, w), _ = problem(dim, n=400)
    results = [sliced_squared_distance(x, y, u, w, rng=np.random.default_rng(1), gradient=True, workers=workers)
               for workers in (1, 2, 5, -1)]
    for result in results[1:]:
        assert result[:4] == results[0][:4] and np.array_equal(result.gradient, results[0].gradient)


@pytest.mark.parametrize("gradient", [False, True])
def test_single_precision(gradient):
    (x, y, _, _), _ = problem(5, n=500)
    x32, y32 = x.astype(np.float32), y.astype(np.float32)
    got = sliced_squared_distance(x32, y32, rng=np.random.default_rng(1), gradient=gradient)
    x64, y64 = x32.astype(float), y32.astype(float)
    want = sliced_squared_distance(x64, y64, rng=np.random.default_rng(1), gradient=gradient)
    assert got[:4] == want[:4]  # computed in double precision from the same numbers
    if gradient:
        assert got.gradient.dtype == np.float32
        np.testing.assert_allclose(got.gradient, want.gradient, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("dim", [2, 7])
def test_other_libraries(library, dim):
    arrays, _ = problem(dim, n=60)
    want = sliced_squared_distance(*arrays, rng=np.random.default_rng(1), gradient=True)
    got = sliced_squared_distance(*(library.asarray(v) for v in arrays), rng=np.random.default_rng(1), gradient=True)
    assert got.squared_distance == pytest.approx(want.squared_distance, rel=1e-12)
    assert got.standard_error == pytest.approx(want.standard_error, rel=1e-9)
    assert dg.namespace(got.gradient) is not np
    np.testing.assert_allclose(to_numpy(got.gradient), want.gradient, rtol=1e-10, atol=1e-13)


def test_measures(rng):
    x, y, z = rng.standard_normal((3, 40, 2))
    mu, nu = dg.Diracs(x), 2 * dg.Diracs(y) - dg.Diracs(z, np.full(40, 1 / 40))
    got = sliced_between(mu, nu, rng=np.random.default_rng(0), gradient=True)
    want, gradient = dg.squared_distance_and_gradient(x, nu, ENERGY)
    assert abs(got.squared_distance - want) <= 10 * got.standard_error <= 1e-2 * want
    np.testing.assert_allclose(got.gradient, gradient, atol=0.1 * np.abs(gradient).max())
    one = sliced_between(nu, mu, rng=np.random.default_rng(0))
    assert one.squared_distance == pytest.approx(got.squared_distance, rel=1e-12)
    with pytest.raises(ValueError, match=r'nu: expected Diracs, or a combination .* method="sliced", got Gaussian'):
        sliced_between(mu, dg.Gaussian.standard(2), rng=rng)
    with pytest.raises(ValueError, match=r'mu: expected Diracs, or a combination .* method="sliced", got Sampled'):
        sliced_between(mu + dg.Sampled(lambda n, rng: rng.standard_normal((n, 2)), 2), nu, rng=rng)


@given(clouds(dim=2), clouds(dim=2), st.floats(0.01, 5))
def test_rounding_the_kink_lowers_the_squared_distance_by_at_most_a(x, y, a):
    """The chapter's bound, 0 <= d_0^2 - d_a^2 <= a for two unit measures: what is lost by a = 0 for a = 1e-6."""
    gap = dg.cloud_squared_distance(x, y, kernel=ENERGY) - dg.cloud_squared_distance(x, y, kernel=dg.HuberEnergy(a))
    assert -1e-12 <= gap <= a + 1e-12


def test_that_bound_is_sharp_and_scales_with_the_mass():
    """Two points far apart lose nearly a; of signed measures, a times the square of half the total variation."""
    x, y = np.zeros((1, 1)), np.full((1, 1), 1e6)
    for mass in (1.0, 3.0):
        value = [dg.cloud_squared_distance(x, y, [mass], [mass], dg.HuberEnergy(a)) for a in (0, 2.0)]
        assert value[0] - value[1] == pytest.approx(2.0 * mass**2, rel=1e-5)
        assert value[0] - value[1] < 2.0 * mass**2


def test_memory_is_a_few_arrays_of_the_size_of_one_block(rng):
    peaks = []
    for n in (10_000, 20_000):
        x, y = rng.standard_normal((2, n, 30))
        tracemalloc.start()
        sliced_squared_distance(x, y, rng=rng, directions=32)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.2 * peaks[0]
    assert peaks[1] < (sliced.BLOCK + 12) * 8 * 40_000 + x.nbytes  # the check of the input takes as much as x


def test_bad_input(rng):
    x = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"y: expected the same dimension as x, which is 2, got dimension 1"):
        sliced_squared_distance(x, np.zeros((3, 1)), rng=rng)
    with pytest.raises(ValueError, match=r"directions: expected a whole number of at least 2, got 1"):
        sliced_squared_distance(x, x, rng=rng, directions=1)
    with pytest.raises(ValueError, match=r"rng: expected a numpy.random.Generator"):
        sliced_squared_distance(x, x, rng=0)
    with pytest.raises(ValueError, match=r"workers: expected a number of threads"):
        sliced_squared_distance(x, x, rng=rng, workers=0)
    with pytest.raises(ValueError, match=r"masses 2 \(x_weights\) and 1 \(y_weights\)"):
        sliced_squared_distance(x, x, [1.0, 1.0, 0.0], rng=rng)
    with pytest.raises(ValueError, match=r"x_weights: expected one weight for each of the 3 points, got shape \(2,\)"):
        sliced_squared_distance(x, x, [0.5, 0.5], rng=rng)
    with pytest.raises(ValueError, match=r"x: expected finite numbers"):
        sliced_squared_distance(x + np.inf, x, rng=rng)
    with pytest.raises(ValueError, match=r"y: expected numbers of size at most 1e\+150"):
        sliced_squared_distance(x, x + 1e200, rng=rng)
    with pytest.raises(ValueError, match=r"expected arrays of one library"):
        sliced_squared_distance(x, array_api_strict.zeros((3, 2)), rng=rng)


def test_a_slice_is_the_distance_on_that_line(rng):
    """One direction by hand: the projections of the clouds, and nothing else."""
    x, y = rng.standard_normal((20, 3)), rng.standard_normal((30, 3))
    xi = sliced._direction_sets(3, 2, np.random.default_rng(4))[:, 0, :]
    by_hand = [slice_constant(3) * line_squared_distance(x @ v[:, None], y @ v[:, None]) for v in xi]
    result = sliced_squared_distance(x, y, rng=np.random.default_rng(4), directions=2)
    assert result.squared_distance == pytest.approx(sum(by_hand) / 2, rel=1e-12)
    assert result.standard_error == pytest.approx(abs(by_hand[0] - by_hand[1]) / 2, rel=1e-9)
