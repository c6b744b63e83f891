#!/bin/sh
# Makes this checkout able to build and run: Debian packages, npm dependencies, the agent, the build. Quick when repeated.
set -eu
cd "$(dirname "$0")/.."

if ! node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null; then
  echo "setup: Node.js 20.19 or newer is needed; found: $(node --version 2>/dev/null || echo none)." >&2
  exit 1
fi

# The packages of a VM; musl-tools and gcc for the guest's agent, the gate and the keeper; for tests python3, curl, gnupg, binutils, zsh and fish for completions, and iproute2 for hosts in namespaces.
packages="qemu-system-x86 qemu-utils mmdebstrap uidmap bubblewrap e2fsprogs debian-archive-keyring util-linux ca-certificates xz-utils python3 python3-venv curl gnupg binutils gcc libc6-dev musl-tools nftables iproute2 zsh fish"
# Packages that `pyro toolchain install` replaces without root.
private=" qemu-system-x86 qemu-utils mmdebstrap bubblewrap e2fsprogs xz-utils nftables "
missing=""
needs_root=""
install_toolchain=""
for package in $packages; do
  dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed && continue
  missing="$missing $package"
  case "$private" in *" $package "*) ;; *) needs_root=yes ;; esac
done
if [ -n "$missing" ]; then
  install="apt-get install --yes --no-install-recommends$missing"
  echo "setup: installing Debian packages:$missing"
  if [ "$(id -u)" -eq 0 ]; then
    run=""
  elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    run="sudo"
  elif [ -n "$needs_root" ]; then
    echo "setup: that needs root. Run this, then try again:" >&2
    echo "  sudo apt-get update && sudo $install" >&2
    exit 1
  else
    echo "setup: that needs root; a private toolchain takes their place"
    install_toolchain=yes
  fi
  if [ -z "$install_toolchain" ]; then
    log=$(mktemp)
    if ! { $run apt-get update && DEBIAN_FRONTEND=noninteractive $run $install; } >"$log" 2>&1; then
      tail -n 15 "$log" >&2
      echo "setup: apt-get failed; the whole log is $log" >&2
      exit 1
    fi
    rm -f "$log"
  fi
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "setup: installing npm dependencies"
  # Not `npm ci`: it refuses a lock file that leaves out bindings for platforms that a mirror does not carry.
  npm install --no-save --no-fund --no-audit --no-update-notifier --loglevel=error
  touch node_modules/.package-lock.json
fi

make --no-print-directory -s -C guest all
make --no-print-directory -s -C gate all
make --no-print-directory -s -C keeper all
make --no-print-directory -s -C preload all
make --no-print-directory -s -C e2b all
if [ ! -e dist/built ] || [ -n "$(find src test bench examples package.json tsconfig.json -newer dist/built -print -quit)" ]; then
  echo "setup: building"
  npm run --silent build
  touch dist/built
fi
if [ -n "$install_toolchain" ] && ! bin/pyro toolchain status --json | grep -q '"qemu_source":"private"'; then
  bin/pyro toolchain install
fi
