import { z } from "zod";

import { accelerator, interleaved, interleavedOutput, oomKilled, outputEncodings } from "./fields.js";
import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { execError, execSequence, execState, taskId } from "./task.js";

const { execOutputBytes, waitSeconds } = limits;
const offset = z.int().min(0);

/** Reads the output that a command has written so far. Clients follow a background command with it. */
export const taskExecOutput = defineOperation({
  name: "task.exec_output",
  summary: "Read a command's output from an offset",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    sequence: execSequence,
    stdout_offset: offset.default(0).describe("Offset in standard output of the first byte to return."),
    stderr_offset: offset.default(0).describe("Offset in standard error of the first byte to return."),
    max_bytes: z
      .int()
      .min(execOutputBytes.min)
      .max(execOutputBytes.max)
      .default(32_768)
      .describe("Maximum bytes in the answer, both streams together."),
    wait_seconds: z
      .int()
      .min(waitSeconds.min)
      .max(waitSeconds.max)
      .default(0)
      .meta({ waits: true })
      .describe("Seconds to wait when there is no new output."),
    wait_for: z
      .enum(["output", "end"])
      .default("output")
      .describe("Event to wait for: output, or the command's end (or a full answer)."),
    interleaved,
    encoding: z
      .enum(["utf8", "base64"])
      .default("utf8")
      .meta({ hidden: true })
      .describe("base64: encode both streams, even where they are valid UTF-8."),
  }),
  output: z
    .object({
      task_id: z.string(),
      sequence: execSequence,
      command: z.string(),
      state: execState,
      exit_code: z
        .int()
        .nullable()
        .describe("Null while the command runs, and when it ended without an exit code: see `error`."),
      timed_out: z.boolean(),
      aborted: z.boolean(),
      oom_killed: oomKilled,
      mem_mib: z.int().describe("Memory of its VM in MiB."),
      error: execError,
      accelerator,
      duration_ms: z.int().min(0),
      stdout: z.string(),
      stderr: z.string(),
      ...outputEncodings,
      stdout_omitted_bytes: z.int().min(0).describe("Requested bytes before `stdout` that are no longer kept."),
      stderr_omitted_bytes: z.int().min(0).describe("Requested bytes before `stderr` that are no longer kept."),
      next_stdout_offset: offset.describe("Offset to pass to the next call."),
      next_stderr_offset: offset.describe("Offset to pass to the next call."),
      interleaved: interleavedOutput,
      stdout_bytes: z.int().min(0).describe("Bytes written to standard output so far."),
      stderr_bytes: z.int().min(0).describe("Bytes written to standard error so far."),
      complete: z.boolean().describe("True when the command has ended and the answer reaches the end of its output."),
    })
    .meta({ title: "CommandOutput", description: "The output that a task's command has written so far." }),
  bulk: ["stdout", "stderr"],
  cli: {
    words: ["task", "output"],
    positionals: ["task_id", "sequence"],
    flags: { follow: "Continue until the command ends; Ctrl-C leaves it running." },
    examples: ["pyro task output TASK 3", "pyro task output TASK 3 --follow"],
  },
  sdk: { method: "outputTask", optionsType: "OutputOptions" },
  mcp: {
    tool: "task_exec_output",
    title: "Read a command's output",
    description:
      "Reads a command's output from the offsets on. To continue, pass next_stdout_offset and next_stderr_offset of the last answer, until complete is true. Set wait_seconds (at most 45) to wait for more; wait_for: end waits until it has ended.",
    profile: "core",
  },
});
