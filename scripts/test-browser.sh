#!/bin/sh
# Looks at dev servers in a VM with a real browser. Installs what only this test needs.
set -eu
cd "$(dirname "$0")/.."

missing=""
for package in chromium-headless-shell fonts-dejavu-core; do
  dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "test-browser: installing Debian packages:$missing"
  apt-get update >/dev/null
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing >/dev/null
fi
# The environment, in the home of the other VM tests.
PYRO_HOME="$PWD/.test-home" bin/pyro env pull debian:12-build
PYRO_HOME="$PWD/.test-home" bin/pyro daemon stop >/dev/null
exec node --test --test-reporter=spec dist/test/browser/main.js
