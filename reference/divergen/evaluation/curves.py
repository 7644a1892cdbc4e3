r"""Precision-recall curves of generative models: exact, from samples by clustering, from a classifier's scores.

.. math:: \alpha_\lambda = \int \min(\lambda p, q)\,d\mu, \qquad \beta_\lambda = \int \min(p, q/\lambda)\,d\mu
    = \alpha_\lambda / \lambda, \qquad \lambda \in [0, \infty].

P is the target, Q the model. Precision :math:`\alpha` rises with lambda to :math:`\alpha_\infty = Q(p > 0)`, the share
of the model inside the support of the target; recall :math:`\beta` falls from :math:`\beta_0 = P(q > 0)`.
Between two of the ratios q/p, :math:`\alpha_\lambda = A + B \lambda` is linear. A curve known at these ratios, 0 and
infinity is therefore known everywhere, and its area and its F-scores are exact sums and maxima.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import (
    Array,
    as_points,
    as_vector,
    check_count,
    check_number,
    check_rng,
    check_same_dimension,
    like,
    namespace,
    to_numpy,
)
from .divergences import as_pair

__all__ = ["PRCurve", "pr_curve", "pr_curve_after_obrs", "pr_curve_from_samples", "pr_curve_from_scores"]


@dataclass(frozen=True, eq=False)
class PRCurve:
    r"""Points of a precision-recall curve, in the order of lambda.

    Attributes
    ----------
    lambdas : array, shape (n,)
        Increasing, in [0, inf].
    precision, recall : array, shape (n,)
        :math:`\alpha_\lambda` and :math:`\beta_\lambda`.
    max_precision, max_recall : float
        :math:`\alpha_\infty` and :math:`\beta_0`: precision and recall of the supports. The largest of the points if
        left out.

    Raises
    ------
    ValueError
        If the lengths differ, or the lambdas are negative, nan or not increasing.

    References
    ----------
    Verine2024, definition 2.2, eq. (2)-(3), and theorem 2.3, eq. (6).

    Examples
    --------
    >>> import numpy as np
    >>> curve = pr_curve(np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5]))
    >>> print(f"{curve.max_precision:.3f} {curve.max_recall:.3f} {curve.f_score():.3f} {curve.area:.3f}")
    0.500 0.500 0.500 0.250
    """

    lambdas: Array
    precision: Array
    recall: Array
    max_precision: float = math.nan
    max_recall: float = math.nan

    def __post_init__(self) -> None:
        xp = namespace(self.lambdas, self.precision, self.recall)
        _check_lambdas(self.lambdas, xp)
        for name in ("precision", "recall"):
            values = getattr(self, name)
            if tuple(values.shape) != tuple(self.lambdas.shape):
                raise ValueError(f"{name}: expected {self.lambdas.shape[0]} values, one for each lambda, "
                                 f"got shape {tuple(values.shape)}")
            if math.isnan(getattr(self, f"max_{name}")):
                object.__setattr__(self, f"max_{name}", float(xp.max(values)))

    def f_score(self, beta: float = 1.0) -> float:
        r"""Return the largest F-score of the curve's points, with the weight beta on recall.

        .. math:: F_\beta = \frac{(1 + \beta^2)\,\alpha_\lambda \beta_\lambda}{\beta^2 \alpha_\lambda + \beta_\lambda}

        A large beta weighs recall, beta = 0 gives the largest precision. With :math:`\beta_\lambda =
        \alpha_\lambda/\lambda` it is :math:`(1 + \beta^2)\,\alpha_\lambda/(1 + \beta^2 \lambda)`, which is monotone
        between two breakpoints: the maximum over an exact curve's points is that over all lambda.

        Raises
        ------
        ValueError
            If beta is negative or not finite.
        """
        beta = check_number(beta, "beta", at_least=0)
        weight = beta * beta
        if weight == 0 or weight == math.inf:
            return self.max_recall if weight else self.max_precision
        xp = namespace(self.precision)
        top, bottom = (1 + weight) * self.precision * self.recall, weight * self.precision + self.recall
        return float(xp.max(top / xp.where(bottom > 0, bottom, 1.0)))

    @property
    def area(self) -> float:
        r"""The area under the curve, :math:`\int \beta\,d\alpha \in [0, 1]`.

        Between two points :math:`\alpha = A + B\lambda` and :math:`\beta = A/\lambda + B` lie on a hyperbola, which
        has the area :math:`A B \log(\lambda_2/\lambda_1) + B\,(\alpha_2 - \alpha_1)` under it. Exact for an exact
        curve; from below for one at chosen lambdas.
        """
        lam, alpha, _ = (to_numpy(x).astype(np.float64) for x in (self.lambdas, self.precision, self.recall))
        finite = (lam > 0) & (lam < math.inf)
        lam, alpha = lam[finite], alpha[finite]
        if lam.size == 0:
            return 0.0
        rise = np.maximum(np.diff(alpha), 0.0)
        slope = rise / np.diff(lam)
        rest = np.clip(alpha[:-1] - lam[:-1] * slope, 0.0, alpha[:-1])
        first = alpha[0] * (alpha[0] / lam[0])  # up to the first breakpoint the recall is constant
        return float(first + np.sum(rest * slope * np.log(lam[1:] / lam[:-1]) + slope * rise))


def _check_lambdas(lambdas: Array, xp: Any) -> None:
    if lambdas.ndim != 1 or lambdas.shape[0] == 0:
        raise ValueError(f"lambdas: expected a vector, got shape {tuple(lambdas.shape)}")
    if not bool(xp.all(lambdas >= 0)):
        raise ValueError("lambdas: expected numbers in [0, inf], got one that is negative or nan")
    if bool(xp.any(lambdas[1:] <= lambdas[:-1])):
        raise ValueError("lambdas: expected increasing numbers, got some out of order or equal")


def _cumulative(x: Array, xp: Any) -> Array:
    """0, x_1, x_1 + x_2, ..."""
    total = xp.cumulative_sum(x) if hasattr(xp, "cumulative_sum") else xp.cumsum(x)
    return xp.concat([xp.zeros_like(x[:1]), total])


def pr_curve(p: Array, q: Array, lambdas: Array | None = None) -> PRCurve:
    r"""Return the precision-recall curve of two discrete distributions.

    Atoms are sorted by q/p once; at each lambda, :math:`\alpha` is the q-mass of the smaller ratios plus lambda times
    the p-mass of the others. All terms are non-negative: nothing cancels.

    Parameters
    ----------
    p, q : array, shape (n,)
        Probabilities of the target P and the model Q on the same atoms.
    lambdas : array, shape (m,), optional
        Increasing, in [0, inf]. If left out: 0, every finite ratio q/p above zero, and infinity, which is the whole
        curve.

    Returns
    -------
    PRCurve
        In float64.

    Raises
    ------
    ValueError
        If p or q has negative or nan entries or a mass that is not 1, if the lengths differ, or if the lambdas are
        negative, nan or not increasing.

    References
    ----------
    Verine2024, definition 2.2, eq. (2)-(5).

    Examples
    --------
    >>> import numpy as np
    >>> curve = pr_curve(np.array([0.5, 0.5]), np.array([0.9, 0.1]))
    >>> for point in zip(curve.lambdas, curve.precision, curve.recall):
    ...     print("{:.2f} {:.2f} {:.2f}".format(*point))
    0.00 0.00 1.00
    0.20 0.20 1.00
    1.80 1.00 0.56
    inf 1.00 0.00
    """
    xp = namespace(p, q, lambdas)
    p, q, _ = as_pair(p, q)
    in_p = p > 0
    ratio = xp.where(in_p, q / xp.where(in_p, p, 1.0), math.inf)
    order = xp.argsort(ratio)
    ratio = xp.take(ratio, order)
    q_below = _cumulative(xp.take(q, order), xp)  # q-mass of the first k atoms
    p_above = xp.flip(_cumulative(xp.flip(xp.take(p, order)), xp))  # p-mass of the others
    max_precision, max_recall = (min(1.0, float(xp.sum(xp.where(x, y, 0.0)))) for x, y in ((in_p, q), (q > 0, p)))

    if lambdas is None:
        inner = xp.sort(xp.unique_values(ratio[(ratio > 0) & (ratio < math.inf)]))
        ends = xp.asarray([0.0, math.inf], dtype=xp.float64, device=p.device)
        lam = xp.concat([ends[:1], inner, ends[1:]])
    else:
        lam = xp.asarray(lambdas, dtype=xp.float64, device=p.device)
        _check_lambdas(lam, xp)
    k = xp.searchsorted(ratio, lam)
    head, tail = xp.take(q_below, k), xp.take(p_above, k)
    inside = (lam > 0) & (lam < math.inf)
    finite, most = xp.where(inside, lam, 1.0), xp.ones_like(lam)  # rounding must not lift a share above 1
    alpha_ends = xp.where(lam > 0, max_precision, xp.zeros_like(lam))
    beta_ends = xp.where(lam > 0, xp.zeros_like(lam), max_recall)
    alpha = xp.where(inside, xp.minimum(head + finite * tail, most), alpha_ends)
    beta = xp.where(inside, xp.minimum(head / finite + tail, most), beta_ends)
    return PRCurve(lam, alpha, beta, max_precision, max_recall)


def pr_curve_from_samples(
    real: Array, generated: Array, clusters: int = 20, *, rng: np.random.Generator, lambdas: Array | None = None
) -> PRCurve:
    r"""Estimate the curve from samples: cluster both together, and compare the two histograms of the clusters.

    The samples weigh equally, whatever their sizes are. Merging points into clusters can only raise the curve, and
    empty clusters of a small sample lower it: the estimate depends on the number of clusters, so compare models at
    one number, and at one sample size.

    Parameters
    ----------
    real, generated : array, shapes (n, d) and (m, d)
        Samples of P and Q, usually features of images rather than pixels.
    clusters : int
        Number of clusters for k-means; at most as many as there are distinct points are used.
    rng : numpy.random.Generator
        Draws the seed of k-means.
    lambdas : array, optional
        As in :func:`pr_curve`.

    Returns
    -------
    PRCurve

    Raises
    ------
    ValueError
        If the samples are not finite points of one dimension, or there is no cluster.
    ImportError
        If scikit-learn, which does the clustering on the host, is not installed.

    References
    ----------
    Verine2024, definition 2.2; Sajjadi et al. (2018), section 4.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real, generated = rng.standard_normal((500, 2)), rng.standard_normal((300, 2)) + [8.0, 0.0]
    >>> print(f"{pr_curve_from_samples(real, generated, 10, rng=rng).area:.3f}")
    0.000
    """
    namespace(real, generated)
    real, generated = as_points(real, "real"), as_points(generated, "generated")
    check_same_dimension(real, generated, "real", "generated")
    clusters, rng = check_count(clusters, "clusters"), check_rng(rng)
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise ImportError("pr_curve_from_samples clusters with scikit-learn: pip install scikit-learn") from error
    n, m = real.shape[0], generated.shape[0]
    points = np.concatenate([to_numpy(real), to_numpy(generated)]).astype(np.float64)
    points = points - points.mean(axis=0)
    distinct = len(np.unique(points, axis=0))
    share = np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)])
    means = KMeans(min(clusters, distinct), n_init=4, random_state=int(rng.integers(2**31)))
    label = means.fit(points, sample_weight=share * (n + m) / 2).labels_
    count = int(label.max()) + 1
    p, q = np.bincount(label[:n], minlength=count) / n, np.bincount(label[n:], minlength=count) / m
    reference = namespace(real).zeros(1, dtype=namespace(real).float64, device=real.device)
    return pr_curve(like(p, reference), like(q, reference), lambdas)


def pr_curve_from_scores(scores_real: Array, scores_generated: Array, lambdas: Array | None = None) -> PRCurve:
    r"""Estimate the curve from the scores of a classifier, the higher the more real.

    For every set S, :math:`\alpha_\lambda \le \lambda P(S) + Q(S^c)`, with equality for the best test of P against Q.
    Here S runs through all sets ``score <= threshold``, under which the minimum of :math:`\lambda P(S) + Q(S^c)` for
    *all* lambda at once is the lower convex hull of the points :math:`(P(S), Q(S^c))`. The pieces of the hull are the
    atoms of a discrete pair, and its curve is returned. Only the order of the scores matters.

    Parameters
    ----------
    scores_real, scores_generated : array, shapes (n,) and (m,)
        Scores of samples of P and Q that the classifier was **not** trained on. An imperfect classifier gives a curve
        that is too high; choosing the thresholds on the same finite samples lowers it, by order :math:`n^{-1/2}`.
    lambdas : array, optional
        As in :func:`pr_curve`.

    Returns
    -------
    PRCurve

    Raises
    ------
    ValueError
        If the scores are empty, nan or infinite.

    References
    ----------
    Verine2024, definition 2.2; Simon et al. (2019), section 4.

    Examples
    --------
    >>> import numpy as np
    >>> curve = pr_curve_from_scores(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0, -1.0]))
    >>> print(f"{curve.max_precision:.2f} {curve.max_recall:.2f} {curve.area:.4f}")
    0.75 0.50 0.3558
    """
    xp = namespace(scores_real, scores_generated)
    real, generated = as_vector(scores_real, "scores_real"), as_vector(scores_generated, "scores_generated")
    n, m = real.shape[0], generated.shape[0]
    values, place = np.unique(np.concatenate([to_numpy(real), to_numpy(generated)]), return_inverse=True)
    a = np.bincount(place[:n], minlength=values.size).tolist()  # counts at each score, lowest score first
    b = np.bincount(place[n:], minlength=values.size).tolist()
    # Pool neighbours until b/a falls: the pieces of the convex hull. Whole numbers, so ties are exact.
    pooled_a: list[int] = []
    pooled_b: list[int] = []
    for x, y in zip(a, b, strict=True):
        while pooled_a and y * pooled_a[-1] >= pooled_b[-1] * x:
            x, y = x + pooled_a.pop(), y + pooled_b.pop()
        pooled_a.append(x)
        pooled_b.append(y)
    reference = xp.zeros(1, dtype=xp.float64, device=getattr(real, "device", None))
    return pr_curve(like(np.array(pooled_a) / n, reference), like(np.array(pooled_b) / m, reference), lambdas)


def pr_curve_after_obrs(curve: PRCurve, budget: float) -> PRCurve:
    r"""Return the curve of the same model after optimal budgeted rejection sampling (OBRS).

    .. math:: \tilde\alpha_\lambda = \min(1, K \alpha_{\lambda/K}), \qquad
        \tilde\beta_\lambda = \min(1/\lambda, \beta_{\lambda/K})

    At unchanged recall the precision is multiplied by K, up to 1. This holds for every :math:`K \ge 1`: once K exceeds
    what the ratios can use, :math:`\alpha` is linear below its first breakpoint, and the right side stays as it is; if
    1/K exceeds Q(p > 0), the budget has to be filled with samples off the target, and :math:`K\alpha_\infty < 1`.

    Parameters
    ----------
    curve : PRCurve
        The model's curve. An exact one gives an exact one.
    budget : float
        K >= 1, proposals paid for one accepted sample.

    Returns
    -------
    PRCurve
        At K times the given lambdas, and where the precision reaches 1.

    Raises
    ------
    ValueError
        If the budget is below 1 or not finite.

    References
    ----------
    Verine2024, proposition 4.3, which is left blank in print; derived in the errata.

    Examples
    --------
    >>> import numpy as np
    >>> curve = pr_curve(np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5]))
    >>> better = pr_curve_after_obrs(curve, 2.0)
    >>> print(f"{curve.max_precision:.2f} {better.max_precision:.2f} {curve.area:.2f} {better.area:.2f}")
    0.50 1.00 0.50 1.00
    """
    k = check_number(budget, "budget", at_least=1)
    xp = namespace(curve.lambdas, curve.precision, curve.recall)
    lam, alpha, beta = curve.lambdas, curve.precision, curve.recall
    # where K alpha = 1 the new curve has a breakpoint that the old one had not
    host_lam, host_alpha = to_numpy(lam).tolist(), to_numpy(alpha).tolist()
    j = bisect.bisect_left(host_alpha, 1 / k)
    if 0 < j < len(host_lam) and host_alpha[j] > 1 / k and host_lam[j] < math.inf:
        share = (1 / k - host_alpha[j - 1]) / (host_alpha[j] - host_alpha[j - 1])
        crossing = host_lam[j - 1] + share * (host_lam[j] - host_lam[j - 1])
        if host_lam[j - 1] < crossing < host_lam[j]:
            lam, alpha, beta = (
                xp.concat([old[:j], xp.full_like(lam[:1], new), old[j:]])
                for old, new in ((lam, crossing), (alpha, 1 / k), (beta, 1 / k / crossing))
            )
    lam, alpha = k * lam, k * alpha
    fresh = xp.concat([lam[:1] == lam[:1], lam[1:] > lam[:-1]])  # rounding may join neighbours
    lam, alpha, beta = lam[fresh], alpha[fresh], beta[fresh]
    limit = 1 / xp.where(lam > 0, lam, 1.0)
    return PRCurve(
        lam,
        xp.where(alpha < 1, alpha, 1.0),
        xp.where((lam > 0) & (beta > limit), limit, beta),
        min(1.0, k * curve.max_precision),
        curve.max_recall,
    )
