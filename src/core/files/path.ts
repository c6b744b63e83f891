import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import { encodeName } from "../../guest/names.js";

const WORKSPACE = "/workspace";

/** A path of a guest, made absolute: a relative one starts at /workspace. The guest resolves links and `..`. Throws FILE_PATH_INVALID. */
export function parseGuestPath(path: string): string {
  const absolute = path.startsWith("/") ? path : `${WORKSPACE}/${path}`;
  const bytes = encodeName(absolute).length;
  if (path.includes("\0")) throw invalid(path, "has a NUL byte");
  if (bytes > limits.filePathBytes) throw invalid(path, `has ${bytes} bytes`, { limit: limits.filePathBytes });
  return absolute;
}

function invalid(path: string, why: string, details: Record<string, unknown> = {}): PyroError {
  const shown = path.length > 100 ? `${path.slice(0, 100)}…` : path;
  return new PyroError("FILE_PATH_INVALID", `The path ${JSON.stringify(shown)} ${why}.`, { details });
}
