import type { RenderedField } from "../../contract/rendered.js";
import { flagOf, letterOf, type Command } from "./command.js";
import { startsWith } from "./find-command.js";
import { jsonLine } from "./json-line.js";

const WIDTH = 80;

/** A page of help: on all commands, on a group such as `env`, or on one command. */
export function renderHelp(commands: readonly Command[], words: readonly string[]): string {
  const group = commands.filter((command) => startsWith(command, words));
  const [command] = group;
  if (words.length > 0 && group.length === 1 && command) return renderCommand(command);
  return words.length > 0 ? renderGroup(group, words) : renderOverview(commands);
}

/** The same page as data: its commands with their arguments and flags. */
export function renderHelpJson(commands: readonly Command[], words: readonly string[]): string {
  const shown = commands.filter((command) => startsWith(command, words));
  const described = shown.map(({ words: name, summary, positionals, rest, flags }) => ({
    command: name.join(" "),
    summary,
    arguments: [...positionals, ...(rest ? [rest] : [])].map(describeField),
    flags: flags.map((field) => ({ flag: flagOf(field), ...describeField(field) })),
  }));
  return jsonLine({ commands: described });
}

function describeField({ name, type, required, description, default: value, minimum, maximum, values }: RenderedField) {
  return { name, type, required, description, default: value, minimum, maximum, values };
}

const groups: readonly (readonly [title: string, words: readonly string[]])[] = [
  ["Run commands in VMs", ["run", "demo"]],
  ["Tasks: VMs that stay", ["task"]],
  ["Environments: systems that VMs start from", ["env"]],
  ["For agents", ["mcp"]],
  ["Other machines", ["context", "relay"]],
  ["This machine", ["doctor", "bench", "daemon", "toolchain", "completion"]],
];

const exitStatuses: readonly Row[] = [
  ["0", "Done."],
  ["2", "The command line is wrong; standard error explains it."],
  ["125", "pyro failed; standard error names the cause and the next step."],
  ["others", "See `pyro help run`. `pyro doctor` returns 1 when no VM can run."],
];

const runExitStatuses: readonly Row[] = [
  ["0 to 255", "Exit code of the command; 127 when the VM has no such command."],
  ["124", "The time-out ended the command."],
  ["125", "pyro failed; standard error names the cause and the next step."],
  ["2", "The command line is wrong; standard error explains it."],
  ["130, 131, 143", "Ctrl-C, Ctrl-\\ or SIGTERM: the command was killed."],
];

function renderOverview(commands: readonly Command[]): string {
  const titled = new Set(groups.flatMap(([, words]) => words));
  const others = commands.filter(({ words }) => !titled.has(words[0] ?? ""));
  const sections = groups.map(([title, words]) =>
    renderSection(
      title,
      words.flatMap((word) => commands.filter((command) => command.words[0] === word)).map(renderLine),
    ),
  );
  return [
    "pyro runs commands in real virtual machines that a coding agent may break.",
    "usage: pyro COMMAND [FLAGS]",
    ...sections,
    ...(others.length > 0 ? [renderSection("More", others.map(renderLine))] : []),
    renderSection("Everywhere", [
      ["-h, --help", "Show help; `pyro help run` shows the help of `pyro run`."],
      ["-V, --version", "Show the version."],
    ]),
    renderSection("Exit status", exitStatuses),
    "Try: pyro run debian:12 -- uname -a",
  ]
    .map((section) => `${section.trimEnd()}\n`)
    .join("\n");
}

function renderGroup(group: readonly Command[], words: readonly string[]): string {
  const hint = `See \`pyro help ${words.join(" ")} COMMAND\` for details.`;
  return `usage: pyro ${words.join(" ")} COMMAND [FLAGS]\n\n${renderTable(group.map(renderLine))}\n${hint}\n`;
}

function renderCommand(command: Command): string {
  const sections = [
    `${command.summary}.`,
    `usage: pyro ${renderUsage(command)}`,
    renderTable(argumentsOf(command)),
    renderSection("Flags", [...command.flags.map(renderFlag), ["-h, --help", "Show this page."] as const]),
    ...(command.examples.length > 0 ? [`Examples\n${command.examples.map((line) => `  ${line}\n`).join("")}`] : []),
    ...(command.rest ? [renderSection("Exit status", runExitStatuses)] : []),
  ];
  return sections
    .filter((section) => section !== "")
    .map((section) => `${section.trimEnd()}\n`)
    .join("\n");
}

function argumentsOf({ positionals, rest }: Command): Row[] {
  const rows: Row[] = positionals.map((field) => [field.name.toUpperCase(), field.description]);
  if (rest) rows.push([`${rest.name.toUpperCase()}…`, "The command and its arguments, as in a shell."]);
  return rows;
}

function renderUsage({ words, positionals, rest, flags }: Command): string {
  return [
    ...words,
    ...positionals.map(renderPositional),
    ...(flags.length > 0 ? ["[FLAGS]"] : []),
    ...(rest ? ["--", `${rest.name.toUpperCase()}…`] : []),
  ].join(" ");
}

type Row = readonly [left: string, right: string];

function renderLine(command: Command): Row {
  const positionals = command.positionals.map(renderPositional);
  const rest = command.rest ? ["--", `${command.rest.name.toUpperCase()}…`] : [];
  return [[...command.words, ...positionals, ...rest].join(" "), command.summary];
}

/** `TASK_ID`, `[SIGNAL]` for an optional one, `[PATHS…]` for one that takes all remaining words. */
function renderPositional({ name, required, type }: RenderedField): string {
  const shown = `${name.toUpperCase()}${type === "list" ? "…" : ""}`;
  return required ? shown : `[${shown}]`;
}

function renderFlag(field: RenderedField): Row {
  const { type, description, minimum, maximum } = field;
  const flag = [letterOf(field), flagOf(field)].filter((name) => name !== undefined).join(", ");
  const left = type === "boolean" ? flag : `${flag} ${valueNames[type]}`;
  const hasFallback = (type === "string" || type === "integer") && field.default !== undefined;
  const fallback = hasFallback ? [`default ${String(field.default)}`] : [];
  const again = type === "list" || type === "object" ? ["may be repeated"] : [];
  const isBounded = type === "integer" && maximum !== Number.MAX_SAFE_INTEGER;
  const facts = [...(isBounded ? [`${minimum} to ${maximum}`] : []), ...fallback, ...again];
  return [left, facts.length > 0 ? `${description} (${facts.join(", ")})` : description];
}

function renderSection(title: string, rows: readonly Row[]): string {
  return `${title}\n${renderTable(rows)}`;
}

function renderTable(rows: readonly Row[]): string {
  const left = Math.max(0, ...rows.map(([text]) => text.length)) + 4;
  return rows
    .map(([name, text]) => `  ${name.padEnd(left - 2)}${wrap(text, WIDTH - left).join(`\n${" ".repeat(left)}`)}\n`)
    .join("");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

const valueNames = { integer: "N", string: "VALUE", list: "VALUE", object: "NAME=VALUE", boolean: "" } as const;
