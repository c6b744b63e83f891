// Renders docs/public-contract.md from the built contract. `--check` compares instead of writing.
import { z } from "zod";

import { contract as rendered, writeRendered } from "./contract.mjs";

const built = new URL("../dist/src/contract/", import.meta.url);
const { operations } = await import(new URL("operations.js", built));
const { errorKinds } = await import(new URL("errors.js", built));
const { limits } = await import(new URL("limits.js", built));
const { routeOf } = await import(new URL("wire.js", built));

writeRendered("docs/public-contract.md", renderPage());

function renderPage() {
  const sections = [
    "<!-- Rendered from src/contract/ by `npm run docs`. Do not edit. -->",
    "# The public contract",
    `What users of pyro ${rendered.version} may rely on. Names, flags, defaults, fields and codes follow Semantic Versioning; the English of messages does not.\n` +
      "Times are ISO 8601 in UTC; durations and sizes have their unit in their name. How requests and answers look is in [http.md](http.md).",
    renderTable(
      ["operation", "CLI", "MCP tool", "what it does"],
      rendered.operations.map(({ name, summary, cli, mcp }) => [
        `[\`${name}\`](#${anchorOf(name)})`,
        cli ? `\`pyro ${cli.words.join(" ")}\`` : "",
        mcp ? `\`${mcp}\`` : "",
        summary,
      ]),
    ),
    ...rendered.operations.map(renderOperation),
    renderErrors(),
    renderExitStatuses(),
    renderLimits(),
  ];
  return `${sections.join("\n\n")}\n`;
}

function renderOperation(operation) {
  const { name, summary, cli, streams, stdin, readOnly, fields } = operation;
  const schema = z.toJSONSchema(operations[name].output, { io: "output" });
  const facts = [
    ...(cli ? [`    ${renderUsage(operation)}`] : []),
    `    POST ${routeOf(name)}`,
    [
      streams ? "Streams: events come before the result." : "",
      stdin ? "Takes standard input." : "",
      readOnly ? "Changes nothing: clients ask again when the daemon dies before it has answered." : "",
      cli ? "The CLI takes `--json` too: one JSON object on standard output." : "",
    ]
      .filter(Boolean)
      .join(" "),
  ];
  const input =
    fields.length === 0
      ? "No input."
      : `Input:\n\n${renderTable(
          ["field", "type", "CLI", "default", "limits", "meaning"],
          fields.map((field) => renderInput(operation, field)),
        )}`;
  const output = `Result:\n\n${renderTable(["field", "type", "meaning"], renderOutput(schema, ""))}`;
  return [
    `## ${name}`,
    `${summary}.`,
    facts[0].startsWith("    ") ? facts.slice(0, -1).join("\n") : "",
    facts.at(-1),
    input,
    output,
  ]
    .filter(Boolean)
    .join("\n\n");
}

function renderUsage({ cli, fields, stdin }) {
  const taken = new Set([...cli.positionals, cli.rest]);
  const flags = fields.filter(({ name, hidden }) => !taken.has(name) && !hidden);
  return [
    "pyro",
    ...cli.words,
    ...cli.positionals.map((name) => renderPositional(fields.find((field) => field.name === name))),
    ...flags.map((field) => `[${flagOf(field)}${renderValue(field)}]`),
    ...(stdin ? ["[--no-stdin]"] : []),
    ...Object.keys(cli.flags ?? {}).map((name) => `[${flagOf({ name })}]`),
    ...Object.keys(cli.options ?? {}).map((name) => `[${flagOf({ name })} VALUE]`),
    "[--json]",
    ...(cli.rest ? ["--", `${cli.rest.toUpperCase()}…`] : []),
  ].join(" ");
}

function renderPositional({ name, type, required }) {
  const shown = `${name.toUpperCase()}${type === "list" ? "…" : ""}`;
  return required ? shown : `[${shown}]`;
}

function renderValue({ type, values, default: value }) {
  if (type === "boolean") return "";
  if (values) return ` ${values.join("|")}`;
  if (type === "list") return " VALUE…";
  return type === "object" ? " NAME=VALUE…" : ` ${value ?? "VALUE"}`;
}

function renderInput({ name: operation, cli }, field) {
  const { name, type, required, description, minimum, maximum } = field;
  const place = field.hidden
    ? "said by clients themselves"
    : !cli
      ? ""
      : cli.rest === name
        ? "after `--`, quoted for a shell"
        : cli.positionals.includes(name)
          ? `\`${name.toUpperCase()}\``
          : `\`${flagOf(field)}\``;
  return [
    `\`${name}\``,
    name === "command" ? "string or list of strings" : type === "list" ? "list of strings" : type,
    place,
    required ? "required" : field.default === undefined ? "none" : `\`${JSON.stringify(field.default)}\``,
    minimum === undefined ? limitOf(operation, name) : `${minimum} to ${maximum}`,
    description,
  ];
}

/** Limits of texts, which the rendered contract does not carry. */
function limitOf(operation, name) {
  const schema = z.toJSONSchema(operations[operation].input, { io: "input" }).properties[name];
  if (name === "command") return `1 to ${limits.commandBytes} bytes, no NUL`;
  return schema?.maxLength === undefined ? "" : `${schema.minLength ?? 0} to ${schema.maxLength} characters`;
}

function renderOutput(schema, prefix) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const optional = required.has(name) ? "" : ", optional";
    const row = [`\`${path}\``, `${typeOf(field)}${optional}`, field.description ?? ""];
    const inner = field.type === "array" ? field.items : field;
    const suffix = field.type === "array" ? "[]." : ".";
    return inner?.properties ? [row, ...renderOutput(inner, `${path}${suffix}`)] : [row];
  });
}

function typeOf(field) {
  if (field.anyOf) return field.anyOf.map(typeOf).join(" or ");
  if (field.enum) return field.enum.map((value) => `\`${value}\``).join(", ");
  if (field.examples) return `${field.examples.map((value) => `\`${value}\``).join(", ")} or another string`;
  if (field.type === "array") return field.items?.properties ? "list of objects" : `list of ${typeOf(field.items)}s`;
  return [field.type].flat().join(" or ");
}

function flagOf({ name, flag = name }) {
  return `--${flag.replaceAll("_", "-")}`;
}

function anchorOf(name) {
  return name.replaceAll(".", "").toLowerCase();
}

function renderErrors() {
  const rows = Object.entries(errorKinds).map(([code, kind]) => [
    `\`${code}\``,
    kind.fault,
    kind.retryable ? "yes" : "no",
    String(kind.exitStatus),
    String(kind.httpStatus),
    kind.hint,
  ]);
  return [
    "## Errors",
    'A failure is `{"error": {"code", "message", "hint", "details"}}`. `fault` says who has to act: the caller, the host, or pyro itself. `retry` says whether the same call may succeed later\nwithout anything being changed. The hint is the one given when the place of failure knows no better.',
    renderTable(["code", "fault", "retry", "exit status", "HTTP status", "hint"], rows),
    "`ABORTED` is 130 after Ctrl-C; the CLI exits with 125 when somebody else ended the call, such as `pyro daemon stop`.",
  ].join("\n\n");
}

function renderExitStatuses() {
  const rows = [
    [
      "0 to 255",
      "of `pyro run`: the command's own; 127 when the guest has no such command; 128 + N when signal N ended it",
    ],
    ["0", "of the others: done"],
    ["1", "of `pyro doctor`: no VM can run here"],
    ["2", "the command line or the input is wrong"],
    ["124", "the time-out ended the command"],
    ["125", "pyro failed"],
    [
      "130, 131, 143, 141",
      "Ctrl-C, Ctrl-\\, SIGTERM, or the reader of the output was gone; the command was ended and the VM removed",
    ],
  ];
  return `## Exit statuses of the CLI\n\n${renderTable(["status", "meaning"], rows)}`;
}

function renderLimits() {
  const rows = [
    ["a cancelled command's time to end after its signal", `${limits.cancelGraceSeconds} seconds`],
    ["output kept in a result, each stream", `${limits.resultOutputBytes} bytes: the first and the last half`],
    ["a line of a request's body", `${limits.requestLineBytes} bytes`],
    ["standard input sent that the command has not taken", `${limits.stdinWindowBytes} bytes`],
    ["a command", `${limits.commandBytes} bytes`],
  ];
  return `## Other limits\n\n${renderTable(["what", "limit"], rows)}`;
}

function renderTable(head, rows) {
  const line = (cells) =>
    `|${cells.map((cell) => (cell === "" ? " " : ` ${cell.replaceAll("|", "\\|")} `)).join("|")}|`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}
