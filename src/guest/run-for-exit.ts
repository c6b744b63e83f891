import { abortable } from "../host/abortable.js";
import { JoinedController } from "../host/joined-controller.js";
import type { Channel } from "./channel.js";
import { Exec, exitStatusOf } from "./exec.js";
import { AgentRefusal } from "./refusal.js";

/** The status that a shell returns for a program that does not exist, and ours for a guest without /bin/sh. */
export const NOT_FOUND_STATUS = 127;

/** How long a command that only prepares a guest may take: emulation on a busy host is slow. */
const BRIEF_MS = 60_000;

export interface BriefOptions {
  /** Standard input of the command. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Runs a command to its end and drops its output. Returns its exit status, and 127 in a guest without /bin/sh. */
export function runForExit(channel: Channel, command: string): Promise<number> {
  return runUntil(channel, command, null, new AbortController().signal);
}

/**
 * Runs a command that prepares a guest, as `runForExit` does. When it does not end in time, kills it and returns null. When the
 * signal is aborted, kills it and throws the signal's reason.
 */
export async function runBriefly(
  channel: Channel,
  command: string,
  { stdin, signal, timeoutMs = BRIEF_MS }: BriefOptions = {},
): Promise<number | null> {
  using patience = new JoinedController(signal ? [signal] : [], timeoutMs);
  try {
    return await runUntil(channel, command, stdin ?? null, patience.signal);
  } catch (error) {
    if (patience.signal.aborted && !signal?.aborted) return null;
    throw error;
  }
}

async function runUntil(
  channel: Channel,
  command: string,
  stdin: AsyncIterable<Uint8Array> | null,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const starting = Exec.start(channel, { command, cwd: "/", env: {}, stdin, onOutput: async () => {} });
  try {
    const exec = await abortable(starting, signal);
    const exit = await abortable(exec.finished, signal);
    await exec.release();
    return exitStatusOf(exit);
  } catch (error) {
    if (error instanceof AgentRefusal && error.errno === "ENOENT") return NOT_FOUND_STATUS;
    // The guest may not answer, so the caller does not wait for it.
    if (signal.aborted) starting.then((exec) => exec.release()).catch(() => {});
    throw error;
  }
}
