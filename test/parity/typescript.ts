import type { Operation } from "../../src/contract/operation.js";
import { operations } from "../../src/contract/operations.js";
import { schemasOf } from "../../src/contract/rendered.js";
import { toCamel, toSnake } from "../../src/doors/sdk/camel.js";
import { Pyro, PyroError } from "../../src/index.js";
import type { Answer, Place, Request, Runner } from "./runner.js";

type Method = (...given: unknown[]) => PromiseLike<object>;

/** The TypeScript SDK, in this process. */
export function openTypeScript({ home, context }: Place): Runner {
  const pyro = new Pyro({ home, context });
  return {
    name: "TypeScript",
    offers: ({ operation }) => operations[operation].sdk !== null || operation === "task.watch",
    async call({ operation, input, stdin, cancel }): Promise<Answer> {
      if (operation === "task.watch") return watch(pyro, input);
      const method = pyro[operations[operation].sdk!.method as keyof Pyro] as Method;
      const controller = new AbortController();
      const abort = () => controller.abort();
      const cancelling = cancel ? { onStdout: abort, onProgress: abort, signal: controller.signal } : {};
      const { positional, options } = split({ operation, input });
      try {
        const given = { ...options, ...(stdin === undefined ? {} : { stdin }), ...cancelling };
        const result = await method.call(pyro, ...positional, ...(Object.keys(given).length > 0 ? [given] : []));
        const plain = "info" in result ? result.info : result;
        return { result: toSnake(plain, schemasOf(operation).result) as Record<string, unknown> };
      } catch (error) {
        if (!(error instanceof PyroError)) throw error;
        return { error: error.toBody() };
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** The first report of a watch. */
async function watch(pyro: Pyro, { task_id: taskId, source_path: path }: Request["input"]): Promise<Answer> {
  try {
    for await (const event of pyro.watchTask(String(taskId), String(path))) return { result: { ...event } };
    throw new Error("the watch ended without a report");
  } catch (error) {
    if (!(error instanceof PyroError)) throw error;
    return { error: error.toBody() };
  }
}

/** The arguments by position, and the options, of a method. */
function split({ operation, input }: Request) {
  const schema = schemasOf(operation).input;
  const { named = [], first = [] }: NonNullable<Operation["sdk"]> = operations[operation].sdk!;
  const names = [...(schema.required ?? []), ...first].filter((name) => name !== "command" && !named.includes(name));
  const options = Object.fromEntries(Object.entries(input).filter(([name]) => !names.includes(name)));
  return { positional: names.map((name) => input[name]), options: toCamel(options, schema) as object };
}
