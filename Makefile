# Two commands set up everything on a machine with Python 3.11 or later, git and make:
#   make run     installs into .venv and benchmarks the four variants on built-in synthetic pairs
#   make test    installs into .venv with the developers' tools and passes every check

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: run test check
.DELETE_ON_ERROR:

run: $(VENV)/installed
	$(BIN)/csmae-bench run --time-budget 4m30s

test: $(VENV)/installed-dev check

check:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist worksteal

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11: say make PYTHON=python3.12, or whichever is there"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/installed
