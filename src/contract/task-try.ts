import { z } from "zod";

import { cwd, env } from "./fields.js";
import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

const outcome = z.enum(["passed", "failed", "timed_out", "error"]);

const output = <Name extends string>(name: Name, what: string) =>
  ({
    [name]: z.string().describe(`${what}; head and tail when it is long.`),
    [`${name}_truncated`]: z.boolean(),
    [`${name}_omitted_bytes`]: z.int().describe("Bytes left out of its middle."),
  }) as Record<Name, z.ZodString> &
    Record<`${Name}_truncated`, z.ZodBoolean> &
    Record<`${Name}_omitted_bytes`, z.ZodInt>;

export const taskTry = defineOperation({
  name: "task.try",
  summary: "Try variants, commands or patches, each in a fork of a task, and keep one",
  details:
    "Each variant runs in a fork of its own, as many at once as the host has memory for, and then the check. A variant passes when its command exits with 0, or its patch fits, and the check exits with 0. A patch is applied as `task.patch` does: when it does not fit, its variant fails, and `stderr` lists the rejects. `keep` makes the fork of one variant the present state of the task, whose own changes meanwhile are lost; all other forks are removed, also after an interruption. A failure of one variant does not end the others.",
  effect: "runs",
  input: z.strictObject({
    task_id: taskId,
    variants: z
      .array(z.string().min(1).max(limits.commandBytes))
      .max(limits.tryVariants)
      .default([])
      .describe("Commands to try. Their names are 1, 2, 3 and so on.")
      .meta({ flag: "variant" }),
    variant_patches: z
      .array(z.string().min(1).max(limits.patchBytes))
      .max(limits.tryVariants)
      .default([])
      .describe("Unified diffs to try (CLI: files of them), numbered after the commands.")
      .meta({ flag: "variant-patch" }),
    check: z
      .string()
      .min(1)
      .max(limits.commandBytes)
      .optional()
      .describe("Command that decides after a variant whether it passes."),
    keep: z
      .string()
      .regex(/^(none|first-passing|[1-9][0-9]?)$/, "expected none, first-passing, or the number of a variant")
      .default("none")
      .describe("Fork that becomes the task: none, first-passing (in the given order), or the number of a variant."),
    timeout_seconds: z
      .int()
      .min(limits.timeoutSeconds.min)
      .max(limits.timeoutSeconds.max)
      .default(300)
      .describe("Seconds until a variant or a check is killed."),
    cwd,
    env,
  }),
  output: z
    .object({
      task_id: z.string(),
      variants: z
        .array(
          z.object({
            name: z.string(),
            command: z.string().describe("Empty for a patch."),
            outcome,
            exit_code: z.int().nullable().describe("Null for a patch, and when it did not run to its end."),
            check_exit_code: z.int().nullable().describe("Null when no check ran."),
            error: z.object({ code: z.string(), message: z.string() }).nullable(),
            duration_ms: z.int(),
            ...output("stdout", "Output of the variant"),
            ...output("stderr", "Errors of the variant"),
            ...output("check_output", "Output and errors of the check"),
            changed_count: z.int().nullable().describe("Changed entries of the workspace; null when not known."),
            changed: z
              .array(z.object({ path: z.string(), status: z.string(), lines: z.string().describe("Such as +3 -1.") }))
              .describe(`The first ${limits.tryChanges} of them.`),
          }),
        )
        .describe("In the given order."),
      kept: z.string().nullable().describe("Name of the variant whose fork is now the task; null for none."),
      keep_error: z
        .object({ code: z.string(), message: z.string() })
        .nullable()
        .describe("Reason why the chosen variant could not be kept."),
    })
    .meta({ title: "TryResult", description: "Results of variants that ran in forks of a task." }),
  streams: true,
  bulk: ["variants[].stdout", "variants[].stderr", "variants[].check_output"],
  cli: {
    words: ["task", "try"],
    positionals: ["task_id"],
    examples: [
      "pyro task try TASK --variant 'make CC=gcc' --variant 'make CC=clang'",
      "pyro task try TASK --variant ./a.sh --variant ./b.sh --check 'make test'",
      "pyro task try TASK --variant-patch a.diff --variant-patch b.diff --check ./t",
    ],
  },
  sdk: { method: "tryTask", handleMethod: "tryVariants" },
  mcp: {
    tool: "task_try",
    title: "Try variants",
    description:
      "Runs each variant (or applies each patch) in its own fork, then check, and compares: outcome, output, changed files. The task is unchanged unless keep names a passing variant.",
  },
});
