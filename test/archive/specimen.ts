import type { ErrorCode } from "../../src/contract/errors.js";
import { type RawEntry, tar } from "./raw-tar.js";

/** An archive and what becomes of it: imported as GNU tar extracts it, or refused with this code, naming this entry. */
export interface Specimen {
  readonly name: string;
  readonly bytes: Buffer;
  readonly refused?: readonly [code: ErrorCode, entry: string | null];
  /** Its size fits into no workspace, which is what is found first when there is one. */
  readonly fitsNowhere?: true;
  /** GNU tar takes it otherwise than the contract says; only that it is accepted is compared. */
  readonly unlikeGnu?: true;
}

export const file = (name: string, content = `content of ${name}`): RawEntry => ({ name, content });
export const directory = (name: string): RawEntry => ({ name, type: "5", mode: 0o755 });
export const symlink = (name: string, link: string): RawEntry => ({ name, type: "2", link });
export const hardlink = (name: string, link: string): RawEntry => ({ name, type: "1", link });

export const accepted = (name: string, ...entries: readonly (RawEntry | Buffer)[]): Specimen => ({
  name,
  bytes: tar(...entries),
});
export const refused = (
  code: ErrorCode,
  entry: string | null,
  name: string,
  ...entries: readonly (RawEntry | Buffer)[]
) => ({ name, bytes: tar(...entries), refused: [code, entry] }) satisfies Specimen;
export const damaged = (name: string, entry: string | null, bytes: Buffer): Specimen => ({
  name,
  bytes,
  refused: ["ARCHIVE_CORRUPT", entry],
});
