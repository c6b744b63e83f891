import type { Machine } from "../../../backend/backend.js";
import { PyroError } from "../../../contract/errors.js";
import { quoteCommand } from "../../../contract/quote.js";
import { limits } from "../../../contract/limits.js";
import { variablesOf } from "../../../environments/image/documents.js";
import { makeDirectory, readFile, writeFile } from "../../../guest/files.js";
import { AgentRefusal } from "../../../guest/refusal.js";
import { abortable } from "../../../host/abortable.js";
import type { Call } from "../../call.js";
import { explainUser } from "../../exec/user.js";
import { explainFileRefusal } from "../../files/refusal.js";
import { findFailure, plainCommand } from "../../tasks/passing-command.js";
import type { Task } from "../../tasks/task.js";
import { copyIntoGuest, typeOf } from "./copy.js";
import type { Step } from "./plan.js";

const VARIABLES = "/etc/environment";
/** On a file system in memory, so that no saved disk contains it. */
const SCRIPT = "/run/pyro-build-script";
const MOST_VARIABLE_BYTES = 16_384;

/** Does one step in the guest of a build. Throws ENVIRONMENT_BUILD_FAILED with the output of a command that fails. */
export async function doStep(task: Task, step: Step, call: Call): Promise<void> {
  const { work } = step;
  const machine = await abortable(task.vm.assertPresent("exec").ready, call.signal);
  switch (work.kind) {
    case "env":
      return addVariables(machine, work.variables);
    case "copy":
      return copyIntoGuest(machine, work.source, work.to, call, (line) => runLine(task, step, line, call));
    case "run":
      return runLine(task, step, work.command, call);
    case "script":
      await explaining(SCRIPT, () => writeFile(machine.channel, SCRIPT, [Buffer.from(work.content)], { mode: 0o700 }));
      return runLine(task, step, work.content.startsWith("#!") ? SCRIPT : `/bin/sh ${SCRIPT}`, call);
    case "finish":
      return finish(task, machine, step, work, call);
  }
}

/** Adds variables to those that the agent gives every command. */
async function addVariables({ channel }: Machine, variables: Readonly<Record<string, string>>): Promise<void> {
  const names = new Set(Object.keys(variables));
  const known = (await explaining(VARIABLES, () => readText(machineText(channel))))
    .split("\n")
    .filter((line) => line !== "");
  const kept = known.filter((line) => !names.has(line.slice(0, line.indexOf("="))));
  const added = variablesOf({ env: Object.entries(variables).map(([name, value]) => `${name}=${value}`) });
  const text = Buffer.from([...kept, ...added].map((line) => `${line}\n`).join(""));
  if (text.length > MOST_VARIABLE_BYTES) {
    throw new PyroError("INVALID_ARGUMENT", `The variables, with those of the base, have ${text.length} bytes.`, {
      hint: `At most ${MOST_VARIABLE_BYTES} bytes of names and values are kept.`,
      details: { bytes: text.length, limit: MOST_VARIABLE_BYTES },
    });
  }
  await explaining(VARIABLES, () => writeFile(channel, VARIABLES, [text]));
}

function machineText(channel: Machine["channel"]): AsyncIterable<Uint8Array> {
  return readFile(channel, VARIABLES, { maxBytes: MOST_VARIABLE_BYTES }).content();
}

/** Empty when the file is missing. */
async function readText(content: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of content) pieces.push(Uint8Array.from(piece));
  } catch (error) {
    if (!(error instanceof AgentRefusal) || error.errno !== "ENOENT") throw error;
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** Makes the working directory, as the user's, and checks that the user exists. */
async function finish(
  task: Task,
  machine: Machine,
  step: Step,
  { workdir, user }: { readonly workdir: string | null; readonly user: string | null },
  call: Call,
): Promise<void> {
  const { channel } = machine;
  const isRoot = user === null || user === "root" || user === "0";
  if (!isRoot) {
    await channel.request("own", { user }).catch((error: unknown) => {
      throw explainUser(error, user);
    });
  }
  if (workdir === null) return;
  const isNew = await explaining(workdir, () => ensureWorkdir(channel, workdir));
  if (isNew && !isRoot) await runLine(task, step, quoteCommand(["chown", ownerOf(user), workdir]), call);
}

/** The user with its group, as chown takes them. */
function ownerOf(user: string): string {
  if (user.includes(":")) return user;
  return /^\d+$/.test(user) ? `${user}:${user}` : `${user}:`;
}

/** Makes the directory unless there is one, or a link to one. Returns false then. Throws FILE_WRONG_TYPE for anything else. */
async function ensureWorkdir(channel: Machine["channel"], path: string): Promise<boolean> {
  const type = await typeOf(channel, path);
  if (type === "directory") return false;
  if (type !== null) {
    throw new PyroError("FILE_WRONG_TYPE", `${JSON.stringify(path)} is not a directory.`, {
      hint: "Give `workdir` a directory, or a path that does not exist yet.",
      details: { path },
    });
  }
  await makeDirectory(channel, path);
  return true;
}

/** Throws FILE_… or WORKSPACE_FULL where the agent refuses work on the path. */
async function explaining<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainFileRefusal(error, path);
  }
}

/** Runs a command as root, and sends its output to the caller. */
async function runLine(task: Task, step: Step, command: string, call: Call): Promise<void> {
  const request = { task_id: task.taskId, command, cwd: "/", env: {}, user: "root", ...plainCommand };
  const exec = await task.exec({ ...request, timeout_seconds: limits.setupSeconds }, call, null);
  await abortable(exec.follow({ stdout: 0, stderr: 0 }, call, null), call.signal);
  await abortable(exec.done, call.signal);
  const failure = await findFailure(exec);
  if (failure === null) return;
  throw new PyroError("ENVIRONMENT_BUILD_FAILED", `The step \`${step.text}\` ${failure.text}`, {
    hint: "Correct the step, and build again: the results of the steps before it are kept.",
    details: { reason: "step", step: step.text, ...failure.details },
  });
}
