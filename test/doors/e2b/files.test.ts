import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";

import { chooseCoding, parseRange } from "../../../src/doors/e2b/files/download.js";
import { readEntry, renderPermissions } from "../../../src/doors/e2b/files/entry.js";
import { readParts } from "../../../src/doors/e2b/files/multipart.js";
import { readEvent } from "../../../src/doors/e2b/files/watchers.js";
import { me, Served, type Handle } from "./served.js";

let served: Served;
let sandbox: Handle;
let root: string;
before(async () => {
  served = await Served.open();
  sandbox = await served.create();
  root = join(served.directory, "root");
  mkdirSync(root);
});
after(() => served[Symbol.asyncDispose]());

const call = (method: string, message: object) => sandbox.call(`filesystem.Filesystem/${method}`, message);
const pathOf = (name: string) => join(root, name);
const fileUrl = (name: string) => `/files?path=${encodeURIComponent(pathOf(name))}`;
const octets = { "content-type": "application/octet-stream" };

test("stat and list: owner, mode, size, time, links resolved, order of names", async () => {
  mkdirSync(pathOf("tree/b"), { recursive: true });
  writeFileSync(pathOf("tree/b/file"), "four", { mode: 0o640 });
  writeFileSync(pathOf("tree/z"), "");
  symlinkSync("b/file", pathOf("tree/a"));
  symlinkSync("missing", pathOf("tree/c"));
  const { body } = await call("ListDir", { path: pathOf("tree"), depth: 2 });
  const names = body.entries.map(({ path }: { path: string }) => path.slice(pathOf("tree/").length));
  assert.deepEqual(names, ["a", "b", "b/file", "c", "z"]);
  const [link, , file, dangling] = body.entries;
  assert.deepEqual(
    [file.type, file.size, file.mode, file.permissions, file.owner],
    ["FILE_TYPE_FILE", "4", 0o640, "-rw-r-----", me],
  );
  assert.deepEqual(
    [link.type, link.permissions, link.symlinkTarget],
    ["FILE_TYPE_FILE", "Lrwxrwxrwx", pathOf("tree/b/file")],
  );
  assert.equal(dangling.type, "FILE_TYPE_SYMLINK");
  assert.equal((await call("ListDir", { path: pathOf("tree/z") })).body.code, "invalid_argument");
  assert.equal((await call("Stat", { path: pathOf("nope") })).body.code, "not_found");
  assert.match(file.modifiedTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
});

test("make, move and remove: parents are made, an existing directory is 409, a missing name is removed", async () => {
  const made = await call("MakeDir", { path: pathOf("m/n/o") });
  assert.deepEqual([made.status, made.body.entry.permissions], [200, "drwxr-xr-x"]);
  assert.deepEqual((await call("MakeDir", { path: pathOf("m/n") })).status, 409);
  writeFileSync(pathOf("m/file"), "x");
  assert.equal((await call("MakeDir", { path: pathOf("m/file/below") })).body.code, "invalid_argument");
  const moved = await call("Move", { source: pathOf("m/file"), destination: pathOf("m/new/place") });
  assert.equal(moved.body.entry.path, pathOf("m/new/place"));
  assert.equal((await call("Move", { source: pathOf("m/file"), destination: pathOf("x") })).body.code, "not_found");
  for (let times = 0; times < 2; times += 1) assert.equal((await call("Remove", { path: pathOf("m") })).status, 200);
});

test("paths: an empty one is the directory of the template, a relative one begins at the home of its user", async () => {
  const list = async (path: string) => (await call("ListDir", { path, depth: 1 })).body;
  const home = userInfo().homedir;
  const stat = async (path: string) => (await call("Stat", { path })).body;
  assert.equal((await stat("")).entry.path, home);
  mkdirSync(pathOf("workdir/inner"), { recursive: true });
  served.sandboxes.find(sandbox.id).update({ workdir: pathOf("workdir") });
  assert.deepEqual(
    (await list("")).entries.map(({ path }: { path: string }) => path),
    [pathOf("workdir/inner")],
  );
  assert.equal((await stat(".")).entry.path, home);
  assert.equal((await stat("~")).entry.path, home);
  const long = await call("Move", { source: "a", destination: "x".repeat(4096) });
  const nul = await call("Move", { source: "a", destination: "b\0c" });
  assert.deepEqual([long.body.code, nul.body.code], ["invalid_argument", "invalid_argument"]);
  served.sandboxes.find(sandbox.id).update({ workdir: undefined });
});

test("upload: bytes of any size, gzip, metadata; written in place with the mode kept", async () => {
  const big = Buffer.alloc(3_000_000, "0123456789");
  for (const [name, bytes] of [
    ["small", Buffer.from("hi")],
    ["big", big],
    ["empty", Buffer.alloc(0)],
  ] as const) {
    const { status, body } = await sandbox.ask("POST", fileUrl(name), { body: bytes, headers: octets });
    assert.deepEqual([status, body], [200, [{ path: pathOf(name), name, type: "file" }]]);
    assert.ok(readFileSync(pathOf(name)).equals(bytes));
  }
  assert.equal(statSync(pathOf("small")).mode & 0o777, 0o644);
  const { ino } = statSync(pathOf("small"));
  const headers = { ...octets, "content-encoding": "gzip", "x-metadata-Kind": "note" };
  const zipped = await sandbox.ask("POST", fileUrl("small"), { body: gzipSync("unzipped"), headers });
  assert.deepEqual(zipped.body[0].metadata, { kind: "note" });
  assert.equal(readFileSync(pathOf("small"), "utf8"), "unzipped");
  assert.equal(statSync(pathOf("small")).ino, ino);
  assert.deepEqual((await call("Stat", { path: pathOf("small") })).body.entry.metadata, { kind: "note" });
  await sandbox.ask("POST", fileUrl("small"), { body: Buffer.from("again"), headers: octets });
  assert.equal((await call("Stat", { path: pathOf("small") })).body.entry.metadata, undefined);
});

test("upload: a form writes each file to its own name; the same target twice, a directory and no path are 400", async () => {
  const boundary = "----b";
  const form = (...names: string[]) =>
    Buffer.from(
      `${names.map((name) => `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\n\r\n${name}\r\n`).join("")}--${boundary}--\r\n`,
    );
  const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
  const send = (path: string, body: Buffer) => sandbox.ask("POST", path, { body, headers });
  const { body } = await send("/files", form(pathOf("f/one"), pathOf("f/two")));
  assert.deepEqual(
    body.map(({ path }: { path: string }) => path),
    [pathOf("f/one"), pathOf("f/two")],
  );
  assert.equal(readFileSync(pathOf("f/two"), "utf8"), pathOf("f/two"));
  assert.equal((await send("/files", form(pathOf("f/one"), pathOf("f/one")))).status, 400);
  assert.equal((await send("/files", form(pathOf("f")))).status, 400);
  assert.equal((await send("/files", form(""))).status, 400);
  assert.equal((await send("/files", Buffer.from("not a form"))).status, 400);
  assert.equal((await sandbox.ask("POST", "/files", { body: Buffer.from("x"), headers: octets })).status, 400);
});

test("download: whole, ranges, empty, of the kernel, gzip, conditional; failures by status", async () => {
  writeFileSync(pathOf("digits"), "0123456789");
  writeFileSync(pathOf("nothing"), "");
  const get = (path: string, headers: Record<string, string> = {}) => sandbox.ask("GET", path, { headers });
  const whole = await get(fileUrl("digits"));
  assert.deepEqual([whole.status, whole.bytes.toString(), whole.headers.vary], [200, "0123456789", "Accept-Encoding"]);
  assert.match(String(whole.headers["content-disposition"]), /^inline; filename/);
  const part = await get(fileUrl("digits"), { range: "bytes=2-4" });
  assert.deepEqual([part.status, part.bytes.toString(), part.headers["content-range"]], [206, "234", "bytes 2-4/10"]);
  assert.equal((await get(fileUrl("digits"), { range: "bytes=20-" })).status, 416);
  assert.equal((await get(fileUrl("nothing"))).headers["content-length"], "0");
  assert.match((await get("/files?path=/proc/self/status")).bytes.toString(), /^Name:/);
  const zipped = await get(fileUrl("digits"), { "accept-encoding": "gzip" });
  assert.equal(gunzipSync(zipped.bytes).toString(), "0123456789");
  const modified = String(whole.headers["last-modified"]);
  assert.equal((await get(fileUrl("digits"), { "if-modified-since": modified })).status, 304);
  for (const [path, status] of [
    [fileUrl("nope"), 404],
    [`/files?path=${root}`, 400],
    ["/files?path=/dev/null", 400],
  ] as const) {
    const { status: given, body } = await get(path);
    assert.deepEqual([given, body.code], [status, status], path);
  }
  assert.equal((await get(fileUrl("digits"), { "accept-encoding": "br, identity;q=0" })).status, 406);
});

test("watchers: exactly CREATE, CHMOD and WRITE for a new file, asked right after the write; recursive, entries, ended", async () => {
  mkdirSync(pathOf("w/below"), { recursive: true });
  const { body } = await call("CreateWatcher", { path: pathOf("w"), recursive: true, includeEntry: true });
  const events = async () => (await call("GetWatcherEvents", { watcherId: body.watcherId })).body.events;
  await sandbox.ask("POST", fileUrl("w/new"), { body: Buffer.from("x"), headers: octets });
  const kinds = (list: { type: string; name: string }[]) => list.map(({ type, name }) => `${type.slice(11)} ${name}`);
  const first = await events();
  assert.deepEqual(kinds(first), ["CREATE new", "CHMOD new", "WRITE new"]);
  assert.equal(first[0].entry.path, pathOf("w/new"));
  assert.deepEqual(await events(), []);
  await call("MakeDir", { path: pathOf("w/below/deep") });
  await sandbox.ask("POST", fileUrl("w/below/deep/file"), { body: Buffer.from("x"), headers: octets });
  assert.ok(kinds(await events()).includes("WRITE below/deep/file"));
  await call("Move", { source: pathOf("w/new"), destination: pathOf("w/old") });
  assert.deepEqual(kinds(await events()), ["RENAME new", "CREATE old"]);
  assert.equal((await call("RemoveWatcher", { watcherId: body.watcherId })).status, 200);
  assert.equal((await call("GetWatcherEvents", { watcherId: body.watcherId })).body.code, "not_found");
  assert.equal((await call("CreateWatcher", { path: pathOf("w/old") })).body.code, "invalid_argument");
  assert.equal((await call("CreateWatcher", { path: pathOf("nope") })).body.code, "not_found");
});

test("watch: streams start, events and its deadline", async () => {
  const path = pathOf("w");
  const watching = sandbox.stream("filesystem.Filesystem/WatchDir", { path }, { "connect-timeout-ms": "2000" });
  for (let at = 0, ended = false; !ended; at += 1) {
    await sandbox.ask("POST", fileUrl(`w/s${at}`), { body: Buffer.from("x"), headers: octets });
    ended = await Promise.race([
      watching.then(() => true),
      new Promise<false>((done) => setTimeout(() => done(false), 20)),
    ]);
  }
  const { messages, end } = await watching;
  assert.deepEqual(messages[0], { start: {} });
  assert.ok(messages.some(({ filesystem }) => filesystem?.type === "EVENT_TYPE_WRITE"));
  assert.equal(end.error.code, "deadline_exceeded");
});

test("the guest's program: a killed one is started again with the next request", async () => {
  const { child } = served.pyro.tasks.get("task-000000000001")!.commands[0]!;
  child.kill("SIGKILL");
  assert.equal((await call("Stat", { path: root })).status, 200);
});

test("forms: parts split at any byte are the same", async () => {
  const text =
    '--b\r\nContent-Disposition: form-data; name="file"; filename="a/b"\r\n\r\none\r\n--\r\ntwo\r\n--b--\r\n';
  for (let size = 1; size < 12; size += 1) {
    async function* pieces() {
      for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
    }
    const found: string[] = [];
    for await (const part of readParts(pieces(), "b")) {
      let content = "";
      for await (const piece of part.content) content += piece.toString();
      found.push(`${part.name} ${part.fileName} ${content}`);
    }
    assert.deepEqual(found, ["file a/b one\r\n--\r\ntwo"]);
  }
});

test("forms: a file name that is not UTF-8 is refused", async () => {
  const text = "--b\r\ncontent-disposition: form-data; filename*=utf-8''%ff\r\n\r\nx\r\n--b--";
  async function* pieces() {
    yield Buffer.from(text);
  }
  await assert.rejects(readParts(pieces(), "b").next(), { status: 400 });
});

test("an entry of a guest that lies about times, types and texts is an entry all the same", () => {
  const odd = JSON.parse('{"toString":1,"valueOf":2}') as object;
  for (const [mtime_s, mtime_ns] of [
    [8e15, 0],
    [-1e12, 0],
    [1, -1],
    [odd, odd],
  ]) {
    const entry = readEntry({ entry: { path: odd, mode: odd, mtime_s, mtime_ns } });
    assert.equal(entry?.modifiedTime, mtime_ns === -1 ? "1970-01-01T00:00:00.000000000Z" : entry?.modifiedTime);
    assert.match(entry!.modifiedTime, /^19(70-01-01T00:00:0[01])\.000000000Z$/);
  }
  assert.equal(readEvent({ name: odd, kind: "\ud800" }).type, "EVENT_TYPE_\ufffd");
});

test("small forms: ranges, codings, permissions", () => {
  assert.deepEqual(parseRange("bytes=-3", 10), { from: 7, to: 9 });
  assert.deepEqual(parseRange("bytes=5-", 10), { from: 5, to: 9 });
  assert.equal(parseRange("bytes=0-1,3-4", 10), null);
  assert.equal(chooseCoding("gzip, deflate, br"), "identity");
  assert.equal(chooseCoding("gzip"), "gzip");
  assert.equal(renderPermissions(0o41777), "dtrwxrwxrwx");
  assert.equal(renderPermissions(0o104755), "urwxr-xr-x");
});
