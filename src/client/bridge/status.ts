import type { ResultOf } from "../../contract/operations.js";
import { readContract } from "../../contract/rendered.js";
import type { BridgePlace } from "./place.js";

/** A bridge in the place of a daemon: it has no VMs of its own. */
export function describeBridge({ context, log }: BridgePlace, startedAt: Date): ResultOf<"daemon.status"> {
  return {
    running: true,
    pid: process.pid,
    version: readContract().version,
    uptime_seconds: Math.round((Date.now() - startedAt.getTime()) / 100) / 10,
    vms: 0,
    spare_vms: 0,
    spare_vms_warming: 0,
    spares: [],
    home: context.url,
    log,
    started_at: startedAt.toISOString(),
    memory_reserved_mib: 0,
    disk_reserved_mib: 0,
    disk_kept_mib: null,
    limits: { memory_mib: null, disk_mib: null, vms: null },
    require_isolation: null,
    memory_bytes: process.memoryUsage.rss(),
  };
}
