#!/bin/sh
# Terminals of VMs in tmux, used as people use them; floods of connections; many shells and ports at once. Installs what only this test needs.
set -eu
cd "$(dirname "$0")/.."

if ! dpkg-query -W -f='${db:Status-Status}\n' tmux 2>/dev/null | grep -qx installed; then
  echo "test-live: installing Debian package: tmux"
  apt-get update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends tmux >/dev/null
fi
PYRO_HOME="$PWD/.test-home" bin/pyro env pull debian:12
PYRO_HOME="$PWD/.test-home" bin/pyro daemon stop >/dev/null
exec node --test --test-reporter=spec dist/test/live/main.js
