import type { Client } from "../client/client.js";
import { findProgram } from "../host/find-program.js";
import { ShellProcess } from "../host/shell-process.js";

/** Where a workload runs: the host, a task, or another sandbox. */
export interface Place {
  readonly name: string;
  /** Runs a line of `sh` in the place's directory; throws when its status is not 0. */
  run(line: string): Promise<void>;
  close(): Promise<void>;
}

export interface PlaceOptions {
  /** An empty directory of the host. */
  readonly directory: string;
  /** Variables of every line. */
  readonly env?: Readonly<Record<string, string>>;
}

/** An emulated guest on a busy host is slow; nothing here hangs. */
const TIMEOUT_SECONDS = 3_600;
const PLAIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export function openHost(options: PlaceOptions): Place {
  return openShell("host", [], options);
}

/** gVisor, in whose sandbox the shell stays as a task does; null where it is not installed or does not run. */
export async function openRunsc(options: PlaceOptions): Promise<Place | null> {
  const command = await findRunsc("host");
  return command === null ? null : openShell("runsc", command, options);
}

/** `runsc … do`, to be followed by a command; null where it is not installed or does not run. `host` is the host's own network. */
export async function findRunsc(network: "host" | "none"): Promise<string[] | null> {
  const program = await findProgram("runsc");
  if (program === null) return null;
  const command = [program, "--rootless", `--network=${network}`, "do"];
  const shell = new ShellProcess(command, { cwd: "/", env: { PATH: PLAIN_PATH } });
  try {
    await shell.run("true");
    return command;
  } catch {
    return null;
  } finally {
    await shell.close();
  }
}

interface TaskOptions {
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
}

/** A running task. Closing the place does not end the task. */
export function openTask(client: Client, taskId: string, { signal, env = {} }: TaskOptions = {}): Place {
  const run = async (line: string) => {
    const input = { task_id: taskId, command: line, timeout_seconds: TIMEOUT_SECONDS, env };
    const { exit_code, stderr } = await client.call("task.exec", input, signal ? { signal } : {});
    if (exit_code !== 0) throw new Error(`in the guest, status ${exit_code}: ${line}\n${stderr}`);
  };
  return { name: "guest", run, close: async () => {} };
}

function openShell(name: string, prefix: readonly string[], { directory, env }: PlaceOptions): Place {
  const variables = { PATH: PLAIN_PATH, HOME: directory, TMPDIR: directory, ...env };
  const shell = new ShellProcess(prefix, { cwd: directory, env: variables });
  return { name, run: (line) => shell.run(line), close: () => shell.close() };
}
