import assert from "node:assert/strict";

import type { TaskScratch } from "../faults/task-scratch.js";

export interface Target {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
}

/** The result of an attempt: the answer, or the errno's name; `silence` when nothing arrived. */
export type Outcome = { readonly answer: string } | { readonly error: string };

const REACH = `
import errno, json, socket, sys, threading
targets, outcomes = json.loads(sys.argv[1]), {}
def reach(index, target):
    family = socket.AF_INET6 if ":" in target["address"] else socket.AF_INET
    kind = socket.SOCK_STREAM if target["protocol"] == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as s:
        s.settimeout(8)
        try:
            s.connect((target["address"], target["port"]))
            s.sendall(b"hello")
            outcomes[index] = {"answer": s.recv(1000).decode()}
        except (TimeoutError, OSError) as error:
            outcomes[index] = {"error": errno.errorcode[error.errno] if getattr(error, "errno", None) else "silence"}
threads = [threading.Thread(target=reach, args=pair) for pair in enumerate(targets)]
for t in threads: t.start()
for t in threads: t.join()
print(json.dumps([outcomes[i] for i in range(len(targets))]))
`;

/** Tries to reach targets from inside a task, all at once. */
export async function reach(scratch: TaskScratch, task: string, targets: readonly Target[]): Promise<Outcome[]> {
  return JSON.parse(await python(scratch, task, REACH, JSON.stringify(targets))) as Outcome[];
}

/** Runs Python in a task, as root of the guest; returns its output. */
export async function python(scratch: TaskScratch, task: string, script: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await scratch.pyro(["task", "exec", task, "--", "python3", "-", ...args], {
    input: script,
  });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

export const tcp = (address: string, port: number): Target => ({ protocol: "tcp", address, port });
export const udp = (address: string, port: number): Target => ({ protocol: "udp", address, port });
export const both = (address: string, port: number): Target[] => [tcp(address, port), udp(address, port)];
