r"""An adapter stands between the kit and an implementation: functions by the name of what they compute.

The kit speaks NumPy: float64 arrays go in, numbers and arrays come out. What an implementation speaks is the adapter's
business, and :func:`from_torch`, :func:`from_jax` and :func:`from_cupy` do the usual. What an adapter does not offer is
skipped, and reported as skipped.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .capabilities import CAPABILITIES
from .conventions import HOUSE, Conventions
from .words import argument_names, suggestion

__all__ = ["Adapter", "from_cupy", "from_functions", "from_jax", "from_object", "from_torch"]

Function = Callable[..., Any]


@dataclass(frozen=True)
class Adapter:
    """An implementation, as the kit sees it.

    Attributes
    ----------
    name : str
        What reports call it.
    functions : mapping of str to callable
        What it offers, by the names of ``divergen.oracle.CAPABILITIES``. A function may raise NotImplementedError at
        arguments that it is not made for: nothing is judged there.
    conventions : Conventions
        What it declares to do differently.
    """

    name: str
    functions: Mapping[str, Function] = field(repr=False)
    conventions: Conventions = HOUSE

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"name: expected a text, got {self.name!r}")
        unknown = sorted(set(self.functions) - set(CAPABILITIES))
        if unknown:
            raise ValueError(f"functions: expected names of capabilities ({', '.join(CAPABILITIES)}), "
                             f"got {', '.join(map(repr, unknown))}{suggestion(unknown[0], CAPABILITIES)}")
        for name, function in self.functions.items():
            if not callable(function):
                raise ValueError(f"{name}: expected something callable, got {type(function).__name__}")
        if not self.functions:
            raise ValueError("functions: expected at least one capability, got none")
        if not isinstance(self.conventions, Conventions):
            raise ValueError(f"conventions: expected Conventions, got {type(self.conventions).__name__}")

    def offers(self, *capabilities: str) -> bool:
        """Tell whether all of these are there."""
        return all(name in self.functions for name in capabilities)

    def call(self, capability: str, *arguments: Any) -> Any:
        """Call one of the functions on copies of the arguments, and return what it returned.

        Copies, so that a function that writes into its input harms itself alone;
        :mod:`~divergen.oracle.checks` has a check that looks for it.
        """
        copies = [copy(a) for a in arguments]  # of lists too: golden vectors are kept in memory
        return self.functions[capability](*copies)


def from_functions(name: str, conventions: Conventions = HOUSE, **functions: Function) -> Adapter:
    """Make an adapter of functions, given by the names of the capabilities.

    Parameters
    ----------
    name : str
        What reports call it.
    conventions : Conventions
        What it does differently from the house.
    **functions : callable
        As ``kernel=my_kernel``; ``python -m divergen oracle list`` names all, with their arguments.

    Returns
    -------
    Adapter

    Raises
    ------
    ValueError
        If a name is no capability, a value cannot be called, or there are none.

    Examples
    --------
    >>> mine = from_functions("mine", kernel=lambda x, a: np.sqrt((x * x).sum(axis=1) + a * a) - a)
    >>> mine.offers("kernel"), mine.offers("adam")
    (True, False)
    """
    return Adapter(name, functions, conventions)


def from_object(implementation: Any, *, name: str | None = None, conventions: Conventions | None = None) -> Adapter:
    """Make an adapter of any object that has methods, or a module that has functions, with the names of capabilities.

    Parameters
    ----------
    implementation : object
        An :class:`Adapter` is returned as it is.
    name : str, optional
        Its ``name`` or ``__name__`` or that of its class, if not given.
    conventions : Conventions, optional
        Its attribute ``conventions``, if not given and there is one.

    Returns
    -------
    Adapter

    Raises
    ------
    ValueError
        If it is a class, has none of the names, or has one with other arguments, as ``numpy.conjugate``.
    """
    if isinstance(implementation, Adapter):
        return implementation
    if isinstance(implementation, type):
        raise ValueError(f"implementation: expected an object, got the class {implementation.__name__}; instantiate it")
    found = {key: getattr(implementation, key, None) for key in CAPABILITIES}
    functions = {key: function for key, function in found.items() if callable(function)}
    if not functions:
        raise ValueError(f"implementation: expected methods with names of capabilities ({', '.join(CAPABILITIES)}), "
                         f"got {type(implementation).__name__} with none of them")
    refused = "; ".join(filter(None, (_misfit(key, function) for key, function in functions.items())))
    if refused:
        raise ValueError(f"implementation: expected methods with the arguments of capabilities, got "
                         f"{type(implementation).__name__} in which {refused}; from_functions takes the right ones")
    given = getattr(implementation, "name", None) or getattr(implementation, "__name__", None)
    declared = getattr(implementation, "conventions", None)
    return Adapter(name or (given if isinstance(given, str) else type(implementation).__name__), functions,
                   conventions or (declared if isinstance(declared, Conventions) else HOUSE))


def _misfit(capability: str, function: Function) -> str:
    """Return why a function cannot be called as the capability of its name, as far as that can be told."""
    names = argument_names(capability)
    wanted = f"and the capability has {len(names)} ({', '.join(names)})"
    number = getattr(function, "nin", None)  # of a ufunc, whose signature has the arrays that it writes into, too
    if isinstance(number, int) and number != len(names):
        return f"{capability} takes {number} argument{'s' * (number != 1)}, {wanted}"
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # most builtins are silent; the method of a number is known
        builtin = isinstance(getattr(function, "__self__", None), (int, float, complex))
        return f"{capability} is the method of a number, {wanted}" if builtin else ""
    try:
        signature.bind(*names)
    except TypeError:
        return f"{capability} takes {signature}, {wanted}"
    return ""


def _converted(function: Function, to_library: Callable[[np.ndarray], Any], to_host: Callable[[Any], Any]) -> Function:
    def called(*arguments: Any) -> Any:
        result = function(*(to_library(a) if isinstance(a, np.ndarray) else a for a in arguments))
        return tuple(map(to_host, result)) if isinstance(result, (tuple, list)) else to_host(result)

    return called


def from_torch(function: Function, *, dtype: Any = None, device: Any = None) -> Function:
    """Wrap a function of PyTorch tensors: arrays become tensors on the way in, tensors arrays on the way out.

    Parameters
    ----------
    function : callable
    dtype : torch.dtype, optional
        Of floating-point arguments; float64 stays float64 if not given.
    device : optional
        Where the tensors are put.

    Returns
    -------
    callable
        For :func:`from_functions`.
    """
    def to_library(array: np.ndarray) -> Any:
        import torch

        tensor = torch.as_tensor(array, device=device)
        return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor

    def to_host(value: Any) -> Any:
        return value.detach().cpu().numpy() if hasattr(value, "detach") else value

    return _converted(function, to_library, to_host)


def from_jax(function: Function, *, dtype: Any = None) -> Function:
    """Wrap a function of JAX arrays. JAX computes in float32 unless ``jax_enable_x64`` is set; it is judged by that."""
    def to_library(array: np.ndarray) -> Any:
        import jax.numpy

        return jax.numpy.asarray(array, dtype=dtype if array.dtype.kind == "f" else None)

    return _converted(function, to_library, lambda value: np.asarray(value) if hasattr(value, "shape") else value)


def from_cupy(function: Function, *, dtype: Any = None) -> Function:
    """Wrap a function of CuPy arrays."""
    def to_library(array: np.ndarray) -> Any:
        import cupy

        return cupy.asarray(array, dtype=dtype if array.dtype.kind == "f" else None)

    return _converted(function, to_library, lambda value: value.get() if hasattr(value, "get") else value)
