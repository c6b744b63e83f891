import { basename } from "node:path";

import type { OperationEvent } from "../../../contract/operation.js";
import { drained } from "../../../host/drained.js";
import { gzip } from "../../../host/gzip.js";
import { handOver } from "../../../host/hand-over.js";
import { cutConnection } from "../../../host/http-server.js";
import { Refusal } from "../answer.js";
import { numberIn, wordIn } from "../line-program.js";
import type { FileExchange } from "./upload.js";
import { uploadErrorOf } from "./upload.js";

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Sends a file, whole or a range of it. */
export async function downloadFile(call: FileExchange): Promise<void> {
  const { request, response, query } = call.exchange;
  const asked = query.get("path") ?? "";
  const { path, size, modifiedMs } = await findFile(call, asked);
  const zipped = chooseCoding(request.headers["accept-encoding"]) === "gzip";
  const modified = new Date(modifiedMs).toUTCString();
  const headers = {
    "content-type": "application/octet-stream",
    "content-disposition": `inline; filename*=UTF-8''${encodeURIComponent(basename(path))}`,
    "last-modified": modified,
    vary: "Accept-Encoding",
  };
  const since = Date.parse(request.headers["if-modified-since"] ?? "");
  if (size > 0 && modifiedMs <= since) return void response.writeHead(304, headers).end();
  if (zipped) {
    response.writeHead(200, { ...headers, "content-encoding": "gzip" });
    return send(call, gzip(readFile(call, path, 0, null)), Infinity);
  }
  // A file of the kernel has no size: its content has to be read to know it.
  if (size === 0) {
    const bytes = await collect(readFile(call, path, 0, null));
    response.writeHead(200, { ...headers, "content-length": bytes.length }).end(bytes);
    return;
  }
  const ifRange = request.headers["if-range"];
  const isSame = ifRange === undefined || ifRange === modified;
  const range = isSame ? parseRange(request.headers.range, size) : null;
  const length = range === null ? size : range.to - range.from + 1;
  response.writeHead(range === null ? 200 : 206, {
    ...headers,
    "accept-ranges": "bytes",
    "content-length": length,
    ...(range && { "content-range": `bytes ${range.from}-${range.to}/${size}` }),
  });
  await send(call, readFile(call, path, range?.from ?? 0, length), length);
}

async function findFile({ sandbox, user }: FileExchange, path: string) {
  try {
    const [line = {}] = await sandbox.guest.ask("find", { user, path });
    const [size, seconds] = [numberIn(line["size"]), numberIn(line["mtime_s"])];
    return { path: wordIn(line["path"]), size, modifiedMs: seconds * 1000 };
  } catch (error) {
    throw uploadErrorOf(error, path, user);
  }
}

/** The coding of the answer: gzip only for a client that asks for nothing else. Throws 406. */
export function chooseCoding(accept = ""): "gzip" | "identity" {
  const wanted = accept.split(",").map((item) => item.trim().toLowerCase());
  const names = wanted.filter((item) => !/;\s*q=0(\.0*)?$/.test(item)).map((item) => item.split(";")[0]);
  if (names.length === 1 && names[0] === "gzip") return "gzip";
  const isRefused = wanted.some((item) => /^(identity|\*)\s*;\s*q=0(\.0*)?$/.test(item)) && !names.includes("identity");
  if (!isRefused) return "identity";
  if (names.includes("gzip")) return "gzip";
  throw new Refusal(406, "No acceptable encoding: identity and gzip are offered.");
}

/** One range of a file; null for all of it. Throws 416. */
export function parseRange(header: string | undefined, size: number): Range | null {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!found || (found[1] === "" && found[2] === "")) return null;
  const [first, last] = [found[1] ?? "", found[2] ?? ""];
  const from = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const to = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (from > to) throw new Refusal(416, "The range is not within the file.");
  return { from, to };
}

function readFile({ sandbox, pyro, exchange }: FileExchange, path: string, offset: number, length: number | null) {
  const input = { task_id: sandbox.record.taskId, path, offset, ...(length === null ? {} : { max_bytes: length }) };
  const ending = new AbortController();
  exchange.response.once("close", () => {
    if (!exchange.response.writableEnded) ending.abort();
  });
  return handOver<Uint8Array>(async (give) => {
    const onEvent = async (event: OperationEvent) => {
      if (event.event === "stdout") await give(event.data).catch(() => ending.abort());
    };
    await pyro.perform("task.file.fetch", input, { onEvent, signal: ending.signal });
  });
}

/**
 * Sends an answer of that length. It ends with its last byte, and not when the read has ended: the client may send its next request
 * in between, and a kill would cut that one's connection. Cuts the connection when the file has become shorter.
 */
async function send({ exchange: { response } }: FileExchange, bytes: AsyncIterable<Uint8Array>, length: number) {
  let left = length;
  for await (const piece of bytes) {
    if (response.writableEnded) continue;
    if (response.destroyed) return;
    left -= piece.length;
    if (left <= 0) response.end(piece);
    else if (!response.write(piece)) await drained(response);
  }
  if (response.writableEnded) return;
  if (length === Infinity) response.end();
  else cutConnection(response);
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}
