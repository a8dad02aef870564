# make demo   the whole main line offline, to a page        make test   all tests
# make lint   style, types, layers                          make bench  speed against peers (minutes)
# make docs   pages made from tables                  make estimator   MediaPipe, beside the package (35 MB)
# VENV=path reuses an environment; PYTHON=python3.12 chooses the interpreter of a new one.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.vptbench-ready
CODE := vptbench dmm_model baselines tests benchmarks tools

.PHONY: setup estimator demo test lint format bench docs
setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $(READY)

estimator: setup
	$(BIN)/python -c "import subprocess; from vptbench.prepare.mediapipe import MediaPipe; MediaPipe().missing() is None or subprocess.run(MediaPipe().command, check=True)"

demo: setup
	$(BIN)/vptbench demo

test: setup
	$(BIN)/python -m pytest --numprocesses 2 --dist loadscope

lint: setup
	$(BIN)/ruff format --check --quiet $(CODE)
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format --quiet $(CODE)
	$(BIN)/ruff check --quiet --fix $(CODE)

docs: setup
	$(BIN)/python tools/make_metrics_page.py
	$(BIN)/python tools/make_published.py vptbench/score/published.csv
	$(BIN)/python tools/make_layouts_page.py

bench: setup
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done
