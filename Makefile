.DEFAULT_GOAL := help
.PHONY: help setup demo test test-oldest simulate simulate-service simulate-registry simulate-monitor simulate-retraining simulate-template lint types layers docs wheel package smoke check bench bench-train bench-predict bench-evaluate bench-tracking bench-log bench-serve bench-monitor bench-parity bench-defaults bench-check bench-precision year soak lock clean

export UV_COMPILE_BYTECODE := 1
export UV_SYSTEM_CERTS ?= 1
export OMP_WAIT_POLICY := passive
PYTHON ?= python3
UV := $(CURDIR)/.tools/bin/uv
BIN := .venv/bin
LOCKED := --require-hashes --quiet

help:  ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(UV): requirements/bootstrap.txt
	@echo "Setting up: uv"
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "mlkit needs Python 3.11 or later"'
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

setup: .venv/.done  ## Make the development environment, with uv and pinned packages

.venv/.done: requirements/dev.txt pyproject.toml $(UV)
	@echo "Setting up: the development environment"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@$(UV) pip sync --python .venv $(LOCKED) requirements/dev.txt
	@$(UV) pip install --python .venv --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(UV)  ## Generate a project from the template, train, and score: start here
	@$(PYTHON) examples/demo.py $(UV)

test: setup  ## Run the whole suite
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal --durations 15

lint: setup  ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## Check types, strictly
	$(BIN)/mypy

layers: setup  ## Check the fence and the layers
	$(BIN)/lint-imports

docs: setup  ## Build the documentation; a warning is an error
	$(BIN)/sphinx-build -q -W -n -b html docs docs/_build/html

wheel: setup  ## Build the wheel
	@rm -rf dist
	$(UV) build --quiet --no-build-isolation --python .venv --out-dir dist

package: wheel  ## Check what would be published, and the repository's own order
	$(BIN)/validate-pyproject pyproject.toml
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/repo-review .

smoke: wheel  ## Try the built wheel in clean environments: plain, and with [train]
	bash .ci/smoke $(UV) $(PYTHON)

check: lint types layers docs package smoke  ## Run every check but the tests

test-oldest: $(UV) requirements/oldest.txt  ## Run the library's tests on the oldest packages admitted
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-oldest
	@$(UV) pip sync --python .venv-oldest $(LOCKED) requirements/oldest.txt
	@$(UV) pip install --python .venv-oldest --quiet --no-deps --no-build-isolation --editable .
	OMP_NUM_THREADS=1 .venv-oldest/bin/pytest -n 2 --dist worksteal -m "not slow" $(addprefix tests/,core scoring training registry serving history monitoring retraining)

simulate: setup  ## Run in full what CI runs in part: 1,000 simulations, 2,000 programs
	OMP_NUM_THREADS=1 SIMULATIONS=1000 $(BIN)/pytest -n 2 -m slow tests/training/judging tests/training/compilation

simulate-service: setup  ## Change, kill and load the service in full
	OMP_NUM_THREADS=1 SIMULATIONS=1000 $(BIN)/pytest -m slow tests/serving

simulate-registry: setup  ## Kill the registry at each of its writes, and train everything twice: an hour
	OMP_NUM_THREADS=1 SIMULATIONS=1000 $(BIN)/pytest -m slow -k "kill or environments" tests/registry

simulate-retraining: setup  ## Kill a retraining at 120 of its writes, and do each again
	OMP_NUM_THREADS=1 SIMULATIONS=1000 $(BIN)/pytest -m slow tests/retraining tests/test_year.py

simulate-template: setup  ## Make, install and test a project of all answers, and update from all releases: an hour
	OMP_NUM_THREADS=1 SIMULATIONS=1000 $(BIN)/pytest -n 2 tests/template/test_matrix.py tests/template/test_updates.py

simulate-monitor: setup  ## Count false alarms of monitoring on 1,000 windows, and what it detects
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/false_alarms.py

bench: bench-train bench-predict bench-evaluate bench-tracking bench-log bench-serve bench-monitor  ## Measure speed and memory side by side with others

bench-train: setup  ## Measure training beside plain scikit-learn
	$(BIN)/python benchmarks/train_flights.py

bench-predict: setup  ## Measure prediction beside scikit-learn and MLflow; ARGS=--quick for few calls
	$(BIN)/python benchmarks/predict.py $(ARGS)

bench-evaluate: setup  ## Measure bootstrap intervals beside a loop over scikit-learn's metrics
	$(BIN)/python benchmarks/evaluate.py

bench-tracking: setup  ## Measure what tracking adds to a training run
	$(BIN)/python benchmarks/tracking.py

bench-log: setup  ## Measure what the prediction log adds to a request
	$(BIN)/python benchmarks/log.py

bench-serve: setup  ## Measure serving beside MLflow, MLServer and FastAPI; ARGS=--quick for short
	$(BIN)/python benchmarks/serve.py $(ARGS)

bench-monitor: setup  ## Measure monitoring beside Evidently, and hold its figures against it
	$(BIN)/python benchmarks/monitor.py $(ARGS)
	$(BIN)/python benchmarks/monitor_parity.py

year: setup  ## Live through a year of flights: serve, label, watch, retrain; half an hour
	$(BIN)/python examples/year.py $(or $(FOLDER),.year)

soak: setup  ## Serve at full rate for minutes, and see that nothing grows; ARGS=60 for an hour
	$(BIN)/python benchmarks/soak.py $(ARGS)

bench-defaults: setup  ## Hold defaults against scikit-learn's obvious pipeline, on eleven tables
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/defaults.py

bench-parity: setup  ## Hold compiled models against their pipelines, on every real row
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/parity.py

bench-check: setup  ## Measure checking 500 files beside ruff and flake8
	$(BIN)/python benchmarks/check.py $(ARGS)

bench-precision: setup  ## Count what the rules find in the sources of others, true and false
	$(BIN)/python benchmarks/precision.py

lock: export UV_CUSTOM_COMPILE_COMMAND := make lock
COMPILE := pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate
lock: $(UV)  ## Pin anew; add ARGS=--upgrade for newer packages
	$(UV) $(COMPILE) $(ARGS) pyproject.toml --extra train --extra tune --extra sign --extra registry --extra serve --extra monitor --group test --group check --group docs \
		-o requirements/dev.txt
	$(UV) $(COMPILE) $(ARGS) pyproject.toml --extra train --extra tune --extra sign --extra registry --extra serve --extra monitor --group test --group oldest \
		--resolution lowest-direct -o requirements/oldest.txt
	$(UV) $(COMPILE) $(ARGS) --group demo -o requirements/demo.txt
	# The peer reads the pipeline that the development environment wrote.
	sed -nE 's/^((lightgbm|msgspec|numpy|pandas|scikit-learn|structlog)==[^\]*).*/\1/p' requirements/dev.txt \
		| $(UV) $(COMPILE) $(ARGS) - --group bench -o requirements/bench.txt
	# Both sides shall compute with the same numpy and scipy.
	sed -nE 's/^((numpy|scipy)==[^\]*).*/\1/p' requirements/dev.txt \
		| $(UV) $(COMPILE) $(ARGS) - --group bench-monitor -o requirements/bench-monitor.txt
	echo uv | $(UV) $(COMPILE) $(ARGS) - -o requirements/bootstrap.txt

clean:  ## Remove everything that was made
	rm -rf .venv .venv-oldest .tools .demo .year benchmarks/.peers dist build docs/_build .pytest_cache .ruff_cache .mypy_cache
