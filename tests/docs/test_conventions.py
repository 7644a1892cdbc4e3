"""The page of conventions: each has an example that runs, each row of the table leads to one, and others do as it says.

What the page says of dcor, geomloss and prdc is what their adapters declare, in tests/oracle/peers.
"""

import doctest
import inspect
import pathlib
import re

import numpy as np
import pytest

import divergen as dg
from divergen.oracle import Conventions

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "conventions.rst").read_text()
TABLE, TEXT = PAGE.split("\nDistances\n---------\n")
PIECES = re.split(r"^\.\. _convention-([\w-]+):\n\n", TEXT, flags=re.MULTILINE)
SECTIONS = dict(zip(PIECES[1::2], PIECES[2::2], strict=True))
ROWS = re.findall(r"^    \* - :ref:`[^<`]+ <convention-([\w-]+)>`\n((?:      - .*\n)+)", TABLE, flags=re.MULTILINE)
IN_THE_HOUSE = {"coincidence", "zero", "libraries", "workers", "errors", "results"}  # nothing to translate


@pytest.mark.parametrize("name", SECTIONS)
def test_each_convention_has_an_example_that_prints(name):
    assert any(example.want for example in doctest.DocTestParser().get_examples(SECTIONS[name]))


def test_the_table_is_of_the_conventions():
    names = [name for name, _ in ROWS]
    assert len(names) == len(set(names)) == TABLE.count("    * - ") - 1  # all rows but the head are understood
    assert set(names) == set(SECTIONS) - IN_THE_HOUSE
    assert IN_THE_HOUSE.issubset(SECTIONS)


@pytest.mark.parametrize(("name", "cells"), ROWS, ids=[name for name, _ in ROWS])
def test_each_row_is_full(name, cells):
    cells = re.findall(r"^      - (.+)$", cells, flags=re.MULTILINE)
    assert len(cells) == 3 and all(len(cell) > 3 for cell in cells)


def test_no_two_sections_without_an_anchor():
    assert len(SECTIONS) == len(re.findall(r"^~~~+$", TEXT, flags=re.MULTILINE))


def test_what_an_adapter_can_declare_is_on_the_page():
    where = {"factor": "factor", "power": "square", "statistic": "statistic", "boundary": "neighbours",
             "logarithm": "logarithms", "epsilon": "epsilon"}
    assert set(where) == set(vars(Conventions())) and set(where.values()) <= set(SECTIONS)


def test_randomness_is_called_rng():
    taken = {(name, argument) for name in dg.__all__ if inspect.isfunction(getattr(dg, name))
             for argument in inspect.signature(getattr(dg, name)).parameters}
    assert sum(argument == "rng" for _, argument in taken) > 5
    assert not {(name, argument) for name, argument in taken if "seed" in argument or "random" in argument}


def test_the_seed_of_a_data_set_names_a_split():
    pytest.importorskip("sklearn")
    first, again, other = (dg.datasets.digits(seed=seed).test_images for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


# --- what others do ----------------------------------------------------------------------------------------------


def test_dcor():
    dcor = pytest.importorskip("dcor")
    x, y = np.array([[0.0], [1.0], [4.0]]), np.array([[2.0], [5.0]])
    ours = dg.cloud_squared_distance(x, y, kernel=dg.HuberEnergy(a=0))
    assert dcor.energy_distance(x, y) == pytest.approx(2 * ours)
    assert dcor.energy_distance(x, y, estimation_stat="U") == pytest.approx(2 * -1 / 3)  # the page's U-statistic


def test_geomloss():
    pytest.importorskip("geomloss")
    torch = pytest.importorskip("torch")
    from geomloss import SamplesLoss

    x, y = np.array([[0.0, 1.0], [4.0, 3.0]]), np.array([[2.0, 2.0]])
    theirs = SamplesLoss("energy", backend="tensorized")(torch.tensor(x), torch.tensor(y))
    ours = dg.cloud_squared_distance(x, y, kernel=dg.HuberEnergy(a=0))
    assert float(theirs) == pytest.approx(ours, rel=1e-3)  # it raises short lengths to 1e-4


def test_prdc_leaves_out_what_is_at_the_radius():
    pytest.importorskip("prdc")
    from oracle.peers import with_prdc

    real, generated = np.array([[0.0], [1.0], [3.0]]), np.array([[2.0], [5.0], [9.0]])
    density = with_prdc.neighbour_metrics(real, generated, 1)[2]
    assert density == pytest.approx(dg.neighbour_metrics(real, generated, 1, ties="strict").density)
    assert density != pytest.approx(dg.neighbour_metrics(real, generated, 1).density)


def test_scikit_learn_counts_the_point_itself():
    from sklearn.neighbors import NearestNeighbors

    real, generated = np.array([[0.0], [1.0], [3.0]]), np.array([[2.0], [5.0]])
    radii = NearestNeighbors(n_neighbors=2).fit(real).kneighbors(real)[0][:, -1]  # k + 1 for k = 1
    inside = np.abs(generated - real.T) <= radii
    np.testing.assert_array_equal(inside.sum(axis=1), dg.neighbour_metrics(real, generated, 1).balls)


def test_pytorch_adam_is_ours():
    torch = pytest.importorskip("torch")
    theirs = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([theirs], lr=0.1, eps=1e-2)
    ours, state = np.ones(1), dg.adam_init(np.ones(1))
    for t in range(1, 6):
        theirs.grad = torch.tensor([0.3 / t], dtype=torch.float64)
        optimiser.step()
        ours, state = dg.adam_step(ours, np.array([0.3 / t]), state, 0.1, epsilon=1e-2)
    assert theirs.item() == pytest.approx(ours[0], rel=1e-12)


def test_pytorch_takes_the_model_first():
    torch = pytest.importorskip("torch")
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    theirs = torch.nn.functional.kl_div(torch.tensor(np.log(q)), torch.tensor(p), reduction="sum")
    assert float(theirs) == pytest.approx(dg.divergence(dg.kl, p, q))


def test_pytorch_layers():
    torch = pytest.importorskip("torch")
    from divergen.models.convolution import conv2d

    rng = np.random.default_rng(0)
    assert torch.nn.Linear(4, 8).weight.shape == (8, 4)
    x, weight = rng.standard_normal((2, 6, 4, 3)), rng.standard_normal((3, 3, 3, 5))
    ours = conv2d(x, weight, np.zeros(5), stride=2)
    images, kernel = torch.tensor(x).permute(0, 3, 1, 2), torch.tensor(weight).permute(3, 2, 0, 1)
    by_hand = torch.nn.functional.conv2d(torch.nn.functional.pad(images, (0, 1, 0, 1)), kernel, stride=2)
    np.testing.assert_allclose(by_hand.permute(0, 2, 3, 1), ours, rtol=1e-12, atol=1e-12)
    both_sides = torch.nn.functional.conv2d(images, kernel, stride=2, padding=1)
    assert float(abs(both_sides.permute(0, 2, 3, 1) - torch.tensor(ours)).max()) > 0.1
