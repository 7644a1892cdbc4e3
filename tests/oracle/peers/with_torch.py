"""PyTorch: its Adam, its Gaussian divergence, and a dense autoencoder of its functions with its automatic gradient."""

from itertools import pairwise

import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from divergen.oracle import from_functions, from_torch

from . import Peer, only

# What it refuses is a finding, too.
POSITIVE = ("deviations above 0 in float64; Normal refuses 0 by ValueError, as at log_variance = -1e6, where the "
            "answer is 5e5")


def adam(start, gradients, learning_rates, beta1, beta2, epsilon):
    """``torch.optim.Adam``; the rate of each step is set in its parameter group, as schedulers do."""
    parameters = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], betas=(beta1, beta2), eps=epsilon)
    path = []
    for gradient, rate in zip(gradients, learning_rates, strict=True):
        optimiser.param_groups[0]["lr"] = float(rate)
        parameters.grad = gradient
        optimiser.step()
        path.append(parameters.detach().clone())
    return torch.stack(path)


def gaussian_kl(mean, log_variance):
    """``torch.distributions.kl_divergence`` of two ``Normal``."""
    only(bool(torch.all(torch.exp(log_variance / 2) != 0)), POSITIVE)
    other = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    return kl_divergence(Normal(mean, torch.exp(log_variance / 2)), other).sum(dim=1)


def _mean_elbo(sizes, parameters, x, noise):
    middle = len(sizes) // 2
    encoder, decoder = [*sizes[:middle], 2 * sizes[middle]], sizes[middle:]
    taken = 0

    def through(layers, values):
        nonlocal taken
        for i, (p, q) in enumerate(pairwise(layers)):
            weight, bias = parameters[taken: taken + p * q].reshape(p, q), parameters[taken + p * q: taken + p * q + q]
            values = functional.linear(values, weight.T, bias)
            values = functional.relu(values) if i < len(layers) - 2 else values
            taken += (p + 1) * q
        return values

    mean, log_variance = through(encoder, x).chunk(2, dim=1)
    logits = through(decoder, mean + torch.exp(log_variance / 2) * noise)
    image = functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=1)
    return -(image + gaussian_kl(mean, log_variance)).mean()


def elbo(sizes, parameters, x, noise):
    """``functional.linear``, ``relu`` and ``binary_cross_entropy_with_logits``."""
    return _mean_elbo(sizes, parameters, x, noise)


def elbo_gradient(sizes, parameters, x, noise):
    """``torch.autograd.grad`` of the same."""
    parameters = parameters.clone().requires_grad_()
    return torch.autograd.grad(_mean_elbo(sizes, parameters, x, noise), parameters)[0]


ADAPTER = from_functions("torch", adam=from_torch(adam), gaussian_kl=from_torch(gaussian_kl), elbo=from_torch(elbo),
                         elbo_gradient=from_torch(elbo_gradient))

KL = {
    "gaussian_kl/vectors-Cancellation": "(s^2 + m^2 - 1 - log s^2) / 2 cancels near N(0, 1): of Normal(1e-9, 1) and "
    "Normal(0, 1) it makes 0 for 5e-19",
    "gaussian_kl/vectors-FarTail": "the square of the deviation underflows: of Normal(1, exp(-500)) and Normal(0, 1) "
    "it makes infinity for 500",
}

PEERS = [
    Peer("torch", "optim.Adam", ADAPTER, "adam"),
    Peer("torch", "distributions.kl_divergence", ADAPTER, "gaussian_kl", POSITIVE, KL),
    Peer("torch", "nn.functional", ADAPTER, "elbo"),
    Peer("torch", "nn.functional and autograd", ADAPTER, "elbo_gradient"),
]
