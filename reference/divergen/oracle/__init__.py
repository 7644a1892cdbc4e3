r"""The oracle: checks for other implementations of what this package is about.

An adapter says what an implementation offers; :func:`~divergen.oracle.runner.check` holds it against golden vectors,
properties and statistical tests, and reports by which equation and at which input it is wrong.

Nothing here imports what it judges: the truth comes from vectors that mpmath computed, and from ``divergen.equations``.
"""

from .adapter import Adapter, from_cupy, from_functions, from_jax, from_object, from_torch
from .capabilities import CAPABILITIES, DIVERGENCES, Capability
from .checks import Check, CheckError, CheckFailure, CheckSkipped, Finding
from .conventions import Conventions
from .report import Report, Result
from .runner import check, iter_checks, parametrize_with_checks
from .vectors import load_vectors

__all__ = [
    "CAPABILITIES", "DIVERGENCES", "Adapter", "Capability", "Check", "CheckError", "CheckFailure", "CheckSkipped",
    "Conventions", "Finding", "Report", "Result", "check", "from_cupy", "from_functions", "from_jax", "from_object",
    "from_torch", "iter_checks", "load_vectors", "parametrize_with_checks",
]
