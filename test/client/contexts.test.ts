import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { parseContext } from "../../src/client/contexts/context.js";
import { chooseContext, readContexts, writeContexts } from "../../src/client/contexts/contexts.js";
import { placeOf } from "../../src/client/transport/place.js";
import { buildCommand, buildRequest, escapeEnd } from "../../src/client/transport/ssh-words.js";
import { openHome } from "../../src/host/home.js";
import { asSsh } from "../remote/as-ssh.js";

class Home implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "pt-"));
  readonly file = join(this.path, "contexts.json");

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

const addresses: readonly (readonly [url: string, user: string | null, host: string, port: number | null])[] = [
  ["ssh://box", null, "box", null],
  ["ssh://me@box.example:2222", "me", "box.example", 2222],
  ["ssh://me@[2001:db8::1]:22/", "me", "2001:db8::1", 22],
  ["ssh://a.b-c@10.0.0.1", "a.b-c", "10.0.0.1", null],
];

test("the address of a context has a user, a host and a port", () => {
  for (const [url, user, host, port] of addresses) {
    const context = asSsh(parseContext("box", { url }));
    assert.deepEqual([context.user, context.host, context.port], [user, host, port], url);
  }
});

const refused = [
  "",
  "box",
  "http://box",
  "kubernetes://namespace",
  "ssh://",
  "ssh://-oProxyCommand=x",
  "ssh://-l@box",
  "ssh://me:secret@box",
  "ssh://box:0",
  "ssh://box:65536",
  "ssh://box/path",
  "ssh://box;id",
  "ssh://b ox",
  "ssh://$(id)@box\n",
];

test("another address, name or path is refused with INVALID_ARGUMENT", () => {
  for (const url of refused) assert.throws(() => parseContext("box", { url }), { code: "INVALID_ARGUMENT" }, url);
  for (const name of ["", "local", "-x", "a b", "a/b", "x".repeat(65), "__proto__"])
    assert.throws(() => parseContext(name, { url: "ssh://box" }), { code: "INVALID_ARGUMENT" }, name);
  for (const field of ["pyro", "home"])
    for (const value of ["", "-x", "a\nb"])
      assert.throws(() => parseContext("box", { url: "ssh://box", [field]: value }), { code: "INVALID_ARGUMENT" });
});

test("contexts are kept in a file of mode 0600; the variable comes before the current one", async () => {
  using home = new Home();
  assert.deepEqual(readContexts(home.path), { current: null, all: {} });
  const all = { box: { url: "ssh://box", pyro: "/opt/pyro" }, other: { url: "ssh://other", home: "~/p" } };
  await writeContexts(home.path, { current: "box", all });
  assert.equal(statSync(home.file).mode & 0o777, 0o600);
  assert.deepEqual(readContexts(home.path), { current: "box", all });
  assert.equal(asSsh(chooseContext(home.path, {})).pyro, "/opt/pyro");
  assert.equal(asSsh(chooseContext(home.path, { PYRO_CONTEXT: "other" })).home, "~/p");
  assert.equal(chooseContext(home.path, { PYRO_CONTEXT: "local" }), null);
  assert.throws(() => chooseContext(home.path, { PYRO_CONTEXT: "bix" }), {
    code: "NOT_FOUND",
    hint: "Did you mean box?",
  });
  assert.throws(() => chooseContext(home.path, { PYRO_CONTEXT: "constructor" }), { code: "NOT_FOUND" });
});

test("a damaged file of contexts, or one of a newer pyro, is refused and not changed", () => {
  using home = new Home();
  for (const text of [
    "",
    "[]",
    '{"format":2,"contexts":{}}',
    '{"format":1}',
    '{"format":1,"contexts":{"a":{"url":1}}}',
    '{"format":1,"contexts":{"a":{"url":"ssh://-x"}}}',
    '{"format":1,"current":1,"contexts":{}}',
  ]) {
    writeFileSync(home.file, text);
    assert.throws(() => readContexts(home.path), { code: "HOME_UNUSABLE" }, text);
  }
});

test("ssh gets the user, port and host apart, and one quoted line for the other machine", () => {
  using home = new Home();
  const env = { PYRO_HOME: join(home.path, "h"), XDG_RUNTIME_DIR: home.path };
  const context = asSsh(parseContext("box", { url: "ssh://me@box:22", pyro: "~/my bin/pyro", home: "/it's" }));
  const place = placeOf(context, openHome(env), env);
  const words = buildCommand(place, ["relay", "--facts"]);
  assert.deepEqual(words.slice(-7), [
    ...["-p", "22", "-l", "me", "--", "box"],
    "env PYRO_HOME='/it'\\''s' ~/'my bin/pyro' relay --facts",
  ]);
  assert.ok(words.includes("BatchMode=yes"));
  assert.deepEqual(buildRequest(place, "exit"), [
    "-S",
    place.control,
    "-O",
    "exit",
    "-p",
    "22",
    "-l",
    "me",
    "--",
    "box",
  ]);
  assert.equal(escapeEnd("/a:b\\c"), "/a\\:b\\\\c");
  // ssh adds 17 characters to the name of its socket.
  assert.ok(Buffer.byteLength(place.control) - Buffer.byteLength(openHome(env).runtime) + 17 <= 28);
});
