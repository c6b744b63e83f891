// A program of E2B's SDK, as its users write them: everything of stage one, in one sandbox.
import assert from "node:assert/strict";

import { CommandExitError, FileNotFoundError, Sandbox, TimeoutError } from "e2b";

const sandbox = await Sandbox.create({ metadata: { tour: "yes" }, envs: { GREETING: "hello" }, timeoutMs: 120_000 });
try {
  await commands();
  await files();
  await terminal();
  await life();
} finally {
  assert.equal(await sandbox.kill(), true);
  assert.equal(await sandbox.isRunning(), false);
  assert.equal(await sandbox.kill(), false);
}
await assert.rejects(sandbox.commands.run("true"));
console.log("tour done");

async function commands() {
  const { stdout, stderr, exitCode } = await sandbox.commands.run('echo "$GREETING $(whoami) $PWD"; echo err >&2');
  assert.deepEqual([stdout, stderr, exitCode], ["hello user /home/user\n", "err\n", 0]);
  assert.equal((await sandbox.commands.run("sudo id -u; id -u", { user: "root" })).stdout, "0\n0\n");
  assert.match((await sandbox.commands.run("python --version")).stdout, /^Python 3/);
  await assert.rejects(
    sandbox.commands.run("exit 3"),
    (error) => error instanceof CommandExitError && error.exitCode === 3,
  );
  await assert.rejects(sandbox.commands.run("sleep 60", { timeoutMs: 1_000 }), TimeoutError);

  const sleeping = await sandbox.commands.run("exec sleep 60", { background: true });
  assert.ok((await sandbox.commands.list()).some(({ pid }) => pid === sleeping.pid));
  assert.equal((await sandbox.commands.run(`cat /proc/${sleeping.pid}/comm`)).stdout, "sleep\n");
  assert.equal(await sandbox.commands.kill(sleeping.pid), true);
  await assert.rejects(sleeping.wait(), CommandExitError);
  assert.equal(await sandbox.commands.kill(sleeping.pid), false);

  const reading = await sandbox.commands.run("wc -c", { background: true, stdin: true });
  await sandbox.commands.sendStdin(reading.pid, "x".repeat(1_048_576));
  await sandbox.commands.closeStdin(reading.pid);
  const again = await sandbox.commands.connect(reading.pid);
  assert.equal((await again.wait()).exitCode, 0);
  assert.equal((await reading.wait()).stdout, "1048576\n");

  const loud = await sandbox.commands.run("head -c 10485760 /dev/zero | tr '\\0' x");
  assert.equal(loud.stdout.length, 10_485_760);
}

async function files() {
  await sandbox.files.write("notes/a.txt", "first");
  assert.equal(await sandbox.files.read("notes/a.txt"), "first");
  await sandbox.files.write([
    { path: "notes/b", data: "b" },
    { path: "/tmp/c", data: new Uint8Array(2_000_000).fill(7).buffer },
  ]);
  assert.equal((await sandbox.files.read("/tmp/c", { format: "bytes" })).length, 2_000_000);
  assert.deepEqual(
    (await sandbox.files.list("notes")).map(({ name, owner }) => [name, owner]),
    [
      ["a.txt", "user"],
      ["b", "user"],
    ],
  );
  assert.equal(await sandbox.files.exists("notes/nope"), false);
  await assert.rejects(sandbox.files.read("notes/nope"), FileNotFoundError);
  assert.deepEqual([await sandbox.files.makeDir("dir"), await sandbox.files.makeDir("dir")], [true, false]);

  const seen = [];
  const watching = await sandbox.files.watchDir("dir", ({ type, name }) => seen.push(`${type} ${name}`));
  await sandbox.files.write("dir/new", "x");
  await sandbox.files.rename("dir/new", "dir/old");
  await sandbox.files.remove("dir/old");
  for (const end = Date.now() + 20_000; !seen.includes("remove old");) {
    assert.ok(Date.now() < end, `the watch saw ${seen}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await watching.stop();
  assert.deepEqual(seen, ["create new", "chmod new", "write new", "rename new", "create old", "remove old"]);

  const link = await sandbox.downloadUrl("notes/a.txt", { useSignatureExpiration: 60 });
  assert.equal(await (await fetch(link)).text(), "first");
  assert.equal((await fetch(link.replace("a.txt", "b"))).status, 401);
  const form = new FormData();
  form.append("file", new Blob(["sent"]), "sent.txt");
  assert.equal((await fetch(await sandbox.uploadUrl("notes/sent"), { method: "POST", body: form })).status, 200);
  assert.equal(await sandbox.files.read("notes/sent"), "sent");
}

async function terminal() {
  let shown = "";
  const onData = (bytes) => (shown += Buffer.from(bytes).toString());
  const pty = await sandbox.pty.create({ cols: 80, rows: 24, onData });
  await sandbox.pty.resize(pty.pid, { cols: 111, rows: 33 });
  await sandbox.pty.sendInput(pty.pid, Buffer.from("stty size; exit\n"));
  await pty.wait();
  assert.match(shown, /33 111/);
}

async function life() {
  const running = await sandbox.commands.run("while sleep 1; do date > /tmp/ticks; done", { background: true });
  await running.disconnect();
  assert.equal(await sandbox.pause(), true);
  assert.equal(await sandbox.pause(), false);
  const paginator = Sandbox.list({ query: { metadata: { tour: "yes" }, state: ["paused"] } });
  assert.deepEqual(
    (await paginator.nextItems()).map(({ sandboxId }) => sandboxId),
    [sandbox.sandboxId],
  );
  assert.equal(await sandbox.isRunning(), false);
  const resumed = await Sandbox.connect(sandbox.sandboxId, { timeoutMs: 90_000 });
  assert.ok((await resumed.commands.list()).some(({ pid }) => pid === running.pid));
  assert.equal(await resumed.files.read("notes/a.txt"), "first");
  await resumed.setTimeout(60_000);
  const { endAt, metadata, templateId } = await resumed.getInfo();
  assert.ok(endAt.getTime() <= Date.now() + 60_000);
  assert.deepEqual([metadata, templateId], [{ tour: "yes" }, "base"]);
  assert.ok((await resumed.getMetrics())[0].memTotal > 0);

  const { snapshotId } = await resumed.createSnapshot();
  const copy = await Sandbox.create(snapshotId);
  assert.equal(await copy.files.read("notes/b"), "b");
  await assert.rejects(copy.commands.kill(0));
  await copy.kill();
  assert.equal(await Sandbox.deleteSnapshot(snapshotId), true);
}
