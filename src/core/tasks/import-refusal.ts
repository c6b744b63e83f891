import { PyroError, type ErrorCode } from "../../contract/errors.js";
import type { AgentRefusal } from "../../guest/channel.js";

const NO_ROOM = ["ENOSPC", "EDQUOT"];
const IN_THE_WAY = ["EISDIR", "ENOTDIR", "EEXIST", "ENOTEMPTY"];

/** Why the guest's agent did not take an import, as an error that names the entry. The workspace is as it was, but for a torn one. */
export function explainRefusal(refusal: AgentRefusal): PyroError {
  const { path = "", errno = null, code } = refusal;
  const entry = JSON.stringify(path);
  const explain = (coded: ErrorCode, message: string) =>
    new PyroError(coded, message, { details: { entry: path, errno }, cause: refusal });
  if (errno !== null && NO_ROOM.includes(errno))
    return explain("WORKSPACE_FULL", `The workspace had no room for ${entry}.`);
  if (errno !== null && IN_THE_WAY.includes(errno)) {
    return explain("WORKSPACE_CONFLICT", `In the place of ${entry} the workspace has something of another type.`);
  }
  if (errno === "ESTALE") {
    return explain(
      "WORKSPACE_CHANGED",
      `A process of the task changed ${entry} meanwhile. The workspace is as it was.`,
    );
  }
  if (code === "UNSAFE_PATH")
    return explain("WORKSPACE_LINK", `The way to ${entry} leads through a link of the workspace.`);
  if (errno === "EBUSY" || errno === "EXDEV")
    return explain("WORKSPACE_CONFLICT", `Something is mounted in the place of ${entry}.`);
  if (code === "TORN") {
    return explain("WORKSPACE_TORN", `A process changed ${entry} during the switch, which could not be undone whole.`);
  }
  if (code === "UNSUPPORTED") {
    return new PyroError("FAILED_PRECONDITION", "The task was started by an older pyro, which took no imports.", {
      hint: "Create the task again.",
      cause: refusal,
    });
  }
  return new PyroError("INTERNAL", `The guest could not take ${entry}: ${errno ?? code}.`, { cause: refusal });
}
