import { z } from "zod";

import { accelerator, interleaved, interleavedOutput, oomKilled, outputEncodings } from "./fields.js";
import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { execError, execSequence, execState, taskId } from "./task.js";

const { execOutputBytes, waitSeconds } = limits;
const offset = z.int().min(0);

/** Reads what a command wrote, as far as it got: the way to follow one that runs in the background. */
export const taskExecOutput = defineOperation({
  name: "task.exec_output",
  summary: "Read a command's output from a place on",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    sequence: execSequence,
    stdout_offset: offset.default(0).describe("First byte of standard output wanted."),
    stderr_offset: offset.default(0).describe("First byte of standard error wanted."),
    max_bytes: z
      .int()
      .min(execOutputBytes.min)
      .max(execOutputBytes.max)
      .default(32_768)
      .describe("Most bytes in the answer, both streams together."),
    wait_seconds: z
      .int()
      .min(waitSeconds.min)
      .max(waitSeconds.max)
      .default(0)
      .meta({ waits: true })
      .describe("Seconds to wait when there is nothing new."),
    wait_for: z
      .enum(["output", "end"])
      .default("output")
      .describe("What to wait for: output, or the command's end (or a full answer)."),
    interleaved,
    encoding: z
      .enum(["utf8", "base64"])
      .default("utf8")
      .meta({ hidden: true })
      .describe("base64: both streams are given so, also where they are UTF-8."),
  }),
  output: z
    .object({
      task_id: z.string(),
      sequence: execSequence,
      command: z.string(),
      state: execState,
      exit_code: z.int().nullable().describe("Null while it runs, and when it ended without one: see `error`."),
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
      stdout_omitted_bytes: z
        .int()
        .min(0)
        .describe("Bytes asked for that are kept no longer; they come before `stdout`."),
      stderr_omitted_bytes: z
        .int()
        .min(0)
        .describe("Bytes asked for that are kept no longer; they come before `stderr`."),
      next_stdout_offset: offset.describe("Where the next call goes on."),
      next_stderr_offset: offset.describe("Where the next call goes on."),
      interleaved: interleavedOutput,
      stdout_bytes: z.int().min(0).describe("Bytes it has written so far."),
      stderr_bytes: z.int().min(0).describe("Bytes it has written so far."),
      complete: z.boolean().describe("True when it has ended and there is no more to read."),
    })
    .meta({ title: "CommandOutput", description: "What a command of a task wrote, as far as it got." }),
  bulk: ["stdout", "stderr"],
  cli: {
    words: ["task", "output"],
    positionals: ["task_id", "sequence"],
    flags: { follow: "Go on until the command has ended; Ctrl-C leaves it running." },
    examples: ["pyro task output TASK 3", "pyro task output TASK 3 --follow"],
  },
  sdk: { method: "outputTask", optionsType: "OutputOptions" },
  mcp: {
    tool: "task_exec_output",
    title: "Read a command's output",
    description:
      "Reads what a command has written, from the offsets on: pass next_stdout_offset and next_stderr_offset of the last answer to go on, until complete is true. Set wait_seconds (at most 45 s are waited) to wait for more; wait_for: end waits until it has ended.",
  },
});
