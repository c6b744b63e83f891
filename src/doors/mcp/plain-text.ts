import { stripVTControlCharacters } from "node:util";

/** Titles and links: a terminal's own commands with a text of any length. */
// oxlint-disable-next-line no-control-regex
const TERMINAL_STRING = /\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g;
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Output as a person would read it: without terminal codes and control characters, progress bars as they were in the end. */
export function renderPlain(output: string): string {
  const text = stripVTControlCharacters(output.replaceAll(TERMINAL_STRING, "")).replaceAll("\r\n", "\n");
  const overwritten = text.includes("\r") ? text.split("\n").map(lastOverwrite).join("\n") : text;
  return overwritten.replaceAll(CONTROLS, "");
}

/** What a carriage return begins anew replaces what was on the line. */
function lastOverwrite(line: string): string {
  const parts = line.split("\r");
  return parts.findLast((part) => part.trim() !== "") ?? "";
}
