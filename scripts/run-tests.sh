#!/bin/sh
# Runs compiled tests: `fast` ones, or those on real `vm`s. Each kind must find something to run.
set -eu
cd "$(dirname "$0")/.."
case "$1" in
fast) files=$(find dist/test -name '*.test.js' ! -name '*.vm.test.js' | sort) ; concurrency=2 ;;
vm) files=$(find dist/test -name '*.vm.test.js' | sort) ; concurrency=1 ;;
*) echo "usage: $0 fast|vm" >&2 ; exit 2 ;;
esac
# VM tests share what takes long to make: a pulled environment and its template.
if [ "$1" = vm ]; then
  PYRO_HOME="$PWD/.test-home" bin/pyro env pull debian:12
  PYRO_HOME="$PWD/.test-home" bin/pyro daemon stop >/dev/null
fi
[ -n "$files" ] || { echo "no $1 tests were found" >&2 ; exit 1 ; }
# shellcheck disable=SC2086
exec node --test --test-concurrency="$concurrency" --test-timeout=300000 $files
