r"""Part III: small generators, their forward and backward passes written by hand."""

from .architecture import Architecture, Dense
from .convolutional import Convolutional
from .gan import GANTraining, fit_gan
from .network import Layout
from .objective import ELBO, Objective, elbo_and_gradient, objective_and_gradient
from .players import GAN, Refined
from .training import Training, fit
from .vae import VAE, gaussian_kl

__all__ = [
    "Architecture", "Convolutional", "Dense", "ELBO", "GAN", "GANTraining", "Layout", "Objective", "Refined",
    "Training", "VAE", "elbo_and_gradient", "fit", "fit_gan", "gaussian_kl", "objective_and_gradient",
]
