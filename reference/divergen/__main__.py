r"""The command line: ``python -m divergen compress`` and ``python -m divergen demo``.

What is wrong with the input is said in one line on standard error, with exit status 2, and then no file has been touched.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from .arrays import as_points
from .distance.algebra import Diracs
from .distance.energy import self_energy
from .distance.kernels import HuberEnergy
from .plotting import check_picture_path, chosen_points, save_figure
from .report import progress, replacing, table
from .sampling.compress import compress, recursive_compress

__all__ = ["main"]

SUBSET = 10_000


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def _whole(at_least: int) -> Callable[[str], int]:
    """Return a function that reads a whole number for argparse."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = at_least - 1
        if number < at_least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {at_least}, got {text!r}")
        return number

    return read


def _parser() -> _Parser:
    parser = _Parser(prog="divergen", description="Diverse samples: choose points that represent a whole distribution.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{compress,demo}", parser_class=_Parser)

    one = commands.add_parser(
        "compress", help="choose diverse representatives of your own points", allow_abbrev=False,
        description="Find k points whose equal weights are as close as possible, in the kernel distance, to the distribution of "
        "the given points. They are free points of the same space, and need not be among the given ones.",
    )
    one.add_argument("points", type=Path, help="an .npy file with an array of shape (n, d), points as rows")
    one.add_argument("-k", type=_whole(1), required=True, help="how many points to choose")
    one.add_argument("-o", "--output", type=Path, required=True, metavar="FILE",
                     help="where to write the chosen points, shape (k, d); if it is the history's own file, they are put behind "
                     "those of the history")
    one.add_argument("--history", type=Path, metavar="FILE",
                     help="an .npy file of points chosen earlier, which the new ones complete and stay away from")
    one.add_argument("--method", choices=("adam", "lbfgs"), default="adam",
                     help="minibatches, as the sources do, or deterministic minimisation (default: %(default)s)")
    one.add_argument("--recursive", action="store_true", help="one point at a time, each aware of those before it")
    one.add_argument("--iterations", type=_whole(1), default=1000, metavar="N",
                     help="steps of Adam, or the most that L-BFGS may take (default: %(default)s)")
    one.add_argument("--batch-size", type=_whole(1), default=1000, metavar="N",
                     help="points in each minibatch of Adam (default: %(default)s)")
    one.add_argument("--restarts", type=_whole(1), default=1, metavar="N",
                     help="independent starts, of which the best is kept (default: %(default)s)")
    one.add_argument("--subset", type=_whole(1), default=SUBSET, metavar="N",
                     help="if there are more points than this, a random subset of this size stands for them: time grows with "
                     "its square (default: %(default)s)")
    one.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="where all randomness comes from (default: %(default)s)")
    one.add_argument("--plot", type=Path, metavar="FILE",
                     help="a picture to write (.png, .pdf, .svg); of more than two dimensions it shows the first two principal axes")
    one.set_defaults(run=_compress, parser=one)

    two = commands.add_parser(
        "demo", help="train an autoencoder on real digits and draw from it in four ways", allow_abbrev=False,
        description="Train a variational autoencoder on 5,000 handwritten digits, draw from its latent space in four ways, count the "
        "different digits in the images, and write pictures, numbers and a page that shows them.",
    )
    two.add_argument("--out", type=Path, default=Path("build/demo"), metavar="DIR", help="a folder (default: %(default)s)")
    two.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="where all randomness comes from (default: %(default)s)")
    two.add_argument("--epochs", type=_whole(1), default=60, metavar="N", help="of the training (default: %(default)s)")
    two.add_argument("--repetitions", type=_whole(2), default=100, metavar="N",
                     help="independent draws in each way (default: %(default)s)")
    two.set_defaults(run=_demo, parser=two)
    return parser


# --- compress --------------------------------------------------------------------------------------------------


def _read_points(path: Path) -> np.ndarray:
    """Read an .npy file of finite points; ValueError with the file's name if it is anything else."""
    try:
        with open(path, "rb") as file:
            np.lib.format.read_magic(file)
            file.seek(0)
            array = np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error
    except (ValueError, EOFError, MemoryError, OverflowError, TypeError, SyntaxError) as error:
        if "Object arrays" in str(error):
            raise ValueError(f"{path}: expected an array of numbers, got an array of Python objects, which is not loaded") from error
        raise ValueError(f"{path}: expected a whole .npy file, as numpy.save writes it, got something else") from error
    return as_points(array.astype(array.dtype.newbyteorder("="), copy=False), str(path))


def _same_file(one: Path, other: Path | None) -> bool:
    return other is not None and one.resolve() == other.resolve()


def _check_writable(path: Path) -> None:
    """Raise ValueError before the work begins if there is no place for its result."""
    folder = path.resolve().parent
    if not folder.is_dir():
        raise ValueError(f"{path}: there is no directory {folder}")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: expected a name for a file, got a directory or a device")
    try:
        with replacing(folder / path.name) as _:
            raise InterruptedError  # a trial: the file beside is made and removed, nothing is renamed
    except InterruptedError:
        pass


def _compress(arguments: argparse.Namespace) -> None:
    output, history_path, plot, k = arguments.output, arguments.history, arguments.plot, arguments.k
    points = _read_points(arguments.points)
    history = None if history_path is None else _read_points(history_path)
    if history is not None and history.shape[1] != points.shape[1]:
        raise ValueError(f"{history_path}: expected points of dimension {points.shape[1]} as in {arguments.points}, "
                         f"got dimension {history.shape[1]}")
    files = [path for path in (output, plot) if path is not None]
    for path in files:
        if _same_file(path, arguments.points) or (path is plot and (_same_file(path, history_path) or _same_file(path, output))):
            raise ValueError(f"{path}: expected another file than those of the points, got the same one twice")
        _check_writable(path)
    if plot is not None:
        check_picture_path(plot)

    rng = np.random.default_rng(arguments.seed)
    total = len(points)
    if total > arguments.subset:
        points = points[np.sort(rng.choice(total, size=arguments.subset, replace=False))]
    target, kernel = Diracs(points), HuberEnergy()
    options: dict[str, Any] = {
        "rng": rng, "history": history, "method": arguments.method, "iterations": arguments.iterations,
        "batch_size": arguments.batch_size, "restarts": arguments.restarts,
    }
    steps = k if arguments.recursive else arguments.restarts * arguments.iterations
    if arguments.method == "lbfgs" and not arguments.recursive:
        steps = None  # it stops when it is done
    with progress(steps, "compressing", "point" if arguments.recursive else "iteration") as step:
        options["callback"] = lambda number, found: step("")
        found = (recursive_compress if arguments.recursive else compress)(target, k, kernel, **options)

    appended = history is not None and _same_file(output, history_path)
    written = np.concatenate([history, found.points]) if appended else found.points
    picture = None if plot is None else chosen_points(points, found.points, history)
    with replacing(output.resolve()) as file:
        np.lib.format.write_array(file, written, allow_pickle=False)
    if picture is not None:
        save_figure(picture, plot)

    of_all = f" (a random subset of {total:,})" if total > len(points) else ""
    print(f"{k} representatives of {len(points):,} points{of_all} in {points.shape[1]} dimensions: {arguments.method}"
          f"{', recursive' if arguments.recursive else ''}, {found.iterations} iterations, seed {arguments.seed}")
    if arguments.method == "lbfgs" and not found.converged:
        print(f"  stopped at the limit of {arguments.iterations} iterations; more may still help a little")
    before = 0 if history is None else len(history)
    whose = "the new points" if history is None else f"the new points and the {before} of the history together"
    print(f"  d^2 of {whose}: {found.union_squared_distance:.5g}")
    print(f"  d^2 with {k} random points of the data in their place: {_expected_at_random(target, history, k, kernel):.5g} on average")
    print(f"  (squared kernel distance to the data, with the factor 1/2; h(x) = sqrt(|x|^2 + a^2) - a, a = {kernel.a:g})")
    print(f"wrote {output}: shape {written.shape}" + (f", the history first, then the {k} new points" if appended else ""))
    if plot is not None:
        print(f"wrote {plot}")


def _expected_at_random(target: Diracs, history: np.ndarray | None, k: int, kernel: HuberEnergy) -> float:
    r"""Return the mean of :math:`d(\delta_{X \cup Y}, \mu)^2` for k independent draws X from :math:`\mu`.

    X alone is I/(2k) away on average, I the double integral of h against mu; the cross term has mean 0.
    """
    inside = self_energy(target.points, target.weights, kernel)
    if history is None:
        return inside / (2 * k)
    n = len(history)
    past = Diracs(history)
    alone = float(target.potential(history, kernel).mean()) - self_energy(past.points, past.weights, kernel) / 2 - inside / 2
    return (k**2 * inside / (2 * k) + n**2 * alone) / (n + k) ** 2


# --- demo ------------------------------------------------------------------------------------------------------


def _demo(arguments: argparse.Namespace) -> None:
    if arguments.out.exists() and not arguments.out.is_dir():
        raise ValueError(f"{arguments.out}: expected a directory, got a file")
    from .demo import run

    summary = run(arguments.out, seed=arguments.seed, epochs=arguments.epochs, repetitions=arguments.repetitions)
    print(table(summary))
    print(f"\n{sum(summary['seconds'].values()):.0f} seconds. Open {arguments.out / 'index.html'}")


# --- both ------------------------------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0, 1 if the training diverged, 2 for input that cannot be used.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process if not given.

    Returns
    -------
    int
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (ValueError, ImportError, OSError, MemoryError) as error:
        arguments.parser.error(str(error) or type(error).__name__)
    except FloatingPointError as error:
        arguments.parser.exit(1, f"{arguments.parser.prog}: error: {error}\n")
    except KeyboardInterrupt:
        arguments.parser.exit(130, f"\n{arguments.parser.prog}: interrupted\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
