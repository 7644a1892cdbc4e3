r"""What a person sees of a long run: bars while it lasts, then a table, a page, and files that are never half there.

The page is one file of HTML beside the pictures that it shows. It asks nothing of the network.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any, NamedTuple

from .files import replacing

__all__ = ["Picture", "page", "pictures", "progress", "table", "write_json", "write_text"]

Summary = Mapping[str, Any]


# --- while it lasts --------------------------------------------------------------------------------------------


@contextmanager
def progress(total: int | None, name: str, unit: str, *, shown: bool = True) -> Iterator[Callable[[str], None]]:
    """Show a progress bar on standard error, where tqdm is installed; without it there is none.

    Parameters
    ----------
    total : int or None
        How many steps there are; None if nobody knows.
    name, unit : str
        What is being done, and what one step of it is called.
    shown : bool
        False for no bar.

    Yields
    ------
    callable
        ``step(remark)``, to be called after each step; the remark, which may be empty, stands behind the bar.

    Examples
    --------
    >>> with progress(2, "walking", "step", shown=False) as step:
    ...     step("")
    """
    try:
        from tqdm import tqdm
    except ImportError:
        shown = False
    if not shown:
        yield lambda remark: None
        return
    seconds = 0.1 if sys.stderr.isatty() else 5.0  # a log keeps every update
    with tqdm(total=total, desc=name, unit=unit, mininterval=seconds) as bar:

        def step(remark: str) -> None:
            if remark:
                bar.set_postfix_str(remark, refresh=False)
            bar.update()

        yield step


# --- files -----------------------------------------------------------------------------------------------------


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text as UTF-8; a file that is there is replaced in one step."""
    with replacing(path) as file:
        file.write(text.encode())


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a value as JSON, indented; ValueError if it holds nan or infinity, which JSON has no words for."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


FEW = 3  # draws: of fewer the standard error is no more than a guess, and not shown


# --- the summary as a table ------------------------------------------------------------------------------------


def _cells(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of the table."""
    head = ["way of drawing", "target", "d^2 to the target", "distinct digits",
            f"distinct, {summary['classifier']['confidence']:.0%} sure"]

    def cell(value: Mapping[str, float], digits: int) -> str:
        if summary["repetitions"] < FEW:
            return f"{value['mean']:.{digits}f}"
        return f"{value['mean']:.{digits}f} ± {value['standard_error']:.{digits}f}"

    rows = [
        [way["name"], way["target"], cell(way["squared_distance"], 5), cell(way["distinct_digits"], 2),
         cell(way["distinct_confident_digits"], 2)]
        for way in summary["ways"]
    ]
    return head, rows


def _notes(summary: Summary) -> list[str]:
    """Return the sentences without which the table cannot be read."""
    kernel, judge, latents = summary["kernel"], summary["classifier"], summary["latents"]
    n = summary["points"]
    return [
        f"{n} points in each draw; mean {'± standard error ' if summary['repetitions'] >= FEW else ''}over "
        f"{summary['repetitions']} independent draws.",
        f"d^2 is exact, with the factor 1/2 and the kernel {kernel['formula']}, a = {kernel['a']:g}.",
        f"The digits are read by a classifier ({judge['name']}) that is right on {judge['test_accuracy']:.1%} of "
        f"{judge['test_images']} test images. The last column counts only the images that it is sure of, by "
        f"probabilities calibrated on real digits. {n} real digits drawn at random hold "
        f"{summary['distinct_real_digits']:.2f} distinct ones on average.",
        f"{_network(summary)}",
        f"mu_L is the distribution of the encoder's means of the {latents['count']} training images. "
        f"It is not N(0, I): d^2 between the two is {latents['squared_distance_to_normal']:.5f}.",
        "The draws of one way differ by their random starts. The solutions of Sg and of recursive HAW-C turn freely "
        "about the origin; Semp's target has no such symmetry, and its draws end in a few similar minima.",
    ]


def table(summary: Summary) -> str:
    """Return the summary of the demo as text for a terminal, with its notes.

    Parameters
    ----------
    summary : mapping
        What :func:`divergen.demo.run` returns.

    Returns
    -------
    str
    """
    head, rows = _cells(summary)
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: list[str]) -> str:
        left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
        return "  ".join(left + right)

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(head), rule, *(line(row) for row in rows), "", *_notes(summary)])


# --- the page --------------------------------------------------------------------------------------------------

STYLE = """
:root { color-scheme: light; }
body { font: 17px/1.55 system-ui, sans-serif; color: #1c1c1c; background: #fff;
  max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.7rem; line-height: 1.2; }
h2 { font-size: 1.25rem; margin-top: 2.2rem; }
figure { margin: 1rem 0; }
figure img { display: block; width: 100%; height: auto; }
figure.narrow img { max-width: 30rem; }
figcaption, .notes { font-size: .92rem; color: #3c3c3c; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; }
th, td { padding: .35rem .9rem .35rem 0; text-align: left; vertical-align: bottom; border-bottom: 1px solid #ccc; }
sub, sup { line-height: 0; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
code { overflow-wrap: anywhere; }
"""
DIVERSE = "Turinici, Diversity in deep generative models and generative AI (2023)"
IMAGE = "Turinici, Diversity aware image generation (2022)"
OLD = "Turinici, Algorithms that get old (2022)"


class Picture(NamedTuple):
    """One figure of the page."""

    file: str
    heading: str
    alternative: str
    caption: str


def _latent_dim(summary: Summary) -> int:
    made = summary["autoencoder"]["architecture"]
    return made["latent_dim"] if "latent_dim" in made else made["sizes"][len(made["sizes"]) // 2]


def _network(summary: Summary) -> str:
    """Say what autoencoder it is."""
    vae = summary["autoencoder"]
    layers = (f"dense layers, {' - '.join(map(str, vae['architecture']['sizes']))}"
              if vae["architecture"]["kind"] == "dense" else f"convolutional layers, as in section 3.1 of {IMAGE}")
    return (f"The autoencoder has a latent space of {_latent_dim(summary)} dimensions and {vae['parameters']:,} "
            f"parameters, in {layers}.")


def pictures(summary: Summary) -> list[Picture]:
    """Return what the page says about each picture of the demo."""
    plane = ("" if _latent_dim(summary) == 2 else
             " What is shown is the plane of the first two principal axes of the latents.")
    n, sure = summary["points"], f"{summary['classifier']['confidence']:.0%}"
    many, few = summary["mixture"]["compressions"]
    counts = sorted(set(many["points_per_gaussian"]))
    found = (f"each of the 16 Gaussians gets exactly {counts[0]} of {many['k']} points" if len(counts) == 1
             else f"each of the 16 Gaussians gets {counts[0]} to {counts[-1]} of {many['k']} points")
    return [
        Picture(
            "decoded.png", "The images", f"Eight rows of {n} decoded images, two rows for each way of drawing",
            f"What the decoder makes of {n} points drawn in each way, two runs each. Under each image stands the digit "
            f"that the classifier reads, in brackets where it is less than {sure} sure. Each row is sorted by it, so "
            f"that repetitions stand side by side. After figure 1 of {DIVERSE}.",
        ),
        Picture(
            "latent.png", "The points behind them",
            "The plane of latents coloured by digit, and four times more with the points that each way chose",
            "The encoder's means of the training images, coloured and labelled by digit (one in a hundred may lie "
            "outside of the picture), and on top the points behind the rows of images above. Independent draws "
            f"crowd in some places and leave others empty; the other ways spread out.{plane} "
            f"After figure 2 of {DIVERSE}.",
        ),
        Picture(
            "manifold.png", "The whole latent plane",
            "A mosaic of 20 by 20 decoded images that change gradually from digit to digit",
            "The decoder's images of a grid of 20 x 20 points at the quantiles (i - 1/2)/20 of the normal "
            "distribution; z1 grows downwards, z2 to the right. The source has i/20, the last of which is infinite."
            f"{plane.replace('What is shown is', 'The grid lies in')} After figure 1 of {IMAGE}.",
        ),
        Picture(
            "mixture.png", "A mixture of 16 Gaussians",
            "Sixteen circles on a grid with 48 chosen points in them, and again with 3 chosen points",
            f"Compression is not told of the mixture's parts, and finds them: {found}. At the right {few['k']} points "
            f"stand for the whole. The Gaussians are N(c, I), their centres {summary['mixture']['spacing']:g} apart. "
            f"After figure 1 of {OLD}.",
        ),
        Picture(
            "recursive.png", "One point after the other",
            f"{n} numbered points of the standard normal distribution of the plane",
            "Recursive compression of N(0, I): each point is chosen such that it and all earlier ones together are as "
            f"close to the target as they can be. These are the points of the first run of recursive HAW-C above."
            f"{plane} After figure 2 of {OLD}.",
        ),
    ]


def _pretty(text: str) -> str:
    """Return text as HTML, with the formulas that occur in it set as such."""
    text = escape(text).replace("mu_L", "μ<sub>L</sub>")
    for name in ("d", "|x|", "a"):
        text = text.replace(f"{name}^2", f"{name}<sup>2</sup>")
    return text


def page(summary: Summary) -> str:
    """Return the demo's page, HTML that shows the pictures beside it.

    Parameters
    ----------
    summary : mapping
        What :func:`divergen.demo.run` returns.

    Returns
    -------
    str
    """
    head, rows = _cells(summary)
    vae = summary["autoencoder"]
    last, test = vae["elbo"][-1], vae["test_elbo"]
    table_rows = []
    for row in rows:
        cells = [f"<td{' class=number' if i > 1 else ''}>{_pretty(cell)}</td>" for i, cell in enumerate(row)]
        table_rows.append(f"<tr>{''.join(cells)}</tr>")
    figures = [
        f"<h2>{escape(one.heading)}</h2>\n"
        f"<figure{' class=narrow' if one.file == 'recursive.png' else ''}>"
        f'<a href="{escape(one.file)}"><img src="{escape(one.file)}" alt="{escape(one.alternative)}"></a>\n'
        f"<figcaption>{_pretty(one.caption)}</figcaption></figure>"
        for one in pictures(summary)
    ]
    command = (f"python -m divergen demo --seed {summary['seed']} --epochs {summary['epochs']} "
               f"--repetitions {summary['repetitions']} --network {vae['architecture']['kind']} "
               f"--latent-dim {_latent_dim(summary)}")
    training = (
        f"{_network(summary)} After {summary['epochs']} epochs the evidence lower bound is "
        f"{last['value']:.1f} nats an image on the training images (log-likelihood {last['log_likelihood']:.1f}, "
        f"divergence {last['kl']:.1f}) and {test['value']:.1f} on the test images."
    )
    seconds = ", ".join(f"{phase} {time:.1f} s" for phase, time in summary["seconds"].items())
    versions = ", ".join(f"{name} {version}" for name, version in summary["versions"].items())
    newline = "\n"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Diverse digits: the divergen demo</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Diverse digits</h1>
<p>A variational autoencoder has learnt {summary['latents']['count']} handwritten digits, with a latent space of
{_latent_dim(summary)} dimensions. A generator usually draws its latent points independently of each other, and so
repeats itself. Below it draws {summary['points']} points in four ways: independently (iid); all together, as close as
possible to the ideal latent distribution N(0, I) (Sg), or to the distribution of the data's latents (Semp); and one
after the other, each in view of those before it (recursive HAW-C).</p>
<div class="wide"><table>
<thead><tr>{''.join(f'<th scope="col">{_pretty(cell)}</th>' for cell in head)}</tr></thead>
<tbody>
{newline.join(table_rows)}
</tbody></table></div>
<div class="notes">{''.join(f'<p>{_pretty(note)}</p>' for note in _notes(summary))}</div>
{newline.join(figures)}
<h2>How it was made</h2>
<div class="notes">
<p><code>{escape(command)}</code></p>
<p>{escape(training)}</p>
<p>Time: {escape(seconds)}. Versions: {escape(versions)}.</p>
<p>All numbers: <a href="summary.json">summary.json</a>. The trained autoencoder, for <code>VAE.load</code>:
<a href="vae.npz">vae.npz</a>.</p>
</div>
</body>
</html>
"""
