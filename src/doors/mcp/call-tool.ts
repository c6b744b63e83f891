import { SdkError, SdkErrorCode, type CallToolResult, type ServerContext } from "@modelcontextprotocol/server";

import type { CallOptions, Client } from "../../client/client.js";
import { performOperation } from "../../client/perform.js";
import { resolveAllowed } from "../../client/pull/allowed.js";
import { PyroError } from "../../contract/errors.js";
import { parseInput } from "../../contract/input.js";
import { nearestName } from "../../contract/nearest.js";
import type { McpProfile } from "../../contract/operation.js";
import type { ArgumentsOf } from "../../contract/operations.js";
import { fitResult, type Budget } from "./budget.js";
import type { Carrier } from "./carrier.js";
import { buildFailure } from "./failure.js";
import { buildForms } from "./forms.js";
import { openProgress, type Progress } from "./progress.js";
import { renderContent } from "./render.js";
import { readTools, type Tool } from "./tools.js";

type Fields = Readonly<Record<string, unknown>>;

/** The server's part of a call. */
export interface ToolHost {
  readonly client: () => Promise<Client>;
  readonly profile: McpProfile;
  /** The real path of a directory that pulls may write to; null when only the task's own is allowed. */
  readonly pullRoot: string | null;
  /** How long a call may wait before it returns an intermediate answer. */
  readonly patienceMs: number;
  /** Keeps a build running after the call that waits for it has returned. */
  readonly keepBuilding: (environment: string) => void;
  readonly onFailure: (tool: string, error: PyroError) => void;
  readonly onResult: (tool: string, result: Fields) => void;
  /** The form of an answer that contains the whole output. */
  readonly carrier: () => Carrier;
}

/** Calls a tool. Returns every error as a result. */
export async function callTool(
  host: ToolHost,
  name: string,
  given: Fields,
  ctx: ServerContext,
): Promise<CallToolResult> {
  const progress = openProgress(ctx);
  try {
    const tool = findTool(name, host);
    const { input, stdin, budget } = parseArguments(tool, given);
    const result = await perform(host, { tool, input, stdin, ctx, progress });
    host.onResult(name, result);
    if (tool.textOnly) return { content: renderContent(name, result) };
    const { text, structuredContent } = buildForms(tool, fitResult(result, budget), host.carrier());
    const content = [{ type: "text" as const, text }];
    // Clients highlight errors: a command that could not run, or whose VM died, is one.
    const isError = tool.operation === "task.exec" && (result["error"] ?? null) !== null;
    return { content, structuredContent, ...(isError ? { isError } : {}) };
  } catch (thrown) {
    const error = PyroError.from(thrown);
    host.onFailure(name, error);
    return buildFailure(error);
  } finally {
    progress.end();
  }
}

function findTool(name: string, { profile, pullRoot }: ToolHost): Tool {
  const tools = readTools(profile, pullRoot !== null);
  const tool = tools.get(name);
  if (tool) return tool;
  if (readTools("full").has(name)) {
    throw new PyroError("INVALID_ARGUMENT", `The tool ${name} is not in the profile ${profile} of this server.`, {
      hint: "Start the server with `pyro mcp serve --profile full` to have it.",
    });
  }
  const near = nearestName(name, [...tools.keys()]);
  throw new PyroError("INVALID_ARGUMENT", `Unknown tool ${name.slice(0, 100)}.`, {
    hint: near ? `Did you mean ${near}?` : `Tools: ${[...tools.keys()].join(", ")}.`,
  });
}

/** Splits the arguments into the operation's input and the fields that this door adds. */
function parseArguments(tool: Tool, given: Fields): { input: Fields; stdin: string | null; budget: Budget } {
  const { stdin, max_output_bytes, raw, ...input } = parseInput(tool.input, given);
  if (stdin !== undefined && input["background"] === true) {
    throw new PyroError("INVALID_ARGUMENT", "stdin: a background command has no standard input.", {
      hint: "Put the text into a file of the task first, and redirect it: command < file.",
    });
  }
  const maxBytes = max_output_bytes ?? input["max_bytes"] ?? 0;
  return {
    input,
    stdin: stdin === undefined ? null : String(stdin),
    // A page of output is returned whole, even if its text is longer than its bytes.
    budget: { maxBytes: Number(maxBytes) * ("max_bytes" in input ? 3 : 1), raw: raw === true, bulk: tool.bulk },
  };
}

interface Asked {
  readonly tool: Tool;
  readonly input: Fields;
  readonly stdin: string | null;
  readonly ctx: ServerContext;
  readonly progress: Progress;
}

async function perform(host: ToolHost, { tool, input, stdin, ctx, progress }: Asked): Promise<Fields> {
  const client = await host.client();
  const controller = new AbortController();
  const { signal } = ctx.mcpReq;
  let sequence: number | null = null;
  // A client that disconnects does not cancel: its commands in tasks continue.
  const cancel = () => {
    if (tool.operation !== "task.exec" || !isClosed(signal)) controller.abort();
  };
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel);
  const options: CallOptions = {
    signal: controller.signal,
    onEvent: (event) => {
      progress.take(event);
      if (event.event === "started") sequence = event.sequence;
      if (progress.isBuilding) host.keepBuilding(String(input["environment"]));
    },
    ...(stdin === null ? {} : { stdin: oneChunk(stdin) }),
  };
  const asked = withinPatience(tool, await withinPullRoot(host, input), host.patienceMs);
  const done = performOperation(client, tool.operation, asked as ArgumentsOf<typeof tool.operation>, options);
  done.catch(() => {});
  const patience = openPatience(host.patienceMs);
  try {
    const result = await Promise.race([done, patience.over]);
    if (result !== "over") return result;
    if (progress.isBuilding) throw giveUpBuilding(String(input["environment"]), progress.phase, controller);
    // The call stays open in the background: ending it would end the command.
    if (sequence !== null) return (await readRunning(client, String(input["task_id"]), sequence)) ?? (await done);
    return await done;
  } finally {
    patience.end();
    signal.removeEventListener("abort", cancel);
  }
}

/** A waiting call returns the current state when its time is up; the client can repeat it. */
function withinPatience({ waits }: Tool, input: Fields, patienceMs: number): Fields {
  const patience = Math.floor(patienceMs / 1000);
  const capped = waits.map((name) => [name, Math.min(Number(input[name] ?? Infinity), patience)]);
  return { ...input, ...(Object.fromEntries(capped) as Fields) };
}

/** Only a server that was given a directory takes a destination, which must lie inside. */
async function withinPullRoot({ pullRoot }: ToolHost, input: Fields): Promise<Fields> {
  const { destination } = input;
  if (pullRoot === null || typeof destination !== "string") return input;
  return { ...input, destination: await resolveAllowed(pullRoot, destination) };
}

function isClosed({ reason }: AbortSignal): boolean {
  return reason instanceof SdkError && reason.code === SdkErrorCode.ConnectionClosed;
}

function openPatience(ms: number): { over: Promise<"over">; end: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<"over">((resolve) => (timer = setTimeout(resolve, ms, "over")));
  return { over, end: () => clearTimeout(timer) };
}

function giveUpBuilding(environment: string, phase: string, controller: AbortController): PyroError {
  controller.abort();
  return new PyroError("ENVIRONMENT_BUILDING", `${environment} is being built: ${phase}.`, {
    hint: "Call the tool again in half a minute: the build continues, and is needed only once.",
    details: { environment },
  });
}

/** The current state of a task's command; null when it has ended, because its own answer follows. */
async function readRunning(client: Client, taskId: string, sequence: number): Promise<Fields | null> {
  const { entries } = await client.call("task.logs", { task_id: taskId });
  const entry = entries.find((candidate) => candidate.sequence === sequence);
  return entry?.state === "running" ? entry : null;
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
