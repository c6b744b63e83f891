import type { ErrorCode } from "../../../src/contract/errors.js";
import type { OperationName } from "../../../src/contract/operations.js";
import type { Input } from "../runner.js";

/** One call that all doors must answer in the same way. */
export interface Case {
  readonly name: string;
  readonly operation: OperationName;
  /**
   * `$task` and `$vm` stand for the ids of the newest task and VM, `$sequence` for the number of the last command in a task,
   * `$source/…` for a source of `sources.ts`.
   */
  readonly input: Input;
  readonly stdin?: string;
  readonly cancel?: boolean;
  /** A client finds it in its source before it sends a byte, so it does not exist over HTTP. */
  readonly clientOnly?: true;
  /**
   * Expected fields of the result, or the code of the error (also of an error within a result), so that doors cannot be equally wrong.
   */
  readonly expect: Readonly<Record<string, unknown>> | ErrorCode;
  /** Part of the smaller set that also runs on real VMs; `vm` runs there only. */
  readonly on?: "both" | "vm";
  /** Doors that refuse it before the daemon does, with their own message: only the code is compared. */
  readonly ownWords?: readonly string[];
}

export const sh = (script: string) => ["sh", "-c", script];
export const ENVIRONMENT = { environment: "debian:12" };
/** Small, and where there is no VM, without one. */
export const SMALL = { ...ENVIRONMENT, mem_mib: 256, allow_host_compat: true };

export const run = (command: unknown, fields: Input = {}) => ({
  operation: "vm.run" as const,
  input: { ...SMALL, command, ...fields },
});
export const exec = (command: unknown, fields: Input = {}) => ({
  operation: "task.exec" as const,
  input: { task_id: "$task", command, ...fields },
});
/** The output of the last command in the task. */
export const output = (fields: Input = {}) => ({
  operation: "task.exec_output" as const,
  input: { task_id: "$task", sequence: "$sequence", ...fields },
});
export const of = (operation: OperationName, input: Input = {}) => ({ operation, input });

export const push = (source: string, fields: Input = {}) =>
  of("task.sync.push", {
    task_id: "$task",
    source_path: source.startsWith("/") ? source : `$source/${source}`,
    ...fields,
  });

export const LIMIT = 1_048_576;
export const MiB2 = "head -c 2097152 /dev/zero | tr '\\0' x";
