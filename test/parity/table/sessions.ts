import type { Input } from "../runner.js";
import { exec, of, sh, type Case } from "./case.js";

const service = (action: "start" | "status" | "logs" | "stop", fields: Input) =>
  of(`task.service.${action}`, { task_id: "$task", ...fields });

const shell = (action: "open" | "write" | "read" | "close", fields: Input = {}) =>
  of(`task.shell.${action}`, { task_id: "$task", ...fields });

/** Services and shells of the task. */
export const sessions: readonly Case[] = [
  {
    name: "a service",
    ...service("start", { name: "web", command: sh("echo up; exec sleep 600"), ready: "log:up" }),
    expect: { state: "ready", last_lines: ["up"], exit_code: null },
    on: "both",
  },
  {
    name: "a service whose name is taken",
    ...service("start", { name: "web", command: ["true"] }),
    expect: "ALREADY_EXISTS",
  },
  {
    name: "a service that is not ready",
    ...service("start", { name: "broken", command: sh("echo why; exit 3"), ready: "log:up" }),
    expect: "SERVICE_NOT_READY",
    on: "both",
  },
  {
    name: "an invalid ready condition",
    ...service("start", { name: "x", command: ["true"], ready: "tcp:0" }),
    expect: "INVALID_ARGUMENT",
  },
  { name: "the list of services", ...of("task.service.list", { task_id: "$task" }), expect: {} },
  {
    name: "the status of a service",
    ...service("status", { name: "web" }),
    expect: { state: "ready", restart_count: 0 },
  },
  {
    name: "the log of a service",
    ...service("logs", { name: "web", cursor: "start" }),
    expect: { text: "up\n", complete: false },
  },
  {
    name: "stopping the service",
    ...service("stop", { name: "web" }),
    expect: { state: "stopped", exit_code: 143 },
    on: "both",
  },
  { name: "an unknown service", ...service("status", { name: "none" }), expect: "NOT_FOUND" },
  {
    name: "a shell",
    ...shell("open", {
      command: sh("stty -echo size; touch asks; read x; echo got $x; touch got; exec sleep 600"),
      rows: 50,
      cols: 132,
    }),
    expect: { created: true, state: "running", rows: 50 },
    on: "both",
  },
  { name: "the same shell", ...shell("open"), expect: { created: false, name: "main" } },
  {
    name: "until it reads",
    ...exec(sh("until [ -e asks ]; do sleep 0.1; done; rm asks")),
    expect: { exit_code: 0 },
    on: "both",
  },
  { name: "keys", ...shell("write", { text: "hello\n" }), expect: { written_bytes: 6 }, on: "both" },
  {
    name: "until it has answered",
    ...exec(sh("until [ -e got ]; do sleep 0.1; done; rm got")),
    expect: { exit_code: 0 },
    on: "both",
  },
  {
    name: "the screen of a shell",
    ...shell("read", { wait_for: "got hello", wait_seconds: 60 }),
    clientOnly: true,
    expect: { state: "running", exit_code: null, screen: "50 132\ngot hello", found: true },
    on: "both",
  },
  { name: "closing a shell", ...shell("close", { name: "main" }), expect: { state: "ended" }, on: "both" },
  { name: "the shells", ...of("task.shell.list", { task_id: "$task" }), expect: { shells: [] } },
  { name: "keys for no shell", ...shell("write", { text: "x" }), expect: "NOT_FOUND" },
  { name: "a shell of no size", ...shell("open", { rows: 0 }), expect: "INVALID_ARGUMENT" },
];
