r"""How a law is tested: hypothesis looks for inputs at which it does not hold, and makes them as simple as it can.

A law is a function of a :class:`Trial` and of inputs by name. It calls the implementation through the trial, compares
what comes out through the trial, and the first thing that is off ends it. Where the inputs come from is another
function, of a :class:`Draw`. The numbers drawn are multiples of 1/8 or 1/64, so that they and their sums are exact, and
read well; where exact sums would hide what rounding does, they are multiplied by a number that is none.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from .adapter import Adapter
from .checks import CheckError, CheckFailure, CheckSkipped, Finding, refusal, register
from .compare import Deviation, Tolerance, compare, parts_of
from .conventions import Conventions
from .raised import raised_at

__all__ = ["EXACT", "ROUNDING", "Draw", "Inputs", "Trial", "law", "search", "search_each"]

Inputs = Mapping[str, Any]

EXACT = Tolerance(0.0, 0.0, "the operations on both sides are the same")
ROUNDING = Tolerance(1e-10, 1e-12, "float64 arithmetic on a few numbers of size 1; float32 misses it by far")

# The shapes of what each capability returns, from its arguments; a tuple of shapes where there are several results.
SHAPES: dict[str, Callable[..., Any]] = {
    "kernel": lambda x, a: [x.shape[:1]],
    "squared_distance": lambda *_: [()],
    "squared_distance_gradient": lambda x, *_: [x.shape],
    "expected_kernel": lambda x, *_: [x.shape[:1]],
    "adam": lambda start, gradients, *_: [gradients.shape],
    "compress": lambda points, k, *_: [(k, points.shape[1])],
    "gaussian_kl": lambda mean, _: [mean.shape[:1]],
    "elbo": lambda *_: [()],
    "elbo_gradient": lambda sizes, parameters, *_: [parameters.shape],
    "f": lambda name, u: [u.shape],
    "conjugate": lambda name, t: [t.shape],
    "divergence": lambda *_: [()],
    "pr_curve": lambda p, q, lambdas: [lambdas.shape] * 2,
    "neighbour_metrics": lambda *_: [()] * 4,
    "obrs": lambda ratio, *_: [ratio.shape],
    "drs": lambda ratio, *_: [ratio.shape],
    "isoperimetric_bound": lambda *_: [()],
    "gamma_bound": lambda *_: [()],
    "kappa_bound": lambda *_: [()],
    "renyi_entropy": lambda *_: [()],
}


class Trial:
    """One attempt at a law: the implementation, and the inputs that a failure will name."""

    def __init__(self, adapter: Adapter, what: str, inputs: Inputs) -> None:
        self.adapter, self.what, self.inputs = adapter, what, dict(inputs)

    @property
    def conventions(self) -> Conventions:
        """What the implementation declares."""
        return self.adapter.conventions

    def __call__(self, capability: str, *arguments: Any) -> Any:
        """Call the implementation, and return float64: a float, an array, or a tuple of them.

        It fails if the implementation raises, or returns something of another shape, or a nan.
        """
        parts = self.results(capability, arguments, self.attempt(capability, arguments))
        for part in parts:
            if np.any(np.isnan(part)):
                self.problem(f"{capability} returned nan for finite arguments", part)
        return parts if len(parts) > 1 else parts[0]

    def attempt(self, capability: str, arguments: Sequence[Any]) -> Any:
        """Call the implementation; what it raises is an error that names the inputs.

        NotImplementedError goes on: the implementation does not offer these inputs, and nothing is judged at them.
        """
        try:
            return self.adapter.call(capability, *arguments)
        except (Exception, SystemExit) as error:
            self.raised(error, capability)

    def raised(self, error: BaseException, capability: str = "") -> NoReturn:
        """End the trial by what the implementation raised."""
        if isinstance(error, NotImplementedError):
            raise error
        raise raised_at(self.what, self.inputs, error, capability) from error

    def results(self, capability: str, arguments: Sequence[Any], returned: Any) -> tuple[Any, ...]:
        """Return what came as float64 in a tuple, or fail if it is not of the shapes that belong to the arguments."""
        shapes = SHAPES[capability](*arguments)
        parts, problem = parts_of(returned, len(shapes))
        if problem:
            self.problem(f"{capability}: {problem}", returned)
        converted = []
        for part, shape in zip(parts, shapes, strict=True):
            found = compare(part, np.zeros(shape), Tolerance(0.0, 0.0, "only the shape matters"))
            if found.problem:
                self.problem(f"{capability}: {found.problem}", part)
            converted.append(np.asarray(part, dtype=np.float64)[()])
        return tuple(converted)

    def problem(self, problem: str, got: Any = None, note: str = "") -> NoReturn:
        """Fail, with words; where a law has just caught an exception, that is what it ends by."""
        error = sys.exception()
        # Not one that somebody further out has caught.
        if error is not None and error.__traceback__ and error.__traceback__.tb_frame is sys._getframe(1):
            self.raised(error)
        raise CheckFailure(Finding(self.what, self.inputs, Deviation(math.inf, got, None, problem=problem), note=note))

    def equal(self, got: Any, want: Any, tolerance: Tolerance = ROUNDING, detail: str = "") -> None:
        """Fail unless `got` is `want`, entry by entry."""
        self._judge(compare(got, want, tolerance), tolerance, detail)

    def at_most(self, got: Any, bound: Any, tolerance: Tolerance = ROUNDING, detail: str = "") -> None:
        """Fail unless got <= bound, entry by entry."""
        got, bound = np.broadcast_arrays(np.asarray(got, dtype=np.float64), np.asarray(bound, dtype=np.float64))
        self._judge(compare(got, np.where(got <= bound, got, bound), tolerance), tolerance,
                    detail or "got should be at most what is wanted")

    def at_least(self, got: Any, bound: Any, tolerance: Tolerance = ROUNDING, detail: str = "") -> None:
        """Fail unless got >= bound, entry by entry."""
        got, bound = np.broadcast_arrays(np.asarray(got, dtype=np.float64), np.asarray(bound, dtype=np.float64))
        self._judge(compare(got, np.where(got >= bound, got, bound), tolerance), tolerance,
                    detail or "got should be at least what is wanted")

    def _judge(self, found: Deviation, tolerance: Tolerance, detail: str) -> None:
        if not found.excess <= 1:
            raise CheckFailure(Finding(self.what, self.inputs, found, tolerance, note=detail))


class Draw:
    """Where inputs come from: hypothesis chooses, and knows how to choose something simpler."""

    def __init__(self, draw: Callable[[Any], Any], conventions: Conventions) -> None:
        self._draw, self.conventions = draw, conventions

    def integer(self, low: int, high: int) -> int:
        """A whole number, low <= n <= high."""
        from hypothesis import strategies as st

        return self._draw(st.integers(low, high))

    def choice(self, options: Sequence[Any]) -> Any:
        """One of the options; the first is the simplest."""
        return options[self.integer(0, len(options) - 1)]

    def array(self, shape: tuple[int, ...], low: float, high: float, steps: int = 8) -> np.ndarray:
        """float64 numbers, multiples of 1/steps between low and high; 0, or low, is the simplest."""
        from hypothesis import strategies as st

        size = math.prod(shape)
        whole = st.integers(math.ceil(low * steps), math.floor(high * steps))
        numbers = self._draw(st.lists(whole, min_size=size, max_size=size))
        return np.array(numbers, dtype=np.float64).reshape(shape) / steps

    def number(self, low: float, high: float, steps: int = 8) -> float:
        """One of them."""
        return self.integer(math.ceil(low * steps), math.floor(high * steps)) / steps

    def weights(self, n: int, *, zeros: bool = False) -> np.ndarray:
        """Weights that sum to 1 exactly: multiples of 1/64, n <= 32, none of them 0 unless zeros are asked for."""
        least = 0 if zeros else 1
        left, parts = 64 - least * n, []
        for _ in range(n - 1):
            none = zeros and self.choice((True, False, False))
            parts.append(0 if none else self.integer(0, min(left, 24)))
            left -= parts[-1]
        return np.roll(np.array([left, *parts], dtype=np.float64) + least, self.integer(0, n - 1)) / 64

    def permutation(self, n: int) -> np.ndarray:
        """An order of n things, as indices."""
        from hypothesis import strategies as st

        return np.array(self._draw(st.permutations(list(range(n)))), dtype=np.int64)


class _Enough(BaseException):
    """So many inputs were refused that no more are tried. No Exception, which hypothesis would take for a failure."""


def search(
    adapter: Adapter, what: str, inputs: Callable[[Draw], Inputs], holds: Callable[..., None], *, examples: int = 40,
    shrink: bool = True,
) -> None:
    """Look for inputs at which a law does not hold, always the same ones, and raise the simplest that is found.

    Parameters
    ----------
    adapter : Adapter
    what : str
        The law in words.
    inputs : callable
        ``inputs(draw) -> dict``.
    holds : callable
        ``holds(trial, **inputs)``.
    examples : int
        How many inputs are tried.
    shrink : bool
        Whether to look for a simpler one; it takes some hundred calls more.

    Raises
    ------
    CheckFailure, CheckError
    CheckSkipped
        If the implementation offers none of the inputs that were tried: it raised NotImplementedError at each.
    ImportError
        Without hypothesis.
    """
    try:
        from hypothesis import HealthCheck, Phase, Verbosity, given, reject, settings
        from hypothesis import strategies as st
        from hypothesis.errors import Unsatisfiable
    except ImportError as error:
        raise ImportError("the properties of the oracle need hypothesis: pip install divergen[oracle]") from error

    failures: list[CheckFailure | CheckError] = []
    refusals: list[NotImplementedError] = []
    judged = 0

    @st.composite
    def cases(draw: Any) -> Inputs:
        return inputs(Draw(draw, adapter.conventions))

    @settings(derandomize=True, database=None, deadline=None, max_examples=examples, report_multiple_bugs=False,
              suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet, print_blob=False,
              phases=[Phase.generate, *([Phase.shrink] if shrink else [])])
    @given(cases())
    def attempt(case: Inputs) -> None:
        nonlocal judged
        try:
            holds(Trial(adapter, what, case), **case)
        except NotImplementedError as error:
            refusals.append(error)
            if len(refusals) >= (5 if judged else 2) * examples:
                raise _Enough from None  # inputs may be dear to make
            reject()
        except (CheckFailure, CheckError) as failure:
            failures.append(failure)
            raise
        judged += 1

    try:
        attempt()
    except (_Enough, Unsatisfiable):
        if not refusals:
            raise
    except (Exception, SystemExit):
        if not failures:
            raise
        # The simplest is tried last. What fails once and not again is a failure too: hypothesis calls it flaky.
        raise type(failures[-1])(failures[-1].finding) from failures[-1].__cause__
    if refusals and not judged:
        raise CheckSkipped(refusal(refusals[-1])) from refusals[-1]


def search_each(
    adapter: Adapter, what: str, inputs: Sequence[Callable[[Draw], Inputs]], holds: Callable[..., None], *,
    examples: int = 40,
) -> None:
    """Search inputs of several sorts, one sort after the other; CheckSkipped only if none of them is offered."""
    skipped: list[CheckSkipped] = []
    for one in inputs:
        try:
            search(adapter, what, one, holds, examples=examples)
        except CheckSkipped as nothing:
            skipped.append(nothing)
    if len(skipped) == len(inputs):
        raise skipped[-1]


def law(
    name: str, what: str, inputs: Callable[[Draw], Inputs], *, needs: tuple[str, ...] = (), equation: str = "",
    examples: int = 40, shrink: bool = True,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put a law on the list of checks: see :func:`search` and :func:`~divergen.oracle.checks.register`."""
    def put(holds: Callable[..., None]) -> Callable[..., None]:
        def run(adapter: Adapter) -> None:
            search(adapter, what, inputs, holds, examples=examples, shrink=shrink)

        register(name, "property", what, needs=needs, equation=equation)(run)
        return holds

    return put
