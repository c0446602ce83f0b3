# make demo        builds everything and starts a simulated Calico cluster with its monitoring
# make test        every test that stands on this repository alone
# make peers-test  builds the real peers and runs everything against them
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: demo test peers peers-test bench bench-full ui ui-deps campaign lint e2e image

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
export TORTIE_FIXTURES ?= $(abspath ../shared/fixtures)
export TORTIE_PEERS_BIN ?= $(abspath peers/bin)
export TORTIE_EFFORT ?= ci

demo: ui
	$(CARGO) build --release --locked -p tortie
	$(TARGET)/release/tortie demo $(ARGS)

ui-deps: ui/node_modules/.stamp
ui/node_modules/.stamp: ui/package-lock.json
	cd ui && npm ci --no-audit --no-fund --silent
	touch $@

UI_SOURCES := $(shell find ui/src ui/public ui/build -type f 2>/dev/null) ui/index.html ui/vite.config.ts
ui: ui/dist/index.html
ui/dist/index.html: ui/node_modules/.stamp $(UI_SOURCES)
	cd ui && npm run --silent build
	touch ui/dist/index.html crates/web/src/pages.rs

# One static binary on nothing, as an OCI archive. The C parts (allocator, cryptography) need no musl headers of their own.
MUSL := x86_64-unknown-linux-musl
IMAGE_VERSION ?= $(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
image: ui
	rustup target add $(MUSL)
	CC_x86_64_unknown_linux_musl=$(or $(CC_MUSL),gcc) $(CARGO) build --release --locked --target $(MUSL) -p tortie
	image/oci-archive $(TARGET)/$(MUSL)/release/tortie $(IMAGE_VERSION) tortie-$(IMAGE_VERSION).tar

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --workspace --test peers --locked -- -D warnings # `--all-targets` leaves these out: they have `test = false`

test: ui
	$(CARGO) test --workspace --locked --no-fail-fast --exclude xtask --lib --bins --test it --test memory
	$(CARGO) test --locked -p xtask
	cd ui && npm test --silent && npm run --silent budget

# Go keeps what it built, so a second run takes seconds.
# Each folder of peers/ is a module of its own: their dependencies do not agree.
KUBERNETES_VERSION := 1.36.3
VERSION_FLAG := -X k8s.io/component-base/version.git
GO_BUILD := go build -ldflags '-s -w'
peers:
	mkdir -p $(TORTIE_PEERS_BIN)
	cd peers && $(GO_BUILD) -o $(TORTIE_PEERS_BIN)/ tool ./...
	cd peers/operator && $(GO_BUILD) -o $(TORTIE_PEERS_BIN)/prometheus-operator tool
	cd peers/operator && $(GO_BUILD) -o $(TORTIE_PEERS_BIN)/ ./opgen
	cd peers/kube && go build -ldflags '-s -w $(VERSION_FLAG)Version=v$(KUBERNETES_VERSION) $(VERSION_FLAG)Major=1 $(VERSION_FLAG)Minor=36' -o $(TORTIE_PEERS_BIN)/ ./...
	cd peers/kwok && $(GO_BUILD) -o $(TORTIE_PEERS_BIN)/ tool
	cd peers/tigera && $(GO_BUILD) -o $(TORTIE_PEERS_BIN)/tigera-operator tool
	cd peers/alertmanager && $(GO_BUILD) -o $(TORTIE_PEERS_BIN)/ tool
	cd peers/sarif && go mod download && go build -trimpath -ldflags "-s -w -X main.source=$$(go list -m -f '{{.Dir}}' github.com/owenrumney/go-sarif/v3)" -o $(TORTIE_PEERS_BIN)/sarifcheck .
	cd peers/helm && $(GO_BUILD) -o $(TORTIE_PEERS_BIN)/ tool
	cd peers/junit && npm ci --no-audit --no-fund --silent && go mod download github.com/yannh/kubeconform && \
	  printf '#!/bin/sh\nexec node %s %s\n' "$$PWD/check.mjs" "$$(go list -m -f '{{.Dir}}' github.com/yannh/kubeconform)/fixtures/junit.xsd" > $(TORTIE_PEERS_BIN)/junitcheck && \
	  chmod +x $(TORTIE_PEERS_BIN)/junitcheck

peers-test: ui peers
	@# Each part is run though an earlier one failed: one run shows all that is wrong.
	over=0; \
	$(CARGO) test --workspace --locked --no-fail-fast --test peers -- --nocapture || over=1; \
	(cd ui && npm run --silent test:peers) || over=1; \
	./e2e/run || over=1; \
	exit $$over

bench: peers
	$(CARGO) bench --locked -p tortie-tsdb
	$(CARGO) build --release --locked -p tortie
	TORTIE_BIN=$(abspath $(TARGET))/release/tortie $(CARGO) run --locked -p xtask -- bench scrape --quick

# One benchmark whole: ID is `scrape`.
bench-full: peers
	$(CARGO) build --release --locked -p tortie
	TORTIE_BIN=$(abspath $(TARGET))/release/tortie $(CARGO) run --locked -p xtask -- bench $(ID)

campaign:
	TORTIE_EFFORT=full bench/campaign $(NAME)
