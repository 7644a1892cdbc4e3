"""Adam against a trajectory computed with mpmath, and its own promises."""

import json
import pathlib

import numpy as np
import pytest

import divergen as dg

VECTORS = json.loads((pathlib.Path(__file__).parent / "vectors" / "adam.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_trajectory_against_mpmath(vector):
    """Twenty steps with given gradients: constant and changing rates, other decays, a large epsilon, no memory."""
    x = np.array(vector["start"])
    state = dg.adam_init(x)
    options = {name: vector[name] for name in ("beta1", "beta2", "epsilon")}
    rates = vector["learning_rates"]
    for gradient, want in zip(vector["gradients"], vector["parameters_hex"], strict=True):
        x, state = dg.adam_step(x, np.array(gradient), state, lambda step: rates[step], **options)
        np.testing.assert_allclose(x, [float.fromhex(v) for v in want], rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(state.first, np.array(vector["first"], float), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(state.second, np.array(vector["second"], float), rtol=1e-13)


def test_nothing_is_changed_in_place(rng):
    x, g = rng.standard_normal((2, 5))
    state = dg.adam_init(x)
    copies = [v.copy() for v in (x, g, state.first, state.second)]
    dg.adam_step(x, g, state, 0.1)
    for now, before in zip((x, g, state.first, state.second), copies, strict=True):
        assert np.array_equal(now, before)
    assert state.step == 0


def test_a_schedule_is_called_with_the_steps_taken(rng):
    seen = []

    def schedule(step):
        seen.append(step)
        return 0.1 / (step + 1)

    x = rng.standard_normal(3)
    state = dg.adam_init(x)
    for _ in range(3):
        x, state = dg.adam_step(x, x, state, schedule)
    assert seen == [0, 1, 2] and state.step == 3


def test_cosine_decay():
    rate = dg.cosine_decay(0.1, 10, final=0.02)
    assert rate(0) == 0.1 and rate(10) == pytest.approx(0.02) and rate(500) == pytest.approx(0.02)
    assert rate(5) == pytest.approx(0.06)
    assert all(rate(i) > rate(i + 1) for i in range(10))


def test_it_minimises_a_bowl():
    x = np.array([3.0, -2.0])
    state = dg.adam_init(x)
    for _ in range(500):
        x, state = dg.adam_step(x, 2 * x * [1.0, 100.0], state, dg.cosine_decay(0.1, 500))
    np.testing.assert_allclose(x, 0, atol=1e-3)


def test_single_precision_stays():
    x = np.ones(3, np.float32)
    x, state = dg.adam_step(x, x, dg.adam_init(x), 0.1)
    assert x.dtype == state.first.dtype == state.second.dtype == np.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gradient": np.zeros(2)}, r"gradient: expected the shape of parameters, \(3,\), got \(2,\)"),
        ({"learning_rate": -1}, r"learning_rate: expected a finite number at least 0, got -1"),
        ({"beta1": 1.0}, r"beta1: expected a finite number below 1 and at least 0, got 1.0"),
        ({"beta2": -0.1}, r"beta2: expected a finite number below 1 and at least 0, got -0.1"),
        ({"epsilon": -1e-8}, r"epsilon: expected a finite number at least 0, got -1e-08"),
    ],
)
def test_bad_input(arguments, message):
    x = np.zeros(3)
    with pytest.raises(ValueError, match=message):
        dg.adam_step(**{"parameters": x, "gradient": x, "state": dg.adam_init(x), **arguments})


def test_bad_schedule():
    with pytest.raises(ValueError, match=r"steps: expected a whole number of at least 1, got 0"):
        dg.cosine_decay(0.1, 0)
    with pytest.raises(ValueError, match=r"initial: expected a finite number at least 0, got -0.1"):
        dg.cosine_decay(-0.1, 5)


def test_the_step_is_that_of_the_paper_line_by_line():
    """Against the definition, for twenty steps with a decaying rate and unusual constants."""
    from divergen.equations import kingmaba2014 as eq

    rng = np.random.default_rng(3)
    x = y = rng.standard_normal(7)
    ours, theirs = dg.adam_init(x), eq.adam_init(y)
    for t in range(20):
        g, rate = rng.standard_normal(7) * 10.0 ** rng.integers(-6, 3, 7), 0.1 / (1 + t)
        x, ours = dg.adam_step(x, g, ours, rate, beta1=0.7, beta2=0.95, epsilon=1e-3)
        y, theirs = eq.adam_step(y, g, theirs, rate, beta1=0.7, beta2=0.95, epsilon=1e-3)
        np.testing.assert_allclose(x, y, rtol=1e-13, atol=1e-15)
