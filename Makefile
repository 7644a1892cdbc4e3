# Every target makes its own environment in .venv and installs what it needs; `make help` lists them.
PYTHON ?= python3
BIN = .venv/bin
# One thread for BLAS: on small matrices more threads cost time, and the results then do not depend on the machine.
export OPENBLAS_NUM_THREADS = 1
export OMP_NUM_THREADS = 1

.DEFAULT_GOAL = help
.PHONY: help demo test docs site lint vectors bench experiments clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 21

.venv/bin/python:
	$(PYTHON) -m venv .venv

# One stamp for each extra: installing again only when setup.cfg has changed.
.venv/installed-%: setup.cfg pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@

DEMO_OUT = build/demo
DEMO_OPTIONS =

demo: .venv/installed-demo  ## train on handwritten digits, draw from them four ways, write build/demo/
	$(BIN)/python -m divergen demo --out $(DEMO_OUT) $(DEMO_OPTIONS)

test: .venv/installed-test  ## run the whole test suite, the examples in docstrings and the tutorials
	$(BIN)/python -m pytest

docs: .venv/installed-docs  ## build the book in build/docs (warnings are errors); needs npm for MathJax
	$(BIN)/python docs/get_mathjax.py
	$(BIN)/python -m sphinx -W -n --keep-going -q -b html docs build/docs
	@echo "The book is in build/docs/index.html"

site: docs .venv/installed-site  ## test the built book in Chromium, with the network off
	DIVERGEN_SITE_REQUIRED=1 $(BIN)/python -m pytest tests/site

lint: .venv/installed-lint  ## ruff, mypy, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=reference $(BIN)/lint-imports --no-cache

vectors: .venv/installed-test  ## compute a part of the golden values again with mpmath, and compare
	$(BIN)/python tools/make_vectors.py --check --quick

bench: .venv/installed-bench  ## side-by-side timings against other libraries, into docs/results; about 15 minutes
	@$(BIN)/python -m pip install --quiet goodpoints || echo "goodpoints needs a C compiler; going on without it"
	$(BIN)/python benchmarks/run_all.py

experiments: .venv/installed-demo  ## train everything whose results the book shows, into docs/results; about an hour
	for script in experiments/*.py; do echo; echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:  ## remove build/ and .venv/
	rm -rf build .venv
