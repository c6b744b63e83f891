import { dirname, join, resolve } from "node:path";

import { PyroError } from "../../contract/errors.js";
import type { OperationName } from "../../contract/operations.js";
import { lookAtName, open, rm, syncDirectory, type FileHandle } from "../../host/files.js";
import { publishDraft } from "../../host/new-name.js";
import { newDraftName, sweepDrafts } from "../../host/temporary.js";
import type { ToolOptions } from "../../host/tool.js";
import { explainFullDisk } from "../host-failure.js";
import { describeHost } from "./ssh-words.js";
import type { Place } from "./place.js";
import { runThere } from "./run-ssh.js";

type Fields = Readonly<Record<string, unknown>>;

/** The operations whose file the daemon reads or writes: here it is copied over the connection, and removed there at the end. */
const fields: { readonly [Name in OperationName]?: "file" | "output" } = {
  "env.import": "file",
  "env.export": "output",
};

/** The input with a path on the other machine in place of the one here; the file of `env.import` has been copied. Throws the errors that the operation has for a file here. */
export async function placeFile(
  place: Place,
  name: OperationName,
  input: Fields,
  signal?: AbortSignal,
): Promise<Fields> {
  const field = fields[name];
  if (field === undefined || typeof input[field] !== "string") return input;
  const here = resolve(input[field]);
  if (name === "env.export") assertNew(here);
  const there = (await ask(place, ["place", "-"])).trim();
  if (name === "env.import") {
    const file = await open(here, "r").catch((error: unknown) => {
      throw unreadable(here, error);
    });
    await using _closing = { [Symbol.asyncDispose]: () => file.close() };
    await ask(place, ["receive", there], { inputFd: file.fd, signal }).catch(async (error: unknown) => {
      await drop(place, there);
      throw error;
    });
  }
  return { ...input, [field]: there };
}

/** Brings the file of an export here, and names it in the result. */
export async function fetchFile(
  place: Place,
  name: OperationName,
  input: Fields,
  result: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  if (name !== "env.export") return result;
  const here = resolve(String(input["output"]));
  const { output: there, size_bytes } = result as { readonly output: string; readonly size_bytes: number };
  const draft = join(dirname(here), newDraftName());
  await sweepDrafts(dirname(here));
  try {
    const received = await receive(place, there, { draft, here, signal });
    if (received !== size_bytes) throw notCopied(place, `${received} of ${size_bytes} bytes arrived`);
    if (!(await publishDraft(draft, here))) throw exists(here);
    await syncDirectory(dirname(here));
  } catch (error) {
    throw explainFullDisk(error, here) ?? error;
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
  return { ...(result as object), output: here };
}

/** Writes a file from there into a draft. Returns its size. */
async function receive(
  place: Place,
  there: string,
  { draft, here, signal }: { readonly draft: string; readonly here: string; readonly signal: AbortSignal | undefined },
): Promise<number> {
  const file = await create(draft, here);
  try {
    await ask(place, ["send", there], { outputFd: file.fd, signal });
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** Removes the file there. */
export async function dropFile(place: Place, name: OperationName, given: Fields): Promise<void> {
  const field = fields[name];
  if (field !== undefined) await drop(place, String(given[field]));
}

async function drop(place: Place, there: string): Promise<void> {
  await ask(place, ["drop", there]).catch(() => {});
}

async function ask(place: Place, words: readonly string[], options: ToolOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await runThere(place, ["__file", ...words], {
    ...options,
    timeoutMs: undefined,
  });
  if (exitCode === 0) return stdout;
  throw notCopied(place, stderr.trim().split("\n").at(-1) ?? "");
}

function notCopied(place: Place, why: string): PyroError {
  return new PyroError("HOST_NOT_ABLE", `Cannot copy a file to or from ${describeHost(place.context)}: ${why}.`, {
    hint: `Check the free space on both machines, and try again.`,
    details: { context: place.context.name },
  });
}

/** Opens a draft of a path. */
async function create(draft: string, path: string): Promise<FileHandle> {
  return open(draft, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new PyroError("DESTINATION_UNUSABLE", `${path} cannot be written: ${error.code}.`, { details: { path } });
  });
}

function assertNew(path: string): void {
  if (lookAtName(path) !== null) throw exists(path);
}

function exists(path: string): PyroError {
  return new PyroError("FILE_EXISTS", `${path} exists.`, {
    hint: "Name another file, or remove that one.",
    details: { path },
  });
}

function unreadable(path: string, cause: unknown): PyroError {
  const { code } = cause as NodeJS.ErrnoException;
  return new PyroError("SOURCE_UNREADABLE", `${path} cannot be read: ${code}.`, {
    hint: "Name a file that you may read.",
    details: { path },
    cause,
  });
}
