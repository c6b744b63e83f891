// Renders docs/contract.json, every public name, from the built contract. `--check` compares instead of writing.
import { contract, snakeOf, writeRendered } from "./contract.mjs";

const built = new URL("../dist/src/", import.meta.url);
const { buildCommands } = await import(new URL("doors/cli/commands.js", built));
const { flagOf, nameOf } = await import(new URL("doors/cli/command.js", built));
const { catalog } = await import(new URL("environments/catalog.js", built));
const commands = buildCommands(contract);

/** Names for programs only: the server that `pyro mcp serve` runs. */
const factories = { "mcp serve": { typescript: "createServer", python: "create_server" } };

const text = `${JSON.stringify(
  {
    package: "pyro-mcp",
    executable: "pyro",
    facade: "Pyro",
    factory: factories["mcp serve"],
    environments: catalog.map(({ name }) => name),
    operations: [
      ...contract.operations.map(renderOperation),
      ...commands.filter(({ operation }) => operation === null).map(renderCommand),
    ],
  },
  null,
  2,
)}\n`;
writeRendered("docs/contract.json", text);

function renderOperation({ name, sdk, mcp, fields }) {
  const command = commands.find(({ operation }) => operation === name);
  const offered = fields.filter(({ hidden, default: value }) => !hidden && value !== undefined);
  return {
    operation: name,
    cli: command ? `pyro ${nameOf(command)}` : null,
    typescript: sdk,
    python: sdk && snakeOf(sdk),
    mcp,
    ...(command ? { flags: command.flags.map(flagOf) } : {}),
    defaults: Object.fromEntries(offered.map(({ name: field, default: value }) => [field, value])),
  };
}

function renderCommand(command) {
  const { typescript = null, python = null } = factories[nameOf(command)] ?? {};
  const operation = command.words.join(".");
  return { operation, cli: `pyro ${nameOf(command)}`, typescript, python, mcp: null, flags: command.flags.map(flagOf) };
}
