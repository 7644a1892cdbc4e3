r"""Golden vectors of compression, where it is proved that one set of k points is the best and no other.

Wanted are the points X of least :math:`d^2(\delta_X, \mu)`, :math:`\mu` the equal Diracs at the given points z. In
general there are many local minima, and nothing golden. In these cases there is one:

- **k = 1**. The mean of h(x - z_i) is strictly convex for a > 0, and for a = 0 unless all z are on one line. Newton's
  method, confirmed by Weiszfeld's iteration; for a = 0 also the intersection of the diagonals of a quadrilateral, and
  a z_i itself where the unit vectors to the others have a sum shorter than 1.
- **On the line, a = 0**. For sorted X, d^2 is convex and linear between the z, so that the least of all choices among
  the z is the minimum, and the only one if no other choice has as little. It is the quantiles (2 j - 1)/(2 k).
- **k = 2 on the line, z symmetric about 0**. For any half distance D of the two points d^2 is strictly convex in their
  middle, and even: the middle is 0. What remains is g(D) = U(D) - h(2 D)/4, U the mean of h(D - z_i). Interval
  arithmetic shows that g' has the zeros 0, where g is concave, and one more, where g is convex.
- **k different points, each repeated r times**: d^2 is the square of a metric, 0 at these points and nowhere else.

Rows are in lexicographic order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations_with_replacement, groupby, pairwise
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf

from divergen.oracle.capabilities import CAPABILITIES

from .distance import h
from .format import Case, document, exact
from .inputs import cloud, squared

Points = list[list[mpf]]


# ---- one point -------------------------------------------------------------------------------------------------

def newton(z: Points, a: mpf, start: list[mpf]) -> Points:
    """Solve sum_i (x - z_i) / r_i = 0, r_i = sqrt(|x - z_i|^2 + a^2), from a point close to the root."""
    d, x = len(start), mp.matrix(start)
    for _ in range(100):
        gradient, hessian = mp.zeros(d, 1), mp.zeros(d, d)
        for row in z:
            e = x - mp.matrix(row)
            r = mp.sqrt((e.T * e)[0] + a * a)
            gradient += e / r
            hessian += mp.eye(d) / r - e * e.T / r**3
        step = mp.lu_solve(hessian, gradient)
        x -= step
        if mp.norm(step) < mpf(10) ** (3 - mp.dps):
            return [list(x)]
    raise ArithmeticError("Newton's method does not converge")


def weiszfeld(z: Points, a: mpf, digits: int = 40) -> Points:
    """Repeat x = the mean of the z_i with the weights 1 / r_i."""
    x = [mp.fsum(column) / len(z) for column in zip(*z, strict=True)]
    for _ in range(20_000):
        weights = [1 / mp.sqrt(squared(x, row) + a * a) for row in z]
        total = mp.fsum(weights)
        new = [mp.fsum(w * c for w, c in zip(weights, column, strict=True)) / total for column in zip(*z, strict=True)]
        moved, x = squared(new, x), new
        if moved < mpf(10) ** (-2 * digits):
            return [x]
    raise ArithmeticError("Weiszfeld's iteration does not converge")


def median(points: np.ndarray, a: float) -> Points:
    with mp.workdps(20):
        start = weiszfeld(exact(points), mpf(a), 6)[0]
    return newton(exact(points), mpf(a), start)


def diagonals(points: np.ndarray) -> Points:
    """Where the lines from the first point to the third and from the second to the fourth meet."""
    p, q, r, s = (mp.matrix(row) for row in exact(points))
    shares = mp.lu_solve(mp.matrix([[r[i] - p[i], q[i] - s[i]] for i in (0, 1)]), q - p)
    if not all(0 < t < 1 for t in shares):
        raise ArithmeticError("the diagonals do not meet: the quadrilateral is not convex")
    return [list(p + shares[0] * (r - p))]


def at_point(points: np.ndarray, i: int) -> Points:
    """Return point i, if the unit vectors to the others have a sum shorter than 1."""
    z = exact(points)
    others = [row for j, row in enumerate(z) if j != i]
    pull = [mp.fsum((row[k] - z[i][k]) / mp.sqrt(squared(row, z[i])) for row in others) for k in range(len(z[i]))]
    if not mp.fsum(c * c for c in pull) < 1:
        raise ArithmeticError("the point is not the geometric median")
    return [z[i]]


def least_of_these(points: np.ndarray) -> Points:
    """Return the point whose distances have the least sum: the median, if it is one of the points."""
    z = exact(points)
    return [min(z, key=lambda x: mp.fsum(mp.sqrt(squared(x, row)) for row in z))]


# ---- on the line -----------------------------------------------------------------------------------------------

def quantiles(points: np.ndarray, k: int) -> Points:
    """Return the smallest z with at least (2 j - 1)/(2 k) of all at or below it, which must be more than that."""
    z, found = sorted(points[:, 0].tolist()), []
    for j in range(1, k + 1):
        i = -((2 * j - 1) * len(z) // (-2 * k))  # the number of points it takes
        value = z[i - 1]
        if sum(v <= value for v in z) * 2 * k == (2 * j - 1) * len(z):
            raise ArithmeticError("a quantile is not unique")
        found.append([mpf(value)])
    return found


def best_choice(points: np.ndarray, k: int) -> Points:
    """Return the k of the points, repetitions allowed, of least d^2, which no others may reach."""
    z = [row[0] for row in exact(points)]

    def objective(x: tuple[mpf, ...]) -> mpf:
        return (mp.fsum(abs(p - q) for p in x for q in z) / (k * len(z))
                - mp.fsum(abs(p - q) for p in x for q in x) / (2 * k * k))

    ranked = sorted((objective(x), x) for x in combinations_with_replacement(sorted(set(z)), k))
    if not ranked[0][0] < ranked[1][0] - mpf(10) ** -6:
        raise ArithmeticError("the best choice is not unique")
    return [[v] for v in ranked[0][1]]


def slope_of_half_distance(z: list[Any], a: Any, delta: Any, sqrt: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Return g' and g'', of numbers or of intervals; |z| in z."""
    def first(t: Any) -> Any:
        return t / sqrt(t**2 + a**2)

    def second(t: Any) -> Any:
        return a**2 / sqrt(t**2 + a**2) ** 3

    both = [delta - v for v in z] + [delta + v for v in z]
    return (sum(map(first, both)) / len(both) - first(2 * delta) / 2, sum(map(second, both)) / len(both)
            - second(2 * delta))


def has_one_minimum(z: list[float], a: float) -> bool:
    """Prove by intervals that g' is 0 at 0, once more, and nowhere else; beyond max|z| + a it cannot be."""
    iv, leaves = mpmath.iv, []
    magnitudes, smoothing = [iv.mpf(abs(v)) for v in z], iv.mpf(a)
    stack = [(mpf(0), mpf(max(z)) + a)]
    while stack:
        low, high = stack.pop()
        g, curvature = slope_of_half_distance(magnitudes, smoothing, iv.mpf([low, high]), iv.sqrt)
        if g.a > 0 or g.b < 0:
            continue
        if curvature.b < 0 or curvature.a > 0:
            leaves.append((low, high, curvature.a > 0))
        elif high - low < mpf(2) ** -20:
            return False
        else:
            stack += [(low, (low + high) / 2), ((low + high) / 2, high)]
    leaves.sort()
    runs = [(convex, list(run)) for convex, run in groupby(leaves, key=lambda leaf: leaf[2])]
    whole = all(left[1] == right[0] for _, run in runs for left, right in pairwise(run))
    return whole and [convex for convex, _ in runs] == [False, True] and runs[0][1][0][0] == 0


def symmetric_pair(points: np.ndarray, a: float) -> Points:
    """Bisect g' between 0, where it falls, and the end."""
    z = points[:, 0].tolist()
    if sorted(z) != sorted(-v for v in z) or not has_one_minimum(z, a):
        raise ArithmeticError("a pair of points is not shown to be the only best")
    magnitudes, low, high = [mpf(abs(v)) for v in z], mpf(2) ** -10, mpf(max(z)) + a
    for _ in range(4 * mp.dps):
        middle = (low + high) / 2
        falls = slope_of_half_distance(magnitudes, mpf(a), middle, mp.sqrt)[0] < 0
        low, high = (middle, high) if falls else (low, middle)
    return [[-low], [low]]


def free_pair(points: np.ndarray, a: float) -> Points:
    """Newton's method for both points, with no symmetry assumed."""
    z, b = [row[0] for row in exact(points)], mpf(a)

    def gradient(x: mpf, y: mpf) -> list[mpf]:
        return [mp.fsum((p - v) / mp.sqrt((p - v) ** 2 + b * b) for v in z) / (2 * len(z))
                - (p - q) / mp.sqrt((p - q) ** 2 + b * b) / 4 for p, q in ((x, y), (y, x))]

    start = float(symmetric_pair(points, a)[1][0])
    found = mp.findroot(gradient, (-start - 0.001, start + 0.002), tol=mpf(10) ** (-2 * mp.dps + 20))
    return [[found[0]], [found[1]]]


# ---- as many points as there are -------------------------------------------------------------------------------

def distinct(points: np.ndarray, k: int) -> Points:
    rows, counts = np.unique(points, axis=0, return_counts=True)  # in lexicographic order
    if len(rows) != k or np.ptp(counts):
        raise ArithmeticError("expected k points, each as often as the others")
    return exact(rows)


def at_distance_zero(points: np.ndarray, k: int, a: float) -> Points:
    """Take the first k, in order, and see that d^2 is 0, by its sums."""
    z = exact(points)
    x = sorted(z)[:: len(z) // k]
    pairs = [(x, z, mpf(1) / (k * len(z))), (x, x, -mpf(1) / (2 * k * k)), (z, z, -mpf(1) / (2 * len(z) ** 2))]
    if abs(mp.fsum(c * h(squared(p, q), mpf(a)) for left, right, c in pairs for p in left for q in right)) > mpf(
            10) ** (8 - mp.dps):
        raise ArithmeticError("d^2 is not 0")
    return x


# ---- the file --------------------------------------------------------------------------------------------------

# Who minimises over all points at once reaches 1e-7, but algorithm Semp draws minibatches, and is right too.
SMOOTH = {"relative": 0.0, "absolute": 0.1,
          "reason": "algorithm Semp, in 1000 steps of a falling rate, ends within 0.04 with minibatches of 1000 draws, "
                    "and within 0.08 with 100; an optimiser of all points within 1e-7"}
SHARP = {"relative": 0.0, "absolute": 0.01,
         "reason": "at a kink of d^2 minibatches do not blur the minimum: algorithm Semp ends within 2e-4, and an "
                   "optimiser of all points within 1e-5"}
STALLED = {"relative": 0.0, "absolute": 0.1,
           "reason": "algorithm Semp ends within 5e-4; methods for smooth functions, as L-BFGS, may stall at a kink "
                     "where d^2 is nearly what it is at the minimum, and end within 2e-3"}


def case(name: str, flags: str, points: Any, k: int, a: float, compute: Callable[[], Points],
         second: Callable[[], Points], tolerance: dict[str, Any]) -> Case:
    return Case(name, tuple(flags.split()), {"points": points, "k": k, "a": a, "seed": 0}, compute, second,
                tolerance=tolerance)


def compress_cases() -> Iterator[Case]:
    skew = np.array([[0.0], [0.25], [1.0], [1.5], [6.0]])
    for i, (points, a) in enumerate((
            (skew, 0.5), (skew, 2.0), (np.array([[-2.0], [0.0], [0.5], [4.0], [4.5], [8.0], [16.0]]), 1.0),
            (np.vstack([cloud(6, 2, 301), [[9.0, -7.0]]]), 0.5), (np.vstack([cloud(5, 2, 302), [[-6.0, 8.0]]]), 1.0),
            (np.vstack([cloud(8, 3, 303), [[8.0, 8.0, 0.0]]]), 0.5), (cloud(9, 8, 304), 0.5))):
        yield case(f"median-{i}-d{points.shape[1]}-a{a:g}", "Median", points, 1, a, partial(median, points, a),
                   lambda points=points, a=a: weiszfeld(exact(points), mpf(a)), SMOOTH)
    triangle = np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 3.0]])
    quadrilateral = np.array([[0.0, 0.0], [4.0, 1.0], [8.0, 8.0], [1.0, 3.0]])
    space = np.vstack([cloud(6, 3, 305), [[-8.0, 0.0, 8.0]]])
    for name, points in (("triangle", triangle), ("space", space)):
        yield case(f"{name}-energy", "Median ZeroSmoothing", points, 1, 0.0, partial(median, points, 0.0),
                   lambda points=points: weiszfeld(exact(points), mpf(0)), SMOOTH)
    yield case("quadrilateral-energy", "Median ZeroSmoothing", quadrilateral, 1, 0.0,
               partial(median, quadrilateral, 0.0), partial(diagonals, quadrilateral), SMOOTH)
    inner = np.vstack([triangle, [[1.25, 0.75]]])
    star = np.array([[0.5, 0.25], [6.0, 0.0], [-2.0, 1.0], [0.0, -3.0], [1.0, 5.0]])
    for name, points, i in (("inner-point", inner, 3), ("star", star, 0)):
        yield case(f"{name}-energy", "Coincident Median ZeroSmoothing", points, 1, 0.0, partial(at_point, points, i),
                   partial(least_of_these, points), SHARP)
    for name, values, k in (("five", [0, 1, 2.5, 3, 7], 2), ("five-in-three", [5, 0, 0.5, 2, 3], 3),
                            ("repeated", [0, 0, 0, 1, 4, 4, 6], 2), ("median", [3, -1, 0, 7, 0.5], 1)):
        line = np.array(values, dtype=np.float64)[:, None]
        yield case(f"quantiles-{name}-k{k}", "Quantiles ZeroSmoothing", line, k, 0.0, partial(quantiles, line, k),
                   partial(best_choice, line, k), SHARP if k == 1 else STALLED)
    for name, values, a in (("four", [0.5, 1.5], 0.5), ("six", [0.25, 1, 4], 0.5), ("six", [0.25, 1, 4], 1.0),
                            ("eight", [0.5, 0.75, 1.5, 6], 0.25)):
        line = np.array([*(-v for v in reversed(values)), *values])[:, None]
        yield case(f"pair-{name}-a{a:g}", "Pair", line, 2, a, partial(symmetric_pair, line, a),
                   partial(free_pair, line, a), SMOOTH)
    corners = np.array([[2.0, -1.0], [-1.0, 0.5], [0.5, 3.0]])
    for name, points, a in (("line", np.array([[2.5], [0.0], [1.0]]), 0.5), ("plane", corners, 0.5),
                            ("plane-twice", np.repeat(corners, 2, axis=0), 1.0),
                            ("plane-energy", np.vstack([corners, corners, corners]), 0.0),
                            ("space", np.array([[0.0, 1.0, 2.0], [3.0, -1.0, 0.0]]), 0.5)):
        k = len(np.unique(points, axis=0))
        yield case(f"represented-{name}-a{a:g}", "Coincident" + " ZeroSmoothing" * (a == 0), points, k, a,
                   partial(distinct, points, k), partial(at_distance_zero, points, k, a), SMOOTH if a else SHARP)


FLAGS = {
    "Median": "k = 1: the geometric median, smoothed by a",
    "Quantiles": "on the line with a = 0, the best points are the quantiles (2 j - 1)/(2 k)",
    "Pair": "two points for a set that is symmetric about 0, on the line",
    "Coincident": "the best points are among the given ones",
    "ZeroSmoothing": "a = 0: the energy distance, whose kernel has a kink at 0",
}


def compress() -> dict[str, Any]:
    capability = CAPABILITIES["compress"]
    return document(
        "compress", compress_cases(), equation=capability.equation, arguments=capability.arguments,
        returns=capability.returns, script="tools/vectors/compression.py", flags=FLAGS, tolerance=SMOOTH,
        routes=["Newton's method, exact quantiles, bisection for the half distance, or the points themselves; the best "
                "points are unique, by convexity, enumeration, interval arithmetic, or because d is a metric",
                "Weiszfeld's iteration, the diagonals' intersection, the best of all choices among the points, "
                "Newton's method for both points, or d^2 = 0"])


DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {"compress": compress}
