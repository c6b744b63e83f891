import { PyroError } from "../../contract/errors.js";
import { nearestName } from "../../contract/nearest.js";
import { nameOf, type Command } from "./command.js";

/** Commands of other tools, and their equivalent here. Help does not list them. */
const habits: readonly (readonly [typed: readonly string[], meant: readonly string[]])[] = [
  [["ls"], ["task", "list"]],
  [["ps"], ["task", "list"]],
  [["rm"], ["task", "delete"]],
  [
    ["task", "ls"],
    ["task", "list"],
  ],
  [
    ["task", "ps"],
    ["task", "list"],
  ],
  [
    ["task", "rm"],
    ["task", "delete"],
  ],
  [
    ["env", "ls"],
    ["env", "list"],
  ],
  [
    ["env", "rm"],
    ["env", "remove"],
  ],
  [
    ["env", "delete"],
    ["env", "remove"],
  ],
  [["images"], ["env", "list"]],
  [
    ["task", "inspect"],
    ["task", "status"],
  ],
  [["info"], ["daemon", "status"]],
];

/** Last words of commands of other tools, and what to use here. */
const advice: Readonly<Partial<Record<string, string>>> = {
  kill: "`pyro task signal TASK SEQUENCE KILL` ends a command, `pyro task delete TASK` a task.",
  ssh: "`pyro task shell TASK` opens a terminal that stays.",
  attach: "`pyro task output TASK SEQUENCE --follow` shows a running command, `pyro task shell TASK` opens a terminal.",
  cp: "`pyro task sync push` and `pull` copy directories, `pyro task file read` and `write` single files.",
  commit: "`pyro env save TASK NAME` makes an environment of a task, `pyro task snapshot create` a snapshot.",
  login: "Logins of registries are those of `docker login`; pyro itself has no account.",
  network: "A VM has a network with --network; `pyro task status` shows it.",
  "daemon restart": "`pyro daemon stop`; the next command starts it again.",
  restart: "`pyro task stop TASK` and `pyro task start TASK` save and continue a task.",
  stats: "`pyro task status TASK` shows the memory and disk of a task.",
  top: "`pyro task exec -t TASK -- top` shows its processes.",
  build: "`pyro env pull ENVIRONMENT` builds an environment.",
};

/** The same words, with another tool's command replaced by its equivalent. */
export function replaceHabit(words: readonly string[]): readonly string[] {
  const habit = habits.find(([typed]) => typed.every((word, index) => words[index] === word));
  return habit ? [...habit[1], ...words.slice(habit[0].length)] : words;
}

/** True when the command begins with these words. */
export function startsWith(command: Command, words: readonly string[]): boolean {
  return words.every((word, index) => command.words[index] === word);
}

/** The command that a line names, or null. `demo ollama` is not `demo` with an argument. */
export function findCommand(commands: readonly Command[], argv: readonly string[]): Command | null {
  const found = commands.filter((command) => command.words.every((word, index) => argv[index] === word));
  return found.toSorted((a, b) => b.words.length - a.words.length)[0] ?? null;
}

/** The possible next words. */
export function nextWords(commands: readonly Command[], words: readonly string[]): string[] {
  const next = commands.filter((command) => startsWith(command, words)).map((command) => command.words[words.length]);
  return [...new Set(next)].filter((word) => word !== undefined);
}

/** Explains why a line names no command, and suggests one. */
export function explainUnknown(commands: readonly Command[], argv: readonly string[]): PyroError {
  let known = 0;
  while (known < argv.length && nextWords(commands, argv.slice(0, known + 1)).length > 0) known += 1;
  const group = argv.slice(0, known);
  const next = argv[known];
  const name = group.join(" ");
  if (known > 0 && (next === undefined || next.startsWith("-"))) {
    const names = nextWords(commands, group).join(", ");
    return refusal(`\`pyro ${name}\` needs one of: ${names}`, `See \`pyro help ${name}\`.`);
  }
  if (next === undefined || next.startsWith("-")) {
    return refusal(`Unknown flag ${next}`, "Put flags after the command. See `pyro help`.");
  }
  const meant = suggest(commands, group, next).map((words) => `\`pyro ${words}\``);
  const near = meant.length > 0 ? `Did you mean ${meant.join(" or ")}?` : null;
  return refusal(
    `Unknown command \`pyro ${[...group, next].join(" ")}\``,
    advice[[...group, next].join(" ")] ?? advice[next] ?? near ?? `See \`pyro ${["help", ...group].join(" ")}\`.`,
  );
}

/** Commands of the group, else commands of any group that end with the word. */
function suggest(commands: readonly Command[], group: readonly string[], word: string): string[] {
  const ending = commands.filter(({ words }) => words.length > 1 && words.at(-1) === word).map(nameOf);
  if (group.length === 0 && ending.length > 0) return ending;
  const words = nextWords(commands, group);
  const near = nearestName(word, group.length === 0 ? [...words, "help", "version"] : words);
  return near === null ? ending : [[...group, near].join(" ")];
}

function refusal(message: string, hint: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", `${message}.`, { hint });
}
