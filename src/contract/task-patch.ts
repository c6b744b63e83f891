import { z } from "zod";

import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskPatch = defineOperation({
  name: "task.patch",
  summary: "Apply a unified diff to a task's workspace, all of it or nothing",
  details:
    "Takes what `git diff`, `diff -u` and `task.diff` print, with names relative to /workspace. With any reject nothing is applied. Fails with `INVALID_ARGUMENT` for text that is not a patch, with `WORKSPACE_LINK` when a link is on the way to a file, with `WORKSPACE_CHANGED` when a process of the task changes one of the files meanwhile; then nothing is applied.",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    patch: z
      .string()
      .min(1)
      .max(Math.ceil(limits.patchBytes / 3) * 4)
      .describe("The unified diff, at most 700 KiB."),
    encoding: z
      .enum(["utf8", "base64"])
      .default("utf8")
      .describe("Encoding of `patch`: base64 for text in any encoding.")
      .meta({ hidden: true }),
    dry_run: z.boolean().default(false).describe("List the files that would be patched; change nothing."),
    reverse: z.boolean().default(false).describe("Revert the patch."),
  }),
  output: z
    .object({
      task_id: z.string(),
      applied: z.boolean().describe("True when the patch was applied."),
      files: z
        .array(
          z.object({
            path: z.string().describe("Relative to /workspace."),
            status: z.enum(["added", "modified", "deleted"]),
          }),
        )
        .describe("Files that the patch fits; a renamed file counts as one deleted and one added."),
      rejects: z
        .array(
          z.object({
            path: z.string(),
            reason: z
              .enum(["missing", "exists", "binary", "not-a-file", "too-large", "does-not-fit"])
              .describe("Why this file cannot be patched."),
            hunks: z.array(z.string()).describe("Headers of all its hunks."),
          }),
        )
        .describe("If not empty, nothing was applied."),
      dry_run: z.boolean(),
    })
    .meta({ title: "PatchResult", description: "The effect of a patch on a workspace." }),
  bulk: ["files[]", "rejects[]"],
  cli: {
    words: ["task", "patch"],
    positionals: ["task_id"],
    options: { from: "File of this machine with the patch; standard input otherwise." },
    examples: ["git diff | pyro task patch TASK", "pyro task patch TASK --from fix.patch --dry-run"],
  },
  sdk: { method: "patchTask" },
  mcp: {
    tool: "task_patch",
    title: "Patch files of a task",
    description:
      "Applies a unified diff to the task's /workspace: all of it, or nothing with the rejects listed. Names are relative to /workspace.",
  },
});
