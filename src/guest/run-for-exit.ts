import { abortable } from "../host/abortable.js";
import { JoinedController } from "../host/joined-controller.js";
import type { Channel } from "./channel.js";
import { Exec, exitStatusOf } from "./exec.js";
import { AgentRefusal } from "./refusal.js";

/** The status that a shell returns for a program that does not exist. */
const NOT_FOUND = 127;

/** How long a command that only prepares a guest may take: emulation on a busy host is slow. */
const BRIEF_MS = 60_000;

/**
 * Runs a command to its end and drops its output. Returns its exit status, and 127 in a guest without /bin/sh. When the signal is
 * aborted, throws its reason and kills the command.
 */
export async function runForExit(channel: Channel, command: string, signal?: AbortSignal): Promise<number> {
  signal?.throwIfAborted();
  const request = { command, cwd: "/", env: {}, stdin: null, onOutput: async () => {} };
  const starting = Exec.start(channel, request);
  try {
    const exec = await (signal ? abortable(starting, signal) : starting);
    const exit = await (signal ? abortable(exec.finished, signal) : exec.finished);
    await exec.release();
    return exitStatusOf(exit);
  } catch (error) {
    if (error instanceof AgentRefusal && error.errno === "ENOENT") return NOT_FOUND;
    // The guest may not answer, so the caller does not wait for it.
    if (signal?.aborted) starting.then((exec) => exec.release()).catch(() => {});
    throw error;
  }
}

/** Runs a command that prepares a guest. Kills it and returns false when it does not end in time. Throws the signal's reason. */
export async function runBriefly(
  channel: Channel,
  command: string,
  signal?: AbortSignal,
  timeoutMs = BRIEF_MS,
): Promise<boolean> {
  using patience = new JoinedController(signal ? [signal] : [], timeoutMs);
  try {
    await runForExit(channel, command, patience.signal);
    return true;
  } catch (error) {
    if (patience.signal.aborted && !signal?.aborted) return false;
    throw error;
  }
}
