"""Shared fixtures: reproducible hypothesis, a seeded generator, and the array libraries at hand."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy starts: threads cost more than they bring here

import array_api_strict
import hypothesis
import numpy as np
import pytest

import divergen  # noqa: F401  before pytest imports modules one by one for their examples

hypothesis.settings.register_profile("default", deadline=None, max_examples=60)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=60, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def _cupy():
    """Return CuPy if there is a GPU that it can use; importing it alone proves nothing."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    if not cupy.is_available():
        pytest.skip("CuPy is installed, but there is no GPU")
    return cupy


@pytest.fixture(params=["array_api_strict", "cupy"])
def library(request):
    """An array library other than NumPy; tests that use it run on the GPU where there is one, and skip visibly."""
    return array_api_strict if request.param == "array_api_strict" else _cupy()


@pytest.fixture
def rng():
    return np.random.default_rng(20231122)
