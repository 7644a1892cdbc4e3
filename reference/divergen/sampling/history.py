"""The target of points that complete what is there already: a signed measure."""

from __future__ import annotations

from ..arrays import Array, as_points, check_count
from ..distance.algebra import Diracs, Measure
from ..distance.measures import _check_measure

__all__ = ["with_history"]


def with_history(target: Measure, history: Array, k: int) -> Measure:
    r"""Return the signed measure of mass 1 that k new points should be close to, given points that stay.

    .. math:: \eta = \frac{(n + k)\,\mu - \sum_{j=1}^n \delta_{y_j}}{k}, \qquad
        d(\delta_{X \cup Y}, \mu) = \frac{k}{n + k}\, d(\delta_X, \eta) .

    Parameters
    ----------
    target : Measure
        :math:`\mu`, of mass 1.
    history : array, shape (n, dim)
        Y, the points already there.
    k : int
        How many points are to come.

    Returns
    -------
    Measure

    Raises
    ------
    ValueError
        On a history that is not a cloud of the target's dimension, and on k < 1.

    References
    ----------
    Turinici2022old, eq. (1), divided by K and not by K_p + K (see the errata: as printed its mass is not 1).

    Examples
    --------
    >>> import numpy as np
    >>> from divergen import Gaussian
    >>> print(f"{with_history(Gaussian.standard(2), np.zeros((3, 2)), k=2).mass:.6f}")
    1.000000
    """
    _check_measure(target, "target")
    k = check_count(k, "k")
    history = as_points(history, "history", dim=target.dim)
    n = history.shape[0]
    return ((n + k) * target - n * Diracs(history)) * (1 / k)
