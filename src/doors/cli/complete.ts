import type { RenderedField } from "../../contract/rendered.js";
import { flagOf, letterOf, type Command } from "./command.js";
import { FILES, valuesOf, type Sources } from "./complete-values.js";
import { findCommand, nextWords, replaceHabit } from "./find-command.js";

/** The candidates for the last word, one per line. `words` is the line after `pyro`, up to the cursor. */
export async function complete(
  commands: readonly Command[],
  words: readonly string[],
  sources: Sources,
): Promise<string> {
  const current = words.at(-1) ?? "";
  const found = await findCandidates(commands, replaceHabit(words.slice(0, -1)), current, sources);
  const fitting = found.filter((candidate) => candidate === FILES || candidate.startsWith(current));
  return [...new Set(fitting)].map((candidate) => `${candidate}\n`).join("");
}

async function findCandidates(
  commands: readonly Command[],
  before: readonly string[],
  current: string,
  sources: Sources,
): Promise<string[]> {
  if (before.includes("--")) return [];
  if (before[0] === "help") return nextWords(commands, before.slice(1));
  const next = nextWords(commands, before);
  const command = findCommand(commands, before);
  if (!command) return before.length > 0 ? next : [...next, "help", "version", "--help", "--version"];
  const own = before.slice(command.words.length);
  const flag = takesValue(command, own.at(-1));
  const task = positionalsOf(command, own)[0];
  if (flag) return valuesOf(flag, command, task, sources);
  const equals = current.indexOf("=");
  const assigned = equals === -1 ? null : takesValue(command, current.slice(0, equals));
  if (assigned) {
    const values = await valuesOf(assigned, command, task, sources);
    return values.map((value) => `${current.slice(0, equals)}=${value}`);
  }
  if (current.startsWith("-")) return flagsOf(command, own);
  const field = command.positionals[positionalsOf(command, own).length];
  if (field) return [...next, ...(await valuesOf(field, command, task, sources))];
  return command.rest ? ["--"] : next;
}

/** The field of a flag that takes its value from the next word. */
function takesValue(command: Command, word: string | undefined): RenderedField | null {
  if (word === undefined) return null;
  const isNamed = (field: RenderedField) => flagOf(field) === word || letterOf(field) === word;
  return command.flags.find((field) => field.type !== "boolean" && isNamed(field)) ?? null;
}

/** Flags that may still be given. */
function flagsOf(command: Command, own: readonly string[]): string[] {
  const open = command.flags.filter(
    (field) => field.type === "list" || field.type === "object" || !own.includes(flagOf(field)),
  );
  return [...open.map(flagOf), "--help"];
}

/** The positional words: neither flags nor values of flags. */
function positionalsOf(command: Command, own: readonly string[]): string[] {
  return own.filter((word, index) => !word.startsWith("-") && !takesValue(command, own[index - 1]));
}
