#!/bin/sh
# Pulls images of a real registry and compares them with another program. Installs what only this test needs.
set -eu
cd "$(dirname "$0")/.."

missing=""
for package in docker-registry skopeo umoci busybox-static mmdebstrap openssl gcc musl-tools zstd; do
  dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "test-images: installing Debian packages:$missing"
  apt-get update >/dev/null
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing >/dev/null
fi
exec node --test --test-reporter=spec --test-concurrency=1 \
  dist/test/images/main.js dist/test/images/guests.js dist/test/images/kept.js dist/test/images/secured.js \
  dist/test/images/interrupted.js dist/test/images/room.js
