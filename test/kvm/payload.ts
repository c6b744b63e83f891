import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { asRoot, run } from "./tool.js";

/** The paths of this checkout, Node.js and a home with an environment in the outer VM. */
export const inVm = {
  node: "/mnt/node",
  checkout: "/mnt/checkout",
  home: "/mnt/home",
  report: "/dev/ttyS1",
} as const;

/** Without udev only root may open /dev/kvm and /dev/net/tun, and pyro runs VMs as nobody. The VM powers off in any case. */
const INIT = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mounted() { mountpoint -q "$1" || mount -t "$2" "$2" "$1"; }
mounted /proc proc
mounted /sys sysfs
mounted /dev devtmpfs
mounted /run tmpfs
mounted /tmp tmpfs
mkdir -p /dev/pts /dev/shm
mounted /dev/pts devpts
mounted /dev/shm tmpfs
mounted /sys/fs/cgroup cgroup2
ip link set lo up
modprobe -a kvm_amd tun
chgrp kvm /dev/kvm
chmod 0660 /dev/kvm
chmod 0666 /dev/net/tun
stty -F ${inVm.report} raw -echo
PYRO_HOME=${inVm.home} ${inVm.node} ${inVm.checkout}/dist/test/kvm/inside.js
sync
echo o > /proc/sysrq-trigger
sleep 60
`;

/** Makes a disk of the files that the outer VM runs. They belong to root there, whatever their owner here. */
export async function makePayload(checkout: string, home: string, image: string, signal: AbortSignal): Promise<void> {
  const directory = `${image}.tmp`;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o755 });
  try {
    await layOut(checkout, home, directory, signal);
    await run([...asRoot([]), "mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-d", directory, image, "4G"], signal);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function layOut(checkout: string, home: string, directory: string, signal: AbortSignal): Promise<void> {
  const target = join(directory, relative("/mnt", inVm.checkout));
  const { files } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { files: string[] };
  const npm = ["npm", "ls", "--omit=dev", "--all", "--parseable", "--prefix", checkout];
  const packages = (await run(npm, signal)).split("\n").filter((path) => path.includes("/node_modules/"));
  const modules = packages.map((path) => relative(checkout, path));
  // The patterns choose among declarations, which nothing here reads.
  const paths = files.filter((path) => !/[!*]/.test(path));
  for (const path of ["package.json", "dist/test/kvm", ...paths, ...modules]) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(checkout, path), join(target, path), { recursive: true });
  }
  cpSync(process.execPath, join(directory, relative("/mnt", inVm.node)));
  const inner = join(directory, relative("/mnt", inVm.home));
  mkdirSync(inner, { mode: 0o700 });
  await run(["cp", "-a", "--reflink=auto", join(home, "environments"), inner], signal);
  writeFileSync(join(directory, "init"), INIT, { mode: 0o755 });
}
