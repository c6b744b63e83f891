import { resolve } from "node:path";

const withPath = /^(rootfs|oci|docker-archive):(?=.)/;

/** The same input, with an absolute path in its reference to an image: the daemon has a working directory of its own. */
export function withAbsoluteReference<Input extends object>(input: Input): Input {
  const { environment } = input as { environment?: unknown };
  const prefix = typeof environment === "string" ? withPath.exec(environment)?.[0] : undefined;
  if (typeof environment !== "string" || prefix === undefined) return input;
  return { ...input, environment: prefix + resolve(environment.slice(prefix.length)) };
}
