import type { SavedMachine, VmShape } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import { readSnapshotFacts } from "../../store/snapshot-facts.js";
import type { Snapshot } from "../snapshots/snapshots.js";

/** The shape of every machine that starts from a snapshot. */
export function shapeOfSnapshot({ record }: Snapshot): VmShape {
  const { vcpu_count: vcpuCount, mem_mib: memMib, disk_mib: diskMib, network } = record;
  return { vcpuCount, memMib, diskMib, network: network !== null };
}

/** Adds to an error what still works when the memory of an environment cannot be used. */
export function explainUnusable(error: unknown, environment: string): unknown {
  const { code, message, details } = PyroError.from(error);
  if (code !== "FAILED_PRECONDITION" || typeof details["reason"] !== "string") return error;
  const hint =
    details["reason"] === "template_gone"
      ? `Its files are gone too. Remove it with \`pyro env remove ${environment}\`, and save it again.`
      : `Its files still work: \`pyro env save ${environment} NAME --disk-only\`, then start from NAME.`;
  return new PyroError(code, message, { hint, details: { ...details, environment } });
}

/** A snapshot in the form for backends. */
export function savedMachineOf(snapshot: Snapshot, rootPath: string): SavedMachine {
  const { record, directory, whole } = snapshot;
  return {
    ...{ directory, whole },
    handle: record.machine,
    shape: shapeOfSnapshot(snapshot),
    environment: { digest: record.environment_digest, rootPath },
  };
}

/** The highest number of a command that runs in a snapshot: streams of its machines get higher ones. */
export async function lastJobOf({ taskPath }: Snapshot): Promise<number> {
  const { commands } = await readSnapshotFacts(taskPath);
  return Math.max(0, ...commands.map(({ started }) => started.job));
}

export function noForks(): PyroError {
  return new PyroError("HOST_NOT_ABLE", "A sandboxed process cannot be forked; only a VM can.", {
    details: { missing: "snapshots" },
  });
}
