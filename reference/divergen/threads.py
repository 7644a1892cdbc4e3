r"""All cores: independent pieces of work on a pool of threads, with the same result for any number of them.

NumPy lets go of Python's lock while it works on an array, so threads share the memory and run side by side. A piece is
the same piece whoever does it, and the results come back in the order of the pieces: what is summed from them is summed
in one order, and has the same bits for ``workers=1`` and ``workers=-1``.

BLAS would start threads of its own in each of ours. While pieces run it is held to one, if `threadpoolctl` is there to
do it; without that package, set ``OPENBLAS_NUM_THREADS=1`` (or your BLAS's name for it) before Python starts.
"""

from __future__ import annotations

import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from numbers import Integral
from typing import Any, TypeVar

from .arrays import Array, on_gpu
from .memory import keep_freed_memory

__all__ = ["check_workers", "map_in_order", "one_blas_thread"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def check_workers(workers: Any, *arrays: Array) -> int:
    """Return how many threads are meant, as SciPy counts them: -1 is one for each core this process may use.

    Parameters
    ----------
    workers : int
        At least 1, or -1.
    *arrays : array
        What is to be worked on: for arrays on a GPU the answer is 1.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> check_workers(3), check_workers(-1) >= 1
    (3, True)
    """
    if not isinstance(workers, Integral) or isinstance(workers, bool) or (int(workers) < 1 and workers != -1):
        raise ValueError(f"workers: expected a number of threads, or -1 for one on each core, got {workers!r}")
    if any(on_gpu(x) for x in arrays):
        return 1
    if int(workers) > 0:
        return int(workers)
    if hasattr(os, "sched_getaffinity"):  # on Linux: the cores that this process may run on
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Holders:
    """Who needs BLAS at one thread at present. Its number of threads belongs to the process, and so does this."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # not a plain one: a forgotten generator may be closed in the middle of this
        self.count = 0
        self.before: list[tuple[Any, int]] = []

    def enter(self) -> None:
        with self.lock:
            if self.count == 0:
                self.before = [(library, library.get_num_threads()) for library in _blas()]
                for library, _ in self.before:
                    _set_threads(library, 1)
            self.count += 1

    def leave(self) -> None:
        with self.lock:
            self.count -= 1
            if self.count == 0:
                for library, threads in self.before:
                    _set_threads(library, threads)


_HOLDERS = _Holders()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread, in a `with` or as a decorator; do nothing if threadpoolctl is not installed.

    Our matrices are small: threads of BLAS save nothing on an idle machine, and cost ten times the work on a busy one,
    where they wait for each other. They also round differently, so that the same seed would not give the same digits.

    Such contexts may overlap, in one thread or in several: the first one sets the limit, and the last one to end gives
    back what there was before.
    """
    _HOLDERS.enter()
    try:
        yield
    finally:
        _HOLDERS.leave()


def _set_threads(library: Any, threads: int | None) -> None:
    """Set the number of threads of a BLAS library; None, where it does not tell, is left alone.

    From version 3.8 on threadpoolctl ignores every thread but the first one that has set it, as long as that lives: the
    last one to end might not give back what the first one took. The lock above keeps threads in order by itself.
    """
    if threads is not None:
        getattr(library, "_real_set_num_threads", library.set_num_threads)(threads)


@functools.cache
def _blas() -> list[Any]:
    """Find the BLAS libraries of this process, once: it takes a millisecond."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    return ThreadpoolController().select(user_api="blas").lib_controllers


def map_in_order(function: Callable[[Item], Result], items: Sequence[Item], workers: int = 1) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in the order of the items.

    Parameters
    ----------
    function : callable
        It must not write where another item's call reads or writes.
    items : sequence
    workers : int
        Threads; -1 for one on each core. No more than twice as many items are begun or done and not yet taken.

    Yields
    ------
    Whatever `function` returns; what it raises, in the place of its result.

    Raises
    ------
    ValueError
        As :func:`check_workers`.

    Examples
    --------
    >>> list(map_in_order(lambda n: n * n, [3, 1, 2], workers=2))
    [9, 1, 4]
    """
    threads = min(check_workers(workers), len(items))
    keep_freed_memory()
    if len(items) == 1:
        yield function(items[0])
        return
    with one_blas_thread():
        if threads <= 1:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(threads) as pool:
            waiting: deque[Future[Result]] = deque()
            try:
                for item in items:
                    if len(waiting) == 2 * threads:
                        yield waiting.popleft().result()
                    waiting.append(pool.submit(function, item))
                while waiting:
                    yield waiting.popleft().result()
            finally:  # after an exception, or if nobody wants the rest
                for future in waiting:
                    future.cancel()
