/** What was acknowledged about one task: it must be true until the task is deleted, or its VM is killed. */
export interface Known {
  readonly id: string;
  /** Content of files of its workspace, by name. */
  readonly files: Map<string, string>;
  /** Output of commands, by their sequence. It outlives the VM. */
  readonly outputs: Map<number, string>;
}

/** All that was acknowledged to the clients of a soak, and what was killed on purpose. */
export class Ledger {
  readonly #tasks = new Map<string, Known>();
  readonly #killed = new Set<string>();
  readonly #counts = new Map<string, number>();

  get tasks(): readonly Known[] {
    return [...this.#tasks.values()];
  }

  add(id: string, files: ReadonlyMap<string, string> = new Map()): Known {
    const known = { id, files: new Map(files), outputs: new Map<number, string>() };
    this.#tasks.set(id, known);
    return known;
  }

  remove({ id }: Known): void {
    this.#tasks.delete(id);
  }

  /** The VM of a task is about to be killed. */
  kill(id: string): void {
    this.#killed.add(id);
  }

  wasKilled({ id }: Known): boolean {
    return this.#killed.has(id);
  }

  count(what: string): void {
    this.#counts.set(what, this.countOf(what) + 1);
  }

  countOf(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  summary(): string {
    return [...this.#counts]
      .toSorted()
      .map(([what, count]) => `${count} ${what}`)
      .join(", ");
  }
}
