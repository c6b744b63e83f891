// A dev server of Node.js alone: files, a WebSocket that echoes, events, a large download, and HTTP/2 without TLS on the next port.
import { createHash } from "node:crypto";
import { createReadStream, watch } from "node:fs";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { Readable } from "node:stream";

const port = Number(process.argv[2]);
const LARGE_BYTES = 100 * 1_048_576;
const types = { html: "text/html", css: "text/css", mjs: "text/javascript", txt: "text/plain; charset=utf-8" };
const listeners = new Set();

const server = createServer((request, response) => {
  const name = request.url === "/" ? "index.html" : request.url.slice(1);
  if (name === "events") return sendEvents(response);
  if (name === "large") return sendLarge(response);
  response.setHeader("Content-Type", types[name.split(".").at(-1)] ?? "application/octet-stream");
  response.setHeader("Cache-Control", "no-store");
  createReadStream(name)
    .on("error", () => response.writeHead(404).end())
    .pipe(response);
});

function sendEvents(response) {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  let count = 0;
  const timer = setInterval(() => response.write(`event: tick\ndata: ${(count += 1)}\n\n`), 50);
  listeners.add(response);
  response.on("close", () => listeners.delete(response) && clearInterval(timer));
}

function sendLarge(response) {
  response.writeHead(200, { "Content-Length": LARGE_BYTES });
  const piece = Buffer.alloc(1_048_576);
  Readable.from(Array.from({ length: LARGE_BYTES / piece.length }, () => piece)).pipe(response);
}

server.on("upgrade", (request, socket) => {
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`);
  socket.write(`Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let held = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (data) => {
    held = Buffer.concat([held, data]);
    for (let frame = takeFrame(held); frame; frame = takeFrame(held)) {
      held = held.subarray(frame.end);
      if (frame.opcode === 8) return socket.end();
      socket.write(Buffer.concat([headOf(frame.payload.length), frame.payload]));
    }
  });
});

// The first whole frame of a client, unmasked; null when it has not arrived yet.
function takeFrame(bytes) {
  if (bytes.length < 2) return null;
  const isLong = (bytes[1] & 127) === 126;
  const head = isLong ? 4 : 2;
  if (bytes.length < head) return null;
  const length = isLong ? bytes.readUInt16BE(2) : bytes[1] & 127;
  const end = head + 4 + length;
  if (bytes.length < end) return null;
  const mask = bytes.subarray(head, head + 4);
  const payload = bytes.subarray(head + 4, end).map((byte, at) => byte ^ mask[at % 4]);
  return { opcode: bytes[0] & 15, payload, end };
}

function headOf(length) {
  return length < 126 ? Buffer.from([0x81, length]) : Buffer.from([0x81, 126, length >> 8, length & 255]);
}

let reload;
watch(".", () => {
  clearTimeout(reload);
  reload = setTimeout(() => listeners.forEach((each) => each.write("event: changed\ndata: 1\n\n")), 50);
});

createHttp2Server((request, response) => {
  response.end(`HTTP/${request.httpVersion} of ${request.url}`);
}).listen(port + 1, "127.0.0.1");
server.listen(port, "127.0.0.1");
