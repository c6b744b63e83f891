import assert from "node:assert/strict";

import { RunningGateway } from "../doors/e2b/running.js";
import { Handle, askGateway } from "../doors/e2b/served.js";
import { until } from "../client/scratch.js";
import type { VmScratch } from "../vm/vm-scratch.js";

/** Reports the outcome of one check. */
type Check = (name: string, work: () => Promise<void>) => Promise<void>;

/** Kills the gateway, then the daemon, in the middle of a stream: sandboxes and processes live on, and are found again. */
export async function outliveDeaths(scratch: VmScratch, check: Check): Promise<void> {
  let gateway = await RunningGateway.open(scratch);
  const key = gateway.variables["E2B_API_KEY"]!;
  const control = (method: string, path: string, body?: unknown) =>
    askGateway(gateway.port, method, path, { ...(body !== undefined && { body }), headers: { "x-api-key": key } });
  const { body } = await control("POST", "/v2/sandboxes", { templateID: "base" });
  const sandbox = new Handle(
    { ask: (...call) => askGateway(gateway.port, ...call) },
    body.sandboxID,
    body.envdAccessToken,
  );
  const line = "i=0; while true; do i=$((i+1)); echo $i; sleep 0.1; done";
  const stream = sandbox.stream("process.Process/Start", {
    process: { cmd: "/bin/bash", args: ["-c", line] },
    tag: "counter",
  });
  stream.catch(() => {});
  const list = async () => (await sandbox.call("process.Process/List")).body.processes;
  await until("the process is listed", async () => (await list()).length === 1);
  const [before] = await list();

  /** The numbers that the process shows within a time. */
  const follow = async (timeMs: number) => {
    const { messages } = await sandbox.stream(
      "process.Process/Connect",
      { process: { tag: "counter" } },
      { "connect-timeout-ms": String(timeMs) },
    );
    return messages.map(({ event }) => Buffer.from(event.data?.stdout ?? "", "base64").toString()).join("");
  };

  await check("a killed gateway: its streams end, the next one finds the process", async () => {
    const { port } = gateway;
    await gateway.end("SIGKILL");
    await assert.rejects(stream);
    gateway = await RunningGateway.open(scratch, port);
    assert.deepEqual(
      (await list()).map(({ pid }: { pid: number }) => pid),
      [before.pid],
    );
    assert.match(await follow(3_000), /\d+\n\d+\n/);
  });

  await check("a killed daemon: a stream goes on, and files are there", async () => {
    const following = follow(15_000);
    const { pid } = await scratch.client.call("daemon.status", {});
    process.kill(pid!, "SIGKILL");
    assert.match(await following, /\d+\n/);
    assert.equal((await sandbox.call("filesystem.Filesystem/Stat", { path: "/etc/passwd" })).status, 200);
    assert.match(await follow(3_000), /\d+\n\d+\n/);
  });

  await control("DELETE", `/sandboxes/${sandbox.id}`);
  await gateway[Symbol.asyncDispose]();
}
