r"""Options that the commands share: numbers for argparse, and the checks of files before the work begins."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["check_writable", "not_negative", "number", "same_file", "threads", "whole"]

LARGEST_COUNT = 2**31


def whole(at_least: int) -> Callable[[str], int]:
    """Return a function that reads a whole number for argparse."""

    def read(text: str) -> int:
        if not (text.isdecimal() and int(text) >= at_least):
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {at_least}, got {text!r}")
        if int(text) >= LARGEST_COUNT:
            raise argparse.ArgumentTypeError(f"expected a whole number below {LARGEST_COUNT}, got {text}")
        return int(text)

    return read


def threads(text: str) -> int:
    """Read a number of threads for argparse."""
    if text == "-1":
        return -1
    if not (text.isdecimal() and 0 < int(text) < LARGEST_COUNT):
        raise argparse.ArgumentTypeError(f"expected a number of threads, or -1 for one on each core, got {text!r}")
    return int(text)


def not_negative(text: str) -> float:
    """Read a finite number of at least 0 for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a finite number of at least 0, got {text!r}")
    return number


def number(command: argparse.ArgumentParser, name: str, at_least: int, default: int, words: str) -> None:
    """Add an option for a whole number, whose help states the default."""
    command.add_argument(name, type=whole(at_least), default=default, metavar="N",
                         help=f"{words} (default: %(default)s)")


def same_file(one: Path, other: Path | None) -> bool:
    """Tell whether both are the same file."""
    return other is not None and one.resolve() == other.resolve()


def check_writable(path: Path) -> None:
    """Raise ValueError, before the work begins, if there is no place for its result."""
    folder = path.resolve().parent
    if not folder.is_dir():
        raise ValueError(f"{path}: there is no directory {folder}")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: expected the name of a file, got {'a directory' if path.is_dir() else 'a device'}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror}") from error
