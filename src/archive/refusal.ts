import { type ErrorCode, PyroError } from "../contract/errors.js";

const SHOWN_BYTES = 512;

/** An entry that is refused: `details.entry` is its name as the archive has it, with control characters as `\x1b`. */
export function refusal(
  code: ErrorCode,
  entry: string,
  reason: string,
  details: Record<string, unknown> = {},
): PyroError {
  const shown = showText(entry);
  const safe = Object.entries(details).map(([key, value]) => [key, showDetail(value)]);
  return new PyroError(code, `${shown}: ${reason}.`, {
    details: { entry: shown, reason, ...Object.fromEntries(safe) },
  });
}

/** An archive that cannot be read further. Names the entry at which reading stopped, if it has a name yet. */
export function corrupt(reason: string, entry?: string): PyroError {
  if (entry !== undefined) return refusal("ARCHIVE_CORRUPT", entry, `the archive is damaged here: ${reason}`);
  return new PyroError("ARCHIVE_CORRUPT", `The archive is damaged: ${reason}.`, { details: { reason } });
}

/** A raw name as text without control characters: those, and the other bytes of one that is not UTF-8, are shown as `\xff`. */
export function showName(name: Buffer): string {
  const text = name.toString("utf8");
  if (Buffer.from(text).equals(name)) return showText(text);
  const bytes = Array.from(name.subarray(0, SHOWN_BYTES), (byte) =>
    byte < 0x80 ? String.fromCharCode(byte) : hex(byte),
  );
  return showText(bytes.join(""));
}

function showDetail(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(showDetail);
  return typeof value === "string" ? showText(value) : value;
}

function showText(text: string): string {
  // Names hold control characters, and errors end up on terminals.
  const safe = text.slice(0, SHOWN_BYTES).replace(/\p{Cc}/gu, (char) => hex(char.charCodeAt(0)));
  return text.length > SHOWN_BYTES ? `${safe}…` : safe;
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
