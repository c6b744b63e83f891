import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";

import type { ArchiveEntry } from "../../../archive/entry.js";
import { readArchive } from "../../../archive/read.js";
import { PyroError } from "../../../contract/errors.js";
import type { InputOf, ResultOf } from "../../../contract/operations.js";
import { whileRoom } from "../../../environments/image/streams.js";
import { abortableChunks } from "../../../host/abortable.js";
import { mkdir, open, rm } from "../../../host/files.js";
import type { Call } from "../../call.js";

/** How long a packed source waits for its build. */
const WAIT_MS = 600_000;

/** Files of a client, packed as a tar stream that was checked to its end. */
export interface BuildSource {
  readonly path: string;
  readonly kind: "directory" | "file" | "archive";
  /** Of names, types, modes, targets and contents; times and owners do not count. */
  readonly digest: string;
}

/** The packed sources that builds of this daemon copy from. Those of an earlier daemon are removed. */
export class BuildSources {
  readonly #path: string;
  readonly #sources = new Map<string, { readonly source: BuildSource; readonly timer: NodeJS.Timeout }>();

  private constructor(path: string) {
    this.#path = path;
  }

  static async open(path: string): Promise<BuildSources> {
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true, mode: 0o700 });
    return new BuildSources(path);
  }

  /** Takes what a client sends. Throws the code of the first problem in the archive; then nothing of it is left. */
  async add(input: InputOf<"env.build.source">, call: Call): Promise<ResultOf<"env.build.source">> {
    if (call.upload === null) throw new PyroError("INTERNAL", "The operation takes no archive.");
    const id = `source-${randomBytes(6).toString("hex")}`;
    const path = join(this.#path, id);
    try {
      const bytes = whileRoom(abortableChunks(call.upload, call.signal), this.#path, "A copy of the files");
      const options = { linksMayLeave: input.source_kind !== "archive" };
      const lines: string[] = [];
      for await (const entry of readArchive(writing(path, bytes), options)) {
        lines.push(await describe(entry));
      }
      call.signal.throwIfAborted();
      const digest = createHash("sha256").update(input.source_kind);
      for (const line of lines.toSorted()) digest.update(`${line}\n`);
      this.#keep(id, { path, kind: input.source_kind, digest: digest.digest("hex") });
      return { source: id, entry_count: lines.length };
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  /**
   * Takes sources out, for a build that removes their files. Throws FAILED_PRECONDITION when an id has no source, and
   * INVALID_ARGUMENT for an id that comes twice; then each stays.
   */
  takeAll(ids: readonly string[]): BuildSource[] {
    const twice = ids.find((id, index) => ids.indexOf(id) !== index);
    if (twice !== undefined) {
      throw new PyroError("INVALID_ARGUMENT", `copies: the source ${twice} comes twice.`, {
        hint: "Send the files once for each copy.",
        details: { issues: [{ field: "copies", message: "expected each source once" }] },
      });
    }
    const found = ids.map((id) => {
      const { source, timer } = this.#sources.get(id) ?? throwGone(id);
      return { id, source, timer };
    });
    for (const { id, timer } of found) {
      clearTimeout(timer);
      this.#sources.delete(id);
    }
    return found.map(({ source }) => source);
  }

  #keep(id: string, source: BuildSource): void {
    // A client that still sends files of its build keeps those that it has sent.
    for (const { timer } of this.#sources.values()) timer.refresh();
    const expire = () => {
      this.#sources.delete(id);
      rm(source.path, { force: true }).catch(() => {});
    };
    this.#sources.set(id, { source, timer: setTimeout(expire, WAIT_MS).unref() });
  }
}

function throwGone(id: string): never {
  throw new PyroError("FAILED_PRECONDITION", `The daemon has no files ${id} for this build.`, {
    hint: "Send them again, then build.",
    details: { source: id, reason: "source_gone" },
  });
}

async function describe({ path, type, mode, target, content }: ArchiveEntry): Promise<string> {
  const digest = createHash("sha256");
  for await (const bytes of content) digest.update(bytes);
  return JSON.stringify([path, type, mode, target, digest.digest("hex")]);
}

/** Passes a stream on, and writes it to a new file. */
async function* writing(path: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const file = await open(path, "wx", 0o600);
  try {
    for await (const bytes of source) {
      await file.writeFile(bytes);
      yield bytes;
    }
  } finally {
    await file.close();
  }
}
