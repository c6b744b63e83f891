import { PyroError } from "../../contract/errors.js";
import { nearestName } from "../../contract/nearest.js";
import type { RenderedField } from "../../contract/rendered.js";
import { flagOf, letterOf, nameOf, type Command } from "./commands.js";
import { quoteCommand } from "../../client/quote.js";

/** What was asked for on the command line. */
export type Invocation =
  | { readonly kind: "version" }
  /** Help on the commands that begin with these words; all of them when there are none. */
  | { readonly kind: "help"; readonly words: readonly string[] }
  | { readonly kind: "command"; readonly command: Command; readonly input: Input; readonly json: boolean };

type Value = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;
export type Input = Readonly<Record<string, Value>>;

/** Reads a command line. Throws INVALID_ARGUMENT, with the next step as its hint. */
export function parseArguments(commands: readonly Command[], argv: readonly string[]): Invocation {
  const [first] = argv;
  if (first === undefined || isHelp(first)) return { kind: "help", words: [] };
  if (first === "--version" || first === "-V") return { kind: "version" };
  if (first === "help") return parseHelp(commands, argv.slice(1));
  if (isHelp(argv[1]) && commands.some((command) => command.words[0] === first))
    return { kind: "help", words: [first] };
  const command = findCommand(commands, argv);
  const given = argv.slice(command.words.length);
  const separator = given.indexOf("--");
  const own = separator === -1 ? given : given.slice(0, separator);
  if (own.some(isHelp)) return { kind: "help", words: command.words };
  const rest = separator === -1 ? null : given.slice(separator + 1);
  const { json, ...input }: Record<string, Value> = { ...parseOwn(command, own), ...parseRest(command, rest) };
  return { kind: "command", command, input, json: json === true };
}

function isHelp(word: string | undefined): boolean {
  return word === "-h" || word === "--help";
}

function parseHelp(commands: readonly Command[], words: readonly string[]): Invocation {
  const named = words.filter((word) => !isHelp(word));
  if (!commands.some((command) => startsWith(command, named))) findCommand(commands, named);
  return { kind: "help", words: named };
}

function startsWith(command: Command, words: readonly string[]): boolean {
  return words.every((word, index) => command.words[index] === word);
}

function findCommand(commands: readonly Command[], argv: readonly string[]): Command {
  const found = commands.filter((command) => command.words.every((word, index) => argv[index] === word));
  // `demo ollama` is not `demo` with an argument.
  const [longest] = found.toSorted((a, b) => b.words.length - a.words.length);
  if (longest) return longest;
  const [first = "", second] = argv;
  if (first.startsWith("-"))
    throw usageError(`There is no flag ${first} here`, "Flags follow a command. See `pyro help`.");
  const group = commands.filter((command) => command.words[0] === first);
  const names = group.map((command) => command.words[1] ?? "");
  if (group.length > 0 && (second === undefined || second.startsWith("-"))) {
    throw usageError(`\`pyro ${first}\` needs one of: ${names.join(", ")}`, `See \`pyro help ${first}\`.`);
  }
  const typed = group.length > 0 ? `${first} ${second}` : first;
  const near = nearestName(typed, [...commands.map(nameOf), ...(group.length > 0 ? [] : firstWords(commands))]);
  throw usageError(
    `There is no command \`pyro ${typed}\``,
    near ? `Did you mean \`pyro ${near}\`?` : "See `pyro help`.",
  );
}

function firstWords(commands: readonly Command[]): string[] {
  return [...new Set(commands.map((command) => command.words[0] ?? "")), "help"];
}

function parseOwn(command: Command, own: readonly string[]): Input {
  const input: Record<string, Value> = {};
  const missing = [...command.positionals];
  for (let index = 0; index < own.length; index++) {
    const word = own[index] ?? "";
    if (!word.startsWith("-")) {
      const field = missing.shift();
      if (!field) throw unexpected(command, word);
      input[field.name] = parsePositional(command, field, word);
      continue;
    }
    const equals = word.indexOf("=");
    const field = findFlag(command, equals === -1 ? word : word.slice(0, equals));
    if (field.type === "boolean") {
      if (equals !== -1) throw flagError(command, `${flagOf(field)} takes no value`);
      input[field.name] = true;
      continue;
    }
    const value = equals === -1 ? own[++index] : word.slice(equals + 1);
    input[field.name] = addValue(command, field, input[field.name], value);
  }
  const [field] = missing;
  if (field?.required) throw flagError(command, `\`pyro ${nameOf(command)}\` needs ${field.name.toUpperCase()}`);
  return input;
}

function parsePositional(command: Command, field: RenderedField, word: string): string | number {
  return field.type === "integer" ? parseInteger(command, field, field.name.toUpperCase(), word) : word;
}

function parseRest(command: Command, rest: readonly string[] | null): Input {
  if (command.rest === null) {
    if (rest !== null && rest.length > 0) throw unexpected(command, rest[0] ?? "");
    return {};
  }
  if (rest === null || rest.length === 0) {
    throw usageError(
      `\`pyro ${nameOf(command)}\` needs a command after --`,
      `For example: pyro ${nameOf(command)} ${exampleOf(command)} -- uname -r`,
    );
  }
  return { [command.rest.name]: quoteCommand(rest) };
}

function findFlag(command: Command, flag: string): RenderedField {
  const found = command.flags.find((field) => flagOf(field) === flag || letterOf(field) === flag);
  if (found) return found;
  const near = nearestName(flag, command.flags.map(flagOf));
  throw usageError(
    `There is no flag ${flag} for \`pyro ${nameOf(command)}\``,
    near ? `Did you mean ${near}?` : `See \`pyro help ${nameOf(command)}\`.`,
  );
}

function parseValue(command: Command, field: RenderedField, value: string | undefined): string | number {
  const flag = flagOf(field);
  if (value === undefined || value === "") throw flagError(command, `${flag} needs a value`);
  return field.type === "integer" ? parseInteger(command, field, flag, value) : value;
}

function parseInteger(command: Command, field: RenderedField, name: string, value: string): number {
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = field;
  const number = Number(value);
  if (!/^-?\d+$/.test(value) || number < minimum || number > maximum) {
    throw flagError(command, `${name} must be a whole number from ${minimum} to ${maximum}, not ${value}`);
  }
  return number;
}

/** What a flag makes of its field: lists and `--env NAME=VALUE` grow when they are given again. */
function addValue(command: Command, field: RenderedField, before: Value | undefined, text: string | undefined): Value {
  if (field.type === "list") {
    return [...((before as string[] | undefined) ?? []), String(parseValue(command, field, text))];
  }
  if (field.type !== "object") return parseValue(command, field, text);
  const equals = text?.indexOf("=") ?? -1;
  if (text === undefined || equals < 1) throw flagError(command, `${flagOf(field)} needs NAME=VALUE`);
  return { ...(before as Record<string, string> | undefined), [text.slice(0, equals)]: text.slice(equals + 1) };
}

function unexpected(command: Command, word: string): PyroError {
  const hint = command.rest
    ? `The command goes after --, as in: pyro ${nameOf(command)} ${exampleOf(command)} -- ${quoteCommand([word])}`
    : `See \`pyro help ${nameOf(command)}\`.`;
  return usageError(`\`pyro ${nameOf(command)}\` does not take ${quoteCommand([word])}`, hint);
}

function exampleOf(command: Command): string {
  return command.positionals[0]?.name === "environment" ? "debian:12" : "TASK";
}

function flagError(command: Command, message: string): PyroError {
  return usageError(message, `See \`pyro help ${nameOf(command)}\`.`);
}

function usageError(message: string, hint: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", `${message}.`, { hint });
}
