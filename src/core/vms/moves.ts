import { PyroError } from "../../contract/errors.js";
import type { VmRecord } from "../../store/vm-record.js";

type VmState = VmRecord["state"];

/** The states that allow each operation on a VM. A stopped VM has lost its memory and its disk, so it cannot be started again. */
const moves = {
  start: ["created"],
  exec: ["started"],
  stop: ["created", "started"],
} as const satisfies Record<string, readonly VmState[]>;

export type Move = keyof typeof moves;

/** Throws FAILED_PRECONDITION, with the state named, for a move that the table does not have. */
export function assertMove(record: VmRecord, move: Move): void {
  const allowed: readonly VmState[] = moves[move];
  if (allowed.includes(record.state)) return;
  throw new PyroError(
    "FAILED_PRECONDITION",
    `VM ${record.vm_id} is ${record.state}; ${move} needs a VM that is ${allowed.join(" or ")}.`,
    {
      hint: record.state === "created" ? "Start it first." : "Create another VM.",
      details: { vm_id: record.vm_id, state: record.state, reason: record.reason },
    },
  );
}
