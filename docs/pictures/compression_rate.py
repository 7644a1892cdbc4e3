"""How many independent draws k well chosen points are worth, in 1, 2, 5 and 20 dimensions."""

import matplotlib.pyplot as plt
import numpy as np

import divergen as dg

kernel = dg.HuberEnergy(a=0)
sizes = np.array([4, 8, 16, 32, 64, 128])
figure, ax = plt.subplots(figsize=(6.2, 3.6))
for dim, marker, colour in ((1, "o", "C0"), (2, "s", "C1"), (5, "^", "C2"), (20, "D", "C3")):
    normal = dg.Gaussian.standard(dim)
    best = np.array([
        dg.compress(normal, int(k), kernel, rng=np.random.default_rng(0), method="lbfgs",
                    tolerance=1e-6).squared_distance for k in sizes
    ])
    gain = dg.gaussian_self_energy(np.eye(dim), kernel) / (2 * sizes * best)  # 1 for independent draws
    slope = np.polyfit(np.log(sizes[-3:]), np.log(gain[-3:]), 1)[0]
    print(f"{dim:2d} dimensions: 128 points are worth {128 * gain[-1]:.0f} draws; the gain grows like k^{slope:.2f}")
    ax.loglog(sizes, gain, marker + "-", color=colour, ms=5)
    ax.loglog(sizes, gain[-1] * (sizes / sizes[-1]) ** (1 / dim), ":", color=colour, lw=1)
    ax.annotate(f"$L$ = {dim}", (sizes[-1], gain[-1]), xytext=(8, -3), textcoords="offset points")
ax.axhline(1, color="k", lw=1, ls="--")
ax.annotate("independent draws", (sizes[0], 1), xytext=(0, 4), textcoords="offset points")
ax.set(xlabel="number of points $k$", ylabel="draws that one point is worth", xlim=(3.6, 220))
ax.set_xticks(sizes, [str(k) for k in sizes])
ax.minorticks_off()
