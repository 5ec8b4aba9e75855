# `make demo` and `make test` need Python 3.11+ with pip and venv, and nothing else.
PYTHON ?= python3
FRAMEWORK ?= torch
ARGS ?=
EXTRAS = $*
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
INPUTS := pyproject.toml constraints.txt hatch_build.py $(wildcard src/gradclip/kernels/cpu/c/*)

.PHONY: help demo test lint docs bench clean

help:  ## Say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: .venv/.demo-$(FRAMEWORK)  ## Train on MNIST and watch the gradients: FRAMEWORK=torch ARGS="--steps 300"
	$(BIN)/gradclip demo --framework $(FRAMEWORK) $(ARGS)

# One thread a worker: on two cores more of them wait for each other, at ten times the time.
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: export TF_NUM_INTRAOP_THREADS = 1
test: export TF_NUM_INTEROP_THREADS = 1
test: export TF_CPP_MIN_LOG_LEVEL = 3
test: .venv/.dev  ## Run every test: ARGS="tests/torch -k norm"
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

lint: .venv/.dev  ## Check format, lint, types, layers and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

docs: .venv/.dev  ## Build the documentation into site/
	$(BIN)/mkdocs build --strict

bench: .venv/.dev  ## Measure speed and edge cases beside the frameworks' own clipping
	$(BIN)/python -m benchmarks.speed
	$(BIN)/python -m benchmarks.edge_cases

clean:  ## Remove what the other targets made
	rm -rf .venv site runs

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "gradclip needs Python 3.11 or newer, got $$($(PYTHON) --version). Try: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'

.venv/.demo-numpy: $(INPUTS) | .venv/bin/python
	@echo "Installing gradclip into .venv ..."
	$(PIP) --editable .
	@touch $@

.venv/.demo-keras: EXTRAS = keras,tensorflow
.venv/.demo-%: $(INPUTS) | .venv/bin/python
	@echo "Installing gradclip and $* into .venv (once; some minutes) ..."
	$(PIP) --editable '.[$(EXTRAS)]'
	@touch $@

.venv/.dev: $(INPUTS) | .venv/bin/python
	@echo "Installing all frameworks and the tools into .venv (once; some minutes) ..."
	$(PIP) --editable '.[torch,tensorflow,jax,keras]' --group test --group trainers --group lint --group docs --group bench
	@touch $@ .venv/.demo-numpy .venv/.demo-torch .venv/.demo-tensorflow .venv/.demo-jax .venv/.demo-keras
