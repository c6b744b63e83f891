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
  summary: "Copy a directory or an archive into a task's workspace, all of it or nothing",
  details:
    "Fails with the code of the first problem in the source (`SOURCE_…`, `ARCHIVE_…`) or in the workspace (`WORKSPACE_…`).",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    source_path: sourcePath,
    dest: destination,
    ...sourceFilter,
    delete: z
      .boolean()
      .default(false)
      .describe("Delete entries that earlier pushes of this source wrote to dest and that the source no longer has."),
    dry_run: z
      .boolean()
      .default(false)
      .describe("Check the source and list the entries that would be written; change nothing."),
    ...sourceFacts,
  }),
  output: z
    .object({
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
      duration_ms: z.int().min(0).describe("Milliseconds from the request to the commit."),
      dry_run: z.boolean(),
      entries: z
        .array(listed)
        .optional()
        .describe("In a dry run: the entries that would be written, the first 10,000."),
    })
    .meta({ title: "PushResult", description: "The entries that a push wrote to a workspace." }),
  streams: true,
  body: "upload",
  bulk: ["entries[]"],
  cli: {
    words: ["task", "sync", "push"],
    positionals: ["task_id", "source_path"],
    examples: [
      "pyro task sync push TASK ./src --dest /workspace/src",
      "pyro task sync push TASK release.tar.gz --dry-run",
      "pyro task sync push TASK . --exclude '*.log' --include important.log",
      "pyro task sync push TASK . --git-tracked --delete",
    ],
  },
  sdk: { method: "pushTaskSync", optionsType: "PushOptions", handleMethod: "syncPush" },
  mcp: {
    tool: "task_sync_push",
    title: "Push files into a task",
    description:
      "Copies a directory, file or tar archive of this machine into the task's workspace and replaces existing files: use it after you changed files here. All or nothing. source_path should be absolute.",
    profile: "core",
  },
});
