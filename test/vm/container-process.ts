import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Client } from "../../src/client/client.js";
import { listCommandLines } from "../../src/host/process.js";
import { isAlive, until } from "../client/scratch.js";

/** Uses pyro in the container that container.vm.test.ts makes, and prints what it saw as JSON. The first word is how far it goes. */
const home = process.env["PYRO_HOME"]!;
const client = new Client(process.env);
const seen: Record<string, unknown> = {};
const vm = { environment: "debian:12", mem_mib: 256 };

const first = await client.call("vm.run", { ...vm, command: ["sh", "-c", "echo ran; exit 3"] });
seen["run"] = [first.exit_code, first.stdout];

if (process.argv[2] === "everything") {
  const { runtime, isolation, problems } = await client.call("doctor", {});
  seen["jail"] = [runtime.ok, runtime.jail, isolation.level, isolation.missing.some(({ piece }) => piece === "jail")];
  seen["problems"] = problems.filter(({ message }) => /enclose|snapshot|memory/.test(message));
  seen["network"] = await client.call("vm.run", { ...vm, network: true, command: ["true"] }).then(
    () => "it ran",
    (error: { code: string; hint: string }) => [error.code, /do without --network/i.test(error.hint)],
  );
  const { task_id } = await client.call("task.create", vm);
  const exec = async (id: string, ...command: string[]) =>
    (await client.call("task.exec", { task_id: id, command })).stdout;
  await exec(
    task_id,
    "sh",
    "-c",
    "echo kept >file; mkdir /run/memory; (while :; do sleep 1; done) & echo $! >/run/memory/pid",
  );
  const qemu = listCommandLines().find(({ args }) => args[0]?.includes("qemu-system"));
  const status = readFileSync(`/proc/${qemu!.pid}/status`, "utf8");
  seen["qemu"] = ["NoNewPrivs", "Seccomp"].map((name) => new RegExp(`^${name}:\\s+(\\d)$`, "m").exec(status)?.[1]);
  const { tasks } = await client.call("task.fork", { task_id });
  const fork = tasks[0]!.task_id;
  seen["fork"] = await exec(fork, "sh", "-c", "cat file; kill -0 $(cat /run/memory/pid) && echo alive");
  await client.call("task.stop", { task_id: fork });
  seen["started"] = await exec(fork, "cat", "file");
  const { pid } = await client.call("daemon.status", {});
  process.kill(pid!, "SIGKILL");
  await until("the daemon has ended", () => !isAlive(pid!));
  seen["adopted"] = await exec(task_id, "cat", "file");
  for (const id of [task_id, fork]) await client.call("task.delete", { task_id: id });
}
execFileSync(process.execPath, [new URL("../../../bin/pyro", import.meta.url).pathname, "daemon", "stop"]);
seen["left"] = [...readdirSync(join(home, "vms")), ...readdirSync(join(home, "tasks"))];
const log = readFileSync(join(home, "daemon.log"), "utf8");
seen["booted"] = log.includes('"template frozen"');
seen["shared"] = readdirSync(join(home, "templates")).map((key) =>
  lstatSync(join(home, "templates", key, "ram")).isSymbolicLink(),
);
seen["temporary"] = existsSync("/tmp") ? readdirSync("/tmp").filter((name) => name.startsWith("pyro-jail")) : [];
process.stdout.write(JSON.stringify(seen));
