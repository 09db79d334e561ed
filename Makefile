# `make` shows what there is. Every target works from a bare checkout and is quick when repeated.
.DEFAULT_GOAL := help
.PHONY: help run test check bench clean tools console-test native-test

BENCH ?=
ARGS ?=
bootstrap := ./deploy/local/bootstrap.sh
bin := .venv/bin
native := services/scoring/native
python_paths := shared services deploy tests bench

# the machine's Node, unless the bootstrap had to put one into .tools
npm := cd console && PATH="$(CURDIR)/.tools/node/bin:$$PATH" npm
# rustup's Rust before the system's, as the bootstrap has it
cargo := cd $(native) && PATH="$${CARGO_HOME:-$$HOME/.cargo}/bin:$$PATH" cargo

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start everything, with a simulated organisation; Ctrl-C stops it (ARGS="--rate 200")
	@$(bootstrap) run
	@exec $(bin)/bellwether up $(ARGS)

test: ## Check, then run every test on real Kafka, Postgres and Chromium (ARGS="-k name")
	@$(bootstrap) test
	@$(MAKE) --no-print-directory check console-test native-test
	@$(bin)/pytest $(ARGS)

check: ## Lint, format, types, import rules; no test
	@$(bootstrap) check
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy $(python_paths)
	$(bin)/lint-imports
	$(cargo) fmt --check
	$(cargo) clippy --quiet --locked --all-targets -- -D warnings
	$(npm) run --silent check

console-test:
	$(npm) test --silent

native-test:
	$(cargo) test --quiet --locked

bench: ## Measure; all benchmarks, or one: make bench BENCH=name
	@$(bootstrap) run
	@$(bin)/python -m bench $(BENCH)

tools: ## Install what is missing, and build the console; start nothing
	@$(bootstrap) tools

clean: ## Remove everything built or downloaded, and the data in var/
	@$(bootstrap) clean
