# Each target does its own set-up, once: a stamp under .make/ remembers it. `make setup` sets up for `make run`.
PYTHON ?= python3
BIN := .venv/bin
# llama.cpp is compiled on this machine; its tools, tests and examples are not needed.
export CMAKE_ARGS := -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAVA_BUILD=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc 2>/dev/null || echo 2)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HF_HUB_OFFLINE ?= 1

.PHONY: run test lint bench setup lock clean

run: .make/setup
	@$(BIN)/signalbox init --example helpdesk --if-missing
	@exec $(BIN)/signalbox serve

test: .make/dev
	@$(BIN)/python -m pytest

lint: .make/dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .make/dev
	@$(BIN)/python -m benchmarks.all --quick

setup: .make/setup

# The lock is compiled by uv in seconds (pip needs minutes) and installed by pip.
lock: .make/dev
	@./scripts/lock

.make/setup: requirements.lock pyproject.toml scripts/setup
	@PYTHON=$(PYTHON) ./scripts/setup requirements.lock
	@mkdir -p .make && touch $@

.make/dev: requirements-dev.lock .make/setup
	@PYTHON=$(PYTHON) ./scripts/setup requirements-dev.lock
	@mkdir -p .make && touch $@

clean:
	rm -rf .make .venv
