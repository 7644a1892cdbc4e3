"""What hypothesis draws from: clouds of points, weights, and one kernel of each family."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

import divergen as dg

KERNELS = [
    dg.HuberEnergy(), dg.HuberEnergy(a=0), dg.HuberEnergy(a=1.5), dg.PowerKernel(a=0, alpha=0.3),
    dg.PowerKernel(a=0.7, alpha=0.8), dg.RationalKernel(a=0, alpha=0.6), dg.RationalKernel(a=0.9, alpha=0.4),
]

numbers = st.floats(-10, 10, allow_subnormal=False, width=32)
kernels = st.sampled_from(KERNELS)


@st.composite
def clouds(draw, min_size=1, max_size=12, dim=None):
    """A cloud of points, with repetitions likely, in 1 to 10 dimensions (both forms of the squared radius)."""
    d = draw(st.integers(1, 10)) if dim is None else dim
    n = draw(st.integers(min_size, max_size))
    points = draw(hnp.arrays(np.float64, (n, d), elements=numbers))
    if n > 1 and draw(st.booleans()):
        points[0] = points[-1]
    return points


@st.composite
def weighted_clouds(draw, mass=1.0, dim=None, min_size=1):
    """A cloud with signed weights of a given sum."""
    points = draw(clouds(dim=dim, min_size=min_size))
    weights = draw(hnp.arrays(np.float64, points.shape[0], elements=st.floats(-2, 2, width=32)))
    weights[0] += mass - weights.sum()
    return points, weights
