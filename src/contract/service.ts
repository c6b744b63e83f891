import { z } from "zod";

import { time } from "./fields.js";
import { limits } from "./limits.js";
import { publishedPort } from "./port.js";
import { serviceState } from "./service-state.js";
import { taskId } from "./task.js";

export const serviceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "expected a name of at most 63 letters, digits and _ . -")
  .describe("Name of the service in its task.");

const READY = /^(http:\d{1,5}\/\S*$|tcp:\d{1,5}$|file:.|log:.|command:.)/s;
export const ready = z
  .string()
  .max(4096)
  .regex(READY, "expected http:PORT/PATH, tcp:PORT, file:PATH, log:TEXT or command:CMD")
  .describe(
    "Condition that makes it ready: http:PORT/PATH (status 200 to 399), tcp:PORT, file:PATH, log:TEXT (in its output) or command:CMD (exit status 0). Default: it was started.",
  );

export const publish = z
  .array(z.string().regex(/^(\d{1,5}:)?\d{1,5}$/, "expected PORT, or HOST_PORT:PORT"))
  .max(16)
  .default([])
  .describe("Ports to publish on 127.0.0.1 of the host while it runs: PORT, or HOST_PORT:PORT.");

export const restart = z
  .enum(["never", "on-failure"])
  .default("never")
  .describe("on-failure: start the command again when it fails, after 0.2 to 30 seconds.");

/** A service as callers see it. */
export const service = z
  .object({
    name: z.string(),
    state: serviceState,
    reason: z.string().nullable().describe("Why it is waiting or failed."),
    command: z.string(),
    cwd: z.string(),
    ready: z.string().nullable().describe("Condition that makes it ready; null when its start does."),
    restart: z.enum(["never", "on-failure"]),
    restart_count: z.int().min(0).describe("How often its command was started again."),
    sequence: z.int().nullable().describe("Number of its latest command in the task."),
    exit_code: z
      .int()
      .nullable()
      .describe("Exit status of its latest command; null while that runs, and when it ended without one."),
    started_at: time.nullable().describe("Start of its latest command."),
    ready_at: time.nullable().describe("When it became ready."),
    ports: z.array(publishedPort).describe("Its published ports."),
    last_lines: z.array(z.string()).describe("The last lines of its output, 10 at most."),
  })
  .meta({ title: "Service", description: "A service of a task." });

/** One service of one task. */
export const taskService = service
  .extend({ task_id: z.string() })
  .meta({ title: "TaskService", description: "A service, with the id of its task." });

export const serviceReference = { task_id: taskId, name: serviceName };

const { waitSeconds } = limits;
export const serviceWait = z.int().min(waitSeconds.min).max(waitSeconds.max);
