import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findToolchain } from "../../src/backend/qemu/toolchain.js";
import { VmProcess } from "../../src/backend/qemu/vm-process.js";
import { findVmUser } from "../../src/backend/qemu/vm-user.js";
import { sealDescriptors } from "../../src/host/peer.js";
import { keeperPath } from "../backend/keeper-path.js";
import { buildProbe } from "./jail-probe.js";

/**
 * Starts a probe in the place of QEMU, with what it must not reach around it, and prints its results as JSON. Modes of files forbid
 * nothing here, so that only the jail does.
 */
sealDescriptors();
const directory = mkdtempSync(join(tmpdir(), "pt-"));
const file = (...path: string[]) => {
  const whole = join(directory, ...path);
  mkdirSync(join(whole, ".."), { recursive: true });
  writeFileSync(whole, "content of somebody else");
  chmodSync(whole, 0o666);
  return whole;
};
const secret = file("home", "secret");
const scratch = file("vms", "vm-own", "scratch");
const otherDisk = file("vms", "vm-other", "scratch");
const snapshot = file("snapshots", "snap-1", "pages");
const root = file("content", "root.img");
for (const name of ["state", "overlay", "ram"]) file("template", name);
chmodSync(directory, 0o755);

const listen = async (at: { path: string } | { port: number; host: string }) => {
  const server = createServer((socket) => socket.destroy()).listen(at);
  await once(server, "listening");
  return server;
};
const daemonSocket = join(directory, "daemon.sock");
const abstractSocket = `pyro-test-${process.pid}`;
const servers = [await listen({ path: daemonSocket }), await listen({ port: 0, host: "127.0.0.1" })];
chmodSync(daemonSocket, 0o777);
const { port: tcpPort } = servers[1]!.address() as AddressInfo;

/**
 * An abstract socket and a queue of messages, in Python like the probe: Node.js fills such a name with zeros, and a probe would look for
 * another one. Both are found here, outside the jail.
 */
const NEIGHBOUR = `
import ctypes, socket, sys
call = ctypes.CDLL(None).syscall
server = socket.socket(socket.AF_UNIX)
server.bind(chr(0) + sys.argv[1])
server.listen()
socket.socket(socket.AF_UNIX).connect(chr(0) + sys.argv[1])
queue = call(68, int(sys.argv[2]), 0o1666)
assert queue >= 0 and call(68, int(sys.argv[2]), 0) == queue
print("ready", flush=True)
sys.stdin.read()
call(71, queue, 0, 0)
`;
const queueKey = 0x5079 * 65_536 + (process.pid % 65_536);
const neighbour = spawn("/usr/bin/python3", ["-c", NEIGHBOUR, abstractSocket, String(queueKey)], {
  stdio: ["pipe", "pipe", "inherit"],
});
await once(neighbour.stdout, "data");
const other = spawn("sleep", ["1000"], { stdio: "ignore" });

const toolchain = await findToolchain(keeperPath);
const [maxFileMib, memMib] = [16, 256];
const targets = {
  secret,
  otherDisk,
  snapshot,
  daemonSocket,
  abstractSocket,
  queueKey,
  tcpPort,
  otherPid: other.pid!,
  maxFileMib,
  memMib,
  mostThreads: 256,
};
const probe = await VmProcess.start({
  toolchain: { ...toolchain, qemu: "/usr/bin/python3" },
  user: findVmUser(toolchain.dropTo, "vm-own"),
  accelerator: "tcg",
  qemuArgs: ["-c", buildProbe(targets)],
  mounts: [
    [root, "/pyro/root.img", false],
    [join(directory, "template"), "/pyro/template", false],
    [join(directory, "vms", "vm-own"), "/pyro/vm", false],
    [scratch, "/pyro/vm/scratch", true],
  ],
  runDirectory: join(directory, "run"),
  gate: null,
  ...{ maxFileMib, memMib },
  preload: null,
  stateFd: null,
  group: null,
  keeper: keeperPath,
});
const said = await probe.ended;
await probe.kill();
other.kill("SIGKILL");
neighbour.stdin.end();
await once(neighbour, "close");
for (const server of servers) server.close();
rmSync(directory, { recursive: true });
const results = said.includes("{") ? (JSON.parse(said.slice(said.indexOf("{"))) as object) : { failure: said };
const limitsTmp = toolchain.jailer.kind === "bubblewrap" && toolchain.jailer.limitsTmp;
process.stdout.write(`${JSON.stringify({ limitsTmp, results })}\n`);
