// Renders _results.py, _operations.py, _task_operations.py and the asynchronous variants of the last two in python/pyro_mcp/ from the
// built contract. `--check` compares instead of writing.
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

const HEAD = "# Rendered from src/contract/ by `npm run docs`. Do not edit.\n";
const WIDTH = 120;

/** Bodies of TypedDicts by name: the same shape is written once. */
const types = new Map();
const described = sdkMethods().map((method) => ({
  ...method,
  result: nameType(`${pascalOf(method.name)}Result`, method.schema.result),
  extras: [...(method.stdin ? stdinExtras : []), ...(method.streams ? streamExtras : [])],
}));
const ofTasks = described.filter(({ handle }) => handle);
/** A cancelled asyncio task cancels its call. */
const isForAsync = ([text]) => !text.startsWith("cancellation:");
const asynchronous = described.map((method) => ({ ...method, extras: method.extras.filter(isForAsync) }));
writeRendered("python/pyro_mcp/_async_operations.py", renderAsyncOperations());
writeRendered("python/pyro_mcp/_async_task_operations.py", renderAsyncTaskOperations());
writeRendered("python/pyro_mcp/_results.py", renderResults());
writeRendered("python/pyro_mcp/_operations.py", renderOperations());
writeRendered("python/pyro_mcp/_task_operations.py", renderTaskOperations());

function renderResults() {
  return `${HEAD}"""The dictionaries that the operations return."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


${[...types.values()].join("\n\n")}`;
}

function renderOperations() {
  return `${HEAD}"""The operations of the contract."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from ._calls import Cancellation, Default, OnOutput, OnProgress, Stdin, command_line
${renderImport(described)}
VERSION = ${JSON.stringify(contract.version)}

NETWORK_VARIABLES = ${renderNames(contract.networkVariables)}
"""Variables that say how the network is reached from the host, in lower case: its proxies, and a Debian mirror."""

TRUST_VARIABLES = ${renderNames(contract.trustVariables)}
"""Variables that name a bundle of certificates, in lower case."""

LOCAL = ${renderNames(contract.operations.filter(({ isLocal }) => isLocal).map(({ name }) => name))}
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

${described.map(renderMethod).join("\n")}`;
}

function renderTaskOperations() {
  return `${HEAD}"""The operations of one task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

from ._calls import Cancellation, Default, OnOutput, OnProgress, Stdin
from ._operations import Operations
${renderImport(ofTasks)}

class TaskOperations:
    """The operations of one task: a method for each whose first field is \`\`task_id\`\`.

    Attributes:
        task_id: Its id.
    """

    def __init__(self, operations: Operations, task_id: str) -> None:
        self._operations = operations
        self.task_id = task_id

${ofTasks.map(renderHandleMethod).join("\n")}`;
}

function renderAsyncOperations() {
  return `${HEAD}"""The operations of the contract, for asyncio."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from ._async_calls import OnOutput, OnProgress, Stdin
from ._calls import Default, command_line
${renderImport(described)}

class AsyncOperations(ABC):
    """One coroutine for each operation. A failed command is a result; everything else raises PyroError."""

    @abstractmethod
    async def _call(
        self,
        operation: str,
        fields: Mapping[str, object],
        *,
        stdin: Stdin = None,
        check: bool = False,
        on_stdout: OnOutput | None = None,
        on_stderr: OnOutput | None = None,
        on_progress: OnProgress | None = None,
    ) -> Any:
        """Performs one operation."""

${asynchronous.map(renderMethod).map(asCoroutine).join("\n")}`;
}

function renderAsyncTaskOperations() {
  const handles = asynchronous.filter(({ handle }) => handle);
  return `${HEAD}"""The operations of one task, for asyncio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

from ._async_calls import OnOutput, OnProgress, Stdin
from ._async_operations import AsyncOperations
from ._calls import Default
${renderImport(handles)}

class AsyncTaskOperations:
    """The operations of one task: a coroutine for each whose first field is \`\`task_id\`\`.

    Attributes:
        task_id: Its id.
    """

    def __init__(self, operations: AsyncOperations, task_id: str) -> None:
        self._operations = operations
        self.task_id = task_id

${handles.map(renderHandleMethod).map(asCoroutine).join("\n")}`;
}

/** The same method as a coroutine. */
function asCoroutine(method) {
  return method
    .replace("    def ", "    async def ")
    .replace(/return self\._(call|operations)/, "return await self._$1")
    .replace("see ``Pyro.", "see ``AsyncPyro.");
}

/** An import of the types that methods return. */
function renderImport(methods) {
  const names = [...new Set(methods.map(({ result }) => result))].toSorted();
  return `from ._results import (\n${names.map((name) => `    ${name},\n`).join("")})\n`;
}

function renderNames(names) {
  return `frozenset(
    {
${names.map((name) => `        ${JSON.stringify(name)},\n`).join("")}    }
)`;
}

function renderMethod({ name, method, summary, details, fields, positional, options, extras, result }) {
  const words = extras.map(([text, description]) => ({ name: wordOf(text), description }));
  const valueOf = ({ name: field, required }) =>
    field !== "command" ? pythonName(field) : required ? "command_line(command)" : "command and command_line(command)";
  const given = fields.map((field) => `"${field.name}": ${valueOf(field)}`);
  return renderFunction({
    ...{ name: snakeOf(method), positional, result },
    keywords: [...options.map(renderParameter), ...extras.map(([text]) => text)],
    doc: `${summary}.${details ? `\n\n        ${details}` : ""}${renderArguments([...fields, ...words])}`,
    body: renderList("return self._call(", [
      JSON.stringify(name),
      renderList("{", given, "}", 12),
      ...words.map(({ name: word }) => `${word}=${word}`),
    ]),
  });
}

/** A method of the handle passes everything on to the method of the client. */
function renderHandleMethod({ method, summary, positional, options, extras, result, handle }) {
  const place = positional.map(({ name }) => (name === "task_id" ? "self.task_id" : name));
  const words = [...options.map(({ name }) => name), ...extras.map(([text]) => wordOf(text))];
  return renderFunction({
    ...{ name: snakeOf(handle.name), positional: handle.positional, result },
    keywords: [...handle.options.map(renderParameter), ...extras.map(([text]) => text)],
    doc: `${summary}: see \`\`Pyro.${snakeOf(method)}\`\`.`,
    body: renderList(`return self._operations.${snakeOf(method)}(`, [
      ...place,
      ...words.map((word) => `${word}=${word}`),
    ]),
  });
}

function renderFunction({ name, positional, keywords, result, doc, body }) {
  const parameters = ["self", ...positional.map(renderParameter), ...(keywords.length > 0 ? ["*", ...keywords] : [])];
  const line = `    def ${name}(${parameters.join(", ")}) -> ${result}:\n`;
  const lines = `    def ${name}(\n${parameters.map((text) => `        ${text},\n`).join("")}    ) -> ${result}:\n`;
  return `${line.length <= WIDTH ? line : lines}        """${doc}"""
        ${body}
`;
}

/** A bracketed list: on one line, or else on lines as full as they may be. */
function renderList(head, items, tail = ")", indent = 8) {
  const line = `${head}${items.join(", ")}${tail}`;
  if (line.length + indent <= WIDTH && !line.includes("\n")) return line;
  const inner = " ".repeat(indent + 4);
  const lines = [""];
  for (const item of items) {
    const isFull = lines.at(-1) !== "" && inner.length + lines.at(-1).length + item.length + 2 > WIDTH;
    if (isFull || item.includes("\n")) lines.push(`${item},`);
    else lines[lines.length - 1] += `${lines.at(-1) === "" ? "" : " "}${item},`;
  }
  return `${head}\n${lines.map((text) => `${inner}${text}\n`).join("")}${" ".repeat(indent)}${tail}`;
}

function wordOf(parameter) {
  return parameter.slice(0, parameter.indexOf(":"));
}

function renderArguments(parameters) {
  if (parameters.length === 0) return "";
  const lines = parameters.map(({ name, description, minimum, maximum }) => {
    const limits = minimum === undefined ? "" : ` (${minimum} to ${maximum})`;
    return `            ${pythonName(name)}: ${description.replace(/\.$/, "")}${limits}.\n`;
  });
  return `\n\n        Args:\n${lines.join("")}        `;
}

/** A word of Python's own gets an underscore behind it. */
function pythonName(name) {
  return name === "from" ? "from_" : name;
}

function renderParameter({ name: field, type, required, resolved = false, default: value }) {
  const name = pythonName(field);
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
