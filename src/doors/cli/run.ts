import type { CallOptions, Client } from "../../client/client.js";
import type { OperationEvent } from "../../contract/operation.js";
import { runInVm } from "../../client/task-source.js";
import { openStdin } from "../../client/stdin.js";
import type { OwnTerminal } from "../../client/terminal.js";
import { PyroError } from "../../contract/errors.js";
import type { ArgumentsOf } from "../../contract/operations.js";
import { interruptible, type Interruption } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { renderOneWord } from "./one-word.js";
import { renderOutOfMemory } from "./out-of-memory.js";
import { openOutput } from "./output.js";
import { openProgress } from "./progress.js";
import { warnOf } from "./source-warnings.js";
import { renderTimeout } from "./timeout.js";

/** Fields that the results of `run` and `task exec` share. */
interface Outcome {
  readonly command: string;
  readonly exit_code: number | null;
  readonly duration_ms: number;
  readonly timed_out: boolean;
  readonly aborted: boolean;
  readonly oom_killed: boolean;
  readonly mem_mib: number;
  readonly accelerator: string | null;
  readonly warnings?: readonly string[] | undefined;
}

type RunInput = ArgumentsOf<"vm.run"> & { readonly no_stdin?: boolean };

interface CommandView<Result> {
  readonly title: string;
  readonly json: boolean;
  readonly noStdin: boolean;
  /** The terminal to connect the command's terminal to; null when it has none, or without standard input. */
  readonly terminal: OwnTerminal | null;
  /** The command line that takes --mem-mib. */
  readonly sizedBy: string;
  /** Prefix of progress lines; null for a command without preparation. */
  readonly progressPrefix?: string | null;
  readonly renderFooter?: (result: Result) => string;
}

/** `pyro run`: connects the command's streams to this process, and returns its exit status. */
export async function run(client: Client, { no_stdin, ...input }: RunInput, json: boolean): Promise<number> {
  const terminal = await connectTerminal(input, { json, noStdin: no_stdin === true });
  const whole = { ...input, ...terminal?.input };
  return runCommand((options) => runInVm(client, whole, options), {
    title: input.environment,
    json,
    noStdin: no_stdin === true,
    terminal: terminal?.own ?? null,
    sizedBy: "pyro run",
    progressPrefix: "run",
  });
}

interface TerminalInput {
  readonly tty?: boolean | undefined;
  readonly background?: boolean | undefined;
  readonly rows?: number | undefined;
  readonly cols?: number | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/**
 * Connects this process's terminal to a command with `-t`; null without `-t` or without standard input. Throws INVALID_ARGUMENT when
 * this process has no terminal.
 */
export async function connectTerminal(
  { tty, background, rows, cols, env }: TerminalInput,
  { json, noStdin }: { readonly json: boolean; readonly noStdin: boolean },
) {
  if (!tty || background || noStdin) return null;
  if (json) {
    throw new PyroError("INVALID_ARGUMENT", "`--tty` and `--json` exclude each other.", {
      hint: "With --no-stdin a command may have both.",
    });
  }
  const { openTerminal, terminalEnv } = await import("../../client/terminal.js");
  const own = openTerminal();
  const size = own.size();
  return {
    own,
    input: { rows: rows ?? size.rows, cols: cols ?? size.cols, env: { ...terminalEnv(process.env), ...env } },
  };
}

/** Streams a command's input and output. Returns the exit status for its outcome. */
export function runCommand<Result extends Outcome>(
  call: (options: CallOptions) => Promise<Result>,
  { title, json, noStdin, terminal, sizedBy, progressPrefix = null, renderFooter = () => "" }: CommandView<Result>,
): Promise<number> {
  const body = async (interruption: Interruption) => {
    const write = openOutput(interruption);
    const progress = openProgress(title, { prefix: progressPrefix, isPatient: true });
    const onEvent = async (event: OperationEvent) => {
      if (event.event === "progress") return progress.show(event);
      if (json || event.event === "started") return;
      progress.clear();
      if (event.event === "gap")
        process.stderr.write(`pyro: ${event.bytes} bytes of ${event.stream} were lost: they are no longer kept.\n`);
      else {
        terminal?.add(event.data);
        await write(event.event, event.data);
      }
    };
    const stdin =
      terminal ??
      openStdin(noStdin, (reason) => {
        process.stderr.write(`pyro: Cannot read standard input: ${reason}.\n`);
      });
    try {
      const { signal, killSignal, endSignal } = interruption;
      const ends = { signal, killSignal, endSignal, ...(terminal && { terminal, detachSignal: terminal.hungUp }) };
      const result = await call({ ...ends, onEvent, ...(stdin && { stdin: stdin.source }) });
      terminal?.close();
      if (json) process.stdout.write(jsonLine(result));
      else {
        warnOf(result.warnings ?? [], "run");
        process.stderr.write(renderFooter(result) + renderOutOfMemory(result, sizedBy));
      }
      return exitStatusOf(result, json || signal.aborted);
    } finally {
      progress.clear();
      await stdin?.close();
    }
  };
  return interruptible(json, body, { runsCommand: true });
}

/** The exit status for a command's outcome. */
export function exitStatusOf(result: Outcome, quiet: boolean): number {
  if (result.timed_out) {
    if (!quiet) process.stderr.write(renderTimeout(result));
    return result.exit_code ?? 125;
  }
  if (result.aborted) {
    if (!quiet) process.stderr.write("pyro: The command was aborted.\n");
    return 125;
  }
  if (!quiet) process.stderr.write(renderOneWord(result));
  return result.exit_code ?? 125;
}
