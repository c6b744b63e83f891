import type { ErrorBody } from "../../src/contract/errors.js";
import { operations } from "../../src/contract/operations.js";
import { until } from "../client/scratch.js";
import { connectStdio, type Connected } from "../doors/mcp/connect.js";
import type { Answer, Place, Runner } from "./runner.js";

type Fields = Record<string, unknown>;

interface Tool {
  readonly name: string;
  readonly inputSchema: { readonly properties?: Readonly<Record<string, unknown>> };
}

/** `pyro mcp serve`, called by the official client. */
export function openMcp({ env }: Place): Runner {
  // Fields are compared, also long ones.
  const opened = connectStdio({ ...env, PYRO_MCP_OUTPUT: "both" }, "full").then(async (connected) => {
    const { tools } = (await connected.client.listTools()) as { tools: Tool[] };
    return { connected, tools: new Map(tools.map((tool) => [tool.name, tool])) };
  });
  return {
    name: "MCP",
    // A model gets each output once, and an answer with text only has no fields to compare.
    offers: ({ operation, input }) =>
      operations[operation].mcp !== null &&
      !("textOnly" in operations[operation].mcp) &&
      !("interleaved" in input) &&
      !["setup", "setup_key", "snapshot_every_seconds", "user"].some((name) => name in input) &&
      !("tty" in input),
    async call({ operation, input, stdin, cancel }): Promise<Answer> {
      const { connected, tools } = await opened;
      const name = operations[operation].mcp!.tool;
      const { properties = {} } = tools.get(name)!.inputSchema;
      // Terminal codes stay; text that is too long for a model is cut all the same.
      const raw = "raw" in properties ? { raw: true } : {};
      const given = { ...input, ...raw, ...(stdin === undefined ? {} : { stdin }) };
      if (cancel) return cancelCall(connected, name, given);
      const result = await connected.call(name, given);
      const body = result._meta?.["pyro-mcp/error"] as ErrorBody | undefined;
      return body ? { error: body } : { result: result.structuredContent as Fields };
    },
    async [Symbol.asyncDispose]() {
      const { connected } = await opened;
      await connected[Symbol.asyncDispose]();
    },
  };
}

/** A client that cancels gets no answer to its call; the task's log has the outcome of the command. */
async function cancelCall(connected: Connected, name: string, given: Fields): Promise<Answer> {
  const controller = new AbortController();
  const call = connected.call(name, given, { signal: controller.signal }).catch(() => {});
  const last = async () => {
    const { entries } = await connected.result<{ entries: Fields[] }>("task_logs", { task_id: given["task_id"] });
    return entries.at(-1) ?? {};
  };
  await until("the command has said something", async () => {
    const { state, stdout } = await last();
    return state === "running" && stdout !== "";
  });
  controller.abort();
  await call;
  await until("the command has ended", async () => (await last())["state"] === "ended");
  return { result: await last() };
}
