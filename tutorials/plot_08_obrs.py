r"""
More from a model for a budget: rejection sampling
==================================================

Diverse sampling chooses *latents*, before anything is generated. Here the model has generated already, and we
choose among its samples: accept some, throw the others away, and pay for them all.

A sample x is accepted with a probability a(x), and the best a for a budget is known (:cite:`Verine2024`, Theorem
4.2, :doc:`/chapters/rejection`). We sweep the budget on a density of which everything can be computed, and compare
with discriminator rejection sampling and with the two truncations, which choose latents as :cite:`Turinici2023`
does, but know nothing of the target.
"""
# sphinx_gallery_thumbnail_number = 4

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import logsumexp

import divergen as dg

rng = np.random.default_rng(4)

# %%
# A target, a model, and their ratio
# ----------------------------------
#
# The target P is a mixture of nine narrow Gaussians, and the model :math:`\hat P` one wide Gaussian, which is
# :math:`G(z) = 1.7\,z` for latents :math:`z \sim \mathcal{N}(0, I_2)`. A fine grid makes discrete
# distributions of both, so that every number below is a sum.

centres = 2.0 * np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)  # (9, 2)
width, spread = 0.25, 1.7


def log_target(x):
    squared = ((x[:, None, :] - centres) ** 2).sum(axis=2)  # (n, 9)
    return logsumexp(-squared / (2 * width**2), axis=1) - np.log(9 * 2 * np.pi * width**2)


def log_model(x):
    return -(x**2).sum(axis=1) / (2 * spread**2) - np.log(2 * np.pi * spread**2)


def log_ratio(x):
    return log_target(x) - log_model(x)


axis = np.linspace(-8, 8, 321)
grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)  # (102961, 2)
p, q = np.exp(log_target(grid)), np.exp(log_model(grid))
p, q = p / p.sum(), q / q.sum()
log_r = np.log(p) - np.log(q)  # log_ratio on the grid, up to the quadrature
supremum = np.exp(log_r.max())
print(f"exact samples of the target cost M = {supremum:.1f} proposals each")
assert 15 < supremum < 25

# %%
# The budget
# ----------
#
# With K = 1 everything is accepted. With K = M the accepted samples have the law of the target. In between,
# ``obrs`` finds the constant for which the rate is 1/K, exactly.

budgets = [1.0, 2.0, 4.0, supremum]
found = {K: dg.obrs(log_r, K, weights=q, log=True) for K in budgets}
refined = {K: q * one.probability / one.rate for K, one in found.items()}
for K, one in found.items():
    print(f"K = {K:5.2f}: {one.status}, c_K = {one.constant:9.3g}, 1/rate = {1 / one.rate:.12f}")
    assert abs(one.rate - 1 / K) < 1e-12
assert np.abs(refined[supremum] - p).sum() < 1e-9
assert np.all(found[1.0].probability == 1)

fig, axes = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained", sharex=True, sharey=True)
for ax, (K, law) in zip(axes, refined.items(), strict=True):
    ax.imshow(law.reshape(321, 321), extent=(-8, 8, -8, 8), origin="lower", cmap="Greys", vmax=p.max() / 3)
    ax.set(title=f"K = {K:.1f}", xlabel="$x_1$", xlim=(-4.5, 4.5), ylim=(-4.5, 4.5))
axes[0].set_ylabel("$x_2$")
fig.suptitle("What is accepted")
plt.show()

# %%
# Precision and recall
# --------------------
#
# The curve :math:`\alpha_\lambda = \sum \min(\lambda p, \hat p)`, :math:`\beta_\lambda = \alpha_\lambda /
# \lambda` says how much precision goes with how much recall. A budget of K multiplies the precision by K at
# unchanged recall, up to 1: Proposition 4.3, which the document leaves blank.

lambdas = np.geomspace(1e-3, 1e3, 121)


def curve(law):
    alpha = np.array([np.minimum(l * p, law).sum() for l in lambdas])
    return alpha, alpha / lambdas


fig, ax = plt.subplots(figsize=(5.2, 4.6), layout="constrained")
for (K, law), style in zip(refined.items(), ("k-", "k--", "k-.", "k:"), strict=True):
    alpha, beta = curve(law)
    ax.plot(beta, alpha, style, label=f"K = {K:.1f}")
    before = np.array([np.minimum(l / K * p, q).sum() for l in lambdas])
    assert np.abs(alpha - np.minimum(1, K * before)).max() < 1e-9
ax.set(xlabel=r"recall $\beta_\lambda$", ylabel=r"precision $\alpha_\lambda$", title="The curve and the budget")
ax.legend(loc="lower left")
plt.show()

# %%
# Never worse than DRS
# --------------------
#
# Discriminator rejection sampling has a number :math:`\gamma` for the rate. At each rate, OBRS is at least as
# close to the target, and in *every* f-divergence; here two of them.


def kl(law):
    return np.sum(p * (np.log(p) - np.log(law)))


def total_variation(law):
    return np.abs(p - law).sum() / 2


gammas = np.linspace(-9, 4, 27)
rows = []
for gamma in gammas:
    a = dg.drs(log_r, gamma, log=True)
    rate = np.sum(q * a)
    one = dg.obrs(log_r, 1 / rate, weights=q, log=True)
    drs_law, obrs_law = q * a / rate, q * one.probability / one.rate
    rows.append((1 / rate, kl(drs_law), kl(obrs_law), total_variation(drs_law), total_variation(obrs_law)))
price, drs_kl, obrs_kl, drs_tv, obrs_tv = np.array(rows).T
assert np.all(obrs_kl <= drs_kl + 1e-9) and np.all(obrs_tv <= drs_tv + 1e-9)
gain = np.max((drs_tv - obrs_tv)[price <= supremum])
print(f"at the same price OBRS is closer in total variation by up to {gain:.3f}")
assert gain > 0.05

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, drs, obrs, name in zip(axes, (drs_kl, drs_tv), (obrs_kl, obrs_tv), ("KL", "total variation"), strict=True):
    ax.semilogx(price, drs, "ks--", ms=4, mfc="white", label="DRS")
    ax.semilogx(price, obrs, "ko-", ms=4, label="OBRS")
    ax.axvline(supremum, color="0.7", lw=1)
    ax.set(xlabel="proposals for each sample", ylabel=name, title=f"Distance to the target: {name}", xlim=(1, 100))
axes[0].legend()
plt.show()

# %%
# A DRS that pays more than M is worse than one that pays M: for :math:`\gamma > 0` it prefers the largest
# ratios. OBRS stops there and returns the target.

assert price[-1] > supremum and drs_tv[-1] > 0.1 and obrs_tv[-1] < 1e-9

# %%
# Against the truncations
# -----------------------
#
# A truncated latent costs nothing, and knows nothing of the target. For this model the laws are known: the
# soft truncation gives a Gaussian of the width :math:`1.7\,\psi`, the hard one the model's density on a
# square. Precision and recall are those at :math:`\lambda = 4` and :math:`1/4`: the share of the samples
# where the law exceeds the target at most fourfold, roughly, and the other way round.


def precision_and_recall(law):
    return np.minimum(4 * p, law).sum(), np.minimum(p, 4 * law).sum()


def soft(psi):
    law = np.exp(-(grid**2).sum(axis=1) / (2 * (psi * spread) ** 2))
    return law / law.sum()


def hard(psi):
    law = q * np.all(np.abs(grid) <= psi * spread, axis=1)
    return law / law.sum()


def budgeted(K):
    one = dg.obrs(log_r, K, weights=q, log=True)
    return q * one.probability / one.rate


psis = np.array([0.3, 0.5, 0.7, 0.85, 1.0, 1.5, 3.0])
paths = {
    "OBRS, K = 1 to M": [precision_and_recall(budgeted(K)) for K in np.geomspace(1, supremum, 12)],
    "soft truncation": [precision_and_recall(soft(psi)) for psi in psis[:5]],
    "hard truncation": [precision_and_recall(hard(psi)) for psi in psis],
}
fig, ax = plt.subplots(figsize=(5.6, 4.6), layout="constrained")
for (name, path), style in zip(paths.items(), ("ko-", "ks--", "k^:"), strict=True):
    precision, recall = np.array(path).T
    ax.plot(recall, precision, style, mfc="white", label=name)
    print(f"{name:17s} precision {precision.min():.3f} to {precision.max():.3f}, recall down to {recall.min():.3f}")
ax.plot(*precision_and_recall(q)[::-1], "k*", ms=13, label="the model")
ax.set(xlabel=r"recall $\beta_{1/4}$", ylabel=r"precision $\alpha_4$", title="Which way from the model?")
ax.legend(loc="center left")
plt.show()

start = precision_and_recall(q)
obrs_path, soft_path, hard_path = (np.array(path) for path in paths.values())
assert np.all(np.diff(obrs_path[:, 0]) > -1e-12) and np.all(np.diff(obrs_path[:, 1]) > -1e-9)  # both rise
assert obrs_path[-1].min() > 1 - 1e-9
assert soft_path[:2, 1].max() < start[1] - 0.3 and hard_path[:2, 1].max() < start[1] - 0.3  # recall is lost
assert max(soft_path[:, 0].max(), hard_path[:, 0].max()) < obrs_path[-1, 0] - 0.2

# %%
# Real sampling
# -------------
#
# So far these were sums. ``rejection_sample`` draws: it takes a function that proposes, the ratio, and an
# acceptance, and counts what it paid. The truncations are functions of latents.

K = 4.0
drawn, info = dg.rejection_sample(
    lambda n, rng: spread * rng.standard_normal((n, 2)), log_ratio, found[K], 2000, rng
)
print(f"{info.proposed} proposals, {info.accepted} accepted: {1 / info.rate:.2f} each, where K = {K:.0f}")
standard_error = np.sqrt(info.rate * (1 - info.rate) / info.proposed)
assert abs(info.rate - 1 / K) < 4 * standard_error + 1e-3  # 1e-3 for the grid

z = rng.standard_normal((2000, 2))
clouds = {
    "model": spread * z,
    "hard, $\\psi$ = 0.85": spread * dg.hard_truncation(z, 0.85, rng),
    "soft, $\\psi$ = 0.5": spread * dg.soft_truncation(z, 0.5),
    "OBRS, K = 4": drawn,
}
assert np.abs(clouds["hard, $\\psi$ = 0.85"]).max() <= 0.85 * spread
near = {name: (np.linalg.norm(x[:, None, :] - centres, axis=2).min(axis=1) < 3 * width).mean()
        for name, x in clouds.items()}
fig, axes = plt.subplots(1, 4, figsize=(13, 4.4), layout="constrained", sharex=True, sharey=True)
for ax, (name, x) in zip(axes, clouds.items(), strict=True):
    ax.plot(*x.T, "k.", ms=2)
    ax.plot(*centres.T, "+", color="0.6", ms=10, mew=2)
    ax.set(title=f"{name}\n{near[name]:.0%} near a centre", xlabel="$x_1$", aspect="equal", xlim=(-5, 5), ylim=(-5, 5))
axes[0].set_ylabel("$x_2$")
fig.suptitle("Two thousand samples, drawn in four ways")
plt.show()
assert near["OBRS, K = 4"] > 0.9 > 0.6 > max(share for name, share in near.items() if name != "OBRS, K = 4")
