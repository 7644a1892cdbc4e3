r"""Laws of the generators of f-divergences, of their conjugates, and of the divergences."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..equations import verine2024
from .adapter import Adapter
from .capabilities import DIVERGENCES
from .checks import register
from .compare import Tolerance
from .generators import GENERATORS
from .inputs import ARGUMENTS, merged, with_order
from .laws import Draw, Inputs, Trial, search_each

F, CONJUGATE, DIVERGENCE = (ARGUMENTS[name] for name in ("f", "conjugate", "divergence"))
SIZED = Tolerance(1e-10, 1e-11, "float64 arithmetic on a few numbers of size 10")
EXAMPLES = 15  # for each divergence


def law(
    name: str, what: str, inputs: Callable[[Draw], Inputs], *, needs: tuple[str, ...] = (), equation: str = ""
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As :func:`.laws.law`, for each divergence by itself: a bug of one of eleven would be met too seldom."""
    def put(holds: Callable[..., None]) -> Callable[..., None]:
        def run(adapter: Adapter) -> None:
            def of(name: str) -> Callable[[Draw], Inputs]:
                return lambda draw: {**inputs(draw), "name": name}

            search_each(adapter, what, [of(name) for name in DIVERGENCES], holds, examples=EXAMPLES)

        register(name, "property", what, needs=needs, equation=equation)(run)
        return holds

    return put


def conjugate(name: str, t: np.ndarray) -> np.ndarray:
    """f* at t, infinite outside of its domain."""
    one = GENERATORS[name]
    outside = t > one.upper if one.closed else t >= one.upper
    return np.where(outside, math.inf, one.conjugate(np.where(outside, -1.0, t)))


def divergence(name: str, p: np.ndarray, q: np.ndarray) -> float:
    """Eq. (7), with f(0) and with the recession term."""
    one = GENERATORS[name]

    def f(u: np.ndarray) -> np.ndarray:
        return np.where(u > 0, one.f(np.where(u > 0, u, 1.0)), one.at_zero)

    return float(verine2024.f_divergence(f, one.upper, p, q))


# --- generators ------------------------------------------------------------------------------------------------


@law("f/definition", "it is the generator of that name, in the form that is stated: f + c (u - 1) is another", F)
def _(trial: Trial, name: str, u: Any) -> None:
    trial.equal(trial("f", name, u), GENERATORS[name].f(u), SIZED)


@law("f/at-one", "f(1) = 0, and -2 log 2 for gan", F, equation="Verine2024, definition 3.1; erratum 12")
def _(trial: Trial, name: str, u: Any) -> None:
    trial.equal(trial("f", name, np.ones_like(u)), np.full(u.shape, -2 * math.log(2) if name == "gan" else 0.0), SIZED)


@law("f/at-zero", "f(0) is the limit of f, which may be infinite", F)
def _(trial: Trial, name: str, u: Any) -> None:
    trial.equal(trial("f", name, np.zeros_like(u)), np.full(u.shape, GENERATORS[name].at_zero), SIZED, "at u = 0")


@law("f/convex", "f((u + v)/2) <= (f(u) + f(v))/2", lambda draw: {**F(draw), "v": draw.number(0.125, 64)})
def _(trial: Trial, name: str, u: Any, v: float) -> None:
    trial.at_most(trial("f", name, (u + v) / 2),
                  (trial("f", name, u) + trial("f", name, np.full_like(u, v))) / 2, SIZED)


@law("f/entry-order", "each ratio is judged by itself", lambda draw: with_order(draw, F(draw), "u"))
def _(trial: Trial, name: str, u: Any, order: Any) -> None:
    trial.equal(trial("f", name, u[order]), trial("f", name, u)[order])


@law("conjugate/definition", "it is sup over u >= 0 of t u - f(u), infinite outside of its domain", CONJUGATE,
     equation="Verine2024, theorem 3.2, f*; errata 11 and 12")
def _(trial: Trial, name: str, t: Any) -> None:
    trial.equal(trial("conjugate", name, t), conjugate(name, t), SIZED)


@law("conjugate/fenchel-young", "f(u) + f*(t) >= t u, for ratios up to 1e9 too",
     lambda draw: {**CONJUGATE(draw), "exponent": draw.integer(-3, 9)}, needs=("f", "conjugate"))
def _(trial: Trial, name: str, t: Any, exponent: int) -> None:
    u = 10.0**exponent
    value = float(trial("f", name, np.array([u]))[0])
    trial.at_least(trial("conjugate", name, t), t * u - value,
                   Tolerance(1e-9, 1e-6 * max(1.0, u * 1e-6), f"rounding of t u - f(u) at u = {u:g}"),
                   f"f*(t) against t u - f(u) at u = {u:g}, with the implementation's own f")


@law("conjugate/fenchel-young-equality", "f(u) + f*(t) = t u where t is the slope of f at u: f is its biconjugate", F,
     needs=("conjugate", "f"))
def _(trial: Trial, name: str, u: Any) -> None:
    step = 1e-4 * u
    t = (trial("f", name, u + step) - trial("f", name, u - step)) / (2 * step)
    if name.startswith("precision_recall") or name == "total_variation":
        # Straight pieces: a slope at the end of the domain, but for rounding, may be beyond it.
        t = np.minimum(t, GENERATORS[name].upper * (1 - 1e-9))
    tolerance = Tolerance(1e-4, 1e-3 * float(u.max()), "a difference quotient, step 1e-4 u, perhaps across a kink")
    trial.equal(trial("conjugate", name, t), t * u - trial("f", name, u), tolerance,
                "at t = the slope of the implementation's own f")


@law("conjugate/nondecreasing", "f lives on u >= 0, so f* never falls",
     lambda draw: {**CONJUGATE(draw), "step": draw.number(0, 2)})
def _(trial: Trial, name: str, t: Any, step: float) -> None:
    trial.at_least(trial("conjugate", name, t + step), trial("conjugate", name, t), SIZED, f"f*(t + {step}) and f*(t)")


@law("conjugate/convex", "f*((s + t)/2) <= (f*(s) + f*(t))/2",
     lambda draw: {**CONJUGATE(draw), "s": draw.number(-4, 4)})
def _(trial: Trial, name: str, t: Any, s: float) -> None:
    ends = trial("conjugate", name, t), trial("conjugate", name, np.full_like(t, s))
    trial.at_most(trial("conjugate", name, (t + s) / 2), (ends[0] + ends[1]) / 2, SIZED)


# --- divergences -----------------------------------------------------------------------------------------------

# D_f(P || Q) = factor D_g(Q || P), for each f: g and factor.
REVERSES = {"kl": ("reverse_kl", 1.0), "reverse_kl": ("kl", 1.0), "pearson_chi2": ("neyman_chi2", 1.0),
            "neyman_chi2": ("pearson_chi2", 1.0), "precision_recall(0.25)": ("precision_recall(4)", 0.25),
            "precision_recall(4)": ("precision_recall(0.25)", 4.0)}


@law("divergence/definition", "it is the sum of q f(p/q), and of p lim f(u)/u where q = 0", DIVERGENCE,
     equation="Verine2024 (7); erratum 9")
def _(trial: Trial, name: str, p: Any, q: Any) -> None:
    trial.equal(trial("divergence", name, p, q), divergence(name, p, q), SIZED)


@law("divergence/least-at-equality", "D(P || Q) >= f(1), which it is for P = Q", DIVERGENCE)
def _(trial: Trial, name: str, p: Any, q: Any) -> None:
    least = -2 * math.log(2) if name == "gan" else 0.0
    trial.at_least(trial("divergence", name, p, q), least, SIZED, "D(P || Q) and f(1)")
    trial.equal(trial("divergence", name, p, p), least, SIZED, "D(P || P) and f(1)")


@law("divergence/data-processing", "putting two atoms together never raises it", DIVERGENCE)
def _(trial: Trial, name: str, p: Any, q: Any) -> None:
    trial.at_most(trial("divergence", name, merged(p), merged(q)), trial("divergence", name, p, q), SIZED,
                  "after and before the first two atoms are put together")


@law("divergence/splitting", "halving an atom of both changes nothing, nor does one that is empty in both", DIVERGENCE)
def _(trial: Trial, name: str, p: Any, q: Any) -> None:
    split = [np.concatenate([[v[0] / 2, v[0] / 2], v[1:], [0.0]]) for v in (p, q)]
    trial.equal(trial("divergence", name, *split), trial("divergence", name, p, q), SIZED)


@law("divergence/reverse", "D_f(P || Q) is D(Q || P) for the reverse generator v f(1/v)", DIVERGENCE)
def _(trial: Trial, name: str, p: Any, q: Any) -> None:
    reverse, factor = REVERSES.get(name, (name, 1.0))
    trial.equal(factor * trial("divergence", reverse, q, p), trial("divergence", name, p, q), SIZED,
                f"{factor:g} times that of {reverse}, with P and Q exchanged")


@law("divergence/disjoint", "where nothing is shared it is f(0) + lim f(u)/u", DIVERGENCE,
     equation="Verine2024 (7); erratum 9")
def _(trial: Trial, name: str, p: Any, q: Any) -> None:
    one, none = GENERATORS[name], np.zeros_like(p)
    trial.equal(trial("divergence", name, np.concatenate([p, none]), np.concatenate([none, q])),
                one.at_zero + one.upper, SIZED, "for P and Q side by side on twice as many atoms")


@law("divergence/atom-order", "the order of the atoms does not matter",
     lambda draw: with_order(draw, DIVERGENCE(draw), "p"))
def _(trial: Trial, name: str, p: Any, q: Any, order: Any) -> None:
    trial.equal(trial("divergence", name, p[order], q[order]), trial("divergence", name, p, q), SIZED)
