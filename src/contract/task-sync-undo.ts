import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskSyncUndo = defineOperation({
  name: "task.sync.undo",
  summary: "Undo the last pull of a task on this machine",
  details:
    "Restores the entries that the pull replaced or deleted. Fails with `DESTINATION_CHANGED`, and changes nothing, when one of the entries changed on this machine since; with `NOT_FOUND` when there is no pull to undo.",
  effect: "writes",
  isLocal: true,
  input: z.strictObject({ task_id: taskId }),
  output: z
    .object({
      task_id: z.string(),
      destination: z.string(),
      restored_count: z.int().min(0).describe("Number of entries restored to their state before the pull."),
      warnings: z.array(z.string()),
    })
    .meta({ title: "UndoResult", description: "The entries that an undo restored." }),
  cli: { words: ["task", "sync", "undo"], positionals: ["task_id"], examples: ["pyro task sync undo TASK"] },
  sdk: { method: "undoTaskSync", handleMethod: "syncUndo" },
  mcp: null,
});
