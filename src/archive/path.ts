import { isUtf8 } from "node:buffer";

import { type ErrorCode } from "../contract/errors.js";
import { refusal } from "./refusal.js";

export interface PathLimits {
  readonly pathBytes: number;
  readonly nameBytes: number;
}

const SLASH = 0x2f;

/**
 * The parts of a name, `..` kept, `.` and empty ones dropped. Throws for a name that Linux refuses. The parts are copies, so the
 * archive's bytes can be freed.
 */
export function parseParts(name: Buffer, shown: string, limits: PathLimits): string[] {
  if (name.length === 0) throw refusal("ARCHIVE_NAME_INVALID", shown, "a name or link target is empty");
  if (name.includes(0)) throw refusal("ARCHIVE_NAME_INVALID", shown, "a name or link target contains a NUL byte");
  if (name.length > limits.pathBytes) throw tooLong(shown, "path", name.length, limits.pathBytes);
  if (!isUtf8(name)) throw refusal("ARCHIVE_NAME_INVALID", shown, "a name or link target is not UTF-8");
  const parts: string[] = [];
  for (let start = 0; start <= name.length;) {
    const slash = name.indexOf(SLASH, start);
    const end = slash === -1 ? name.length : slash;
    if (end - start > limits.nameBytes) throw tooLong(shown, "part of a path", end - start, limits.nameBytes);
    const part = name.toString("utf8", start, end);
    if (part !== "" && part !== ".") parts.push(part);
    start = end + 1;
  }
  return parts;
}

/** As `parseParts`, for a name that must lie beneath the root. */
export function parseRelative(name: Buffer, shown: string, limits: PathLimits, codes: RelativeCodes): string[] {
  if (name[0] === SLASH)
    throw refusal(codes.absolute, shown, "a name or hard link target is absolute", { name: name.toString("utf8") });
  const parts = parseParts(name, shown, limits);
  let depth = 0;
  for (const part of parts) {
    depth += part === ".." ? -1 : 1;
    if (depth < 0)
      throw refusal(codes.escapes, shown, "a name or hard link target leads out of the archive", {
        name: name.toString("utf8"),
      });
  }
  return parts;
}

export interface RelativeCodes {
  readonly absolute: ErrorCode;
  readonly escapes: ErrorCode;
}

function tooLong(shown: string, what: string, bytes: number, limitBytes: number) {
  return refusal("ARCHIVE_PATH_TOO_LONG", shown, `a ${what} has ${bytes} bytes; the limit is ${limitBytes}`, {
    bytes,
    limit_bytes: limitBytes,
  });
}
