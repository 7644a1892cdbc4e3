r"""The command line: ``python -m divergen compress``, ``demo`` and ``oracle``.

What is wrong with the input is said in one line on standard error, with exit status 2; no file has been touched then.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from .arrays import as_points
from .distance.algebra import Diracs
from .distance.energy import self_energy
from .distance.kernels import HuberEnergy
from .files import replacing
from .plotting import check_picture_path, chosen_points, save_figure
from .report import progress, table, write_json, write_text
from .sampling.compress import Compression, compress, recursive_compress
from .threads import one_blas_thread

__all__ = ["main"]

LARGEST_COUNT = 2**31
SUBSET = 10_000  # points; the exact distance between 10,000 and themselves takes half a second


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def _whole(at_least: int) -> Callable[[str], int]:
    """Return a function that reads a whole number for argparse."""

    def read(text: str) -> int:
        if not (text.isdecimal() and int(text) >= at_least):
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {at_least}, got {text!r}")
        if int(text) >= LARGEST_COUNT:
            raise argparse.ArgumentTypeError(f"expected a whole number below {LARGEST_COUNT}, got {text}")
        return int(text)

    return read


def _threads(text: str) -> int:
    """Read a number of threads for argparse."""
    if text == "-1":
        return -1
    if not (text.isdecimal() and 0 < int(text) < LARGEST_COUNT):
        raise argparse.ArgumentTypeError(f"expected a number of threads, or -1 for one on each core, got {text!r}")
    return int(text)


def _not_negative(text: str) -> float:
    """Read a finite number of at least 0 for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a finite number of at least 0, got {text!r}")
    return number


def _parser() -> _Parser:
    parser = _Parser(prog="divergen", description="Diverse samples: few points that stand for a whole distribution.")
    commands = parser.add_subparsers(dest="command", required=True)

    def number(command: argparse.ArgumentParser, name: str, at_least: int, default: int, words: str) -> None:
        command.add_argument(name, type=_whole(at_least), default=default, metavar="N",
                             help=f"{words} (default: %(default)s)")

    one = commands.add_parser(
        "compress", help="choose diverse representatives of your own points", allow_abbrev=False,
        description="Find k points whose equal weights are as close as they can be, in the kernel distance, to the "
        "distribution of the given points. They need not be among the given ones, unless --support subset says so.",
    )
    one.add_argument("points", type=Path, help="an .npy file with an array of shape (n, d), points as rows")
    one.add_argument("-k", type=_whole(1), required=True, help="how many points to choose")
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
    one.add_argument("--tolerance", type=_not_negative, metavar="T",
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
    one.add_argument("--workers", type=_threads, default=1, metavar="N",
                     help="threads, -1 for one on each core; the result is the same (default: %(default)s)")
    number(one, "--subset", 1, SUBSET, "of more points than this a random subset of this size is taken for all: the "
           "time for the exact distance grows with its square")
    number(one, "--seed", 0, 0, "where all randomness comes from")
    one.add_argument("--plot", type=Path, metavar="FILE",
                     help="a picture to write (.png, .pdf, .svg); of more than two dimensions it shows the first two "
                     "principal axes, of one dimension a histogram")
    one.set_defaults(run=_compress, parser=one)

    two = commands.add_parser(
        "demo", help="train an autoencoder on real digits and draw from it in four ways", allow_abbrev=False,
        description="Train a variational autoencoder on handwritten digits, draw from its latent space in four ways, "
        "count the different digits in the images, and write pictures, numbers and a page that shows them.",
    )
    two.add_argument("--out", type=Path, default=Path("build/demo"), metavar="DIR",
                     help="a folder, which is made if it is not there (default: %(default)s)")
    number(two, "--seed", 0, 0, "where all randomness comes from")
    two.add_argument("--epochs", type=_whole(1), metavar="N",
                     help="of the training (default: 60 with dense layers, 40 with convolutions)")
    number(two, "--repetitions", 2, 100, "independent draws in each way")
    two.add_argument("--network", choices=("dense", "convolutional"), default="dense",
                     help="the kind of the autoencoder's layers; convolutions take minutes (default: %(default)s)")
    number(two, "--latent-dim", 2, 2, "dimension of the latent space")
    two.set_defaults(run=_demo, parser=two)

    three = commands.add_parser(
        "oracle", help="judge your own implementation of these algorithms", allow_abbrev=False,
        description="Hold an implementation against golden vectors, laws and statistical tests.",
    )
    parts = three.add_subparsers(dest="part", required=True)
    one = parts.add_parser("list", help="what can be judged, and by which checks", allow_abbrev=False)
    one.add_argument("--capability", metavar="NAME", help="only this one")
    one.set_defaults(run=_oracle_list, parser=one)
    two = parts.add_parser("explain", help="what one check or capability is", allow_abbrev=False)
    two.add_argument("name", help="of the check or capability, as in the list")
    two.set_defaults(run=_oracle_explain, parser=two)
    three = parts.add_parser(
        "run", help="judge an adapter", allow_abbrev=False,
        description="Judge an adapter. The exit status is 0 if all is well, 1 if something failed, 2 if the input "
        "cannot be used.",
    )
    three.add_argument("adapter", metavar="module:adapter",
                       help="a module in the current folder, or one that is installed, and in it an adapter, an object "
                       "that has methods with the names of capabilities, or a function that returns one of these")
    three.add_argument("--select", metavar="REGEX", help="only checks whose name this matches somewhere")
    three.add_argument("--report", type=Path, metavar="FILE", help="where to write all results as JSON")
    three.add_argument("--junit", type=Path, metavar="FILE", help="where to write them as JUnit's XML")
    three.add_argument("--xfails", type=Path, metavar="FILE",
                       help="the checks that are expected to fail, one in a line with '# reason', or a JSON object of "
                       "reasons by check; one that passes is a failure")
    three.set_defaults(run=_oracle_run, parser=three)
    return parser


# --- compress --------------------------------------------------------------------------------------------------


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


def _same(one: Path, other: Path | None) -> bool:
    return other is not None and one.resolve() == other.resolve()


def _check_writable(path: Path) -> None:
    """Raise ValueError, before the work begins, if there is no place for its result."""
    folder = path.resolve().parent
    if not folder.is_dir():
        raise ValueError(f"{path}: there is no directory {folder}")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: expected the name of a file, got {'a directory' if path.is_dir() else 'a device'}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror}") from error


@one_blas_thread()
def _compress(arguments: argparse.Namespace) -> None:
    output, plot = arguments.output, arguments.plot
    points = _read_points(arguments.points)
    history = None if arguments.history is None else _read_points(arguments.history)
    if history is not None and history.shape[1] != points.shape[1]:
        raise ValueError(f"{arguments.history}: expected points of dimension {points.shape[1]}, as in "
                         f"{arguments.points}, got dimension {history.shape[1]}")
    if _same(output, arguments.points):
        raise ValueError(f"{output}: expected another file than the given points, which would be lost")
    _check_writable(output)
    if plot is not None:
        if any(_same(plot, other) for other in (arguments.points, arguments.history, output)):
            raise ValueError(f"{plot}: expected a file of its own for the picture")
        check_picture_path(plot)
        _check_writable(plot)
    if arguments.indices is not None:
        if arguments.support != "subset":
            raise ValueError("argument --indices: expected --support subset: free points are no rows of the given ones")
        if any(_same(arguments.indices, other) for other in (arguments.points, arguments.history, output, plot)):
            raise ValueError(f"{arguments.indices}: expected a file of its own for the indices")
        _check_writable(arguments.indices)

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

    appended = history is not None and _same(output, arguments.history)
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


# --- demo ------------------------------------------------------------------------------------------------------


def _demo(arguments: argparse.Namespace) -> None:
    if arguments.out.exists() and not arguments.out.is_dir():
        raise ValueError(f"{arguments.out}: expected a directory, got a file")
    from .demo import run

    summary = run(arguments.out, seed=arguments.seed, epochs=arguments.epochs, repetitions=arguments.repetitions,
                  network=arguments.network, latent_dim=arguments.latent_dim)
    print(table(summary))
    print(f"\n{sum(summary['seconds'].values()):.0f} seconds. Open {arguments.out / 'index.html'}")


# --- oracle ----------------------------------------------------------------------------------------------------


def _oracle_list(arguments: argparse.Namespace) -> None:
    from .oracle.explain import list_checks

    print(list_checks(arguments.capability))


def _oracle_explain(arguments: argparse.Namespace) -> None:
    from .oracle.explain import explain

    print(explain(arguments.name))


def _oracle_run(arguments: argparse.Namespace) -> int:
    from .oracle import command
    from .oracle.runner import select_checks

    outputs = [path for path in (arguments.report, arguments.junit) if path is not None]
    for i, path in enumerate(outputs):
        if any(_same(path, other) for other in (arguments.xfails, *outputs[:i])):
            raise ValueError(f"{path}: expected a file of its own for each result")
        _check_writable(path)
    expected = {} if arguments.xfails is None else _read_xfails(arguments.xfails)
    adapter = command.load_adapter(arguments.adapter)
    total = len(select_checks(adapter, arguments.select))
    with progress(total, "judging", "check", shown=sys.stderr.isatty()) as step:
        report = command.run(adapter, select=arguments.select, expected_failures=expected,
                             callback=lambda result: step(result.name))
    print(report)
    if arguments.report is not None:
        write_json(arguments.report, report.to_json())
        print(f"wrote {arguments.report}")
    if arguments.junit is not None:
        write_text(arguments.junit, report.to_junit())
        print(f"wrote {arguments.junit}")
    return 0 if report.ok else 1


def _read_xfails(path: Path) -> dict[str, str]:
    from .oracle.command import read_expected_failures

    try:
        return read_expected_failures(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8: {error}") from error


# --- all -------------------------------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process if not given.

    Returns
    -------
    int
        0; 1 if the oracle found something wrong.

    Raises
    ------
    SystemExit
        With status 2 if the input cannot be used, 1 if the training diverged, 130 if the user stopped it.
    """
    arguments = _parser().parse_args(argv)
    parser: argparse.ArgumentParser = arguments.parser
    try:
        return arguments.run(arguments) or 0
    except (ValueError, ImportError, OSError, MemoryError, OverflowError) as error:
        parser.error(str(error) or type(error).__name__)
    except FloatingPointError as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\n{parser.prog}: stopped\n")


if __name__ == "__main__":
    sys.exit(main())
