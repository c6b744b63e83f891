import type { Client } from "../../client/client.js";
import { openStdin } from "../../client/stdin.js";
import { fillUserFile, openUserFile } from "../../client/user-file.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { print, show } from "./show.js";

/** Bytes of a file that one call brings. */
const PAGE_BYTES = 4_194_304;

type ReadArguments = ArgumentsOf<"task.file.read"> & { readonly output?: string };
type WriteArguments = ArgumentsOf<"task.file.write"> & { readonly from?: string };

/** `pyro task file read`: the file's bytes, to standard output or a file of this machine; with `--json` one page as the operation has it. */
export async function taskFileRead(
  client: Client,
  { output, ...input }: ReadArguments,
  json: boolean,
): Promise<number> {
  if (json) return print(`${JSON.stringify(await client.call("task.file.read", input))}\n`);
  const pages = readPages(client, input);
  if (output === undefined) {
    for await (const page of pages) await written(page);
    return 0;
  }
  await fillUserFile("--output", output, pages);
  return 0;
}

/** The requested bytes, page by page; the whole file without `max_bytes`. */
async function* readPages(client: Client, input: ArgumentsOf<"task.file.read">): AsyncGenerator<Buffer> {
  let left = input.max_bytes ?? Infinity;
  let offset: number | null = input.offset ?? 0;
  while (offset !== null && left > 0) {
    const page: ResultOf<"task.file.read"> = await client.call("task.file.read", {
      ...{ ...input, offset, max_bytes: Math.min(left, PAGE_BYTES), encoding: "base64" },
    });
    yield Buffer.from(page.content, "base64");
    left -= page.bytes;
    offset = page.bytes === 0 ? null : page.next_offset;
  }
}

function written(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(bytes, () => resolve());
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
