# `make demo` and `make test` need Python 3.11+ with pip and venv, and nothing else; the tests of
# pages Chromium besides (apt-get install chromium), unless GRADCLIP_NO_BROWSER=1 leaves them out.
PYTHON ?= python3
FRAMEWORK ?= torch
ARGS ?=
EXTRAS = $*
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
INPUTS := pyproject.toml constraints.txt hatch_build.py $(wildcard src/gradclip/kernels/cpu/c/*)

.PHONY: help demo test test-long test-triton lint docs bench clean

help:  ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/.demo-$(FRAMEWORK)  ## Train on MNIST and watch the gradients: FRAMEWORK=torch ARGS="--steps 300"
	$(BIN)/gradclip demo --framework $(FRAMEWORK) $(ARGS)

# One thread a worker: on two cores more of them wait for each other, at ten times the time.
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: export TF_NUM_INTRAOP_THREADS = 1
test: export TF_NUM_INTEROP_THREADS = 1
test: export TF_CPP_MIN_LOG_LEVEL = 3
test: .venv/.dev  ## Run the tests that take seconds: ARGS="tests/torch -k norm"
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(or $(ARGS),-m "not long")
	$(if $(ARGS),,$(MAKE) test-triton)

test-long:  ## Run the tests that take minutes, which CI runs too
	$(MAKE) test ARGS="-m long"

# An environment of its own: TensorFlow and Triton cannot be loaded into one process. Left out of
# the torch room's tests are those of what only the host can do, or what takes minutes here.
TRITON_TESTS := tests/kernels/cuda tests/benchmarks/test_gpu.py tests/torch/test_clip_grad.py \
  tests/torch/test_on_gpu.py tests/instrumenting/torch/test_on_gpu.py \
  --deselect tests/torch/test_clip_grad.py::test_a_norm_at_the_threshold_is_not_clipped \
  --deselect tests/torch/test_clip_grad.py::test_autograd_knows_what_was_written \
  --deselect tests/torch/test_clip_grad.py::test_the_norm_is_right_at_thirty_million_entries \
  --deselect tests/torch/test_clip_grad.py::test_it_runs_inside_a_compiled_step
TRITON_INTERPRET ?= 1
test-triton: export TRITON_INTERPRET := $(TRITON_INTERPRET)
test-triton: export GRADCLIP_NO_C = 1
test-triton: export OMP_NUM_THREADS = 1
test-triton: .venv-triton/.dev  ## Run the CUDA kernels in Triton's interpreter; on a GPU: TRITON_INTERPRET=0
	.venv-triton/bin/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(TRITON_TESTS)

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
	$(BIN)/python -m benchmarks.gpu
	$(BIN)/python -m benchmarks.edge_cases
	$(BIN)/python -m benchmarks.recording

clean:  ## Remove what the other targets made
	rm -rf .venv .venv-triton site runs

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
	$(PIP) --editable '.[torch,tensorflow,jax,keras,export]' --group test --group trainers --group sinks --group lint --group docs --group bench
	@touch $@ .venv/.demo-numpy .venv/.demo-torch .venv/.demo-tensorflow .venv/.demo-jax .venv/.demo-keras

.venv-triton/.dev: $(INPUTS) | .venv/bin/python
	@echo "Installing gradclip, PyTorch and Triton into .venv-triton (once; some minutes) ..."
	$(BIN)/python -m venv .venv-triton
	$(subst -m pip,-m pip --python .venv-triton/bin/python,$(PIP)) --editable '.[torch]' --group triton
	@touch $@
