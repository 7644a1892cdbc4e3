"""Adapters with one realistic bug each: what the oracle has to catch.

A mutant is our own adapter with one function replaced. Where the bug needs an implementation to be in, there is a plain
one below with a switch for it; each of these is a control, CONTROLS, that passes with its switches untouched, so that
what fails is the bug and not the plainness.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from divergen.oracle import Adapter
from oracle.own import OWN

own = OWN.functions


class Mutant(NamedTuple):
    """One bug: its name, where it is, the function that has it, the equation that must be named, and what it is."""

    name: str
    capability: str
    function: Callable
    equation: str
    bug: str

    def adapter(self) -> Adapter:
        """Our own functions, but for one. A warning is no catch: it would depend on NumPy's settings."""
        def quiet(*arguments):
            with np.errstate(all="ignore"):
                return self.function(*arguments)

        return replace(OWN, name=self.name, functions={**own, self.capability: quiet})


MUTANTS: list[Mutant] = []


def of(capability: str, equation: str, **bugs: tuple[str, Callable]) -> None:
    MUTANTS.extend(Mutant(f"{capability}: {name.replace('_', ' ')}", capability, function, equation, bug)
                   for name, (bug, function) in bugs.items())


def single(capability: str) -> Callable:
    """The whole function in float32, as on a GPU by default; the result in float64 again."""
    def called(*arguments):
        halved = [a.astype(np.float32).astype(np.float64) if isinstance(a, np.ndarray) else a for a in arguments]
        result = own[capability](*halved)
        parts = [np.asarray(np.asarray(part, dtype=np.float32), dtype=np.float64)
                 for part in (result if isinstance(result, tuple) else (result,))]
        return tuple(parts) if isinstance(result, tuple) else parts[0]

    return called


# --- kernel ------------------------------------------------------------------------------------------------------


def squares_in_place(x, a):
    x *= x
    s = np.sum(x, axis=1)
    return smooth(s, a)


class Buffered:
    """One array for all results of a length."""

    def __init__(self):
        self.buffers = {}

    def __call__(self, x, a):
        out = self.buffers.setdefault(len(x), np.empty(len(x)))
        out[:] = own["kernel"](x, a)
        return out


def smooth(s, a):
    """h as a function of the squared length, without cancellation."""
    root = np.sqrt(s + a * a) + a
    return s / np.where(root > 0, root, 1.0)


of("kernel", "Turinici2023, choice of h",
   without_minus_a=("h(0) is a: the - a is forgotten", lambda x, a: own["kernel"](x, a) + a),
   cancellation=("sqrt(s + a^2) - a as printed: no digits left where |x| is far below a",
                 lambda x, a: np.sqrt(np.sum(x * x, axis=1) + a * a) - a),
   a_not_squared=("sqrt(s + a) - sqrt(a): a is not squared", lambda x, a: smooth(np.sum(x * x, axis=1), math.sqrt(a))),
   a_for_each_coordinate=("a^2 is added to each squared coordinate",
                          lambda x, a: np.sqrt(np.sum(x * x + a * a, axis=1)) - a),
   a_never_zero=("a is at least 1e-6, for safety", lambda x, a: own["kernel"](x, max(a, 1e-6))),
   centred_rows=("the rows are centred first: they know of each other",
                 lambda x, a: own["kernel"](x - x.mean(axis=0) if len(x) > 2 else x, a)),
   written_into=("x is squared in place", squares_in_place),
   buffer_reused=("the result is a buffer that the next call writes into", Buffered()),
   nan_to_zero=("nansum leaves a nan out", lambda x, a: smooth(np.nansum(x * x, axis=1), a)),
   float32=("float32 inside", single("kernel")))


# --- squared distance --------------------------------------------------------------------------------------------


def by_differences(x, y):
    return np.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=2)


def by_gram(x, y):
    """|x|^2 + |y|^2 - 2 x.y: cancels for points far from the origin."""
    return np.maximum(np.sum(x * x, axis=1)[:, None] + np.sum(y * y, axis=1)[None, :] - 2 * x @ y.T, 0)


def distance(x, y, u, w, a, *, squares=by_differences, h=smooth, halves=(0.5, 0.5), add=np.sum):
    def energy(p, q, s, t):
        return add(s[:, None] * t[None, :] * h(squares(p, q), a))

    return float(energy(x, y, u, w) - halves[0] * energy(x, x, u, u) - halves[1] * energy(y, y, w, w))


def u_for(which, x, y, u, w, a):
    """The self-energies of some of the clouds over pairs of different points."""
    pairs = [1 - float(np.sum(v * v)) for v in (u, w)]
    return distance(x, y, u, w, a, halves=tuple(
        0.5 / p if i in which and p > 0 else 0.5 for i, p in enumerate(pairs)))


def without_last_block(x, y, u, w, a, block=4):
    """Blocks of four points; what is left over is forgotten."""
    n, m = (max(block * (len(v) // block), 1) if len(v) > block else len(v) for v in (x, y))
    return own["squared_distance"](x[:n], y[:m], u[:n] / u[:n].sum(), w[:m] / w[:m].sum(), a)


def diagonal_skipped(x, y, u, w, a):
    """h without - a, which cancels, but for a diagonal that is left out of the self-energies."""
    return own["squared_distance"](x, y, u, w, a) + a * float(np.sum(u * u) + np.sum(w * w)) / 2


def centring_in_place(capability):
    def called(x, y, u, w, a):
        x -= y.mean(axis=0)
        return own[capability](x, y - y.mean(axis=0), u, w, a)

    return called


def equal(v):
    return np.full_like(v, 1 / len(v))


of("squared_distance", "Turinici2023 (4)",
   dropped_half=("the factor 1/2 is dropped: the energy distance", lambda *args: 2 * own["squared_distance"](*args)),
   half_of_the_self_energies_dropped=("the self-energies are subtracted whole", partial(distance, halves=(1.0, 1.0))),
   root=("d for d^2", lambda *args: math.sqrt(max(own["squared_distance"](*args), 0.0))),
   U_for_V=("the U-statistic, for both clouds", partial(u_for, (0, 1))),
   U_in_the_first_cloud=("the U-statistic, for one cloud only", partial(u_for, (0,))),
   own_energy_of_y_left_out=("the self-energy of y is left out: a constant to an optimiser",
                             partial(distance, halves=(0.5, 0.0))),
   gram_cancellation=("distances by the Gram matrix, which cancels", partial(distance, squares=by_gram)),
   float32=("float32 inside", single("squared_distance")),
   float32_sum=("the sums are accumulated in float32",
                partial(distance, add=lambda v: np.sum(v.astype(np.float32), dtype=np.float32))),
   weights_of_x_ignored=("x has equal weights", lambda x, y, u, w, a: own["squared_distance"](x, y, equal(u), w, a)),
   last_block_lost=("the last, shorter block of points is lost", without_last_block),
   diagonal_without_a=("h without - a, with a diagonal of 0", diagonal_skipped),
   squared_lengths=("h of the squared length", partial(distance, h=lambda s, a: smooth(s * s, a))),
   nan_left_out=("nansum leaves pairs with a nan out", partial(distance, add=np.nansum)),
   written_into=("x is centred in place", centring_in_place("squared_distance")))


def gradient(x, y, u, w, a, *, push=1.0, squares=by_differences, guard=0.0):
    def pull(p, q, t):
        root = np.sqrt(squares(p, q) + a * a) + guard
        safe = np.where(root > 0, root, 1.0)
        return np.sum(t[None, :, None] * (p[:, None, :] - q[None, :, :]) / safe[:, :, None], axis=1)

    return u[:, None] * (pull(x, y, w) - push * pull(x, x, u))


def not_divided_by_j(x, y, u, w, a):
    return own["squared_distance_gradient"](x, y, u, w, a) * len(x)


def zero_over_zero(x, y, u, w, a):
    """x / |x| without a case for 0: the diagonal is nan."""
    return own["squared_distance_gradient"](x, y, u, w, a) + (math.nan if a == 0 else 0.0)


def zero_over_zero_between(x, y, u, w, a):
    """The diagonal is seen to, and what else may coincide is not."""
    meet = np.any(by_differences(x, y) == 0, axis=1) if a == 0 else np.zeros(len(x), dtype=bool)
    return own["squared_distance_gradient"](x, y, u, w, a) + np.where(meet, math.nan, 0.0)[:, None]


def equal_pull(x, y, u, w, a):
    return own["squared_distance_gradient"](x, y, u, equal(w), a)


of("squared_distance_gradient", "Turinici2023 (4), gradient",
   not_divided_by_J=("the gradient of J d^2", not_divided_by_j),
   dropped_half=("the gradient of the energy distance: twice",
                 lambda *args: 2 * own["squared_distance_gradient"](*args)),
   half_the_push=("each pair of x counts once where it counts twice", partial(gradient, push=0.5)),
   U_for_V=("the push of the U-statistic", lambda x, y, u, w, a: gradient(
       x, y, u, w, a, push=1 / max(1 - float(np.sum(u * u)), 0.5 / len(x)))),
   sign=("the direction of descent", lambda *args: -own["squared_distance_gradient"](*args)),
   nan_at_zero=("0/0 where a = 0", zero_over_zero),
   nan_between=("0/0 where a = 0 and a point of x is one of y", zero_over_zero_between),
   gram_cancellation=("distances by the Gram matrix", partial(gradient, squares=by_gram)),
   guarded_root=("1e-8 is added to each distance", partial(gradient, guard=1e-8)),
   weights_of_y_ignored=("y has equal weights", equal_pull),
   float32=("float32 inside", single("squared_distance_gradient")),
   written_into=("x is centred in place", centring_in_place("squared_distance_gradient")))


# --- expected kernel ---------------------------------------------------------------------------------------------


def moments(x, mean, cov):
    """Mean and variance of |x - z|^2."""
    e = x - mean
    return np.sum(e * e, axis=1) + np.trace(cov), 2 * np.sum(cov * cov) + 4 * np.einsum("ni,ij,nj->n", e, cov, e)


def jensen(x, mean, cov, a):
    return np.sqrt(moments(x, mean, cov)[0] + a * a) - a


def delta_method(x, mean, cov, a):
    """Two terms of the expansion; exact where the Gaussian is narrow, or far away."""
    first, second = moments(x, mean, cov)
    root = np.sqrt(first + a * a)
    return root - second / (8 * np.where(root > 0, root, 1.0) ** 3) - a


def draws(x, mean, cov, a):
    z = np.random.default_rng(0).multivariate_normal(mean, cov, size=4000, method="svd")
    return smooth(np.sum((x[:, None] - z[None]) ** 2, axis=2), a).mean(axis=1)


def quadrature(x, mean, cov, a, step=0.1, width=160):
    """The integral over Gaussian kernels of all widths, by the trapezoidal rule in the logarithm of the width."""
    w = np.arange(-width, width + step / 2, step)
    t = np.exp(w)
    scale = max(float(np.trace(cov)), 1e-300)
    values, vectors = np.linalg.eigh(cov / scale)
    growth = 2 * t[:, None] * np.maximum(values, 0)  # (nodes, d)
    e = (x - mean) @ vectors / math.sqrt(scale)
    log_g = -np.sum(np.log1p(growth), axis=1) / 2 - (e * e) @ (t[:, None] / (1 + growth)).T  # (n, nodes)
    terms = -np.expm1(log_g) * np.exp(-(a * a / scale) * t - w / 2)
    found = math.sqrt(scale) * step * terms.sum(axis=1) / (2 * math.sqrt(math.pi))
    return np.where(np.trace(cov) > 1e-30, found, own["expected_kernel"](x, mean, cov, a))


of("expected_kernel", "Turinici2023 (2), closed form",
   few_nodes=("quadrature with steps of 1", partial(quadrature, step=1.0)),
   cut_off=("quadrature over too short a range", partial(quadrature, width=30)),
   without_minus_a=("the - a is forgotten", lambda x, m, s, a: own["expected_kernel"](x, m, s, a) + a),
   jensen=("the root of the mean for the mean of the root", jensen),
   expansion=("two terms of an expansion for the integral", delta_method),
   monte_carlo=("4000 draws with a fixed seed", draws),
   sphere=("the mean variance in all directions",
           lambda x, m, s, a: own["expected_kernel"](x, m, np.eye(len(m)) * np.trace(s) / len(m), a)),
   variances_alone=("covariances are ignored", lambda x, m, s, a: own["expected_kernel"](x, m, np.diag(np.diag(s)), a)),
   root_for_covariance=("the covariance is taken for its root",
                        lambda x, m, s, a: own["expected_kernel"](x, m, s @ s, a)),
   sign_of_the_mean=("x + m for x - m", lambda x, m, s, a: own["expected_kernel"](x, -m, s, a)),
   jitter=("1e-6 is added to the variances, for Cholesky",
           lambda x, m, s, a: own["expected_kernel"](x, m, s + 1e-6 * np.eye(len(m)), a)),
   float32=("float32 inside", single("expected_kernel")),
   rows_in_one=("all rows get the value of their mean",
                lambda x, m, s, a: np.full(len(x), own["expected_kernel"](x, m, s, a).mean())))


# --- Adam --------------------------------------------------------------------------------------------------------


def corrected(m, v, t, beta1, beta2, epsilon):
    return m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon)


def adam(start, gradients, rates, beta1, beta2, epsilon, *, direction=corrected, square=lambda g, m: g * g, first=0,
         decay=0.0):
    theta, m, v, path = start, np.zeros_like(start), np.zeros_like(start), []
    for t in range(gradients.shape[0]):
        g = gradients[t] + decay * theta
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * square(g, m)
        theta = theta - rates[max(t + first, 0)] * direction(m, v, t + 1, beta1, beta2, epsilon)
        path.append(theta)
    return np.array(path)


def amsgrad(start, gradients, rates, beta1, beta2, epsilon):
    largest = np.zeros_like(start)

    def direction(m, v, t, *_):
        nonlocal largest
        largest = np.maximum(largest, v / (1 - beta2**t))
        return m / (1 - beta1**t) / (np.sqrt(largest) + epsilon)

    return adam(start, gradients, rates, beta1, beta2, epsilon, direction=direction)


def in_place(start, gradients, *rest):
    path = own["adam"](start, gradients, *rest)
    start[...] = path[-1]
    return path


class Remembering:
    """The second moment starts where the last call left it."""

    def __init__(self):
        self.left = 0.0

    def __call__(self, start, gradients, *rest):
        path = own["adam"](start + 1e-6 * self.left, gradients, *rest)
        self.left = float(np.sum(gradients**2))
        return path


def clipped_gradients(start, gradients, *rest):
    norm = np.sqrt(np.sum(gradients**2, axis=1, keepdims=True))
    return own["adam"](start, gradients * np.minimum(1, 10 / np.where(norm > 0, norm, 1.0)), *rest)


of("adam", "KingmaBa2014, algorithm 1",
   t_one_late=("the corrections are those of the next step", partial(adam, direction=lambda m, v, t, *rest: corrected(
       m, v, t + 1, *rest))),
   epsilon_inside=("epsilon is inside the root", partial(adam, direction=lambda m, v, t, b1, b2, e: (
       m / (1 - b1**t) / np.sqrt(v / (1 - b2**t) + e)))),
   epsilon_before_correction=("epsilon beside the uncorrected moment: the efficient form with epsilon for epsilon-hat",
                              partial(adam, direction=lambda m, v, t, b1, b2, e: (
                                  m * np.sqrt(1 - b2**t) / (1 - b1**t) / (np.sqrt(v) + e)))),
   corrections_stop=("the corrections stop after ten steps", partial(adam, direction=lambda m, v, t, *rest: (
       corrected(m, v, t if t <= 10 else 10**6, *rest)))),
   epsilon_as_a_floor=("max(sqrt(v), epsilon)", partial(adam, direction=lambda m, v, t, b1, b2, e: (
       m / (1 - b1**t) / np.maximum(np.sqrt(v / (1 - b2**t)), e)))),
   second_moment_uncorrected=("v is not corrected", partial(adam, direction=lambda m, v, t, b1, b2, e: (
       m / (1 - b1**t) / (np.sqrt(v) + e)))),
   betas_exchanged=("beta1 and beta2 exchanged", lambda s, g, r, b1, b2, e: own["adam"](s, g, r, b2, b1, e)),
   centred_moment=("the second moment of g - m: AdaBelief", partial(adam, square=lambda g, m: (g - m) ** 2)),
   largest_moment=("the largest second moment so far: AMSGrad", amsgrad),
   weight_decay=("a weight decay of 1e-6 by default", partial(adam, decay=1e-6)),
   rate_one_late=("each step takes the rate of the one before", partial(adam, first=-1)),
   clipped=("gradients are clipped to length 10", clipped_gradients),
   one_parameter_object=("the path holds one array many times: its end", lambda *args: np.broadcast_to(
       own["adam"](*args)[-1], args[1].shape)),
   start_written_into=("the start is updated in place", in_place),
   state_kept=("state is left over from the call before", Remembering()),
   float32=("float32 inside", single("adam")),
   float32_second_moment=("v is kept in float32", partial(adam, direction=lambda m, v, *rest: corrected(
       m, v.astype(np.float32).astype(np.float64), *rest))))


# --- compression -------------------------------------------------------------------------------------------------


def lloyd(points, k, a, seed):
    """k-means, which minimises something else."""
    centres = points[np.random.default_rng(seed).choice(len(points), k, replace=False)]
    for _ in range(50):
        nearest = np.argmin(by_differences(points, centres), axis=1)
        centres = np.array([points[nearest == j].mean(axis=0) if np.any(nearest == j) else centres[j]
                            for j in range(k)])
    return centres


def few_steps(points, k, a, seed, steps=3, push=1.0):
    found = points[np.random.default_rng(seed).choice(len(points), k, replace=False)]
    u, w = np.full(k, 1 / k), equal(points[:, 0])
    for _ in range(steps):
        found = found - 0.3 * k * gradient(found, points, u, w, max(a, 1e-3), push=push)
    return found


def unscaled(points, k, a, seed):
    shift, scale = points.mean(axis=0), points.std(axis=0) + 1e-12
    return own["compress"]((points - shift) / scale, k, a, seed) + shift


def centred_compression(points, k, a, seed):
    middle = points.mean(axis=0)
    points -= middle
    return own["compress"](points, k, a, seed) + middle


class GlobalRandomness:
    """One generator for all calls; the seed is ignored."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, points, k, a, seed):
        return own["compress"](points, k, a, int(self.rng.integers(10**6)))


of("compress", "Turinici2023 (1), algorithm Semp",
   subset=("a random subset", lambda p, k, a, seed: p[np.random.default_rng(seed).choice(len(p), k, replace=False)]),
   first_points=("the first k points", lambda p, k, a, seed: p[:k].copy()),
   no_push=("the push between the points is forgotten: they meet at the median",
            partial(few_steps, steps=60, push=0.0)),
   stopped_early=("three steps of descent", few_steps),
   not_scaled_back=("the points are standardised, and their scale is not given back", unscaled),
   seed_ignored=("the seed is ignored", GlobalRandomness()),
   nan_rows_dropped=("rows with a nan are dropped silently",
                     lambda p, k, a, seed: own["compress"](p[~np.isnan(p).any(axis=1)], k, a, seed)),
   transposed=("the result is (d, k)", lambda *args: own["compress"](*args).T),
   written_into=("the points are centred in place", centred_compression))
of("compress", "Turinici2023 (1), in one dimension",
   k_means=("k-means: the means of cells are no quantiles", lloyd))


# --- the Gaussian divergence -------------------------------------------------------------------------------------


def kl(mean, s, *, variance=np.expm1, log=lambda s: s, sign=-1.0, half=0.5, add=np.sum):
    """Half the sum of m^2 + (exp(s) - 1) - s; the bracket by a series where it cancels."""
    bracket = variance(s) + sign * log(s)
    if variance is np.expm1 and sign < 0:
        series = s * s * (0.5 + s / 6 * (1 + s / 4 * (1 + s / 5 * (1 + s / 6 * (1 + s / 7 * (1 + s / 8))))))
        bracket = np.where(np.abs(s) < 0.02, series, bracket)
    return half * add(mean**2 + bracket, axis=1)


of("gaussian_kl", "KingmaWelling2013, appendix B",
   sign=("+ log-variance for -", partial(kl, sign=1.0)),
   log_deviation=("the log-variance is read as a log standard deviation", lambda m, s: own["gaussian_kl"](m, 2 * s)),
   variance_for_its_logarithm=("the variance is taken for s + 1: one term of its exponential",
                               partial(kl, variance=lambda s: s)),
   standard_deviation=("exp(s / 2), the deviation, for the variance", partial(kl, variance=lambda s: np.expm1(s / 2))),
   dropped_half=("the 1/2 is dropped", partial(kl, half=1.0)),
   mean_over_latents=("the mean over the latents", partial(kl, add=np.mean)),
   minus_one_forgotten=("the - 1 is forgotten", partial(kl, variance=np.exp)),
   reverse=("KL(N(0, I) || q)", lambda m, s: 0.5 * np.sum((1 + m * m) * np.exp(-s) - 1 + s, axis=1)),
   cancellation=("exp(s) - 1 - s as it stands: no digits left near 0",
                 lambda m, s: 0.5 * np.sum(m * m + np.exp(s) - 1 - s, axis=1)),
   clamped=("log-variances are clamped to [-10, 10]", lambda m, s: own["gaussian_kl"](m, np.clip(s, -10, 10))),
   nan_left_out=("nansum leaves a nan out", partial(kl, add=np.nansum)),
   float32=("float32 inside", single("gaussian_kl")))


# --- the evidence lower bound ------------------------------------------------------------------------------------


def softplus(x):
    """log(1 + exp(x)), of complex numbers too."""
    positive = x.real > 0
    small = np.exp(np.where(positive, -x, x))
    return np.where(positive, x, 0) + (np.log1p(small) if np.isrealobj(x) else np.log(1 + small))


def vae(sizes, parameters, x, noise, *, slope=0.0, deviation=lambda s: np.exp(s / 2), beta=1.0, normaliser=softplus,
        transposed=False, exchanged=False, kink=np.greater, add=np.sum, mean=np.mean, kl_add=np.sum, log_sign=-1.0):
    """The bound of a dense autoencoder, analytic in the parameters."""
    half, dim = len(sizes) // 2, noise.shape[1]
    shapes = [*pairwise([*sizes[:half], 2 * sizes[half]]), *pairwise(sizes[half:])]
    value, at = x, 0
    for i, (p, q) in enumerate(shapes):
        block = parameters[at : at + p * q]
        weight = block.reshape(q, p).T if transposed else block.reshape(p, q)
        value, at = value @ weight + parameters[at + p * q : at + p * q + q], at + p * q + q
        if i == half - 1:
            m, s = value[:, :dim], value[:, dim:]
            if exchanged:
                m, s = s, m
            value = m + deviation(s) * noise
        elif i < len(shapes) - 1:
            value = np.where(kink(value.real, 0), value, slope * value)
    likelihood = add(x * value - normaliser(value), axis=1)
    return mean(likelihood - beta * kl_add(m * m + np.exp(s) - 1 + log_sign * s, axis=1) / 2)


def vae_value(**switches):
    return lambda *args: float(vae(*args, **switches))


def vae_gradient(**switches):
    """By complex steps, which make no error but rounding."""
    def called(sizes, parameters, x, noise):
        return np.array([vae(sizes, parameters + 1e-30j * one, x, noise, **switches).imag / 1e-30
                         for one in np.eye(len(parameters))])

    return called


def clamped_probability(x):
    """-log(1 - p) with p kept 1e-7 away from 0 and 1, as by losses of probabilities."""
    p = np.clip(1 / (1 + np.exp(-x)), 1e-7, 1 - 1e-7)
    return -np.log1p(-p)


def keras_loss(sizes, parameters, x, noise):
    """Both logarithms of a clamped probability."""
    def normaliser(logits):
        p = np.clip(1 / (1 + np.exp(-logits)), 1e-7, 1 - 1e-7)
        return x * logits - (x * np.log(p) + (1 - x) * np.log1p(-p))

    return float(vae(sizes, parameters, x, noise, normaliser=normaliser))


of("elbo", "KingmaWelling2013 (10)",
   kl_added=("the KL is added", vae_value(beta=-1.0)),
   kl_forgotten=("the KL is forgotten", vae_value(beta=0.0)),
   kl_sign=("+ log-variance within the KL", vae_value(log_sign=1.0)),
   kl_mean=("the KL is averaged over the latents", vae_value(kl_add=np.mean)),
   mean_over_pixels=("the likelihood is averaged over the pixels", vae_value(add=np.mean)),
   sum_over_images=("the sum over the images", vae_value(mean=np.sum)),
   a_loss=("the loss: minus the bound", lambda *args: -own["elbo"](*args)),
   log_variance_as_deviation=("the log-variance is read as a log standard deviation when drawing",
                              vae_value(deviation=np.exp)),
   halves_exchanged=("means and log-variances exchanged", vae_value(exchanged=True)),
   transposed_weights=("weights are read as (out, in)", vae_value(transposed=True)),
   leaky=("a leaky ReLU", vae_value(slope=0.01)),
   clamped_probability=("probabilities are kept 1e-7 away from 0 and 1", keras_loss),
   logits_clamped=("logits are clamped to [-30, 30]", vae_value(normaliser=lambda x: np.where(
       np.abs(x) > 30, softplus(np.clip(x, -30, 30)), softplus(x)))),
   overflow=("log(1 + exp(l)) overflows", vae_value(normaliser=lambda x: np.log(1 + np.exp(x)))),
   sizes_used_up=("the list of sizes is emptied on the way", lambda s, p, x, e: (own["elbo"](
       list(s), p, x, e), s.clear())[0]),
   one_noise=("all images get the first one's noise",
              lambda s, p, x, e: own["elbo"](s, p, x, np.broadcast_to(e[:1], e.shape).copy())),
   float32=("float32 inside", single("elbo")))

of("elbo_gradient", "KingmaWelling2013 (10), gradient",
   of_the_loss=("the gradient of the loss", lambda *args: -own["elbo_gradient"](*args)),
   sum_over_images=("the sum over the images", vae_gradient(mean=np.sum)),
   without_kl=("the KL is left out", vae_gradient(beta=0.0)),
   kl_sign=("+ log-variance within the KL", vae_gradient(log_sign=1.0)),
   cut_at_the_deviation=("nothing flows back through the deviation", vae_gradient(
       deviation=lambda s: np.exp(s.real / 2))),
   half_forgotten=("the 1/2 of exp(s / 2) is forgotten on the way back", vae_gradient(
       deviation=lambda s: np.exp(s.real / 2 + 1j * s.imag))),
   leaky=("a leaky ReLU", vae_gradient(slope=0.01)),
   slope_at_the_kink=("the ReLU has slope 1 at 0", vae_gradient(kink=np.greater_equal)),
   transposed_weights=("weights are read as (out, in)", vae_gradient(transposed=True)),
   last_bias_left_out=("the last bias has no gradient", lambda s, p, x, e: np.concatenate(
       [own["elbo_gradient"](s, p, x, e)[: -s[0]], np.zeros(s[0])])),
   float32=("float32 inside", single("elbo_gradient")))


# --- generators, conjugates, divergences -------------------------------------------------------------------------


def renamed(capability, **names):
    """Some divergences are taken for others."""
    return lambda name, *args: own[capability](names.get(name, name), *args)


def changed(capability, divergence, change):
    """One divergence is computed from the right value by `change`, and the rest are right."""
    return lambda name, v: change(own[capability](name, v), v) if name == divergence else own[capability](name, v)


of("f", "Verine2024, definition 3.1 and (10)",
   kl_reversed=("kl and reverse_kl exchanged", renamed("f", kl="reverse_kl", reverse_kl="kl")),
   chi2_reversed=("pearson_chi2 and neyman_chi2 exchanged",
                  renamed("f", pearson_chi2="neyman_chi2", neyman_chi2="pearson_chi2")),
   hellinger_half=("squared_hellinger with a factor 1/2", changed("f", "squared_hellinger", lambda f, u: f / 2)),
   total_variation_whole=("total_variation without 1/2", changed("f", "total_variation", lambda f, u: 2 * f)),
   jensen_shannon_half=("jensen_shannon with weights 1/2", changed("f", "jensen_shannon", lambda f, u: f / 2)),
   kl_sign=("-log u for u log u, but for the linear terms", changed("f", "kl", lambda f, u: f - u * np.log(
       np.where(u > 0, u, 1.0)) * 2)),
   guarded_logarithm=("log(u + 1e-8)", changed("f", "reverse_kl", lambda f, u: -np.log(u + 1e-8) + u - 1)),
   nan_at_zero=("0 log 0 is nan", changed("f", "kl", lambda f, u: u * np.log(u) + 1 - u)),
   precision_recall_half_clamped=("max(lambda u, 1) - 1, though f(1) = 0", changed(
       "f", "precision_recall(4)", lambda f, u: f + 3)),
   slope_at_one=("u log u without 1 - u", changed("f", "kl", lambda f, u: f - 1 + u)),
   float32=("float32 inside", single("f")))
of("f", "Verine2024, definition 3.1; erratum 12",
   gan_without_constant=("gan without its - 2 log 2", changed("f", "gan", lambda f, u: f + 2 * math.log(2))))


def ends_open(name, t):
    """`<` for `<=`: the closed end of the domain counts as outside."""
    ends = {"precision_recall(0.25)": 0.25, "precision_recall(1)": 1.0, "precision_recall(4)": 4.0,
            "total_variation": 0.5}
    return np.where(t >= ends.get(name, math.inf), math.inf, own["conjugate"](name, t))


of("conjugate", "Verine2024, theorem 3.2, f*",
   without_domain=("no domain: the formula goes on beyond its end", lambda name, t: np.where(
       np.isinf(own["conjugate"](name, t)), np.maximum(t, 0.0), own["conjugate"](name, t))),
   clamped=("t is clamped to at most 20", lambda name, t: own["conjugate"](name, np.minimum(t, 20.0))),
   large_for_infinite=("1e10 for infinity", lambda name, t: np.minimum(own["conjugate"](name, t), 1e10)),
   over_all_u=("pearson_chi2 over all real u: falls again below -2", changed(
       "conjugate", "pearson_chi2", lambda f, t: t + t * t / 4)),
   total_variation_unclamped=("total_variation is t below -1/2 too", changed(
       "conjugate", "total_variation", lambda f, t: np.where(np.isinf(f), f, t))),
   kl_as_printed=("exp(t - 1), which belongs to u log u", changed("conjugate", "kl", lambda f, t: np.exp(t - 1))),
   gan_for_jensen_shannon=("the conjugate of gan", renamed("conjugate", jensen_shannon="gan")),
   kl_reversed=("kl and reverse_kl exchanged", renamed("conjugate", kl="reverse_kl", reverse_kl="kl")),
   without_one_over_lambda=("max(t, 0) for max(t / lambda, 0)", changed(
       "conjugate", "precision_recall(4)", lambda f, t: np.where(np.isinf(f), f, np.maximum(t, 0) + 3))),
   float32=("float32 inside", single("conjugate")))
of("conjugate", "Verine2024, theorem 3.2, f*; errata 11 and 12",
   open_end=("`<` for `<=` at the end of the domain", ends_open),
   gan_sign=("log(1 - exp(t)), without its minus", changed("conjugate", "gan", lambda f, t: np.where(
       np.isinf(f), f, -f))))


def shared_atoms(p, q):
    both = (p > 0) & (q > 0)
    return p[both], q[both]


def without_recession(name, p, q):
    inside = q > 0
    return float(np.sum(q[inside] * own["f"](name, p[inside] / q[inside])))


def masked(name, p, q):
    p, q = shared_atoms(p, q)
    return float(np.sum(q * own["f"](name, p / q))) if len(p) else 0.0


def normalised(name, p, q):
    """Both are normalised after atoms of the model without mass are dropped."""
    p, q = p[q > 0], q[q > 0]
    return own["divergence"](name, p / p.sum(), q / q.sum()) if p.sum() > 0 else 0.0


of("divergence", "Verine2024 (7); erratum 9",
   recession_forgotten=("atoms without mass in Q are left out: no recession term", without_recession),
   shared_atoms=("atoms without mass in P or Q are left out", masked),
   normalised=("both are normalised where Q has mass", normalised),
   guarded=("p and q plus 1e-12: infinity becomes a number", lambda name, p, q: float(np.sum(
       (q + 1e-12) * own["f"](name, (p + 1e-12) / (q + 1e-12))))),
   exchanged=("P and Q exchanged", lambda name, p, q: own["divergence"](name, q, p)))
of("divergence", "Verine2024 (7)",
   bits=("in bits", lambda name, p, q: own["divergence"](name, p, q) / math.log(2)),
   mean=("the mean over the atoms", lambda name, p, q: own["divergence"](name, p, q) / len(p)),
   chi2_reversed=("pearson_chi2 and neyman_chi2 exchanged",
                  renamed("divergence", pearson_chi2="neyman_chi2", neyman_chi2="pearson_chi2")),
   written_into=("p is divided by q in place", lambda name, p, q: (own["divergence"](name, p, q), np.divide(
       p, q, out=p, where=q > 0))[0]),
   nan_left_out=("atoms with a nan are left out", lambda name, p, q: own["divergence"](
       name, *(v[~np.isnan(p + q)] / np.nansum(v[~np.isnan(p + q)]) for v in (p, q)))),
   float32=("float32 inside", single("divergence")))


# --- precision-recall curves -------------------------------------------------------------------------------------


def on_shared(p, q, lambdas):
    """Both are normalised on the atoms that they share: disjoint parts do not count."""
    p, q = shared_atoms(p, q)
    if not len(p):
        return np.zeros_like(lambdas), np.zeros_like(lambdas)
    return own["pr_curve"](p / p.sum(), q / q.sum(), lambdas)


def strict_curve(p, q, lambdas):
    """alpha by a likelihood-ratio test that leaves out ties."""
    alpha, beta = own["pr_curve"](p, q, lambdas)
    ties = np.array([np.sum(q[(lam * p == q) & (q > 0)]) for lam in lambdas])
    return alpha - ties, beta - ties / lambdas


of("pr_curve", "Verine2024 (3)",
   beta_without_one_over_lambda=("beta is alpha: 1/lambda is forgotten",
                                 lambda *args: (own["pr_curve"](*args)[0],) * 2),
   exchanged=("alpha and beta exchanged", lambda *args: own["pr_curve"](*args)[::-1]),
   lambda_on_the_other_side=("min(p, lambda q)", lambda p, q, lam: own["pr_curve"](q, p, lam)),
   mirrored=("1/lambda for lambda", lambda p, q, lam: own["pr_curve"](p, q, 1 / np.where(lam > 0, lam, 1e-300))),
   normalised=("p and q are normalised on their shared atoms", on_shared),
   ties_left_out=("`<` for `<=`: atoms with lambda p = q are lost", strict_curve),
   large_lambdas=("lambdas are clipped to [1e-6, 1e6]", lambda p, q, lam: own["pr_curve"](
       p, q, np.clip(lam, 1e-6, 1e6))),
   clipped=("values are clipped to 1e-3", lambda *args: tuple(np.maximum(v, 1e-3) for v in own["pr_curve"](*args))),
   sorted=("values are sorted by precision", lambda *args: tuple(np.sort(v)[::-1] for v in own["pr_curve"](*args))),
   float32=("float32 inside", single("pr_curve")))
of("pr_curve", "Verine2024, theorem 3.5; erratum 8",
   as_printed=("beta as theorem 3.5 prints it: P and Q exchanged, and lambda kept", lambda p, q, lam: (
       own["pr_curve"](p, q, lam)[0], own["pr_curve"](q, p, lam)[0])))


# --- neighbours --------------------------------------------------------------------------------------------------


def others(x, squares):
    """Squared distances to the other points: a point is not its own neighbour."""
    return squares(x, x) + np.diag(np.full(len(x), np.inf))


def radii(x, k, squares):
    return np.sort(others(x, squares), axis=1)[:, k - 1]


def neighbours(real, generated, k, *, squares=by_differences, radii=radii, inside=np.less_equal, shares=None):
    if np.isnan(np.sum(real)) or np.isnan(np.sum(generated)):
        return (math.nan,) * 4
    between = squares(real, generated)
    in_real = inside(between, radii(real, k, squares)[:, None])
    in_generated = inside(between, radii(generated, k, squares)[None, :])
    found = (in_real.any(axis=0).mean(), in_generated.any(axis=1).mean(), in_real.sum() / (k * len(generated)),
             in_real.any(axis=1).mean())
    return tuple(map(float, found if shares is None else shares(found, in_real, in_generated, k)))


def exchanged(found, *_):
    return found[1], found[0], *found[2:]


of("neighbour_metrics", "Verine2024, definition 2.1, by neighbours",
   open_balls=("`<` for `<=`", partial(neighbours, inside=np.less)),
   exchanged=("precision and recall exchanged", partial(neighbours, shares=exchanged)),
   own_neighbour=("a point is its own nearest neighbour", partial(
       neighbours, radii=lambda x, k, squares: np.sort(squares(x, x), axis=1)[:, k - 1])),
   k_plus_one=("the neighbour after the k-th", partial(neighbours, radii=lambda x, k, squares: np.sort(
       others(x, squares), axis=1)[:, min(k, len(x) - 2)])),
   zeros_left_out=("distances of 0 are left out, not the point itself", partial(
       neighbours, radii=lambda x, k, squares: np.sort(np.where(squares(x, x) == 0, np.inf, squares(x, x)), axis=1)[
           :, k - 1])),
   density_not_by_k=("density is not divided by k", partial(
       neighbours, shares=lambda v, r, g, k: (*v[:2], v[2] * k, v[3]))),
   density_of_real=("density is divided by the number of real points", partial(
       neighbours, shares=lambda v, r, g, k: (*v[:2], r.sum() / (k * r.shape[0]), v[3]))),
   density_clipped=("density is clipped to 1", partial(
       neighbours, shares=lambda v, r, g, k: (*v[:2], min(v[2], 1.0), v[3]))),
   coverage_by_generated=("coverage by the balls of the generated points", partial(
       neighbours, shares=lambda v, r, g, k: (*v[:3], v[1]))),
   recall_by_real=("recall by the balls of the real points", partial(
       neighbours, shares=lambda v, r, g, k: (v[0], v[3], *v[2:]))),
   gram_cancellation=("distances by the Gram matrix", partial(neighbours, squares=by_gram)),
   squared_radius=("distances against squared radii", partial(neighbours, radii=lambda x, k, squares: radii(
       x, k, squares) ** 2)),
   float32=("float32 inside", single("neighbour_metrics")),
   tolerant_boundary=("distances up to 1e-9 above the radius count", partial(
       neighbours, inside=lambda d, r: d <= r * (1 + 2e-9))),
   density_by_generated=("density by the balls of the generated points", partial(
       neighbours, shares=lambda v, r, g, k: (*v[:2], g.sum() / (k * g.shape[1]), v[3]))),
   nan_is_far=("a nan is far from everything", lambda x, y, k: own["neighbour_metrics"](
       np.nan_to_num(x, nan=1e6), np.nan_to_num(y, nan=-1e6), k)))


# --- rejection sampling ------------------------------------------------------------------------------------------


def supremum(ratio, weights):
    return float(ratio[weights > 0].max())


def unclamped(ratio, budget, weights):
    """c_K < 1 where exact samples would cost less than the budget."""
    a = own["obrs"](ratio, budget, weights)
    return a * min(1.0, float(weights.sum()) / (budget * float(weights @ a)))


def capped(cap):
    def called(ratio, budget, weights):
        a = own["obrs"](ratio, budget, weights)
        return np.where(ratio > 0, np.minimum(a, ratio * (cap / supremum(ratio, weights))), a)

    return called


def infeasible_stays(ratio, budget, weights):
    """Ratios of 0 are never accepted, though the budget asks for it."""
    return np.where(ratio > 0, own["obrs"](ratio, budget, weights), 0.0)


def loose_bisection(ratio, budget, weights):
    a = own["obrs"](ratio, budget, weights)
    exact = np.allclose(a, ratio / supremum(ratio, weights), rtol=1e-12)
    return a if exact else np.where((a < 1) & (ratio > 0), a * (1 - 1e-6), a)


of("obrs", "Verine2024 (18)",
   capped_bisection=("bisection for c_K with a cap of 1e6", capped(1e6)),
   loose_bisection=("bisection stops at 1e-6", loose_bisection),
   supremum_of_all=("M over points of weight 0 too, which changes c_K's floor", lambda r, k, w: own["obrs"](
       r, k, np.maximum(w, 1e-9 * w.max()))),
   weights_ignored=("all points have equal weights", lambda r, k, w: own["obrs"](r, k, np.ones_like(w))),
   rank_order=("probabilities come in the order of the ratios", lambda r, k, w: np.sort(own["obrs"](r, k, w))),
   not_clipped=("probabilities above 1", lambda r, k, w: np.where(own["obrs"](r, k, w) == 1, np.maximum(
       1.0, r / supremum(r, w) * 1.5), own["obrs"](r, k, w))),
   written_into=("ratios are divided by M in place", lambda r, k, w: (own["obrs"](r, k, w), np.divide(
       r, supremum(r, w), out=r))[0]),
   nan_is_zero=("a ratio of nan is one of 0", lambda r, k, w: own["obrs"](np.nan_to_num(r), k, w)),
   float32=("float32 inside", single("obrs")))
of("obrs", "Verine2024 (17); erratum 15",
   unclamped=("c_K is not clamped at 1: less is accepted than need be", unclamped),
   budget_twice=("1/(2 K) is accepted", lambda r, k, w: own["obrs"](r, 2 * k, w)))
of("obrs", "Verine2024 (18); erratum 15",
   infeasible_stays=("ratios of 0 are never accepted, and the budget is missed", infeasible_stays))


def logistic(ratio, gamma, m, *, guard=0.0, inside=1.0):
    x = np.log(ratio + guard) - np.log(np.maximum(m * inside - ratio, 0) + guard) - gamma
    return 1 / (1 + np.exp(-x))


of("drs", "Verine2024, definition 4.1",
   sign_of_gamma=("-gamma for gamma", lambda r, g, m: own["drs"](r, -g, m)),
   gamma_not_exponentiated=("1 + gamma for exp(gamma)", lambda r, g, m: r / (r * -g + m * (1 + g))),
   gamma_forgotten=("gamma is 0", lambda r, g, m: own["drs"](r, 0.0, m)),
   supremum_of_the_sample=("M is the largest ratio of the call", lambda r, g, m: own["drs"](r, g, max(r.max(), 1e-9))),
   as_printed=("the formula as printed: infinity over infinity for a large gamma", lambda r, g, m: r / (
       r * (1 - np.exp(g)) + m * np.exp(g))),
   guarded_logarithm=("logarithms of the ratio plus 1e-8", partial(logistic, guard=1e-8)),
   gamma_clipped=("gamma is clipped to [-10, 10]", lambda r, g, m: own["drs"](r, min(max(g, -10.0), 10.0), m)),
   probabilities_clipped=("probabilities are clipped to [1e-7, 1 - 1e-7]", lambda *args: np.clip(
       own["drs"](*args), 1e-7, 1 - 1e-7)),
   away_from_one=("M is 1e-6 larger, so that nothing is certain", lambda r, g, m: own["drs"](r, g, m * (1 + 1e-6))),
   nan_is_zero=("a ratio of nan is one of 0", lambda r, g, m: own["drs"](np.nan_to_num(r), g, m)),
   float32=("float32 inside", single("drs")))


# --- bounds of the class radius ----------------------------------------------------------------------------------


def density(x):
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def isoperimetric(p, *, quantile=ndtri, density=density, bracket=True):
    p = p[~(p <= 0)]  # a nan stays
    if np.any(p >= 1):
        return own["isoperimetric_bound"](p)
    q = quantile(p)
    return float(np.sum(p * q + density(q)) if bracket else np.sum(p * q) + density(q[0]))


of("isoperimetric_bound", "ClassRadius, some details",
   without_bracket=("the density stands outside of the sum, for one class", partial(isoperimetric, bracket=False)),
   zero_class=("a class of probability 0 makes nan", lambda p: float(np.sum(p * ndtri(p) + density(ndtri(p))))),
   distribution_function=("Phi for phi", partial(isoperimetric, density=lambda q: ndtr(-np.abs(q)))),
   mean_over_classes=("the mean over the classes", lambda p: own["isoperimetric_bound"](p) / len(p)),
   tail_cancels=("-Phi^-1(1 - p) for Phi^-1(p): infinite for tiny classes", partial(
       isoperimetric, quantile=lambda p: -ndtri(1 - p))),
   float32=("float32 inside", single("isoperimetric_bound")),
   nan_left_out=("classes with a nan are left out", lambda p: own["isoperimetric_bound"](
       p[~np.isnan(p)] / np.nansum(p))))
of("isoperimetric_bound", "ClassRadius, erratum 18",
   erf_inverse=("the quantile of erf: without the root of 2", partial(
       isoperimetric, quantile=lambda p: ndtri(p) / math.sqrt(2))))


def gamma(x, *, inside=4 * math.pi, root=2.0):
    h = np.log(1 / x)
    return float(np.log(inside * h) / np.sqrt(root * h))


def unless_special(capability, function):
    """The mutant where the formula is a plain number, and our own where it is not."""
    def called(p):
        right = own[capability](p)
        return function(p) if math.isfinite(right) else right

    return called


def bound(capability, function):
    return unless_special(capability, lambda p: function(p[p > 0]))


of("gamma_bound", "ClassRadius, theorem",
   largest_class=("the largest probability for |p|^2", bound("gamma_bound", lambda p: gamma(p.max()))),
   shannon=("Shannon's entropy for the collision entropy", bound("gamma_bound", lambda p: gamma(
       math.exp(float(np.sum(p * np.log(p))))))),
   termwise=("the mean of gamma(p_i), before Jensen's inequality", bound("gamma_bound", lambda p: float(
       np.sum(p * [gamma(v) for v in p])))),
   two_pi=("2 pi for 4 pi", bound("gamma_bound", lambda p: gamma(p @ p, inside=2 * math.pi))),
   root_without_two=("sqrt(log) for sqrt(2 log)", bound("gamma_bound", lambda p: gamma(p @ p, root=1.0))),
   decimal_logarithm=("logarithms to base 10", lambda p: own["gamma_bound"](p) / math.log(10)),
   number_of_classes=("log K for the entropy, zero classes and all", bound("gamma_bound", lambda p: gamma(1 / len(p)))),
   float32=("float32 inside", single("gamma_bound")))


def kappa(x, *, divided=True):
    return float(ndtri(x) + density(ndtri(x)) / (x if divided else 1.0))


of("kappa_bound", "ClassRadius, erratum 20",
   not_divided=("phi is not divided by x", bound("kappa_bound", lambda p: kappa(p @ p, divided=False))),
   largest_class=("the largest probability for |p|^2", bound("kappa_bound", lambda p: kappa(p.max()))),
   gamma=("gamma for kappa", lambda p: own["gamma_bound"](p)),
   upper_quantile=("Phi^-1(1 - x) for Phi^-1(x)", bound("kappa_bound", lambda p: kappa(p @ p) - 2 * float(
       ndtri(p @ p)))),
   number_of_classes=("1/K for |p|^2", bound("kappa_bound", lambda p: kappa(1 / len(p)))),
   float32=("float32 inside", single("kappa_bound")))


# --- entropies ---------------------------------------------------------------------------------------------------


def renyi(p, alpha, *, shannon=None):
    """The plain formula, with its limits."""
    if alpha == 1 or math.isinf(alpha):
        return own["renyi_entropy"](p, alpha) if shannon is None else shannon(p)
    return float(np.log(np.sum(p[p > 0] ** alpha)) / (1 - alpha))


def sum_of_powers(p, alpha):
    return math.exp((1 - alpha) * own["renyi_entropy"](p, alpha))


of("renyi_entropy", "ClassRadius, Renyi entropy",
   no_limit_at_one=("0/0 at alpha = 1", lambda p, a: math.nan if a == 1 else own["renyi_entropy"](p, a)),
   shifted_at_one=("alpha = 1 is taken for 1 + 1e-3", lambda p, a: own["renyi_entropy"](p, 1.001 if a == 1 else a)),
   cancellation=("the plain formula next to alpha = 1", lambda p, a: renyi(p, a) if abs(a - 1) < 1e-5
                 else own["renyi_entropy"](p, a)),
   wide_limit=("alpha within 1e-3 of 1 is taken for 1", lambda p, a: own["renyi_entropy"](
       p, 1.0 if abs(a - 1) < 1e-3 else a)),
   underflow=("p^alpha underflows for a large alpha", lambda p, a: renyi(p, a) if a > 10
              else own["renyi_entropy"](p, a)),
   zero_classes_counted=("0^0 = 1: at alpha = 0 classes without mass count", lambda p, a: math.log(len(p)) if a == 0
                         else own["renyi_entropy"](p, a)),
   bits=("in bits, and not declared", lambda p, a: own["renyi_entropy"](p, a) / math.log(2)),
   sign=("log sum / (alpha - 1)", lambda p, a: -own["renyi_entropy"](p, a)),
   tsallis=("Tsallis' entropy for Renyi's", lambda p, a: own["renyi_entropy"](p, a) if a == 1 or math.isinf(a)
            else (1 - sum_of_powers(p, a)) / (a - 1)),
   hartley_at_infinity=("infinity is taken for 1e3", lambda p, a: own["renyi_entropy"](p, min(a, 1e3))),
   guarded_logarithm=("p plus 1e-9", lambda p, a: own["renyi_entropy"]((p + 1e-9) / np.sum(p + 1e-9), a)),
   nan_left_out=("classes with a nan are left out", lambda p, a: own["renyi_entropy"](
       p[~np.isnan(p)] / np.nansum(p), a)),
   written_into=("p is sorted in place", lambda p, a: (p.sort(), own["renyi_entropy"](p, a))[1]),
   float32=("float32 inside", single("renyi_entropy")))


# What the switches are in, untouched: each must pass.
CONTROLS: dict[str, tuple[str, Callable]] = {
    "distance": ("squared_distance", distance),
    "gradient": ("squared_distance_gradient", gradient),
    "quadrature": ("expected_kernel", quadrature),
    "adam": ("adam", adam),
    "kl": ("gaussian_kl", kl),
    "vae_value": ("elbo", vae_value()),
    "vae_gradient": ("elbo_gradient", vae_gradient()),
    "neighbours": ("neighbour_metrics", neighbours),
    "capped": ("obrs", capped(math.inf)),
    "isoperimetric": ("isoperimetric_bound", isoperimetric),
    "gamma": ("gamma_bound", bound("gamma_bound", lambda p: gamma(p @ p))),
    "kappa": ("kappa_bound", bound("kappa_bound", lambda p: kappa(p @ p))),
}
