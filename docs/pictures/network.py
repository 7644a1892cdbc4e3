"""Two checks of a network: its gradient against finite differences, and the signal's size from layer to layer."""

import matplotlib.pyplot as plt
import numpy as np

from divergen.models.network import bernoulli_log_likelihood as log_likelihood
from divergen.models.network import bernoulli_log_likelihood_backward as log_likelihood_backward
from divergen.models.network import dense, he_normal, perceptron, perceptron_backward, relu

rng = np.random.default_rng(0)
layers = [he_normal(4, 50, rng), he_normal(50, 50, rng), he_normal(50, 3, rng)]
x, pixels = rng.standard_normal((20, 4)), rng.random((20, 3))
direction = rng.standard_normal((4, 50))


def value(step):
    """The log-likelihood with the first weight moved by this step along a random direction."""
    moved = [(layers[0][0] + step * direction, layers[0][1]), *layers[1:]]
    return log_likelihood(perceptron(moved, x)[0], pixels).sum()


logits, inputs = perceptron(layers, x)
_, gradients = perceptron_backward(log_likelihood_backward(np.ones(20), logits, pixels), inputs, layers)
exact = np.sum(gradients[0][0] * direction)
steps = 10.0 ** np.arange(-13, -0.9, 0.25)
one_sided = [abs((value(h) - value(0.0)) / h - exact) / abs(exact) for h in steps]
central = [abs((value(h) - value(-h)) / (2 * h) - exact) / abs(exact) for h in steps]

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
left.loglog(steps, one_sided, "s--", mfc="white", ms=4, color="C1", label=r"$(f(\theta+h) - f(\theta))/h$")
left.loglog(steps, central, "o-", ms=4, color="C0", label=r"$(f(\theta+h) - f(\theta-h))/2h$")
left.set(xlabel="step $h$", ylabel="relative error", title="differences against the backward pass")
left.legend(frameon=False)

depth = 30
for variance, style, colour in ((3, "^-", "C3"), (2, "o-", "C0"), (1, "s-", "C1")):
    signal, sizes = rng.standard_normal((200, 100)), []
    for _ in range(depth):
        weight = rng.standard_normal((100, 100)) * np.sqrt(variance / 100)
        signal = relu(dense(signal, weight, np.zeros(100)))
        sizes.append(np.mean(signal**2))
    right.semilogy(np.arange(1, depth + 1), sizes, style, ms=4, color=colour)
    right.annotate(f"{variance}/$p$", (depth, sizes[-1]), xytext=(7, -3), textcoords="offset points")
right.set(xlabel="layer", ylabel="mean square of the signal", title=r"variance of the weights, $p$ = 100", xlim=(0, 34))
