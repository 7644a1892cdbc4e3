"""Run every benchmark, on one thread and on two where threads help, and write one table of all that was measured.

Run: python benchmarks/run_all.py [name ...]. The table is docs/results/benchmarks.csv; beside it, benchmarks.json says
on which machine and with which versions. With names, as `energy vae`, only these are run, and nothing is written.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import common

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "docs" / "results"
ON_TWO_THREADS = ("bench_energy.py", "bench_gradient.py", "bench_neighbours.py")
PACKAGES = ("numpy", "scipy", "torch", "numba", "dcor", "prdc")


def main(names: list[str]) -> int:
    scripts = sorted(path.name for path in HERE.glob("bench_*.py"))
    unknown = [name for name in names if f"bench_{name}.py" not in scripts]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        for script in [f"bench_{name}.py" for name in names] or scripts:
            for options in [[], ["--workers", "2"]] if script in ON_TWO_THREADS else [[]]:
                print(f"\n== {script} {' '.join(options)}", flush=True)
                subprocess.run([sys.executable, str(HERE / script), *options], check=True,
                               env={**os.environ, common.TABLE: str(table)})
        if not names:
            write(table)
    return 0


def write(table: Path) -> None:
    """Write the table, and what it was measured on."""
    with open(table, newline="") as file:
        measured = list(csv.reader(file))
    # A task and its threads are said once, above what was measured for them.
    rows = [["", "", *now[2:]] if now[:2] == before[:2] else now
            for before, now in zip([["", ""], *measured], measured, strict=False)]
    with open(RESULTS / "benchmarks.csv", "w", newline="") as file:
        csv.writer(file).writerows([("task", "threads", "who", "median ms", "times divergen"), *rows])
    about = {"machine": common.machine(), "python": platform.python_version(),
             "versions": {name: version(name) for name in PACKAGES}}
    (RESULTS / "benchmarks.json").write_text(json.dumps(about, indent=2) + "\n")
    print(f"\nwritten: {RESULTS / 'benchmarks.csv'}, {RESULTS / 'benchmarks.json'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
