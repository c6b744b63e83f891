import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { trafficTokenOf } from "../../../src/doors/e2b/guard.js";
import { until } from "../../client/scratch.js";
import { Served, type Handle } from "./served.js";

let served: Served;
let sandbox: Handle;
before(async () => {
  served = await Served.open();
  sandbox = await served.create();
});
after(() => served[Symbol.asyncDispose]());

const port = { "e2b-sandbox-port": "49999" };
const call = (method: string, path: string, body?: object) => sandbox.ask(method, path, { body, headers: port });

/** Runs code to its end: the events, and the text of each stream. */
async function run(code: string, fields: object = {}) {
  const { status, bytes } = await call("POST", "/execute", { code, ...fields });
  const text = bytes.toString("utf8");
  const events: any[] =
    status === 200
      ? text
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line))
      : [];
  const of = (type: string) => events.filter((event) => event.type === type);
  const joined = (type: string) =>
    of(type)
      .map((event) => event.text)
      .join("");
  return {
    status,
    text,
    events,
    stdout: joined("stdout"),
    stderr: joined("stderr"),
    results: of("result"),
    error: of("error")[0],
  };
}

/** Runs code, and leaves when its output has this text. */
function runAndLeave(text: string, body: object): Promise<void> {
  return new Promise((resolve) => {
    const headers = { ...sandbox.headers, ...port };
    const request = httpRequest(
      { host: "127.0.0.1", port: served.port, method: "POST", path: "/execute", headers },
      (response) => {
        let seen = "";
        response.on("data", (piece) => {
          if (!(seen += piece).includes(text)) return;
          response.destroy();
          resolve();
        });
      },
    );
    request.on("error", () => {});
    request.end(JSON.stringify(body));
  });
}

test("execute: keeps state, streams output, and counts", async () => {
  const first = await run("import sys\nx = 20\nprint('out')\nprint('err', file=sys.stderr)\nx + 1");
  assert.deepEqual([first.status, first.stdout, first.stderr], [200, "out\n", "err\n"]);
  assert.deepEqual(first.events[0], { type: "number_of_executions", execution_count: 1 });
  assert.deepEqual(first.results, [{ type: "result", is_main_result: true, text: "21" }]);
  assert.deepEqual(first.events.at(-1), { type: "end_of_execution" });
  const second = await run("x * 2");
  assert.deepEqual([second.events[0].execution_count, second.results[0].text], [2, "40"]);
});

test("execute: errors have a name, a value and the lines of the code alone, and the state stays", async () => {
  const { error } = await run("def f():\n  1 / 0\nf()");
  assert.deepEqual([error.name, error.value], ["ZeroDivisionError", "division by zero"]);
  assert.match(error.traceback, /File "<cell \d+>", line 2, in f\n {4}1 \/ 0/);
  assert.doesNotMatch(error.traceback, /worker\.py/);
  assert.equal((await run("x =")).error.name, "SyntaxError");
  assert.equal((await run("x")).results[0].text, "20");
});

test("execute: rich results, display, top-level await, shell lines, variables of one run", async () => {
  const { results } = await run(
    "class Rich:\n  def _repr_html_(self): return '<b>'\n  def _repr_png_(self): return b'png'\n  def __repr__(self): return 'rich'\ndisplay(Rich())\nRich()",
  );
  const rich = { type: "result", text: "rich", html: "<b>", png: "cG5n" };
  assert.deepEqual(results, [
    { ...rich, is_main_result: false },
    { ...rich, is_main_result: true },
  ]);
  assert.equal((await run("import asyncio\nawait asyncio.sleep(0, 'waited')")).results[0].text, "waited");
  const shell = await run("!echo shell");
  assert.deepEqual([shell.stdout, shell.results], ["shell\n", []]);
  assert.equal((await run("import os; os.environ['ONE']", { env_vars: { ONE: "1" } })).results[0].text, "1");
  assert.equal((await run("'ONE' in os.environ")).results[0].text, "False");
  assert.equal((await run("os.write(1, b'\\xff'); print('raw')")).stdout, "\ufffdraw\n");
});

test("contexts: are made, listed, used, restarted and removed, each with its own state", async () => {
  const { status, body } = await call("POST", "/contexts", { cwd: "/tmp" });
  assert.equal(status, 200);
  assert.deepEqual([body.language, body.cwd], ["python", "/tmp"]);
  const context_id = body.id;
  assert.equal((await run("import os; os.getcwd()", { context_id })).results[0].text, "/tmp");
  assert.equal((await run("x", { context_id })).error.name, "NameError");
  assert.ok((await call("GET", "/contexts")).body.some((each: { id: string }) => each.id === context_id));
  assert.equal((await call("POST", `/contexts/${context_id}/restart`)).status, 204);
  assert.equal((await run("os", { context_id })).error.name, "NameError");
  assert.equal((await call("DELETE", `/contexts/${context_id}`)).status, 204);
  assert.deepEqual(
    [(await run("1", { context_id })).status, (await call("DELETE", `/contexts/${context_id}`)).status],
    [404, 404],
  );
});

test("execute: bash and JavaScript; refusals are plain text by status", async () => {
  const bash = await run("echo one; exit 3", { language: "bash" });
  assert.deepEqual([bash.stdout, bash.error.value], ["one\n", "exit status 3"]);
  assert.equal(
    (await run("const y = await Promise.resolve(6)\ny * 7", { language: "javascript" })).results[0].text,
    "42",
  );
  assert.equal((await run("console.log(y); null.x", { language: "js" })).stdout, "6\n");
  assert.equal((await run("1", { language: "cobol" })).status, 400);
  assert.equal((await run("1", { language: "python", context_id: "0" })).status, 400);
  assert.match((await run("1", { context_id: "f".repeat(32) })).text, /^Context f+ not found$/);
});

test("execute: a context whose process ends says so, and the next run has another one", async () => {
  const { error } = await run("import os; os._exit(3)");
  assert.equal(error.name, "ContextEnded");
  assert.equal((await run("x")).error.name, "NameError");
  await run("x = 1");
});

test("execute: a client that leaves interrupts its run, and the state stays", async () => {
  await runAndLeave("begun", { code: "import time\nprint('begun', flush=True)\ntime.sleep(100)" });
  assert.equal((await run("x")).results[0].text, "1");
});

test("execute: a client that leaves a flood of output does not lock out other contexts", async () => {
  // A pipe of this size, with text that needs escapes, is never empty between two reads.
  const flood = "python3 -c 'import fcntl; fcntl.fcntl(1, 1031, 1 << 20)'; exec cat /dev/zero";
  await runAndLeave(String.raw`\u0000`, { code: flood, language: "bash" });
  assert.equal((await run("x")).results[0].text, "1");
  assert.equal((await run("echo again", { language: "bash" })).stdout, "again\n");
});

test("execute: a client that leaves interrupts the programs that its run has started", async () => {
  const file = join(served.directory, "interrupted");
  const lines = `import time\ntry: print('begun', flush=True); time.sleep(1000)\nexcept KeyboardInterrupt: open('${file}', 'w')`;
  await runAndLeave("begun", { code: `python3 -c "${lines}" | cat`, language: "bash" });
  assert.equal((await run("echo again", { language: "bash" })).stdout, "again\n");
  await until("the program is interrupted", () => existsSync(file));
});

test("execute: a result above the limit is an error, and every context keeps its state", async () => {
  const { body } = await call("POST", "/contexts", {});
  const context_id = body.id;
  await run("x = 1", { context_id });
  const { error, results, events } = await run("'x' * 9_000_000");
  assert.deepEqual([error.name, results], ["ResultTooLarge", []]);
  assert.deepEqual(events.at(-1), { type: "end_of_execution" });
  assert.equal((await run("x")).results[0].text, "1");
  assert.equal((await run("x", { context_id })).results[0].text, "1");
  await call("DELETE", `/contexts/${context_id}`);
});

test("execute: characters of several bytes stay whole where reads end inside of them", async () => {
  assert.equal((await run("print('a' + '€' * 20_000)")).stdout, `a${"€".repeat(20_000)}\n`);
  assert.equal((await run("import os; _ = os.write(1, b'cut \\xe2\\x82')")).stdout, "cut \ufffd");
});

test("a new sandbox has two contexts, and code has the variables of its sandbox", async () => {
  const other = await served.create({ envVars: { ONE: "of the sandbox" } });
  const { body } = await other.ask("GET", "/contexts", { headers: port });
  assert.deepEqual(
    body.map(({ language, cwd }: { language: string; cwd: string }) => [language, cwd]),
    ["python", "javascript"].map((language) => [language, homedir()]),
  );
  for (const [code, fields] of [
    ["import os; print(os.environ['ONE'], os.environ['E2B_SANDBOX_ID'])", { context_id: body[0].id }],
    ["console.log(process.env.ONE, process.env.E2B_SANDBOX_ID)", { language: "javascript" }],
    ["echo $ONE $E2B_SANDBOX_ID", { language: "bash" }],
  ] as const) {
    const { bytes } = await other.ask("POST", "/execute", { body: { code, ...fields }, headers: port });
    assert.ok(bytes.toString("utf8").includes(`of the sandbox ${other.id}\\n`), bytes.toString("utf8"));
  }
  // The two, and that of bash.
  assert.equal((await other.ask("GET", "/contexts", { headers: port })).body.length, 3);
});

test("execute: the text of a string has no quotes", async () => {
  for (const [code, language, text] of [
    ["'it'", "python", "it"],
    ['"it\'s"', "python", "it's"],
    ["'it'", "javascript", "it"],
    ["['it']", "python", "['it']"],
  ]) {
    assert.equal((await run(code!, { language })).results[0].text, text);
  }
});

test("tokens: the sandbox's own and its traffic token open it, others do not", async () => {
  const other = await served.create();
  const { "x-access-token": _, ...rest } = sandbox.headers;
  const ask = (headers: object) => served.ask("GET", "/contexts", { headers: { ...rest, ...port, ...headers } });
  assert.equal((await ask({ "e2b-traffic-access-token": trafficTokenOf(sandbox.token) })).status, 200);
  for (const headers of [{}, { "e2b-traffic-access-token": sandbox.token }, { "x-access-token": other.token }]) {
    assert.equal((await ask(headers)).status, 401);
  }
  // The traffic token opens nothing but servers.
  const envd = { ...rest, "x-access-token": trafficTokenOf(sandbox.token) };
  assert.equal((await served.ask("GET", "/envs", { headers: envd })).status, 401);
});
