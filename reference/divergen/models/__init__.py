r"""Part III: small generators, their forward and backward passes written by hand."""

from .architecture import Architecture, Dense
from .convolutional import Convolutional
from .network import Layout
from .objective import ELBO, Objective, elbo_and_gradient, objective_and_gradient
from .training import Training, fit
from .vae import VAE, gaussian_kl

__all__ = [
    "Architecture", "Convolutional", "Dense", "ELBO", "Layout", "Objective", "Training", "VAE", "elbo_and_gradient",
    "fit", "gaussian_kl", "objective_and_gradient",
]
