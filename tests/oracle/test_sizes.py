"""The laws at many sizes: bugs at the edges of blocks are caught by them, at the smallest size that has the bug."""

import numpy as np
import pytest

from divergen.oracle import CAPABILITIES, CheckFailure, checks, properties
from divergen.oracle.checks import CheckSkipped
from divergen.oracle.inputs import masses
from oracle.mutants import MUTANTS as OTHERS
from oracle.mutants import Mutant
from oracle.mutants_sizes import CONTROLS, MUTANTS, byte, own, whole_blocks
from oracle.own import OWN

SIZES = properties.properties_sizes.SIZES
LAWS = {name: one for name, one in checks._REGISTERED.items() if name.endswith("/sizes")}
SMALL = 32  # up to here the bugs have to be right


def test_each_capability_has_one():
    assert {name.split("/")[0] for name in LAWS} == set(CAPABILITIES)
    for name, law in LAWS.items():
        assert law.kind == "property" and law.equation == CAPABILITIES[name.split("/")[0]].equation


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_at_a_size_and_its_equation_named(mutant):
    with pytest.raises(CheckFailure) as caught:
        LAWS[f"{mutant.capability}/sizes"](mutant.adapter())
    assert str(caught.value).startswith(f"{mutant.equation}: "), mutant.bug
    finding = caught.value.finding
    assert finding.deviation is not None and "; here seed = " in finding.what
    at = [int(part.split(" = ")[1]) for part in finding.what.split("; here ")[1].split(", ")]
    assert at[0] == 0 and max(at[1:]) > SMALL


def test_the_score(capsys):
    with capsys.disabled():
        print(f"\n{len(MUTANTS)} mutants at the edges of blocks")
    assert len(MUTANTS) >= 40 and not {one.name for one in MUTANTS} & {one.name for one in OTHERS}
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)
    for capability in CAPABILITIES:
        assert any(one.capability == capability for one in MUTANTS), capability


@pytest.mark.parametrize("name", CONTROLS)
def test_what_the_bugs_are_put_into_passes_without_them(name):
    capability, function = CONTROLS[name]
    LAWS[f"{capability}/sizes"](Mutant(name, capability, function, CAPABILITIES[capability].equation, "none").adapter())


@pytest.mark.parametrize(("block", "first"), [(32, 33), (64, 65), (128, 129), (256, 257), (512, 513), (1024, 1025)])
def test_the_smallest_size_is_named(block, first):
    """Whatever the block, the bug is reported where it begins, for the simplest seed, and always the same."""
    def late(x, a):
        return own["kernel"](x, a) * (np.arange(len(x)) < whole_blocks(len(x), block))

    def finding():
        with pytest.raises(CheckFailure) as caught:
            LAWS["kernel/sizes"](Mutant("late", "kernel", late, "", "").adapter())
        return str(caught.value)

    assert f"here seed = 0, n = {first}, d = 3" in finding() and finding() == finding()


def test_every_size_is_tried():
    seen = set()

    def watched(x, a):
        seen.add(x.shape)
        return own["kernel"](x, a)

    LAWS["kernel/sizes"](Mutant("watched", "kernel", watched, "", "").adapter())
    assert seen == {(n, 3) for n in SIZES} | {(3, n) for n in SIZES}


def test_weights_at_all_sizes_are_exact():
    for n in SIZES:
        for zeros in (False, True):
            w = masses(np.random.default_rng(n), n, zeros)
            assert w.sum() == 1 and np.all(w * 2**20 == np.round(w * 2**20)) and w.max() < 4 / n
            assert np.any(w == 0) == (zeros and n > 30)


@pytest.mark.parametrize("capability", ["f", "renyi_entropy", "kernel"])
def test_what_is_not_offered_is_left_out_and_the_rest_judged(capability):
    """A name, an order or a size that raises NotImplementedError; if all of them do, nothing was judged."""
    def some(*arguments):
        if arguments[0] is not None and (arguments[0] == "kl" if capability == "f" else len(arguments[0]) < 3):
            raise NotImplementedError("not these")
        result = own[capability](*arguments)
        return result + (1 if np.size(arguments[capability == "f"]) > 600 else 0)

    law = LAWS[f"{capability}/sizes"]
    with pytest.raises(CheckFailure, match="; here seed = 0, "):
        law(Mutant("some", capability, some, "", "").adapter())

    def none(*arguments):
        raise NotImplementedError("none of them")

    with pytest.raises(CheckSkipped, match="none of them"):
        law(Mutant("none", capability, none, "", "").adapter())


def test_a_byte_overflows():
    assert byte(258).tolist() == [*range(256), 0, 1]


@pytest.mark.parametrize("law", LAWS)
def test_our_own_functions_obey(law):
    LAWS[law](OWN)
