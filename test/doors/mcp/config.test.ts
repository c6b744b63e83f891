import assert from "node:assert/strict";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { parse as parseToml } from "smol-toml";

import { mcpClients } from "../../../src/contract/mcp-clients.js";
import { clients } from "../../../src/doors/mcp/config/clients.js";
import { configure } from "../../../src/doors/mcp/config/configure.js";
import { mergeServer } from "../../../src/doors/mcp/config/merge.js";

class Home {
  readonly path = mkdtempSync(join(tmpdir(), "pt-"));
  readonly env = { HOME: this.path, PATH: "/usr/bin:/bin", PYRO_HOME: "/a/home" };

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }

  write(client: string, file: string | null = null): Promise<string> {
    return configure({ client, write: true, file }, this.env);
  }
}

const wrongly = (code: string) => (error: unknown) => (error as { code: string }).code === code;

for (const client of mcpClients) {
  test(`${client}: the printed configuration is written into the client's own file, once`, async () => {
    using home = new Home();
    const printed = await configure({ client, write: false, file: null }, home.env);
    await home.write(client);
    const path = clients[client].path(home.env, home.path);
    assert.equal(readFileSync(path, "utf8"), printed);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const [group, name] = clients[client].place;
    const value = (clients[client].format === "toml" ? parseToml(printed) : JSON.parse(printed)) as Record<
      string,
      Record<string, object>
    >;
    const server = JSON.stringify(value[group]?.[name]);
    for (const word of ["bin/pyro", "mcp", "serve", "/a/home"]) assert.ok(server.includes(word), word);
    await home.write(client);
    assert.equal(readFileSync(path, "utf8"), printed);
  });
}

test("a directory for pulls is part of the command, with its real and absolute path, and must exist", async () => {
  using home = new Home();
  const link = join(home.path, "link");
  symlinkSync(home.path, link);
  const wish = { client: "cursor", write: false, file: null };
  const printed = await configure({ ...wish, allowPull: link }, home.env);
  const { mcpServers } = JSON.parse(printed) as { mcpServers: { pyro: { args: string[] } } };
  assert.deepEqual(mcpServers.pyro.args.slice(-2), ["--allow-pull", realpathSync(home.path)]);
  const missing = configure({ ...wish, allowPull: join(home.path, "none") }, home.env);
  await assert.rejects(missing, wrongly("INVALID_ARGUMENT"));
});

test("a merge keeps the rest of the file, and a backup", async () => {
  using home = new Home();
  const path = join(home.path, "mcp.json");
  const before = `{
  // of mine
  "mcpServers": {
    "other": { "command": "x", "args": [] }, // stays
    "pyro": { "command": "old" },
  },
  "theme": "dark"
}
`;
  writeFileSync(path, before);
  chmodSync(path, 0o644);
  const link = join(home.path, "link.json");
  symlinkSync(path, link);
  await home.write("cursor", link);
  const after = readFileSync(path, "utf8");
  for (const kept of ["// of mine", '"other": { "command": "x", "args": [] }, // stays', '"theme": "dark"'])
    assert.ok(after.includes(kept), after);
  assert.ok(!after.includes("old"));
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(statSync(path).mode & 0o777, 0o644);
  assert.equal(readFileSync(`${path}.before-pyro`, "utf8"), before);
  // A second change keeps the first backup.
  await configure({ client: "cursor", write: true, file: path }, { ...home.env, PYRO_HOME: "/b" });
  assert.equal(readFileSync(`${path}.before-pyro`, "utf8"), before);
  assert.equal(readFileSync(`${path}.before-pyro-2`, "utf8"), after);
});

test("a configuration file that cannot be parsed stays unchanged", async () => {
  using home = new Home();
  const path = join(home.path, "file");
  for (const [client, text] of [
    ["cursor", '{ "mcpServers": { '],
    ["cursor", "[]"],
    ["cursor", '{ "mcpServers": [] }'],
    ["codex", "mcp_servers = "],
    ["codex", "mcp_servers = 3"],
    ["codex", 'mcp_servers = { other = { command = "x" } }'],
  ] as const) {
    writeFileSync(path, text);
    await assert.rejects(home.write(client, path), wrongly("FAILED_PRECONDITION"), text);
    assert.equal(readFileSync(path, "utf8"), text);
  }
  await assert.rejects(home.write("cursor", home.path), wrongly("FAILED_PRECONDITION"));
  await assert.rejects(home.write("cursor", join(path, "below")), wrongly("FAILED_PRECONDITION"));
  await assert.rejects(home.write("curser"), wrongly("INVALID_ARGUMENT"));
});

test("TOML keeps its comments; an earlier entry is replaced with its nested tables", () => {
  const before = `model = "x" # mine

[mcp_servers.pyro]
command = "old"
[mcp_servers.pyro.env]
OLD = "1"

[mcp_servers.other] # stays
command = "y"

[tui]
theme = "[mcp_servers.pyro]"
`;
  const after = mergeServer("toml", before, ["mcp_servers", "pyro"], { command: "new", args: ["a"] });
  for (const kept of ['model = "x" # mine', "[mcp_servers.other] # stays", 'theme = "[mcp_servers.pyro]"'])
    assert.ok(after.includes(kept), after);
  assert.ok(!after.includes("old") && !after.includes("OLD"));
  const { mcp_servers: servers } = parseToml(after);
  assert.deepEqual(JSON.parse(JSON.stringify(servers)), {
    other: { command: "y" },
    pyro: { command: "new", args: ["a"] },
  });
});
