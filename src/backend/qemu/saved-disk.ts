import { dirname, join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import type { InstalledEnvironment } from "../../environments/cache.js";
import { findQcow2Problem } from "../../environments/saved/qcow2.js";
import { assertFreeSpace, diskUsageBytes } from "../../host/disk.js";
import { chmod, chown, open, rm } from "../../host/files.js";
import { inToolchain } from "../../toolchain/installed.js";
import { inJail } from "./argv.js";
import { DISK_RESERVE_MIB, whileRoom } from "./free-space.js";
import { runInJail } from "./jailed-tool.js";
import type { JailSpec } from "./jail.js";
import { snapshotFiles } from "./snapshot.js";
import type { Template } from "./template.js";
import type { Toolchain } from "./toolchain.js";

const MIB = 1_048_576;
/** How long a copy may take: at least this, and at this speed or faster. */
const DEADLINE_S = 60;
const LEAST_MIB_PER_S = 20;

/** Where the jail shows the two files of a copy. */
const FROM = "/pyro/from";
const TO = "/pyro/to";

/** Copies the disk of a snapshot, with all images below it, into one qcow2 image. */
export async function packDisk(
  toolchain: Toolchain,
  template: Template,
  snapshot: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const overlay = join(snapshot, snapshotFiles.overlay);
  const sizeMib = Math.ceil((await diskUsageBytes(overlay)) / MIB);
  await assertFreeSpace(dirname(to), sizeMib + DISK_RESERVE_MIB, "The disk of an environment");
  // QEMU's user reads it in the jail; no other user gets beneath the home.
  await chmod(overlay, 0o644);
  await (await open(to, "wx", 0o600)).close();
  if (toolchain.dropTo) await chown(to, toolchain.dropTo.uid, toolchain.dropTo.gid);
  const mounts = [
    [overlay, FROM, false],
    [template.directory, inJail.template, false],
    [to, TO, true],
  ] as const;
  await convert(toolchain, { devices: [], mounts }, ["qcow2", "qcow2"], sizeMib, { to, signal });
  if (toolchain.dropTo) await chown(to, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
}

/** Writes such an image into an existing raw file of the disk's size. */
export async function unpackDisk(
  toolchain: Toolchain,
  { path, diskMib }: NonNullable<InstalledEnvironment["savedDisk"]>,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const problem = await findQcow2Problem(path, diskMib * MIB);
  if (problem !== null) throw new PyroError("ENVIRONMENT_CORRUPT", `A saved disk cannot be used: ${problem}.`);
  const sizeMib = Math.ceil((await diskUsageBytes(path)) / MIB);
  await assertFreeSpace(dirname(to), sizeMib + DISK_RESERVE_MIB, "A template");
  const mounts = [
    [path, FROM, false],
    [to, TO, true],
  ] as const;
  await convert(toolchain, { devices: [], mounts }, ["qcow2", "raw"], sizeMib, { to, signal });
}

async function convert(
  toolchain: Toolchain,
  jail: Pick<JailSpec, "devices" | "mounts">,
  [from, into]: readonly [string, string],
  sizeMib: number,
  { to, signal }: { readonly to: string; readonly signal: AbortSignal },
): Promise<void> {
  const program = toolchain.privateId === null ? toolchain.qemuImg : `/usr/${inToolchain.qemuImg}`;
  const words = [program, "convert", "-q", "-f", from, "-O", into, FROM, TO];
  const deadlineMs = 1_000 * (DEADLINE_S + sizeMib / LEAST_MIB_PER_S);
  // A small image can name one cluster many times: its size does not tell how large the copy becomes.
  const run = (until: AbortSignal) => runInJail(toolchain, jail, words, deadlineMs, until);
  try {
    const status = await whileRoom(dirname(to), "A copy of the VM's disk", signal, run);
    if (status === 0) return;
    throw new PyroError("INTERNAL", "qemu-img could not copy the VM's disk.", { details: { exit_code: status } });
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}
