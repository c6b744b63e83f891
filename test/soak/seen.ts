import { readdirSync, readlinkSync } from "node:fs";

import { isAlive, readChildren, readProcessIdentity, type ProcessIdentity } from "../../src/host/process.js";
import { commandLineOf, processesOf } from "../client/scratch.js";

/** All processes that were ever seen to belong to a home: also those in a jail, which do not name it. */
export class Seen {
  readonly #home: string;
  readonly #processes = new Map<string, { readonly identity: ProcessIdentity; readonly command: string }>();

  constructor(home: string) {
    this.#home = home;
  }

  look(): void {
    const found = new Set(processesOf(this.#home));
    // A set grows while it is walked.
    for (const pid of found) for (const child of readChildren(pid)) found.add(child);
    for (const pid of found) this.#add(pid);
  }

  #add(pid: number): void {
    const identity = readProcessIdentity(pid);
    if (identity === null) return;
    const command = commandLineOf(pid).join(" ").slice(0, 200);
    this.#processes.set(`${pid} ${identity.startTicks}`, { identity, command });
  }

  /** Those that still run, except those that are allowed to. */
  alive(isAllowed: (pid: number) => boolean): string[] {
    return [...this.#processes.values()]
      .filter(({ identity }) => isAlive(identity) && !isAllowed(identity.pid))
      .map(({ identity, command }) => `${identity.pid} ${command}`);
  }
}

/** Namespaces that a process holds without being in them. */
export function namespacesHeldBy(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((name) => {
    const target = linkOf(`${directory}/${name}`);
    return /^(cgroup|ipc|mnt|net|pid|time|user|uts):\[/.test(target) ? [target] : [];
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
