"""What lives on a device stays there: transfers to the host are explicit, few, and counted.

No GPU is needed. array-api-strict has devices besides the CPU, whose arrays refuse to become NumPy arrays. Here they
are given CuPy's way out, `get`, which counts; and so do the single numbers that are asked for.
"""

import array_api_strict as strict
import numpy as np
import pytest

import divergen as dg

Array = type(strict.zeros(1))
DEVICE = strict.Device("device1")


@pytest.fixture
def transfers(monkeypatch):
    """A dictionary that counts arrays and single numbers that go to the host."""
    count = {"arrays": 0, "numbers": 0}

    def get(self):
        count["arrays"] += 1
        return np.asarray(self.to_device(strict.Device("CPU_DEVICE")))

    def counted(method):
        def call(self):
            count["numbers"] += 1
            return method(self)

        return call

    monkeypatch.setattr(Array, "get", get, raising=False)
    for name in ("__float__", "__int__", "__bool__"):
        monkeypatch.setattr(Array, name, counted(getattr(Array, name)))
    return count


def on_device(x):
    return strict.asarray(x, device=DEVICE)


def host(x):
    """A result as NumPy, of a device, or a float."""
    return np.asarray(x.to_device(strict.Device("CPU_DEVICE"))) if isinstance(x, Array) else np.asarray(x)


def test_the_device_refuses_hidden_transfers(transfers):
    """Else the tests below could not fail."""
    with pytest.raises(RuntimeError, match="Can't convert array"):
        np.asarray(on_device(np.zeros(2)))
    assert transfers == {"arrays": 0, "numbers": 0}
    on_device(np.zeros(2)).get()
    float(on_device(np.zeros(2))[0])
    assert transfers == {"arrays": 1, "numbers": 1}


KERNEL = dg.HuberEnergy(0.5)
CALLS = {
    "potential_and_gradient": lambda x, y: dg.potential_and_gradient(x, y, kernel=KERNEL),
    "self_energy": lambda x, y: dg.self_energy(x, kernel=KERNEL),
    "squared_distance": lambda x, y: dg.cloud_squared_distance(x, y, kernel=KERNEL),
    "gradient": lambda x, y: dg.cloud_squared_distance_and_gradient(x, y, kernel=KERNEL),
    "measures": lambda x, y: dg.squared_distance_and_gradient(dg.Diracs(x), 2 * dg.Diracs(y) - dg.Diracs(x), KERNEL),
    "gaussian": lambda x, y: dg.expected_kernel_and_gradient(x, *like_normal(x), KERNEL),
    "sliced": lambda x, y: dg.sliced_squared_distance(x, y, rng=np.random.default_rng(0), gradient=True)[::4],
    "line": lambda x, y: dg.line_squared_distance_and_gradient(x[:, :1], y[:, :1]),
    "adam": lambda x, y: dg.adam_step(x, y, dg.adam_init(x))[0],
}


def like_normal(x):
    normal = dg.Gaussian.standard(x.shape[1], like=x)
    return normal.mean, normal.cov


@pytest.mark.parametrize("d", [3, 9])  # differences, and the Gram form
@pytest.mark.parametrize("name", CALLS)
def test_it_runs_on_a_device_with_a_fixed_number_of_transfers(name, d, rng, transfers):
    """The same numbers as on the host; how many go back does not grow with the number of points."""
    counts = []
    for n in (20, 60):
        x, y = rng.standard_normal((n, d)), rng.standard_normal((n, d)) + 0.5
        want = CALLS[name](x, y)
        transfers.update(arrays=0, numbers=0)
        got = CALLS[name](on_device(x), on_device(y))
        counts.append(dict(transfers))
        want, got = (one if isinstance(one, tuple) else (one,) for one in (want, got))
        for one, expected in zip(got, want, strict=True):
            if isinstance(one, Array):
                assert one.device == DEVICE
            np.testing.assert_allclose(host(one), expected, rtol=1e-11, atol=1e-12)
    assert counts[0] == counts[1]
    assert counts[0]["arrays"] <= 1
    assert counts[0]["numbers"] <= 150  # each check of an argument asks one, and each of the 128 directions


def test_compression_on_a_device(rng, transfers):
    """L-BFGS is SciPy's: the few points and their gradient go to and fro, the cloud never does."""
    points = rng.standard_normal((200, 2))
    want = dg.compress(dg.Diracs(points), 4, KERNEL, rng=np.random.default_rng(1), method="lbfgs")
    got = dg.compress(dg.Diracs(on_device(points)), 4, KERNEL, rng=np.random.default_rng(1), method="lbfgs")
    assert got.points.device == DEVICE
    assert got.squared_distance == pytest.approx(want.squared_distance, rel=1e-9)


def test_neighbours_on_a_device(rng, transfers):
    x, y = rng.standard_normal((60, 9)), rng.standard_normal((50, 9))
    want, got = dg.neighbour_metrics(x, y, 3), dg.neighbour_metrics(on_device(x), on_device(y), 3)
    assert got[:4] == want[:4]
    assert got.balls.device == DEVICE


def test_an_epoch_on_a_device(rng, transfers):
    """Each step sends its objective and norms, no array; the two runs differ by rounding only."""
    images = rng.random((64, 12))
    vae = dg.VAE.initial((12, 8, 2, 8, 12), rng=np.random.default_rng(0), dtype=np.float64)
    want = dg.fit(vae, images, rng=np.random.default_rng(1), epochs=2, batch_size=16)
    there = dg.VAE(vae.architecture, on_device(vae.parameters))
    transfers.update(arrays=0, numbers=0)
    got = dg.fit(there, on_device(images), rng=np.random.default_rng(1), epochs=2, batch_size=16)
    assert transfers["arrays"] == 0
    assert transfers["numbers"] <= 8 * 10 + 20
    assert got.vae.parameters.device == DEVICE
    np.testing.assert_allclose(host(got.vae.parameters), want.vae.parameters, rtol=1e-9, atol=1e-12)
