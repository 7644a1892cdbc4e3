"""prdc: precision, recall, density and coverage by nearest neighbours."""

import contextlib
import io

from prdc import compute_prdc

from divergen.oracle import Conventions, from_functions

from . import Peer


def neighbour_metrics(real, generated, k):
    """``prdc.compute_prdc``; it prints the numbers of points, which is kept off the screen."""
    with contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(real, generated, k)
    return found["precision"], found["recall"], found["density"], found["coverage"]


ADAPTER = from_functions("prdc", Conventions(boundary="<"), neighbour_metrics=neighbour_metrics)


OFFSET = ("lengths come from x.x - 2 x.y + y.y, which cancels: of 0, 1, 3, 7 against 0.5, 2, 5, 6 at k = 1 it "
          "makes 1, 3/4, 5/4, 1, and with 2^30 added to all of them 0, 0, 0, 0")
TOO_FEW = ("with k + 1 points in a set it raises ValueError, though each has a k-th neighbour: 0, 1, 3 at k = 2 gives "
           "'kth(=3) out of bounds (3)'")


def _spare(inputs):
    """How many points the smaller set has beyond k + 1, which a k-th neighbour needs."""
    return min(len(inputs["real"]), len(inputs["generated"])) - inputs["k"] - 1


PEERS = [
    Peer("prdc", "compute_prdc", ADAPTER, "neighbour_metrics", "k + 2 points and more in each set",
         lambda inputs: _spare(inputs) > 0, {"neighbour_metrics/vectors-Offset": OFFSET}),
    Peer("prdc", "compute_prdc", ADAPTER, "neighbour_metrics", "k + 1 points in the smaller set",
         lambda inputs: _spare(inputs) == 0,
         {f"neighbour_metrics/vectors-{flag}": TOO_FEW for flag in ("Normal", "Ties", "Duplicates")}),
]
