r"""One step of the adversarial training: the critic climbs a few times, then the generator descends once.

Pure functions from a state, settings and draws to the next state. :mod:`.gan` repeats them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..adam import AdamState, adam_step, cosine_decay
from ..arrays import Array, like, namespace
from ..evaluation.generators import FDivergence
from .games import GeneratorObjective, critic_objective, generator_objective, plain_generator_objective
from .network import perceptron, perceptron_backward
from .players import GAN, critic_backward, critic_backward_to_points, critic_values, flat, layers

__all__ = ["GANSettings", "GANState", "critic_gradient", "gan_step", "generator_gradient"]

BETA1, BETA2 = 0.5, 0.99

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
    """All that decides where a training goes, besides the data and the rng."""

    f: FDivergence
    g: FDivergence | None
    steps: int
    batch_size: int
    learning_rate: tuple[float, float]
    critic_steps: int
    budget: float
    bandwidth: float
    averaging: float

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
) -> tuple[GANState, tuple[float, float]]:
    """Let the critic climb `critic_steps` times, then the generator descend once."""
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
        average = generator + settings.averaging * (state.average - generator)
    for name, parameters in (("the critic", critic), ("the generator", generator)):
        if not bool(xp.all(xp.isfinite(parameters))):
            raise FloatingPointError(f"the training diverged at step {step + 1}: some parameters of {name} are not "
                                     "finite; a smaller learning_rate may help")
    return GANState(generator, critic, average, generator_adam, critic_adam), (climb, descent.estimate)


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
