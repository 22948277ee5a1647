# What a user or contributor can do here. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
MAKEFLAGS += --no-print-directory

CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/netobserv
export CARGO_TARGET_DIR ?= $(CACHE)/target
export NETOBSERV_CACHE := $(CACHE)

# PORT, LISTEN, DATA, INTERFACES, SAMPLING and DEMO reach run-local through the environment; their defaults stand in
# hack/run-local/src/settings.rs.

# Of the deploy targets; NAMESPACE, IMAGE, KUBECTL, PORT_FWD, CONFIG, TIMEOUT and the components' *_VERSION reach
# hack/deploy through the environment.
VERSION ?= main
IMAGE_REGISTRY ?= localhost
IMAGE_ORG ?= netobserv
REPO ?= $(IMAGE_REGISTRY)/$(IMAGE_ORG)
IMAGE ?= $(REPO)/network-observability-operator:$(VERSION)
OCI_BIN ?= $(shell command -v podman || command -v docker || command -v buildah)
require_oci_bin = $(if $(OCI_BIN),,$(error install podman, docker or buildah, or set OCI_BIN))
export VERSION REPO IMAGE

# Names of the variables on the command line but those that this file uses itself: run-local and hack/deploy
# refuse one that they do not know.
given = $(filter-out CACHE CARGO_TARGET_DIR,$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name))))
run deploy undeploy deploy-loki undeploy-loki deploy-sample-cr undeploy-sample-cr: export NETOBSERV_GIVEN = $(given)

CRATES := ebpf-agent flowlogs-pipeline console-plugin operator hack/run-local hack/testenv hack/e2e

##@ Use
help: ## List what there is to do
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-zA-Z0-9_-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@printf '\nVariables of make run (make run DEMO=1 PORT=9011)\n'
	@printf '  %-16s %s\n' \
	  PORT 'port of the page [9001]' \
	  LISTEN 'address of the page; 0.0.0.0 opens it to the network, without a password [127.0.0.1]' \
	  DATA 'folder for flows and logs [/var/lib/netobserv as root, else $$XDG_DATA_HOME/netobserv]' \
	  INTERFACES 'interfaces to watch: names or /expressions/, by commas [all but lo]' \
	  SAMPLING 'look at one packet in this many [1]' \
	  DEMO '1 adds demo traffic between network namespaces [0]'
	@printf '\nVariables of make deploy and the targets after it (make deploy NAMESPACE=flows)\n'
	@printf '  %-16s %s\n' \
	  NAMESPACE 'where the operator goes [netobserv]' \
	  IMAGE "the manager's image [REPO/network-observability-operator:VERSION]" \
	  REPO 'where all images are [IMAGE_REGISTRY/IMAGE_ORG, localhost/netobserv]' \
	  VERSION 'tag of all images [main]; BPF_VERSION, FLP_VERSION, PLG_VERSION of one component' \
	  CONFIG 'overlay of operator/config: default, certmanager or openshift [default]' \
	  TIMEOUT 'seconds that deploy-sample-cr waits for the manager [180]' \
	  KUBECTL 'the kubectl to use [kubectl]' \
	  PORT_FWD 'true forwards port 3100 of this machine to the Loki of deploy-loki [true]' \
	  OCI_BIN 'what builds and pushes images [podman, docker or buildah]' \
	  IMAGE_BASE "what the manager's image stands on [see operator/Dockerfile]" \
	  IMAGE_BUILD_BASE 'what it is compiled in [see operator/Dockerfile]' \
	  IMAGE_SOURCE "address of the repository, for the image's label [none]"

run: ## Build and run everything on this machine; Ctrl-C stops it
	@exec hack/run

operator-local: ## API server, the operator's manager beside it and a sample, on this machine; Ctrl-C stops it
	@exec hack/operator-local

build: ## Build the programs and the page, optimised
	@hack/build all

##@ Cluster
deploy: ## Install the operator into the cluster of KUBECONFIG
	@hack/deploy operator

undeploy: ## Remove the operator and its definitions, and its namespace unless a claim on a volume is in it
	@hack/deploy operator undo

deploy-loki: ## A small Loki for trying things out
	@hack/deploy loki

undeploy-loki: ## Remove that Loki
	@hack/deploy loki undo

deploy-sample-cr: ## Make a FlowCollector with the usual settings
	@hack/deploy sample

undeploy-sample-cr: ## Remove the FlowCollector
	@hack/deploy sample undo

image-build: ## Build the manager's image
	@$(require_oci_bin)$(OCI_BIN) build --tag $(IMAGE) \
	  --build-arg VERSION=$(VERSION) \
	  --build-arg BUILD_COMMIT=$$(git rev-parse --short=12 HEAD) \
	  --build-arg SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
	  $(if $(IMAGE_BASE),--build-arg BASE=$(IMAGE_BASE)) \
	  $(if $(IMAGE_BUILD_BASE),--build-arg BUILD_BASE=$(IMAGE_BUILD_BASE)) \
	  $(if $(IMAGE_SOURCE),--label org.opencontainers.image.source=$(IMAGE_SOURCE)) operator

image-push: ## Push the manager's image
	@$(require_oci_bin)$(OCI_BIN) push $(IMAGE)

##@ Check
test: setup-test lint ## Everything CI runs
	@$(MAKE) -j3 --output-sync=target LANES=1 unit web-test e2e
	echo 'all tests passed'

# One after the other: what is compiled (cargo has one lock), and what needs the kernel or much of the CPU. The operator's
# tests and the browser's wait most of the time; they run beside the others.
ifdef LANES
# Cargo would look for make's jobs, which recipes do not have.
unexport MAKEFLAGS
build compile: | web-build servers
compile: | back-end
test-ebpf-agent test-operator test-testenv web-e2e: | compile
test-flowlogs-pipeline: | test-ebpf-agent
test-console-plugin: | test-flowlogs-pipeline
test-run-local: | test-console-plugin
e2e: | test-run-local
else
# Only these lanes say what may run beside what.
.NOTPARALLEL:
endif

cargo_test := cargo test --release --locked --quiet

setup-test: ## Install what the tests miss
	@hack/setup test

lint: contracts ## Formatting, clippy, shellcheck, workflows
	@hack/lint $(CRATES)

compile: build # all test programs
	@for crate in $(CRATES); do
	  echo "compile the tests of $$crate"
	  (cd $$crate && $(cargo_test) --no-run)
	done

unit: test-ebpf-agent test-flowlogs-pipeline test-console-plugin test-operator test-run-local ## Unit, component, node and cluster tests

test-ebpf-agent test-flowlogs-pipeline test-run-local: test-%:
	@cd $(patsubst run-local,hack/run-local,$*) && $(cargo_test)
	echo 'passed: $*'

test-console-plugin: web-build # the back end serves the built page
	@cd console-plugin && $(cargo_test)
	echo 'passed: console-plugin'

test-operator: test-testenv servers # against a real API server
	@cd operator && $(cargo_test)
	echo 'passed: operator'

servers: # and tools that the operator's tests need
	@hack/testenv/testenv fetch etcd apiserver kubectl helm operator-verify

test-testenv:
	@cd hack/testenv && $(cargo_test)

contracts: ## Vendored copies equal their originals
	@hack/contracts check

web-deps web-build:
	@hack/build $@

web-test: web-check web-e2e ## Type check, lint, unit and browser tests of the page

web-check: web-deps
	@cd console-plugin/web
	npm run --silent typecheck
	npm run --silent lint
	npm run --silent test
	echo 'passed: types, style and units of the page'

# Before its tests and not beside them: theirs is built otherwise, and cargo would put this one in its place meanwhile.
back-end:
	@cd console-plugin && cargo build --release --locked --quiet

web-e2e: web-build back-end # the page in a browser, on the back end
	@cd console-plugin/web
	PLUGIN_BACKEND=$(CARGO_TARGET_DIR)/release/plugin-backend npm run --silent e2e
	echo 'passed: the page in a browser'

e2e: build ## Journeys across the programs, on this kernel (root)
	@cd hack/e2e
	# One at a time, and root's with a /run of their own: named namespaces and the demo's lock are there, so that nobody
	# else's demo is in the way, and the kernel takes back what a killed run leaves.
	test=(flock --close $(CACHE)/e2e.lock $(cargo_test) -- --test-threads=1)
	[ "$$(id -u)" != 0 ] || test=(unshare --mount sh -c 'mount -t tmpfs tmpfs /run && exec "$$@"' sh "$${test[@]}")
	"$${test[@]}"
	echo 'passed: journeys'

sweep: ## Set and take back every property of a FlowCollector, on a real API server
	@hack/testenv/testenv fetch etcd apiserver kubectl
	cd operator && SWEEP=$(or $(SWEEP),all) $(cargo_test) --test reconcile sweep -- --nocapture

bench: build ## Print the figures of the budgets
	@hack/setup bench
	hack/bench

##@ Contribute
setup: ## Install what building and testing need
	@hack/setup test

fmt: ## Format all Rust code
	@for crate in $(CRATES) ebpf-agent/kernel; do (cd $$crate && cargo fmt); done

contracts-sync: ## Copy contracts from their owners to their consumers
	@hack/contracts sync

.PHONY: help run operator-local deploy undeploy deploy-loki undeploy-loki deploy-sample-cr undeploy-sample-cr image-build image-push build test setup-test lint unit test-ebpf-agent test-flowlogs-pipeline test-console-plugin test-operator test-testenv test-run-local contracts compile servers back-end web-deps web-build web-test web-check web-e2e e2e sweep bench setup fmt contracts-sync
