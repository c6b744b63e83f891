import { PyroError } from "../../contract/errors.js";
import type { InputOf } from "../../contract/operations.js";
import { makeDirectory, removeFile, renameFile, writeFile } from "../../guest/files.js";
import type { Call } from "../call.js";
import type { Handler } from "../core.js";
import { parseMode } from "./facts.js";
import { parseGuestPath } from "./path.js";
import { useFiles } from "./use-files.js";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** `task.file.write`: writes the content of the input, or the bytes that follow it. */
export const taskFileWrite: Handler<"task.file.write"> = (core, input, call) =>
  useFiles(core, input, call, async (channel, file) => {
    const { task_id, path, mode, append } = input;
    const options = { append, ...(mode !== undefined && { mode: parseMode(mode) }) };
    const { bytes, created } = await writeFile(channel, file, contentOf(input, call), options);
    return { task_id, path, bytes_written: bytes, created };
  });

function contentOf(
  { content, encoding }: InputOf<"task.file.write">,
  call: Call,
): AsyncIterable<Uint8Array> | Uint8Array[] {
  if (content === undefined) return call.stdin ?? [];
  if (encoding === "utf8") return [Buffer.from(content)];
  if (BASE64.test(content)) return [Buffer.from(content, "base64")];
  throw new PyroError("INVALID_ARGUMENT", "content: it is not base64.", {
    hint: "Encode the bytes with padding and without line breaks, or leave encoding out for text.",
  });
}

export const taskFileMkdir: Handler<"task.file.mkdir"> = (core, input, call) =>
  useFiles(core, input, call, async (channel, file) => {
    const { task_id, path, mode } = input;
    const created = await makeDirectory(channel, file, mode === undefined ? undefined : parseMode(mode));
    return { task_id, path, created };
  });

export const taskFileMove: Handler<"task.file.move"> = (core, input, call) =>
  useFiles(core, input, call, async (channel, file) => {
    const { task_id, path, to, replace } = input;
    await renameFile(channel, file, parseGuestPath(to), replace);
    return { task_id, path, to };
  });

export const taskFileRemove: Handler<"task.file.remove"> = (core, input, call) =>
  useFiles(core, input, call, async (channel, file) => {
    const { task_id, path, recursive } = input;
    return { task_id, path, removed_count: await removeFile(channel, file, recursive) };
  });
