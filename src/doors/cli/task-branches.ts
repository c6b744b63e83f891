import type { Client } from "../../client/client.js";
import type { ArgumentsOf } from "../../contract/operations.js";
import { print, show } from "./show.js";

type Quiet<Input> = Input & { readonly quiet?: boolean };

/** `pyro task fork`: shows the forks, or their ids. */
export async function taskFork(
  client: Client,
  { quiet, ...input }: Quiet<ArgumentsOf<"task.fork">>,
  json: boolean,
): Promise<number> {
  const result = await client.call("task.fork", input);
  if (quiet && !json) return print(result.tasks.map(({ task_id }) => `${task_id}\n`).join(""));
  return show("task.fork", result, json);
}

/** `pyro task snapshot create`: shows the snapshot, or its id. */
export async function taskSnapshotCreate(
  client: Client,
  { quiet, ...input }: Quiet<ArgumentsOf<"task.snapshot.create">>,
  json: boolean,
): Promise<number> {
  const result = await client.call("task.snapshot.create", input);
  return quiet && !json ? print(`${result.snapshot_id}\n`) : show("task.snapshot.create", result, json);
}
