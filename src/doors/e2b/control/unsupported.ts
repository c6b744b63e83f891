import { Refusal } from "../answer.js";

/** Throws 400 for fields that are set. A value that changes nothing is not refused. */
export function refuseUnsupported(fields: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(fields)) {
    const isEmpty =
      value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);
    if (!isEmpty) throw new Refusal(400, `${name} is not supported.`);
  }
}
