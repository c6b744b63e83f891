import { z } from "zod";

import { requireIsolation } from "./isolation.js";
import { limits } from "./limits.js";
import { quoteCommand } from "./quote.js";

/**
 * Fields that several operations take or return. Clients set fields marked `.meta({ hidden: true })` themselves; no door offers
 * them. A field marked `waits` is a waiting time, which the MCP server keeps below its client's time-out. A field marked
 * `forPrograms` is not offered to a model.
 */

export const environmentName = z
  .string()
  .min(1)
  .max(4096)
  .describe("Environment, such as debian:12, or an image, such as docker-archive:FILE.");

/** The daemon joins a list to one line, as clients do. */
export const command = z
  .union([z.string(), z.array(z.string())], "expected one line of text, or a list of a program and its arguments")
  .overwrite((given) => (Array.isArray(given) ? quoteCommand(given) : given))
  .refine((given) => given.length > 0, "expected at least one word")
  .refine((given) => Buffer.byteLength(String(given)) <= limits.commandBytes, `at most ${limits.commandBytes} bytes`)
  .refine((given) => !String(given).includes("\0"), "no NUL bytes")
  .describe("One line for the guest's /bin/sh -c, or a list of words, which pyro quotes.");

export const cwd = z
  .string()
  .min(1)
  .max(4095)
  .refine((path) => Buffer.byteLength(path) < 4096, "at most 4095 bytes")
  .refine((path) => !path.includes("\0"), "no NUL bytes")
  .optional()
  .describe("Working directory of the command. Default: the image's, else /workspace; a relative path starts there.");
export const user = z
  .string()
  .min(1)
  .max(100)
  .refine((name) => !name.includes("\0"), "expected no NUL")
  .optional()
  .describe("User of the guest, as NAME, UID or USER:GROUP. Default: the task's, else the image's, else root.")
  .meta({ forPrograms: true });
const variableName = z
  .string()
  .min(1)
  .max(256)
  .refine((name) => !/[=\0]/.test(name), "expected a variable's name, without = and NUL");
const variables = z.record(
  variableName,
  z
    .string()
    .max(32_768)
    .refine((value) => !value.includes("\0"), "no NUL bytes"),
);
export const env = variables.default({}).describe("Additional environment variables.");
export const taskEnv = variables
  .refine((given) => bytesOf(given) <= limits.taskEnvBytes, `at most ${limits.taskEnvBytes} bytes of names and values`)
  .default({})
  .describe("Environment of all its commands. No output shows the values.");

function bytesOf(texts: Readonly<Record<string, string>>): number {
  return Object.entries(texts).reduce((sum, pair) => sum + Buffer.byteLength(pair.join("")), 0);
}

const labelKey = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$/, "expected a key of at most 63 letters, digits and _ . / -");
export const labels = z
  .record(labelKey, z.string().max(256))
  .default({})
  .describe("Labels to filter tasks by.")
  .meta({ flag: "label" });

/** A client that got no answer retries with the same id, and the daemon does the work once. */
export const requestId = z
  .string()
  .regex(/^[0-9A-Za-z_-]{8,64}$/, "8 to 64 letters, digits, dashes or underscores")
  .optional()
  .describe("Chosen by the client. A repeated call with the same id attaches to the command of the first call.")
  .meta({ hidden: true });

const whole = (range: { min: number; max: number }) => z.int().min(range.min).max(range.max);

export const vcpuCount = whole(limits.vcpuCount).default(1).describe("Virtual CPUs.");
export const memMib = whole(limits.memMib).default(1024).describe("Memory of the VM in MiB.");

/** The schema sets no default: a task or client may have its own, and a background command has none. */
export const timeoutSeconds = whole(limits.timeoutSeconds)
  .optional()
  .describe("Seconds until the command is killed.")
  .meta({ default: limits.defaultTimeoutSeconds, resolved: true });

export const taskTimeoutSeconds = whole(limits.timeoutSeconds)
  .optional()
  .describe("Seconds until a command of the task is killed, if the command sets no time-out.");

/** The value of the client's `PYRO_TIMEOUT_SECONDS`. */
export const defaultTimeoutSeconds = whole(limits.timeoutSeconds)
  .optional()
  .describe("Default time-out, if neither the call nor the task sets one.")
  .meta({ hidden: true });

const ttlSeconds = whole(limits.ttlSeconds).default(600).describe("Seconds until the VM is removed.");
export const taskTtlSeconds = z
  .int()
  .min(0)
  .max(limits.ttlSeconds.max)
  .default(86_400)
  .describe("Seconds without use until the task is removed; 0 for never.");
export const idleStopSeconds = z
  .int()
  .min(0)
  .max(limits.ttlSeconds.max)
  .default(0)
  .describe("Seconds without use until the task is stopped; 0 for never.")
  .meta({ forPrograms: true });
export const snapshotEverySeconds = z
  .int()
  .min(0)
  .max(limits.ttlSeconds.max)
  .default(0)
  .describe("Seconds between automatic snapshots; the last one replaces a VM that dies. 0 for none.")
  .meta({ forPrograms: true, flag: "snapshot-every" });
export const diskMib = whole(limits.diskMib).default(10_240).describe("Maximum that the VM may write, in MiB.");
export const allowHostCompat = z
  .boolean()
  .default(false)
  .describe("Run in a sandboxed host process when no VM can run.");

export const vmShape = {
  vcpu_count: vcpuCount,
  mem_mib: memMib,
  ttl_seconds: ttlSeconds,
  allow_host_compat: allowHostCompat,
  require_isolation: requireIsolation,
};

/** The known values, and every other text: the trick with `{}` keeps an editor's completion of the known ones. */
type Open<Value extends string> = Value | (string & {});

/** An open list: readers take a value that a later version has added. */
function openList<Value extends string>(
  values: readonly Value[],
  meta: { readonly title: string; readonly description: string },
): z.ZodType<Open<Value>, Open<Value>> {
  return z.string().meta({ ...meta, examples: [...values] });
}

export const executionMode = openList(["guest", "host_compat"], {
  title: "ExecutionMode",
  description: "Where the command ran.",
});
export const acceleratorName = openList(["kvm", "tcg"], {
  title: "Accelerator",
  description: "CPU virtualization of a VM; `tcg` is software emulation.",
});
export const accelerator = acceleratorName.nullable().describe("CPU virtualization that the VM ran on.");
export const time = z.iso.datetime().describe("UTC, ISO 8601.");

export const oomKilled = z
  .boolean()
  .describe(
    "True when the VM ran out of memory and its kernel killed the command or a process that it started. In `host_compat` mode it is always false: the cause of a kill is not known there.",
  );

/** Encodings, named as in the `Buffer` of Node.js. */
export const outputEncodings = {
  stdout_encoding: z
    .enum(["utf-8", "base64"])
    .describe("Encoding of `stdout`: base64 when its bytes are not valid UTF-8."),
  stderr_encoding: z
    .enum(["utf-8", "base64"])
    .describe("Encoding of `stderr`: base64 when its bytes are not valid UTF-8."),
};

/** Both streams in one list: requested in the input, returned in the result. */
export const interleaved = z
  .boolean()
  .default(false)
  .describe("Also return the output of both streams as pieces, in the order of arrival.")
  .meta({ forPrograms: true });
export const interleavedOutput = z
  .array(
    z
      .object({ stream: z.enum(["stdout", "stderr"]), text: z.string() })
      .meta({ title: "OutputPiece", description: "A piece of a command's output." }),
  )
  .optional()
  .describe("Content of `stdout` and `stderr` as pieces in the order of arrival; each in the encoding of its stream.")
  .meta({ forPrograms: true });

/** The outcome of a command, the same for a run, a VM and a task. */
export const commandOutcome = {
  exit_code: z
    .int()
    .describe("The command's own exit status; 128 + N when signal N ended it; 124 when its time-out did."),
  stdout: z.string().describe("Standard output; only head and tail when it is long."),
  stderr: z.string().describe("Standard error; only head and tail when it is long."),
  ...outputEncodings,
  stdout_truncated: z.boolean(),
  stderr_truncated: z.boolean(),
  stdout_omitted_bytes: z.int().min(0).describe("Bytes left out of the middle of stdout."),
  stderr_omitted_bytes: z.int().min(0).describe("Bytes left out of the middle of stderr."),
  interleaved: interleavedOutput,
  duration_ms: z.int().min(0).describe("Milliseconds the command ran."),
  timed_out: z.boolean().describe("True when the time-out ended it."),
  aborted: z.boolean().describe("True when the caller cancelled it."),
  oom_killed: oomKilled,
  mem_mib: z.int().describe("Memory of its VM in MiB."),
  execution_mode: executionMode,
};
