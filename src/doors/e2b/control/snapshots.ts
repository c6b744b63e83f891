import { randomBytes } from "node:crypto";

import { PyroError } from "../../../contract/errors.js";
import { readJsonBody, Refusal, sendEmpty, sendJson } from "../answer.js";
import { SNAPSHOT_PREFIX } from "../templates.js";
import type { ControlCall } from "./call.js";
import { pageOf } from "./list.js";

const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,40}(:[A-Za-z0-9._-]{1,64})?$/;

/** Saves a sandbox as a template of that name, or of a new one. */
export async function createSnapshot({ sandboxes, exchange, id }: ControlCall): Promise<void> {
  const { name } = await readJsonBody(exchange.request);
  const sandbox = sandboxes.find(id);
  if (name !== undefined && name !== null && (typeof name !== "string" || !nameForm.test(name))) {
    throw new Refusal(400, "name has at most 41 letters, digits and _ . -, and after a colon a tag.");
  }
  const given = typeof name === "string" ? name : undefined;
  const snapshotID = given ?? randomBytes(10).toString("hex");
  await sandboxes.snapshot(sandbox, snapshotID);
  sendJson(exchange.response, 201, { snapshotID, names: given === undefined ? [] : [given] });
}

export async function listSnapshots({ sandboxes, exchange: { response, query } }: ControlCall): Promise<void> {
  const { environments } = await sandboxes.pyro.perform("env.list", {});
  const [from, name] = [query.get("sandboxID"), query.get("name")];
  const taskId = from === null ? null : (sandboxes.list().find(({ id }) => id === from)?.record.taskId ?? "");
  const ids = environments
    .filter((each) => each.name.startsWith(SNAPSHOT_PREFIX))
    .filter(({ saved }) => taskId === null || saved?.task_id === taskId)
    .map((each) => each.name.slice(SNAPSHOT_PREFIX.length))
    .filter((id) => name === null || id === name || id.split(":")[0] === name)
    .sort();
  const { items, next } = pageOf(
    ids,
    (id) => id,
    (key, after) => key > after,
    query,
  );
  if (next !== null) response.setHeader("x-next-token", next);
  sendJson(
    response,
    200,
    items.map((snapshotID) => ({ snapshotID, names: isRandom(snapshotID) ? [] : [snapshotID] })),
  );
}

/** Removes a snapshot. Other templates are not the gateway's to remove. */
export async function removeSnapshot({ sandboxes, exchange, id }: ControlCall): Promise<void> {
  if (!nameForm.test(id)) throw new Refusal(404, `template '${id}' not found`);
  try {
    await sandboxes.pyro.perform("env.remove", { environment: `${SNAPSHOT_PREFIX}${id}` });
  } catch (error) {
    const { code } = PyroError.from(error);
    if (code !== "NOT_FOUND" && code !== "ENVIRONMENT_UNKNOWN") throw error;
    throw new Refusal(404, `template '${id}' not found`);
  }
  sendEmpty(exchange.response, 204);
}

function isRandom(id: string): boolean {
  return /^[0-9a-f]{20}$/.test(id);
}
