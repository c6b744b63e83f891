// Renders python/pyro_mcp/_operations.py from the built contract. `--check` compares instead of writing.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const FILE = "python/pyro_mcp/_operations.py";
const fileUrl = new URL(`../${FILE}`, import.meta.url);
const contractUrl = new URL("../dist/src/contract/", import.meta.url);

if (!existsSync(new URL("schemas.json", contractUrl))) fail("the contract is not built; run `npm run build`.");
const rendered = readJson("rendered.json");
const schemas = readJson("schemas.json");

const stdinExtras = [
  ["stdin: Stdin = None", "Standard input: a text, bytes, or an iterable of either."],
  ["check: bool = False", "Raise CommandFailedError unless the command ends with exit code 0."],
  ["on_stdout: OnOutput | None = None", "Called with standard output as it comes."],
  ["on_stderr: OnOutput | None = None", "Called with standard error as it comes."],
];
const streamExtras = [
  ["on_progress: OnProgress | None = None", "Called with each report of how far it is."],
  ["cancellation: Cancellation | None = None", "What cancels the call."],
];
const parameterTypes = {
  string: "str",
  integer: "int",
  boolean: "bool",
  object: "Mapping[str, str]",
  list: "Sequence[str]",
};

const project = readFileSync(new URL("../python/pyproject.toml", import.meta.url), "utf8");
if (!project.includes(`\nversion = "${rendered.version}"\n`)) {
  fail(`python/pyproject.toml must have version = "${rendered.version}", as package.json has.`);
}

/** Bodies of TypedDicts by name: the same shape is written once. */
const types = new Map();
const methods = rendered.operations.filter(({ sdk }) => sdk !== null).map(renderMethod);
if (methods.length === 0) fail("the contract has no operations.");
const source = renderModule();
if (process.argv.includes("--check")) {
  const current = existsSync(fileUrl) ? readFileSync(fileUrl, "utf8") : "";
  if (current !== source) fail(`${FILE} does not say what the contract says. Run \`npm run docs\` and commit it.`);
} else {
  writeFileSync(fileUrl, source);
}

function readJson(name) {
  return JSON.parse(readFileSync(new URL(name, contractUrl), "utf8"));
}

function fail(message) {
  process.stderr.write(`python: ${message}\n`);
  process.exit(1);
}

function renderModule() {
  return `# Rendered from src/contract/ by \`npm run docs\`. Do not edit.
"""The operations of the contract: their methods and the dictionaries they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, NotRequired, TypedDict

from ._calls import Cancellation, Default, OnOutput, OnProgress, Stdin, command_line

VERSION = ${JSON.stringify(rendered.version)}

TRUST_VARIABLES = frozenset(
    {
${rendered.trustVariables.map((name) => `        ${JSON.stringify(name)},\n`).join("")}    }
)
"""Variables that name a bundle of certificates, in lower case."""


${[...types.values()].join("\n\n")}

class Operations:
    """One method for each operation. A failed command is a result; everything else raises PyroError."""

    def _call(
        self,
        operation: str,
        fields: Mapping[str, object],
        *,
        stdin: Stdin = None,
        check: bool = False,
        on_stdout: OnOutput | None = None,
        on_stderr: OnOutput | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> Any:
        raise NotImplementedError

${methods.join("\n")}`;
}

function renderMethod({ name, summary, sdk, streams, stdin, fields }) {
  const schema = schemas[name];
  const offered = fields.filter(({ hidden }) => !hidden);
  const positional = offered.filter((field) => field.required && field.name !== "command");
  const named = offered.filter((field) => !positional.includes(field));
  const extras = [...(stdin ? stdinExtras : []), ...(streams ? streamExtras : [])];
  const keywords = [...named.map((field) => renderParameter(field)), ...extras.map(([text]) => text)];
  const parameters = [
    "self",
    ...positional.map((field) => renderParameter(field)),
    ...(keywords.length > 0 ? ["*", ...keywords] : []),
  ];
  const result = nameType(`${pascalOf(name)}Result`, schema.result);
  const passed = extras
    .map(([text]) => text.slice(0, text.indexOf(":")))
    .map((word) => `            ${word}=${word},\n`);
  return `    def ${snakeOf(sdk)}(
${parameters.map((text) => `        ${text},\n`).join("")}    ) -> ${result}:
        """${summary}.${renderArguments([...offered, ...extras.map(([text, description]) => ({ name: text.slice(0, text.indexOf(":")), description }))])}"""
        return self._call(
            ${JSON.stringify(name)},
            {${offered.map(({ name: field }) => `${JSON.stringify(field)}: ${field === "command" ? "command_line(command)" : field}`).join(", ")}},
${passed.join("")}        )
`;
}

function renderArguments(parameters) {
  if (parameters.length === 0) return "";
  const lines = parameters.map(({ name, description, minimum, maximum }) => {
    const limits = minimum === undefined ? "" : ` (${minimum} to ${maximum})`;
    return `            ${name}: ${description.replace(/\.$/, "")}${limits}.\n`;
  });
  return `\n\n        Args:\n${lines.join("")}        `;
}

function renderParameter({ name, type, required, resolved = false, default: value }) {
  const python =
    name === "command" ? "str | Sequence[str]" : name === "source_path" ? "str | PathLike[str]" : parameterTypes[type];
  if (required) return `${name}: ${python}`;
  if (value === undefined || typeof value === "object") return `${name}: ${python} | None = None`;
  return `${name}: ${python} = ${resolved ? `Default(${renderValue(value)})` : renderValue(value)}`;
}

function renderValue(value) {
  return typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value);
}

/** The Python type of a schema; objects become TypedDicts, named after where they were met first. */
function typeOf(schema, path) {
  if (schema.anyOf) return [...new Set(schema.anyOf.map((inner) => typeOf(inner, path)))].join(" | ");
  if (schema.enum) return `Literal[${schema.enum.map(renderValue).join(", ")}]`;
  if (schema.const !== undefined) return `Literal[${renderValue(schema.const)}]`;
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, path)).join(" | ");
  if (schema.type === "array")
    return `list[${typeOf(schema.items ?? {}, path.replace(/ies$/, "y").replace(/s$/, ""))}]`;
  if (schema.type === "object" && schema.properties) return nameType(path, schema);
  if (schema.type === "object") return "dict[str, Any]";
  return { string: "str", integer: "int", number: "float", boolean: "bool", null: "None" }[schema.type] ?? "Any";
}

function nameType(path, schema) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const type = typeOf(field, `${path.replace(/Result$/, "")}${pascalOf(name)}`);
    const note = field.description ? `    # ${field.description}\n` : "";
    return `${note}    ${name}: ${required.has(name) ? type : `NotRequired[${type}]`}\n`;
  });
  const body = fields.join("") || "    pass\n";
  const same = [...types].find(([, text]) => text.slice(text.indexOf("\n") + 1) === body);
  if (same) return same[0];
  types.set(path, `class ${path}(TypedDict):\n${body}`);
  return path;
}

function pascalOf(name) {
  return name.replaceAll(/(?:^|[._])([a-z])/g, (_, letter) => letter.toUpperCase());
}

function snakeOf(name) {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
