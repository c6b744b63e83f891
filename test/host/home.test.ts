import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

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

test("after a reboot the runtime directory is made anew", (t) => {
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

test("a directory that is somebody's, or no directory, is not taken over", (t) => {
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
