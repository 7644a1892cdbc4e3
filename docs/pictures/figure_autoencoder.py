"""A variational autoencoder as a diagram: image, encoder, latent law, draw, decoder, image."""

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7.2, 2.3))
boxes = {
    0: ("image\n$x$", "white"), 2: ("encoder\n$E$", "0.85"),
    4: ("$\\mu(x),\\ \\log\\sigma^2(x)$\n$z = \\mu + \\sigma\\,\\varepsilon$", "#fff2b3"),
    6: ("decoder\n$D$", "0.85"), 8: ("image\n$D(z)$", "white"),
}
for x, (text, colour) in boxes.items():
    ax.text(x, 0, text, ha="center", va="center", fontsize=11,
            bbox={"boxstyle": "round,pad=0.5", "facecolor": colour, "edgecolor": "black"})
for start, end in ((0.55, 1.25), (2.7, 3.05), (4.95, 5.3), (6.75, 7.3)):
    ax.annotate("", (end, 0), (start, 0), arrowprops={"arrowstyle": "-|>", "color": "black"})
ax.annotate("$\\varepsilon \\sim \\mathcal{N}(0, I)$", (4, 0.35), (4, 1.05), ha="center", fontsize=10,
            arrowprops={"arrowstyle": "-|>", "color": "black"})
ax.plot([0, 0, 8, 8], [-0.55, -0.95, -0.95, -0.55], "k--", lw=1)
ax.text(1.9, -1.3, "they should be alike", ha="center", fontsize=10)
ax.text(4, -0.75, "its law should be $\\mathcal{N}(0, I)$", ha="center", fontsize=10)
ax.set(xlim=(-0.8, 8.8), ylim=(-1.5, 1.4))
ax.axis("off")
