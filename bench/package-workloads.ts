import { PYTHON, workload, type Workload } from "../src/bench/workloads.js";
import { DEBIAN_PACKAGES, NPM_PACKAGES } from "./stand-in.js";

const NPM = "/usr/bin/npm";
const APT = "/usr/bin/apt-get";
const FETCH = `${PYTHON} -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())'`;
/** Each takes seconds in an emulated guest. */
const MAX_ROUNDS = 2;

/** apt and dpkg with a separate root, lists and cache, so that the host's packages do not change. */
const APT_CONFIG = `Dir \\"$PWD/apt/\\";
Dir::State::status \\"$PWD/apt/root/var/lib/dpkg/status\\";
APT::Architecture \\"amd64\\";
APT::Sandbox::User \\"root\\";
Acquire::Languages \\"none\\";
Acquire::http::Proxy \\"DIRECT\\";
DPkg::Options { \\"--root=$PWD/apt/root\\"; \\"--force-not-root\\"; \\"--log=/dev/null\\"; };`;

const aptDirectories = [
  "root/var/lib/dpkg/updates",
  "root/var/lib/dpkg/info",
  "etc/apt/apt.conf.d",
  "etc/apt/preferences.d",
  "etc/apt/sources.list.d",
  "etc/apt/trusted.gpg.d",
  "var/lib/apt/lists/partial",
  "var/cache/apt/archives/partial",
  "var/log/apt",
];

/** Commands that install packages from the stand-in at `$STAND_IN`. */
export const packageWorkloads: readonly Workload[] = [
  workload(`\`npm ci\`, ${NPM_PACKAGES} packages`, `cd npm && ${NPM} ci --registry "$STAND_IN" --no-audit --no-fund`, {
    needs: [NPM, PYTHON],
    maxRounds: MAX_ROUNDS,
    prepare: `mkdir npm && for file in package.json package-lock.json; do ${FETCH} "$STAND_IN/$file" > npm/$file; done`,
    before: "rm -rf npm/node_modules .npm ~/.npm",
  }),
  workload(
    `\`apt-get update\` and \`install\`, ${DEBIAN_PACKAGES} packages`,
    `export APT_CONFIG="$PWD/apt.conf"; ${APT} -q update && ${APT} -q -y install stand-in-${DEBIAN_PACKAGES - 1}`,
    {
      needs: [APT],
      maxRounds: MAX_ROUNDS,
      before: `rm -rf apt && mkdir -p ${aptDirectories.map((name) => `apt/${name}`).join(" ")} && touch apt/root/var/lib/dpkg/status && echo "${APT_CONFIG}" > apt.conf && echo "deb [trusted=yes] $STAND_IN ./" > apt/etc/apt/sources.list`,
    },
  ),
];
