import { createHash } from "node:crypto";

import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import { writeFile } from "../../guest/files.js";
import type { Handler } from "../core.js";
import { LineWindow, numberLines } from "./line-window.js";
import { readBytes } from "./read.js";
import { decodeText } from "./text.js";
import { useFiles } from "./use-files.js";

const { fileEditBytes, fileViewLineBytes } = limits;
/** Lines that are shown before and after a replacement. */
const CONTEXT_LINES = 3;
/** The most lines of a replacement that are shown. */
const SHOWN_LINES = 60;
const SHOWN_BYTES = 8_192;

/** `task.file.edit`: replaces a text in a file, unless another process changed the file since it was read. */
export const taskFileEdit: Handler<"task.file.edit"> = (core, input, call) =>
  useFiles(core, input, call, async (channel, file) => {
    const { task_id, path } = input;
    const { bytes } = await readBytes(channel, file, { maxBytes: fileEditBytes + 1 });
    if (bytes.length > fileEditBytes) throw tooLarge(path);
    const edited = replaceText(decodeText(bytes, path, true).content, input);
    const replaces = createHash("sha256").update(bytes).digest("hex");
    await writeFile(channel, file, [Buffer.from(edited.content)], { replaces });
    return { task_id, path, replaced: edited.count, text: showLines(edited.content, edited.at, input.new) };
  });

interface Replacement {
  readonly path: string;
  readonly old: string;
  readonly new: string;
  readonly all: boolean;
}

/** The text with its replacements, their number, and the place of the first. Throws FILE_EDIT_MISMATCH. Pure. */
export function replaceText(
  content: string,
  { path, old, new: replacement, all }: Replacement,
): { readonly content: string; readonly count: number; readonly at: number } {
  const parts = content.split(old);
  const count = parts.length - 1;
  if (count === 0 || (count > 1 && !all)) throw mismatch(path, count);
  return { content: parts.join(replacement), count, at: parts[0]!.length };
}

/** The lines around a place of a text, numbered. */
function showLines(content: string, at: number, replacement: string): string {
  const before = content.slice(0, at).split("\n").length;
  const first = Math.max(1, before - CONTEXT_LINES);
  const changed = replacement.split("\n").length;
  const count = Math.min(before - first + changed + CONTEXT_LINES, SHOWN_LINES);
  const window = new LineWindow({ first, count, bytes: SHOWN_BYTES, lineBytes: fileViewLineBytes });
  if (window.push(Buffer.from(content))) window.end();
  return numberLines(window.lines, first);
}

function mismatch(path: string, found: number): PyroError {
  const times = found === 0 ? "is not in" : `is ${found} times in`;
  return new PyroError("FILE_EDIT_MISMATCH", `The old text ${times} ${JSON.stringify(path)}; nothing was changed.`, {
    details: { path, found },
  });
}

function tooLarge(path: string): PyroError {
  return new PyroError("FILE_TOO_LARGE", `${JSON.stringify(path)} is too large to be edited.`, {
    hint: `Edit files of at most ${fileEditBytes} bytes, or use a command such as sed.`,
    details: { path, limit: fileEditBytes },
  });
}
