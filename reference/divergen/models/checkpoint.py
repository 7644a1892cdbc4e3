r"""A training's state in a file, so that an interrupted training goes on as if nothing had happened, to the last bit.

The file is NumPy's npz, without pickle: named arrays, and one JSON text that holds the plain values, the state of the
random generator, and what kind of file it is. It is written beside and renamed: a stop in the middle of writing leaves
the last complete file.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from ..arrays import Array, check_rng, to_numpy
from ..files import replacing

__all__ = ["Checkpoint", "check_place", "fingerprint", "generator_state", "load_checkpoint", "save_checkpoint"]

HEADER = "divergen.json"  # the entry that holds the JSON text
RESERVED = (HEADER, "file", "allow_pickle")  # the others are arguments of numpy.savez
DAMAGE = (ValueError, TypeError, KeyError, AttributeError, EOFError, RuntimeError, OSError, BadZipFile, zlib.error)


class Checkpoint(NamedTuple):
    """What a file holds: named arrays, plain values, and a random generator in the state it was in.

    `rng` is None in a file that was written without one.
    """

    arrays: dict[str, np.ndarray]
    values: dict[str, Any]
    rng: np.random.Generator | None


def save_checkpoint(
    path: str | os.PathLike[str],
    kind: str,
    arrays: Mapping[str, Array],
    values: Mapping[str, Any],
    rng: np.random.Generator | None = None,
) -> None:
    """Write named arrays and plain values, and the state of a random generator, into one file.

    Parameters
    ----------
    path : path-like
        What is there already is replaced, once the new file is complete.
    kind : str
        What it is and in which version, as ``"divergen.VAE 2"``; reading asks for the same.
    arrays : mapping of str to array
        Of any array library; NumPy arrays come back.
    values : mapping of str to JSON
        Numbers, texts, lists and dicts. Floats come back to the last bit.
    rng : numpy.random.Generator, optional

    Raises
    ------
    ValueError
        If `rng` is no generator, an array has a name that is reserved, or what is in it are no numbers.
    TypeError
        If a value is none that JSON can hold.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> rng = np.random.default_rng(0)
    >>> save_checkpoint(folder.name + "/a.npz", "example 1", {"x": np.ones(3)}, {"epoch": 2}, rng)
    >>> found = load_checkpoint(folder.name + "/a.npz", "example 1")
    >>> print(f"{found.arrays['x'].sum():.1f} {found.values['epoch']} {found.rng.random() == rng.random()}")
    3.0 2 True
    >>> folder.cleanup()
    """
    if not set(RESERVED).isdisjoint(arrays):
        raise ValueError(f"arrays: expected names other than {', '.join(RESERVED)}, which are reserved")
    hosts: dict[str, Any] = {name: to_numpy(array) for name, array in arrays.items()}
    for name, host in hosts.items():
        if host.dtype.hasobject:
            raise ValueError(f"arrays: expected numbers, got an array of objects for {name!r}")
    state = None if rng is None else check_rng(rng).bit_generator.state
    hosts[HEADER] = np.array(json.dumps({"kind": kind, "values": dict(values), "rng": state}, default=_plain))
    with replacing(path) as file:
        np.savez(file, **hosts)


def check_place(path: str | os.PathLike[str]) -> None:
    """Raise ValueError if no checkpoint can be written there: found out before a training, not after its first part."""
    if not Path(path).resolve().parent.is_dir() or Path(path).is_dir():
        raise ValueError(f"checkpoint: expected a file in a folder that is there, got {os.fspath(path)!r}")


def load_checkpoint(path: str | os.PathLike[str], kind: str) -> Checkpoint:
    """Read what :func:`save_checkpoint` wrote.

    Raises
    ------
    ValueError
        If the file is damaged, or of another kind.
    FileNotFoundError
        If there is no such file.
    """
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as saved:
                header = json.loads(str(saved[HEADER]))
                if header["kind"] != kind:
                    raise ValueError(f"it is one of kind {header['kind']!r}")
                arrays = {name: saved[name] for name in saved.files if name != HEADER}
            return Checkpoint(arrays, header["values"], _generator(header["rng"]))
        except DAMAGE as error:
            raise ValueError(f"path: expected a file of kind {kind!r}, got {path}: {error}") from error


def fingerprint(*arrays: Array) -> str:
    """Return a short text that tells whether arrays are the same as last time: dtypes, shapes and a CRC of the bytes.

    It guards against going on by mistake with other data, not against malice.

    Examples
    --------
    >>> fingerprint(np.arange(3.0)) == fingerprint(np.arange(3.0)), fingerprint(np.arange(3.0))[:12]
    (True, 'float64 (3,)')
    """
    parts = []
    for array in arrays:
        host = np.ascontiguousarray(to_numpy(array))
        parts.append(f"{host.dtype} {host.shape} {zlib.crc32(host.data):08x}")
    return "; ".join(parts)


def generator_state(rng: np.random.Generator) -> str:
    """Return a short text that tells whether two random generators will give the same numbers.

    Examples
    --------
    >>> one, same, other = (np.random.default_rng(seed) for seed in (0, 0, 1))
    >>> generator_state(one) == generator_state(same), generator_state(one) == generator_state(other)
    (True, False)
    """
    state = check_rng(rng).bit_generator.state
    return f"{state['bit_generator']} {zlib.crc32(json.dumps(state, default=_plain, sort_keys=True).encode()):08x}"


def _plain(value: Any) -> Any:
    """Turn the NumPy arrays and numbers that states of generators hold into JSON."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"values: expected numbers, texts, lists and dicts, got {type(value).__name__}")


def _generator(state: dict[str, Any] | None) -> np.random.Generator | None:
    """Make a generator in this state."""
    if state is None:
        return None
    name = state["bit_generator"]
    if name not in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
        raise ValueError(f"no bit generator of NumPy is called {name!r}")
    bits = getattr(np.random, name)()
    bits.state = state
    return np.random.Generator(bits)
