r"""What is said of an implementation that raises: the exception, its own frames, and how it was called."""

from __future__ import annotations

import math
from pathlib import Path
from traceback import TracebackException
from typing import Any

from .checks import CheckError, Finding
from .compare import Deviation
from .words import call_of

__all__ = ["frames_of", "raised_at"]

KIT = str(Path(__file__).parent)
LAST = 3  # frames that are shown


def frames_of(error: BaseException) -> str:
    """Return the end of the traceback of an implementation's exception, with its causes, as Python prints it.

    The frames of the kit, which called it, are left out; nothing is left if it could not even be called.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(KIT):
        trace = trace.tb_next
    if trace is None:
        return ""
    return "".join(TracebackException(type(error), error, trace, limit=-LAST).format()).rstrip()


def raised_at(
    what: str, inputs: dict[str, Any], error: BaseException, capability: str = "", **rest: Any
) -> CheckError:
    """Return what is to be raised ``from error`` where an implementation raised.

    Parameters
    ----------
    what : str
        One line.
    inputs : dict
        The arguments by name.
    error : BaseException
        What it raised.
    capability : str
        What was called; where the call itself may be wrong, the finding says how it should be.
    **rest
        More of the finding.
    """
    wrong_call = capability and isinstance(error, (TypeError, AttributeError))
    problem = f"{capability or 'it'} raised {type(error).__name__}: {error}"
    return CheckError(Finding(what, inputs, Deviation(math.inf, None, None, problem=problem),
                              note=call_of(capability) if wrong_call else "", frames=frames_of(error), **rest))
