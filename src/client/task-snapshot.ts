import { PyroError } from "../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import type { CallOptions, Client } from "./client.js";

type Input = ArgumentsOf<"task.snapshot">;

/** Performs the operation on snapshots that the action names. Throws INVALID_ARGUMENT when a field is missing. */
export async function workOnSnapshots(
  client: Client,
  input: Input,
  options: CallOptions,
): Promise<ResultOf<"task.snapshot">> {
  const { action = "create", task_id: task, name } = input;
  if (action === "list") {
    const { snapshots } = await client.call("task.snapshot.list", task === undefined ? {} : { task }, options);
    return { snapshots };
  }
  if (action === "delete") {
    const snapshot_id = required(input, "snapshot_id");
    return { deleted: (await client.call("task.snapshot.delete", { snapshot_id }, options)).snapshot_id };
  }
  const asked = { task_id: required(input, "task_id"), ...(name === undefined ? {} : { name }) };
  return { snapshots: [await client.call("task.snapshot.create", asked, options)] };
}

function required(input: Input, field: "task_id" | "snapshot_id"): string {
  const value = input[field];
  if (value !== undefined) return value;
  throw new PyroError("INVALID_ARGUMENT", `${field}: it is required for ${input.action ?? "create"}.`, {
    hint: field === "task_id" ? "Give the id of the task." : "See the snapshots with action list.",
  });
}
