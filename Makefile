# Targets for people and for CI. Everything runs from .venv, which `make setup` makes from Python alone.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint format models bench clean
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -c pytools/pyproject.toml --rootdir=.

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

setup: ## make .venv with deepcohort and nextflow; does nothing when done
	@command -v $(PYTHON) >/dev/null || { echo "setup: error: $(PYTHON) is not on PATH; install Python 3.11 to 3.13, or: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) pytools/bootstrap.py

demo: setup ## simulate a small cohort, call it, open the report (results/demo)
	$(BIN)/nextflow run . -profile demo --outdir results/demo -work-dir work/demo -resume

lint: setup ## ruff and mypy
	$(BIN)/ruff check --config pytools/pyproject.toml pytools tests
	$(BIN)/ruff format --check --config pytools/pyproject.toml pytools tests
	cd pytools && ../$(BIN)/mypy deepcohort

format: setup ## let ruff put the code in order
	$(BIN)/ruff check --fix --config pytools/pyproject.toml pytools tests
	$(BIN)/ruff format --config pytools/pyproject.toml pytools tests

test: lint ## everything CI needs: set-up, lint, types, all tests with real Nextflow runs
	$(PYTEST) -n 2 --dist loadgroup -m "not nightly" tests/python

check: lint ## quick: lint, types, all tests that do not start Nextflow
	$(PYTEST) -n 2 --dist loadgroup -m "not nightly and not pipeline and not slow" tests/python

bench: setup ## the benchmarks of tests/benchmarks
	$(BIN)/python -m tests.benchmarks

clean: ## remove results and caches, keep .venv
	rm -rf work .nextflow .nextflow.log* results .pytest_cache .mypy_cache .ruff_cache
