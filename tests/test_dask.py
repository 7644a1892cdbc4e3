"""Clouds in chunks, on a cluster of two processes: the same numbers as in memory, wherever the chunks are."""

import os
import platform
import signal
import threading
import time

import numpy as np
import pytest

dask = pytest.importorskip("dask", reason="Dask is not installed")
distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
da = pytest.importorskip("dask.array", reason="dask.array is not installed")

import divergen as dg  # noqa: E402
from divergen import chunks  # noqa: E402
from divergen.arrays import is_chunked, resolution  # noqa: E402
from divergen.distance import chunked, energy  # noqa: E402

UNEVEN = (700, 0, 1, 999, 300, 1000)  # rows of chunks


@pytest.fixture(scope="module")
def client():
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "3s"}),  # how long the dead are waited for
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def no_cluster():
    """Where there is no cluster, Dask works in this process: quickly, with small arrays."""
    with dask.config.set(scheduler="synchronous"):
        yield


def cloud(rng, d=3, dtype=np.float64, rows=UNEVEN):
    """The same points in memory and in chunks, with weights of sum 1."""
    points = rng.standard_normal((sum(rows), d)).astype(dtype)
    weights = rng.random(sum(rows)).astype(dtype)
    weights /= weights.sum()
    return points, weights, in_chunks(points, rows), da.from_array(weights, chunks=(rows,)).persist()


def in_chunks(points, rows):
    return da.from_array(points, chunks=(rows, points.shape[1])).persist()


def close(found, want, tolerance=1e-12):
    np.testing.assert_allclose(found, want, rtol=tolerance, atol=tolerance)
    assert type(found) is type(want)
    assert np.asarray(found).dtype == np.asarray(want).dtype


def all_close(found, want, tolerance=1e-12):
    for one, other in zip(found, want, strict=True):
        close(one, other, tolerance)


# The same numbers

def check_everything(rng, d, given, kernel):
    points, weights, y, w = cloud(rng, d)
    x = np.concatenate([rng.standard_normal((20, d)), points[:3]])  # coincident ones too
    if given == "none":
        weights = w = None
    elif given == "memory":
        w = weights
    elif given == "signed":
        weights, w = weights - 0.5 / len(points), w - 0.5 / len(points)
    here, there = dg.Diracs(points, weights), dg.Diracs(y, w)
    assert there.chunked and not here.chunked
    assert there.dim == d
    close(there.mass, here.mass)
    close(there.potential(x, kernel), here.potential(x, kernel))
    all_close(there.potential_and_gradient(x, kernel), here.potential_and_gradient(x, kernel))
    close(there.self_energy(kernel), here.self_energy(kernel))
    few = rng.random(23)
    few *= here.mass / few.sum()
    close(dg.cloud_squared_distance(x, y, few, w, kernel), dg.cloud_squared_distance(x, points, few, weights, kernel))
    all_close(dg.cloud_squared_distance_and_gradient(x, y, few, w, kernel),
              dg.cloud_squared_distance_and_gradient(x, points, few, weights, kernel))


@pytest.mark.parametrize("d", [2, 12])
@pytest.mark.parametrize("given", ["none", "chunks", "memory", "signed"])
@pytest.mark.parametrize("kernel", [dg.HuberEnergy(0.0), dg.HuberEnergy(0.5), dg.PowerKernel(0.1, 0.7)])
def test_a_cloud_in_chunks_is_the_cloud(d, given, kernel, no_cluster, rng):
    check_everything(rng, d, given, kernel)


@pytest.mark.parametrize(("d", "given"), [(2, "none"), (12, "chunks"), (2, "memory"), (12, "signed")])
def test_a_cloud_on_a_cluster_is_the_cloud(d, given, client, rng):
    check_everything(rng, d, given, dg.HuberEnergy(0.1))


@pytest.mark.parametrize("d", [2, 12])
def test_single_precision(d, no_cluster, rng):
    points, weights, y, w = cloud(rng, d, np.float32)
    x = rng.standard_normal((20, d))
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-6)):  # of double and single points
        x = x.astype(dtype)
        all_close(dg.potential_and_gradient(x, y, w), dg.potential_and_gradient(x, points, weights), tolerance)
    assert dg.Diracs(y).sample(3, rng).dtype == np.float32
    assert resolution(y) == np.finfo(np.float32).eps
    # Weights in single precision sum to 1 less well, and are allowed to.
    value = dg.squared_distance(dg.Diracs(x), dg.Diracs(y, w))
    np.testing.assert_allclose(value, dg.squared_distance(dg.Diracs(x), dg.Diracs(points, weights)), rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.float16])
def test_other_numbers_are_converted_where_they_are(dtype, no_cluster, rng):
    points = rng.integers(0, 2, (60, 3)).astype(dtype)
    y = in_chunks(points, (20, 40))
    x = rng.standard_normal((4, 3))
    close(dg.Diracs(y).potential(x), dg.Diracs(points).potential(x))
    assert dg.Diracs(y).points.dtype == dg.Diracs(points).points.dtype


def test_distances_between_measures(client, rng):
    points, weights, y, w = cloud(rng)
    others, _, z, _ = cloud(rng, rows=(700, 500))  # the first chunks have the same rows
    few = dg.Diracs(rng.standard_normal((10, 3)))
    here, there = dg.Diracs(points, weights), dg.Diracs(y, w)
    normal = dg.Gaussian(rng.standard_normal(3), np.diag([1.0, 2.0, 0.5]))
    kernel = dg.HuberEnergy(0.1)
    close(dg.squared_distance(few, there, kernel), dg.squared_distance(few, here, kernel))
    close(dg.squared_distance(there, few, kernel), dg.squared_distance(here, few, kernel))
    close(dg.squared_distance(there, normal, kernel), dg.squared_distance(here, normal, kernel))
    close(dg.squared_distance(2 * there - normal, few, kernel), dg.squared_distance(2 * here - normal, few, kernel))
    close(dg.squared_distance(there, dg.Diracs(z), kernel), dg.squared_distance(here, dg.Diracs(others), kernel))
    close(there.energy_with(dg.Diracs(z), kernel), here.energy_with(dg.Diracs(others), kernel))
    all_close(dg.squared_distance_and_gradient(few, 3 * there - 2 * normal, kernel),
              dg.squared_distance_and_gradient(few, 3 * here - 2 * normal, kernel))
    assert dg.squared_distance(here, there) < 1e-14


def check_neighbours(rng, d, values, n=900):
    generated, real = 0.9 * rng.standard_normal((n // 2, d)), rng.standard_normal((n, d))
    if values == "integers":  # ties
        real = np.rint(2 * real).astype(np.int64)
    elif values == "single":
        real = real.astype(np.float32)
    elif values == "huge":
        real, generated = real * 1e200, generated * 1e200
    x = in_chunks(real, (n // 3, 0, 4, n // 3 - 4, n // 3))  # one chunk has fewer points than neighbours are wanted
    for k, ties in ((5, "inclusive"), ([1, 7], "strict")):
        want = dg.neighbour_metrics(real, generated, k, ties=ties)
        for one, other in zip(dg.neighbour_metrics(x, generated, k, ties=ties), want, strict=True):
            assert np.array_equal(one, other)
            assert type(one) is type(other)


@pytest.mark.parametrize("d", [2, 20])
@pytest.mark.parametrize("values", ["normal", "integers", "single", "huge"])
def test_neighbours(d, values, no_cluster, rng):
    check_neighbours(rng, d, values)


@pytest.mark.parametrize(("d", "values"), [(2, "integers"), (20, "single")])
def test_neighbours_on_a_cluster(d, values, client, rng):
    check_neighbours(rng, d, values)


def test_workers_of_a_task_do_not_change_the_bits(client, rng):
    *_, y, w = cloud(rng)
    x = rng.standard_normal((30, 3))
    one, two = (dg.potential_and_gradient(x, y, w, workers=workers) for workers in (1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


# The order of arrival

@pytest.mark.parametrize("late", ["first", "last", "odd"])
def test_sums_do_not_depend_on_who_is_ready_first(late, client):
    """Of these numbers, other orders have other sums."""
    rng = np.random.default_rng(0)
    numbers = (rng.standard_normal(40) * 10.0 ** rng.integers(0, 16, 40)).tolist()

    def arrive(i):
        time.sleep(0.1 * {"first": i < 4, "last": i >= 36, "odd": i % 9 == 1}[late])
        return np.asarray([numbers[i]])

    found = chunks.compute(chunks.in_a_tree([chunks.task(arrive, i) for i in range(40)], chunks.add_up))
    level = numbers
    while len(level) > 1:
        level = [sum(level[i + 1 : i + chunks.FAN_IN], start=level[i]) for i in range(0, len(level), chunks.FAN_IN)]
    assert found[0] == level[0]
    assert found[0] != sum(numbers)


def test_sums_leave_their_terms_alone():
    terms = [(np.ones(2), None, 1), (np.ones(2), None, 2)]
    total = chunks.add_up(terms)
    assert total[0].tolist() == [2.0, 2.0]
    assert total[1:] == (None, 3)
    assert terms[0][0].tolist() == [1.0, 1.0]


def test_every_chunk_meets_every_chunk_in_order(client):
    for upper in (False, True):
        pieces = [(j,) for j in range(5)]
        met = chunks.against_each(lambda state, i, j: [*(state or []), (*i, *j)], pieces, pieces, upper=upper)
        want = [[(i, j) for j in range(5) if not upper or i <= j] for i in range(5)]
        assert chunks.compute(met) == want


# What moves, and what it takes

def traced(client, run):
    """Peak bytes that a worker took beyond what it held before, the largest over the workers."""

    def start():
        import gc
        import tracemalloc

        gc.collect()
        tracemalloc.start()

    def stop():
        import tracemalloc

        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    client.run(start)
    try:
        run()
    finally:
        peaks = client.run(stop)
    return max(peaks.values())


def test_the_memory_of_a_worker_grows_with_the_chunk_and_not_with_the_cloud(client, rng):
    x = rng.standard_normal((8, 4))

    def peak(n_chunks, rows):
        y = da.random.default_rng(0).standard_normal((n_chunks * rows, 4), chunks=(rows, 4))  # made when needed
        return traced(client, lambda: dg.potential_and_gradient(x, y))

    peak(2, 1000)  # what is loaded on first use does not count
    chunk = 8 * 4 * 40_000
    small, many, large = peak(4, 40_000), peak(16, 40_000), peak(4, 160_000)
    assert small > chunk
    assert many < small + 3 * chunk  # a few are made before they are needed; half of four times as many are 6 more
    assert large > small + 2 * chunk
    assert large < 4 * (small + chunk)


def received(client):
    """Bytes that workers have got from each other so far."""
    return sum(client.run(lambda dask_worker: sum(log["total"] for log in dask_worker.transfer_incoming_log)).values())


def test_neighbours_need_a_few_chunks_more(client, rng):
    rows, d = 250, 1024
    generated = rng.standard_normal((50, d))
    chunk = 8 * rows * d  # two megabytes

    def peak(n_chunks):
        real = da.random.default_rng(0).standard_normal((n_chunks * rows, d), chunks=(rows, d)).persist()
        distributed.wait(real)
        before = received(client)
        return traced(client, lambda: dg.neighbour_metrics(real, generated, k=2)), received(client) - before

    peak(2)
    small = min(peak(4) for _ in range(2))[0]
    runs = [peak(14) for _ in range(2)]  # the better one: a busy machine does not let go at once
    assert min(taken for taken, _ in runs) < small + 4 * chunk  # if all stayed, five more than in the small cloud
    # Each chunk is sent to the other worker once; few tasks are moved from their chunk.
    assert min(moved for _, moved in runs) < 1.6 * 14 * chunk


def test_hardly_a_chunk_moves(client, rng):
    """Between workers points and sums travel; a chunk does if its worker is busy and the other one idle."""
    y = da.from_array(rng.standard_normal((80_000, 4)), chunks=(5000, 4)).persist()
    distributed.wait(y)
    target, x = dg.Diracs(y), rng.standard_normal((10, 4))
    before = received(client)
    for _ in range(3):
        target.potential_and_gradient(x)
        target.sample(10, rng)
    assert received(client) - before < 6 * y.nbytes / 16  # 24 if all came to one worker each time


def test_large_points_are_sent_without_a_warning(client):
    assert chunks.compute(chunks.task(len, chunks.shared(np.zeros(2_000_000)))) == 2_000_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is counted is what glibc does")
def test_blocks_reuse_their_memory_on_the_workers(client, rng):
    """The environment of a worker makes glibc give it back at once, block by block: ten times as slow."""
    y = da.random.default_rng(0).standard_normal((200_000, 2), chunks=(100_000, 2)).persist()
    x = rng.standard_normal((20, 2))

    def faults():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    dg.potential_and_gradient(x, y)
    before = sum(client.run(faults).values())
    dg.potential_and_gradient(x, y)
    assert sum(client.run(faults).values()) - before < 6000  # 40,000 without


# Draws

@pytest.mark.parametrize("weighted", [False, True])
def test_draws_are_those_of_the_cloud_in_memory(weighted, client, rng):
    points, weights, y, w = cloud(rng)
    weights[:800] = 0  # a whole chunk, and a part of one, without weight
    weights[-1] = 0
    w = da.from_array(weights, chunks=(UNEVEN,))
    here, there = (dg.Diracs(points, weights), dg.Diracs(y, w)) if weighted else (dg.Diracs(points), dg.Diracs(y))
    drawn = there.sample(500, np.random.default_rng(3))
    assert np.array_equal(drawn, here.sample(500, np.random.default_rng(3)))
    batch = there.minibatch(50, np.random.default_rng(3))
    want = here.minibatch(50, np.random.default_rng(3))
    close(batch.mass, want.mass)
    assert np.array_equal(batch.points, want.points)
    assert there.minibatch(10_000, rng) is there  # kept as it is


def test_minibatches_of_signed_weights(no_cluster, rng):
    points, _, y, _ = cloud(rng)
    weights = rng.standard_normal(len(points))
    here, there = dg.Diracs(points, weights), dg.Diracs(y, da.from_array(weights, chunks=(UNEVEN,)))
    batch, want = (one.minibatch(20, np.random.default_rng(1)) for one in (there, here))
    close(batch.mass, want.mass)
    for (a, one), (b, other) in zip(batch.terms, want.terms, strict=True):
        assert a == b
        assert np.array_equal(one.points, other.points)
    with pytest.raises(ValueError, match="sample: expected a positive measure, got the weight -"):
        there.sample(3, rng)


def test_rounding_does_not_choose_points_without_weight(no_cluster):
    """A place of 1 - 2^-53 times the sum may be rounded to the sum itself."""

    class Last(np.random.Generator):
        def random(self, n):
            return np.full(n, 1 - 2.0**-53)

    weights = np.array([0.5, 0.1, 1.1, 0.0, 0.0])
    y = in_chunks(np.arange(5.0)[:, None], (2, 2, 1))
    drawn = dg.Diracs(y, weights).sample(1, Last(np.random.PCG64(0)))
    assert drawn[0, 0] == 2
    assert dg.Diracs(y).sample(1, Last(np.random.PCG64(0)))[0, 0] == 4


def test_the_measure_is_not_changed_by_assignments(no_cluster, rng):
    _, weights, y, _ = cloud(rng)
    target, x = dg.Diracs(y, weights), rng.standard_normal((2, 3))
    want = target.potential(x)
    y[:500] = 7.0
    weights[:] = 0
    assert np.array_equal(target.potential(x), want)


# Compression

@pytest.mark.parametrize("method", ["lbfgs", "mm"])
def test_compression_takes_the_same_steps(method, client, rng):
    points = rng.standard_normal((20_000, 2))
    y = in_chunks(points, (7000, 6000, 7000))
    options = {"method": method, "start": rng.standard_normal((12, 2)), "iterations": 5}
    there = dg.compress(dg.Diracs(y), 12, rng=np.random.default_rng(0), **options)
    here = dg.compress(dg.Diracs(points), 12, rng=np.random.default_rng(0), **options)
    assert there.exact
    np.testing.assert_allclose(there.points, here.points, atol=1e-9)
    np.testing.assert_allclose(there.squared_distance, here.squared_distance, rtol=1e-9)


def test_compression_by_minibatches_and_with_a_history(client, rng):
    points = rng.standard_normal((3000, 2))
    target = dg.Diracs(in_chunks(points, (1000, 2000)))
    options = {"rng": np.random.default_rng(0), "start": rng.standard_normal((5, 2)), "iterations": 10}
    there = dg.compress(target, 5, history=points[:4], batch_size=50, **options)
    options["rng"] = np.random.default_rng(0)
    here = dg.compress(dg.Diracs(points), 5, history=points[:4], batch_size=50, **options)
    np.testing.assert_allclose(there.squared_distance, here.squared_distance, rtol=1e-9)
    assert there.exact


def test_compression_of_more_points_than_pairs_are_summed_of(client, rng):
    n = chunked.ALL_PAIRS + 20_000
    y = da.random.default_rng(1).standard_normal((n, 2), chunks=(30_000, 2)).persist()
    target = 2 * dg.Diracs(y, da.full(n, 0.5 / n, chunks=30_000))
    found = dg.compress(target, 16, rng=rng, method="lbfgs", start="coarse", iterations=10)
    assert not found.exact
    truth = dg.squared_distance(dg.Diracs(found.points), dg.Gaussian.standard(2))
    # The noise of the 10,000 draws by which it is judged, and that of the 120,000 points themselves.
    assert abs(found.squared_distance - truth) < 0.1 * truth
    assert found.trace[-1, 1] == pytest.approx(found.squared_distance, rel=1e-9)
    assert np.all(np.diff(found.trace[:, 1]) <= 0)  # L-BFGS has seen all points: no noise between its steps
    assert truth < 9e-3  # draws have 4e-2


@pytest.mark.parametrize("start", ["sample", "sobol"])
def test_starts(start, no_cluster, rng):
    y = in_chunks(rng.standard_normal((4000, 2)), (2000, 2000))
    found = dg.compress(dg.Diracs(y), 5, rng=rng, method="mm", start=start, iterations=30)
    assert found.exact
    assert found.squared_distance < 0.06  # draws have 0.18


# A worker dies

def test_a_worker_killed_in_the_middle(client, rng):
    points = rng.standard_normal((40_000, 2))
    x = rng.standard_normal((10, 2))

    def slowly(block):
        time.sleep(0.25)
        return block

    y = da.from_array(points, chunks=(5000, 2)).map_blocks(slowly, meta=np.empty((0, 2)))
    target = dg.Diracs(y)
    want = target.potential_and_gradient(x)
    found = []
    thread = threading.Thread(target=lambda: found.append(target.potential_and_gradient(x)))
    pids = client.run(os.getpid)
    thread.start()
    time.sleep(0.6)  # of at least 8 * 0.25 / 2 seconds
    assert thread.is_alive()
    os.kill(min(pids.values()), signal.SIGKILL)
    thread.join(timeout=60)
    assert all(np.array_equal(one, other) for one, other in zip(found[0], want, strict=True))
    all_close(found[0], dg.potential_and_gradient(x, points))
    client.wait_for_workers(2, timeout=60)
    assert set(client.run(os.getpid).values()) != set(pids.values())


def test_chunks_that_died_with_their_worker(client, rng):
    """Persisted chunks are made again; weights that were given in memory are sent again."""
    points, weights, _, _ = cloud(rng)
    y = in_chunks(points, UNEVEN)
    distributed.wait(y)
    target, x = dg.Diracs(y, weights), rng.standard_normal((4, 3))
    want = target.potential(x)
    os.kill(max(client.run(os.getpid).values()), signal.SIGKILL)
    assert np.array_equal(target.potential(x), want)
    client.wait_for_workers(2, timeout=60)


# Bad input

def lying(rows):
    """Chunks that are not what they say."""
    return da.zeros((20, 2), chunks=(10, 2)).map_blocks(lambda block: block[:rows], meta=np.empty((0, 2)))


def with_nan():
    points = np.zeros((30, 2))
    points[25] = np.nan
    return in_chunks(points, (10, 0, 20))


X, MANY = np.zeros((1, 2)), dg.Diracs(da.zeros((200_000, 2), chunks=(50_000, 2)))
BAD = [
    (lambda y: dg.Diracs(y[:, 0]), r"points: expected an array of shape \(n, d\), points as rows, got shape \(20,\)"),
    (lambda y: dg.Diracs(y[y[:, 0] > -1]), r"points: expected chunks of known sizes, got unknown ones; call points.co"),
    (lambda y: dg.Diracs(y.rechunk((10, 1))), r"points: expected chunks of whole rows, got rows cut in 2; use points"),
    (lambda y: dg.Diracs(y[:0]), r"points: expected at least one point of at least one dimension, got shape \(0, 2\)"),
    (lambda y: dg.Diracs(y * 1j), "points: expected real numbers, got an array of dtype complex128"),
    (lambda y: dg.Diracs(y, np.ones(3)), r"weights: expected one weight for each of the 20 points, got shape \(3,\)"),
    (lambda y: dg.Diracs(y, y[:3, 0]), r"weights: expected one weight for each of the 20 points, got shape \(3,\)"),
    (lambda y: dg.Diracs(y, y[:, 0].rechunk(5)), "weights: expected chunks like those of the points, got 4 others; us"),
    (lambda y: dg.Diracs(y, y[:, 0] * 1j), "weights: expected real numbers, got an array of dtype complex128"),
    (lambda y: dg.Diracs(y, np.full(20, np.nan)), "weights: expected finite numbers, got 20 that are"),
    (lambda y: dg.Diracs(X, y[:1, 0]), r"expected arrays in the memory of this process, got a .* give x.compute\(\)"),
    (lambda y: dg.Diracs(with_nan()).potential(X), r"points, chunk 2 \(rows 10 to 29\): expected finite numbers, got"),
    (lambda y: dg.Diracs(y, y[:, 0] / 0).mass, r"weights, chunk . \(rows .*9\): expected finite numbers, got 10 th"),
    (lambda y: dg.Diracs(y, y[:, 0] / 0).potential(X), r"weights, chunk . \(rows .*9\): expected finite numbers, g"),
    (lambda y: dg.Diracs(y + 1e200).potential(X), r"points, chunk . \(rows .*9\): expected numbers of size at most"),
    (lambda y: dg.Diracs(lying(7)).potential(X), r"points, chunk . \(rows .*9\): expected 10 points, as announced,"),
    (lambda y: dg.Diracs(lying(7)).sample(9, np.random.default_rng(0)), r"points, chunk .* expected 10 points, as ann"),
    (lambda y: dg.Diracs(y.map_blocks(np.ma.masked_array)).potential(X), r"points, chunk . .* got a masked array"),
    (lambda y: dg.Diracs(y.map_blocks(list, meta=X)).potential(X), "points, chunk .* expected a NumPy array, got list"),
    (lambda y: dg.Diracs(y).potential(np.zeros((1, 3))), "x: expected points of dimension 2, got dimension 3"),
    (lambda y: dg.potential(np.zeros((1, 3)), y), "y: expected points of dimension 3, got dimension 2"),
    (lambda y: dg.Diracs(y).potential(y), "x: expected an array of shape .* in the memory of this process, got a dask"),
    (lambda y: dg.cloud_squared_distance(y, X), "x: expected an array of shape .* in the memory of this process, got"),
    (lambda y: dg.cloud_squared_distance(X, y, None, np.full(20, 0.2)), "expected the same mass as x_weights"),
    (lambda y: dg.namespace(y), "expected arrays in the memory of this process, got a dask array; Diracs.* take one,"),
    (lambda y: dg.self_energy(y, limit=19), r"points: expected at most 19 points in chunks .* got 400 pairs; take Dir"),
    (lambda y: dg.Diracs(y).self_energy(limit=19), "points: expected at most 19 points in chunks where all their pair"),
    (lambda y: dg.Diracs(y).energy_with(dg.Sampled(lambda n, rng: None, 2)), "got Sampled, which can only be drawn fr"),
    (lambda y: MANY.energy_with(dg.Diracs(MANY.points)), "points: expected at most 100000 points in chunks where all"),
    (lambda y: dg.squared_distance(dg.Diracs(X), MANY), "points: expected at most 100000 points in chunks where all"),
    (lambda y: dg.neighbour_metrics(X, y), "generated: expected an array of shape .* in the memory of this process, g"),
    (lambda y: dg.neighbour_metrics(y, np.zeros((9, 3))), "generated: expected the same dimension as real, which is 2"),
    (lambda y: dg.neighbour_metrics(y.rechunk((10, 1)), X), "real: expected chunks of whole rows, got rows cut in 2"),
    (lambda y: dg.neighbour_metrics(with_nan(), np.zeros((9, 2))), r"real, chunk 2 \(rows 10 to 29\): expected finite"),
    (lambda y: dg.neighbour_metrics(y, np.zeros((9, 2)), 9), "k: expected fewer neighbours than points, .* 20 real an"),
    (lambda y: dg.compress(dg.Diracs(y), 2, rng=np.random.default_rng(0), support="subset"), 'support: expected "free'),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[message[:40] for _, message in BAD])
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_bad_input(call, message):
    y = da.zeros((20, 2), chunks=(10, 2))
    with dask.config.set(scheduler="synchronous"), np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        call(y)


def test_messages_come_from_the_workers(client):
    with pytest.raises(ValueError, match=r"points, chunk 2 \(rows 10 to 29\): expected finite numbers, got 2 that"):
        dg.Diracs(with_nan()).potential(X)


def test_arrays_of_other_libraries_beside_chunks(library):
    y = da.zeros((20, 2), chunks=(10, 2))
    x = library.zeros((9, 2), dtype=library.float64)
    with pytest.raises(ValueError, match=r"x: expected a NumPy array beside chunks of NumPy arrays, got one of "):
        dg.Diracs(y).potential(x)
    with pytest.raises(ValueError, match=r"generated: expected a NumPy array beside chunks of NumPy arrays, got "):
        dg.neighbour_metrics(y, x, 2)


def test_what_is_chunked():
    y = da.zeros((20, 2), chunks=(10, 2))
    assert is_chunked(y)
    assert not is_chunked(np.zeros(3))
    assert not is_chunked(dask.delayed(3))
    assert energy.ALL_PAIRS == chunked.ALL_PAIRS


@pytest.mark.parametrize("chunked_first", [True, False])
def test_slices_of_a_cloud_in_chunks_are_refused(chunked_first, no_cluster):
    clouds = dg.Diracs(da.zeros((20, 2), chunks=(10, 2))), dg.Diracs(np.zeros((3, 2)))
    name = "mu" if chunked_first else "nu"
    with pytest.raises(ValueError, match=rf"{name}: expected points in the memory of this process for method=\"sl"):
        dg.squared_distance(*(clouds if chunked_first else clouds[::-1]), dg.HuberEnergy(a=0), method="sliced",
                            rng=np.random.default_rng(0))


@pytest.mark.parametrize("small", ["real", "generated"])
def test_a_cloud_that_vanishes_beside_the_other(small, no_cluster, rng):
    real, generated = rng.standard_normal((30, 3)), rng.standard_normal((20, 3))
    if small == "real":
        generated *= 1e200
    else:
        real *= 1e200
    with pytest.raises(ValueError, match=r"real, generated: expected coordinates of 0 or of size .* and more beside"):
        dg.neighbour_metrics(in_chunks(real, (10, 20)), generated, 3)
