import { z } from "zod";

import type { Entry } from "../../workspace/entry.js";
import type { Plan } from "../../workspace/reconcile.js";

const mode = z.int().min(0).max(0o777);
const entrySchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("file"), mode, sizeBytes: z.int().min(0), digest: z.string() }),
  z.object({ type: z.literal("directory"), mode }),
  z.object({ type: z.literal("link"), target: z.string() }),
]);

/** One change to the host's tree. */
export const stepSchema = z.object({
  /** Relative to the destination. */
  path: z.string(),
  /** What the host has before; null for nothing. */
  before: entrySchema.nullable(),
  /** What it has after; null for nothing. */
  after: entrySchema.nullable(),
  /** The path in the workspace, when it differs. */
  source: z.string().optional(),
});

export type Step = z.infer<typeof stepSchema>;

/** The changes that a plan makes, in their order. An entry that arrives beside the host's gets the first free name: `NAME.task`, `NAME.task-2`. */
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
