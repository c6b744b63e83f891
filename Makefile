# The two commands are `demo` and `test`. The others are their steps.
.PHONY: demo test setup check test-fast test-vm test-guest fuzz bench docs clean

demo: setup
	@bin/pyro demo

test: setup check test-guest test-vm

# Debian packages, npm dependencies, the guest's agent and the build: what both commands share.
setup:
	@scripts/setup.sh

# Types, lint with import walls, format, unused code, and the fast tests.
check: setup
	@npm run --silent lint
	@npm run --silent format:check
	@npm run --silent unused
	@npm run --silent docs:check
	@scripts/run-tests.sh fast

test-fast: setup
	@scripts/run-tests.sh fast

# Real VMs.
test-vm: setup
	@scripts/run-tests.sh vm

# The agent as a plain process, and what the gate decides, under the address and undefined-behaviour sanitizers.
test-guest:
	@$(MAKE) --no-print-directory -C guest test
	@$(MAKE) --no-print-directory -C gate test

fuzz:
	@$(MAKE) --no-print-directory -C guest fuzz
	@$(MAKE) --no-print-directory -C gate fuzz

bench: setup
	@node dist/bench/main.js

# Pages that are rendered from the contract.
docs: setup
	@npm run --silent docs

clean:
	rm -rf dist guest/build gate/build keeper/build
