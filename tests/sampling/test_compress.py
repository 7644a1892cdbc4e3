"""Compression against the sources' figures, a dense grid, the algorithms as printed, and its own promises."""

import pickle

import numpy as np
import pytest

import divergen as dg
from divergen.distance import energy
from divergen.equations import turinici2022image, turinici2022old, turinici2023
from divergen.sampling import result

ENERGY = dg.HuberEnergy(a=0)
PLANE = dg.Gaussian.standard(2)
GRID = 8.0 * np.stack(np.meshgrid(np.arange(4), np.arange(4), indexing="ij"), axis=-1).reshape(16, 2)
SIXTEEN = sum(dg.Gaussian(centre, np.eye(2)) / 16 for centre in GRID)
# What a search over many starts reaches for N(0, I_2): exact d^2, factor 1/2, a = 0.
BARS = {10: 1.5260e-2, 48: 1.5665e-3, 100: 5.33e-4}


@pytest.mark.parametrize("k", BARS)
def test_lbfgs_reaches_the_bars(k):
    found = dg.compress(PLANE, k, rng=np.random.default_rng(1), method="lbfgs", restarts=3)
    assert dg.squared_distance(dg.Diracs(found.points), PLANE, ENERGY) <= BARS[k]
    assert found.converged and found.exact


@pytest.mark.parametrize("k", BARS)
def test_adam_comes_within_five_percent(k):
    found = dg.compress(PLANE, k, rng=np.random.default_rng(1), batch_size=1000, iterations=1000)
    assert dg.squared_distance(dg.Diracs(found.points), PLANE, ENERGY) <= 1.05 * BARS[k]
    assert found.iterations == 1000 and found.converged


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sixteen_gaussians_get_three_points_each(seed):
    found = dg.compress(SIXTEEN, 48, rng=np.random.default_rng(seed), method="lbfgs")
    cluster = np.argmin(np.linalg.norm(found.points[:, None, :] - GRID, axis=2), axis=1)
    assert np.bincount(cluster, minlength=16).tolist() == [3] * 16


def test_sixteen_gaussians_get_three_points_each_from_adam():
    found = dg.compress(SIXTEEN, 48, rng=np.random.default_rng(0), iterations=1500)
    cluster = np.argmin(np.linalg.norm(found.points[:, None, :] - GRID, axis=2), axis=1)
    assert np.bincount(cluster, minlength=16).tolist() == [3] * 16


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_minimum_is_attained(k):
    """Proposition 1 in one dimension: a dense grid, searched completely, finds nothing better."""
    nodes = np.array([[-2.0], [-1.0], [0.5], [1.0], [3.0]])
    weights = np.array([0.4, 0.3, -0.2, 0.3, 0.2])
    target = dg.Diracs(nodes, weights)
    found = dg.compress(target, k, rng=np.random.default_rng(0), method="lbfgs", restarts=20)
    grid = np.linspace(-3, 4, {1: 1401, 2: 141, 3: 36}[k])[:, None]
    infimum = turinici2022old.infimum(grid, k, (nodes, weights), 1e-6) / 2
    assert found.squared_distance <= infimum + 1e-12
    spacing = grid[1, 0] - grid[0, 0]
    assert found.squared_distance >= infimum - 2 * spacing  # the distance is Lipschitz


def test_quantiles_on_the_line():
    """In one dimension, a = 0, the best k points are the quantiles (2 i - 1) / (2 k)."""
    from scipy.stats import norm

    found = dg.compress(dg.Gaussian.standard(1), 5, ENERGY, rng=np.random.default_rng(0), method="lbfgs", restarts=5)
    np.testing.assert_allclose(np.sort(found.points[:, 0]), norm.ppf((np.arange(5) + 0.5) / 5), atol=1e-5)


def test_algorithm_sg_is_the_adam_method():
    """The same draws and the same constant rate: the same points as algorithm Sg, step for step."""
    ours = dg.compress(PLANE, 7, rng=np.random.default_rng(5), batch_size=50, iterations=30, learning_rate=0.05)
    theirs = turinici2023.algorithm_sg(7, 2, 50, 30, 0.05, np.random.default_rng(5))
    np.testing.assert_allclose(ours.points, theirs, atol=1e-10)


def test_algorithm_tc_is_the_adam_method():
    def sample(n, rng):
        return rng.random((n, 3)) ** 2

    target = dg.Sampled(sample, 3)
    options = {"batch_size": 40, "iterations": 25, "learning_rate": 0.02}
    rng = np.random.default_rng(5)
    sample(10_000, rng)  # compress first draws the points that it judges by
    theirs = turinici2022image.algorithm_tc(sample, 6, 40, 25, 0.02, rng)
    ours = dg.compress(target, 6, rng=np.random.default_rng(5), **options)
    np.testing.assert_allclose(ours.points, theirs, atol=1e-10)


@pytest.mark.parametrize("k", [1, 3])
def test_algorithm_haw_c_is_the_adam_method_with_history(k):
    history = np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, -1.0]])

    def sample(n, rng):
        return rng.standard_normal((n, 2))

    theirs = turinici2022old.algorithm_haw_c(sample, history, k, 60, 30, 0.05, np.random.default_rng(5))
    ours = dg.compress(
        PLANE, k, rng=np.random.default_rng(5), history=history, batch_size=60, iterations=30, learning_rate=0.05
    )
    # The paper's square is twice ours, which Adam feels through its epsilon alone.
    np.testing.assert_allclose(ours.points, theirs, atol=1e-6)


def test_algorithm_semp_and_the_adam_method_reach_the_same_distance():
    latents = np.random.default_rng(0).standard_normal((3000, 2)) * [1.0, 0.3]
    target = dg.Diracs(latents)
    theirs = turinici2023.algorithm_semp(latents, 12, 300, 400, 0.02, np.random.default_rng(1))
    ours = dg.compress(target, 12, rng=np.random.default_rng(1), batch_size=300, iterations=400, learning_rate=0.02)
    reached = [dg.squared_distance(dg.Diracs(x), target) for x in (theirs, ours.points)]
    assert abs(reached[0] / reached[1] - 1) < 0.15
    assert reached[1] < 0.2 * dg.squared_distance(dg.Diracs(latents[:12]), target)


def test_reported_distance_is_exact():
    latents = np.random.default_rng(0).standard_normal((500, 3))
    for target, method in ((PLANE, "lbfgs"), (PLANE, "adam"), (dg.Diracs(latents), "adam"), (SIXTEEN, "lbfgs")):
        found = dg.compress(target, 4, rng=np.random.default_rng(0), method=method, iterations=60)
        want = dg.squared_distance(dg.Diracs(found.points), target)
        assert found.exact and found.squared_distance == pytest.approx(want, rel=1e-9)
        assert found.union_squared_distance == found.squared_distance
        assert found.trace[0, 0] == 0 and found.trace[-1, 1] == pytest.approx(want, rel=1e-6)
        assert found.trace[-1, 1] < found.trace[0, 1]


@pytest.mark.parametrize("method", ["adam", "lbfgs", "mm"])
def test_history_identity(method):
    """d(delta of X and Y, mu)^2 = (K / (Kp + K))^2 d(delta_X, eta)^2, and what is reported is both sides of it."""
    history = np.random.default_rng(1).standard_normal((5, 2))
    found = dg.compress(PLANE, 3, rng=np.random.default_rng(0), method=method, history=history, iterations=80)
    union = dg.squared_distance(dg.Diracs(np.concatenate([history, found.points])), PLANE)
    eta = dg.with_history(PLANE, history, 3)
    assert found.squared_distance == pytest.approx(dg.squared_distance(dg.Diracs(found.points), eta), rel=1e-9)
    assert found.union_squared_distance == pytest.approx(union, rel=1e-9)
    assert union == pytest.approx((3 / 8) ** 2 * found.squared_distance, rel=1e-9)


def test_history_is_avoided():
    """Three batches of five that know of each other beat three that do not, and come close to fifteen at once."""
    rng = np.random.default_rng(0)
    aware = np.zeros((0, 2))
    for _ in range(3):
        past = aware if len(aware) else None
        new = dg.compress(PLANE, 5, rng=rng, method="lbfgs", history=past, restarts=3).points
        aware = np.concatenate([aware, new])
    unaware = np.concatenate([dg.compress(PLANE, 5, rng=rng, method="lbfgs").points for _ in range(3)])
    together = dg.compress(PLANE, 15, rng=rng, method="lbfgs", restarts=3)
    d = [dg.squared_distance(dg.Diracs(x), PLANE) for x in (aware, unaware, together.points)]
    assert d[2] < d[0] < 0.75 * d[1] and d[0] < 1.5 * d[2]


def test_recursive_compression_improves_with_each_point():
    found = dg.recursive_compress(PLANE, 10, rng=np.random.default_rng(0), method="lbfgs", restarts=8)
    assert found.points.shape == (10, 2) and found.trace[:, 0].tolist() == list(range(1, 11))
    np.testing.assert_allclose(found.points[0], 0, atol=1e-4)  # one point: the centre
    for n, d in found.trace:
        assert d == pytest.approx(dg.squared_distance(dg.Diracs(found.points[: int(n)]), PLANE), rel=1e-9)
    assert found.trace[-1, 1] < 0.1 * found.trace[0, 1]
    assert found.squared_distance == found.union_squared_distance == found.trace[-1, 1]


def test_recursive_compression_knows_the_past():
    past = np.zeros((1, 2))
    found = dg.recursive_compress(PLANE, 2, rng=np.random.default_rng(0), history=past, method="lbfgs", restarts=4)
    union = dg.squared_distance(dg.Diracs(np.concatenate([past, found.points])), PLANE)
    assert found.union_squared_distance == pytest.approx(union, rel=1e-9)
    want = dg.squared_distance(dg.Diracs(found.points), dg.with_history(PLANE, past, 2))
    assert found.squared_distance == pytest.approx(want, rel=1e-9)
    assert np.linalg.norm(found.points[0]) > 0.5  # the centre is taken


def test_a_target_that_can_only_be_drawn_from():
    target = dg.Sampled(lambda n, rng: rng.standard_normal((n, 2)), 2)
    found = dg.compress(target, 10, rng=np.random.default_rng(0), iterations=300)
    exact = dg.squared_distance(dg.Diracs(found.points), PLANE)
    assert not found.exact and abs(found.squared_distance / exact - 1) < 0.1
    for method in ("lbfgs", "mm"):
        with pytest.raises(ValueError, match=r'method: expected "adam" for a target that can only be drawn from'):
            dg.compress(target, 3, rng=np.random.default_rng(0), method=method)


def test_the_energy_of_a_drawn_target_is_unbiased(monkeypatch):
    """20 draws among themselves lack 1/20 of the mean distance, sqrt(pi) in the plane; it is added."""
    monkeypatch.setattr(result, "REFERENCE_SIZE", 20)
    target = dg.Sampled(lambda n, rng: rng.standard_normal((n, 2)), 2)
    rng = np.random.default_rng(0)
    energies = [-2 * result.observed(target, ENERGY, rng)[1]() for _ in range(2000)]
    assert abs(np.mean(energies) - np.sqrt(np.pi)) < 5 * np.std(energies) / 2000**0.5 < 0.05


def test_restarts_keep_the_best():
    values = [
        dg.compress(PLANE, 10, rng=np.random.default_rng(0), method="lbfgs", restarts=n).squared_distance
        for n in (1, 2, 6)
    ]
    assert values[0] >= values[1] >= values[2]


def test_same_seed_same_points():
    for method in ("adam", "lbfgs", "mm"):
        one, two = (dg.compress(PLANE, 5, rng=np.random.default_rng(9), method=method, iterations=20) for _ in range(2))
        assert np.array_equal(one.points, two.points) and np.array_equal(one.trace, two.trace)


@pytest.mark.parametrize("method", ["adam", "lbfgs", "mm"])
def test_callback_sees_and_stops(method):
    seen = []

    def callback(iteration, points):
        seen.append((iteration, points.shape))
        return iteration == 4

    found = dg.compress(PLANE, 5, rng=np.random.default_rng(9), method=method, callback=callback)
    assert seen == [(i, (5, 2)) for i in (1, 2, 3, 4)] and not found.converged and found.iterations == 4
    seen.clear()
    recursive = dg.recursive_compress(PLANE, 6, rng=np.random.default_rng(9), method=method, iterations=20,
                                      callback=callback)
    assert [i for i, _ in seen] == [1, 2, 3, 4] and recursive.points.shape == (4, 2)


def test_units_do_not_matter():
    """Latents a thousand times larger: the default rate follows the target's own scale."""
    small = dg.compress(PLANE, 10, rng=np.random.default_rng(0), iterations=300)
    large = dg.compress(dg.Gaussian(np.zeros(2), 1e6 * np.eye(2)), 10, rng=np.random.default_rng(0), iterations=300)
    np.testing.assert_allclose(large.points / 1000, small.points, atol=1e-3)


def test_single_precision_and_integers():
    for dtype in (np.float32, np.int64):
        points = (10 * np.random.default_rng(0).standard_normal((300, 2))).astype(dtype)
        for method in ("adam", "lbfgs", "mm"):
            found = dg.compress(dg.Diracs(points), 5, rng=np.random.default_rng(0), method=method, iterations=50)
            assert found.points.dtype == (np.float32 if dtype is np.float32 else np.float64)
            exact = dg.squared_distance(dg.Diracs(found.points.astype(float)), dg.Diracs(points.astype(float)))
            assert found.squared_distance == pytest.approx(exact, abs=2e-5)


def test_equal_points_are_no_trouble():
    found = dg.compress(dg.Diracs(np.ones((50, 2))), 3, ENERGY, rng=np.random.default_rng(0), iterations=30)
    assert np.all(np.isfinite(found.points)) and found.squared_distance < 1e-6
    found = dg.compress(dg.Diracs(np.ones((50, 2))), 3, rng=np.random.default_rng(0), method="lbfgs")
    np.testing.assert_allclose(found.points, 1, atol=1e-5)


def test_a_signed_target_given_by_hand():
    eta = 2 * PLANE - dg.Diracs(np.zeros((1, 2)))
    found = dg.compress(eta, 1, rng=np.random.default_rng(0), method="lbfgs", restarts=4)
    assert np.linalg.norm(found.points) > 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, r"k: expected a whole number of at least 1, got 0"),
        ({"kernel": "energy"}, r"kernel: expected a kernel, such as HuberEnergy\(a=0\), got 'energy'"),
        ({"callback": 3}, r"callback: expected a function callback\(iteration, points\), got 3"),
        ({"method": "lbfgs", "learning_rate": -1}, r"learning_rate: expected a finite number at least 0, got -1"),
        ({"k": 2.5}, r"k: expected a whole number of at least 1, got 2.5"),
        ({"target": 2 * PLANE}, r"got masses 1 \(the k equal Diracs\) and 2 \(target\)"),
        ({"target": np.zeros((3, 2))}, r"target: expected a measure, .* got ndarray"),
        ({"method": "sgd"}, r"method: expected \"adam\", \"lbfgs\" or \"mm\", got 'sgd'"),
        ({"support": "own"}, r"support: expected \"free\" or \"subset\", got 'own'"),
        ({"support": "subset"}, r"support: expected \"free\" for a target other than Diracs\(points\), got \"subset"),
        ({"support": "subset", "target": dg.Diracs(np.eye(2))}, r"k: expected at most 2, as many as .* 3"),
        ({"support": "subset", "target": dg.Diracs(np.eye(4), [0.5, 0.5, 0, 0])}, r"k: expected at most 2, .* got 3"),
        ({"method": "mm", "kernel": dg.PowerKernel(1, 0.25)}, r"method: expected \"adam\" or \"lbfgs\" for a kernel "
         r"other than HuberEnergy, got \"mm\" with PowerKernel\(a=1.0, alpha=0.25\)"),
        ({"tolerance": -1}, r"tolerance: expected a finite number at least 0, got -1"),
        ({"start": "halton"}, r"start: expected \"sample\", \"sobol\", \"coarse\" or points, got 'halton'"),
        ({"start": np.zeros((2, 2))}, r"start: expected k = 3 points, got 2"),
        ({"start": np.zeros((3, 1))}, r"start: expected points of dimension 2, got dimension 1"),
        ({"start": "coarse", "target": dg.Sampled(lambda n, rng: rng.random((n, 2)), 2)},
         r"start: expected \"sample\" or points for a target that can only be drawn from, got \"coarse\""),
        ({"rng": 0}, r"rng: expected a numpy.random.Generator"),
        ({"history": np.zeros((2, 3))}, r"history: expected points of dimension 2, got dimension 3"),
        ({"history": np.full((1, 2), np.nan)}, r"history: expected finite numbers"),
        ({"batch_size": 0}, r"batch_size: expected a whole number of at least 1, got 0"),
        ({"iterations": -1}, r"iterations: expected a whole number of at least 1, got -1"),
        ({"restarts": 0}, r"restarts: expected a whole number of at least 1, got 0"),
        ({"learning_rate": -0.1}, r"learning_rate: expected a finite number at least 0, got -0.1"),
        ({"learning_rate": lambda step: float("nan")}, r"learning_rate: expected a finite number at least 0, got nan"),
    ],
)
def test_bad_input(arguments, message):
    options = {"target": PLANE, "k": 3, "rng": np.random.default_rng(0), **arguments}
    with pytest.raises(ValueError, match=message):
        dg.compress(**options)


def test_bad_options_of_the_recursion():
    with pytest.raises(ValueError, match=r"options: expected options of compress, got epochs"):
        dg.recursive_compress(PLANE, 3, rng=np.random.default_rng(0), epochs=3)
    with pytest.raises(ValueError, match=r"k: expected a whole number of at least 1"):
        dg.with_history(PLANE, np.zeros((1, 2)), 0)


@pytest.mark.parametrize("support", ["free", "subset"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, r"batch_size: expected a whole number of at least 1, got 0"),
        ({"iterations": None}, r"iterations: expected a whole number of at least 1, got None"),
        ({"restarts": 1.5}, r"restarts: expected a whole number of at least 1, got 1.5"),
        ({"workers": 0}, r"workers: expected a number of threads, or -1 for one on each core, got 0"),
        ({"learning_rate": -1}, r"learning_rate: expected a finite number at least 0, got -1"),
        ({"tolerance": "low"}, r"tolerance: expected a finite number at least 0, got 'low'"),
        ({"tolerance": abs}, r"tolerance: expected a finite number at least 0, got <built-in function abs>"),
        ({"start": "halton"}, r"start: expected \"sample\", \"sobol\", \"coarse\" or points, got 'halton'"),
        ({"start": np.zeros((1, 2))}, r"start: expected \"sample\", \"sobol\" or \"coarse\", since one start for each "
         r"of the points cannot be given here, got ndarray"),
    ],
)
def test_options_of_the_recursion_are_checked_before_the_work(support, options, message):
    target = dg.Diracs(np.random.default_rng(0).standard_normal((20, 2)))

    def never(number, points):
        pytest.fail("the work began")

    with pytest.raises(ValueError, match=message):
        dg.recursive_compress(target, 3, rng=np.random.default_rng(0), support=support, callback=never, **options)


def test_as_many_points_as_atoms_are_the_atoms():
    """k = n equal Diracs: every atom gets its point, which needs starts that do not coincide."""
    atoms = np.random.default_rng(0).standard_normal((30, 2))
    found = dg.compress(dg.Diracs(atoms), 30, rng=np.random.default_rng(1), method="lbfgs")
    assert found.squared_distance < 1e-12
    weighted = dg.Diracs(atoms[:5], [0.4, 0.2, 0.2, 0.1, 0.1])
    for method in ("adam", "lbfgs"):
        found = dg.compress(weighted, 20, rng=np.random.default_rng(1), method=method)
        assert len(np.unique(found.points, axis=0)) == 20  # four times as many points as atoms, and none shares a place


@pytest.mark.parametrize("method", ["adam", "lbfgs", "mm"])
def test_the_unit_does_not_matter_to_the_result(method):
    reached = []
    for unit in (1e-12, 1.0, 1e15):
        target = dg.Gaussian(np.full(2, 3 * unit), unit**2 * np.eye(2))
        found = dg.compress(target, 8, ENERGY, rng=np.random.default_rng(0), method=method, iterations=300)
        reached.append(found.squared_distance / unit)
    np.testing.assert_allclose(reached, reached[1], rtol=1e-3)


def test_a_kernel_that_sees_the_mean_only():
    with pytest.warns(UserWarning, match=r"a = 1e-06 is far above the spread of the target"):
        dg.compress(dg.Gaussian(np.zeros(1), [[1e-18]]), 3, rng=np.random.default_rng(0), method="lbfgs")


def test_the_energy_of_the_target_is_computed_once(monkeypatch):
    calls = []
    computed = energy.pair_sums
    monkeypatch.setattr(energy, "pair_sums", lambda *a, **b: calls.append(a[0].shape[0]) or computed(*a, **b))
    target = dg.Diracs(np.random.default_rng(0).standard_normal((600, 2)))
    dg.recursive_compress(target, 4, rng=np.random.default_rng(0), method="adam", iterations=2, batch_size=5)
    assert calls.count(600) == 1


def test_the_energy_of_the_target_waits_until_it_is_asked_for(monkeypatch):
    """Of a million points nobody who wants 48 of them pays for 10^12 / 2 pairs."""
    asked = []
    computed = energy.self_energy
    monkeypatch.setattr(energy, "self_energy", lambda *a, **b: asked.append(a[0].shape[0]) or computed(*a, **b))
    target = dg.Diracs(np.random.default_rng(0).standard_normal((600, 2)))
    for method in ("adam", "lbfgs", "mm"):
        found = dg.compress(target, 4, rng=np.random.default_rng(0), method=method, iterations=3, restarts=2)
        assert 600 not in asked and found.points.shape == (4, 2)
    assert found.squared_distance == pytest.approx(dg.squared_distance(dg.Diracs(found.points), target), rel=1e-9)
    assert found.trace[-1, 1] == found.squared_distance and asked.count(600) == 1


def test_a_result_can_be_pickled():
    found = dg.compress(dg.Diracs(np.arange(9.0)[:, None]), 2, rng=np.random.default_rng(0), method="lbfgs")
    again = pickle.loads(pickle.dumps(found))
    assert again.squared_distance == found.squared_distance and np.array_equal(again.trace, found.trace)


def test_a_loose_tolerance_stops_early():
    rng = np.random.default_rng
    for method in ("lbfgs", "mm"):
        loose, tight = (dg.compress(PLANE, 20, rng=rng(0), method=method, tolerance=t) for t in (1e-3, 1e-7))
        assert loose.converged and tight.converged and loose.iterations < tight.iterations / 3
        assert tight.squared_distance < loose.squared_distance < 1.2 * tight.squared_distance
    never = dg.compress(PLANE, 20, rng=rng(0), method="mm", tolerance=0, iterations=40)
    assert not never.converged and never.iterations == 40
