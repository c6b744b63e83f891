import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

import { readMirrors, readProxyOptions } from "../../src/environments/debian/mirrors.js";
import { asRoot, run } from "./tool.js";

const SUITE = "bookworm";

/** The packages that pyro needs on a host, a kernel, and the programs of a shell script that sets it up. */
const PACKAGES = [
  ...["linux-image-amd64", "qemu-system-x86", "qemu-utils", "bubblewrap", "uidmap", "util-linux", "e2fsprogs"],
  ...["ca-certificates", "iproute2", "kmod", "procps", "nftables", "xz-utils", "libatomic1", "libstdc++6"],
  ...["debian-archive-keyring", "mmdebstrap"],
];

/** The disk, kernel and initramfs of root.tar. Nodes of /dev need a privilege and are the kernel's work. */
const UNPACK = `set -eu
cd "$1"
mkdir root
tar -xf root.tar -C root --exclude='./dev/*'
cp root/boot/vmlinuz-* kernel
cp root/boot/initrd.img-* initrd
printf '#!/bin/sh\\nmount /dev/vdb /mnt\\nexec /mnt/init\\n' > root/test-init
chmod 755 root/test-init
mke2fs -q -F -t ext4 -d root disk.img 3G
rm -rf root root.tar
`;

/** The system of the outer VM, built once. */
export interface OuterSystem {
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly reused: boolean;
}

export function systemKey(packages: readonly string[], script: string): string {
  return createHash("sha256")
    .update(JSON.stringify([SUITE, packages, script]))
    .digest("hex")
    .slice(0, 16);
}

/** Finds the system in the cache, or makes it of Debian's packages. An older one, or half of one, is removed. */
export async function ensureSystem(cache: string, signal: AbortSignal): Promise<OuterSystem> {
  const name = `system-${systemKey(PACKAGES, UNPACK)}`;
  const directory = join(cache, name);
  const reused = existsSync(directory);
  if (!reused) {
    for (const old of readdirSync(cache).filter((entry) => entry.startsWith("system-"))) {
      rmSync(join(cache, old), { recursive: true, force: true });
    }
    const building = `${directory}.tmp`;
    mkdirSync(building);
    await build(building, signal);
    renameSync(building, directory);
  }
  const file = (entry: string) => join(directory, entry);
  return { disk: file("disk.img"), kernel: file("kernel"), initrd: file("initrd"), reused };
}

async function build(directory: string, signal: AbortSignal): Promise<void> {
  const proxies = (await readProxyOptions(signal)).map((option) => `--aptopt=${option}`);
  const options = ["--quiet", "--mode=unshare", "--variant=minbase", `--include=${PACKAGES.join(",")}`, ...proxies];
  await run(["mmdebstrap", ...options, SUITE, join(directory, "root.tar"), ...readMirrors()], signal);
  await run([...asRoot(["--map-auto"]), "sh", "-c", UNPACK, "sh", directory], signal);
}
