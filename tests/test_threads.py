"""Work on several threads: the same bits, for every number of them."""

import platform
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import divergen as dg
import divergen.threads
from divergen.distance import pairs
from divergen.evaluation import nearest
from divergen.threads import check_workers, map_in_order, one_blas_thread


def test_results_come_in_the_order_of_the_items_whoever_is_first():
    started = threading.Event()

    def second_first(item):
        if item == 0:
            assert started.wait(timeout=30)  # until item 1 is at work: there are two threads
        elif item == 1:
            started.set()
        return item

    assert list(map_in_order(second_first, range(7), workers=2)) == list(range(7))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_what_an_item_raises_comes_out_and_the_rest_is_not_begun(workers):
    done = []

    def bad(item):
        done.append(item)
        if item == 3:
            raise ZeroDivisionError("item 3")
        return item

    results = map_in_order(bad, list(range(1000)), workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError, match="item 3"):
        list(results)
    assert len(done) <= 4 + 3 * workers


def test_few_results_wait(monkeypatch):
    """Else the memory would grow with the number of items: two for each thread, with the one that comes next."""
    begun, taken, most = 0, 0, 0

    class Counting(ThreadPoolExecutor):
        def submit(self, *arguments):
            nonlocal begun, most
            begun += 1
            most = max(most, begun - taken)
            return super().submit(*arguments)

    monkeypatch.setattr(divergen.threads, "ThreadPoolExecutor", Counting)
    results = map_in_order(str, list(range(100)), workers=2)
    for _ in results:
        taken += 1
    assert (begun, taken, most) == (100, 100, 4)
    begun, taken = 0, 0
    results = map_in_order(str, list(range(100)), workers=2)
    next(results)
    results.close()
    assert begun <= 4


@pytest.fixture
def blas():
    """A function that returns the numbers of threads of the BLAS libraries, which are 2 at the start."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        yield lambda: [one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]


def test_blas_is_held_to_one_thread_and_let_go(blas):
    before = blas()
    assert 2 in before
    with one_blas_thread():
        assert set(blas()) == {1}
    seen = list(map_in_order(lambda _: blas(), [0, 1, 2], workers=2))
    assert all(set(one) == {1} for one in seen)
    assert blas() == before


@pytest.mark.parametrize("workers", [1, 2])
def test_blas_is_let_go_by_the_last_of_two_sums_that_overlap(workers, blas):
    before = blas()
    first, second = (map_in_order(str, [0, 1, 2, 3], workers) for _ in range(2))
    next(first)
    next(second)
    assert set(blas()) == {1}
    first.close()
    assert set(blas()) == {1}  # the second one is still at work
    assert list(second) == ["1", "2", "3"]
    assert blas() == before


def test_blas_is_let_go_by_the_last_of_two_threads(blas):
    before, inside, leave = blas(), threading.Event(), threading.Event()
    seen = []

    def other():
        with one_blas_thread():
            inside.set()
            leave.wait(timeout=30)
            seen.extend(blas())

    thread = threading.Thread(target=other)
    with one_blas_thread():
        thread.start()
        assert inside.wait(timeout=30)
    assert set(blas()) == {1}
    leave.set()
    thread.join()
    assert set(seen) == {1}
    assert blas() == before


def test_blas_is_let_go_after_an_exception(blas):
    before = blas()
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(lambda n: 1 // n, [1, 0], workers=2))
    assert blas() == before


@pytest.mark.parametrize("workers", [0, -2, 1.0, True, "all", None])
def test_bad_numbers_of_workers(workers, rng):
    x = rng.standard_normal((5, 2))
    expected = r"workers: expected a number of threads, or -1 for one on each core, got "
    with pytest.raises(ValueError, match=expected):
        check_workers(workers)
    with pytest.raises(ValueError, match=expected):
        dg.cloud_squared_distance(x, x + 1, workers=workers)
    with pytest.raises(ValueError, match=expected):
        dg.neighbour_metrics(x, x + 1, k=2, workers=workers)


@pytest.fixture
def small_strips(monkeypatch):
    """Many strips of few pairs, so that small clouds are shared out too."""
    monkeypatch.setattr(pairs, "ROWS", 8)
    monkeypatch.setattr(pairs, "STRIP", 64)
    monkeypatch.setattr(pairs, "pairs_per_block", lambda x: 64)


@pytest.mark.parametrize("d", [1, 2, 12])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_pair_sums_have_the_same_bits_for_any_number_of_workers(d, dtype, rng, small_strips):
    x, y = rng.standard_normal((70, d)).astype(dtype), rng.standard_normal((101, d)).astype(dtype)
    y[:30] = x[:30]  # coincident points take the other way through the Gram form
    w = rng.standard_normal(101).astype(dtype)
    kernel = dg.HuberEnergy(0.25)
    one = [dg.potential_and_gradient(x, y, w, kernel), dg.self_energy_and_gradient(y, w, kernel)]
    for workers in (2, 3, -1):
        many = [dg.potential_and_gradient(x, y, w, kernel, workers=workers),
                dg.self_energy_and_gradient(y, w, kernel, workers=workers)]
        for (value, gradient), (v, g) in zip(one, many, strict=True):
            assert np.array_equal(value, v)
            assert np.array_equal(gradient, g)


@pytest.mark.parametrize("d", [1, 2, 12])
def test_strips_are_all_pairs_once(d, rng, monkeypatch):
    """Small strips, whose edges fall into the clouds, against one block that holds everything."""
    x, y, w = rng.standard_normal((45, d)), rng.standard_normal((67, d)), rng.standard_normal(67)
    want = dg.potential_and_gradient(x, y, w), dg.self_energy_and_gradient(y, w)
    for rows, strip, block in ((8, 64, 64), (8, 100, 32), (7, 1000, 49), (45, 64, 64), (128, 256, 2**15)):
        monkeypatch.setattr(pairs, "ROWS", rows)
        monkeypatch.setattr(pairs, "STRIP", strip)
        monkeypatch.setattr(pairs, "pairs_per_block", lambda x, block=block: block)
        got = dg.potential_and_gradient(x, y, w, workers=2), dg.self_energy_and_gradient(y, w, workers=2)
        for (value, gradient), (v, g) in zip(want, got, strict=True):
            np.testing.assert_allclose(v, value, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(g, gradient, rtol=1e-12, atol=1e-12)


def test_measures_hand_the_workers_on(rng, monkeypatch):
    """Every sum over pairs behind a distance of measures gets the number that was given."""
    seen = []
    monkeypatch.setattr(pairs, "map_in_order", lambda f, items, workers: seen.append(workers) or map(f, items))
    mixture = dg.Diracs(rng.standard_normal((9, 2))) * 2 - dg.Diracs(rng.standard_normal((5, 2)))
    other = dg.Diracs(rng.standard_normal((4, 2)))
    dg.squared_distance(mixture, other, workers=3)
    dg.squared_distance_and_gradient(other, mixture, dg.HuberEnergy(0.5), workers=3)
    assert seen
    assert set(seen) == {3}


@pytest.mark.parametrize("d", [3, 20])
def test_neighbours_are_the_same_for_any_number_of_workers(d, rng, monkeypatch):
    monkeypatch.setattr(nearest, "STRIP", 2**9)
    x, y = rng.standard_normal((150, d)), 0.9 * rng.standard_normal((130, d))
    x[10] += 1e5  # single precision no longer tells the others apart: it has to be refined on the way
    one = dg.neighbour_metrics(x, y, [1, 5])
    for workers in (2, -1):
        many = dg.neighbour_metrics(x, y, [1, 5], workers=workers)
        for a, b in zip(one, many, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is counted is what glibc does")
def test_blocks_reuse_their_memory():
    """Else each block of pairs costs some hundred page faults, and a sum over pairs takes four times as long."""
    code = (
        "import resource, numpy as np, divergen as dg\n"
        "x = np.random.default_rng(0).standard_normal((1500, 2))\n"
        "dg.potential_and_gradient(x, x + 1)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "dg.potential_and_gradient(x, x + 1)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
    )
    faults = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    assert faults < 1000  # 20,000 without


@pytest.mark.parametrize("options", [
    {"method": "lbfgs"}, {"method": "mm"}, {"method": "adam", "iterations": 20, "batch_size": 50},
    {"support": "subset"}, {"method": "lbfgs", "start": "coarse"},
], ids=lambda options: "-".join(map(str, options.values())))
def test_compression_finds_the_same_points_with_any_number_of_workers(options, rng, small_strips):
    target = dg.Diracs(rng.standard_normal((300, 2)))
    history = rng.standard_normal((5, 2))
    found = [dg.compress(target, 4, dg.HuberEnergy(0.1), rng=np.random.default_rng(0), history=history,
                         workers=workers, **options) for workers in (1, 2)]
    assert np.array_equal(found[0].points, found[1].points)
    assert found[0].squared_distance == found[1].squared_distance


def test_compression_hands_the_workers_on(rng, monkeypatch):
    """Every sum over pairs in which all of the target's points stand is shared out."""
    seen = []
    monkeypatch.setattr(pairs, "map_in_order",
                        lambda f, items, workers: seen.append((len(items), workers)) or map(f, items))
    monkeypatch.setattr(pairs, "STRIP", 64)
    monkeypatch.setattr(pairs, "pairs_per_block", lambda x: 64)
    target = dg.Diracs(rng.standard_normal((3000, 2)))
    for options in ({"method": "lbfgs"}, {"method": "mm"}, {"support": "subset"}):
        seen.clear()
        found = dg.compress(target, 3, rng=np.random.default_rng(0), history=np.ones((2, 2)), iterations=2, workers=3,
                            **options)
        assert found.squared_distance > 0
        assert {workers for items, workers in seen if items > 2} == {3}
