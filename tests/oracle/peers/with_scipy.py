"""SciPy: the energy distance on the line, the pseudo-Huber function, relative entropies and Shannon's entropy."""

import numpy as np
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

from divergen.oracle import Conventions, from_functions

from . import Peer


def squared_distance(x, y, x_weights, y_weights, a):
    """The root of 2 E|X - Y| - E|X - X'| - E|Y - Y'|."""
    return stats.energy_distance(x[:, 0], y[:, 0], x_weights, y_weights)


def kernel(x, a):
    """pseudo_huber(a, r) is a (sqrt(r^2 + a^2) - a)."""
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


def _inside_divergence(inputs):
    name, p, q = inputs.values()
    return name in DIVERGENCE and (name not in TABLES or bool(np.all(p > 0) and np.all(q > 0)))


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
REST = from_functions("scipy", kernel=kernel, f=lambda name, u: F[name](u),
                      divergence=lambda name, p, q: DIVERGENCE[name](p, q),
                      renyi_entropy=lambda p, alpha: stats.entropy(p))

PEERS = [
    Peer("scipy", "stats.energy_distance", LINE, "squared_distance", "a = 0, points on a line",
         lambda inputs: inputs["a"] == 0 and inputs["x"].shape[1] == 1),
    Peer("scipy", "special.pseudo_huber", REST, "kernel", "a > 0", lambda inputs: inputs["a"] > 0, KERNEL),
    Peer("scipy", "special.kl_div", REST, "f", "kl and reverse_kl", lambda inputs: inputs["name"] in F, PLAIN),
    Peer("scipy", "special.kl_div, spatial.distance.jensenshannon, stats.power_divergence", REST, "divergence",
         "kl, reverse_kl, jensen_shannon; pearson_chi2 and neyman_chi2 without zeros", _inside_divergence,
         NEYMAN),
    Peer("scipy", "stats.entropy", REST, "renyi_entropy", "alpha = 1", lambda inputs: inputs["alpha"] == 1),
]
