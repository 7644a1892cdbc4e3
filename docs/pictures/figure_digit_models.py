"""Two models of digits, one careful and one bold, with their precision, recall and curves."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.svm import SVC

import divergen as dg
from divergen.datasets import digits

rng = np.random.default_rng(0)
data = digits(test_size=0.5)
pca = PCA(5).fit(data.train_images)
learnt, real = pca.transform(data.train_images), pca.transform(data.test_images)


def sample(width):
    """Digits from one normal law for each class, its standard deviations multiplied by the width."""
    drawn = []
    for digit in range(10):
        own = learnt[data.train_labels == digit]
        drawn.append(own.mean(axis=0) + width * rng.multivariate_normal(np.zeros(5), np.cov(own.T), len(own)))
    return np.concatenate(drawn)


def scores(made):
    """How real a classifier finds real and generated digits, from the halves that it has not seen."""
    both = np.concatenate([real, made])
    is_real = np.arange(len(both)) < len(real)
    unseen = rng.random(len(both)) < 0.5
    judge = SVC(C=1.0).fit(both[~unseen], is_real[~unseen])
    return judge.decision_function(both[unseen & is_real]), judge.decision_function(both[unseen & ~is_real])


models = {"bold, width 1.5": sample(1.5), "careful, width 0.5": sample(0.5)}
figure = plt.figure(figsize=(9.5, 3.1))
left, right = figure.subfigures(1, 2, width_ratios=(1.7, 1))
axes, curves = left.subplots(2, 1), right.subplots()
for ax, (name, made), style in zip(axes, models.items(), ("k-", "k--"), strict=True):
    found = dg.neighbour_metrics(real, made, k=5)
    picked = pca.inverse_transform(made[np.linspace(3, len(made) - 4, 24).astype(int)]).reshape(2, 12, 8, 8)
    framed = np.pad(picked, ((0, 0), (0, 0), (1, 1), (1, 1)))  # white between them
    ax.imshow(framed.transpose(0, 2, 1, 3).reshape(20, 120), cmap="gray_r", vmin=0, vmax=1)
    ax.set(title=f"{name}: precision {found.precision:.2f}, recall {found.recall:.2f}", xticks=[], yticks=[])
    curve = dg.pr_curve_from_scores(*scores(made))
    curves.plot(curve.recall, curve.precision, style, label=name)
curves.set(title="curves from a classifier", xlabel=r"recall $\beta_\lambda$", ylabel=r"precision $\alpha_\lambda$",
           xlim=(0, 1.04), ylim=(0, 1.04), aspect="equal")
curves.legend(frameon=False, loc="lower left")
