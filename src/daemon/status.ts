import type { Handler } from "../core/core.js";
import type { Lifetime } from "./lifetime.js";

export function buildStatus(lifetime: Lifetime): Handler<"daemon.status"> {
  return async (core) => {
    const spares = core.machines.spares();
    const { ceilings, diskMib } = core.budget;
    const sum = (count: "ready" | "warming") => spares.reduce((total, spare) => total + spare[count], 0);
    return {
      running: true,
      pid: process.pid,
      version: core.version,
      uptime_seconds: Math.round(process.uptime()),
      vms: core.machines.inUse(),
      spare_vms: sum("ready"),
      spare_vms_warming: sum("warming"),
      spares: spares.map(({ environment, vcpuCount, memMib, network, ready, warming }) => ({
        ...{ environment, vcpu_count: vcpuCount, mem_mib: memMib, network, ready, warming },
      })),
      home: core.home.path,
      log: core.home.daemonLog,
      started_at: lifetime.startedAt.toISOString(),
      memory_reserved_mib: core.machines.reservedMib(),
      disk_reserved_mib: diskMib,
      disk_kept_mib: await core.budget.keptMib(),
      limits: { memory_mib: ceilings.memoryMib, disk_mib: ceilings.diskMib, vms: ceilings.vms },
      require_isolation: core.isolation.required,
      memory_bytes: process.memoryUsage.rss(),
    };
  };
}
