"""What the oracle finds in other people's packages, held against the table in docs/results/oracle_peers.csv."""

import contextlib
import csv
import io

import numpy as np
import pytest

from oracle.peers import HEAD, MODULES, TABLE, Peer, installed, judged, peers, row, text


def _rows():
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("package", MODULES)
@pytest.mark.filterwarnings("ignore:overflow encountered in power:RuntimeWarning")  # SciPy's, which is a finding
def test_the_table_says_what_is_found(package):
    pytest.importorskip(package)
    want = [one for one in _rows() if one["peer"] == package]
    if want[0]["version"] != installed(package):
        pytest.skip(f"the table is of {package} {want[0]['version']}, installed is {installed(package)}")
    found = []
    for peer in peers(package):
        report = judged(peer)
        assert report.ok, report  # a failure that is not known, or one that is known and mended
        found.append(row(peer, report))
    assert found == [[one[name] for name in HEAD] for one in want]


def test_the_table_is_of_all_peers_and_in_the_written_form():
    rows = _rows()
    assert list(dict.fromkeys(one["peer"] for one in rows)) == list(MODULES)
    assert TABLE.read_text(encoding="utf-8") == text([[one[name] for name in HEAD] for one in rows])
    assert all(int(one["passed"]) + int(one["failed"]) > 0 for one in rows)
    assert all(bool(one["what fails, and where"]) == (one["failed"] != "0") for one in rows)


@pytest.mark.parametrize("package", ["dcor", "prdc", "scipy"])
def test_a_wrong_convention_is_seen_and_named(package):
    """The same peers, declared as the house: the kit says which convention they follow."""
    pytest.importorskip(package)
    from divergen.oracle import Adapter

    first = peers(package)[0]
    wrong = Peer(package, first.what, Adapter("undeclared", first.adapter.functions), first.capability, first.domain)
    report = judged(wrong)
    assert not report.ok
    (words,) = report.diagnoses.values()
    for name, choice in first.adapter.conventions.changed().items():  # SciPy's root and factor are two at once
        assert f"{name}={choice!r}" in words


# --- the findings by hand: a few lines each, without the kit ----------------------------------------------------


def _geomloss(x, y):
    import torch
    from geomloss import SamplesLoss

    x, y = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, y))
    value = SamplesLoss("energy")(x, y)
    return value.item(), torch.autograd.grad(value, x)[0].tolist()


def test_what_a_peer_is_not_meant_for_is_not_judged():
    pytest.importorskip("dcor")
    results = {result.name: result for result in judged(peers("dcor")[0]).results}
    assert results["squared_distance/vectors-Weighted"].outcome == "skipped"
    assert results["squared_distance/symmetric"].outcome == "passed"  # laws are held, too
    assert "vectors judged; the others are not offered" in results["squared_distance/vectors-Coincident"].message


def test_geomloss_raises_squared_lengths_to_1e_8_and_expands_them():
    pytest.importorskip("geomloss")
    assert _geomloss([[0.0, 0.0]], [[3.0, 4.0]])[0] == pytest.approx(4.9999, abs=1e-12)  # 5
    assert _geomloss([[0.0]], [[0.125]])[0] == pytest.approx(0.1249, abs=1e-12)  # 0.125, and a quarter of the next
    assert _geomloss([[0.0]], [[0.5]])[0] == pytest.approx(0.4999, abs=1e-12)
    assert _geomloss([[0.0]], [[1e-5]]) == (0.0, [[0.0]])  # 1e-5 and -1
    assert _geomloss([[1e6, 1e6]], [[1e6, 1e6 + 0.001]]) == (0.0, [[0.0, 0.0]])  # 0.001 and (0, -1)


def _prdc(real, generated, k):
    from prdc import compute_prdc

    with contextlib.redirect_stdout(io.StringIO()):
        return tuple(compute_prdc(np.array(real)[:, None], np.array(generated)[:, None], k).values())


def test_prdc_loses_neighbours_far_from_the_origin_and_needs_k_plus_2_points():
    pytest.importorskip("prdc")
    real, generated = np.array([0.0, 1.0, 3.0, 7.0]), np.array([0.5, 2.0, 5.0, 6.0])
    assert _prdc(real, generated, 1) == (1.0, 0.75, 1.25, 1.0)
    assert _prdc(real + 2.0**30, generated + 2.0**30, 1) == (0.0, 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"kth\(=3\) out of bounds \(3\)"):
        _prdc([0.0, 1.0, 3.0], generated, 2)


def test_scipy_at_extreme_arguments():
    from scipy import special, stats

    assert np.isnan(special.pseudo_huber(1e-200, 1.0)) and np.isinf(special.pseudo_huber(1e-160, 1.0))
    assert special.pseudo_huber(1.0, 1e100) == 1.000000000000011e100
    assert special.kl_div(1 + 2.0**-30, 1.0) == 0.0  # 2^-61
    e = 2.0**-600
    with np.errstate(over="ignore"):
        assert np.isinf(stats.power_divergence([1, e], [e, 1], lambda_="neyman").statistic)  # 2^600


def test_torch_near_the_standard_normal_and_without_width():
    torch = pytest.importorskip("torch")
    mean = torch.tensor(1e-9, dtype=torch.float64)
    normal = torch.distributions.Normal(mean, torch.ones_like(mean))
    standard = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    assert torch.distributions.kl_divergence(normal, standard).item() == 0.0  # 5e-19
    narrow = torch.distributions.Normal(torch.ones_like(mean), torch.exp(torch.full_like(mean, -500.0)))
    assert torch.distributions.kl_divergence(narrow, standard).item() == np.inf  # 500: 1/2 - 1/2 + 500
    with pytest.raises(ValueError, match="scale"):
        torch.distributions.Normal(mean, torch.exp(torch.tensor(-1e6, dtype=torch.float64) / 2))
