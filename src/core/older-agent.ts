import { PyroError } from "../contract/errors.js";

/** The error for a request that the agent of a task does not know, such as `work on files`. */
export function olderAgent(what: string, cause: Error): PyroError {
  return new PyroError("FAILED_PRECONDITION", `An older pyro started the task; its agent cannot ${what}.`, {
    hint: "Create the task again.",
    cause,
  });
}
