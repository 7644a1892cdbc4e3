r"""Diverse digits: train a small autoencoder on real digits, then draw from its latent space in four ways.

================  ==========================================================  =============================
way               its ten points                                              target
================  ==========================================================  =============================
iid               independent draws from N(0, I), which is what is usual      :math:`N(0, I_2)`
Sg                ``compress(Gaussian.standard(2), 10, ...)``                 :math:`N(0, I_2)`
Semp              ``compress(Diracs(latents), 10, ...)``                      :math:`\mu_L`, the data's latents
recursive HAW-C   ``recursive_compress(Gaussian.standard(2), 10, ...)``       :math:`N(0, I_2)`
================  ==========================================================  =============================

:math:`\mu_L = E(\mu_e)` of Turinici2023 is here the distribution of the encoder's means of the training images.
Recursive HAW-C has the ideal target because that is what Turinici2022old, section 3.2, compresses and decodes.

Three ways minimise by L-BFGS: the potentials are exact, and it takes a fraction of Adam's time. Each phase has its
own generator, spawned from one seed, so that more repetitions of one change nothing in another.

The autoencoder has dense layers, which train in a minute, or is the convolutional one of Turinici2022image, section
3.1; its latent space has any dimension L from 2 on. Of more than two dimensions the pictures show the plane of the
first two principal axes of the latents.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import plotting
from .adam import cosine_decay
from .arrays import check_count
from .datasets import Images, mnist
from .distance.algebra import Combination, Diracs, Gaussian, Measure
from .distance.kernels import HuberEnergy
from .distance.measures import squared_distance
from .models.architecture import Architecture, Dense
from .models.convolutional import Convolutional
from .models.objective import elbo_and_gradient
from .models.training import Training, fit
from .models.vae import VAE
from .report import page, progress, write_json, write_text
from .sampling.compress import Compression, compress, recursive_compress
from .threads import one_blas_thread

__all__ = ["run"]

KERNEL = HuberEnergy()  # of the sources, a = 1e-6
POINTS = 10  # in each draw, J in the sources
BATCH_SIZE, LEARNING_RATE = 64, 2e-3
EPOCHS = {"dense": 60, "convolutional": 40}  # of the training, if nothing else is asked for: a minute, and some minutes
CONFIDENCE = 0.9
RESTARTS = 2  # of each minimisation: one start stops at a poorer minimum now and then
SEMP_ITERATIONS = 100  # d^2 to a cloud has a kink at each of its points: the last digits take long, and show nothing
SPACING = 5.0  # between the centres of the mixture, where the deviations are 1: the clusters are apart
CHECKPOINT = "training.npz"  # in the folder while it lasts
PACKAGES = ("divergen", "numpy", "scipy", "scikit-learn", "mlxtend", "matplotlib", "tqdm")


class Draws(NamedTuple):
    """Many draws in one way: points of shape (repetitions, k, L), and the squared distance of each to its target."""

    key: str
    name: str
    target: str
    points: np.ndarray
    squared_distances: np.ndarray


class Judge(NamedTuple):
    """A classifier of images, and the share of test images on which it is right."""

    probabilities: Callable[[np.ndarray], np.ndarray]  # (n, pixels) -> (n, classes)
    labels: np.ndarray
    test_accuracy: float


class Reading(NamedTuple):
    """What the draws of one way show: images (..., pixels), the digits read in them, and how sure the judge is."""

    images: np.ndarray
    digits: np.ndarray
    sure: np.ndarray


# --- the phases ------------------------------------------------------------------------------------------------


def _architecture(network: str, latent_dim: int) -> Architecture:
    if network == "convolutional":
        return Convolutional(latent_dim)
    return Dense((784, 256, 128, latent_dim, 128, 256, 784))


def _train(
    architecture: Architecture, data: Images, epochs: int, rng: np.random.Generator, checkpoint: Path, bars: bool
) -> Training:
    """Train the autoencoder, its learning rate falling along a cosine. A checkpoint that is there is gone on from."""
    steps = epochs * -(-len(data.train_images) // BATCH_SIZE)
    begun = checkpoint.exists()
    with progress(epochs, "training", "epoch", shown=bars) as step:
        try:
            return fit(
                VAE.initial(architecture, rng=rng), data.train_images, rng=rng, epochs=epochs, batch_size=BATCH_SIZE,
                learning_rate=cosine_decay(LEARNING_RATE, steps), checkpoint=checkpoint,
                callback=lambda training: step(f"ELBO {training.trace[-1].value:.2f}"),
            )
        except ValueError as error:
            if not begun:
                raise
            raise ValueError(f"{checkpoint}: expected an interrupted demo with the same options; run it with those, "
                             f"remove the file, or choose another folder ({error})") from error


def _train_judge(data: Images) -> Judge:
    """Train the classifier that reads the decoded images, on the real training images.

    A support vector machine, whose scores are turned into probabilities by one sigmoid for each class, fitted on parts
    of the training images that the machine has not seen (Platt's calibration). They are honest for real digits. A
    decoder's images are smoother than those, which no calibration on real digits can know.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    model = CalibratedClassifierCV(SVC(C=10.0), cv=3, ensemble=False).fit(data.train_images, data.train_labels)
    right = model.predict(data.test_images) == data.test_labels
    return Judge(model.predict_proba, model.classes_, float(np.mean(right)))


def _draw(
    latents: np.ndarray, repetitions: int, seeds: Iterable[np.random.SeedSequence], bars: bool
) -> list[Draws]:
    """Draw in each of the four ways, again and again; one seed for each way."""
    normal, empirical = Gaussian.standard(latents.shape[1]), Diracs(latents)

    def independent(rng: np.random.Generator) -> tuple[np.ndarray, float]:
        points = normal.sample(POINTS, rng)
        return points, squared_distance(Diracs(points), normal, KERNEL)

    def together(target: Measure, iterations: int) -> Callable[[np.random.Generator], tuple[np.ndarray, float]]:
        def way(rng: np.random.Generator) -> tuple[np.ndarray, float]:
            found = compress(
                target, POINTS, KERNEL, rng=rng, method="lbfgs", iterations=iterations, restarts=RESTARTS
            )
            return found.points, found.squared_distance

        return way

    def one_by_one(rng: np.random.Generator) -> tuple[np.ndarray, float]:
        found = recursive_compress(normal, POINTS, KERNEL, rng=rng, method="lbfgs", restarts=RESTARTS)
        return found.points, found.union_squared_distance

    ways = (
        ("iid", "iid", "N(0, I)", independent),
        ("sg", "Sg", "N(0, I)", together(normal, 1000)),
        ("semp", "Semp", "mu_L", together(empirical, SEMP_ITERATIONS)),
        ("recursive", "recursive HAW-C", "N(0, I)", one_by_one),
    )
    draws = []
    for (key, name, target, way), seed in zip(ways, seeds, strict=True):
        rng, points, squared = np.random.default_rng(seed), [], []
        with progress(repetitions, f"drawing {name}", "draw", shown=bars) as step:
            for _ in range(repetitions):
                one, value = way(rng)
                points.append(one)
                squared.append(value)
                step("")
        draws.append(Draws(key, name, target, np.array(points), np.array(squared)))
    return draws


def _compress_mixture(rng: np.random.Generator) -> tuple[np.ndarray, list[Compression], list[list[int]]]:
    """Compress the 16 Gaussians of Turinici2022old, figure 1, to 48 and to 3 points.

    Returns the centres (16, 2), both compressions, and for both how many of the points lie nearest to each centre.
    """
    line = SPACING * (np.arange(4) - 1.5)
    centres = np.stack(np.meshgrid(line, line), axis=-1).reshape(16, 2)
    mixture = Combination(tuple((1 / 16, Gaussian(centre, np.eye(2))) for centre in centres))
    compressions = [compress(mixture, k, KERNEL, rng=rng, method="lbfgs", restarts=RESTARTS) for k in (48, 3)]
    counts = []
    for found in compressions:
        squared = ((found.points[:, None, :] - centres) ** 2).sum(axis=2)  # (k, 16)
        counts.append(np.bincount(squared.argmin(axis=1), minlength=16).tolist())
    return centres, compressions, counts


def _read(judge: Judge, vae: VAE, points: np.ndarray) -> Reading:
    """Decode points (repetitions, k, L), and read the digits."""
    images = vae.decode(points.reshape(-1, points.shape[-1]))
    probabilities = judge.probabilities(images)  # (repetitions * k, classes)
    digits, sure = judge.labels[probabilities.argmax(axis=1)], probabilities.max(axis=1)
    shape = points.shape[:-1]
    return Reading(images.reshape(*shape, -1), digits.reshape(shape), sure.reshape(shape))


# --- what comes out --------------------------------------------------------------------------------------------


def _mean(values: Any) -> dict[str, float]:
    """Return the mean of independent values and its standard error."""
    x = np.asarray(values, dtype=np.float64)
    return {"mean": float(x.mean()), "standard_error": float(x.std(ddof=1) / np.sqrt(len(x)))}


def _summarise(draws: Draws, reading: Reading, targets: Mapping[str, Measure]) -> dict[str, Any]:
    """Say how close the draws of one way came, and how many digits they show."""
    confident = [row[sure >= CONFIDENCE] for row, sure in zip(reading.digits, reading.sure, strict=True)]
    return {
        "key": draws.key, "name": draws.name, "target": draws.target,
        "squared_distance": _mean(draws.squared_distances),
        "distinct_digits": _mean([len(np.unique(row)) for row in reading.digits]),
        "distinct_confident_digits": _mean([len(np.unique(row)) for row in confident]),
        "confident_share": float(np.mean(reading.sure >= CONFIDENCE)),
        "shown": [
            {
                "points": points.tolist(),
                "digits": row.tolist(),
                "squared_distance_to": {
                    name: squared_distance(Diracs(points), target, KERNEL) for name, target in targets.items()
                },
            }
            for points, row in zip(draws.points[:2], reading.digits[:2], strict=True)
        ],
    }


def _rows_of_images(draws: Draws, reading: Reading) -> Iterator[tuple[str, np.ndarray, list[str]]]:
    """Yield label, images and captions of the first two runs, each sorted by what the judge reads."""
    for run_number in range(2):
        images, digits, sure = (part[run_number] for part in reading)
        order = np.lexsort((-sure, digits))
        captions = [str(digits[i]) if sure[i] >= CONFIDENCE else f"({digits[i]})" for i in order]
        label = f"{draws.name}\nrun {run_number + 1}: {len(np.unique(digits))} distinct"
        yield label, images[order], captions


def _check_packages() -> None:
    """Say what is missing before the work begins, not after it."""
    missing = [name for name in ("matplotlib", "mlxtend", "sklearn") if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f"the demo needs {' and '.join(missing)}: pip install divergen[demo]")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@one_blas_thread()  # small matrices: threads save nothing, and round differently from machine to machine
def run(
    out: str | os.PathLike[str], *, seed: int = 0, epochs: int | None = None, repetitions: int = 100,
    network: str = "dense", latent_dim: int = 2, bars: bool = True,
) -> dict[str, Any]:
    """Run the demo and write its files into a folder.

    A training that was interrupted goes on where it was when the demo is run again with the same options and folder.

    Parameters
    ----------
    out : path-like
        The folder; it is made if it is not there.
    seed : int
        Everything random comes from it.
    epochs : int, optional
        Of the autoencoder's training: 60 with dense layers and 40 with convolutions, if not given.
    repetitions : int
        Draws in each way, at least 2: the two first ones are shown, all of them counted.
    network : {"dense", "convolutional"}
        The kind of the autoencoder's layers.
    latent_dim : int
        L, at least 2.
    bars : bool
        Show progress bars on standard error.

    Returns
    -------
    dict
        What is written to summary.json.

    Raises
    ------
    ValueError
        If a number is out of its range.
    ImportError
        If one of the packages of ``divergen[demo]`` is missing.
    OSError
        If the files cannot be written.
    """
    if network not in EPOCHS:
        raise ValueError(f"network: expected {' or '.join(map(repr, EPOCHS))}, got {network!r}")
    seed = check_count(seed, "seed", at_least=0)
    epochs = EPOCHS[network] if epochs is None else check_count(epochs, "epochs")
    architecture = _architecture(network, check_count(latent_dim, "latent_dim", at_least=2))
    repetitions = check_count(repetitions, "repetitions", at_least=2)
    _check_packages()
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=out):  # fails now, not after the training, where nothing can be written
        pass
    for_training, for_mixture, *for_ways = np.random.SeedSequence(seed).spawn(6)
    seconds: dict[str, float] = {}

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - start

    with phase("data"):
        data = mnist()
    with phase("training"):
        rng = np.random.default_rng(for_training)
        training = _train(architecture, data, epochs, rng, out / CHECKPOINT, bars)
        vae = training.vae
        noise = rng.standard_normal((len(data.test_images), vae.latent_dim))
        test_elbo, _ = elbo_and_gradient(vae, data.test_images, noise)
        latents = vae.encode(data.train_images)[0].astype(np.float64)  # (n, L)
    with phase("classifier"):
        judge = _train_judge(data)
    with phase("drawing"):
        draws = _draw(latents, repetitions, for_ways, bars)
    with phase("mixture"):
        centres, compressions, counts = _compress_mixture(np.random.default_rng(for_mixture))
    with phase("reading"):
        normal, empirical = Gaussian.standard(vae.latent_dim), Diracs(latents)
        readings = [_read(judge, vae, way.points) for way in draws]
        targets = {"N(0, I)": normal, "mu_L": empirical}
        ways = [_summarise(way, reading, targets) for way, reading in zip(draws, readings, strict=True)]
    with phase("pictures"):
        axes, labels = np.eye(2), ("$z_1$", "$z_2$")
        if latent_dim > 2:
            _, axes, labels = plotting.principal_axes(latents)  # (L, 2), orthonormal: a plane through the origin
        rows = [row for pair in zip(draws, readings, strict=True) for row in _rows_of_images(*pair)]
        clouds = [found.points for found in compressions]
        figures = {
            "latent.png": plotting.latent_clouds(
                latents @ axes, data.train_labels, {way.name: list(way.points[:2] @ axes) for way in draws},
                axis_labels=labels,
            ),
            "decoded.png": plotting.image_rows(rows, data.image_shape),
            "manifold.png": plotting.quantile_manifold(
                vae.decode(plotting.quantile_grid(20) @ axes.T), data.image_shape, axis_labels=labels
            ),
            "mixture.png": plotting.mixture_compression(centres, clouds),
            "recursive.png": plotting.numbered_points(draws[-1].points[0] @ axes, axis_labels=labels),
        }
        for name, figure in figures.items():
            plotting.save_figure(figure, out / name)
    classes = len(judge.labels)
    summary = {
        "format": "divergen demo 2",
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "seed": seed, "epochs": epochs, "repetitions": repetitions, "points": POINTS,
        "kernel": {"name": type(KERNEL).__name__, "formula": "h(x) = sqrt(|x|^2 + a^2) - a", "a": KERNEL.a},
        "squared_distance": "minus one half of the double integral of h(x - y) against the measures' difference",
        "autoencoder": {
            "architecture": architecture.settings(), "parameters": vae.layout.size,
            "batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE,
            "elbo": [terms._asdict() for terms in training.trace], "test_elbo": test_elbo._asdict(),
        },
        "classifier": {
            "name": "support vector machine, Gaussian kernel", "test_accuracy": judge.test_accuracy,
            "test_images": len(data.test_images), "confidence": CONFIDENCE,
        },
        "latents": {
            "what": "the encoder's means of the training images", "count": len(latents),
            "squared_distance_to_normal": squared_distance(empirical, normal, KERNEL),
        },
        "ways": ways,
        "distinct_real_digits": classes * (1 - (1 - 1 / classes) ** POINTS),
        "mixture": {
            "spacing": SPACING,
            "compressions": [
                {"k": len(found.points), "squared_distance": found.squared_distance, "points_per_gaussian": count}
                for found, count in zip(compressions, counts, strict=True)
            ],
        },
        "seconds": seconds,
    }
    vae.save(out / "vae.npz")
    write_json(out / "summary.json", summary)
    write_text(out / "index.html", page(summary))
    (out / CHECKPOINT).unlink()
    return summary
