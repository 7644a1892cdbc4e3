"""The golden vectors as files: their form, their numbers, their origin, and that ids never change."""

import hashlib
import json
from functools import cache
from pathlib import Path

import jsonschema
import mpmath
import numpy as np
import pytest

from divergen import oracle
from divergen.oracle import CAPABILITIES, DIVERGENCES, load_vectors
from divergen.oracle.conventions import CHOICES

FOLDER = Path(oracle.__file__).parent / "vectors"
NAMES = tuple(CAPABILITIES)
ROOT = Path(__file__).parents[2]

# The flags that issues and documents speak of; each stands for a kind of input that is known to be hard.
PROMISED = {"Normal", "Ties", "Coincident", "Cancellation", "FarTail", "HighDimension", "ZeroMass", "DisjointSupport",
            "InfeasibleBudget", "Paper"}

# SHA-256 of each file's ids with their inputs, first twelve digits. An id never changes and never means another input:
# implementations elsewhere list ids as known failures. A new vector adds an id, and this number changes; look at the
# difference (`git diff --stat` shows lines added and none removed), then run this module as a script, which prints
# the table anew.
FROZEN = {
    "kernel": "cb01a58a7181",
    "squared_distance": "e717aeb568a2",
    "squared_distance_gradient": "e717aeb568a2",
    "expected_kernel": "73a8d9f656c8",
    "adam": "5f43fd4b8a40",
    "compress": "737cc42a6cb4",
    "gaussian_kl": "ada348ddb84b",
    "elbo": "7fb7840f6ba6",
    "elbo_gradient": "7fb7840f6ba6",
    "f": "3c6bef64cbfd",
    "conjugate": "38e56cf63f7e",
    "divergence": "cb8ac91fbd26",
    "pr_curve": "4012b8f46561",
    "neighbour_metrics": "d99b6c610e0f",
    "obrs": "bacce2edbf89",
    "drs": "32aabe32a475",
    "isoperimetric_bound": "2b9dd8a9fe22",
    "gamma_bound": "2b9dd8a9fe22",
    "kappa_bound": "2b9dd8a9fe22",
    "renyi_entropy": "80b4cff34f7e",
}


@cache
def content(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def results(vector):
    """All results of a vector, those of other conventions too, one after the other."""
    for value in (vector["expected"], *vector.get("variants", {}).values()):
        yield from value if isinstance(value, list) else [value]


def checksum(name):
    lines = [json.dumps([one["id"], one["inputs"]], sort_keys=True) for one in content(name)["vectors"]]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:12]


def test_there_is_one_file_for_each_capability_and_no_other():
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted([*NAMES, "schema"])


@pytest.mark.parametrize("name", NAMES)
def test_a_file_obeys_the_schema(name):
    schema = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(content(name))


@pytest.mark.parametrize(("path", "value"), [
    (("format",), "divergen vectors 2"), (("vectors", 0, "id"), "Upper Case"), (("vectors", 0, "flags"), []),
    (("vectors", 0, "expected", "hex", 0), "1.5"), (("vectors", 0, "expected", "decimal", 0), "nan"),
    (("vectors", 0, "inputs", "x", "values", 0), "nan"), (("provenance", "digits"), [60]), (("more",), 1),
    (("tolerance", "reason"), "none"), (("vectors",), []),
])
def test_the_schema_refuses_what_is_wrong(path, value):
    spoilt = json.loads(json.dumps(content("kernel")))
    at = spoilt
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spoilt, json.loads((FOLDER / "schema.json").read_text(encoding="utf-8")))


def test_there_are_at_least_six_hundred():
    assert sum(len(content(name)["vectors"]) for name in NAMES) >= 600
    for name in NAMES:
        assert len(content(name)["vectors"]) >= 15, name


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_unique(name):
    ids = [one["id"] for one in content(name)["vectors"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", NAMES)
def test_ids_and_their_inputs_never_change(name):
    assert checksum(name) == FROZEN[name], "an id changed, went, came, or means another input: see FROZEN"


@pytest.mark.parametrize("name", NAMES)
def test_no_two_vectors_say_the_same(name):
    """The same inputs may stand there twice for different reasons, as t = 0 does, which is the end of gan's domain."""
    said = [json.dumps([one["inputs"], one["flags"]], sort_keys=True) for one in content(name)["vectors"]]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("name", NAMES)
def test_hex_is_the_nearest_float_of_the_decimal(name):
    for one in content(name)["vectors"]:
        for value in results(one):
            assert len(value["decimal"]) == len(value["hex"]) == int(np.prod(value["shape"], dtype=int)), one["id"]
            for decimal, written in zip(value["decimal"], value["hex"], strict=True):
                number = float.fromhex(written)
                nearest = float(decimal)  # correctly rounded, by Python's parser
                with mpmath.workdps(60):
                    assert float(mpmath.mpf(decimal)) == nearest  # and by mpmath
                    if nearest != number:  # forty digits may fall short of a tie, where the result itself is one
                        middle = (mpmath.mpf(nearest) + mpmath.mpf(number)) / 2
                        assert abs(nearest - number) == np.spacing(min(abs(nearest), abs(number))), one["id"]
                        assert abs(mpmath.mpf(decimal) - middle) < abs(middle) * mpmath.mpf(10) ** -39, one["id"]


@pytest.mark.parametrize("name", NAMES)
def test_decimals_have_forty_digits_or_are_exact(name):
    for one in content(name)["vectors"]:
        for value in results(one):
            for decimal, written in zip(value["decimal"], value["hex"], strict=True):
                digits = decimal.split("e")[0].replace("-", "").replace(".", "").strip("0")
                assert len(digits) <= 40
                if "inf" not in decimal and len(digits) < 34:  # trailing zeros are not written: it ends there
                    with mpmath.workdps(60):
                        exact = mpmath.mpf(float.fromhex(written))
                        off = abs(mpmath.mpf(decimal) - exact)
                        assert off <= abs(exact) * mpmath.mpf(2) ** -53, (one["id"], decimal)


@pytest.mark.parametrize("name", NAMES)
def test_flags_are_explained_and_used(name):
    explained = content(name)["flags"]
    used = {flag for one in content(name)["vectors"] for flag in one["flags"]}
    assert set(explained) == used
    assert all(len(meaning) >= 8 for meaning in explained.values())
    assert all(len(set(one["flags"])) == len(one["flags"]) for one in content(name)["vectors"])


def test_all_flags_that_were_promised_occur():
    assert set().union(*(content(name)["flags"] for name in NAMES)) >= PROMISED


def numbers(value):
    if isinstance(value, dict):
        return value["values"]
    return [value] if isinstance(value, (int, float)) else []


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_exact(name):
    """Each is the shortest decimal of its float64, so that every right parser reads the same number."""
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    written: list[str] = []
    json.loads(text, parse_float=lambda number: written.append(number) or float(number))
    for number in written:
        if number == repr(float(number)):
            continue
        assert float(number).hex() == float(repr(float(number))).hex()
        pytest.fail(f"{number} is not the shortest decimal of {float(number)!r}")
    for one in content(name)["vectors"]:
        for value in one["inputs"].values():
            assert all(isinstance(v, (int, float)) or v in ("inf", "-inf") for v in numbers(value)), one["id"]
            if isinstance(value, dict):
                assert len(value["values"]) == int(np.prod(value["shape"], dtype=int)), one["id"]
            elif isinstance(value, str) and value not in ("inf", "-inf"):
                assert value in DIVERGENCES, one["id"]


@pytest.mark.parametrize("name", NAMES)
def test_provenance_is_complete(name):
    origin = content(name)["provenance"]
    assert (ROOT / origin["script"]).is_file() and origin["mpmath"]
    low, high = sorted(origin["digits"])
    assert 40 < low < high, "two precisions, both above the forty digits that are written"
    assert all(len(route) > 5 for route in origin["routes"])
    agreement = origin["routes_agree_to_digits"]
    assert (len(origin["routes"]) >= 2) == (agreement is not None)
    assert agreement is None or agreement >= 25


@pytest.mark.parametrize("name", NAMES)
def test_texts_are_those_of_the_capabilities(name):
    one, capability = content(name), CAPABILITIES[name]
    assert (one["capability"], one["equation"], one["arguments"], one["returns"]) == (
        name, capability.equation, capability.arguments, capability.returns)
    names = [part.split()[0] for part in capability.arguments.replace("(whole number)", "").split(", ")
             if part[0].isalpha() and not part.startswith(("d)", "p)", "L)", "pixels)"))]
    for vector in one["vectors"]:
        assert list(vector["inputs"]) == names, vector["id"]


@pytest.mark.parametrize("name", NAMES)
def test_variants_are_conventions(name):
    for one in content(name)["vectors"]:
        for variant in one.get("variants", {}):
            convention, choice = variant.split("=", 1)
            assert convention in CAPABILITIES[name].conventions and choice in CHOICES[convention][1:], one["id"]


def largest(vector):
    """The largest finite number in a vector, at least 1."""
    found = [abs(float.fromhex(v)) for value in results(vector) for v in value["hex"] if "inf" not in v]
    found += [abs(float(v)) for value in vector["inputs"].values() for v in numbers(value) if not isinstance(v, str)]
    return max([1.0, *found])


@pytest.mark.parametrize("name", NAMES)
def test_tolerances_are_small_and_give_their_reasons(name):
    for one in content(name)["vectors"]:
        tolerance = one.get("tolerance", content(name)["tolerance"])
        assert 0 <= tolerance["relative"] <= 1e-5, one["id"]
        if name == "compress":  # what an optimiser by minibatches reaches, which is right too
            assert tolerance["absolute"] <= 0.1 and largest(one) >= 2, one["id"]
            continue
        assert 0 <= tolerance["absolute"] <= 1e-6 * largest(one), one["id"]  # ends of domains are ill-conditioned
        assert len(tolerance["reason"]) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_is_what_is_written(name):
    document = load_vectors(name)
    assert document.capability == name and len(document.vectors) == len(content(name)["vectors"])
    for vector, one in zip(document.vectors, content(name)["vectors"], strict=True):
        assert vector.id == one["id"] and list(vector.inputs) == list(one["inputs"])
        parts = vector.expected if isinstance(vector.expected, tuple) else (vector.expected,)
        for part, value in zip(parts, one["expected"] if isinstance(one["expected"], list) else [one["expected"]],
                               strict=True):
            assert part.dtype == np.float64 and list(part.shape) == value["shape"]
            assert [v.hex() for v in part.ravel().tolist()] == [float.fromhex(v).hex() for v in value["hex"]]


def test_there_are_none_of_what_there_is_not():
    with pytest.raises(ValueError, match="capability: there are no golden vectors of 'schema2'"):
        load_vectors("schema2")


# --- compression: the best points are the only ones ------------------------------------------------------------


@pytest.fixture
def compression(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    from vectors import compression

    return compression


def test_the_points_of_a_compression_are_in_order_and_apart():
    """So that sorting what came compares point with point, whatever is off by the tolerance."""
    for vector in load_vectors("compress").vectors:
        first = vector.expected[:, 0]
        assert np.all(np.diff(first) > 4 * vector.tolerance.absolute), vector.id


def test_the_best_points_are_stationary_or_kinks():
    """By differences of d^2, coded once more: no step of 1e-3 in any direction lowers it."""
    def objective(x, z, a):
        h = lambda p, q: np.mean(np.sqrt(np.sum((p[:, None] - q[None]) ** 2, axis=2) + a * a) - a)  # noqa: E731
        return h(x, z) - h(x, x) / 2

    for vector in load_vectors("compress").vectors:
        x, z, a = vector.expected, vector.inputs["points"], vector.inputs["a"]
        best = objective(x, z, a)
        rng = np.random.default_rng(0)
        for _ in range(200):
            step = rng.normal(size=x.shape) * rng.choice([1e-3, 0.03, 1.0])
            assert objective(x + step, z, a) > best, vector.id


def test_the_points_may_come_in_any_order_and_must_be_right():
    best = {json.dumps(one.inputs["points"].tolist()) + str(one.inputs["a"]): one.expected
            for one in load_vectors("compress").vectors}

    def judged(change):
        adapter = oracle.from_functions("golden", compress=lambda points, k, a, seed: change(
            best[json.dumps(points.tolist()) + str(a)], points))
        return oracle.check(adapter, on_fail="report", select="^compress/vectors")

    assert judged(lambda x, z: x).ok and judged(lambda x, z: x[::-1].copy()).ok
    for wrong in (lambda x, z: np.repeat(z.mean(axis=0, keepdims=True), len(x), axis=0), lambda x, z: x + 0.2,
                  lambda x, z: x[[0] * len(x)] + 0.2 * (len(x) == 1), lambda x, z: 1.15 * x, lambda x, z: x.ravel()):
        report = judged(wrong)
        assert {one.name for one in report.results if one.bad} >= {"compress/vectors-Median", "compress/vectors-Pair"}


def test_what_is_not_the_only_best_is_refused(compression):
    line = np.array([[0.0], [1.0], [2.0], [3.0]])
    with pytest.raises(ArithmeticError, match="quantile is not unique"):
        compression.quantiles(line, 2)  # anything from 0 to 1
    with pytest.raises(ArithmeticError, match="best choice is not unique"):
        compression.best_choice(line, 2)
    with pytest.raises(ArithmeticError, match="diagonals do not meet"):
        compression.diagonals(np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 1.0], [0.0, 4.0]]))
    with pytest.raises(ArithmeticError, match="not the geometric median"):
        compression.at_point(np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 3.0]]), 0)
    with pytest.raises(ArithmeticError, match="each as often"):
        compression.distinct(np.array([[0.0], [0.0], [1.0]]), 2)
    with pytest.raises(ArithmeticError, match=r"d\^2 is not 0"):
        compression.at_distance_zero(np.array([[0.0], [0.0], [1.0], [2.0]]), 2, 0.5)
    with pytest.raises(ArithmeticError, match="only best"):
        compression.symmetric_pair(np.array([[-1.0], [2.0]]), 0.5)  # not symmetric


@pytest.mark.parametrize(("zeros", "one"), [
    ((0, 1), True), ((0, 2.75), True), ((0, 1, 2, 3), False), ((0, 1, 2), False), ((1, 2, 3), False), ((0,), False),
])
def test_intervals_tell_one_minimum_from_several(compression, monkeypatch, zeros, one):
    """With polynomials for g', on [0, 3.25], that are 0 where it is said."""
    def polynomial(z, a, delta, sqrt):
        value = delta * 0 + 1
        slope = delta * 0
        for zero in zeros:
            value, slope = value * (delta - zero), slope * (delta - zero) + value
        return value, slope

    monkeypatch.setattr(compression, "slope_of_half_distance", polynomial)
    assert compression.has_one_minimum([-3.0, 3.0], 0.25) is one


if __name__ == "__main__":
    for one in NAMES:
        print(f'    "{one}": "{checksum(one)}",')
