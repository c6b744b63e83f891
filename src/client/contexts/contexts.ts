import { join } from "node:path";

import { PyroError, reasonOf } from "../../contract/errors.js";
import { nearestName } from "../../contract/nearest.js";
import { readTextSync, writeFileAtomic } from "../../host/files.js";
import { LOCAL, parseContext, type Context, type ContextRecord } from "./context.js";

/** The contexts of a home: `contexts.json`, mode 0600. */
export interface Contexts {
  /** The context of calls that name none; null for this machine. */
  readonly current: string | null;
  readonly all: Readonly<Record<string, ContextRecord>>;
}

const FORMAT = 1;

/** Reads the contexts of a home. Throws HOME_UNUSABLE when the file is damaged, or a newer pyro wrote it. */
export function readContexts(homePath: string): Contexts {
  const path = pathOf(homePath);
  const text = readTextSync(path);
  if (text === null) return { current: null, all: {} };
  const found = parse(text);
  if (typeof found !== "string") return found;
  throw new PyroError("HOME_UNUSABLE", `${path} cannot be used: ${found}.`, {
    hint: "Correct the file, or move it away and add the contexts again.",
    details: { path },
  });
}

/** Replaces the file whole. Two changes at the same moment: one of them wins. */
export async function writeContexts(homePath: string, { current, all }: Contexts): Promise<void> {
  const file = { format: FORMAT, current, contexts: all };
  await writeFileAtomic(pathOf(homePath), `${JSON.stringify(file, null, 2)}\n`, 0o600);
}

/** The context that PYRO_CONTEXT names, or else the current one; null for this machine. Throws NOT_FOUND. */
export function chooseContext(homePath: string, env: NodeJS.ProcessEnv): Context | null {
  const named = env["PYRO_CONTEXT"];
  if (named === LOCAL) return null;
  const contexts = readContexts(homePath);
  const name = named || contexts.current;
  return name === null || name === LOCAL ? null : findContext(contexts, name);
}

/** Throws NOT_FOUND, with the nearest name. */
export function findContext({ all }: Contexts, name: string): Context {
  const record = Object.hasOwn(all, name) ? all[name] : undefined;
  if (record) return parseContext(name, record);
  const near = nearestName(name, Object.keys(all));
  throw new PyroError("NOT_FOUND", `There is no context ${name.slice(0, 100)}.`, {
    hint: near
      ? `Did you mean ${near}?`
      : "See `pyro context list`; `pyro context add NAME ssh://[user@]host` makes one.",
    details: { context: name.slice(0, 100) },
  });
}

function pathOf(homePath: string): string {
  return join(homePath, "contexts.json");
}

/** The contexts in the text of a file, or the reason why the text is invalid. */
function parse(text: string): Contexts | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  if (!isRecord(value)) return "it is not a JSON object";
  const { format, current = null, contexts } = value;
  if (typeof format === "number" && format > FORMAT) return `a newer pyro wrote it (format ${format})`;
  if (format !== FORMAT || !isRecord(contexts)) return "it has the wrong shape";
  if (current !== null && typeof current !== "string") return "current: it must be a name";
  for (const [name, record] of Object.entries(contexts)) {
    if (!isContextRecord(record)) return `${name}: it has the wrong shape`;
    try {
      parseContext(name, record);
    } catch (error) {
      return `${name}: ${reasonOf(error)}`;
    }
  }
  return { current, all: contexts as Record<string, ContextRecord> };
}

function isContextRecord(value: unknown): value is ContextRecord {
  if (!isRecord(value) || typeof value["url"] !== "string") return false;
  const { pod } = value;
  const texts = ["pyro", "home", "image", "kubeconfig", "storage", "storageClass", "pool"];
  const areTexts = texts.every((name) => value[name] === undefined || typeof value[name] === "string");
  return areTexts && (pod === undefined || isRecord(pod));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
