import { PyroError } from "../../contract/errors.js";
import type { OperationName } from "../../contract/operations.js";
import type { Context } from "../contexts/context.js";
import { daemonFileOf, hasPath } from "../environment-reference.js";
import { describeHost, describeLogin } from "./ssh-words.js";

/** Refuses what the daemon would read or write on its own disk. Throws FAILED_PRECONDITION. */
export function assertFar(context: Context, name: OperationName, input: object): void {
  const { environment } = input as { readonly environment?: unknown };
  const path = daemonFileOf(name, input) ?? (hasPath(environment) ? environment : null);
  if (path === null) return;
  const host = describeHost(context);
  throw new PyroError("FAILED_PRECONDITION", `${path} is a file of this machine, and the daemon runs on ${host}.`, {
    hint: `Copy the file with scp, and use pyro there: ${describeLogin(context)}. An image in a registry needs no file.`,
    details: { context: context.name, path },
  });
}
