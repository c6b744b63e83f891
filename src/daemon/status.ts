import type { Handler } from "../core/core.js";
import type { Lifetime } from "./lifetime.js";

export function buildStatus(lifetime: Lifetime): Handler<"daemon.status"> {
  return async (core) => ({
    running: true,
    pid: process.pid,
    version: core.version,
    uptime_seconds: Math.round(process.uptime()),
    vms: core.machines.inUse(),
    spare_vms: core.machines.spare(),
    home: core.home.path,
    log: core.home.daemonLog,
    started_at: lifetime.startedAt.toISOString(),
    memory_bytes: process.memoryUsage.rss(),
  });
}
