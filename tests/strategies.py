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


@st.composite
def distributions(draw, atoms, kinds=("any", "zeros", "disjoint", "equal", "near", "grid")):
    """Two distributions: any; with zeros in one, the other or both; disjoint; equal; nearly; with many equal ratios."""
    n = draw(st.integers(1, atoms))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    p, q = rng.exponential(size=(2, n)) ** draw(st.sampled_from([1.0, 4.0]))
    kind = draw(st.sampled_from(kinds))
    if kind == "zeros":
        p[rng.random(n) < 0.3], q[rng.random(n) < 0.3] = 0, 0
    elif kind == "disjoint":
        p, q = np.concatenate([p, 0 * p]), np.concatenate([0 * q, q])
    elif kind == "equal":
        q = p.copy()
    elif kind == "near":
        q = p * (1 + 1e-7 * rng.standard_normal(n))
    elif kind == "grid":
        p, q = rng.integers(0, 3, (2, n)).astype(float)
    p[0], q[-1] = p[0] or 0.5, q[-1] or 0.5
    return p / p.sum(), q / q.sum()
