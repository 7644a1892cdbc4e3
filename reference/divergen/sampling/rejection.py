r"""Rejection sampling with a budget: accept a sample x of the model with probability a(x).

Let :math:`r = p / \hat p` be the density ratio of target and model, and :math:`M = \sup r`. Accepting with probability
:math:`r / M` gives exact samples of the target, at a price of M proposals each. Who can pay only K proposals takes the
best acceptance whose rate :math:`\mathbb{E}_{\hat p}[a]` is at least 1/K. For every f-divergence it is the same one,

.. math:: a(x) = \min\Bigl(1, \frac{c_K}{M}\, r(x)\Bigr), \qquad c_K \ge 1, \qquad \mathbb{E}_{\hat p}[a] = 1/K .

On finitely many points the rate is a piecewise linear function of :math:`s = c_K/M`, with a kink at each :math:`1/r_i`.
The points are sorted, the piece that holds 1/K is found among the kinks, and one division gives s. All of it is done
with logarithms of ratios, relative to the kink at hand, so that no ratio is too large or too small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, as_vector, check_count, check_number, check_rng, namespace, to_numpy

__all__ = ["Acceptance", "RejectionInfo", "drs", "obrs", "rejection_sample"]


class Acceptance(NamedTuple):
    r"""What :func:`obrs` returns: acceptance probabilities, and the rule behind them, which can be called.

    ``acceptance(log_ratio)`` is the same rule for other points: :math:`\min(1, r\, c_K / M)` where r > 0.

    Attributes
    ----------
    probability : array, shape (n,)
        a at the given points.
    constant, log_scale : float
        :math:`c_K`, infinite where M is or where no finite one pays the budget, and :math:`\log(c_K / M)`.
    rate : float
        :math:`\mathbb{E}_{\hat p}[a]`, of the probabilities before they are rounded to their dtype.
    status : str
        ``"met"``: the rate is 1/K. ``"target reached"``: K exceeds what exact samples of the target cost; the constant
        is 1 and the rate higher than 1/K. ``"support exhausted"``: the model puts less than 1/K where the target lives;
        everything there is accepted, and what is missing from 1/K is accepted where the target is 0.
    at_zero : float
        The probability where the ratio is 0; not 0 only if the support is exhausted.
    """

    probability: Array
    constant: float
    rate: float
    status: str
    log_scale: float
    at_zero: float

    def __call__(self, log_ratio: Array) -> Array:
        """Return the acceptance probabilities at points with these log-ratios, of any shape."""
        return _accept(log_ratio, self.log_scale, self.at_zero)


class RejectionInfo(NamedTuple):
    """What :func:`rejection_sample` counted: proposals, how many of them were accepted, and the quotient."""

    proposed: int
    accepted: int
    rate: float


def obrs(
    ratio: Array, budget: float, *, weights: Array | None = None, supremum: float | None = None, log: bool = False
) -> Acceptance:
    r"""Return the optimal budgeted rejection sampling (OBRS): the best acceptance that K proposals a sample pay for.

    Parameters
    ----------
    ratio : array, shape (n,)
        :math:`r_i = p(x_i) / \hat p(x_i) \ge 0` at points of the model. Zero and infinity are ratios too.
    budget : float
        K >= 1, the number of proposals that one accepted sample may cost.
    weights : array, shape (n,), optional
        :math:`\hat p(x_i)`, probabilities with sum 1; 1/n each, as for points drawn from the model, if not given.
    supremum : float, optional
        M, at least the largest ratio of a point with positive weight; that ratio, if not given.
    log : bool
        True if `ratio` and `supremum` are the logarithms.

    Returns
    -------
    Acceptance
        With a rate within 1e-12 of 1/K where the status is "met".

    Raises
    ------
    ValueError
        On ratios below 0 or nan, weights that are no probabilities, a budget below 1, a supremum below the ratios.

    References
    ----------
    Verine2024, Theorem 4.2, eq. (17)-(18), with the cases that it leaves out (errata, 15).

    Examples
    --------
    The model puts a half on each of two points, the target 0.9 and 0.1; exact sampling would cost 1.8 proposals:

    >>> import numpy as np
    >>> found = obrs(np.array([1.8, 0.2]), budget=1.25)
    >>> print(f"{found.probability[0]:.3f} {found.probability[1]:.3f} {found.constant:.3f} {found.rate:.3f}")
    1.000 0.600 5.400 0.800
    """
    given = _log_ratio(ratio, log)
    xp = namespace(given, weights)
    target = 1 / check_number(budget, "budget", at_least=1)
    w = _probabilities(weights, given)
    # Points without weight cost nothing: they neither bound the ratio nor bend the rate.
    l = xp.where(w > 0, xp.astype(given, xp.float64), -xp.inf)
    order = xp.argsort(-l)
    l, w_sorted = xp.take(l, order), xp.take(w, order)
    log_supremum = _log_supremum(supremum, float(l[0]), log)

    n_infinite, n_positive = int(xp.count_nonzero(l == xp.inf)), int(xp.count_nonzero(l > -xp.inf))
    free = float(xp.sum(w_sorted[:n_infinite]))  # infinite ratios are accepted whatever the constant
    in_support = float(xp.sum(w_sorted[:n_positive]))
    l, w_sorted = l[n_infinite:n_positive], w_sorted[n_infinite:n_positive]  # finite, falling
    exact_rate = free + float(xp.sum(w_sorted * xp.exp(l - log_supremum)))
    slack = 1e-14  # a budget that hits a bound exactly may miss it by rounding
    at_zero = 0.0
    if target > in_support * (1 + slack):
        status, log_scale = "support exhausted", math.inf
        at_zero = (target - in_support) / float(xp.sum(xp.where(given == -xp.inf, w, 0.0)))
    elif target < exact_rate * (1 - slack):
        status, log_scale = "target reached", -log_supremum
    else:
        due = math.inf if target >= in_support * (1 - slack) else target - free  # all, also where the weight is tiny
        status, log_scale = "met", max(_log_scale(l, w_sorted, due), -log_supremum)
    too_large = math.isinf(log_supremum) or log_scale + log_supremum > 709.78
    constant = math.inf if too_large else math.exp(log_scale + log_supremum)
    probability = _accept(xp.astype(given, xp.float64), log_scale, at_zero)
    rate = float(xp.sum(w * probability))
    return Acceptance(xp.astype(probability, given.dtype), constant, rate, status, log_scale, at_zero)


def _log_scale(l: Array, w: Array, target: float) -> float:
    r"""Return :math:`\log s` with :math:`\sum_i w_i \min(1, s e^{l_i}) =` `target`; l falls, and the root exists.

    At the kink :math:`s = e^{-l_j}` the first j points are at 1 and the rate is
    :math:`\sum_{i<j} w_i + \sum_{i \ge j} w_i e^{l_i - l_j}`, which grows with j. The number of points at 1 is found by
    halving the range of kinks; both sums are known outside the range, so that all halvings together cost one pass.
    """
    xp = namespace(l, w)
    low, high = 0, l.shape[0]
    head, tail = 0.0, 0.0  # sum of w[:low], and of w[high:] e^(l[high:] - l[high])
    while low < high:
        mid = (low + high) // 2
        kink = float(l[mid])
        head_at = head + float(xp.sum(w[low:mid]))
        tail_at = float(xp.sum(w[mid:high] * xp.exp(l[mid:high] - kink)))
        if high < l.shape[0]:
            tail_at += tail * math.exp(float(l[high]) - kink)
        if head_at + tail_at <= target:
            low, head = mid + 1, head_at + float(w[mid])
        else:
            high, tail = mid, tail_at
    if low == l.shape[0] or target <= head:  # every point is at 1, or a kink is the root
        return -float(l[low - 1]) if low else -math.inf
    return math.log((target - head) / tail) - float(l[low])


def drs(ratio: Array, gamma: float, *, supremum: float | None = None, log: bool = False) -> Array:
    r"""Return the acceptance probabilities of discriminator rejection sampling (DRS).

    .. math:: a(x) = \frac{r}{r\,(1 - e^\gamma) + M e^\gamma} = \frac1{1 + e^{-F}}, \qquad
        F = \log\frac rM - \log\Bigl(1 - \frac rM\Bigr) - \gamma

    Parameters
    ----------
    ratio : array, shape (n,)
        :math:`r_i = p(x_i) / \hat p(x_i) \ge 0`, zero and infinity included.
    gamma : float
        0 is exact rejection sampling, a = r/M; below 0 more is accepted, above 0 less.
    supremum : float, optional
        M, at least the largest ratio; that ratio, if not given.
    log : bool
        True if `ratio` and `supremum` are the logarithms.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ValueError
        As :func:`obrs`, and on a gamma that is not finite.

    References
    ----------
    Verine2024, Definition 4.1; the sigmoid is that of Azadi et al. (2019) (errata, 17).

    Examples
    --------
    >>> import numpy as np
    >>> print(" ".join(f"{a:.3f}" for a in drs(np.array([0.2, 1.8]), gamma=-1.0)))
    0.254 1.000
    """
    given = _log_ratio(ratio, log)
    gamma = check_number(gamma, "gamma")
    xp = namespace(given)
    l = xp.astype(given, xp.float64)
    log_supremum = _log_supremum(supremum, float(xp.max(l)), log)
    drop = log_supremum - xp.where(xp.isinf(l), 0.0, l)  # log(M / r), 0 or above
    drop = xp.where(l == xp.inf, 0.0, xp.where(l == -xp.inf, xp.inf, drop))
    one_minus = -xp.expm1(-drop)  # 1 - r/M, without cancellation
    if not log and math.isfinite(log_supremum):  # M - r is exact next to M, where log M - log r has no digits left
        r = xp.astype(xp.asarray(ratio), xp.float64)
        largest = max(float(supremum or 0), float(xp.max(r)))
        one_minus = (largest - r) / largest
    inside = one_minus > 0
    sigmoid_of = xp.where(inside, -drop - xp.log(xp.where(inside, one_minus, 1.0)) - gamma, xp.inf)
    small = xp.exp(-xp.abs(sigmoid_of))
    return xp.astype(xp.where(sigmoid_of >= 0, 1.0, small) / (1 + small), given.dtype)


def rejection_sample(
    draw: Callable[[int, np.random.Generator], Array],
    log_ratio: Callable[[Array], Array],
    acceptance: Callable[[Array], Array],
    n: int,
    rng: np.random.Generator,
    *,
    batch_size: int = 65536,
    patience: int = 1_000_000,
) -> tuple[Array, RejectionInfo]:
    r"""Draw n samples of the refined distribution :math:`\tilde p \propto a\,\hat p`.

    Parameters
    ----------
    draw, log_ratio : callable
        ``draw(m, rng)`` returns m independent samples x of the model, shape (m, ...), and ``log_ratio(x)`` their
        :math:`\log r`, shape (m,).
    acceptance : callable
        From log-ratios to probabilities: an :class:`Acceptance`, or a function such as
        ``lambda l: drs(l, gamma, supremum=m, log=True)``.
    n, rng : int, numpy.random.Generator
        How many samples to return, and what proposes and decides.
    batch_size, patience : int
        The most proposals to hold at a time, and how many in a row may be in vain.

    Returns
    -------
    samples : array, shape (n, ...)
    info : RejectionInfo
        Counts of all proposals, also of those after the n-th acceptance.

    Raises
    ------
    ValueError
        On arguments out of range, and on anything but one probability for each sample.
    RuntimeError
        If `patience` proposals in a row are in vain.

    References
    ----------
    Verine2024, section 3, "Rejection Sampling".

    Examples
    --------
    A uniform model, a target with the density 2x, and two proposals for each sample:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, info = rejection_sample(
    ...     lambda m, rng: rng.random((m, 1)), lambda x: np.log(2 * x[:, 0]), lambda l: np.exp(l) / 2, 10_000, rng)
    >>> print(f"{x.mean():.2f} {info.rate:.1f}")
    0.67 0.5
    """
    n, rng = check_count(n, "n"), check_rng(rng)
    batch_size, patience = check_count(batch_size, "batch_size"), check_count(patience, "patience")
    kept: list[Array] = []
    proposed = accepted = in_vain = 0
    while accepted < n:
        likely = 1.1 * (n - accepted) * (proposed + 1) / (accepted + 1)  # to be enough
        size = min(batch_size, max(64, int(likely)), patience - in_vain)
        x = draw(size, rng)
        xp = namespace(x)
        probability = to_numpy(acceptance(log_ratio(x)))
        if x.shape[0] != size or probability.shape != (size,):
            raise ValueError(f"draw, log_ratio, acceptance: expected {size} samples and one probability for each, "
                             f"got arrays of shape {tuple(x.shape)} and {probability.shape}")
        if not np.all((probability >= 0) & (probability <= 1)):
            raise ValueError("acceptance: expected probabilities in [0, 1], got others (or nan)")
        chosen = np.nonzero(rng.random(size) < probability)[0]
        proposed, accepted = proposed + size, accepted + len(chosen)
        in_vain = 0 if len(chosen) else in_vain + size
        if len(chosen):
            index = chosen if xp is np else xp.asarray(chosen, device=x.device)
            kept.append(xp.take(x, index, axis=0))
        elif in_vain >= patience:
            raise RuntimeError(f"rejection_sample: none of the last {in_vain} proposals was accepted ({accepted} of "
                               f"{proposed} in all); the acceptance is too small, or target and model do not overlap")
    return namespace(kept[0]).concat(kept, axis=0)[:n, ...], RejectionInfo(proposed, accepted, accepted / proposed)


def _accept(log_ratio: Array, log_scale: float, at_zero: float) -> Array:
    """Return min(1, exp(log_ratio + log_scale)); 1 at an infinite ratio and `at_zero` at 0, whatever the scale."""
    xp = namespace(log_ratio)
    exponent = xp.where(xp.isinf(log_ratio), 0.0, log_ratio) + log_scale
    a = xp.exp(xp.minimum(exponent, xp.zeros_like(exponent)))  # a nan stays one, for the caller to find
    return xp.where(log_ratio == xp.inf, 1.0, xp.where(log_ratio == -xp.inf, at_zero, a))


def _log_ratio(ratio: Any, log: bool) -> Array:
    """Return the logarithms of the ratios, a floating vector that may hold infinities."""
    xp = namespace(ratio)
    x = np.asarray(ratio) if xp is np else ratio
    if x.ndim != 1 or x.shape[0] == 0:
        raise ValueError(f"ratio: expected a vector of at least one number, got shape {tuple(x.shape)}")
    if not xp.isdtype(x.dtype, "real floating"):
        if not xp.isdtype(x.dtype, ("bool", "integral")):
            raise ValueError(f"ratio: expected real numbers, got an array of dtype {x.dtype}")
        x = xp.astype(x, xp.float64)
    bad = int(xp.count_nonzero(xp.isnan(x) if log else ~(x >= 0)))
    if bad:
        expected = "log-ratios, numbers or infinities" if log else "ratios of at least 0"
        raise ValueError(f"ratio: expected {expected}, got {bad} that are {'nan' if log else 'negative or nan'}")
    return x if log else xp.where(x > 0, xp.log(xp.where(x > 0, x, 1.0)), -xp.inf)


def _log_supremum(supremum: float | None, largest: float, log: bool) -> float:
    """Return log M: the largest log-ratio, or what was given for it."""
    if supremum is None:
        return largest
    if isinstance(supremum, bool) or not isinstance(supremum, (int, float)) or math.isnan(supremum):
        raise ValueError(f"supremum: expected a number, got {supremum!r}")
    given = float(supremum) if log else (math.log(supremum) if supremum > 0 else -math.inf)
    if given < largest - 1e-12 * max(1.0, abs(largest)):
        name = "log-ratio" if log else "ratio, whose logarithm is"
        raise ValueError(f"supremum: expected at least the largest {name} {largest:.6g}, got {supremum!r}")
    return max(given, largest)


def _probabilities(weights: Array | None, l: Array) -> Array:
    """Return the weights in double precision, with sum 1."""
    xp = namespace(l, weights)
    if weights is None:
        return xp.full(l.shape, 1 / l.shape[0], dtype=xp.float64, device=l.device)
    w = as_vector(weights, "weights", length=l.shape[0])
    tolerance, w = (1e-9 if w.dtype == xp.float64 else 1e-5), xp.astype(w, xp.float64)
    total, least = float(xp.sum(w)), float(xp.min(w))
    if least < 0 or not abs(total - 1) <= tolerance:
        raise ValueError(f"weights: expected probabilities, got a least one of {least:.6g} and the sum {total:.12g}")
    return w / total
