import { isUtf8 } from "node:buffer";

import type { Client } from "../../client/client.js";
import { limits } from "../../contract/limits.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { readPatchBytes } from "./patch-file.js";
import { printable } from "./printable.js";

type Patched = ResultOf<"task.patch">;
type PatchArguments = Omit<ArgumentsOf<"task.patch">, "patch"> & { readonly patch?: string; readonly from?: string };

/** The exit status when parts of a patch were rejected. That is a result, not an error, and nothing was applied. */
const REJECT_STATUS = 1;
const MARKS = { added: "A", modified: "M", deleted: "D" } as const;

/** `pyro task patch`: the patch of `--patch`, of a file of this machine, or of standard input. */
export function taskPatch(client: Client, { from, ...input }: PatchArguments, json: boolean): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    const given = input.patch === undefined ? await readPatch(from) : { patch: input.patch };
    const result = await client.call("task.patch", { ...input, ...given }, { signal });
    process.stdout.write(json ? jsonLine(result) : render(result));
    return result.rejects.length === 0 ? 0 : REJECT_STATUS;
  });
}

/** UTF-8 text is sent unchanged if its escapes fit into a request. */
async function readPatch(from: string | undefined): Promise<Pick<ArgumentsOf<"task.patch">, "patch" | "encoding">> {
  const bytes = await readPatchBytes("--from", from);
  const text = bytes.toString("utf8");
  if (isUtf8(bytes) && Buffer.byteLength(JSON.stringify(text)) < limits.requestLineBytes * 0.95) return { patch: text };
  return { patch: bytes.toString("base64"), encoding: "base64" };
}

function render({ files, rejects, dry_run, task_id }: Patched): string {
  const lines =
    rejects.length > 0
      ? rejects.map(
          ({ path, reason, hunks }) => `reject ${path}: ${reason}${hunks.map((hunk) => `\n  ${hunk}`).join("")}`,
        )
      : files.map(({ path, status }) => `${MARKS[status]} ${path}`);
  const count = (number: number) => (number === 1 ? "1 file" : `${number} files`);
  if (rejects.length > 0) lines.push(`${count(rejects.length)} rejected: nothing was applied to ${task_id}.`);
  else if (dry_run) lines.push(`The patch fits: ${count(files.length)}. Nothing was changed.`);
  else lines.push(`Patched ${count(files.length)} of ${task_id}.`);
  return `${lines
    .flatMap((line) => line.split("\n"))
    .map(printable)
    .join("\n")}\n`;
}
