// Renders python/pyro_mcp/_operations.py from the built contract. `--check` compares instead of writing.
import { contract, fail, pascalOf, readText, sdkMethods, snakeOf, writeRendered } from "./contract.mjs";

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

const isVersionRight = readText("python/pyproject.toml").includes(`\nversion = "${contract.version}"\n`);
if (!isVersionRight) fail(`python/pyproject.toml must have version = "${contract.version}", as package.json has.`);

/** Bodies of TypedDicts by name: the same shape is written once. */
const types = new Map();
const described = sdkMethods().map((method) => ({
  ...method,
  result: nameType(`${pascalOf(method.name)}Result`, method.schema.result),
  extras: [...(method.stdin ? stdinExtras : []), ...(method.streams ? streamExtras : [])],
}));
writeRendered("python/pyro_mcp/_operations.py", renderModule());

function renderModule() {
  return `# Rendered from src/contract/ by \`npm run docs\`. Do not edit.
"""The operations of the contract: their methods and the dictionaries they give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, NotRequired, TypedDict

from ._calls import Cancellation, Default, OnOutput, OnProgress, Stdin, command_line

VERSION = ${JSON.stringify(contract.version)}

NETWORK_VARIABLES = ${renderNames(contract.networkVariables)}
"""Variables that say how the network is reached from the host, in lower case: its proxies, and a Debian mirror."""

TRUST_VARIABLES = ${renderNames(contract.trustVariables)}
"""Variables that name a bundle of certificates, in lower case."""


${[...types.values()].join("\n\n")}

LOCAL = frozenset(${JSON.stringify(contract.operations.filter(({ isLocal }) => isLocal).map(({ name }) => name)).replaceAll(",", ", ")})
"""Operations that the \`pyro\` executable does on this machine."""


class Operations(ABC):
    """One method for each operation. A failed command is a result; everything else raises PyroError."""

    @abstractmethod
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
        """Performs one operation."""

${described.map(renderMethod).join("\n")}

class TaskOperations:
    """The operations of one task: a method for each whose first field is \`\`task_id\`\`.

    Attributes:
        task_id: Its id.
    """

    def __init__(self, operations: Operations, task_id: str) -> None:
        self._operations = operations
        self.task_id = task_id

${described
  .filter(({ handle }) => handle)
  .map(renderHandleMethod)
  .join("\n")}`;
}

function renderNames(names) {
  return `frozenset(
    {
${names.map((name) => `        ${JSON.stringify(name)},\n`).join("")}    }
)`;
}

function renderMethod({ name, method, summary, details, fields, positional, options, extras, result }) {
  const words = extras.map(([text, description]) => ({ name: wordOf(text), description }));
  return renderFunction({
    ...{
      name: snakeOf(method),
      positional,
      keywords: [...options.map(renderParameter), ...extras.map(([text]) => text)],
      result,
    },
    doc: `${summary}.${details ? `\n\n        ${details}` : ""}${renderArguments([...fields, ...words])}`,
    body: `self._call(
            ${JSON.stringify(name)},
            {${fields.map(({ name: field }) => `${JSON.stringify(field)}: ${field === "command" ? "command_line(command)" : field}`).join(", ")}},
${words.map(({ name: word }) => `            ${word}=${word},\n`).join("")}        )`,
  });
}

/** A method of the handle passes everything on to the method of the client. */
function renderHandleMethod({ method, summary, positional, options, extras, result, handle }) {
  const keywords = [...handle.options.map(renderParameter), ...extras.map(([text]) => text)];
  const passed = [...options.map(({ name }) => name), ...extras.map(([text]) => wordOf(text))];
  return renderFunction({
    ...{ name: snakeOf(handle.name), positional: handle.positional, keywords, result },
    doc: `${summary}: see \`\`Pyro.${snakeOf(method)}\`\`.`,
    body: `self._operations.${snakeOf(method)}(
${positional.map(({ name }) => `            ${name === "task_id" ? "self.task_id" : name},\n`).join("")}${passed.map((word) => `            ${word}=${word},\n`).join("")}        )`,
  });
}

function renderFunction({ name, positional, keywords, result, doc, body }) {
  const parameters = ["self", ...positional.map(renderParameter), ...(keywords.length > 0 ? ["*", ...keywords] : [])];
  return `    def ${name}(
${parameters.map((text) => `        ${text},\n`).join("")}    ) -> ${result}:
        """${doc}"""
        return ${body}
`;
}

function wordOf(parameter) {
  return parameter.slice(0, parameter.indexOf(":"));
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
  if (name === "content") return "content: Stdin";
  if (required) return `${name}: ${python}`;
  if (value === undefined || typeof value === "object") return `${name}: ${python} | None = None`;
  return `${name}: ${python} = ${resolved ? `Default(${renderValue(value)})` : renderValue(value)}`;
}

function renderValue(value) {
  return typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value);
}

/** The Python type of a schema; objects become TypedDicts, named after their first use. */
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
