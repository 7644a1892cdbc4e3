r"""Golden vectors of the kernel, the squared distance of two clouds with its gradient, and the expected kernel.

The definitions are sums over pairs, in mpmath. What confirms them shares no formula with them: the kernel as the root
of a quadratic equation; the squared distance as an integral of squared differences of distribution functions (on the
line, a = 0) or over the kernel's mixture of Gaussians; the gradient by differences at 60 more digits. The expected
kernel is an integral over that mixture, confirmed by series or by integrals over the density of |x - z|.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp, mpf

from divergen.oracle.capabilities import CAPABILITIES

from . import gaussian
from .format import Case, document, exact
from .gaussian import mixture
from .inputs import EPS, allowance, cloud, equal, shares, squared, ugly

Points = list[list[mpf]]


# ---- the kernel ------------------------------------------------------------------------------------------------

def h(s: mpf, a: mpf) -> mpf:
    """Return sqrt(s + a^2) - a, without the subtraction."""
    return s / (mp.sqrt(s + a * a) + a) if s else s


def kernel_cases() -> Iterator[Case]:
    def case(name: str, flags: tuple[str, ...], x: Any, a: float) -> Case:
        x = np.array(x, dtype=np.float64)

        def compute(function: Callable[[mpf], mpf]) -> list[mpf]:
            return [function(mp.fsum(v * v for v in row)) for row in exact(x)]

        def root(s: mpf) -> mpf:  # of u^2 + 2 a u = s, at enough digits for any cancellation
            with mp.workdps(mp.dps + 250):
                return mp.sqrt(s + mpf(a) ** 2) - a

        reason = f"the squares of {x.shape[1]} coordinates are added, each sum is rounded; a root and a quotient follow"
        rounding = (x.shape[1] / 2 + 6) * EPS
        # Where nothing cancels, a rounding error of a itself is granted: then root minus a will do.
        extra = 0.0 if {"Cancellation", "TinySmoothing", "FarTail"} & set(flags) else 2 * EPS * a
        return Case(name, flags, {"x": x, "a": a}, partial(compute, lambda s: h(s, mpf(a))), partial(compute, root),
                    tolerance=allowance(extra, rounding, reason + ("; or a is subtracted" if extra else "")))

    plane = [[3.0, 4.0], [0.375, -1.25], [-2.0, 0.5]]
    for i, a in enumerate((1.0, 0.375, 2.5, 12.0, 0.1)):
        yield case(f"plane-{i}", ("Normal",), plane, a)
    for d in (1, 2, 3, 7, 8, 17):
        yield case(f"dyadic-d{d}", ("Normal",), cloud(5, d, d), 0.75)
        yield case(f"all-bits-d{d}", ("Normal",), ugly(4, d, 10 + d), 0.3)
    yield case("one-row", ("Normal",), [[1.5, -2.0, 0.25]], 1.0)
    yield case("signs", ("Normal",), [[1.0, 2.0], [-1.0, 2.0], [1.0, -2.0], [-1.0, -2.0], [2.0, 1.0]], 0.5)
    yield case("paper-a", ("Paper", "TinySmoothing"), plane, 1e-6)
    yield case("paper-a-near", ("Paper", "TinySmoothing"), [[1e-6, 0.0], [3e-7, -4e-7], [0.0, 1e-3]], 1e-6)
    yield case("paper-a-line", ("Paper", "TinySmoothing"), [[0.5], [-1.0], [3.0]], 1e-6)
    for d in (1, 2, 5, 64):
        yield case(f"energy-d{d}", ("ZeroSmoothing",), cloud(4, d, 20 + d), 0.0)
    yield case("energy-3-4-5", ("ZeroSmoothing",), [[3.0, 4.0], [5.0, 12.0], [-8.0, 15.0]], 0.0)
    yield case("zero", ("Coincident",), [[0.0, 0.0], [1.0, 0.0]], 1.0)
    yield case("zero-energy", ("Coincident", "ZeroSmoothing"), [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], 0.0)
    yield case("zero-large-a", ("Coincident",), [[0.0], [-0.0], [1.0]], 1000.0)
    yield case("zero-ugly-a", ("Coincident",), [[0.0, 0.0], [0.1, 0.2]], 0.1)
    for i, (size, a) in enumerate(((1e-9, 1.0), (2.0**-30, 1.0), (1e-5, 0.1), (1e-12, 0.3), (1.0, 1e9), (1e-4, 1e3),
                                   (1e-8, 10.0), (0.01, 1e6))):
        yield case(f"small-{i}", ("Cancellation",), [[size, 0.0], [0.6 * size, -0.8 * size], [0.0, 2 * size]], a)
    yield case("tiny-a", ("TinySmoothing",), plane, 1e-150)
    yield case("tiny-a-near", ("TinySmoothing",), [[1e-12, 0.0], [0.0, 3e-12]], 1e-12)
    yield case("tiny-a-underflow", ("TinySmoothing",), [[1.0, 1.0], [1e-10, 0.0]], 1e-200)
    for i, (size, a) in enumerate(((1e6, 1.0), (1e100, 1.0), (1e100, 1e100), (1e-20, 0.0), (1e12, 1e-6))):
        yield case(f"far-{i}", ("FarTail",), [[size, 0.0], [-3 * size, 4 * size]], a)
    for d in (64, 256, 784):
        yield case(f"high-d{d}", ("HighDimension",), cloud(2, d, 30 + d), 1e-6)


# ---- the squared distance --------------------------------------------------------------------------------------

class Pair(NamedTuple):
    """Two clouds, and what is special about them."""

    id: str
    flags: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray
    x_weights: np.ndarray
    y_weights: np.ndarray
    a: float


def pair(name: str, flags: str, x: Any, y: Any, a: float, u: Any = None, w: Any = None) -> Pair:
    x, y = np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)
    return Pair(name, tuple(flags.split()), x, y, equal(len(x)) if u is None else u, equal(len(y)) if w is None else w,
                a)


def pairs() -> Iterator[Pair]:
    """Yield what both the squared distance and its gradient are judged by."""
    for d in (1, 2, 3, 5):
        for a in (1.0, 0.125):
            yield pair(f"dyadic-d{d}-a{a:g}", "Normal", cloud(4, d, d), cloud(2, d, 40 + d) + 0.5, a)
        yield pair(f"all-bits-d{d}", "Normal", ugly(4, d, 50 + d), ugly(4, d, 60 + d), 0.3)
    yield pair("more-y", "Normal", cloud(2, 2, 70), cloud(8, 2, 71), 0.5)
    for i, (u, w) in enumerate(((shares(5, 2, 1), shares(1, 1, 6)), (shares(1, 7), shares(3, 4, 1)),
                                (shares(9, 1, 2, 4), shares(1, 15)), (shares(1, 1, 62), shares(32, 31, 1)))):
        for d in (1, 2, 8):
            yield pair(f"weighted-{i}-d{d}", "Weighted", cloud(len(u), d, 80 + i), cloud(len(w), d, 90 + i),
                       (0.0, 0.5, 1.0, 1e-6)[i], u, w)
    x, y = cloud(4, 2, 100), cloud(4, 2, 101)
    yield pair("zero-weight-far", "ZeroMass", [*x[:3], [1e6, -1e6]], y, 0.5, shares(1, 1, 2, 0))
    yield pair("zero-weight-both", "ZeroMass", x, y, 1e-6, shares(0, 3, 0, 5), shares(4, 0, 4, 0))
    yield pair("zero-weight-same", "ZeroMass", x[[0, 1, 1, 2]], y, 0.0, shares(2, 0, 1, 1))
    yield pair("zero-weight-y", "ZeroMass", x, [*y[:3], [-1e6, 1e6]], 1.0, None, shares(3, 1, 4, 0))
    yield pair("same-clouds", "Coincident", x, x, 0.5)
    yield pair("same-clouds-energy", "Coincident ZeroSmoothing", x, x, 0.0)
    yield pair("same-clouds-in-another-order", "Coincident", x, x[::-1], 1e-6)
    yield pair("same-measure-split", "Coincident", x[:2], x[[0, 0, 1, 1]], 1.0)
    yield pair("repeated", "Coincident ZeroSmoothing", x[[0, 0, 1, 1]], y, 0.0)
    yield pair("shared-points", "Coincident ZeroSmoothing", x, [x[0], y[0], x[2], y[1]], 0.0)
    yield pair("shared-points-d9", "Coincident", cloud(4, 9, 102), cloud(4, 9, 102)[[0, 1, 1, 3]], 1e-6)
    yield pair("all-in-one-point", "Coincident", x[[0, 0, 0, 0]], x[[0, 0]], 0.0)
    for i, (d, a) in enumerate(((1, 0.0), (2, 1.0), (3, 1e-6), (16, 0.5), (24, 0.0))):
        yield pair(f"offset-1e6-{i}", "Cancellation", cloud(4, d, 110 + i, offset=1e6),
                   cloud(4, d, 120 + i, offset=1e6), a)
    for i, (d, gap, a) in enumerate(((2, 2.0**-30, 0.0), (16, 2.0**-30, 0.0), (16, 2.0**-40, 1e-6),
                                     (3, 2.0**-26, 2.0**-26))):
        near = cloud(2, d, 130 + i)
        yield pair(f"near-{i}", "Cancellation", near, near + cloud(2, d, 140 + i, scale=gap), a)
    yield pair("offset-near", "Cancellation", cloud(2, 8, 150, offset=1e6),
               cloud(2, 8, 150, offset=1e6) + cloud(2, 8, 151, scale=2.0**-20), 0.0)
    # From 26 rows on some libraries change to the Gram form by themselves; multiples of 1.1 have squares that round.
    yield pair("many-points-d1", "Cancellation", 1.1 * cloud(32, 1, 152, offset=4096.0),
               1.1 * cloud(32, 1, 153, offset=4096.0), 0.0)
    for i, a in enumerate((1e3, 1e8)):
        yield pair(f"large-a-{i}", "LargeSmoothing", x, y + 1, a)
    yield pair("large-a-weighted", "LargeSmoothing", x, y, 64.0, shares(5, 1, 1, 1))
    yield pair("far-apart", "FarTail", x, cloud(4, 2, 160, offset=1e9), 1.0)
    yield pair("huge", "FarTail", cloud(2, 2, 161, scale=1e100), cloud(2, 2, 162, scale=1e100), 1.0)
    yield pair("small", "FarTail", cloud(2, 2, 163, scale=2.0**-60), cloud(2, 2, 164, scale=2.0**-60), 0.0)
    yield pair("two-scales", "FarTail", [[0.0, 0.0], [1024.0, 0.0]], [[2.0**-10, 2.0**-12], [1023.5, 2.0**-10]],
               1e-6)
    for d, n in ((64, 4), (64, 2), (256, 2), (784, 2)):
        yield pair(f"high-d{d}-n{n}", "HighDimension", cloud(n, d, 170 + d + n), cloud(2, d, 180 + d), 1e-6)
    yield pair("energy-line", "ZeroSmoothing", [[0.0], [1.0], [2.5], [-3.0]], [[0.5], [1.25]], 0.0)
    yield pair("energy-plane", "ZeroSmoothing", x, y, 0.0)
    yield pair("energy-space", "ZeroSmoothing", cloud(4, 3, 190), cloud(8, 3, 191), 0.0)
    yield pair("paper-a-plane", "Paper TinySmoothing", cloud(8, 2, 200), cloud(8, 2, 201), 1e-6)
    yield pair("paper-a-latent", "Paper TinySmoothing", cloud(4, 8, 202), cloud(4, 8, 203), 1e-6)
    yield pair("tiny-a", "TinySmoothing", x, y, 1e-150)
    yield pair("one-and-one", "Degenerate", [[0.0, 0.0]], [[3.0, 4.0]], 0.0)
    yield pair("one-and-many", "Degenerate", [[0.25, -0.5]], y, 0.5)
    yield pair("many-and-one", "Degenerate", x, [[0.25, -0.5]], 1e-6)
    yield pair("one-and-itself", "Degenerate Coincident", [[1.5, 2.0]], [[1.5, 2.0]], 1.0)


@cache
def h_of(x: tuple, y: tuple, a: float, digits: int) -> mpf:
    return h(squared(x, y), mpf(a))


def terms(p: Pair, statistic: str) -> tuple[mpf, mpf, mpf]:
    """Return the sums over pairs from x to y, within x and within y."""
    xs, ys, u, w = ([tuple(r) for r in exact(p.x)], [tuple(r) for r in exact(p.y)],
                    exact(p.x_weights), exact(p.y_weights))
    between = mp.fsum(v * c * h_of(r, q, p.a, mp.dps) for r, v in zip(xs, u, strict=True)
                      for q, c in zip(ys, w, strict=True))
    within = [
        mp.fsum(2 * ci * cj * h_of(points[i], points[j], p.a, mp.dps)
                for (i, ci), (j, cj) in combinations(enumerate(weights), 2)) * share(weights, statistic)
        for points, weights in ((xs, u), (ys, w))
    ]
    return between, within[0], within[1]


def share(weights: list[mpf], statistic: str) -> mpf:
    """Return what a sum over pairs of different points is multiplied by: 1, or 1 / (1 - sum w^2)."""
    rest = 1 - mp.fsum(c * c for c in weights)
    return mpf(1) if statistic == "V" or not rest else 1 / rest


def distance(p: Pair, statistic: str) -> mpf:
    between, in_x, in_y = terms(p, statistic)
    return between - (in_x + in_y) / 2


def signed(p: Pair) -> list[tuple[list[mpf], mpf]]:
    """Return the points of the difference of both measures, with their signed weights."""
    there = [(y, -c) for y, c in zip(exact(p.y), exact(p.y_weights), strict=True)]
    return [*zip(exact(p.x), exact(p.x_weights), strict=True), *there]


def cramer(p: Pair) -> mpf:
    """Integrate the squared difference of the distribution functions: on the line that is d^2 for a = 0."""
    steps = sorted((x[0], c) for x, c in signed(p))
    total, level = mpf(0), mpf(0)
    for (x, c), (following, _) in pairwise(steps):
        level += c
        total += level**2 * (following - x)
    return total


def mixed(p: Pair) -> mpf:
    """Integrate the squared distances under the Gaussian kernels of which h is made."""
    masses: Counter[mpf] = Counter()
    for (x, c), (y, e) in combinations(signed(p), 2):
        masses[squared(x, y)] += c * e
    apart = [(s, c) for s, c in masses.items() if s and c]
    if not apart:
        return mpf(0)
    sizes = [s for s, _ in apart]
    return mixture(lambda t: mp.fsum(c * mp.expm1(-t * s) for s, c in apart), max(sizes), min(sizes), mpf(p.a))


def squared_distance_cases() -> Iterator[Case]:
    for p in pairs():
        n, d = p.x.shape
        second = partial(mixed, p)
        if d == 1 and p.a == 0:
            second = partial(cramer, p)
        yield Case(p.id, p.flags, dict(zip(Pair._fields[2:], p[2:], strict=True)), partial(distance, p, "V"), second,
                   {"statistic=U": partial(distance, p, "U")},
                   allowance((d / 2 + n + len(p.y) + 8) * EPS * float(size(p)), 4 * EPS,
                             "sums over pairs, every term rounded, a few times per point and coordinate: relative to "
                             "the sum of all terms, not to their difference"))


def size(p: Pair) -> mpf:
    between, in_x, in_y = terms(p, "U")
    return between + (in_x + in_y) / 2


# ---- its gradient ----------------------------------------------------------------------------------------------

def gradient(p: Pair, statistic: str) -> Points:
    """Return u_i [sum_j w_j g(x_i - y_j) - sum_k u_k g(x_i - x_k)], with g(z) = z / sqrt(|z|^2 + a^2), 0 at 0."""
    xs, ys, u, w = (exact(part) for part in p[2:6])
    within = share(u, statistic)
    sources = [*zip(ys, w, strict=True), *((x, -c * within) for x, c in zip(xs, u, strict=True))]
    rows = []
    for x, v in zip(xs, u, strict=True):
        pulls = []
        for z, c in sources:
            s = squared(x, z)
            if s and c:
                pulls.append((z, c / mp.sqrt(s + mpf(p.a) ** 2)))
        rows.append([v * mp.fsum(c * (x[k] - z[k]) for z, c in pulls) for k in range(len(x))])
    return rows


def differences(p: Pair) -> Points:
    """Return central differences of d^2, at 60 digits more than asked for."""
    with mp.workdps(mp.dps + 60):
        xs, ys, u, w = (exact(part) for part in p[2:6])
        scale = max(abs(x) for row in xs + ys for x in row)
        step, rows = mpf(10) ** -30 * scale, []
        for i, (x, v) in enumerate(zip(xs, u, strict=True)):
            others = [(z, -c) for j, (z, c) in enumerate(zip(xs, u, strict=True)) if j != i]
            away = [(squared(x, z), z, v * c) for z, c in [*zip(ys, w, strict=True), *others] if c]
            rows.append([
                mp.fsum(c * (h(s + step * (step + 2 * (x[k] - z[k])), mpf(p.a))
                             - h(s + step * (step - 2 * (x[k] - z[k])), mpf(p.a))) for s, z, c in away) / (2 * step)
                for k in range(len(x))])
    return rows


def squared_distance_gradient_cases() -> Iterator[Case]:
    for p in pairs():
        n, d = p.x.shape
        largest = float(np.max(p.x_weights))
        yield Case(p.id, p.flags, dict(zip(Pair._fields[2:], p[2:], strict=True)), partial(gradient, p, "V"),
                   partial(differences, p), {"statistic=U": partial(gradient, p, "U")},
                   allowance((d / 2 + n + len(p.y) + 8) * EPS * largest * reach(p), 4 * EPS,
                             "a sum of pulls of length at most 1, each rounded a few times per point and coordinate"))


def reach(p: Pair) -> float:
    """Return the largest sum over j of w_j |grad h(x_i - z_j)| over all points, both clouds taken together."""
    away = [[squared(x, z) for z in exact(np.concatenate([p.y, p.x]))] for x in exact(p.x)]
    weights = [*exact(p.y_weights), *(c * share(exact(p.x_weights), "U") for c in exact(p.x_weights))]
    return float(max(mp.fsum(c * mp.sqrt(s / (s + mpf(p.a) ** 2)) for s, c in zip(row, weights, strict=True) if s)
                     for row in away))


# ---- the files -------------------------------------------------------------------------------------------------

CLOUD_FLAGS = {
    "Normal": "points on the scale of a and above, equal weights",
    "Weighted": "unequal weights",
    "ZeroMass": "points of weight 0, which must not count, some of them far away",
    "Coincident": "points that coincide, within a cloud or between both: h is 0 there, and so is its gradient",
    "Cancellation": "clouds far from the origin, or far closer to each other than to the origin: |x|^2 + |y|^2 - 2 x.y "
                    "cancels",
    "LargeSmoothing": "a is far above all distances: sqrt(s + a^2) - a cancels",
    "FarTail": "very large, very small, or very different distances",
    "HighDimension": "64 coordinates and more",
    "ZeroSmoothing": "a = 0: the energy distance, whose kernel has a kink at 0",
    "TinySmoothing": "0 < a <= 1e-6",
    "Paper": "a = 1e-6, the parameter of Turinici2023, Turinici2022image and Turinici2022old",
    "Degenerate": "a cloud of a single point: under statistic=U it has no pairs, and its own sum is 0",
}
KERNEL_FLAGS = {
    "Normal": "|x| on the scale of a, or above",
    "Paper": "a = 1e-6, the parameter of Turinici2023, Turinici2022image and Turinici2022old",
    "ZeroSmoothing": "a = 0: the norm itself",
    "TinySmoothing": "0 < a <= 1e-6",
    "Coincident": "x = 0, where h is exactly 0",
    "Cancellation": "|x| far below a: sqrt(|x|^2 + a^2) - a loses all digits, |x|^2 / (sqrt(|x|^2 + a^2) + a) none",
    "FarTail": "|x| of 1e6 and far beyond, or very small",
    "HighDimension": "64 coordinates and more",
}
TOLERANCE = {"relative": 1e-14, "absolute": 0.0, "reason": "each vector has its own, from the number of its terms"}
UNBIASED = ("; under statistic=U the sums within a cloud are sums of w_i w_j h(x_i - x_j) over i != j, divided by "
            "1 - sum w_i^2 (for equal weights: means over n (n - 1) pairs), the sum between the clouds is as it was")


def made(name: str, cases: Callable[[], Iterator[Case]], flags: dict[str, str], *routes: str) -> dict[str, Any]:
    capability = CAPABILITIES[name]
    return document(
        name, cases(), equation=capability.equation, arguments=capability.arguments, returns=capability.returns,
        script="tools/vectors/distance.py", flags=flags, tolerance=TOLERANCE, routes=routes)


DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "kernel": partial(
        made, "kernel", kernel_cases, KERNEL_FLAGS, "quotient: s / (sqrt(s + a^2) + a)",
        "difference: sqrt(s + a^2) - a with 250 more digits"),
    "squared_distance": partial(
        made, "squared_distance", squared_distance_cases, CLOUD_FLAGS, "definition: sums over pairs" + UNBIASED,
        "integral: of squared differences of distribution functions (d = 1, a = 0), or of squared distances under "
        "Gaussian kernels over the mixture that h is"),
    "squared_distance_gradient": partial(
        made, "squared_distance_gradient", squared_distance_gradient_cases, CLOUD_FLAGS,
        "definition: u_i times the sum of pulls w_j (x_i - y_j) / sqrt(|x_i - y_j|^2 + a^2), minus that of the pushes "
        "from its own cloud" + UNBIASED,
        "differences: central ones of the squared distance, with 60 more digits"),
    **gaussian.DOCUMENTS,
}
