import { quoteCommand } from "../../contract/quote.js";
import { PyroError } from "../../contract/errors.js";
import type { RenderedField } from "../../contract/rendered.js";
import { nameOf, type Command } from "./command.js";
import { explainUnknown, findCommand, replaceHabit, startsWith } from "./find-command.js";
import { addValue, findFlag, flagError, parseInteger, type Value } from "./flags.js";

/** A parsed command line. */
export type Invocation =
  | { readonly kind: "version"; readonly json: boolean }
  /** Help on the commands that begin with these words; on all commands when the list is empty. */
  | { readonly kind: "help"; readonly words: readonly string[]; readonly json: boolean }
  | { readonly kind: "command"; readonly command: Command; readonly input: Input; readonly json: boolean };

export type Input = Readonly<Record<string, Value>>;

const versionWords = new Set(["--version", "-V", "-v", "version"]);

/** Reads a command line. Throws INVALID_ARGUMENT, with the next step as its hint. */
export function parseArguments(
  commands: readonly Command[],
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Invocation {
  const line = replaceHabit(argv);
  const separator = line.indexOf("--");
  const before = separator === -1 ? line : line.slice(0, separator);
  const isJson = before.includes("--json");
  const [first] = line;
  if (first === undefined || isHelp(first)) return { kind: "help", words: [], json: isJson };
  if (versionWords.has(first)) return { kind: "version", json: isJson };
  if (first === "help") return parseHelp(commands, line.slice(1), isJson);
  const command = findCommand(commands, line);
  if (before.some(isHelp)) {
    const group = before.slice(
      0,
      before.findIndex((word) => word.startsWith("-")),
    );
    return parseHelp(commands, command?.words ?? group, isJson);
  }
  if (!command) throw explainUnknown(commands, line);
  const own = before.slice(command.words.length);
  const rest = separator === -1 ? null : line.slice(separator + 1);
  const { json, ...input }: Record<string, Value> = {
    ...parseOwn(command, own, rest, env),
    ...parseRest(command, own, rest),
  };
  return { kind: "command", command, input, json: json === true };
}

function isHelp(word: string | undefined): boolean {
  return word === "-h" || word === "--help";
}

function parseHelp(commands: readonly Command[], given: readonly string[], json: boolean): Invocation {
  const words = replaceHabit(given.filter((word) => !word.startsWith("-")));
  if (words[0] === "help" || words[0] === "version") return { kind: "help", words: [], json };
  if (!commands.some((command) => startsWith(command, words))) throw explainUnknown(commands, words);
  return { kind: "help", words, json };
}

function parseOwn(
  command: Command,
  own: readonly string[],
  rest: readonly string[] | null,
  env: NodeJS.ProcessEnv,
): Input {
  const input: Record<string, Value> = {};
  const missing = [...command.positionals];
  for (let index = 0; index < own.length; index++) {
    const word = own[index] ?? "";
    if (!word.startsWith("-")) {
      const [field] = missing;
      if (!field) throw unexpected(command, own.slice(index), input);
      // A list takes all remaining words.
      if (field.type === "list") input[field.name] = [...((input[field.name] as string[] | undefined) ?? []), word];
      else {
        input[field.name] = parsePositional(command, field, word);
        missing.shift();
      }
      continue;
    }
    const equals = word.indexOf("=");
    const field = findFlag(command, equals === -1 ? word : word.slice(0, equals));
    if (field.type === "boolean") {
      if (equals !== -1) throw flagError(command, `${word.slice(0, equals)} takes no value`);
      input[field.name] = true;
      continue;
    }
    const text = equals === -1 ? own[++index] : word.slice(equals + 1);
    const value = addValue(command, field, input[field.name], text, env);
    if (value !== undefined) input[field.name] = value;
  }
  const [field] = missing;
  if (field?.required) {
    const message = `\`pyro ${nameOf(command)}\` needs ${field.name.toUpperCase()}`;
    throw command.rest ? usageError(message, exampleOf(command, input, rest ?? [])) : flagError(command, message);
  }
  return input;
}

function parsePositional(command: Command, field: RenderedField, word: string): string | number {
  return field.type === "integer" ? parseInteger(command, field, field.name.toUpperCase(), word) : word;
}

function parseRest(command: Command, own: readonly string[], rest: readonly string[] | null): Input {
  if (command.rest === null) {
    if (rest !== null && rest.length > 0) throw unexpected(command, rest, {});
    return {};
  }
  if (rest === null || rest.length === 0) {
    const first = own.find((word) => !word.startsWith("-")) ?? "";
    const given = first === "" ? {} : { [command.positionals[0]?.name ?? ""]: first };
    throw usageError(`\`pyro ${nameOf(command)}\` needs a command after --`, exampleOf(command, given, []));
  }
  return { [command.rest.name]: quoteCommand(rest) };
}

function unexpected(command: Command, words: readonly string[], given: Input): PyroError {
  const message = `\`pyro ${nameOf(command)}\` does not take ${quoteCommand(words.slice(0, 1))}`;
  if (!command.rest) return flagError(command, message);
  return usageError(message, `The command goes after --. ${exampleOf(command, given, words)}`);
}

/** A corrected command line, with example values for missing arguments. */
function exampleOf(command: Command, given: Input, words: readonly string[]): string {
  const positionals = command.positionals.map(({ name }) => String(given[name] ?? exampleValues[name] ?? name));
  const line = quoteCommand(words.length > 0 ? words : ["uname", "-r"]);
  return `For example: pyro ${[nameOf(command), ...positionals].join(" ")} -- ${line}`;
}

const exampleValues: Readonly<Record<string, string>> = { environment: "debian:12", task_id: "TASK" };

function usageError(message: string, hint: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", `${message}.`, { hint });
}
