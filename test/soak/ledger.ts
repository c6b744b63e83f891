/** A file whose writing was acknowledged. */
export interface KnownFile {
  readonly content: string;
  /** The guest has synced it since, and that was acknowledged: it outlives a VM that is killed. */
  readonly isSynced: boolean;
}

/** The acknowledged facts about one task: they must be true until the task is deleted. */
export interface Known {
  readonly id: string;
  /** Files of its workspace, by name. */
  readonly files: Map<string, KnownFile>;
  /** Output of commands, by their sequence. It outlives the VM. */
  readonly outputs: Map<number, string>;
}

/** All that was acknowledged to the clients of a soak, and what was killed on purpose. */
export class Ledger {
  readonly #tasks = new Map<string, Known>();
  readonly #deleted = new Set<string>();
  readonly #killed = new Set<string>();
  readonly #counts = new Map<string, number>();

  get tasks(): readonly Known[] {
    return [...this.#tasks.values()];
  }

  add(id: string, files: ReadonlyMap<string, KnownFile> = new Map()): Known {
    const known = { id, files: new Map(files), outputs: new Map<number, string>() };
    this.#tasks.set(id, known);
    return known;
  }

  /** The deletion of a task was acknowledged. */
  remove({ id }: Known): void {
    this.#tasks.delete(id);
    this.#deleted.add(id);
  }

  wasDeleted(id: string): boolean {
    return this.#deleted.has(id);
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
