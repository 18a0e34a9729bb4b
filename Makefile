# Targets for people and for CI. Everything runs from .venv, which `make setup` makes from Python alone.
.DEFAULT_GOAL := help
.PHONY: setup-train wheel popgen-models sbom fuzz nightly help setup demo test check lint format models bench clean
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -c pytools/pyproject.toml --rootdir=.

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

setup: ## make .venv with deepcohort and nextflow; does nothing when done; TRAIN=1: with torch, tests and lint
	@command -v $(PYTHON) >/dev/null || { echo "setup: error: $(PYTHON) is not on PATH; install Python 3.11 to 3.14, or: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) pytools/bootstrap.py $(if $(TRAIN),--train)

setup-train: # what the targets below need: everything
	@$(MAKE) --no-print-directory setup TRAIN=1

demo: setup ## simulate a small cohort, call it, open the report (results/demo)
	$(BIN)/nextflow run . -profile demo --outdir results/demo -work-dir work/demo -resume

lint: setup-train ## ruff and mypy
	$(BIN)/ruff check --config pytools/pyproject.toml pytools tests
	$(BIN)/ruff format --check --config pytools/pyproject.toml pytools tests
	cd pytools && ../$(BIN)/mypy deepcohort

format: setup-train ## let ruff put the code in order
	$(BIN)/ruff check --fix --config pytools/pyproject.toml pytools tests
	$(BIN)/ruff format --config pytools/pyproject.toml pytools tests

test: lint ## everything CI needs: set-up, lint, types, all tests with real Nextflow runs
	$(PYTEST) -n 2 --dist loadgroup -m "not nightly" tests/python

check: lint ## quick: lint, types, all tests that do not start Nextflow
	$(PYTEST) -n 2 --dist loadgroup -m "not nightly and not pipeline and not slow" tests/python

models: setup-train ## train the shipped models again; REFERENCE=ref.fa PLANT=truth.vcf.gz CONFIDENT=truth.bed JOBS=n RECIPE=name or file
	$(BIN)/python pytools/make_models.py --work work/models --output assets/models --jobs $(or $(JOBS),1) \
	    $(if $(REFERENCE),--reference $(REFERENCE)) $(if $(PLANT),--plant $(PLANT)) \
	    $(if $(CONFIDENT),--plant-confident $(CONFIDENT)) $(foreach recipe,$(RECIPE),--recipe $(recipe))

popgen-models: setup-train ## train the shipped population genetic models again (assets/models/popgen)
	for name in balancing:4000 sweep:1200; do \
	    task=$${name%%:*}; loci=$${name##*:}; \
	    $(BIN)/deepcohort popgen simulate --task $${task}_any --loci $$loci --seed 1 --output work/popgen/$$task && \
	    $(BIN)/deepcohort popgen train --simulations work/popgen/$$task --output work/popgen/run_$$task \
	        --config assets/models/popgen/$$task.toml --name $$task && \
	    cp work/popgen/run_$$task/$$task.dcpop work/popgen/run_$$task/$$task.md assets/models/popgen/ || exit; \
	done

BENCH := work/bench
bench: setup ## measure call, genotype and evaluate on simulated data (work/bench; an hour)
	mkdir -p $(BENCH)
	[ -f $(BENCH)/reads/simulation.json ] || $(BIN)/deepcohort simulate --output $(BENCH)/reads --samples 1 \
	    --genome-bp 2000000 --contigs 1 --coverage 30
	$(BIN)/python tests/benchmarks/call_cost.py --reads $(BENCH)/reads/sample1.bam \
	    --reference $(BENCH)/reads/reference.fa --region chr1:1-2000000 --work $(BENCH)/call --table $(BENCH)/call.md
	$(BIN)/python tests/benchmarks/joint_scale.py --samples 10 100 --mb 1 --work $(BENCH)/joint \
	    --table $(BENCH)/joint.tsv --plot $(BENCH)/joint.png
	$(BIN)/python tests/benchmarks/evaluate_genome.py --folder $(BENCH)/evaluate --records 500000

fuzz: setup-train ## thousands of spoilt files against every reader (hours; nightly)
	$(PYTEST) -n 2 --dist loadgroup -m nightly tests/python/production/test_fuzz.py

nightly: setup-train ## all that takes hours: struck runs, training, Slurm, nf-test (if installed); with make fuzz
	$(PYTEST) -m nightly --ignore=tests/python/production/test_fuzz.py tests/python
	if command -v nf-test >/dev/null; then PATH="$$PWD/$(BIN):$$PATH" nf-test test --ci tests/nextflow; fi

wheel: setup ## the Python package with its models, as one file (dist/)
	.tools/bin/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist pytools

sbom: ## bill of materials of the container images (work/sbom-*.json)
	mkdir -p work
	for variant in cpu cuda; do $(PYTHON) pytools/container_lock.py --variant $$variant --sbom > work/sbom-$$variant.json; done

clean: ## remove results and caches, keep .venv
	rm -rf work .nextflow .nextflow.log* results .nf-test .pytest_cache .mypy_cache .ruff_cache
