import type { BaseRecorder, WorkspaceBase } from "../../store/workspace-base.js";
import { WORKSPACE } from "./destination.js";

/** The source and the destination of a push. */
export interface PushFacts {
  readonly mode: "directory" | "file" | "archive";
  readonly sourcePath: string;
  readonly destination: string;
}

/** Records an import for a base. Only a directory in the place of the whole workspace becomes the base's origin. */
export function recordImport(base: WorkspaceBase, id: string, facts: PushFacts): BaseRecorder {
  const { mode, sourcePath, destination } = facts;
  const beneath = destination === WORKSPACE ? "" : destination.slice(WORKSPACE.length + 1);
  return base.record(id, beneath, mode === "directory" && beneath === "" ? sourcePath : null);
}
