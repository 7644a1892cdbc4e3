r"""
Precision and recall of generated text
======================================

Language models have a knob, the temperature, that is said to trade quality for diversity. With a model that fits on
a page and a text that comes with Python we look for the trade-off, for where it ends, and for what the numbers cannot
see.

:cite:`Verine2024` measures text as images are measured: with the precision and the recall of
:cite:`Kynkaanniemi2019`, on passages turned into points (:cite:`Bronnec2024`). What these numbers are says
:doc:`/chapters/neighbours`. How diverse a generator stays is also what :cite:`Turinici2022old` asks; here the answer
has to be read off samples alone.
"""

import re
import textwrap
from pydoc_data.topics import topics

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

import divergen as dg

# %%
# A text
# ------
#
# ``help("while")`` prints a chapter of Python's language reference; ``pydoc_data.topics`` holds all of them.
# (It is part of the standard library. On Debian a bare ``python3-minimal`` lacks it: install ``python3``.)
# Chapters contain each other, so each paragraph is taken once; program code, grammar and tables go. What is
# left is cut into *passages* of 25 words, where a punctuation mark counts as a word. They are our samples, as
# images are elsewhere. Each version of Python has its own edition of the text; the numbers differ a little.

LENGTH = 25
blocks = dict.fromkeys(" ".join(block.split()) for text in topics.values() for block in re.split(r"\n\s*\n", text))
prose = [
    block for block in blocks
    if block.endswith((".", ":")) and len(block.split()) >= 8 and not re.search(r"::=|>>>|\.\.\. |[-=*+|]{3}", block)
]
words = re.findall(r"[a-z_]+(?:['’][a-z]+)?|[.,;:]", " ".join(prose).lower())
vocabulary, stream = np.unique(words, return_inverse=True)
V, n_passages = len(vocabulary), len(stream) // LENGTH
passages = stream[: n_passages * LENGTH].reshape(n_passages, LENGTH)  # (passages, 25), numbers of words
print(f"{len(words):,} words, {V:,} different ones, {n_passages:,} passages")
assert n_passages > 1000


def as_text(rows):
    return [" ".join(vocabulary[row]) for row in rows]


# %%
# A model
# -------
#
# A *trigram* model predicts a word :math:`w` from the two words :math:`u, v` before it. Counts alone would
# forbid whatever did not occur, so three models are mixed :cite:`JelinekMercer1980`:
#
# .. math:: p(w \mid u, v) \propto 0.7\,\hat p_3(w \mid u, v) + 0.25\,\hat p_2(w \mid v) + 0.05\,\hat p_1(w),
#
# each the share of :math:`w` among the words that followed :math:`u, v`, that followed :math:`v`, or that occur
# at all. The *temperature* T sharpens or flattens what comes out, at each word:
#
# .. math:: p_T(w \mid u, v) \propto p(w \mid u, v)^{1/T}.
#
# T = 1 is the model as it was learnt. Towards 0 the most probable word always wins; with large T all words
# become equally probable.

START = V  # stands for the two missing words before a passage


class Trigrams:
    """The mixture above, learnt from passages."""

    def __init__(self, passages):
        before = np.full((len(passages), 2), START)
        padded = np.concatenate([before, passages], axis=1)  # (n, 2 + 25)
        u, v, w = (padded[:, i : i + LENGTH].ravel() for i in range(3))
        self.single = (np.bincount(w, minlength=V) + 0.1).astype(np.float32)  # 0.1: for words that did not occur
        self.single /= self.single.sum()
        self.pair = np.zeros((V + 1, V), np.float32)
        np.add.at(self.pair, (v, w), 1)
        self.pair /= np.maximum(self.pair.sum(axis=1, keepdims=True), 1)
        self.contexts, row = np.unique(u * (V + 1) + v, return_inverse=True)
        counts = csr_array((np.ones(len(w)), (row, w)), shape=(len(self.contexts) + 1, V))  # the last row is empty
        self.followers = np.diff(counts.indptr)[:-1]  # how many different words followed each context
        share = 1 / np.maximum(counts.sum(axis=1), 1)
        self.triple = csr_array(counts.multiply(share[:, None]), dtype=np.float32)

    def probabilities(self, u, v):
        """Up to a factor, for each pair (u, v) those of all words: shape (n, V)."""
        wanted = u * (V + 1) + v
        row = np.minimum(np.searchsorted(self.contexts, wanted), len(self.contexts) - 1)
        row[self.contexts[row] != wanted] = len(self.contexts)  # a context that did not occur
        return 0.7 * self.triple[row].toarray() + 0.25 * self.pair[v] + 0.05 * self.single

    def sample(self, n, temperature, rng):
        """Draw n passages, all of them one word at a time."""
        drawn = np.full((n, 2 + LENGTH), START)
        for i in range(2, 2 + LENGTH):
            p = self.probabilities(drawn[:, i - 2], drawn[:, i - 1])
            p /= p.max(axis=1, keepdims=True)  # small powers of small numbers would be 0
            p = np.exp(np.log(p) / np.float32(temperature))
            upto = np.cumsum(p, axis=1, dtype=np.float64)
            u = rng.random(n) * upto[:, -1]
            drawn[:, i] = np.minimum((upto <= u[:, None]).sum(axis=1), V - 1)
        return drawn[:, 2:]


# %%
# What it writes
# --------------

rng = np.random.default_rng(11)
sketch = Trigrams(passages[rng.permutation(n_passages)[: n_passages // 2]])
for temperature in (0.25, 1.0, 2.0):
    print(f"T = {temperature}")
    for line in as_text(sketch.sample(3, temperature, rng)):
        print(textwrap.fill(line, 100, initial_indent="  - ", subsequent_indent="    "))

# %%
# A cold model repeats the stock phrases of the manual. A hot one throws words together. In between, pieces of
# real sentences are joined at words that they share.
#
# Passages as points
# ------------------
#
# Neighbours need a distance. A passage becomes the vector of its word counts, rare words weighing more
# (TF-IDF); a truncated singular value decomposition keeps 20 directions, in which words that occur together
# share a coordinate :cite:`Deerwester1990`; and the length is set to 1, so that only the direction counts.
#
# The passages are shuffled and cut in four: 40 % to learn the model from, 30 % to fit the embedding on, 15 %
# as the *real* points, and 15 % as *fresh* text, which plays the perfect model. All this is done six times,
# and errors below are standard errors over the six: they include the split and the draws, but not the choice
# of the text.

TEMPERATURES = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
NAMES = ("precision", "recall", "density", "coverage")
SEEDS, K, GRAM = 6, 5, 5


def embedding(passages, seed):
    model = make_pipeline(
        TfidfVectorizer(token_pattern=r"\S+", min_df=2), TruncatedSVD(20, random_state=seed), Normalizer()
    )
    return model.fit(as_text(passages))


def grams(rows):
    """The sequences of 5 words, as rows."""
    return np.lib.stride_tricks.sliding_window_view(rows, GRAM, axis=1).reshape(-1, GRAM)


def copied(rows, source):
    """The share of the sequences of 5 words that stand in the source."""
    known = {tuple(gram) for gram in grams(source).tolist()}
    return np.mean([tuple(gram) in known for gram in grams(rows).tolist()])


def experiment(seed):
    """For each way to get passages: precision, recall, density, coverage and the share of copied sequences."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(passages)
    a, b, c = (n_passages * np.array([40, 70, 85])) // 100
    learnt, for_embedding, real, fresh = np.split(shuffled, [a, b, c])
    fresh = fresh[: len(real)]
    model, embed = Trigrams(learnt), embedding(for_embedding, seed)
    ways = {temperature: model.sample(len(real), temperature, rng) for temperature in TEMPERATURES}
    ways |= {
        "fresh text": fresh,
        "fresh, words shuffled": rng.permuted(fresh, axis=1),
        "single words": rng.choice(learnt.ravel(), size=real.shape),
        "copies": learnt[: len(real)],
    }
    points = embed.transform(as_text(real))
    own = embedding(learnt, seed)  # for the last section
    rows = {
        name: [*dg.neighbour_metrics(points, embed.transform(as_text(made)), K)[:4], copied(made, learnt)]
        for name, made in ways.items()
    }
    biased = dg.neighbour_metrics(own.transform(as_text(real)), own.transform(as_text(ways["copies"])), K)
    return rows, biased.precision, np.mean(model.followers == 1)


runs = [experiment(seed) for seed in range(SEEDS)]
found = {name: np.array([rows[name] for rows, _, _ in runs]) for name in runs[0][0]}  # (seeds, 5) each


def mean_and_error(values):
    """Over the seeds, which are the first axis."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


print(f"{'':22s}" + "".join(f"{name:>16s}" for name in (*NAMES, "copied")))
for name, values in found.items():
    label = name if isinstance(name, str) else f"T = {name}"
    print(f"{label:22s}" + "".join(f"{m:9.3f} +- {e:.3f}" for m, e in zip(*mean_and_error(values), strict=True)))

# %%
# The trade-off
# -------------

swept = np.array([found[temperature] for temperature in TEMPERATURES])  # (temperatures, seeds, 5)
fig, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
(recall, recall_error), (precision, precision_error) = (
    mean_and_error(np.moveaxis(swept[..., i], 1, 0)) for i in (1, 0)
)
ax.errorbar(recall, precision, precision_error, recall_error, fmt="o-", color="black", ms=4, capsize=2, lw=1)
for i, (temperature, x, y) in enumerate(zip(TEMPERATURES, recall, precision, strict=True)):
    beside = (-8, -13) if i > 3 else (0, 10 if i % 2 else -18)  # the labels must not cover each other
    ax.annotate(f"T = {temperature:g}" if i in (0, 6) else f"{temperature:g}", (x, y), beside,
                textcoords="offset points", ha="right" if i > 3 else "center")
for name, marker in (("fresh text", "*"), ("single words", "s"), ("copies", "^")):
    (y, x), (dy, dx) = (both[:2] for both in mean_and_error(found[name]))
    ax.errorbar(x, y, dy, dx, fmt=marker, color="black", mfc="white", ms=9, capsize=2, label=name)
ax.set(xlabel="recall", ylabel="precision", title=f"Passages of {LENGTH} words, k = {K}, six splits", ylim=(None, 1.01))
fig.legend(loc="outside lower center", ncols=3, frameon=False)
plt.show()

# %%
# From T = 0.5 to 2 the trade-off is there: recall rises, precision falls, and the differences are many standard
# errors (of differences within the same split). Below T = 0.5 there is none. Cooling from 0.5 to 0.25 costs much
# recall and buys next to no precision: stock phrases are few, and already at T = 1 the model is as precise as
# fresh text.


def difference(name, colder, hotter):
    """Colder minus hotter, in standard errors over the seeds."""
    i = NAMES.index(name)
    mean, error = mean_and_error(found[colder][:, i] - found[hotter][:, i])
    return mean / error


for name, a, b in (("precision", 0.5, 2.0), ("recall", 0.5, 2.0), ("precision", 1.0, 1.5), ("recall", 1.0, 1.5),
                   ("recall", 0.25, 0.5), ("precision", 0.25, 0.5), ("coverage", 0.75, 2.0)):
    print(f"{name:9s} at T = {a:<4g} minus at T = {b:<4g}: {difference(name, a, b):6.1f} standard errors")
assert np.all(np.diff(recall[[1, 3, 5, 6]]) > 0)  # T = 0.5, 1, 1.5, 2; the smaller steps are near the errors
assert difference("precision", 0.5, 2.0) > 4 and difference("recall", 0.5, 2.0) < -4
assert difference("precision", 1.0, 1.5) > 2 and difference("recall", 1.0, 1.5) < -2
assert difference("recall", 0.25, 0.5) < -2 and recall[0] < recall[1] - 0.1
assert precision[0] < precision[1] + 0.02 and abs(precision[3] - found["fresh text"][:, 0].mean()) < 0.03

# %%
# Is word salad diverse?
# ----------------------
#
# At T = 2 recall is higher than that of fresh text, and nobody would say that such a model can write what is
# real. Recall asks for real points in balls of *generated* ones; where those are strewn all over the place,
# their balls are large and hold everything. The coverage of :cite:`Naeem2020` uses the balls of the real points
# instead, and falls. So does the density. From T = 0.25 to 0.5 recall and coverage rise together: there the
# gain in diversity is real. Up to T = 1 the coverage stays where it is, and beyond they part.

fig, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
panels = (("precision", "recall"), ("coverage", "density"), ("copied",))
for ax, names in zip(axes, panels, strict=True):
    for name, style in zip(names, ("ko-", "ks--"), strict=False):
        i = (*NAMES, "copied").index(name)
        means, errors = mean_and_error(np.moveaxis(swept[..., i], 1, 0))
        ax.errorbar(TEMPERATURES, means, errors, fmt=style, mfc="white", ms=4, capsize=2, lw=1, label=name)
        ax.axhline(found["fresh text"][:, i].mean(), color="0.6", lw=1, ls=style[2:], zorder=0)
    ax.set(xlabel="temperature", ylim=(0, None), title=" and ".join(names))
    if len(names) > 1:
        ax.legend(loc="lower left")
axes[0].set_ylabel("value")
axes[2].set_title(f"share of copied sequences of {GRAM} words")
fig.suptitle("Averages of six splits; grey lines: fresh text")
plt.show()

assert difference("coverage", 0.25, 0.5) < -2 and difference("recall", 0.25, 0.5) < -2
assert difference("coverage", 0.75, 2.0) > 4
assert found[2.0][:, 1].mean() > found["fresh text"][:, 1].mean()

# %%
# What the embedding does not see
# -------------------------------
#
# "Precise" means: near real text *in the embedding*. Ours counts words. Shuffle the words of each fresh passage
# and not one number changes. Words drawn singly, without any model of their order, are as precise as fresh
# text; only recall and coverage tell that each such passage is about everything at once. A better embedding, as
# the hidden states of a large language model in :cite:`Bronnec2024`, sees more; the numbers are still about it.

shuffled, fresh, single = (found[name] for name in ("fresh, words shuffled", "fresh text", "single words"))
assert np.all(shuffled[:, :4] == fresh[:, :4])
assert single[:, 0].mean() > fresh[:, 0].mean() - 0.05 and np.all(single[:, 1] < fresh[:, 1])

# %%
# Quality by copying
# ------------------
#
# After most pairs of words the training text has a single next word: there the trigram part can do nothing but
# copy. The right panel above shows the share of generated sequences of five words that stand in the training
# text. Fresh text has such sequences too, phrases that a manual repeats, and the cold model has many times as
# many. The extreme is a "model" that hands out its training passages. Precision, recall, density and
# coverage cannot tell it from fresh text, because the real points that they compare with were not learnt from.

alone = np.mean([share for _, _, share in runs])
print(f"{alone:.0%} of the pairs of words have one successor")
copies, cold, hot = (found[name] for name in ("copies", 0.5, 1.5))
assert alone > 0.5
assert np.all(cold[:, 4] > 4 * fresh[:, 4]) and np.all(hot[:, 4] < fresh[:, 4])
assert np.all(copies[:, 4] == 1) and np.all(np.abs(np.mean(copies[:, :4] - fresh[:, :4], axis=0)) < 0.1)

# %%
# Whose embedding?
# ----------------
#
# The embedding had text of its own. Had it been fitted on the text that the model learnt from, its directions
# would suit just these passages: their vectors differ more among each other than those of fresh text do, and
# even copies of real text would look imprecise.

biased = np.array([one for _, one, _ in runs])
for name, values in (("own text", copies[:, 0]), ("the model's text", biased)):
    mean, error = mean_and_error(values)
    print(f"precision of copies, embedding fitted on {name:17s} {mean:.3f} +- {error:.3f}")
assert np.all(biased < copies[:, 0])
