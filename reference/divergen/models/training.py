r"""Training an autoencoder: Adam climbs its objective on shuffled minibatches.

The state of a training is a value, :class:`Training`: give its parts back and it goes on as if it had not stopped, to
the last bit. A checkpoint does the same by way of a file. A training that diverges stops with an error that says where.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..adam import AdamState, Schedule, adam_init, adam_update
from ..arrays import Array, check_count, check_number, check_rng, like, namespace, to_numpy
from ..memory import keep_freed_memory
from .checkpoint import check_place, fingerprint, generator_state, load_checkpoint, save_checkpoint
from .objective import ELBO, Objective, _objective_and_gradient, check_objective
from .progress import progress_bar
from .vae import VAE, as_images

__all__ = ["Training", "fit"]

KIND = "divergen.Training 1"  # of a checkpoint: whose it is, and which version
STARTS = {"vae": "the start", "state": "the state at the start", "rng": "the state at the start"}


class Training(NamedTuple):
    """A training so far: the autoencoder, Adam's state, and the objective of each epoch with its terms.

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
    objective: Objective = Objective(),
    clip: float | None = None,
    state: AdamState | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    callback: Callable[[Training], object] | None = None,
    progress: bool = False,
) -> Training:
    """Train an autoencoder: climb an objective with Adam on shuffled minibatches. The given `vae` is left as it is.

    Parameters
    ----------
    vae : VAE
        Where to start from.
    data : array, shape (n, pixels)
        Training images, values in [0, 1], of the array library of `vae.parameters`.
    rng : numpy.random.Generator
        Shuffles the images and draws the noise.
    epochs : int
        How many times to go through the data, those that a checkpoint holds already included.
    batch_size : int
        The last batch of an epoch takes what is left over.
    learning_rate : float or callable
        A number, or a schedule of Adam's step, as :func:`divergen.adam.cosine_decay`.
    objective : Objective
        What to maximise: the evidence lower bound, if nothing else is said.
    clip : float, optional
        After each step of Adam every parameter is brought back to [-clip, clip], rounded to its dtype. The start is
        taken as it is.
    state : AdamState, optional
        Of an earlier training, to go on from. Two calls of 5 epochs, the second with the first one's `vae`, its `state`
        and the same `rng`, are one call of 10 epochs, to the last bit.
    checkpoint : path-like, optional
        A file to write the training to after each epoch, and to go on from if it is there already: see the notes.
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
        If the data do not fit, a number is out of its range, or the checkpoint is damaged or of another training; what
        differs is named.
    FloatingPointError
        If the training diverges: the objective or its gradient's norm is not finite, or the parameters are not. The
        message says at which epoch and step, and what came. The checkpoint keeps the last epoch that was good.
    ImportError
        If a progress bar is wanted and tqdm is missing.

    Notes
    -----
    **Interrupted trainings.** Run the same call again: what the checkpoint holds replaces the parameters, `state` and
    the state of `rng`, and the result is that of a training that never stopped, to the last bit, on the same machine
    and libraries. At most the epoch that was under way is lost. If `epochs` are reached already, the call returns at
    once. An epoch is complete, and written, when its `callback` has returned; so a callback may draw from `rng` too.

    Architecture, dtype, batch size, objective, clip and, by checksums, the data, the start `vae`, `state` and the state
    of `rng` at the call must be what they were: to go on, make them anew from the same seed. Of a schedule only the
    rates at the first step of each epoch so far, and of the one to come, can be compared; what it does between and
    later cannot. A schedule that depends on the number of epochs, as one that falls
    to zero at the end, is another one if that number changes. A kernel of your own is compared by its `repr`.

    **Clipping.** ClassRadius clips "weights" to [-0.3, 0.3], and does not say which, nor when; here they are all the
    parameters, biases too, after each step, as is usual.

    References
    ----------
    ClassRadius, "Experimental Setup", for `clip`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = np.repeat(np.eye(4), 8, axis=0)
    >>> vae, state, trace = fit(VAE.initial((4, 16, 1, 16, 4), rng=rng), images, rng=rng, epochs=200, batch_size=16,
    ...                         learning_rate=0.01)
    >>> print(f"{state.step} steps, ELBO from {trace[0].value:.0f} to {trace[-1].value:.0f}")
    400 steps, ELBO from -12 to -2
    """
    data = as_images(data, vae, "data")
    check_rng(rng)
    epochs, batch_size = check_count(epochs, "epochs"), check_count(batch_size, "batch_size")
    check_objective(objective)
    clip = None if clip is None else check_number(clip, "clip", above=0)
    state = adam_init(vae.parameters) if state is None else state
    if tuple(state.first.shape) != tuple(vae.parameters.shape):
        raise ValueError(f"state: expected the state of an autoencoder of {vae.layout.size} parameters, "
                         f"got one of shape {tuple(state.first.shape)}")
    training = Training(vae, state, ())
    steps = -(-data.shape[0] // batch_size)  # in an epoch
    if checkpoint is not None:
        settings = {
            "architecture": vae.architecture.settings(), "dtype": str(to_numpy(vae.parameters[:1]).dtype),
            "batch_size": batch_size, "objective": repr(objective), "clip": clip, "data": fingerprint(data),
            "vae": fingerprint(vae.parameters), "state": f"{state.step}; {fingerprint(state.first, state.second)}",
            "rng": generator_state(rng),
        }
        check_place(checkpoint)
        if Path(checkpoint).exists():
            training = _resume(checkpoint, settings, learning_rate, steps, training, epochs, rng)
    keep_freed_memory()
    with progress_bar(epochs, len(training.trace), "epoch", progress) as show:
        for epoch in range(len(training.trace) + 1, epochs + 1):
            training = _epoch(training, data, epoch, rng, batch_size, learning_rate, objective, clip)
            show(f"objective {training.trace[-1].value:.2f}")
            if callback is not None:
                callback(training)
            if checkpoint is not None:
                _save(checkpoint, settings, learning_rate, steps, training, rng)
    return training


def _epoch(
    training: Training, data: Array, epoch: int, rng: np.random.Generator, batch_size: int,
    learning_rate: float | Schedule, objective: Objective, clip: float | None,
) -> Training:
    """Go through the data once, in a random order."""
    xp = namespace(data)
    vae, state, trace = training
    n, total = data.shape[0], np.zeros(len(ELBO._fields))
    # Copies, which the steps of this epoch overwrite: what came before belongs to the caller.
    parameters, first, second = (xp.asarray(one, copy=True) for one in (vae.parameters, state.first, state.second))
    state = AdamState(state.step, first, second)
    order = xp.asarray(rng.permutation(n), device=data.device)
    # What overflows is caught by the two checks below, which know where it happened.
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, n, batch_size):
            batch = xp.take(data, order[start : min(start + batch_size, n)], axis=0)  # (b, pixels)
            noise = like(rng.standard_normal((batch.shape[0], vae.latent_dim)), batch)  # (b, L)
            terms, gradient = _objective_and_gradient(vae.architecture, parameters, batch, noise, objective)
            norm = math.sqrt(float(xp.matmul(gradient, gradient)))
            if not (math.isfinite(terms.value) and math.isfinite(norm)):
                raise FloatingPointError(
                    f"the training diverged at epoch {epoch}, step {state.step + 1}: objective {terms.value:.6g} "
                    f"(log-likelihood {terms.log_likelihood:.6g}, KL {terms.kl:.6g}, omega {terms.omega:.6g}, "
                    f"latent distance {terms.latent_distance:.6g}), norm of its gradient {norm:.6g}; "
                    "a smaller learning_rate may help"
                )
            gradient *= -1  # Adam descends
            state = adam_update(parameters, gradient, state, learning_rate)
            if clip is not None:
                parameters = xp.clip(parameters, -clip, clip)
            total += batch.shape[0] * np.array(terms)
    if not bool(xp.all(xp.isfinite(parameters))):
        raise FloatingPointError(f"the training diverged at epoch {epoch}, step {state.step}: some parameters are not "
                                 "finite; a smaller learning_rate may help")
    return Training(replace(vae, parameters=parameters), state, (*trace, ELBO(*(total / n).tolist())))


# --- checkpoints -----------------------------------------------------------------------------------------------


def _rates(learning_rate: float | Schedule, training: Training, steps: int) -> list[float]:
    """The learning rates at the first step of each epoch so far and of the next one."""
    if not callable(learning_rate):
        return [float(learning_rate)] * (len(training.trace) + 1)
    first = training.state.step - steps * len(training.trace)
    return [float(learning_rate(first + steps * i)) for i in range(len(training.trace) + 1)]


def _save(
    path: str | os.PathLike[str], settings: dict[str, Any], learning_rate: float | Schedule, steps: int,
    training: Training, rng: np.random.Generator,
) -> None:
    vae, state, trace = training
    arrays = {"parameters": vae.parameters, "first": state.first, "second": state.second, "trace": np.array(trace)}
    values = {"settings": settings, "step": state.step, "learning_rate": _rates(learning_rate, training, steps)}
    save_checkpoint(path, KIND, arrays, values, rng)


def _resume(
    path: str | os.PathLike[str], settings: dict[str, Any], learning_rate: float | Schedule, steps: int,
    start: Training, epochs: int, rng: np.random.Generator,
) -> Training:
    """Read a training and set `rng` to its state, after a check that it is the training that is asked for."""
    arrays, values, saved_rng = load_checkpoint(path, KIND)

    def compare(name: str, got: Any, expected: Any) -> None:
        if got != expected:
            raise ValueError(f"{name}: expected {expected}, as in the checkpoint {os.fspath(path)!r}, got {got}")

    shape = tuple(start.vae.parameters.shape)
    shapes = {"parameters": shape, "first": shape, "second": shape}
    missing = sorted({*shapes, "trace"} - set(arrays) | {"settings", "step", "learning_rate"} - set(values))
    if saved_rng is None or missing or set(values["settings"]) != set(settings):
        raise ValueError(f"checkpoint: expected a training as this version writes it, got {os.fspath(path)!r} "
                         f"{'without ' + ', '.join(missing) if missing else 'with other settings'}")
    for name, expected in values["settings"].items():
        if name in STARTS and settings[name] != expected:
            raise ValueError(f"{name}: expected {STARTS[name]} of the training in the checkpoint {os.fspath(path)!r}, "
                             "made anew in the same way, got another")
        compare(name, settings[name], expected)
    for name, expected_shape in shapes.items():
        compare(f"the shape of {name}", tuple(arrays[name].shape), expected_shape)
    first, second, parameters = (like(arrays[name], start.vae.parameters) for name in ("first", "second", "parameters"))
    trace = tuple(ELBO(*row) for row in arrays["trace"].tolist())
    training = Training(replace(start.vae, parameters=parameters), AdamState(values["step"], first, second), trace)
    for i, pair in enumerate(zip(_rates(learning_rate, training, steps), values["learning_rate"], strict=True)):
        compare(f"learning_rate at the start of epoch {i + 1}", *pair)
    if len(trace) > epochs:
        raise ValueError(f"epochs: expected at least {len(trace)}, which the checkpoint {os.fspath(path)!r} has "
                         f"behind it, got {epochs}")
    rng.bit_generator.state = saved_rng.bit_generator.state  # of the same kind, or its first state had differed
    return training
