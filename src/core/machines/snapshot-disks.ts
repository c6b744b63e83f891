import type { Machine } from "../../backend/backend.js";
import type { Channel } from "../../guest/channel.js";
import type { Snapshot } from "../snapshots/snapshots.js";
import { whileUsed } from "../snapshots/uses.js";
import { DiskReader, type DiskReaderOptions } from "./disk-reader.js";

interface SnapshotDisksOptions extends Pick<DiskReaderOptions, "close" | "offer"> {
  readonly open: (snapshot: Snapshot, signal: AbortSignal) => Promise<Machine>;
}

/** Reads the disks of snapshots, each with a helper VM of its own. */
export class SnapshotDisks {
  readonly #options: SnapshotDisksOptions;
  readonly #readers = new Map<Snapshot, DiskReader>();

  constructor(options: SnapshotDisksOptions) {
    this.#options = options;
  }

  /** Works with the agent of the snapshot's helper. A snapshot that is deleted meanwhile stays readable until the work ends. */
  read<T>(snapshot: Snapshot, signal: AbortSignal, work: (channel: Channel) => Promise<T>): Promise<T> {
    return (this.#readers.get(snapshot) ?? this.#add(snapshot)).use(signal, work);
  }

  #add(snapshot: Snapshot): DiskReader {
    const { open, ...rest } = this.#options;
    const reader = new DiskReader({ open: (signal) => whileUsed(snapshot, () => open(snapshot, signal)), ...rest });
    this.#readers.set(snapshot, reader);
    snapshot.onDelete.push(() => {
      this.#readers.delete(snapshot);
      return reader.retire();
    });
    return reader;
  }
}
