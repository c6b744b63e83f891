import { addContext, checkContext, listContexts, removeContext, useContext } from "../../client/contexts/manage.js";
import type { Input } from "./arguments.js";
import { jsonLine } from "./json-line.js";
import { printable } from "./printable.js";
import { print } from "./show.js";

const text = (value: unknown) => (value === undefined ? undefined : String(value));

/** `pyro context add`. */
export async function contextAdd({ name, url, ...given }: Input, json: boolean): Promise<number> {
  const [pyro, home, image] = [text(given["pyro"]), text(given["home"]), text(given["image"])];
  const [kubeconfig, pool, pod] = [text(given["kubeconfig"]), text(given["pool"]), text(given["pod"])];
  const [storage, storageClass] = [text(given["storage"]), text(given["storage_class"])];
  const added = await addContext(process.env, String(name), {
    url: String(url),
    ...(pyro && { pyro }),
    ...(home && { home }),
    ...(image !== undefined && { image }),
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(storage !== undefined && { storage }),
    ...(storageClass !== undefined && { storageClass }),
    ...(pool !== undefined && { pool }),
    ...(pod !== undefined && { pod }),
  });
  if (json) return print(jsonLine(added));
  return print(`Added the context ${added.name}. Check it: pyro context check ${added.name}\n`);
}

/** `pyro context list`. */
export async function contextList(json: boolean): Promise<number> {
  const contexts = listContexts(process.env);
  if (json) return print(jsonLine({ contexts }));
  const width = Math.max(...contexts.map(({ name }) => name.length));
  const lines = contexts.map(({ name, url, current }) => `${current ? "*" : " "} ${name.padEnd(width)}  ${url ?? ""}`);
  return print(lines.map((line) => `${printable(line.trimEnd())}\n`).join(""));
}

/** `pyro context use`. */
export async function contextUse({ name }: Input, json: boolean): Promise<number> {
  const used = await useContext(process.env, String(name));
  return print(json ? jsonLine(used) : `Commands without --context now use ${used.name}.\n`);
}

/** `pyro context remove`. */
export async function contextRemove({ name }: Input, json: boolean): Promise<number> {
  const removed = await removeContext(process.env, String(name));
  return print(json ? jsonLine(removed) : `Removed the context ${removed.name}.\n`);
}

type Check = NonNullable<Awaited<ReturnType<typeof checkContext>>["checks"]>[number];

/** A line, and the next step below it. */
function describeCheck({ name, ok, message, hint }: Check): string[] {
  const mark = ok === null ? "-" : ok ? "ok" : "no";
  return [`${name.padEnd(10)}  ${mark.padEnd(2)} ${message}`, ...(hint === null ? [] : [`${" ".repeat(15)}${hint}`])];
}

/** `pyro context check`: prints a line for each fact; fails as a call would. */
export async function contextCheck({ name }: Input, json: boolean): Promise<number> {
  const report = await checkContext(process.env, text(name));
  if (json) print(jsonLine(report));
  else {
    const { context, url, version, connect_ms, call_ms, home, ok, checks } = report;
    const rows = [
      `context     ${context}${url === null ? "" : `  ${url}`}`,
      checks ? `namespace   ${home}` : `pyro there  ${version}, home ${home}`,
      `connected   in ${connect_ms} ms; a call takes ${call_ms} ms`,
      ...(checks?.flatMap(describeCheck) ?? [
        `VMs         ${ok ? "can run" : `cannot run; see: pyro doctor --context ${context}`}`,
      ]),
    ];
    print(rows.map((row) => `${printable(row)}\n`).join(""));
  }
  return report.ok ? 0 : 1;
}
