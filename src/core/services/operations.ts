import type { ResultOf } from "../../contract/operations.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { Call } from "../call.js";
import type { Handler } from "../core.js";
import type { Task } from "../tasks/task.js";
import { readLogs } from "./logs.js";
import type { Service } from "./service.js";
import { notReady, viewService } from "./view.js";

export const taskServiceStart: Handler<"task.service.start"> = async ({ tasks }, input, call) => {
  const task = tasks.get(input.task_id);
  const service = await task.services.start(input, call);
  const { wait_seconds: seconds } = input;
  const view = await task.during(viewSettled(task, service, seconds && seconds * 1000, call));
  // A short-lived command without a condition may have ended since it was ready.
  const isOver = !service.isLive && view.ready_at === null;
  if (isOver) throw notReady(view);
  return view;
};

export const taskServiceList: Handler<"task.service.list"> = async ({ tasks }, { task_id }) => {
  const task = tasks.get(task_id);
  const views = await Promise.all(task.services.all.map((service) => viewService(task, service)));
  return { task_id, services: views };
};

export const taskServiceStatus: Handler<"task.service.status"> = async ({ tasks }, input, { signal }) => {
  const task = tasks.get(input.task_id);
  const service = task.services.find(input.name);
  return task.during(viewSettled(task, service, input.wait_seconds * 1000, { signal }));
};

/** Waits until the service is ready or has ended, at most for a time, and returns it. */
async function viewSettled(
  task: Task,
  service: Service,
  timeoutMs: number | undefined,
  { signal }: Pick<Call, "signal">,
): Promise<ResultOf<"task.service.status">> {
  using until = new JoinedController([signal, task.deleted]);
  if (task.isStarted && timeoutMs !== 0) await service.settled(timeoutMs, until.signal);
  until.signal.throwIfAborted();
  return viewOfTask(task, service);
}

export const taskServiceLogs: Handler<"task.service.logs"> = async ({ tasks }, input, { signal }) =>
  readLogs(tasks.get(input.task_id), input, signal);

export const taskServiceStop: Handler<"task.service.stop"> = async ({ tasks }, input, call) => {
  const task = tasks.get(input.task_id);
  const service = task.services.find(input.name);
  // Its task is started first, so that its command can end.
  if (service.isLive) await task.whenStarted(call, () => service.stop(input.grace_seconds * 1000));
  return viewOfTask(task, service);
};

async function viewOfTask(task: Task, service: Service): Promise<ResultOf<"task.service.status">> {
  return { task_id: task.taskId, ...(await viewService(task, service)) };
}
