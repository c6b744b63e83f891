import { z } from "zod";

import { time } from "../contract/fields.js";

const count = z.int().min(0);
const sequence = z.int().min(1);

export const execStarted = z.object({
  event: z.literal("exec.started"),
  sequence,
  /** The agent's number of it. */
  job: z.int().min(1),
  /** The caller's request id, to repeat the call if it got no answer. */
  request_id: z.string().optional(),
  command: z.string(),
  cwd: z.string(),
  /** Null for a command that may run for as long as its task lives. */
  timeout_seconds: count.nullable(),
  /** The size of the command's terminal at the start; older versions knew no terminals. */
  terminal: z.object({ rows: z.int(), cols: z.int() }).optional(),
  started_at: time,
  /** The service whose command it is. */
  service: z.string().optional(),
  /** The name of the shell that it is. */
  shell: z.string().optional(),
  /** Bytes of each stream from before a fork or reset, which are not in its log. */
  skipped: z.object({ stdout: count, stderr: count }).optional(),
});

const execEnded = z.object({
  event: z.literal("exec.ended"),
  sequence,
  /** Null when it is not known how the command ended. */
  exit_code: z.int().nullable(),
  duration_ms: count,
  timed_out: z.boolean(),
  aborted: z.boolean(),
  /** Older versions did not write this field. */
  oom_killed: z.boolean().optional(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  stdout_bytes: count,
  stderr_bytes: count,
  ended_at: time,
});

const taskState = z.object({
  event: z.literal("task.state"),
  state: z.enum(["started", "stopped", "failed"]),
  reason: z.string().nullable(),
  /** The number of the VM that starts or ends. */
  incarnation: z.int().min(1).optional(),
  at: time,
});

/** A push that is whole and checked, and is now switched into the workspace. */
const pushSwitching = z.object({
  event: z.literal("push.switching"),
  /** The agent's id of the commit, for asking whether it was done. */
  push_id: z.string(),
  mode: z.enum(["directory", "file", "archive"]),
  source_path: z.string(),
  destination: z.string(),
  entry_count: count,
  bytes_written: count,
  at: time,
});

const pushEnded = z.object({
  event: z.literal("push.ended"),
  push_id: z.string(),
  /** False when the workspace is unchanged. */
  switched: z.boolean(),
  at: time,
});

export const journalEntry = z.discriminatedUnion("event", [
  execStarted,
  execEnded,
  taskState,
  pushSwitching,
  pushEnded,
]);
export type JournalEntry = Readonly<z.infer<typeof journalEntry>>;

const knownEvents: ReadonlySet<string> = new Set(journalEntry.options.map((option) => option.shape.event.value));
const anyEntry = z.object({ event: z.string() });

/** Parses one line of a journal. Returns null for an event of another version, and a string with the reason for an invalid line. */
export function parseJournalLine(line: string): JournalEntry | null | string {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return "is not JSON";
  }
  const any = anyEntry.safeParse(json);
  if (!any.success) return "is not an entry";
  if (!knownEvents.has(any.data.event)) return null;
  const parsed = journalEntry.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return `has a wrong ${issue?.path.join(".") ?? "shape"}`;
}
