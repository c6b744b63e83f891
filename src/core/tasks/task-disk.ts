import type { Channel } from "../../guest/channel.js";
import { diskUsageBytes } from "../../host/disk.js";
import { existsSync, rm } from "../../host/files.js";
import { diskPath } from "../../store/layout.js";
import type { TaskRecord } from "../../store/task-record.js";
import { DiskReader } from "../machines/disk-reader.js";
import type { LastingMachines } from "../machines/lasting.js";

interface TaskDiskParts {
  readonly directory: string;
  readonly record: TaskRecord;
  readonly machines: Pick<LastingMachines, "destroy" | "hold" | "offer" | "openDisk">;
}

/** The disk of a task's VM after the VM's death, and the helper that reads it. */
export class TaskDisk {
  /** The directory of the disk. */
  readonly path: string;
  readonly #reader: DiskReader;
  readonly #machines: TaskDiskParts["machines"];
  #environmentDigest: string;
  /** Releases the environment, without which the disk cannot be read. */
  #release: () => void;

  constructor({ directory, record, machines }: TaskDiskParts) {
    this.path = diskPath(directory);
    this.#machines = machines;
    this.#environmentDigest = record.environment_digest;
    const { require_isolation: requireIsolation } = record;
    this.#reader = new DiskReader({
      open: (signal) => {
        const owner = { environmentDigest: this.#environmentDigest, requireIsolation };
        return machines.openDisk({ directory: this.path, snapshot: null }, owner, signal);
      },
      close: (helper) => machines.destroy(helper),
      offer: (end) => machines.offer(end),
    });
    this.#release = machines.hold(this.#environmentDigest);
  }

  get isKept(): boolean {
    return existsSync(this.path);
  }

  /** Null when none is kept. */
  async usageBytes(): Promise<number | null> {
    return this.isKept ? diskUsageBytes(this.path) : null;
  }

  read<T>(signal: AbortSignal, work: (channel: Channel) => Promise<T>): Promise<T> {
    return this.#reader.use(signal, work);
  }

  /** Removes the disk. The next one is that of a VM of this environment. */
  async renew(environmentDigest: string): Promise<void> {
    await this.#reader.close();
    await rm(this.path, { recursive: true, force: true });
    const release = this.#release;
    this.#release = this.#machines.hold(environmentDigest);
    this.#environmentDigest = environmentDigest;
    release();
  }

  /** Ends the helper; the disk stays. */
  async close(): Promise<void> {
    await this.#reader.close();
    this.#release();
  }
}
