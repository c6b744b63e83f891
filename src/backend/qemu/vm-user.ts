import { chmod, chown } from "../../host/files.js";
import { ownIdOf } from "../../host/platform.js";
import type { JailSpec } from "./jail.js";

/** The user that QEMU becomes when pyro runs as root; null otherwise. */
export type VmUser = JailSpec["dropTo"];

/** The user of one VM, by its name: one that no other VM has, where the host has ids for that. */
export function findVmUser(dropTo: VmUser, name: string): VmUser {
  const uid = ownIdOf(name);
  return dropTo === null || uid === null ? dropTo : { ...dropTo, uid };
}

/** Gives a VM's user files to read and write. */
export async function giveToUser(user: VmUser, ...paths: readonly string[]): Promise<void> {
  if (user !== null) await Promise.all(paths.map((path) => chown(path, user.uid, user.gid)));
}

/** Makes files read-only, and root's again where a VM's user owned them. */
export async function makeReadOnly(user: VmUser, ...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (user !== null) await chown(path, 0, 0);
    await chmod(path, 0o444);
  }
}
