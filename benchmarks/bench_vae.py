"""One epoch of the variational autoencoder against PyTorch: the same network, the same batches, one thread.

Run: python benchmarks/bench_vae.py [rounds]. PyTorch runs with `torch.optim.Adam` as it comes, and with its fused form.
"""

from __future__ import annotations

import sys

import common  # before NumPy: it asks for one thread
import numpy as np
import torch

from divergen.datasets import mnist
from divergen.models import VAE, elbo_and_gradient, fit

SIZES = (784, 400, 2, 400, 784)
BATCH, RATE = 128, 1e-3


class TorchVAE(torch.nn.Module):
    """The same network, loss and weights in PyTorch."""

    def __init__(self, ours: VAE) -> None:
        super().__init__()
        linear, relu = torch.nn.Linear, torch.nn.ReLU
        self.encoder = torch.nn.Sequential(linear(784, 400), relu(), linear(400, 4))
        self.decoder = torch.nn.Sequential(linear(2, 400), relu(), linear(400, 784))
        pieces = ours.layout.views(ours.parameters).values()
        with torch.no_grad():
            for parameter, piece in zip(self.parameters(), pieces, strict=True):
                parameter.copy_(torch.from_numpy(piece.T.copy()))  # PyTorch's weights have a row for each output

    def forward(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        logits = self.decoder(mean + torch.exp(log_variance / 2) * noise)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return (loss + (mean**2 + log_variance.exp() - 1 - log_variance).sum() / 2) / x.shape[0]


class TorchRun:
    """PyTorch's epochs, one with each call."""

    def __init__(self, ours: VAE, images: np.ndarray, **options: bool) -> None:
        self.images, self.model = torch.from_numpy(images), TorchVAE(ours)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE, **options)
        self.elbo = np.nan

    def __call__(self) -> None:
        total = 0.0
        for index in torch.randperm(len(self.images)).split(BATCH):
            batch = self.images[index]
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.model(batch, torch.randn(len(batch), 2))
            loss.backward()
            self.optimizer.step()
            total -= loss.item() * len(batch)
        self.elbo = total / len(self.images)


class OurRun:
    """Our epochs, one with each call, each going on from the last."""

    def __init__(self, ours: VAE, images: np.ndarray) -> None:
        self.vae, self.images, self.state, self.rng, self.elbo = ours, images, None, np.random.default_rng(1), np.nan

    def __call__(self) -> None:
        self.vae, self.state, trace = fit(self.vae, self.images, rng=self.rng, epochs=1, batch_size=BATCH,
                                          learning_rate=RATE, state=self.state)
        self.elbo = trace[-1].value


def compare(ours: VAE, images: np.ndarray) -> None:
    """Print how far the two are apart on one batch: they must be computing the same thing."""
    noise = np.random.default_rng(2).standard_normal((BATCH, 2)).astype(np.float32)
    elbo, gradient = elbo_and_gradient(ours, images[:BATCH], noise)
    model = TorchVAE(ours)
    loss = model(torch.from_numpy(images[:BATCH]), torch.from_numpy(noise))
    loss.backward()
    theirs = -np.concatenate([parameter.grad.numpy().T.ravel() for parameter in model.parameters()])
    print(f"  on one batch: ELBO off by {abs(-loss.item() / elbo.value - 1):.0e}, "
          f"gradient off by {np.linalg.norm(gradient - theirs) / np.linalg.norm(theirs):.0e}")


def main(rounds: int = 20) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = mnist().train_images
    ours = VAE.initial(SIZES, rng=np.random.default_rng(0))
    common.print_header(f"Epoch over {len(images):,} images, {'-'.join(map(str, SIZES))}, batches of {BATCH}, float32",
                        "numpy", "torch")
    compare(ours, images)
    runs = {
        "divergen": OurRun(ours, images),
        "PyTorch, Adam": TorchRun(ours, images),
        "PyTorch, Adam(fused=True)": TorchRun(ours, images, fused=True),
    }
    times, _ = common.interleave(runs, rounds=rounds)
    notes = {name: f"ELBO {run.elbo:.1f} after {rounds + 1} epochs" for name, run in runs.items()}
    common.print_times(times, "divergen", notes, "epoch of the dense autoencoder, 4,000 images")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
