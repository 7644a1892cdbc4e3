"""A small autoencoder in training, and what its encoder says beside what Bayes' formula says."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg
from divergen.models.network import softplus

data = dg.datasets.digits()
rng = np.random.default_rng(0)
epochs = 20
rate = dg.cosine_decay(5e-3, epochs * -(-len(data.train_images) // 64))
start = dg.VAE.initial((64, 64, 2, 64, 64), rng=rng)
vae, _, trace = dg.fit(start, data.train_images, rng=rng, epochs=epochs, batch_size=64, learning_rate=rate)

axis = np.linspace(-4, 4, 81)
grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2).astype(np.float32)  # (6561, 2)
logits, _ = vae.architecture.decode(vae.layout.views(vae.parameters), grid)
images = data.test_images.astype(np.float32)
mean, log_variance = vae.encode(images)


def log_normalised(rows):
    """Subtract a number from each row such that its exponentials sum to 1."""
    rows = rows - rows.max(axis=1, keepdims=True)
    return rows - np.log(np.sum(np.exp(rows), axis=1, keepdims=True))


# log p(x | z) + log p(z) for all images and all z of the grid, (359, 6561), and log q(z | x)
log_posterior = log_normalised(images @ logits.T - softplus(logits).sum(axis=1) - np.sum(grid**2, axis=1) / 2)
squares = (grid[None, :, :] - mean[:, None, :]) ** 2 / np.exp(log_variance)[:, None, :]
log_q = log_normalised(-squares.sum(axis=2) / 2)
gaps = np.sum(np.exp(log_q) * (log_q - log_posterior), axis=1)  # KL(q | posterior), (359,)
print(f"mean gap {gaps.mean():.2f} nats")

figure, axes = plt.subplots(1, 3, figsize=(9, 3.1))
epoch = 1 + np.arange(epochs)
bound, reconstruction = (np.array([getattr(e, name) for e in trace]) for name in ("value", "log_likelihood"))
axes[0].plot(epoch, reconstruction, "k--", label=r"$\mathbb{E}\,\log p(x \mid z)$")
axes[0].plot(epoch, bound, "k-", label="ELBO")
axes[0].fill_between(epoch, bound, reconstruction, color="C0", alpha=0.3, label="KL")
axes[0].set(xlabel="epoch", ylabel="nats per image", title="training", ylim=(-30, -22))
axes[0].legend(frameon=False, loc="lower right")

angle = np.linspace(0, 2 * np.pi, 100)
circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)  # (100, 2)
for ax, i in zip(axes[1:], (np.argmin(gaps), np.argmax(gaps)), strict=True):
    density = np.exp(log_posterior[i]).reshape(81, 81)
    ordered = np.sort(density.ravel())[::-1]
    levels = [ordered[np.searchsorted(np.cumsum(ordered), share)] for share in (0.99, 0.9, 0.5)]
    ax.contourf(axis, axis, density, [*levels, density.max()], cmap="Blues")
    for share, style in ((0.5, "C1-"), (0.9, "C1--"), (0.99, "C1:")):
        ellipse = mean[i] + np.exp(log_variance[i] / 2) * circle * np.sqrt(-2 * np.log(1 - share))
        ax.plot(*ellipse.T, style, lw=1.5)
    ax.set(xlabel="$z_1$", ylabel="$z_2$", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal",
           title=f"gap of {gaps[i]:.2f} nats")
    corner = ax.inset_axes((0.76, 0.76, 0.22, 0.22))
    corner.imshow(images[i].reshape(data.image_shape), cmap="Greys")
    corner.set(xticks=[], yticks=[])
