# The commands of this project; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := build/demo
# In this order: components before the menus that name them, the README's transcripts last, from what is there then.
GENERATORS := generate_components list_menu generate_file_schemas generate_dashboards generate_reference generate_not_checked generate_adr_index readme
REHEARSAL_TOOLS := etcd kube-apiserver kube-apiserver-1.36 kube-scheduler kube-controller-manager karpenter-kwok \
  karpenter-aws argocd-parts operator-parts

# Tests start the command line hundreds of times; without compiled modules each start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup serving-real loadtest-real renovate-real tools promtool generate generate-check rehearsal-tools rehearsal rehearsal-full \
  rehearsal-absences demo test test-slow test-terraform test-renderer test-browser faults kills fuzz mutants mutants-truth mutants-schedule mutants-sync lint format lock pictures bench \
  bench-scale docs docs-check docs-commands docs-choices wheels sbom release-check release clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) tools ## make the virtual environment and build the pinned tools

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=..." >&2; exit 2; }
	@$(PYTHON) scripts/setup.py
	@touch $@

tools: $(READY)
	@$(BIN)/modelyard tools install --quiet

promtool: $(READY) ## build promtool, which tests the platform's alerts (two minutes, once)
	@$(BIN)/modelyard tools install --quiet promtool

rehearsal-tools: $(READY) ## build the control plane for rehearsals (25 minutes, once)
	@echo "building what is not there yet of etcd, kube-apiserver, kube-controller-manager, kube-scheduler, Karpenter (twice) and"
	@echo "Argo CD: about 25 minutes on two busy processors, 3 GB of memory, 570 MB for the programs, up to 12 GB for Go's caches"
	@for tool in $(REHEARSAL_TOOLS); do $(BIN)/modelyard tools install $$tool || exit; done

rehearsal: demo ## rehearse the demo at levels schema, sync and cloud, as far as the programs are there
	@$(BIN)/python scripts/rehearsal.py $(DEMO)

rehearsal-full: setup ## sync six environments, two in a mock AWS, and write docs/rehearsals.md; not part of .ci/run (20 minutes)
	@$(BIN)/python scripts/rehearse_environments.py build/rehearsals

rehearsal-absences: demo ## sync the demo with something missing, once for each thing, and write docs/absences.md; not part of .ci/run (25 minutes)
	@$(BIN)/python scripts/rehearse_absences.py $(DEMO)

demo: $(READY) ## write a GitOps repository into build/demo and check it (two minutes where nothing is there yet)
	@$(BIN)/modelyard tools install --quiet modelyard-render
	@$(BIN)/python scripts/demo.py $(DEMO)

test: setup promtool lint ## run every check and test but the slow ones
	@$(BIN)/python -m pytest -n auto -m "not slow"

test-slow: setup ## run the tests that take minutes: fuzzing, differentials, generated data
	@$(BIN)/python -m pytest -n auto --dist loadgroup -m slow --ignore tests/terraform --ignore tests/rehearsal/test_cloud.py \
	  --ignore tests/rendering/test_library_sources.py --ignore tests/browser

test-terraform: setup build/terraform/.ready build/checkov/.ready ## apply the Terraform to a mock AWS, plan again, destroy, rehearse in it, judge it by checkov; not part of .ci/run (20 minutes)
	@build/terraform/bin/python scripts/targets.py run $@ -- build/terraform/bin/python -m pytest -n 3 --dist loadgroup -m slow \
	  tests/terraform tests/rehearsal/test_cloud.py

test-renderer: setup ## run the renderer's own tests and fuzz it; not part of .ci/run (10 minutes)
	@$(BIN)/python scripts/targets.py run $@ -- $(BIN)/python -m pytest -n 1 -m slow tests/rendering/test_library_sources.py

test-browser: setup build/browser/.ready ## show the report to Chromium: axe-core, keyboard, phone, hostile values, a thousand models; not part of .ci/run (3 minutes)
	@build/browser/bin/python scripts/targets.py run $@ -- build/browser/bin/python -m pytest -n 2 -m slow tests/browser

build/browser/.ready: requirements-browser.lock
	@test -x build/browser/bin/python || $(PYTHON) -m venv build/browser
	@build/browser/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@build/browser/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

build/terraform/.ready: requirements-terraform.lock
	@test -x build/terraform/bin/python || $(PYTHON) -m venv build/terraform
	@build/terraform/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@build/terraform/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

build/checkov/.ready: requirements-checkov.lock
	@test -x build/checkov/bin/python || $(PYTHON) -m venv build/checkov
	@build/checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

build/serving/.ready: images/mlserver/requirements.txt
	@test -x build/serving/bin/python || $(PYTHON) -m venv build/serving
	@build/serving/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@build/serving/bin/python -m pip install --quiet --disable-pip-version-check "moto[s3,server]==5.2.5" skl2onnx==1.20.0
	@test -x build/serving/aws/bin/python || $(PYTHON) -m venv build/serving/aws
	@build/serving/aws/bin/python -m pip install --quiet --disable-pip-version-check awscli==1.46.3
	@touch $@

serving-real: build/serving/.ready ## serve models of every format by the real MLServer, and write docs/serving-on-cpus.md (two minutes)
	@build/serving/bin/python -W ignore scripts/serving_real.py --write

build/loadtest/.ready: $(READY)
	@mkdir -p build/loadtest
	@test -x build/loadtest/bin/python || $(PYTHON) -m venv build/loadtest
	@build/loadtest/bin/python -m pip install --quiet --disable-pip-version-check aiperf==0.12.0
	@GOBIN=$(CURDIR)/build/loadtest/bin go install go.k6.io/k6@v1.3.0
	@touch $@

loadtest-real: build/loadtest/.ready ## run four real clients of each load test against servers of known times, and write docs/load-tests.md (three minutes)
	@$(BIN)/python scripts/loadtest_real.py --write

build/renovate/.ready:
	@mkdir -p build/renovate
	@npm install --no-audit --no-fund --silent --prefix build/renovate node@24.21.0 renovate@44.121.2
	@touch $@

renovate-real: build/renovate/.ready $(READY) ## let Renovate itself read a generated repository, and write docs/renovate.md (a minute; npm once)
	@$(BIN)/python scripts/renovate_real.py build/renovate --write

faults: setup promtool build/checkov/.ready ## make every known mistake, print who notices it, and write down what is caught
	@$(BIN)/modelyard tools install --quiet kube-score
	@$(BIN)/python scripts/faults_table.py --tools --write

kills: setup ## kill every verb that writes a thousand times, and see that the next command finds the old or the new (an hour)
	@$(BIN)/python -W ignore scripts/kills.py --kills $(or $(KILLS),1000) --seed $(or $(SEED),1)

fuzz: setup ## give the readers, and a check, what nobody should write (SEEDS=FIRST:LAST; docs/security/fuzzing.md)
	@$(BIN)/python scripts/fuzz.py readers --seeds $(or $(SEEDS),0:5000)
	@$(BIN)/python scripts/fuzz.py repositories --seeds $(or $(SEEDS),0:5000)

mutants: setup ## change what repositories set, one value at a time, and write down what the check does not notice (SAMPLE=, SEED=, SHARD=1/4; all: hours)
	@$(BIN)/python -W ignore scripts/mutants.py run --sample $(or $(SAMPLE),0) --seed $(or $(SEED),1) --shard $(or $(SHARD),1/1)
	@$(BIN)/python scripts/mutants.py report --gaps --write

mutants-truth: setup ## ask a real API server about mutants, and write down what it refuses while the check is green (SAMPLE=, SEED=, SHARD=1/4)
	@$(BIN)/python -W ignore scripts/targets.py run $@ -- $(BIN)/python -W ignore scripts/mutants_truth.py run --report \
	  --sample $(or $(SAMPLE),1000) --seed $(or $(SEED),1) --shard $(or $(SHARD),1/1)

mutants-schedule: setup ## let the real scheduler and Karpenter place mutants, and write down what stays Pending while the check is green (SAMPLE=, SEED=, SHARD=1/4)
	@$(BIN)/python -W ignore scripts/targets.py run $@ -- $(BIN)/python -W ignore scripts/mutants_live.py run --level schedule \
	  --report --sample $(or $(SAMPLE),100) --seed $(or $(SEED),1) --shard $(or $(SHARD),1/1)

mutants-sync: setup ## let a real Argo CD sync mutants, and write down what never gets well while the check is green (SAMPLE=, SEED=, SHARD=1/4)
	@$(BIN)/python -W ignore scripts/targets.py run $@ -- $(BIN)/python -W ignore scripts/mutants_live.py run --level sync \
	  --report --world one-model --sample $(or $(SAMPLE),30) --seed $(or $(SEED),1) --shard $(or $(SHARD),1/1)

lint: $(READY) ## check style, types and the direction of imports
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

generate: setup ## write every generated file anew: menus, schemas, dashboards, reference, README transcripts
	@for script in $(GENERATORS); do echo "scripts/$$script.py"; $(BIN)/python scripts/$$script.py || exit; done

generate-check: setup ## tell which generated file is not current
	@failed=0; for script in $(GENERATORS); do $(BIN)/python scripts/$$script.py --check || failed=1; done; exit $$failed

format: $(READY) ## put the code into its one format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(READY) ## write requirements.lock anew from pyproject.toml
	@$(BIN)/python scripts/lock.py

docs: build/docs-env/.ready ## build the documentation site into build/docs/site, strictly (15 seconds; DOCS_REF=, of links to other files)
	@$(PYTHON) scripts/docs_pages.py --ref $(or $(DOCS_REF),main)
	@rm -rf build/docs/site
	@build/docs-env/bin/zensical build --strict --clean

docs-check: docs ## check the site: links, anchors, spelling, search, nothing loaded from elsewhere
	@build/docs-env/bin/python scripts/targets.py run $@ -- build/docs-env/bin/python scripts/docs_check.py

docs-commands: setup ## run the commands of docs/ and compare what they print, or write it (WRITE=--write); not part of .ci/run (5 minutes)
	@$(BIN)/python scripts/targets.py run $@ -- $(BIN)/python scripts/docs_commands.py $(WRITE)

docs-choices: setup ## write the table of docs/choose.md anew, from fit, place and cost of every overlay (a minute)
	@$(BIN)/python scripts/targets.py run $@ -- $(BIN)/python scripts/generate_choices.py

build/docs-env/.ready: requirements-docs.lock
	@test -x build/docs-env/bin/python || $(PYTHON) -m venv build/docs-env
	@build/docs-env/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

pictures: demo ## take the pictures of docs/images in Chromium
	@$(BIN)/python scripts/pictures.py $(DEMO)

bench: setup ## measure checking, rendering and sizing, as ratios within one run
	@$(BIN)/python scripts/bench_render.py
	@$(BIN)/python scripts/bench_check.py
	@$(BIN)/python scripts/bench_sizing.py

bench-scale: setup ## measure a check from 40 to 4,000 deployments and write docs/scale.md (an hour)
	@$(BIN)/python scripts/bench_scale.py --write

wheels: $(READY) ## build the wheels of every platform, the pure one and the source distribution into dist (10 minutes)
	@$(BIN)/python scripts/wheels.py

sbom: build/release/.ready ## write the bill of materials beside the wheels in dist
	@$(BIN)/python scripts/sbom.py dist

release-check: $(READY) build/release/.ready ## make a release in a clone, use it without Go and network, write docs/releasing.md (10 minutes)
	@$(BIN)/python scripts/release_check.py

build/release/.ready: requirements-release.lock
	@test -x build/release/bin/python || $(PYTHON) -m venv build/release
	@build/release/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

release: $(READY) ## make a release: version, changelog, tag (VERSION=1.2.3)
	@$(BIN)/python scripts/release.py $(VERSION)

clean: ## remove what was built here
	@rm -rf build dist $(VENV)
