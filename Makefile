# `make` sets everything up and runs a prediction on real data; `make test` sets everything up and tests.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
# the certificates that the machine trusts, as pip's users expect behind a proxy
export UV_SYSTEM_CERTS := 1
export UV_NATIVE_TLS := 1
INSTALL := $(if $(UV),$(UV) pip install -q --python $(BIN)/python,$(BIN)/python -m pip install -q --disable-pip-version-check) -e
READY := $(VENV)/.ready

.PHONY: all test test-all coverage bench figures check docs clean

all: $(READY)
	$(BIN)/fastdiag predict --plot prediction.png

$(READY): pyproject.toml
	test -x $(BIN)/python || $(if $(UV),$(UV) venv -q,$(PYTHON) -m venv) $(VENV)
	$(INSTALL) '.[test]'
	touch $@

# a file to a worker: what its tests share, kernels and brute force, is made once
test: $(READY) check
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not long"

test-all: $(READY) check
	$(BIN)/python -m pytest

# the lines that the tests reach; kernels count in the processes that do not compile (tests/kernels, the simulated GPU too)
coverage: $(READY)
	$(INSTALL) '.[coverage]'
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not long"
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report

check: $(READY)
	$(BIN)/ruff check src tests bench data docs
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/fastdiag bench

figures: $(READY)
	$(BIN)/fastdiag figures

docs: $(READY)
	$(INSTALL) '.[docs]'
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs out/docs

clean:
	rm -rf $(VENV) .coverage out/docs .pytest_cache .mypy_cache .ruff_cache .hypothesis
