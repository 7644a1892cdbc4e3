"""The checks of input: each message names the argument, what was expected and what came."""

import array_api_strict as strict
import numpy as np
import pytest

from divergen import arrays


def test_namespace_finds_the_library():
    assert arrays.namespace(np.zeros(2), 1.0, None, [1]) is np
    assert arrays.namespace(np.float64(1.0)) is np
    assert arrays.namespace(strict.zeros(2), 3) is strict
    assert arrays.namespace() is np


def test_namespace_sees_through_autograd():
    autograd = pytest.importorskip("autograd")
    seen = []

    def f(x):
        seen.append(arrays.namespace(x, np.zeros(2)).__name__)
        return x

    autograd.grad(f)(1.0)
    assert seen == ["autograd.numpy"]


def test_libraries_are_not_mixed():
    with pytest.raises(ValueError, match=r"arrays of one library, got arrays of array_api_strict and numpy"):
        arrays.namespace(np.zeros(2), strict.zeros(2))


def test_foreign_objects_are_refused():
    class Tensor:
        pass

    with pytest.raises(ValueError, match=r"array API standard .*, got Tensor; convert it first"):
        arrays.namespace(Tensor())


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([], r"data: expected an array of shape \(n, d\), points as rows, got shape \(0,\)"),
        (np.zeros((0, 2)), r"data: expected at least one point of at least one dimension, got shape \(0, 2\)"),
        (np.zeros((3, 0)), r"data: expected at least one point of at least one dimension, got shape \(3, 0\)"),
        ([1.0, 2.0], r"data: expected .* got shape \(2,\); for points on a line use data\[:, None\]"),
        (np.zeros((2, 2, 2)), r"data: expected an array of shape \(n, d\), points as rows, got shape \(2, 2, 2\)"),
        ([[1.0, np.nan]], r"data: expected finite numbers, got 1 that are nan or infinite, of 2"),
        ([[np.inf, -np.inf]], r"data: expected finite numbers, got 2 that are nan or infinite, of 2"),
        ([[1.0], [2.0, 3.0]], r"data: expected an array of shape \(n, d\), got rows of different lengths"),
        ([["a", "b"]], r"data: expected real numbers, got an array of dtype <U1"),
        (np.ma.masked_array([[1.0]], mask=True), r"data: expected an array, got a masked array"),
        ([[1j]], r"data: expected real numbers, got an array of dtype complex128"),
    ],
)
def test_bad_points(points, message):
    with pytest.raises(ValueError, match=message):
        arrays.as_points(points, "data")


def test_points_of_another_dimension():
    with pytest.raises(ValueError, match=r"data: expected points of dimension 3, got dimension 2"):
        arrays.as_points(np.zeros((4, 2)), "data", dim=3)


def test_points_too_large_to_be_squared():
    with pytest.raises(ValueError, match=r"data: expected numbers of size at most 1e\+150, got 1e\+151; change"):
        arrays.as_points([[1e151]], "data", squared=True)
    with pytest.raises(ValueError, match=r"data: expected numbers of size at most 1e\+17, got 1e\+18"):
        arrays.as_points(np.full((1, 1), 1e18, np.float32), "data", squared=True)
    assert arrays.as_points([[1e151]]) == 1e151


def test_complex_points_of_another_library():
    with pytest.raises(ValueError, match=r"points: expected real numbers, got an array of dtype .*complex128"):
        arrays.as_points(strict.zeros((1, 1), dtype=strict.complex128))


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.bool_])
def test_integers_become_float64(dtype):
    assert arrays.as_points(np.ones((2, 1), dtype)).dtype == np.float64
    assert arrays.as_points(strict.ones((2, 1), dtype=strict.int32)).dtype == strict.float64


def test_floats_keep_their_precision():
    assert arrays.as_points(np.ones((2, 1), np.float32)).dtype == np.float32
    assert arrays.as_points(np.ones((2, 1), np.float16)).dtype == np.float32


def test_like_brings_host_values_over():
    assert arrays.like([1, 2], np.zeros(1, np.float32)).dtype == np.float32
    moved = arrays.like(np.array([1.0, 2.0]), strict.zeros(1, dtype=strict.float32))
    assert arrays.namespace(moved) is strict and moved.dtype == strict.float32
    assert np.array_equal(arrays.to_numpy(moved), [1, 2])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.5, 0.5], r"w: expected one weight for each of the 3 points, got shape \(2,\)"),
        (np.ones((3, 1)), r"w: expected one weight for each of the 3 points, got shape \(3, 1\)"),
        ([1.0, np.nan, 0.0], r"w: expected finite numbers, got 1 that are nan or infinite, of 3"),
    ],
)
def test_bad_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        arrays.as_weights(weights, np.zeros((3, 2)), "w")


def test_weights_of_another_library():
    with pytest.raises(ValueError, match="arrays of one library"):
        arrays.as_weights(strict.ones(3), np.zeros((3, 2)))


def test_equal_weights():
    assert np.array_equal(arrays.as_weights(None, np.zeros((4, 2))), np.full(4, 0.25))


def test_bad_vector():
    with pytest.raises(ValueError, match=r"mean: expected a vector of length 2, got shape \(3,\)"):
        arrays.as_vector(np.zeros(3), "mean", length=2)
    with pytest.raises(ValueError, match=r"mean: expected a vector, got shape \(1, 3\)"):
        arrays.as_vector(np.zeros((1, 3)), "mean")
    with pytest.raises(ValueError, match=r"mean: expected finite numbers, got 1 that are nan"):
        arrays.as_vector([np.nan], "mean")


@pytest.mark.parametrize(
    ("cov", "message"),
    [
        (np.eye(3), r"cov: expected a matrix of shape \(2, 2\), got shape \(3, 3\)"),
        ([[1.0, 2.0], [0.0, 1.0]], r"cov: expected a symmetric matrix, got one that differs from its transpose by 2"),
        ([[1.0, 2.0], [2.0, 1.0]], r"cov: expected a positive semidefinite matrix, got one with the eigenvalue -1"),
        (np.diag([1.0, -0.5]), r"cov: expected a positive semidefinite matrix, got one with the eigenvalue -0.5"),
        ([[np.inf, 0.0], [0.0, 1.0]], r"cov: expected finite numbers"),
    ],
)
def test_bad_covariance(cov, message):
    with pytest.raises(ValueError, match=message):
        arrays.as_covariance(cov, 2)


def test_covariance_is_diagonalised(rng):
    factor = rng.standard_normal((4, 2))
    s = factor @ factor.T  # rank 2 of 4: rounding leaves eigenvalues below zero
    variances, axes, matrix = arrays.as_covariance(s, 4)
    assert np.all(variances[:2] == 0) and np.all(variances[2:] > 0) and matrix is not None
    np.testing.assert_allclose(axes @ np.diag(variances) @ axes.T, s, atol=1e-14)
    assert arrays.as_covariance(np.diag([3.0, 1.0]), 2)[1] is None


def test_dimensions_that_differ():
    with pytest.raises(ValueError, match=r"y: expected the same dimension as x, which is 2, got dimension 3"):
        arrays.check_same_dimension(np.zeros((1, 2)), np.zeros((1, 3)), "x", "y")


def test_masses_that_differ():
    with pytest.raises(ValueError, match=r"nu: expected the same mass as mu, got masses 1 \(mu\) and 1.5 \(nu\)"):
        arrays.check_same_mass(1.0, 1.5, "mu", "nu")
    with pytest.raises(ValueError, match="got masses nan"):
        arrays.check_same_mass(float("nan"), 1.5, "mu", "nu")


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (-1, {"at_least": 0}, r"a: expected a finite number at least 0, got -1"),
        (0, {"above": 0, "below": 1}, r"a: expected a finite number above 0 and below 1, got 0"),
        (1.0, {"above": 0, "below": 1}, r"a: expected a finite number above 0 and below 1, got 1.0"),
        (float("nan"), {}, r"a: expected a finite number, got nan"),
        (True, {}, r"a: expected a finite number, got True"),
        ("1", {}, r"a: expected a finite number, got '1'"),
    ],
)
def test_bad_numbers(value, bounds, message):
    with pytest.raises(ValueError, match=message):
        arrays.check_number(value, "a", **bounds)


@pytest.mark.parametrize("value", [0, -3, 2.0, True, "3", None])
def test_bad_counts(value):
    with pytest.raises(ValueError, match=r"k: expected a whole number of at least 1, got "):
        arrays.check_count(value, "k")


def test_good_numbers():
    assert arrays.check_count(np.int64(3), "k") == 3
    assert arrays.check_number(np.float32(0.5), "a", at_least=0) == 0.5


@pytest.mark.parametrize("value", [None, 0, np.random.RandomState(0)])
def test_a_generator_is_asked_for(value):
    with pytest.raises(ValueError, match=r"rng: expected a numpy.random.Generator, such as .*, got "):
        arrays.check_rng(value)


@pytest.mark.parametrize(("points", "dim", "hint"), [
    (np.zeros(5), None, r"for points on a line use z\[:, None\]"),
    (np.zeros(5), 1, r"for points on a line use z\[:, None\]"),
    (np.zeros(5), 5, r"for one point use z\[None, :\]"), (np.zeros((3, 2, 2)), 4, r"use reshape\(3, -1\)"),
])
def test_points_of_another_shape_are_told_what_to_do(points, dim, hint):
    with pytest.raises(ValueError, match=hint):
        arrays.as_points(points, "z", dim=dim)
