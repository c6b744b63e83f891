#!/bin/sh
# The plug-ins for agent frameworks, with the frameworks. Arguments are parts of the names of test files: scripts/test-plugins.sh inspect.
set -eu
cd "$(dirname "$0")/.."
PYRO_HOME="$PWD/.test-home" bin/pyro env pull debian:12
PYRO_HOME="$PWD/.test-home" bin/pyro daemon stop >/dev/null
exec node dist/test/plugins/main.js "$@"
