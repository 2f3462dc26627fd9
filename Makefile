# `make` lists the targets. Tools are pinned in go.mod and in dev/tools/go.mod (those too
# large for the program's own module) and built by the go command when first used.

buf      := go tool -modfile=dev/tools/go.mod buf
golangci := go tool -modfile=dev/tools/go.mod golangci-lint

# What `make generate` writes, for git.
generated := '*.pb.go' 'graph/generated*.go' 'graph/*.generated.go' graph/model/models_gen.go 'resolvers/*.resolvers.go'

# Our Go files, whether git knows them yet or not, and not those of node_modules.
gofiles = $$(git ls-files --cached --others --exclude-standard -- '*.go' | xargs ls -d 2>/dev/null)

.DEFAULT_GOAL := help
.NOTPARALLEL: # check's steps are in order
.PHONY: help
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run up down
run: ## Start everything in one process, servers embedded (ARGS="--role ...")
	go run . $(ARGS)

up: ## Start the real servers: Kafka, MongoDB, Redis, DynamoDB; eval its output to use them
	@dev/stack/stack up

down: ## Stop the real servers, keeping their data
	@dev/stack/stack down

.PHONY: generate check-generated
generate: ## Generate the Go code of proto/ and graph/
	$(buf) generate
	go tool gqlgen generate

check-generated: generate ## Fail if generated code is not what git has (committed or staged)
	git diff --exit-code -- $(generated)
	@untracked=$$(git ls-files --others --exclude-standard -- $(generated)); \
	if [ -n "$$untracked" ]; then echo "generated, but not in git:" $$untracked >&2; exit 1; fi

.PHONY: lint test test-short test-browser check
lint: ## Run the linters
	$(golangci) run ./...
	$(buf) lint
	go tool -C dev/tools golangci-lint run ./...
	cd dev/bench/recommend/goka && go tool -modfile=../../../tools/go.mod golangci-lint run ./...
	cd dev/observe && go tool -modfile=../tools/go.mod golangci-lint run ./...
	@unformatted=$$(gofmt -l $(gofiles)); \
	if [ -n "$$unformatted" ]; then echo "gofmt is due on:" $$unformatted >&2; exit 1; fi
	@if command -v shellcheck >/dev/null; then shellcheck -x dev/stack/stack dev/stack/*.sh dev/tools/test .ci/run; fi

test: ## Run every test against the real servers, which it starts (ARGS="-run TestX ./ingest/...")
	@dev/tools/test $(ARGS)

test-short: ## Run the tests against the embedded servers: no set-up
	go test ./...

test-browser: ## Drive the pages in a headless Chromium (CHROMIUM=PATH); needs Node 20.19 and npm
	cd dev/browser && npm ci --no-audit --no-fund --silent && npm test

check: check-generated lint test-browser chaos-short test ## Run what CI runs

.PHONY: model-recommend
model-recommend: ## Compare sections with a plain model, 10,000 steps, then with the role killed 50 times (SEED=7 STEPS=10000)
	dev/stack/stack run --only kafka,redis -- env STEPS=$(or $(STEPS),10000) KILLS=50 TEST_NOSKIP=1 go test -count=1 -timeout=90m -v -run 'TestModel' ./ingest/recommend

.PHONY: bench bench-freshness bench-sections bench-recommend bench-project bench-persist bench-schedule bench-viewer
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

bench-freshness: ## Measure how long an edit takes to be served, on the real servers (ARGS="--rate 50")
	dev/stack/stack run -- go run ./dev/bench/freshness $(or $(ARGS),--rate 50 --duration 60s)

bench-sections: ## Measure how long an edit of a video takes to change its programme's section (ARGS="--rate 50")
	dev/stack/stack run -- go run ./dev/bench/freshness --sections $(or $(ARGS),--rate 50 --duration 60s)

bench-recommend: ## Measure a change in programmes of 10 to 50,000 videos, beside Goka, on the real servers (ARGS="-changes 400")
	go build -C dev/bench/recommend/goka -o $(CURDIR)/.stack/bench-goka .
	dev/stack/stack run --only kafka,redis -- go run ./dev/bench/recommend -goka .stack/bench-goka $(ARGS)

bench-project: ## Measure transform and project beside bare loops, on the real servers (ARGS="--titles FILE")
	dev/stack/stack run --only kafka,redis -- go run ./dev/bench/project $(ARGS)

bench-persist: ## Measure persist on a backlog beside one update per event, on the real servers (ARGS="--events 100000 --viewers 5000")
	dev/stack/stack run --only kafka,dynamodb -- go run ./dev/bench/persist $(ARGS)

bench-schedule: ## Measure schedule: a restart with 1,000,000 pending, lateness at 1,000/s, a burst (ARGS="--pending 100000")
	dev/stack/stack run --only kafka,redis -- go run ./dev/bench/schedule $(ARGS)

bench-viewer: ## Measure a page with what the viewer did beside the same page without (ARGS="--clients 8")
	go run ./dev/bench/viewer $(ARGS)

.PHONY: docs-trace
docs-trace: ## Draw docs/trace.svg: one edit's trace, measured on the real servers
	dev/stack/stack run --only kafka,mongodb,redis -- go run ./dev/trace $(ARGS)

.PHONY: chaos chaos-short
# Not go run, which does not hand on that it is to end: the servers would stay.
chaos: ## Kill everything while editors work, on real servers, and compare what is shown (ARGS="--seed 7 --duration 10m")
	go build -o .stack/chaos ./dev/chaos
	.stack/chaos $(ARGS)

chaos-short: ## The same in two minutes, its servers' start included
	@$(MAKE) --no-print-directory chaos ARGS="--duration 45s --kills 12"

.PHONY: chaos-viewers
chaos-viewers: ## Kill persist 30 times under 2,000 events/s; read 10,000 own writes on another gateway
	TEST_KILLS=30 TEST_NOSKIP=1 dev/stack/stack run -- go tool -C dev/tools gotest $(CURDIR) -count=1 -timeout=20m -run 'TestPersistIsKilled|TestTwoOfEach/read_your_writes' .

.PHONY: chaos-trend
chaos-trend: ## Kill trend 30 times under 1,000 events/s and compare every ranking with the topic (SEED=7)
	TEST_KILLS=30 TEST_SEED=$(or $(SEED),7) TEST_NOSKIP=1 dev/stack/stack run --only kafka,redis -- go tool -C dev/tools gotest $(CURDIR) -count=1 -timeout=10m -v -run TestTrendIsKilled .

.PHONY: chaos-schedule
chaos-schedule: ## Kill schedule 50 times; reschedule 10,000 times from the consumer (SEED=1)
	TEST_KILLS=50 TEST_RESCHEDULES=10000 TEST_SEED=$(or $(SEED),1) TEST_NOSKIP=1 dev/stack/stack run --only kafka,redis -- go tool -C dev/tools gotest $(CURDIR) \
		-count=1 -timeout=20m -run 'TestKilledAtAnyMoment|TestKilledAtEveryStep|TestTwoInstances|TestRescheduledByItsConsumer' ./ingest/schedule

.PHONY: web clean
web: ## Build the pages from web/app into web/dist
	cd web/app && npm ci --no-audit --no-fund && npm run build

clean: ## Stop the real servers and delete their data
	dev/stack/stack down --purge
	rm -rf .stack
