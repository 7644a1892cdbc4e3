r"""Part III: small generators, their forward and backward passes written by hand."""

from .network import Layout
from .training import Training, fit
from .vae import ELBO, VAE, elbo_and_gradient, gaussian_kl

__all__ = ["ELBO", "VAE", "Layout", "Training", "elbo_and_gradient", "fit", "gaussian_kl"]
