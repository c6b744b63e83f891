import { groupName, unprivilegedId } from "../../host/platform.js";
import { statSync } from "../../host/files.js";

/** The owners and mode of a device node, and the user who opens it. */
export interface NodeAccess {
  readonly path: string;
  readonly mode: number;
  readonly gid: number;
  /** Null when the group has no name. */
  readonly group: string | null;
  /** True when this host has the group kvm. */
  readonly hasKvmGroup: boolean;
  /** True when root's VMs run as nobody, in the group of the node unless that is root's. */
  readonly asNobody: boolean;
}

const GROUP_READS_AND_WRITES = 0o060;

export function readNodeAccess(path: string): NodeAccess {
  const { mode, gid } = statSync(path);
  const group = groupName(gid);
  return { path, mode, gid, group, hasKvmGroup: groupName("kvm") !== null, asNobody: unprivilegedId() !== null };
}

/**
 * The command that lets VMs open a device node: the node gets a group other than root's that may open it, and an ordinary user joins that
 * group. Nothing is opened to all users. Pure.
 */
export function buildOpening({ path, mode, gid, group, hasKvmGroup, asNobody }: NodeAccess): string {
  const isShared = gid !== 0 && group !== null;
  const name = isShared ? group : "kvm";
  return [
    ...(isShared || hasKvmGroup ? [] : ["sudo groupadd --system kvm"]),
    ...(isShared ? [] : [`sudo chgrp ${name} ${path}`]),
    ...((mode & GROUP_READS_AND_WRITES) === GROUP_READS_AND_WRITES ? [] : [`sudo chmod g+rw ${path}`]),
    ...(asNobody ? [] : [`sudo usermod -aG ${name} "$USER"`]),
  ].join(" && ");
}
