r"""Arrays that fit on no machine: a Dask array is met here, chunk by chunk, and nowhere else.

:func:`divergen.arrays.is_chunked` tells such an array; what is computed with one is made of four things. A function is
run on every chunk, where the chunk is (:func:`on_each`); small results are summed in a tree (:func:`in_a_tree`); every
chunk meets every other (:func:`against_each`); and a few rows are fetched (:func:`taken`). So nothing moves but a few
points and the sums, and no worker needs more memory than its chunks take, one more, and a block of pairs.

**The same bits, whoever is first.** The shape of the tree, and the order of the terms in each of its nodes, depend on
the number of chunks alone. A worker that dies takes its results with it; the scheduler computes them again, from the
same chunks with the same function, and they are the same.

Dask is imported when the first chunked array comes, and never before.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from .arrays import Array, as_points, as_weights, is_chunked

__all__ = [
    "add_up", "against_each", "as_chunked", "as_chunked_weights", "chunk_of_cloud", "compute", "in_a_tree", "on_each",
    "pieces", "shared", "taken", "task",
]

Task = Any  # a dask Delayed
FAN_IN = 8  # results that one node of a tree sums
ON_THE_WAY = 2  # chunks at a time that are sent to all workers


def as_chunked(points: Any, name: str = "points", *, dim: int | None = None) -> Array:
    """Return a Dask array whose layout can be worked on: chunks of rows, of known sizes, of real floating numbers.

    Its numbers are looked at later, where they are: see :func:`chunk_of_cloud`.

    Parameters
    ----------
    points : dask array, shape (n, dim)
        Integers become float64, chunk by chunk.
    name : str
        What the argument is called, for the message.
    dim : int, optional
        The dimension that it must have.

    Returns
    -------
    dask array, shape (n, dim)

    Raises
    ------
    ValueError
        If it is of another shape or has no rows, is not of real numbers, is cut between columns, or does not know the
        sizes of its chunks; each message says the way out.
    """
    if len(points.shape) != 2:
        raise ValueError(f"{name}: expected an array of shape (n, d), points as rows, got shape {points.shape}")
    if any(math.isnan(rows) for rows in points.chunks[0]):
        raise ValueError(f"{name}: expected chunks of known sizes, got unknown ones; call "
                         f"{name}.compute_chunk_sizes() first")
    n, d = points.shape
    if 0 in (n, d):
        raise ValueError(f"{name}: expected at least one point of at least one dimension, got shape {points.shape}")
    if dim is not None and d != dim:
        raise ValueError(f"{name}: expected points of dimension {dim}, got dimension {d}")
    if len(points.chunks[1]) > 1:
        raise ValueError(f"{name}: expected chunks of whole rows, got rows cut in {len(points.chunks[1])}; use "
                         f"{name}.rechunk({{0: 'auto', 1: -1}})")
    return _floating(points, name)


def as_chunked_weights(weights: Any, points: Array, name: str = "weights") -> Array | None:
    """Return the weights of chunked points in chunks like theirs and of their dtype; None, for 1/n each, stays None.

    Weights in the memory of this process are sent to the workers, once.

    Raises
    ------
    ValueError
        If there is not one weight for each point, or the chunks are others.
    """
    if weights is None:
        return None
    n, rows = points.shape[0], points.chunks[0]
    if not is_chunked(weights):
        import dask.array

        weights = as_weights(weights, np.empty((n, 0), dtype=points.dtype), name)
        return dask.array.from_array(weights.copy(), chunks=(rows,)).persist()
    if weights.shape != (n,):
        raise ValueError(f"{name}: expected one weight for each of the {n} points, got shape {weights.shape}")
    if weights.chunks[0] != rows:
        raise ValueError(f"{name}: expected chunks like those of the points, got {len(weights.chunks[0])} others; use "
                         f"{name}.rechunk((points.chunks[0],)).persist()")
    return _floating(weights, name).astype(points.dtype)


def _floating(x: Array, name: str) -> Array:
    """Return a real floating Dask array: as :mod:`divergen.arrays` does it for others."""
    if x.dtype.kind not in "buif":
        raise ValueError(f"{name}: expected real numbers, got an array of dtype {x.dtype}")
    if x.dtype.kind != "f":
        return x.astype(np.float64)
    return x.astype(np.float32) if x.dtype == np.float16 else x.copy()  # a copy of the graph: assignments change it


def chunk_of_cloud(
    block: Any, weights: Any, where: tuple[int, int, int], shape: tuple[int, int], names: tuple[str, str],
    squared: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Check the points and weights of one chunk, where they are; the messages name the chunk.

    Parameters
    ----------
    block : array, shape (rows, dim)
        The chunk.
    weights : array, shape (rows,), or None
        None for 1/n each.
    where : (int, int, int)
        The number of the chunk, its first row and its last, exclusive.
    shape : (int, int)
        n and dim, of the cloud.
    names : (str, str)
        What the points and the weights are called.
    squared : bool
        Whether their squares must not overflow.

    Returns
    -------
    points : numpy.ndarray, shape (rows, dim)
    weights : numpy.ndarray, shape (rows,)

    Raises
    ------
    ValueError
        If the chunk does not have the rows that were announced, or holds other things than finite numbers.
    """
    number, first, last = where
    points_name, weights_name = (f"{name}, chunk {number} (rows {first} to {last - 1})" for name in names)
    if not isinstance(block, np.ndarray):
        raise ValueError(f"{points_name}: expected a NumPy array, got {type(block).__name__}")
    points = as_points(block, points_name, dim=shape[1], squared=squared)
    if points.shape[0] != last - first:
        raise ValueError(f"{points_name}: expected {last - first} points, as announced, got {points.shape[0]}")
    if weights is None:
        return points, np.full(last - first, 1.0 / shape[0], dtype=points.dtype)
    return points, as_weights(weights, points, weights_name)


def task(function: Callable[..., Any], *arguments: Any) -> Task:
    """Return a call that is yet to be made, of results of other such calls too."""
    import dask

    return dask.delayed(function, pure=False)(*arguments)


def shared(value: Any) -> Task:
    """Return `value`, to be sent along once for all tasks that need it, and again if it is lost."""
    import dask

    return dask.delayed(value, pure=False, traverse=False)


def pieces(points: Array, weights: Array | None = None) -> Iterator[tuple[Task, Task | None, tuple[int, int, int]]]:
    """Yield, for each chunk that has rows, the chunk, its weights, and its number, first row and last, exclusive."""
    blocks = points.to_delayed().ravel()
    shares = [None] * len(blocks) if weights is None else weights.to_delayed().ravel()
    last = 0
    for number, (block, share, rows) in enumerate(zip(blocks, shares, points.chunks[0], strict=True)):
        first, last = last, last + int(rows)
        if rows:
            yield block, share, (number, first, last)


def on_each(
    function: Callable[..., Any], points: Array, weights: Array | None, *arguments: Any, chosen: Sequence | None = None
) -> list[Task]:
    """Return the calls ``function(block, weights, where, *arguments)``, one for each chunk that has rows.

    Parameters
    ----------
    function : callable
        Of the module's top level, so that it can be sent.
    points, weights : dask arrays, in the same chunks; weights may be None
    *arguments
        The same for all; what is large among them is :func:`shared`.
    chosen : sequence, optional
        For each chunk one more, last argument; chunks for which it is None are left out.

    Returns
    -------
    list of tasks
        In the order of the chunks.
    """
    calls = []
    for block, weight, where in pieces(points, weights):
        own = () if chosen is None else (chosen[where[0]],)
        if own != (None,):
            calls.append(task(function, block, weight, where, *arguments, *own))
    return calls


def in_a_tree(parts: Sequence[Task], add: Callable[[list], Any]) -> Task:
    """Return the sum of all parts: `add` takes a few neighbours in their order, and then a few of their sums."""
    parts = list(parts)
    while len(parts) > 1:
        parts = [task(add, parts[i : i + FAN_IN]) for i in range(0, len(parts), FAN_IN)]
    return parts[0]


def add_up(parts: list) -> Any:
    """Add arrays or numbers, or tuples of them entry by entry, from the first to the last. None stays None."""
    if isinstance(parts[0], tuple):
        return tuple(add_up([part[i] for part in parts]) for i in range(len(parts[0])))
    if parts[0] is None:
        return None
    total = parts[0] + 0.0 if np.asarray(parts[0]).dtype.kind == "f" else parts[0] + 0
    for part in parts[1:]:
        total += part
    return total


def against_each(step: Callable[..., Any], mine: list, theirs: list, *, upper: bool = False) -> list[Task]:
    """Let every chunk meet every chunk: ``state[i] = step(state[i], mine[i], theirs[j])`` for all j, in their order.

    Each state stays with its chunk, and at most two of `theirs` are on their way to the workers at a time: what was
    sent before is let go. Else a busy cluster would end up with all chunks on all workers.

    Parameters
    ----------
    step : callable
        The state that comes first is None.
    mine, theirs : lists of tuples of tasks and plain values
    upper : bool
        Whether to leave out j < i: all pairs once.

    Returns
    -------
    list of tasks
        The last states.
    """
    homes = their_homes = compute([task(_home, *piece) for piece in mine])
    if theirs is not mine:
        their_homes = compute([task(_home, *piece) for piece in theirs])
    states: list[Task] = [None] * len(mine)
    finished: list[Task] = []
    for j, their in enumerate(theirs):
        # The copy of the name, not of the array: what bears the name is dropped everywhere after its last use.
        before = finished[j - ON_THE_WAY] if j >= ON_THE_WAY else None
        with _at(their_homes[j]):
            sent = task(_passed_on, before, *their)
        ready = []
        for i in range(j + 1 if upper else len(mine)):
            with _at(homes[i]):
                states[i] = task(step, states[i], mine[i], sent)
                ready.append(task(_nothing, states[i]))
        finished.append(in_a_tree(ready, _nothing))
    return states


def _home(*piece: Any) -> str | None:
    """Return the address of the worker on which this runs, which is where the piece is; None outside a cluster."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.get_worker().address
    except ValueError:
        return None


def _at(home: str | None) -> AbstractContextManager[Any]:
    """Return a context whose tasks are meant for one worker; if it is gone, others take them."""
    import dask

    return nullcontext() if home is None else dask.annotate(workers=[home], allow_other_workers=True)


def _passed_on(before: None, *values: Any) -> tuple:
    return values


def _nothing(state: Any) -> None:
    """Return nothing, and so tell without sending a state that it is there."""


def compute(call: Any) -> Any:
    """Return the result of a task or of a list of them, from the cluster of this process's client if it has one."""
    import dask

    # Dask warns of graphs that hold large arrays. Ours hold the points that were given, once; kept in the graph, and
    # not scattered, they outlive every worker.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"}):
        return dask.compute(call)[0]


def taken(points: Array, weights: Array | None, chosen: Sequence[np.ndarray | None], names: tuple[str, str]) -> list:
    """Fetch a few rows of the chunks.

    Parameters
    ----------
    points, weights : dask arrays
    chosen : sequence
        For each chunk None or, where weights are None, row numbers within it; else how much weight of the chunk lies
        before the place that is wanted.
    names : (str, str)
        What the points and the weights are called.

    Returns
    -------
    list of numpy.ndarray, shapes (len(chosen[i]), dim)
        For the chunks that something was wanted of.
    """
    return compute(on_each(_rows, points, weights, names, chosen=[None if c is None else (c,) for c in chosen]))


def _rows(block: Any, weights: Any, where: tuple[int, int, int], names: tuple[str, str], wanted: tuple) -> np.ndarray:
    (places,) = wanted
    if weights is not None:
        reached = np.cumsum(weights, dtype=np.float64)
        places = np.searchsorted(reached, places, side="right")
        places = np.minimum(places, np.flatnonzero(weights)[-1])  # rounding must not choose what has no weight
    number, first, last = where
    if block.shape[0] != last - first:
        raise ValueError(f"{names[0]}, chunk {number} (rows {first} to {last - 1}): expected {last - first} points, as "
                         f"announced, got {block.shape[0]}")
    return as_points(block[places], f"{names[0]}, chunk {number} (rows {first} to {last - 1})", squared=True)
