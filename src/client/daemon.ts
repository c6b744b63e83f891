import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../contract/errors.js";
import type { ResultOf } from "../contract/operations.js";
import { isAlive, readProcessIdentity } from "../host/process.js";
import { runTool } from "../host/tool.js";
import type { Client } from "./client.js";
import { findFlock } from "./flock.js";

const STOP_DEADLINE_MS = 30_000;

/** Sends a request about the daemon without starting one. */
export async function readDaemonStatus(client: Client): Promise<ResultOf<"daemon.status">> {
  const status = await client.callRunning("daemon.status", {});
  if (status !== null) return status;
  const { home, log } = await client.transport.find();
  return {
    running: false,
    pid: null,
    version: null,
    uptime_seconds: null,
    vms: 0,
    spare_vms: 0,
    spare_vms_warming: 0,
    spares: [],
    home,
    log,
    started_at: null,
    memory_reserved_mib: 0,
    disk_reserved_mib: 0,
    disk_kept_mib: null,
    limits: { memory_mib: null, disk_mib: null, vms: null },
    require_isolation: null,
    memory_bytes: null,
  };
}

/** Stops the daemon and returns when its process has ended; does nothing when none runs. To `save` tasks, it starts one. */
export async function stopDaemon(client: Client, { save } = { save: false }): Promise<ResultOf<"daemon.stop">> {
  if (client.transport.context !== null) return stopFarDaemon(client, save);
  if (save) await client.call("daemon.status", {});
  const status = await client.callRunning("daemon.status", {});
  const identity = status?.pid ? readProcessIdentity(status.pid) : null;
  if (!identity) {
    await waitForEnding(client);
    return { pid: null, stopped: false, saved: [], unsaved: [] };
  }
  const outcome = await client.callRunning("daemon.stop", { save });
  const end = performance.now() + STOP_DEADLINE_MS;
  while (isAlive(identity)) {
    if (performance.now() > end) throw didNotStop(identity.pid);
    await sleep(5);
  }
  return { saved: [], unsaved: [], ...outcome, pid: identity.pid, stopped: true };
}

/** The process of another machine's daemon cannot be seen: it has ended when no daemon answers, or another one. */
async function stopFarDaemon(client: Client, save: boolean): Promise<ResultOf<"daemon.stop">> {
  if (save) await client.call("daemon.status", {});
  const status = await client.callRunning("daemon.status", {});
  if (!status?.pid) return { pid: null, stopped: false, saved: [], unsaved: [] };
  const { pid } = status;
  const outcome = await client.callRunning("daemon.stop", { save });
  const end = performance.now() + STOP_DEADLINE_MS;
  while ((await client.callRunning("daemon.status", {}))?.pid === pid) {
    if (performance.now() > end) throw didNotStop(pid);
  }
  return { saved: [], unsaved: [], ...outcome, pid, stopped: true };
}

function didNotStop(pid: number): PyroError {
  return new PyroError("DAEMON_UNREACHABLE", `The daemon (pid ${pid}) did not stop.`, {
    hint: `End it with: kill -9 ${pid}`,
    details: { pid },
  });
}

/** A daemon that ends no longer listens, but still holds its lock. */
async function waitForEnding(client: Client): Promise<void> {
  await runTool(await findFlock(process.env), ["-w", String(STOP_DEADLINE_MS / 1000), client.home.daemonLock, "true"]);
}
