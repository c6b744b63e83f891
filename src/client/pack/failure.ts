import { PyroError } from "../../contract/errors.js";

export function sourceChanged(entries: readonly string[]): never {
  throw new PyroError("SOURCE_CHANGED", `The source changed while it was packed: ${entries.join(", ")}.`, {
    details: { entries },
  });
}

/** `entries` may be the first of more; `count` is how many there are. */
export function unreadable(entries: readonly string[], count: number, cause: unknown): PyroError {
  return new PyroError("SOURCE_UNREADABLE", `${count} of the source cannot be read: ${listed(entries, count)}.`, {
    details: { entries, count },
    cause,
  });
}

export function listed(entries: readonly string[], count: number): string {
  const shown = entries.slice(0, 5);
  return shown.join(", ") + (count > shown.length ? ` and ${count - shown.length} more` : "");
}
