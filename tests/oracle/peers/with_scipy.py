"""SciPy: the energy distance on the line, the pseudo-Huber function, relative entropies and Shannon's entropy."""

import numpy as np
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

from divergen.oracle import Conventions, from_functions

from . import Peer, only


def squared_distance(x, y, x_weights, y_weights, a):
    """The root of 2 E|X - Y| - E|X - X'| - E|Y - Y'|."""
    only(a == 0 and x.shape[1] == 1, "a = 0, points on a line")
    return stats.energy_distance(x[:, 0], y[:, 0], x_weights, y_weights)


def kernel(x, a):
    """pseudo_huber(a, r) is a (sqrt(r^2 + a^2) - a)."""
    only(a > 0, "a > 0")
    return special.pseudo_huber(a, np.sqrt(np.sum(x * x, axis=1))) / a


F = {"kl": lambda u: special.kl_div(u, 1.0), "reverse_kl": lambda u: special.kl_div(1.0, u)}

DIVERGENCE = {
    "kl": lambda p, q: np.sum(special.kl_div(p, q)),
    "reverse_kl": lambda p, q: np.sum(special.kl_div(q, p)),
    "jensen_shannon": lambda p, q: 2 * jensenshannon(p, q) ** 2,  # ours is the sum of both halves, not their mean
    "pearson_chi2": lambda p, q: stats.power_divergence(p, q, lambda_="pearson").statistic,
    "neyman_chi2": lambda p, q: stats.power_divergence(p, q, lambda_="neyman").statistic,
}
TABLES = ("pearson_chi2", "neyman_chi2")
WHICH = "kl, reverse_kl, jensen_shannon; pearson_chi2 and neyman_chi2 without zeros"


def f(name, u):
    """``kl_div(x, y)`` is x log(x/y) - x + y."""
    only(name in F, "kl and reverse_kl")
    return F[name](u)


def divergence(name, p, q):
    """Sums, and statistics of tables where these are divergences."""
    only(name in DIVERGENCE and (name not in TABLES or bool(np.all(p > 0) and np.all(q > 0))), WHICH)
    return DIVERGENCE[name](p, q)


def renyi_entropy(p, alpha):
    """Shannon's."""
    only(alpha == 1, "alpha = 1")
    return stats.entropy(p)


KERNEL = {
    "kernel/vectors-TinySmoothing": "the square of delta underflows: pseudo_huber(1e-200, 1) is nan, not 1e-200, and "
    "pseudo_huber(1e-160, 1) infinite",
    "kernel/vectors-FarTail": "digits are lost far out: pseudo_huber(1, 1e100) is 1.000000000000011e+100, 57 ulp above",
}
PLAIN = {"f/vectors-Cancellation": "x log(x/y) - x + y cancels near x = y: kl_div(1 + 2^-30, 1) is 0, not 2^-61"}
NEYMAN = {"divergence/vectors-HugeRatios": "power_divergence([1, e], [e, 1], lambda_='neyman') is infinite for e = "
                                           "2^-600, where the sum is 2^600"}

LINE = from_functions("scipy, energy_distance", Conventions(factor="one", power="root"),
                      squared_distance=squared_distance)
REST = from_functions("scipy", kernel=kernel, f=f, divergence=divergence, renyi_entropy=renyi_entropy)

PEERS = [
    Peer("scipy", "stats.energy_distance", LINE, "squared_distance", "a = 0, points on a line"),
    Peer("scipy", "special.pseudo_huber", REST, "kernel", "a > 0", KERNEL),
    Peer("scipy", "special.kl_div", REST, "f", "kl and reverse_kl", PLAIN),
    Peer("scipy", "special.kl_div, spatial.distance.jensenshannon, stats.power_divergence", REST, "divergence", WHICH,
         NEYMAN),
    Peer("scipy", "stats.entropy", REST, "renyi_entropy", "alpha = 1"),
]
