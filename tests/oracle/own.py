"""An adapter of divergen's own functions: what the kit finds in it is a bug of the package or of the kit."""

import re

import numpy as np

import divergen as dg
from divergen.oracle import Adapter


def kernel(x, a):
    return dg.HuberEnergy(a=a).value(np.sum(x * x, axis=1))


def squared_distance(x, y, x_weights, y_weights, a):
    return dg.cloud_squared_distance(x, y, x_weights, y_weights, dg.HuberEnergy(a=a))


def squared_distance_gradient(x, y, x_weights, y_weights, a):
    return dg.cloud_squared_distance_and_gradient(x, y, x_weights, y_weights, dg.HuberEnergy(a=a))[1]


def expected_kernel(x, mean, cov, a):
    return dg.expected_kernel(x, mean, cov, dg.HuberEnergy(a=a))


def adam(start, gradients, learning_rates, beta1, beta2, epsilon):
    parameters, state, path = start, dg.adam_init(start), []
    for gradient, rate in zip(gradients, learning_rates, strict=True):
        parameters, state = dg.adam_step(
            parameters, gradient, state, float(rate), beta1=beta1, beta2=beta2, epsilon=epsilon
        )
        path.append(parameters)
    return np.stack(path)


def compress(points, k, a, seed):
    return dg.compress(
        dg.Diracs(points), k, dg.HuberEnergy(a=a), rng=np.random.default_rng(seed), method="lbfgs", restarts=3
    ).points


def elbo(sizes, parameters, x, noise):
    return dg.elbo_and_gradient(dg.VAE(sizes, parameters), x, noise)[0].value


def elbo_gradient(sizes, parameters, x, noise):
    return dg.elbo_and_gradient(dg.VAE(sizes, parameters), x, noise)[1]


def generator(name):
    """The divergence of that name, as in divergen.oracle.DIVERGENCES."""
    found = re.fullmatch(r"precision_recall\((.+)\)", name)
    return dg.precision_recall(float(found[1])) if found else getattr(dg, name)


def pr_curve(p, q, lambdas):
    curve = dg.pr_curve(p, q, lambdas)
    return curve.precision, curve.recall


def neighbour_metrics(real, generated, k):
    return tuple(dg.neighbour_metrics(real, generated, k)[:4])


OWN = Adapter("divergen", {
    "kernel": kernel,
    "squared_distance": squared_distance,
    "squared_distance_gradient": squared_distance_gradient,
    "expected_kernel": expected_kernel,
    "adam": adam,
    "compress": compress,
    "gaussian_kl": dg.gaussian_kl,
    "elbo": elbo,
    "elbo_gradient": elbo_gradient,
    "f": lambda name, u: generator(name).f(u),
    "conjugate": lambda name, t: generator(name).conjugate(t),
    "divergence": lambda name, p, q: dg.divergence(generator(name), p, q),
    "pr_curve": pr_curve,
    "neighbour_metrics": neighbour_metrics,
    "obrs": lambda ratio, budget, weights: dg.obrs(ratio, budget, weights=weights).probability,
    "drs": lambda ratio, gamma, supremum: dg.drs(ratio, gamma, supremum=supremum),
    "isoperimetric_bound": lambda p: dg.isoperimetric_bound(p).value,
    "gamma_bound": lambda p: dg.gamma_bound(p).value,
    "kappa_bound": lambda p: dg.kappa_bound(p).value,
    "renyi_entropy": dg.renyi_entropy,
})
