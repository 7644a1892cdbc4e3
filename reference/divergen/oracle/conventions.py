r"""Where two right implementations may differ: the conventions that an adapter declares, and how a wrong one is found.

A number twice ours need not be a bug: the energy distance of the literature has no factor 1/2. An adapter says which
convention it follows, and is then judged by it. What it says may be wrong, and then no vector agrees; the kit tries the
other conventions and says with which one they would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

__all__ = ["CHOICES", "FOLLOWED", "HOUSE", "MEANINGS", "Conventions"]

# What each convention may be; the first is the house's own.
CHOICES: dict[str, tuple[str, ...]] = {
    "factor": ("half", "one"),
    "power": ("squared", "root"),
    "statistic": ("V", "U"),
    "boundary": ("<=", "<"),
    "logarithm": ("e", "2", "10"),
    "epsilon": ("outside", "inside", "hat"),
}

MEANINGS: dict[str, str] = {
    "factor": "d^2 with the factor 1/2 of Turinici2023 (3)-(4), or without, as the energy distance and Turinici2022old "
              "(2)",
    "power": "the squared distance d^2, or its root d",
    "statistic": "sums over all pairs, the diagonal too, divided by n^2 (V), or over pairs of different points, divided"
                 " by n (n - 1) (U); with weights, the U-statistic of a self-energy is the sum over i != j of "
                 "w_i w_j h(x_i - x_j), divided by the weight of these pairs, 1 - sum of w_i^2; the sum between both "
                 "clouds is the same",
    "boundary": "a neighbour at exactly the radius counts (<=), or does not (<)",
    "logarithm": "the base in which entropies are given",
    "epsilon": "Adam's epsilon is added outside the root of the bias-corrected second moment, as in algorithm 1 of "
               "Kingma and Ba, or to the moment inside the root, or is their epsilon-hat, added to the root of the "
               "moment before it is corrected: lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)",
}

# What a value is that follows a convention, as the one who declared another sees it.
FOLLOWED: dict[str, str] = {
    "factor=one": "is exactly twice ours", "factor=half": "is exactly half of ours",
    "power=root": "is the root of ours", "power=squared": "is the square of ours",
    "statistic=U": "leaves out the pairs of a point with itself", "statistic=V": "has the pairs of a point with itself",
    "boundary=<": "does not count a neighbour at exactly the radius",
    "boundary=<=": "counts a neighbour at exactly the radius",
    "logarithm=e": "is in nats", "logarithm=2": "is in bits", "logarithm=10": "is in decimal digits",
    "epsilon=outside": "has epsilon outside the root of the corrected moment",
    "epsilon=inside": "has epsilon inside the root",
    "epsilon=hat": "has epsilon beside the root of the uncorrected moment",
}


@dataclass(frozen=True)
class Conventions:
    """The conventions of an implementation; each default is what this package does.

    Parameters
    ----------
    factor : {"half", "one"}
        Of the squared distance.
    power : {"squared", "root"}
        Whether ``squared_distance`` gives the square or the distance itself.
    statistic : {"V", "U"}
        Whether sums over pairs have the diagonal.
    boundary : {"<=", "<"}
        Of neighbourhoods.
    logarithm : {"e", "2", "10"}
        Base of entropies.
    epsilon : {"outside", "inside", "hat"}
        Of Adam, relative to the root; ``"hat"`` is outside the root of the moment that is not yet corrected.

    Raises
    ------
    ValueError
        If a convention is none of these.

    Examples
    --------
    >>> Conventions(factor="one").factor
    'one'
    """

    factor: str = "half"
    power: str = "squared"
    statistic: str = "V"
    boundary: str = "<="
    logarithm: str = "e"
    epsilon: str = "outside"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value not in CHOICES[field.name]:
                choices = " or ".join(map(repr, CHOICES[field.name]))
                raise ValueError(f"{field.name}: expected {choices} ({MEANINGS[field.name]}), got {value!r}")

    def others(self, names: tuple[str, ...]) -> Iterator[tuple[str, Conventions]]:
        """Yield what these could be if some of the named ones were declared wrongly, with words for it.

        Fewest changes first.
        """
        found = []
        for choices in product(*(CHOICES[name] for name in names)):
            changes = {n: c for n, c in zip(names, choices, strict=True) if c != getattr(self, n)}
            seen = " and ".join(FOLLOWED[f"{name}={choice}"] for name, choice in changes.items())
            words = " and ".join(f"{name}={choice!r} ({MEANINGS[name]})" for name, choice in changes.items())
            said = f"your value {seen}: you follow the convention {words}; declare it"
            found.append((len(changes), said, replace(self, **changes)))
        yield from ((said, other) for number, said, other in sorted(found, key=lambda one: one[0]) if number)

    def changed(self) -> dict[str, Any]:
        """Return those that differ from the house's own."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != getattr(HOUSE, f.name)}


HOUSE = Conventions()
