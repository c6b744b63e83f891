import { PyroError } from "../../contract/errors.js";
import { readFile, type FileFacts } from "../../guest/files.js";
import type { Channel } from "../../guest/channel.js";
import type { Handler } from "../core.js";
import { viewFacts } from "./facts.js";
import { decodeText } from "./text.js";
import type { GuestFile } from "../../guest/names.js";
import { readFiles } from "./use-files.js";

/** Bytes of a guest's file, as many as requested and available. */
export async function readBytes(
  channel: Channel,
  file: GuestFile,
  options: { readonly offset?: number; readonly maxBytes: number },
): Promise<{ readonly bytes: Buffer; readonly facts: FileFacts }> {
  const download = readFile(channel, file, options);
  const pieces: Buffer[] = [];
  for await (const piece of download.content()) pieces.push(piece);
  return { bytes: Buffer.concat(pieces), facts: download.answer };
}

/** `task.file.read`: a range of bytes, as text or in base64. */
export const taskFileRead: Handler<"task.file.read"> = (core, input, call) =>
  readFiles(core, input, call, async (channel, file) => {
    const { task_id, path, offset, max_bytes, encoding } = input;
    const { bytes, facts } = await readBytes(channel, file, { offset, maxBytes: max_bytes });
    if (offset > 0 && bytes.length === 0 && offset > facts.sizeBytes) throw pastEnd(path, offset, facts.sizeBytes);
    const isEnd = bytes.length < max_bytes || offset + bytes.length === facts.sizeBytes;
    const text = encoding === "utf8" ? decodeText(bytes, path, isEnd) : null;
    const taken = text?.bytes ?? bytes.length;
    return {
      ...{ task_id, path, content: text?.content ?? bytes.toString("base64"), encoding, offset, bytes: taken },
      next_offset: isEnd ? null : offset + taken,
      ...viewFacts(facts),
    };
  });

/** `task.file.fetch`: a range of bytes as events, as fast as the caller takes them. */
export const taskFileFetch: Handler<"task.file.fetch"> = (core, input, call) =>
  readFiles(core, input, call, async (channel, file) => {
    const { task_id, path, offset, max_bytes: maxBytes } = input;
    const download = readFile(channel, file, { offset, ...(maxBytes !== undefined && { maxBytes }) });
    let bytes = 0;
    for await (const data of download.content()) {
      bytes += data.length;
      call.signal.throwIfAborted();
      await call.emit({ event: "stdout", data });
    }
    const facts = download.answer;
    if (offset > 0 && bytes === 0 && offset > facts.sizeBytes) throw pastEnd(path, offset, facts.sizeBytes);
    return { task_id, path, bytes, ...viewFacts(facts) };
  });

function pastEnd(path: string, offset: number, sizeBytes: number): PyroError {
  return new PyroError("INVALID_ARGUMENT", `offset: ${offset} is past the end of ${JSON.stringify(path)}.`, {
    hint: `It has ${sizeBytes} bytes.`,
    details: { path, offset, size_bytes: sizeBytes },
  });
}
