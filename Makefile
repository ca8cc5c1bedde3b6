# The project's commands; `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
INSTALLED_DEV := .venv/installed-dev
INSTALLED_AIRFLOW := airflow/.venv/installed

# The demo company's clock is ingest's and dbt's too: make DEMO_NOW=2026-11-01T00:00Z
ifdef DEMO_NOW
export WAREHOUSE_NOW := $(DEMO_NOW)
endif

.DEFAULT_GOAL := run
.PHONY: run help install up down psql demo ingest check-sources build tick schedule airflow latest explain site dashboards check-dashboards roles grafana grafana-check prune backup restore docs test test-laws test-faults test-load test-citus bench debian-packages lint clean requirements audit

run: ingest build latest site ## Everything, from an empty clone to numbers on the screen (the default)
	@echo
	@echo "Next:  . .venv/bin/activate"
	@echo "       make ingest && dbt build     read what is new; any number of times"
	@echo "       make psql                    select * from marts.mart_hourly limit 10;"
	@echo "       make help                    all commands"

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make .venv with the pinned packages

$(INSTALLED): requirements-uv.txt requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "make: there is no $(PYTHON): install Python 3.10 or newer" >&2; exit 1; }
	@$(PYTHON) -m ingest.machine
	@echo "==> installing the packages of requirements.txt into .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-uv.txt
	@$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --require-hashes --requirement requirements.txt
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements-dev.txt
	@touch $@

# Its packages want other versions than dbt's and dlt's: a .venv of its own.
$(INSTALLED_AIRFLOW): airflow/requirements.txt $(INSTALLED)
	@echo "==> installing the packages of airflow/requirements.txt into airflow/.venv"
	@test -x airflow/.venv/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python airflow/.venv
	@$(BIN)/uv pip install --quiet --python airflow/.venv/bin/python --compile-bytecode \
		--require-hashes --requirement airflow/requirements.txt
	@touch $@

up: install ## Start the warehouse (nothing to do for a server of your own), and the demo company's API
	@$(BIN)/python -m ingest.warehouse up
	@$(BIN)/python -m demo up || echo "demo: going on without it" >&2

down: install ## Stop the warehouse; its data stays
	@$(BIN)/python -m demo down
	@$(BIN)/python -m ingest.warehouse down

psql: up ## Open psql in the warehouse
	@$(BIN)/python -m ingest.warehouse psql

demo: up ## Let the demo company live on to now; nothing for another company
	@$(BIN)/python -m demo

ingest: up ## Read the sources into raw; one that fails stops no other
	@$(BIN)/python -m demo || echo "demo: going on without it" >&2
	@echo "==> make ingest: reading the sources into the schema raw"
	@$(BIN)/python -m ingest; code=$$?; case $$code in 0|1|75) exit 0;; *) exit $$code;; esac

check-sources: up ## Try each source and say what it has to read, or what is wrong and what to do; reads nothing
	@$(BIN)/python -m ingest.check

build: up ## dbt build: seeds, models, tests
	@echo "==> dbt build: making facts and marts of them"
	@$(BIN)/dbt build

tick: up ## Everything that happens once an hour, in one process: ingest, dbt build, site, alerts; safe to repeat
	@$(BIN)/python -m tick

schedule: up ## Tick at a minute of each hour (MINUTE=5), until Ctrl-C
	@$(BIN)/python -m tick.schedule --minute $(or $(MINUTE),5)

airflow: up $(INSTALLED_AIRFLOW) ## Airflow on this machine, with both DAGs, until Ctrl-C (airflow/README.md)
	@$(BIN)/python -m airflow.serve

latest: up ## Show the last complete hour of every metric
	@$(BIN)/python -m dashboards.latest

explain: up ## One number back to its rows: make explain METRIC=http.error_ratio AT=2026-11-02T09:00 (a date: the day)
	@$(BIN)/python -m dashboards.explain "$(METRIC)" "$(AT)"

site: up ## Write the static copy of the dashboards into site/ (PUBLIC=1: into site-public/ what the world may see)
	@$(BIN)/python -m dashboards.site $(if $(PUBLIC),--public)

dashboards: install ## Write Grafana's JSON, dbt's exposures and its metrics for MetricFlow anew
	@$(BIN)/python -m dashboards.generate

check-dashboards: up ## Run each statement of the dashboards as Grafana would, and say what is wrong
	@$(BIN)/python -m dashboards.check

roles: up ## The roles of a server of your own, with least rights; shows their passwords once (READERS=1: those that read)
	@$(BIN)/python -m roles $(if $(READERS),--readers)

grafana: up ## Start the Grafana that is installed here, with the dashboards in it
	@$(BIN)/python -m dashboards.start_grafana

grafana-check: install ## Ask a running Grafana whether it shows the dashboards: GRAFANA_URL=http://localhost:3000
	@$(BIN)/python -m dashboards.grafana_check

prune: up ## Drop raw rows past prune_after_days; says what it would do (YES=1 does it)
	@$(BIN)/python -m ingest.prune $(if $(YES),--yes)

backup: up ## All of the warehouse in one file in backups/ (FILE=... for another)
	@$(BIN)/python -m ingest.backup $(FILE)

restore: up ## Put a backup into an empty warehouse: make restore FILE=backups/...
	@$(BIN)/python -m ingest.backup --restore $(FILE)

docs: up ## Make the documentation site: lineage, every model and column
	@$(BIN)/dbt --quiet docs generate
	@$(BIN)/python -m dashboards.documentation

test: $(INSTALLED_DEV) $(INSTALLED_AIRFLOW) debian-packages ## Run all tests, real parts included
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-laws: $(INSTALLED_DEV) ## Run the laws over ten times as many histories: an hour
	@LAWS_EXAMPLES=2000 LAWS_REAL=10 $(BIN)/python -m pytest tests/property tests/mutations --numprocesses 2 --dist loadfile

test-faults: $(INSTALLED_DEV) ## 200 kills, each statement's connection cut, overlaps, full disks, wrong answers: an hour
	@FAULTS=$(or $(FAULTS),200) $(BIN)/python -m pytest tests/faults --numprocesses 2 --dist worksteal

test-load: $(INSTALLED_DEV) ## 50 readers at the dashboards for five minutes, and a tick each minute: what they see, and how long it takes
	@LOAD_READERS=50 LOAD_TICKS=5 LOAD_SECONDS=60 $(BIN)/python -m pytest -s tests/load

test-citus: $(INSTALLED_DEV) ## Hold a Citus cluster against plain PostgreSQL: CITUS_DSN=postgresql://... names an empty database
	@test -n "$(CITUS_DSN)" || { echo "make: set CITUS_DSN to an empty database on the coordinator (docs/scaling.md)" >&2; exit 2; }
	@CITUS_DSN="$(CITUS_DSN)" $(BIN)/python -m pytest tests/citus

bench: install ## Measure what the work costs, into docs/performance.md (ONLY="first_load prometheus"; FULL=1: the long ones too)
	@$(BIN)/python -m bench $(ONLY) $(if $(FULL),--full)

# The end-to-end tests make a .venv with the system's Python, which every user can run; those of the source prometheus
# start servers of their own, so the package's is masked: it would take port 9090. Those of the pages need a browser.
debian-packages:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		! { /usr/bin/python3 -c "import ensurepip" && command -v prometheus && command -v chromium; } >/dev/null 2>&1; then \
		if command -v systemctl >/dev/null && ! command -v prometheus >/dev/null; then \
			systemctl --quiet mask prometheus.service; fi; \
		apt-get update --quiet --quiet && \
		apt-get install --yes --quiet --quiet --no-install-recommends python3-venv prometheus chromium; fi

lint: $(INSTALLED_DEV) ## Check style and format it
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## Remove the embedded warehouse and what dbt made, not .venv; asks first (YES=1 does not)
	@test -n "$(YES)" || { printf "This removes .warehouse/ with all its history. Type yes: "; read answer; test "$$answer" = yes; }
	@test ! -x $(BIN)/python || test ! -f profiles.yml || { $(BIN)/python -m demo down; $(BIN)/python -m ingest.warehouse down; }
	@rm -rf .warehouse .airflow profiles.yml target logs

PIN := $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.10 --no-header
requirements: $(INSTALLED) ## Pin the packages anew from pyproject.toml, with the hashes of their files
	@echo uv | $(PIN) - --output-file requirements-uv.txt
	@$(PIN) pyproject.toml --output-file requirements.txt
	@$(PIN) --extra dev pyproject.toml --constraint requirements.txt --output-file requirements-dev.txt
	@$(PIN) airflow/requirements.in --output-file airflow/requirements.txt

audit: $(INSTALLED_DEV) ## Ask the public advisories about each pinned package; needs the internet
	@for file in requirements-uv.txt requirements.txt requirements-dev.txt airflow/requirements.txt; do \
		echo "==> $$file"; \
		$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off --requirement $$file || exit 1; \
	done
