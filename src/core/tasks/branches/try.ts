import { PyroError } from "../../../contract/errors.js";
import { limits } from "../../../contract/limits.js";
import type { InputOf, ResultOf } from "../../../contract/operations.js";
import type { Manifest } from "../../../workspace/entry.js";
import type { Call } from "../../call.js";
import { readWorkspace } from "../../workspace/read-workspace.js";
import type { Task } from "../task.js";
import { branchFromTask } from "./branch-point.js";
import { type BranchPoint, type ForkParts, startFork } from "./fork.js";
import { resetTask } from "./reset.js";
import { assertRoomForForks, shapeOfRecord } from "./room.js";
import { snapshotTask } from "./snapshot.js";
import { failedVariant, runVariant, type Variant, type VariantResult } from "./variant.js";

type TryInput = InputOf<"task.try">;
type TryResult = ResultOf<"task.try">;

/** The tasks of this home, as a try uses them. */
export interface TryParts extends ForkParts {
  /** Lists a fork, so that it ends with the daemon and can be found. */
  readonly add: (fork: Task) => void;
  readonly remove: (fork: Task) => Promise<void>;
}

/** Tries variants of a command, each in its own fork, and makes one of the forks the task. The other forks are removed. */
export async function tryVariants(parts: TryParts, task: Task, input: TryInput, call: Call): Promise<TryResult> {
  const variants = variantsOf(input);
  const attempt = new Attempt(parts, task, input, call);
  try {
    await assertRoomForForks(parts.machines, task.record, 1);
    const before = task.commandCount;
    const results = await branchFromTask(task.vm, call.signal, (point) => attempt.runAll(point, variants));
    return { task_id: task.taskId, variants: results, ...(await attempt.keep(results, before)) };
  } finally {
    await attempt.removeForks();
  }
}

/** The commands, then the patches. Throws INVALID_ARGUMENT when there are none, or too many. */
function variantsOf({ variants: commands, variant_patches: patches }: TryInput): Variant[] {
  const all = [...commands.map((command) => ({ command })), ...patches.map((patch) => ({ command: "", patch }))];
  if (all.length > 0 && all.length <= limits.tryVariants)
    return all.map((variant, index) => ({ name: String(index + 1), patch: null, ...variant }));
  const message = all.length === 0 ? "expected a variant" : `expected at most ${limits.tryVariants} variants`;
  throw new PyroError("INVALID_ARGUMENT", `variants: ${message}.`, {
    hint: "Give commands in variants, or unified diffs in variant_patches.",
    details: { issues: [{ field: "variants", message }] },
  });
}

class Attempt {
  readonly #parts: TryParts;
  readonly #task: Task;
  readonly #input: TryInput;
  readonly #call: Call;
  readonly #forks = new Map<string, Task>();
  /** The workspace before the variants, read in the first fork before a command runs in it. */
  #before: Promise<Manifest> | null = null;

  constructor(parts: TryParts, task: Task, input: TryInput, call: Call) {
    this.#parts = parts;
    this.#task = task;
    this.#input = input;
    this.#call = call;
  }

  /** Runs as many variants at once as the host has memory for. */
  async runAll(point: BranchPoint, variants: readonly Variant[]): Promise<VariantResult[]> {
    const { room } = await this.#parts.machines.countRoom(
      this.#task.record.execution_mode,
      shapeOfRecord(point.parent),
      variants.length,
    );
    const results: VariantResult[] = [];
    const waiting = variants.entries();
    const work = async () => {
      for (const [index, variant] of waiting) {
        results[index] = await this.#runOne(point, variant);
        if (!this.#mayBeKept(results, index)) await this.#removeFork(results[index].name);
      }
    };
    // Waits for all of them: a fork that starts later would never be removed.
    const ends = await Promise.allSettled(Array.from({ length: Math.max(1, Math.min(room, variants.length)) }, work));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
    return results;
  }

  async #runOne(point: BranchPoint, variant: Variant): Promise<VariantResult> {
    const { signal, emit } = this.#call;
    try {
      signal.throwIfAborted();
      const fork = await startFork(this.#parts, point, { name: null, triedFor: this.#task.taskId }, this.#call);
      this.#forks.set(variant.name, fork);
      this.#parts.add(fork);
      const before = await this.#readBefore(fork);
      const result = await runVariant(fork, variant, this.#input, before, this.#call);
      await emit({ event: "progress", phase: "try", message: `Variant ${variant.name}: ${result.outcome}.` });
      return result;
    } catch (error) {
      signal.throwIfAborted();
      return failedVariant(variant, error);
    }
  }

  /** Reads it in this fork when an earlier one could not. */
  async #readBefore(fork: Task): Promise<Manifest> {
    const earlier = this.#before && (await this.#before.catch(() => null));
    if (earlier) return earlier;
    this.#before = fork.onFiles(this.#call, async (channel) => (await readWorkspace(channel)).manifest);
    return this.#before;
  }

  /** Forks that are no longer needed make room for others. */
  #mayBeKept(results: readonly (VariantResult | undefined)[], index: number): boolean {
    const { keep } = this.#input;
    const result = results[index];
    if (keep === "none" || result?.outcome !== "passed") return false;
    if (keep !== "first-passing") return keep === result.name;
    return !results.slice(0, index).some((earlier) => earlier?.outcome === "passed");
  }

  /** Makes the fork of the kept variant the task. */
  async keep(results: readonly VariantResult[], before: number): Promise<Pick<TryResult, "kept" | "keep_error">> {
    const { keep } = this.#input;
    if (keep === "none") return { kept: null, keep_error: null };
    try {
      const { name } = findWanted(results, keep);
      if (this.#task.commandCount !== before) throw usedMeanwhile(this.#task.taskId);
      const fork = this.#forks.get(name)!;
      const { signal } = this.#call;
      const snapshot = await fork.changeVm(this.#call, (vm) => snapshotTask(vm, null, signal));
      const to = snapshot.record.snapshot_id;
      const { parent_snapshot } = this.#task.record;
      await this.#task.changeVm(this.#call, async (vm, call) => {
        await resetTask(vm, { to, force: true }, call);
        // After the reset the parent is the fork's snapshot, which is removed with the fork.
        await vm.change({ parent_snapshot });
      });
      return { kept: name, keep_error: null };
    } catch (error) {
      this.#call.signal.throwIfAborted();
      const { code, message } = PyroError.from(error);
      return { kept: null, keep_error: { code, message } };
    }
  }

  async removeForks(): Promise<void> {
    await Promise.all([...this.#forks.keys()].map((name) => this.#removeFork(name)));
  }

  async #removeFork(name: string): Promise<void> {
    const fork = this.#forks.get(name);
    this.#forks.delete(name);
    if (fork) await this.#parts.remove(fork);
  }
}

function findWanted(results: readonly VariantResult[], keep: string): VariantResult {
  const wanted = results.find(({ name, outcome }) =>
    keep === "first-passing" ? outcome === "passed" : name === keep && outcome === "passed",
  );
  if (wanted) return wanted;
  const which = keep === "first-passing" ? "No variant" : `Variant ${keep}`;
  throw new PyroError("FAILED_PRECONDITION", `${which} ${keep === "first-passing" ? "passed" : "did not pass"}.`);
}

/** Keeping a variant would lose what these commands did. */
function usedMeanwhile(taskId: string): PyroError {
  return new PyroError("FAILED_PRECONDITION", `Commands ran in task ${taskId} while the variants were tried.`);
}
