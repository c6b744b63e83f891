import { parseQuoted, quoteCommand } from "../../contract/quote.js";

/** Fields of a result about the command and its end. */
interface Ended {
  readonly command: string;
  readonly exit_code: number | null;
}

/** Exit statuses of a shell whose command cannot be executed, or was not found. */
const NO_PROGRAM: readonly (number | null)[] = [126, 127];

/** Explains a command line given as one word that is not the name of a program: only a shell splits it. Empty for any other end. */
export function renderOneWord({ command, exit_code }: Ended): string {
  const [word = "", ...more] = parseQuoted(command) ?? [];
  if (!NO_PROGRAM.includes(exit_code) || more.length > 0 || !/[\s;&|<>()$`"'\\*?[\]{}~#!]/.test(word)) return "";
  return `hint: The one word after -- was taken as a program's name. For a command line: -- ${quoteCommand(["sh", "-c", word])}\n`;
}
