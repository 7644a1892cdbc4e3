"""Every public function once on another array library: array-api-strict always, CuPy where there is a GPU.

What comes in decides what comes out, and the numbers are those of NumPy.
"""

import numpy as np
import pytest

import divergen as dg
from divergen.arrays import to_numpy


def same(ours, numpys, library, rtol=1e-12, atol=1e-13):
    """Assert that a result lives in the library and equals NumPy's."""
    assert dg.namespace(ours) is not np
    np.testing.assert_allclose(to_numpy(ours), numpys, rtol=rtol, atol=atol)


@pytest.fixture
def data(rng):
    return {d: (rng.standard_normal((150, d)), rng.standard_normal((170, d)), rng.random(170)) for d in (2, 9)}


KERNELS = [dg.HuberEnergy(), dg.HuberEnergy(0), dg.PowerKernel(0.3, 0.4), dg.RationalKernel(0, 0.4)]


@pytest.mark.parametrize("d", [2, 9])
@pytest.mark.parametrize("kernel", KERNELS)
def test_distance_between_clouds(library, data, d, kernel):
    x, y, w = data[d]
    y = np.concatenate([y[:-9], x[:9]])  # some pairs coincide
    w = w / w.sum()
    lx, ly, lw = (library.asarray(v) for v in (x, y, w))
    same(dg.potential(lx, ly, lw, kernel), dg.potential(x, y, w, kernel), library)
    for ours, numpys in zip(dg.potential_and_gradient(lx, ly, lw, kernel), dg.potential_and_gradient(x, y, w, kernel),
                            strict=True):
        same(ours, numpys, library)
    assert dg.self_energy(ly, lw, kernel) == pytest.approx(dg.self_energy(y, w, kernel), rel=1e-12)
    value, gradient = dg.cloud_squared_distance_and_gradient(lx, ly, None, lw, kernel)
    want, want_gradient = dg.cloud_squared_distance_and_gradient(x, y, None, w, kernel)
    assert value == pytest.approx(want, rel=1e-10)
    same(gradient, want_gradient, library)
    assert dg.cloud_squared_distance(lx, ly, None, lw, kernel) == pytest.approx(want, rel=1e-10)
    value, gradient = dg.self_energy_and_gradient(ly, lw, kernel)
    assert value == pytest.approx(dg.self_energy(y, w, kernel), rel=1e-12)
    same(gradient, dg.self_energy_and_gradient(y, w, kernel)[1], library)


@pytest.mark.parametrize("kernel", [dg.HuberEnergy(), dg.PowerKernel(0.0, 0.4), dg.RationalKernel(0.2, 0.7)])
def test_gaussian(library, data, kernel):
    x = data[2][0]
    for cov in (np.eye(2), np.array([[2.0, 0.4], [0.4, 0.3]]), np.diag([1.0, 0.0])):
        mean = np.array([0.3, -1.0])
        arguments = library.asarray(x), library.asarray(mean), library.asarray(cov)
        same(dg.expected_kernel(*arguments, kernel), dg.expected_kernel(x, mean, cov, kernel), library)
        for ours, numpys in zip(dg.expected_kernel_and_gradient(*arguments, kernel),
                                dg.expected_kernel_and_gradient(x, mean, cov, kernel), strict=True):
            same(ours, numpys, library)
        want = dg.gaussian_self_energy(cov, kernel)
        assert dg.gaussian_self_energy(arguments[2], kernel) == pytest.approx(want, rel=1e-12)


def test_kernels(library):
    s = np.array([0.0, 1e-9, 0.5, 7.0])
    for kernel in (dg.HuberEnergy(), dg.HuberEnergy(0), dg.PowerKernel(0.3, 0.4), dg.PowerKernel(0, 0.4),
                   dg.RationalKernel(0.3, 0.4), dg.RationalKernel(0, 0.4)):
        same(kernel.value(library.asarray(s)), kernel.value(s), library)
        same(kernel.derivative(library.asarray(s)), kernel.derivative(s), library)
        same(kernel.mixture_density(library.asarray(s[1:])), kernel.mixture_density(s[1:]), library)


def test_measures(library, data):
    x, y, w = data[2]

    def build(convert):
        mixture = sum(
            0.5 * dg.Gaussian(convert(np.array(m)), convert(np.array([[2.0, 0.4], [0.4, 0.3]])))
            for m in ([0.0, 1.0], [1.0, 2.0])
        )
        return mixture, dg.Diracs(convert(y), convert(w / w.sum())), 2 * dg.Diracs(convert(x)) - mixture

    ours, numpys = build(library.asarray), build(np.asarray)
    for mu, nu in zip(ours, numpys, strict=True):
        assert mu.mass == pytest.approx(nu.mass, rel=1e-12) and mu.dim == nu.dim
        same(mu.potential(library.asarray(x)), nu.potential(x), library)
        for one, other in zip(mu.potential_and_gradient(library.asarray(x)), nu.potential_and_gradient(x), strict=True):
            same(one, other, library)
        batch, want = mu.minibatch(50, np.random.default_rng(0)), nu.minibatch(50, np.random.default_rng(0))
        assert batch.mass == pytest.approx(want.mass, rel=1e-12)
        same(batch.potential(library.asarray(x)), want.potential(x), library)
    for mu, nu in zip(ours[:2], numpys[:2], strict=True):
        same(mu.sample(20, np.random.default_rng(0)), nu.sample(20, np.random.default_rng(0)), library)
    assert dg.squared_distance(ours[0], ours[1]) == pytest.approx(dg.squared_distance(numpys[0], numpys[1]), rel=1e-10)
    assert dg.distance(ours[2], ours[1]) == pytest.approx(dg.distance(numpys[2], numpys[1]), rel=1e-10)
    value, gradient = dg.squared_distance_and_gradient(library.asarray(x), ours[0])
    want, want_gradient = dg.squared_distance_and_gradient(x, numpys[0])
    assert value == pytest.approx(want, rel=1e-10)
    same(gradient, want_gradient, library)


def test_adam(library):
    x, g = np.array([1.0, -2.0]), np.array([0.5, 0.1])
    ours, state = dg.adam_step(library.asarray(x), library.asarray(g), dg.adam_init(library.asarray(x)), 0.1)
    numpys, want = dg.adam_step(x, g, dg.adam_init(x), 0.1)
    same(ours, numpys, library)
    same(state.second, want.second, library)


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_compression(library, data, method):
    y, _, w = data[2][1], None, data[2][2]
    options = {"method": method, "iterations": 15, "batch_size": 60}
    for history in (None, np.array([[0.0, 1.0]])):
        ours = dg.compress(
            dg.Diracs(library.asarray(y), library.asarray(w / w.sum())), 4, rng=np.random.default_rng(0),
            history=None if history is None else library.asarray(history), **options,
        )
        numpys = dg.compress(dg.Diracs(y, w / w.sum()), 4, rng=np.random.default_rng(0), history=history, **options)
        same(ours.points, numpys.points, library, rtol=1e-6, atol=1e-6)
        assert ours.squared_distance == pytest.approx(numpys.squared_distance, rel=1e-6)
    standard = dg.Gaussian.standard(2, like=library.asarray(y))
    ours = dg.recursive_compress(standard, 2, rng=np.random.default_rng(0), **options)
    numpys = dg.recursive_compress(dg.Gaussian.standard(2), 2, rng=np.random.default_rng(0), **options)
    same(ours.points, numpys.points, library, rtol=1e-6, atol=1e-6)
    drawn = dg.Sampled(lambda n, rng: library.asarray(rng.standard_normal((n, 2))), 2)
    found = dg.compress(drawn, 2, rng=np.random.default_rng(0), iterations=3)
    assert dg.namespace(found.points) is not np


def test_libraries_are_not_mixed(library):
    x = np.zeros((3, 2))
    with pytest.raises(ValueError, match="expected arrays of one library"):
        dg.potential(x, library.asarray(x))
    with pytest.raises(ValueError, match="expected arrays of one library"):
        dg.Gaussian.standard(2).potential(library.asarray(x))
    with pytest.raises(ValueError, match="expected arrays of one library"):
        dg.Gaussian(library.zeros(2), np.eye(2))
    with pytest.raises(ValueError, match="expected arrays of one library"):
        dg.squared_distance(dg.Diracs(x), dg.Diracs(library.asarray(x)))
    with pytest.raises(ValueError, match="expected arrays of one library"):
        dg.compress(dg.Gaussian.standard(2), 2, rng=np.random.default_rng(0), history=library.asarray(x))


def test_single_precision_stays(library):
    x = library.asarray(np.ones((4, 2)), dtype=library.float32)
    value, gradient = dg.potential_and_gradient(x, x + 1)
    assert value.dtype == gradient.dtype == library.float32
    assert dg.Gaussian.standard(2, like=x).potential(x).dtype == library.float32
