import type { InputOf, ResultOf } from "../../contract/operations.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { TaskExec } from "../exec/task-exec.js";
import type { Task } from "../tasks/task.js";
import { type OutputPart, type Place, readPart, readTail, START } from "./output.js";
import { shownState, type Service } from "./service.js";

type LogsInput = InputOf<"task.service.logs">;
type ServiceLogs = ResultOf<"task.service.logs">;

/** A position in the output of a service: one of its commands, and an offset in each of its streams. */
interface Cursor {
  readonly exec: TaskExec;
  readonly place: Place;
}

/** The output of a service from the caller's cursor on. If there is none yet, waits for it. */
export async function readLogs(task: Task, input: LogsInput, signal: AbortSignal): Promise<ServiceLogs> {
  const service = task.services.find(input.name);
  using wait = new JoinedController([signal], input.wait_seconds * 1000);
  let { cursor } = input;
  for (;;) {
    const logs = await readOnce(task, service, { ...input, cursor });
    const isAnswer = logs.text !== "" || logs.complete || input.wait_seconds === 0;
    if (isAnswer || wait.signal.aborted || task.isDetached()) {
      signal.throwIfAborted();
      return logs;
    }
    cursor = logs.cursor;
    await untilGrown(service, cursor, wait.signal);
  }
}

async function readOnce(task: Task, service: Service, input: LogsInput): Promise<ServiceLogs> {
  const { task_id, name, max_bytes: maxBytes } = input;
  const facts = { task_id, name };
  // Read before the output: all output of a service that has ended is on disk by now.
  const state = shownState(service, task.isStarted);
  const isOver = !service.isLive;
  const found = findCursor(service.runs, input.cursor);
  if (found === null) {
    return { ...facts, state, text: "", omitted_bytes: 0, cursor: input.cursor ?? "start", complete: isOver };
  }
  let { exec } = found;
  let part =
    input.cursor === undefined
      ? await readTail(exec, input.lines ?? Infinity, maxBytes)
      : await readPart(exec, found.place, maxBytes);
  for (const next of service.runs.filter(({ started }) => started.sequence > found.exec.started.sequence)) {
    if (part.text !== "" || !isAllOf(exec, part)) break;
    exec = next;
    part = await readPart(exec, START, maxBytes);
  }
  const isLast = exec === service.runs.at(-1);
  return {
    ...facts,
    state,
    text: part.text,
    omitted_bytes: part.omittedBytes,
    cursor: [exec.started.sequence, part.next.stdout, part.next.stderr].join("."),
    complete: isOver && isLast && isAllOf(exec, part),
  };
}

/** The command of a cursor, or the first one after it. Null when the service has had no command. */
function findCursor(runs: readonly TaskExec[], cursor = ""): Cursor | null {
  const [sequence = 0, stdout = 0, stderr = 0] = cursor === "start" ? [] : cursor.split(".").map(Number);
  const exec = cursor === "" ? runs.at(-1) : runs.find(({ started }) => started.sequence >= sequence);
  if (exec === undefined) return runs.length === 0 ? null : { exec: runs.at(-1)!, place: START };
  return { exec, place: exec.started.sequence === sequence ? { stdout, stderr } : START };
}

function isAllOf(exec: TaskExec, { isAtEnd }: OutputPart): boolean {
  return !exec.isRunning && isAtEnd;
}

/** Resolves when the service has more output or another state, or the signal is aborted. */
async function untilGrown(service: Service, cursor: string, signal: AbortSignal): Promise<void> {
  using round = new JoinedController([signal]);
  const found = findCursor(service.runs, cursor);
  const grown = found?.exec.isRunning ? outputGrows(found, round.signal) : [];
  await Promise.race([service.changed(round.signal), ...grown]);
  round.abort();
}

function outputGrows({ exec, place }: Cursor, signal: AbortSignal): Promise<unknown>[] {
  const logs = exec.output();
  return [
    logs.then(({ stdout }) => stdout.changed(place.stdout, signal)),
    logs.then(({ stderr }) => stderr.changed(place.stderr, signal)),
    exec.done,
  ];
}
