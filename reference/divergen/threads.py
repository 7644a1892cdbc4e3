r"""Both cores: independent pieces of work on a pool of threads, with the same result for any number of them.

NumPy lets go of Python's lock while it works on an array, so threads share the memory and run side by side. A piece is
the same piece whoever does it, and the results come back in the order of the pieces: what is summed from them is summed
in one order, and has the same bits for ``workers=1`` and ``workers=-1``.

BLAS would start threads of its own in each of ours. While pieces run it is held to one, if `threadpoolctl` is there to
do it; without that package, set ``OPENBLAS_NUM_THREADS=1`` (or your BLAS's name for it) before Python starts.
"""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral
from typing import Any, TypeVar

from .arrays import Array, keep_freed_memory, on_gpu

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


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread; it does nothing if threadpoolctl is not installed."""
    libraries = _blas()
    return nullcontext() if libraries is None else libraries.limit(limits=1, user_api="blas")


@functools.cache
def _blas() -> Any:
    """Find the BLAS libraries of this process, once: it takes a millisecond."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


def map_in_order(function: Callable[[Item], Result], items: Sequence[Item], workers: int = 1) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in the order of the items.

    Parameters
    ----------
    function : callable
        It must not write where another item's call reads or writes.
    items : sequence
    workers : int
        Threads; -1 for one on each core. No more than twice as many results wait to be taken.

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
                    waiting.append(pool.submit(function, item))
                    if len(waiting) > 2 * threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:  # after an exception, or if nobody wants the rest
                for future in waiting:
                    future.cancel()
