import type { Client } from "../../client/client.js";
import type { RenderedField } from "../../contract/rendered.js";
import { flagOf, type Command } from "./command.js";
import { findCommand, nextWords, replaceHabit } from "./find-command.js";

/** Sources of names for completion. */
interface Sources {
  /** Null when no daemon runs; completion does not start one. */
  readonly findClient: () => Promise<Client | null>;
  readonly environmentNames: () => Promise<readonly string[]>;
}

/** Printed instead of candidates when the shell should offer files. */
const FILES = ":files";
/** A hung daemon must not hang the user's shell. */
const PATIENCE_MS = 1_000;
const NEWEST_SEQUENCES = 20;

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
  if (flag) return valuesOf(flag, own, command, sources);
  const equals = current.indexOf("=");
  const assigned = equals === -1 ? null : takesValue(command, current.slice(0, equals));
  if (assigned) {
    const values = await valuesOf(assigned, own, command, sources);
    return values.map((value) => `${current.slice(0, equals)}=${value}`);
  }
  if (current.startsWith("-")) return flagsOf(command, own);
  const field = command.positionals[positionalsOf(command, own).length];
  if (field) return [...next, ...(await valuesOf(field, own, command, sources))];
  return command.rest ? ["--"] : next;
}

/** The field of a flag that takes its value from the next word. */
function takesValue(command: Command, word: string | undefined): RenderedField | null {
  return command.flags.find((field) => field.type !== "boolean" && flagOf(field) === word) ?? null;
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

async function valuesOf(
  field: RenderedField,
  own: readonly string[],
  command: Command,
  sources: Sources,
): Promise<string[]> {
  if (field.values) return [...field.values];
  if (field.name === "environment") return environments(sources);
  if (field.name === "task_id" || field.name === "task") return ask(sources, listTasks);
  if (field.name === "snapshot_id") return ask(sources, listSnapshots);
  if (field.name === "sequence") return ask(sources, (client) => listSequences(client, positionalsOf(command, own)[0]));
  return field.name === "source_path" || field.name === "file" ? [FILES] : [];
}

async function environments(sources: Sources): Promise<string[]> {
  const known = await ask(sources, async (client) => {
    const answer = await client.callRunning("env.list", {});
    return (answer?.environments ?? []).map(({ name }) => name);
  });
  return [...(await sources.environmentNames()), ...known];
}

async function listTasks(client: Client): Promise<string[]> {
  const answer = await client.callRunning("task.list", {});
  return (answer?.tasks ?? []).flatMap(({ task_id, name }) => [task_id, ...(name === null ? [] : [name])]);
}

async function listSnapshots(client: Client): Promise<string[]> {
  const answer = await client.callRunning("task.snapshot.list", {});
  return (answer?.snapshots ?? []).flatMap(({ snapshot_id, name }) => [snapshot_id, ...(name === null ? [] : [name])]);
}

async function listSequences(client: Client, task: string | undefined): Promise<string[]> {
  const answer = task === undefined ? null : await client.callRunning("task.status", { task_id: task });
  const count = answer?.command_count ?? 0;
  return Array.from({ length: Math.min(count, NEWEST_SEQUENCES) }, (_, index) => String(count - index));
}

/** The running daemon's answer; empty when no daemon runs or it does not answer in time. */
async function ask(sources: Sources, question: (client: Client) => Promise<string[]>): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string[]>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, [])));
  const answer = sources
    .findClient()
    .then((client) => (client ? question(client) : []))
    .catch((): string[] => []);
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
