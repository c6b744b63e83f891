import { PyroError } from "../../contract/errors.js";

/** The most that all VMs of a daemon may take together; null for no limit. */
export interface Ceilings {
  readonly memoryMib: number | null;
  readonly diskMib: number | null;
  readonly vms: number | null;
}

/** The most memory and disk that one VM may use. */
export interface Share {
  readonly memoryMib: number;
  readonly diskMib: number;
}

export const noCeilings: Ceilings = { memoryMib: null, diskMib: null, vms: null };

interface Lack {
  readonly variable: string;
  readonly message: string;
  readonly details: Readonly<Record<string, number>>;
}

/** The memory, disk and number of all VMs of a daemon, within its limits. Counts spares and VMs that read kept disks, too. */
export class Budget {
  readonly ceilings: Ceilings;
  readonly #shares = new Set<Share>();
  readonly #measureKeptMib: () => Promise<number>;
  /** As it was measured last. */
  #keptMib = 0;

  /** `measureKeptMib` counts the disk that snapshots and tasks without a VM take. */
  constructor(ceilings: Ceilings, measureKeptMib: () => Promise<number>) {
    this.ceilings = ceilings;
    this.#measureKeptMib = measureKeptMib;
  }

  get memoryMib(): number {
    return this.#sum("memoryMib");
  }

  get diskMib(): number {
    return this.#sum("diskMib");
  }

  /** Null when no limit needs it. */
  async keptMib(): Promise<number | null> {
    if (this.ceilings.diskMib === null) return null;
    this.#keptMib = await this.#measureKeptMib();
    return this.#keptMib;
  }

  /** Counts a VM before it starts; the release may be called twice. Throws RESOURCE_EXHAUSTED, with the variable that sets the limit. */
  async take(share: Share): Promise<() => void> {
    await this.keptMib();
    const lack = this.#findLack(share);
    if (lack === null) return this.hold(share);
    throw new PyroError("RESOURCE_EXHAUSTED", lack.message, {
      hint: `Delete or stop tasks, ask for less, or start the daemon with a higher ${lack.variable}.`,
      details: { reason: "limit", variable: lack.variable, ...lack.details },
    });
  }

  /** Counts a VM that runs already. */
  hold(share: Share): () => void {
    const own = { ...share };
    this.#shares.add(own);
    return () => void this.#shares.delete(own);
  }

  /** True when one more VM of this share would be allowed now. */
  fits(share: Share): boolean {
    return this.#findLack(share) === null;
  }

  /** How many more VMs of this share there may be; Infinity without a limit. */
  async countRoom(share: Share): Promise<number> {
    const { memoryMib, diskMib, vms } = this.ceilings;
    await this.keptMib();
    const rooms = [
      memoryMib === null ? Infinity : (memoryMib - this.memoryMib) / share.memoryMib,
      diskMib === null ? Infinity : (diskMib - this.diskMib - this.#keptMib) / share.diskMib,
      vms === null ? Infinity : vms - this.#shares.size,
    ];
    return Math.max(0, Math.floor(Math.min(...rooms)));
  }

  #sum(what: keyof Share): number {
    return [...this.#shares].reduce((sum, share) => sum + share[what], 0);
  }

  #findLack(share: Share): Lack | null {
    const { memoryMib, diskMib, vms } = this.ceilings;
    const keptMib = this.#keptMib;
    if (vms !== null && this.#shares.size >= vms) {
      return lackOf("PYRO_MAX_VMS", `${this.#shares.size} VMs run, and at most ${vms} may`, { limit: vms });
    }
    if (memoryMib !== null && this.memoryMib + share.memoryMib > memoryMib) {
      const what = `The VM may take ${share.memoryMib} MiB of memory, others ${this.memoryMib}, and all at most ${memoryMib}`;
      const details = { needed_mib: share.memoryMib, reserved_mib: this.memoryMib, limit_mib: memoryMib };
      return lackOf("PYRO_MAX_MEMORY", what, details);
    }
    if (diskMib !== null && this.diskMib + keptMib + share.diskMib > diskMib) {
      const kept = `snapshots and stopped tasks take ${keptMib}`;
      const what = `The VM may write ${share.diskMib} MiB, others ${this.diskMib}, ${kept}, and all at most ${diskMib}`;
      const details = { needed_mib: share.diskMib, reserved_mib: this.diskMib, kept_mib: keptMib, limit_mib: diskMib };
      return lackOf("PYRO_MAX_DISK", what, details);
    }
    return null;
  }
}

function lackOf(variable: string, what: string, details: Lack["details"]): Lack {
  return { variable, message: `${what} (${variable}).`, details };
}
