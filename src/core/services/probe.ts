import type { Machine } from "../../backend/backend.js";
import { stat } from "../../guest/stat.js";
import { Tunnel } from "../../guest/tunnel.js";
import { JoinedController } from "../../host/joined-controller.js";
import { startExec } from "../exec/command.js";
import { parseGuestPath } from "../files/path.js";
import type { HttpCondition, TcpCondition, TextCondition } from "./condition.js";

/** How long one attempt may take. */
const PROBE_MS = 5_000;
/** Maximum bytes read of an HTTP answer; its status line is shorter. */
const ANSWER_BYTES = 4_096;

/** Conditions that are checked at intervals. */
export type ProbedCondition = HttpCondition | TcpCondition | TextCondition<"file"> | TextCondition<"command">;

/** How the command of a condition runs. */
export interface ProbeContext {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Null for root. */
  readonly user: string | null;
}

/** True when the condition holds now. Rejects when it cannot be checked. */
export async function probe(
  machine: Machine,
  condition: ProbedCondition,
  context: ProbeContext,
  signal: AbortSignal,
): Promise<boolean> {
  using until = new JoinedController([signal], PROBE_MS);
  if (condition.kind === "file") return stat(machine.channel, parseGuestPath(condition.text)).then(() => true);
  if (condition.kind === "command") return await probeCommand(machine, condition.text, context, until.signal);
  const { port } = condition;
  if (condition.kind === "tcp") return (await exchange(machine, port, null, until.signal)) !== null;
  const answer = await exchange(machine, port, buildRequest(port, condition.path), until.signal);
  return /^HTTP\/\d\.\d [23]\d\d/.test(answer ?? "");
}

function buildRequest(port: number, path: string): string {
  const fields = [`Host: 127.0.0.1:${port}`, "User-Agent: pyro", "Accept: */*", "Connection: close"];
  return [`GET ${path} HTTP/1.1`, ...fields, "", ""].join("\r\n");
}

/** Connects to a port of the guest and returns the beginning of its answer; null when no program listens. */
async function exchange(
  machine: Machine,
  port: number,
  request: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  let isOpen = false;
  let answer = "";
  return new Promise((resolve) => {
    const tunnel = Tunnel.open(machine.channel, port, {
      source: requestOf(request, signal),
      onWindow: () => {
        isOpen = true;
        if (request === null) finish();
      },
      onBytes: async (bytes) => {
        answer += bytes.toString("latin1");
        if (answer.length >= ANSWER_BYTES || answer.includes("\n")) finish();
      },
      onEnd: finish,
    });
    function finish() {
      signal.removeEventListener("abort", finish);
      resolve(isOpen ? answer : null);
      tunnel.close();
    }
    signal.addEventListener("abort", finish, { once: true });
    tunnel.finished.then(finish, finish);
  });
}

/** Keeps the request open: some servers treat its end as the client's disconnect. */
async function* requestOf(request: string | null, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (request !== null) yield Buffer.from(request);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

async function probeCommand(
  machine: Machine,
  command: string,
  context: ProbeContext,
  signal: AbortSignal,
): Promise<boolean> {
  const exec = await startExec(machine, { command, ...context, stdin: null, onOutput: async () => {} });
  const kill = () => void exec.end("KILL").catch(() => {});
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  try {
    const { exit_code: exitCode } = await exec.finished;
    return exitCode === 0;
  } finally {
    signal.removeEventListener("abort", kill);
    await exec.release().catch(() => {});
  }
}
