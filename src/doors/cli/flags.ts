import { PyroError } from "../../contract/errors.js";
import { nearestName } from "../../contract/nearest.js";
import type { RenderedField } from "../../contract/rendered.js";
import { flagOf, letterOf, nameOf, type Command } from "./command.js";

export type Value = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;

/** Flags of other tools that pyro does not have, with the alternative. */
const habits: Readonly<Record<string, string>> = {
  "-i": "pyro always forwards standard input.",
  "--interactive": "pyro always forwards standard input.",
  "-it": "Use -t; pyro always forwards standard input.",
  "-ti": "Use -t; pyro always forwards standard input.",
  "--rm": "`pyro run` always removes its VM.",
  "-v": "A VM shares no directory with the host; --source-path copies one into the VM.",
  "--volume": "A VM shares no directory with the host; --source-path copies one into the VM.",
  "--mount": "A VM shares no directory with the host; --source-path copies one into the VM.",
  "-m": "Did you mean --mem-mib?",
  "--memory": "Did you mean --mem-mib?",
  "--cpus": "Did you mean --vcpu-count?",
  "-p": "Did you mean `pyro task port publish`?",
  "--publish": "Did you mean `pyro task port publish`?",
  "--workdir": "Did you mean --cwd?",
  "--detach": "Did you mean --background?",
};

/** Last words of commands that other tools run only with `--force`, or after a question. */
const unasked: ReadonlySet<string> = new Set(["close", "delete", "prune", "remove", "stop"]);
const force: ReadonlySet<string> = new Set(["-f", "--force"]);

/** Flags of other tools for one command. */
const own: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "task create": { "-d": "A task always stays; `pyro task exec --background` starts a command in it." },
  "task logs": {
    "-f": "`pyro task output TASK SEQUENCE --follow` follows a command.",
    "--follow": "`pyro task output TASK SEQUENCE --follow` follows a command.",
  },
};

/** The field of a flag. For an unknown flag, throws INVALID_ARGUMENT with the nearest one. */
export function findFlag(command: Command, flag: string): RenderedField {
  const found = command.flags.find((field) => flagOf(field) === flag || letterOf(field) === flag);
  if (found) return found;
  const near = nearestName(flag, command.flags.map(flagOf));
  const hint = habitOf(command, flag) ?? (near ? `Did you mean ${near}?` : `See \`pyro help ${nameOf(command)}\`.`);
  throw new PyroError("INVALID_ARGUMENT", `\`pyro ${nameOf(command)}\` has no flag ${flag}.`, { hint });
}

/** The alternative to another tool's flag, unless it names a flag that the command does not have. */
function habitOf(command: Command, flag: string): string | null {
  if (force.has(flag) && unasked.has(command.words.at(-1) ?? "")) return "It does not ask before it acts.";
  const specific = own[nameOf(command)]?.[flag];
  if (specific !== undefined) return specific;
  const habit = habits[flag];
  const named = /--[a-z-]+/.exec(habit ?? "")?.[0];
  const isMeant = named === undefined || command.flags.some((field) => flagOf(field) === named);
  return habit !== undefined && isMeant ? habit : null;
}

/** The field's value after one more flag; lists and `--env NAME=VALUE` grow when the flag is repeated. */
export function addValue(
  command: Command,
  field: RenderedField,
  before: Value | undefined,
  text: string | undefined,
  env: NodeJS.ProcessEnv,
): Value | undefined {
  if (field.type === "list") {
    return [...((before as string[] | undefined) ?? []), String(parseValue(command, field, text))];
  }
  if (field.type !== "object") return parseValue(command, field, text);
  const pair = parsePair(command, field, text, env);
  return pair ? { ...(before as Record<string, string> | undefined), ...pair } : before;
}

/** Parses `NAME=VALUE`. Without `=VALUE`, takes the caller's variable, or skips it if the caller has none. */
function parsePair(
  command: Command,
  field: RenderedField,
  text: string | undefined,
  env: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> | null {
  const equals = text?.indexOf("=") ?? -1;
  if (text === undefined || text === "" || equals === 0) {
    throw flagError(command, `${flagOf(field)} needs NAME=VALUE`);
  }
  if (equals > 0) return { [text.slice(0, equals)]: text.slice(equals + 1) };
  if (field.name !== "env") return { [text]: "" };
  const own = env[text];
  return own === undefined ? null : { [text]: own };
}

function parseValue(command: Command, field: RenderedField, value: string | undefined): string | number {
  const flag = flagOf(field);
  if (value === undefined || (value === "" && field.name !== command.freeText)) {
    throw flagError(command, `${flag} needs a value`);
  }
  return field.type === "integer" ? parseInteger(command, field, flag, value) : value;
}

export function parseInteger(command: Command, field: RenderedField, name: string, value: string): number {
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = field;
  const number = Number(value);
  if (!/^-?\d+$/.test(value) || number < minimum || number > maximum) {
    const most = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
    throw flagError(command, `${name} must be a whole number ${most}, not ${value}`);
  }
  return number;
}

export function flagError(command: Command, message: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", `${message}.`, { hint: `See \`pyro help ${nameOf(command)}\`.` });
}
