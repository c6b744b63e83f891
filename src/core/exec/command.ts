import type { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import type { commandOutcome } from "../../contract/fields.js";
import { limits } from "../../contract/limits.js";
import { parseQuoted } from "../../contract/quote.js";
import type { FoundMachine, Machine } from "../../backend/backend.js";
import { AgentRefusal } from "../../guest/refusal.js";
import { Exec, type ExecRequest, type OutputSink } from "../../guest/exec.js";
import type { TerminalSize } from "../../contract/terminal.js";
import type { Call } from "../call.js";
import { makePatient } from "./patient-shell.js";
import { commandUser, explainUser } from "./user.js";
import { buildOutputFields, KeptOutput } from "./kept-output.js";
import { OutputOrder } from "../../store/output-order.js";
import { waitForEnd } from "./wait-for-end.js";

export interface CommandRequest {
  readonly command: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Null for root. */
  readonly user?: string | null;
  /** Null for pipes. */
  readonly terminal?: TerminalSize | null;
  /** Null for none. */
  readonly timeoutMs: number | null;
  /** Memory of the machine. */
  readonly memMib: number;
  /** Whether the outcome has both streams in the order of arrival too. */
  readonly interleaved: boolean;
}

type Outcome = z.infer<z.ZodObject<typeof commandOutcome>>;

const SHELL = "/bin/sh";
/**
 * Runs one command in a machine: output goes to the caller as it arrives, head and tail into the outcome.
 * A time-out and the caller's cancel end everything that the command has started; both are outcomes, not errors.
 */
export async function runCommand(machine: FoundMachine, request: CommandRequest, call: Call): Promise<Outcome> {
  const order = new OutputOrder();
  const kept = { stdout: new KeptOutput(limits.resultOutputBytes), stderr: new KeptOutput(limits.resultOutputBytes) };
  const started = performance.now();
  let [isStarted, isFirst] = [false, true];
  const markStart = () => {
    if (!isStarted) call.mark("exec");
    isStarted = true;
  };
  const sink: OutputSink = {
    onArrival: (stream, sizeBytes) => order.add(stream, sizeBytes),
    async onOutput(stream, bytes) {
      markStart();
      if (isFirst) call.mark("first byte");
      isFirst = false;
      kept[stream].add(bytes);
      // Do not wait for a caller who has cancelled: the guest must be able to finish.
      if (!call.signal.aborted) await call.emit({ event: stream, data: bytes });
    },
  };
  const { command, cwd, env, user = null, terminal = null, timeoutMs, memMib } = request;
  const starting = machine.ready.then((ready) =>
    startExec(ready, { command, cwd, env, user, terminal, stdin: call.stdin, ...sink }),
  );
  starting.then(markStart, () => {});
  const forget = followSize(starting, terminal, call);
  const ended = await waitForEnd(starting, machine.died, timeoutMs, call).finally(forget);
  call.mark("end");
  const isCutOff = ended.by !== "itself";
  return {
    exit_code: ended.exitCode,
    ...buildOutputFields(
      kept.stdout.render(isCutOff),
      kept.stderr.render(isCutOff),
      request.interleaved ? order : null,
    ),
    duration_ms: ended.durationMs ?? Math.round(performance.now() - started),
    timed_out: ended.by === "timeout",
    aborted: ended.by === "caller",
    oom_killed: ended.oomKilled,
    mem_mib: memMib,
    execution_mode: machine.executionMode,
  };
}

/** Keeps the size of a command's terminal equal to the caller's. Returns a function that stops that. */
function followSize(starting: Promise<Exec>, terminal: TerminalSize | null, call: Call): () => void {
  if (terminal === null) return () => {};
  return call.onResize((size) => void starting.then((exec) => exec.resize(size)).catch(() => {}));
}

/**
 * Starts a command in a machine, as a job of a number of its own. In a guest without a shell, a line that is only words runs as a program
 * and its arguments. Throws INVALID_ARGUMENT when the guest cannot start the command.
 */
export async function startExec(machine: Machine, request: ExecRequest, job?: number): Promise<Exec> {
  const env = { ...machine.network?.env, ...request.env };
  const command = makePatient(request.command);
  const user = commandUser(machine, request.user);
  const start = (more: Partial<ExecRequest> = {}) =>
    Exec.start(machine.channel, { ...request, command, ...more, env, user }, job);
  try {
    return await start().catch((error: unknown) => {
      if (!isShellMissing(error)) throw error;
      const argv = parseQuoted(request.command);
      if (argv === null) throw shellMissing(request.command, error);
      return start({ argv });
    });
  } catch (error) {
    const explained = explainUser(error, user);
    if (!(explained instanceof AgentRefusal)) throw explained;
    const { errno, path = request.cwd } = explained;
    const what = path === request.cwd ? "the command" : path.slice(0, 200);
    throw new PyroError(
      "INVALID_ARGUMENT",
      `The guest could not start ${what} in ${request.cwd}: ${errno ?? explained.message}.`,
      {
        hint: "Check the command and its working directory.",
        details: { cwd: request.cwd },
        cause: explained,
      },
    );
  }
}

function isShellMissing(error: unknown): boolean {
  return error instanceof AgentRefusal && error.errno === "ENOENT" && error.path === SHELL;
}

function shellMissing(command: string, cause: unknown): PyroError {
  return new PyroError("INVALID_ARGUMENT", `The environment has no ${SHELL}, which shell syntax needs.`, {
    hint: "Give a program and its arguments, or use an environment with a shell.",
    details: { command: command.slice(0, 200), missing: SHELL },
    cause,
  });
}
