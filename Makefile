# Everything a developer of kolmo runs by hand; .ci/run runs the same targets. `make` alone lists them.

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)

# golangci-lint is built from source once (two to three minutes) and kept under its version's name.
GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

# govulncheck asks a database on the network, so that neither `make test` nor .ci/run does.
GOVULNCHECK_VERSION := v1.9.0

# How long `make fuzz` spends on each fuzz target, and which benchmarks `make bench` runs.
FUZZ_TIME ?= 10s
BENCH ?= .

# What `make false-alarms` draws from.
SEED ?= 1

# What `make faults` is told: --faults NAMES, --seed N, --repeats N, --keep.
FAULT_FLAGS ?=

# In CI every test runs anew; elsewhere Go may reuse a result whose inputs have not changed.
ifeq ($(CI),true)
TEST_FLAGS += -count=1
endif

# The version is stamped by -ldflags; Go's own stamp fails where the checkout belongs to another user.
export GOFLAGS := $(strip $(filter-out -buildvcs%,$(shell $(GO) env GOFLAGS)) -buildvcs=false)

.DEFAULT_GOAL := help
.PHONY: help build test lint fmt vulnerabilities fuzz bench false-alarms faults stack-up stack-down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/kolmo
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION) -X main.commit=$(COMMIT)' -o bin/kolmo ./cmd/kolmo

# At most two packages at a time: several start a Kafka and a Redis of their own. The program's own tests run without
# the race detector, as users have it, and so do the slow, obvious programs that it is held against there; all that is
# concurrent in it is tested with the detector in the packages it is made of. The simulation runs with it and without it,
# which is when its two thousand runs fit in.
test: ## run all tests, fetching the Kafka and Redis they talk to
	@$(GO) run ./deploy/local/stack install
	@$(GO) test -race -p 2 -timeout 15m $(TEST_FLAGS) $$($(GO) list ./... | grep -v '/cmd/kolmo$$')
	@$(GO) test -p 2 -timeout 15m $(TEST_FLAGS) ./cmd/internal/simulation ./cmd/kolmo

lint: $(GOLANGCI_LINT) ## check formatting, go vet and golangci-lint
	@unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then \
		echo "not formatted; run make fmt:"; echo "$$unformatted"; exit 1; fi
	@$(GO) vet ./...
	@$(GOLANGCI_LINT) run ./...

fmt: ## format all Go files
	gofmt -w .

# Built in a folder of its own and renamed, so that an interrupted build leaves nothing that looks finished.
$(GOLANGCI_LINT):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION)"
	@mkdir -p bin/building
	@GOBIN=$(CURDIR)/bin/building $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv bin/building/golangci-lint $@ && rmdir bin/building

vulnerabilities: ## look for known vulnerabilities in what kolmo calls (asks a database on the network)
	@$(GO) run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

fuzz: ## run each fuzz target for FUZZ_TIME (10s)
	@set -e; grep -rn --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]*' . | while IFS=: read -r file _ target; do \
		target=$${target#func }; echo "== $$target in $$(dirname $$file)"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ_TIME) "$$(dirname $$file)" </dev/null; done

bench: ## run the benchmarks that match BENCH (all)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

false-alarms: ## simulate quiet years, count false pages, and see how soon shifts are found (minutes; SEED=1)
	$(GO) run ./cmd/internal/falsealarms --seed $(SEED)

faults: ## break what kolmo runs on in every way, and compare what it publishes (an hour or two; FAULT_FLAGS='--faults flushall')
	$(GO) run ./cmd/internal/faults $(FAULT_FLAGS)

stack-up: ## start a Kafka on port 9092 and a Redis on port 6379 of this machine
	@$(GO) run ./deploy/local/stack up

stack-down: ## stop them; their data stays
	@$(GO) run ./deploy/local/stack down

clean: ## remove what the other targets have built
	rm -rf bin
