import { basename } from "node:path";

import { PyroError } from "../../../contract/errors.js";
import { gunzip } from "../../../host/gzip.js";
import { bodyOf, Refusal, sendJson, type Exchange } from "../answer.js";
import { GuestError } from "../line-program.js";
import type { Pyro } from "../pyro.js";
import type { Sandbox } from "../sandbox.js";
import { readEntry, type EntryInfo } from "./entry.js";
import { boundaryOf, readParts } from "./multipart.js";

/** A request for the files of a sandbox. */
export interface FileExchange {
  readonly exchange: Exchange;
  readonly sandbox: Sandbox;
  readonly pyro: Pyro;
  readonly user: string;
}

/** Content up to this size is written by one request to the guest's program. */
const SMALL_BYTES = 49_152;
const MAX_METADATA_BYTES = 4_096;
const MAX_METADATA_KEY_BYTES = 246;
const metadataPrefix = "x-metadata-";

/** Writes the files of a request: one in an octet stream, or each `file` of a form. */
export async function uploadFiles(call: FileExchange): Promise<void> {
  const { request, response, query } = call.exchange;
  const metadata = readMetadata(request.headers);
  const body = decode(bodyOf(request), request.headers["content-encoding"]);
  const type = request.headers["content-type"] ?? "";
  const boundary = boundaryOf(type);
  const path = query.get("path");
  const written = new Map<string, EntryInfo>();
  if (boundary !== null) {
    for await (const part of readParts(body, boundary)) {
      if (part.name !== "file") continue;
      const target = path ?? part.fileName;
      if (!target) throw new Refusal(400, "A file of the form has neither a path nor a name.");
      await writeFile(call, target, part.content, metadata, written);
    }
  } else if (/^application\/octet-stream\b/i.test(type)) {
    if (!path) throw new Refusal(400, "An upload of bytes needs a path.");
    await writeFile(call, path, body, metadata, written);
  } else throw new Refusal(400, "An upload is a form (multipart/form-data) or bytes (application/octet-stream).");
  if (written.size === 0) throw new Refusal(400, "The form has no file.");
  const answer = Array.from(written.values(), ({ path, metadata }) => ({
    path,
    name: basename(path),
    type: "file",
    metadata,
  }));
  sendJson(response, 200, answer);
}

/** Writes a file, and adds it to those of the request. */
async function writeFile(
  call: FileExchange,
  path: string,
  content: AsyncIterable<Buffer>,
  metadata: Readonly<Record<string, string>>,
  written: Map<string, EntryInfo>,
): Promise<void> {
  const { sandbox, pyro, user } = call;
  const { head, rest } = await takeHead(content);
  const small = rest === null && head.length > 0 ? { content: head.toString("base64") } : {};
  try {
    const lines = await sandbox.guest.ask("write", { user, path, metadata, ...small });
    const entry = readEntry(lines[0]);
    if (entry === null) throw new Refusal(500, `The guest did not say where it wrote ${path}.`);
    if (written.has(entry.path)) throw new Refusal(400, `${entry.path} was sent twice.`);
    if (rest !== null) {
      const target = { task_id: sandbox.record.taskId, path: entry.path, append: true };
      await pyro.perform("task.file.write", target, { stdin: joined(head, rest) });
    }
    written.set(entry.path, entry);
  } catch (error) {
    throw uploadErrorOf(error, path, user);
  }
}

/** The beginning of a content, and the rest; null when the beginning is all of it. */
async function takeHead(content: AsyncIterable<Buffer>) {
  const pieces = content[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  for (let length = 0; length <= SMALL_BYTES;) {
    const { done, value } = await pieces.next();
    if (done) return { head: Buffer.concat(held), rest: null };
    held.push(Buffer.from(value));
    length += value.length;
  }
  return { head: Buffer.concat(held), rest: { [Symbol.asyncIterator]: () => pieces } };
}

async function* joined(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* rest;
}

function decode(body: AsyncIterable<Buffer>, coding = "identity"): AsyncIterable<Buffer> {
  if (coding === "identity") return body;
  if (coding === "gzip") return gunzip(body);
  throw new Refusal(415, `The content encoding ${coding} is not supported.`);
}

/** The file's metadata in the headers of an upload. Throws 400 when it does not fit. */
function readMetadata(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const metadata: Record<string, string> = {};
  let bytes = 0;
  for (const [name, given] of Object.entries(headers)) {
    if (!name.startsWith(metadataPrefix) || given === undefined) continue;
    const key = name.slice(metadataPrefix.length);
    const value = Array.isArray(given) ? given.join(", ") : given;
    bytes += key.length + value.length;
    if (key === "" || key.length > MAX_METADATA_KEY_BYTES)
      throw new Refusal(400, `The metadata key ${key} is too long.`);
    if (!/^[\x20-\x7e]*$/.test(value)) throw new Refusal(400, `The metadata ${key} is not printable ASCII.`);
    metadata[key] = value;
  }
  if (bytes > MAX_METADATA_BYTES) throw new Refusal(400, `Metadata has at most ${MAX_METADATA_BYTES} bytes.`);
  return metadata;
}

/** The error that a caller of a transfer gets for a failure in the guest. */
export function uploadErrorOf(error: unknown, path: string, user: string): unknown {
  if (error instanceof GuestError) {
    switch (error.code) {
      case "ENOENT":
        return new Refusal(404, `path '${path}' does not exist`);
      case "EISDIR":
        return new Refusal(400, `path '${path}' is a directory`);
      case "ENOTREG":
        return new Refusal(400, `path '${path}' is not a regular file`);
      case "ENOUSER":
        return new Refusal(401, `invalid username: '${user}'`);
      case "ENOSPC":
        return new Refusal(507, "not enough disk space available");
      case "ENOTDIR":
      case "EINVAL":
      case "ELOOP":
      case "ENAMETOOLONG":
        return new Refusal(400, `path '${path}': ${error.message}`);
      case "GONE":
        return new Refusal(502, error.message);
      default:
        return new Refusal(500, `path '${path}': ${error.message}`);
    }
  }
  if (error instanceof PyroError && error.code === "WORKSPACE_FULL") {
    return new Refusal(507, "not enough disk space available");
  }
  return error;
}
