r"""The command line: ``python -m divergen compress``, ``demo`` and ``oracle``.

What is wrong with the input is said in one line on standard error, with exit status 2; no file has been touched then.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from .commands import compress, demo, oracle

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def _parser() -> _Parser:
    parser = _Parser(prog="divergen", description="Diverse samples: few points that stand for a whole distribution.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (compress, demo, oracle):
        command.add_to(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process if not given.

    Returns
    -------
    int
        0; 1 if the oracle found something wrong.

    Raises
    ------
    SystemExit
        With status 2 if the input cannot be used, 1 if the training diverged, 130 if the user stopped it.
    """
    arguments = _parser().parse_args(argv)
    parser: argparse.ArgumentParser = arguments.parser
    try:
        return arguments.run(arguments) or 0
    except (ValueError, ImportError, OSError, MemoryError, OverflowError) as error:
        parser.error(str(error) or type(error).__name__)
    except FloatingPointError as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\n{parser.prog}: stopped\n")


if __name__ == "__main__":
    sys.exit(main())
