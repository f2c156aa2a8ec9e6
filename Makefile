# Needs only make and Python 3.11 or newer (with its venv module); everything else is installed into $(VENV).
#
#   make demo    the shipped coordinator ruleset over a recorded hour of a node: a timeline of decisions with reasons
#   make serve   an agent on a simulated node with eight GPUs and traffic: open the address that it prints
#   make agent-story  an agent through heat, two clients that hold, a wrong edit, a good one and a crash, in a minute
#   make story   a recorded node drives real transfers to a real S3 server: a timeline with the rules behind each step
#   make story-alerts  GPUs heat up, and a real Alertmanager that dies meanwhile hears of all of it
#   make backtest  a simulated month of four nodes of eight GPUs, what coordinator would have done, and a report on it
#   make test    installs what the tests need and runs them, some 7 minutes on two cores
#   make test-all  the same and the exhaustive tests, as CI does, some 11 minutes
#   make quick   format, lint, types and the quick unit tests, for while you write: under a minute
#   make check   what developers run before a commit: format, lint, types, contracts, tests
#   make api     asks a running agent thousands of generated requests: every operation, no 5xx, answers as described
#   make bench   measures decisions beside other engines and hand-written Python, and loading, on this machine
#   make soak    runs the agent for a simulated day of every shipped ruleset, and 10 minutes with faults at random
#   make proofs  asks z3 and the prover the same questions about 100,000 random pairs of conditions (an hour or so)
#   make docs    renews the generated pages and the JSON Schema
#   make new-check CODE=GPR712 NAME=my-check   writes the skeleton of a lint check, its fixtures and registration
#   make pictures  draws what the commands print, for the docs
#   make page-pictures  takes pictures of the page of gpurules serve, in Chromium, after some minutes on a busy node
#   make site    builds the documentation site into build/site, strict: no broken link or anchor; it works offline
#   make dist    builds and checks the wheel and the source distribution, with a bill of materials
#   make changelog VERSION=x.y.z   collates changelog.d into CHANGELOG.md
#   make clean   removes everything that the other targets made

# The first Python on the PATH that is new enough; override it with `make PYTHON=/path/to/python3.12 …`.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 python,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PYTEST_ARGS ?= -n auto --dist worksteal

DEMO := gpurules/demo

.DEFAULT_GOAL := help
.PHONY: help demo api backtest serve agent-story story story-alerts test test-all quick check bench soak proofs format docs schema new-check pictures page-pictures site dist changelog clean

help:
	@sed -n 's/^#   //p' $(MAKEFILE_LIST)

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "gpurules needs Python 3.11 or newer; name one with make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "gpurules needs Python 3.11 or newer; $(PYTHON) is older" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "$(PYTHON) cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@touch $@

$(VENV)/installed: $(VENV)/made pyproject.toml
	@echo "installing gpurules into $(VENV)" >&2
	@$(PIP) install --editable .
	@touch $@

$(VENV)/installed-serve: $(VENV)/made pyproject.toml
	@echo "installing gpurules and what its service needs into $(VENV)" >&2
	@$(PIP) install --editable '.[serve]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-test: $(VENV)/made pyproject.toml
	@echo "installing gpurules and what its tests need into $(VENV)" >&2
	@$(PIP) install --editable '.[test]'
	@touch $@ $(VENV)/installed $(VENV)/installed-serve

$(VENV)/installed-dev: $(VENV)/made pyproject.toml
	@echo "installing gpurules and what its developers need into $(VENV)" >&2
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/installed-test $(VENV)/installed $(VENV)/installed-serve

demo: $(VENV)/installed
	@$(BIN)/gpurules run gpurules:coordinator --source replay:$(DEMO)/node.jsonl --transfers $(DEMO)/transfers.jsonl

MONTH := build/month
REPORT := build/backtest.html

backtest: $(VENV)/installed-test
	@test -d $(MONTH) || $(BIN)/gpurules history simulate $(MONTH)
	@$(BIN)/gpurules backtest gpurules:coordinator --history $(MONTH) --report $(REPORT)

api: $(VENV)/installed-test
	@$(BIN)/python -m tests.integration.service.schema_report build/api $(API_EXAMPLES)

PORT ?= 8765

serve: $(VENV)/installed-serve
	@echo "the page is at http://127.0.0.1:$(PORT)/ (Ctrl-C to stop)" >&2
	@$(BIN)/python examples/agent/simulated_node.py $(PORT)

agent-story: $(VENV)/installed-serve
	@$(BIN)/python examples/agent/story.py

# SeaweedFS keeps its objects when it is killed; moto serves where there is none for this machine.
story: $(VENV)/installed-test
	@$(BIN)/python -m examples.story $(STORY_ARGS)

# Needs Alertmanager (Debian: prometheus-alertmanager).
story-alerts: $(VENV)/installed
	@$(BIN)/python -m examples.alerts

test: $(VENV)/installed-test
	@echo "the suite takes some 7 minutes on two cores; make quick takes one" >&2
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

# Every text of every family, every fault at every call: what CI runs.
test-all: $(VENV)/installed-test
	@$(BIN)/python -m pytest $(PYTEST_ARGS) --exhaustive

# mypy keeps a cache, so after the first run it looks only at what changed and at what imports it.
quick: $(VENV)/installed-dev
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/python -m pytest $(PYTEST_ARGS) -m "not slow" tests/unit

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# The peers have requirements of their own, so they live in an environment of their own.
$(VENV)-bench/installed: $(VENV)/made pyproject.toml benchmarks/peers.txt
	@echo "installing the engines that gpurules is measured beside into $(VENV)-bench" >&2
	@$(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip --quiet --disable-pip-version-check install --editable . -r benchmarks/peers.txt
	@touch $@

# peers.py needs the other engines; the rest are imported, or run long.
NOT_RUN := $(addprefix benchmarks/,engines.py four_rules.py peers.py picture.py soak.py)

# It moves gigabytes, so it comes last.
SLOW := benchmarks/clients.py

bench: $(VENV)/installed $(VENV)-bench/installed
	@$(VENV)-bench/bin/python benchmarks/peers.py
	@for file in $(filter-out $(NOT_RUN) $(SLOW),$(wildcard benchmarks/*.py)) $(SLOW); do $(BIN)/python "$$file" || exit 1; done

soak: $(VENV)/installed
	@$(BIN)/python benchmarks/soak.py

PROOFS ?= 100000 --processes $(shell nproc 2>/dev/null || echo 2)

proofs: $(VENV)/installed-test
	@$(BIN)/python -m tests.property.proofs.agreement $(PROOFS)

format: $(VENV)/installed-dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs schema: $(VENV)/installed
	@$(BIN)/python -m gpurules.cli.reference

new-check: $(VENV)/installed-test
	@$(BIN)/python -m tests.new_check $(CODE) $(NAME)

page-pictures: $(VENV)/installed-dev
	@$(BIN)/python docs/pictures/page.py

pictures: $(VENV)/installed
	@$(BIN)/python docs/pictures/terminal.py

site: $(VENV)/installed-dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "the site is in build/site: open build/site/index.html" >&2

# The wheel goes into a bare environment, without pip: what it needs and does not declare is found, and the bill of
# materials lists that alone.
dist: $(VENV)/installed-dev
	@rm -rf dist build/dist-env
	@$(BIN)/python -m build --quiet --no-isolation --outdir dist .
	@$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	@$(PYTHON) -m venv --without-pip build/dist-env
	@$(PIP) --python build/dist-env/bin/python install dist/*.whl
	@$(BIN)/python -m pip --disable-pip-version-check --python build/dist-env/bin/python check
	@build/dist-env/bin/gpurules lint gpurules:coordinator
	@$(BIN)/cyclonedx-py environment build/dist-env/bin/python --pyproject pyproject.toml --mc-type library \
		--output-reproducible --of JSON -o dist/gpurules.cdx.json
	@ls -l dist

changelog: $(VENV)/installed-dev
	@test -n "$(VERSION)" || { echo "name the version: make changelog VERSION=x.y.z" >&2; exit 1; }
	@$(BIN)/towncrier build --yes --version $(VERSION)

clean:
	rm -rf $(VENV) $(VENV)-bench build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find gpurules tests -name __pycache__ -type d -prune -exec rm -rf {} +
