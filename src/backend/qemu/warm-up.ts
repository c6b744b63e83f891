/**
 * Commands that run once before freezing, so that the pages that every clone needs first are in memory already. A program that an
 * environment lacks does no harm. docs/decisions/0023 has the gain of each command.
 */
export const warmUpCommands = [
  "true",
  "sh -c true; ls / >/dev/null; cat /dev/null; uname -a >/dev/null",
  "git --version",
  "python3 -c 1",
  "node -e 0",
] as const;
