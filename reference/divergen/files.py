"""Files that are never half there: written beside, then renamed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["replacing"]


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing bytes, and rename it to `path` once all is written.

    If anything fails on the way, what was at `path` is still there, and nothing else is.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    file

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "greeting")
    >>> with replacing(path) as file:
    ...     _ = file.write(b"hello")
    >>> path.read_bytes()
    b'hello'
    >>> folder.cleanup()
    """
    path = Path(path).resolve()  # a link stays, and what it points to is replaced
    beside = path.with_name(f".divergen-{uuid.uuid4().hex[:12]}.part")
    try:
        with open(beside, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
