"""One epoch of the variational autoencoder, side by side with PyTorch, on one thread.

    python benchmarks/bench_vae.py [rounds]

4,000 digits of 28x28, layers 784-400-2-400-784, batches of 128, float32. Both shuffle, draw their noise, and take
Adam's steps with the same rate. PyTorch runs twice: with `torch.optim.Adam` as it comes, and with `fused=True`.
The runs are interleaved in one process; the table shows medians.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded

import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

try:
    import divergen
except ImportError:  # straight from a clone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reference"))
    import divergen

from divergen.datasets import mnist
from divergen.models.vae import VAE, fit

SIZES = (784, 400, 2, 400, 784)
BATCH, RATE = 128, 1e-3


class TorchVAE(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Sequential(torch.nn.Linear(784, 400), torch.nn.ReLU(), torch.nn.Linear(400, 4))
        self.decoder = torch.nn.Sequential(torch.nn.Linear(2, 400), torch.nn.ReLU(), torch.nn.Linear(400, 784))

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        kl = (mean**2 + log_variance.exp() - 1 - log_variance).sum() / 2
        return (loss + kl) / x.shape[0]


class TorchRun:
    """PyTorch's epochs, one at a time."""

    def __init__(self, images, **options):
        torch.manual_seed(0)
        self.images = torch.from_numpy(images)
        self.model = TorchVAE()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE, **options)

    def epoch(self):
        total = 0.0
        for index in torch.randperm(len(self.images)).split(BATCH):
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.model(self.images[index])
            loss.backward()
            self.optimizer.step()
            total -= loss.item() * len(index)
        return total / len(self.images)


class OurRun:
    """The same with divergen."""

    def __init__(self, images):
        self.images, self.rng = images, np.random.default_rng(0)
        self.vae, self.state = VAE.initial(SIZES, rng=self.rng), None

    def epoch(self):
        self.vae, self.state, trace = fit(
            self.vae, self.images, rng=self.rng, epochs=1, batch_size=BATCH, learning_rate=RATE, state=self.state
        )
        return trace[-1].value


def main(rounds: int = 20) -> None:
    torch.set_num_threads(1)
    images = mnist().train_images
    runs = {
        "divergen": OurRun(images),
        "PyTorch, Adam": TorchRun(images),
        "PyTorch, Adam(fused=True)": TorchRun(images, fused=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    last = {}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            last[name] = run.epoch()
            if turn > 0:  # the first epoch warms up
                seconds[name].append(time.perf_counter() - start)
    ours = statistics.median(seconds["divergen"])
    print(f"one epoch over {len(images):,} images, {'-'.join(map(str, SIZES))}, batch {BATCH}, float32, one thread; "
          f"medians of {rounds}")
    print(f"divergen {divergen.__version__ if hasattr(divergen, '__version__') else ''}, numpy {np.__version__}, "
          f"torch {torch.__version__}, python {sys.version.split()[0]}")
    print(f"{'':28}{'median':>10}{'fastest':>10}{'ours / it':>12}{'last ELBO':>12}")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"{name:28}{median * 1e3:>7.1f} ms{min(times) * 1e3:>7.1f} ms{ours / median:>12.2f}{last[name]:>12.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
