r"""The equations of Kingma and Ba (2014), "Adam: a method for stochastic optimization".

Key KingmaBa2014. Algorithm 1, line by line; epsilon stands outside the root of the bias-corrected second moment.
"""

from __future__ import annotations

from typing import Any

from ..arrays import Array, namespace

__all__ = ["adam_init", "adam_step"]

State = tuple[int, Any, Any]  # t, m_t, v_t


def adam_init(x: Array) -> State:
    r"""Algorithm 1, initialisation: :math:`t = 0`, :math:`m_0 = v_0 = 0`."""
    return 0, namespace(x).zeros_like(x), namespace(x).zeros_like(x)


def adam_step(
    x: Array, g: Array, state: State, learning_rate: float, beta1: float = 0.9, beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Array, State]:
    r"""Algorithm 1, inside the loop: :math:`x_t = x_{t-1} - \alpha\, \hat m_t / (\sqrt{\hat v_t} + \epsilon)`.

    :math:`m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t`, :math:`v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2`,
    :math:`\hat m_t = m_t / (1 - \beta_1^t)` and :math:`\hat v_t = v_t / (1 - \beta_2^t)`.
    """
    t = state[0] + 1
    m = beta1 * state[1] + (1 - beta1) * g
    v = beta2 * state[2] + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return x - learning_rate * m_hat / (namespace(x).sqrt(v_hat) + epsilon), (t, m, v)
