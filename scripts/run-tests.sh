#!/bin/sh
# Runs compiled tests of one kind: `fast` ones, `slow` ones, or those on real `vm`s. Each kind must find something to run.
set -eu
cd "$(dirname "$0")/.."
kind=$1
case "$kind" in
fast) files=$(find dist/test -name '*.test.js' ! -name '*.vm.test.js' ! -name '*.slow.test.js' | sort) ;;
slow) files=$(find dist/test -name '*.slow.test.js' | sort) ;;
vm) files=$(find dist/test -name '*.vm.test.js' | sort) ;;
*) echo "usage: $0 fast|slow|vm" >&2 ; exit 2 ;;
esac
# VM tests share what takes long to make: a pulled environment and its templates.
if [ "$1" = vm ]; then
  export PYRO_HOME="$PWD/.test-home"
  bin/pyro env pull debian:12
  bin/pyro toolchain install
  for mib in 256 1024; do bin/pyro run debian:12 --mem-mib "$mib" -- true; done
  # The checkpoints of these templates are made in the background; without KVM each VM continues one.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ -z "$(find "$PYRO_HOME/templates" -maxdepth 2 -name 'tmp-*')" ] && break
    sleep 1
  done
  bin/pyro daemon stop >/dev/null
  unset PYRO_HOME
fi
[ -n "$files" ] || { echo "no $1 tests were found" >&2 ; exit 1 ; }

# Runs test files, so many at once. With PYRO_TEST_COUNTS, a directory, it leaves the number of tests there; with PYRO_TEST_COVERAGE
# also how many lines the fast tests run.
run() {
  at_once=$1
  shift
  set -- --test --test-concurrency="$at_once" --test-timeout=900000 "$@"
  if [ -n "${PYRO_TEST_COUNTS:-}" ]; then
    counts=$(mktemp "$PYRO_TEST_COUNTS/XXXXXX")
    [ "$kind" != fast ] || [ -z "${PYRO_TEST_COVERAGE:-}" ] || set -- --experimental-test-coverage "$@"
    set -- --test-reporter=./scripts/quiet-reporter.mjs --test-reporter-destination=stdout \
      --test-reporter=./scripts/count-reporter.mjs --test-reporter-destination="$counts" "$@"
  fi
  node "$@"
}

# Whether a directory has 2 GiB free and its files can be executed.
holds_tests() {
  [ "$(df --output=avail -k "$1" 2>/dev/null | tail -n 1)" -ge 2097152 ] 2>/dev/null || return 1
  probe=$(mktemp "$1/pyro-XXXXXX") || return 1
  printf '#!/bin/sh\n' >"$probe" && chmod +x "$probe" && "$probe" 2>/dev/null && runs=yes || runs=
  rm -f "$probe"
  [ -n "$runs" ]
}

# Network tests use the same addresses, so they run one after the other, though beside the other tests, since they mostly wait.
# Their output is printed at the end.
alone=$(echo "$files" | grep '/network/.*\.vm\.test' || true)
together=$(echo "$files" | grep -v '/network/.*\.vm\.test')
failed=0
beside=
if [ -n "$alone" ]; then
  output=$(mktemp)
  # shellcheck disable=SC2086
  run 1 $alone >"$output" 2>&1 &
  beside=$!
  trap '[ -z "$beside" ] || kill "$beside"; rm -f "$output"' EXIT
  trap 'exit 130' INT TERM HUP
fi
# Fast tests wait half of their time, so several run at once on a processor; several files share a process.
at_once=2
if [ "$kind" = fast ]; then
  at_once=4
  # shellcheck disable=SC2086
  together=$(node scripts/group-tests.mjs dist/test-groups $together)
  # A brief run keeps its temporary files in memory, where that has room and may hold programs; other runs use the disk.
  if [ "${PYRO_TEST_BRIEF:-}" = 1 ] && [ -z "${TMPDIR:-}" ] && holds_tests /dev/shm; then export TMPDIR=/dev/shm; fi
fi
# shellcheck disable=SC2086
run "$at_once" $together || failed=1
if [ -n "$beside" ]; then
  wait "$beside" || failed=1
  beside=
  cat "$output"
fi
exit $failed
