"""Memory grows as the book says: with the number of points, never with the number of pairs. No test holds time."""

import tracemalloc

import numpy as np
import pytest

import divergen as dg
from divergen.distance import pairs, sliced
from divergen.evaluation import nearest

ENERGY = dg.HuberEnergy(a=0)
CALLS = {
    "value and gradient": lambda x, y: dg.cloud_squared_distance_and_gradient(x, y, kernel=ENERGY),
    "value and gradient, two threads": lambda x, y: dg.cloud_squared_distance_and_gradient(x, y, workers=2),
    "slices": lambda x, y: dg.sliced_squared_distance(x, y, rng=np.random.default_rng(0), directions=32),
    "line": lambda x, y: dg.line_squared_distance_and_gradient(x[:, :1], y[:, :1]),
    "neighbours": lambda x, y: dg.neighbour_metrics(x, y, 3),
    "neighbours, two threads": lambda x, y: dg.neighbour_metrics(x, y, 3, workers=2),
    "compression": lambda x, y: dg.compress(dg.Diracs(x), 5, rng=np.random.default_rng(0), method="lbfgs",
                                            iterations=3).points,
    "majorise-minimise": lambda x, y: dg.compress(dg.Diracs(x), 5, rng=np.random.default_rng(0), method="mm",
                                                  iterations=3).points,
    "subset": lambda x, y: dg.compress(dg.Diracs(x), 5, rng=np.random.default_rng(0), support="subset",
                                       iterations=2).points,
}


def peak(run, n, d):
    """Bytes beside the data at the highest point of a call."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n, d)), rng.standard_normal((n, d))
    run(x[:50], y[:50])  # what is loaded on first use does not count
    tracemalloc.start()
    try:
        run(x, y)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a few kilobytes, so that clouds of a thousand points are large."""
    monkeypatch.setattr(pairs, "ROWS", 16)
    monkeypatch.setattr(pairs, "STRIP", 2**11)
    monkeypatch.setattr(pairs, "pairs_per_block", lambda x: 2**9)
    monkeypatch.setattr(sliced, "pairs_per_block", lambda x: 2**9)
    monkeypatch.setattr(nearest, "STRIP", 2**11)
    monkeypatch.setattr(nearest, "ROWS", 1)
    monkeypatch.setattr(nearest, "PAIRS", 2**9)


@pytest.mark.parametrize("d", [2, 9])
@pytest.mark.parametrize("name", CALLS)
def test_memory_is_linear_in_the_number_of_points(name, d, small_blocks):
    """Four times the points, at most five times the memory, and less than a tenth of one matrix of distances."""
    small, large = peak(CALLS[name], 400, d), peak(CALLS[name], 1600, d)
    assert large <= 5 * small, (small, large)
    assert large <= 8 * 1600**2 / 10, large


def test_the_measure_sees_a_matrix_of_distances():
    """Else the test above could not fail."""
    def matrices(x, y):
        return np.abs(x[:, :1] - y[:, 0]).mean()

    assert peak(matrices, 1600, 2) > 10 * peak(matrices, 400, 2)
