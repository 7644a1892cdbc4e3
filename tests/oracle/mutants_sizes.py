"""Adapters with bugs that begin at the edge of a block: right for up to 32 points, wrong for some larger size.

Each is a function around our own, or a plain one with blocks whose edges are wrong. The same plain ones without the bug
are the CONTROLS.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from oracle.mutants import Mutant, smooth
from oracle.own import OWN

own = OWN.functions

MUTANTS: list[Mutant] = []


def of(capability: str, equation: str, **bugs: tuple[str, Callable]) -> None:
    MUTANTS.extend(Mutant(f"{capability}: {name.replace('_', ' ')}", capability, function, equation, bug)
                   for name, (bug, function) in bugs.items())


def whole_blocks(n: int, block: int) -> int:
    """How many of n are in whole blocks, or all if there is less than one."""
    return n if n < block else n - n % block


def zero_behind(values: np.ndarray, end: int, axis: int = 0) -> np.ndarray:
    """What was never written, in memory that was zeroed."""
    index = [slice(None)] * values.ndim
    index[axis] = slice(end, None)
    values = values.copy()
    values[tuple(index)] = 0
    return values


def byte(n: int) -> np.ndarray:
    """0 to n - 1 in eight bits."""
    return np.arange(n) % 256


def cut(p: np.ndarray, n: int) -> np.ndarray:
    """The first n weights, with their sum made 1."""
    return p[:n] / p[:n].sum()


# --- distance ----------------------------------------------------------------------------------------------------


def single_if_long(values: np.ndarray, longest: int) -> float:
    """Added one by one in float32 if there are more than `longest`."""
    flat = np.ravel(values)
    return float(np.sum(flat) if len(flat) <= longest else np.cumsum(flat.astype(np.float32))[-1])


def energy(x, y, u, w, a, *, block=64, symmetric=False, edge=0, mirrored=lambda i, j: 2.0, inner=1, longest=10**9):
    """The weighted sum of h over pairs, tile by tile; of one cloud only the upper half, with the rest mirrored."""
    total = 0.0
    for i in range(0, len(x), block):
        for j in range(i if symmetric else 0, len(y), block):
            rows, columns = slice(i, i + block), slice(j, j + block + edge)
            weights = u[rows, None] * w[None, columns]
            h = smooth(np.sum((x[rows, None] - y[None, columns]) ** 2, axis=2), a)
            total += single_if_long(weights * h, longest) * (mirrored(i, j) if symmetric and i != j else inner)
    return total


def tiled(x, y, u, w, a, **options):
    """The squared distance by tiles."""
    both = {key: value for key, value in options.items() if key != "mirrored"}
    return (energy(x, y, u, w, a, **both) - energy(x, x, u, u, a, symmetric=True, **options) / 2
            - energy(y, y, w, w, a, symmetric=True, **options) / 2)


def kept(block, capability, x, y, u, w, a):
    """Only points in whole blocks count, those of y."""
    m = whole_blocks(len(y), block)
    return own[capability](x, y[:m], u, cut(w, m), a)


def with_index(index, x, y, u, w, a):
    """Points of y by an index that may overflow."""
    return own["squared_distance"](x, y[index(len(y))], u, w, a)


def features(block, x):
    """Coordinates in whole blocks of so many."""
    return x[:, :whole_blocks(x.shape[1], block)]


def edges_twice(x, a):
    """Coordinates at the edge of a tile of 128 are added twice."""
    return smooth(np.sum(x * x, axis=1) + np.sum(x[:, 128::128] ** 2, axis=1), a)


of("kernel", "Turinici2023, choice of h",
   last_block_of_rows=("rows behind the last whole block of 64 stay 0", lambda x, a: zero_behind(
       own["kernel"](x, a), whole_blocks(len(x), 64))),
   row_index_of_a_byte=("row 256 is row 0 again", lambda x, a: own["kernel"](x[byte(len(x))], a)),
   last_block_of_coordinates=("coordinates behind the last whole block of 32 are left out",
                              lambda x, a: own["kernel"](features(32, x), a)),
   coordinates_at_the_edge_twice=("a coordinate at the edge of a tile counts twice", edges_twice),
   float32_from_1024_rows=("float32 from 1024 rows on", lambda x, a: own["kernel"](
       x, a) if len(x) < 1024 else own["kernel"](x, a).astype(np.float32).astype(np.float64)))
of("squared_distance", "Turinici2023 (4)",
   last_block=("points behind the last whole block of 64 are left out", partial(kept, 64, "squared_distance")),
   last_block_of_256=("points behind the last whole block of 256 are left out", partial(kept, 256, "squared_distance")),
   edge_twice=("a tile reaches one column into the next", partial(tiled, edge=1)),
   index_of_a_byte=("point 256 is point 0 again", partial(with_index, byte)),
   first_1024=("points from 1024 on are left out", lambda x, y, u, w, a: own["squared_distance"](
       x[:1024], y, cut(u, 1024), w, a)),
   half_not_mirrored=("tiles off the diagonal count once, not twice", partial(tiled, mirrored=lambda i, j: 1.0)),
   half_mirrored_in_the_first_row_only=("beyond the first row of tiles they count once", partial(
       tiled, mirrored=lambda i, j: 2.0 if i == 0 else 1.0)),
   float32_sums_if_long=("sums of more than 4096 terms are in float32", partial(tiled, block=256, longest=4096)),
   last_block_of_coordinates=("coordinates behind the last whole block of 32 are left out", lambda x, y, u, w, a: own[
       "squared_distance"](features(32, x), features(32, y), u, w, a)))
of("squared_distance_gradient", "Turinici2023 (4), gradient",
   last_block_of_rows=("rows behind the last whole block of 32 stay 0", lambda x, *rest: zero_behind(
       own["squared_distance_gradient"](x, *rest), whole_blocks(len(x), 32))),
   last_block_of_sources=("points of y behind the last whole block of 128 do not pull", partial(
       kept, 128, "squared_distance_gradient")),
   first_1024=("rows from 1024 on stay 0", lambda *args: zero_behind(own["squared_distance_gradient"](*args), 1024)),
   last_block_of_coordinates=("coordinates behind the last whole block of 32 stay 0", lambda x, *rest: zero_behind(
       own["squared_distance_gradient"](x, *rest), whole_blocks(x.shape[1], 32), axis=1)))
of("expected_kernel", "Turinici2023 (2), closed form",
   last_block=("rows behind the last whole block of 128 stay 0", lambda x, *rest: zero_behind(
       own["expected_kernel"](x, *rest), whole_blocks(len(x), 128))),
   row_index_of_a_byte=("row 256 is row 0 again", lambda x, *rest: own["expected_kernel"](x[byte(len(x))], *rest)))
of("compress", "Turinici2023 (1), algorithm Semp",
   first_1024=("points from 1024 on are not seen", lambda points, *rest: own["compress"](points[:1024], *rest)),
   last_block=("points behind the last whole block of 256 are not seen", lambda points, *rest: own["compress"](
       points[:whole_blocks(len(points), 256)], *rest)))


# --- models ------------------------------------------------------------------------------------------------------


def lanes(start, gradients, *rest):
    """From 32 parameters on, what does not fill four lanes is not updated."""
    n = whole_blocks(len(start), 4) if len(start) >= 32 else len(start)
    path = own["adam"](start, gradients, *rest).copy()
    path[:, n:] = start[n:]
    return path


def step_of_a_byte(start, gradients, learning_rates, beta1, beta2, epsilon):
    """t begins again at 1 after 255 steps."""
    m, v, path = np.zeros_like(start), np.zeros_like(start), []
    for i, (g, rate) in enumerate(zip(gradients, learning_rates, strict=True)):
        t = i % 255 + 1
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        start = start - rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        path.append(start)
    return np.array(path)


def padded_mean(block, capability, sizes, parameters, x, noise):
    """The mean over a batch that is filled up to whole blocks counts what was filled in."""
    n = len(x)
    return own[capability](sizes, parameters, x, noise) * (n / (-n // block * -block) if n > block else 1.0)


def last_batch(block, capability, sizes, parameters, x, noise):
    """drop_last: images behind the last whole batch are left out."""
    n = whole_blocks(len(x), block)
    return own[capability](sizes, parameters, x[:n], noise[:n])


def few_inputs(sizes, parameters, x, noise):
    """The gradient of the first layer's weight stays 0 for pixels from 128 on."""
    found, hidden = own["elbo_gradient"](sizes, parameters, x, noise).copy(), sizes[1] * (1 + (len(sizes) == 3))
    found[128 * hidden : sizes[0] * hidden] = 0
    return found


of("adam", "KingmaBa2014, algorithm 1",
   lanes=("what is left over of four lanes is not updated", lanes),
   first_1024=("parameters from 1024 on are not updated", lambda start, *rest: np.concatenate(
       [own["adam"](start, *rest)[:, :1024], np.repeat(start[None, 1024:], len(rest[0]), axis=0)], axis=1)),
   step_of_a_byte=("t overflows at 256", step_of_a_byte))
of("gaussian_kl", "KingmaWelling2013, appendix B",
   last_block_of_rows=("rows behind the last whole block of 64 stay 0", lambda m, s: zero_behind(
       own["gaussian_kl"](m, s), whole_blocks(len(m), 64))),
   last_block_of_latents=("latents behind the last whole block of 32 are left out", lambda m, s: own["gaussian_kl"](
       features(32, m), features(32, s))))
of("elbo", "KingmaWelling2013 (10)",
   padded_mean=("the mean counts what fills up the last block of 32", partial(padded_mean, 32, "elbo")),
   drop_last=("images behind the last whole batch of 128 are left out", partial(last_batch, 128, "elbo")))
of("elbo_gradient", "KingmaWelling2013 (10), gradient",
   padded_mean=("the mean counts what fills up the last block of 64", partial(padded_mean, 64, "elbo_gradient")),
   drop_last=("images behind the last whole batch of 128 are left out", partial(last_batch, 128, "elbo_gradient")),
   few_inputs=("the first weight's gradient is cut after 128 pixels", few_inputs))


# --- divergences and evaluation ----------------------------------------------------------------------------------


def blocked(capability, block, name, values):
    """Entries behind the last whole block stay 0."""
    return zero_behind(own[capability](name, values), whole_blocks(len(values), block))


def first_neighbours(block, real, generated, k):
    """The radii are searched among the first block only, and as many as k neighbours beyond it."""
    def near(x):
        seen = x[:max(block, k + 1)]
        squares = np.sum((x[:, None] - seen[None]) ** 2, axis=2)
        squares[np.arange(len(seen)), np.arange(len(seen))] = np.inf
        return np.sort(squares, axis=1)[:, k - 1]

    between = np.sum((real[:, None] - generated[None]) ** 2, axis=2)
    in_real, in_generated = between <= near(real)[:, None], between <= near(generated)[None]
    return (in_real.any(axis=0).mean(), in_generated.any(axis=1).mean(), in_real.sum() / (k * len(generated)),
            in_real.any(axis=1).mean())


def sorted_in_blocks(ratio, budget, weights):
    """c_K by sorted ratios, but only the first 512 are sorted in."""
    seen = slice(0, 512)
    scale = own["obrs"](ratio[seen], budget, cut(weights, 512))
    best = np.argmax(np.where(scale < 1, ratio[seen], -1))
    slope = scale[best] / ratio[best] if scale[best] < 1 and ratio[best] > 0 else np.inf
    return own["obrs"](ratio, budget, weights) if len(ratio) <= 512 else np.minimum(np.where(
        ratio > 0, ratio * slope, 0), 1)


def half_sum(p, alpha):
    """From 256 classes on, the sum of the powers is in float16."""
    if len(p) < 256 or alpha in (0, 1) or np.isinf(alpha):
        return own["renyi_entropy"](p, alpha)
    return float(np.log(float(np.float16(np.sum(p**alpha)))) / (1 - alpha))


def padded_classes(p, alpha):
    """At alpha = 0, what fills up the last block of 64 is counted."""
    n = len(p)
    return own["renyi_entropy"](p, alpha) + (np.log(-n // 64 * -64 / n) if alpha == 0 and n > 64 else 0.0)


of("f", "Verine2024, definition 3.1 and (10)",
   last_block=("ratios behind the last whole block of 256 give 0", partial(blocked, "f", 256)))
of("conjugate", "Verine2024, theorem 3.2, f*",
   last_block=("numbers behind the last whole block of 128 give 0", partial(blocked, "conjugate", 128)))
of("divergence", "Verine2024 (7)",
   first_1024=("atoms from 1024 on are left out", lambda name, p, q: own["divergence"](
       name, cut(p, 1024), cut(q, 1024))),
   last_block=("atoms behind the last whole block of 32 are left out", lambda name, p, q: own["divergence"](
       name, cut(p, whole_blocks(len(p), 32)), cut(q, whole_blocks(len(q), 32)))))
of("pr_curve", "Verine2024 (3)",
   last_block_of_lambdas=("lambdas behind the last whole block of 64 give 0", lambda p, q, lambdas: tuple(
       zero_behind(v, whole_blocks(len(v), 64)) for v in own["pr_curve"](p, q, lambdas))),
   last_block_of_atoms=("atoms behind the last whole block of 128 are left out", lambda p, q, lambdas: own["pr_curve"](
       cut(p, whole_blocks(len(p), 128)), cut(q, whole_blocks(len(q), 128)), lambdas)))
of("neighbour_metrics", "Verine2024, definition 2.1, by neighbours",
   first_block=("the k nearest are searched among the first 64 only", partial(first_neighbours, 64)),
   first_1024=("the k nearest are searched among the first 1024 only", partial(first_neighbours, 1024)),
   at_most_32_neighbours=("a buffer holds 32 neighbours", lambda x, y, k: own["neighbour_metrics"](x, y, min(k, 32))),
   last_block=("generated points behind the last whole block of 64 are left out", lambda x, y, k: own[
       "neighbour_metrics"](x, y[:max(whole_blocks(len(y), 64), k + 1)], k)))
of("obrs", "Verine2024 (18)",
   first_512=("the constant is that of the first 512 points", sorted_in_blocks),
   last_block=("points behind the last whole block of 32 are never accepted", lambda r, k, w: zero_behind(
       own["obrs"](r, k, w), whole_blocks(len(r), 32))))
of("drs", "Verine2024, definition 4.1",
   index_of_a_byte=("ratio 256 is ratio 0 again", lambda r, *rest: own["drs"](r[byte(len(r))], *rest)))
for bound in ("isoperimetric_bound", "gamma_bound", "kappa_bound"):
    of(bound, {"isoperimetric_bound": "ClassRadius, some details", "gamma_bound": "ClassRadius, theorem",
               "kappa_bound": "ClassRadius, erratum 20"}[bound],
       last_block=("classes behind the last whole block of 128 are left out", lambda p, bound=bound: own[bound](
           cut(p, whole_blocks(len(p), 128)))))
of("renyi_entropy", "ClassRadius, Renyi entropy",
   float16_sums=("sums of 256 classes and more are in float16", half_sum),
   padded_classes=("at alpha = 0 the last block is counted as full", padded_classes))


# What the bugs are in, without them: each must pass.
CONTROLS: dict[str, tuple[str, Callable]] = {
    "tiles": ("squared_distance", tiled),
    "neighbours": ("neighbour_metrics", partial(first_neighbours, 10**6)),
}
