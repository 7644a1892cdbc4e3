r"""``python -m divergen demo``: digits, drawn in four ways; the work is in :mod:`divergen.demo`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..report import table
from .options import number, whole

__all__ = ["add_to", "run"]


def add_to(commands: Any) -> None:
    """Add the command and its options to argparse's subparsers."""
    one = commands.add_parser(
        "demo", help="train an autoencoder on real digits and draw from it in four ways", allow_abbrev=False,
        description="Train a variational autoencoder on handwritten digits, draw from its latent space in four ways, "
        "count the different digits in the images, and write pictures, numbers and a page that shows them.",
    )
    one.add_argument("--out", type=Path, default=Path("build/demo"), metavar="DIR",
                     help="a folder, which is made if it is not there (default: %(default)s)")
    number(one, "--seed", 0, 0, "where all randomness comes from")
    one.add_argument("--epochs", type=whole(1), metavar="N",
                     help="of the training (default: 60 with dense layers, 40 with convolutions)")
    number(one, "--repetitions", 2, 100, "independent draws in each way")
    one.add_argument("--network", choices=("dense", "convolutional"), default="dense",
                     help="the kind of the autoencoder's layers; convolutions take minutes (default: %(default)s)")
    number(one, "--latent-dim", 2, 2, "dimension of the latent space")
    one.set_defaults(run=run, parser=one)


def run(arguments: argparse.Namespace) -> None:
    if arguments.out.exists() and not arguments.out.is_dir():
        raise ValueError(f"{arguments.out}: expected a directory, got a file")
    from ..demo import run as run_demo

    summary = run_demo(arguments.out, seed=arguments.seed, epochs=arguments.epochs,
                       repetitions=arguments.repetitions, network=arguments.network, latent_dim=arguments.latent_dim)
    print(table(summary))
    print(f"\n{sum(summary['seconds'].values()):.0f} seconds. Open {arguments.out / 'index.html'}")
