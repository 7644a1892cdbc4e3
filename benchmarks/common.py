"""What the benchmarks share: a number of threads, interleaved runs, medians and ratios, and versions.

Import this module before NumPy. It asks the numerical libraries for `WORKERS` threads, which they read when they are
loaded: one, or what follows ``--workers`` on the command line. OpenBLAS is given one in any case: threads are ours.
"""

from __future__ import annotations

import csv
import gc
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

WORKERS = int(sys.argv[sys.argv.index("--workers") + 1]) if "--workers" in sys.argv else 1
os.environ["OPENBLAS_NUM_THREADS"] = "1"
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = str(WORKERS)

TABLE = "DIVERGEN_BENCHMARK_TABLE"  # environment variable: where rows are added
Runs = dict[str, Callable[[], Any]]
Times = dict[str, list[float]]


def machine() -> str:
    """Return the processor in words."""
    processor = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).is_file():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        processor = models[0].split(":", 1)[1].strip() if models else processor
    return f"{processor}, {os.cpu_count()} cores"


def print_header(title: str, *packages: str) -> None:
    """Print what is measured, on what, with which versions."""
    print(f"{title}\n{'one thread' if WORKERS == 1 else f'{WORKERS} threads'} of {machine()}")
    print(", ".join([f"Python {platform.python_version()}"] + [f"{name} {version(name)}" for name in packages]))


def interleave(runs: Runs, rounds: int = 7, calls: int = 1) -> tuple[Times, dict[str, Any]]:
    """Time each of `runs` in each round, in turn, after one call of each that is not counted.

    Whatever else the machine does then disturbs all of them alike. Returns the seconds that one call took, one number
    for each round (the mean of `calls`, for short ones), and what the uncounted calls returned.
    """
    results = {name: run() for name, run in runs.items()}
    times: Times = {name: [] for name in runs}
    for _ in range(rounds):
        gc.collect()
        for name, run in runs.items():
            start = time.perf_counter()
            for _ in range(calls):
                run()
            times[name].append((time.perf_counter() - start) / calls)
    return times, results


def ratio(times: Times, name: str, reference: str) -> float:
    """Return the median over the rounds of time(name) / time(reference) in one round: above 1, `name` is slower."""
    return median(a / b for a, b in zip(times[name], times[reference], strict=True))


def print_times(times: Times, reference: str, notes: dict[str, str] | None = None, task: str = "") -> None:
    """Print a table: median milliseconds, the ratio to `reference` (above 1: slower than it), and a note.

    With a `task` the table is also added to the file that run_all.py names, if it runs this.
    """
    rows = [("", "median ms", "ratio", "")]
    for name, seconds in times.items():
        note = (notes or {}).get(name, "")
        rows.append((name, f"{1e3 * median(seconds):.2f}", f"{ratio(times, name, reference):.2f}", note))
    print_table(rows)
    faster = [f"{name} ({ratio(times, name, reference):.2f})" for name in times
              if not name.startswith(reference) and ratio(times, name, reference) < 1]
    print(f"  faster than {reference}: {', '.join(faster) if faster else 'none'}")


    if task and (path := os.environ.get(TABLE)):
        with open(path, "a", newline="") as file:
            for name, seconds in times.items():
                milliseconds = 1e3 * median(seconds)
                digits = 0 if milliseconds >= 100 else 1
                csv.writer(file).writerow((task, WORKERS, name, f"{milliseconds:.{digits}f}",
                                           f"{ratio(times, name, reference):.2f}"))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns: names to the left, numbers to the right, and the last column, a note, to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for name, *numbers, note in rows:
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:-1], strict=True)]
        print("  " + "  ".join([name.ljust(widths[0]), *cells, note]).rstrip())
