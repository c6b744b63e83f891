// Renders the types and methods of the TypeScript SDK from the built contract: options.ts, results.ts and operations.ts in
// src/doors/sdk/, which are not kept in the repository. `npm run build` runs it before it compiles the rest.
import { z } from "zod";

import { pascalOf, sdkMethods, writeRendered } from "./contract.mjs";
import { camelOf, describeInput, renderFields, renderFunction, renderImport } from "./typescript-text.mjs";

const { sharedOptions, sharedResults } = await import(new URL("../dist/contract/shared-shapes.js", import.meta.url));

const HEAD = "// Rendered from src/contract/ by `npm run build`. Do not edit.\n";
/** The types of call-options.ts, which is written by hand. */
const callOptionTypes = ["CallOptions", "Command", "SessionOptions", "StdinSource"];
/** Inputs for which this door takes more than the schema, and converts it. */
const inputTypes = { command: "Command", content: "StdinSource" };

/** The declarations of results.ts and options.ts by name, in the order of their first use; each is rendered at the end. */
const results = new Map();
const options = new Map();

const resultBases = sharedResults.map((shape) => shapeOf(z.toJSONSchema(shape, { io: "output" })));
const optionBases = sharedOptions.map((shape) => shapeOf(z.toJSONSchema(shape, { io: "input" }), { isInput: true }));
for (const shape of resultBases) results.set(shape.name, () => renderInterface(shape, resultBases));
for (const shape of optionBases) {
  const further = shape.name === "CommandOptions" ? ["SessionOptions"] : [];
  options.set(shape.name, () => renderInterface(shape, optionBases, further));
}
const methods = sdkMethods().map(describeMethod);

writeRendered("src/doors/sdk/results.ts", renderModule([...results.values()].map((render) => render())));
writeRendered("src/doors/sdk/options.ts", renderModule([...options.values()].map((render) => render())));
writeRendered("src/doors/sdk/operations.ts", renderModule([renderOperations(), renderTaskOperations()]));

/** Adds the names of a method's types, and declares these types. */
function describeMethod(method) {
  const { name, method: word, options: fields, schema, stdin, streams, handle, optionsType } = method;
  const result = typeOf({
    title: `${pascalOf(name)}Result`,
    description: `What \`${word}\` returns.`,
    ...schema.result,
  });
  const base = stdin ? ["SessionOptions"] : streams ? ["CallOptions"] : [];
  const input = shapeOf(schema.input, { isInput: true });
  const declare = (wanted, typeName, caller) => {
    if (wanted.length === 0) return base[0] ?? null;
    const names = wanted.map((field) => camelOf(field.name));
    const shape = { ...input, name: typeName, description: `What \`${caller}\` takes.` };
    const own = { ...shape, fields: input.fields.filter(({ key }) => names.includes(key)) };
    if (!options.has(typeName)) options.set(typeName, () => renderInterface(own, optionBases, base));
    return typeName;
  };
  const ownType = optionsType ?? `${word[0].toUpperCase()}${word.slice(1)}Options`;
  const optionsName = declare(fields, ownType, word);
  const isSame = handle?.options.length === fields.length;
  const handleOptions = handle && declare(handle.options, isSame ? ownType : `${pascalOf(name)}Options`, handle.name);
  return { ...method, input, result, optionsName, handleOptions };
}

/** A JSON Schema of an object as the fields of an interface. */
function shapeOf(schema, { isInput = false } = {}) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {})
    .filter(([, field]) => field.hidden !== true)
    .map(([name, field]) => ({
      key: camelOf(name),
      type: (isInput && inputTypes[name]) || typeOf(field),
      isOptional: !required.has(name),
      default: field.default,
      doc: isInput ? describeInput(field) : (field.description ?? ""),
    }));
  return { name: schema.title, description: schema.description, fields };
}

function typeOf(schema) {
  if (schema.title) return declareResult(schema);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  // Any text is allowed; an editor offers the known values.
  if (schema.examples) return `${schema.examples.map((value) => JSON.stringify(value)).join(" | ")} | (string & {})`;
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") {
    const element = typeOf(schema.items ?? {});
    const isUnion = element.includes(" | ") && !element.startsWith("{");
    return `readonly ${isUnion ? `(${element})` : element}[]`;
  }
  if (schema.properties) return `{\n${renderFields(shapeOf(schema).fields)}}`;
  if (schema.type === "object") return `Readonly<Record<string, ${typeOf(schema.additionalProperties ?? {})}>>`;
  return (
    { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" }[schema.type] ??
    "unknown"
  );
}

/** Declares a type with a name of its own, once. */
function declareResult(schema) {
  const { title, description } = schema;
  if (results.has(title)) return title;
  results.set(title, null);
  const alias = `/** ${description} */\nexport type ${title} = ${typeOf({ ...schema, title: undefined })};\n`;
  const shape = shapeOf(schema);
  results.set(title, () => (schema.type === "string" ? alias : renderInterface(shape, resultBases)));
  return title;
}

/** An interface; it extends the shared shapes all of whose fields it has, the largest first. */
function renderInterface({ name, description, fields }, shared, further = []) {
  const keys = new Set(fields.map(keyOf));
  const covered = new Set();
  const bases = shared
    .filter((shape) => shape.name !== name && shape.fields.every((field) => keys.has(keyOf(field))))
    .toSorted((a, b) => b.fields.length - a.fields.length)
    .filter((shape) => {
      const isNew = shape.fields.some(({ key }) => !covered.has(key));
      for (const { key } of shape.fields) covered.add(key);
      return isNew;
    })
    .map((shape) => shape.name);
  // The shapes of commands extend SessionOptions already.
  const isCommand = bases.some((base) => /^(Task)?(Exec|Command)Options$/.test(base));
  const heads = [...bases, ...(isCommand ? [] : further)];
  const own = fields.filter(({ key }) => !covered.has(key));
  return `/** ${description} */\nexport interface ${name}${heads.length > 0 ? ` extends ${heads.join(", ")}` : ""} {\n${renderFields(own)}}\n`;
}

function keyOf({ key, type, isOptional, default: fallback }) {
  return JSON.stringify([key, type, isOptional, fallback]);
}

function renderOperations() {
  return `/** One method for each operation of the contract. A failed command is a result; everything else rejects with a \`PyroError\`. */
export class Operations {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }
${methods
  .filter(({ opens }) => opens === undefined)
  .map(renderMethod)
  .join("")}}
`;
}

function renderMethod(method) {
  const {
    name,
    method: word,
    summary,
    details,
    positional,
    options: fields,
    stdin,
    streams,
    result,
    optionsName,
  } = method;
  const isRequired = fields.some(({ required }) => required);
  const parameters = [
    ...positional.map((field) => `${camelOf(field.name)}: ${parameterType(method, field)}`),
    ...(optionsName ? [`options: ${optionsName}${isRequired ? "" : " = {}"}`] : []),
  ];
  const place = positional.map((field) => camelOf(field.name)).join(", ");
  const braced = (text) => (text === "" ? "{}" : `{ ${text} }`);
  const call = stdin ? "execute" : "request";
  const given =
    streams || stdin
      ? `${braced(place)}, options`
      : braced([optionsName ? "...options" : "", place].filter(Boolean).join(", "));
  return renderFunction({
    doc: [`${summary}.`, details].filter(Boolean).join(" "),
    signature: [word, parameters, stdin ? `Execution<${result}>` : `Promise<${result}>`],
    body: `return this.#caller.${call}(${JSON.stringify(name)}, ${given});`,
  });
}

function renderTaskOperations() {
  return `/** The operations of one task: a method for each whose first field is \`task_id\`. */
export class TaskOperations {
  readonly taskId: string;
  readonly #operations: Operations;

  constructor(operations: Operations, taskId: string) {
    this.#operations = operations;
    this.taskId = taskId;
  }
${methods
  .filter(({ handle }) => handle)
  .map(renderHandleMethod)
  .join("")}}
`;
}

function renderHandleMethod(method) {
  const { method: word, summary, positional, options: fields, stdin, result, handle, handleOptions } = method;
  const isRequired = handle.options.some(({ required }) => required);
  const parameters = [
    ...handle.positional.map((field) => {
      const type = parameterType(method, field);
      if (field.required) return `${camelOf(field.name)}: ${type}`;
      return `${camelOf(field.name)}${field.default === undefined ? `?: ${type}` : `: ${type} = ${JSON.stringify(field.default)}`}`;
    }),
    ...(handleOptions ? [`options: ${handleOptions}${isRequired ? "" : " = {}"}`] : []),
  ];
  const named = handle.positional.filter((field) => fields.includes(field)).map((field) => camelOf(field.name));
  const rest = [handleOptions ? "...options" : "", ...named].filter(Boolean);
  const further =
    rest.length === 0 ? [] : rest[0] === "...options" && rest.length === 1 ? ["options"] : [`{ ${rest.join(", ")} }`];
  const place = positional.map(({ name }) => (name === "task_id" ? "this.taskId" : camelOf(name)));
  return renderFunction({
    doc: `${summary}: see \`Pyro.${word}\`.`,
    signature: [handle.name, parameters, stdin ? `Execution<${result}>` : `Promise<${result}>`],
    body: `return this.#operations.${word}(${[...place, ...further].join(", ")});`,
  });
}

function parameterType({ input }, { name }) {
  return input.fields.find(({ key }) => key === camelOf(name)).type;
}

/** A module, with imports of the types that it names. */
function renderModule(declarations) {
  const body = declarations.join("\n");
  const uses = (name) => new RegExp(`\\b${name}\\b`).test(body.replaceAll(/\/\*\*[^]*?\*\//g, ""));
  const isDeclared = (name) => new RegExp(`^export (interface|type|class) ${name}\\b`, "m").test(body);
  const sources = [
    ["call-options", callOptionTypes],
    ["caller", ["Caller"]],
    ["execution", ["Execution"]],
    ["options", [...options.keys()]],
    ["results", [...results.keys()]],
  ];
  const imports = sources.flatMap(([file, names]) => {
    const used = names.filter((name) => uses(name) && !isDeclared(name)).toSorted();
    return used.length === 0 ? [] : [renderImport(used, file)];
  });
  return `${HEAD}${imports.join("")}\n${body}`;
}
