"""Files of a training's state: all comes back to the last bit, or a message says that the file is damaged."""

import os
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from divergen.models import checkpoint as module
from divergen.models.checkpoint import fingerprint, load_checkpoint, save_checkpoint

BITS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


# --- there and back --------------------------------------------------------------------------------------------


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3), max_leaves=8,
)
arrays = hnp.arrays(st.sampled_from(["f4", "f8", "i8", "u1", "?"]), hnp.array_shapes(min_dims=0, min_side=0))


@given(
    named=st.dictionaries(st.sampled_from(["parameters", "a b", "first", "é"]), arrays),
    values=st.dictionaries(st.text(), plain, max_size=4), kind=st.text(),
)
def test_all_comes_back(folder, named, values, kind):
    save_checkpoint(folder / "a", kind, named, values)
    found = load_checkpoint(str(folder / "a"), kind)
    assert found.values == values and repr(found.values) == repr(values) and found.rng is None
    assert list(found.arrays) == list(named)
    for name, array in named.items():
        assert found.arrays[name].dtype == array.dtype and found.arrays[name].shape == array.shape
        assert found.arrays[name].tobytes() == array.tobytes()
    assert os.listdir(folder) == ["a"]


@pytest.mark.parametrize("bits", BITS)
def test_a_generator_goes_on(bits, folder):
    rng = np.random.Generator(getattr(np.random, bits)(7))
    rng.integers(10, dtype=np.uint32)  # leaves half of a 64-bit number in the buffer
    save_checkpoint(folder / "a", "test 1", {}, {}, rng)
    found = load_checkpoint(folder / "a", "test 1").rng
    assert type(found.bit_generator) is type(rng.bit_generator)
    assert np.array_equal(found.integers(10, size=3, dtype=np.uint32), rng.integers(10, size=3, dtype=np.uint32))
    assert np.array_equal(found.standard_normal(1000), rng.standard_normal(1000))


def test_a_file_is_written_in_one_rename(folder, monkeypatch):
    path = folder / "whole"
    save_checkpoint(path, "test 1", {"x": np.zeros(3)}, {"epoch": 1})
    before = path.read_bytes()

    def broken(file, **arrays):
        file.write(before[:50])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", broken)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(path, "test 1", {"x": np.ones(3)}, {"epoch": 2})
    assert path.read_bytes() == before and not [name for name in os.listdir(folder) if "part" in name]
    save_checkpoint(path, "test 1", {"x": np.ones(3)}, {"epoch": 2})
    assert load_checkpoint(path, "test 1").values == {"epoch": 2}


def test_a_reader_never_sees_half_a_file(folder):
    path, stop = folder / "busy", threading.Event()
    save_checkpoint(path, "test 1", {"x": np.full(20_000, 0)}, {"epoch": 0})

    def write():
        for epoch in range(1, 30):
            save_checkpoint(path, "test 1", {"x": np.full(20_000, epoch)}, {"epoch": epoch})
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not stop.is_set():
        found = load_checkpoint(path, "test 1")
        assert np.all(found.arrays["x"] == found.values["epoch"])
        seen.add(found.values["epoch"])
    writer.join()
    assert load_checkpoint(path, "test 1").values["epoch"] == 29 and len(seen) > 1


# --- what is refused -------------------------------------------------------------------------------------------


def test_damage_is_found_wherever_it_is(folder):
    """Each bit of a file matters, or changes nothing of what is read."""
    path = folder / "small"
    save_checkpoint(path, "t", {"x": np.arange(3.0)}, {"n": 1}, np.random.default_rng(0))
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(0, len(whole), 7)] + [whole[:-1]]
    rng = np.random.default_rng(0)
    for place in range(len(whole)):
        damaged.append(whole[:place] + bytes([whole[place] ^ (1 << rng.integers(8))]) + whole[place + 1 :])
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            found = load_checkpoint(path, "t")
        except ValueError as error:
            assert str(error).startswith("path: expected a file of kind 't', got ")
            refused += 1
        else:
            assert found.values == {"n": 1} and np.array_equal(found.arrays["x"], np.arange(3.0))
            assert found.rng.random() == np.random.default_rng(0).random()
    assert refused > len(damaged) * 0.8


def forged(header):
    return {module.HEADER: np.array(header)}


@pytest.mark.parametrize("named, message", [
    ({"x": np.zeros(3)}, "divergen.json"),
    (forged("no JSON"), "Expecting value"),
    (forged("[1]"), "list indices"),
    (forged('{"kind": "other 1", "values": {}, "rng": null}'), "it is one of kind 'other 1'"),
    (forged('{"kind": "test 1", "rng": null}'), "values"),
    (forged('{"kind": "test 1", "values": {}}'), "rng"),
    (forged('{"kind": "test 1", "values": {}, "rng": {"bit_generator": "os"}}'), "no bit generator .* is called 'os'"),
    (forged('{"kind": "test 1", "values": {}, "rng": {"bit_generator": "PCG64"}}'), "state"),
    (forged('{"kind": "test 1", "values": {}, "rng": {"bit_generator": "PCG64", "state": {"state": 1e400, "inc": 1}, '
            '"has_uint32": 0, "uinteger": 0}}'), "infinity|integer"),
    (forged('{"kind": "test 1", "values": {}, "rng": 3}'), "subscriptable"),
    (forged('{"kind": "test 1", "values": {}, "rng": null}') | {"x": np.array([{}], dtype=object)}, "allow_pickle"),
])
def test_load_refuses_what_it_did_not_write(named, message, folder):
    np.savez(folder / "forged.npz", **named)
    with pytest.raises(ValueError, match=f"path: expected a file of kind 'test 1', got .*forged.npz: .*{message}"):
        load_checkpoint(folder / "forged.npz", "test 1")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\3\4"])
def test_load_refuses_other_files(content, folder):
    (folder / "text").write_bytes(content)
    with pytest.raises(ValueError, match=r"path: expected a file of kind 'test 1', got .*text: "):
        load_checkpoint(folder / "text", "test 1")
    np.save(folder / "one.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"path: expected a file of kind 'test 1', got .*one.npy: "):
        load_checkpoint(folder / "one.npy", "test 1")


def test_no_file(folder):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(folder / "nothing", "test 1")


@pytest.mark.parametrize("error, arguments, message", [
    (ValueError, ({module.HEADER: np.zeros(2)}, {}), "arrays: expected names other than divergen.json, file, allow_"),
    (ValueError, ({"file": np.zeros(2)}, {}), "arrays: expected names other than"),
    (ValueError, ({"allow_pickle": np.zeros(2)}, {}), "arrays: expected names other than"),
    (ValueError, ({"x": np.array([{}], dtype=object)}, {}), "arrays: expected numbers, got an array of objects for"),
    (ValueError, ({}, {}, 3), "rng: expected a numpy.random.Generator"),
    (TypeError, ({}, {"f": print}), "values: expected numbers, texts, lists and dicts, got builtin_function"),
])
def test_save_refuses_what_it_could_not_read(error, arguments, message, tmp_path):
    with pytest.raises(error, match=message):
        save_checkpoint(tmp_path / "a", "test 1", *arguments)
    assert not os.listdir(tmp_path)


# --- fingerprints ----------------------------------------------------------------------------------------------


@given(array=arrays, place=st.integers(0))
def test_a_fingerprint_is_of_dtype_shape_and_each_byte(array, place):
    same = fingerprint(array.copy(order="F"))
    assert fingerprint(array) == same
    assert fingerprint(array.reshape(1, *array.shape, 1)) != same
    assert fingerprint(array, array) != same
    if array.size:
        other = array.copy()
        view = other.reshape(-1).view(np.uint8)
        view[place % view.size] ^= 1
        assert fingerprint(other) != same


def test_a_fingerprint_is_of_the_numbers_not_of_how_they_lie_in_memory():
    x = np.arange(12.0).reshape(3, 4)
    assert fingerprint(x[:, ::2]) == fingerprint(x[:, ::2].copy()) != fingerprint(x[:, 1::2])
    assert fingerprint(x) != fingerprint(x.astype(np.float32)) != fingerprint(x.view(np.int64))


def test_other_libraries(library, tmp_path):
    x = np.arange(6.0).reshape(2, 3)
    assert fingerprint(library.asarray(x)) == fingerprint(x)
    save_checkpoint(tmp_path / "a", "test 1", {"x": library.asarray(x)}, {})
    assert np.array_equal(load_checkpoint(tmp_path / "a", "test 1").arrays["x"], x)
