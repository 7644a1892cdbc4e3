r"""What comes out where the log-variance of a Gaussian is read as something else, in the shortest form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .inputs import layer_shapes

__all__ = ["misreadings"]

# The log-variance that is meant by who reads s as something else.
READ_AS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the logarithm of the standard deviation": lambda s: 2 * s,
    "the standard deviation": lambda s: 2 * np.log(s),
    "the variance": np.log,
}


def _kl(mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    return np.sum(mean**2 + np.expm1(log_variance) - log_variance, axis=1) / 2


def _through(layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray) -> np.ndarray:
    for i, (weight, bias) in enumerate(layers):
        x = (np.maximum(x, 0) if i else x) @ weight + bias
    return x


def _elbo(
    draw: Callable[[np.ndarray], np.ndarray], kl: Callable[[np.ndarray], np.ndarray], sizes: list[int],
    parameters: np.ndarray, x: np.ndarray, noise: np.ndarray,
) -> np.ndarray:
    """KingmaWelling2013 (10), with what stands for the log-variance in the draw and in the KL."""
    layers, at, dim, half = [], 0, noise.shape[1], len(sizes) // 2
    for p, q in layer_shapes(sizes):
        layers.append((parameters[at : at + p * q].reshape(p, q), parameters[at + p * q : at + (p + 1) * q]))
        at += (p + 1) * q
    encoded = _through(layers[:half], x)
    mean, s = encoded[:, :dim], encoded[:, dim:]
    logits = _through(layers[half:], mean + np.exp(draw(s) / 2) * noise)
    return np.mean(np.sum(x * logits - np.logaddexp(0, logits), axis=1) - _kl(mean, kl(s)))


def misreadings(capability: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield what may be read as what, and a function of the arguments that does so."""
    if capability == "gaussian_kl":
        for what, read in READ_AS.items():
            yield f"log_variance as {what}", lambda mean, s, read=read: _kl(mean, read(s))
    if capability == "elbo":
        def right(s: np.ndarray) -> np.ndarray:
            return s

        for what, read in READ_AS.items():
            for where, draw, kl in (("", read, read), (" in the draw", read, right), (" in the KL", right, read)):
                yield f"the log-variance as {what}{where}", lambda *args, d=draw, k=kl: _elbo(d, k, *args)
