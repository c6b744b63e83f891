import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";

import { PyroError } from "../contract/errors.js";
import { mkdir, readdir, rename, rm, syncDirectory } from "../host/files.js";
import { isTaskId, taskDirectoryPath } from "./layout.js";
import { writeTaskRecord, type TaskRecord } from "./task-record.js";

/** Directories with these names are not tasks: they are unfinished, or being removed. */
const NEW = ".new-";
const DELETED = ".deleted-";

/** Path for the files of a new task. It does not exist yet. */
export function newDraftPath(tasksPath: string, taskId: string): string {
  // Beneath a parent, since the record must be in a directory with the task's own name.
  return join(tasksPath, `${NEW}${randomBytes(6).toString("hex")}`, taskId);
}

export async function removeDraft(draft: string): Promise<void> {
  await rm(dirname(draft), { recursive: true, force: true }).catch(() => {});
}

/** Makes a task's directory of a draft and its record, durably: no crash leaves one without the other. Returns its path. */
export async function createTaskDirectory(tasksPath: string, record: TaskRecord, draft: string): Promise<string> {
  const directory = taskDirectoryPath(tasksPath, record.task_id);
  try {
    await mkdir(draft, { recursive: true, mode: 0o700 });
    await writeTaskRecord(draft, record);
    await rename(draft, directory);
    await syncDirectory(tasksPath);
    return directory;
  } catch (error) {
    throw PyroError.from(error);
  } finally {
    await removeDraft(draft);
  }
}

/** All tasks, by id in order; none when the directory does not exist yet. */
export async function listTaskDirectories(tasksPath: string): Promise<{ taskId: string; directory: string }[]> {
  const entries = await listEntries(tasksPath);
  return entries
    .filter((entry) => entry.isDirectory() && isTaskId(entry.name))
    .map(({ name }) => ({ taskId: name, directory: join(tasksPath, name) }))
    .sort((a, b) => (a.taskId < b.taskId ? -1 : 1));
}

/** Removes a task permanently; false when it does not exist. After the rename the task no longer exists, even if the daemon dies. */
export async function removeTaskDirectory(tasksPath: string, taskId: string): Promise<boolean> {
  const directory = taskDirectoryPath(tasksPath, taskId);
  const doomed = join(tasksPath, `${DELETED}${randomBytes(6).toString("hex")}`);
  try {
    await rename(directory, doomed);
    await syncDirectory(tasksPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw PyroError.from(error);
  }
  await rm(doomed, { recursive: true, force: true }).catch(() => {}); // the next start removes the rest
  return true;
}

/** Removes tasks that earlier processes created or deleted only in part. */
export async function sweepDeleted(tasksPath: string): Promise<void> {
  for (const { name } of await listEntries(tasksPath)) {
    if (!name.startsWith(NEW) && !name.startsWith(DELETED)) continue;
    await rm(join(tasksPath, name), { recursive: true, force: true }).catch(() => {});
  }
}

async function listEntries(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw PyroError.from(error);
  }
}
