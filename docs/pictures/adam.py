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
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), width_ratios=(2, 3))
looks = (("-", "x", "C3"), (":", "s", "C1"), ("--", ".", "C0"))
for (name, rate), (style, marker, colour) in zip(schedules.items(), looks, strict=True):
    rng = np.random.default_rng(0)
    theta = np.ones((repetitions, 2))
    state = dg.adam_init(theta)
    losses = []
    for t in range(steps):
        gradient = curvature * theta + rng.standard_normal(theta.shape) * 0.3 * curvature
        theta, state = dg.adam_step(theta, gradient, state, rate(t))
        losses.append(np.mean(curvature * theta**2) / 2)
    face = "none" if marker == "s" else colour
    left.plot(*theta.T, marker, color=colour, ms=4, mfc=face)
    right.loglog(np.arange(1, steps + 1), losses, style, color=colour)
    right.plot([], [], style + marker, color=colour, ms=4, mfc=face, label=name)  # one legend for both panels
left.axhline(0, color="0.8", lw=0.8, zorder=0)
left.axvline(0, color="0.8", lw=0.8, zorder=0)
left.set(xlabel="steep coordinate", ylabel="flat coordinate", title="64 paths, where they end",
         xlim=(-0.5, 0.5), ylim=(-0.5, 0.5), aspect="equal")
right.set(xlabel="step", ylabel="mean loss", title="64 paths, their mean")
right.legend(frameon=False)
