"""Adam on a noisy quadratic: constant rates end in a cloud whose width they set, a falling rate settles."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

steps, repetitions = 1000, 64
curvature = np.array([1.0, 0.01])  # one steep direction, one flat
schedules = {
    "constant 0.1": lambda t: 0.1,
    "constant 0.01": lambda t: 0.01,
    "cosine, 0.1 to 0": dg.cosine_decay(0.1, steps),
}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
for (name, rate), style in zip(schedules.items(), ("-", ":", "--"), strict=True):
    rng = np.random.default_rng(0)
    theta = np.ones((repetitions, 2))
    state = dg.adam_init(theta)
    losses, path = [], [theta[0]]
    for t in range(steps):
        gradient = curvature * theta + rng.standard_normal(theta.shape) * 0.3 * curvature
        theta, state = dg.adam_step(theta, gradient, state, rate(t))
        losses.append(np.mean(curvature * theta**2) / 2)
        path.append(theta[0])
    axes[0].plot(*np.array(path).T, style, color="k", lw=0.8, label=name)
    axes[1].loglog(np.arange(1, steps + 1), losses, style, color="k", label=name)
axes[0].plot(0, 0, "k+", ms=12)
axes[0].set(xlabel="steep coordinate", ylabel="flat coordinate", title="one path of each")
axes[1].set(xlabel="step", ylabel="mean loss", title="mean of 64 paths")
axes[1].legend(frameon=False)
