import type { Client } from "../../client/client.js";
import { followServiceLogs } from "../../client/service-logs.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { openOutput } from "./output.js";
import { printable } from "./printable.js";
import { renderTable } from "./task.js";

type Service = ResultOf<"task.service.list">["services"][number];
type LogsInput = ArgumentsOf<"task.service.logs"> & { readonly follow?: boolean };

/** One service, one line per fact. */
export function renderService(service: Service): string {
  const { ready, restart, restart_count: restarts, sequence, exit_code: exitCode, last_lines: lines } = service;
  return renderLines([
    `Service: ${service.name}`,
    `State: ${service.state}${service.reason === null ? "" : ` (${printable(service.reason)})`}`,
    `Command: ${printable(service.command)}`,
    `Ready when: ${ready === null ? "started" : printable(ready)}`,
    `Restart: ${restart}${restarts === 0 ? "" : ` (${restarts} so far)`}`,
    ...(sequence === null
      ? []
      : [
          `Latest command: ${sequence}, since ${service.started_at}${exitCode === null ? "" : `, exit_code=${exitCode}`}`,
        ]),
    ...service.ports.map((port) => `Port: ${renderPort(port)}`),
    ...(lines.length === 0 ? [] : ["Last lines:", ...lines.map((line) => `  ${printable(line)}`)]),
  ]);
}

/** The result of a start: the state and the published ports. */
export function renderStarted({ name, task_id: taskId, state, ports }: Service & { readonly task_id: string }): string {
  return renderLines([`Service ${name} of ${taskId} is ${state}.`, ...ports.map(renderPort)]);
}

export function renderServices(services: readonly Service[]): string {
  if (services.length === 0) return "The task has no services.\n";
  const rows = services.map(({ name, state, restart_count, ports, command }) => [
    ...[name, state, String(restart_count)],
    ports.map(({ port, host_port }) => `${host_port}:${port}`).join(" ") || "-",
    printable(command),
  ]);
  return renderTable([["NAME", "STATE", "RESTARTS", "PORTS", "COMMAND"], ...rows], 100);
}

function renderPort({ port, url, open }: Service["ports"][number]): string {
  return `${port} ${url}${open ? "" : " (closed)"}`;
}

/** `pyro task service logs`: prints output as it came, and the next cursor. With JSON, one line per page. */
export function taskServiceLogs(client: Client, { follow, ...input }: LogsInput, json: boolean): Promise<number> {
  return interruptible(json, async (interruption) => {
    const write = openOutput(interruption);
    const { signal } = interruption;
    const pages = follow
      ? followServiceLogs(client, input, signal)
      : [await client.call("task.service.logs", input, { signal })];
    let cursor = "";
    for await (const page of pages) {
      if (json) await write("stdout", jsonLine(page));
      else {
        if (page.omitted_bytes > 0)
          await write("stderr", `pyro: ${page.omitted_bytes} bytes were lost: they are no longer kept.\n`);
        await write("stdout", page.text);
      }
      cursor = page.complete ? "" : page.cursor;
    }
    if (!json && cursor !== "" && !follow) process.stderr.write(`hint: Continue with --cursor ${cursor}.\n`);
    return 0;
  });
}

function renderLines(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
