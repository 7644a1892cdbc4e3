r"""
Precision and recall of generated digits
========================================

Which share of what a model generates could be real, and which share of what is real could it generate? Where
the only evidence is two clouds of points, balls around the points answer.

Each ball reaches to the point's k-th nearest neighbour in its own cloud, and their union stands for the support
(:cite:`Verine2024`, Definition 2.1, :cite:`Kynkaanniemi2019`, :cite:`Naeem2020`, :doc:`/chapters/neighbours`).
We measure digits from a small autoencoder like that of :cite:`Turinici2022image`, and learn what the four numbers
see and what they do not.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg
from divergen.datasets import digits
from divergen.models import VAE, fit

rng = np.random.default_rng(6)
NAMES = ("precision", "recall", "density", "coverage")


def show(name, found):
    print(f"{name:24s}", "  ".join(f"{key} {getattr(found, key):.3f}" for key in NAMES))


# %%
# What balls do in the plane
# --------------------------
#
# Real points lie on a ring, generated ones on a wider arc. The balls of the real points decide which
# generated points are precise, the balls of the generated points which real ones are recalled.


def arc(n, radius, end):
    angle = rng.uniform(0, end, n)
    return (radius + 0.12 * rng.standard_normal(n))[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


ring, part = arc(80, 1.0, 2 * np.pi), np.concatenate([arc(50, 1.0, np.pi), arc(30, 1.9, np.pi)])
plane = dg.neighbour_metrics(ring, part, k=3)
show("ring and arcs", plane)
assert 0.5 < plane.precision < 0.8 and plane.recall < 0.8
assert not plane.generated_inside[50:].all() and plane.generated_inside[:50].mean() > 0.8

fig, axes = plt.subplots(1, 2, figsize=(9, 4.7), layout="constrained", sharex=True, sharey=True)
panels = ((ring, part, plane.generated_inside, "Precision: generated points in balls of real ones"),
          (part, ring, plane.real_inside, "Recall: real points in balls of generated ones"))
for ax, (owners, others, inside, name) in zip(axes, panels, strict=True):
    radii = np.sort(np.linalg.norm(owners[:, None] - owners, axis=2), axis=1)[:, 3]
    for centre, radius in zip(owners, radii, strict=True):
        ax.add_patch(plt.Circle(centre, radius, color="0.9"))
    ax.plot(*others[inside].T, "ko", ms=4, label="inside")
    ax.plot(*others[~inside].T, "kx", ms=6, label="outside")
    ax.set(title=name, aspect="equal", xlabel="$x_1$", xlim=(-2.6, 2.6), ylim=(-1.7, 2.6))
axes[0].set_ylabel("$x_2$")
axes[0].legend(loc="lower left")
plt.show()

# %%
# A perfect model
# ---------------
#
# What would the best model score? Draws of the same law tell. Density has the mean 1, and coverage the mean
#
# .. math:: 1 - \prod_{l=0}^{k-1} \frac{n - 1 - l}{n + m - 1 - l},
#
# for every law without atoms. Precision and recall have no such value; they are *not* near 1.

n, k = 500, 5
perfect = 1 - np.prod([(n - 1 - l) / (2 * n - 1 - l) for l in range(k)])
trials = [dg.neighbour_metrics(rng.standard_normal((n, 20)), rng.standard_normal((n, 20)), k) for _ in range(40)]
means = {name: np.mean([getattr(one, name) for one in trials]) for name in NAMES}
errors = {name: np.std([getattr(one, name) for one in trials], ddof=1) / np.sqrt(40) for name in NAMES}
for name in NAMES:
    print(f"{name:9s} {means[name]:.3f} +- {errors[name]:.3f}")
assert abs(means["density"] - 1) < 4 * errors["density"]
assert abs(means["coverage"] - perfect) < 4 * errors["coverage"]
assert means["precision"] < 0.95 and means["recall"] < 0.95

# %%
# Real digits, and digits of an autoencoder
# -----------------------------------------
#
# Scikit-learn's digits have 8 x 8 pixels with 17 levels of grey: 64 dimensions. Half of them are the real
# cloud, and the model learns from this half; the other half plays the perfect model. The latent space has two
# dimensions.

data = digits(test_size=0.5)
real, held_out = data.train_images, data.test_images
epochs = 150
steps = epochs * -(-len(real) // 64)
vae = fit(
    VAE.initial((64, 128, 64, 2, 64, 128, 64), rng=rng), real, rng=rng, epochs=epochs, batch_size=64,
    learning_rate=dg.cosine_decay(3e-3, steps),
).vae


def generate(z):
    return np.asarray(vae.decode(z.astype(real.dtype)))


z = rng.standard_normal((len(held_out), 2))
clouds = {
    "held out": held_out,
    "autoencoder": generate(z),
    "soft truncation, 0.5": generate(dg.soft_truncation(z, 0.5)),
    "one digit, copied": np.repeat(real[:1], len(held_out), axis=0),
    "the real digits, copied": real[rng.permutation(len(real))],
    "noise": rng.random(held_out.shape, dtype=np.float32),
}
found = {name: dg.neighbour_metrics(real, cloud, k) for name, cloud in clouds.items()}
for name, one in found.items():
    show(name, one)

model, truncated, other_half = found["autoencoder"], found["soft truncation, 0.5"], found["held out"]
# %%
# The autoencoder is more *precise* than real digits. What a decoder returns is a mean over all images that it
# takes for possible, and a mean is smooth and lies where the balls of real digits overlap most: its density
# is far above 1. Its recall is nearly 0. Two latents make a surface in 64 dimensions; neighbours on it are
# close to each other, their balls are thin, and real digits lie beside the surface. The coverage, which uses
# the balls of real points only, says more: a good part of the real digits has a generated one near by, and
# truncation loses some of them.

assert model.precision > other_half.precision > 0.9 and model.density > 2
assert model.recall < 0.2 < 0.9 < other_half.recall
assert truncated.coverage < model.coverage - 0.05 and model.coverage < other_half.coverage - 0.1
assert found["noise"][:4] == (0, 0, 0, 0)

# %%
# What they do not see
# --------------------
#
# One real digit, copied, has the precision 1 and nearly no recall: quality without diversity. *All* real
# digits, copied, have precision, recall and coverage 1, more than fresh real digits have. A model that learns
# its data by heart is not found out by comparing with the data it learnt.

assert found["one digit, copied"].precision == 1 and found["one digit, copied"].recall < 0.05
copied = found["the real digits, copied"]
assert copied.precision == copied.recall == copied.coverage == 1 > other_half.precision

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for offset, (name, shade) in enumerate(zip(NAMES, ("black", "white", "0.4", "0.8"), strict=True)):
    heights = [min(getattr(one, name), 3) for one in found.values()]
    ax.bar(np.arange(len(found)) + 0.2 * (offset - 1.5), heights, 0.2, color=shade, edgecolor="black", label=name)
ax.axhline(1, color="0.6", lw=1, zorder=0)
ax.set(xticks=range(len(found)), ylabel="value (density cut off at 3)", title=f"Digits, k = {k}")
ax.set_xticklabels([name.replace(", ", ",\n") for name in found], fontsize=8)
fig.legend(loc="outside lower center", ncols=4, frameon=False)
plt.show()

# %%
# Which samples fail?
# -------------------
#
# The result has a value for each point: in how many balls of real digits each generated digit lies, and
# whether the ball of a real digit holds a generated one. In few balls lie digits that look like two at once;
# not covered are digits of a style of their own.

order = np.argsort(-model.balls, kind="stable")
missed = real[~model.real_covered]
assert np.all(model.generated_inside == (model.balls > 0)) and abs(model.balls.mean() / k - model.density) < 1e-12
print(f"balls for each generated digit: {model.balls.min()} to {model.balls.max()}; "
      f"{len(missed)} of {len(real)} real ones are not covered")
assert model.balls[order[-10:]].mean() < model.balls.mean() / 4

made = clouds["autoencoder"]
rows = {"generated, in most balls": made[order[:10]], "generated, in fewest": made[order[-10:]],
        "real, not covered": missed[:10]}
fig, axes = plt.subplots(3, 10, figsize=(9, 3.2), layout="constrained")
for line, (name, images) in zip(axes, rows.items(), strict=True):
    for ax, image in zip(line, images, strict=True):
        ax.imshow(image.reshape(data.image_shape), cmap="Greys", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    line[0].set_title(name, loc="left", fontsize=9)
fig.suptitle("Which digits lie in few balls, or in none")
plt.show()

# %%
# How many neighbours?
# --------------------
#
# Balls grow with k, and precision, recall and coverage with them; density does not have to. All k are
# answered in one pass. No single number is *the* precision of a model: it is one at this k, with so many
# points.

ks = [1, 2, 3, 5, 8, 12, 20, 30]
sweep = {name: dg.neighbour_metrics(real, clouds[name], ks) for name in ("held out", "autoencoder")}
for one in sweep.values():
    for name in ("precision", "recall", "coverage"):
        assert np.all(np.diff(getattr(one, name)) >= 0)
assert np.all(sweep["autoencoder"].recall <= sweep["held out"].recall)

fig, axes = plt.subplots(1, 4, figsize=(12, 3.2), layout="constrained", sharex=True)
for ax, name in zip(axes, NAMES, strict=True):
    for (cloud, one), style in zip(sweep.items(), ("k--", "ko-"), strict=True):
        ax.semilogx(ks, getattr(one, name), style, ms=4, label=cloud)
    ax.set(xlabel="neighbours $k$", title=name, ylim=(0, None))
axes[0].set_ylabel("value")
axes[0].legend()
fig.suptitle("Held-out and generated digits, from 1 to 30 neighbours")
plt.show()

# %%
# Ties
# ----
#
# With 17 levels of grey, and a digit copied, distances coincide. The closed balls of the papers are the
# default. The open ones, which much code uses, say that copies of a point that occurs often enough lie
# nowhere.

twice = np.repeat(real[:50], 7, axis=0)
closed, opened = (dg.neighbour_metrics(twice, twice, k, ties=ties) for ties in ("inclusive", "strict"))
show("closed balls", closed)
show("open balls", opened)
assert closed.precision == 1 and opened.precision == 0
