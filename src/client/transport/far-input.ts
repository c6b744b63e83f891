import { PyroError } from "../../contract/errors.js";
import type { Context } from "../contexts/context.js";
import { hasPath } from "../environment-reference.js";
import { describeHost, describeLogin } from "./ssh-words.js";

/** Refuses an image that the daemon would read on its own disk: its path is its name. Throws FAILED_PRECONDITION. */
export function assertFar(context: Context, input: object): void {
  const { environment, from } = input as { readonly environment?: unknown; readonly from?: unknown };
  const reference = [environment, from].find(hasPath);
  if (reference === undefined) return;
  const [where, hint] = explain(context);
  throw new PyroError("FAILED_PRECONDITION", `${reference} is a file of this machine, and the daemon runs ${where}.`, {
    hint,
    details: { context: context.name, environment: reference },
  });
}

function explain(context: Context): [where: string, hint: string] {
  if (context.kind === "kubernetes") return ["in a pod", "Build it into the image of the context."];
  const login = describeLogin(context);
  return [
    `on ${describeHost(context)}`,
    `Copy the file with scp, and use pyro there: ${login}. An image in a registry needs no file.`,
  ];
}
