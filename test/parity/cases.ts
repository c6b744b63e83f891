import { branches } from "./table/branches.js";
import type { Case } from "./table/case.js";
import { commands } from "./table/commands.js";
import { files } from "./table/files.js";
import { host } from "./table/host.js";
import { pulls } from "./table/pulls.js";
import { refusals } from "./table/refusals.js";
import { sources } from "./table/sources.js";
import { steps } from "./table/steps.js";
import { tasks } from "./table/tasks.js";
import { timeouts } from "./table/timeouts.js";
import { users } from "./table/users.js";

/** The table. Each door runs it from the first case to the last, with its own task and VMs. */
export const cases: readonly Case[] = [
  ...commands,
  ...refusals,
  ...tasks,
  ...branches,
  ...files,
  ...timeouts,
  ...sources,
  ...pulls,
  ...users,
  ...steps,
  ...host,
];
