type Fields = Readonly<Record<string, unknown>>;

/** The outcome of each variant in a line, then its changes and output; at the end the kept variant. */
export function renderVariants({ variants, kept, keep_error }: Fields): string {
  const error = keep_error as { message: string } | null;
  const end = error === null ? `Kept: ${String(kept ?? "none")}` : `Kept: none. ${error.message}`;
  return [...(variants as Fields[]).map(renderVariant), end].join("\n\n");
}

function renderVariant(variant: Fields): string {
  const { name, command, outcome, exit_code, check_exit_code, error, duration_ms, changed_count } = variant;
  const codes = [
    ...(exit_code === null ? [] : [`exit_code ${String(exit_code)}`]),
    ...(check_exit_code === null ? [] : [`check ${String(check_exit_code)}`]),
    ...(error === null ? [] : [(error as { message: string }).message]),
  ];
  const changed = variant["changed"] as { path: string; status: string; lines: string }[];
  const files = changed.map(({ path, status, lines }) => `${path} ${status}${lines === "" ? "" : ` ${lines}`}`);
  const outputs = ["stdout", "stderr", "check_output"].flatMap((title) => {
    const text = String(variant[title]).replace(/\n$/, "");
    return text === "" ? [] : [`${title}:\n${text}`];
  });
  return [
    `Variant ${String(name)} ${String(outcome)} (${codes.join(", ")}) after ${Number(duration_ms) / 1000} s: ${String(command || "(patch)")}`,
    ...(files.length === 0 ? [] : [`${String(changed_count)} changed: ${files.join(", ")}`]),
    ...outputs,
  ].join("\n");
}
