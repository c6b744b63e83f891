import { resolve } from "node:path";

import type { OperationName } from "../contract/operations.js";

const withPath = /^(rootfs|oci|docker-archive):(?=.)/;

/** True for a reference to an image in a file or directory. */
export function hasPath(environment: unknown): environment is string {
  return typeof environment === "string" && withPath.test(environment);
}

/** The same input, with an absolute path in its reference to an image: the daemon has a working directory of its own. */
export function withAbsoluteReference<Input extends object>(input: Input): Input {
  const { environment, from } = input as { environment?: unknown; from?: unknown };
  return {
    ...input,
    ...(environment !== undefined && { environment: absolute(environment) }),
    ...(from !== undefined && { from: absolute(from) }),
  };
}

function absolute(reference: unknown): unknown {
  const prefix = typeof reference === "string" ? withPath.exec(reference)?.[0] : undefined;
  if (typeof reference !== "string" || prefix === undefined) return reference;
  return prefix + resolve(reference.slice(prefix.length));
}

/** The files that the daemon reads or writes for a caller. */
const fileFields: { readonly [Name in OperationName]?: string } = { "env.export": "output", "env.import": "file" };

/** Such a file of an input; null when it has none. */
function daemonFileOf(name: OperationName, input: object): string | null {
  const field = fileFields[name];
  const path = field === undefined ? undefined : (input as Readonly<Record<string, unknown>>)[field];
  return typeof path === "string" && path !== "" ? path : null;
}

/** The same input, with an absolute path for such a file. */
export function withAbsoluteFile<Input extends object>(name: OperationName, input: Input): Input {
  const [field, path] = [fileFields[name], daemonFileOf(name, input)];
  return field === undefined || path === null ? input : { ...input, [field]: resolve(path) };
}
