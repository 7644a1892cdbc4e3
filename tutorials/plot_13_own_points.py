r"""
Pictures of one's own, and a hundred thousand points
====================================================

A summary of images should consist of images: of the user's *own* points, those that together are closest to all of
them. And when there are too many points for all pairs, random lines still give the distance, with a standard error.

``compress(..., support="subset")`` picks the points whose equal Diracs are closest to all, in the distance of
:cite:`Turinici2023`, eq. (1). :doc:`../chapters/compression` and :doc:`../chapters/slices` say how both are done.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg
from divergen.datasets import digits

rng = np.random.default_rng(0)
data = digits()
images = np.concatenate([data.train_images, data.test_images]).astype(float)  # (1797, 64), values in [0, 1]
labels = np.concatenate([data.train_labels, data.test_labels])
cloud = dg.Diracs(images)

# %%
# Sixteen of 1,797 digits
# -----------------------
#
# Greedy choice first, each image the best complement to those before it; then swaps, until no exchange of one image
# for another is left that improves the whole.

chosen = dg.compress(cloud, 16, rng=rng, support="subset")
assert chosen.converged
assert np.array_equal(chosen.points, images[chosen.indices])  # copies of the data, to the last bit

draws = [rng.choice(len(images), 16, replace=False) for _ in range(200)]
by_chance = np.array([dg.squared_distance(dg.Diracs(images[draw]), cloud) for draw in draws[:20]])
kinds = np.array([len(set(labels[draw])) for draw in draws])
print(f"d^2 of the subset {chosen.squared_distance:.4f}; of 16 at random {by_chance.mean():.4f}, at best "
      f"{by_chance.min():.4f} of {len(by_chance)}")
print(f"different digits: {len(set(labels[chosen.indices]))} in the subset; at random {kinds.mean():.2f} on average")
assert chosen.squared_distance < 0.6 * by_chance.min()
assert len(set(labels[chosen.indices])) > kinds.mean()

fig = plt.figure(figsize=(5.2, 3.7), layout="constrained")
fig.suptitle("Sixteen of 1,797 digits")
for part, rows, name in zip(fig.subfigures(2, 1), (draws[0], chosen.indices), ("at random", "the subset"), strict=True):
    part.suptitle(f"{name}: {len(set(labels[rows]))} different digits", fontsize=10)
    for ax, row in zip(part.subplots(2, 8).flat, sorted(rows, key=lambda i: labels[i]), strict=True):
        ax.imshow(1 - images[row].reshape(8, 8), cmap="gray", vmin=0, vmax=1)
        ax.set_axis_off()
plt.show()

# %%
# Sixteen more that complete them
# -------------------------------
#
# With ``history`` what is chosen stays, and the new ones are the best complement to it. Thirty-two at once are
# a little better still: nobody had to decide on the first sixteen in advance.

more = dg.compress(cloud, 16, rng=rng, support="subset", history=chosen.points)
at_once = dg.compress(cloud, 32, rng=rng, support="subset")
print(f"d^2 of 16 and 16: {more.union_squared_distance:.4f}, of 32 at once: {at_once.squared_distance:.4f}")
assert not set(more.indices) & set(chosen.indices)
assert at_once.squared_distance <= more.union_squared_distance < chosen.squared_distance

# %%
# A hundred thousand points
# -------------------------
#
# How far is a cloud of 100,000 points from another one, shifted by a fiftieth of its standard deviation? All
# pairs would take minutes. On each of 128 lines sorting takes milliseconds, and what the lines differ by says how good
# their mean is.

x = rng.standard_normal((100_000, 8))
y = rng.standard_normal((100_000, 8))
y[:, 0] += 0.02
found = dg.sliced_squared_distance(x, y, rng=rng)
print(f"d^2 = {found.squared_distance:.3e} with a standard error of {found.standard_error:.1e}")
print(f"{found.directions} lines in {found.groups} groups")

# %%
# Of 5,000 and 5,000 of them all pairs are quickly done, and the lines agree with them.

exact = dg.cloud_squared_distance(x[:5000], y[:5000], kernel=dg.HuberEnergy(a=0))
lines = dg.sliced_squared_distance(x[:5000], y[:5000], rng=rng)
print(f"5,000 of them: {lines.squared_distance:.4e} by lines, {exact:.4e} by all pairs")
assert abs(lines.squared_distance - exact) < 6 * lines.standard_error

# %%
# Fewer lines are quicker and less certain. For two clouds that differ by a shift the error falls in a step: from 32
# lines on they are four or more *full* frames of eight orthogonal ones, over which errors of second order cancel.

shifted = y[:5000] + np.array([0.5, 0, 0, 0, 0, 0, 0, 0])
truth = dg.cloud_squared_distance(x[:5000], shifted, kernel=dg.HuberEnergy(a=0))
counts = np.array([4, 8, 16, 32, 64, 128, 256])
errors = []
for count in counts:
    estimates = [dg.sliced_squared_distance(x[:5000], shifted, rng=rng, directions=int(count)).squared_distance
                 for _ in range(12)]
    errors.append(np.sqrt(np.mean((np.array(estimates) - truth) ** 2)) / truth)
errors = np.array(errors)
print(" ".join(f"{count}: {error:.1%}" for count, error in zip(counts, errors, strict=True)))
assert errors[3] < errors[2] / 4  # full frames

fig, ax = plt.subplots(figsize=(5.6, 4), layout="constrained")
ax.loglog(counts, errors, "ko-", label="measured, 12 repetitions")
ax.loglog(counts, errors[0] * np.sqrt(counts[0] / counts), "k:", label="independent lines would fall like this")
ax.set(xlabel="lines", ylabel="relative error of $d^2$", title="Error over random lines, 5,000 and 5,000 points")
ax.legend()
plt.show()
