import { PyroError } from "../contract/errors.js";
import { nearestName } from "../contract/nearest.js";
import type { Recipe } from "./source.js";

/** Grows when a recipe is added or changed. */
export const catalogVersion = "2";

const basePackages = ["ca-certificates"] as const;

/** What an agent reaches for in its first minutes. */
const agentPackages = [
  ...basePackages,
  "bzip2",
  "curl",
  "file",
  "git",
  "gpg",
  "iproute2",
  "iptables",
  "iputils-ping",
  "jq",
  "kmod",
  "less",
  "locales",
  "lsof",
  "make",
  "netbase",
  "netcat-openbsd",
  "nftables",
  "openssh-client",
  "patch",
  "procps",
  "psmisc",
  "python3",
  "python3-pip",
  "python3-venv",
  "ripgrep",
  "rsync",
  "sqlite3",
  "sudo",
  "systemd-standalone-tmpfiles",
  "tree",
  "tzdata",
  "unzip",
  "vim-tiny",
  "wget",
  "xz-utils",
  "zip",
  "zstd",
] as const;

const buildPackages = [
  ...agentPackages,
  "autoconf",
  "automake",
  "build-essential",
  "cmake",
  "gdb",
  "libffi-dev",
  "libssl-dev",
  "libtool",
  "ninja-build",
  "nodejs",
  "npm",
  "pkg-config",
  "python3-dev",
  "strace",
  "zlib1g-dev",
] as const;

const bookworm = {
  version: "2",
  distribution: "debian",
  release: "12",
  suite: "bookworm",
  architecture: "amd64",
} as const;

export const catalog: readonly Recipe[] = [
  {
    ...bookworm,
    name: "debian:12",
    description: "Debian 12 with Git, Python and the usual tools of a coding agent",
    sizeMib: 380,
    packages: agentPackages,
  },
  {
    ...bookworm,
    name: "debian:12-base",
    description: "Debian 12, minimal: apt and certificates only",
    sizeMib: 150,
    packages: basePackages,
  },
  {
    ...bookworm,
    name: "debian:12-build",
    description: "Debian 12 with compilers, CMake, debuggers and Node.js with npm too",
    sizeMib: 950,
    packages: buildPackages,
  },
  {
    ...bookworm,
    name: "debian:13",
    description: "Debian 13 with Git, Python and the usual tools of a coding agent",
    sizeMib: 380,
    release: "13",
    suite: "trixie",
    packages: agentPackages,
  },
];

/** The recipe of a name. Throws ENVIRONMENT_UNKNOWN with the known names and the nearest one. */
export function findRecipe(name: string): Recipe {
  const recipe = catalog.find((candidate) => candidate.name === name);
  if (recipe) return recipe;
  const known = catalog.map((candidate) => candidate.name);
  const suggestion = nearestName(name, known);
  throw new PyroError("ENVIRONMENT_UNKNOWN", `There is no environment ${JSON.stringify(name)}.`, {
    hint: `${suggestion === null ? "" : `Did you mean ${suggestion}? `}Known environments: ${known.join(", ")}.`,
    details: { environment: name, known, suggestion },
  });
}
