/** A cpio (newc) reader for tests: all archives of a concatenation, as the kernel unpacks them. */
export interface CpioMember {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly data: Buffer;
}

export function readCpio(bytes: Buffer): CpioMember[] {
  const members: CpioMember[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === 0) {
      at += 4;
      continue;
    }
    if (bytes.toString("latin1", at, at + 6) !== "070701") throw new Error(`no header at ${at}`);
    const field = (index: number) => parseInt(bytes.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, uid, gid, links, size, nameSize] = [field(1), field(2), field(3), field(4), field(6), field(11)];
    const name = bytes.toString("utf8", at + 110, at + 110 + nameSize - 1);
    const dataAt = align(at + 110 + nameSize);
    if (name !== "TRAILER!!!")
      members.push({ name, mode, uid, gid, links, data: bytes.subarray(dataAt, dataAt + size) });
    at = align(dataAt + size);
  }
  return members;
}

function align(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}
