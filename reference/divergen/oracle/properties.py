r"""What every implementation owes its caller, whatever it computes; and the laws of each capability.

Three laws hold for all: the arguments are left alone, the same call gives the same result, and a nan is not made into a
plausible number. The rest is in the modules that are imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from . import (
    properties_distance,
    properties_divergences,
    properties_evaluation,
    properties_models,
    properties_sampling,
    properties_sizes,
)
from .adapter import Adapter
from .capabilities import CAPABILITIES
from .checks import register
from .compare import Tolerance
from .inputs import ARGUMENTS
from .laws import EXACT, Draw, Inputs, Trial, search

__all__ = ["properties_distance", "properties_divergences", "properties_evaluation", "properties_models",
           "properties_sampling", "properties_sizes"]

EXAMPLES = 10  # of each of these, for each capability

# What comes out row by row, or entry by entry, has its nan where that row or entry is; elsewhere it only must not be
# lost: each result must have one.
BY_ROW = {"kernel": "x", "expected_kernel": "x", "gaussian_kl": "mean log_variance", "f": "u", "conjugate": "t",
          "drs": "ratio", "obrs": "ratio"}


def _leaves_arguments_alone(capability: str) -> Callable[..., None]:
    def holds(trial: Trial, **inputs: Any) -> None:
        given = {name: copy(value) for name, value in inputs.items()}
        # The arrays themselves, not copies: Trial and Adapter.call would protect them.
        try:
            trial.adapter.functions[capability](*given.values())
        except (Exception, SystemExit) as error:
            trial.problem(f"it raised {type(error).__name__}: {error}")
        for name, before in inputs.items():
            if isinstance(before, np.ndarray):
                trial.equal(given[name], before, EXACT, f"{name} was written into")
            elif given[name] != before:
                trial.problem(f"{name} was {before!r} before the call, and is {given[name]!r} after it")

    return holds


def _same_twice(capability: str) -> Callable[..., None]:
    # Sums in another order, by threads, may round another way.
    tolerance = Tolerance(1e-9, 1e-12, "sums by several threads may round differently from call to call")
    if capability == "compress":
        tolerance = Tolerance(1e-6, 1e-6, "the seed is the same; sums by several threads may round differently")

    def holds(trial: Trial, **inputs: Any) -> None:
        arguments = tuple(inputs.values())
        first, again = (trial.results(capability, arguments, trial.attempt(capability, arguments)) for _ in range(2))
        for one, other in zip(first, again, strict=True):
            trial.equal(other, np.array(one), tolerance, "the second call gave something else than the first")

    return holds


def _with_a_nan(capability: str) -> Callable[[Draw], Inputs]:
    """Arguments, and which of them is to have a nan at which place."""
    def inputs(draw: Draw) -> Inputs:
        arguments = ARGUMENTS[capability](draw)
        name = draw.choice([name for name, value in arguments.items() if isinstance(value, np.ndarray)])
        return {**arguments, "spoilt": name, "at": draw.integer(0, arguments[name].size - 1)}

    return inputs


def _nan_is_not_lost(capability: str) -> Callable[..., None]:
    def holds(trial: Trial, spoilt: str, at: int, **inputs: Any) -> None:
        if not _may_have_no_root(trial):
            trial(capability, *inputs.values())  # what cannot do without a nan gets no credit for raising at one
        inputs[spoilt] = inputs[spoilt].copy()
        inputs[spoilt].flat[at] = np.nan
        trial, arguments = Trial(trial.adapter, trial.what, inputs), tuple(inputs.values())
        try:
            returned = trial.adapter.call(capability, *arguments)
        except (Exception, SystemExit):
            return  # an exception is the best answer
        parts = trial.results(capability, arguments, returned)
        by_row = spoilt in BY_ROW.get(capability, "").split()
        row = int(np.argwhere(np.isnan(inputs[spoilt]))[0][0]) if by_row else None
        for part in parts:
            affected = np.asarray(part) if row is None else np.asarray(part)[row]
            if not np.any(np.isnan(affected)):
                trial.problem(f"{spoilt} has a nan, and what depends on it is {affected.tolist()}", part,
                              "a nan should come out as one, or as an exception")

    return holds


def _may_have_no_root(trial: Trial) -> bool:
    """Whether the implementation takes the root of a U-statistic, which may be below 0."""
    return trial.conventions.power == "root" and trial.conventions.statistic == "U"


def _register_for(capability: str) -> None:
    laws: list[tuple[str, str, Callable[[Draw], Inputs], Callable[..., None]]] = [
        ("leaves-arguments-alone", "it does not write into its arguments", ARGUMENTS[capability],
         _leaves_arguments_alone(capability)),
        ("same-twice", "it has no hidden state: the same call gives the same result", ARGUMENTS[capability],
         _same_twice(capability)),
        ("nan-is-not-lost", "nan in: nan or an exception out, never a plausible number", _with_a_nan(capability),
         _nan_is_not_lost(capability)),
    ]
    for name, what, inputs, holds in laws:
        def run(adapter: Adapter, what: str = what, inputs: Any = inputs, holds: Any = holds) -> None:
            search(adapter, what, inputs, holds, examples=4 if capability == "compress" else EXAMPLES,
                   shrink=capability != "compress")

        register(f"{capability}/{name}", "property", what)(run)


for _capability in CAPABILITIES:
    _register_for(_capability)
