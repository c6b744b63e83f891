import { PyroError } from "../contract/errors.js";
import type { RenderedOperation } from "../contract/rendered.js";

const VARIABLE = "PYRO_TIMEOUT_SECONDS";
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
  const field = operation?.fields.find(({ name }) => name === FIELD);
  const text = env[VARIABLE] ?? "";
  if (field === undefined || text === "" || FIELD in input) return input;
  const { minimum = 1, maximum = Infinity } = field;
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= minimum && seconds <= maximum) return { ...input, [FIELD]: seconds };
  throw new PyroError(
    "INVALID_ARGUMENT",
    `${VARIABLE} must be a whole number from ${minimum} to ${maximum}, not ${text.slice(0, 100)}.`,
    { hint: `Set ${VARIABLE} to seconds, or unset it.`, details: { variable: VARIABLE } },
  );
}
