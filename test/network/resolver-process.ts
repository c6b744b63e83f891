import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/**
 * A resolver on port 53 of one address. Every name has the same IPv4 address; a name that begins with `many` has it so often that the
 * answer does not fit into a datagram. Names that begin with `rebound` (from the second question on), `alias`, `mapped` and `nat64` lead to
 * a closed address. Prints each requested name.
 */
const [address = "", answer = "", closed = ""] = process.argv.slice(2);
const [TYPE_A, TYPE_CNAME, TYPE_AAAA] = [1, 5, 28];
const MANY = 60;
const DATAGRAM_MAX_BYTES = 512;

const rebound = new Set<string>();

/** Types and values of the records for a name. */
function recordsOf(name: string, type: number): (readonly [type: number, value: Buffer])[] {
  const [open4, closed4] = [answer, closed].map((text) => Buffer.from(text.split(".").map(Number)));
  const [kind] = /^(?:many|rebound|alias|mapped|nat64)/.exec(name) ?? [];
  if (type === TYPE_AAAA && kind === "mapped")
    return [[TYPE_AAAA, Buffer.from([...Array<number>(10).fill(0), 0xff, 0xff, ...closed4!])]];
  if (type === TYPE_AAAA && kind === "nat64")
    return [[TYPE_AAAA, Buffer.from([0, 0x64, 0xff, 0x9b, ...Array<number>(8).fill(0), ...closed4!])]];
  if (type !== TYPE_A) return [];
  if (kind === "many") return Array.from({ length: MANY }, () => [TYPE_A, open4!] as const);
  // The alias is `x` below the name.
  if (kind === "alias")
    return [
      [TYPE_CNAME, Buffer.from([1, 0x78, 0xc0, 12])],
      [TYPE_A, closed4!],
    ];
  const isRebound = kind === "rebound" && rebound.has(name);
  rebound.add(name);
  return [[TYPE_A, isRebound ? closed4! : open4!]];
}

function reply(query: Buffer): Buffer {
  let at = 12;
  const labels: string[] = [];
  for (let length = query[at]!; length !== 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  const question = query.subarray(12, at + 5);
  const type = query.readUInt16BE(at + 1);
  process.stdout.write(`asked ${labels.join(".")}\n`);
  const records = recordsOf(labels.join("."), type);
  const header = Buffer.from([query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0]);
  // The address of an alias has the alias as its name, which is the value of the first record.
  const aliasAt = 12 + question.length + 12;
  const built = records.map(([kind, value], index) => {
    const owner = index > 0 && records[0]![0] === TYPE_CNAME ? aliasAt : 12;
    return Buffer.concat([
      Buffer.from([0xc0 | (owner >> 8), owner & 0xff, 0, kind, 0, 1, 0, 0, 0, 0, 0, value.length]),
      value,
    ]);
  });
  return Buffer.concat([header, question, ...built]);
}

/** The part of a reply that fits into a datagram: all of it, or the question and the mark for more. */
function truncate(whole: Buffer): Buffer {
  if (whole.length <= DATAGRAM_MAX_BYTES) return whole;
  const cut = Buffer.from(whole.subarray(0, whole.indexOf(0, 12) + 5));
  cut.set([cut[2]! | 2, cut[3]!, 0, 1, 0, 0], 2);
  return cut;
}

const udp = createSocket("udp4");
udp.on("message", (query, from) => udp.send(truncate(reply(query)), from.port, from.address));
await new Promise<void>((resolve) => udp.bind(53, address, resolve));

const tcp = createServer((socket) => {
  let bytes = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return;
    const answered = reply(bytes.subarray(2));
    socket.end(Buffer.concat([Buffer.from([answered.length >> 8, answered.length & 255]), answered]));
  });
});
await new Promise<void>((resolve) => tcp.listen(53, address, resolve));
process.stdout.write("ready\n");
