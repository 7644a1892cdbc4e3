r"""How many different digits are among ten? The demo with the convolutional autoencoder, in 2, 8 and 16 dimensions.

Run: python experiments/diverse_digits.py [--dimensions 2 8 16] [--repetitions 200] [--out build/experiments]. Each
dimension takes some minutes on one thread; its pictures and its page lie in a folder of their own in --out. A dimension
that is there already with the same options is not computed again, and an interrupted training goes on where it was.

The results go to docs/results: diverse_digits.csv (means with standard errors) and diverse_digits.json.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded; on small matrices more cost time

import argparse
import csv
import io
import json
from pathlib import Path
from typing import Any

from divergen.demo import EPOCHS, run
from divergen.files import replacing

RESULTS = Path(__file__).resolve().parents[1] / "docs/results"
HEAD = ("L", "way", "d² to its target", "distinct digits", "distinct and sure", "share that is sure", "test ELBO")


def summary_of(folder: Path, network: str, latent_dim: int, options: dict[str, int]) -> dict[str, Any]:
    """Return the summary of the demo, from its folder if it was made with these options."""
    path = folder / "summary.json"
    if path.exists():
        found = json.loads(path.read_text())
        made = found.get("autoencoder", {}).get("architecture", {})
        if (made.get("kind"), made.get("latent_dim")) == (network, latent_dim) and options.items() <= found.items():
            return found
    return run(folder, network=network, latent_dim=latent_dim, **options)


def rows(summary: dict[str, Any]) -> list[list[str]]:
    """Return the lines of the table for one dimension."""
    def cell(value: dict[str, float], digits: int) -> str:
        return f"{value['mean']:.{digits}f} ± {value['standard_error']:.{digits}f}"

    return [
        [str(summary["autoencoder"]["architecture"]["latent_dim"]), way["name"], cell(way["squared_distance"], 4),
         cell(way["distinct_digits"], 2), cell(way["distinct_confident_digits"], 2), f"{way['confident_share']:.2f}",
         f"{summary['autoencoder']['test_elbo']['value']:.1f}"]
        for way in summary["ways"]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[2, 8, 16])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=EPOCHS["convolutional"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/experiments"))
    arguments = parser.parse_args()
    options = {"seed": arguments.seed, "epochs": arguments.epochs, "repetitions": arguments.repetitions}
    summaries = []
    for latent_dim in arguments.dimensions:
        folder = arguments.out / f"convolutional-{latent_dim}"
        summaries.append(summary_of(folder, "convolutional", latent_dim, options))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerows([HEAD, *(row for summary in summaries for row in rows(summary))])
    RESULTS.mkdir(parents=True, exist_ok=True)
    with replacing(RESULTS / "diverse_digits.csv") as file:
        file.write(text.getvalue().encode())
    with replacing(RESULTS / "diverse_digits.json") as file:
        file.write(json.dumps(summaries, indent=1).encode())
    print(text.getvalue())


if __name__ == "__main__":
    main()
