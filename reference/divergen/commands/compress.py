r"""``python -m divergen compress``: diverse representatives of the user's own points, from a file to a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import as_points
from ..distance.algebra import Diracs
from ..distance.energy import self_energy
from ..distance.kernels import HuberEnergy
from ..files import replacing
from ..plotting import check_picture_path, chosen_points, save_figure
from ..report import progress
from ..sampling.compress import Compression, compress, recursive_compress
from ..threads import one_blas_thread
from .options import check_writable, not_negative, number, same_file, threads, whole

__all__ = ["add_to", "run"]

SUBSET = 10_000  # points; the exact distance between 10,000 and themselves takes half a second


def add_to(commands: Any) -> None:
    """Add the command and its options to argparse's subparsers."""
    one = commands.add_parser(
        "compress", help="choose diverse representatives of your own points", allow_abbrev=False,
        description="Find k points whose equal weights are as close as they can be, in the kernel distance, to the "
        "distribution of the given points. They need not be among the given ones, unless --support subset says so.",
    )
    one.add_argument("points", type=Path, help="an .npy file with an array of shape (n, d), points as rows")
    one.add_argument("-k", type=whole(1), required=True, help="how many points to choose")
    one.add_argument("-o", "--output", type=Path, required=True, metavar="FILE",
                     help="where to write the chosen points, an .npy file of shape (k, d); if this is the history's "
                     "own file, they are put behind those that are in it")
    one.add_argument("--history", type=Path, metavar="FILE",
                     help="an .npy file of points chosen earlier, which the new ones complete and stay away from")
    one.add_argument("--method", choices=("adam", "lbfgs", "mm"), default="adam",
                     help="how points that are free are found: by minibatches, as in the sources, or deterministic, to "
                     "many digits (lbfgs) or roughly by steps that never go up (mm) (default: %(default)s)")
    one.add_argument("--support", choices=("free", "subset"), default="free",
                     help="points anywhere, or the best k of the given ones, by greedy choice and then swaps; with "
                     "--recursive by greedy choice alone (default: %(default)s)")
    one.add_argument("--indices", type=Path, metavar="FILE",
                     help="with --support subset: where to write which rows of the given points were chosen, an .npy "
                     "file of shape (k,), counted from 0")
    one.add_argument("--start", choices=("sample", "sobol", "coarse"),
                     help="where to begin: at random ones of the given points (the default), at points spread evenly "
                     "over them, or at the answer for a coarse picture of them, which saves time for many; a subset "
                     "begins with the greedy choice if nothing is said")
    one.add_argument("--tolerance", type=not_negative, metavar="T",
                     help="L-BFGS and MM stop when a step gains less than this in k d^2, in units of the kernel at the "
                     "points' standard deviation (default: 1e-12 for lbfgs, 1e-5 for mm)")
    one.add_argument("--a", type=float, default=1e-6, metavar="A",
                     help="the length at which the kernel sqrt(|x|^2 + a^2) - a is rounded off, in the points' unit; "
                     "it must be small against their spread (default: %(default)s)")
    one.add_argument("--recursive", action="store_true", help="one point at a time, each in view of those before it")
    number(one, "--iterations", 1, 1000, "steps of Adam, or the most that L-BFGS and MM may take, or the most passes "
           "of swaps")
    number(one, "--batch-size", 1, 1000, "points in each minibatch of Adam")
    number(one, "--restarts", 1, 1, "independent starts, of which the best is kept")
    one.add_argument("--workers", type=threads, default=1, metavar="N",
                     help="threads, -1 for one on each core; the result is the same (default: %(default)s)")
    number(one, "--subset", 1, SUBSET, "of more points than this a random subset of this size is taken for all: the "
           "time for the exact distance grows with its square")
    number(one, "--seed", 0, 0, "where all randomness comes from")
    one.add_argument("--plot", type=Path, metavar="FILE",
                     help="a picture to write (.png, .pdf, .svg); of more than two dimensions it shows the first two "
                     "principal axes, of one dimension a histogram")
    one.set_defaults(run=run, parser=one)


def _read_points(path: Path) -> np.ndarray:
    """Read an .npy file of finite points; ValueError with the file's name if it is anything else."""
    try:
        with open(path, "rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # a damaged header can fail in many ways
        if "Object arrays" in str(error):
            raise ValueError(f"{path}: expected an array of numbers, got one of Python objects") from error
        raise ValueError(f"{path}: expected a whole .npy file, as numpy.save writes, got something else") from error
    return as_points(array.astype(array.dtype.newbyteorder("="), copy=False), str(path))


@one_blas_thread()
def run(arguments: argparse.Namespace) -> None:
    output, plot = arguments.output, arguments.plot
    points = _read_points(arguments.points)
    history = None if arguments.history is None else _read_points(arguments.history)
    if history is not None and history.shape[1] != points.shape[1]:
        raise ValueError(f"{arguments.history}: expected points of dimension {points.shape[1]}, as in "
                         f"{arguments.points}, got dimension {history.shape[1]}")
    if same_file(output, arguments.points):
        raise ValueError(f"{output}: expected another file than the given points, which would be lost")
    check_writable(output)
    if plot is not None:
        if any(same_file(plot, other) for other in (arguments.points, arguments.history, output)):
            raise ValueError(f"{plot}: expected a file of its own for the picture")
        check_picture_path(plot)
        check_writable(plot)
    if arguments.indices is not None:
        if arguments.support != "subset":
            raise ValueError("argument --indices: expected --support subset: free points are no rows of the given ones")
        if any(same_file(arguments.indices, other) for other in (arguments.points, arguments.history, output, plot)):
            raise ValueError(f"{arguments.indices}: expected a file of its own for the indices")
        check_writable(arguments.indices)

    rng, total = np.random.default_rng(arguments.seed), len(points)
    rows = np.arange(total)
    if total > arguments.subset:
        rows = np.sort(rng.choice(total, size=arguments.subset, replace=False))
        points = points[rows]
    if arguments.support == "subset" and arguments.k > len(points):
        raise ValueError(f"argument -k: expected at most {len(points)}, as many as there are to choose from, got "
                         f"{arguments.k}")
    kernel = HuberEnergy(arguments.a)
    spread = float(np.sqrt(np.mean(points.astype(np.float64).var(axis=0))))
    if 0 < spread < 100 * kernel.a:
        raise ValueError(f"{arguments.points}: expected points with a spread of more than 100 a = {100 * kernel.a:g}, "
                         f"got {spread:.3g}; give a smaller --a, such as 0, or change the unit")
    found = _found(points, history, kernel, rng, arguments)

    appended = history is not None and same_file(output, arguments.history)
    written = np.concatenate([history, found.points]) if appended else found.points
    figure = None if plot is None else chosen_points(points, found.points, history)
    with replacing(output) as file:
        np.lib.format.write_array(file, written, allow_pickle=False)
    if arguments.indices is not None:
        with replacing(arguments.indices) as file:
            np.lib.format.write_array(file, rows[found.indices], allow_pickle=False)
    if figure is not None:
        save_figure(figure, plot)

    k, some = arguments.k, f" (a random subset of {total:,})" if total > len(points) else ""
    subset = arguments.support == "subset"
    way, unit = ("a subset", "passes of swaps") if subset else (arguments.method, "iterations")
    way += ", recursive" if arguments.recursive else ""
    steps = "" if subset and arguments.recursive else f", {found.iterations} {unit}"
    print(f"{k} representatives of {len(points):,} points{some} of dimension {points.shape[1]}: {way}{steps}, "
          f"seed {arguments.seed}")
    if not found.converged and not subset and arguments.method == "lbfgs" and found.iterations < arguments.iterations:
        print("  the line search found no better step, as it may at the kinks of the distance to a cloud")
    elif not found.converged:
        print(f"  stopped at the limit of {arguments.iterations} {unit}, where more may help a little")
    whose = "" if history is None else f", with the {len(history)} of the history"
    at_random = _mean_at_random(Diracs(points), history, k, kernel)
    print(f"  d^2 to the data{whose}: {found.union_squared_distance:.5g}")
    print(f"  d^2 to the data{whose}, if the {k} were drawn from it at random: {at_random:.5g} on average")
    print(f"  (with the factor 1/2 and the kernel h(x) = sqrt(|x|^2 + a^2) - a, a = {kernel.a:g})")
    print(f"wrote {output}: shape {written.shape}{', first the history, then the new points' if appended else ''}")
    for path in (arguments.indices, plot):
        if path is not None:
            print(f"wrote {path}")


def _found(
    points: np.ndarray, history: np.ndarray | None, kernel: HuberEnergy, rng: np.random.Generator,
    arguments: argparse.Namespace,
) -> Compression:
    """Compress, with a progress bar."""
    names = ("method", "support", "start", "tolerance", "iterations", "batch_size", "restarts", "workers")
    options: dict[str, Any] = {name: getattr(arguments, name) for name in names}
    steps: int | None = arguments.restarts * arguments.iterations
    if arguments.recursive:
        steps = arguments.k
    elif arguments.method != "adam" or arguments.support == "subset":
        steps = None  # it stops when it is done
    way = recursive_compress if arguments.recursive else compress
    with progress(steps, "compressing", "point" if arguments.recursive else "iteration") as step:
        return way(Diracs(points), arguments.k, kernel, rng=rng, history=history,
                   callback=lambda number, found: step(""), **options)


def _mean_at_random(target: Diracs, history: np.ndarray | None, k: int, kernel: HuberEnergy) -> float:
    r"""Return the mean of :math:`d(\delta_{X \cup Y}, \mu)^2` for k independent draws X from :math:`\mu`.

    X alone is I/(2k) away on average, I being the double integral of h against mu; the cross term with Y has mean 0.
    """
    inside = target.self_energy(kernel)
    if history is None:
        return inside / (2 * k)
    n = len(history)
    between = float(np.mean(target.potential(history, kernel)))
    past = between - self_energy(history, None, kernel) / 2 - inside / 2  # d(delta_Y, mu)^2
    return (k**2 * inside / (2 * k) + n**2 * past) / (n + k) ** 2
