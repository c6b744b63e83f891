import type { OperationName } from "../../../src/contract/operations.js";
import type { Input } from "../runner.js";
import { exec, of, sh, SMALL, type Case } from "./case.js";

const file = (operation: string, path: string, fields: Input = {}) =>
  of(`task.file.${operation}` as OperationName, { task_id: "$task", path, ...fields });
const write = (path: string, content: string, fields: Input = {}) => file("write", path, { content, ...fields });

export const files: readonly Case[] = [
  { name: "a task for files", ...of("task.create", SMALL), expect: { state: "started" }, on: "both" },
  {
    name: "a file in new directories",
    ...write("src/deep/main.txt", "one\ntwo ü\n"),
    expect: { path: "src/deep/main.txt", bytes_written: 11, created: true },
    on: "both",
  },
  {
    name: "an append to the file",
    ...write("src/deep/main.txt", "three\n", { append: true }),
    expect: { created: false },
    on: "both",
  },
  {
    name: "the file's permissions",
    ...write("run.sh", "#!/bin/sh\n", { mode: "0755" }),
    expect: { bytes_written: 10 },
  },
  {
    name: "the written content",
    ...file("read", "/workspace/src/deep/main.txt"),
    expect: { content: "one\ntwo ü\nthree\n", size_bytes: 17, mode: "0644", next_offset: null },
    on: "both",
  },
  {
    name: "a part of the file in base64",
    ...file("read", "src/deep/main.txt", { offset: 4, max_bytes: 3, encoding: "base64" }),
    expect: { content: "dHdv", bytes: 3, next_offset: 7 },
  },
  { name: "a read after the end of the file", ...file("read", "run.sh", { offset: 100 }), expect: "INVALID_ARGUMENT" },
  {
    name: "the lines of the file",
    ...file("view", "src/deep/main.txt", { offset: 2, limit: 1 }),
    expect: { text: "2\ttwo ü", next_line: 3, image: null },
    on: "both",
  },
  {
    name: "an edit",
    ...file("edit", "src/deep/main.txt", { old: "two ü", new: "2" }),
    expect: { replaced: 1, text: "1\tone\n2\t2\n3\tthree" },
    on: "both",
  },
  {
    name: "an edit of a text that does not occur",
    ...file("edit", "src/deep/main.txt", { old: "two", new: "2" }),
    expect: "FILE_EDIT_MISMATCH",
    on: "both",
  },
  { name: "a directory", ...file("mkdir", "src/empty", { mode: "700" }), expect: { created: true }, on: "both" },
  { name: "a directory that exists", ...file("mkdir", "src/empty"), expect: { created: false } },
  {
    name: "a link and a FIFO",
    ...exec(sh("ln -s deep/main.txt src/link; mkfifo src/fifo")),
    expect: { exit_code: 0 },
    on: "both",
  },
  { name: "the list of files", ...file("list", "src"), expect: { next_after: null }, on: "both" },
  {
    name: "the first page of the list",
    ...file("list", "src", { recursive: true, limit: 2 }),
    expect: { next_after: "deep/main.txt" },
  },
  {
    name: "the second page of the list",
    ...file("list", "src", { after: "deep/main.txt", limit: 1 }),
    expect: { next_after: "empty" },
  },
  {
    name: "the facts of one file",
    ...file("stat", "src/link"),
    expect: { type: "symlink", target: "deep/main.txt" },
    on: "both",
  },
  { name: "a missing file", ...file("read", "nothing"), expect: "FILE_NOT_FOUND", on: "both" },
  { name: "a file that is a directory", ...file("read", "src"), expect: "FILE_WRONG_TYPE", on: "both" },
  { name: "a file that is a FIFO", ...file("view", "src/fifo"), expect: "FILE_WRONG_TYPE", on: "both" },
  { name: "a path that is too long", ...file("stat", "x".repeat(300)), expect: "FILE_PATH_INVALID" },
  {
    name: "binary content of a file",
    ...write("bytes", "AP8=", { encoding: "base64" }),
    expect: { bytes_written: 2 },
    on: "both",
  },
  { name: "binary content read as text", ...file("read", "bytes"), expect: "FILE_NOT_TEXT" },
  { name: "a large file", ...exec(["truncate", "-s", "9M", "large"]), expect: { exit_code: 0 } },
  { name: "an edit of a large file", ...file("edit", "large", { old: "a", new: "b" }), expect: "FILE_TOO_LARGE" },
  { name: "a move to a name that exists", ...file("move", "bytes", { to: "large" }), expect: "FILE_EXISTS" },
  {
    name: "a move that replaces a file",
    ...file("move", "bytes", { to: "large", replace: true }),
    expect: { to: "large" },
    on: "both",
  },
  { name: "removing a directory with files", ...file("remove", "src"), expect: "FILE_NOT_EMPTY", on: "both" },
  {
    name: "removing a directory recursively",
    ...file("remove", "src", { recursive: true }),
    expect: { removed_count: 6 },
    on: "both",
  },
  { name: "removing the root", ...file("remove", "/", { recursive: true }), expect: "FILE_REFUSED" },
  {
    name: "deleting the task for files",
    ...of("task.delete", { task_id: "$task" }),
    expect: { deleted: true },
    on: "both",
  },
];
