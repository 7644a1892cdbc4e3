"""One epoch of the convolutional autoencoder against PyTorch: the same network, the same batches, one thread.

Run: python benchmarks/bench_convolution.py [rounds]. PyTorch runs as it comes, with channels first in memory, and with
`torch.channels_last`. A step is the ELBO, its gradient and Adam (PyTorch's fused form), in batches of 128, as in
bench_vae.py, and of 64, which suits PyTorch best (ours take about as long at any size from 32 to 128); then come the
layers one by one.
"""

from __future__ import annotations

import sys

import common  # before NumPy: it asks for one thread
import numpy as np
import torch

from divergen import adam_init, adam_step
from divergen.datasets import mnist
from divergen.models.convolution import conv2d, conv2d_backward, conv2d_transpose, conv2d_transpose_backward
from divergen.models.convolutional import Convolutional
from divergen.models.network import bernoulli_log_likelihood, bernoulli_log_likelihood_backward
from divergen.models.vae import gaussian_kl, gaussian_kl_backward, reparametrise, reparametrise_backward

BATCH, RATE = 128, 1e-3
NETWORK = Convolutional(latent_dim=2)
LAYERS = [(half, layer) for half, layers in NETWORK.layers.items() for layer in layers]


def elbo_and_gradient(parameters: np.ndarray, x: np.ndarray, noise: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the ELBO with one draw for each image, and its gradient."""
    dim, pieces = NETWORK.latent_dim, NETWORK.layout.views(parameters)
    encoded, encoder_saved = NETWORK.encode(pieces, x)
    mean, log_variance = encoded[:, :dim], encoded[:, dim:]
    logits, decoder_saved = NETWORK.decode(pieces, reparametrise(mean, log_variance, noise))
    value = float(np.mean(bernoulli_log_likelihood(logits, x) - gaussian_kl(mean, log_variance)))

    each = np.full(len(x), 1 / len(x), dtype=x.dtype)
    to_z, decoder = NETWORK.decode_backward(pieces, bernoulli_log_likelihood_backward(each, logits, x), decoder_saved)
    latent = reparametrise_backward(to_z, log_variance, noise), gaussian_kl_backward(each, mean, log_variance)
    to_encoded = np.concatenate([a - b for a, b in zip(*latent, strict=True)], axis=1)
    encoder = NETWORK.encode_backward(pieces, to_encoded, encoder_saved)
    return value, NETWORK.layout.flatten(encoder | decoder)


# --- PyTorch's side --------------------------------------------------------------------------------------------

ORDER = {"dense": (1, 0), "convolution": (3, 2, 0, 1), "transposed": (2, 3, 0, 1)}  # our axes in PyTorch's order


def torch_layer(kind: str, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, stride: int
                ) -> torch.Tensor:
    """One layer, on images with channels first; at stride 2 the zeros stand below and on the right, as in ours."""
    functional = torch.nn.functional
    if kind == "dense":
        return functional.linear(x, weight, bias)
    if kind == "convolution":
        x, padding = (functional.pad(x, (0, 1, 0, 1)), 0) if stride == 2 else (x, 1)
        return functional.conv2d(x, weight, bias, stride=stride, padding=padding)
    y = functional.conv_transpose2d(x, weight, bias, stride=stride, padding=2 - stride)
    return y[:, :, :-1, :-1] if stride == 2 else y


class TorchVAE(torch.nn.Module):
    """The same network, loss and weights in PyTorch."""

    def __init__(self, parameters: np.ndarray) -> None:
        super().__init__()
        pieces = list(NETWORK.layout.views(parameters).values())
        self.weights = torch.nn.ParameterList(
            torch.from_numpy(weight.transpose(ORDER[layer.kind]).copy())
            for (_, layer), weight in zip(LAYERS, pieces[::2], strict=True))
        self.biases = torch.nn.ParameterList(torch.from_numpy(bias.copy()) for bias in pieces[1::2])

    def half(self, name: str, x: torch.Tensor) -> torch.Tensor:
        rows = [i for i, (half, _) in enumerate(LAYERS) if half == name]
        for i in rows:
            layer = LAYERS[i][1]
            if len(layer.inputs) == 1:  # our order of the numbers in a row: channels last
                x = (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).reshape(len(x), -1)
            elif x.ndim == 2:
                x = x.reshape(len(x), *layer.inputs).permute(0, 3, 1, 2)
            x = torch_layer(layer.kind, x, self.weights[i], self.biases[i], layer.stride)
            if i < rows[-1]:
                x = torch.relu(x)
        return x.reshape(len(x), -1)

    def forward(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        mean, log_variance = self.half("encoder", x).chunk(2, dim=1)
        logits = self.half("decoder", mean + torch.exp(log_variance / 2) * noise)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return (loss + (mean**2 + log_variance.exp() - 1 - log_variance).sum() / 2) / x.shape[0]

    def gradient(self) -> np.ndarray:
        """The gradient after backward(), in our order."""
        pieces = {}
        for name, (_, layer), weight, bias in zip(list(NETWORK.layout.shapes)[::2], LAYERS, self.weights, self.biases,
                                                  strict=True):
            pieces[name] = weight.grad.numpy().transpose(np.argsort(ORDER[layer.kind]))
            pieces[name.replace("weight", "bias")] = bias.grad.numpy()
        return NETWORK.layout.flatten(pieces)


# --- an epoch --------------------------------------------------------------------------------------------------


class OurRun:
    """Our epochs, one with each call, each going on from the last."""

    def __init__(self, parameters: np.ndarray, images: np.ndarray, batch: int = BATCH) -> None:
        self.parameters, self.images, self.batch = parameters, images, batch
        self.state, self.rng, self.elbo = adam_init(parameters), np.random.default_rng(1), np.nan

    def __call__(self) -> None:
        total, n = 0.0, len(self.images)
        order = self.rng.permutation(n)
        for start in range(0, n, self.batch):
            x = self.images[order[start : start + self.batch]]
            noise = self.rng.standard_normal((len(x), NETWORK.latent_dim), dtype=np.float32)
            value, gradient = elbo_and_gradient(self.parameters, x, noise)
            self.parameters, self.state = adam_step(self.parameters, -gradient, self.state, RATE)
            total += value * len(x)
        self.elbo = total / n


class TorchRun:
    """PyTorch's epochs, one with each call."""

    def __init__(self, parameters: np.ndarray, images: np.ndarray, batch: int = BATCH, channels_last: bool = False
                 ) -> None:
        self.images, self.batch, self.model = torch.from_numpy(images), batch, TorchVAE(parameters)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE, fused=True)
        self.elbo = np.nan

    def __call__(self) -> None:
        total = 0.0
        for index in torch.randperm(len(self.images)).split(self.batch):
            batch = self.images[index]
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.model(batch, torch.randn(len(batch), NETWORK.latent_dim))
            loss.backward()
            self.optimizer.step()
            total -= loss.item() * len(batch)
        self.elbo = total / len(self.images)


def compare(parameters: np.ndarray, images: np.ndarray) -> None:
    """Print how far the two are apart on one batch: they must be computing the same thing."""
    noise = np.random.default_rng(2).standard_normal((BATCH, NETWORK.latent_dim)).astype(np.float32)
    elbo, gradient = elbo_and_gradient(parameters, images[:BATCH], noise)
    model = TorchVAE(parameters)
    loss = model(torch.from_numpy(images[:BATCH]), torch.from_numpy(noise))
    loss.backward()
    theirs = -model.gradient()
    print(f"  on one batch: ELBO off by {abs(-loss.item() / elbo - 1):.0e}, "
          f"gradient off by {np.linalg.norm(gradient - theirs) / np.linalg.norm(theirs):.0e}")


# --- layer by layer --------------------------------------------------------------------------------------------


def layer_runs(layer, first: bool) -> common.Runs:
    """Forward and backward of one layer on a batch, ours and PyTorch's (channels last, the faster one)."""
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(shape, dtype=np.float32)
                 for shape in ((BATCH, *layer.inputs), layer.weight_shape))
    bias, upstream = np.zeros(layer.outputs[-1], np.float32), rng.standard_normal((BATCH, *layer.outputs), np.float32)
    forward, backward = {"convolution": (conv2d, conv2d_backward),
                         "transposed": (conv2d_transpose, conv2d_transpose_backward)}[layer.kind]
    tx = torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_(not first)
    tweight = torch.from_numpy(weight.transpose(ORDER[layer.kind]).copy())
    tweight = tweight.contiguous(memory_format=torch.channels_last).requires_grad_()
    tbias, tupstream = torch.zeros(len(bias), requires_grad=True), torch.from_numpy(upstream).permute(0, 3, 1, 2)
    wanted = [tweight, tbias] if first else [tx, tweight, tbias]

    def ours() -> np.ndarray:
        backward(upstream, x, weight, stride=layer.stride, input_gradient=not first)
        return forward(x, weight, bias, stride=layer.stride)

    def theirs() -> np.ndarray:
        y = torch_layer(layer.kind, tx, tweight, tbias, layer.stride)
        torch.autograd.grad(y, wanted, tupstream)
        return y.detach().permute(0, 2, 3, 1).numpy()

    return {"divergen": ours, "PyTorch": theirs}


def print_layers(rounds: int) -> None:
    print(f"Layer by layer, forward and backward, batch of {BATCH}; PyTorch with channels last")
    rows = [("", "ours, ms", "PyTorch, ms", "ours / PyTorch", "")]
    for i, (_, layer) in enumerate(LAYERS):
        if layer.kind == "dense":
            continue
        times, results = common.interleave(layer_runs(layer, first=i == 0), rounds=rounds, calls=3)
        ours, theirs = (1e3 * float(np.median(times[name])) for name in ("divergen", "PyTorch"))
        off = np.linalg.norm(results["divergen"] - results["PyTorch"]) / np.linalg.norm(results["PyTorch"])
        rows.append((f"{layer.kind} {layer.inputs} to {layer.outputs}", f"{ours:.1f}", f"{theirs:.1f}",
                     f"{common.ratio(times, 'divergen', 'PyTorch'):.2f}", f"off by {off:.0e}"))
    common.print_table(rows)


def main(rounds: int = 3) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    data = mnist()
    images = np.concatenate([data.train_images, data.test_images])
    parameters = NETWORK.layout.flatten(NETWORK.initial(np.random.default_rng(0))).astype(np.float32)
    common.print_header(f"Epoch over {len(images):,} images, the convolutional autoencoder, float32", "numpy", "torch")
    compare(parameters, images)
    for batch in (BATCH, 64):
        runs: dict[str, OurRun | TorchRun] = {
            "divergen": OurRun(parameters, images, batch),
            "PyTorch": TorchRun(parameters, images, batch),
            "PyTorch, channels last": TorchRun(parameters, images, batch, channels_last=True),
        }
        times, _ = common.interleave(runs, rounds=rounds)
        notes = {name: f"ELBO {run.elbo:.1f} after {rounds + 1} epochs" for name, run in runs.items()}
        print(f"Batches of {batch}")
        common.print_times(times, "divergen", notes, f"epoch of the convolutional one, batches of {batch}")
    print_layers(rounds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
