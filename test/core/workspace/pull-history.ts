import { fc } from "../../property.js";

/** A file with its mode, or a symbolic link. */
export type Leaf = { readonly text: string; readonly mode: number } | { readonly target: string };
export type Leaves = Map<string, Leaf>;

export type Step =
  | { readonly act: "host" | "guest"; readonly path: string; readonly leaf: Leaf | null }
  | { readonly act: "push"; readonly delete: boolean }
  | { readonly act: "pull"; readonly delete: boolean; readonly onConflict: "fail" | "host" | "task" }
  | { readonly act: "undo" };

/** `done`, or the code with which nothing happened. */
export type Outcome = "done" | "conflict" | "DESTINATION_CHANGED" | "NOT_FOUND";

interface Taken {
  readonly steps: readonly { readonly path: string; readonly before: Leaf | null; readonly after: Leaf | null }[];
  readonly base: readonly (readonly [string, Leaf | null])[];
}

const path = fc.constantFrom("a", "d/x", "d/e/ü z", "line\nbreak");
const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc.record({ text: fc.constantFrom("", "one\n", "two\n", "three"), mode: fc.constantFrom(0o644, 0o755, 0o600) }),
  fc.record({ target: fc.constantFrom("a", "/etc/passwd", "../outside") }),
);
const edit = (act: "host" | "guest"): fc.Arbitrary<Step> =>
  fc.record({ act: fc.constant(act), path, leaf: fc.option(leaf, { nil: null }) });

export const histories: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: edit("host") },
    { weight: 4, arbitrary: edit("guest") },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("push" as const), delete: fc.boolean() }) },
    {
      weight: 3,
      arbitrary: fc.record({
        act: fc.constant("pull" as const),
        delete: fc.boolean(),
        onConflict: fc.constantFrom("fail" as const, "host" as const, "task" as const),
      }),
    },
    { weight: 1, arbitrary: fc.constant<Step>({ act: "undo" }) },
  ),
  { minLength: 4, maxLength: 14 },
);

/** The expected entries of host and workspace after each step, path by path. */
export class Model {
  readonly host: Leaves = new Map();
  readonly guest: Leaves = new Map();
  readonly #base: Leaves = new Map();
  /** Whether a push brought the entry; false for entries that the guest has written since. */
  readonly #brought = new Map<string, boolean>();
  #taken: Taken | null = null;

  /** Paths that differ from what both had in common. */
  get changed(): string[] {
    return this.#paths().filter((at) => !isSame(this.guest.get(at), this.#base.get(at)));
  }

  edit(side: "host" | "guest", at: string, value: Leaf | null): void {
    set(this[side], at, value);
    if (side === "guest" && this.#brought.has(at)) this.#brought.set(at, false);
  }

  push(isDeleting: boolean): void {
    for (const [at, isUntouched] of isDeleting ? this.#brought : []) {
      if (this.host.has(at)) continue;
      if (isUntouched) this.guest.delete(at);
      this.#base.delete(at);
      this.#brought.delete(at);
    }
    for (const [at, value] of this.host) {
      this.guest.set(at, value);
      this.#base.set(at, value);
      this.#brought.set(at, true);
    }
  }

  /** The model knows no directories; a pull that wrote only those can be undone as well. */
  pull(options: Extract<Step, { act: "pull" }>, hasWritten: boolean): Outcome {
    const decided = this.changed.map((at) => ({ at, decision: this.#decide(at, options) }));
    if (decided.some(({ decision }) => decision === "conflict")) return "conflict";
    const settled = decided.filter(({ decision }) => decision !== "kept").map(({ at }) => at);
    const steps = decided
      .filter(({ decision }) => decision === "written")
      .map(({ at }) => ({ path: at, before: this.host.get(at) ?? null, after: this.guest.get(at) ?? null }));
    if (steps.length > 0 || hasWritten)
      this.#taken = { steps, base: settled.map((at) => [at, this.#base.get(at) ?? null]) };
    for (const { path: at, after } of steps) set(this.host, at, after);
    for (const at of settled) set(this.#base, at, this.guest.get(at) ?? null);
    return "done";
  }

  #decide(at: string, { delete: isDeleting, onConflict }: Extract<Step, { act: "pull" }>) {
    const host = this.host.get(at);
    if (isSame(host, this.guest.get(at))) return "settled";
    const isConflict = !isSame(host, this.#base.get(at));
    if (isConflict && onConflict === "fail") return "conflict";
    if (isConflict && onConflict === "host") return "settled";
    return this.guest.has(at) || isDeleting ? "written" : "kept";
  }

  undo(): Outcome {
    if (this.#taken === null) return "NOT_FOUND";
    const { steps, base } = this.#taken;
    if (steps.some(({ path: at, after }) => !isLeft(this.host.get(at), after))) return "DESTINATION_CHANGED";
    for (const { path: at, before } of steps) set(this.host, at, before);
    for (const [at, value] of base) set(this.#base, at, value);
    this.#taken = null;
    return "done";
  }

  #paths(): string[] {
    return [...new Set([...this.#base.keys(), ...this.guest.keys()])];
  }
}

function set(side: Leaves, at: string, value: Leaf | null): void {
  if (value === null) side.delete(at);
  else side.set(at, value);
}

function isSame(a: Leaf | null | undefined, b: Leaf | null | undefined): boolean {
  if (!a || !b) return !a && !b;
  if ("target" in a) return "target" in b && a.target === b.target;
  return "text" in b && a.text === b.text && a.mode === b.mode;
}

/** Whether the host still has the result of a pull. A mode that the host changed is ignored. */
function isLeft(host: Leaf | undefined, after: Leaf | null): boolean {
  if (host && after && "text" in host && "text" in after) return host.text === after.text;
  return isSame(host, after);
}
