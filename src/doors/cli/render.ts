import type { OperationName, ResultOf } from "../../contract/operations.js";
import { renderEnvironments } from "./env-list.js";
import { renderEntry, renderFileList } from "./file-list.js";
import { printable } from "./printable.js";
import { renderBuild, renderOrigin, renderSaved } from "./saved.js";
import { renderBytes, renderMib } from "./size.js";
import { renderRemoved, renderToolchain } from "./toolchain.js";
import { renderForks, renderSnapshot, renderSnapshots } from "./snapshot.js";
import { renderShells } from "./task-shell-list.js";
import { renderService, renderServices, renderStarted } from "./task-service.js";
import { renderLogs, renderTask, renderTasks } from "./task.js";

type DaemonStatus = ResultOf<"daemon.status">;

/** Results as text for people: one entry for each operation without events. */
export const renderers: { readonly [Name in OperationName]?: (result: ResultOf<Name>) => string | Uint8Array } = {
  "env.list": (result) => renderEnvironments(result, Date.now()),

  "env.inspect": (environment) =>
    renderLines([
      `Environment: ${environment.name}`,
      `Description: ${environment.description}`,
      `Version: ${environment.version}`,
      `Installed: ${environment.installed ? "yes" : "no"}`,
      `Distribution: ${environment.distribution}`,
      `Architecture: ${environment.architecture}`,
      `Source: ${environment.source}`,
      ...(environment.source_digest ? [`Digest of the source: ${environment.source_digest}`] : []),
      ...(environment.moved_to ? [`The tag has moved to: ${environment.moved_to}`] : []),
      `Default packages: ${environment.default_packages.join(" ")}`,
      ...(environment.npm_packages ?? []).map(
        ({ name, version, integrity }) => `Package of npm: ${name} ${version} ${integrity}`,
      ),
      ...(environment.image ? renderImage(environment.image) : []),
      ...(environment.built
        ? renderBuild(environment.built)
        : environment.saved
          ? renderOrigin(environment.saved)
          : []),
      ...(environment.digest ? [`Digest: ${environment.digest}`] : []),
      ...(environment.size_bytes === undefined ? [] : [`Size: ${renderMib(environment.size_bytes)}`]),
      ...(environment.pulled_at ? [`Pulled at: ${environment.pulled_at}`] : []),
      ...(environment.kernel_version ? [`Kernel: ${environment.kernel_version}`] : []),
      ...(environment.files ?? []).map(({ name, sha256 }) => `File: ${name} sha256:${sha256}`),
      ...(environment.packages ?? []).map(({ name, version }) => `Package: ${name} ${version}`),
    ]),

  "env.save": renderSaved,
  "env.import": renderSaved,
  "env.export": ({ environment, output, size_bytes }) =>
    renderLines([`Wrote ${environment} to ${output}, ${renderMib(size_bytes)}.`]),

  "env.remove": ({ environment, freed_bytes }) =>
    renderLines([`Removed ${environment}, freed ${renderMib(freed_bytes)}.`]),

  "env.prune": ({ removed, kept, freed_bytes, dry_run }) =>
    renderLines([
      ...removed.map(({ kind, name }) => `${dry_run ? "would remove" : "removed"} ${kind} ${name}`),
      ...kept.map(({ name, reason }) => `kept ${name}: ${reason}`),
      `${dry_run ? "Would free" : "Freed"}: ${renderMib(freed_bytes)}`,
    ]),

  doctor: ({
    platform,
    runtime,
    accelerator,
    environment_cache,
    capabilities,
    networking,
    host_ca,
    limits,
    isolation,
    problems,
  }) =>
    renderLines([
      `Platform: ${platform}`,
      `Runtime: ${runtime.ok ? "PASS" : "FAIL"}`,
      ...(runtime.qemu_version === null
        ? []
        : [
            `QEMU: ${runtime.qemu_version}, ${runtime.qemu_source === "private" ? "private" : "of the host"}: ${runtime.qemu_path}`,
          ]),
      `Accelerator: ${accelerator.in_use ?? "none"} (${accelerator.reason})`,
      `Environment cache: ${environment_cache.path} (${environment_cache.installed.length} installed, ${renderMib(environment_cache.size_bytes)})`,
      `Capabilities: ${Object.entries(capabilities)
        .map(([name, able]) => `${name}=${able}`)
        .join(" ")}`,
      `Networking: ${networking}`,
      ...(host_ca.length > 0
        ? [
            `Certificate authorities of this host that a VM trusts only with --network-host-ca: ${host_ca.map(({ subject }) => subject).join("; ")}`,
          ]
        : []),
      `Limits on VMs: ${limits.set ? limits.reason : `none, because ${limits.reason}${limits.command === null ? "" : `. Run: ${limits.command}`}`}`,
      `Isolation: ${isolation.level ?? "none"}${isolation.required === null ? "" : `, and ${isolation.required} is required`}`,
      ...isolation.missing.map(
        ({ level, message, command }) => `- for ${level}: ${message}${command === null ? "" : ` Run: ${command}`}`,
      ),
      ...problems.map(({ message, command }) => `- ${message} Run: ${command}`),
    ]),

  "toolchain.status": renderToolchain,
  "toolchain.remove": renderRemoved,

  "task.status": (task) => renderTask(task, Date.now()),
  "task.logs": renderLogs,
  "task.list": ({ tasks }) => renderTasks(tasks, Date.now()),
  "task.fork": renderForks,
  "task.stop": ({ task_id }) => `Stopped ${task_id}.\n`,
  "task.network": (task) => renderTask(task, Date.now()),
  "task.start": ({ task_id }) => `Started ${task_id}.\n`,
  "task.snapshot.create": renderSnapshot,
  "task.snapshot.list": renderSnapshots,
  "task.snapshot.delete": ({ snapshot_id }) => `Deleted ${snapshot_id}.\n`,
  "task.reset": (task) => renderTask(task, Date.now()),
  "task.delete": ({ task_id }) => `Deleted ${task_id}.\n`,

  "task.file.list": renderFileList,
  "task.file.stat": (entry) => `${renderEntry(entry)}\n`,
  "task.file.write": ({ path, bytes_written, created }) =>
    `${created ? "Created" : "Wrote"} ${printable(path)} (${renderBytes(bytes_written)}).\n`,
  "task.file.mkdir": ({ path, created }) => `${printable(path)} ${created ? "was made" : "is there already"}.\n`,
  "task.file.move": ({ path, to }) => `Moved ${printable(path)} to ${printable(to)}.\n`,
  "task.file.remove": ({ path, removed_count }) =>
    `Removed ${printable(path)}${removed_count > 1 ? ` (${removed_count} names)` : ""}.\n`,

  "task.exec_signal": ({ task_id, sequence, signal }) => `Sent ${signal} to command ${sequence} of ${task_id}.\n`,

  "task.port.publish": ({ url }) => `${url}\n`,
  "task.port.list": ({ ports }) =>
    ports.map(({ port, url, open }) => `${port} ${url}${open ? "" : " (closed)"}\n`).join(""),
  "task.port.close": ({ task_id, port }) => `Closed port ${port} of ${task_id}.\n`,

  "task.shell.list": ({ shells }) => renderShells(shells),
  "task.shell.close": ({ task_id, name }) => `Closed shell ${name} of ${task_id}.\n`,

  "task.service.start": renderStarted,
  "task.service.status": renderService,
  "task.service.stop": renderService,
  "task.service.list": ({ services }) => renderServices(services),

  "daemon.status": (status) =>
    status.running
      ? renderLines([
          "Daemon: running",
          `PID: ${status.pid}`,
          `Version: ${status.version}`,
          `Up: ${status.uptime_seconds} s, since ${status.started_at}`,
          `VMs: ${status.vms} in use, ${status.spare_vms} spare, ${status.spare_vms_warming} warming`,
          ...status.spares.map(renderSpare),
          `Memory: ${renderMib(status.memory_bytes ?? 0)}, and up to ${status.memory_reserved_mib} MiB for its VMs`,
          ...renderCeilings(status),
          `Home: ${status.home}`,
          `Log: ${status.log}`,
        ])
      : renderLines(["Daemon: not running", `Home: ${status.home}`, `Log: ${status.log}`]),

  "daemon.stop": ({ pid, saved, unsaved }) =>
    [
      ...saved.map((taskId) => `Stopped task ${taskId}.\n`),
      ...unsaved.map(({ task_id: taskId, reason }) => `Task ${taskId} keeps running: ${reason}\n`),
      pid === null ? "No daemon is running.\n" : `Stopped the daemon (process ${pid}).\n`,
    ].join(""),
};

function renderCeilings({ limits, memory_reserved_mib, disk_reserved_mib, disk_kept_mib }: DaemonStatus): string[] {
  const { memory_mib, disk_mib, vms } = limits;
  return [
    ...(vms === null ? [] : [`Limit: ${vms} VMs`]),
    ...(memory_mib === null ? [] : [`Limit: ${memory_mib} MiB of memory, ${memory_reserved_mib} MiB taken`]),
    ...(disk_mib === null
      ? []
      : [`Limit: ${disk_mib} MiB of disk, ${disk_reserved_mib} MiB for VMs and ${disk_kept_mib} MiB kept`]),
  ];
}

function renderSpare(spare: DaemonStatus["spares"][number]): string {
  const { environment, vcpu_count, mem_mib, network, ready, warming } = spare;
  const shape = `${vcpu_count} vCPU, ${mem_mib} MiB${network ? ", network" : ""}`;
  return `Spare: ${environment} (${shape}): ${ready} ready, ${warming} warming`;
}

/** Texts of images, of imported files and of this host may contain anything. */
function renderLines(lines: readonly string[]): string {
  return `${lines.map(printable).join("\n")}\n`;
}

function renderImage(image: NonNullable<ResultOf<"env.inspect">["image"]>): string[] {
  return [
    `Image: ${image.digest}`,
    `User of the image: ${image.user}`,
    `Directory of the image: ${image.working_dir}`,
    `Entry point of the image: ${JSON.stringify(image.entrypoint)}`,
    `Command of the image: ${JSON.stringify(image.command)}`,
    ...image.env.map((variable) => `Variable of the image: ${variable}`),
  ];
}
