"""The demo, on few digits: all its files, what they say, and that a seed fixes them."""

import json
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy.special import hyp1f1

from divergen import __main__ as cli
from divergen import datasets, demo, files, report, threads
from divergen.models import VAE

PICTURES = ["decoded.png", "latent.png", "manifold.png", "mixture.png", "recursive.png"]
FILES = sorted([*PICTURES, "index.html", "summary.json", "vae.npz"])


@pytest.fixture(scope="module")
def few_digits():
    """A twentieth of the digits."""
    data = datasets.mnist()
    return data._replace(
        train_images=data.train_images[:300], train_labels=data.train_labels[:300],
        test_images=data.test_images[:100], test_labels=data.test_labels[:100],
    )


@pytest.fixture(scope="module")
def once(few_digits, tmp_path_factory):
    """The folder and the summary of one small run."""
    out = tmp_path_factory.mktemp("demo") / "new" / "folder"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "mnist", lambda: few_digits)
        return out, demo.run(out, seed=5, epochs=2, repetitions=3, bars=False)


def test_all_files_are_there_and_nothing_else(once):
    out, _ = once
    assert sorted(path.name for path in out.iterdir()) == FILES
    for name in PICTURES:
        assert (out / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_saved_autoencoder_decodes_the_points_that_are_shown(once):
    out, summary = once
    vae = VAE.load(out / "vae.npz")
    assert vae.architecture.settings() == summary["autoencoder"]["architecture"]
    assert vae.decode(np.array(summary["ways"][0]["shown"][0]["points"])).shape == (10, 784)


def test_the_summary_says_all_that_is_needed(once):
    out, summary = once
    assert json.loads((out / "summary.json").read_text()) == summary
    assert (summary["seed"], summary["epochs"], summary["repetitions"], summary["points"]) == (5, 2, 3, 10)
    assert len(summary["autoencoder"]["elbo"]) == 2
    assert summary["autoencoder"]["elbo"][1]["value"] > summary["autoencoder"]["elbo"][0]["value"]
    assert 0.5 < summary["classifier"]["test_accuracy"] < 1
    assert summary["kernel"]["a"] == 1e-6
    assert set(summary["seconds"]) == {"data", "training", "classifier", "drawing", "mixture", "reading", "pictures"}
    assert {"python", "numpy", "scipy", "scikit-learn", "matplotlib"} <= set(summary["versions"])
    assert [(way["name"], way["target"]) for way in summary["ways"]] == [
        ("iid", "N(0, I)"), ("Sg", "N(0, I)"), ("Semp", "mu_L"), ("recursive HAW-C", "N(0, I)")
    ]


def squared_distance_to_normal(x):
    """d^2 to N(0, I_2) with a = 0, from the series in ERRATA: another route than the package's."""
    potential = np.sqrt(np.pi / 2) * hyp1f1(-0.5, 1, -(x**2).sum(axis=1) / 2)
    between = np.linalg.norm(x[:, None] - x, axis=2)
    return potential.mean() - between.mean() / 2 - np.sqrt(np.pi) / 2


def test_the_squared_distances_are_exact(once):
    _, summary = once
    for way in summary["ways"]:
        for shown in way["shown"]:
            expected = squared_distance_to_normal(np.array(shown["points"]))
            assert shown["squared_distance_to"]["N(0, I)"] == pytest.approx(expected, abs=1e-6)
        shown = [one["squared_distance_to"][way["target"]] for one in way["shown"]]
        third = 3 * way["squared_distance"]["mean"] - sum(shown)
        error = np.std([*shown, third], ddof=1) / np.sqrt(3)
        assert way["squared_distance"]["standard_error"] == pytest.approx(error, abs=1e-9)


def test_the_optimised_ways_are_close_to_their_targets(once):
    _, summary = once
    squared = {way["key"]: way["squared_distance"]["mean"] for way in summary["ways"]}
    assert squared["sg"] < 1.01 * 1.5260e-2
    assert squared["sg"] < squared["recursive"] < squared["iid"] / 2
    assert squared["semp"] < squared["iid"] / 2
    semp = summary["ways"][2]["shown"][0]["squared_distance_to"]
    assert semp["mu_L"] < semp["N(0, I)"]


def test_the_digits_are_counted(once):
    _, summary = once
    for way in summary["ways"]:
        counts = [len(set(shown["digits"])) for shown in way["shown"]]
        third = 3 * way["distinct_digits"]["mean"] - sum(counts)
        assert third == pytest.approx(round(third))
        assert 1 <= third <= 10
        assert way["distinct_confident_digits"]["mean"] <= way["distinct_digits"]["mean"]
    assert summary["distinct_real_digits"] == pytest.approx(6.513215599)


def test_reading_counts_only_what_the_judge_is_sure_of():
    draws = demo.Draws("key", "name", "mu", np.zeros((2, 3, 1)), np.array([1.0, 3.0]))
    digits, sure = np.array([[7, 7, 1], [0, 1, 2]]), np.array([[0.9, 1, 0.5], [0.1, 1, 1]])
    reading = demo.Reading(np.zeros((2, 3, 4)), digits, sure)
    summary = demo._summarise(draws, reading, {})
    assert summary["squared_distance"] == {"mean": 2.0, "standard_error": 1.0}
    assert summary["distinct_digits"] == {"mean": 2.5, "standard_error": 0.5}
    assert summary["distinct_confident_digits"] == {"mean": 1.5, "standard_error": 0.5}
    assert summary["confident_share"] == pytest.approx(4 / 6)
    first, second = demo._rows_of_images(draws, reading)
    assert first[0] == "name\nrun 1: 2 distinct"
    assert first[2] == ["(1)", "7", "7"]
    assert second[2] == ["(0)", "1", "2"]


def test_each_gaussian_of_the_mixture_gets_three_points(once):
    _, summary = once
    many, few = summary["mixture"]["compressions"]
    assert many["points_per_gaussian"] == [3] * 16
    assert (many["k"], few["k"], sum(few["points_per_gaussian"])) == (48, 3, 3)


class Page(HTMLParser):
    """Collects the images and links, and refuses tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.images, self.links, self.open = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "img":
            self.images.append((attributes["src"], attributes["alt"]))
        if tag in ("script", "iframe", "link", "object"):
            raise AssertionError(f"<{tag}> on the page")
        self.links.extend(attributes[name] for name in ("href", "src") if name in attributes)
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_shows_every_picture_and_needs_nothing_else(once):
    out, summary = once
    text = (out / "index.html").read_text()
    page = Page(text)
    assert sorted(file for file, _ in page.images) == PICTURES
    assert all(len(words) > 20 for _, words in page.images)
    assert all((out / link).is_file() for link in page.links)
    assert 'name="viewport"' in text
    assert "url(" not in text and "http" not in text
    assert text.count("<td") == 4 * 5
    assert f"right on {summary['classifier']['test_accuracy']:.1%} of 100 test images" in text


def test_the_page_says_it_if_a_gaussian_gets_another_number(once):
    _, summary = once
    many, few = summary["mixture"]["compressions"]
    uneven = {**many, "points_per_gaussian": [2, 4] + 14 * [3]}
    other = {**summary, "mixture": {"spacing": 5, "compressions": [uneven, few]}}
    assert "each of the 16 Gaussians gets exactly 3 of 48 points" in report.page(summary)
    assert "each of the 16 Gaussians gets 2 to 4 of 48 points" in report.page(other)


def test_the_command_gives_the_same_files_for_the_same_seed_and_prints_the_table(
    once, few_digits, tmp_path, capsys, monkeypatch
):
    out, summary = once
    monkeypatch.setattr(demo, "mnist", lambda: few_digits)
    (tmp_path / "index.html").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    arguments = ["--out", str(tmp_path), "--seed", "5", "--epochs", "2", "--repetitions", "3"]
    assert cli.main(["demo", *arguments]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, "mine.txt"])
    again = json.loads((tmp_path / "summary.json").read_text())
    assert {**again, "seconds": 0} == {**summary, "seconds": 0}
    for name in PICTURES:
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()

    said = capsys.readouterr()
    for way in summary["ways"]:
        digits = way["distinct_digits"]
        assert f"{way['name']:15}  {way['target']:7}  " in said.out
        assert f"{digits['mean']:.2f} ± {digits['standard_error']:.2f}" in said.out
    assert f"Open {tmp_path / 'index.html'}" in said.out
    for bar in ("training", "drawing iid", "drawing Sg", "drawing Semp", "drawing recursive HAW-C"):
        assert bar in said.err


def test_each_phase_has_a_generator_of_its_own_from_the_seed(once):
    _, summary = once
    rng = np.random.default_rng(np.random.SeedSequence(5).spawn(6)[2])
    for shown in summary["ways"][0]["shown"]:
        np.testing.assert_array_equal(shown["points"], rng.standard_normal((10, 2)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed: expected a whole number of at least 0, got -1"),
        ({"epochs": 0}, "epochs: expected a whole number of at least 1, got 0"),
        ({"repetitions": 1}, "repetitions: expected a whole number of at least 2, got 1"),
    ],
)
def test_bad_numbers_are_refused(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        demo.run(tmp_path / "demo", **arguments)
    assert not (tmp_path / "demo").exists()


def test_missing_packages_are_named_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda name: None if name in ("mlxtend", "sklearn") else 1)
    with pytest.raises(ImportError, match=r"the demo needs mlxtend and sklearn: pip install divergen\[demo\]"):
        demo.run(tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(ValueError, match="Out of range"):
        report.write_json(tmp_path / "a", {"value": float("nan")})
    with pytest.raises(RuntimeError, match="half way"), files.replacing(tmp_path / "a") as file:
        file.write(b"new, but")
        raise RuntimeError("half way")
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    report.write_text(tmp_path / "a", "new\n")
    assert (tmp_path / "a").read_text() == "new\n"


def test_blas_is_kept_to_one_thread_and_set_free_again():
    from threadpoolctl import threadpool_info

    def numbers():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    before = numbers()
    with threads.one_blas_thread():
        assert numbers() <= {1}
    assert numbers() == before


def test_without_threadpoolctl_nothing_is_limited(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    threads._blas.cache_clear()  # what was found before is known
    try:
        with threads.one_blas_thread():
            assert threads._blas() == []
    finally:
        threads._blas.cache_clear()


def test_convolutions_and_more_dimensions(few_digits, tmp_path, monkeypatch):
    """Points and latents have L coordinates, the pictures show a plane of theirs, and the page says so."""
    monkeypatch.setattr(demo, "mnist", lambda: few_digits)
    summary = demo.run(tmp_path, seed=1, epochs=1, repetitions=2, network="convolutional", latent_dim=3, bars=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    assert summary["autoencoder"]["architecture"]["kind"] == "convolutional"
    assert np.array(summary["ways"][1]["shown"][0]["points"]).shape == (10, 3)
    assert VAE.load(tmp_path / "vae.npz").latent_dim == 3
    text = (tmp_path / "index.html").read_text()
    assert "principal axes" in text and "latent space of\n3 dimensions" in text
    assert "--network convolutional --latent-dim 3" in text


def test_an_interrupted_demo_goes_on_and_ends_the_same(once, few_digits, tmp_path, monkeypatch):
    """Stopped in the second of two epochs, and run again: the same autoencoder as without a stop."""
    out, _ = once
    monkeypatch.setattr(demo, "mnist", lambda: few_digits)

    real, epochs = demo.fit, []

    def interrupted(*arguments, callback, **options):
        def counted(training):
            callback(training)
            epochs.append(len(training.trace))
            if epochs == [1, 2]:
                raise KeyboardInterrupt  # the second epoch is not written any more

        return real(*arguments, callback=counted, **options)

    monkeypatch.setattr(demo, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo.run(tmp_path, seed=5, epochs=2, repetitions=3, bars=False)
    demo.run(tmp_path, seed=5, epochs=2, repetitions=3, bars=False)
    assert epochs == [1, 2, 2]
    ours, wanted = VAE.load(tmp_path / "vae.npz"), VAE.load(out / "vae.npz")
    np.testing.assert_array_equal(ours.parameters, wanted.parameters)


@pytest.mark.parametrize(("options", "message"), [
    ({"network": "recurrent"}, "network: expected 'dense' or 'convolutional', got 'recurrent'"),
    ({"latent_dim": 1}, "latent_dim: expected"),
])
def test_bad_networks_are_refused_before_the_work_begins(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        demo.run(tmp_path / "never", **options)
    assert not (tmp_path / "never").exists()


def test_an_interrupted_demo_with_another_seed_is_refused(few_digits, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "mnist", lambda: few_digits)
    real = demo.fit

    def interrupted(*arguments, callback, **options):
        def counted(training):
            callback(training)
            if len(training.trace) == 2:
                raise KeyboardInterrupt

        return real(*arguments, callback=counted, **options)

    monkeypatch.setattr(demo, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo.run(tmp_path, seed=5, epochs=3, repetitions=2, bars=False)
    with pytest.raises(ValueError, match=r"training.npz: expected an interrupted demo with the same options.*vae: "):
        demo.run(tmp_path, seed=6, epochs=3, repetitions=2, bars=False)
    assert (tmp_path / "training.npz").exists()
