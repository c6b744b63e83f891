import type { Client } from "../../client/client.js";
import type { RenderedField } from "../../contract/rendered.js";
import type { Command } from "./command.js";

/** Sources of names for completion. */
export interface Sources {
  /** Null when no daemon runs; completion does not start one. */
  readonly findClient: () => Promise<Client | null>;
  readonly environmentNames: () => Promise<readonly string[]>;
}

/** Lists what the daemon knows; `task` is the first word of the command that is not a flag. */
type Lister = (client: Client, task: string | undefined) => Promise<string[]>;

/** Printed instead of candidates when the shell should offer files. */
export const FILES = ":files";
/** Fields that name a file or directory of this machine. */
const paths: ReadonlySet<string> = new Set([
  "allow_pull",
  "destination",
  "file",
  "from",
  "output",
  "setup_key",
  "source_path",
]);
/** A hung daemon must not hang the user's shell. */
const PATIENCE_MS = 1_000;
const NEWEST_SEQUENCES = 20;

/** By the field's name, or by its operation and name. */
const listers: Readonly<Record<string, Lister>> = {
  task_id: listTasks,
  task: listTasks,
  sequence: listSequences,
  snapshot_id: (client) => listSnapshots(client, undefined),
  "task.reset.to": async (client, task) => ["seed", ...(await listSnapshots(client, task))],
  "task.diff.since": async (client, task) => ["seed", "push", ...(await listSnapshots(client, task))],
  "env.save.source": async (client) => [...(await listTasks(client)), ...(await listSnapshots(client, undefined))],
  "task.port.close.port": listPorts,
  "task.service.status.name": listServices,
  "task.service.logs.name": listServices,
  "task.service.stop.name": listServices,
  "task.shell.attach.name": listShells,
  "task.shell.close.name": listShells,
};

/** Commands whose one argument is the name of a context. */
const namingContexts: ReadonlySet<string> = new Set(["context use", "context remove", "context check"]);

/** The values of a field, as far as they are known. */
export async function valuesOf(
  field: RenderedField,
  command: Command,
  task: string | undefined,
  sources: Sources,
): Promise<string[]> {
  if (field.values) return [...field.values];
  if (field.name === "environment") return environments(sources);
  if (field.name === "context" || namingContexts.has(command.words.join(" "))) return listContextNames();
  const lister = listers[`${command.operation}.${field.name}`] ?? listers[field.name];
  if (lister) return ask(sources, (client) => lister(client, task));
  return paths.has(field.name) ? [FILES] : [];
}

async function environments(sources: Sources): Promise<string[]> {
  const known = await ask(sources, async (client) => {
    const answer = await client.callRunning("env.list", {});
    return (answer?.environments ?? []).map(({ name }) => name);
  });
  return [...(await sources.environmentNames()), ...known];
}

async function listContextNames(): Promise<string[]> {
  const { listNames } = await import("../../client/contexts/names.js");
  return listNames(process.env);
}

async function listTasks(client: Client): Promise<string[]> {
  const answer = await client.callRunning("task.list", {});
  return (answer?.tasks ?? []).flatMap(({ task_id, name }) => [task_id, ...(name === null ? [] : [name])]);
}

async function listSnapshots(client: Client, task: string | undefined): Promise<string[]> {
  const answer = await client.callRunning("task.snapshot.list", task === undefined ? {} : { task });
  return (answer?.snapshots ?? []).flatMap(({ snapshot_id, name }) => [snapshot_id, ...(name === null ? [] : [name])]);
}

async function listSequences(client: Client, task: string | undefined): Promise<string[]> {
  const answer = task === undefined ? null : await client.callRunning("task.status", { task_id: task });
  const count = answer?.command_count ?? 0;
  return Array.from({ length: Math.min(count, NEWEST_SEQUENCES) }, (_, index) => String(count - index));
}

async function listPorts(client: Client, task: string | undefined): Promise<string[]> {
  const answer = task === undefined ? null : await client.callRunning("task.port.list", { task_id: task });
  return (answer?.ports ?? []).map(({ port }) => String(port));
}

async function listServices(client: Client, task: string | undefined): Promise<string[]> {
  const answer = task === undefined ? null : await client.callRunning("task.service.list", { task_id: task });
  return (answer?.services ?? []).map(({ name }) => name);
}

async function listShells(client: Client, task: string | undefined): Promise<string[]> {
  const answer = task === undefined ? null : await client.callRunning("task.shell.list", { task_id: task });
  return (answer?.shells ?? []).map(({ name }) => name);
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
