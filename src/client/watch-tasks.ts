import { join } from "node:path";

import { watchDirectory } from "../host/files.js";
import type { Home } from "../host/home.js";

/**
 * Calls back when tasks of a home are created or removed, by any process; needs no daemon. Returns a function that stops watching. If
 * directories cannot be watched, the callback never runs.
 */
export function watchTasks(home: Home, onChange: () => void): () => void {
  let stop = () => {};
  const watchThem = (): boolean => {
    const stopBefore = stop;
    try {
      stop = watchDirectory(join(home.path, "tasks"), (name) => {
        if (name.startsWith("task-")) onChange();
      });
    } catch {
      return false;
    }
    stopBefore();
    return true;
  };
  if (watchThem()) return () => stop();
  try {
    // The first daemon of a home makes the directory.
    stop = watchDirectory(home.path, (name) => {
      if (name === "tasks" && watchThem()) onChange();
    });
  } catch {
    // Watching is not supported: the callback never runs.
  }
  return () => stop();
}
