# Two commands on a bare machine: `make run` serves it all, `make test` passes.
.DEFAULT_GOAL := help
.PHONY: help run test test-system cover soak measure-faults check audit bench profile wrk bench-coherence \
	bench-resilience bench-analytics bench-live bench-fingerprints bench-mix bench-growth lock migrate clean

PORT ?= 8000
WORKERS ?= 1
T ?= tests
MINUTES ?= 20
SEED ?=
ROUNDS ?=
SECONDS ?=
ONLY ?=
READS_PER_WRITE ?= 864,432,144
MEETINGS ?=
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3; do \
	if command -v $$each >/dev/null 2>&1 && $$each -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$each; break; fi; done)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
# Tests wait more than they compute; each process has servers of its own.
TOGETHER := --numprocesses logical --maxprocesses 4 --dist loadfile
# With their extras: pip looks for `name[extra]` apart from a pinned `name`, and takes its newest.
LOCKING := --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header
COMPILE := $(BIN)/uv pip compile pyproject.toml $(LOCKING)

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run ## serve everything (PORT=8000 WORKERS=1): docs, Postgres, Valkey, demo data
	@exec $(BIN)/python -m mina_api.cli dev --port $(PORT) --workers $(WORKERS)

test: .venv/.dev ## run the tests (T=tests/cache narrows them)
	@exec $(BIN)/python -m pytest $(TOGETHER) $(T)

test-system: .venv/.dev ## a short history under faults, judged: no read older than it may be (in `test` too)
	@exec $(BIN)/python -m pytest -s tests/system/history

cover: .venv/.dev ## branch coverage of the cache by its own tests; fails below 98 %
	@exec $(BIN)/python -m pytest tests/cache --cov=mina_api.cache --cov-report=term

soak: .venv/.dev ## the same for MINUTES=20, with SEED=… or any; exit code 1 where a read is older than it may be
	@exec $(BIN)/python -m tests.system.history --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

measure-faults: .venv/.dev ## run the tests of faults, and write what they measured into docs/scaling.md
	@exec $(BIN)/python -m tests.docs.faults

check: .venv/.dev ## format, lint, strict types, import contracts, tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --no-skips $(TOGETHER)

audit: .venv/.dev ## known vulnerabilities of the locked dependencies; says so where nobody can be asked
	@exec $(BIN)/python tools/audit.py requirements/run.lock requirements/dev.lock

bench: .venv/.run .dev/peers/.ready .dev/measuring/.ready wrk ## a cached answer beside floors and other caches (ROUNDS=5 SECONDS=5 ONLY=mina,raw)
	@exec $(BIN)/python -m benchmarks.speed --rounds $(or $(ROUNDS),5) --seconds $(or $(SECONDS),5) --only "$(ONLY)"

profile: .venv/.run .dev/measuring/.ready wrk ## where a hit's microseconds go (SECONDS=20)
	@exec $(BIN)/python -m benchmarks.speed.profiling --seconds $(or $(SECONDS),20)

bench-coherence: .venv/.dev .dev/peers/.ready ## stale reads and slower writes, beside other caches (ROUNDS=3 SECONDS=15)
	@exec $(BIN)/python -m benchmarks.coherence --rounds $(or $(ROUNDS),3) --seconds $(or $(SECONDS),15)

bench-resilience: .venv/.dev .dev/peers/.ready ## many cold requests at once, and Redis hung or killed, beside other caches (ROUNDS=3 SECONDS=12 ONLY=mina)
	@exec $(BIN)/python -m benchmarks.resilience --rounds $(or $(ROUNDS),3) --seconds $(or $(SECONDS),12) --only "$(ONLY)"

bench-analytics: .venv/.run ## uncached analytics and lists over 10,000 meetings and 5 million segments
	@exec $(BIN)/python -m benchmarks.analytics

bench-mix: .venv/.dev ## a working day's reads and writes, with the cache and without (ROUNDS=3 SECONDS=30 READS_PER_WRITE=864,432)
	@exec $(BIN)/python -m benchmarks.mix --rounds $(or $(ROUNDS),3) --seconds $(or $(SECONDS),30) \
		--reads-per-write "$(READS_PER_WRITE)" --meetings $(or $(MEETINGS),10000)

bench-growth: .venv/.run .dev/measuring/.ready wrk ## hits, memory and invalidation as the cache grows, to 1,000,000 entries (ROUNDS=5 SECONDS=5)
	@exec $(BIN)/python -m benchmarks.growth --rounds $(or $(ROUNDS),5) --seconds $(or $(SECONDS),5)

bench-live: .venv/.run ## live sessions: 500 listeners, 50 rooms, 1,000 segments a second, 2 workers
	@exec $(BIN)/python -m benchmarks.live

bench-fingerprints: .venv/.run ## audio that was heard before: precision and recall, also of espeak-ng where it is
	@exec $(BIN)/python -m benchmarks.fingerprints

wrk:
	@command -v wrk >/dev/null 2>&1 || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && \
		echo "mina: installing wrk" && apt-get install --yes --quiet wrk >/dev/null; } || \
		{ echo "mina: wrk is needed: install it (Debian: apt-get install wrk)" >&2; exit 2; }

migrate: .venv/.run ## bring the schema of DATABASE_URL up to date
	@exec $(BIN)/python -m mina_api.cli migrate

lock: .venv/.dev ## resolve the dependencies anew into requirements/
	$(COMPILE) --upgrade --extra servers -o requirements/run.lock
	$(COMPILE) --upgrade -c requirements/run.lock -o requirements/serve.lock
	$(BIN)/uv pip compile requirements/build.in $(LOCKING) --upgrade -c requirements/run.lock -o requirements/build.lock
	$(COMPILE) --upgrade --extra servers --extra telemetry --extra dev -c requirements/run.lock -o requirements/dev.lock
	$(BIN)/uv pip compile requirements/peers.in $(LOCKING) --upgrade -c requirements/run.lock -o requirements/peers.lock
	$(BIN)/uv pip compile requirements/measuring.in $(LOCKING) --upgrade -o requirements/measuring.lock

clean: ## remove the virtual environment, private servers and caches
	rm -rf .venv .dev .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One installation at a time, though `make run` and `make test` may start together; nothing is fetched twice.
.venv/.run: requirements/run.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "mina: Python 3.11 or newer with venv is needed (Debian: python3-venv)" >&2; exit 2; }
	@$(PYTHON) tools/locked.py .venv.lock sh -eu -c '\
		if [ -e .venv/.run ] && [ .venv/.run -nt requirements/run.lock ] && [ .venv/.run -nt pyproject.toml ]; then exit 0; fi; \
		echo "mina: installing into .venv"; \
		[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv; \
		$(INSTALL) --require-hashes -r requirements/run.lock; \
		$(INSTALL) --no-deps --no-build-isolation --no-index -e .; \
		touch .venv/.run'

.venv/.dev: .venv/.run requirements/dev.lock
	@$(PYTHON) tools/locked.py .venv.lock sh -eu -c '\
		if [ -e .venv/.dev ] && [ .venv/.dev -nt requirements/dev.lock ] && [ .venv/.dev -nt .venv/.run ]; then exit 0; fi; \
		echo "mina: installing the tools of development"; \
		$(INSTALL) --require-hashes -r requirements/dev.lock; \
		touch .venv/.dev'

# Environments beside Mina's own: `peers` is what the benchmarks measure it beside, `measuring` draws and profiles.
.dev/%/.ready: requirements/%.lock
	@test -n "$(PYTHON)" || { echo "mina: Python 3.11 or newer with venv is needed (Debian: python3-venv)" >&2; exit 2; }
	@mkdir -p .dev && $(PYTHON) tools/locked.py .dev/$*.lock sh -eu -c '\
		if [ -e $@ ] && [ $@ -nt $< ]; then exit 0; fi; \
		echo "mina: installing $< into .dev/$*"; \
		[ -x .dev/$*/bin/python ] || $(PYTHON) -m venv .dev/$*; \
		.dev/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r $<; \
		touch $@'
