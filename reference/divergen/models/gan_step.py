r"""One step of the adversarial training: the critic climbs a few times, then the generator descends once.

Pure functions from a state, settings and draws to the next state. :mod:`.gan` repeats them. Adam's moments decay by 1/2
and 0.99: the game moves on, and older gradients are those of another one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..adam import AdamState, adam_step, cosine_decay
from ..arrays import Array, as_points, like, namespace
from ..distance.algebra import Measure
from ..evaluation.generators import FDivergence
from .games import GeneratorObjective, critic_objective, generator_objective, plain_generator_objective
from .network import perceptron, perceptron_backward
from .players import GAN, critic_backward, critic_backward_to_points, critic_values, flat, layers, standardised

__all__ = ["GANSettings", "GANState", "critic_gradient", "gan_step", "generator_gradient", "minibatches", "units"]

BETA1, BETA2 = 0.5, 0.99
LEVELS = 8  # steps of the dtype in a typical difference between data; with fewer there is no density to learn

Draw = Callable[[np.random.Generator], Array]


class GANState(NamedTuple):
    """Where a training stands: the weights now, the generator's running average, and what Adam remembers of each."""

    generator: Array
    critic: Array
    average: Array
    generator_adam: AdamState
    critic_adam: AdamState


@dataclass(frozen=True)
class GANSettings:
    """All that decides where a training goes, besides the data and the rng. Raises ValueError for a game that is none.

    Numbers are checked where they come in.
    """

    f: FDivergence
    g: FDivergence | None
    steps: int
    batch_size: int
    learning_rate: tuple[float, float]
    critic_steps: int
    budget: float
    bandwidth: float
    averaging: float

    def __post_init__(self) -> None:
        f, g = self.f, self.g
        for name, one in (("f", f), ("g", g)):
            if not (isinstance(one, FDivergence) or (name == "g" and one is None)):
                raise ValueError(f"{name}: expected an FDivergence, such as divergen.kl, got {one!r}")
        if g is not None and g.kinks:
            raise ValueError(f"g: expected a divergence without kinks, whose critic knows the ratio p/q, got {g.name}")
        for name, one in (("f", f), ("g", g)):
            if one is not None and not one.kinks and not one.second_derivative(1.0) > 0:
                raise ValueError(f"{name}: expected a divergence with a gradient, got {one.name}, which has none")
        if self.budget > 1 and not self.knows_ratio:
            raise ValueError(f"budget: expected 1 for the plain dual of {f.name}, whose critic knows no ratio p/q, "
                             f"got {self.budget:g}; train with an auxiliary divergence g")
        if self.budget > 1 and self.budget >= self.batch_size:
            raise ValueError(f"budget: expected less than batch_size, {self.batch_size}, got {self.budget:g}; on n "
                             "points n proposals buy exact samples of the target, and nothing pulls the generator")

    @property
    def knows_ratio(self) -> bool:
        """Whether the critic that these settings train can tell p/q."""
        return not (self.g or self.f).kinks

    def described(self) -> dict[str, Any]:
        """Plain values, for comparison with those in a file."""
        values: dict[str, Any] = {
            "steps": self.steps, "batch_size": self.batch_size, "learning_rate": list(self.learning_rate),
            "critic_steps": self.critic_steps, "budget": self.budget, "bandwidth": self.bandwidth,
            "averaging": self.averaging,
        }
        for name, divergence in (("f", self.f), ("g", self.g)):
            values[name] = divergence and [divergence.name, *(divergence.f(u) for u in (0.1, 0.5, 2.0, 30.0))]
        return values


def gan_step(
    gan: GAN, state: GANState, settings: GANSettings, step: int, draw: Draw, rng: np.random.Generator
) -> tuple[GANState, tuple[float, float, float]]:
    """Let the critic climb `critic_steps` times, then the generator descend once; return an entry of the trace, too."""
    xp = namespace(state.generator)
    rates = [cosine_decay(rate, settings.steps)(step) if rate else 0.0 for rate in settings.learning_rate]
    generator, critic, critic_adam = state.generator, state.critic, state.critic_adam
    g, b = settings.g or settings.f, settings.batch_size
    generator_layers = layers(gan.generator_sizes, generator)

    def noise() -> Array:
        return like(rng.standard_normal((b, gan.latent_dim)), generator)

    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is reported below
        for _ in range(settings.critic_steps):
            real, (fake, _) = draw(rng), perceptron(generator_layers, noise())
            climb, gradient = critic_gradient(gan, critic, g, real, fake, step)
            _check("the critic", step, gradient, "dual value", climb)
            critic, critic_adam = adam_step(critic, -gradient, critic_adam, rates[1], beta1=BETA1, beta2=BETA2)
        descent, gradient = generator_gradient(gan, generator, critic, settings, noise(), step)
        _check("the generator", step, gradient, "objective", descent.value)
        generator, generator_adam = adam_step(generator, gradient, state.generator_adam, rates[0],
                                              beta1=BETA1, beta2=BETA2)
        average = generator + kept_share(settings.averaging, generator_adam.step) * (state.average - generator)
    for name, parameters in (("the critic", critic), ("the generator", generator)):
        if not bool(xp.all(xp.isfinite(parameters))):
            raise FloatingPointError(f"the training diverged at step {step + 1}: some parameters of {name} are not "
                                     "finite; a smaller learning_rate may help")
    return GANState(generator, critic, average, generator_adam, critic_adam), (climb, descent.estimate, descent.certain)


def kept_share(averaging: float, step: int) -> float:
    r"""Return the share of the average that stays at step 1, 2, ...: step k of t then weighs as :math:`a^{t-k}`."""
    return averaging * (1 - averaging ** (step - 1)) / (1 - averaging**step)


def units(data: Array) -> tuple[Array, float]:
    """Return shift, in the dtype of the data, and scale; raise ValueError for points that do not differ."""
    data = as_points(data, "data", squared=True)
    xp = namespace(data)
    wide = xp.astype(data, xp.float64)
    low, high = xp.min(wide, axis=0), xp.max(wide, axis=0)  # (d,)
    varies = high > low
    if not bool(xp.any(varies)):
        raise ValueError("data: expected points that differ, got equal ones only")
    shift = xp.astype(xp.mean(wide, axis=0), data.dtype)
    centred = wide - xp.astype(shift, xp.float64)
    largest = float(xp.max(xp.abs(centred)))
    share = centred / largest  # whose square does not vanish
    scale = largest * math.sqrt(float(xp.mean(share * share)))
    size = float(xp.max(xp.where(varies, xp.maximum(xp.abs(low), xp.abs(high)), xp.zeros_like(low))))
    if scale < LEVELS * float(xp.finfo(data.dtype).eps) * size:
        raise ValueError(f"data: expected points whose differences are more than rounding, got {data.dtype} numbers of "
                         f"size {size:.6g} that differ by about {scale:.3g}; subtract what they have in common first, "
                         "in float64")
    return shift, scale


def minibatches(data: Array | Measure, gan: GAN, size: int) -> Draw:
    """Return a function that draws real points, shape (size, d), in the units of the networks."""
    if isinstance(data, Measure):
        return lambda rng: standardised(data.sample(size, rng), gan)
    xp = namespace(data, gan.shift)
    inside = standardised(data, gan)

    def chosen(rng: np.random.Generator) -> Array:
        index = rng.integers(inside.shape[0], size=size)
        return xp.take(inside, xp.asarray(index, device=inside.device), axis=0)

    return chosen


def critic_gradient(
    gan: GAN, critic: Array, g: FDivergence, real: Array, fake: Array, step: int
) -> tuple[float, Array]:
    """Return the dual value on a minibatch, and its gradient with respect to the critic's parameters."""
    xp = namespace(real, fake)
    critic_layers = layers(gan.critic_sizes, critic)
    v, inputs = critic_values(critic_layers, xp.concat([real, fake]), gan.log_ratio_bound)  # (2 b,)
    _check_values(v, "the critic", step)
    b = real.shape[0]
    value, to_real, to_fake = critic_objective(g, v[:b], v[b:])
    return value, critic_backward(xp.concat([to_real, to_fake]), v, inputs, critic_layers, gan.log_ratio_bound)


def generator_gradient(
    gan: GAN, generator: Array, critic: Array, settings: GANSettings, z: Array, step: int
) -> tuple[GeneratorObjective, Array]:
    """Return what the generator descends on a minibatch of latents, and its gradient with respect to the parameters."""
    generator_layers, critic_layers = layers(gan.generator_sizes, generator), layers(gan.critic_sizes, critic)
    fake, inputs = perceptron(generator_layers, z)
    v, critic_inputs = critic_values(critic_layers, fake, gan.log_ratio_bound)
    _check_values(v, "the generator's points", step)
    if settings.g is None and settings.f.kinks:
        found = plain_generator_objective(settings.f, v)
    else:
        found = generator_objective(settings.f, v, bandwidth=settings.bandwidth, budget=settings.budget)
    to_fake = critic_backward_to_points(found.gradient, v, critic_inputs, critic_layers, gan.log_ratio_bound)
    return found, flat(perceptron_backward(to_fake, inputs, generator_layers, input_gradient=False)[1])


def _check_values(v: Array, where: str, step: int) -> None:
    xp = namespace(v)
    if not bool(xp.all(xp.isfinite(v))):
        raise FloatingPointError(f"the training diverged at step {step + 1}: some log-ratios of {where} are nan; "
                                 "a smaller learning_rate may help")


def _check(who: str, step: int, gradient: Array, what: str, value: float) -> None:
    """Raise FloatingPointError unless a value and its gradient are finite."""
    norm = math.sqrt(float(namespace(gradient).matmul(gradient, gradient)))
    if not (math.isfinite(value) and math.isfinite(norm)):
        raise FloatingPointError(f"the training diverged at step {step + 1}: {what} of {who} {value:.6g}, norm of its "
                                 f"gradient {norm:.6g}; a smaller learning_rate or log_ratio_bound may help")
