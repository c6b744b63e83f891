import { PyroError } from "../../contract/errors.js";
import type { ResultOf } from "../../contract/operations.js";
import type { Task } from "../tasks/task.js";
import { readTail } from "./output.js";
import { shownState, type Service } from "./service.js";

type TaskServiceView = ResultOf<"task.service.status">;
type ServiceView = ResultOf<"task.service.list">["services"][number];

const LAST_LINES = 10;
const LAST_BYTES = 4_096;
const LINE_LENGTH = 400;

/** A service as callers see it. */
export async function viewService(task: Task, service: Service): Promise<ServiceView> {
  const { record } = service;
  const last = service.runs.at(-1);
  const published = record.ports.map(({ port }) => port);
  return {
    name: record.name,
    state: shownState(service, task.isStarted),
    reason: record.reason,
    command: record.command,
    cwd: record.cwd,
    ready: record.ready,
    restart: record.restart,
    restart_count: record.restart_count,
    sequence: last?.started.sequence ?? null,
    exit_code: last?.ended?.exit_code ?? null,
    started_at: last?.started.started_at ?? null,
    ready_at: record.ready_at,
    ports: task.ports.list.filter(({ port }) => published.includes(port)),
    last_lines: await readLastLines(service),
  };
}

async function readLastLines({ runs }: Service): Promise<string[]> {
  const last = runs.at(-1);
  if (last === undefined) return [];
  const { text } = await readTail(last, LAST_LINES, LAST_BYTES);
  const lines = text.replace(/\n$/, "").split(/\r?\n/);
  return lines.filter((line) => line !== "").map((line) => line.slice(0, LINE_LENGTH));
}

/** The error for a service that ended before it was ready. */
export function notReady(view: TaskServiceView): PyroError {
  const { task_id, name, state, reason, exit_code, last_lines } = view;
  const why = state === "ended" ? "its command ended with exit status 0" : (reason ?? `it is ${state}`);
  return new PyroError("SERVICE_NOT_READY", `Service ${name} of task ${task_id} did not become ready: ${why}.`, {
    details: { task_id, name, exit_code, last_output: last_lines.join("\n") },
  });
}
