import { exec, of, run, sh, SMALL, type Case } from "./case.js";

const ids = sh("id -u; id -g; echo $HOME");
const NOBODY = "65534\n65534\n/nonexistent\n";

/** Commands and files of users of the guest. */
export const users: readonly Case[] = [
  { name: "a run as a user", ...run(ids, { user: "nobody" }), expect: { exit_code: 0, stdout: NOBODY }, on: "vm" },
  {
    name: "a run as a user and group by number",
    ...run(ids, { user: "1000:1001" }),
    expect: { exit_code: 0, stdout: "1000\n1001\n/\n" },
    on: "vm",
  },
  { name: "a run as an unknown user", ...run(["true"], { user: "no-one" }), expect: "INVALID_ARGUMENT", on: "vm" },
  {
    name: "a task whose commands have a user",
    ...of("task.create", { ...SMALL, user: "nobody" }),
    expect: { state: "started", user: "nobody" },
    on: "vm",
  },
  { name: "a command of the task's user", ...exec(ids), expect: { exit_code: 0, stdout: NOBODY }, on: "vm" },
  {
    name: "a command of another user",
    ...exec(ids, { user: "root" }),
    expect: { exit_code: 0, stdout: "0\n0\n/root\n" },
    on: "vm",
  },
  {
    name: "a file that a user may not read",
    ...of("task.file.read", { task_id: "$task", path: "/etc/shadow", user: "nobody" }),
    expect: "FILE_REFUSED",
    on: "vm",
  },
  {
    name: "deleting the task with a user",
    ...of("task.delete", { task_id: "$task" }),
    expect: { deleted: true },
    on: "vm",
  },
];
