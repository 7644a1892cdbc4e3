"""dcor: the energy distance, as a V- and as a U-statistic; it knows neither weights nor a smoothing a."""

import dcor
import numpy as np

from divergen.oracle import Conventions, from_functions

from . import Peer, only

ALIKE = "a = 0 and equal weights"
PAIRS = f"{ALIKE}, two points and more in each cloud"


def _energy_distance(statistic):
    def squared_distance(x, y, x_weights, y_weights, a):
        only(a == 0 and all(np.all(w == w[0]) for w in (x_weights, y_weights)), ALIKE)
        only(statistic == "V" or min(len(x), len(y)) > 1, PAIRS)
        return dcor.energy_distance(x, y, estimation_stat=statistic)

    return squared_distance


V, U = (from_functions(f"dcor, {s}", Conventions(factor="one", statistic=s), squared_distance=_energy_distance(s))
        for s in "VU")

PEERS = [
    Peer("dcor", "energy_distance(estimation_stat='V')", V, "squared_distance", ALIKE),
    Peer("dcor", "energy_distance(estimation_stat='U')", U, "squared_distance", PAIRS),
]
