# The only list of commands. Each target installs what it lacks and says so; when nothing is lacking,
# nothing is fetched. All Python packages live in .venv/ and typings/ inside this checkout, in the
# exact versions and with the hashes of requirements/.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# The locks are complete, so pip resolves nothing, compiles nothing and takes no other file.
INSTALL := $(PIP) install --quiet --no-deps --only-binary :all: --require-hashes
# skidl is published as sources only: plain Python, put together by the setuptools of build.txt.
WITH_SKIDL := --no-binary skidl --no-build-isolation
# pyscard is too, and is compiled against the PC/SC library of this machine: for `make test` only.
WITH_PYSCARD := --no-binary pyscard --no-build-isolation

# All tests: two at a time, since many of them wait for processes. Tests of a file stay together, in
# the order that tests/conftest.py gives them.
ALL := --numprocesses 2 --dist loadfile --no-loadscope-reorder

DEMO := $(VENV)/.installed-demo
DEV := $(VENV)/.installed-dev
SELF := $(VENV)/.installed-sitegate
HOME_OF_VENV := $(VENV)/.checkout
TYPINGS := typings/.installed
# The file of it that is written last.
VENDOR := hub/web/static/vendor/htmx-LICENSE.txt

# A virtual environment knows its folder by heart. It is made anew when this checkout was moved or
# its Python has gone.
ifneq ($(shell { $(BIN)/python -c pass && cat $(HOME_OF_VENV); } 2>/dev/null),$(CURDIR))
.PHONY: $(HOME_OF_VENV)
endif

.PHONY: help demo test lint bench drawings clean lock ready vendor browser mosquitto postgresql pcsc

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(DEMO) $(SELF) vendor ## gate, hub and authority on this machine: prints the page to open (ARGS="--no-browser --json")
	@$(BIN)/sitegate demo $(ARGS)

# All that is to be installed for what follows, so that .ci/run may start two of them side by side.
ready: $(DEV) $(SELF) $(TYPINGS) $(VENDOR) browser mosquitto postgresql pcsc

test: $(DEV) $(SELF) $(VENDOR) browser mosquitto postgresql pcsc ## all tests (ARGS="tests/protocol -k sync")
	@$(BIN)/python -m pytest $(or $(ARGS),$(ALL))

lint: $(DEV) $(SELF) $(TYPINGS) ## style, types on both Pythons, who imports whom, length of modules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/basedpyright --project pyrightconfig.board.json --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.module_length

bench: $(DEV) $(SELF) $(VENDOR) ## the measurements of docs/performance.md (ARGS for some of them)
	@$(BIN)/python -m bench $(ARGS)

drawings: $(DEV) $(SELF) ## firmware/pins.py, pictures and tables from the sources in hardware/
	@command -v dot >/dev/null || tools/apt.sh "WireViz lays out the harness with it" graphviz
	@$(BIN)/python -m hardware.draw_all

clean: ## removes all that these targets made; never a hub's data
	rm -rf $(VENV) typings hub/web/static/vendor build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

lock: $(HOME_OF_VENV) ## newest versions that pyproject.toml allows, with hashes, into requirements/
	@$(INSTALL) -r requirements/lock.txt
	@tools/lock.sh $(BIN)/uv

$(HOME_OF_VENV):
	@tools/venv.sh $(VENV) "$(CURDIR)"

$(DEMO): requirements/demo.txt $(HOME_OF_VENV)
	@echo "sitegate: installing the $$(grep -c == $<) packages of $< into $(VENV)"
	@$(INSTALL) -r $<
	@touch $@

# dev.txt holds all of demo.txt, so a developer's checkout is ready for the demo as well.
$(DEV): requirements/dev.txt requirements/build.txt $(HOME_OF_VENV)
	@echo "sitegate: installing the $$(grep -c == $<) packages of $< into $(VENV)"
	@$(INSTALL) -r requirements/build.txt
	@$(INSTALL) $(WITH_SKIDL) -r $<
	@touch $(DEMO) $@

# From here and offline: hatchling is one of the packages above.
$(SELF): pyproject.toml $(HOME_OF_VENV)
	@$(PIP) install --quiet --no-index --no-deps --no-build-isolation --editable .
	@touch $@

# MicroPython's own standard library as type stubs: beside the environment and not in it, where they
# would hide the standard library of this Python from the type checker.
$(TYPINGS): requirements/typings.txt $(HOME_OF_VENV)
	@echo "sitegate: installing the MicroPython type stubs of $< into typings/"
	@rm -rf typings
	@$(INSTALL) --target typings -r $<
	@touch $@

# Browser code of others. With apt, pip or npm out of reach a demo still runs: its pages say nothing of
# it and load themselves anew every half minute.
vendor: $(HOME_OF_VENV)
	@$(MAKE) $(VENDOR) || echo "sitegate: without htmx a page is brought up to date every 30 seconds only" >&2

$(VENDOR): package-lock.json | $(HOME_OF_VENV)
	@tools/vendor.sh $(BIN)/python $(INSTALL) -r requirements/node.txt

browser:
	@tools/browser.sh

mosquitto:
	@tools/mosquitto.sh

postgresql:
	@tools/postgresql.sh

pcsc: $(DEV)
	@tools/pcsc.sh $(BIN)/python $(INSTALL) $(WITH_PYSCARD) -r requirements/eid.txt
