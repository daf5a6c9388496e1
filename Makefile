# Two commands on a fresh machine: `make app` and `make test`. Both set up what they need.

PYTHON ?= python3
VENV ?= .venv
TOOLS ?= .venv-tools
PORT ?= 8501
MINUTES ?= 30
SERVICE ?= pypi
BIN := $(VENV)/bin

# Nothing is installed but what a lock names by version and checksum. Only wheels are taken; the one
# package that has none is built with the setuptools of requirements-build.lock.
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes \
  --only-binary :all: --no-binary grad-cam --no-build-isolation
PYTEST = $(BIN)/python -m pytest -n 3 --dist worksteal
LOCK = $(TOOLS)/bin/uv pip compile --quiet --no-progress $(UPGRADED)
CYCLONEDX = $(TOOLS)/bin/python -W ignore::UserWarning -m cyclonedx_py
SBOM := --pyproject pyproject.toml --output-reproducible
UPGRADED = $(if $(filter all,$(UPGRADE)),--upgrade,$(addprefix --upgrade-package=,$(UPGRADE)))

.DEFAULT_GOAL := help
.PHONY: help app node test test-long test-tools coverage lint fuzz bench model anatomy lock licences sbom audit clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

app: $(VENV)/app.stamp ## Set up and open the app on http://127.0.0.1:8501
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

node: $(VENV)/app.stamp ## Receive images from the DICOM network (docs/deployment.md)
	$(BIN)/python -m vmcore.clinic.network.node

test: $(VENV)/test.stamp test-tools ## Set up and run the tests, the browser's included
	$(PYTEST) -m "not long"

test-long: $(VENV)/test.stamp test-tools ## Set up and run those that take long: kills, clusters, whole days
	$(PYTEST) -m long

test-tools: # what tests talk to, and the package index does not have
	@sh tests/browser/install-chromium.sh
	@sh tests/runs/install-slurm.sh
	@sh tests/clinic/install-dicom-tools.sh

coverage: $(VENV)/test.stamp test-tools ## Run every test and say what none of them reaches
	$(PYTEST) --cov --cov-report=term

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
	$(BIN)/python -m train.looking --data $(DATA)
	$(BIN)/python -m train.card

anatomy: $(VENV)/app.stamp ## Make the anatomy model again: make anatomy DATA=folder
	$(BIN)/python $(INSTALL) --no-deps --upgrade --target build/imagenet -r requirements-imagenet.lock
	PYTHONPATH=build/imagenet $(BIN)/python -m train.anatomy --data $(DATA)
	$(BIN)/python -m train.card

lock: $(TOOLS)/tools.stamp ## Lock requirements with checksums: make lock [UPGRADE=package, or all]
	$(LOCK) requirements-build.txt -o requirements-build.lock
	$(LOCK) requirements.txt -c requirements-build.txt -o requirements.lock
	$(LOCK) requirements-test.txt -c requirements.lock -o requirements-test.lock
	$(LOCK) requirements-tools.txt -c requirements-test.lock -o requirements-tools.lock

licences: $(VENV)/test.stamp ## List the licences of everything that is installed
	$(BIN)/python -m supply.licences

sbom: $(VENV)/app.stamp $(TOOLS)/tools.stamp ## Write a CycloneDX bill of materials to build/
	mkdir -p build
	$(CYCLONEDX) requirements requirements.lock $(SBOM) -o build/sbom-locked.json
	$(CYCLONEDX) environment $(VENV) $(SBOM) -o build/sbom-installed.json

audit: $(TOOLS)/tools.stamp ## Ask for known vulnerabilities of everything that is locked
	$(TOOLS)/bin/python -m supply.audit --service $(SERVICE)

clean: ## Remove what these commands made
	rm -rf $(VENV) $(TOOLS) build/sbom-*.json .pytest_cache .mypy_cache .ruff_cache .coverage

define venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.11 ..."; exit 1; }
@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
  { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
$(1)/bin/python $(INSTALL) -r requirements-build.lock
endef

$(VENV)/app.stamp: requirements-build.lock requirements.lock
	$(call venv,$(VENV))
	$(BIN)/python $(INSTALL) -r requirements.lock
	touch $@

$(VENV)/test.stamp: requirements-test.lock $(VENV)/app.stamp
	$(BIN)/python $(INSTALL) -r requirements-test.lock
	touch $@

$(TOOLS)/tools.stamp: requirements-build.lock requirements-tools.lock
	$(call venv,$(TOOLS))
	$(TOOLS)/bin/python $(INSTALL) -r requirements-tools.lock
	touch $@
