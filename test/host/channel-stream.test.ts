import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { after, before, test } from "node:test";

import { WebSocket, WebSocketServer } from "ws";

import { ChannelStream, execChannels, portChannels } from "../../src/host/channel-stream.js";

let server: WebSocketServer;
before(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
});
after(() => server.close());

/** A stream whose other end does what the test says. */
async function open(
  channels: typeof execChannels,
  act: (socket: WebSocket) => void,
): Promise<[ChannelStream, WebSocket]> {
  const { port } = server.address() as AddressInfo;
  server.once("connection", act);
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  const stream = new ChannelStream(socket, channels);
  await once(stream, "connect");
  return [stream, socket];
}
const message = (channel: number, text: string) => Buffer.concat([Buffer.of(channel), Buffer.from(text)]);

test("an answer that nobody has read yet is not lost when the connection ends without a status", async () => {
  const [stream, socket] = await open(execChannels, (other) => {
    other.send(message(1, "answer"));
    other.close();
  });
  await once(socket, "close");
  stream.write("too late");
  assert.equal((await buffer(stream)).toString(), "answer");
});

test("a program that ends without output is an error with its last words", async () => {
  const [stream] = await open(execChannels, (other) => {
    other.send(message(2, "no daemon\n"));
    other.send(message(3, '{"status":"Failure"}'));
    other.close();
  });
  await assert.rejects(buffer(stream), { message: "no daemon", status: '{"status":"Failure"}' });
});

test("a port's stream has the bytes behind the number of the port, and is read as fast as it is taken", async () => {
  const content = Buffer.alloc(2_000_000, "x");
  const [stream] = await open(portChannels, (other) => {
    for (const channel of [0, 1]) other.send(Buffer.from([channel, 80, 0]));
    for (let at = 0; at < content.length; at += 50_000) other.send(message(0, "x".repeat(50_000)));
    other.close();
  });
  assert.ok((await buffer(stream)).equals(content));
});
