import type { Client } from "../../client/client.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { readPatchText } from "./patch-file.js";
import { printable } from "./printable.js";
import { print } from "./show.js";

type TryResult = ResultOf<"task.try">;
type Variant = TryResult["variants"][number];

/** `pyro task try`: reads the files of patches, and shows the outcome of each variant. Exits with 1 when none passed, or the wanted one could not be kept. */
export function taskTry(client: Client, input: ArgumentsOf<"task.try">, json: boolean): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    const files = input.variant_patches ?? [];
    const variant_patches = await Promise.all(files.map((path) => readPatchText("--variant-patch", path)));
    const result = await client.call(
      "task.try",
      { ...input, variant_patches },
      {
        signal,
        onEvent: (event) => {
          if (event.event === "progress" && !json) process.stderr.write(`[try] ${event.message}\n`);
        },
      },
    );
    print(json ? jsonLine(result) : renderTry(result));
    const hasPassed = result.variants.some(({ outcome }) => outcome === "passed");
    return hasPassed && result.keep_error === null ? 0 : 1;
  });
}

function renderTry({ variants, kept, keep_error }: TryResult): string {
  const end = keep_error === null ? `Kept: ${kept ?? "none"}` : `Kept: none (${keep_error.message})`;
  return `${[...variants.map(renderVariant), end].join("\n")}\n`;
}

/** A line for the variant, then its output, and a line for each changed entry. */
function renderVariant(variant: Variant): string {
  const { name, command, outcome, exit_code, check_exit_code, error, duration_ms, changed, changed_count } = variant;
  const codes = [
    ...(exit_code === null ? [] : [`exit_code=${exit_code}`]),
    ...(check_exit_code === null ? [] : [`check_exit_code=${check_exit_code}`]),
    ...(error === null ? [] : [error.message]),
  ];
  const output = [variant.stdout, variant.stderr, variant.check_output].map((text) => text.trimEnd());
  const more = (changed_count ?? 0) - changed.length;
  return [
    `# ${name}  ${outcome}  ${codes.join(" ")}  ${(duration_ms / 1000).toFixed(1)}s  ${command || "(patch)"}`,
    ...output.filter((text) => text !== ""),
    ...changed.map(({ path, status, lines }) => `${status}  ${printable(path)}${lines === "" ? "" : `  ${lines}`}`),
    ...(more > 0 ? [`and ${more} more changed entries`] : []),
  ].join("\n");
}
