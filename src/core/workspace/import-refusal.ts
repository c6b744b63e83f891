import { PyroError, type ErrorCode } from "../../contract/errors.js";
import type { AgentRefusal } from "../../guest/refusal.js";
import { olderAgent } from "../older-agent.js";

type Meaning = readonly [code: ErrorCode, message: (entry: string) => string, hint?: string];

const full: Meaning = ["WORKSPACE_FULL", (entry) => `The workspace has no space for ${entry}.`];
const conflict: Meaning = ["WORKSPACE_CONFLICT", (entry) => `The workspace has an entry of another type at ${entry}.`];
const mounted: Meaning = ["WORKSPACE_CONFLICT", (entry) => `A file system of the guest is mounted at ${entry}.`];

/** By errno of the guest's file system, or by the agent's code. */
const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: full,
  EDQUOT: full,
  EISDIR: conflict,
  ENOTDIR: conflict,
  EEXIST: conflict,
  ENOTEMPTY: [
    "WORKSPACE_CONFLICT",
    (entry) =>
      `The source has a file or link in place of a directory of the workspace, and ${entry} is in that directory.`,
    "`--delete` removes entries that an earlier push of this source brought. Move or remove an entry that the task made or changed.",
  ],
  EBUSY: mounted,
  EXDEV: mounted,
  ESTALE: [
    "WORKSPACE_CHANGED",
    (entry) => `A process of the task changed ${entry} during the push. The push left the workspace unchanged.`,
  ],
  UNSAFE_PATH: ["WORKSPACE_LINK", (entry) => `${entry} is behind a symbolic link of the workspace.`],
  TORN: [
    "WORKSPACE_TORN",
    (entry) => `A process changed ${entry} during the last step of the push, which could not be undone completely.`,
  ],
};

/** The agent's refusal of an import, as an error that names the entry. The workspace is unchanged, except after WORKSPACE_TORN. */
export function explainRefusal(refusal: AgentRefusal): PyroError {
  const { path = "", errno = null, code } = refusal;
  if (code === "UNSUPPORTED") return olderAgent("import files", refusal);
  const entry = JSON.stringify(path);
  const meaning = meanings[errno ?? ""] ?? meanings[code];
  if (meaning === undefined) {
    return new PyroError("INTERNAL", `The guest could not write ${entry}: ${errno ?? code}.`, { cause: refusal });
  }
  const [coded, message, hint] = meaning;
  return new PyroError(coded, message(entry), {
    ...(hint && { hint }),
    details: { entry: path, errno },
    cause: refusal,
  });
}
