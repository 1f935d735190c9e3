# The one way to do things here: people, the README and continuous integration call these targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CHART := charts/conversation-webhook-operator
CHARTS := $(CHART) charts/conversation-webhooks
CRD_FILES := crds/conversationwebhooks.yaml $(CHART)/files/crd.yaml

# Most tests of the whole operator wait for windows to pass: more of them at a time than there are cores.
TEST_THREADS ?= 4

# The test of the whole operator that runs others, for ten minutes: a part of its own.
PAIRS := switches::pairs::every_pair
# Those that keep a machine busy: beside them, tests that count what happens within a span would wait for a processor.
STORMS := chaos:: matrix::

# What is run on the oldest Kubernetes too, of the tests of the whole operator: its life, each rule, each way of a deletion, what
# it costs the API server, what it leaves behind, and the guards.
OLDEST_CORE := lifecycle:: rules:: deletions:: counts:: footprint:: outsiders:: guards::

# Of the container image.
IMAGE ?= conversation-webhook-operator
SIMULATOR_IMAGE ?= twilio-conversations-simulator
IMAGE_FLAGS ?= --load

# What `make chaos` goes by.
CREATES ?= 10000
MINUTES ?= 0
SEED ?= 6

# What `make bench` goes by.
BENCH_OBJECTS ?= 10000
BENCH_CONTENDERS ?= floor,operator,controller-runtime-tuned,controller-runtime-looking,kube-rs,kube-rs-tuned

BENCH = $(or $(CARGO_TARGET_DIR),target)/release/bench

# What `make memory` goes by.
MEMORY_OBJECTS ?= 10000

# The parts of `make test`, cheapest that can fail first. Each is a target of its own.
PARTS := fmt-check deny control-plane clippy doc chart crd-check test-build test-rust test-instructions test-storms test-switches test-python

# The test that counts instructions.
INSTRUCTIONS := controller::index::tests::instructions::an_object_costs_few_instructions

##@ Try it

.PHONY: demo
demo: prerequisites ## Guided tour on real parts: seconds, once everything is built
	@controlplane/build.sh etcd kube-apiserver kubectl helm
	@$(MAKE) build
	@"$(BIN)/demo" tour

.PHONY: demo-up
demo-up: prerequisites ## Leave control plane, simulator, bot and operator running, to play with
	@controlplane/build.sh etcd kube-apiserver kube-controller-manager kubectl helm
	@$(MAKE) build
	@"$(BIN)/demo" up

.PHONY: demo-down
demo-down: build ## Stop what demo-up started
	@"$(BIN)/demo" down

##@ Work on it

.PHONY: build
build: prerequisites ## Debug build of the operator, the simulator and the demo
	@cargo build --locked --workspace --bins

.PHONY: crd
crd: build ## Generate the CRD from the Rust types: crds/, the chart's copy and manifests/
	@new="$$(mktemp)"; trap 'rm -f "$$new"' EXIT; "$(BIN)/conversation-webhook-operator" crd >"$$new"; \
	for file in $(CRD_FILES); do cp "$$new" "$$file"; echo "$$file"; done
	@$(MAKE) manifests

.PHONY: chart-docs
chart-docs: ## Generate the table of values in each chart's README from the comments in values.yaml
	@.ci/chart-docs

.PHONY: manifests
manifests: prerequisites ## Generate manifests/ from the chart, for installing without Helm
	@controlplane/build.sh helm
	@$(FIND_HELM); .ci/manifests "$$helm"

.PHONY: control-plane
control-plane: prerequisites ## Build etcd, the API server and their tools, once for every clone
	@controlplane/build.sh

.PHONY: lint
lint: fmt-check clippy doc chart ## Format, clippy, docs and chart, warnings denied

.PHONY: test
test: ## Everything that continuous integration runs, part by part
	@.ci/prerequisites python
	@MAKE="$(MAKE)" .ci/parts $(PARTS)

##@ Measure

.PHONY: memory
memory: control-plane ## The operator's memory with 10,000 objects of the largest size, on a real API server: MEMORY_OBJECTS=10000
	MEMORY_OBJECTS=$(MEMORY_OBJECTS) cargo test --locked --test operator -- --nocapture memory::

.PHONY: bench
bench: bench-build ## All rows of docs/benchmarks.md but the large ones: BENCH_OBJECTS=10000; two hours, on an idle machine
	@"$(BENCH)" create --objects $(BENCH_OBJECTS) --contenders $(BENCH_CONTENDERS); echo; \
	"$(BENCH)" rest --objects $(BENCH_OBJECTS); echo; \
	"$(BENCH)" steady --objects $(BENCH_OBJECTS); echo; \
	"$(BENCH)" change --objects $(BENCH_OBJECTS) --tenants 10; echo; \
	"$(BENCH)" limited --objects 3000 --latency 300; echo; \
	"$(BENCH)" outage --objects 6000 --tenants 3; echo; \
	"$(BENCH)" fair --objects $(BENCH_OBJECTS); echo; \
	"$(BENCH)" shards --objects 3000 --tenants 3

.PHONY: bench-large
bench-large: bench-build ## The rows with 100,000 objects of 1,000 tenants: half an hour and 3 GB of disk once, then a quarter of an hour
	@"$(BENCH)" rest --objects 100000 --tenants 1000; echo; \
	"$(BENCH)" change --objects 100000 --tenants 1000

.PHONY: bench-build
bench-build: control-plane
	@cargo build --quiet --release --locked --package bench --package twilio-conversations-simulator \
	    --package conversation-webhook-operator --package peer-kube-rs
	@if command -v go > /dev/null; then (cd benches/peers/controller-runtime && go build -o "$(abspath $(dir $(BENCH)))/peer-controller-runtime" .); fi

.PHONY: bench-peers
bench-peers: control-plane ## The peers of the benchmark: do they work, what a create costs, what they get wrong: five minutes
	cargo test --locked --workspace --test smoke -- --ignored --nocapture --test-threads 1

.PHONY: bench-simulator
bench-simulator: prerequisites ## The simulator's rate on one core and its memory, from outside: five minutes, on an idle machine
	@simulator/bench/run.sh

##@ Prove it

.PHONY: test-oldest
test-oldest: export CWO_KUBERNETES := oldest
test-oldest: prerequisites ## The core of the tests on the oldest Kubernetes that is supported: its build takes 6 minutes, once
	@controlplane/build.sh
	cargo test --locked --package controlplane --test control_plane the_server_is_the_version_that_was_asked_for
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --locked --no-fail-fast --test admission --test charts
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --locked --no-fail-fast --test operator -- $(OLDEST_CORE)

.PHONY: verify
verify: prerequisites ## The create protocol in every order of events: no network, ten minutes on an idle machine, 9 GB
	@cargo test --quiet --profile verify --locked --lib decide::tests::model -- --include-ignored --nocapture --test-threads 1

.PHONY: crash-matrix
crash-matrix: control-plane ## Strike every request of the operator's in every way: half an hour; CELL='part of a name' runs some
	cargo test --locked --test operator -- --ignored --nocapture matrix::the_whole_crash_matrix

.PHONY: chaos
chaos: control-plane ## Everything at once, until so many creates and minutes: CREATES=10000 MINUTES=0 SEED=6
	CHAOS_CREATES=$(CREATES) CHAOS_MINUTES=$(MINUTES) CHAOS_SEED=$(SEED) cargo test --locked --test operator -- --nocapture chaos::storm

##@ Release: .github/workflows/release.yaml calls these

.PHONY: advisories
advisories: prerequisites ## Known weaknesses of dependencies: downloads the database, so not part of `make test`
	@.ci/cargo-tool cargo-deny --locked check advisories

.PHONY: release-check
release-check: ## VERSION=1.2.3: every file that names a version names this one, and CHANGELOG.md has it
	@.ci/release-check "$(VERSION)"

.PHONY: package
package: prerequisites ## Both charts as archives and the plain manifests, in dist/: IMAGE and SIMULATOR_IMAGE go into them
	@controlplane/build.sh helm
	@$(FIND_HELM); .ci/package "$$helm" "$(IMAGE)" "$(SIMULATOR_IMAGE)" dist

.PHONY: sbom
sbom: prerequisites ## What the operator is made of, in dist/sbom.cdx.json, by Cargo.lock
	@.ci/sbom dist/sbom.cdx.json

.PHONY: image
image: ## The container image, with docker: VERSION=1.2.3 IMAGE=name; IMAGE_FLAGS=--push publishes it
	@mkdir -p dist
	docker buildx build . --tag "$(IMAGE):$(VERSION)" --metadata-file dist/image.json $(IMAGE_FLAGS) \
	    --build-arg VERSION="$(VERSION)" --build-arg REVISION="$$(git rev-parse HEAD)"

.PHONY: image-without-docker
image-without-docker: prerequisites ## The same on a machine without Docker and image registry, and a run of it: needs root, buildah, debootstrap, 10 GB
	@.ci/image-without-docker dist/image

.PHONY: image-simulator
image-simulator: ## That of the stand-in for Twilio, the same way: SIMULATOR_IMAGE=name
	@mkdir -p dist
	docker buildx build . --target simulator --tag "$(SIMULATOR_IMAGE):$(VERSION)" $(IMAGE_FLAGS) \
	    --metadata-file dist/image-simulator.json \
	    --build-arg VERSION="$(VERSION)" --build-arg REVISION="$$(git rev-parse HEAD)"

.PHONY: push-charts
push-charts: package ## The charts to REGISTRY, as OCI artifacts; what they are stored as goes to dist/charts.txt
	@$(FIND_HELM); .ci/push-charts "$$helm" "$(REGISTRY)" dist/*.tgz | tee dist/charts.txt

##@ Parts of lint and test

.PHONY: fmt-check
fmt-check: prerequisites ## Formatting
	@cargo fmt --all --check

.PHONY: clippy
clippy: prerequisites ## Lints of all code, tests included
	@cargo clippy --quiet --workspace --all-targets --locked -- -D warnings

.PHONY: deny
deny: prerequisites ## Dependencies: banned ones, licences, where they come from (deny.toml)
	@.ci/cargo-tool cargo-deny --locked --log-level error check bans licenses sources

.PHONY: doc
doc: prerequisites ## API documentation
	@RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps --locked

.PHONY: chart
chart: prerequisites ## The charts, linted and rendered; their READMEs and manifests/ are what they make
	@controlplane/build.sh helm
	@$(FIND_HELM); for chart in $(CHARTS); do \
	    "$$helm" lint --quiet --strict "$$chart"; \
	    "$$helm" template release "$$chart" --namespace operators >/dev/null; \
	done
	@.ci/chart-docs --check
	@$(FIND_HELM); .ci/manifests "$$helm" --check

.PHONY: crd-check
crd-check: build ## The CRD in the repository is the one that the Rust types make
	@new="$$(mktemp)"; trap 'rm -f "$$new"' EXIT; "$(BIN)/conversation-webhook-operator" crd >"$$new"; \
	for file in $(CRD_FILES); do \
	    diff -u "$$file" "$$new" || { echo "$$file is out of date: run \`make crd\`" >&2; exit 1; }; \
	done

.PHONY: test-build
test-build: prerequisites ## Compile all Rust tests
	@cargo test --quiet --workspace --locked --no-run

.PHONY: test-rust
test-rust: control-plane ## Unit, property and integration tests, the operator on a real API server included
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --workspace --locked --no-fail-fast -- $(PAIRS:%=--skip %) $(STORMS:%=--skip %)

.PHONY: test-instructions
test-instructions: prerequisites ## What an object costs in instructions, counted by valgrind where that is there: a minute
	@if command -v valgrind > /dev/null; then \
	    cargo test --quiet --locked --lib -- --ignored --exact --nocapture $(INSTRUCTIONS); \
	else echo 'Not counted: valgrind is not there (Debian and Ubuntu: apt install valgrind)'; fi

.PHONY: test-storms
test-storms: control-plane ## Chaos until a thousand webhooks were made, and a sample of the crash matrix
	RUST_TEST_THREADS=1 cargo test --locked --test operator -- $(STORMS)

.PHONY: test-switches
test-switches: control-plane ## A part of the operator's tests under every pair of switches of the simulator: nine runs
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --locked --test operator -- --nocapture $(PAIRS)

.PHONY: test-python
test-python: build ## The simulator against Twilio's official Python library
	@.ci/prerequisites python
	@SIMULATOR_BIN="$(BIN)/twilio-conversations-simulator" simulator/tests/python/run.sh

.PHONY: prerequisites
prerequisites:
	@.ci/prerequisites

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	    /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nNeeded: Rust by rustup, a C compiler, Go, Python 3, bash. README.md says which, CONTRIBUTING.md the rest.\n'

# Not `cargo run --package`: alone, a package may get other features of its dependencies, and all is compiled twice.
BIN = $$(cargo metadata --no-deps --locked --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug
# The one of build.sh, or with KUBEBUILDER_ASSETS the user's own.
FIND_HELM = helm="$$(controlplane/build.sh --print-dir)/helm"; [ -x "$$helm" ] || helm=helm
