import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { request } from "node:http";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";

import { endOf, processesOf, until } from "../client/scratch.js";
import { TaskScratch } from "../faults/task-scratch.js";

const PORT = 8000;
const LARGE_BYTES = 100 * 1_048_576;

/** Serves a greeting, 100 MiB of zeros, and a WebSocket that echoes one short message. */
const SERVER = `
import base64, hashlib, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.headers.get("Upgrade") == "websocket": return self.echo()
        size = ${LARGE_BYTES} if self.path == "/large" else 5
        self.send_response(200); self.send_header("Content-Length", str(size)); self.end_headers()
        if size == 5: return self.wfile.write(b"hello")
        for _ in range(size // 1048576): self.wfile.write(bytes(1048576))
    def do_POST(self):
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        while left:
            data = self.rfile.read(min(left, 65536)); left -= len(data); digest.update(data)
        body = digest.hexdigest().encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def echo(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101); self.send_header("Upgrade", "websocket"); self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()); self.end_headers()
        head = self.rfile.read(2); mask = self.rfile.read(4)
        data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(head[1] & 127)))
        self.wfile.write(bytes([0x81, len(data)]) + data); self.close_connection = True
http.server.ThreadingHTTPServer(("127.0.0.1", ${PORT}), Handler).serve_forever()
`;

let scratch: TaskScratch;
let task: string;
let url: string;
before(async () => {
  scratch = new TaskScratch();
  task = await scratch.create();
  await scratch.client.call("task.file.write", { task_id: task, path: "server.py", content: SERVER });
  await scratch.client.call("task.exec", { task_id: task, command: "python3 server.py", background: true });
  ({ url } = await scratch.client.call("task.port.publish", { task_id: task, port: PORT }));
  await until("the server answers", () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
});
after(() => scratch[Symbol.asyncDispose]());

test("ports of a VM without a network: a page, an upload, and 100 MiB down", async () => {
  const links = await scratch.exec(task, "ip -o link 2>/dev/null || ls /sys/class/net");
  assert.doesNotMatch(links.stdout, /eth|ens/);
  assert.equal(await (await fetch(url)).text(), "hello");
  const body = Buffer.alloc(3_000_000, "upload");
  const { createHash } = await import("node:crypto");
  const uploaded = await fetch(url, { method: "POST", body });
  assert.equal(await uploaded.text(), createHash("sha256").update(body).digest("hex"));
  let received = 0;
  const large = await fetch(`${url}/large`);
  for await (const piece of large.body as unknown as AsyncIterable<Uint8Array>) received += piece.length;
  assert.equal(received, LARGE_BYTES);
});

test("ports of a VM: a WebSocket echoes", async () => {
  const headers = {
    ...{ connection: "Upgrade", upgrade: "websocket" },
    ...{ "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13" },
  };
  const asked = request(url, { headers });
  asked.end();
  const [response, socket] = (await once(asked, "upgrade")) as [{ headers: Record<string, string> }, Socket];
  assert.equal(response.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  // A text frame with a mask of zeros.
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | 4, 0, 0, 0, 0]), Buffer.from("ping")]));
  const [echoed] = (await once(socket, "data")) as [Buffer];
  assert.deepEqual(echoed, Buffer.concat([Buffer.from([0x81, 4]), Buffer.from("ping")]));
  socket.destroy();
});

/** As another user: what of pyro can be reached. Prints the server's answer, and the error of each other attempt. */
const ATTACK = `
import json, os, socket, sys, urllib.request
url, home, pid, sockets = json.loads(sys.argv[1])
def attempt(work):
    try:
        work()
        return "done"
    except OSError as error:
        return type(error).__name__
def connect(path):
    with socket.socket(socket.AF_UNIX) as wire: wire.connect(path)
print(json.dumps([
    urllib.request.urlopen(url).read().decode(),
    attempt(lambda: os.listdir(home)),
    attempt(lambda: open(home + "/daemon.log")),
    attempt(lambda: os.kill(pid, 0)),
    attempt(lambda: open(f"/proc/{pid}/environ").read()),
    *(attempt(lambda path=path: connect(path)) for path in sockets),
]))
`;

test("ports of a VM: another user of the host reaches the published port, and nothing else", async () => {
  const daemon = await scratch.daemonPid();
  const hostPort = Number(new URL(url).port);
  const { addresses, sockets } = listenersOf([daemon, ...processesOf(scratch.home)]);
  assert.deepEqual(addresses, [`127.0.0.1:${hostPort}`]);
  assert.ok(sockets.some((path) => path.endsWith("/daemon.sock")));
  // Also where the directory above is open to everyone.
  chmodSync(scratch.directory, 0o755);
  if (process.getuid?.() !== 0) return;
  const given = JSON.stringify([url, scratch.home, daemon, sockets]);
  const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", ATTACK, given];
  const { stdout, stderr } = await endOf(spawn("setpriv", nobody, { cwd: "/" }));
  assert.equal(stderr, "");
  const refused = Array.from({ length: 4 + sockets.length }, () => "PermissionError");
  assert.deepEqual(JSON.parse(stdout), ["hello", ...refused]);
});

/** The TCP addresses and the unix sockets on which processes listen. */
function listenersOf(pids: readonly number[]): { addresses: string[]; sockets: string[] } {
  const inodes = new Set(pids.flatMap(socketInodesOf));
  const rows = (name: string) => readFileSync(`/proc/net/${name}`, "utf8").trim().split("\n").slice(1);
  const words = (row: string) => row.trim().split(/\s+/);
  const isTcp = ([, , , state, , , , , , inode]: string[]) => state === "0A" && inodes.has(inode!);
  const tcp = [...rows("tcp"), ...rows("tcp6")].map(words).filter(isTcp);
  const isUnix = ([, , , flags, , , inode]: string[]) => flags === "00010000" && inodes.has(inode!);
  const unix = rows("unix").map(words).filter(isUnix);
  return {
    addresses: tcp.map(([, address]) => parseAddress(address!)),
    sockets: unix.map(([, , , , , , , path]) => path!),
  };
}

function socketInodesOf(pid: number): string[] {
  try {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
  } catch {
    return [];
  }
}

/** An IPv4 address and port, as /proc/net/tcp has them; another address as it is. */
function parseAddress(text: string): string {
  const [host = "", port = ""] = text.split(":");
  const bytes = Buffer.from(host, "hex");
  const shown = bytes.length === 4 ? bytes.toReversed().join(".") : host;
  return `${shown}:${Number.parseInt(port, 16)}`;
}

test("ports of a VM: a new daemon listens on the same port, and a deleted task closes it", async () => {
  await scratch.killDaemon();
  const { ports } = await scratch.client.call("task.port.list", { task_id: task });
  assert.deepEqual(ports, [{ port: PORT, host_port: Number(new URL(url).port), url, open: true }]);
  assert.equal(await (await fetch(url)).text(), "hello");
  const sockets = await endOf(scratch.start(["task", "port", "list", task]));
  assert.equal(sockets.stdout, `${PORT} ${url}\n`);
  await scratch.delete(task);
  await assert.rejects(fetch(url));
});
