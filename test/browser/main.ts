import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { endOf } from "../client/scratch.js";
import { TaskScratch } from "../faults/task-scratch.js";
import { Chromium } from "./chromium.js";

/** `make test-browser`: dev servers in a VM without a network, in a real browser. Screenshots are left in .test-browser. */
const checkout = fileURLToPath(new URL("../../../", import.meta.url));
const SITE = join(checkout, "test/browser/site");
const PICTURES = join(checkout, ".test-browser");
const PORT = 5173;
const LARGE_BYTES = 100 * 1_048_576;
/** The page's background, in style.css. */
const BACKGROUND = [32, 64, 96];

const servers = { node: "exec node server.mjs", python: "exec python3 server.py" };

let scratch: TaskScratch;
let site: string;
let task: string;
before(async () => {
  scratch = new TaskScratch();
  site = join(scratch.directory, "site");
  cpSync(SITE, site, { recursive: true });
  mkdirSync(PICTURES, { recursive: true });
  task = await scratch.create({ environment: "debian:12-build", mem_mib: 1024, source_path: site });
});
after(() => scratch[Symbol.asyncDispose]());

async function serve(name: keyof typeof servers, port: number): Promise<string> {
  const { ports } = await scratch.client.call("task.service.start", {
    ...{ task_id: task, name, command: `${servers[name]} ${port}`, ready: `http:${port}/` },
    ...{ publish: [String(port)], ready_timeout_seconds: 120 },
  });
  return ports[0]!.url;
}

for (const [index, name] of (["node", "python"] as const).entries()) {
  test(`a dev server of ${name} in a browser: page, WebSocket, events, hot reload after a push, download`, async (t) => {
    const links = await scratch.exec(task, "ls /sys/class/net");
    assert.equal(links.stdout.trim(), "lo");
    await pushMessage(`Hello from ${name} in a VM, für alle`);
    const port = PORT + 10 * index;
    const url = await serve(name, port);
    {
      await using chromium = await Chromium.open();
      await chromium.goTo(url);
      await chromium.shows("message", new RegExp(`^Hello from ${name} in a VM, für alle$`, "m"));
      await chromium.shows("echo", /^10003 characters, end$/);
      await chromium.shows("events", /^\d+$/);
      assert.equal(await chromium.evaluate("document.title"), "A page of a VM");
      assert.equal(await chromium.evaluate("document.cookie"), "");

      await checkPicture(chromium, `${name}.png`);
      // The page is loaded again by its server's event.
      await chromium.evaluate("globalThis.isOld = true");
      await pushMessage(`Changed for ${name}`);
      await chromium.shows("message", new RegExp(`^Changed for ${name}$`, "m"));
      assert.equal(await chromium.evaluate("globalThis.isOld"), undefined);
      await chromium.shows("echo", /^10003 characters, end$/);
      await checkPicture(chromium, `${name}-changed.png`);

      t.diagnostic(await download(chromium));
    }
    t.diagnostic(await latency(url, port));
    await scratch.client.call("task.service.stop", { task_id: task, name });
  });
}

async function pushMessage(text: string): Promise<void> {
  writeFileSync(join(site, "message.txt"), `${text}\n`);
  const { status, stderr } = await scratch.pyro(["task", "sync", "push", task, site]);
  assert.equal(status, 0, stderr);
}

async function checkPicture(chromium: Chromium, name: string): Promise<void> {
  const png = await chromium.screenshot();
  writeFileSync(join(PICTURES, name), png);
  assert.deepEqual(await chromium.pixelOf(png, 5, 5), BACKGROUND);
}

/** Loads 100 MiB in the page. */
async function download(chromium: Chromium): Promise<string> {
  const { bytes, ms } = await chromium.evaluate<{ bytes: number; ms: number }>(`(async () => {
    const start = performance.now();
    let bytes = 0;
    const reader = (await fetch("/large")).body.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) bytes += piece.value.length;
    return { bytes, ms: performance.now() - start };
  })()`);
  assert.equal(bytes, LARGE_BYTES);
  return `100 MiB into the browser: ${(bytes / 1000 / ms).toFixed(1)} MB/s`;
}

/** Medians of a small request, from the host and in the VM. */
async function latency(url: string, port: number): Promise<string> {
  const { stdout } = await endOf(spawn(process.execPath, [join(SITE, "latency.mjs"), `${url}/message.txt`]));
  const inside = await scratch.execHere(task, `node latency.mjs http://127.0.0.1:${port}/message.txt`, {}, 300);
  assert.equal(inside.exit_code, 0, inside.stderr);
  return `p50 of a small request: ${stdout.trim()} ms from the host, ${inside.stdout.trim()} ms inside the VM`;
}

test("HTTP/2 with prior knowledge reaches a server in the VM, 50 requests over one connection", async () => {
  await serve("node", PORT);
  const { url } = await scratch.client.call("task.port.publish", { task_id: task, port: PORT + 1 });
  const session = connect(url);
  const get = (path: string) =>
    new Promise<string>((resolve, reject) => {
      let text = "";
      session
        .request({ ":path": path })
        .setEncoding("utf8")
        .on("data", (piece: string) => (text += piece))
        .on("end", () => resolve(text))
        .on("error", reject)
        .end();
    });
  const answers = await Promise.all(Array.from({ length: 50 }, (_, number) => get(`/${number}`)));
  assert.deepEqual(
    answers,
    Array.from({ length: 50 }, (_, number) => `HTTP/2.0 of /${number}`),
  );
  session.close();
});
