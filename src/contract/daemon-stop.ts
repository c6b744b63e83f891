import { z } from "zod";

import { defineOperation } from "./operation.js";

export const daemonStop = defineOperation({
  name: "daemon.stop",
  summary: "Stop the daemon; aborts `pyro run`, tasks keep running unless they are saved",
  effect: "stops",
  input: z.strictObject({
    save: z
      .boolean()
      .default(false)
      .describe("Stop every task first, as before a reboot: its next command starts it again."),
  }),
  output: z.object({
    pid: z.int().nullable().describe("Process id of the stopped daemon; null when no daemon was running."),
    stopped: z.boolean(),
    saved: z.array(z.string()).describe("Ids of the tasks that were stopped."),
    unsaved: z
      .array(z.object({ task_id: z.string(), reason: z.string() }))
      .describe("Tasks that could not be stopped; they keep running."),
  }),
  cli: { words: ["daemon", "stop"], positionals: [] },
  sdk: null,
  mcp: null,
});
