import { PyroError } from "../../contract/errors.js";

/** The error for a snapshot whose record is damaged. */
export function unreadableSnapshot(snapshotId: string, reason: string): PyroError {
  return new PyroError("FAILED_PRECONDITION", `Snapshot ${snapshotId} cannot be read: ${reason}.`, {
    hint: `Its files are left as they are; \`pyro task snapshot delete ${snapshotId}\` removes them.`,
    details: { snapshot: snapshotId, reason },
  });
}

export function nameTaken(name: string): PyroError {
  return new PyroError("ALREADY_EXISTS", `The name ${name} is taken by another snapshot.`, {
    hint: "Choose another name, or delete that snapshot.",
    details: { name },
  });
}

export function noSnapshot(reference: string): PyroError {
  return new PyroError("NOT_FOUND", `There is no snapshot ${reference}.`, {
    hint: "See `pyro task snapshot list`.",
    details: { snapshot: reference.slice(0, 128) },
  });
}
