import type { ErrorCode } from "../../src/contract/errors.js";
import { type RawEntry, tar } from "./raw-tar.js";

/** An archive and its expected outcome: imported as GNU tar extracts it, or refused with this code and entry. */
export interface Specimen {
  readonly name: string;
  readonly bytes: Buffer;
  readonly refused?: readonly [code: ErrorCode, entry: string | null];
  /** Its size fits into no workspace. With a limited workspace, that is the first error. */
  readonly fitsNowhere?: true;
  /** GNU tar extracts it differently from the contract; the test only compares that it is accepted. */
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
