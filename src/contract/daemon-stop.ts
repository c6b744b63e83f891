import { z } from "zod";

import { defineOperation } from "./operation.js";

export const daemonStop = defineOperation({
  name: "daemon.stop",
  summary: "Stop the daemon; what `pyro run` runs is aborted, tasks go on",
  effect: "stops",
  input: z.strictObject({}),
  output: z.object({
    pid: z.int().nullable().describe("Null when none was running."),
    stopped: z.boolean(),
  }),
  cli: { words: ["daemon", "stop"], positionals: [] },
  sdk: null,
  mcp: null,
});
