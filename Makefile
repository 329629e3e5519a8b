# Babelmill. `make help` lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := babelmill gateway job_service translation_worker media_worker
MINUTES ?= 30
SEED ?= 1
CHAOS ?= both
BENCHES ?= submit watch gateway translate transcode segments

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# The stamp makes a second run quick: it is older than the lock file only
# when what is installed is not what the lock file says.
$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: install
install: $(VENV)/installed ## Set up the virtual environment

.PHONY: demo
demo: install ## Start everything, translate and transcode for real, stop
	@$(BIN)/babelmill-stack demo

.PHONY: up
up: install ## Start the stack and leave it running
	@$(BIN)/babelmill-stack up

.PHONY: down
down: install ## Stop the stack
	@$(BIN)/babelmill-stack down

.PHONY: status
status: install ## Show what runs
	@$(BIN)/babelmill-stack status

.PHONY: test
test: install ## Run the whole suite against real servers
	@$(BIN)/python -m tests.suite

.PHONY: faults
faults: install ## Inject every fault that this machine can; renews the table in docs/reliability.md
	$(BIN)/python -m pytest tests/faults -m "" --timeout 600 --fault-table docs/reliability.md

.PHONY: slow
slow: install ## Run what `make test` leaves out for its length, but the faults
	$(BIN)/python -m pytest -m slow --ignore tests/faults --timeout 900

.PHONY: soak
soak: install ## Chaos for MINUTES by SEED; CHAOS=both gives half of them to a run in peace
	$(BIN)/python -m tests.faults.chaos.soak --minutes $(MINUTES) --seed $(SEED) --chaos $(CHAOS)

.PHONY: unit
unit: install ## Run the tests that need no server
	$(BIN)/python -m pytest tests/unit tests/architecture

.PHONY: lint
lint: install ## Check style, types, import rules and the contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/python tests/architecture/proto_breaking.py

.PHONY: format
format: install ## Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: stubs
stubs: install ## Generate the Python stubs from protos/
	$(BIN)/python protos/generate.py

.PHONY: rows
rows: install ## List the mission's rows with no test
	@$(BIN)/python tests/rows.py

.PHONY: bench
bench: install ## Measure beside others what BENCHES names; prints ratios
	@for name in $(BENCHES); do echo "== $$name"; $(BIN)/python bench/$$name.py || exit 1; done

.PHONY: ci-tools
ci-tools: install ## Install what a laptop may lack (Debian packages, Node modules, Go tools)
	bash tests/interop/install_tools.sh

.PHONY: lock
lock: ## Renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --upgrade pyproject.toml -o requirements.lock
