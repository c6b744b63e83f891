import { posix } from "node:path";

import type { ResultOf } from "../../contract/operations.js";
import { list } from "../../guest/listing.js";
import { stat } from "../../guest/stat.js";
import type { Handler } from "../core.js";
import { viewFacts } from "./facts.js";
import { parseGuestPath } from "./path.js";
import { readFiles } from "./use-files.js";

type Entry = ResultOf<"task.file.list">["entries"][number];

/** `task.file.list`: one page of a directory's entries, or the file that the path names. */
export const taskFileList: Handler<"task.file.list"> = (core, input, call) =>
  readFiles(core, input, call, async (channel, file) => {
    const { task_id, path, recursive, limit, after } = input;
    const entries: Entry[] = [];
    // The directory itself comes first, once.
    const most = after === undefined ? limit + 1 : limit;
    const pages = list(channel, file, { depth: recursive ? null : 1, limit: most, after: after ?? null });
    let next = await pages.next();
    for (; !next.done; next = await pages.next()) {
      const entry = next.value;
      if (entry.path === "." && entry.type === "directory") continue;
      const shown = entry.path === "." ? posix.basename(parseGuestPath(path)) : entry.path;
      entries.push({ path: shown, type: entry.type, ...viewFacts(entry), target: entry.target });
    }
    return { task_id, path, entries, next_after: next.value ? (entries.at(-1)?.path ?? null) : null };
  });

/** `task.file.stat`: one name, links not followed. */
export const taskFileStat: Handler<"task.file.stat"> = (core, input, call) =>
  readFiles(core, input, call, async (channel, file) => {
    const { type, size, mode, mtime_s, mtime_ns, target } = await stat(channel, file);
    const facts = viewFacts({ sizeBytes: size, mode, mtimeS: mtime_s, mtimeNs: mtime_ns });
    return { task_id: input.task_id, path: input.path, type, ...facts, target };
  });
