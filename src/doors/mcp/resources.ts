import {
  ResourceNotFoundError,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplateType,
} from "@modelcontextprotocol/server";

import type { Client } from "../../client/client.js";
import { PyroError } from "../../contract/errors.js";
import type { ResultOf } from "../../contract/operations.js";
import { taskExec } from "../../contract/task-exec.js";
import { fitResult } from "./budget.js";
import { renderResult } from "./render.js";

const LOG_BYTES = 32_768;

const fixed: readonly Resource[] = [
  {
    uri: "pyro://environments",
    name: "environments",
    title: "Environments",
    description: "The environments that VMs can start from.",
    mimeType: "application/json",
  },
  {
    uri: "pyro://tasks",
    name: "tasks",
    title: "Tasks",
    description: "All tasks and their state.",
    mimeType: "application/json",
  },
];

export const resourceTemplates: readonly ResourceTemplateType[] = [
  {
    uriTemplate: "pyro://tasks/{task_id}",
    name: "task",
    title: "A task",
    description: "State, resources and last command.",
    mimeType: "application/json",
  },
  {
    uriTemplate: "pyro://tasks/{task_id}/logs/{sequence}",
    name: "task log",
    title: "A command's output",
    description: "The outcome of one command of a task, with head and tail of its output.",
    mimeType: "text/plain",
  },
];

/** The available resources. Does not start a daemon; without one there are no tasks. */
export async function listResources(client: Client): Promise<Resource[]> {
  const running = await client.callRunning("task.list", {});
  return [...fixed, ...(running?.tasks ?? []).map(describeTask)];
}

/** Throws the protocol's error for an unknown resource. */
export async function readResource(client: Client, uri: string): Promise<ReadResourceResult> {
  try {
    const { mimeType, text } = await read(client, uri);
    return { contents: [{ uri, mimeType, text }] };
  } catch (error) {
    if (error instanceof PyroError && (error.code === "NOT_FOUND" || error.code === "INVALID_ARGUMENT"))
      throw new ResourceNotFoundError(uri, error.message);
    throw error;
  }
}

async function read(client: Client, uri: string): Promise<{ mimeType: string; text: string }> {
  if (uri === "pyro://environments") return asJson(await client.call("env.list", {}));
  if (uri === "pyro://tasks") return asJson(await client.call("task.list", {}));
  const [, taskId, sequence] = /^pyro:\/\/tasks\/([^/]+)(?:\/logs\/([1-9]\d{0,14}))?$/.exec(uri) ?? [];
  if (taskId === undefined) throw new PyroError("NOT_FOUND", `Unknown resource ${uri.slice(0, 200)}.`);
  if (sequence === undefined) return asJson(await client.call("task.status", { task_id: taskId }));
  const { entries } = await client.call("task.logs", { task_id: taskId });
  const entry = entries.find((candidate) => candidate.sequence === Number(sequence));
  if (!entry) throw new PyroError("NOT_FOUND", `Task ${taskId} has no command ${sequence}.`);
  const fitted = fitResult({ ...entry }, { maxBytes: LOG_BYTES, raw: false, bulk: taskExec.bulk });
  return { mimeType: "text/plain", text: renderResult("task_exec", fitted) };
}

function asJson(value: unknown): { mimeType: string; text: string } {
  return { mimeType: "application/json", text: JSON.stringify(value, null, 1) };
}

function describeTask(task: ResultOf<"task.status">): Resource {
  return {
    uri: `pyro://tasks/${task.task_id}`,
    name: task.task_id,
    description: `${task.state}, ${task.environment}, ${task.command_count} commands`,
    mimeType: "application/json",
  };
}
