r"""Which array library am I in, and is this input fit to compute with?

Every public function starts with :func:`namespace` and one of the checks below, and then uses
nothing but the `array API standard <https://data-apis.org/array-api/>`_. The same lines therefore run on NumPy,
on CuPy (a GPU) and on ``array-api-strict`` (the standard's own referee, used in the tests). Dask arrays, which lie in
chunks on many machines, are told here and met in :mod:`divergen.chunks`.

All checks raise :class:`ValueError` and name the argument, what was expected and what came.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np

Array = Any  # any array that follows the standard; there is no common type to name

__all__ = [
    "namespace", "to_numpy", "like", "as_points", "as_weights", "as_vector", "as_covariance",
    "check_same_dimension", "check_same_mass", "check_number", "check_count", "check_rng",
    "is_chunked", "on_gpu", "pairs_per_block", "resolution",
]

LARGEST, LARGEST_SINGLE = 1e150, 1e17  # in float64 and float32: sums of squares of such numbers are still finite
CHUNKED = (
    "a dask array; Diracs(points), the functions of divergen.distance.energy for their cloud y, and neighbour_metrics "
    "for the real points take one, elsewhere give x.compute() or some of its rows, Diracs(x).sample(n, rng)"
)


def is_chunked(x: Any) -> bool:
    """Tell whether `x` is a Dask array, which lies in chunks on many machines, without importing Dask.

    What is computed with one is in :mod:`divergen.chunks`; everything else refuses it.
    """
    return type(x).__module__.startswith("dask.array.") and hasattr(x, "chunks")


def namespace(*arrays: Array) -> Any:
    """Return the array library that all the given arrays belong to.

    Python numbers, lists, tuples and None are neutral: they go where the arrays go, and to NumPy if there are none.

    Parameters
    ----------
    *arrays : array or number or sequence or None
        NumPy, CuPy or any other arrays with ``__array_namespace__``.

    Returns
    -------
    module
        The library: ``numpy``, ``cupy``, ``array_api_strict``, ...

    Raises
    ------
    ValueError
        If two arrays belong to different libraries (nothing is moved silently), or one to none.

    Examples
    --------
    >>> import numpy as np
    >>> namespace(np.zeros(3), 1.0).__name__
    'numpy'
    """
    found: dict[str, Any] = {}
    for x in arrays:
        if is_chunked(x):
            raise ValueError(f"expected arrays in the memory of this process, got {CHUNKED}")
        if x is None or isinstance(x, (Real, complex, list, tuple)):
            continue
        if type(x).__module__.startswith("autograd."):  # a traced array of HIPS autograd, met in the tests
            import autograd.numpy as xp
        elif hasattr(x, "__array_namespace__"):
            xp = x.__array_namespace__()
        elif isinstance(x, np.generic):
            xp = np
        else:
            raise ValueError(
                f"expected arrays that follow the array API standard (NumPy >= 2, CuPy, ...), got {type(x).__name__}; "
                "convert it first, for instance with numpy.asarray"
            )
        found[xp.__name__] = xp
    if "autograd.numpy" in found:  # autograd traces NumPy: its constants are plain NumPy arrays
        found.pop("numpy", None)
    if len(found) > 1:
        raise ValueError(
            f"expected arrays of one library, got arrays of {' and '.join(sorted(found))}; move one of them"
        )
    return next(iter(found.values()), np)


def to_numpy(x: Array) -> np.ndarray:
    """Copy an array of any library to NumPy, on the host."""
    if isinstance(x, np.ndarray):
        return x
    if hasattr(x, "get"):  # CuPy refuses an implicit transfer, and names the explicit one `get`
        return x.get()
    return np.asarray(x)


def like(values: Any, reference: Array) -> Array:
    """Bring host values (an rng's draws, quadrature nodes) to the library, dtype and device of `reference`."""
    xp = namespace(reference)
    if xp is np:
        return np.asarray(values, dtype=reference.dtype)
    return xp.asarray(np.asarray(values), dtype=reference.dtype, device=getattr(reference, "device", None))


def _floating(x: Any, name: str, expected: str) -> tuple[Array, Any]:
    """Return `x` as a real floating array and its library; integers and booleans become float64."""
    if is_chunked(x):
        raise ValueError(f"{name}: expected {expected} in the memory of this process, got {CHUNKED}")
    xp = namespace(x)
    if xp is np:
        if isinstance(x, np.ma.MaskedArray):
            raise ValueError(f"{name}: expected an array, got a masked array; fill or drop what is masked first")
        try:
            x = np.asarray(x)
        except ValueError:
            raise ValueError(f"{name}: expected {expected}, got rows of different lengths") from None
        if x.dtype.kind not in "buif":
            raise ValueError(f"{name}: expected real numbers, got an array of dtype {x.dtype}")
        if x.dtype == np.float16:
            return x.astype(np.float32), xp
    elif xp.__name__ == "autograd.numpy":
        return x, xp
    if xp.isdtype(x.dtype, "complex floating"):
        raise ValueError(f"{name}: expected real numbers, got an array of dtype {x.dtype}")
    if not xp.isdtype(x.dtype, "real floating"):
        x = xp.astype(x, xp.float64)
    return x, xp


def _check_finite(x: Array, xp: Any, name: str) -> None:
    finite = xp.isfinite(x)
    if not bool(xp.all(finite)):
        bad = x.size - int(xp.count_nonzero(finite))
        raise ValueError(f"{name}: expected finite numbers, got {bad} that are nan or infinite, of {x.size}")


def as_points(points: Any, name: str = "points", *, dim: int | None = None, squared: bool = False) -> Array:
    """Return points as a finite floating array of shape (n, d), n >= 1, d >= 1.

    Parameters
    ----------
    points : array_like, shape (n, d)
        Points are rows.
    name : str
        What the argument is called, for the message.
    dim : int, optional
        The dimension that d must agree with.
    squared : bool
        True where sums of squares of the numbers are needed, which must not overflow.

    Returns
    -------
    array, shape (n, d)
        float32 stays float32; integers become float64.

    Raises
    ------
    ValueError
        If the points are not numbers, not two-dimensional, none at all, not finite, of another dimension, or too large
        to be squared.

    Examples
    --------
    >>> as_points([[0, 1], [2, 3]]).dtype.name
    'float64'
    """
    x, xp = _floating(points, name, "an array of shape (n, d)")
    if x.ndim != 2:
        hint = ""
        if x.ndim == 1:
            hint = (f"; for points on a line use {name}[:, None]" if dim in (None, 1)
                    else f"; for one point use {name}[None, :]")
        elif x.ndim > 2:
            hint = f"; for images and the like use reshape({x.shape[0]}, -1)"
        raise ValueError(f"{name}: expected an array of shape (n, d), points as rows, got shape {tuple(x.shape)}{hint}")
    if 0 in x.shape:
        raise ValueError(f"{name}: expected at least one point of at least one dimension, got shape {tuple(x.shape)}")
    if dim is not None and x.shape[1] != dim:
        raise ValueError(f"{name}: expected points of dimension {dim}, got dimension {x.shape[1]}")
    _check_finite(x, xp, name)
    if squared:
        largest, limit = float(xp.max(xp.abs(x))), LARGEST if x.dtype == xp.float64 else LARGEST_SINGLE
        if largest > limit:
            raise ValueError(f"{name}: expected numbers of size at most {limit:g}, got {largest:.6g}; change the unit")
    return x


def as_vector(x: Any, name: str, *, length: int | None = None) -> Array:
    """Return `x` as a finite floating array of shape (length,); raise ValueError if it is not one."""
    expected = "a vector" if length is None else f"a vector of length {length}"
    v, xp = _floating(x, name, expected)
    if v.ndim != 1 or (length is not None and v.shape[0] != length) or v.shape[0] == 0:
        raise ValueError(f"{name}: expected {expected}, got shape {tuple(v.shape)}")
    _check_finite(v, xp, name)
    return v


def as_weights(weights: Any, points: Array, name: str = "weights") -> Array:
    """Return the weights of `points`: the given ones (any sign), or 1/n each for None.

    Raises
    ------
    ValueError
        If there is not one finite weight for each point, or they belong to another array library.
    """
    xp = namespace(points, weights)
    n = points.shape[0]
    if weights is None:
        return xp.full((n,), 1.0 / n, dtype=points.dtype, device=points.device)
    w, _ = _floating(weights, name, f"one weight for each of the {n} points")
    if tuple(w.shape) != (n,):
        raise ValueError(f"{name}: expected one weight for each of the {n} points, got shape {tuple(w.shape)}")
    _check_finite(w, namespace(w), name)
    return xp.asarray(w, dtype=points.dtype, device=points.device)


def as_covariance(cov: Any, dim: int, name: str = "cov") -> tuple[Array, Array | None, Array]:
    r"""Check a covariance and diagonalise it, :math:`S = Q\,\mathrm{diag}(\sigma)\,Q^T`.

    Returns
    -------
    variances : array, shape (dim,)
        The eigenvalues :math:`\sigma \ge 0`; what is no more than rounding is 0.
    axes : array of shape (dim, dim), or None
        The eigenvectors Q as columns; None where S is diagonal already.
    matrix : array, shape (dim, dim)
        S itself.

    Raises
    ------
    ValueError
        If S is not a finite symmetric (dim, dim) matrix, or has an eigenvalue below zero by more than rounding.
    """
    s, xp = _floating(cov, name, f"a matrix of shape ({dim}, {dim})")
    if tuple(s.shape) != (dim, dim) or dim == 0:
        raise ValueError(f"{name}: expected a matrix of shape ({dim}, {dim}), got shape {tuple(s.shape)}")
    _check_finite(s, xp, name)
    scale = float(xp.max(xp.abs(s)))
    slack = 8 * dim * float(xp.finfo(s.dtype).eps) * scale
    transposed = xp.permute_dims(s, (1, 0))
    asymmetry = float(xp.max(xp.abs(s - transposed)))
    if asymmetry > slack:
        raise ValueError(
            f"{name}: expected a symmetric matrix, got one that differs from its transpose by {asymmetry:.3g}"
        )
    diagonal = xp.linalg.diagonal(s)
    if bool(xp.any(s - diagonal * xp.eye(dim, dtype=s.dtype, device=s.device) != 0)):
        variances, axes = xp.linalg.eigh((s + transposed) / 2)
        # An eigenvalue of the size of rounding is that of a singular matrix: noise would blur its exact zero.
        variances = xp.where(xp.abs(variances) > slack, variances, xp.zeros_like(variances))
    else:
        variances, axes = diagonal, None
    smallest = float(xp.min(variances))
    if smallest < -slack:
        raise ValueError(f"{name}: expected a positive semidefinite matrix, got one with the eigenvalue {smallest:.6g}")
    return xp.where(variances > 0, variances, xp.zeros_like(variances)), axes, s


def check_same_dimension(x: Array, y: Array, x_name: str, y_name: str) -> None:
    """Raise ValueError unless the rows of `x` and `y` live in one space."""
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"{y_name}: expected the same dimension as {x_name}, which is {x.shape[1]}, got dimension {y.shape[1]}"
        )


def check_same_mass(mu_mass: float, nu_mass: float, mu_name: str, nu_name: str, *, tolerance: float = 1e-9) -> None:
    """Raise ValueError unless both masses agree to `tolerance`, relative: the kernel distance exists only then."""
    if not abs(mu_mass - nu_mass) <= tolerance * max(abs(mu_mass), abs(nu_mass), 1.0):
        raise ValueError(
            f"{nu_name}: expected the same mass as {mu_name}, got masses {mu_mass:.12g} ({mu_name}) "
            f"and {nu_mass:.12g} ({nu_name}); the kernel distance is defined between equal masses only"
        )


def check_number(
    x: Any, name: str, *, above: float | None = None, below: float | None = None, at_least: float | None = None
) -> float:
    """Return `x` as a float; raise ValueError unless it is finite and within the bounds."""
    bounds = [f"{word} {bound:g}" for word, bound in (("above", above), ("below", below), ("at least", at_least))
              if bound is not None]
    expected = "a finite number" + (" " + " and ".join(bounds) if bounds else "")
    if not isinstance(x, Real) or isinstance(x, bool) or not math.isfinite(x):
        raise ValueError(f"{name}: expected {expected}, got {x!r}")
    x = float(x)
    too_low = (above is not None and x <= above) or (at_least is not None and x < at_least)
    if too_low or (below is not None and x >= below):
        raise ValueError(f"{name}: expected {expected}, got {x!r}")
    return x


def check_count(n: Any, name: str, *, at_least: int = 1) -> int:
    """Return `n` as an int; raise ValueError unless it is a whole number of at least `at_least`."""
    if not isinstance(n, Integral) or isinstance(n, bool) or n < at_least:
        raise ValueError(f"{name}: expected a whole number of at least {at_least}, got {n!r}")
    return int(n)


def check_rng(rng: Any, name: str = "rng") -> np.random.Generator:
    """Return `rng`; raise ValueError unless it is a numpy.random.Generator: there are no hidden seeds here."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"{name}: expected a numpy.random.Generator, such as numpy.random.default_rng(0), got {rng!r}")
    return rng


def resolution(x: Array) -> float:
    """Return the eps of a floating array of any library."""
    return float((np if is_chunked(x) else namespace(x)).finfo(x.dtype).eps)


def on_gpu(x: Array) -> bool:
    """Tell whether the array lives on a GPU, which wants large pieces of work and one thread to hand them over."""
    return namespace(x).__name__.startswith("cupy")


def pairs_per_block(x: Array) -> int:
    """Return how many pairs of points to hold at a time: a few arrays fit the caches of a CPU, or feed a whole GPU.

    A quarter of it is as fast on one thread; several threads ask each other for Python's lock less often this way.
    """
    return 2**24 if on_gpu(x) else 2**17
