r"""Regularised autoencoders on digits: what omega, weight clipping and the kernel distance do to a latent space.

Run: python experiments/regularisers.py [--seeds 5] [--network dense|convolutional] [--only VARIANT]. With dense layers
it takes ten minutes on one thread. What is done is kept, and an interrupted run goes on from there; so does a run with
more seeds. Those of the kernel distance had 10, to see whether one of the two latent dimensions is lost: then the scale
of the cloud is near 0.7.

ClassRadius trains an autoencoder with the regulariser omega (its lambda = 30) and with its weights clipped to
[-0.3, 0.3]. It reports that the classes come closer, that less of the latent space is covered, and that the quality
stays, and suspects that the network learns a scaled-down copy of the same latent space. That can be tested. Multiply
the mean and the standard deviation that the encoder gives by c, and the weights of the decoder's first layer by 1/c:
every image is reconstructed as before, in a latent space c times the size. Two such copies of the plain autoencoder are
measured beside the trained ones:

- "plain, scaled as omega": c is the ratio of the scales of the two trained clouds. If it measures like the one trained
  with omega, then omega scales and does nothing else;
- "plain, best scale": the c that is best for the plain objective itself. Of it only (c^2 (T + S) - 2 L log c) / 2
  changes, with T the mean of |mu|^2 and S that of the sum of the variances, and so c^2 = L / (T + S). At the end of a
  complete training c would be 1.

The results go to docs/results: every number to regularisers.json, means with standard errors over the seeds to
regularisers.csv (what is seen from N(0, I)) and regularisers_latents.csv (what is seen from the encoded images).
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded; on small matrices more cost time

import argparse
import csv
import io
import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from tqdm import tqdm

import divergen as dg
from divergen.datasets import Images, mnist
from divergen.evaluation.class_radius import class_probabilities, class_radius, collision_probability, renyi_entropy
from divergen.evaluation.neighbours import neighbour_metrics
from divergen.files import replacing
from divergen.models import VAE, Convolutional, Objective, fit

RESULTS = Path(__file__).resolve().parents[1] / "docs/results"
BATCH, RATE = 64, 3e-3  # Adam's rate falls to 0 along a cosine
DRAWS = 5000  # latents, for each measurement
HOLE = -1
AS_OMEGA, AT_BEST = "plain, scaled as omega", "plain, best scale"

# Name: objective, clipping constant. The copies have neither: they are not trained.
VARIANTS: dict[str, tuple[Objective, float | None] | None] = {
    "plain": (Objective(), None),
    "omega": (Objective(omega=30), None),
    AS_OMEGA: None,
    AT_BEST: None,
    "clip 0.5": (Objective(), 0.5),
    "clip 0.3": (Objective(), 0.3),
    "clip 0.2": (Objective(), 0.2),
    "clip 0.1": (Objective(), 0.1),
    "omega, clip 0.3": (Objective(omega=30), 0.3),
    "kernel distance, 100": (Objective(kl=0, latent_distance=100), None),
    "kernel distance, 300": (Objective(kl=0, latent_distance=300), None),
}
NETWORKS: dict[str, Callable[[], Any]] = {
    "dense": lambda: (784, 256, 128, 2, 128, 256, 784),
    "convolutional": lambda: Convolutional(latent_dim=2),
}


# --- the autoencoders ------------------------------------------------------------------------------------------


def maker(network: str, images: np.ndarray, epochs: int) -> Callable[[str, int], VAE]:
    """Return a function that makes a variant. The seed gives all of them the same start, batches and noise."""

    @lru_cache(maxsize=3)
    def make(variant: str, seed: int) -> VAE:
        if variant == AS_OMEGA:
            plain = make("plain", seed)
            return scaled(plain, scale(make("omega", seed), images) / scale(plain, images))
        if variant == AT_BEST:
            plain = make("plain", seed)
            mean, log_variance = encode(plain, images)
            return scaled(plain, np.sqrt(plain.latent_dim / np.mean(np.sum(mean**2 + np.exp(log_variance), axis=1))))
        objective, clip = VARIANTS[variant]
        rng = np.random.default_rng(seed)
        rate = dg.cosine_decay(RATE, epochs * -(-images.shape[0] // BATCH))
        start = VAE.initial(NETWORKS[network](), rng=rng)
        return fit(start, images, rng=rng, epochs=epochs, batch_size=BATCH, learning_rate=rate, objective=objective,
                   clip=clip).vae

    return make


def scaled(vae: VAE, c: float) -> VAE:
    """Make the latent space c times as large, and leave the reconstructions as they are."""
    pieces = {name: np.array(piece) for name, piece in vae.layout.views(vae.parameters).items()}
    last = max(int(name.split(".")[1]) for name in pieces if name.startswith("encoder."))
    for kind in ("weight", "bias"):
        pieces[f"encoder.{last}.{kind}"][..., : vae.latent_dim] *= c
    pieces[f"encoder.{last}.bias"][vae.latent_dim :] += 2 * np.log(c)
    pieces["decoder.0.weight"] /= c
    return replace(vae, parameters=vae.layout.flatten(pieces))


def encode(vae: VAE, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, log_variance = vae.encode(images)
    return mean.astype(np.float64), log_variance.astype(np.float64)


def draw(vae: VAE, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    mean, log_variance = encode(vae, images)
    return mean + np.exp(log_variance / 2) * rng.standard_normal(mean.shape)


def scale(vae: VAE, images: np.ndarray) -> float:
    """Return the size of the cloud of means: the root of their variance, averaged over the latent dimensions."""
    return float(np.sqrt(np.mean(np.var(encode(vae, images)[0], axis=0, ddof=1))))


# --- what is measured ------------------------------------------------------------------------------------------


class Judge:
    """Reads digits, and says -1 where it is not sure.

    It is unsure where its two best answers are closer together than they are for 95 % of the real digits that it has
    not seen.
    """

    def __init__(self, data: Images) -> None:
        self.reader = make_pipeline(PCA(50, random_state=0), SVC(C=10.0)).fit(data.train_images, data.train_labels)
        self.unsure = float(np.quantile(self._answer(data.test_images)[1], 0.05))

    def read(self, images: np.ndarray) -> np.ndarray:
        answer, margin = self._answer(images)
        return np.where(margin < self.unsure, HOLE, answer)

    def _answer(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        votes = self.reader.decision_function(images)
        best = np.sort(votes, axis=1)
        return self.reader.classes_[np.argmax(votes, axis=1)], best[:, -1] - best[:, -2]


def measure(vae: VAE, data: Images, judge: Judge, rng: np.random.Generator) -> dict[str, float]:
    """Return what the latent space is like: under N(0, I), and under the distribution of the encoded images."""
    normal = rng.standard_normal((DRAWS, vae.latent_dim))
    decoded = vae.decode(normal)
    labels = judge.read(decoded)
    kept = labels != HOLE
    p = class_probabilities(labels, hole=HOLE)
    near = neighbour_metrics(data.test_images, decoded[: data.test_images.shape[0]], k=5)

    # Draws z of q(z | x) for training images; the image of each is decoded and read again.
    chosen = rng.choice(data.train_images.shape[0], DRAWS)
    encoded = draw(vae, data.train_images[chosen], rng)
    own = judge.read(vae.decode(encoded))
    own_radius = np.mean(class_radius(encoded[own != HOLE], own[own != HOLE]))
    size = scale(vae, data.train_images)

    test = data.test_images
    again = np.clip(vae.decode(draw(vae, test, rng)).astype(np.float64), 1e-7, 1 - 1e-7)
    spread = dg.squared_distance(dg.Diracs(draw(vae, data.train_images, rng)), dg.Gaussian.standard(vae.latent_dim))
    return {
        "radius": float(np.mean(class_radius(normal[kept], labels[kept]))),
        "holes": p.hole_share,
        "collision": collision_probability(p),
        "entropy": renyi_entropy(p, 2),
        "precision": float(near.precision),
        "recall": float(near.recall),
        "density": float(near.density),
        "coverage": float(near.coverage),
        "log p(x)": float(np.mean(_marginal_likelihood(vae, test))),
        "reconstruction": float(np.mean(np.sum(test * np.log(again) + (1 - test) * np.log1p(-again), axis=1))),
        "d2": float(spread),
        "scale": size,
        "own radius": float(own_radius),
        "own radius / scale": float(own_radius / size),
        "own holes": float(np.mean(own == HOLE)),
    }


def _marginal_likelihood(vae: VAE, images: np.ndarray, side: int = 101, reach: float = 5.0) -> np.ndarray:
    r"""Return :math:`\log \int p(x \mid z) N(z; 0, I_2)\, dz` for each image, by the sum over a grid of the plane.

    Of the generator alone: whatever the encoder was trained for, this compares.
    """
    axis = np.linspace(-reach, reach, side)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)  # (side^2, 2)
    log_prior = -np.sum(grid**2, axis=1) / 2 - np.log(2 * np.pi) + 2 * np.log(axis[1] - axis[0])
    found = np.full(images.shape[0], -np.inf)
    for start in range(0, grid.shape[0], 4096):
        part = slice(start, start + 4096)
        p = np.clip(vae.decode(grid[part]), 1e-7, 1 - 1e-7).astype(np.float32)
        off = np.log1p(-p)
        joint = images @ (np.log(p) - off).T + np.sum(off, axis=1) + log_prior[part]  # (n, 4096)
        found = np.logaddexp(found, logsumexp(joint, axis=1))
    return found


# --- what is kept ----------------------------------------------------------------------------------------------


def load(path: Path, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an earlier run with the same settings; stop if they were others."""
    if not path.exists():
        return []
    kept = json.loads(path.read_text(encoding="utf-8"))
    if kept["settings"] != settings:
        changed = [name for name in settings if kept["settings"].get(name) != settings[name]]
        sys.exit(f"{path.name} is of other settings ({', '.join(changed)}): move it away to start anew")
    return kept["rows"]


def save(path: Path, settings: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in rows)
    text = f'{{"settings": {json.dumps(settings, indent=1)},\n"rows": [\n{lines}\n]}}\n'
    with replacing(path) as file:
        file.write(text.encode())


def write_table(path: Path, rows: list[dict[str, Any]], columns: dict[str, tuple[str, int]]) -> None:
    """Write means and standard errors; `columns` has a header and the digits to print for each quantity."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["variant", "seeds", *(header for header, _ in columns.values())])
    for variant in VARIANTS:
        found = [row for row in rows if row["variant"] == variant]
        if len(found) >= 2:
            cells = (with_error([row[name] for row in found], digits) for name, (_, digits) in columns.items())
            table.writerow([variant, len(found), *cells])
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def with_error(values: list[float], digits: int) -> str:
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.{digits}f} ± {error:.{digits}f}"


FROM_NORMAL = {
    "radius": ("class radius", 3), "holes": ("holes", 3), "collision": ("collision", 3),
    "entropy": ("entropy", 3), "precision": ("precision", 3), "coverage": ("coverage", 3), "log p(x)": ("log p(x)", 1),
}
FROM_ENCODED = {
    "d2": ("d² to N(0, I)", 4), "scale": ("scale", 3), "own radius": ("class radius", 3),
    "own radius / scale": ("radius / scale", 3), "own holes": ("holes", 3), "reconstruction": ("log-likelihood", 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Regularised autoencoders on digits.")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each variant (default: 5)")
    parser.add_argument("--network", choices=NETWORKS, default="dense")
    parser.add_argument("--epochs", type=int, default=25, help="of each training (default: 25)")
    parser.add_argument("--only", choices=VARIANTS, help="train this variant, for instance with more seeds")
    asked = parser.parse_args()
    if asked.seeds < 2 or asked.epochs < 1:
        parser.error("at least 2 seeds and 1 epoch are needed")
    name = "regularisers" if asked.network == "dense" else f"regularisers_{asked.network}"
    settings = {
        "network": asked.network, "epochs": asked.epochs, "batch size": BATCH, "learning rate": RATE, "draws": DRAWS,
        "Python": platform.python_version(),
        **{package: version(package) for package in ("numpy", "scipy", "scikit-learn", "mlxtend")},
    }
    path = RESULTS / f"{name}.json"
    rows = load(path, settings)
    done = {(row["variant"], row["seed"]) for row in rows}
    wanted = VARIANTS if asked.only is None else [asked.only]
    todo = [(variant, seed) for seed in range(asked.seeds) for variant in wanted if (variant, seed) not in done]
    if todo:
        data = mnist()
        judge = Judge(data)
        make = maker(asked.network, data.train_images, asked.epochs)
    for variant, seed in tqdm(todo, desc="trainings"):
        start = time.perf_counter()
        vae = make(variant, seed)
        found = measure(vae, data, judge, np.random.default_rng([seed, 1]))
        seconds = round(time.perf_counter() - start, 1)
        rows.append({"variant": variant, "seed": seed, "seconds": seconds, **found})
        save(path, settings, rows)
    write_table(RESULTS / f"{name}.csv", rows, FROM_NORMAL)
    write_table(RESULTS / f"{name}_latents.csv", rows, FROM_ENCODED)
    for table in (f"{name}.csv", f"{name}_latents.csv"):
        print((RESULTS / table).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
