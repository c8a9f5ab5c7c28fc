# Provery. `make` prints the targets.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CGO_ENABLED := 0
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
COMMITTED ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
HOSTARCH  := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)
OTHERARCH := $(if $(filter arm64,$(HOSTARCH)),amd64,arm64)
LDFLAGS   := -s -w -X main.version=$(VERSION)
CACHE     ?= $(CURDIR)/build/cache
TOOLCHAIN := toolchain/zokrates/node_modules/.package-lock.json
SOLC      := test/evm/node_modules/.package-lock.json
CIRCOM    := toolchain/circom/node_modules/.package-lock.json
SDK       := sdk/typescript/node_modules/.package-lock.json
RESULTS   ?= bench/results/$(shell date +%F)
BENCH     := PROVERY_CACHE=$(CACHE) bin/provery bench
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
VERSITYGW := v1.8.0
HELM      := v3.22.0
FUZZTIME  ?= 5s
IMAGEARGS := --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) $(foreach v,GO_IMAGE NODE_IMAGE GOPROXY GOSUMDB GONOSUMDB GOPRIVATE NPM_CONFIG_REGISTRY,$(if $($v),--build-arg $v=$($v)))
# Packages whose tests start goroutines of the service; the race detector needs cgo and a C compiler.
CONCURRENT := ./internal/parallel ./internal/scratch ./internal/msm ./internal/ntt ./internal/store/... ./internal/engine/... ./internal/queue/... \
              ./internal/registry/... ./internal/webhook/... ./internal/upload/... ./internal/worker/... ./internal/httpapi/... ./internal/daemon/... ./client/...

# Modules of their own, whose dependencies stay out of the service.
NESTED := client/evm examples/attestation examples/rollup

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: go
go:
	@command -v go >/dev/null || { echo "Go (the version in go.mod) is needed: install it and run this again." >&2; exit 1; }

.PHONY: build
build: go ## build bin/provery, one static binary
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/provery ./cmd/provery

.PHONY: build-evm
build-evm: go ## build bin/provery-evm, which deploys, checks and calls contracts on a chain
	cd client/evm && go build -trimpath -ldflags '-s -w' -o ../../bin/ ./cmd/provery-evm

.PHONY: demo
demo: build $(CACHE)/reserves/.done ## register an example circuit, prove it over HTTP, verify, show the result
	bin/provery demo --example $(CACHE)/reserves \
	  --args examples/zokrates/reserves/args.json --refused examples/zokrates/reserves/args-unsatisfied.json

.PHONY: demo-attestation
demo-attestation: build $(CACHE)/readings/.done ## a device's signed readings, of which only "within limits" becomes public
	@dir=$$(mktemp -d); bin/provery serve --listen 127.0.0.1:0 --data-dir $$dir 2> $$dir/log & pid=$$!; \
	  trap "kill $$pid; wait $$pid; rm -rf $$dir" EXIT; \
	  until at=$$(grep -o 'msg=serving address=[^ ]*' $$dir/log); do kill -0 $$pid 2> /dev/null || { cat $$dir/log; exit 1; }; sleep 0.2; done; \
	  cd examples/attestation && go run ./demo --service http://$${at##*=} --circuit $(CACHE)/readings/bn128

.PHONY: rollup
rollup: build $(SOLC) $(CACHE)/payments/.done ## build bin/rollup, and compile its circuit (2 minutes, once)
	cd examples/rollup && go build -trimpath -o ../../bin/rollup ./cmd/rollup

.PHONY: demo-rollup
demo-rollup: rollup ## a payments ledger whose every step is proven: 20 accounts, 50 transfers, on a chain of its own
	bin/rollup demo --circuit $(CACHE)/payments/bn128 --data $(CACHE)/rollup

.PHONY: test
test: setup ## set up and run all tests
	go test $(TESTFLAGS) ./...
	@for m in $(NESTED); do echo "in $$m:"; (cd $$m && go test $(TESTFLAGS) ./...) || exit 1; done
	cd test/evm && go test $(TESTFLAGS) -short -skip '^TestGas$$' ./...
	$(MAKE) --no-print-directory sdk

.PHONY: setup
setup: go $(TOOLCHAIN) $(SOLC) $(SDK) $(CACHE)/reserves/.done $(CACHE)/eddsa/.done $(CACHE)/payments2/.done $(CACHE)/readings/.done $(CACHE)/zokrates-js/.done $(CACHE)/circomlib/.done ## install the compilers and make the test workloads (about 3 minutes, once)

.PHONY: sdk
sdk: build $(SDK) ## build the TypeScript client and test it against a service
	cd sdk/typescript && npm run --silent build && npm test --silent

.PHONY: sdk-types
sdk-types: $(SDK) ## make the TypeScript client's types anew, after a change of the API
	go test ./internal/httpapi/contracttest -run TestDocumentIsTheClients -update
	cd sdk/typescript && npm run --silent types

$(SDK): sdk/typescript/package-lock.json | node
	@echo "installing what the TypeScript client is built with from npm ..."
	cd sdk/typescript && npm ci --no-audit --no-fund --loglevel=error

.PHONY: node
node:
	@command -v node >/dev/null && command -v npm >/dev/null || { \
	  echo "Node.js (20 or later) with npm is needed to compile the example programs: install it and run this again." >&2; exit 1; }
	@node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' || { \
	  echo "Node.js $$(node --version) is too old: 20 or later is needed." >&2; exit 1; }

$(TOOLCHAIN): toolchain/zokrates/package-lock.json | node
	@echo "installing the ZoKrates compiler from npm ..."
	cd toolchain/zokrates && npm ci --no-audit --no-fund --loglevel=error

$(CACHE)/reserves/.done: examples/zokrates/reserves/main.zok $(TOOLCHAIN)
	node toolchain/zokrates/build.mjs examples/zokrates/reserves --out $(@D)
	@touch $@

$(CACHE)/eddsa/.done: examples/zokrates/eddsa/main.zok $(TOOLCHAIN)
	@echo "making the EdDSA workload: compiling takes about 20 s, its key about 40 s, memory up to 2 GiB ..."
	node toolchain/zokrates/build.mjs examples/zokrates/eddsa --out $(@D)
	@touch $@

# The circuit of examples/rollup, the one with fewer transfers that its tests use, and
# that of examples/attestation. The service makes their keys.
$(CACHE)/payments/.done $(CACHE)/payments2/.done $(CACHE)/readings/.done: $(CACHE)/%/.done: examples/zokrates/signed/%.zok $(wildcard examples/zokrates/signed/lib/*.zok) $(TOOLCHAIN)
	@echo "compiling $*: up to two minutes, memory up to 2 GiB ..."
	node toolchain/zokrates/build.mjs examples/zokrates/signed --program $* --no-setup --out $(@D)
	@touch $@

# The compiler as the service hosts it. Its compilation cache is made by a test
# binary, since wazero keeps those of different builds apart.
$(CACHE)/zokrates-js/.done: $(TOOLCHAIN)
	@echo "preparing the compiler's host: about half a minute ..."
	go test -count=1 -run '^TestPrepared$$' ./internal/frontend/zokrates/compiler
	@touch $@

.PHONY: lint
lint: ## gofmt, go vet and staticcheck
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	@for m in $(NESTED) test/evm; do echo "in $$m:"; (cd $$m && go vet ./... && go run $(STATICCHECK) ./...) || exit 1; done

.PHONY: tidy
tidy: go ## go mod tidy here and in the modules of their own, after a change of requirements
	go mod tidy
	for m in $(NESTED) test/evm; do (cd $$m && go mod tidy) || exit 1; done

.PHONY: race
race: ## the race detector on the concurrent packages
	@command -v cc >/dev/null || { echo "the race detector needs a C compiler (Debian: apt-get install gcc libc6-dev)" >&2; exit 1; }
	CGO_ENABLED=1 go test $(TESTFLAGS) -race -short $(CONCURRENT)

.PHONY: race-nested
race-nested: setup ## the race detector on the modules of their own (some minutes to compile, once)
	@for m in $(NESTED); do echo "in $$m:"; (cd $$m && CGO_ENABLED=1 go test $(TESTFLAGS) -race ./...) || exit 1; done

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (5s)
	@FUZZTIME=$(FUZZTIME) TESTFLAGS=$(TESTFLAGS) .ci/fuzz

.PHONY: test-conformance
test-conformance: $(TOOLCHAIN) ## 120 programs through zokrates-js and Provery on all curves (about 15 minutes)
	PROVERY_CONFORMANCE=all go test -v -count=1 -timeout 90m -run 'TestConformance$$' ./internal/conformance

.PHONY: image
image: go ## container image: with docker where its daemon runs, else as an archive
	@if docker info >/dev/null 2>&1; then $(MAKE) --no-print-directory image-docker; else \
	  echo "no docker daemon answers: making an archive instead"; $(MAKE) --no-print-directory image-archive; fi

.PHONY: image-docker
image-docker: # GO_IMAGE, NODE_IMAGE, GOPROXY and others of deploy/Dockerfile's arguments are handed on
	DOCKER_BUILDKIT=1 docker build -f deploy/Dockerfile --target provery $(IMAGEARGS) -t provery:$(VERSION) .
	DOCKER_BUILDKIT=1 docker build -f deploy/Dockerfile --target toolchain $(IMAGEARGS) -t provery:$(VERSION)-toolchain .

.PHONY: image-archive
image-archive: go ## build/image/*.tar for amd64 and arm64, without a container engine ("docker load", or any OCI tool)
	@mkdir -p build/image
	for arch in amd64 arm64; do GOOS=linux GOARCH=$$arch go build -trimpath -ldflags '$(LDFLAGS)' -o build/image/provery-$$arch ./cmd/provery; done
	go run ./deploy/image -out build/image/provery.tar -tag provery:$(VERSION) -version $(VERSION) -revision $(REVISION) -created $(COMMITTED) \
	  -binary $(HOSTARCH)=build/image/provery-$(HOSTARCH) -binary $(OTHERARCH)=build/image/provery-$(OTHERARCH)

.PHONY: image-toolchain
image-toolchain: image-archive $(TOOLCHAIN) $(CIRCOM) ## the same with the compilers of ZoKrates and Circom, for this machine's architecture
	build/image/provery-$(HOSTARCH) toolchain install zokrates --dir build/image/toolchain-$(VERSION)
	build/image/provery-$(HOSTARCH) toolchain install circom --dir build/image/toolchain-$(VERSION)
	go run ./deploy/image -out build/image/provery-toolchain.tar -tag provery:$(VERSION)-toolchain -version $(VERSION) -revision $(REVISION) -created $(COMMITTED) \
	  -binary $(HOSTARCH)=build/image/provery-$(HOSTARCH) -add build/image/toolchain-$(VERSION)=/opt/provery/toolchain \
	  -add toolchain/NOTICE=/usr/share/doc/compilers/NOTICE \
	  -add toolchain/zokrates/node_modules/zokrates-js/LICENSE=/usr/share/doc/compilers/LGPL-3.0 \
	  -add toolchain/circom/node_modules/snarkjs/COPYING=/usr/share/doc/compilers/GPL-3.0

.PHONY: test-chart
test-chart: go $(CACHE)/bin/helm@$(HELM) ## lint and render the Helm chart, compare, check against Kubernetes's types (minutes to build helm, once)
	PROVERY_HELM=$(CACHE)/bin/helm@$(HELM) go test -count=1 ./deploy
	PROVERY_HELM=$(CACHE)/bin/helm@$(HELM) go test -count=1 -run '^TestKubernetesValues$$' ./internal/faulttest
	cd deploy/helm/strict && go test ./...

$(CACHE)/bin/helm@$(HELM):
	@echo "building helm ..."
	@mkdir -p $(@D)
	@dir=$$(mktemp -d) && GOBIN=$$dir go install helm.sh/helm/v3/cmd/helm@$(HELM) && mv $$dir/helm $@

.PHONY: test-s3
test-s3: go ## the blob store against a real S3 server, versitygw (minutes to build, once)
	.ci/s3 $(CACHE)/bin/versitygw@$(VERSITYGW)

.PHONY: test-faults
test-faults: setup ## kill, stop and starve the running service, and count the jobs (about 10 minutes)
	PROVERY_FAULTS=long go test -v -count=1 -timeout 30m ./internal/faulttest
	PROVERY_FAULTS=long go test -count=1 -timeout 30m -run 'TestSameOn|TestCluster$$|TestExternalServer|TestKilledProcess' ./internal/queue

.PHONY: test-docker
test-docker: go ## the service as containers, killed, paused, cut off and rolled to a newer version (4 minutes; as root on Linux)
	@if ! reason=$$(.ci/docker --check); then echo "SKIPPED: make test-docker ran no test: $$reason" >&2; else \
	  $(MAKE) --no-print-directory test-docker-here; fi

.PHONY: test-docker-here
test-docker-here: $(CACHE)/bin/versitygw-static@$(VERSITYGW)
	go mod download
	@mkdir -p build && go test -c -o build/faulttest ./internal/faulttest
	.ci/docker env PROVERY_DOCKER=1 PROVERY_VERSITYGW=$(CACHE)/bin/versitygw-static@$(VERSITYGW) \
	  bash -c 'cd internal/faulttest && exec ../../build/faulttest -test.v -test.timeout 30m -test.run "^TestDocker$$"'

# Paths in the settings are relative to where make is run.
.PHONY: e2e-cluster
e2e-cluster: go ## the chart on the cluster that KUBECONFIG names, scaled and broken under load (IMAGE=repository:tag; docs/kubernetes.md)
	@mkdir -p build && go test -c -o build/faulttest ./internal/faulttest
	@for v in KUBECONFIG VALUES SECRETS CIRCUIT ARGUMENTS; do [[ -z "$${!v:-}" || "$${!v}" = /* ]] || export $$v="$$PWD/$${!v}"; done; \
	  cd internal/faulttest && PROVERY_E2E=1 exec ../../build/faulttest -test.v -test.timeout 2h -test.run '^TestKubernetes$$'

.PHONY: test-dockerfile
test-dockerfile: $(CACHE)/reserves/.done $(CIRCOM) ## build deploy/Dockerfile for both architectures, without a network, and try what it makes (5 minutes; as root on Linux)
	go mod download
	RESERVES=$(CACHE)/reserves .ci/docker .ci/dockerfile

.PHONY: bench-containers
bench-containers: build $(CACHE)/eddsa/.done ## throughput against worker containers of CPUS (0.5) processors each, WORKERS=1,2,3 of them (10 minutes; as root on Linux)
	PROVERY_CACHE=$(CACHE) .ci/docker .ci/scaling --time 8m -o $(RESULTS)-containers.json

# A container that holds nothing else needs a static program.
$(CACHE)/bin/versitygw-static@$(VERSITYGW):
	@echo "building versitygw ..."
	@mkdir -p $(@D)
	@dir=$$(mktemp -d) && CGO_ENABLED=0 GOBIN=$$dir go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW) && mv $$dir/versitygw $@

# The Circom examples, and the circuits of circomlib that tests use.
$(CACHE)/circomlib/.done: $(wildcard examples/circom/*/main.circom testdata/circom/lib/*.circom) toolchain/circom/build.mjs $(CIRCOM)
	@echo "compiling the Circom circuits: about half a minute ..."
	rm -rf $(@D)
	node toolchain/circom/build.mjs $(@D)
	@touch $@

.PHONY: test-circom
test-circom: $(CACHE)/circomlib/.done ## compare with snarkjs on circuits of circomlib, and large keys of ceremonies (about 4 minutes)
	PROVERY_CIRCOMLIB=all go test -v -count=1 -run 'TestCircomlib$$' ./internal/prove
	PROVERY_CIRCOMLIB=all go test -v -count=1 -timeout 30m -run 'TestBlocks$$' ./internal/ceremony

.PHONY: bench-queue
bench-queue: go ## the queue's own figures of docs/jobs.md: overhead, jobs/s, restart, memory
	go test -run '^$$' -bench 'Sync|Overhead|Paced|Restart|Batch' -benchtime 3s -timeout 30m ./internal/queue

$(SOLC): test/evm/package-lock.json | node
	@echo "installing the Solidity compiler from npm ..."
	cd test/evm && npm ci --no-audit --no-fund --loglevel=error

.PHONY: test-evm
test-evm: $(TOOLCHAIN) $(SOLC) ## run the verifier contracts on an EVM with every setting, and print their gas
	go test ./internal/contract
	cd test/evm && go test -count=1 -skip '^TestGas$$' ./...
	cd test/evm && go test -count=1 -v -run '^TestGas$$' .

# The benchmark's own programs.
$(CACHE)/sha256/.done $(CACHE)/poseidon-merkle/.done: $(CACHE)/%/.done: bench/workloads/%/main.zok $(TOOLCHAIN)
	node toolchain/zokrates/build.mjs bench/workloads/$* --out $(@D)
	@touch $@

.PHONY: bench-workloads
bench-workloads: $(CACHE)/eddsa/.done $(CACHE)/sha256/.done $(CACHE)/poseidon-merkle/.done ## make the benchmark's programs and keys (about 2 minutes, once)

# The benchmark's Circom circuits. Their keys are made when they are first measured.
$(CIRCOM): toolchain/circom/package-lock.json | node
	@echo "installing the Circom compiler and snarkjs from npm ..."
	cd toolchain/circom && npm ci --no-audit --no-fund --loglevel=error

$(CACHE)/circom/%/.done: bench/workloads/circom/%.circom $(CIRCOM)
	@mkdir -p $(@D)
	node toolchain/circom/node_modules/.bin/circom2 $< -l toolchain/circom/node_modules --r1cs --wasm --sym -o $(@D)
	@rm -f $(@D)/key.zkey
	@touch $@

.PHONY: bench-workloads-circom
bench-workloads-circom: $(CACHE)/circom/eddsa-poseidon-1/.done $(CACHE)/circom/eddsa-poseidon-16/.done $(CACHE)/circom/sha256-512/.done $(CACHE)/circom/sha256-4096/.done ## compile the benchmark's Circom circuits (1 minute, once)

.PHONY: bench-workloads-large
bench-workloads-large: $(TOOLCHAIN) ## make the program with two signatures too: 4 GB of memory, 3 minutes
	node toolchain/zokrates/build.mjs examples/zokrates/eddsa --program main2 --out $(CACHE)/eddsa-main2

.PHONY: bench
bench: build bench-workloads ## measure the standard workloads (a few minutes); provery bench --help says what else there is
	$(BENCH) run --service 200 --out build/bench/report.json

.PHONY: bench-all
bench-all: build bench-workloads bench-workloads-circom ## the figures of docs/benchmarks.md: 18 minutes on a quiet machine, and 5 more to make keys, once
	$(BENCH) prepare synthetic circom
	$(BENCH) run zokrates circom synthetic --repeat 7 --time 9m --service 200 --out $(RESULTS)-workloads.json
	$(BENCH) peers --source examples/zokrates/eddsa/main.zok --repeat 5 --time 6m $(if $(RAPIDSNARK),--with-rapidsnark $(RAPIDSNARK)) --out $(RESULTS)-peers.json
	$(BENCH) scaling --time 7m --out $(RESULTS)-scaling.json
	$(MAKE) --no-print-directory bench-figures

.PHONY: bench-figures
bench-figures: build ## write docs/benchmarks/figures.md and its charts from the RESULTS of a day
	@mkdir -p docs/benchmarks
	@{ echo "# Figures"; echo; echo "Generated by \`make bench-figures\`; [benchmarks.md](../benchmarks.md) says how to read them."; echo; \
	  bin/provery bench report $(RESULTS)-workloads.json $(RESULTS)-peers.json $(RESULTS)-scaling.json \
	    --markdown --charts docs/benchmarks --from docs/benchmarks; } > docs/benchmarks/figures.md.new
	@mv docs/benchmarks/figures.md.new docs/benchmarks/figures.md

.PHONY: simulate
simulate: build ## compute docs/benchmarks/simulation.md: the service with up to 10,000 workers
	bin/provery bench simulate --workers 10,30,100,200,300,1000,10000 --out $(RESULTS)-simulation.json
	@{ echo "# Simulation"; echo; echo "Generated by \`make simulate\`; [scaling.md](../scaling.md) says how to read it."; echo; \
	  bin/provery bench report $(RESULTS)-simulation.json --markdown --charts docs/benchmarks --from docs/benchmarks; } > docs/benchmarks/simulation.md

.PHONY: bench-peers
bench-peers: build bench-workloads bench-workloads-circom ## compare with zokrates-js and snarkjs, interleaved (10 minutes); RAPIDSNARK=PATH adds a binary of yours
	$(BENCH) peers --source examples/zokrates/eddsa/main.zok $(if $(RAPIDSNARK),--with-rapidsnark $(RAPIDSNARK)) --out build/bench/peers.json

# Once lint has vetted everything, the tests needn't do so again: half a minute for
# go-ethereum and SQLite.
.PHONY: ci
ci: TESTFLAGS := -vet=off
ci: setup lint race fuzz test ## what CI runs

.PHONY: clean
clean: ## remove everything that was built or installed here
	rm -rf bin build toolchain/zokrates/node_modules toolchain/circom/node_modules test/evm/node_modules
