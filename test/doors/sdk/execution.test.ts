import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";

import {
  Pyro,
  PyroError,
  type Execution,
  type OutputChunk,
  type RunOptions,
  type RunResult,
} from "../../../src/index.js";
import { until } from "../../client/scratch.js";
import { Listening, runInShell } from "../../daemon/listening.js";

/** A daemon whose `vm.run` is this host's shell, and its SDK. */
async function open() {
  const daemon = new Listening(runInShell);
  const pyro = new Pyro({ home: daemon.home.path });
  const run = (command: RunOptions["command"], options: Omit<RunOptions, "command"> = {}): Execution<RunResult> =>
    pyro.runInVm("debian:12", { command, ...options });
  return { daemon, run, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

const byStream = (chunks: readonly OutputChunk[], stream: string) =>
  chunks.flatMap((chunk) => (chunk.stream === stream ? [chunk.text] : [])).join("");

test("awaiting returns the result, also of a command that failed", async () => {
  await using pyro = await open();
  const result = await pyro.run("exit 3");
  assert.deepEqual([result.exitCode, result.executionMode, result.cleanup], [3, "host_compat", { deleted: true }]);
  assert.equal((await pyro.run(["sh", "-c", 'exit "$0"', "4"])).exitCode, 4);
});

test("iterating yields the output as it arrives, and the same execution can be awaited", async () => {
  await using pyro = await open();
  const execution = pyro.run("echo one; echo two >&2; echo three");
  const chunks: OutputChunk[] = [];
  for await (const chunk of execution) chunks.push(chunk);
  assert.deepEqual([byStream(chunks, "stdout"), byStream(chunks, "stderr")], ["one\nthree\n", "two\n"]);
  assert.equal((await execution).exitCode, 0);
});

test("a loop that begins late gets all output, and a slow loop pauses the command", async () => {
  await using pyro = await open();
  const execution = pyro.run("seq 1 20000");
  await pyro.run("true");
  const hash = createHash("sha256");
  for await (const { data } of execution) {
    hash.update(data);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const expected = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join("");
  assert.equal(hash.digest("hex"), createHash("sha256").update(expected).digest("hex"));
});

test("output is read once", async () => {
  await using pyro = await open();
  const execution = pyro.run("echo x");
  for await (const { text } of execution) assert.equal(text, "x\n");
  assert.throws(() => execution[Symbol.asyncIterator](), { code: "FAILED_PRECONDITION" });
});

test("an error rejects the promise and the loop alike", async () => {
  await using daemon = new Listening(runInShell);
  const pyro = new Pyro({ home: daemon.home.path });
  const fail = () => pyro.runInVm("unknown", { command: "true" });
  await assert.rejects(Promise.resolve(fail()), { name: "PyroError", code: "ENVIRONMENT_UNKNOWN" });
  await assert.rejects(
    async () => {
      for await (const chunk of fail()) assert.fail(chunk.text);
    },
    { code: "ENVIRONMENT_UNKNOWN" },
  );
  assert.equal(await fail().catch(() => "caught"), "caught");
  let finished = false;
  await assert.rejects(fail().finally(() => (finished = true)));
  assert.ok(finished);
});

test("a call that fails while the loop handles its output: only the loop throws the error", async () => {
  await using daemon = new Listening(async (_core, _input, call) => {
    await call.emit({ event: "stdout", data: Buffer.from("begun") });
    throw new PyroError("VM_DIED", "The VM ended.");
  });
  const pyro = new Pyro({ home: daemon.home.path });
  await assert.rejects(
    async () => {
      for await (const { text } of pyro.runInVm("debian:12", { command: "true" })) {
        assert.equal(text, "begun");
        await until("the call has failed", () => daemon.lifetime.isIdle());
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    { code: "VM_DIED" },
  );
});

test("a wrong option rejects with the daemon's INVALID_ARGUMENT", async () => {
  await using pyro = await open();
  await assert.rejects(Promise.resolve(pyro.run("true", { vcpuCount: 0 })), { code: "INVALID_ARGUMENT" });
  await assert.rejects(Promise.resolve(pyro.run("true", { nonsense: 1 } as object)), { code: "INVALID_ARGUMENT" });
});

test("a character that arrives in two pieces is whole in the text; an incomplete one is shown at the end", async () => {
  await using pyro = await open();
  const chunks: OutputChunk[] = [];
  for await (const chunk of pyro.run("printf '\\303'; sleep 0.2; printf '\\274 \\360\\237'")) chunks.push(chunk);
  assert.equal(byStream(chunks, "stdout"), "ü \uFFFD");
  assert.deepEqual(Buffer.concat(chunks.map(({ data }) => data)), Buffer.from([0xc3, 0xbc, 0x20, 0xf0, 0x9f]));
});

test("standard input is a text, bytes, a stream or a generator", async (t) => {
  await using pyro = await open();
  const sources = {
    text: "grün\n",
    bytes: Buffer.from("grün\n"),
    "a stream of Node's": Readable.from([Buffer.from("grü"), "n\n"]),
    "a stream of the web's": new Blob(["grün\n"]).stream() as AsyncIterable<Uint8Array>,
    "a generator": (async function* () {
      yield "grü";
      yield "n\n";
    })(),
  };
  for (const [what, stdin] of Object.entries(sources)) {
    await t.test(what, async () => {
      let text = "";
      await pyro.run("cat", { stdin, onStdout: (chunk) => void (text += chunk.text) });
      assert.equal(text, "grün\n");
    });
  }
});

test("callbacks get each stream and are waited for", async () => {
  await using pyro = await open();
  const said: string[] = [];
  let busy = 0;
  const slowly = async ({ stream, text }: OutputChunk) => {
    assert.equal(busy++, 0);
    await new Promise((resolve) => setImmediate(resolve));
    busy -= 1;
    said.push(`${stream} ${text}`);
  };
  await pyro.run("echo a; sleep 0.1; echo b >&2", { onStdout: slowly, onStderr: slowly });
  assert.deepEqual(said, ["stdout a\n", "stderr b\n"]);
});

test("an error thrown by a callback or the input ends the command, and the call rejects with it", async (t) => {
  await using pyro = await open();
  const mine = new Error("mine");
  const cases: Record<string, Omit<RunOptions, "command">> = {
    "a callback": {
      onStdout: () => {
        throw mine;
      },
    },
    "the input": {
      // oxlint-disable-next-line require-yield
      stdin: (async function* () {
        throw mine;
      })(),
    },
  };
  for (const [what, options] of Object.entries(cases)) {
    await t.test(what, async () => {
      const failed = Promise.resolve(pyro.run("echo begun; exec sleep 60", options));
      await assert.rejects(failed, (error) => error === mine);
      await until("the call has ended", () => pyro.daemon.lifetime.isIdle());
    });
  }
});

test("leaving the loop early kills the command, and the loop ends when the command has ended", async () => {
  await using pyro = await open();
  const execution = pyro.run("echo begun; exec sleep 60");
  for await (const { text } of execution) {
    assert.equal(text, "begun\n");
    break;
  }
  assert.equal((await execution).aborted, true);
  await until("the call has ended", () => pyro.daemon.lifetime.isIdle());
});

test("an error thrown in the loop kills the command, and the loop throws that error", async () => {
  await using pyro = await open();
  const execution = pyro.run("exec yes");
  await assert.rejects(async () => {
    for await (const chunk of execution) throw new Error(chunk.stream);
  }, /^Error: stdout$/);
  assert.equal((await execution).aborted, true);
});

test("a signal kills the command; the result is aborted and has the output", async () => {
  await using pyro = await open();
  const controller = new AbortController();
  let said = "";
  const onStdout = ({ text }: OutputChunk) => {
    said += text;
    controller.abort();
  };
  const result = await pyro.run("echo begun; exec sleep 60", { signal: controller.signal, onStdout });
  assert.deepEqual([result.aborted, said], [true, "begun\n"]);
  await assert.rejects(Promise.resolve(pyro.run("true", { signal: controller.signal })), { code: "ABORTED" });
});

test("cancel() kills the command too, also while its output is not read", async () => {
  await using pyro = await open();
  const execution = pyro.run("exec yes");
  execution.cancel();
  assert.equal((await execution).aborted, true);
});

test("after cancel() the command's trap runs and its output still comes", async () => {
  await using pyro = await open();
  let said = "";
  const execution = pyro.run("trap 'echo bye; exit 0' INT; echo begun; while :; do sleep 0.05; done", {
    onStdout: ({ text }) => {
      said += text;
      if (text === "begun\n") execution.cancel();
    },
  });
  const result = await execution;
  assert.deepEqual([result.aborted, result.exitCode, said], [true, 0, "begun\nbye\n"]);
});

test("cancel() again kills a command that ignores the first", async (t) => {
  await using pyro = await open();
  const execution = pyro.run("trap 'echo no' INT; echo begun; while :; do sleep 0.05; done", {
    onStdout: ({ text }) => {
      // The grace of the first cancel never ends: the daemon runs in this process and starts its timer before the trap prints.
      if (text === "begun\n") t.mock.timers.enable({ apis: ["setTimeout"] });
      else t.mock.timers.reset();
      execution.cancel();
    },
  });
  assert.equal((await execution).aborted, true);
});
