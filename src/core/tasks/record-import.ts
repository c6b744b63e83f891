import type { BaseRecorder, WorkspaceBase } from "../../store/workspace-base.js";
import { WORKSPACE } from "./destination.js";
import type { PushFacts } from "./pushes.js";

/** Records an import for a base. Only a directory in the place of the whole workspace becomes the base's origin. */
export function recordImport(base: WorkspaceBase, id: string, facts: PushFacts): BaseRecorder {
  const { mode, sourcePath, destination } = facts;
  const beneath = destination === WORKSPACE ? "" : destination.slice(WORKSPACE.length + 1);
  return base.record(id, beneath, mode === "directory" && beneath === "" ? sourcePath : null);
}
