// The common parts of the renderers: the built contract, the shape of the SDKs' methods, and writing or comparing a file.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
/** The contract alone, which is compiled before all that is rendered from it. */
const modules = new URL("dist/contract/", root);
const built = new URL("dist/src/contract/", root);
if (!existsSync(new URL("schemas.json", built))) fail("the contract is not built; run `npm run build`.");

export const contract = JSON.parse(readFileSync(new URL("rendered.json", built), "utf8"));
const schemas = JSON.parse(readFileSync(new URL("schemas.json", built), "utf8"));
const { operations } = await import(new URL("operations.js", modules));
if (contract.operations.length === 0) fail("the contract has no operations.");

/** Prints an error on standard error and ends the process. */
export function fail(message) {
  process.stderr.write(`render: ${message}\n`);
  process.exit(1);
}

export function readText(path) {
  return existsSync(new URL(path, root)) ? readFileSync(new URL(path, root), "utf8") : "";
}

/** Writes a file of the repository; with `--check` compares it instead. */
export function writeRendered(path, text) {
  if (!process.argv.includes("--check")) return writeFileSync(new URL(path, root), text);
  if (readText(path) !== text) fail(`${path} does not say what the contract says. Run \`npm run docs\` and commit it.`);
}

/** The operations that the SDKs offer, each with the shape of its method. */
export function sdkMethods() {
  return contract.operations
    .filter(({ sdk }) => sdk !== null)
    .map((rendered) => {
      const { sdk, details } = operations[rendered.name];
      const fields = rendered.fields
        .filter(({ hidden }) => !hidden)
        .map((field) => ({ ...field, required: field.required || sdk.first?.includes(field.name) === true }));
      const named = ["command", ...(sdk.named ?? [])];
      const positional = fields.filter(({ required, name }) => required && !named.includes(name));
      const options = fields.filter((field) => !positional.includes(field));
      const schema = schemas[rendered.name];
      const method = { ...rendered, ...sdk, details, fields, positional, options, schema };
      return { ...method, handle: handleOf(method) };
    });
}

/** The method of a task's handle: it takes by position what the CLI does, and what is required. Null for operations that are not about one task. */
function handleOf({ method, handleMethod, cli, fields, positional }) {
  if (fields[0]?.name !== "task_id") return null;
  const own = fields.filter(({ name }) => name !== "task_id");
  const words = new Set([...(cli ? [...cli.positionals, cli.rest] : []), ...positional.map(({ name }) => name)]);
  const first = [...words].flatMap((word) => own.filter(({ name }) => name === word));
  return {
    name: handleMethod ?? method.replace("Task", ""),
    positional: first,
    options: own.filter((field) => !first.includes(field)),
  };
}

/** `task.exec_output` as a name of types: `TaskExecOutput`. */
export function pascalOf(name) {
  return name.replaceAll(/(?:^|[._])([a-z])/g, (_, letter) => letter.toUpperCase());
}

export function snakeOf(name) {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
