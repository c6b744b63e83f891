import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskSyncUndo = defineOperation({
  name: "task.sync.undo",
  summary: "Take back the last pull of a task on this machine",
  details:
    "Brings back what the pull replaced or deleted. Fails with `DESTINATION_CHANGED`, and does nothing, when this machine has changed one of the entries since; with `NOT_FOUND` when there is nothing to undo.",
  effect: "writes",
  isLocal: true,
  input: z.strictObject({ task_id: taskId }),
  output: z
    .object({
      task_id: z.string(),
      destination: z.string(),
      restored_count: z.int().min(0).describe("Entries that are as they were before the pull."),
      warnings: z.array(z.string()),
    })
    .meta({ title: "UndoResult", description: "What an undo has taken back." }),
  cli: { words: ["task", "sync", "undo"], positionals: ["task_id"], examples: ["pyro task sync undo TASK"] },
  sdk: { method: "undoTaskSync", handleMethod: "syncUndo" },
  mcp: null,
});
