import { randomBytes } from "node:crypto";

/** The id of a machine that is not a task's. */
export function newMachineId(): string {
  return `vm-${randomBytes(6).toString("hex")}`;
}
