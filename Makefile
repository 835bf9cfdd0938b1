# How is gridcall run, tested and measured? See `make help`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
PROFILE ?=
SPEED ?=
REPLAY ?=
WORKERS ?= 3
PYTEST_ARGS ?=
CAMPAIGN_ARGS ?=

BIN := .venv/bin
VENV := .venv/.complete
JARS := .parts/kafka-4.3.1
export PATH := $(CURDIR)/$(BIN):$(PATH)
unexport PYTHONDONTWRITEBYTECODE # a process that compiles every module anew takes twice as long to start

.PHONY: help setup prerequisites run test lint bench campaign docs lock clean reset

help: ## lists the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

$(VENV): deploy/local/requirements.lock deploy/local/uv.lock deploy/local/environment.sh
	@PYTHON='$(PYTHON)' deploy/local/environment.sh

$(JARS): deploy/local/pom.xml deploy/local/jars.sh
	@deploy/local/prerequisites.sh
	@deploy/local/jars.sh $@
	@touch $@

prerequisites:
	@deploy/local/prerequisites.sh

setup: ## makes the environment, Kafka's jars and mongod, what is missing of them
	@$(MAKE) --no-print-directory --silent -j2 $(VENV) $(JARS) prerequisites

run: setup ## starts Kafka, MongoDB and all services, replays the example day; Ctrl-C stops all of it
	@exec $(BIN)/gridcall up $(if $(PROFILE),--profile '$(PROFILE)') $(if $(SPEED),--speed '$(SPEED)') $(if $(REPLAY),--replay '$(REPLAY)')

lint: setup ## style, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## lint and every test, with a Kafka and a mongod of its own
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

bench: setup ## the benchmark; writes build/bench.json
	$(BIN)/python -m tests.bench

campaign: setup ## kills sla 50 times under 20,000 timers, with one instance and with two: is any missed or doubled?
	$(BIN)/python -m tests.campaign.timers $(CAMPAIGN_ARGS)
	$(BIN)/python -m tests.campaign.timers --instances 2 $(CAMPAIGN_ARGS)

docs: setup ## regenerates every generated document
	$(BIN)/python -m deploy.docs

lock: setup ## newest packages that resolve, into the lock files
	deploy/local/lock.sh --upgrade

clean: ## removes build products and caches, not the data and not what was downloaded
	rm -rf build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find deploy services shared tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

reset: clean ## also removes the local data
	@if [ -x $(BIN)/gridcall ]; then $(BIN)/gridcall down; fi
	rm -rf "$${GRIDCALL_DATA:-.gridcall}"
