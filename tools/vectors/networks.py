r"""Golden vectors of the evidence lower bound of a dense autoencoder, and of its gradient in the parameters.

The parameters lie in one vector: encoder layers, then decoder layers, of each the weight (p, q) row by row and the bias
(q,). The last encoder layer has 2 L outputs, L means and then L log-variances; behind each layer but the last one of
either half stands a ReLU. With :math:`z = \mu + e^{\lambda/2} \varepsilon` and the logits :math:`\ell(z)`, the bound of
an image is :math:`\sum_j x_j \ell_j - \log(1 + e^{\ell_j}) - \mathrm{KL}`, and the result its mean over the images.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp, mpf

from .format import Case, exact
from .inputs import EPS, allowance

Row = list[mpf]
Layer = tuple[list[Row], Row]  # weight (p, q), bias (q,)


class Network(NamedTuple):
    """The arguments of both capabilities."""

    sizes: list[int]
    parameters: np.ndarray
    x: np.ndarray
    noise: np.ndarray


def layer_shapes(sizes: Sequence[int]) -> list[tuple[int, int]]:
    middle = len(sizes) // 2
    return [*pairwise([*sizes[:middle], 2 * sizes[middle]]), *pairwise(sizes[middle:])]


def cut(sizes: Sequence[int], parameters: Row) -> tuple[list[Layer], list[Layer]]:
    """Return the layers of encoder and decoder."""
    layers, at = [], 0
    for p, q in layer_shapes(sizes):
        weight = [parameters[at + i * q : at + (i + 1) * q] for i in range(p)]
        layers.append((weight, parameters[at + p * q : at + (p + 1) * q]))
        at += (p + 1) * q
    return layers[: len(sizes) // 2], layers[len(sizes) // 2 :]


def forward(layers: list[Layer], row: Row) -> tuple[Row, list[Row]]:
    """Return the outputs, and the inputs of each layer."""
    saved = []
    for i, (weight, bias) in enumerate(layers):
        row = [v if v > 0 else mpf(0) for v in row] if i else row
        saved.append(row)
        row = [b + mp.fsum(v * w[k] for v, w in zip(row, weight, strict=True)) for k, b in enumerate(bias)]
    return row, saved


def backward(layers: list[Layer], pull: Row, saved: list[Row]) -> tuple[Row, Row]:
    """Return the gradients in the inputs and in the parameters, these in the order of the vector."""
    pieces: list[Row] = []
    for i in reversed(range(len(layers))):
        pieces.insert(0, [v * g for v in saved[i] for g in pull] + pull)
        pull = [mp.fsum(w * g for w, g in zip(row, pull, strict=True)) for row in layers[i][0]]
        if i:
            pull = [g if v > 0 else mpf(0) for g, v in zip(pull, saved[i], strict=True)]
    return pull, [v for piece in pieces for v in piece]


def bound(sizes: Sequence[int], parameters: Row, x: list[Row], noise: list[Row], *, by_logarithms: bool = False) -> mpf:
    """Return the bound; `by_logarithms` takes the logarithms of the pixels' probabilities and of both densities."""
    encoder, decoder = cut(sizes, parameters)
    dim, total = len(noise[0]), mpf(0)
    for image, draw in zip(x, noise, strict=True):
        encoded, _ = forward(encoder, image)
        mean, log_variance = encoded[:dim], encoded[dim:]
        z = [m + mp.exp(v / 2) * e for m, v, e in zip(mean, log_variance, draw, strict=True)]
        logits, _ = forward(decoder, z)
        if by_logarithms:
            total += mp.fsum(p * mp.log(1 / (1 + mp.exp(-logit))) + (1 - p) * mp.log(1 / (1 + mp.exp(logit)))
                             for p, logit in zip(image, logits, strict=True))
            total -= mp.fsum(mp.log(1 / mp.sqrt(mp.exp(v))) - (1 - m * m - mp.exp(v)) / 2
                             for m, v in zip(mean, log_variance, strict=True))
        else:
            total += mp.fsum(p * logit - softplus(logit) for p, logit in zip(image, logits, strict=True))
            total -= mp.fsum(m * m + mp.expm1(v) - v for m, v in zip(mean, log_variance, strict=True)) / 2
    return total / len(x)


def softplus(v: mpf) -> mpf:
    return max(v, mpf(0)) + mp.log1p(mp.exp(-abs(v)))


def bound_gradient(sizes: Sequence[int], parameters: Row, x: list[Row], noise: list[Row]) -> Row:
    """Go forward and backward through every image, and take the mean."""
    encoder, decoder = cut(sizes, parameters)
    dim, total = len(noise[0]), [mpf(0)] * len(parameters)
    for image, draw in zip(x, noise, strict=True):
        encoded, encoder_saved = forward(encoder, image)
        mean, log_variance = encoded[:dim], encoded[dim:]
        spread = [mp.exp(v / 2) * e for v, e in zip(log_variance, draw, strict=True)]
        logits, decoder_saved = forward(decoder, [m + s for m, s in zip(mean, spread, strict=True)])
        to_logits = [p - 1 / (1 + mp.exp(-logit)) for p, logit in zip(image, logits, strict=True)]
        to_z, decoder_part = backward(decoder, to_logits, decoder_saved)
        to_mean = [g - m for g, m in zip(to_z, mean, strict=True)]
        to_log_variance = [(g * s - mp.expm1(v)) / 2 for g, s, v in zip(to_z, spread, log_variance, strict=True)]
        _, encoder_part = backward(encoder, to_mean + to_log_variance, encoder_saved)
        total = [t + g for t, g in zip(total, encoder_part + decoder_part, strict=True)]
    return [t / len(x) for t in total]


def differences(net: Network) -> Row:
    """Return central differences of the bound with steps of 1e-30; no ReLU has its kink so near."""
    with mp.workdps(mp.dps + 60):
        sizes, parameters, x, noise = net.sizes, *map(exact, net[1:])
        step, found = mpf(10) ** -30, []
        for i, v in enumerate(parameters):
            high, low = (bound(sizes, [*parameters[:i], v + s, *parameters[i + 1 :]], x, noise) for s in (step, -step))
            found.append((high - low) / (2 * step))
        return found


def shaken(net: Network, function: Callable[..., Any]) -> float:
    """Return how much a result changes, relative to the change, when all arguments change a little, up and down."""
    change, draw = 2.0**-20, random.Random(1).random
    with mp.workdps(30):
        def shake(v: Any) -> Any:
            return [shake(c) for c in v] if isinstance(v, list) else v * (1 + (change if draw() < 0.5 else -change))

        arguments = [exact(part) for part in net[1:]]
        there = function(net.sizes, *arguments)
        worst = mpf(0)
        for _ in range(6):
            moved = function(net.sizes, *map(shake, arguments))
            both = [(there, moved)] if isinstance(there, mpf) else zip(there, moved, strict=True)
            worst = max(worst, *(abs(p - q) for p, q in both), mpf(0))
        return float(worst) / change


def networks() -> Iterator[tuple[str, tuple[str, ...], Network]]:
    """Yield what both capabilities are judged by."""
    def net(name: str, flags: str, sizes: list[int], n: int, seed: int, *, weight: float = 1.0,
            change: Callable[[np.ndarray], None] | None = None, x: Any = None, noise: Any = None) -> tuple:
        draw = random.Random(seed).random

        def numbers(*shape: int, size: float = 1.0) -> np.ndarray:  # odd multiples of 1/128: no kink is met exactly
            return np.array([(2 * int(draw() * 256) - 255) / 128 * size for _ in range(int(np.prod(shape)))]
                            ).reshape(shape)

        parameters = numbers(sum((p + 1) * q for p, q in layer_shapes(sizes)), size=weight)
        if change is not None:
            change(parameters)
        images = np.array([[int(draw() * 65) / 64 for _ in range(sizes[0])] for _ in range(n)]) if x is None else x
        eps = numbers(n, sizes[len(sizes) // 2]) if noise is None else noise
        return name, tuple(flags.split()), Network(sizes, parameters, np.array(images, dtype=np.float64),
                                                   np.array(eps, dtype=np.float64))

    def logits(*values: float) -> Callable[[np.ndarray], None]:
        def change(parameters: np.ndarray) -> None:
            parameters[-len(values) :] = values

        return change

    yield net("one-layer", "Normal", [3, 2, 3], 2, 1, weight=0.5)
    yield net("two-layers", "Normal", [4, 3, 2, 3, 4], 3, 2, weight=0.5)
    yield net("two-layers-one-image", "Normal", [4, 3, 2, 3, 4], 1, 3, weight=0.5)
    yield net("two-layers-more-images", "Normal", [4, 3, 2, 3, 4], 6, 4, weight=0.5)
    yield net("three-layers", "Normal", [4, 5, 3, 2, 3, 5, 4], 2, 5, weight=0.5)
    yield net("uneven", "Normal", [3, 5, 1, 2, 3], 4, 6, weight=0.5)
    yield net("latent-above-pixels", "Normal", [2, 3, 4, 3, 2], 3, 7, weight=0.5)
    yield net("larger-weights", "Normal", [4, 3, 2, 3, 4], 3, 8)
    yield net("white-and-black", "Binary", [4, 3, 2, 3, 4], 3, 9, weight=0.5,
              x=[[0, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    yield net("one-pixel", "Binary", [1, 2, 1, 2, 1], 2, 10, weight=0.5, x=[[1], [0]])
    yield net("no-noise", "Noise", [4, 3, 2, 3, 4], 2, 11, weight=0.5, noise=np.zeros((2, 2)))
    yield net("large-noise", "Noise", [4, 3, 2, 3, 4], 2, 12, weight=0.5, noise=[[4.0, -3.5], [-5.25, 6.0]])
    yield net("same-image-other-noise", "Noise", [4, 3, 2, 3, 4], 2, 13, weight=0.5, x=[[0.5, 0.25, 1, 0]] * 2)
    yield net("logits-1000-right", "Saturated", [4, 3, 2, 3, 4], 2, 14, weight=0.5, x=[[1, 0, 1, 0]] * 2,
              change=logits(1000.0, -1000.0, 1000.0, -1000.0))
    yield net("logits-1000-wrong", "Saturated", [4, 3, 2, 3, 4], 2, 14, weight=0.5, x=[[0, 1, 0.5, 0.25]] * 2,
              change=logits(1000.0, -1000.0, 1000.0, -1000.0))
    yield net("logits-40", "Saturated", [3, 2, 3], 2, 15, weight=0.5, x=[[1, 0, 1], [0, 0, 1]],
              change=logits(40.0, -40.0, 36.0))

    def narrow(parameters: np.ndarray) -> None:
        # The encoder of [3, 2, 3]: weight (3, 4), then bias (4,), two means and two log-variances.
        parameters[14:16] = [-30.0, -60.0]

    def wide(parameters: np.ndarray) -> None:
        parameters[14:16] = [6.0, 4.0]

    def dead(parameters: np.ndarray) -> None:
        parameters[12:15] = -50.0  # the first biases of [4, 3, 2, 3, 4]: no unit of the first layer is on

    yield net("narrow", "Variance", [3, 2, 3], 2, 16, weight=0.5, change=narrow)
    yield net("wide", "Variance", [3, 2, 3], 2, 17, weight=0.5, change=wide)
    yield net("dead-units", "Dead", [4, 3, 2, 3, 4], 3, 18, weight=0.5, change=dead)
    yield net("black-images", "Dead", [4, 3, 2, 3, 4], 2, 19, weight=0.5, x=np.zeros((2, 4)))


REASON = ("as much as the result changes when every parameter, pixel and noise changes by 16 eps: sums over layers, "
          "each rounded, and not better than their condition")


def cases(function: Callable[..., Any], second: Callable[[Network], Any]) -> Iterator[Case]:
    for name, flags, net in networks():
        def compute(net: Network = net) -> Any:
            return function(net.sizes, *map(exact, net[1:]))

        yield Case(name, flags, net._asdict(), compute, partial(second, net),
                   tolerance=allowance(16 * EPS * (shaken(net, function) + 0.5), 16 * EPS, REASON))


def elbo_cases() -> Iterator[Case]:
    def logarithms(net: Network) -> mpf:
        with mp.workdps(mp.dps + 900):  # 1 + e^1000 must keep its 1
            return bound(net.sizes, *map(exact, net[1:]), by_logarithms=True)

    yield from cases(bound, logarithms)


def elbo_gradient_cases() -> Iterator[Case]:
    yield from cases(bound_gradient, differences)


FLAGS = {
    "Normal": "weights up to 1/2 or 1, grey images",
    "Binary": "pixels that are 0 or 1",
    "Noise": "noise that is 0, large, or differs for the same image",
    "Saturated": "logits of 40 and 1000: exp overflows, 1 + exp(-logit) rounds to 1",
    "Variance": "log-variances of -60 and of 6",
    "Dead": "a layer whose units are all off, or images that are all black: gradients that are exactly 0",
}
