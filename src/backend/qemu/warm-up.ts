/**
 * Commands run once before freezing, so that what every clone needs first is in memory already; a program that an environment lacks
 * does no harm. What each is worth is in docs/decisions/0023.
 */
export const warmUpCommands = [
  "true",
  "sh -c true; ls / >/dev/null; cat /dev/null; uname -a >/dev/null",
  "git --version",
  "python3 -c 1",
  "node -e 0",
] as const;
