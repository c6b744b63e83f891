import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { until } from "../../client/scratch.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

const inBackground = { cwd: "/", background: true };
/** No snapshot is made by itself during a test. */
const SELDOM = { snapshotEverySeconds: 600 };
const machineOf = ({ taskId }: { taskId: string }) => taskId.replace("task-", "vm-");

describe("automatic snapshots", { concurrency: true }, () => {
  test("task create --snapshot-every: the next snapshot replaces the last one", async (t) => {
    await using machines = new AgentMachines();
    const { daemon, pyro, cli } = await openTasks(temporaryDirectory(t), machines);
    await using _ = daemon;
    const made = await cli("task", "create", "debian:12", "-q", "--snapshot-every", "1");
    assert.equal(made.status, 0, made.stderr);
    const taskId = made.stdout.trim();
    const present = async () => (await pyro.statusTask(taskId)).automaticSnapshot;
    assert.equal((await present())?.everySeconds, 1);
    await until("there is one", async () => (await present())?.snapshotId != null);
    const first = (await present())!.snapshotId;
    await until("it is replaced", async () => (await present())?.snapshotId !== first);
    await until("the first one is removed", async () => {
      const { snapshots } = await pyro.listSnapshots({ task: taskId });
      return snapshots.every(({ snapshotId, automatic }) => automatic && snapshotId !== first);
    });
    await pyro.deleteTask(taskId);
    assert.deepEqual(machines.snapshots.list(), []);
  });

  test("a VM that dies: its task continues from the automatic snapshot, and every answer says so", async (t) => {
    await using machines = new AgentMachines();
    const home = temporaryDirectory(t);
    const { daemon, pyro, cli, tasks } = await openTasks(home, machines);
    await using _ = daemon;
    await using task = await pyro.createTask("debian:12", SELDOM);
    const before = await task.exec("echo before", { cwd: "/" });
    assert.equal(before.restored, null);
    const file = join(home, "lines");
    writeFileSync(file, "one\n");
    const carried = await task.exec(`tail -n +1 -f ${file} | sed -u '/^end$/q'; exit 5`, inBackground);
    await task.output(carried.sequence, { waitSeconds: 30 });
    await tasks.automatic.renewDue(Date.now() + 600_000);
    const snapshotAt = (await task.status()).automaticSnapshot!.createdAt!;
    await task.exec("echo after", { cwd: "/" });
    let hasBegun = () => {};
    const begun = new Promise<void>((resolve) => (hasBegun = resolve));
    const dying = task.exec("echo dying; sleep 1000", { cwd: "/", onStdout: hasBegun });
    await begun;
    machines.die(machineOf(task));

    const died = await dying;
    assert.deepEqual([died.error?.code, died.restored?.undone, died.stdout], ["VM_DIED", true, "dying\n"]);
    const status = await task.status();
    assert.deepEqual([status.state, status.restored?.reason], ["started", "its VM ended: killed by a test"]);
    assert.equal(status.restored!.snapshotAt, snapshotAt);

    const log = (await task.logs()).entries;
    assert.deepEqual(
      log.map(({ state, error, restored }) => [state, error?.code ?? null, restored?.undone ?? null]),
      [
        ["ended", null, null],
        ["ended", "VM_DIED", true],
        ["ended", null, true],
        ["ended", "VM_DIED", true],
        ["running", null, null],
      ],
    );
    appendFileSync(file, "two\nend\n");
    const rest = await task.wait(log.length);
    assert.deepEqual([rest.exitCode, rest.stdout.endsWith("two\nend\n")], [5, true]);

    const told = await cli("task", "exec", task.taskId, "--cwd", "/", "--", "echo", "next");
    assert.match(
      told.stderr,
      /^pyro: The task was restored from its automatic snapshot of .*everything since then is lost\.$/m,
    );
    assert.equal((await task.exec("true", { cwd: "/" })).restored, null);
    assert.match(
      (await cli("task", "status", task.taskId)).stdout,
      /^Restored: at .* \(its VM ended: killed by a test\)$/m,
    );
    assert.match((await cli("task", "logs", task.taskId)).stdout, /undone by the restore at/);
  });

  test("a VM that dies again before the next snapshot: its task stays stopped, and the next command starts it", async (t) => {
    await using machines = new AgentMachines();
    const { daemon, pyro, tasks } = await openTasks(temporaryDirectory(t), machines);
    await using _ = daemon;
    await using task = await pyro.createTask("debian:12", SELDOM);
    await tasks.automatic.renewDue(Date.now() + 600_000);
    machines.die(machineOf(task));
    const first = await task.exec("true", { cwd: "/" });
    assert.equal(first.restored?.undone, false);
    machines.die(machineOf(task));
    await until("the death is recorded", async () => (await task.status()).state !== "started");
    const { state, stateReason } = await task.status();
    assert.deepEqual([state, /continues from its automatic snapshot/.test(stateReason ?? "")], ["stopped", true]);
    assert.equal((await task.exec("echo again", { cwd: "/" })).stdout, "again\n");
  });

  test("task reset: the automatic snapshot of the state that it discards is not used", async (t) => {
    await using machines = new AgentMachines();
    const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
    await using _ = daemon;
    await using task = await pyro.createTask("debian:12", { snapshotEverySeconds: 1 });
    await until("there is a snapshot", async () => (await task.status()).automaticSnapshot?.snapshotId != null);
    const early = (await task.status()).automaticSnapshot!.snapshotId;
    const reset = await task.reset();
    assert.notEqual(reset.automaticSnapshot?.snapshotId, early);
    await until("a later one is made", async () => (await task.status()).automaticSnapshot?.snapshotId != null);
    const { snapshots } = await pyro.listSnapshots({ task: task.taskId });
    assert.ok(!snapshots.some(({ snapshotId }) => snapshotId === early));
  });

  test("a VM that dies without an automatic snapshot: its task fails", async (t) => {
    await using machines = new AgentMachines();
    const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
    await using _ = daemon;
    await using task = await pyro.createTask("debian:12", SELDOM);
    machines.die(machineOf(task));
    await until("the task has failed", async () => (await task.status()).state === "failed");
    assert.equal((await task.status()).restored, null);
    await assert.rejects(async () => task.exec("true"), { code: "FAILED_PRECONDITION" });
  });
});
