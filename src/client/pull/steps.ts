import type { Entry } from "../../workspace/entry.js";
import type { Plan } from "../../workspace/reconcile.js";

/** One change to the host's tree. */
export interface Step {
  /** Relative to the destination. */
  readonly path: string;
  /** The host's entry before; null for none. */
  readonly before: Entry | null;
  /** The host's entry after; null for none. */
  readonly after: Entry | null;
  /** The path in the workspace, when it differs. */
  readonly source?: string | undefined;
}

/** The steps of a plan, in order. An entry that is kept beside the host's gets the first free name: `NAME.task`, `NAME.task-2`. */
export function buildSteps(
  plan: Pick<Plan, "writes" | "deletes">,
  host: (path: string) => Entry | null,
  isTaken: (path: string) => boolean,
): Step[] {
  const steps: Step[] = [];
  const removed = new Set(plan.deletes);
  for (const path of plan.deletes) steps.push({ path, before: host(path), after: null });
  const names = new Map<string, string>();
  for (const { path, entry, beside } of plan.writes) {
    if (beside === null) {
      steps.push({ path, before: removed.has(path) ? null : host(path), after: entry });
      continue;
    }
    const name = names.get(beside) ?? findFreeName(beside, isTaken);
    names.set(beside, name);
    steps.push({ path: `${name}${path.slice(beside.length)}`, before: null, after: entry, source: path });
  }
  return steps;
}

function findFreeName(path: string, isTaken: (path: string) => boolean): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? `${path}.task` : `${path}.task-${count}`;
    if (!isTaken(name)) return name;
  }
}
