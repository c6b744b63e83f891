import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { describeConsole, explainBoot } from "../../src/backend/qemu/console.js";
import { Qmp } from "../../src/backend/qemu/qmp.js";
import { findToolchain } from "../../src/backend/qemu/toolchain.js";
import { PyroError } from "../../src/contract/errors.js";
import { ListeningSocket } from "../../src/host/socket-file.js";
import { keeperPath } from "./keeper-path.js";

test("the end of a console: its last lines, without control characters, within the limit of a message", () => {
  const text = "\x1bc\x1b[?7l\x1b[2J\x1b[0mone\r\n\r\ntwo\x07\r\nthree\r\npyro-agent: started\r\n";
  assert.equal(describeConsole(text), "Its console ends with: two / three / pyro-agent: started");
  assert.ok(describeConsole("x".repeat(5_000)).length < 350);
});

test("a console without text says that the agent has not started", () => {
  assert.match(describeConsole("\r\n"), /console is empty/);
});

test("a VM that was not ready in time: the error has the end of its console; when QEMU has ended, its reason stays", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pc-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const listening = await ListeningSocket.open(join(directory, "qmp"));
  const { qemu: program } = await findToolchain(keeperPath);
  const console = ["-chardev", "ringbuf,id=console,size=65536"];
  const monitor = ["-chardev", "socket,id=qmp,fd=3,server=on,wait=off", "-mon", "chardev=qmp,mode=control"];
  const words = ["-nodefaults", "-display", "none", "-machine", "none", ...console, ...monitor];
  const qemu = spawn(program, words, { stdio: ["ignore", "ignore", "ignore", listening.fd] });
  listening[Symbol.dispose]();
  const ended = new Promise((resolve) => qemu.once("close", resolve));
  t.after(() => qemu.kill("SIGKILL"));
  const qmp = await Qmp.open(listening.file, 30_000, new AbortController().signal);
  await qmp.execute("ringbuf-write", { device: "console", data: "pyro-agent: started\r\n" });

  const late = new PyroError("VM_START_FAILED", "Not ready.");
  const explained = await explainBoot(late, qmp);
  assert.deepEqual(
    [explained.code, explained.message],
    [late.code, "Not ready. Its console ends with: pyro-agent: started"],
  );

  qemu.kill("SIGKILL");
  await ended;
  assert.equal((await explainBoot(late, qmp)).message, late.message);
  qmp.close();
});
