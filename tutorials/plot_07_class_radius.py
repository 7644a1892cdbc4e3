r"""
The class radius
================

A decoder cuts its latent space into classes: here, the regions that become a 0, a 1, and so on to 9. How far is it from
a latent point to the nearest one of another class, and what does that say about diversity?

The slides :cite:`ClassRadius` call this distance the *class radius* :math:`r(z)`, bound its mean from above, and
conclude that a model with a large mean radius cannot be diverse. This tutorial trains a small autoencoder on digits,
looks at the classes in its latent space, measures the radius, sets it next to three bounds, and lets it compare two
generators. The chapter :doc:`/chapters/class_radius` has the proofs.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.svm import SVC

import divergen as dg
from divergen.datasets import digits
from divergen.evaluation.class_radius import (
    class_probabilities,
    class_radius,
    collision_probability,
    compare_class_radius,
    diversity_bound,
    gamma,
    gamma_bound,
    hole_share,
    isoperimetric_bound,
    kappa,
    kappa_bound,
    label_latents,
    renyi_entropy,
)
from divergen.models import VAE, fit

rng = np.random.default_rng(7)

# %%
# A generator and a judge
# -----------------------
#
# The data are scikit-learn's 1,797 digits of 8x8 pixels. The generator is the decoder of a variational autoencoder with
# a plane as its latent space (:doc:`/chapters/vae`), as in :cite:`Turinici2022image` but smaller. A second one, for
# later, sees the digits 0, 1 and 2 only. A classifier of real digits tells what they draw.

data = digits()
judge = SVC(C=10.0, gamma="scale").fit(data.train_images, data.train_labels)
accuracy = judge.score(data.test_images, data.test_labels)
print(f"the judge reads {accuracy:.1%} of the digits that it has not seen")
assert accuracy > 0.97


def train(images, epochs):
    steps = epochs * -(-len(images) // 64)
    vae = VAE.initial((64, 128, 64, 2, 64, 128, 64), rng=rng)
    return fit(vae, images, rng=rng, epochs=epochs, batch_size=64, learning_rate=dg.cosine_decay(3e-3, steps)).vae


vae = train(data.train_images, epochs=150)
few = train(data.train_images[data.train_labels < 3], epochs=300)

# %%
# Classes and holes
# -----------------
#
# Draw latents from :math:`\mathcal{N}(0, I_2)`, decode them, and ask the judge. It always answers, also for a smear
# between two digits. Call it a *hole* where the answer is unsure: where its two best answers are closer
# together than they are for 95 % of the real digits that it has not seen.


def margin(images):
    votes = np.sort(judge.decision_function(images), axis=1)
    return votes[:, -1] - votes[:, -2]


unsure = np.quantile(margin(data.test_images), 0.05)
drawn = label_latents(lambda z: judge.predict(vae.decode(z)), 2, 20_000, rng=rng)
with_holes = np.where(margin(vae.decode(drawn.latents)) < unsure, -1, drawn.labels)
holes = hole_share(with_holes, hole=-1)
print(f"{holes.value:.1%} of the latent space lies in holes (95 %: {holes.low:.1%} to {holes.high:.1%})")
assert 0.05 < holes.low <= holes.value <= holes.high < 0.6

fig, axes = plt.subplots(1, 2, figsize=(9, 5.3), layout="constrained", sharex=True, sharey=True)
for ax, labels, title in zip(axes, (drawn.labels, with_holes), ("The judge's answers", "Unsure answers in grey"),
                             strict=True):
    known = labels >= 0
    ax.scatter(*drawn.latents[~known].T, s=2, color="0.8", linewidth=0, rasterized=True)
    ax.scatter(*drawn.latents[known].T, s=2, c=labels[known], cmap="tab10", vmin=0, vmax=9, linewidth=0,
               rasterized=True)
    for digit in np.unique(labels[known]):
        place = np.median(drawn.latents[labels == digit], axis=0)
        ax.text(*place, str(digit), weight="bold", ha="center", va="center",
                bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "0.6", "alpha": 0.8})
    ax.set(title=title, aspect="equal", xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), xlabel="$z_1$")
axes[0].set_ylabel("$z_2$")
fig.suptitle("Twenty thousand latents by the digit that they become")
plt.show()

# %%
# Two draws of the same class
# ---------------------------
#
# The class probabilities p are shares of the draws. Two draws are of the same class with probability
# :math:`\|p\|^2`, and :math:`H_2 = -\log\|p\|^2` is the collision entropy, one of the Renyi entropies. They fall as
# their order grows, and none is above :math:`\log 10`, which ten equal classes reach.

p = class_probabilities(drawn.labels)
orders = (0, 0.5, 1, 2, 5, np.inf)
entropies = [renyi_entropy(p, order) for order in orders]
print("digit:       " + " ".join(f"{digit:6d}" for digit in p.classes))
print("probability: " + " ".join(f"{share:6.3f}" for share in p.probabilities))
print(f"two draws collide with probability {collision_probability(p):.3f}; for ten equal classes, 0.100")
print("Renyi entropies: " + ", ".join(f"H_{order:g} = {h:.3f}" for order, h in zip(orders, entropies, strict=True)))
assert np.all(np.diff(entropies) <= 0) and entropies[0] <= np.log(10) + 1e-12
pairs = drawn.labels[:10_000] == drawn.labels[10_000:]  # ten thousand pairs of draws
assert abs(pairs.mean() - collision_probability(p)) < 5 * pairs.std() / 100

# %%
# The radius and its bounds
# -------------------------
#
# The judge's answers cover the whole space, as the bounds need. Three of them are functions of p:
#
# - the isoperimetric sum :math:`\sum_i p_i\,\kappa(p_i)`, which holds for every p;
# - :math:`\kappa(\|p\|^2)`, for p with no entry above 0.2731;
# - :math:`\gamma(\|p\|^2)`, the theorem of the slides, for p with no entry above 0.9054.
#
# Each comes with a word on whether it is proven for the p at hand. The radius is measured at two thousand fresh points,
# which makes the measurements independent.


def measure(generator, reference):
    queries = label_latents(lambda z: judge.predict(generator.decode(z)), 2, 2000, rng=rng)
    return class_radius(reference.latents, reference.labels, queries=queries.latents, query_labels=queries.labels)


radius = measure(vae, drawn)
bounds = {"isoperimetric": isoperimetric_bound(p), r"$\kappa$": kappa_bound(p), r"$\gamma$": gamma_bound(p)}
error = radius.std(ddof=1) / np.sqrt(radius.size)
print(f"measured:      {radius.mean():.3f} +- {error:.3f}")
for name, bound in bounds.items():
    print(f"{name.strip('$').lstrip(chr(92)):14s} {bound.value:.3f}, {'proven' if bound.proven else 'not proven'}")
exact, short, slides = bounds.values()
assert exact.proven and short.proven and slides.proven
assert radius.mean() + 4 * error < exact.value <= short.value < slides.value / 3

k = np.unique(np.geomspace(2, 1000, 100).round())
fig, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.plot(k, gamma(1 / k), "k--", label=r"slides, $\gamma(1/K)$")
ax.plot(k, kappa(1 / k), "k-", label=r"$\kappa(1/K)$, here the isoperimetric sum")
ax.errorbar([1 / collision_probability(p)], [radius.mean()], yerr=[2 * error], fmt="o", color="black", capsize=3,
            label="measured")
ax.set(xscale="log", xlabel=r"number of equal classes; for the digits, $1/\|p\|^2$", ylabel="mean class radius",
       ylim=(0, None), title="The mean radius and what bounds it")
ax.legend()
plt.show()

# %%
# The radius falls far below the bounds: they are attained by half-spaces, and classes in a plane have several
# neighbours each.
#
# And with holes? The distance to the next class then leads across them. The bounds speak of a space without holes, and
# say so.

kept = with_holes >= 0
hollow = class_probabilities(with_holes, hole=-1)
across = class_radius(drawn.latents[kept], with_holes[kept])
print(f"across the holes: {across.mean():.3f}")
print("; ".join(isoperimetric_bound(hollow).notes[-1:]))
assert across.mean() > radius.mean()
assert not isoperimetric_bound(hollow).proven

# %%
# Turned around: how diverse can it be?
# -------------------------------------
#
# A mean radius of R allows a collision entropy of so much, and not more. The slides' bound is too far above the radius
# to say anything here: there are only ten digits. That of :math:`\kappa` is closer.

entropy = renyi_entropy(p, 2)
found = {name: diversity_bound(radius.mean(), bound=name) for name in ("kappa", "gamma")}
print(f"collision entropy {entropy:.2f}, with ten classes at most {np.log(10):.2f}; what the radius allows: "
      f"{found['kappa'].entropy:.2f} by kappa, {found['gamma'].entropy:.0f} by gamma")
assert entropy < found["kappa"].entropy < found["gamma"].entropy
assert found["kappa"].unconditional

# %%
# Which of two generators is less diverse?
# ----------------------------------------
#
# That of the larger mean radius, the slides propose. The second generator knows the digits 0, 1 and 2 only.

few_drawn = label_latents(lambda z: judge.predict(few.decode(z)), 2, 20_000, rng=rng)
few_radius = measure(few, few_drawn)
verdict = compare_class_radius(radius, few_radius)
collisions = [collision_probability(class_probabilities(labels)) for labels in (drawn.labels, few_drawn.labels)]
print(f"mean radius {radius.mean():.3f} and {few_radius.mean():.3f}: difference {verdict.difference:.3f} +- "
      f"{verdict.standard_error:.3f}, so that generator {verdict.less_diverse} is called less diverse")
print(f"two draws collide with probability {collisions[0]:.3f} and {collisions[1]:.3f}")
assert verdict.less_diverse == 2 and collisions[1] > collisions[0]

# %%
# It is a rule of thumb, and no theorem: a small radius promises nothing. Colour the plane in two colours, in stripes of
# width 0.2. Each point is next to the other colour, yet two draws agree half of the time.

stripes = np.floor(drawn.latents[:, 0] / 0.2).astype(int) % 2
striped = class_radius(drawn.latents, stripes)
print(f"stripes: mean radius {striped.mean():.3f}, two draws collide with probability "
      f"{collision_probability(class_probabilities(stripes)):.3f}")
assert striped.mean() < radius.mean()
assert collision_probability(class_probabilities(stripes)) > 2 * collisions[0]
