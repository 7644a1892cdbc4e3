"""Where minimisation begins: spread evenly, no two in one place, and as promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

import divergen as dg
from divergen.arrays import to_numpy
from divergen.sampling import cells, starts

RNG = np.random.default_rng
PLANE = dg.Gaussian.standard(2)


def begin(target, k, start, seed=0):
    """Return the points before the first step."""
    source = starts._part(target._terms, 1.0)
    return starts.initial(start, source, k, RNG(seed), target, dg.HuberEnergy())


@given(st.integers(1, 60), st.integers(1, 4), st.integers(1, 40), st.booleans(), st.integers(0, 10**6))
def test_cells_are_a_partition_of_equal_masses(n, dim, count, equal, seed):
    rng = RNG(seed)
    points = rng.standard_normal((n, dim)).round(rng.integers(0, 3))
    weights = np.ones(n) if equal else rng.random(n) + 0.05
    order, first = cells.cells(points, weights, count)
    assert sorted(order.tolist()) == list(range(n))
    assert first[0] == 0 and np.all(np.diff(first) > 0) and len(first) <= min(n, count)
    if equal and count <= n:
        assert len(first) == count
    mass = np.add.reduceat(weights[order], first)
    # Each cut misses the middle by half a point at most, and passes its error on to both sides.
    levels = np.ceil(np.log2(count)) if count > 1 else 0
    assert np.all(mass <= weights.sum() / count + levels * weights.max() + 1e-12)


def test_cells_are_boxes():
    """Four blobs far from each other are four cells, whatever their order is."""
    blobs = np.repeat(100 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), 25, axis=0) + RNG(0).random((100, 2))
    shuffle = RNG(1).permutation(100)
    order, first = cells.cells(blobs[shuffle], np.ones(100), 4)
    assert first.tolist() == [0, 25, 50, 75]
    assert [len(set((shuffle[order[i : i + 25]] // 25).tolist())) for i in first] == [1, 1, 1, 1]


def test_a_coarse_picture_has_the_mass_the_mean_and_nearly_the_potential():
    rng = RNG(0)
    points, weights = rng.standard_normal((4000, 2)), rng.random(4000)
    weights[::7] = 0
    fine = dg.Diracs(points, weights / weights.sum())
    rough = cells.coarse(fine, 500)
    assert rough.points.shape == (500, 2) and rough.mass == pytest.approx(1)
    np.testing.assert_allclose(rough.weights @ rough.points, fine.weights @ fine.points, atol=1e-14)
    x = rng.standard_normal((50, 2))
    error = np.abs(rough.potential(x) - fine.potential(x)).max()
    of_a_sample = np.abs(dg.Diracs(points[1:501]).potential(x) - fine.potential(x)).max()
    assert error < 2e-3 and error < of_a_sample / 10


def test_sobol_points_of_a_gaussian():
    """One of 64 in each of 64 slices of equal probability, along each axis; and closer to the target than draws."""
    target = dg.Gaussian(np.array([5.0, -3.0]), np.diag([4.0, 0.25]))
    for seed in range(5):
        points = begin(target, 64, "sobol", seed)
        for axis in (0, 1):
            slices = np.floor(64 * norm.cdf(points[:, axis], target.mean[axis], target.cov[axis, axis] ** 0.5))
            assert sorted(slices.astype(int).tolist()) == list(range(64))
    clouds = ([dg.Diracs(begin(PLANE, 48, start, seed)) for seed in range(8)] for start in ("sobol", "sample"))
    evenly, drawn = (np.mean([dg.squared_distance(cloud, PLANE) for cloud in some]) for some in clouds)
    assert evenly < drawn / 4
    oblique = dg.Gaussian(np.ones(2), np.array([[4.0, 1.9], [1.9, 1.0]]))
    points = begin(oblique, 1024, "sobol")
    np.testing.assert_allclose(np.cov(points.T), oblique.cov, atol=0.1)
    np.testing.assert_allclose(points.mean(axis=0), 1, atol=0.02)


def test_a_sobol_point_in_the_corner_of_the_cube_stays_finite(monkeypatch):
    monkeypatch.setattr(starts.qmc.Sobol, "random_base2", lambda self, m: np.zeros((2**m, 2)))
    points = begin(PLANE, 1, "sobol")
    assert np.all(np.isfinite(points)) and np.all(points < -5)


@pytest.mark.parametrize("start", ["sobol", "coarse"])
def test_terms_get_their_shares(start):
    """A mixture with the weights 1/2, 1/4 and 1/4, one of them a cloud: 8, 4 and 4 of 16 points."""
    cloud = dg.Diracs(np.array([50.0, 0]) + RNG(0).standard_normal((2000, 2)))
    target = PLANE / 2 + cloud / 4 + dg.Gaussian(np.array([100.0, 0]), np.eye(2)) / 4
    points = begin(target, 16, start)
    assert np.bincount((points[:, 0] / 50).round().astype(int)).tolist() == [8, 4, 4]
    drawn = begin(dg.Sampled(lambda n, rng: rng.random((n, 2)), 2) / 2 + cloud / 2, 6, "sobol")
    assert np.sum(drawn[:, 0] < 1) == 3


@pytest.mark.parametrize("start", ["sample", "sobol", "coarse"])
def test_no_two_points_start_in_one_place(start):
    heavy = dg.Diracs(RNG(0).standard_normal((5, 2)), [0.4, 0.2, 0.2, 0.1, 0.1])
    nearly_all = dg.Diracs(RNG(0).standard_normal((5, 2)), [1.0, 0.0, 0.0, 0.0, 0.0])
    assert np.all(np.isfinite(begin(nearly_all, 4, start)))
    for target in (heavy, dg.Diracs(np.ones((50, 2)))):
        if target is heavy:
            assert len(np.unique(begin(target, 20, start), axis=0)) == 20
        found = dg.compress(target, 3, rng=RNG(0), start=start, method="lbfgs")
        assert np.all(np.isfinite(found.points))
    together = dg.compress(PLANE, 2, rng=RNG(0), method="lbfgs", start=np.ones((2, 2)))
    assert np.linalg.norm(together.points[0] - together.points[1]) > 0.5


def test_a_coarse_start_is_nearly_the_answer():
    points = RNG(0).standard_normal((6000, 2))
    target = dg.Diracs(points)
    for history in (None, points[:5]):
        options = {"method": "lbfgs", "history": history}
        answer = dg.compress(target, 12, rng=RNG(0), **options)
        rough = dg.compress(target, 12, rng=RNG(0), start="coarse", iterations=1, **options)
        draws = dg.compress(target, 12, rng=RNG(0), iterations=1, **options)
        assert rough.trace[0, 1] < 1.03 * answer.squared_distance < draws.trace[0, 1] / 2


def test_a_coarse_start_of_a_signed_cloud():
    """What repels stays what repels when it is made coarse."""
    rng = RNG(0)
    points = np.concatenate([rng.standard_normal((3000, 2)), 0.3 * rng.standard_normal((2000, 2))])
    target = dg.Diracs(points, np.concatenate([np.full(3000, 1.5 / 3000), np.full(2000, -0.5 / 2000)]))
    found = dg.compress(target, 8, rng=RNG(0), method="lbfgs", start="coarse", iterations=1)
    best = dg.compress(target, 8, rng=RNG(0), method="lbfgs", restarts=3)
    assert found.trace[0, 1] < 1.1 * best.squared_distance


@pytest.mark.parametrize("method", ["adam", "lbfgs", "mm"])
def test_given_points_are_the_start(method):
    start = np.array([[-1.0, 0.0], [1.0, 0.5], [0.0, 2.0]])
    found = dg.compress(PLANE, 3, rng=RNG(0), method=method, start=start, iterations=1)
    assert found.trace[0, 1] == pytest.approx(dg.squared_distance(dg.Diracs(start), PLANE), rel=1e-9)
    np.testing.assert_array_equal(start, [[-1.0, 0.0], [1.0, 0.5], [0.0, 2.0]])


def test_the_default_is_a_sample():
    for method in ("adam", "lbfgs", "mm"):
        one, two = (dg.compress(PLANE, 4, rng=RNG(3), method=method, iterations=5, **options)
                    for options in ({}, {"start": "sample"}))
        np.testing.assert_array_equal(one.points, two.points)


def test_the_same_seed_the_same_start():
    cloud = dg.Diracs(RNG(0).standard_normal((2000, 2)))
    for target in (PLANE, cloud):
        for start in ("sample", "sobol", "coarse"):
            first, second, other = (begin(target, 7, start, seed) for seed in (1, 1, 2))
            np.testing.assert_array_equal(first, second)
            assert target is cloud or not np.array_equal(first, other)


def test_too_many_dimensions_for_sobol():
    wide = dg.Diracs(np.zeros((2, 21202)), [0.5, 0.5])
    with pytest.raises(ValueError, match=r'start: expected "sample" or points in more than 21201 dim.*, got "sobol"'):
        starts.check_start("sobol", 1, _Wide() / 2 + wide / 2)
    assert starts.check_start("sobol", 1, wide) == "sobol"  # cells need no Sobol points


class _Wide(dg.Gaussian):
    """A Gaussian of 21,202 dimensions, whose covariance would fill 3.6 GB."""

    dim = 21202

    def __init__(self):
        pass


def test_other_libraries(library):
    x = RNG(0).standard_normal((1500, 2))
    for start in ("sample", "sobol", "coarse"):
        for of in (lambda xp: dg.Diracs(xp.asarray(x)), lambda xp: dg.Gaussian.standard(2, like=xp.asarray(x))):
            ours, numpys = begin(of(library), 9, start), begin(of(np), 9, start)
            assert dg.namespace(ours) is not np
            np.testing.assert_allclose(to_numpy(ours), numpys, rtol=1e-6, atol=1e-6)


def test_single_precision():
    cloud = dg.Diracs(RNG(0).standard_normal((3000, 2)).astype(np.float32))
    for target in (cloud, dg.Gaussian.standard(2, like=cloud.points)):
        for start in ("sample", "sobol", "coarse"):
            assert begin(target, 5, start).dtype == np.float32


@pytest.mark.parametrize("support", ["free", "subset"])
@pytest.mark.parametrize("kind", ["sobol", "points"])
def test_restarts_do_not_repeat_a_start_that_is_always_the_same(support, kind):
    """The first begins there; the others begin at draws, and the best of several is better than one."""
    points = np.random.default_rng(0).standard_normal((60, 2))
    start = points[:4] if kind == "points" else kind
    kernel, seen = dg.HuberEnergy(0.1), []

    def first(step, x):
        if step == 1:
            seen.append(np.array(x))

    target, options = dg.Diracs(points), {"method": "lbfgs", "support": support, "start": start}
    dg.compress(target, 4, kernel, rng=np.random.default_rng(1), restarts=3, callback=first, **options)
    assert len(seen) == 3
    assert not np.array_equal(seen[1], seen[2])
    again = []
    dg.compress(target, 4, kernel, rng=np.random.default_rng(2), callback=lambda step, x: again.append(np.array(x)),
                **options)
    np.testing.assert_allclose(seen[0], again[0], atol=0.02)  # the generator has a part in the unit of length alone
