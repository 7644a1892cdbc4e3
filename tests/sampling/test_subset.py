"""Subsets of the data against complete search, and their promises: no index twice, no swap left, the past honoured."""

import itertools
import tracemalloc

import numpy as np
import pytest

import divergen as dg
from divergen.arrays import to_numpy
from divergen.distance import energy
from divergen.equations import turinici2022old

RNG = np.random.default_rng


def choose(points, k, a=1e-6, weights=None, **options):
    return dg.compress(dg.Diracs(points, weights), k, dg.HuberEnergy(a), rng=RNG(0), support="subset", **options)


def union_distance(points, weights, chosen, history, a):
    """d^2 of the chosen points and the history together to the weighted data, by the source's sums (without 1/2)."""
    union = points[list(chosen)] if history is None else np.concatenate([points[list(chosen)], history])
    return turinici2022old.squared_distance(turinici2022old.delta(union), (points, weights), a) / 2


def problem(seed, dim=2, n=10):
    rng = RNG(seed)
    weights = rng.random(n) if seed % 2 else np.ones(n)
    return rng.standard_normal((n, dim)), weights / weights.sum(), rng.standard_normal((2, dim)) if seed % 3 else None


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dim", [1, 2, 9])
def test_against_all_subsets(seed, dim):
    """Never better than the best of all 120, often that one, and never improved by any one swap."""
    points, weights, history = problem(seed, dim)
    found = choose(points, 3, 0.0, weights, history=history)
    triples = itertools.combinations(range(10), 3)
    values = {frozenset(triple): union_distance(points, weights, triple, history, 0.0) for triple in triples}
    ours = values[frozenset(found.indices.tolist())]
    assert found.exact and found.converged and found.union_squared_distance == pytest.approx(ours, rel=1e-9)
    np.testing.assert_array_equal(found.points, points[found.indices])
    for out, new in itertools.product(found.indices.tolist(), set(range(10)) - set(found.indices.tolist())):
        assert values[frozenset(found.indices.tolist()) - {out} | {new}] >= ours - 1e-12
    assert ours <= sorted(values.values())[11]  # among the twelve best of 120
    assert found.trace[-1, 1] <= found.trace[0, 1]


def test_the_best_subset_is_found_most_of_the_time():
    best = 0
    for seed in range(40):
        points, weights, history = problem(seed)
        found = choose(points, 3, weights=weights, history=history).union_squared_distance
        all_of_them = itertools.combinations(range(10), 3)
        best += found <= min(union_distance(points, weights, c, history, 1e-6) for c in all_of_them) + 1e-12
    assert 25 <= best <= 40


@pytest.mark.parametrize("seed", range(6))
def test_each_point_of_the_recursion_is_the_best_one_left(seed):
    points, weights, history = problem(seed)
    found = dg.recursive_compress(dg.Diracs(points, weights), 5, rng=RNG(0), support="subset", history=history)
    chosen = []
    for number, index in enumerate(found.indices.tolist()):
        left = sorted(set(range(10)) - set(chosen))
        values = [union_distance(points, weights, [*chosen, i], history, 1e-6) for i in left]
        assert index == left[int(np.argmin(values))]
        assert found.trace[number].tolist() == [number + 1, pytest.approx(min(values), rel=1e-9)]
        chosen.append(index)
    np.testing.assert_array_equal(found.points, points[chosen])
    size = 5 if history is None else 7
    assert found.union_squared_distance == pytest.approx(found.trace[-1, 1], rel=1e-12)
    assert found.squared_distance == pytest.approx(found.trace[-1, 1] * (size / 5) ** 2, rel=1e-12)
    assert found.exact and found.converged and found.iterations == 5


def test_free_points_have_no_indices_and_come_closer():
    points = RNG(0).standard_normal((400, 2))
    free = dg.compress(dg.Diracs(points), 20, rng=RNG(0), method="lbfgs")
    own = choose(points, 20)
    at_random = dg.self_energy(points) / 40
    assert free.indices is None and free.squared_distance < own.squared_distance < 1.25 * free.squared_distance
    assert own.squared_distance < 0.15 * at_random
    refined = choose(points, 20, start=free.points)
    assert refined.squared_distance < 1.1 * free.squared_distance
    np.testing.assert_array_equal(refined.points, points[refined.indices])


@pytest.mark.parametrize("start", [None, "sample", "sobol", "coarse", "points"])
def test_no_index_twice(start):
    """Each of six places five times: all may be chosen, each once; and the last point has no choice."""
    points = np.repeat(RNG(0).standard_normal((6, 2)), 5, axis=0)
    for k in (12, 29, 30):
        found = choose(points, k, start=np.zeros((k, 2)) if start == "points" else start)
        assert len(set(found.indices.tolist())) == k
    assert sorted(found.indices.tolist()) == list(range(30)) and found.squared_distance < 1e-12
    assert len(np.unique(choose(points, 6, start="sample").points, axis=0)) == 6


def test_of_equals_the_first():
    """A square: every corner is as good a first choice as any other, and then the one across."""
    square = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert choose(square, 1).indices.tolist() == [0]
    assert choose(square, 2).indices.tolist() == [0, 3]
    assert choose(np.ones((5, 2)), 3).indices.tolist() == [0, 1, 2]


def test_only_points_with_positive_weight_are_chosen():
    points = RNG(1).standard_normal((8, 2))
    weights = np.array([0.3, 0.0, 0.3, 0.0, 0.3, -0.2, 0.3, 0.0])
    for start in (None, "sample", points[[1, 3, 5, 7]] + 1e-3):
        assert sorted(choose(points, 4, weights=weights, start=start).indices.tolist()) == [0, 2, 4, 6]
    middle = np.array([[-1.0], [0.0], [1.0]])  # with a = 3 the best place is the middle, which has no weight
    assert choose(middle, 1, 3.0, np.array([0.45, 0.0, 0.55])).indices.tolist() == [2]
    assert choose(middle, 1, 3.0, np.array([0.45, 1e-9, 0.55 - 1e-9])).indices.tolist() == [1]


def test_weights_are_respected():
    line = np.arange(9.0)[:, None]
    heavy = np.array([0.6, *np.full(8, 0.05)])
    assert choose(line, 1).indices.tolist() == [4]
    assert choose(line, 1, weights=heavy).indices.tolist() == [0]


def test_the_history_is_completed():
    line = np.linspace(-1, 1, 21)[:, None]
    assert choose(line, 1, history=line[[5]]).indices.tolist() == [15]
    assert choose(line, 2).indices.tolist() != choose(line, 2, history=line[[5]]).indices.tolist()


def test_restarts_keep_the_best_and_the_first_is_greedy():
    points = RNG(3).standard_normal((60, 2))
    values = [choose(points, 8, restarts=n).squared_distance for n in (1, 2, 8)]
    assert values[0] >= values[1] >= values[2] and values[0] > values[2]
    greedy = dg.recursive_compress(dg.Diracs(points), 8, rng=RNG(0), support="subset")
    assert choose(points, 8).trace[0, 1] == pytest.approx(greedy.squared_distance, rel=1e-9)


def test_a_limit_and_a_callback():
    points, seen = RNG(3).standard_normal((200, 2)), []
    full = choose(points, 20)
    assert full.converged and full.iterations > 2 and full.trace.shape == (full.iterations + 1, 2)
    one = choose(points, 20, iterations=1)
    assert not one.converged and one.iterations == 1 and one.squared_distance > full.squared_distance

    def callback(number, chosen):
        seen.append((number, chosen.shape))
        return number == 2

    stopped = choose(points, 20, callback=callback)
    assert not stopped.converged and seen == [(1, (20, 2)), (2, (20, 2))]
    seen.clear()
    some = dg.recursive_compress(dg.Diracs(points), 20, rng=RNG(0), support="subset", callback=callback)
    assert seen == [(1, (1, 2)), (2, (2, 2))] and not some.converged and some.indices.tolist() == [
        int(np.argmin(dg.potential(points, points))), some.indices[1]]


def test_same_points_whatever_the_seed():
    points = RNG(3).standard_normal((100, 2))
    one, two = (dg.compress(dg.Diracs(points), 9, rng=RNG(seed), support="subset") for seed in (1, 2))
    np.testing.assert_array_equal(one.indices, two.indices)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_number_types(dtype):
    points = (10 * RNG(0).standard_normal((100, 2))).astype(dtype)
    found = choose(points, 6, history=points[:2])
    assert found.points.dtype == (np.float32 if dtype is np.float32 else np.float64)
    np.testing.assert_array_equal(found.points, points[found.indices])
    np.testing.assert_array_equal(found.indices, choose(points.astype(float), 6, history=points[:2]).indices)


def test_the_potential_is_summed_once_and_gives_the_energy_too(monkeypatch):
    points, asked = RNG(0).standard_normal((300, 2)), []
    computed = energy.self_energy
    monkeypatch.setattr(energy, "self_energy", lambda *a, **b: asked.append(a[0].shape[0]) or computed(*a, **b))
    target = dg.Diracs(points)
    found = dg.compress(target, 5, rng=RNG(0), support="subset", restarts=3)
    assert found.squared_distance == pytest.approx(dg.squared_distance(dg.Diracs(found.points), dg.Diracs(points)))
    assert asked.count(300) == 1  # that of the check itself


def test_memory_is_linear():
    """4,000 points: all pairs would take 128 MB."""
    points = RNG(0).standard_normal((4000, 2))
    tracemalloc.start()
    choose(points, 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12e6


def test_other_libraries(library):
    rng = RNG(0)
    points, weights, history = rng.standard_normal((60, 2)), rng.random(60), np.array([[0.0, 1.0]])
    for start in (None, "sobol", points[:5] + 0.01):
        ours, numpys = (
            dg.compress(dg.Diracs(xp.asarray(points), xp.asarray(weights / weights.sum())), 5, rng=RNG(0),
                        support="subset", history=xp.asarray(history),
                        start=xp.asarray(start) if isinstance(start, np.ndarray) else start)
            for xp in (library, np)
        )
        assert dg.namespace(ours.points) is not np
        np.testing.assert_array_equal(ours.indices, numpys.indices)
        np.testing.assert_array_equal(to_numpy(ours.points), numpys.points)
    known = dg.Diracs(library.asarray(points))
    ours = dg.recursive_compress(known, 4, rng=RNG(0), support="subset", history=library.asarray(history))
    numpys = dg.recursive_compress(dg.Diracs(points), 4, rng=RNG(0), support="subset", history=history)
    np.testing.assert_array_equal(ours.indices, numpys.indices)
    assert ours.union_squared_distance == pytest.approx(numpys.union_squared_distance, rel=1e-12)


def test_the_recursion_refuses_what_compress_refuses():
    with pytest.raises(ValueError, match=r'support: expected "free" for a target other than Diracs'):
        dg.recursive_compress(dg.Gaussian.standard(2), 2, rng=RNG(0), support="subset")
    with pytest.raises(ValueError, match=r"k: expected at most 3, .* got 4"):
        dg.recursive_compress(dg.Diracs(np.eye(3)), 4, rng=RNG(0), support="subset")
    with pytest.raises(ValueError, match=r"history: expected points of dimension 3, got dimension 1"):
        dg.recursive_compress(dg.Diracs(np.eye(3)), 2, rng=RNG(0), support="subset", history=np.zeros((1, 1)))
    with pytest.raises(ValueError, match=r"rng: expected a numpy.random.Generator"):
        dg.recursive_compress(dg.Diracs(np.eye(3)), 2, rng=0, support="subset")
