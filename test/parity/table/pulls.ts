import { exec, of, sh, SMALL, type Case } from "./case.js";

const CHANGE = "echo more >>run.sh; echo new >grün/new; chmod 600 grün/世界.txt; rm link";
const pull = (fields: object = {}) => of("task.sync.pull", { task_id: "$task", ...fields });
const exportTo = (path: string, output: string, fields: object = {}) =>
  of("task.export_to", { task_id: "$task", path, output: `$source/${output}`, ...fields });

/** Changes that come back into the directory from which a task was made. HTTP has no calls that write on the client's machine. */
export const pulls: readonly Case[] = [
  {
    name: "a task to pull from",
    ...of("task.create", { ...SMALL, source_path: "$source/pulled" }),
    expect: { state: "started" },
    on: "both",
  },
  { name: "changes to pull", ...exec(sh(CHANGE)), expect: { exit_code: 0 }, on: "both" },
  {
    name: "a pull",
    ...pull(),
    clientOnly: true,
    expect: { written_count: 3, deleted_count: 0, kept_count: 1, conflicts: [], dry_run: false },
    on: "both",
  },
  { name: "a pull of the deletion", ...pull({ delete: true }), clientOnly: true, expect: { deleted_count: 1 } },
  {
    name: "a pull with nothing to do",
    ...pull(),
    clientOnly: true,
    expect: { written_count: 0, changes: [] },
    on: "both",
  },
  { name: "a diff after the pull", ...of("task.diff", { task_id: "$task" }), clientOnly: true, expect: { files: [] } },
  {
    name: "an undo of the last pull",
    ...of("task.sync.undo", { task_id: "$task" }),
    clientOnly: true,
    expect: {},
    on: "both",
  },
  {
    name: "a second undo",
    ...of("task.sync.undo", { task_id: "$task" }),
    clientOnly: true,
    expect: "NOT_FOUND",
  },
  {
    name: "an export as an archive",
    ...exportTo("grün", "out.tar.gz"),
    clientOnly: true,
    expect: { entry_count: 2, bytes: 10, skipped_special: 0 },
    on: "both",
  },
  {
    name: "an export that replaces the archive",
    ...exportTo("run.sh", "out.tar.gz", { force: true }),
    clientOnly: true,
    expect: { entry_count: 1 },
  },
  {
    name: "an export into a directory",
    ...exportTo(".", "out"),
    clientOnly: true,
    expect: { entry_count: 5 },
    on: "both",
  },
  {
    name: "deleting the pulled task",
    ...of("task.delete", { task_id: "$task" }),
    expect: { deleted: true },
    on: "both",
  },
  {
    name: "a task from an archive",
    ...of("task.create", { ...SMALL, source_path: "$source/tree.tgz" }),
    expect: { state: "started" },
  },
  { name: "changes to a task from an archive", ...exec(sh("echo more >>run.sh")), expect: { exit_code: 0 } },
  {
    name: "a pull that has no directory to go to",
    ...pull(),
    clientOnly: true,
    expect: "INVALID_ARGUMENT",
    ownWords: ["MCP"],
  },
  {
    name: "deleting the task from an archive",
    ...of("task.delete", { task_id: "$task" }),
    expect: { deleted: true },
  },
];
