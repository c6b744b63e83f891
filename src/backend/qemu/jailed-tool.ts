import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { rm } from "../../host/files.js";
import { type ProcessIdentity } from "../../host/process.js";
import { sendToDescriptor, spawnKept, type ChildProcess } from "../../host/spawn.js";
import { buildJailFilter } from "../seccomp.js";
import { buildJail, type JailSpec } from "./jail.js";
import { readInside } from "./inside.js";
import type { Toolchain } from "./toolchain.js";

const STATUS_FD = 4;
const FILTER_FD = 5;

/** Runs a program to its end in the jail and as the user of a VM, and returns its exit status; null at the deadline or abort. */
export async function runInJail(
  toolchain: Toolchain,
  jail: Pick<JailSpec, "devices" | "mounts">,
  words: readonly string[],
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<number | null> {
  const { child, ended } = startInJail(toolchain, jail, words);
  let isGivenUp = false;
  const kill = () => {
    isGivenUp = true;
    child.kill("SIGTERM");
  };
  const timer = setTimeout(kill, timeoutMs);
  signal?.addEventListener("abort", kill, { once: true });
  if (signal?.aborted) kill();
  try {
    const status = await ended;
    return isGivenUp ? null : status;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", kill);
  }
}

/** Runs a function with the jail's first process while a program runs in the jail; null when the jail did not start. Ends the program afterwards. */
export async function whileInJail<T>(
  toolchain: Toolchain,
  words: readonly string[],
  work: (inside: ProcessIdentity | null) => Promise<T>,
): Promise<T> {
  const { child, inside, ended } = startInJail(toolchain, { devices: [], mounts: [] }, words);
  try {
    return await work(await inside);
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

/** A SIGTERM for the child ends everything in the jail, also while the jail is being made. */
function startInJail(
  { jailer, keeper, system, dropTo }: Toolchain,
  { devices, mounts }: Pick<JailSpec, "devices" | "mounts">,
  words: readonly string[],
): { child: ChildProcess; inside: Promise<ProcessIdentity | null>; ended: Promise<number | null> } {
  const directory = join(tmpdir(), `pyro-jail-${randomBytes(6).toString("hex")}`);
  const fixed = { jailer, directory, system, dropTo, preload: null, diesWithParent: true };
  const [program = "", ...args] = buildJail({ ...fixed, devices, mounts, filterFd: FILTER_FD, statusFd: STATUS_FD });
  const child = spawnKept(keeper, program, [...args, ...words], { extraFds: ["ignore", "pipe", "pipe"], env: {} });
  sendToDescriptor(child, FILTER_FD, buildJailFilter());
  child.stderr?.resume();
  const ended = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(null));
    child.once("close", resolve);
  });
  const removed = ended.finally(() => rm(directory, { recursive: true, force: true }));
  return { child, inside: readInside(child, STATUS_FD), ended: removed };
}
