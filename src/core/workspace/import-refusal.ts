import { PyroError, type ErrorCode } from "../../contract/errors.js";
import type { AgentRefusal } from "../../guest/refusal.js";

const NO_ROOM = ["ENOSPC", "EDQUOT"];
const IN_THE_WAY = ["EISDIR", "ENOTDIR", "EEXIST", "ENOTEMPTY"];

/** The agent's refusal of an import, as an error that names the entry. The workspace is unchanged, except after WORKSPACE_TORN. */
export function explainRefusal(refusal: AgentRefusal): PyroError {
  const { path = "", errno = null, code } = refusal;
  const entry = JSON.stringify(path);
  const explain = (coded: ErrorCode, message: string) =>
    new PyroError(coded, message, { details: { entry: path, errno }, cause: refusal });
  if (errno !== null && NO_ROOM.includes(errno))
    return explain("WORKSPACE_FULL", `The workspace has no space for ${entry}.`);
  if (errno !== null && IN_THE_WAY.includes(errno)) {
    return explain("WORKSPACE_CONFLICT", `The workspace has an entry of another type at ${entry}.`);
  }
  if (errno === "ESTALE") {
    return explain(
      "WORKSPACE_CHANGED",
      `A process of the task changed ${entry} during the push. The push left the workspace unchanged.`,
    );
  }
  if (code === "UNSAFE_PATH") return explain("WORKSPACE_LINK", `${entry} is behind a symbolic link of the workspace.`);
  if (errno === "EBUSY" || errno === "EXDEV")
    return explain("WORKSPACE_CONFLICT", `A file system of the guest is mounted at ${entry}.`);
  if (code === "TORN") {
    return explain(
      "WORKSPACE_TORN",
      `A process changed ${entry} during the last step of the push, which could not be undone completely.`,
    );
  }
  if (code === "UNSUPPORTED") {
    return new PyroError("FAILED_PRECONDITION", "An older pyro started the task; its agent cannot import files.", {
      hint: "Create the task again.",
      cause: refusal,
    });
  }
  return new PyroError("INTERNAL", `The guest could not write ${entry}: ${errno ?? code}.`, { cause: refusal });
}
