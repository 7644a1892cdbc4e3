r"""What an implementation may offer: names, arguments, results and the equations that define them.

All arguments are positional. Arrays are float64 NumPy arrays unless something else is said; points are rows. Results
are numbers, arrays, or tuples of them, as stated.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CAPABILITIES", "Capability", "DIVERGENCES", "FORMS"]


class Capability(NamedTuple):
    """One thing that can be judged.

    Attributes
    ----------
    arguments : str
        As in a call, with shapes.
    returns : str
    equation : str
        The key of the source and the number; it is what a failure is reported under.
    conventions : tuple of str
        The fields of :class:`~divergen.oracle.conventions.Conventions` that matter.
    """

    arguments: str
    returns: str
    equation: str
    conventions: tuple[str, ...] = ()


# The divergences that `f`, `conjugate` and `divergence` are asked for, by name; lambda stands in the name. The form is
# stated, as f + c (u - 1) has the same divergence, but is another f with another f*. f(1) = 0, but -2 log 2 for gan;
# where f has a slope at 1 it is 0, but -log 2 for gan, and lambda for precision_recall(lambda) with lambda > 1.
FORMS: dict[str, str] = {
    "kl": "u * log(u) - u + 1",
    "reverse_kl": "u - 1 - log(u)",
    "jensen_shannon": "u * log(u) - (u + 1) * log((u + 1) / 2)",
    "gan": "u * log(u) - (u + 1) * log(u + 1)",
    "total_variation": "abs(u - 1) / 2",
    "pearson_chi2": "(u - 1)^2",
    "neyman_chi2": "(u - 1)^2 / u",
    "squared_hellinger": "(sqrt(u) - 1)^2",
    "precision_recall(0.25)": "max(0.25 * u, 1) - 1",
    "precision_recall(1)": "max(u, 1) - 1",
    "precision_recall(4)": "max(4 * u, 1) - 4",
}
DIVERGENCES = tuple(FORMS)
_FORMS = "; ".join(f"{name}: {form}" for name, form in FORMS.items())

CAPABILITIES: dict[str, Capability] = {
    "kernel": Capability(
        "x (n, d), a", "(n,): h(x) = sqrt(|x|^2 + a^2) - a for each row", "Turinici2023, choice of h"),
    "squared_distance": Capability(
        "x (n, d), y (m, d), x_weights (n,), y_weights (m,), a",
        "number: d^2 between two weighted clouds of total weight 1 each", "Turinici2023 (4)",
        ("factor", "power", "statistic")),
    "squared_distance_gradient": Capability(
        "x (n, d), y (m, d), x_weights (n,), y_weights (m,), a",
        "(n, d): the gradient of d^2 in x; the kernel's own is 0 at 0",
        "Turinici2023 (4), gradient", ("factor", "statistic")),
    "expected_kernel": Capability(
        "x (n, d), mean (d,), cov (d, d), a", "(n,): E h(x_i - z) for z ~ N(mean, cov)",
        "Turinici2023 (2), closed form"),
    "adam": Capability(
        "start (p,), gradients (T, p), learning_rates (T,), beta1, beta2, epsilon",
        "(T, p): the parameters after each step; step t + 1 has gradient and rate number t",
        "KingmaBa2014, algorithm 1", ("epsilon",)),
    "compress": Capability(
        "points (n, d), k, a, seed (whole number)", "(k, d): equal Diracs close to the points' distribution",
        "Turinici2023 (1), algorithm Semp"),
    "gaussian_kl": Capability(
        "mean (n, L), log_variance (n, L)", "(n,): KL(N(mean, diag exp(log_variance)) || N(0, I)), in nats",
        "KingmaWelling2013, appendix B"),
    "elbo": Capability(
        "sizes (list), parameters (p,), x (n, pixels), noise (n, L)",
        "number: mean evidence lower bound of a dense autoencoder, in nats (see the page on vectors for the layout)",
        "KingmaWelling2013 (10)"),
    "elbo_gradient": Capability(
        "sizes (list), parameters (p,), x (n, pixels), noise (n, L)", "(p,): its gradient in the parameters",
        "KingmaWelling2013 (10), gradient"),
    "f": Capability(
        "name, u (n,) >= 0",
        f"(n,): the generator in this form, without another multiple of u - 1, and its limit at 0: {_FORMS}",
        "Verine2024, definition 3.1 and (10)"),
    "conjugate": Capability(
        "name, t (n,)", "(n,): sup over u >= 0 of t u - f(u), with f in the form that the capability f states; "
        "infinite outside of the domain", "Verine2024, theorem 3.2, f*"),
    "divergence": Capability(
        "name, p (n,), q (n,)", "number: D_f(P || Q) of two distributions on n points, recession term included",
        "Verine2024 (7)"),
    "pr_curve": Capability(
        "p (n,), q (n,), lambdas (m,)", "(m,), (m,): alpha and beta of the target p and the model q",
        "Verine2024 (3)"),
    "neighbour_metrics": Capability(
        "real (n, d), generated (m, d), k",
        "four numbers: precision, recall, density, coverage; the radius of a point is the distance to its k-th nearest "
        "other point", "Verine2024, definition 2.1, by neighbours", ("boundary",)),
    "obrs": Capability(
        "ratio (n,), budget, weights (n,)",
        "(n,): acceptance probabilities of optimal budgeted rejection sampling; the weights are the model's "
        "probabilities and have the sum 1, M is the largest ratio of a point with a weight above 0, and the ratios may "
        "have another mean than 1", "Verine2024 (18)"),
    "drs": Capability(
        "ratio (n,), gamma, supremum", "(n,): acceptance probabilities of discriminator rejection sampling",
        "Verine2024, definition 4.1"),
    "isoperimetric_bound": Capability(
        "p (n,)", "number: sum_i p_i Phi^-1(p_i) + phi(Phi^-1(p_i)), both terms under the sum",
        "ClassRadius, some details"),
    "gamma_bound": Capability("p (n,)", "number: the bound of the theorem, gamma(|p|^2)", "ClassRadius, theorem"),
    "kappa_bound": Capability("p (n,)", "number: kappa(|p|^2)", "ClassRadius, erratum 20"),
    "renyi_entropy": Capability(
        "p (n,), alpha >= 0", "number: the Renyi entropy; Shannon's at 1, min-entropy at infinity",
        "ClassRadius, Renyi entropy", ("logarithm",)),
}
