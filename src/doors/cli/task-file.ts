import type { Client } from "../../client/client.js";
import { openStdin } from "../../client/stdin.js";
import { streamBytes } from "../../client/stream-bytes.js";
import { fillUserFile, openUserFile } from "../../client/user-file.js";
import type { ArgumentsOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { print, show, written } from "./show.js";

type ReadArguments = ArgumentsOf<"task.file.read"> & { readonly output?: string };
type WriteArguments = ArgumentsOf<"task.file.write"> & { readonly from?: string };

/** `pyro task file read`: the file's bytes, to standard output or a file of this machine; with `--json` one page as the operation has it. */
export function taskFileRead(
  client: Client,
  { output, encoding, ...input }: ReadArguments,
  json: boolean,
): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    if (json) {
      const page = await client.call("task.file.read", { ...input, encoding }, { signal });
      return print(jsonLine(page));
    }
    const bytes = streamBytes(client, "task.file.fetch", input, signal);
    if (output !== undefined) await fillUserFile("--output", output, bytes);
    else for await (const piece of bytes) await written(piece);
    return 0;
  });
}

/** `pyro task file write`: the content of `--content`, of a file of this machine, or of standard input. */
export function taskFileWrite(client: Client, { from, ...input }: WriteArguments, json: boolean): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    const stdin = input.content === undefined ? await openSource(from) : null;
    const result = await client.call("task.file.write", input, { signal, ...(stdin && { stdin }) });
    return show("task.file.write", result, json);
  });
}

async function openSource(from: string | undefined): Promise<AsyncIterable<Uint8Array> | null> {
  if (from !== undefined) return openUserFile("--from", from);
  return (
    openStdin(false, (reason) => process.stderr.write(`pyro: Cannot read standard input: ${reason}.\n`))?.source ?? null
  );
}
