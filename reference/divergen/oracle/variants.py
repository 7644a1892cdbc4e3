r"""Golden results by conventions that the vectors do not hold and that do not follow from the house's result."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from typing import Any

import numpy as np

__all__ = ["COMPUTED", "adam_hat"]


def adam_hat(
    start: np.ndarray, gradients: np.ndarray, learning_rates: np.ndarray, beta1: float, beta2: float, epsilon: float
) -> np.ndarray:
    r"""Return the path of Adam with :math:`\hat\varepsilon`, in forty decimal digits before it is rounded.

    .. math:: \theta_t = \theta_{t-1} - \eta_t \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
              \frac{m_t}{\sqrt{v_t} + \hat\varepsilon}

    Source: KingmaBa2014, section 2, the text below algorithm 1.

    Examples
    --------
    >>> one = np.array([1.0])
    >>> print(f"{adam_hat(one, one[None], one, 0.9, 0.75, 0.5)[0, 0]:.3f}")  # 1 - (1/2) 1 / (1/2 + 1/2)
    0.500
    """
    with localcontext(Context(prec=40)):
        b1, b2, eps = (Decimal(float(v)) for v in (beta1, beta2, epsilon))
        theta = [Decimal(float(v)) for v in start]
        m, v = [Decimal(0)] * len(theta), [Decimal(0)] * len(theta)
        path = np.empty(gradients.shape)
        for t, (row, rate) in enumerate(zip(gradients.tolist(), learning_rates.tolist(), strict=True), start=1):
            scale = Decimal(rate) * (1 - b2**t).sqrt() / (1 - b1**t)
            for i, number in enumerate(row):
                g = Decimal(number)
                m[i], v[i] = b1 * m[i] + (1 - b1) * g, b2 * v[i] + (1 - b2) * g * g
                theta[i] -= scale * m[i] / (v[i].sqrt() + eps)
            path[t - 1] = [float(one) for one in theta]
    return path


COMPUTED: dict[str, Callable[..., Any]] = {"epsilon=hat": adam_hat}
