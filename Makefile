# Everything runs from .venv, which follows the lock files. `make run` and `make test` need no other command before.
# make run ARGS="--web-port 8080 --sandbox-port 9090" where the ports 8000 and 9000 are taken.
PYTHON ?= python3
VENV := .venv/bin/python
# Two more than there are cores: tests that wait, for processes, browsers and clocks, leave theirs to others.
JOBS ?= $(shell echo $$(($$(nproc) + 2)))
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/django.po locale/libraries/*/LC_MESSAGES/django.po))

# What the caller's shell sets for other projects must not reach into this one.
unexport PYTHONPATH PYTHONHOME DJANGO_SETTINGS_MODULE
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_NO_DEPS PIP_DRY_RUN PIP_CONSTRAINT PIP_REQUIRE_VIRTUALENV
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run demo test fuzz kills faults bench mutants lint messages venv venv-test lock clean

run: venv
	$(VENV) manage.py local -- $(VENV) manage.py demo --stay $(ARGS)

demo: venv
	$(VENV) manage.py local -- $(VENV) manage.py demo $(ARGS)

test: venv-test
	$(VENV) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

# On an empty database, all on this machine; ARGS="W1 W9" picks workloads, ARGS=--write writes docs/bench.md (7 minutes).
bench: venv-test
	rm -rf .pgb/bench
	$(VENV) manage.py local --data .pgb/bench -- $(VENV) manage.py bench --settings tests.bench.settings $(ARGS)

# Kills part after part of a running PGB in the middle of 30 payments, and of cancels; prints what was lost or done twice.
kills: venv-test
	$(VENV) -m pytest -v tests/process/test_kills.py $(ARGS)

# Faults at length. ARGS="sweep": PGB is killed, or hangs, at every socket write of every flow (needs strace).
faults: venv-test
	$(VENV) -m tests.faults -n $(JOBS) --show-capture=no $(ARGS)

# Takes out one guard of the money after another: a test must go red each time. ARGS="word ..." picks some.
mutants: venv-test
	$(VENV) manage.py local --data .pgb/mutants -- $(VENV) -m tests.mutants $(ARGS)

# The fuzz tests, ten times as long and never twice the same. PGB_FUZZ_FACTOR=100 for a night.
fuzz: export PGB_FUZZ_FACTOR ?= 10
fuzz: venv-test
	$(VENV) -m pytest tests/fuzz --show-capture=no $(ARGS)

lint: venv-test
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	$(VENV) manage.py local --data .pgb/lint -- $(VENV) -m mypy
	$(VENV) manage.py local --data .pgb/lint -- $(VENV) manage.py makemigrations --check --dry-run

# Bring what the source says into the catalogues of the other languages; what is new stands there untranslated.
BABEL := $(VENV) -m babel.messages.frontend --quiet
messages: venv
	$(BABEL) extract -F locale/babel.toml --ignore-dirs "tests docs .*" -k gettext_lazy -k pgettext_lazy:1c,2 \
		--omit-header --no-location --sort-output -o .pgb/messages.pot .
	for language in ja en; do $(BABEL) update -i .pgb/messages.pot -d locale -D django -l $$language \
		--no-fuzzy-matching --ignore-obsolete || exit 1; done

venv: .venv/runtime $(CATALOGUES)
venv-test: .venv/test $(CATALOGUES)

%.mo: %.po | .venv/runtime
	@$(VENV) -m babel.messages.frontend --quiet compile -i $< -o $@

.venv/runtime: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "PGB needs Python 3.11 or later."; exit 1; }
	@echo "Making .venv from requirements.lock; this takes a minute the first time."
	$(PYTHON) -m venv --clear .venv
	$(VENV) -m pip install --quiet --no-input --require-hashes -r requirements.lock
	@touch $@

.venv/test: .venv/runtime tests/requirements.lock
	@echo "Adding what the tests need, from tests/requirements.lock."
	$(VENV) -m pip install --quiet --no-input --require-hashes -r tests/requirements.lock
	@touch $@

# Renew both lock files: for every Python from 3.11.2 on, with the hashes of all published files and no address.
COMPILE := .pgb/lock-venv/bin/python -m uv pip compile --quiet --upgrade --universal --fork-strategy fewest \
	--python-version 3.11.2 --generate-hashes --no-header --no-annotate
lock:
	$(PYTHON) -m venv .pgb/lock-venv
	.pgb/lock-venv/bin/python -m pip install --quiet uv
	$(COMPILE) -o requirements.lock pyproject.toml
	$(COMPILE) -o tests/requirements.lock -c requirements.lock tests/requirements.in

clean:
	@! [ -L .pgb/elsewhere ] || rm -rf "$$(readlink .pgb/elsewhere)"
	rm -rf .venv .pgb .pytest_cache .mypy_cache .ruff_cache .hypothesis
