import { z } from "zod";

import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { service, serviceReference, serviceWait } from "./service.js";

const { execOutputBytes } = limits;

export const taskServiceLogs = defineOperation({
  name: "task.service.logs",
  summary: "Show the output of a service, both streams in the order of arrival",
  details:
    "A cursor continues where the answer with that cursor ended, or with the next command after a restart of the service.",
  effect: "reads",
  input: z.strictObject({
    ...serviceReference,
    cursor: z
      .string()
      .regex(/^(start|\d+\.\d+\.\d+)$/, "expected start, or the cursor of an answer")
      .optional()
      .describe("Where to begin: start, or the cursor of an answer. Default: the last lines of its latest command."),
    lines: z.int().min(1).max(10_000).optional().describe("Without a cursor: the number of last lines."),
    max_bytes: z
      .int()
      .min(execOutputBytes.min)
      .max(execOutputBytes.max)
      .default(32_768)
      .describe("Maximum bytes in the answer."),
    wait_seconds: serviceWait.default(0).meta({ waits: true }).describe("Seconds to wait when there is no new output."),
  }),
  output: z
    .object({
      task_id: z.string(),
      name: z.string(),
      state: service.shape.state,
      text: z.string().describe("Output; bytes that are not valid UTF-8 are replaced."),
      omitted_bytes: z.int().min(0).describe("Bytes before the text that are no longer kept."),
      cursor: z.string().describe("Cursor to pass to the next call."),
      complete: z.boolean().describe("True when the service is over and the text reaches the end of its output."),
    })
    .meta({ title: "ServiceLogs", description: "Output of a service." }),
  cli: {
    words: ["task", "service", "logs"],
    positionals: ["task_id", "name"],
    flags: { follow: "Continue until the service is over; Ctrl-C leaves it running." },
    examples: ["pyro task service logs TASK web --lines 50", "pyro task service logs TASK web --follow"],
  },
  sdk: { method: "logsService" },
  mcp: null,
});
