import { z } from "zod";

import { defineOperation } from "./operation.js";
import {
  bytesWritten,
  deletedCount,
  destination,
  entryCount,
  excludedCount,
  ignoredXattrCount,
  keptCount,
  sourceFacts,
  sourceFilter,
  sourceMode,
  sourcePath,
  sourceReport,
  unchangedCount,
  warnings,
} from "./source.js";
import { taskId } from "./task.js";

const listed = z.object({
  path: z.string(),
  type: z.enum(["file", "directory", "symlink", "hardlink"]),
  size_bytes: z.int().min(0),
});

export const taskSyncPush = defineOperation({
  name: "task.sync.push",
  summary: "Bring a directory or an archive into a task's workspace, all of it or nothing",
  input: z.strictObject({
    task_id: taskId,
    source_path: sourcePath,
    dest: destination,
    ...sourceFilter,
    delete: z
      .boolean()
      .default(false)
      .describe("Delete what earlier pushes of this source brought to dest and the source no longer has."),
    dry_run: z.boolean().default(false).describe("Check the source and list what would be written; change nothing."),
    ...sourceFacts,
  }),
  output: z.object({
    task_id: z.string(),
    source_path: z.string(),
    mode: sourceMode,
    destination: z.string(),
    entry_count: entryCount,
    bytes_written: bytesWritten,
    excluded_count: excludedCount,
    unchanged_count: unchangedCount,
    ignored_xattr_count: ignoredXattrCount,
    ...sourceReport,
    warnings,
    deleted_count: deletedCount,
    kept_count: keptCount,
    duration_ms: z.int().min(0).describe("Milliseconds from the request to the end of the switch."),
    dry_run: z.boolean(),
    entries: z.array(listed).optional().describe("In a dry run: what would be written, the first 10,000 entries."),
  }),
  streams: true,
  stdin: false,
  upload: true,
  cli: { words: ["task", "sync", "push"], positionals: ["task_id", "source_path"] },
  sdk: "pushTaskSync",
  mcp: "task_sync_push",
});
