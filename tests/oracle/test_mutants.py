"""The oracle is judged by bugs that are put in on purpose: each must be found, and its equation named."""

import pytest

from divergen.oracle import CAPABILITIES, CheckError, CheckFailure, check
from oracle.mutants import CONTROLS, MUTANTS, Mutant
from oracle.own import OWN

CAUGHT: dict[str, bool] = {}


def judged(mutant, on_fail):
    """Run the checks of the mutant's capability alone, and return their results."""
    results = []
    try:
        check(mutant.adapter(), on_fail=on_fail, select=f"^{mutant.capability}/", callback=results.append)
    except (CheckFailure, CheckError) as failure:
        assert results[-1].equation in str(failure)
    return results


def names_the_equation(results, mutant):
    return any(one.outcome in ("failed", "error") and one.equation == mutant.equation for one in results)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_and_its_equation_named(mutant):
    results = judged(mutant, "raise")
    if any(one.bad for one in results) and not names_the_equation(results, mutant):
        results = judged(mutant, "report")  # what fails first has another equation
    CAUGHT[mutant.name] = names_the_equation(results, mutant)
    bad = {one.name: one.equation for one in results if one.bad}
    assert bad, f"escaped: {mutant.bug}"
    assert CAUGHT[mutant.name], f"expected {mutant.equation}, got {bad}"
    worst = next(one for one in results if one.bad)
    assert worst.finding.inputs and worst.finding.deviation is not None


def test_the_score(capsys):
    """Of the mutants that ran; all of them in a full run. It is the number in the docs."""
    if not CAUGHT:
        pytest.skip("no mutant ran")
    with capsys.disabled():
        print(f"\n{sum(CAUGHT.values())} of {len(CAUGHT)} mutants caught")
    assert all(CAUGHT.values()), [name for name, caught in CAUGHT.items() if not caught]


@pytest.mark.parametrize("name", CONTROLS)
def test_what_the_bugs_are_put_into_passes_without_them(name):
    capability, function = CONTROLS[name]
    control = Mutant(name, capability, function, CAPABILITIES[capability].equation, "none")
    report = check(control.adapter(), on_fail="report", select=f"^{capability}/")
    assert report.ok, str(report)


def test_the_mutants_are_many_and_everywhere():
    assert len(MUTANTS) >= 80 and len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    for capability in CAPABILITIES:
        assert sum(mutant.capability == capability for mutant in MUTANTS) >= 5, capability
    for mutant in MUTANTS:
        assert mutant.bug and mutant.equation
        changed = [name for name, f in mutant.adapter().functions.items() if f is not OWN.functions[name]]
        assert changed == [mutant.capability]
