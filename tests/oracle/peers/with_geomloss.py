"""geomloss: the energy distance of weighted clouds and its gradient, without the smoothing a."""

import torch
from geomloss import SamplesLoss

from divergen.oracle import from_functions, from_torch

from . import Peer, only

LOSS = SamplesLoss("energy", backend="tensorized")


def squared_distance(x, y, x_weights, y_weights, a):
    """As it is: its formula has the factor 1/2."""
    only(a == 0, "a = 0")
    return LOSS(x_weights, x, y_weights, y)


def squared_distance_gradient(x, y, x_weights, y_weights, a):
    """By ``torch.autograd.grad``."""
    only(a == 0, "a = 0")
    x = x.clone().requires_grad_()
    return torch.autograd.grad(LOSS(x_weights, x, y_weights, y), x)[0]


ADAPTER = from_functions("geomloss", squared_distance=from_torch(squared_distance),
                         squared_distance_gradient=from_torch(squared_distance_gradient))


FLOOR = ("squared lengths below 1e-8 are raised to it, those of a point to itself too: of (0, 0) and (3, 4) at weight "
         "1 it makes 4.9999 for 5")
EXPANDED = ("squared lengths are x.x - 2 x.y + y.y, which cancels: of (1e6, 1e6) and (1e6, 1e6 + 0.001) it makes "
            "0 for 0.001")
D2 = {f"squared_distance/vectors-{flag}": FLOOR
      for flag in ("Weighted", "ZeroMass", "Coincident", "FarTail", "ZeroSmoothing", "Degenerate")}
LAWS = {f"squared_distance/{law}": FLOOR for law in ("definition", "of-two-points", "scaling")}
GRADIENT = {
    "squared_distance_gradient/vectors-Cancellation": "squared lengths cancel and are raised to 1e-8, where the slope "
    "is 0: at (1e6, 1e6), pulled to (1e6, 1e6 + 0.001), it makes (0, 0) for (0, -1)",
    "squared_distance_gradient/vectors-FarTail": "squared lengths are raised to 1e-8, where the slope is 0: at 0, "
    "pulled to 1e-5, it makes 0 for -1",
}


PEERS = [
    Peer("geomloss", "SamplesLoss('energy')", ADAPTER, "squared_distance", "a = 0",
         {**D2, **LAWS, "squared_distance/vectors-Cancellation": EXPANDED}),
    Peer("geomloss", "SamplesLoss('energy') and autograd", ADAPTER, "squared_distance_gradient", "a = 0",
         GRADIENT),
]
