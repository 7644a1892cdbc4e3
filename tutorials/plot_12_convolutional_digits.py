r"""
A convolutional autoencoder
===========================

The digits of the sources come from a network that knows what a neighbour is: an autoencoder of convolutions. Here it is
built, looked into, trained, *interrupted in the middle and taken up again*, and then asked for ten digits, first at
random and then with diversity in mind.

Its layers are given one by one in :cite:`Turinici2022image`, section 3.1. The maths is in :doc:`/chapters/convolution`
and :doc:`/chapters/vae`.

*Long:* convolutions are many multiplications, and NumPy does them on one core here.
"""
# sphinx_gallery_thumbnail_number = 4

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.svm import SVC

import divergen as dg
from divergen.datasets import mnist
from divergen.models import VAE, Convolutional, elbo_and_gradient, fit
from divergen.models.convolution import conv2d, conv2d_transpose
from divergen.plotting import quantile_grid

rng = np.random.default_rng(2022)
data = mnist()  # 4,000 digits to learn from, 1,000 others; they ship with a package

# %%
# What a convolution sees
# -----------------------
#
# One kernel of 3 x 3 numbers looks at every place of the image. This one has a minus on its left and a plus on its
# right, so it finds where ink begins; turned by 90 degrees, it finds where it begins from above. With stride 2 it
# looks at every second place.

image = data.train_images[data.train_labels == 5][0].reshape(1, 28, 28, 1)
rising = np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0]) / 4
kernels = np.stack([rising, rising.T], axis=-1)[:, :, None, :].astype(np.float32)  # (3, 3, 1, 2)
no_bias = np.zeros(2, np.float32)
edges, coarse = conv2d(image, kernels, no_bias), conv2d(image, kernels, no_bias, stride=2)
print(f"{image.shape} to {edges.shape}, and at stride 2 to {coarse.shape}")

fig, axes = plt.subplots(1, 4, figsize=(9, 2.6), layout="constrained")
pictures = {"a digit": image[0, :, :, 0], "from the left": edges[0, :, :, 0], "from above": edges[0, :, :, 1],
            "from above, stride 2": coarse[0, :, :, 1]}
for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
    signed = title != "a digit"
    ax.imshow(picture, cmap="RdBu" if signed else "gray_r", vmin=-1 if signed else 0, vmax=1)
    ax.set(title=title, xticks=[], yticks=[])
fig.suptitle("Where ink begins (blue) and ends (red)")
plt.show()

# %%
# A digit that is moved has moved edges, which a dense layer would have to learn for each place again:

moved = np.roll(image, (2, 3), axis=(1, 2))  # the margin is empty, so nothing comes around
assert np.abs(conv2d(moved, kernels, no_bias) - np.roll(edges, (2, 3), axis=(1, 2))).max() < 1e-6

# %%
# The way back, from few pixels to many, is the *transposed* convolution: by definition the adjoint,
# :math:`\langle Cx, y \rangle = \langle x, C^T y \rangle`.

y = rng.standard_normal(coarse.shape).astype(np.float32)
there = float(np.sum(coarse * y))
back = float(np.sum(image * conv2d_transpose(y, kernels.transpose(0, 1, 3, 2), np.zeros(1, np.float32), stride=2)))
print(f"<Cx, y> = {there:.4f}, <x, C^T y> = {back:.4f}")
assert abs(there - back) < 1e-4

# %%
# The network
# -----------
#
# The encoder halves the image twice, the decoder doubles it twice. It has fewer parameters than the two dense
# layers on each side that :doc:`plot_03_diverse_digits` trains, and takes many times the work: each of its weights
# is used at every place.

network = Convolutional(latent_dim=2)
dense = (784, 256, 128, 2, 128, 256, 784)
for half, layers in network.layers.items():
    print(half)
    for layer in layers:
        print(f"  {layer.kind:12s} {layer.inputs!s:>14s} -> {layer.outputs}")
parameters = {"convolutional": network.layout.size, "dense": VAE.initial(dense, rng=rng).layout.size}
print(f"{parameters['convolutional']:,} parameters; the dense network has {parameters['dense']:,}")
assert parameters["convolutional"] == 110_309 < parameters["dense"] / 4

# %%
# Interrupted on purpose
# ----------------------
#
# Training takes a while, and machines are switched off. With a ``checkpoint`` the state of the training is written
# after each epoch: weights, Adam's moments, the random generator. On a few images, a training is stopped at the very
# end of its third epoch, before that is written; the same call again goes on from what the second one left. Next to
# it is a training that nobody disturbed.


class PowerCut(Exception):
    """What happens to the machine."""


def cut(training):
    if len(training.trace) == 3:
        raise PowerCut


def train(folder, callback=None):
    """Four epochs over 128 digits, from the same start each time this is called."""
    seeded = np.random.default_rng(7)
    return fit(VAE.initial(network, rng=seeded), data.train_images[:128], rng=seeded, epochs=4, batch_size=32,
               checkpoint=Path(folder, "training.npz"), callback=callback)


with tempfile.TemporaryDirectory() as disturbed, tempfile.TemporaryDirectory() as quiet:
    try:
        train(disturbed, cut)
        raise RuntimeError("nothing was interrupted")
    except PowerCut:
        print("interrupted")
    epochs_seen = []
    resumed = train(disturbed, lambda training: epochs_seen.append(len(training.trace)))
    undisturbed = train(quiet)

same = resumed.vae.parameters.tobytes() == undisturbed.vae.parameters.tobytes()
print(f"taken up again at epoch {epochs_seen[0]}; the same weights, bit for bit: {same}")
assert epochs_seen == [3, 4]  # what the third epoch had done was lost, and no more
assert same and resumed.trace == undisturbed.trace

# %%
# Training
# --------
#
# Now in earnest, if only for five epochs: all 4,000 images, in small batches to have many steps. A dense network
# trains on the same images, in the same batches, for as many epochs.

epochs, batch_size = 5, 16
steps = epochs * -(-len(data.train_images) // batch_size)
untrained = {"convolutional": VAE.initial(network, rng=rng), "dense": VAE.initial(dense, rng=rng)}
trained = {
    name: fit(start, data.train_images, rng=rng, epochs=epochs, batch_size=batch_size,
              learning_rate=dg.cosine_decay(2e-3, steps))
    for name, start in untrained.items()
}
noise = rng.standard_normal((len(data.test_images), 2))  # the same for both
bounds = {name: elbo_and_gradient(one.vae, data.test_images, noise)[0] for name, one in trained.items()}
print(f"{'':14s} test ELBO = log-likelihood - KL, nats per image")
for name, bound in bounds.items():
    print(f"{name:14s} {bound.value:9.1f} = {bound.log_likelihood:14.1f} - {bound.kl:.1f}")
trace = {name: np.array([terms.value for terms in one.trace]) for name, one in trained.items()}
assert trace["convolutional"][-1] > trace["convolutional"][0] + 30
assert all(bound.value > -175 for bound in bounds.values())

fig, ax = plt.subplots(figsize=(5.6, 3.4), layout="constrained")
for (name, values), style in zip(trace.items(), ("ko-", "ks--"), strict=True):
    ax.plot(1 + np.arange(epochs), values, style, ms=4, mfc="white" if name == "dense" else "black", label=name)
ax.set(xlabel="epoch", ylabel="ELBO, nats per image", title="Training, convolutional and dense")
ax.legend(loc="lower right")
plt.show()

# %%
# With this few images and epochs the convolutions win nothing over dense layers. The digits stand in the middle of
# their pictures and are all of one size, so there is little to gain from looking everywhere in the same way; the plane
# of two latent dimensions is narrow for both, and an epoch of the dense network takes a small part of the time. What
# speaks for the convolutions here is their number of parameters.

difference = bounds["convolutional"].value - bounds["dense"].value
print(f"convolutional less dense: {difference:+.1f} nats per image")
assert -12 < difference < 2

# %%
# The first layer
# ---------------
#
# Its 32 filters were drawn at random, and what so short a training does to them cannot be seen: with 3 x 3 numbers
# almost any draw finds some kind of edge or stroke, and it is the later layers that learn what to make of it. Next to
# them is what they say to the digit from above, after the ReLU: how much there is, at each place, of what the filter
# looks for, each on a scale of its own.

vae = trained["convolutional"].vae
pieces = vae.layout.views(vae.parameters)
before = vae.layout.views(untrained["convolutional"].parameters)["encoder.0.weight"]
filters, thresholds = pieces["encoder.0.weight"], pieces["encoder.0.bias"]  # (3, 3, 1, 32), (32,)
seen = np.maximum(conv2d(image, filters, thresholds, stride=2), 0)[0]  # (14, 14, 32)
seen /= np.maximum(seen.max(axis=(0, 1)), 1e-6)  # each on a scale of its own
strength = np.abs(filters).max()
likeness = np.corrcoef(filters.ravel(), before.ravel())[0, 1]
print(f"correlation of the filters after the training with those before: {likeness:.3f}")
assert likeness > 0.9

fig, axes = plt.subplots(4, 17, figsize=(9, 2.6), layout="constrained", width_ratios=[1] * 8 + [0.5] + [1] * 8)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
for i in range(32):
    axes[i // 8, i % 8].imshow(filters[:, :, 0, i], cmap="RdBu", vmin=-strength, vmax=strength)
    axes[i // 8, 9 + i % 8].imshow(seen[:, :, i], cmap="gray_r", vmin=0, vmax=1)
for ax in axes[:, 8]:
    ax.axis("off")
fig.suptitle("The 32 filters of the first layer (left) and what each sees of the digit (right)")
plt.show()

# %%
# The latent plane
# ----------------
#
# The decoder's image at 20 x 20 quantiles of the normal distribution, :cite:`Turinici2022image`, figure 1. A judge
# that has learnt from the real digits says which ones are there.

judge = SVC(C=10.0).fit(data.train_images, data.train_labels)
manifold = vae.decode(quantile_grid(20))  # (400, 784)
mosaic = manifold.reshape(20, 20, 28, 28).transpose(0, 2, 1, 3).reshape(560, 560)
fig, ax = plt.subplots(figsize=(7.2, 7.2), layout="constrained")
ax.imshow(mosaic, cmap="gray_r", vmin=0, vmax=1)
ticks = np.array([0, 5, 14, 19])
ax.set_xticks(28 * ticks + 13.5, (ticks + 0.5) / 20)
ax.set_yticks(28 * ticks + 13.5, (ticks + 0.5) / 20)
ax.set(xlabel="level of the normal quantile, $z_2$", ylabel="level of the normal quantile, $z_1$",
       title="The decoder's image of the plane")
plt.show()

shares = np.bincount(judge.predict(manifold), minlength=10) / 400
print("share of the plane:  " + "  ".join(f"{digit}: {share:.0%}" for digit, share in enumerate(shares)))
assert np.sum(shares > 0) >= 8

# %%
# Ten at random, ten by design
# ----------------------------
#
# Ten independent draws of :math:`\mathcal{N}(0, I_2)` repeat some digits and miss others. Sg takes ten points that
# represent the distribution *together*, :cite:`Turinici2022image`, figure 2. Two examples of each:

kernel, normal, repetitions = dg.HuberEnergy(), dg.Gaussian.standard(2), 100
ways = {
    "iid": lambda: normal.sample(10, rng),
    "Sg": lambda: dg.compress(normal, 10, kernel, rng=rng, method="lbfgs").points,
}
draws = {name: np.stack([way() for _ in range(repetitions)]) for name, way in ways.items()}  # (100, 10, 2) each
images = {name: vae.decode(points.reshape(-1, 2)).reshape(repetitions, 10, 784) for name, points in draws.items()}
read = {name: judge.predict(rows.reshape(-1, 784)).reshape(repetitions, 10) for name, rows in images.items()}

fig, axes = plt.subplots(4, 10, figsize=(9, 4.4), layout="constrained")
for row, (name, which) in zip(axes, (("iid", 0), ("iid", 1), ("Sg", 0), ("Sg", 1)), strict=True):
    order = np.argsort(read[name][which])
    for ax, picture, digit in zip(row, images[name][which][order], read[name][which][order], strict=True):
        ax.imshow(picture.reshape(data.image_shape), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.set_xlabel(digit, labelpad=2)
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
fig.suptitle("Decoded images; below each, what the judge reads")
plt.show()

# %%
# And counted, over a hundred repetitions, with the standard error of the mean, next to the mean squared distance to the
# normal distribution:

distinct = {name: np.array([len(set(row)) for row in digits]) for name, digits in read.items()}
apart = {name: np.mean([dg.squared_distance(dg.Diracs(x), normal, kernel) for x in points[:20]])
         for name, points in draws.items()}
for name, count in distinct.items():
    error = count.std(ddof=1) / np.sqrt(repetitions)
    print(f"{name:4s} {count.mean():.2f} +- {error:.2f} distinct digits of 10, d^2 = {apart[name]:.4f}")
assert apart["Sg"] < apart["iid"] / 3
assert distinct["Sg"].mean() > distinct["iid"].mean()

# %%
# The points of Sg are spread over the plane, and so they show more of what lies there. How much more depends on the
# plane: after a training of fewer steps, in larger batches, some digits had next to no place in it, and Sg found no
# more of them than chance did (5.3 of 10 against 5.5). What the decoder does not have, no choice of points can show.
