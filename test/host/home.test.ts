import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";

import { openAppending, openAppendingSync } from "../../src/host/files.js";
import { openHome } from "../../src/host/home.js";

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "ph-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("a login shell and a cron job find the same sockets", (t) => {
  const base = directory(t);
  const home = join(base, "home");
  const fromShell = openHome({ PYRO_HOME: home, XDG_RUNTIME_DIR: base });
  assert.deepEqual(openHome({ PYRO_HOME: home }), fromShell);
  assert.ok(fromShell.runtime.startsWith(base));
});

test("a runtime directory of an earlier version, which does not name its home, stays in use", (t) => {
  const base = directory(t);
  const env = { PYRO_HOME: join(base, "home"), XDG_RUNTIME_DIR: base };
  const { runtime } = openHome(env);
  assert.equal(readFileSync(join(runtime, "home"), "utf8"), join(base, "home"));
  rmSync(join(runtime, "home"));
  assert.equal(openHome({ ...env, XDG_RUNTIME_DIR: directory(t) }).runtime, runtime);
});

test("after a reboot the runtime directory is created again", (t) => {
  const base = directory(t);
  const env = { PYRO_HOME: join(base, "home"), XDG_RUNTIME_DIR: base };
  const { runtime } = openHome(env);
  rmSync(join(base, "pyro"), { recursive: true });
  assert.equal(openHome(env).runtime, runtime);
  assert.equal(statSync(runtime).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(join(base, "home")), ["run"]);
});

test("a home with a path of any length works; a runtime directory that is too long is named", (t) => {
  const base = directory(t);
  const long = "x".repeat(200);
  assert.ok(openHome({ PYRO_HOME: join(base, long), XDG_RUNTIME_DIR: base }).daemonSocket.length < 107);

  assert.equal(openHomeError({ PYRO_HOME: join(base, "other"), XDG_RUNTIME_DIR: join(base, long) }), "HOME_UNUSABLE");
});

test("a directory with foreign files, or a file, is not used as a home", (t) => {
  const base = directory(t);
  writeFileSync(join(base, "file"), "");
  assert.equal(openHomeError({ PYRO_HOME: join(base, "file"), XDG_RUNTIME_DIR: base }), "HOME_UNUSABLE");
  assert.equal(openHomeError({ PYRO_HOME: "/proc/pyro", XDG_RUNTIME_DIR: base }), "HOME_UNUSABLE");
});

function openHomeError(env: NodeJS.ProcessEnv): string | null {
  try {
    openHome(env);
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test("a copy of a home has sockets of its own", (t) => {
  const base = directory(t);
  const original = openHome({ PYRO_HOME: join(base, "original"), XDG_RUNTIME_DIR: base });
  mkdirSync(join(base, "copy"), { mode: 0o700 });
  symlinkSync(original.runtime, join(base, "copy", "run"));
  assert.notEqual(openHome({ PYRO_HOME: join(base, "copy"), XDG_RUNTIME_DIR: base }).runtime, original.runtime);
});

test("a home that is a link to nothing is refused", (t) => {
  const base = directory(t);
  symlinkSync(join(base, "nothing"), join(base, "link"));
  assert.equal(openHomeError({ PYRO_HOME: join(base, "link"), XDG_RUNTIME_DIR: base }), "HOME_UNUSABLE");
});

test("a home that other users can write is refused if it has files, and made private if it is empty", (t) => {
  const base = directory(t);
  const home = join(base, "home");
  mkdirSync(home);
  chmodSync(home, 0o777);
  writeFileSync(join(home, "daemon.log"), "");
  assert.equal(openHomeError({ PYRO_HOME: home, XDG_RUNTIME_DIR: base }), "HOME_UNUSABLE");
  assert.equal(statSync(home).mode & 0o777, 0o777);
  rmSync(join(home, "daemon.log"));
  openHome({ PYRO_HOME: home, XDG_RUNTIME_DIR: base });
  assert.equal(statSync(home).mode & 0o777, 0o700);
});

test("a home that other users can only read is made private", (t) => {
  const base = directory(t);
  const home = join(base, "home");
  mkdirSync(home);
  chmodSync(home, 0o755);
  writeFileSync(join(home, "daemon.log"), "");
  openHome({ PYRO_HOME: home, XDG_RUNTIME_DIR: base });
  assert.equal(statSync(home).mode & 0o777, 0o700);
});

for (const name of ["daemon.log", "daemon.lock"]) {
  test(`a link instead of ${name} is refused, and its target is not created`, (t) => {
    const base = directory(t);
    const home = join(base, "home");
    mkdirSync(home, { mode: 0o700 });
    symlinkSync(join(base, "victim"), join(home, name));
    assert.equal(openHomeError({ PYRO_HOME: home, XDG_RUNTIME_DIR: base }), "HOME_UNUSABLE");
    assert.equal(existsSync(join(base, "victim")), false);
  });
}

test("a file that is opened for appending is never a link", async (t) => {
  const base = directory(t);
  symlinkSync(join(base, "victim"), join(base, "log"));
  await assert.rejects(openAppending(join(base, "log")), { code: "ELOOP" });
  assert.throws(() => openAppendingSync(join(base, "log")), { code: "ELOOP" });
});

test("a runtime directory that another user made is not used; one with a random name is created and found again", (t) => {
  const base = directory(t);
  const named = join(base, `pyro-${userInfo().uid}`);
  if (userInfo().uid === 0) {
    mkdirSync(named);
    chownSync(named, 65_534, 65_534);
  } else symlinkSync("/", named);
  const { TMPDIR } = process.env;
  process.env["TMPDIR"] = base;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = TMPDIR;
  });
  const env = { PYRO_HOME: join(base, "home") };
  const { runtime } = openHome(env);
  assert.match(runtime, new RegExp(`/pyro-${userInfo().uid}-[^/]+/[0-9a-f]{12}$`));
  assert.equal(statSync(dirname(runtime)).mode & 0o777, 0o700);
  assert.equal(openHome(env).runtime, runtime);
});
