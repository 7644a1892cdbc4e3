"""Neighbour metrics against brute force, on everything that rounding and ties can spoil."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from divergen.arrays import to_numpy
from divergen.evaluation import nearest
from divergen.evaluation.neighbours import neighbour_metrics


def brute_force(real, generated, k, ties="inclusive"):
    """The definitions on full matrices of squared distances; exact on integers. Returns all eight entries."""
    x, y = np.asarray(real, dtype=float), np.asarray(generated, dtype=float)

    def squared(a, b):
        return ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)

    def radii(a):
        among = squared(a, a)
        np.fill_diagonal(among, np.inf)
        return np.sort(among, axis=1)[:, k - 1]

    inside = np.less if ties == "strict" else np.less_equal
    in_real = inside(squared(x, y), radii(x)[:, None])  # y_j in the ball of x_i
    in_generated = inside(squared(x, y), radii(y)[None, :])  # x_i in the ball of y_j
    balls = in_real.sum(axis=0)
    return (
        np.mean(balls > 0), np.mean(in_generated.any(axis=1)), balls.mean() / k, np.mean(in_real.any(axis=1)),
        balls, balls > 0, in_generated.any(axis=1), in_real.any(axis=1),
    )


def check(real, generated, k, ties="inclusive", rtol=1e-14):
    found = neighbour_metrics(real, generated, k, ties=ties)
    for name, ours, want in zip(found._fields, found, brute_force(real, generated, k, ties), strict=True):
        np.testing.assert_allclose(to_numpy(ours), want, rtol=rtol, err_msg=name)
    return found


@pytest.fixture(params=["whole", "strips"])
def strips(request, monkeypatch):
    """Small inputs fit one strip; with these limits they take many, and pairs are summed few at a time."""
    if request.param == "strips":
        monkeypatch.setattr(nearest, "ROWS", 1)
        monkeypatch.setattr(nearest, "STRIP", 64)
        monkeypatch.setattr(nearest, "PAIRS", 32)
        monkeypatch.setattr(nearest, "GROUPS", 1)


@pytest.mark.parametrize("ties", ["inclusive", "strict"])
@pytest.mark.parametrize("d", [1, 2, 7, 8, 13])
@pytest.mark.parametrize("values", [1, 3, 50])
@pytest.mark.parametrize("factor", [1.0, 2.0**-8, 0.1])
def test_integers_with_ties(ties, d, values, factor, strips, rng):
    """Integers and multiples of 1/256 are exact; multiples of a tenth are not, and on a line their ties are split."""
    x, y = rng.integers(0, values + 1, (40, d)), rng.integers(0, values + 1, (31, d))
    for k in (1, 4, 30):
        if factor == 1:
            check(x, y, k, ties)  # dtype int64
        if factor != 0.1:
            check(x * factor, y * factor, k, ties)
        elif d == 1:
            found = neighbour_metrics(x * factor, y * factor, k, ties=ties)
            assert np.all(np.isfinite(found[:4]))


@given(st.data(), st.integers(1, 10), st.sampled_from(["inclusive", "strict"]))
def test_small_integers(data, d, ties):
    n, m = data.draw(st.integers(2, 9)), data.draw(st.integers(2, 9))
    k = data.draw(st.integers(1, min(n, m) - 1))
    x, y = (data.draw(hnp.arrays(np.int64, (size, d), elements=st.integers(-2, 2))) for size in (n, m))
    check(x, y, k, ties)


@pytest.mark.parametrize("d", [3, 20])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_reals_shared_atoms_and_offsets(d, dtype, offset, strips, rng):
    """With an offset of 1e8 the squares of the coordinates have no digit left for the distances."""
    x, y = rng.standard_normal((120, d)), 0.8 * rng.standard_normal((90, d))
    y[:20], x[-5:], y[-5:] = x[:20], x[0], x[1]
    x, y = (x + offset).astype(dtype), (y + offset).astype(dtype)
    for k in (1, 3, 7):
        check(x, y, k)
        if offset == 0:
            check(x, y, k, "strict")


@pytest.mark.parametrize("d", [1, 8, 40])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 / 3])
def test_all_points_equal(d, value, strips):
    x, y = np.full((30, d), value), np.full((25, d), value)
    for k in (1, 24):
        assert neighbour_metrics(x, y, k)[:4] == (1.0, 1.0, 30 / k, 1.0)
        assert neighbour_metrics(x, y, k, ties="strict")[:4] == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("d", [1, 30])
def test_shared_atoms_with_radius_zero(d, strips, rng):
    """Three places, many points at each: distances are exactly 0, wherever the places are."""
    places = rng.standard_normal((3, d)) * 1e5
    x, y = places[np.arange(30) % 3], places[np.arange(24) % 2]
    found = check(x, y, 5)
    assert found[:4] == (1.0, 2 / 3, 2.0, 2 / 3)


@pytest.mark.parametrize(("size", "unit"), [(2**38, 1), (2**26, 256), (2**38, 256), (2**10, 1024)])
@pytest.mark.parametrize("ties", ["inclusive", "strict"])
def test_mirrored_neighbours(size, unit, ties, rng):
    """c - v lies at exactly the distance of c's nearest neighbour c + v, though no double holds the squares."""
    c = rng.integers(-size, size, (40, 12)) * 16
    v = rng.integers(1, size // 8, (40, 12))
    y, x = np.concatenate([c, c + v]) / unit, (c - v) / unit
    for real, generated, name in ((x, y, "real_inside"), (y, x, "generated_inside")):
        inside = getattr(neighbour_metrics(real, generated, 1, ties=ties), name)
        assert inside.all() if ties == "inclusive" else not inside.any()


def test_a_cloud_against_itself(rng):
    x = rng.standard_normal((200, 12))
    found = neighbour_metrics(x, x, 3)
    assert found.precision == found.recall == found.coverage == 1
    assert found.density == pytest.approx(4 / 3)  # its own ball, and k others on average


def test_expectations_for_one_law(rng):
    """Whatever the law, density has the mean 1, and a ball holds no generated point if its k nearest are all real.

    Means over 400 pairs of clouds; five standard errors, a false alarm of 6e-7 each.
    """
    n, m, k = 40, 25, 3
    found = [neighbour_metrics(rng.standard_normal((n, 3)), rng.standard_normal((m, 3)), k) for _ in range(400)]
    missed = math.prod((n - 1 - l) / (n + m - 1 - l) for l in range(k))
    for values, mean in (([one.density for one in found], 1.0), ([one.coverage for one in found], 1 - missed)):
        assert abs(np.mean(values) - mean) < 5 * np.std(values, ddof=1) / 20


def test_far_apart(strips, rng):
    x = rng.standard_normal((60, 9))
    assert neighbour_metrics(x, x + 1e3, 5)[:4] == (0, 0, 0, 0)
    check(x, np.concatenate([x[:30] + 0.1, x[:30] + 1e9]), 2)  # two clouds, and outliers in the same product


def test_roles_are_exchanged(rng):
    x, y = rng.standard_normal((70, 10)), 0.5 * rng.standard_normal((80, 10))
    one, other = neighbour_metrics(x, y, 4), neighbour_metrics(y, x, 4)
    assert one.precision == other.recall and one.recall == other.precision
    np.testing.assert_array_equal(one.generated_inside, other.real_inside)


@pytest.mark.parametrize("d", [2, 16])
def test_several_k_in_one_pass(d, strips, rng):
    x, y = rng.standard_normal((50, d)), rng.standard_normal((45, d))
    ks = [5, 1, 44, 5]
    found = neighbour_metrics(x, y, ks)
    assert found.precision.shape == (4,) and found.balls.shape == (4, 45) and found.real_inside.shape == (4, 50)
    for row, k in enumerate(ks):
        for together, alone in zip(found, neighbour_metrics(x, y, k), strict=True):
            np.testing.assert_array_equal(together[row], alone)
    np.testing.assert_array_equal(neighbour_metrics(x, y, np.array(ks)).density, found.density)
    assert np.all(np.diff(neighbour_metrics(x, y, range(1, 20)).recall) >= 0)  # balls grow with k


def test_means_of_the_entries(rng):
    found = neighbour_metrics(rng.standard_normal((50, 3)), rng.standard_normal((40, 3)), 4)
    assert found.precision == found.generated_inside.mean() and found.recall == found.real_inside.mean()
    assert found.coverage == found.real_covered.mean() and found.density == pytest.approx(found.balls.mean() / 4)
    np.testing.assert_array_equal(found.generated_inside, found.balls > 0)
    assert isinstance(found.precision, float) and found.balls.dtype.kind == "i"


@pytest.mark.parametrize("apart", [1e3, 1e5, 1e9])
def test_clusters_far_apart(apart, strips, rng):
    """Single precision says nothing about distances within the clusters, and at last double precision does no more."""
    x, y = rng.standard_normal((120, 10)), rng.standard_normal((100, 10))
    x[:60] += apart
    y[:50] += apart
    y[:20] = x[:20]
    for k in (1, 5):
        check(x, y, k)


@pytest.mark.parametrize("spread", [1e-3, 1e-7])
def test_small_numbers_beside_large_ones(spread, strips, rng):
    """One far place sets the scale; the squares of the others are below the range of single precision, or near it."""
    x, y = 1e-19 * rng.standard_normal((70, 9)), 1e-19 * rng.standard_normal((60, 9))
    x[:6], y[:6] = spread, spread  # more than k of them, so that their radius is 0
    check(x, y, 4)


def test_a_thin_margin_is_decided_by_differences(rng):
    """A point one rounding step inside the ball, one on it, and one a step outside, next to large coordinates."""
    d = 32
    x = np.zeros((4, d))
    x[0, 0], x[1, 0], x[2:, 0] = 1e6, 1e6 + 1.0, -7e6  # the first two have radius 1
    x[3, 1] = 3.3
    y = np.full((5, d), 0.1)
    y[:3] = x[0]
    y[0, 1], y[1, 1], y[2, 1] = math.nextafter(1, 0), 1.0, math.nextafter(1, 2)
    np.testing.assert_array_equal(neighbour_metrics(x, y, 1).balls, [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(neighbour_metrics(x, y, 1, ties="strict").balls, [1, 0, 0, 0, 0])


@pytest.mark.parametrize("d", [3, 9])
@pytest.mark.parametrize("scale", [2.0**-490, 2.0**490])
def test_squares_that_no_float_holds(d, scale, rng):
    x, y = rng.standard_normal((40, d)), rng.standard_normal((30, d))
    for one, other in zip(neighbour_metrics(scale * x, scale * y, 3), neighbour_metrics(x, y, 3), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("d", [2, 9])
def test_an_outlier_beyond_which_the_others_vanish(d, rng):
    """Refused where an answer may depend on what has vanished, and only there."""
    x, y = rng.standard_normal((40, d)), rng.standard_normal((30, d))
    want = neighbour_metrics(x, y, 3)
    far = np.concatenate([x, np.full((1, d), 1e100)])
    np.testing.assert_array_equal(neighbour_metrics(far, y, 3).real_covered[:-1], want.real_covered)
    far[-1] = 1e200
    for real, generated in ((far, y), (y, far), (-far, y)):
        with pytest.raises(ValueError, match=r"real, generated: expected coordinates of 0 or of size 5.65e\+73 and "
                           r"more beside the largest one, 1e\+200, where points have neighbours that are so near, got"):
            neighbour_metrics(real, generated, 3)
    same = np.zeros((12, d))
    same[4:8], same[8:, 0] = 1e200, 1e200  # three places: nothing vanishes
    found = neighbour_metrics(same[:9], same[2:], 1)
    for ours, want in zip(found, brute_force(same[:9] / 1e200, same[2:] / 1e200, 1), strict=True):
        np.testing.assert_allclose(ours, want, rtol=1e-14)
    x[0, 0] = 1e-200  # a small number among large ones takes nothing from a distance
    check(x, y, 3)
    x[:4] = 0.0
    x[1, 0] = 1e-200  # but here it is one
    with pytest.raises(ValueError, match=r"size 3.69e-127 and more beside the largest one, .* got one of size 1e-200"):
        neighbour_metrics(x, y, 1)


@pytest.mark.parametrize("d", [2, 11])
@pytest.mark.parametrize("ties", ["inclusive", "strict"])
def test_other_libraries(library, d, ties, rng):
    x, y = rng.standard_normal((40, d)), rng.standard_normal((35, d))
    y[:10] = x[:10]
    for a, b in ((x, y), (np.round(2 * x), np.round(2 * y))):
        for k in (3, [1, 2]):
            ours = neighbour_metrics(library.asarray(a), library.asarray(b), k, ties=ties)
            for one, other in zip(ours, neighbour_metrics(a, b, k, ties=ties), strict=True):
                np.testing.assert_allclose(to_numpy(one), other, rtol=1e-14)
            assert type(ours.balls) is type(library.asarray(x))


@pytest.mark.parametrize(("call", "message"), [
    (lambda x: neighbour_metrics(x, x, 0), "k: expected a whole number of at least 1, got 0"),
    (lambda x: neighbour_metrics(x, x, 6), "k: expected fewer neighbours than points, .* 6 real and 6 gen.* got 6"),
    (lambda x: neighbour_metrics(x, x[:3], 3), "k: expected fewer neighbours than points, .* 6 real and 3 generated"),
    (lambda x: neighbour_metrics(x[:3], x, [1, 3]), "k: expected fewer neighbours than points"),
    (lambda x: neighbour_metrics(x, x, 2.5), "k: expected a whole number"),
    (lambda x: neighbour_metrics(x, x, []), "k: expected at least one number of neighbours, got none"),
    (lambda x: neighbour_metrics(x[:0], x, 1), "real: expected at least one point"),
    (lambda x: neighbour_metrics(x, x[:0], 1), "generated: expected at least one point"),
    (lambda x: neighbour_metrics(np.where(x > 0, np.nan, x), x, 1), "real: expected finite numbers"),
    (lambda x: neighbour_metrics(x, x / 0.0, 1), "generated: expected finite numbers"),
    (lambda x: neighbour_metrics(x, x[:, :1], 1), "generated: expected the same dimension as real"),
    (lambda x: neighbour_metrics(x[:, 0], x, 1), "real: expected an array of shape"),
    (lambda x: neighbour_metrics(x, x, 1, ties="open"), 'ties: expected "inclusive" or "strict", got'),
])
def test_bad_input(call, message):
    x = np.arange(1.0, 13.0).reshape(6, 2)
    with np.errstate(divide="ignore"), pytest.raises(ValueError, match=message):
        call(x)
