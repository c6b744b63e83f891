import { quoteCommand } from "../../src/client/quote.js";
import type { ErrorBody } from "../../src/contract/errors.js";
import { operations } from "../../src/contract/operations.js";
import { connectStdio } from "../doors/mcp/connect.js";
import type { Answer, Place, Runner } from "./runner.js";

interface Tool {
  readonly name: string;
  readonly inputSchema: { readonly properties?: Readonly<Record<string, { readonly maximum?: number }>> };
}

/** `pyro mcp serve`, called by the official client. */
export function openMcp({ env }: Place): Runner {
  const opened = connectStdio(env).then(async (connected) => {
    const { tools } = (await connected.client.listTools()) as { tools: Tool[] };
    return { connected, tools: new Map(tools.map((tool) => [tool.name, tool])) };
  });
  return {
    name: "MCP",
    // A client that cancels hears no more of its call; and of output that is long a model is shown a part.
    offers: ({ operation, cancel, shownLess }) => operations[operation].mcp !== null && !cancel && !shownLess,
    async call({ operation, input, stdin }): Promise<Answer> {
      const { connected, tools } = await opened;
      const name = operations[operation].mcp!;
      const { properties = {} } = tools.get(name)!.inputSchema;
      const { command } = input;
      const line = Array.isArray(command) ? { command: quoteCommand(command as string[]) } : {};
      // As much as there can be, and as it is: a model is shown less.
      const budget = properties["max_output_bytes"];
      const whole = budget ? { max_output_bytes: budget.maximum, raw: true } : {};
      const result = await connected.call(name, {
        ...input,
        ...line,
        ...whole,
        ...(stdin === undefined ? {} : { stdin }),
      });
      const body = result._meta?.["pyro-mcp/error"] as ErrorBody | undefined;
      return body ? { error: body } : { result: result.structuredContent as Record<string, unknown> };
    },
    async [Symbol.asyncDispose]() {
      const { connected } = await opened;
      await connected[Symbol.asyncDispose]();
    },
  };
}
