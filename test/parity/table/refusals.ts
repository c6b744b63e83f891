import { exec, of, run, type Case } from "./case.js";

export const refusals: readonly Case[] = [
  { name: "a command too long", ...run(["echo", "x".repeat(49_152)]), expect: "INVALID_ARGUMENT" },
  { name: "an empty command", ...run(""), expect: "INVALID_ARGUMENT" },
  { name: "a command without a word", ...run([]), expect: "INVALID_ARGUMENT", ownWords: ["CLI"] },
  { name: "NUL in the command", ...run("echo a\0b"), expect: "INVALID_ARGUMENT" },
  {
    name: "an unknown environment",
    ...run(["true"], { environment: "debian:99" }),
    expect: "ENVIRONMENT_UNKNOWN",
    on: "both",
  },
  {
    name: "an environment's name mistyped",
    ...run(["true"], { environment: "debain:12" }),
    expect: "ENVIRONMENT_UNKNOWN",
  },
  { name: "no processors", ...run(["true"], { vcpu_count: 0 }), expect: "INVALID_ARGUMENT", ownWords: ["CLI"] },
  { name: "too little memory", ...run(["true"], { mem_mib: 255 }), expect: "INVALID_ARGUMENT", ownWords: ["CLI"] },
  { name: "no time", ...run(["true"], { timeout_seconds: 0 }), expect: "INVALID_ARGUMENT", ownWords: ["CLI"] },
  {
    name: "too much time",
    ...run(["true"], { timeout_seconds: 86_401 }),
    expect: "INVALID_ARGUMENT",
    ownWords: ["CLI"],
  },
  {
    name: "the host's authorities without a network",
    ...run(["true"], { network_host_ca: true }),
    expect: "INVALID_ARGUMENT",
  },
  { name: "a fraction", ...run(["true"], { mem_mib: 256.5 }), expect: "INVALID_ARGUMENT", ownWords: ["CLI"] },
  { name: "more memory than there is", ...run(["true"], { mem_mib: 65_536 }), expect: "RESOURCE_EXHAUSTED", on: "vm" },
  { name: "no task's id", ...of("task.status", { task_id: "../../etc" }), expect: "INVALID_ARGUMENT" },
  { name: "no such task", ...of("task.status", { task_id: "task-0123456789ab" }), expect: "NOT_FOUND", on: "both" },
  { name: "the logs of no such task", ...of("task.logs", { task_id: "task-0123456789ab" }), expect: "NOT_FOUND" },
  { name: "deleting no such task", ...of("task.delete", { task_id: "task-0123456789ab" }), expect: "NOT_FOUND" },
  { name: "a command in no such task", ...exec(["true"], { task_id: "task-0123456789ab" }), expect: "NOT_FOUND" },
  { name: "no VM's id", ...of("vm.status", { vm_id: "vm-x" }), expect: "INVALID_ARGUMENT" },
  { name: "no such VM", ...of("vm.status", { vm_id: "vm-0123456789ab" }), expect: "NOT_FOUND" },
  {
    name: "inspecting an unknown environment",
    ...of("env.inspect", { environment: "x" }),
    expect: "ENVIRONMENT_UNKNOWN",
  },
  { name: "removing an unknown environment", ...of("env.remove", { environment: "x" }), expect: "ENVIRONMENT_UNKNOWN" },
  {
    name: "an image that does not exist",
    ...of("env.pull", { environment: "oci:/nowhere" }),
    expect: "ENVIRONMENT_UNKNOWN",
  },
  {
    name: "a registry that nobody serves",
    ...of("env.pull", { environment: "127.0.0.1:1/me/tool" }),
    expect: "REGISTRY_UNREACHABLE",
  },
  { name: "pulling an unknown environment", ...of("env.pull", { environment: "x" }), expect: "ENVIRONMENT_UNKNOWN" },
];
