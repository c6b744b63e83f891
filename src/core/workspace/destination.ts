import { posix } from "node:path";

import { PyroError } from "../../contract/errors.js";

/** The directory of a guest that is a task's workspace. */
export const WORKSPACE = "/workspace";
const NAME_BYTES = 255;

/**
 * A push's destination, or another path of the workspace, normalised: /workspace or a path beneath it. A relative path starts at
 * /workspace. Throws INVALID_ARGUMENT, which calls the field `what`.
 */
export function parseDestination(dest: string, what: "destination" | "path" = "destination"): string {
  const path = posix.resolve(WORKSPACE, dest);
  const refuse = (why: string) =>
    new PyroError("INVALID_ARGUMENT", `The ${what} ${JSON.stringify(dest)} ${why}.`, {
      hint: `Give a ${what === "path" ? "path" : "directory"} beneath /workspace.`,
      details: { dest, destination: path },
    });
  if (path !== WORKSPACE && !path.startsWith(`${WORKSPACE}/`)) throw refuse("is not beneath /workspace");
  if (path.includes("\0")) throw refuse("has a NUL byte");
  if (path.split("/").some((part) => Buffer.byteLength(part) > NAME_BYTES)) {
    throw refuse(`has a part of more than ${NAME_BYTES} bytes`);
  }
  return path;
}
