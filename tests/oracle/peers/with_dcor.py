"""dcor: the energy distance, as a V- and as a U-statistic; it knows neither weights nor a smoothing a."""

import dcor
import numpy as np

from divergen.oracle import Conventions, from_functions

from . import Peer


def _equal(weights):
    return bool(np.all(weights == weights[0]))


def _inside(inputs):
    return inputs["a"] == 0 and _equal(inputs["x_weights"]) and _equal(inputs["y_weights"])


def _inside_u(inputs):
    return _inside(inputs) and min(len(inputs["x"]), len(inputs["y"])) > 1


def _energy_distance(statistic):
    def squared_distance(x, y, x_weights, y_weights, a):
        return dcor.energy_distance(x, y, estimation_stat=statistic)

    return squared_distance


V, U = (from_functions(f"dcor, {s}", Conventions(factor="one", statistic=s), squared_distance=_energy_distance(s))
        for s in "VU")

PEERS = [
    Peer("dcor", "energy_distance(estimation_stat='V')", V, "squared_distance", "a = 0 and equal weights", _inside),
    Peer("dcor", "energy_distance(estimation_stat='U')", U, "squared_distance",
         "a = 0, equal weights, two points and more in each cloud", _inside_u),
]
