"""prdc: precision, recall, density and coverage by nearest neighbours."""

import contextlib
import io
from unittest import mock

import sklearn.metrics
from prdc import compute_prdc

from divergen.oracle import Conventions, from_functions

from . import Peer, only

_distances = sklearn.metrics.pairwise_distances


def _by_one_thread(*arguments, n_jobs, **options):
    """prdc asks for eight, which for a few points take a hundred times as long."""
    return _distances(*arguments, **options)


def neighbour_metrics(real, generated, k):
    """``prdc.compute_prdc``; it prints the numbers of points, which is kept off the screen."""
    only(min(len(real), len(generated)) > k + 1, "k + 2 points and more in each set")
    one_thread = mock.patch.object(sklearn.metrics, "pairwise_distances", _by_one_thread)
    with contextlib.redirect_stdout(io.StringIO()), one_thread:
        found = compute_prdc(real, generated, k)
    return found["precision"], found["recall"], found["density"], found["coverage"]


ADAPTER = from_functions("prdc", Conventions(boundary="<"), neighbour_metrics=neighbour_metrics)


OFFSET = ("lengths come from x.x - 2 x.y + y.y, which cancels: of 0, 1, 3, 7 against 0.5, 2, 5, 6 at k = 1 it "
          "makes 1, 3/4, 5/4, 1, and with 2^30 added to all of them 0, 0, 0, 0")
# What it refuses is a finding, too.
DOMAIN = ("k + 2 points and more in each set; with k + 1 it raises ValueError, though each has a k-th neighbour: "
          "0, 1, 3 at k = 2 gives 'kth(=3) out of bounds (3)'")

PEERS = [
    Peer("prdc", "compute_prdc", ADAPTER, "neighbour_metrics", DOMAIN, {"neighbour_metrics/vectors-Offset": OFFSET}),
]
