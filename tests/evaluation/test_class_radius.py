"""The class radius against brute force, exact geometry, mpmath, and what its bounds promise."""

import itertools
import math

import array_api_strict
import hypothesis.extra.numpy as hnp
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm, ttest_ind

from divergen.equations import classradius as source
from divergen.evaluation import class_radius as cr
from divergen.evaluation import isoperimetry

BOUNDS = [cr.isoperimetric_bound, cr.gamma_bound, cr.kappa_bound]


@st.composite
def distributions(draw, max_size=12):
    """Vectors of probabilities, some of them with one entry that dominates, some with zeros."""
    p = draw(hnp.arrays(np.float64, st.integers(1, max_size), elements=st.sampled_from([0, 1e-9, 0.01, 0.3, 1, 1.1])))
    p[0] += draw(st.sampled_from([0.5, 1.0, 30.0, 1e4]))
    return p / p.sum()


def mp_kappa(p):
    """Phi^-1 by Newton's method in 400 digits, from p itself and not from a rounded quantile."""
    with mpmath.workdps(400):
        p, a = mpmath.mpf(p), mpmath.mpf(norm.ppf(p))
        for _ in range(9):
            a -= (mpmath.ncdf(a) - p) / mpmath.npdf(a)
        return a + mpmath.npdf(a) / p


# --- classes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [
    [3, -1, 3, 9, 3, 9, -1, 3], np.array([3, -1, 3, 9, 3, 9, -1, 3], dtype=np.int8),
    array_api_strict.asarray([3, -1, 3, 9, 3, 9, -1, 3]), np.array([3, -1, 3, 9, 3, 9, -1, 3], dtype=object),
])
def test_class_probabilities(labels):
    p = cr.class_probabilities(labels)
    assert p.classes.tolist() == [-1, 3, 9] and p.probabilities.tolist() == [0.25, 0.5, 0.25] and p.hole_share == 0
    p = cr.class_probabilities(labels, hole=-1)
    assert p.classes.tolist() == [3, 9] and p.hole_share == 0.25
    np.testing.assert_allclose(p.probabilities, [2 / 3, 1 / 3], rtol=1e-15)


@pytest.mark.parametrize("kind", [list, np.array, lambda x: np.array(x, dtype=object)])
def test_string_labels(kind):
    p = cr.class_probabilities(kind(["b", "a", "b", "none"]), hole="none")
    assert p.classes.tolist() == ["a", "b"] and p.hole_share == 0.25


def test_labels_of_the_latent_space(rng):
    seen = []

    def classify(z):
        seen.append(z.shape)
        return np.where(z[:, 0] > 1, "right", "left")

    drawn = cr.label_latents(classify, 3, 20_001, rng=rng, batch_size=8000)
    assert seen == [(8000, 3), (8000, 3), (4001, 3)] and drawn.latents.shape == (20_001, 3)
    assert np.array_equal(drawn.labels == "right", drawn.latents[:, 0] > 1)
    p = cr.class_probabilities(drawn.labels).probabilities
    # Five standard deviations: false alarm 6e-7.
    assert abs(p[1] - norm.sf(1)) < 5 * math.sqrt(norm.sf(1) * norm.cdf(1) / 20_001)


def test_hole_share():
    share = cr.hole_share([0] * 40 + [1] * 60, 0)
    assert share.value == 0.4 and share.n == 100
    z = norm.ppf(0.975)  # Wilson's limits are where the score test just rejects
    for limit in (share.low, share.high):
        assert abs(share.value - limit) / math.sqrt(limit * (1 - limit) / 100) == pytest.approx(z, rel=1e-12)
    assert cr.hole_share(["a"] * 100, "b").low == 0 and cr.hole_share(["a"] * 100, "b").high > 0.03
    assert cr.hole_share(["a"] * 100, "a")[:3] == pytest.approx((1, 0.963007, 1), abs=1e-6)


# --- entropies -----------------------------------------------------------------------------------------------------


@given(distributions(), st.sampled_from([0, 1e-9, 0.3, 0.899, 0.95, 1 - 1e-12, 1, 1 + 1e-12, 1.05, 1.101, 2, 7.5, 400]))
def test_renyi_entropy_by_mpmath(p, alpha):
    with mpmath.workdps(60):
        q = [mpmath.mpf(x) for x in p if x > 0]
        q = [x / sum(q) for x in q]  # the float entries add up to 1 but for rounding
        if alpha == 1:
            want = -sum(x * mpmath.log(x) for x in q)
        else:
            want = mpmath.log(sum(x ** mpmath.mpf(alpha) for x in q)) / (1 - mpmath.mpf(alpha))
    assert abs(cr.renyi_entropy(p, alpha) - float(want)) < 2e-14 * (1 + abs(float(want)))


@given(distributions())
def test_renyi_entropy_falls_with_its_order(p):
    values = [cr.renyi_entropy(p, alpha) for alpha in (0, 0.2, 0.95, 1, 1.05, 2, 5, 1e300, math.inf)]
    assert all(low <= high + 1e-12 for high, low in itertools.pairwise(values))
    assert values[0] == pytest.approx(math.log(np.sum(p > 0)), abs=1e-12)
    assert values[-1] == pytest.approx(-math.log(p.max()), abs=1e-12) and values[-2] == pytest.approx(values[-1])
    assert math.exp(-cr.renyi_entropy(p, 2)) == pytest.approx(cr.collision_probability(p), rel=1e-12)
    assert cr.collision_probability(p) == pytest.approx(source.same_type_probability(p), rel=1e-14)


@pytest.mark.parametrize("alpha", [0, 0.5, 0.97, 1, 1.5, 2, 1e9, math.inf])
def test_equal_classes_have_the_largest_entropy(alpha):
    assert cr.renyi_entropy(np.full(1000, 1e-3), alpha) == pytest.approx(math.log(1000), rel=1e-13)
    assert cr.renyi_entropy([1.0], alpha) == 0


def test_collision_probability_is_that_of_two_draws(rng):
    p = np.array([0.5, 0.3, 0.2])
    first, second = rng.choice(3, size=(2, 40_000), p=p)
    assert abs(np.mean(first == second) - cr.collision_probability(p)) < 5 * 0.5 / 200


# --- the radius ----------------------------------------------------------------------------------------------------


@st.composite
def labelled(draw):
    n, d = draw(st.integers(1, 25)), draw(st.integers(1, 4))
    points = draw(hnp.arrays(np.float64, (n, d), elements=st.integers(-4, 4).map(float)))  # ties are likely
    return points, draw(hnp.arrays(np.int64, n, elements=st.integers(-3, 9)))


@given(labelled(), st.sampled_from([1.0, 2.0**-600, 2.0**600]))
def test_class_radius_by_brute_force(data, scale):
    points, labels = data
    found = cr.class_radius(points * scale, labels) / scale
    np.testing.assert_allclose(found, source.class_radius(points, labels), rtol=1e-15)
    assert np.array_equal(cr.class_radius(points * scale, [f"class {c}" for c in labels]) / scale, found)


@given(labelled(), labelled())
def test_class_radius_of_queries(data, queries):
    points, labels = data
    at, at_labels = queries
    at = np.resize(at, (at.shape[0], points.shape[1]))
    found = cr.class_radius(points, labels, queries=at, query_labels=at_labels)
    apart = np.linalg.norm(at[:, None, :] - points, axis=2)
    want = np.min(np.where(at_labels[:, None] != labels, apart, np.inf), axis=1)
    np.testing.assert_allclose(found, want, rtol=1e-15)


def test_class_radius_of_another_library():
    x = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], dtype=np.float32)
    found = cr.class_radius(array_api_strict.asarray(x), array_api_strict.asarray([0, 1, 0]))
    assert found.__array_namespace__() is array_api_strict and found.dtype == array_api_strict.float32
    np.testing.assert_allclose(np.asarray(found), [5, math.sqrt(18), math.sqrt(18)], rtol=1e-6)


def test_class_radius_far_from_the_origin():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert cr.class_radius(x + 1e8, ["a", "b"]).tolist() == [5, 5]


def test_one_class_has_an_infinite_radius_and_bound():
    assert np.all(np.isinf(cr.class_radius(np.eye(3), ["a"] * 3)))
    assert cr.isoperimetric_bound([1.0])[:2] == (math.inf, True)
    assert cr.kappa_bound([1.0])[:2] == (math.inf, True)
    assert cr.gamma_bound([1.0])[:3] == (-math.inf, False, False)
    assert cr.collision_probability(cr.class_probabilities(["a"] * 3)) == 1


def test_signed_and_unsigned_labels_are_not_rounded():
    """As float64, 2**63 - 1 and 2**63 would be one class."""
    labels, others = np.array([2**63 - 1]), np.array([2**63], dtype=np.uint64)
    found = cr.class_radius(np.zeros((1, 1)), labels, queries=np.ones((1, 1)), query_labels=others)
    assert found.tolist() == [1]


# --- gamma and kappa -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [5e-324, 1e-300, 1e-100, 1e-20, 3.2e-5, 3.1e-5, 1e-3, 0.2, 0.5, 0.8, 0.99, 1 - 1e-9])
def test_gamma_and_kappa_by_mpmath(x):
    h = -mpmath.log(mpmath.mpf(x))
    want = mpmath.log(4 * mpmath.pi * h) / mpmath.sqrt(2 * h)
    assert cr.gamma(x) == pytest.approx(float(want), rel=1e-14)
    assert cr.kappa(x) == pytest.approx(float(mp_kappa(x)), rel=1e-14)


def test_limits_of_gamma_and_kappa():
    assert cr.gamma([0.0, 1.0]).tolist() == [0, -math.inf]
    assert cr.kappa([0.0, 1.0]).tolist() == [0, math.inf]


def test_gamma_rises_up_to_its_threshold():
    """The maximum is at exp(-e^2 / (4 pi)) = 0.5554."""
    top = math.exp(-math.e**2 / (4 * math.pi))
    assert round(top, 4) == 0.5554 and cr.gamma(top) == pytest.approx(isoperimetry.GAMMA_MAX, rel=1e-14)
    x = np.concatenate([np.logspace(-300, -1, 500), np.linspace(0.11, 0.5553, 100)])
    assert np.all(np.diff(cr.gamma(x)) > 0)
    assert np.all(np.diff(cr.gamma(np.linspace(0.5555, 1, 100))) < 0)


def test_gamma_is_concave_and_kappa_up_to_its_threshold():
    x = np.linspace(1e-3, 0.999, 4000)
    assert np.all(np.diff(cr.gamma(x), 2) < 0)
    bend = np.diff(cr.kappa(x), 2)
    turn = x[1:-1][np.argmax(bend > 0)]
    assert abs(turn - isoperimetry.CONCAVE) < 5e-4 and np.all(bend[x[1:-1] > turn] > 0)
    with mpmath.workdps(30):
        def by_erfinv(p):
            quantile = mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1)
            return quantile + mpmath.npdf(quantile) / p

        inflection = mpmath.findroot(lambda x: mpmath.diff(by_erfinv, x, 2), 0.27)
    assert float(inflection) == pytest.approx(isoperimetry.CONCAVE, rel=1e-12)


def test_the_termwise_step_holds_up_to_its_threshold():
    """kappa(p) <= gamma(p) up to p = 0.8445 and not beyond."""
    x = np.concatenate([np.logspace(-300, -1, 500), np.linspace(0.11, 0.84446, 200)])
    assert np.all(cr.kappa(x) < cr.gamma(x))
    assert np.all(cr.kappa(np.linspace(0.84447, 1, 50)) > cr.gamma(np.linspace(0.84447, 1, 50)))


# --- the bounds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [0.0, 0.5, -1.3, 4.0])
def test_two_half_spaces_attain_the_sum(a):
    """z_1 < a and z_1 > a: the radius is |z_1 - a|, whatever the dimension."""
    mean = quad(lambda t: abs(t - a) * norm.pdf(t), -10, 10, points=[a], epsabs=1e-13)[0]
    assert cr.isoperimetric_bound([norm.cdf(a), norm.cdf(-a)]).value == pytest.approx(mean, rel=1e-11)


def test_many_disjoint_half_spaces_attain_their_terms():
    """On the line, cut at the quantiles 0.1 and 0.9: the outer classes attain their terms, the middle one does not."""
    a = norm.ppf(0.9)
    outer = quad(lambda t: (t - a) * norm.pdf(t), a, 12, epsabs=1e-14)[0]
    assert outer == pytest.approx(0.1 * cr.kappa(0.1), rel=1e-10)
    middle = quad(lambda t: (a - abs(t)) * norm.pdf(t), -a, a, points=[0], epsabs=1e-14)[0]
    assert middle < 0.8 * cr.kappa(0.8)


def voronoi_radius(z, centres):
    """The cells of nearest centres: which one, and the exact distance to its boundary."""
    squared = np.sum((z[:, None, :] - centres) ** 2, axis=2)  # (n, K)
    cell = np.argmin(squared, axis=1)
    apart = np.linalg.norm(centres[cell][:, None, :] - centres, axis=2)
    with np.errstate(invalid="ignore"):  # the cell itself: 0 / 0
        to_plane = (squared - squared[np.arange(len(z)), cell][:, None]) / (2 * apart)
    to_plane[np.arange(len(z)), cell] = np.inf
    return cell, np.min(to_plane, axis=1)


@pytest.mark.parametrize(("k", "dim"), [(2, 1), (3, 2), (10, 2), (30, 2), (10, 20), (200, 5)])
def test_the_mean_radius_is_below_the_bounds(k, dim, rng):
    centres = rng.standard_normal((k, dim))
    z = rng.standard_normal((20_000 if dim < 3 else 3000, dim))
    cell, radius = voronoi_radius(z, centres)
    p = cr.class_probabilities(cell)
    mean = radius.mean() - 4 * radius.std() / math.sqrt(len(z))
    exact, gamma, kappa = (bound(p) for bound in BOUNDS)
    assert mean < exact.value and exact.proven and exact.partition
    assert gamma.proven and mean < gamma.value
    assert not kappa.proven or mean < kappa.value
    # The radius as the library measures it, from points alone, is larger, and comes near.
    measured = cr.class_radius(z, cell)
    assert np.all(measured >= radius - 1e-12)
    assert measured.mean() < radius.mean() * 1.1 or dim > 2


@given(distributions())
def test_bounds_against_the_source(p):
    p = p[p > 1e-30]
    p = p / p.sum()
    if p.max() > 0.999:
        return
    assert cr.isoperimetric_bound(p).value == pytest.approx(source.isoperimetric_sum(p), rel=1e-9)
    assert cr.gamma_bound(p).value == pytest.approx(source.radius_bound(p), rel=1e-9, abs=1e-9)
    assert cr.kappa_bound(p).value == pytest.approx(source.kappa_bound(p), rel=1e-9)


@given(distributions(max_size=30))
def test_when_the_bounds_are_proven(p):
    exact, gamma, kappa = (bound(p) for bound in BOUNDS)
    assert exact.proven
    assert gamma.proven or p.max() > isoperimetry.WHOLE
    assert kappa.proven or p.max() > isoperimetry.CONCAVE
    assert gamma.decay == (p.max() <= 0.2) == (not any("1/5" in note for note in gamma.notes))
    for bound in (gamma, kappa):
        assert bound.proven == (not any("need not be a bound" in note for note in bound.notes))
        assert bound.partition is None


def test_the_whole_bound_holds_up_to_its_threshold():
    """Two classes are the worst rest: proven up to 0.9054, and not beyond."""
    assert cr.gamma_bound([0.905400, 0.094600]).proven and not cr.gamma_bound([0.905401, 0.094599]).proven
    for parts in (1, 2, 3, 7, 1000):
        assert cr.gamma_bound([0.9054, *[0.0946 / parts] * parts]).proven
    assert not cr.gamma_bound([0.95, 0.05]).decay


def test_kappa_needs_its_assumption():
    """Three nearly equal classes: each above 0.2731, where kappa is convex, and the bound fails."""
    assert not cr.kappa_bound([1 / 3 + 0.05, 1 / 3, 1 / 3 - 0.05]).proven
    assert cr.kappa_bound([0.25, 0.27, 0.23, 0.25]).proven


@pytest.mark.parametrize(("k", "low", "high"), [(5, 2.99, 3.02), (1e9, 5.3, 5.45)])
def test_kappa_is_three_times_lower(k, low, high):
    assert low < cr.gamma(1 / k) / cr.kappa(1 / k) < high


def test_kappa_is_the_sum_for_equal_classes():
    """Equality, whichever way it is rounded, is a proof."""
    for k in range(1, 300):
        assert cr.kappa_bound(np.full(k, 1 / k)).proven


def test_kappa_and_the_sum():
    """Equal for equal classes; apart for one class of 1/5 among very many small ones, still under the assumption."""
    assert cr.kappa_bound(np.full(7, 1 / 7)).value == pytest.approx(cr.isoperimetric_bound(np.full(7, 1 / 7)).value)
    p = np.array([0.2, *[0.8 / 800] * 800])
    assert cr.kappa_bound(p).proven and cr.kappa_bound(p).decay
    assert cr.kappa_bound(p).value > 1.047 * cr.isoperimetric_bound(p).value


def test_tiny_probabilities():
    p = np.full(30, 1e-300)
    p[:4] = 0.25
    exact = cr.isoperimetric_bound(p)
    assert exact.value == pytest.approx(float(mp_kappa(0.25)), rel=1e-14)
    assert cr.renyi_entropy(p, 0.5) == pytest.approx(math.log(4), rel=1e-13)
    assert cr.renyi_entropy(p, 0) == pytest.approx(math.log(30), rel=1e-13)
    assert cr.gamma_bound(p).proven and cr.kappa_bound(p).proven


def test_holes_end_the_bounds():
    """|z_1| < 3 belongs to no class: half-spaces of equal share are 6 apart, the bound for p = (1/2, 1/2) is 0.798."""
    z = np.random.default_rng(0).standard_normal((50_000, 1))
    labels = np.where(z[:, 0] > 3, 1, np.where(z[:, 0] < -3, 2, 0))
    p = cr.class_probabilities(labels, hole=0)
    bound = cr.isoperimetric_bound(p)
    assert cr.class_radius(z[labels > 0], labels[labels > 0]).min() > 6 > bound.value
    assert bound.partition is False and not bound.proven and "holes" in bound.notes[-1]


@pytest.mark.parametrize("bound", BOUNDS)
def test_lipschitz_bound(bound, rng):
    """A linear generator of norm 3: the distance between images is at most 3 times that of their latents."""
    p = np.full(8, 1 / 8)
    image = cr.lipschitz_bound(bound(p), 3)
    assert image.value == 3 * bound(p).value and image[1:] == bound(p)[1:]
    assert cr.lipschitz_bound(bound([1.0]), 0).value == 0


# --- inversion -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("s", [1e-300, 1e-30, 1e-6, 0.01, 0.2, 0.4, 0.55])
@pytest.mark.parametrize("name", ["gamma", "kappa"])
def test_the_inverse_inverts(name, s):
    found = cr.diversity_bound(float(getattr(cr, name)(s)), bound=name)
    assert found.entropy == pytest.approx(-math.log(s), rel=1e-10)
    assert found.collision_probability == pytest.approx(s, rel=1e-8)


@pytest.mark.parametrize("s", [0.6, 0.9, 0.999999])
def test_the_inverse_of_kappa_has_no_branches(s):
    found = cr.diversity_bound(float(cr.kappa(s)), bound="kappa")
    assert found.collision_probability == pytest.approx(s, rel=1e-12) and not found.unconditional and found.notes


@pytest.mark.parametrize("name", ["gamma", "kappa"])
@pytest.mark.parametrize("radius", [0.0, 5e-324, 1e-200, 1e-149])
def test_a_tiny_radius_bounds_nothing(name, radius):
    found = cr.diversity_bound(radius, bound=name)
    assert found.entropy > 1e290 and found.collision_probability == 0


def test_the_ends_of_the_domain():
    end = cr.diversity_bound(isoperimetry.GAMMA_MAX)
    assert end.collision_probability == pytest.approx(0.5554, abs=5e-5)
    assert cr.diversity_bound(50.0, bound="kappa").entropy == 0
    limit = float(cr.kappa(isoperimetry.CONCAVE**2))
    assert round(limit, 4) == 0.4474
    assert cr.diversity_bound(limit, bound="kappa").unconditional
    assert not cr.diversity_bound(limit + 1e-9, bound="kappa").unconditional


@given(distributions(max_size=30))
def test_the_inversion_holds_for_every_p(p):
    """Whatever p, and on either side of the threshold: no partition has a larger entropy than its radius allows."""
    radius, entropy = cr.isoperimetric_bound(p).value, cr.renyi_entropy(p, 2)
    if radius <= isoperimetry.GAMMA_MAX:
        assert entropy <= cr.diversity_bound(radius).entropy + 1e-9
    if math.isfinite(radius):
        found = cr.diversity_bound(radius, bound="kappa")
        assert entropy <= found.entropy + 1e-9 or (not found.unconditional and p.max() > isoperimetry.CONCAVE)


def test_the_condition_of_the_inverse_of_kappa_is_needed():
    p = [1 / 3 + 0.05, 1 / 3, 1 / 3 - 0.05]
    found = cr.diversity_bound(cr.isoperimetric_bound(p).value, bound="kappa")
    assert not found.unconditional and cr.renyi_entropy(p, 2) > found.entropy + 1e-4


# --- the test for diversity ----------------------------------------------------------------------------------------


def test_comparison_is_the_welch_test(rng):
    first, second = rng.gamma(2.0, size=40), rng.gamma(2.0, 2.5, size=70)
    found, want = cr.compare_class_radius(first, second), ttest_ind(first, second, equal_var=False)
    assert found.p_value == pytest.approx(want.pvalue, rel=1e-10)
    assert found.difference / found.standard_error == pytest.approx(want.statistic, rel=1e-12)
    assert found.less_diverse == 2 and cr.compare_class_radius(second, first).less_diverse == 1
    assert cr.compare_class_radius(first, second, significance=1e-9).less_diverse == 0


def test_comparison_of_constants():
    assert cr.compare_class_radius([1.0, 1.0], [1.0, 1.0])[0::3] == (0, 1.0)
    assert cr.compare_class_radius([1.0, 1.0], [2.0, 2.0])[0::3] == (2, 0.0)


def test_comparison_of_two_generators(rng):
    """Four and forty cells, measured at independent queries: the fewer classes have the larger radius."""
    radii = []
    for k in (4, 40):
        centres = rng.standard_normal((k, 2))
        z, at = rng.standard_normal((4000, 2)), rng.standard_normal((500, 2))
        (cell, _), (at_cell, _) = voronoi_radius(z, centres), voronoi_radius(at, centres)
        radii.append(cr.class_radius(z, cell, queries=at, query_labels=at_cell))
    assert cr.compare_class_radius(*radii).less_diverse == 1


def test_the_rule_of_thumb_can_fail():
    """Stripes of width 0.1 in two classes: the radius is tiny, the collision probability 1/2."""
    z = np.random.default_rng(1).standard_normal((4000, 1))
    stripes, thirds = np.floor(z[:, 0] / 0.1).astype(int) % 2, np.digitize(z[:, 0], norm.ppf([1 / 3, 2 / 3]))
    found = cr.compare_class_radius(cr.class_radius(z, stripes), cr.class_radius(z, thirds))
    assert found.less_diverse == 2
    collisions = [cr.collision_probability(cr.class_probabilities(y)) for y in (stripes, thirds)]
    assert collisions[0] > 0.49 and collisions[1] < 0.34


# --- messages ------------------------------------------------------------------------------------------------------

POINTS = np.eye(2)
BAD = [
    (lambda: cr.class_probabilities([0.5, 1.0]), "labels: expected integers or strings, got float"),
    (lambda: cr.class_probabilities(np.array([0.5])), "labels: expected integers or strings, got float"),
    (lambda: cr.class_probabilities([1, "1"]), "labels: expected integers or strings, got int and str"),
    (lambda: cr.class_probabilities([b"a"]), "labels: expected integers or strings, got bytes"),
    (lambda: cr.class_probabilities([]), r"labels: expected a vector of labels, got shape \(0,\)"),
    (lambda: cr.class_probabilities(np.zeros((2, 2), dtype=int)), r"labels: expected a vector of labels, got shape"),
    (lambda: cr.class_probabilities([0, 0], hole=0), "labels: expected some that belong to a class, got 2"),
    (lambda: cr.class_probabilities([0, 0], hole="0"), "hole: expected an integer, as the labels are, got '0'"),
    (lambda: cr.hole_share(["a"], 0), "hole: expected a string, as the labels are, got 0"),
    (lambda: cr.hole_share(["a"], None), "hole: expected a string"),
    (lambda: cr.label_latents(lambda z: [0], 2, 3, rng=np.random.default_rng(0)),
     r"the labels from classify: expected 3 labels, got shape \(1,\)"),
    (lambda: cr.label_latents(lambda z: [0], 2, 3, rng=0), "rng: expected a numpy.random.Generator"),
    (lambda: cr.label_latents(lambda z: [0], 0, 3, rng=np.random.default_rng(0)), "dim: expected a whole number"),
    (lambda: cr.collision_probability([0.5, 0.4]), "p: expected probabilities that add up to 1, got a sum of 0.9"),
    (lambda: cr.collision_probability([1.5, -0.5]), "p: expected probabilities, got -0.5 among them"),
    (lambda: cr.collision_probability([math.nan, 1]), "p: expected finite numbers"),
    (lambda: cr.collision_probability([[1.0]]), "p: expected a vector"),
    (lambda: cr.renyi_entropy([1.0], -0.5), "alpha: expected a number of at least 0, or infinity, got -0.5"),
    (lambda: cr.renyi_entropy([1.0], math.nan), "alpha: expected a number of at least 0"),
    (lambda: cr.renyi_entropy([1.0], "2"), "alpha: expected a number of at least 0"),
    (lambda: cr.class_radius(POINTS, [0]), r"labels: expected 2 labels, got shape \(1,\)"),
    (lambda: cr.class_radius([[math.inf]], [0]), "latents: expected finite numbers"),
    (lambda: cr.class_radius(POINTS, [0, 1], queries=POINTS), "query_labels: expected together with queries"),
    (lambda: cr.class_radius(POINTS, [0, 1], queries=[[1.0]], query_labels=[0]), "queries: expected points of dimen"),
    (lambda: cr.class_radius(POINTS, [0, 1], queries=POINTS, query_labels=["0", "1"]),
     "query_labels: expected labels of the same kind"),
    (lambda: cr.gamma(1.5), r"x: expected numbers in \[0, 1\], got 1.5"),
    (lambda: cr.kappa([0.5, -0.5]), r"x: expected numbers in \[0, 1\], got -0.5"),
    (lambda: cr.kappa(math.nan), r"x: expected numbers in \[0, 1\], got nan"),
    (lambda: cr.lipschitz_bound(cr.kappa_bound([1.0]), -1), "lipschitz: expected a finite number at least 0"),
    (lambda: cr.diversity_bound(1.85), r"expected_radius: expected at most 2 sqrt\(2 pi\) / e = 1.84427"),
    (lambda: cr.diversity_bound(-1), "expected_radius: expected a finite number at least 0"),
    (lambda: cr.diversity_bound(math.inf, bound="kappa"), "expected_radius: expected a finite number"),
    (lambda: cr.diversity_bound(0.1, bound="both"), 'bound: expected "gamma" or "kappa", got \'both\''),
    (lambda: cr.compare_class_radius([1.0], [1.0, 2.0]), "first: expected at least two radii, none below 0, got 1"),
    (lambda: cr.compare_class_radius([1.0, 2.0], [1.0, -2.0]), "second: expected at least two radii, none below 0"),
    (lambda: cr.compare_class_radius([1.0, 2.0], [1.0, 2.0], significance=1), "significance: expected a finite"),
    (lambda: cr.compare_class_radius([1.0, math.inf], [1.0, 2.0]), "first: expected finite numbers"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
