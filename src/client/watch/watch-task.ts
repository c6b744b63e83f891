import { setTimeout as sleep } from "node:timers/promises";

import { createFilter } from "../../archive/filter.js";
import { PyroError } from "../../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { realpath, stat } from "../../host/files.js";
import { TreeWatch } from "../../host/tree-watch.js";
import type { Client } from "../client.js";
import { Changes } from "./changes.js";
import { listIgnored } from "../pack/git-files.js";
import { pushTaskSync } from "../task-source.js";

/** The events of a watch. */
export type WatchEvent =
  | { readonly event: "pushed"; readonly changed: readonly string[]; readonly result: ResultOf<"task.sync.push"> }
  /** A push failed; it is tried again, or made again after the next change. */
  | { readonly event: "failed"; readonly error: PyroError; readonly retries: boolean };

export interface WatchOptions {
  /** Ends the watch. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: WatchEvent) => void | Promise<void>;
}

const RETRY_MS = 1_000;
/** How often a task is looked at while nothing changes. */
const LOOK_MS = 5_000;

/** Failures after which the task takes no more pushes, or nothing is left to push. */
const ENDS: readonly string[] = [
  "NOT_FOUND",
  "FAILED_PRECONDITION",
  "SOURCE_NOT_FOUND",
  "SOURCE_UNSUPPORTED",
  "INVALID_ARGUMENT",
];
/** Temporary failures: the daemon is being replaced, or started again. */
const PASSES: readonly string[] = ["DAEMON_UNREACHABLE", "ABORTED", "SOURCE_CHANGED", "WORKSPACE_CHANGED"];

/**
 * Pushes a directory, and pushes it again whenever something in it changes, until the signal is aborted. Returns the number of pushes.
 * Rejects when the task or the directory is gone; other failures are events.
 */
export async function watchTask(
  client: Client,
  input: ArgumentsOf<"task.watch">,
  { signal, onEvent }: WatchOptions,
): Promise<number> {
  const changes = new Changes(signal);
  using source = await openSource(input, changes);
  let pushes = 0;
  changes.add("");
  while (!signal.aborted) {
    if (!(await changes.wait(LOOK_MS))) {
      if (!signal.aborted) await assertTakesPushes(client, input.task_id);
      continue;
    }
    const changed = await changes.take();
    try {
      const result = await pushTaskSync(client, input, { signal });
      pushes += 1;
      await onEvent({ event: "pushed", changed, result });
    } catch (error) {
      if (signal.aborted) break;
      const failure = PyroError.from(error);
      if (ENDS.includes(failure.code)) throw failure;
      const retries = PASSES.includes(failure.code);
      await onEvent({ event: "failed", error: failure, retries });
      if (!retries) continue;
      for (const path of changed.length > 0 ? changed : [""]) changes.add(path);
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
    }
    await source.refresh();
  }
  return pushes;
}

/** Throws when the task takes no more pushes; a push starts a stopped one. Does not start a daemon. */
async function assertTakesPushes(client: Client, taskId: string): Promise<void> {
  const task = await client.callRunning("task.status", { task_id: taskId });
  if (task === null || task.state === "started" || task.state === "stopped") return;
  throw new PyroError("FAILED_PRECONDITION", `Task ${taskId} is ${task.state}, so nothing more is pushed to it.`, {
    hint: "Create another task to continue.",
    details: { task_id: taskId, state: task.state },
  });
}

/** The watch over a source, without the entries that a push leaves out. `refresh` asks Git again which entries it ignores. */
async function openSource(input: ArgumentsOf<"task.watch">, changes: Changes) {
  const { exclude = [], include = [], git_tracked: gitTracked = false, with_git: withGit = false } = input;
  const root = await realpath(input.source_path).catch(() => input.source_path);
  if ((await stat(root).catch(() => null))?.isDirectory() === false) throw noDirectory(input.source_path);
  const filter = createFilter({ exclude, include });
  const isGit = (path: string) => gitTracked && !withGit && /(^|\/)\.git($|\/)/.test(path);
  let ignored: ReadonlySet<string> = new Set();
  const tree = new TreeWatch(root, {
    excludes: (path, isDirectory) =>
      isGit(path) || ignored.has(path) || (filter?.excludedRoot(path, isDirectory) ?? null) !== null,
    onChange: (path) => changes.add(path),
    onError: (error, path) => changes.fail(unwatchable(error, path)),
  });
  const refresh = async () => {
    if (!gitTracked) return;
    ignored = await listIgnored(root);
    tree.prune();
  };
  await refresh();
  await tree.add();
  return { refresh, [Symbol.dispose]: () => tree[Symbol.dispose]() };
}

function noDirectory(path: string): PyroError {
  return new PyroError("SOURCE_UNSUPPORTED", `${path} is not a directory, so it cannot be watched.`, {
    hint: "Name a directory; push a file or an archive with `pyro task sync push`.",
    details: { path },
  });
}

function unwatchable({ code }: NodeJS.ErrnoException, path: string): PyroError {
  const full = code === "ENOSPC" || code === "EMFILE";
  return new PyroError(
    full ? "RESOURCE_EXHAUSTED" : "SOURCE_UNREADABLE",
    full
      ? "This user watches as many directories as this machine allows."
      : `${path || "The source"} cannot be watched: ${code}.`,
    {
      hint: full
        ? "Raise fs.inotify.max_user_watches or max_user_instances, or leave directories out with --exclude."
        : "Make it readable, or leave it out with --exclude.",
      details: { path, errno: code },
    },
  );
}
