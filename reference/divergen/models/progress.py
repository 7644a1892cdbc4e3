"""A progress bar for trainings, for those who ask for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(total: int, done: int, unit: str, wanted: bool) -> Iterator[Callable[[str], None]]:
    """Give a function to call with a remark after each step; with no bar wanted it does nothing.

    Parameters
    ----------
    total, done : int
        The number of steps in all, and of those that are behind already.
    unit : str
        What one of them is called.
    wanted : bool

    Yields
    ------
    callable

    Raises
    ------
    ImportError
        If a bar is wanted and tqdm is missing.

    Examples
    --------
    >>> with progress_bar(2, 0, "step", wanted=False) as show:
    ...     show("objective 1.00")
    """
    if not wanted:
        yield lambda remark: None
        return
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError("progress=True shows a bar by tqdm, which is missing: pip install tqdm") from error
    with tqdm(total=total, initial=done, desc="training", unit=unit) as bar:

        def show(remark: str) -> None:
            bar.set_postfix_str(remark, refresh=False)
            bar.update()

        yield show
