import { newId } from "../../host/new-id.js";

/** The id of a machine that is not a task's. */
export function newMachineId(): string {
  return newId("vm");
}
