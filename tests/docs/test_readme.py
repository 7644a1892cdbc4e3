"""What the README shows runs as it stands: Python prints what its comments say, the commands do their work."""

import contextlib
import io
import os
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = [line.split("#")[0].strip() for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
         for line in block.splitlines()]


def test_python_block():
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    promised = re.findall(r"print\(.*\)\s+# (.*)", block)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block, "README.md", "exec"), {})
    assert len(promised) == 2 and printed.getvalue().split() == promised


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder with points.npy, in which the commands run one after another."""
    path = tmp_path_factory.mktemp("readme")
    np.save(path / "points.npy", np.random.default_rng(0).standard_normal((500, 2)))
    return path


@pytest.mark.parametrize("command", [line for line in SHELL if line.startswith("python")])
def test_commands_run(folder, command):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "reference"), "MPLBACKEND": "Agg"}
    arguments = shlex.split(command)[1:]
    result = subprocess.run([sys.executable, "-W", "error", *arguments], cwd=folder, env=environment,
                            capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert result.returncode == 0, result.stderr
    for option in ("-o", "--plot", "--indices"):
        if option in arguments:
            assert (folder / arguments[arguments.index(option) + 1]).stat().st_size > 0


def test_there_are_no_other_commands():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for line in SHELL:
        program, argument = line.split()[:2]
        assert program == "python" or (program == "make" and argument in targets), line
    assert set(re.findall(r"`make ([a-z]+)`", README)) <= targets


def test_files_and_names_exist():
    """The picture, the files in backticks, and the functions of the status table."""
    import divergen

    for path in re.findall(r"!\[.+\]\((.+)\)", README):
        assert (ROOT / path).is_file()
    table = README.split("## Status")[1].split("The core needs")[0]
    rows = [row.split("|")[2] for row in table.splitlines() if row.startswith("| ")][1:]
    assert len(rows) >= 12
    for name in re.findall(r"`(\w+)`", " ".join(rows)):
        assert hasattr(divergen, name), name
