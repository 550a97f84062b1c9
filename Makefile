# Everything a person or CI does here. `make run` and `make test` need Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
HISTORIES ?= 20
EVENTS ?= 100000,1000000
# For every platform and every Python from 3.11 on, whichever machine writes it
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.PHONY: setup setup-dev run test test-api test-walls test-faults test-fuzz test-snippets test-sdk test-billing check bench-gateway bench-billing bench-inference bench-scale bench-pages screenshots format lock protos clean

setup: $(VENV)/.base

setup-dev: $(VENV)/.dev

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "cloudconsole needs Python 3.11 or newer; name it with: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.base: requirements/base.txt | $(VENV)/.venv
	@echo "Installing what the cloud needs (once; about a minute)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@echo "Installing what the tests need (once)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

run: setup  ## start the whole cloud with the demo account; Ctrl-C stops it
	@exec $(BIN)/python manage.py up

# Suites with a target of their own, which CI runs too
APART := tests/snippets tests/sdk tests/gateway/fuzz tests/gateway/shared tests/faults/test_operation_storm.py \
	tests/faults/test_import_storm.py tests/faults/test_every_step.py tests/faults/test_kill_anything.py

test: setup-dev  ## the tests, in two processes with a PostgreSQL and a Redis each
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(APART:%=--ignore %)

test-walls: setup-dev  ## what one cluster can learn of another: nothing, on nodes of their own and on a shared server
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/gateway/shared

test-faults: setup-dev  ## kills, pauses, storms and clocks that jump, at length; `make test` has short forms of some
	CLOUDCONSOLE_FAULT_ROUNDS=$${CLOUDCONSOLE_FAULT_ROUNDS:-2} $(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/faults tests/gateway/test_inference_faults.py

test-fuzz: setup-dev  ## odd requests and random bytes at the data plane; FUZZ_EXAMPLES=1000 for a long night
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),5) $(BIN)/python -m pytest tests/gateway/fuzz

test-snippets: setup-dev  ## every program of the Inference tab, built and run with the toolchains of this machine
	$(BIN)/python -m pytest tests/snippets

test-api: setup-dev  ## many made-up requests to every operation of the admin API
	API_EXAMPLES=$${API_EXAMPLES:-40} $(BIN)/python -m pytest -n0 tests/api/test_any_request.py

test-sdk: setup-dev  ## the official Python and JavaScript clients against a whole cloud, every method once
	$(BIN)/python -m pytest tests/sdk

test-billing: setup-dev  ## random histories and a storm of kill -9 at length, in less than four minutes
	BILLING_HISTORIES=$(HISTORIES) BILLING_STORM_SECONDS=60 $(BIN)/python -m pytest tests/billing/test_invariants.py tests/billing/test_closing_under_fire.py

check: setup-dev  ## linters, types, import directions, deployment settings, migrations, generated code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	CLOUDCONSOLE_HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python -W ignore manage.py makemigrations --check --dry-run
	$(BIN)/python -m cloudconsole.api.generate --check
	$(BIN)/python -W ignore manage.py openapi | $(BIN)/openapi-spec-validator -

bench-gateway: setup-dev  ## engine, node and gateway side by side, in about two minutes; SIZES="--points 200000" and so on
	$(BIN)/python -m tests.benchmarks.gateway $(SIZES)

bench-billing: setup-dev  ## recording, closing and exporting; EVENTS=100000,1000000,5000000 takes about ten minutes
	BENCH_EVENTS=$(EVENTS) $(BIN)/python -m pytest -q -s tests/benchmarks/bench_billing.py

bench-inference: setup-dev  ## bare model, fastembed, worker and whole path side by side, in about four minutes
	$(BIN)/python -m tests.benchmarks.inference

bench-scale: setup-dev  ## 10,000 clusters in 100 accounts: pages, calls and beat tasks beside those of 100 clusters, in about a minute
	$(BIN)/python -m pytest tests/benchmarks/bench_scale.py --capture no

bench-pages: setup-dev  ## every page with 1,000 clusters and BENCH_EVENTS=5000000 usage events: server and first content
	BENCH_EVENTS=$${BENCH_EVENTS:-100000} $(BIN)/python -m pytest tests/benchmarks/bench_pages.py --capture no

screenshots: setup-dev  ## every page, light, dark and narrow, into screenshots/; the README's three into docs/images/
	$(BIN)/python -m tests.screenshots --readme

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

protos: setup-dev  ## regenerate the API's messages from its .proto files
	$(BIN)/python -m cloudconsole.api.generate

lock: setup-dev  ## renew the pinned versions
	$(COMPILE) --upgrade --output-file requirements/base.txt requirements/base.in
	$(COMPILE) --upgrade --output-file requirements/dev.txt requirements/dev.in

clean:  ## remove the virtual environment, caches and the embedded cloud's data
	@if [ -x $(BIN)/python ]; then $(BIN)/python manage.py delete_data; fi
	rm -rf $(VENV) .cloud .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
