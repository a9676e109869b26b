# One-word commands. `make` alone lists them. GNU make 3.81 and a POSIX shell are enough.
# Nothing outside this directory is changed, except by `make test-deps`, which says so.

.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON := .venv/bin/python
SOURCES := src tests tools $(wildcard bench)

# Words to hand on: make run ARGS="--exit", make test TESTS=tests/vault, make soak SOAK=0.1
ARGS :=
TESTS := tests
SOAK := 1

.PHONY: help setup setup-dev run test lint bench soak mutants test-deps clean lock

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)$$/  make \1|\2/p' Makefile | \
	while IFS='|' read -r name says; do printf '%-18s %s\n' "$$name" "$$says"; done

setup: ## install into .venv, exactly what is locked; leaves .venv/bin/listbackup
	@sh tools/setup.sh run

setup-dev:
	@sh tools/setup.sh dev

run: setup ## watch a real database be backed up, checked, restored and proven (ARGS="--exit")
	@.venv/bin/listbackup demo $(ARGS)

test: setup-dev ## run the whole suite (TESTS=tests/vault for a part of it)
	@sh tools/test-deps.sh --if-ci
	@$(PYTHON) -m pytest -n 2 --dist worksteal $(TESTS) $(ARGS)

lint: setup-dev ## format, rules, types, floors of the code, and its measures
	@$(PYTHON) -m ruff format --check $(SOURCES)
	@$(PYTHON) -m ruff check $(SOURCES)
	@$(PYTHON) -m mypy $(SOURCES)
	@.venv/bin/lint-imports --no-logo
	@$(PYTHON) tools/measure.py

bench: setup-dev ## measure speed against peers, installed under bench/.peers (ARGS to choose)
	@$(PYTHON) bench/run.py $(ARGS)

soak: setup-dev ## the long proofs with their full numbers: hours (SOAK=0.1 for a tenth)
	@SOAK="$(SOAK)" $(PYTHON) -m pytest -m soak $(TESTS) $(ARGS)

mutants: setup-dev ## break the code on purpose, invariant by invariant: the tests must say no
	@$(PYTHON) tools/mutants.py $(ARGS)

test-deps: ## install Debian's PostgreSQL, for tests against it (root; starts no service)
	@sh tools/test-deps.sh

clean: ## remove what these commands made
	@rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis \
	  build dist bench/.peers bench/results
	@find . -type d -name __pycache__ -prune -exec rm -rf {} +

lock: setup-dev ## for maintainers: resolve requirements/*.txt again (needs uv)
	@sh tools/lock.sh
