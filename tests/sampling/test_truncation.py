"""Truncations against the law of the truncated normal, at every bound from nothing to everything."""

import numpy as np
import pytest
from scipy.stats import kstest, truncnorm

from divergen.arrays import to_numpy
from divergen.sampling.truncation import hard_truncation, soft_truncation


@pytest.mark.parametrize("psi", [1e-12, 0.01, 0.7, 2.0, 5.0])
def test_hard_truncation_has_the_conditioned_law(psi, rng):
    """Kolmogorov-Smirnov on 40,000 coordinates; a false alarm has the probability 1e-6."""
    z = hard_truncation(rng.standard_normal((10_000, 4)), psi, rng)
    assert np.abs(z).max() <= psi
    assert kstest(np.ravel(z) / psi, truncnorm(-psi, psi, scale=1 / psi).cdf).pvalue > 1e-6


def test_hard_truncation_redraws_only_what_is_outside(rng):
    z = rng.standard_normal((500, 3))
    found = hard_truncation(z, 1.0, rng)
    inside = np.abs(z) <= 1
    np.testing.assert_array_equal(found[inside], z[inside])
    assert not inside.all() and np.all(np.abs(found[~inside]) < 1)
    assert abs(np.corrcoef(z[~inside], found[~inside])[0, 1]) < 5 / np.sqrt((~inside).sum())  # nothing of z is left


def test_hard_truncation_at_the_ends(rng):
    z = rng.standard_normal((50, 3))
    np.testing.assert_array_equal(hard_truncation(z, 0, rng), np.zeros((50, 3)))
    np.testing.assert_array_equal(hard_truncation(z, np.inf, rng), z)
    np.testing.assert_array_equal(hard_truncation(z, 1e300, rng), z)
    tiny = hard_truncation(z, 1e-310, rng)
    assert 0 < np.abs(tiny).max() <= 1e-310
    far = hard_truncation(np.array([[40.0]]), 39.0, rng)
    assert abs(far[0, 0]) < 8


@pytest.mark.parametrize("psi", [0.1, 1 / 3, 1e-30, 0.7, 1e300])
def test_rounding_does_not_step_over_the_bound(psi, rng):
    z = hard_truncation((50 * rng.standard_normal((20_000, 1))).astype(np.float32), psi, rng)
    assert z.dtype == np.float32
    assert np.abs(z.astype(np.float64)).max() <= psi
    nearest = np.full((1, 1), min(psi, 1e38), dtype=np.float32)  # which may lie above psi
    assert float(np.abs(hard_truncation(nearest, psi, rng))[0, 0]) <= psi


def test_soft_truncation(rng):
    z = rng.standard_normal((50, 3))
    np.testing.assert_array_equal(soft_truncation(z, 0.3), 0.3 * z)
    np.testing.assert_array_equal(soft_truncation(z, 1), z)
    np.testing.assert_array_equal(soft_truncation(z, 0), np.zeros((50, 3)))
    assert soft_truncation(z.astype(np.float32), 0.3).dtype == np.float32


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, 700)])
def test_any_dimension(shape, rng):
    z = rng.standard_normal(shape)
    assert hard_truncation(z, 0.5, rng).shape == soft_truncation(z, 0.5).shape == shape


def test_other_libraries(library, rng):
    z = rng.standard_normal((30, 2))
    ours = hard_truncation(library.asarray(z), 0.5, np.random.default_rng(1))
    np.testing.assert_array_equal(to_numpy(ours), hard_truncation(z, 0.5, np.random.default_rng(1)))
    np.testing.assert_array_equal(to_numpy(soft_truncation(library.asarray(z), 0.5)), 0.5 * z)
    assert hard_truncation(library.asarray(z, dtype=library.float32), 0.5, rng).dtype == library.float32


@pytest.mark.parametrize(("call", "message"), [
    (lambda rng: hard_truncation(np.zeros(3), 1, rng), "z: expected an array of shape"),
    (lambda rng: hard_truncation(np.full((1, 1), np.nan), 1, rng), "z: expected finite numbers"),
    (lambda rng: hard_truncation(np.zeros((1, 1)), -1, rng), "psi: expected a finite number at least 0"),
    (lambda rng: hard_truncation(np.zeros((1, 1)), np.nan, rng), "psi: expected a finite number at least 0"),
    (lambda rng: hard_truncation(np.zeros((1, 1)), 1, 3), "rng: expected a numpy"),
    (lambda rng: soft_truncation(np.zeros((1, 1)), np.inf), "psi: expected a finite number at least 0"),
    (lambda rng: soft_truncation(np.zeros((1, 1)), -0.1), "psi: expected a finite number at least 0"),
    (lambda rng: soft_truncation(np.full((1, 1), 1e200), 1e200), "psi: expected a scale that keeps z finite"),
    (lambda rng: soft_truncation(np.zeros((1, 1), dtype=np.float32), 1e200), "psi: expected a scale that keeps z"),
])
def test_bad_input(call, message, rng):
    with pytest.raises(ValueError, match=message):
        call(rng)
