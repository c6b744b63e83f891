import { z } from "zod";

import { defineOperation } from "./operation.js";

export const daemonStop = defineOperation({
  name: "daemon.stop",
  summary: "Stop the daemon; aborts `pyro run`, tasks keep running",
  effect: "stops",
  input: z.strictObject({}),
  output: z.object({
    pid: z.int().nullable().describe("Process id of the stopped daemon; null when no daemon was running."),
    stopped: z.boolean(),
  }),
  cli: { words: ["daemon", "stop"], positionals: [] },
  sdk: null,
  mcp: null,
});
