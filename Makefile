# Thin wrappers: what they do lives in the code they call.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# pip's own index setting, when there is one, is followed by the installer too.
INDEX = UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$($(BIN)/pip config get global.index-url 2>/dev/null)}"
UV = $(INDEX) VIRTUAL_ENV=$(VENV) $(BIN)/uv --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check verify-deploy audit audit-offline sbom down clean pictures contracts k8s-copies lock images-lock jars-lock peers-lock verify-images

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(READY) ## build .venv from the lock (the other targets do it when needed)

$(READY): requirements.lock installer.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is %s. Next: make PYTHON=python3.11 setup" % sys.version.split()[0])'
	@echo "setup: installing the locked packages into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r installer.lock
	@$(UV) pip sync --require-hashes --compile-bytecode requirements.lock
	@$(UV) pip install --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY) ## run the main job on the embedded stack and leave it running
	@$(BIN)/fraudml demo

# Tests without a stack go beside each other; those with one would wait for each other's processes.
BESIDE := -n auto --maxprocesses 4

test: $(READY) ## all tests but the slow ones
	@$(BIN)/pytest -m "not slow and not stack" $(BESIDE)
	@$(BIN)/pytest -m "not slow and stack"

test-slow: $(READY) ## the slow proofs
	@$(BIN)/pytest -m slow

# On a Docker engine with compose; VERIFY_IMAGES="--without grafana" leaves a service out.
verify-images: $(READY) ## build the images and prove docker-compose.yml on this machine's Docker engine
	@$(BIN)/python -m tests.images.verify $(VERIFY_IMAGES)

check: $(READY) ## lint, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

AUDIT := .venv-audit
$(AUDIT)/.ready: deploy/audit/tools.lock | $(READY)
	@$(INDEX) $(BIN)/uv --quiet venv --allow-existing $(AUDIT)
	@$(INDEX) VIRTUAL_ENV=$(AUDIT) $(BIN)/uv --quiet pip sync --require-hashes deploy/audit/tools.lock
	@touch $@

audit: $(AUDIT)/.ready ## code, left secrets, known holes in dependencies; OFFLINE=1: asking nobody is no failure
	@$(BIN)/python -m deploy.audit.offline $(AUDIT)/bin; offline=$$?; \
	$(BIN)/python -m deploy.audit.dependencies $(AUDIT)/bin/pip-audit $(if $(OFFLINE),--may-be-offline) && exit $$offline

audit-offline: $(AUDIT)/.ready ## the part of it that needs no network
	@$(BIN)/python -m deploy.audit.offline $(AUDIT)/bin

sbom: $(AUDIT)/.ready ## list every component of .venv and of each image as CycloneDX, in build/sbom*.json
	@$(BIN)/python -m deploy.audit.components $(AUDIT)/bin build

# The validator is no dependency of ours, and so has a lock and a place of its own.
VERIFY := build/verify-deploy
KUSTOMIZE := sigs.k8s.io/kustomize/kustomize/v5@v5.5.0

verify-deploy: $(READY) $(VERIFY)/.ready ## what is deployed: rendered, validated, every name found, every rule kept
	@$(BIN)/pytest -m "not slow" $(BESIDE) tests/deploy $(wildcard tests/unit/deploy/test_compose*.py tests/unit/deploy/observability)

$(VERIFY)/.ready: tests/deploy/validate.lock
	@echo "verify-deploy: installing what it needs into $(VERIFY)"
	@$(BIN)/uv --quiet venv --clear --python $(BIN)/python $(VERIFY)/venv
	@$(INDEX) VIRTUAL_ENV=$(VERIFY)/venv $(BIN)/uv --quiet pip sync --require-hashes tests/deploy/validate.lock
	@command -v kubectl >/dev/null || command -v kustomize >/dev/null || GOBIN="$(CURDIR)/$(VERIFY)/bin" go install $(KUSTOMIZE)
	@touch $@

pictures: $(READY) ## (maintainers) take the pictures of docs/ anew, from a running demo
	@$(BIN)/python -m tests.e2e.screenshots

down: ## stop every process of the embedded stack
	@if [ -x $(BIN)/fraudml ]; then $(BIN)/fraudml down; else echo "nothing to stop: no $(VENV) here"; fi

clean: down ## stop the stack and remove what was built here, data included
	@rm -rf $(VENV) $(AUDIT) .fraudml build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

contracts: $(READY) ## (maintainers) write the topics' schemas and asyncapi.yaml anew
	@$(BIN)/python -m streams.contracts

k8s-copies: $(READY) ## (maintainers) copy rules and dashboards into deploy/k8s anew
	@$(BIN)/python -m tests.deploy.copies

lock: $(READY) ## (maintainers) resolve the dependencies anew
	@$(UV) pip compile pyproject.toml --all-extras --python-version 3.11 --universal --fork-strategy fewest --generate-hashes --no-annotate --no-header --upgrade -o requirements.lock
	@awk '/^[a-z]/{kept = /^(setuptools|uv)==/} kept' requirements.lock > installer.lock
	@$(UV) pip compile deploy/audit/tools.in --python-version 3.11 --universal --generate-hashes --no-annotate --no-header --upgrade -o deploy/audit/tools.lock
	@$(MAKE) --no-print-directory images-lock

# What each image holds: parts of requirements.lock, so that all run the same versions.
IMAGE_LOCK = $(UV) pip compile pyproject.toml -c requirements.lock --python-version 3.11 --universal --fork-strategy fewest --generate-hashes --no-annotate --no-header
images-lock: $(READY) ## (maintainers) take the images' locks out of requirements.lock
	@$(IMAGE_LOCK) --extra api --extra registry --extra otel -o requirements-system.lock
	@$(IMAGE_LOCK) --extra dashboard -o requirements-dashboard.lock
	@$(IMAGE_LOCK) --extra train --extra backup -o requirements-mlflow.lock

# What other tools need to do our job beside us: for `fraudml bench peers` alone.
PEERS := load/peers/locks
peers-lock: $(READY) ## (maintainers) resolve the environments of the peers anew
	@for tool in bytewax confluent faststream faust quix; do $(UV) pip compile $(PEERS)/$$tool.in --python-version 3.11 --universal --generate-hashes --no-annotate --no-header --upgrade -o $(PEERS)/$$tool.lock || exit 1; done

jars-lock: $(READY) ## (maintainers) lock Kafka's jars anew, with Maven
	@$(BIN)/python -m deploy.stack.lock_jars
