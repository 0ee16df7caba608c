# Each target does its own set-up, once: a stamp in .venv remembers it. `make setup` sets up for `make run`.
PYTHON ?= python3
BIN := .venv/bin
# llama.cpp is compiled on this machine; its tools, tests and examples are not needed.
export CMAKE_ARGS := -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAVA_BUILD=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc 2>/dev/null || echo 2)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Each of the many processes that tests start would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
export HF_HUB_OFFLINE ?= 1

.PHONY: run test lint bench setup lock clean

run: .venv/serving.stamp
	@$(BIN)/signalbox init --example helpdesk --if-missing
	@exec $(BIN)/signalbox serve

test: .venv/dev.stamp
	@$(BIN)/python -m pytest -n 2

lint: .venv/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/dev.stamp
	@$(BIN)/python -m benchmarks.all --quick

setup: .venv/serving.stamp

# The lock is compiled by uv in seconds (pip needs minutes) and installed by pip.
lock: .venv/dev.stamp
	@./scripts/lock

.venv/serving.stamp: requirements.lock pyproject.toml scripts/setup
	@PYTHON=$(PYTHON) ./scripts/setup requirements.lock
	@touch $@

.venv/dev.stamp: requirements-dev.lock scripts/chromium .venv/serving.stamp
	@PYTHON=$(PYTHON) ./scripts/setup requirements-dev.lock
	@./scripts/chromium
	@touch $@

clean:
	rm -rf .venv
