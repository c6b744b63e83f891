import type { Input } from "../runner.js";
import { exec, of, sh, SMALL, type Case } from "./case.js";

const NO_SNAPSHOT = "snap-000000000000";
const fork = (fields: Input = {}) => of("task.fork", { task_id: "$task", ...fields });
const reset = (to: string, fields: Input = {}) => of("task.reset", { task_id: "$task", to, ...fields });
const tryAll = (variants: readonly string[], fields: Input = {}) =>
  of("task.try", { task_id: "$task", variants, ...fields });

/** Snapshots, forks, stops and resets. A process that stands in for a VM can do none of them. */
export const branches: readonly Case[] = [
  {
    name: "a task to branch",
    ...of("task.create", SMALL),
    expect: { state: "started", forked_from: null },
    on: "both",
  },
  { name: "a fork that cannot be", ...fork(), expect: "HOST_NOT_ABLE" },
  { name: "a try that cannot be", ...tryAll(["true"]), expect: "HOST_NOT_ABLE" },
  { name: "a stop that cannot be", ...of("task.stop", { task_id: "$task" }), expect: "HOST_NOT_ABLE" },
  { name: "a snapshot that cannot be", ...of("task.snapshot.create", { task_id: "$task" }), expect: "HOST_NOT_ABLE" },
  {
    name: "a setup that cannot be kept",
    ...of("task.create", { ...SMALL, setup: "true" }),
    expect: "HOST_NOT_ABLE",
  },
  {
    name: "automatic snapshots that cannot be",
    ...of("task.create", { ...SMALL, snapshot_every_seconds: 60 }),
    expect: "HOST_NOT_ABLE",
  },
  {
    name: "the key of no setup",
    ...of("task.create", { ...SMALL, setup_key: ["/etc/passwd"] }),
    expect: "INVALID_ARGUMENT",
  },
  { name: "a save that cannot be", ...of("env.save", { source: "$task", name: "kept" }), expect: "HOST_NOT_ABLE" },
  {
    name: "a build that cannot be",
    ...of("env.build", { name: "built", from: "debian:12" }),
    expect: "HOST_NOT_ABLE",
  },
  { name: "a start of a started task", ...of("task.start", { task_id: "$task" }), expect: { state: "started" } },
  { name: "zero forks", ...fork({ count: 0 }), expect: "INVALID_ARGUMENT", ownWords: ["CLI"] },
  { name: "a try without variants", ...tryAll([]), expect: "INVALID_ARGUMENT" },
  { name: "a variant to keep that does not exist", ...tryAll(["true"], { keep: "best" }), expect: "INVALID_ARGUMENT" },
  { name: "a reset to an unknown snapshot", ...reset(NO_SNAPSHOT), expect: "NOT_FOUND", on: "both" },
  { name: "a fork of an unknown snapshot", ...fork({ task_id: NO_SNAPSHOT }), expect: "NOT_FOUND", on: "both" },
  {
    name: "deleting an unknown snapshot",
    ...of("task.snapshot.delete", { snapshot_id: NO_SNAPSHOT }),
    expect: "NOT_FOUND",
    on: "both",
  },
  {
    name: "a snapshot named as an id",
    ...of("task.snapshot.create", { task_id: "$task", name: NO_SNAPSHOT }),
    expect: "INVALID_ARGUMENT",
  },
  { name: "more forks than fit", ...fork({ count: 10_000 }), expect: "RESOURCE_EXHAUSTED", on: "vm" },

  { name: "a file for the snapshot", ...exec(sh("echo kept >note")), expect: { sequence: 1 }, on: "both" },
  {
    name: "a snapshot",
    ...of("task.snapshot.create", { task_id: "$task" }),
    expect: { name: null, parent: null, running_commands: 0, needed_by: [] },
    on: "vm",
  },
  { name: "the snapshots of the task", ...of("task.snapshot.list", { task: "$task" }), expect: {}, on: "both" },
  {
    name: "a command that keeps running",
    ...exec(["sleep", "1000"], { background: true }),
    expect: { sequence: 2 },
    on: "both",
  },
  { name: "a reset while a command runs", ...reset("seed"), expect: "FAILED_PRECONDITION", on: "both" },
  { name: "a fork with a running command", ...fork(), expect: {}, on: "vm" },
  {
    name: "the status of the fork",
    ...of("task.status", { task_id: "$fork" }),
    expect: { command_count: 1, running_commands: 1 },
    on: "vm",
  },
  { name: "deleting the fork", ...of("task.delete", { task_id: "$fork" }), expect: { deleted: true }, on: "vm" },
  {
    name: "stopping the task",
    ...of("task.stop", { task_id: "$task" }),
    expect: { state: "stopped", running_commands: 1, memory_bytes: null, expires_at: null },
    on: "vm",
  },
  {
    name: "starting the task again",
    ...of("task.start", { task_id: "$task" }),
    expect: { state: "started", running_commands: 1 },
    on: "vm",
  },
  {
    name: "two variants, one of them passes",
    ...tryAll(["exit 3", "echo changed >note"], { check: "grep changed note" }),
    expect: { kept: null, keep_error: null },
    on: "vm",
  },
  {
    name: "two patches, one of them fits",
    ...tryAll([], {
      variant_patches: ["kept", "other"].map((line) => `--- a/note\n+++ b/note\n@@ -1 +1 @@\n-${line}\n+patched\n`),
    }),
    expect: { kept: null, keep_error: null },
    on: "vm",
  },
  { name: "the task after the try", ...exec(["cat", "note"]), expect: { stdout: "kept\n" }, on: "vm" },
  {
    name: "a reset to the snapshot",
    ...reset("$snapshot", { force: true }),
    expect: { running_commands: 0 },
    on: "vm",
  },
  { name: "the task after the reset", ...exec(["cat", "note"]), expect: { stdout: "kept\n" }, on: "vm" },
  { name: "a reset to the seed", ...reset("seed", { force: true }), expect: { state: "started" }, on: "both" },
  { name: "the task after the reset to the seed", ...exec(["ls"]), expect: { stdout: "" }, on: "both" },
  {
    name: "saving a task under a name that is taken",
    ...of("env.save", { source: "$task", name: "debian:12" }),
    expect: "ALREADY_EXISTS",
    on: "vm",
  },
  {
    name: "deleting the snapshot",
    ...of("task.snapshot.delete", { snapshot_id: "$snapshot" }),
    expect: { deleted: true },
    on: "vm",
  },
  {
    name: "deleting the branched task",
    ...of("task.delete", { task_id: "$task" }),
    expect: { deleted: true },
    on: "both",
  },
];
