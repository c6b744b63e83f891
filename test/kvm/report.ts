/** The reports of the program in the outer VM, each as a line of JSON on its second serial port. */
export type Report =
  | { readonly kind: "start"; readonly title: string }
  | { readonly kind: "ok"; readonly title: string; readonly note: string; readonly ms: number }
  | { readonly kind: "failed"; readonly title: string; readonly note: string; readonly ms: number }
  | { readonly kind: "end" };

const KINDS: readonly string[] = ["start", "ok", "failed", "end"] satisfies Report["kind"][];

/** The report in a line; null for other lines, such as those of the firmware. */
export function parseReport(line: string): Report | null {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null && "kind" in parsed && KINDS.includes(String(parsed.kind))
      ? (parsed as Report)
      : null;
  } catch {
    return null;
  }
}

/** The line that a person reads about a check that has ended. */
export function renderCheck(passed: boolean, title: string, note: string, ms: number): string {
  const remark = note === "" ? "" : `: ${note.replace(/\s+/g, " ").trim()}`;
  return `${passed ? "ok    " : "FAILED"} ${title} (${Math.round(ms / 1000)} s)${remark}`;
}
