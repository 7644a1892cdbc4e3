r"""Laws of Adam, of the Gaussian divergence, and of the evidence lower bound with its gradient.

The bound is written out here once more, as :func:`bound`, in its shortest form: it is what the last laws hold against.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .compare import Tolerance
from .inputs import ARGUMENTS, layer_shapes, with_order
from .laws import EXACT, Trial, law

# --- Adam ------------------------------------------------------------------------------------------------------

ADAM = ARGUMENTS["adam"]


def recursion(trial: Trial, start: Any, gradients: Any, learning_rates: Any, beta1: float, beta2: float,
              epsilon: float) -> np.ndarray:
    """Algorithm 1, with epsilon where the implementation says that it has it; (T, p)."""
    theta, m, v, path = start, np.zeros_like(start), np.zeros_like(start), []
    for t, (g, rate) in enumerate(zip(gradients, learning_rates, strict=True), start=1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        below = {"outside": np.sqrt(v_hat) + epsilon, "inside": np.sqrt(v_hat + epsilon),
                 "hat": np.sqrt(v_hat) + epsilon / math.sqrt(1 - beta2**t)}[trial.conventions.epsilon]
        theta = theta - rate * m_hat / below
        path.append(theta)
    return np.array(path)


@law("adam/recursion", "it is algorithm 1, step by step", ADAM)
def _(trial: Trial, **inputs: Any) -> None:
    trial.equal(trial("adam", *inputs.values()), recursion(trial, **inputs))


@law("adam/first-step", "with epsilon 1e-30, the first step has the length of the learning rate, against the gradient",
     ADAM)
def _(trial: Trial, start: Any, gradients: Any, learning_rates: Any, beta1: float, beta2: float,
      epsilon: float) -> None:
    gradients = np.where(gradients == 0, 1.0, gradients)
    path = trial("adam", start, gradients, learning_rates, beta1, beta2, 1e-30)
    trial.equal(path[0] - start, -learning_rates[0] * np.sign(gradients[0]))


@law("adam/coordinates", "the coordinates do not know of each other", ADAM)
def _(trial: Trial, start: Any, gradients: Any, **rest: Any) -> None:
    together = trial("adam", start, gradients, *rest.values())
    last = trial("adam", start[-1:], gradients[:, -1:], *rest.values())
    trial.equal(last, together[:, -1:], detail="the last coordinate alone, against the same among the others")


@law("adam/no-foresight", "what is to come does not change the steps before it", ADAM)
def _(trial: Trial, start: Any, gradients: Any, learning_rates: Any, **rest: Any) -> None:
    half = (gradients.shape[0] + 1) // 2
    whole = trial("adam", start, gradients, learning_rates, *rest.values())
    part = trial("adam", start, gradients[:half], learning_rates[:half], *rest.values())
    trial.equal(part, whole[:half], detail=f"the first {half} steps alone, against the same of all")


@law("adam/translation", "from another start it takes the same steps", lambda draw: {**ADAM(draw),
                                                                                     "shift": draw.number(-4, 4)})
def _(trial: Trial, start: Any, gradients: Any, shift: float, **rest: Any) -> None:
    trial.equal(trial("adam", start + shift, gradients, *rest.values()) - shift,
                trial("adam", start, gradients, *rest.values()))


@law("adam/rate-zero", "at learning rate 0 it does not move", ADAM)
def _(trial: Trial, start: Any, gradients: Any, learning_rates: Any, **rest: Any) -> None:
    found = trial("adam", start, gradients, np.zeros_like(learning_rates), *rest.values())
    trial.equal(found, np.broadcast_to(start, gradients.shape), EXACT)


@law("adam/scale", "gradients and epsilon times 4 (times 16 inside the root) give the same path", ADAM)
def _(trial: Trial, start: Any, gradients: Any, epsilon: float, **rest: Any) -> None:
    factor = 16.0 if trial.conventions.epsilon == "inside" else 4.0
    trial.equal(trial("adam", start, 4 * gradients, *rest.values(), factor * epsilon),
                trial("adam", start, gradients, *rest.values(), epsilon))


# --- the Gaussian divergence -----------------------------------------------------------------------------------

KL = ARGUMENTS["gaussian_kl"]


@law("gaussian_kl/expectation", "it is E log q(z)/p(z) under q, of which three Gauss-Hermite nodes make no error", KL,
     equation="KingmaWelling2013, appendix B")
def _(trial: Trial, mean: Any, log_variance: Any) -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    z = mean[..., None] + np.exp(log_variance / 2)[..., None] * nodes  # (n, L, 3)
    log_ratio = (z**2 - nodes**2 - log_variance[..., None]) / 2
    trial.equal(trial("gaussian_kl", mean, log_variance), np.sum(log_ratio @ (weights / weights.sum()), axis=1))


@law("gaussian_kl/not-negative", "KL >= 0", KL)
def _(trial: Trial, mean: Any, log_variance: Any) -> None:
    trial.at_least(trial("gaussian_kl", mean, log_variance), 0.0)


@law("gaussian_kl/zero", "it is 0 for N(0, I)", KL)
def _(trial: Trial, mean: Any, log_variance: Any) -> None:
    zero = np.zeros_like(mean)
    trial.equal(trial("gaussian_kl", zero, zero), np.zeros(mean.shape[0]), Tolerance(0.0, 1e-15, "nothing to round"))


@law("gaussian_kl/additive", "it is the sum over the coordinates", KL)
def _(trial: Trial, mean: Any, log_variance: Any) -> None:
    single = trial("gaussian_kl", mean.reshape(-1, 1), log_variance.reshape(-1, 1)).reshape(mean.shape)
    trial.equal(trial("gaussian_kl", mean, log_variance), single.sum(axis=1))


@law("gaussian_kl/even", "the sign of the mean does not matter", KL)
def _(trial: Trial, mean: Any, log_variance: Any) -> None:
    trial.equal(trial("gaussian_kl", -mean, log_variance), trial("gaussian_kl", mean, log_variance))


@law("gaussian_kl/row-order", "another order of the rows is another order of the values",
     lambda draw: with_order(draw, KL(draw), "mean"))
def _(trial: Trial, mean: Any, log_variance: Any, order: Any) -> None:
    trial.equal(trial("gaussian_kl", mean[order], log_variance[order]), trial("gaussian_kl", mean, log_variance)[order])


# --- the evidence lower bound ----------------------------------------------------------------------------------

ELBO = ARGUMENTS["elbo"]
SMALL = Tolerance(1e-10, 1e-11, "float64 through up to six layers of at most six units")


def _layers(sizes: list[int], parameters: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut the vector: for each layer its weight, (p, q) row by row, then its bias."""
    layers, at = [], 0
    for p, q in layer_shapes(sizes):
        layers.append((parameters[at : at + p * q].reshape(p, q), parameters[at + p * q : at + p * q + q]))
        at += p * q + q
    return layers


def _perceptron(layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray) -> np.ndarray:
    """Dense layers with a ReLU between them; the sign of a complex number is that of its real part."""
    for i, (weight, bias) in enumerate(layers):
        x = (np.where(x.real > 0, x, 0) if i else x) @ weight + bias
    return x


def bound(sizes: list[int], parameters: np.ndarray, x: np.ndarray, noise: np.ndarray) -> Any:
    """The mean evidence lower bound with the noise given; analytic in the parameters."""
    layers, half, dim = _layers(sizes, parameters), len(sizes) // 2, noise.shape[1]
    encoded = _perceptron(layers[:half], x)
    mean, log_variance = encoded[:, :dim], encoded[:, dim:]
    logits = _perceptron(layers[half:], mean + np.exp(log_variance / 2) * noise)
    # log(1 + e^l) without overflow: that of -|l|, and l where l > 0
    positive = logits.real > 0
    log_normaliser = np.where(positive, logits, 0) + np.log(1 + np.exp(np.where(positive, -logits, logits)))
    log_likelihood = np.sum(x * logits - log_normaliser, axis=1)
    return np.mean(log_likelihood - np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance, axis=1) / 2)


def slope(sizes: list[int], parameters: np.ndarray, x: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Its gradient, by complex steps: exact to rounding."""
    step = 1e-30
    directions = 1j * step * np.eye(parameters.shape[0])
    return np.array([bound(sizes, parameters + d, x, noise).imag / step for d in directions])


@law("elbo/definition", "it is mean log p(x|z) - KL, forwards through the layers", ELBO)
def _(trial: Trial, **inputs: Any) -> None:
    trial.equal(trial("elbo", *inputs.values()), float(bound(**inputs)), SMALL)


@law("elbo/not-positive", "pixels are at most certain, and KL >= 0: the bound is at most 0", ELBO)
def _(trial: Trial, **inputs: Any) -> None:
    trial.at_most(trial("elbo", *inputs.values()), 0.0, SMALL)


@law("elbo/ignorance", "with all parameters 0 it is -log 2 for each pixel", ELBO)
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any) -> None:
    trial.equal(trial("elbo", sizes, np.zeros_like(parameters), x, noise), -sizes[0] * math.log(2), SMALL,
                "with all parameters 0")


@law("elbo/below-likelihood", "with biases alone, it is the likelihood of the last bias less the KL of the encoder's",
     ELBO)
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any) -> None:
    parameters, dim = _biases_only(sizes, parameters), noise.shape[1]
    layers = _layers(sizes, parameters)
    mean, log_variance = layers[len(sizes) // 2 - 1][1][:dim], layers[len(sizes) // 2 - 1][1][dim:]
    logits = layers[-1][1]
    log_likelihood = np.mean(np.sum(x * logits - np.logaddexp(0, logits), axis=1))
    kl = np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance) / 2
    trial.equal(trial("elbo", sizes, parameters, x, noise), float(log_likelihood - kl), SMALL,
                "with all weights 0, and the biases as they are")


def _biases_only(sizes: list[int], parameters: np.ndarray) -> np.ndarray:
    parts: list[np.ndarray] = []
    for weight, bias in _layers(sizes, parameters):
        parts += [np.zeros(weight.size), bias]
    return np.concatenate(parts)


@law("elbo/certainty", "logits of 1000 for white pixels and -1000 for black ones cost nothing, and overflow nothing",
     ELBO)
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any) -> None:
    white = x[:1] > 0.5
    sure = np.zeros_like(parameters)
    sure[-sizes[0] :] = np.where(white[0], 1000.0, -1000.0)
    trial.equal(trial("elbo", sizes, sure, white.astype(np.float64), noise[:1]), 0.0, SMALL,
                "with all parameters 0 but the last bias, at 1000 where x > 1/2 and -1000 elsewhere, for x > 1/2")


@law("elbo/mean-over-images", "it is the mean of the bounds of the single images", ELBO)
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any) -> None:
    single = [trial("elbo", sizes, parameters, x[i : i + 1], noise[i : i + 1]) for i in range(x.shape[0])]
    trial.equal(trial("elbo", sizes, parameters, x, noise), float(np.mean(single)), SMALL)


@law("elbo/image-order", "images with their noise may come in any order",
     lambda draw: with_order(draw, ELBO(draw), "x"))
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any, order: Any) -> None:
    trial.equal(trial("elbo", sizes, parameters, x[order], noise[order]), trial("elbo", sizes, parameters, x, noise),
                SMALL)


@law("elbo_gradient/definition", "it is the derivative of the bound, by complex steps", ELBO, examples=25)
def _(trial: Trial, **inputs: Any) -> None:
    trial.equal(trial("elbo_gradient", *inputs.values()), slope(**inputs), SMALL)


@law("elbo_gradient/differences", "it agrees with differences of the implementation's own bound",
     lambda draw: {**ELBO(draw), "direction": draw.integer(0, 1000)}, needs=("elbo_gradient", "elbo"), examples=25)
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any, direction: int) -> None:
    # A shift of the last bias crosses no kink; the rest of the direction would.
    along = np.zeros_like(parameters)
    along[-sizes[0] :] = np.random.default_rng(direction).normal(size=sizes[0])
    step = 1e-4
    high, low = (trial("elbo", sizes, parameters + s * step * along, x, noise) for s in (1, -1))
    trial.equal(float(trial("elbo_gradient", sizes, parameters, x, noise) @ along), (high - low) / (2 * step),
                Tolerance(1e-5, 1e-6, "central differences with a step of 1e-4"), "along a change of the last bias")


@law("elbo_gradient/ignorance", "with all parameters 0, the last bias is pulled by the mean of x - 1/2 and nothing "
     "before it is pulled", ELBO)
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any) -> None:
    want = np.zeros_like(parameters)
    want[-sizes[0] :] = np.mean(x - 0.5, axis=0)
    if len(sizes) == 3:  # without a hidden layer, the decoder's weight sees the latent point
        weight = noise.T @ (x - 0.5) / x.shape[0]
        want[-sizes[0] - weight.size : -sizes[0]] = weight.ravel()
    trial.equal(trial("elbo_gradient", sizes, np.zeros_like(parameters), x, noise), want, SMALL,
                "with all parameters 0")


@law("elbo_gradient/kink", "units at exactly 0 hand nothing back: the ReLU's derivative there is 0", ELBO, examples=25)
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any) -> None:
    last, at = (len(sizes) // 2 - 1, len(sizes) - 2), 0
    parameters = parameters.copy()
    for i, (p, q) in enumerate(layer_shapes(sizes)):
        parameters[at : at + (p + 1) * q] *= i in last
        at += (p + 1) * q
    trial.equal(trial("elbo_gradient", sizes, parameters, x, noise), slope(sizes, parameters, x, noise), SMALL,
                "with the parameters of all layers before a ReLU 0")


@law("elbo_gradient/mean-over-images", "it is the mean of the gradients of the single images", ELBO, examples=25)
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any) -> None:
    single = [trial("elbo_gradient", sizes, parameters, x[i : i + 1], noise[i : i + 1]) for i in range(x.shape[0])]
    trial.equal(trial("elbo_gradient", sizes, parameters, x, noise), np.mean(single, axis=0), SMALL)


@law("elbo_gradient/image-order", "images with their noise may come in any order",
     lambda draw: with_order(draw, ELBO(draw), "x"), examples=25)
def _(trial: Trial, sizes: Any, parameters: Any, x: Any, noise: Any, order: Any) -> None:
    trial.equal(trial("elbo_gradient", sizes, parameters, x[order], noise[order]),
                trial("elbo_gradient", sizes, parameters, x, noise), SMALL)
