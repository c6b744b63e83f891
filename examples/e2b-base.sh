#!/bin/sh
# Builds the environment `base` for programs of E2B (docs/e2b.md). From a checkout: make setup; PATH="$PWD/bin:$PATH" examples/e2b-base.sh
set -eu

packages="attr build-essential gh iproute2 iputils-ping python-is-python3 python3-dev socat"

exec pyro env build base --from debian:13-node22 --network --mem-mib 2048 \
  --run "apt-get update -o APT::Update::Error-Mode=any && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $packages && apt-get clean" \
  --run "useradd --create-home --shell /bin/bash --uid 1000 user" \
  --run "echo 'user ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/user && chmod 0440 /etc/sudoers.d/user" \
  --user user --workdir /home/user "$@"
