# Each target makes its own virtual environment below .venv/, again whenever pyproject.toml changes.
# Another interpreter: make test PYTHON=python3.13. One file only: make test ARGS=tests/test_packaging.py

PYTHON ?= python3
ARGS ?=
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ENVIRONMENTS := .venv/$(VERSION)
MAJORS = $(wildcard $(patsubst %,tests/integrations/test_%*.py,openai anthropic google_genai mcp litellm)) \
	tests/examples/test_litellm_example.py
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DELETE_ON_ERROR:
.PHONY: help demo test test-real test-majors test-all lint build bench clean libpython prometheus docker

help:
	@echo "make demo | test | test-real | test-majors | test-all | lint | build | bench | clean"

demo: $(ENVIRONMENTS)/demo/ready
	$(<D)/bin/python -m otel_genai demo $(ARGS)

test: $(ENVIRONMENTS)/test/ready
	$(<D)/bin/python -m pytest -q -rs $(ARGS)

# With real components beside it, which a test may not do without.
test-real: $(ENVIRONMENTS)/real/ready libpython prometheus docker
	OTEL_GENAI_TEST_REAL=1 $(<D)/bin/python -m pytest -q -rs $(ARGS)

# The integrations with the major versions of the libraries before the newest ones.
test-majors: $(ENVIRONMENTS)/majors/ready
	$(<D)/bin/python -m pytest -q -rs $(or $(ARGS),$(MAJORS))

# PYENV_VERSION lets pyenv's shims, where there are any, find each interpreter.
test-all:
	@for version in 3.11 3.12 3.13 3.14; do \
		export PYENV_VERSION=$$version; \
		if python$$version -c '' 2>/dev/null; then $(MAKE) test PYTHON=python$$version || exit 1; \
		else echo "python$$version is not on this machine: skipped"; fi; \
	done

lint: $(ENVIRONMENTS)/lint/ready
	$(<D)/bin/ruff check
	$(<D)/bin/ruff format --check
	$(<D)/bin/mypy
	$(<D)/bin/lint-imports

build: $(ENVIRONMENTS)/build/ready
	rm -rf dist
	$(<D)/bin/python -m build --no-isolation --outdir dist

bench: $(ENVIRONMENTS)/bench/ready
	$(<D)/bin/python -m tests.benchmarks $(ARGS)

clean:
	rm -rf .venv build dist .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find otel_genai integrations tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# The collector of the group `real` is linked to Debian's library of the interpreter.
libpython:
	@ldconfig -p | grep -q 'libpython$(VERSION)\.so' || (apt-get update && apt-get install -y libpython$(VERSION))

# Debian's, which brings promtool.
prometheus:
	@command -v promtool >/dev/null || (apt-get update && apt-get install -y prometheus)

# The tests start an engine of their own, which only root can, and make its image of busybox.
docker:
	@[ "$$(id -u)" != 0 ] || (command -v dockerd && command -v busybox) >/dev/null || \
		(apt-get update && apt-get install -y --no-install-recommends docker.io busybox-static)

$(ENVIRONMENTS)/demo/ready: WHAT = --editable '.[demo]'
$(ENVIRONMENTS)/test/ready: WHAT = --editable '.[demo,anthropic,google-genai,langchain,mcp,openai,openai-agents]' --group test
$(ENVIRONMENTS)/real/ready: WHAT = --editable '.[demo,anthropic,google-genai,langchain,mcp,openai,openai-agents]' --group real
$(ENVIRONMENTS)/majors/ready: WHAT = --editable . --group majors
$(ENVIRONMENTS)/lint/ready: WHAT = --editable '.[demo,anthropic,google-genai,langchain,mcp,openai,openai-agents]' --group lint
$(ENVIRONMENTS)/bench/ready: WHAT = --editable '.[demo,anthropic,google-genai,langchain,mcp,openai,openai-agents]' --group bench
$(ENVIRONMENTS)/build/ready: WHAT = --group build

$(ENVIRONMENTS)/%/ready: pyproject.toml
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install -qq --upgrade 'pip>=25.1'
	$(@D)/bin/python -m pip install -qq $(WHAT)
	@touch $@
