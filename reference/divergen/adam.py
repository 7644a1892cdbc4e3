r"""Adam: stochastic gradient descent with a memory of the gradient's first two moments.

One pure step. :math:`g_t` is the gradient at step :math:`t = 1, 2, \ldots`, and all operations are elementwise:

.. math::

    m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, &
    v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \\
    \hat m_t &= m_t / (1 - \beta_1^t), &
    \hat v_t &= v_t / (1 - \beta_2^t), \\
    \theta_t &= \theta_{t-1} - \gamma_t\, \hat m_t / (\sqrt{\hat v_t} + \epsilon).

This is algorithm 1 of Kingma and Ba (2014): :math:`\epsilon` stands outside the root of the *bias-corrected* second
moment.
(The paper's faster form at the end of its section 2, and TensorFlow's optimizer, add :math:`\epsilon` to the
*uncorrected* root: :math:`\hat\epsilon = \epsilon\sqrt{1 - \beta_2^t}` translates between the two.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from .arrays import Array, check_count, check_number, namespace, on_gpu

__all__ = ["AdamState", "Schedule", "adam_init", "adam_step", "adam_update", "cosine_decay"]

BLOCK = 2**15  # parameters at a time

Schedule = Callable[[int], float]


class AdamState(NamedTuple):
    """What Adam remembers: the number of steps taken, and the running first and second moments of the gradient."""

    step: int
    first: Array
    second: Array


def adam_init(parameters: Array) -> AdamState:
    """Return the state before the first step: no steps, both moments zero.

    Parameters
    ----------
    parameters : array, any shape
        What will be optimised; only its shape, dtype and library are used.

    Returns
    -------
    AdamState

    Examples
    --------
    >>> import numpy as np
    >>> adam_init(np.ones(3)).step
    0
    """
    xp = namespace(parameters)
    return AdamState(0, xp.zeros_like(parameters), xp.zeros_like(parameters))


def adam_step(
    parameters: Array,
    gradient: Array,
    state: AdamState,
    learning_rate: float | Schedule = 1e-3,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Array, AdamState]:
    r"""Take one step of Adam, and change none of the arguments.

    Parameters
    ----------
    parameters, gradient : array, same shape
        :math:`\theta_{t-1}` and :math:`g_t`.
    state : AdamState
        From :func:`adam_init` or from the last step.
    learning_rate : float or callable
        :math:`\gamma_t`: a number, or a schedule that is called with :math:`t - 1`, the number of steps already taken.
    beta1, beta2 : float
        Decay of the moments, in [0, 1).
    epsilon : float
        Keeps the quotient finite; outside the root.

    Returns
    -------
    parameters : array
        :math:`\theta_t`.
    state : AdamState

    Raises
    ------
    ValueError
        If the shapes differ, also those of the moments, if parameters or moments are not floating-point, or a number
        is out of its range.

    References
    ----------
    Kingma and Ba (2014), algorithm 1; step 7 of algorithm TC in Turinici2022image.

    Examples
    --------
    The first step has length `learning_rate`, whatever the gradient's size:

    >>> import numpy as np
    >>> x, state = adam_step(np.array([1.0]), np.array([250.0]), adam_init(np.array([1.0])), learning_rate=0.1)
    >>> print(f"{x[0]:.6f}")
    0.900000
    """
    _check_arrays(parameters, gradient, state)
    xp = namespace(parameters, gradient, state.first)
    shape = parameters.shape
    flat, first, second = (xp.asarray(xp.reshape(one, (-1,)), copy=True)
                           for one in (parameters, state.first, state.second))
    step, _, _ = adam_update(flat, xp.reshape(gradient, (-1,)), AdamState(state.step, first, second), learning_rate,
                             beta1=beta1, beta2=beta2, epsilon=epsilon)
    return xp.reshape(flat, shape), AdamState(step, xp.reshape(first, shape), xp.reshape(second, shape))


def _check_arrays(parameters: Array, gradient: Array, state: AdamState) -> None:
    """Raise ValueError unless all have one shape, and what is written is floating-point."""
    moments = (("state.first", state.first), ("state.second", state.second))
    for name, array in (("gradient", gradient), *moments):
        if tuple(array.shape) != tuple(parameters.shape):
            raise ValueError(
                f"{name}: expected the shape of parameters, {tuple(parameters.shape)}, got {tuple(array.shape)}"
            )
    for name, array in (("parameters", parameters), *moments):
        if not namespace(array).isdtype(array.dtype, "real floating"):
            raise ValueError(f"{name}: expected floating-point numbers, got an array of dtype {array.dtype}")


def adam_update(
    parameters: Array,
    gradient: Array,
    state: AdamState,
    learning_rate: float | Schedule = 1e-3,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> AdamState:
    r"""Take the step of :func:`adam_step` in place: `parameters` and the moments of `state` are overwritten.

    Parameters
    ----------
    parameters, gradient : array, shape (p,)
        One flat vector, as :class:`divergen.models.network.Layout` makes it of a network's pieces.
    state, learning_rate, beta1, beta2, epsilon
        As in :func:`adam_step`.

    Returns
    -------
    AdamState
        The number of steps, one more, with the same two arrays.

    Raises
    ------
    ValueError
        If the parameters are not a vector, and as :func:`adam_step`; nothing is written then.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0])
    >>> state = adam_update(x, np.array([250.0]), adam_init(x), learning_rate=0.1)
    >>> print(f"{x[0]:.6f} {state.step}")
    0.900000 1
    """
    if parameters.ndim != 1:
        raise ValueError(f"parameters: expected a vector, got shape {tuple(parameters.shape)}")
    _check_arrays(parameters, gradient, state)
    xp = namespace(parameters, gradient, state.first)
    beta1 = check_number(beta1, "beta1", at_least=0, below=1)
    beta2 = check_number(beta2, "beta2", at_least=0, below=1)
    epsilon = check_number(epsilon, "epsilon", at_least=0)
    rate = learning_rate(state.step) if callable(learning_rate) else learning_rate
    rate = check_number(rate, "learning_rate", at_least=0)
    t = state.step + 1
    # The bias corrections move out of the quotient: epsilon is compared with the uncorrected root in units of it.
    root_correction = math.sqrt(1 - beta2**t)
    scale = rate * root_correction / (1 - beta1**t)
    size = parameters.shape[0]
    block = max(size, 1) if on_gpu(parameters) else BLOCK
    # Block by block, so that what one line leaves is still in the cache for the next.
    for i in range(0, size, block):
        part = slice(i, min(i + block, size))
        theta, g, first, second = parameters[part], gradient[part], state.first[part], state.second[part]
        first *= beta1
        first += (1 - beta1) * g
        second *= beta2
        second += (1 - beta2) * (g * g)
        root = xp.sqrt(second)
        root += epsilon * root_correction
        step = first / root
        step *= scale
        theta -= step
    return AdamState(t, state.first, state.second)


def cosine_decay(initial: float, steps: int, final: float = 0.0) -> Schedule:
    r"""Return a schedule that falls from `initial` to `final` along half a cosine.

    .. math:: \gamma_t = \gamma_\mathrm{end} + (\gamma_0 - \gamma_\mathrm{end}) (1 + \cos(\pi t / T)) / 2

    A constant rate leaves the iterates shaking in the noise of the minibatches; a falling rate lets them settle.

    Parameters
    ----------
    initial, final : float
        The rates at step 0 and from step `steps` on.
    steps : int
        :math:`T`, the number of steps of the fall.

    Returns
    -------
    callable
        ``schedule(step) -> float``.

    Examples
    --------
    >>> rate = cosine_decay(0.1, 100)
    >>> print(f"{rate(0):.3f} {rate(50):.3f} {rate(100):.3f}")
    0.100 0.050 0.000
    """
    initial = check_number(initial, "initial", at_least=0)
    final = check_number(final, "final", at_least=0)
    steps = check_count(steps, "steps")

    def schedule(step: int) -> float:
        progress = min(step / steps, 1.0)
        return final + (initial - final) * (1 + math.cos(math.pi * progress)) / 2

    return schedule
