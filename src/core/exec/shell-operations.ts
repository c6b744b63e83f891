import type { Handler } from "../core.js";
import { closeShell, typeText, viewShell } from "./shells.js";

export const taskShellOpen: Handler<"task.shell.open"> = async ({ tasks }, input, call) => {
  const task = tasks.get(input.task_id);
  const { exec, created } = await task.shells.open(input, call);
  return { task_id: task.taskId, ...viewShell(exec), created };
};

export const taskShellList: Handler<"task.shell.list"> = async ({ tasks }, { task_id, all }) => ({
  task_id,
  shells: tasks.get(task_id).shells.list(all),
});

export const taskShellWrite: Handler<"task.shell.write"> = async ({ tasks }, { task_id, name, text }, call) => {
  const task = tasks.get(task_id);
  const exec = task.shells.find(name);
  const written = await task.whenStarted(call, () => typeText(exec, text, call));
  return { task_id, name, written_bytes: written };
};

export const taskShellClose: Handler<"task.shell.close"> = async ({ tasks }, { task_id, name }, call) => {
  const task = tasks.get(task_id);
  const exec = task.shells.find(name);
  await task.whenStarted(call, () => closeShell(exec));
  return { task_id, ...viewShell(exec) };
};
