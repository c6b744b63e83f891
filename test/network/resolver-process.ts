import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/**
 * A resolver on port 53 of one address. Every name has the same IPv4 address; a name that begins with `many` has it so often that the
 * answer does not fit into a datagram. Prints each requested name.
 */
const [address = "", answer = ""] = process.argv.slice(2);
const TYPE_A = 1;
const MANY = 60;
const DATAGRAM_MAX_BYTES = 512;

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
  const count = type !== TYPE_A ? 0 : labels[0]!.startsWith("many") ? MANY : 1;
  const header = Buffer.from([query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0]);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...answer.split(".").map(Number)]);
  return Buffer.concat([header, question, ...Array.from({ length: count }, () => record)]);
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
