import { readNumberVariable } from "../contract/number-variable.js";
import type { RenderedOperation } from "../contract/rendered.js";

const FIELD = "default_timeout_seconds";

/**
 * An operation's input with the client's default time-out, where the operation takes one and the variable is set. Throws
 * INVALID_ARGUMENT, which names the variable, when its value is not a number of seconds within the limits.
 */
export function withTimeoutEnv<Input extends object>(
  input: Input,
  operation: RenderedOperation | undefined,
  env: NodeJS.ProcessEnv,
): Input {
  const takesOne = operation?.fields.some(({ name }) => name === FIELD) ?? false;
  if (!takesOne || FIELD in input) return input;
  const seconds = readNumberVariable(env, "PYRO_TIMEOUT_SECONDS");
  return seconds === null ? input : { ...input, [FIELD]: seconds };
}
