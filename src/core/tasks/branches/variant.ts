import { PyroError } from "../../../contract/errors.js";
import { limits } from "../../../contract/limits.js";
import type { InputOf, ResultOf } from "../../../contract/operations.js";
import { abortable } from "../../../host/abortable.js";
import type { Manifest } from "../../../workspace/entry.js";
import type { Call } from "../../call.js";
import { recordedBase } from "../../workspace/diff-base.js";
import { patchWorkspace } from "../../workspace/patch.js";
import { diffWorkspace } from "../../workspace/diff.js";
import type { Task } from "../task.js";
import type { TaskExec } from "../../exec/task-exec.js";
import { readBoth, type Shown } from "./shown-output.js";

type TryInput = InputOf<"task.try">;
export type VariantResult = ResultOf<"task.try">["variants"][number];

/** A command or a patch to try, by its name. */
export interface Variant {
  readonly name: string;
  /** Empty for a patch. */
  readonly command: string;
  readonly patch: string | null;
}

/** The changes of a fork whose VM has ended. */
const unknownChanges = { changed_count: null, changed: [] };

/** Runs a variant and its check in a fork, and compares the workspace with its earlier state. */
export async function runVariant(
  fork: Task,
  { name, command, patch }: Variant,
  input: TryInput,
  before: Manifest,
  call: Call,
): Promise<VariantResult> {
  const tried = patch === null ? await runCommand(fork, command, input, call) : await applyPatch(fork, patch, call);
  const check =
    tried.outcome === "passed" && input.check !== undefined ? await run(fork, input.check, input, call) : null;
  return {
    ...{ name, command, outcome: check === null ? tried.outcome : outcomeOf(check) },
    exit_code: tried.exec?.ended?.exit_code ?? null,
    check_exit_code: check?.ended?.exit_code ?? null,
    error: errorOf(tried.exec) ?? errorOf(check),
    duration_ms: tried.durationMs + durationOf(check),
    ...(await readOutputs(tried.exec, check)),
    ...(tried.rejects !== "" && { stderr: tried.rejects }),
    ...(await compare(fork, before, call).catch(() => unknownChanges)),
  };
}

/** A variant before its check. */
interface Tried {
  readonly outcome: VariantResult["outcome"];
  readonly durationMs: number;
  /** Null for a patch. */
  readonly exec: TaskExec | null;
  /** The parts of a patch that do not fit, as text. */
  readonly rejects: string;
}

async function runCommand(fork: Task, command: string, input: TryInput, call: Call): Promise<Tried> {
  const exec = await run(fork, command, input, call);
  return { outcome: outcomeOf(exec), durationMs: durationOf(exec), exec, rejects: "" };
}

/** Applies a patch to a fork, whole or not at all. */
async function applyPatch(fork: Task, patch: string, call: Call): Promise<Tried> {
  const began = performance.now();
  const request = { task_id: fork.taskId, patch, encoding: "utf8", dry_run: false, reverse: false } as const;
  const { rejects } = await fork.onFiles(call, (channel, signal) => patchWorkspace(channel, request, signal));
  const lines = rejects.flatMap(({ path, reason, hunks }) => [
    `reject ${path}: ${reason}`,
    ...hunks.map((each) => `  ${each}`),
  ]);
  return {
    outcome: rejects.length === 0 ? "passed" : "failed",
    durationMs: Math.round(performance.now() - began),
    ...{ exec: null, rejects: lines.map((line) => `${line}\n`).join("") },
  };
}

function errorOf(exec: TaskExec | null): VariantResult["error"] {
  return exec?.ended?.error ?? null;
}

function durationOf(exec: TaskExec | null): number {
  return exec?.ended?.duration_ms ?? 0;
}

/** A variant that could not be tried. */
export function failedVariant({ name, command }: Variant, thrown: unknown): VariantResult {
  const { code, message } = PyroError.from(thrown);
  return {
    ...{ name, command, outcome: "error", exit_code: null, check_exit_code: null, error: { code, message } },
    ...{ duration_ms: 0, ...outputsOf(NOTHING, NOTHING, NOTHING), ...unknownChanges },
  };
}

async function run(fork: Task, command: string, input: TryInput, call: Call): Promise<TaskExec> {
  const { cwd, env, timeout_seconds } = input;
  const plain = { background: false, interleaved: false, tty: false, rows: 24, cols: 80 };
  const request = { task_id: fork.taskId, command, cwd, env, timeout_seconds, ...plain };
  const exec = await fork.exec(request, call, null);
  await abortable(exec.done, call.signal);
  return exec;
}

function outcomeOf({ ended }: TaskExec): VariantResult["outcome"] {
  if (ended === null || ended.error !== null) return "error";
  if (ended.timed_out) return "timed_out";
  return ended.exit_code === 0 ? "passed" : "failed";
}

const NOTHING: Shown = { text: "", omittedBytes: 0 };

async function readOutputs(tried: TaskExec | null, check: TaskExec | null) {
  const [stdout, stderr] = tried === null ? [NOTHING, NOTHING] : await readBoth(tried);
  const [out, err] = check === null ? [NOTHING, NOTHING] : await readBoth(check);
  return outputsOf(stdout, stderr, { text: out.text + err.text, omittedBytes: out.omittedBytes + err.omittedBytes });
}

function outputsOf(stdout: Shown, stderr: Shown, check: Shown) {
  return {
    ...{ stdout: stdout.text, stderr: stderr.text, check_output: check.text },
    ...{ stdout_truncated: stdout.omittedBytes > 0, stdout_omitted_bytes: stdout.omittedBytes },
    ...{ stderr_truncated: stderr.omittedBytes > 0, stderr_omitted_bytes: stderr.omittedBytes },
    ...{ check_output_truncated: check.omittedBytes > 0, check_output_omitted_bytes: check.omittedBytes },
  };
}

async function compare(fork: Task, manifest: Manifest, call: Call) {
  const base = recordedBase({ read: async () => ({ origin: null, manifest }), content: fork.base.content }, "push");
  const all = { paths: [], exclude: [], include: [], stat: true, name_only: false };
  const { files, file_count } = await fork.onFiles(call, (channel, signal) =>
    diffWorkspace(channel, base, { task_id: fork.taskId, since: "push", ...all }, signal),
  );
  const changed = files.slice(0, limits.tryChanges).map(({ path, status, additions, deletions }) => ({
    ...{ path, status },
    lines: additions === null ? "" : `+${additions} -${deletions ?? 0}`,
  }));
  return { changed_count: file_count, changed };
}
