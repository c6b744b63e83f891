import { PyroError } from "../../contract/errors.js";
import { AgentRefusal } from "../../guest/channel.js";

/** The error behind a refusal of the guest's agent to read the workspace; any other error as it is. */
export function explainReading(error: unknown): unknown {
  if (!(error instanceof AgentRefusal)) return error;
  const { path = "", errno, code } = error;
  const entry = JSON.stringify(path);
  const explain = (coded: "NOT_FOUND" | "WORKSPACE_CHANGED" | "FAILED_PRECONDITION", message: string, hint?: string) =>
    new PyroError(coded, message, {
      ...(hint !== undefined && { hint }),
      details: { path, errno: errno ?? null },
      cause: error,
    });
  if (code === "UNSUPPORTED") {
    return explain(
      "FAILED_PRECONDITION",
      "An older pyro started the task; its agent cannot read files.",
      "Create the task again.",
    );
  }
  if (errno === "ENOENT" || errno === "ENOTDIR")
    return explain("NOT_FOUND", `${entry} does not exist in the guest.`, "Look with `pyro task exec TASK -- ls`.");
  if (errno === "ESTALE") {
    return explain(
      "WORKSPACE_CHANGED",
      `A process of the task changed ${entry} while it was read.`,
      "Try again when no command of the task writes to it.",
    );
  }
  return new PyroError("INTERNAL", `The guest could not read ${entry}: ${errno ?? code}.`, { cause: error });
}
