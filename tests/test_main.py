"""The command line: what it writes, what it refuses, and that it never leaves half a file."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import divergen as dg
from divergen import __main__ as cli
from divergen import report
from divergen.commands import compress as compress_command
from divergen.commands import options

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(300, 2))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with an array of points, and some other files."""
    monkeypatch.chdir(tmp_path)
    np.save("points.npy", POINTS)
    np.save("history.npy", POINTS[:4])
    np.save("space.npy", np.zeros((3, 3)))
    np.save("flat.npy", np.zeros(3))
    np.save("nan.npy", np.array([[0.0, np.nan]]))
    np.save("words.npy", np.array([["a", "b"]]))
    np.save("objects.npy", np.array([[None, 1]], dtype=object), allow_pickle=True)
    np.save("none.npy", np.zeros((0, 2)))
    (tmp_path / "text.npy").write_text("not an array")
    (tmp_path / "half.npy").write_bytes((tmp_path / "points.npy").read_bytes()[:1000])
    np.savez("several.npz", POINTS)
    (tmp_path / "chosen.npy").write_bytes(b"old")
    return tmp_path


def compress(*arguments):
    return cli.main(["compress", *map(str, arguments)])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# --- compress --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["adam", "lbfgs", "mm"])
def test_compress_writes_points_that_are_close_to_the_data(folder, capsys, method):
    assert compress("points.npy", "-k", 10, "--method", method, "--iterations", 200, "-o", "chosen.npy") == 0
    chosen = np.load("chosen.npy")
    assert chosen.shape == (10, 2)
    squared = dg.squared_distance(dg.Diracs(chosen), dg.Diracs(POINTS))
    at_random = dg.self_energy(POINTS, None) / 20
    assert squared < at_random / 4
    said = capsys.readouterr()
    assert f"d^2 to the data: {squared:.5g}\n" in said.out
    assert f"drawn from it at random: {at_random:.5g} on average" in said.out
    assert "wrote chosen.npy: shape (10, 2)\n" in said.out
    assert "compressing" in said.err  # the progress bar


def test_the_same_seed_gives_the_same_points(folder):
    chosen = []
    for seed in (3, 3, 4):
        compress("points.npy", "-k", 2, "--iterations", 20, "--batch-size", 50, "--seed", seed, "-o", "chosen.npy")
        chosen.append(np.load("chosen.npy"))
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert not np.array_equal(chosen[0], chosen[2])


def test_the_history_is_honoured(folder, capsys):
    right = np.array([[1.0, 0.0]])
    np.save("two.npy", np.array([[-1.0, 0.0], [1.0, 0.0]]))
    np.save("right.npy", right)
    compress("two.npy", "-k", 1, "--method", "lbfgs", "--history", "right.npy", "-o", "left.npy")
    np.testing.assert_allclose(np.load("left.npy"), [[-1.0, 0.0]], atol=1e-3)  # the place that is still empty
    assert "d^2 to the data, with the 1 of the history: " in capsys.readouterr().out


def test_the_mean_at_random_is_that_of_draws():
    target, history, rng = dg.Diracs(POINTS[:20]), POINTS[20:23] + 1, np.random.default_rng(0)
    for past in (None, history):
        draws = []
        for _ in range(4000):
            points = target.sample(2, rng)
            points = points if past is None else np.concatenate([points, past])
            draws.append(dg.squared_distance(dg.Diracs(points), target))
        error = np.std(draws) / np.sqrt(len(draws))
        assert abs(compress_command._mean_at_random(target, past, 2, dg.HuberEnergy()) - np.mean(draws)) < 4 * error


def test_the_history_in_the_output_file_is_kept_before_the_new_points(folder, capsys):
    compress("points.npy", "-k", 3, "--history", "history.npy", "--iterations", 10, "-o", "history.npy")
    kept = np.load("history.npy")
    assert kept.shape == (7, 2)
    np.testing.assert_array_equal(kept[:4], POINTS[:4])
    assert "wrote history.npy: shape (7, 2), first the history, then the new points" in capsys.readouterr().out


def test_recursive_compression_is_that_of_the_library(folder):
    compress("points.npy", "-k", 3, "--recursive", "--method", "lbfgs", "--seed", 1, "-o", "chosen.npy")
    rng = np.random.default_rng(1)
    expected = dg.recursive_compress(dg.Diracs(POINTS), 3, rng=rng, method="lbfgs")
    np.testing.assert_array_equal(np.load("chosen.npy"), expected.points)


@pytest.mark.parametrize("options", [
    {"start": "sobol", "iterations": 3}, {"start": "coarse", "tolerance": 1e-2}, {"start": "sample", "tolerance": 0.1},
    {"start": "sobol", "tolerance": 0.0, "workers": -1}, {"start": "sobol", "recursive": True},
], ids=str)
def test_starts_tolerances_and_workers_are_handed_on(folder, options):
    words = [word for name, value in options.items() for word in (f"--{name}", value) if word is not True]
    compress("points.npy", "-k", 3, "--method", "lbfgs", "-o", "chosen.npy", *words)
    options = dict(options)
    way = dg.recursive_compress if options.pop("recursive", False) else dg.compress
    expected = way(dg.Diracs(POINTS), 3, rng=np.random.default_rng(0), method="lbfgs", **options)
    other = way(dg.Diracs(POINTS), 3, rng=np.random.default_rng(0), method="lbfgs")
    np.testing.assert_array_equal(np.load("chosen.npy"), expected.points)
    assert not np.array_equal(expected.points, other.points)


def test_a_subset_of_the_given_points_and_their_rows(folder, capsys):
    compress("points.npy", "-k", 5, "--support", "subset", "--history", "history.npy", "-o", "chosen.npy",
             "--indices", "rows.npy")
    rows = np.load("rows.npy")
    expected = dg.compress(dg.Diracs(POINTS), 5, rng=np.random.default_rng(0), support="subset", history=POINTS[:4])
    np.testing.assert_array_equal(rows, expected.indices)
    np.testing.assert_array_equal(np.load("chosen.npy"), POINTS[rows])
    said = capsys.readouterr()
    assert f"of dimension 2: a subset, {expected.iterations} passes of swaps, seed 0\n" in said.out
    assert said.out.endswith("wrote rows.npy\n") and "compressing" in said.err


def test_the_rows_are_those_of_the_whole_file(folder):
    """Also where a random subset of the file was taken, and with one point at a time."""
    for more in ([], ["--recursive"]):
        compress("points.npy", "-k", 4, "--support", "subset", "--subset", 40, "-o", "chosen.npy", "--indices", "r.npy",
                 *more)
        np.testing.assert_array_equal(np.load("chosen.npy"), POINTS[np.load("r.npy")])
        assert np.load("r.npy").max() >= 40


def test_recursive_subset(folder, capsys):
    compress("points.npy", "-k", 3, "--support", "subset", "--recursive", "-o", "chosen.npy")
    expected = dg.recursive_compress(dg.Diracs(POINTS), 3, rng=np.random.default_rng(0), support="subset")
    np.testing.assert_array_equal(np.load("chosen.npy"), expected.points)
    assert "of dimension 2: a subset, recursive, seed 0\n" in capsys.readouterr().out


def test_a_limit_of_passes_is_said(folder, capsys):
    compress("points.npy", "-k", 30, "--support", "subset", "--iterations", 1, "-o", "chosen.npy")
    assert "stopped at the limit of 1 passes of swaps" in capsys.readouterr().out


def test_of_many_points_a_subset_is_taken(folder, capsys):
    compress("points.npy", "-k", 2, "--subset", 50, "--iterations", 10, "-o", "chosen.npy", "--plot", "a.svg")
    out = capsys.readouterr().out
    assert "2 representatives of 50 points (a random subset of 300) of dimension 2" in out
    assert "50 points" in (folder / "a.svg").read_text()


def test_a_limit_of_iterations_is_said(folder, capsys):
    compress("points.npy", "-k", 10, "--method", "lbfgs", "--iterations", 1, "-o", "chosen.npy")
    assert "stopped at the limit of 1 iterations" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("dtype", "expected"), [("<f4", "float32"), (">f8", "float64"), ("<i8", "float64"), ("bool", "float64")]
)
def test_number_types(folder, dtype, expected):
    np.save("typed.npy", (4 * POINTS).astype(dtype))
    compress("typed.npy", "-k", 2, "--iterations", 5, "-o", "chosen.npy")
    assert np.load("chosen.npy").dtype == expected


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_the_picture(folder, dim):
    np.save("typed.npy", RNG.normal(size=(60, dim)))
    compress("typed.npy", "-k", 2, "--iterations", 5, "-o", "chosen.npy", "--plot", "picture.png")
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")


GOOD = "points.npy -k 3 -o chosen.npy"
REFUSED = {
    "missing.npy -k 3 -o chosen.npy": "missing.npy: cannot be read: No such file or directory",
    ". -k 3 -o chosen.npy": ".: cannot be read: Is a directory",
    "text.npy -k 3 -o chosen.npy": "text.npy: expected a whole .npy file, as numpy.save writes, got something else",
    "half.npy -k 3 -o chosen.npy": "half.npy: expected a whole .npy file, as numpy.save writes, got something else",
    "several.npz -k 3 -o chosen.npy": "several.npz: expected a whole .npy file, as numpy.save writes, got something",
    "objects.npy -k 3 -o chosen.npy": "objects.npy: expected an array of numbers, got one of Python objects",
    "words.npy -k 3 -o chosen.npy": "words.npy: expected real numbers, got an array of dtype <U1",
    "flat.npy -k 3 -o chosen.npy": "flat.npy: expected an array of shape (n, d), points as rows, got shape (3,); "
    "for points on a line use flat.npy[:, None]",
    "none.npy -k 3 -o chosen.npy": "none.npy: expected at least one point of at least one dimension, got shape (0, 2)",
    "nan.npy -k 3 -o chosen.npy": "nan.npy: expected finite numbers, got 1 that are nan or infinite, of 2",
    "points.npy -k 0 -o chosen.npy": "argument -k: expected a whole number of at least 1, got '0'",
    "points.npy -k ten -o chosen.npy": "argument -k: expected a whole number of at least 1, got 'ten'",
    f"{GOOD} --seed -1": "argument --seed: expected a whole number of at least 0, got '-1'",
    f"{GOOD} --iterations 0": "argument --iterations: expected a whole number of at least 1, got '0'",
    f"{GOOD} --batch-size 1.5": "argument --batch-size: expected a whole number of at least 1, got '1.5'",
    f"{GOOD} --restarts 0": "argument --restarts: expected a whole number of at least 1, got '0'",
    f"{GOOD} --subset 0": "argument --subset: expected a whole number of at least 1, got '0'",
    f"{GOOD} --workers 0": "argument --workers: expected a number of threads, or -1 for one on each core, got '0'",
    f"{GOOD} --workers -2": "argument --workers: expected a number of threads, or -1 for one on each core, got '-2'",
    "missing.npy -k 3 -o chosen.npy --workers two": "argument --workers: expected a number of threads, or -1",
    f"{GOOD} --workers 99999999999": "argument --workers: expected a number of threads, or -1 for one on each core",
    f"{GOOD} --tolerance -1": "argument --tolerance: expected a finite number of at least 0, got '-1'",
    f"{GOOD} --tolerance inf": "argument --tolerance: expected a finite number of at least 0, got 'inf'",
    f"{GOOD} --tolerance low": "argument --tolerance: expected a finite number of at least 0, got 'low'",
    f"{GOOD} --start points.npy": "argument --start: invalid choice: 'points.npy'",
    f"{GOOD} --method sgd": "argument --method: invalid choice: 'sgd'",
    "points.npy -k 3": "the following arguments are required: -o/--output",
    f"{GOOD} --history missing.npy": "missing.npy: cannot be read: No such file or directory",
    f"{GOOD} --history objects.npy": "objects.npy: expected an array of numbers, got one of Python objects",
    f"{GOOD} --history space.npy": "space.npy: expected points of dimension 2, as in points.npy, got dimension 3",
    "points.npy -k 3 -o nowhere/chosen.npy": "nowhere/chosen.npy: there is no directory ",
    "points.npy -k 3 -o .": ".: expected the name of a file, got a directory",
    "points.npy -k 3 -o /dev/null": "/dev/null: expected the name of a file, got a device",
    "points.npy -k 3 -o points.npy": "points.npy: expected another file than the given points, which would be lost",
    f"{GOOD} --plot a.gif": "a.gif: expected the name of a picture, which ends in .pdf, .png, .svg, "
    "got the ending '.gif'",
    f"{GOOD} --plot nowhere/a.png": "nowhere/a.png: there is no directory ",
    f"{GOOD} --plot chosen.npy": "chosen.npy: expected a file of its own for the picture",
    f"{GOOD} --plot points.npy": "points.npy: expected a file of its own for the picture",
    f"{GOOD} --support own": "argument --support: invalid choice: 'own'",
    f"{GOOD} --indices rows.npy": "argument --indices: expected --support subset: free points are no rows of the given",
    f"{GOOD} --support subset --indices points.npy": "points.npy: expected a file of its own for the indices",
    f"{GOOD} --support subset --indices chosen.npy": "chosen.npy: expected a file of its own for the indices",
    f"{GOOD} --support subset --indices nowhere/r.npy": "nowhere/r.npy: there is no directory ",
    "points.npy -k 301 -o chosen.npy --support subset": "argument -k: expected at most 300, as many as there are to",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_bad_input_is_refused_in_one_line_and_touches_no_file(folder, capsys, arguments):
    before = contents(folder)
    with pytest.raises(SystemExit) as stop:
        compress(*arguments.split())
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"divergen compress: error: {REFUSED[arguments]}")
    assert said.err.count("\n") == 1
    assert said.err.endswith("\n")
    assert said.out == ""
    assert contents(folder) == before


def test_a_place_that_cannot_be_written_is_refused_before_the_work(folder, capsys, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(options.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(compress_command, "compress", lambda *_, **__: pytest.fail("the work began"))
    with pytest.raises(SystemExit) as stop:
        compress(*GOOD.split())
    assert stop.value.code == 2
    assert capsys.readouterr().err == "divergen compress: error: chosen.npy: cannot be written: Permission denied\n"


def test_without_matplotlib_a_picture_is_refused(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SystemExit) as stop:
        compress(*GOOD.split(), "--plot", "a.png")
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith("pictures need the package matplotlib: pip install divergen[demo]\n")


def test_without_tqdm_there_is_no_bar_and_no_error(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert compress(*GOOD.split(), "--iterations", 5) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(folder, capsys, monkeypatch, failing):
    def fail(*_):
        raise OSError(28, "No space left on device")

    before = contents(folder)
    monkeypatch.setattr(report.os, failing, fail)
    with pytest.raises(SystemExit) as stop:
        compress(*GOOD.split(), "--iterations", 5)
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith("divergen compress: error: [Errno 28] No space left on device\n")
    assert contents(folder) == before


def test_a_link_is_kept_and_what_it_points_to_replaced(folder):
    (folder / "link.npy").symlink_to("chosen.npy")
    compress("points.npy", "-k", 2, "--iterations", 5, "-o", "link.npy")
    assert (folder / "link.npy").is_symlink()
    assert np.load("chosen.npy").shape == (2, 2)


def test_stopped_by_the_user(folder, capsys, monkeypatch):
    def stop_here(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(compress_command, "compress", stop_here)
    before = contents(folder)
    with pytest.raises(SystemExit) as stop:
        compress(*GOOD.split())
    assert stop.value.code == 130
    assert capsys.readouterr().err.endswith("divergen compress: stopped\n")
    assert contents(folder) == before


# --- both ------------------------------------------------------------------------------------------------------


def test_as_a_module(folder):
    def python(*arguments):
        command = [sys.executable, "-m", "divergen", *arguments]
        paths = {"PYTHONPATH": str(Path(dg.__file__).parents[1])}
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **paths})

    done = python("compress", "points.npy", "-k", "2", "--iterations", "5", "-o", "new.npy")
    assert done.returncode == 0
    assert np.load("new.npy").shape == (2, 2)
    refused = python("compress", "missing.npy", "-k", "2", "-o", "new.npy")
    assert refused.returncode == 2
    assert refused.stderr == "divergen compress: error: missing.npy: cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "divergen: error: the following arguments are required: command\n"),
        ("draw", "divergen: error: argument command: invalid choice: 'draw'"),
        ("demo --epochs 0",
         "divergen demo: error: argument --epochs: expected a whole number of at least 1, got '0'\n"),
        ("demo --repetitions 1",
         "divergen demo: error: argument --repetitions: expected a whole number of at least 2, got '1'\n"),
        ("demo --seed x", "divergen demo: error: argument --seed: expected a whole number of at least 0, got 'x'\n"),
        ("demo --out points.npy", "divergen demo: error: points.npy: expected a directory, got a file\n"),
        ("demo --out points.npy/demo", "divergen demo: error: [Errno 20] Not a directory: 'points.npy/demo'\n"),
    ],
)
def test_commands_that_are_refused(folder, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments.split())
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(message)
    assert said.count("\n") == 1


def test_a_training_that_diverges_is_no_bad_input(folder, capsys, monkeypatch):
    from divergen import demo

    def diverge(*_, **__):
        raise FloatingPointError("the training diverged at epoch 1, step 3")

    monkeypatch.setattr(demo, "mnist", lambda: None)
    monkeypatch.setattr(demo, "_train", diverge)
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", "--out", "demo"])
    assert stop.value.code == 1
    assert capsys.readouterr().err == "divergen demo: error: the training diverged at epoch 1, step 3\n"
    assert list((folder / "demo").iterdir()) == []


def test_points_narrower_than_the_kernel_is_round(tmp_path, capsys):
    """At a spread of 1e-9 the default a would make a parabola of the kernel: refused, with the way out; --a 0 works."""
    points = tmp_path / "points.npy"
    np.save(points, 1e-9 * np.random.default_rng(0).standard_normal((50, 2)))
    with pytest.raises(SystemExit) as stop:
        cli.main(["compress", str(points), "-k", "3", "-o", str(tmp_path / "out.npy")])
    assert stop.value.code == 2 and "give a smaller --a, such as 0" in capsys.readouterr().err
    out = tmp_path / "out.npy"
    assert cli.main(["compress", str(points), "-k", "3", "-o", str(out), "--a", "0", "--method", "lbfgs"]) == 0
    assert np.load(out).std() > 1e-10


@pytest.mark.parametrize("count", ["99999999999999999999", str(2**31)])
def test_counts_beyond_reason(tmp_path, capsys, count):
    np.save(tmp_path / "points.npy", np.zeros((3, 2)))
    with pytest.raises(SystemExit) as stop:
        cli.main(["compress", str(tmp_path / "points.npy"), "-k", count, "-o", str(tmp_path / "out.npy")])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and "expected a whole number" in error
