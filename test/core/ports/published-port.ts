import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";

import type { CreateTaskOptions } from "../../../src/index.js";
import { commandLineOf } from "../../client/scratch.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

/** A task, whose guest's loopback is the host's: the agent is a plain process. */
export async function openTask(t: TestContext, options: CreateTaskOptions = {}) {
  const machines = new AgentMachines();
  const { daemon, pyro, cli, tasks } = await openTasks(temporaryDirectory(t), machines);
  const task = await pyro.createTask("debian:12", options);
  return {
    ...{ task, cli, tasks },
    async [Symbol.asyncDispose]() {
      await tasks.detachAll();
      await daemon[Symbol.asyncDispose]();
      await machines[Symbol.asyncDispose]();
    },
  };
}

/** A server in the guest; its port. */
export async function serve(
  t: TestContext,
  onConnection: (socket: Socket) => void,
  host = "127.0.0.1",
): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on("error", () => {}));
    onConnection(socket);
  });
  server.listen(0, host);
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** All bytes of a connection until it ends; throws when it is reset. */
export async function exchange(port: number, sent: string | Buffer): Promise<Buffer> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.end(sent);
  return readAll(socket);
}

/** All bytes of the other end; leaves the socket open. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Those of this process, which is the daemon too, and those of the agents. */
export function openDescriptors(): number {
  const agents = readdirSync("/proc").filter(
    (pid) => /^\d+$/.test(pid) && parentOf(pid) === process.pid && commandLineOf(Number(pid))[0]?.includes("agent"),
  );
  return [String(process.pid), ...agents].reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
}

function parentOf(pid: string): number {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return 0;
  }
}
