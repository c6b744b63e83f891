import { PyroError } from "../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import type { CallOptions, Client } from "./client.js";

type Input = ArgumentsOf<"task.service">;
type Result = ResultOf<"task.service">;

/** Performs the operation on services that the action names. Throws INVALID_ARGUMENT when a field is missing. */
export async function workOnService(client: Client, input: Input, options: CallOptions): Promise<Result> {
  const { task_id, action, wait_seconds = 0, cursor } = input;
  if (action === "list") {
    const { services } = await client.call("task.service.list", { task_id }, options);
    return { services };
  }
  const service = { task_id, name: required(input, "name") };
  if (action === "logs") {
    const waits = cursor === undefined ? {} : { cursor, wait_seconds };
    const { text, cursor: next } = await client.call("task.service.logs", { ...service, ...waits }, options);
    return { text, cursor: next };
  }
  if (action === "status") {
    return { services: [await client.call("task.service.status", { ...service, wait_seconds }, options)] };
  }
  if (action === "stop") return { services: [await client.call("task.service.stop", service, options)] };
  const { ready, publish, restart } = input;
  const start = { ...service, command: required(input, "command"), ready, publish, restart, wait_seconds };
  return { services: [await client.call("task.service.start", start, options)] };
}

function required<Name extends "name" | "command">(input: Input, field: Name): NonNullable<Input[Name]> {
  const value = input[field];
  if (value !== undefined) return value;
  throw new PyroError("INVALID_ARGUMENT", `${field}: it is required for ${input.action}.`, {
    hint: `Give the ${field} of the service.`,
  });
}
