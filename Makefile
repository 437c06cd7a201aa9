# Everything from a fresh clone; Python 3.11+ and make are all it needs. `make` alone lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VENV   := .venv
PY     := $(VENV)/bin/python
SAM    := .tools/sam/bin/sam
UV     := .tools/uv/bin/uv
LAB    := $(VENV)/.lab-from-lock
DEV    := $(VENV)/.made-from-lock
SAMENV := .tools/sam/.made-from-lock
UVENV  := .tools/uv/.made-from-lock
RUNTIME := .tools/runtime/.made-from-lock
BROWSER := $(VENV)/.browser-from-lock
NODE   := .tools/node/.made-from-lock

# SAM CLI: no telemetry, and no search for credentials, which costs seconds per run.
SAM_ENV := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
# `sam build` looks for python3.13 on PATH only.
WITH_313 = python313=$$(tools/find-python 3.13) && PATH="$$(dirname "$$python313"):$$PATH"

PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps

.PHONY: help
help:  ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- environments ------------------------------------------------------------------------------------------------------

# What demo, story and up need. Telephones over SIP have wheels for some machines only; elsewhere they are scripts.
$(LAB): requirements/lab.txt requirements/sip.txt pyproject.toml pstn/pyproject.toml
	@tools/install $(VENV) requirements/lab.txt requirements/sip.txt
	@$(PY) $(PIP_INSTALL) --no-build-isolation --editable . --editable pstn
	@touch $@

# The same environment with the tools of tests and checks.
$(DEV): requirements/dev.txt $(LAB)
	@tools/install $(VENV) requirements/dev.txt
	@touch $@

$(SAMENV): requirements/sam.txt
	@tools/install .tools/sam requirements/sam.txt
	@touch $@

$(UVENV): requirements/lock.txt
	@tools/install .tools/uv requirements/lock.txt
	@touch $@

# What Lambda's runtime brings by itself (boto3, the runtime interface client), for its Python.
$(RUNTIME): requirements/runtime.txt
	@echo "Installing $< into .tools/runtime"
	@rm -rf .tools/runtime/python
	@$$(tools/find-python 3.13) $(PIP_INSTALL) --require-hashes -r $< --target .tools/runtime/python
	@touch $@

# What drives the browser goes into the same environment; where it has no wheel, the tests that want it skip and say so.
$(BROWSER): requirements/browser.txt $(DEV)
	@tools/install $(VENV) $< && touch $@ || echo "The browser tests will skip."

# Generators of npm's for the tests of the OpenAPI document; where there is no npm, those tests skip and say so.
$(NODE): tests/e2e/clients/package.json tests/e2e/clients/package-lock.json
	@mkdir -p $(@D) && cp $^ $(@D)
	@echo "Installing tests/e2e/clients/package-lock.json into $(@D)"
	@(cd $(@D) && npm ci --silent --ignore-scripts --no-audit --no-fund) && touch $@ || echo "The tests of npm's generators will skip."

.PHONY: install
install: $(DEV)  ## Fill .venv in advance: lab, tests and checks (every other target does it on demand)

# -- see it work -------------------------------------------------------------------------------------------------------

.PHONY: demo up story stories cruel
demo: $(LAB)  ## Play one callback from request to CDR and print its timeline
	$(PY) -m lab demo $(ARGS)

up: $(LAB)  ## Run the local AWS and telephone network
	@exec $(PY) -m lab up $(ARGS)

.PHONY: telco
telco: $(LAB)  ## Run a stand-in telephone company, to try `make up ARGS="--trunk …"` with (Debian as root)
	@exec $(PY) -m lab telco $(ARGS)

story: $(LAB)  ## Play one case: make story CASE=callee_busy (without CASE: list them)
	$(PY) -m lab story $(CASE) $(ARGS)

stories: $(LAB)  ## Play all cases with sound and print a table of the results
	$(PY) -m lab stories $(ARGS)

cruel: CALLS = 300
cruel: $(LAB)  ## Play callbacks while everything fails that may fail on AWS: make cruel CALLS=300 ARGS="--kill worker --kill-times 3"
	$(PY) -m lab cruel --calls $(CALLS) $(ARGS)

# -- samples by hand --------------------------------------------------------------------------------------------------

.PHONY: events invoke start-api
events: $(DEV)  ## List the samples of events, and the state that each needs
	@$(PY) -m tests.by_hand events

# `sam local` needs what `make build` makes, which installs SAM.
invoke: $(DEV)  ## Run a sample against a running make up: make invoke FN=callback_api EVENT=callback_placed
	@$(PY) -m tests.by_hand invoke "$(FN)" "$(EVENT)" $(ARGS)

start-api: $(DEV)  ## Serve the API on port 3000 with functions of this clone, beside a running make up
	@exec $(PY) -m tests.by_hand start-api $(ARGS)

# -- tests -------------------------------------------------------------------------------------------------------------

.PHONY: test test-cloud test-lab test-clients test-cruel test-up test-carrier test-site test-phone screenshots test-sip test-build test-deb test-sam-local hostile iam-mutations model simulate bench bench-carriers bench-return bench-delivery bench-sweep bench-sip bench-nodes bench-console bench-memory
test: $(DEV)  ## Run the fast tests, which need neither a running lab nor SAM
	$(PY) -m pytest -n auto --dist loadfile tests --ignore=tests/e2e $(ARGS)

# Seconds are the most that it takes; the seed is of the random walks.
model: SECONDS = 165
model: SEED = 1
model: $(DEV)  ## Explore every order of events of a call, with faults: make model SECONDS=60 SEED=2
	$(PY) -m tests.model $(SECONDS) $(SEED)

hostile: REQUESTS = 100000
hostile: SEED = 1
hostile: $(DEV)  ## Send requests of a stranger to the API in process: make hostile REQUESTS=100000 SEED=2
	$(PY) -m tests.hostile $(REQUESTS) $(SEED)

iam-mutations: $(DEV)  ## Remove each statement of each role in turn and see a test fail
	$(PY) -m tests.iam_mutations bench/iam.md

simulate: CALLS = 1000
simulate: SEED = 1
simulate: $(DEV)  ## Play many calls with every fault on one clock: make simulate CALLS=10000 SEED=2; ONLY=… plays a story again
	$(PY) -m tests.simulation --calls $(CALLS) --seed $(SEED) $(if $(ONLY),--only $(ONLY)) $(ARGS)

test-cloud: $(DEV)  ## Run the laptop's cloud, over HTTP and on the real clock
	$(PY) -m pytest tests/e2e/cloud $(ARGS)

test-lab: $(DEV)  ## Run the cases over HTTP against a running lab
	$(PY) -m pytest tests/e2e/lab $(ARGS)

test-cruel: $(DEV)  ## Run `make cruel` with a few callbacks, and check what it counts
	$(PY) -m pytest tests/e2e/cruel $(ARGS)

test-up: $(DEV)  ## Run the lab's commands as a user starts them, and every block of the documents in bash and zsh
	$(PY) -m pytest tests/e2e/up $(ARGS)

test-carrier: $(DEV)  ## Deploy the stack for a second carrier, made for the test, and play three stories over it
	$(PY) -m pytest tests/e2e/carrier $(ARGS)

test-sip: $(DEV)  ## Run calls and eight cases over real SIP and RTP, checked by SIPp and by received audio
	$(PY) -m pytest tests/e2e/sip $(ARGS)

.PHONY: test-trunk
test-trunk: $(DEV)  ## Run calls over SIP trunks of a stand-in telephone company (Debian as root; skipped with the reason elsewhere)
	$(PY) -m pytest tests/e2e/trunk $(ARGS)

test-site: $(DEV) $(BROWSER)  ## Test the SP's site and the console in headless Chromium (skipped with the reason without it)
	$(PY) -m pytest tests/site tests/e2e/site tests/e2e/console $(ARGS)

test-phone: $(DEV) $(BROWSER)  ## Test SIP calls answered in headless Chromium (skipped with the reason without it)
	$(PY) -m pytest tests/phone tests/e2e/phone $(ARGS)

test-clients: $(DEV) $(NODE)  ## Place callbacks by clients generated from docs/openapi.yaml, and lint it (npm's tools)
	$(PY) -m pytest tests/e2e/clients $(ARGS)

# SCREENSHOTS names another folder.
screenshots: $(DEV) $(BROWSER)  ## Take pictures of every page in every state, into .lab/screenshots
	$(PY) -m pytest tests/e2e/site/test_looks.py tests/e2e/console/test_looks.py tests/e2e/phone/test_page.py -k looks $(ARGS)

test-build: build $(RUNTIME)  ## Run the built functions and layers with Lambda's Python
	$(PY) -m pytest tests/e2e/build $(ARGS)

test-deb: $(DEV) $(UVENV)  ## Build the Debian package, and install it over a view of this machine (root on Debian 12)
	$(PY) -m pytest tests/e2e/deb $(ARGS)

test-sam-local: build $(RUNTIME)  ## Run every function in `sam local` (Debian as root; skipped elsewhere)
	$(PY) -m pytest tests/e2e/sam_local $(ARGS)

bench: $(DEV)  ## Count and time the work of one callback; with BASE=<git ref>: compare with that commit, over SIP
	$(PY) -m bench$(if $(BASE),.compare --base $(BASE)) $(ARGS)

bench-carriers: $(DEV)  ## Time the same callbacks on the local Chime and with Carrier sip through an edge, in one run
	$(PY) -m bench.compare.carriers $(ARGS)

bench-return: $(DEV)  ## Count what answering a return call asks of AWS, at 10 and at 10,000 call memories
	$(PY) -m bench.return_calls $(ARGS)

bench-sweep: $(DEV)  ## Time the sweeper over 10,000 overdue calls, due notifications and ended calls
	$(PY) -m bench.sweep --into bench/sweep.md $(ARGS)

bench-delivery: $(DEV)  ## Measure on a jumping clock how soon an SP hears of an event while others' servers hang
	$(PY) -m bench.delivery $(ARGS)

bench-sip: $(DEV)  ## Measure 20, then 50 bridged callbacks at once over SIP and RTP, 300 in a row, and the delay of a voice
	$(PY) -m bench.sip --into bench/sip.md $(ARGS)

.PHONY: bench-trunk
bench-trunk: $(DEV)  ## Kill nodes and edges in mid-call, 20 times each, over a stand-in telephone company (Debian as root)
	$(PY) -m bench.trunk --into bench/trunk.md $(ARGS)

bench-nodes: $(DEV)  ## Measure how many bridged callbacks a node carries, dialled directly and through an edge, and the delay they add
	$(PY) -m bench.nodes --into bench/nodes.md $(ARGS)

bench-growth: $(DEV)  ## Count what callbacks cost with 10 to 100,000 stored and 1 to 500 under way, and on paper where AWS's limits end
	$(PY) -m bench.growth

bench-console: $(DEV)  ## Count the requests of the console's pages with 10,000 calls stored, and their CPU
	$(PY) -m bench.console --into bench/console.md $(ARGS)

bench-memory: $(DEV)  ## Measure by how much a lab's memory grows from 100 callbacks to 1,000
	$(PY) -m bench.memory --into bench/memory.md $(ARGS)

# -- checks ------------------------------------------------------------------------------------------------------------

.PHONY: check format lint types imports template statemachines architecture
check: lint types imports template statemachines architecture  ## Run all static checks

format: $(DEV)  ## Format, and apply ruff's fixes
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lint: $(DEV)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

types: $(DEV)
	$(PY) -m mypy

imports: $(DEV)
	$(VENV)/bin/lint-imports

template: $(SAMENV)
	$(SAM_ENV) $(SAM) validate --lint
	.tools/sam/bin/cfn-lint --regions us-east-1 eu-central-1 --template pstn.yaml

statemachines: $(DEV)
	$(PY) -m tools.lint_statemachines

architecture: $(DEV)
	$(PY) -m pytest tests/architecture

# -- build -------------------------------------------------------------------------------------------------------------

.PHONY: openapi
openapi: $(DEV)  ## Regenerate docs/openapi.yaml from the code
	$(PY) -m tools.openapi

.PHONY: build deb lock clean
build: $(DEV) $(SAMENV)  ## sam build: functions and layers as Lambda gets them, in .aws-sam
	@$(WITH_313) && $(SAM_ENV) PATH="$$PATH" $(SAM) build

deb: $(DEV) $(UVENV)  ## Build the Debian package of nodes and edges into dist (needs dpkg-deb)
	UV=$(UV) $(PY) -m tools.deb $(ARGS)

lock: $(UVENV)  ## Regenerate the lock files from the .in files
	UV=$(UV) tools/lock $(ARGS)

clean:  ## Remove build output, caches and both environments
	rm -rf .aws-sam .lab dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .tools .venv
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
