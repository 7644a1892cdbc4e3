r"""divergen: diversity, divergence, generative.

A reference implementation in NumPy of how to measure the quality and the diversity of generative models, and how to get
more of both. ``import divergen as dg`` hands on every public name; nothing is computed here.

- Part I, ``divergen.distance``: how far apart are two measures?
- Part II, ``divergen.sampling``: drawing well from what is there.
- Part III, ``divergen.models``: small generators, forward and backward pass by hand.
- Part IV, ``divergen.evaluation``: how good, how diverse?
- ``divergen.equations``: the sources in code, one module per document.
"""

from . import datasets
from .adam import AdamState, adam_init, adam_step, cosine_decay
from .arrays import namespace
from .distance.energy import (
    cloud_squared_distance,
    cloud_squared_distance_and_gradient,
    potential,
    potential_and_gradient,
    self_energy,
    self_energy_and_gradient,
)
from .distance.gaussian import expected_kernel, expected_kernel_and_gradient, gaussian_self_energy
from .distance.kernels import HuberEnergy, Kernel, PowerKernel, RationalKernel
from .distance.measures import (
    Combination,
    Diracs,
    Gaussian,
    Measure,
    Sampled,
    distance,
    squared_distance,
    squared_distance_and_gradient,
)
from .evaluation.class_radius import (
    ClassProbabilities,
    DiversityBound,
    LabelledLatents,
    RadiusBound,
    RadiusComparison,
    Share,
    class_probabilities,
    class_radius,
    collision_probability,
    compare_class_radius,
    diversity_bound,
    gamma_bound,
    hole_share,
    isoperimetric_bound,
    kappa_bound,
    label_latents,
    lipschitz_bound,
    renyi_entropy,
)
from .models import ELBO, VAE, Layout, Training, elbo_and_gradient, fit, gaussian_kl
from .sampling.compress import Compression, compress, recursive_compress, with_history

__all__ = [
    "AdamState",
    "ClassProbabilities",
    "Combination",
    "Compression",
    "Diracs",
    "DiversityBound",
    "ELBO",
    "Gaussian",
    "HuberEnergy",
    "Kernel",
    "LabelledLatents",
    "Layout",
    "Measure",
    "PowerKernel",
    "RadiusBound",
    "RadiusComparison",
    "RationalKernel",
    "Sampled",
    "Share",
    "Training",
    "VAE",
    "adam_init",
    "adam_step",
    "class_probabilities",
    "class_radius",
    "cloud_squared_distance",
    "cloud_squared_distance_and_gradient",
    "collision_probability",
    "compare_class_radius",
    "compress",
    "cosine_decay",
    "datasets",
    "distance",
    "diversity_bound",
    "elbo_and_gradient",
    "expected_kernel",
    "expected_kernel_and_gradient",
    "fit",
    "gamma_bound",
    "gaussian_kl",
    "gaussian_self_energy",
    "hole_share",
    "isoperimetric_bound",
    "kappa_bound",
    "label_latents",
    "lipschitz_bound",
    "namespace",
    "potential",
    "potential_and_gradient",
    "recursive_compress",
    "renyi_entropy",
    "self_energy",
    "self_energy_and_gradient",
    "squared_distance",
    "squared_distance_and_gradient",
    "with_history",
]
