import type { Environment } from "../../contract/environment.js";
import { printable } from "./printable.js";
import { renderMib } from "./size.js";

type Saved = NonNullable<Environment["saved"]>;

/** The kind of a saved environment, in a few words. */
export function renderKind({ memory, unusable }: Saved): string {
  return `saved ${memory ? "with memory" : "disk"}${unusable === null ? "" : ", unusable"}`;
}

/** The origin of a built environment, one line per fact. */
export function renderBuild({ base, user, workdir, steps }: NonNullable<Environment["built"]>): string[] {
  const facts = [`Built from: ${base}`, `User: ${user}`, `Directory: ${workdir === "/" ? "/workspace" : workdir}`];
  return [...facts, ...steps.map((step) => `Step: ${step}`)];
}

/** The origin of a saved environment, one line per fact. */
export function renderOrigin({
  memory,
  environment,
  task_id,
  vcpu_count,
  mem_mib,
  disk_mib,
  unusable,
}: Saved): string[] {
  return [
    `Saved: ${memory ? `with memory, for VMs of ${vcpu_count} vCPU and ${mem_mib} MiB` : "disk only"}, ${disk_mib} MiB disk`,
    `Saved from: ${task_id ?? "another host"}, over ${environment}`,
    ...(unusable === null ? [] : [`Unusable: ${unusable}`]),
  ];
}

/** A new saved environment. */
export function renderSaved({ name, size_bytes, saved, warnings = [] }: Environment & { warnings?: string[] }): string {
  const kind = saved?.memory ? "with memory" : "its disk only";
  const lines = [`Saved ${name}, ${kind}, ${renderMib(size_bytes ?? 0)}.`, ...warnings];
  return `${lines.map(printable).join("\n")}\n`;
}
