r"""Diverse sampling: the k equal Diracs that are closest to a target measure.

.. math:: \min_{X = (x_1, \ldots, x_k)} \; d\Bigl(\frac1k \sum_i \delta_{x_i},\; \eta\Bigr)^2

The four algorithms of the sources are this one, with four targets :math:`\eta`:

========  =====================================================================  ==========================
name      target                                                                 source
========  =====================================================================  ==========================
Sg        ``Gaussian.standard(L)``, the ideal latent distribution                Turinici2023, eq. (2)
Semp      ``Diracs(latents)``, the latents of the data                           Turinici2023, eq. (1)
TC        any measure that can be drawn from, ``Sampled(draw, dim)``             Turinici2022image, A1
HAW-C     ``with_history(mu, history, k)``, signed: what is there already stays  Turinici2022old, A1
========  =====================================================================  ==========================

``method="adam"`` is the sources' way: Adam on the distance to a fresh minibatch of the target, at a rate that falls
along a cosine. Where the target's potential is known exactly, ``method="lbfgs"`` minimises the same function without
noise, and ``method="mm"`` by steps each of which decreases it. With ``support="subset"`` the points are some of the
target's own, exact copies of data, found by greedy choice and swaps.
A minimum exists (Turinici2022old, Proposition 1); it need not be unique or the only local one, hence ``restarts``.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np

from ..adam import Schedule, cosine_decay
from ..arrays import Array, as_points, check_count, check_number, check_rng, check_same_mass, namespace
from ..distance import energy
from ..distance.algebra import Diracs, Measure, Sampled, _part
from ..distance.kernels import HuberEnergy, Kernel, check_kernel
from ..distance.measures import _check_measure, _mass_tolerance
from ..threads import check_workers
from .history import with_history
from .majorise import mm
from .minimise import Callback, Descent, adam, lbfgs
from .result import Compression, is_estimated, observed
from .starts import check_start, initial, repeats, spread
from .subset import candidates, greedy, nearest, prefix_values, swaps, take

__all__ = ["Compression", "compress", "recursive_compress", "with_history"]

TOLERANCE = {"lbfgs": 1e-12, "mm": 1e-5}
OPTIONS = ("method", "support", "start", "batch_size", "iterations", "learning_rate", "tolerance", "restarts",
           "workers")


def compress(
    target: Measure,
    k: int,
    kernel: Kernel = HuberEnergy(),
    *,
    rng: np.random.Generator,
    method: str = "adam",
    support: str = "free",
    history: Array | None = None,
    start: str | Array | None = None,
    batch_size: int = 1000,
    iterations: int = 1000,
    learning_rate: float | Schedule | None = None,
    tolerance: float | None = None,
    restarts: int = 1,
    workers: int = 1,
    callback: Callback | None = None,
) -> Compression:
    r"""Find k points whose equal Diracs are as close to the target as they can be.

    Parameters
    ----------
    target : Measure
        :math:`\mu`, of mass 1. It may be signed; then its positive part gives the initial points.
    k : int
        How many points.
    kernel : Kernel
        h, :class:`HuberEnergy` with a = 1e-6 if not given.
    rng : numpy.random.Generator
        Where all randomness comes from.
    method : {"adam", "lbfgs", "mm"}
        How free points are found. Minibatches of any target; or, where the potential is known, deterministic
        minimisation by L-BFGS to many digits, or majorise-minimise steps, which never go up and stop early.
    support : {"free", "subset"}
        Points anywhere; or k of the own points of a target that is ``Diracs``, each at most once, by greedy choice and
        swaps. `method` and what belongs to it then have no meaning. Takes the potential at all n points, O(n^2) once.
    history : array, shape (n, dim), optional
        Points already drawn, which the new ones complete: see :func:`with_history`.
    start : {"sample", "sobol", "coarse"} or array, shape (k, dim), optional
        Where to begin: at draws of the target (the default); at points spread evenly over it, scrambled Sobol points
        for a Gaussian, the means of k cells of equal mass for Diracs; at the answer for a coarse picture of Diracs,
        some cells of it with their masses, which is cheap to compute; or at these points. A subset begins with
        the greedy choice if nothing is said (further restarts with draws), else with the own points nearest to these.
    batch_size : int
        B, draws from the target at each step of Adam.
    iterations : int
        Steps of Adam, or the most that L-BFGS and MM may take, or the most passes of swaps.
    learning_rate : float or callable, optional
        Adam's rate or schedule of it, in the units of the points. If not given: half a cosine that starts at a tenth of
        the target's standard deviation.
    tolerance : float, optional
        L-BFGS and MM stop when a step gains less than this in :math:`k\,d^2`, in units of h at the target's standard
        deviation. If not given: 1e-12 for L-BFGS, 1e-5 for MM.
    restarts : int
        Independent starts, of which the best is returned. Where `start` is always the same (points, or "sobol" for
        Diracs), those after the first begin at draws.
    workers : int
        Threads for the sums over the target's points, -1 for one on each core; the result has the same bits for any
        number.
    callback : callable, optional
        ``callback(iteration, points)`` after each step, counted from 1 (of a subset: after each pass of swaps); a true
        answer stops this start.

    Returns
    -------
    Compression

    Raises
    ------
    ValueError
        On k < 1, a target whose mass is not 1 (both masses are printed), a history or a start of another shape, an
        unknown method, support or start, "lbfgs" and "mm" for a target without a known potential, "mm" for a kernel
        other than :class:`HuberEnergy`, a subset of anything but Diracs or of fewer points than k, and counts or rates
        out of range.

    References
    ----------
    Turinici2023, algorithms Sg and Semp; Turinici2022image, algorithm A1; Turinici2022old, algorithm A1; MakJoseph2018
    for "mm".

    Examples
    --------
    The best single point for a normal target is its mean:

    >>> import numpy as np
    >>> from divergen import Gaussian
    >>> one = compress(Gaussian.standard(2), 1, rng=np.random.default_rng(0), method="lbfgs")
    >>> print(f"{abs(one.points).max():.4f} {one.squared_distance:.6f}")
    0.0000 0.367087

    Three of nine data that stand for all of them:

    >>> some = compress(Diracs(np.arange(9.0)[:, None]), 3, rng=np.random.default_rng(0), support="subset")
    >>> sorted(some.indices.tolist())
    [1, 4, 7]
    """
    k, rng = check_count(k, "k"), check_rng(rng)
    history = _check_problem(target, k, kernel, method, support, history, callback)
    batch_size, iterations = check_count(batch_size, "batch_size"), check_count(iterations, "iterations")
    restarts, workers = check_count(restarts, "restarts"), check_workers(workers)
    if learning_rate is not None and not callable(learning_rate):
        check_number(learning_rate, "learning_rate", at_least=0)
    tolerance = TOLERANCE.get(method, 0.0) if tolerance is None else check_number(tolerance, "tolerance", at_least=0)
    first = check_start(start, k, target)
    source = _part(target._terms, 1.0)
    if source is None:
        raise ValueError("target: expected a measure with a positive part to draw the initial points from, got none")
    again = "sample" if repeats(first, source) else first  # where further restarts begin
    signed = target if history is None else with_history(target, history, k)
    estimated = any(is_estimated(measure, kernel) for _, measure in target._terms)
    judged, constant = observed(signed, kernel, rng, workers)

    def value(points: Array) -> float:
        xp = namespace(points)
        towards = float(xp.sum(judged.potential(points, kernel, workers=workers), dtype=xp.float64))
        return towards / k - energy.self_energy(points, None, kernel, workers=workers) / 2

    def free(number: int) -> tuple[Descent, None]:
        begin = initial(first if number == 0 else again, source, k, rng, signed, kernel)
        # The unit of length. It is not asked for where nobody needs it, so that all draws are those of the algorithms.
        scale = spread(source, rng) if learning_rate is None or method != "adam" else 1.0
        if kernel.a > 10 * scale > 0:
            warnings.warn(
                f"kernel: its a = {kernel.a:g} is far above the spread of the target, {scale:.3g}; it is a parabola "
                "there, which sees the mean and nothing else", stacklevel=3,
            )
        if method == "lbfgs":
            return lbfgs(begin, signed, kernel, iterations, scale or 1.0, tolerance, callback, workers), None
        if method == "mm":
            return mm(begin, signed, kernel, iterations, scale or 1.0, tolerance, callback, value, workers), None
        rate = cosine_decay(0.1 * scale, iterations) if learning_rate is None else learning_rate
        return adam(begin, signed, kernel, batch_size, iterations, rate, rng, callback, value, workers), None

    def subset(number: int) -> tuple[Descent, np.ndarray]:
        if first is None and number == 0:
            chosen = greedy(known, k).indices
        else:
            chosen = nearest(known, initial(first if number == 0 else again, source, k, rng, signed, kernel))
        return swaps(known, chosen, iterations, callback, value)

    if support == "subset":
        known = candidates(cast(Diracs, target), history, kernel, workers)
    best: Compression | None = None
    for number in range(restarts):
        found, indices = (subset if support == "subset" else free)(number)
        reached, trace = value(found.points), np.asarray(found.trace)
        if estimated and method == "lbfgs":  # it has seen all of the target: only differences compare with draws
            trace[:, 1] += reached - trace[-1, 1]
        if best is None or reached < best._moving:
            best = Compression(
                found.points, not estimated, found.iterations, found.converged, indices, reached, trace, constant,
                _union_factor(k, history),
            )
    return best  # type: ignore[return-value]  # there is at least one start


def _drawn(target: Measure) -> bool:
    """Whether the target, or a part of it, can only be drawn from."""
    return any(isinstance(measure, Sampled) for _, measure in target._terms)


def _union_factor(k: int, history: Array | None) -> float:
    """Return what takes the squared distance of k points to the signed target to that of the union to the target."""
    return 1.0 if history is None else (k / (k + history.shape[0])) ** 2


def _check_problem(
    target: Measure, k: int, kernel: Kernel, method: str, support: str, history: Array | None, callback: Callback | None
) -> Array | None:
    """Raise ValueError unless points can be found in this way; return the history as points."""
    _check_measure(target, "target")
    check_same_mass(1.0, target.mass, "the k equal Diracs", "target", tolerance=_mass_tolerance(target))
    check_kernel(kernel)
    if callback is not None and not callable(callback):
        raise ValueError(f"callback: expected a function callback(iteration, points), got {callback!r}")
    if method not in ("adam", "lbfgs", "mm"):
        raise ValueError(f'method: expected "adam", "lbfgs" or "mm", got {method!r}')
    if support not in ("free", "subset"):
        raise ValueError(f'support: expected "free" or "subset", got {support!r}')
    if support == "subset":
        if not isinstance(target, Diracs):
            raise ValueError('support: expected "free" for a target other than Diracs(points), got "subset"')
        if target.chunked:
            raise ValueError('support: expected "free" for a target in chunks, got "subset"; give '
                             "Diracs(target.sample(n, rng)) as the target")
        own = int(namespace(target.weights).count_nonzero(target.weights > 0))
        if k > own:
            raise ValueError(f"k: expected at most {own}, as many as the target has points of positive weight, got {k}")
    elif method != "adam" and _drawn(target):
        raise ValueError(f'method: expected "adam" for a target that can only be drawn from, got "{method}"; '
                         "or give Diracs(target.sample(n, rng)) as the target")
    elif method == "mm" and not isinstance(kernel, HuberEnergy):
        raise ValueError(f'method: expected "adam" or "lbfgs" for a kernel other than HuberEnergy, got "mm" with '
                         f"{kernel!r}")
    return None if history is None else as_points(history, "history", dim=target.dim)


def recursive_compress(
    target: Measure,
    k: int,
    kernel: Kernel = HuberEnergy(),
    *,
    rng: np.random.Generator,
    history: Array | None = None,
    callback: Callback | None = None,
    **options: Any,
) -> Compression:
    r"""Draw k points one at a time, each the best complement to all that came before it.

    The first j points are then a good summary of the target for every j, which the points of :func:`compress` are not;
    in exchange the k points together are further from it.

    Parameters
    ----------
    target, k, kernel, rng
        As in :func:`compress`.
    history : array, shape (n, dim), optional
        Points that are there before the first.
    callback : callable, optional
        ``callback(number, points)`` after each point, counted from 1; a true answer stops there.
    **options
        ``method``, ``start``, ``batch_size``, ``iterations``, ``learning_rate``, ``tolerance``, ``restarts`` and
        ``workers`` of :func:`compress`, for each point; `start` by name only. A single point has many local
        minima: ``restarts`` of 5 to 10 are well spent. With ``support="subset"`` each point is the best one of all that
        are left of the target's own; nothing else matters then, and there is no better point to restart for.

    Returns
    -------
    Compression
        The points in the order in which they were found; `trace` holds the number of points found and the squared
        distance of all of them, with the history, to the target; `iterations` is the sum over the points.

    Raises
    ------
    ValueError
        As :func:`compress`, and on points as a start.

    References
    ----------
    Turinici2022old, section 3.2 and figure 2.

    Examples
    --------
    >>> import numpy as np
    >>> from divergen import Gaussian
    >>> found = recursive_compress(Gaussian.standard(1), 2, rng=np.random.default_rng(0), method="lbfgs")
    >>> print(f"{abs(found.points[0, 0]):.4f} {abs(found.points[1, 0]):.4f}")
    0.0000 0.6745
    """
    k, rng = check_count(k, "k"), check_rng(rng)
    unknown = set(options) - set(OPTIONS)
    if unknown:
        raise ValueError(f"options: expected options of compress, got {', '.join(sorted(unknown))}")
    method, support = options.get("method", "adam"), options.get("support", "free")
    history = _check_problem(target, k, kernel, method, support, history, callback)
    for name in ("batch_size", "iterations", "restarts"):
        check_count(options.get(name, 1), name)
    workers = check_workers(options.get("workers", 1))
    for name in ("learning_rate", "tolerance"):
        if not (options.get(name) is None or (name == "learning_rate" and callable(options[name]))):
            check_number(options[name], name, at_least=0)
    start = options.get("start")
    if start is not None and not isinstance(start, str):
        raise ValueError('start: expected "sample", "sobol" or "coarse", since one start for each of the points cannot '
                         f"be given here, got {type(start).__name__}")
    check_start(start, 1, target)
    if isinstance(target, Diracs) and support == "subset":
        return _recursive_subset(target, k, kernel, history, callback, workers)
    found: list[Array] = [] if history is None else [history]
    before = len(found)
    trace, iterations, converged = [], 0, True
    for number in range(1, k + 1):
        past = namespace(*found).concat(found) if found else None
        one = compress(target, 1, kernel, rng=rng, history=past, **options)
        found.append(one.points)
        trace.append((number, one.union_squared_distance))
        iterations, converged = iterations + one.iterations, converged and one.converged
        points = namespace(*found).concat(found[before:])
        if callback is not None and callback(number, points):
            break
    factor = _union_factor(points.shape[0], history)
    return Compression(
        points, one.exact, iterations, converged, None, trace[-1][1] / factor, np.asarray(trace), _union_factor=factor
    )


def _recursive_subset(
    target: Diracs, k: int, kernel: Kernel, history: Array | None, callback: Callback | None, workers: int
) -> Compression:
    """Choose k of the target's points one after the other: the greedy choice is the recursion."""
    known = candidates(target, history, kernel, workers)
    found = greedy(known, k, callback)
    union = prefix_values(known, found, target, history) - target.self_energy(kernel) / 2
    factor = _union_factor(len(found.indices), history)
    trace = np.stack([np.arange(1.0, union.size + 1), union], axis=1)
    return Compression(
        take(known.points, found.indices), True, union.size, union.size == k, np.asarray(found.indices),
        float(union[-1]) / factor, trace, _union_factor=factor,
    )
