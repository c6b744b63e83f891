import type { Client } from "../../../client/client.js";
import { readableOutput } from "../../../client/readable-output.js";
import { execTask } from "../../../client/task-exec.js";
import { PyroError } from "../../../contract/errors.js";
import type { ArgumentsOf, OperationName } from "../../../contract/operations.js";
import { readContract, schemasOf, type RenderedOperation } from "../../../contract/rendered.js";
import type { Tool, ToolCall } from "./chat.js";

/** Fields that are hidden from a model: running without a VM, network access, reading host files, and the second form of an output. */
const WITHHELD = new Set(["allow_host_compat", "interleaved", "network", "source_path"]);
/** Maximum characters of each output stream that a model sees. */
const MAX_OUTPUT_CHARACTERS = 8_000;

/** The result of one tool call, for the model and for the log. */
export interface ToolResult {
  readonly tool: string;
  readonly ok: boolean;
  readonly content: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The tools that a model may use: `vm_run` and the task tools. It sees only the tasks that it created. */
export class Tools {
  readonly list: readonly Tool[];
  readonly #client: Client;
  readonly #signal: AbortSignal;
  readonly #operations: ReadonlyMap<string, RenderedOperation>;
  readonly #taskIds = new Set<string>();

  constructor(client: Client, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
    const offered = readContract().operations.filter(isOffered);
    this.#operations = new Map(offered.map((operation) => [operation.mcp ?? "", operation]));
    this.list = offered.map(buildTool);
  }

  /** Performs a model's tool call. Errors are returned to the model, so that it can correct itself. */
  async call(call: ToolCall): Promise<ToolResult> {
    const { name, arguments: given } = call.function ?? {};
    const tool = typeof name === "string" ? name : "?";
    try {
      const operation = this.#operations.get(tool);
      if (!operation) throw invalid(`Unknown tool ${tool}. Tools: ${[...this.#operations.keys()].join(", ")}.`);
      const input = parseGiven(given);
      const result = await this.#perform(operation, input);
      return { tool, ok: true, content: JSON.stringify(result), facts: factsOf(input, result) };
    } catch (thrown) {
      const error = PyroError.from(thrown);
      if (this.#signal.aborted) throw error;
      const facts = { error: error.code, message: error.message };
      return { tool, ok: false, content: JSON.stringify({ error: error.toBody() }), facts };
    }
  }

  /** Deletes the tasks that the model has not deleted. */
  async close(): Promise<number> {
    const left = [...this.#taskIds];
    for (const task_id of left) {
      await this.#client.call("task.delete", { task_id }).catch((error: unknown) => {
        if (PyroError.from(error).code !== "NOT_FOUND") throw error;
      });
    }
    return left.length;
  }

  async #perform(
    { name: operation, bulk }: RenderedOperation,
    input: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const name = operation as OperationName;
    const taskId = input["task_id"];
    if (typeof taskId === "string" && !this.#taskIds.has(taskId)) {
      throw new PyroError("NOT_FOUND", `You have no task ${taskId}.`, { hint: "Create one with task_create." });
    }
    const options = { signal: this.#signal };
    const cut = (result: Record<string, unknown>) => cutTexts(result, bulk);
    if (name === "task.exec") return cut(await execTask(this.#client, input as ArgumentsOf<"task.exec">, options));
    const result = (await this.#client.call(name, input as ArgumentsOf<typeof name>, options)) as Record<
      string,
      unknown
    >;
    if (name === "task.create") this.#taskIds.add(String(result["task_id"]));
    if (name === "task.delete") this.#taskIds.delete(String(result["task_id"]));
    if (name !== "task.list") return cut(result);
    const tasks = result["tasks"] as { task_id: string }[];
    return { tasks: tasks.filter(({ task_id }) => this.#taskIds.has(task_id)) };
  }
}

function isOffered({ mcp, fields }: RenderedOperation): boolean {
  const needsHostFiles = fields.some(({ name, required }) => required && WITHHELD.has(name));
  return mcp !== null && (mcp === "vm_run" || mcp.startsWith("task_")) && !needsHostFiles;
}

function buildTool({ name, mcp, summary, fields }: RenderedOperation): Tool {
  const { properties = {}, required = [] } = schemasOf(name).input;
  const offered = fields.filter((field) => !field.hidden && !WITHHELD.has(field.name)).map((field) => field.name);
  const shown = Object.fromEntries(offered.map((field) => [field, properties[field]]));
  const parameters = { type: "object", properties: shown, required, additionalProperties: false };
  return { type: "function", function: { name: mcp ?? "", description: `${summary}.`, parameters } };
}

/** Parses the arguments, which models send as an object or as JSON text. Throws INVALID_ARGUMENT. */
function parseGiven(given: unknown): Record<string, unknown> {
  let value: unknown = given ?? {};
  if (typeof value === "string") {
    try {
      value = JSON.parse(value) as unknown;
    } catch {
      throw invalid("The arguments are not JSON.");
    }
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("The arguments are not an object.");
  const withheld = Object.keys(value).filter((name) => WITHHELD.has(name));
  if (withheld.length > 0) throw invalid(`The tool has no arguments ${withheld.join(", ")}.`);
  return value as Record<string, unknown>;
}

function invalid(message: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", message, { hint: "Check the tool's parameters, then call it again." });
}

/** A result whose output is cut to fit into a model's context. */
function cutTexts(result: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  const short = Object.entries(result).map(([name, value]) => {
    if (names.some((text) => name === `${text}_encoding`)) return [name, undefined] as const;
    if (!names.includes(name) || typeof value !== "string") return [name, value] as const;
    const text = readableOutput(value, result[`${name}_encoding`]) ?? "[binary data]";
    if (text.length <= MAX_OUTPUT_CHARACTERS) return [name, text] as const;
    const half = MAX_OUTPUT_CHARACTERS / 2;
    return [name, `${text.slice(0, half)}\n[... cut ...]\n${text.slice(-half)}`] as const;
  });
  return Object.fromEntries(short);
}

/** The fields of a call's line in the log. */
function factsOf(input: Record<string, unknown>, result: Record<string, unknown>): Record<string, unknown> {
  const names = ["task_id", "exit_code", "timed_out", "duration_ms", "state"];
  const found = names.filter((name) => result[name] !== undefined && result[name] !== false);
  return {
    ...(input["command"] === undefined ? {} : { command: input["command"] }),
    ...Object.fromEntries(found.map((name) => [name, result[name]])),
  };
}
