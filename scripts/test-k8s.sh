#!/bin/bash
# Starts a real Kubernetes of two nodes on this machine, runs test/k8s against it, and removes it. Needs root. The first time it builds
# Kubernetes (6 minutes or more) and pyro's image (a minute or two); both are kept: in ~/.cache/pyro-k8s and dist/image.
# PYRO_K8S_TESTS names some of the files of test/k8s; PYRO_K8S_STATE names a directory for the cluster; PYRO_K8S_KEEP=1 leaves it running (scripts/k8s/cluster.sh down DIRECTORY ends it).
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "test-k8s: needs root" >&2; exit 1; }

missing=""
for package in mmdebstrap openssl curl gcc musl-tools iproute2 procps util-linux bubblewrap qemu-utils make dpkg-dev; do
  dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "test-k8s: installing Debian packages:$missing"
  apt-get update >/dev/null
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing >/dev/null
fi

exec 8>/run/lock/pyro-k8s
flock -n 8 || { echo "test-k8s: another cluster runs on this machine" >&2; exit 1; }
export PYRO_K8S_CACHE=${PYRO_K8S_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pyro-k8s}
export PYRO_K8S_STATE=${PYRO_K8S_STATE:-/var/tmp/pyro-k8s}
scripts/k8s/build.sh
if [ ! -e dist/image/pyro.tar ] || [ dist/built -nt dist/image/pyro.tar ]; then node scripts/image.mjs; fi

cluster() { scripts/k8s/cluster.sh "$1" "$PYRO_K8S_STATE" "${@:2}" 8>&-; }
end() {
  status=$?
  if [ "${PYRO_K8S_KEEP:-}" = 1 ]; then
    echo "test-k8s: the cluster keeps running in $PYRO_K8S_STATE"
  else
    [ "$status" -eq 0 ] || tail -n 5 "$PYRO_K8S_STATE"/log/* 2>/dev/null || true
    cluster down
  fi
  exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM HUP
cluster down
mkdir -p "$PYRO_K8S_STATE/images"
node scripts/k8s/pause-image.mjs "$PYRO_K8S_STATE/images"
SECONDS=0
cluster up dist/image/pyro.tar
echo "test-k8s: two nodes are ready after $SECONDS s"
# Tasks as pods, every door, ports, proxies, a pool, many tasks and what they cost, what goes wrong, and a lost node; some of them by name.
files=${PYRO_K8S_TESTS:-base costs doors many node-lost pool trouble ways works}
# shellcheck disable=SC2086
cluster run node --test --test-concurrency=1 --test-reporter=spec $(printf 'dist/test/k8s/%s.js ' $files)
