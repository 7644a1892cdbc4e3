"""The force of a normal distribution on a point, in several dimensions; and what a digit of it costs."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

kernel = dg.HuberEnergy(a=0)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.5))

r = np.linspace(0, 12, 121)
for dim, style in ((1, "-"), (3, "--"), (10, "-."), (100, ":")):
    x = np.zeros((len(r), dim))
    x[:, 0] = r
    _, gradient = dg.expected_kernel_and_gradient(x, np.zeros(dim), np.eye(dim), kernel)
    axes[0].plot(r, gradient[:, 0], style, color="k", label=f"$L$ = {dim}")
    axes[0].plot(r[::12], (r / np.sqrt(dim + r**2))[::12], "x", color="tab:orange", ms=5)
axes[0].plot([], [], "x", color="tab:orange", label=r"$r / \sqrt{L + r^2}$")
axes[0].set(xlabel=r"$r = \|x\|$", ylabel=r"$\|\nabla H\|$", title="pull of $\\mathcal{N}(0, I_L)$ towards its centre")
axes[0].legend(frameon=False, fontsize=8, loc="lower right", ncols=2)

dim, radius = 3, 1.0
x = np.array([[radius, 0.0, 0.0]])
exact = dg.expected_kernel(x, np.zeros(dim), np.eye(dim), kernel)[0]
nodes, errors = [], []
for step in np.geomspace(8, 0.25, 31):  # the trapezoidal rule of the text in w = log t
    w = step * np.arange(-round(74 / step), round(74 / step) + 1)
    t = np.exp(w)
    one_minus_g = -np.expm1(-dim / 2 * np.log1p(2 * t) - t * radius**2 / (1 + 2 * t))
    nodes.append(len(w))
    errors.append(abs(step * np.sum(one_minus_g * kernel.mixture_density(t) * t) / exact - 1))
axes[1].loglog(nodes, np.maximum(errors, 1e-16), "k.", label="nodes of the trapezoidal rule")
rng = np.random.default_rng(0)
counts = np.geomspace(10, 1e5, 9).astype(int)
draws = [np.sqrt(np.mean([(np.linalg.norm(x - rng.standard_normal((n, dim)), axis=1).mean() / exact - 1) ** 2
                          for _ in range(8)])) for n in counts]
axes[1].loglog(counts, draws, "s-", color="tab:orange", mfc="w", label="random draws, 8 repetitions")
axes[1].set(xlabel="nodes, or draws", ylabel="relative error", title="$H$ at $r = 1$, $L = 3$")
axes[1].legend(frameon=False, fontsize=8, loc="center right")
