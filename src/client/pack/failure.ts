import { type ErrorCode, PyroError } from "../../contract/errors.js";

/** Names that an error's details list. */
const NAMED = 100;
/** Names that a sentence lists. */
const LISTED = 5;

/** Names of one kind: the first of them, and how many there are. */
export class Names {
  readonly first: string[] = [];
  count = 0;

  add(name: string): void {
    this.count += 1;
    if (this.first.length < NAMED) this.first.push(name);
  }

  toString(): string {
    const shown = this.first.slice(0, LISTED);
    return shown.join(", ") + (this.count > shown.length ? ` and ${this.count - shown.length} more` : "");
  }
}

export function sourceChanged(entry: string): never {
  throw new PyroError("SOURCE_CHANGED", `${entry} changed while it was sent.`, { details: { entries: [entry] } });
}

function unreadable(names: Names, cause?: unknown): PyroError {
  return new PyroError("SOURCE_UNREADABLE", `Cannot read ${counted(names.count, "source file")}: ${names}.`, {
    details: { entries: names.first, count: names.count },
    cause,
  });
}

export function unreadableEntry(entry: string, cause: unknown): PyroError {
  const names = new Names();
  names.add(entry);
  return unreadable(names, cause);
}

/** Entries of the source that pyro cannot send, with the same code as the daemon gives such an entry. */
export function unsendable(code: ErrorCode, names: Names): PyroError {
  if (code === "SOURCE_UNREADABLE") return unreadable(names);
  const details = { entry: names.first[0], entries: names.first, count: names.count };
  if (code !== "ARCHIVE_LINK_ESCAPES") {
    return new PyroError(code, `Cannot send ${counted(names.count, "source entry", "source entries")}: ${names}.`, {
      details,
    });
  }
  const message = `${counted(names.count, "link leads", "links lead")} out of the source: ${names}.`;
  return new PyroError(code, message, { details, hint: LINKS_HINT });
}

const LINKS_HINT =
  "Choose with `--links`: `keep` sends links as links, `skip` leaves them out, `follow` sends what they point to.";

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
