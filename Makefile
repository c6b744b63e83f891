# The two commands are `demo` and `test`. The others are their steps.
.PHONY: demo test setup check test-fast test-vm test-kvm test-images test-branches test-ssh test-browser test-neighbours test-kills soak sbom test-guest fuzz bench bench-many docs clean

demo: setup
	@bin/pyro demo

# All tests, with one line at the end: passed, failed, skipped, time and the seed of random choices (PYRO_TEST_SEED repeats them).
test: setup
	@node scripts/run-steps.mjs test

# Debian packages, npm dependencies, the guest's agent and the build: what both commands share.
setup:
	@scripts/setup.sh

# Types, lint with import walls, format, unused code, and the fast tests.
check: setup
	@node scripts/run-steps.mjs check

test-fast: setup
	@scripts/run-tests.sh fast

# Real VMs.
test-vm: setup
	@scripts/run-tests.sh vm

# Terminals in tmux, which it installs; 2,000 connections that are left in every way; 50 shells and 50 ports at once. 3 to 5 minutes.
.PHONY: test-live
test-live: setup
	@scripts/test-live.sh

# The same product on KVM, in an outer VM with emulated hardware virtualisation, whether or not this host has any. See CONTRIBUTING.md.
test-kvm: setup
	@node dist/test/kvm/main.js

# Images of Debian's docker-registry, compared entry by entry with what umoci unpacks. Needs root; 1 to 4 minutes.
test-images: setup
	@scripts/test-images.sh

# A try from every door, a stopped QEMU, VMs of other shapes, full disks, and 30 kills of the daemon, VMs, helpers and clients in the midst of snapshots, forks, resets, stops, starts and tries. 8 to 15 minutes.
test-branches: setup
	@node dist/test/branches/main.js

# 1,000 random histories of edits, pushes, pulls and undos, a workspace with more than a million files, and 60 kills of clients, daemons
# and VMs during pulls of 5,000 files. 30 to 60 minutes. PYRO_TEST_RUNS, PYRO_FAULT_ROUNDS, PYRO_PULL_FILES, PYRO_TEST_SEED.
.PHONY: test-pull
test-pull: setup
	@PYRO_TEST_RUNS=$${PYRO_TEST_RUNS:-1000} PYRO_FAULT_ROUNDS=$${PYRO_FAULT_ROUNDS:-60} PYRO_PULL_FILES=$${PYRO_PULL_FILES:-5000} \
	    node --test --test-concurrency=1 --test-reporter=spec dist/test/core/workspace/pull-history.slow.test.js dist/test/pull/many-entries.js \
	    dist/test/faults/pull-killed.vm.test.js

# Dev servers of Node.js and Python in a VM without a network, in headless Chromium from Debian, which it installs; screenshots in .test-browser. 3 to 5 minutes.
test-browser: setup
	@scripts/test-browser.sh

# Contexts over a real ssh server on loopback: every door, ports, 20 broken connections. Needs openssh-server; 3 to 8 minutes.
test-ssh: setup
	@node --test --test-reporter=./scripts/quiet-reporter.mjs dist/test/ssh/main.js

# How much a harmful guest slows its neighbour: the neighbour's commands may take twice as long. Commands during an attack and without one take turns, so that other load on the machine affects both. 1 to 3 minutes.
test-neighbours: setup
	@node dist/test/neighbours/main.js

# 15 kills each of the daemon, QEMU, the gate, the keeper and the client, every time of an identified process. About 14 minutes.
test-kills: setup
	@node dist/test/kills/main.js

# Ten minutes of mixed load with kills, of which `make test` has two; PYRO_SOAK_SECONDS sets how long, PYRO_TEST_SEED repeats the choices.
soak: setup
	@node dist/test/soak/main.js

# The parts of pyro as a CycloneDX document.
sbom: setup
	@node scripts/sbom.mjs >dist/sbom.cdx.json && echo dist/sbom.cdx.json

# The image of pyro for Kubernetes, as dist/image/pyro.tar: without Docker, from this checkout and Debian's packages. 2 to 4 minutes.
.PHONY: image
image: setup
	@node scripts/image.mjs

# A real Kubernetes of two nodes in namespaces of this machine, as root: builds Kubernetes once from Debian's sources (6 minutes or more, kept in ~/.cache/pyro-k8s), then 10 to 15 minutes.
.PHONY: test-k8s
test-k8s: setup
	@scripts/test-k8s.sh

# The image, built three times and used like a pod's container. 5 to 10 minutes.
.PHONY: test-image
test-image: setup
	@node --test --test-reporter=spec dist/test/image/main.js

# Programs of E2B's SDKs for JavaScript and Python, its command, 50 sandboxes, and deaths in the middle of streams. 5 to 10 minutes.
.PHONY: test-e2b
test-e2b: setup
	@node dist/test/e2b/main.js

# The plug-ins of examples/plugins with the frameworks themselves and scripted models, on real VMs; installs the frameworks into ~/.cache/pyro-plugins. 10 minutes or more.
.PHONY: test-plugins
test-plugins: setup
	@scripts/test-plugins.sh

# The agent as a plain process, what the gate decides, and the other parsers in C, under the address and undefined-behaviour sanitizers.
test-guest:
	@$(MAKE) --no-print-directory -C guest test
	@$(MAKE) --no-print-directory -C gate test
	@$(MAKE) --no-print-directory -C keeper test
	@$(MAKE) --no-print-directory -C e2b test

# Every parser that reads bytes of a guest, an archive, an image or a client: those in C need clang. FUZZ_SECONDS (60 for each program) or FUZZ_RUNS sets how long.
fuzz: setup
	@$(MAKE) --no-print-directory -C guest fuzz
	@$(MAKE) --no-print-directory -C gate fuzz
	@$(MAKE) --no-print-directory -C keeper fuzz
	@$(MAKE) --no-print-directory -C e2b fuzz
	@node dist/test/fuzz/main.js

# Speed and memory, beside the host and gVisor. Takes 10 to 15 minutes; writes docs/performance.json and renders its page and chart.
bench: setup
	@node dist/bench/main.js --json docs/performance.json && node scripts/render-performance.mjs

# 2,000 runs in a row: whether the daemon's memory, descriptors or latency grow, and what is left behind. Takes 10 to 20 minutes.
bench-many: setup
	@node dist/bench/main.js many --runs 2000

# The gateway for programs of E2B: its bounds are for a quiet machine.
.PHONY: bench-e2b
bench-e2b: setup
	@node dist/bench/main.js e2b

# The host memory that a VM takes during an hour of builds; BENCH_MINUTES sets how long.
.PHONY: bench-builds
bench-builds: setup
	@node dist/bench/main.js builds

# Pages that are rendered from the contract.
docs: setup
	@npm run --silent docs

clean:
	rm -rf dist guest/build gate/build keeper/build preload/build e2b/build
