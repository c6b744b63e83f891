import { stripVTControlCharacters } from "node:util";

/** Terminal commands with a text of any length, such as titles and links. */
// oxlint-disable-next-line no-control-regex
const TERMINAL_STRING = /\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g;
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Output as a person would read it: without terminal codes and control characters, with only the final state of progress bars. */
export function renderPlain(output: string): string {
  const text = stripVTControlCharacters(output.replaceAll(TERMINAL_STRING, "")).replaceAll("\r\n", "\n");
  const overwritten = text.includes("\r") ? text.split("\n").map(lastOverwrite).join("\n") : text;
  return overwritten.replaceAll(CONTROLS, "");
}

/** Text after a carriage return overwrites the text before it on the line. */
function lastOverwrite(line: string): string {
  const parts = line.split("\r");
  return parts.findLast((part) => part.trim() !== "") ?? "";
}
