r"""Training an autoencoder: Adam climbs the evidence lower bound on shuffled minibatches.

The state of a training is a value, :class:`Training`: give its parts back and it goes on as if it had not stopped, to
the last bit. A training that diverges stops with an error that says where.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..adam import AdamState, Schedule, adam_init, adam_step
from ..arrays import Array, check_count, check_rng, like, namespace
from .vae import ELBO, VAE, _as_images, _elbo_and_gradient

__all__ = ["Training", "fit"]


class Training(NamedTuple):
    """A training so far: the autoencoder, Adam's state, and the ELBO of each epoch.

    Each entry of `trace` is the mean over the epoch's images, as they came by: of parameters that move meanwhile, and
    of noise.
    """

    vae: VAE
    state: AdamState
    trace: tuple[ELBO, ...]


def fit(
    vae: VAE,
    data: Array,
    *,
    rng: np.random.Generator,
    epochs: int,
    batch_size: int = 128,
    learning_rate: float | Schedule = 1e-3,
    state: AdamState | None = None,
    callback: Callable[[Training], object] | None = None,
    progress: bool = False,
) -> Training:
    """Train an autoencoder: climb the ELBO with Adam on shuffled minibatches. The given `vae` is left as it is.

    Parameters
    ----------
    vae : VAE
        Where to start from.
    data : array, shape (n, pixels)
        Training images, values in [0, 1], of the array library of `vae.parameters`.
    rng : numpy.random.Generator
        Shuffles the images and draws the noise.
    epochs : int
        How many times to go through the data.
    batch_size : int
        The last batch of an epoch takes what is left over.
    learning_rate : float or callable
        A number, or a schedule of Adam's step, as :func:`divergen.adam.cosine_decay`.
    state : AdamState, optional
        Of an earlier training, to go on from. Two calls of 5 epochs, the second with the first one's `vae`, its `state`
        and the same `rng`, are one call of 10 epochs, to the last bit.
    callback : callable, optional
        Called after each epoch with the :class:`Training` so far.
    progress : bool
        Show a progress bar, which needs tqdm.

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        If the data do not fit, or a number is out of its range.
    FloatingPointError
        If the training diverges: the ELBO or its gradient's norm is not finite, or the parameters are not. The message
        says at which epoch and step, and what came.
    ImportError
        If a progress bar is wanted and tqdm is missing.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = np.repeat(np.eye(4), 8, axis=0)
    >>> vae, state, trace = fit(VAE.initial((4, 16, 1, 16, 4), rng=rng), images, rng=rng, epochs=200, batch_size=16,
    ...                         learning_rate=0.01)
    >>> print(f"{state.step} steps, ELBO from {trace[0].value:.0f} to {trace[-1].value:.0f}")
    400 steps, ELBO from -12 to -2
    """
    data = _as_images(data, vae, "data")
    check_rng(rng)
    epochs, batch_size = check_count(epochs, "epochs"), check_count(batch_size, "batch_size")
    state = adam_init(vae.parameters) if state is None else state
    if tuple(state.first.shape) != tuple(vae.parameters.shape):
        raise ValueError(f"state: expected the state of an autoencoder of {vae.layout.size} parameters, "
                         f"got one of shape {tuple(state.first.shape)}")
    training = Training(vae, state, ())
    with _progress_bar(epochs, progress) as show:
        for epoch in range(1, epochs + 1):
            vae, state, terms = _epoch(vae, data, state, epoch, rng, batch_size, learning_rate)
            training = Training(vae, state, (*training.trace, terms))
            show(terms)
            if callback is not None:
                callback(training)
    return training


def _epoch(
    vae: VAE, data: Array, state: AdamState, epoch: int, rng: np.random.Generator, batch_size: int,
    learning_rate: float | Schedule,
) -> tuple[VAE, AdamState, ELBO]:
    """Go through the data once, in a random order."""
    xp = namespace(data)
    n, parameters, total = data.shape[0], vae.parameters, np.zeros(3)
    order = xp.asarray(rng.permutation(n), device=data.device)
    # What overflows is caught by the two checks below, which know where it happened.
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, n, batch_size):
            batch = xp.take(data, order[start : min(start + batch_size, n)], axis=0)  # (b, pixels)
            noise = like(rng.standard_normal((batch.shape[0], vae.latent_dim)), batch)  # (b, L)
            terms, gradient = _elbo_and_gradient(vae.sizes, parameters, batch, noise)
            norm = math.sqrt(float(xp.matmul(gradient, gradient)))
            if not (math.isfinite(terms.value) and math.isfinite(norm)):
                raise FloatingPointError(
                    f"the training diverged at epoch {epoch}, step {state.step + 1}: ELBO {terms.value:.6g} "
                    f"(log-likelihood {terms.log_likelihood:.6g}, KL {terms.kl:.6g}), norm of its gradient {norm:.6g}; "
                    "a smaller learning_rate may help"
                )
            parameters, state = adam_step(parameters, -gradient, state, learning_rate)
            total += batch.shape[0] * np.array(terms)
    if not bool(xp.all(xp.isfinite(parameters))):
        raise FloatingPointError(f"the training diverged at epoch {epoch}, step {state.step}: some parameters are not "
                                 "finite; a smaller learning_rate may help")
    return replace(vae, parameters=parameters), state, ELBO(*(total / n).tolist())


@contextmanager
def _progress_bar(epochs: int, wanted: bool) -> Iterator[Callable[[ELBO], None]]:
    """Give a function to call after each epoch; with no bar wanted it does nothing."""
    if not wanted:
        yield lambda terms: None
        return
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError("progress=True shows a bar by tqdm, which is missing: pip install tqdm") from error
    with tqdm(total=epochs, desc="training", unit="epoch") as bar:

        def show(terms: ELBO) -> None:
            bar.set_postfix_str(f"ELBO {terms.value:.2f}", refresh=False)
            bar.update()

        yield show
