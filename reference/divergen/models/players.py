r"""A generative adversarial network: a generator, and a critic that knows the density ratio.

The generator turns noise :math:`z \sim N(0, I_L)` into points x = G(z), whose law is Q. The critic estimates
:math:`\log r(x)`, :math:`r = p/q`, which is what it takes to play under any f-divergence (:mod:`.games`), and to refine
the finished generator: by optimal budgeted rejection sampling, with nothing but its own estimate.

What a training hands out are the *averaged* generator and the critic of the *last* one: the ratio that
:meth:`GAN.refine` goes by is that of a law near the one it draws from. The learning rates fall to 0, so the two end
close to each other, but refined samples are off by what is between them. ``fit_gan(..., start=gan,
learning_rate=(0, rate))`` leaves the generator as it is and fits the critic to it.

Both are perceptrons. The last layer of the critic is bounded smoothly, :math:`v = B \tanh(w / B)`: no ratio is beyond
:math:`e^{\pm B}`, so that every g is strongly convex where it is used (errata, 14).

Data come and go in their own units; inside, they are shifted to mean 0 and scaled by one number, which changes no
ratio p/q. Units are shifted and scaled in double precision, where data far from 0 keep their differences.

Source: Verine2024, sections 2 and 3.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np

from ..arrays import Array, as_points, as_vector, check_count, check_number, check_rng, like, namespace
from ..sampling.rejection import Acceptance, RejectionInfo, obrs, rejection_sample
from .checkpoint import load_checkpoint, save_checkpoint
from .network import (
    Layers,
    Layout,
    perceptron,
    perceptron_backward,
    perceptron_initial,
    perceptron_shapes,
    relu_backward,
)

__all__ = ["GAN", "Refined"]

FORMAT = "divergen.GAN 1"


class Refined(NamedTuple):
    """Points drawn through OBRS, what the draws cost, and the rule by which they were accepted."""

    points: Array
    info: RejectionInfo
    acceptance: Acceptance


@dataclass(frozen=True, eq=False)
class GAN:
    r"""A generator and its critic: the sizes of their layers, and the parameters of each in one vector.

    Parameters
    ----------
    generator_sizes : tuple of int
        From the latent dimension L to the dimension d of the data, such as (2, 64, 64, 2).
    critic_sizes : tuple of int
        From d to 1.
    generator, critic : array, shape (size,)
        All weights and biases, of one dtype, in which the networks compute; the layers are in
        :attr:`generator_layers` and :attr:`critic_layers`.
    shift : array, shape (d,)
        The data's mean, in the dtype of the data, in which points come out.
    scale : float
        The data's root mean square deviation from it, per coordinate.
    log_ratio_bound : float
        B, beyond which no log-ratio goes.
    knows_ratio : bool
        False for a critic that was trained by the plain dual of a divergence with kinks: it tells on which side of a
        kink a point is, and no ratio.

    Raises
    ------
    ValueError
        If sizes, parameters, shift or scale do not fit together.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> gan = GAN.initial((2, 16, 3), (3, 16, 1), rng=rng, shift=np.full(3, 10.0))
    >>> x = gan.sample(5, rng)
    >>> print(x.shape, gan.log_ratio(x).shape)
    (5, 3) (5,)
    """

    generator_sizes: tuple[int, ...]
    critic_sizes: tuple[int, ...]
    generator: Array
    critic: Array
    shift: Array
    scale: float = 1.0
    log_ratio_bound: float = 10.0
    knows_ratio: bool = True

    def __post_init__(self) -> None:
        for part in ("generator", "critic"):
            name = f"{part}_sizes"
            sizes = _check_sizes(getattr(self, name), name)
            object.__setattr__(self, name, sizes)
            as_vector(getattr(self, part), part, length=_layout(sizes).size)
        namespace(self.generator, self.critic, self.shift)
        if self.critic.dtype != self.generator.dtype:
            raise ValueError(f"critic: expected the generator's dtype {self.generator.dtype}, got {self.critic.dtype}")
        if (self.critic_sizes[0], self.critic_sizes[-1]) != (self.dim, 1):
            raise ValueError(f"critic_sizes: expected to go from the data's dimension {self.dim} to 1, "
                             f"got {self.critic_sizes}")
        as_vector(self.shift, "shift", length=self.dim)
        check_number(self.scale, "scale", above=0)
        check_number(self.log_ratio_bound, "log_ratio_bound", above=0)

    @classmethod
    def initial(
        cls, generator_sizes: tuple[int, ...], critic_sizes: tuple[int, ...], *, rng: np.random.Generator,
        shift: Array, scale: float = 1.0, log_ratio_bound: float = 10.0, knows_ratio: bool = True,
        dtype: str | None = None,
    ) -> GAN:
        """Return untrained networks: He's weights behind each ReLU, Glorot's in the last layers.

        They are in the library of `shift`, and in its dtype unless "float32" or "float64" is given. Other parameters as
        for the class.
        """
        check_rng(rng)
        shift = as_vector(shift, "shift")
        xp = namespace(shift)
        reference = shift if dtype is None else xp.zeros_like(shift, dtype=getattr(xp, check_dtype(dtype)))
        both = _check_sizes(generator_sizes, "generator_sizes"), _check_sizes(critic_sizes, "critic_sizes")
        generator, critic = (like(_layout(sizes).flatten(perceptron_initial(sizes, "layer", rng)), reference)
                             for sizes in both)
        return cls(*both, generator, critic, shift, scale, log_ratio_bound, knows_ratio)

    @property
    def latent_dim(self) -> int:
        """L."""
        return self.generator_sizes[0]

    @property
    def dim(self) -> int:
        """d, the dimension of the data."""
        return self.generator_sizes[-1]

    @cached_property
    def generator_layers(self) -> list[tuple[Array, Array]]:
        """Weight and bias of each of the generator's layers."""
        return layers(self.generator_sizes, self.generator)

    @cached_property
    def critic_layers(self) -> list[tuple[Array, Array]]:
        """Weight and bias of each of the critic's layers."""
        return layers(self.critic_sizes, self.critic)

    def generate(self, z: Array) -> Array:
        """Return the points that the generator makes of latents.

        Parameters
        ----------
        z : array, shape (n, L)
            Draws of N(0, I), or truncated ones (:func:`~divergen.hard_truncation`).

        Returns
        -------
        array, shape (n, d)
            In the units and the dtype of the data.

        Raises
        ------
        ValueError
            If z is not an array of finite numbers of shape (n, L).
        """
        z = as_points(z, "z", dim=self.latent_dim)
        xp = namespace(z, self.generator)
        y, _ = perceptron(self.generator_layers, xp.astype(z, self.generator.dtype))
        points = xp.astype(y, xp.float64) * self.scale + xp.astype(self.shift, xp.float64)
        return xp.astype(points, self.shift.dtype)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n points of the generator, shape (n, d)."""
        n, rng = check_count(n, "n"), check_rng(rng)
        return self.generate(like(rng.standard_normal((n, self.latent_dim)), self.generator))

    def log_ratio(self, x: Array) -> Array:
        r"""Return the critic's estimate of :math:`\log p(x)/q(x)`, between -B and B.

        Parameters
        ----------
        x : array, shape (n, d)
            In the units of the data.

        Returns
        -------
        array, shape (n,)
            In the networks' dtype.

        Raises
        ------
        ValueError
            If x is not an array of finite numbers of shape (n, d), or the critic knows no ratio.

        References
        ----------
        Verine2024, eq. (14).
        """
        if not self.knows_ratio:
            raise ValueError("log_ratio: expected a critic that knows the ratio p/q, got one trained by the plain dual "
                             "of a divergence with kinks; train with an auxiliary divergence g")
        x = as_points(x, "x", dim=self.dim)
        return critic_values(self.critic_layers, standardised(x, self), self.log_ratio_bound)[0]

    def refine(self, n: int, rng: np.random.Generator, *, budget: float, calibration: int = 20_000) -> Refined:
        r"""Draw n points through optimal budgeted rejection sampling, with the critic's own ratios.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator
        budget : float
            K >= 1, how many proposals one point may cost, on average.
        calibration : int
            How many draws the rule is computed from; the rate is then 1/K up to about :math:`1/\sqrt{calibration}`.

        Returns
        -------
        Refined

        Raises
        ------
        ValueError
            If a number is out of its range, or the critic knows no ratio.

        References
        ----------
        Verine2024, theorem 4.2.
        """
        check_rng(rng)
        drawn = self.sample(check_count(calibration, "calibration"), rng)
        rule = obrs(self.log_ratio(drawn), budget, log=True)
        points, info = rejection_sample(self.sample, self.log_ratio, rule.__call__, n, rng)
        return Refined(points, info, rule)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the networks to a file; what is there already is replaced, once the new file is complete."""
        save_checkpoint(path, FORMAT, {"generator": self.generator, "critic": self.critic, "shift": self.shift}, {
            "generator_sizes": list(self.generator_sizes), "critic_sizes": list(self.critic_sizes),
            "scale": float(self.scale), "log_ratio_bound": float(self.log_ratio_bound),
            "knows_ratio": bool(self.knows_ratio),
        })

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> GAN:
        """Read what :meth:`save` wrote, as NumPy arrays.

        Raises
        ------
        ValueError
            If the file is damaged or holds something else.
        FileNotFoundError
            If there is none.
        """
        arrays, values, _ = load_checkpoint(path, FORMAT)
        try:
            return cls(
                tuple(values["generator_sizes"]), tuple(values["critic_sizes"]), arrays["generator"], arrays["critic"],
                arrays["shift"], values["scale"], values["log_ratio_bound"], values["knows_ratio"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"path: expected a file that GAN.save wrote, got {path}: {error!r}") from error


# --- what the training needs of the two networks -----------------------------------------------------------------


def standardised(x: Array, gan: GAN) -> Array:
    """Bring points to the networks' units, in double precision, and then to their dtype."""
    xp = namespace(x, gan.shift)
    inside = (xp.astype(x, xp.float64) - xp.astype(gan.shift, xp.float64)) / gan.scale
    return xp.astype(inside, gan.critic.dtype)


def check_dtype(dtype: str) -> str:
    """Return a name of a dtype that networks may have."""
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype: expected 'float32' or 'float64', got {dtype!r}")
    return dtype


def hidden_sizes(sizes: Sequence[int], name: str) -> tuple[int, ...]:
    """Return sizes of layers, none at all or any number, as a tuple."""
    try:
        given = tuple(sizes)
    except TypeError:
        raise ValueError(f"{name}: expected a sequence of sizes, such as (64, 64), got {sizes!r}") from None
    return tuple(check_count(size, f"{name}: size") for size in given)


def _check_sizes(sizes: Sequence[int], name: str) -> tuple[int, ...]:
    checked = hidden_sizes(sizes, name)
    if len(checked) < 2:
        raise ValueError(f"{name}: expected at least two sizes, of input and output, got {checked}")
    return checked


@cache
def _layout(sizes: tuple[int, ...]) -> Layout:
    return Layout(perceptron_shapes(sizes, "layer"))


def layers(sizes: tuple[int, ...], parameters: Array) -> list[tuple[Array, Array]]:
    """Cut a flat vector into the (weight, bias) of each layer; nothing is copied."""
    views = _layout(sizes).views(parameters)
    return [(views[f"layer.{i}.weight"], views[f"layer.{i}.bias"]) for i in range(len(sizes) - 1)]


def flat(gradients: list[tuple[Array, Array]]) -> Array:
    """Join the gradients of :func:`~divergen.models.network.perceptron_backward` in the order of the flat vector."""
    xp = namespace(gradients[0][0])
    return xp.concat([xp.reshape(piece, (-1,)) for pair in gradients for piece in pair])


def critic_values(critic: Layers, x: Array, bound: float) -> tuple[Array, list[Array]]:
    r"""Return :math:`v = B \tanh(w(x) / B)`, shape (n,), and what the backward pass needs."""
    w, inputs = perceptron(critic, x)  # (n, 1)
    return bound * namespace(w).tanh(w[:, 0] / bound), inputs


def critic_backward(gradient: Array, v: Array, inputs: list[Array], critic: Layers, bound: float) -> Array:
    """Go back from v, shape (n,), to the critic's parameters, as one flat vector."""
    gradient = gradient * (1 - (v / bound) * (v / bound))
    return flat(perceptron_backward(gradient[:, None], inputs, critic, input_gradient=False)[1])


def critic_backward_to_points(gradient: Array, v: Array, inputs: list[Array], critic: Layers, bound: float) -> Array:
    """Go back from v, shape (n,), to the points, shape (n, d): what the generator is told.

    The gradients of the critic's own parameters, half of the work, are left out.
    """
    xp = namespace(gradient)
    back = (gradient * (1 - (v / bound) * (v / bound)))[:, None]
    for i in reversed(range(len(critic))):
        back = xp.matmul(back, xp.matrix_transpose(critic[i][0]))
        if i > 0:
            back = relu_backward(back, inputs[i])
    return back
