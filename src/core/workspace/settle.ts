import { Readable } from "node:stream";
import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import { workspaceEntry } from "../../contract/workspace.js";
import { abortableChunks } from "../../host/abortable.js";
import { readLines } from "../../host/lines.js";
import type { Entry } from "../../workspace/entry.js";
import { fromContract } from "../../workspace/wire.js";
import type { Handler } from "../core.js";

/** The longest line: a path and a link's target with every character escaped. */
const LINE_BYTES = 65_536;
const settled = z.tuple([z.string().min(1).max(4096), workspaceEntry]);

/** `task.settle`: makes the entries that follow the input a part of the task's base. */
export const taskSettle: Handler<"task.settle"> = async ({ tasks }, { task_id, origin }, call) => {
  const task = tasks.get(task_id);
  const entries: (readonly [string, Entry | null])[] = [];
  for await (const line of readLines(
    Readable.from(abortableChunks(call.stdin ?? Readable.from([]), call.signal)),
    LINE_BYTES,
  )) {
    if (entries.length === limits.importEntries) throw refused(`more than ${limits.importEntries} entries`);
    entries.push(parseLine(line));
  }
  await task.settle(origin, entries);
  return { task_id, settled_count: entries.length };
};

function parseLine(line: string): readonly [string, Entry | null] {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw refused("a line that is not JSON");
  }
  const { success, data } = settled.safeParse(value);
  if (!success) throw refused("a line that is not `[path, entry]`");
  return [data[0], fromContract(data[1])];
}

function refused(what: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", `The entries after the input contain ${what}.`);
}
