r"""Blocks that are made and freed again and again should not go back to the system in between."""

from __future__ import annotations

import ctypes
import functools
import os
import sys

import numpy as np

__all__ = ["keep_freed_memory"]


@functools.cache
def keep_freed_memory() -> None:
    """Let the C library keep what blocks free for the blocks to come, once in a process.

    glibc hands freed memory back to the system at once if there is more of it than twice the largest array freed so
    far, and gets it back page by page, each filled with zeros: blocks in a cache then take four times as long. So one
    large array is made and freed, without ever touching its pages. 32 MiB is the most that glibc learns from.

    It does not learn where the environment sets a threshold, as Dask does for its workers: there it is told, blocks of
    up to 8 MiB and 32 MiB in all, and the sums over pairs take a tenth of the time.
    """
    np.empty(2**25 - 2**16, dtype=np.uint8)
    if sys.platform == "linux" and "MALLOC_TRIM_THRESHOLD_" in os.environ:
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library has it
        if mallopt is not None:
            mallopt(-3, 2**23)  # M_MMAP_THRESHOLD
            mallopt(-1, 2**25)  # M_TRIM_THRESHOLD
