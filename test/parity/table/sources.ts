import { archives } from "./archives.js";
import { exec, of, push, sh, SMALL, type Case } from "./case.js";

export const sources: readonly Case[] = [
  {
    name: "a seeded task",
    ...of("task.create", { ...SMALL, source_path: "$source/tree", exclude: ["*.log"] }),
    expect: { command_count: 0, last_push: null },
    on: "both",
  },
  { name: "what it was seeded with", ...of("task.status", { task_id: "$task" }), expect: {}, on: "both" },
  {
    name: "its files",
    ...exec(sh("find . | sort; cat 'grün/世界.txt'; ls -l link | sed 's/.*-> //'; stat -c '%a %Y' run.sh")),
    expect: { exit_code: 0, stdout: ".\n./grün\n./grün/世界.txt\n./link\n./run.sh\nhello\nrun.sh\n755 1000000000\n" },
    on: "both",
  },
  { name: "a push", ...push("tree"), expect: { mode: "directory", entry_count: 5, bytes_written: 23 }, on: "both" },
  {
    name: "an archive pushed elsewhere",
    ...push("tree.tgz", { dest: "sub/dir" }),
    expect: { mode: "archive", destination: "/workspace/sub/dir" },
  },
  {
    name: "a push with patterns",
    ...push("tree", { exclude: ["*.log", "grün/"] }),
    expect: { entry_count: 2, excluded_count: 2 },
    on: "both",
  },
  {
    name: "patterns and what they take back",
    ...push("tree", { exclude: ["*"], include: ["run.sh"] }),
    expect: { entry_count: 1 },
  },
  { name: "a dry run", ...push("tree", { dry_run: true }), expect: { dry_run: true, entry_count: 5 } },
  { name: "a destination outside", ...push("tree", { dest: "/etc" }), expect: "INVALID_ARGUMENT" },
  { name: "no such source", ...push("nothing"), clientOnly: true, expect: "SOURCE_NOT_FOUND" },
  {
    name: "a source whose name is too long",
    ...push("n".repeat(256)),
    clientOnly: true,
    expect: "SOURCE_NOT_FOUND",
  },
  { name: "a link to itself", ...push("loop"), clientOnly: true, expect: "SOURCE_UNREADABLE" },
  {
    // What is written to only; not even root may read it.
    name: "an entry that cannot be read",
    ...push("/sys/bus/platform", { exclude: ["*"], include: ["uevent"] }),
    clientOnly: true,
    expect: "SOURCE_UNREADABLE",
  },
  {
    name: "one file",
    ...push("tree/run.sh", { dest: "bin" }),
    clientOnly: true,
    expect: { mode: "file", entry_count: 1, bytes_written: 15 },
  },
  { name: "a source of another kind", ...push("/dev/null"), clientOnly: true, expect: "SOURCE_UNSUPPORTED" },
  { name: "a file that is no archive", ...push("text.tar"), clientOnly: true, expect: "SOURCE_UNSUPPORTED" },
  ...archives,
  {
    name: "a FIFO",
    ...push("special"),
    clientOnly: true,
    expect: { entry_count: 0, skipped_special: 1, changed_entries: 0 },
  },
  {
    name: "links that lead out, kept",
    ...push("linked", { dest: "kept" }),
    expect: { entry_count: 3, skipped_links: 0, warnings: [] },
    on: "both",
  },
  {
    name: "what they hold",
    ...exec(sh("readlink kept/abs kept/out")),
    expect: { stdout: "/etc/hostname\n../tree/run.sh\n" },
  },
  {
    name: "links that lead out, left out",
    ...push("linked", { dest: "skipped", links: "skip" }),
    clientOnly: true,
    expect: { entry_count: 1, skipped_links: 2 },
  },
  {
    name: "links that lead out, followed",
    ...push("linked", { dest: "followed", links: "follow", dry_run: true }),
    clientOnly: true,
    expect: { entry_count: 3, skipped_links: 0 },
  },
  {
    name: "links that lead out, refused",
    ...push("linked", { links: "refuse" }),
    expect: "ARCHIVE_LINK_ESCAPES",
    ownWords: ["HTTP"],
  },
  { name: "links of an archive, kept", ...push("tree.tgz", { links: "keep" }), expect: "INVALID_ARGUMENT" },
  {
    name: "what stands in the way of a push",
    ...exec(sh("rm -r run.sh; mkdir -p run.sh/full; ln -s /tmp away")),
    expect: { exit_code: 0 },
  },
  { name: "a directory in the place of a file", ...push("tree"), expect: "WORKSPACE_CONFLICT" },
  { name: "a way through a link", ...push("tree", { dest: "/workspace/away/sub" }), expect: "WORKSPACE_LINK" },
  {
    name: "deleting the seeded task",
    ...of("task.delete", { task_id: "$task" }),
    expect: { deleted: true },
    on: "both",
  },
  {
    name: "a task from a source that is not there",
    ...of("task.create", { ...SMALL, source_path: "$source/nothing" }),
    clientOnly: true,
    expect: "SOURCE_NOT_FOUND",
  },
  {
    name: "a task from a source that is refused",
    ...of("task.create", { ...SMALL, source_path: "$source/escapes.tar" }),
    expect: "ARCHIVE_PATH_ESCAPES",
  },
  { name: "no task is left of it", ...of("task.list"), expect: { tasks: [] } },
];
