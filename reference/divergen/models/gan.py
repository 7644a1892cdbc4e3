r"""Training a generator against its critic, under any f-divergence, with or without a budget for rejection.

One step: the critic climbs its dual `critic_steps` times, then the generator descends once; both by Adam, with
:math:`\beta_1 = 1/2`, :math:`\beta_2 = 0.99` and rates that fall along half a cosine. What is handed back is the
running average of the generator's weights, which circle around their optimum, and the last critic, which was trained
against the last generator and not against the average: :mod:`.players` says what that means for refined samples.

With a file to keep its state in, a training that was interrupted goes on from there, to the same weights, bit for bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..adam import AdamState, adam_init
from ..arrays import Array, as_points, check_count, check_number, check_rng, like, to_numpy
from ..distance.algebra import Measure
from ..evaluation.generators import FDivergence
from ..memory import keep_freed_memory
from .checkpoint import check_place, fingerprint, generator_state, load_checkpoint, save_checkpoint
from .gan_step import GANSettings, GANState, gan_step, minibatches, units
from .players import GAN, check_dtype, hidden_sizes
from .progress import progress_bar

__all__ = ["GANState", "GANTrace", "GANTraining", "fit_gan"]

FORMAT = "divergen.fit_gan 1"
MEASURED = 10_000  # draws of a measure that its mean and scale are taken from
COMPARED = 100  # draws that tell whether it is the same as last time
OTHER = {"rng": "another seed or state", "start": "other networks"}  # of what a checksum is kept, which says nothing


class GANTrace(NamedTuple):
    r"""One entry for each step.

    Attributes
    ----------
    dual : array
        The dual value that the critic reached on its last minibatch.
    estimate : array
        Of :math:`D_f` (after OBRS, if there is a budget), by eq. (15), before the generator's step, as in
        :class:`~divergen.models.games.GeneratorObjective`: the mean of :math:`f(r) - f'(1)(r - 1)`, as if the critic's
        ratios had the mean 1. nan in a plain dual with kinks.
    certain : array
        The share of generated points that pulled the generator: those accepted for certain, 1 without a budget. Where
        it is 0, K bought exact samples of P on this minibatch, by the critic's ratios, and the generator stood still.
    """

    dual: np.ndarray
    estimate: np.ndarray
    certain: np.ndarray


class GANTraining(NamedTuple):
    """A training so far: the networks with the averaged generator, the state, and the trace."""

    gan: GAN
    state: GANState
    trace: GANTrace


def fit_gan(
    data: Array | Measure,
    f: FDivergence,
    *,
    g: FDivergence | None = None,
    rng: np.random.Generator,
    steps: int = 3000,
    latent_dim: int = 2,
    generator_hidden: Sequence[int] = (64, 64),
    critic_hidden: Sequence[int] = (64, 64),
    batch_size: int = 256,
    learning_rate: float | Sequence[float] = (1e-3, 2e-3),
    critic_steps: int = 2,
    budget: float = 1.0,
    bandwidth: float = 1.0,
    log_ratio_bound: float = 10.0,
    averaging: float = 0.995,
    dtype: str = "float32",
    start: GAN | None = None,
    every: int = 500,
    callback: Callable[[GANTraining], object] | None = None,
    progress: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> GANTraining:
    r"""Train a generator to minimise :math:`D_f(P \| Q)`, against a critic.

    Without g, the critic is trained by f itself: the plain dual, the original game for `gan`. With g, the critic
    learns the ratio p/q through :math:`D_g`, and the generator descends :math:`D_f` at that ratio: the way to the
    PR-divergence, for which the plain dual fails (:func:`~divergen.models.games.plain_generator_objective` says why).

    Parameters
    ----------
    data : array of shape (n, d), or Measure
        Samples of P, in any units, or P itself, of mass 1, to draw fresh ones from.
    f : FDivergence
        What the generator descends.
    g : FDivergence, optional
        What the critic climbs; without kinks.
    rng : numpy.random.Generator
        Draws the first weights, the minibatches and the noise.
    steps : int
        Of the generator.
    latent_dim : int
        :math:`L`.
    generator_hidden, critic_hidden : sequence of int
        Sizes of the hidden layers.
    batch_size : int
        Real points, and generated ones, in each step.
    learning_rate : float, or two of them
        Adam's first rate for both, or for generator and critic; they fall to 0. A generator of rate 0 stays as it is:
        with `start` this trains a critic for a given generator.
    critic_steps : int
        For each of the generator's steps.
    budget : float
        K >= 1: the generator minimises the divergence of its law *after* OBRS at this budget. Needs a critic that knows
        the ratio, and, above 1, K below `batch_size`: on n points n proposals buy exact samples of P. Where K does so
        on a minibatch nothing is pulled; `certain` in the trace says how often that happens.
    bandwidth : float
        On the scale of log r, over which a kink of f is spread when there is a g.
    log_ratio_bound : float
        B of :class:`~divergen.models.players.GAN`.
    averaging : float
        a in [0, 1): the generator that is handed out has the average of the weights after each step, where step k of t
        counts in proportion to :math:`a^{t-k}`. Those before the first step do not count.
    dtype : {"float32", "float64"}
        Of the networks. Points come out in the dtype of the data.
    start : GAN, optional
        Networks to go on from; sizes, units, bound and dtypes are then theirs, not those of the arguments.
    every : int
        After how many steps `callback` is called and the checkpoint written.
    callback : callable, optional
        Called with the :class:`GANTraining` so far.
    progress : bool
        Show a progress bar, which needs tqdm.
    checkpoint : path-like, optional
        A file that keeps the state. If it exists, the training goes on from it, and `rng` with it, to the same weights
        as without interruption; `data`, `rng` and all arguments that matter have to be those it began with. It is
        written once `callback` has returned, so a callback may draw from `rng` too, and one that fails is called again.

    Returns
    -------
    GANTraining

    Raises
    ------
    ValueError
        If an argument is out of its range, g has a kink, f has no gradient at all (lambda = 0 or infinity), a budget is
        asked of a critic without ratio, the data do not differ or only by rounding, or the checkpoint is damaged, of
        another training (it says what differs) or in no folder.
    FloatingPointError
        If the training diverges: it says at which step, which quantity, and what came.
    ImportError
        If a progress bar is wanted and tqdm is missing.

    Notes
    -----
    Measured on a ring of 8 Gaussians, with a generator of 16 hidden units: `kl` was the steadiest g, `gan` varied more
    between trainings, and `pearson_chi2`, whose gradient grows with the square of the ratio, most of all. A bandwidth
    of 2 brought the results at different :math:`\lambda` closer together. Only samples that are accepted for certain
    pull through a budget: at K = 4 the recall varied much more between trainings than at K = 2.

    References
    ----------
    Verine2024, eq. (9), (12)-(15) and "Training generative models with OBRS objective", with errata (22).

    Examples
    --------
    >>> from divergen.evaluation.generators import kl, precision_recall
    >>> rng = np.random.default_rng(0)
    >>> data = 5 + 2 * rng.standard_normal((2000, 1))
    >>> gan = fit_gan(data, precision_recall(1), g=kl, rng=rng, steps=400, latent_dim=1, generator_hidden=(),
    ...               critic_hidden=(16,), learning_rate=1e-2, averaging=0.98).gan
    >>> x = gan.sample(10_000, rng)
    >>> print(f"{x.mean():.0f} {x.std():.0f}")
    5 2
    """
    check_rng(rng)
    both = tuple(learning_rate) if isinstance(learning_rate, Sequence) else (learning_rate, learning_rate)
    if len(both) != 2:
        raise ValueError(f"learning_rate: expected a number, or one for the generator and one for the critic, "
                         f"got {learning_rate!r}")
    settings = GANSettings(
        f, g, check_count(steps, "steps"), check_count(batch_size, "batch_size"),
        (check_number(both[0], "learning_rate", at_least=0), check_number(both[1], "learning_rate", at_least=0)),
        check_count(critic_steps, "critic_steps"), check_number(budget, "budget", at_least=1),
        check_number(bandwidth, "bandwidth", above=0), check_number(averaging, "averaging", at_least=0, below=1),
    )
    every, latent_dim, dtype = check_count(every, "every"), check_count(latent_dim, "latent_dim"), check_dtype(dtype)
    hidden = (hidden_sizes(generator_hidden, "generator_hidden"), hidden_sizes(critic_hidden, "critic_hidden"))
    if not (start is None or isinstance(start, GAN)):
        raise ValueError(f"start: expected a GAN, got {start!r}")
    if isinstance(data, Measure) and not abs(data.mass - 1) <= 1e-6:
        raise ValueError(f"data: expected a measure of mass 1, got one of mass {data.mass:.6g}")
    if checkpoint is not None:
        check_place(checkpoint)

    began_with = generator_state(rng)
    known = as_points(data.sample(MEASURED, rng) if isinstance(data, Measure) else data, "data")
    d = known.shape[1]
    given = None if start is None else f"{fingerprint(start.generator, start.critic, start.shift)}; {start.scale}"
    if start is None:
        shift, scale = units(known)
        start = GAN.initial((latent_dim, *hidden[0], d), (d, *hidden[1], 1), rng=rng, shift=shift, scale=scale,
                            log_ratio_bound=log_ratio_bound, dtype=dtype)
    elif start.dim != d:
        raise ValueError(f"start: expected networks for points of dimension {d}, got {start.dim}")
    start = replace(start, knows_ratio=settings.knows_ratio)
    draw = minibatches(data if isinstance(data, Measure) else known, start, batch_size)
    # A measure is compared by draws of their own: `known` is another one for another rng.
    seen = data.sample(COMPARED, np.random.default_rng(0)) if isinstance(data, Measure) else known

    state = GANState(start.generator, start.critic, start.generator, adam_init(start.generator),
                     adam_init(start.critic))
    trace = np.full((len(GANTrace._fields), steps), np.nan)
    identity = settings.described() | {
        "data": fingerprint(seen), "rng": began_with, "start": given,
        "dtype": to_numpy(start.generator[:1]).dtype.name, "generator_sizes": list(start.generator_sizes),
        "critic_sizes": list(start.critic_sizes), "log_ratio_bound": start.log_ratio_bound,
    }
    done = 0
    if checkpoint is not None and Path(checkpoint).exists():
        state, done = _resume(checkpoint, identity, state, trace, rng)

    def training() -> GANTraining:
        gan = replace(start, generator=state.average, critic=state.critic)
        return GANTraining(gan, state, GANTrace(*trace[:, :done].copy()))

    keep_freed_memory()
    with progress_bar(steps, done, "step", progress) as show:
        while done < steps:
            state, trace[:, done] = gan_step(start, state, settings, done, draw, rng)
            done += 1
            show(f"divergence {trace[1, done - 1]:.3f}")
            if done % every == 0 or done == steps:
                if callback is not None:
                    callback(training())
                if checkpoint is not None:
                    _save(checkpoint, identity, state, trace[:, :done], rng)
    return training()


# --- the file ------------------------------------------------------------------------------------------------------


def _save(
    path: str | os.PathLike[str], identity: dict[str, Any], state: GANState, trace: np.ndarray, rng: np.random.Generator
) -> None:
    arrays = {
        "generator": state.generator, "critic": state.critic, "average": state.average, "trace": trace,
        "generator_first": state.generator_adam.first, "generator_second": state.generator_adam.second,
        "critic_first": state.critic_adam.first, "critic_second": state.critic_adam.second,
    }
    steps = {"generator": state.generator_adam.step, "critic": state.critic_adam.step}
    save_checkpoint(path, FORMAT, arrays, {"identity": identity, "adam_steps": steps}, rng)


def _resume(
    path: str | os.PathLike[str], identity: dict[str, Any], state: GANState, trace: np.ndarray, rng: np.random.Generator
) -> tuple[GANState, int]:
    """Read a state, fill in the trace, and bring `rng` to where it was."""
    found = load_checkpoint(path, FORMAT)
    try:
        theirs, arrays, steps = found.values["identity"], dict(found.arrays), found.values["adam_steps"]
        differing = [name for name in identity if theirs.get(name) != identity[name]]
        if differing:
            details = "; ".join(f"{name}: {OTHER[name]}" if name in OTHER else
                                f"{name} was {theirs.get(name)} and is {identity[name]}" for name in differing)
            raise ValueError(f"checkpoint: expected the training of these arguments, got another in {path}: {details}")
        past = arrays.pop("trace")
        parts = {name: like(values, state.generator) for name, values in arrays.items()}
        resumed = GANState(parts["generator"], parts["critic"], parts["average"], *(
            AdamState(steps[who], parts[f"{who}_first"], parts[f"{who}_second"]) for who in ("generator", "critic")))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"checkpoint: expected a file that fit_gan wrote, got {path}: {error!r} is missing") from error
    if found.rng is None:
        raise ValueError(f"checkpoint: expected a file that fit_gan wrote, got {path}: the state of rng is missing")
    done = past.shape[1]
    trace[:, :done] = past
    rng.bit_generator.state = found.rng.bit_generator.state
    return resumed, done
