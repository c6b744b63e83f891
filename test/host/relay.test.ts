import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../../keeper/build/pyro-relay", import.meta.url));

class Directory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "pt-relay-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

function startRelay(home: string) {
  return spawn(program, { env: { PYRO_HOME: home }, stdio: ["pipe", "pipe", "pipe"] });
}

async function serve(home: string, onConnection: (socket: Socket) => void): Promise<Server> {
  mkdirSync(join(home, "run"), { recursive: true });
  const server = createServer({ allowHalfOpen: true }, onConnection).listen(join(home, "run", "daemon.sock"));
  await once(server, "listening");
  return server;
}

test("relay: waits for the daemon, and carries bytes of any kind both ways until the daemon ends", async () => {
  using scratch = new Directory();
  const relay = startRelay(scratch.path);
  const sent = randomBytes(3_000_000);
  const output = buffer(relay.stdout);
  relay.stdin.write(sent);
  let left = sent.length;
  const server = await serve(scratch.path, (socket) => {
    socket.on("data", (chunk: Buffer) => {
      socket.write(chunk);
      left -= chunk.length;
      if (left === 0) socket.end();
    });
  });
  const [status] = (await once(relay, "close")) as [number];
  assert.equal(status, 0);
  assert.ok((await output).equals(sent));
  server.close();
});

test("relay: ends with its input, and the daemon sees its caller leave", async () => {
  using scratch = new Directory();
  const server = await serve(scratch.path, () => {});
  const connected = once(server, "connection") as Promise<[Socket]>;
  const relay = startRelay(scratch.path);
  const [socket] = await connected;
  const left = once(socket.resume(), "end");
  relay.stdin.end();
  assert.deepEqual(await once(relay, "exit"), [0, null]);
  await left;
  socket.destroy();
  server.close();
});

test("relay: passes on the last words of a daemon that takes nothing more", async () => {
  using scratch = new Directory();
  const server = await serve(scratch.path, (socket) => {
    socket.once("data", () => {
      socket.end("refused\n");
      socket.destroySoon();
    });
  });
  const relay = startRelay(scratch.path);
  relay.stdin.on("error", () => {});
  relay.stdin.write(randomBytes(1_000_000));
  assert.equal((await buffer(relay.stdout)).toString(), "refused\n");
  server.close();
});
