"""Adam against a trajectory computed with mpmath, and its own promises."""

import json
import pathlib

import numpy as np
import pytest

import divergen as dg
from divergen import adam

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
        ({"state": dg.AdamState(0, np.zeros(1), np.zeros(3))},
         r"state.first: expected the shape of parameters, \(3,\), got \(1,\)"),
        ({"state": dg.AdamState(0, np.zeros(3), np.zeros((1, 3)))},
         r"state.second: expected the shape of parameters, \(3,\), got \(1, 3\)"),
        ({"parameters": np.zeros(3, int)}, r"parameters: expected floating-point numbers, got an array of dtype int64"),
        ({"state": dg.adam_init(np.zeros(3, int))}, r"state.first: expected floating-point numbers, got .* int64"),
        ({"state": dg.AdamState(0, np.zeros(3), np.zeros(3, int))},
         r"state.second: expected floating-point numbers, got an array of dtype int64"),
        ({"epsilon": -1e-8}, r"epsilon: expected a finite number at least 0, got -1e-08"),
    ],
)
def test_bad_input(arguments, message):
    x = np.zeros(3)
    with pytest.raises(ValueError, match=message):
        dg.adam_step(**{"parameters": x, "gradient": x, "state": dg.adam_init(x), **arguments})
    with pytest.raises(ValueError, match=message):
        adam.adam_update(**{"parameters": x, "gradient": x, "state": dg.adam_init(x), **arguments})


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


def formula(x, g, first, second, t, rate, epsilon=1e-8):
    """The step as the paper writes it, in one piece."""
    first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
    return x - rate * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + epsilon), first, second


@pytest.mark.parametrize("size", [1, 7, 8, 9, 16, 20])
def test_in_place_and_block_by_block(size, rng, monkeypatch):
    """The blocks are all parameters once, wherever their edges fall; what was given is what is overwritten."""
    monkeypatch.setattr(adam, "BLOCK", 8)
    x, state = rng.standard_normal(size), dg.adam_init(np.zeros(size))
    given, (_, first, second) = x, state
    want = x.copy(), np.zeros(size), np.zeros(size)
    for t in (1, 2, 3):
        g = rng.standard_normal(size)
        want = formula(want[0], g, *want[1:], t, 0.1)
        state = adam.adam_update(x, g, state, 0.1)
        for got, expected in zip((x, state.first, state.second), want, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert x is given and state.first is first and state.second is second and state.step == 3


@pytest.mark.parametrize("shape", [(), (3, 4), (2, 3, 2)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_parameters_of_any_shape_and_order(shape, order, rng):
    x, g = (np.array(rng.standard_normal(shape), order=order) for _ in range(2))
    want = formula(x, g, 0.0, 0.0, 1, 0.1)
    got, state = dg.adam_step(x, g, dg.adam_init(x), 0.1)
    assert got.shape == state.first.shape == shape
    for one, expected in zip((got, state.first, state.second), want, strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-12)


def test_in_place_wants_a_vector(rng):
    x = rng.standard_normal((2, 3))
    with pytest.raises(ValueError, match=r"parameters: expected a vector, got shape \(2, 3\)"):
        adam.adam_update(x, x, dg.adam_init(x))
    x = rng.standard_normal(3)
    state = dg.adam_init(x)
    with pytest.raises(ValueError, match=r"gradient: expected the shape of parameters, \(3,\), got \(4,\)"):
        adam.adam_update(x, np.zeros(4), state)
    with pytest.raises(ValueError, match=r"learning_rate: expected a finite number at least 0, got -1.0"):
        adam.adam_update(x, x, state, -1)
    assert not state.first.any()  # nothing was written
