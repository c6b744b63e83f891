import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { Channel } from "../../guest/channel.js";
import { readFile } from "../../guest/files.js";
import type { Handler } from "../core.js";
import { findImageType } from "./image-type.js";
import { LineWindow, numberLines } from "./line-window.js";
import { readBytes } from "./read.js";
import { notText } from "./text.js";
import type { GuestFile } from "../../guest/names.js";
import { readFiles } from "./use-files.js";

const { fileImageBytes, fileViewBytes, fileViewLineBytes, fileViewScanBytes } = limits;

/** `task.file.view`: lines with their numbers, or an image. */
export const taskFileView: Handler<"task.file.view"> = (core, input, call) =>
  readFiles(core, input, call, async (channel, file) => {
    const { task_id, path, offset, limit } = input;
    const { bytes: head, facts } = await readBytes(channel, file, { maxBytes: 16 });
    const base = { task_id, path, first_line: offset, size_bytes: facts.sizeBytes };
    const imageType = findImageType(head);
    if (imageType !== null) {
      const image = { mime_type: imageType, data: await readImage(channel, file, path) };
      return { ...base, text: "", next_line: null, image };
    }
    const window = await readLines(channel, file, path, { first: offset, count: limit });
    if (!window.isText) throw notText(path);
    if (window.lines.length === 0 && offset > 1) throw pastEnd(path, offset, window.passedLines);
    const next = window.hasMore ? offset + window.lines.length : null;
    return { ...base, text: numberLines(window.lines, offset), next_line: next, image: null };
  });

async function readLines(
  channel: Channel,
  file: GuestFile,
  path: string,
  wanted: { readonly first: number; readonly count: number },
): Promise<LineWindow> {
  const window = new LineWindow({ ...wanted, bytes: fileViewBytes, lineBytes: fileViewLineBytes });
  let scannedBytes = 0;
  for await (const piece of readFile(channel, file).content()) {
    if (!window.push(piece)) return window;
    scannedBytes += piece.length;
    if (scannedBytes > fileViewScanBytes)
      throw tooLarge(path, `line ${wanted.first} lies too far behind its beginning`);
  }
  window.end();
  return window;
}

async function readImage(channel: Channel, file: GuestFile, path: string): Promise<string> {
  const { bytes } = await readBytes(channel, file, { maxBytes: fileImageBytes + 1 });
  if (bytes.length > fileImageBytes) throw tooLarge(path, `an image of more than ${fileImageBytes} bytes is not shown`);
  return bytes.toString("base64");
}

function tooLarge(path: string, why: string): PyroError {
  return new PyroError("FILE_TOO_LARGE", `${JSON.stringify(path)} is too large: ${why}.`, { details: { path } });
}

function pastEnd(path: string, offset: number, lineCount: number): PyroError {
  return new PyroError("INVALID_ARGUMENT", `offset: ${JSON.stringify(path)} has no line ${offset}.`, {
    hint: `It has ${lineCount} lines.`,
    details: { path, offset, lines: lineCount },
  });
}
