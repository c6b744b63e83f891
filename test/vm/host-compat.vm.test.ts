import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { execTask } from "../../src/client/task-exec.js";
import { createTask, pushTaskSync } from "../../src/client/task-source.js";
import { refusals, systemCallProbe } from "../security/system-calls.js";
import { Scratch } from "../client/scratch.js";
import { VmScratch } from "./vm-scratch.js";

let tools: string;
let secret: string;
let scratch: VmScratch;

before(() => {
  tools = mkdtempSync(join(tmpdir(), "pt-tools-"));
  for (const directory of ["/usr/bin", "/usr/sbin"]) {
    for (const name of readdirSync(directory)) {
      if (!name.startsWith("qemu")) symlinkIfNew(join(directory, name), join(tools, name));
    }
  }
  secret = join(homedir(), `.pyro-test-secret-${process.pid}`);
  writeFileSync(secret, "secret");
  scratch = new VmScratch({ env: { PATH: tools } });
});
after(async () => {
  rmSync(secret);
  await scratch[Symbol.asyncDispose]();
  rmSync(tools, { recursive: true });
});

function symlinkIfNew(from: string, to: string): void {
  try {
    symlinkSync(from, to);
  } catch {
    // The directory linked before this one has a file of the same name.
  }
}

test("without QEMU a run fails with the reason and the command that installs it", async () => {
  const { status, stdout } = await scratch.pyro(["run", "debian:12", "--json", "--", "true"]);
  assert.equal(status, 125);
  const { error } = JSON.parse(stdout) as { error: { code: string; hint: string; details: { missing: string[] } } };
  assert.equal(error.code, "HOST_NOT_ABLE");
  assert.match(error.hint, /apt-get install .*qemu-system-x86/);
  assert.ok(error.details.missing.includes("qemu-system-x86_64"));
});

test("without QEMU a run is refused before its environment is built", async () => {
  await using empty = new Scratch({ PATH: tools, PYRO_DEBIAN_MIRROR: "http://127.0.0.1:9/debian" });
  const { stdout, stderr } = await empty.pyro(["run", "debian:12", "--json", "--", "true"]);
  assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, "HOST_NOT_ABLE");
  assert.equal(stderr, "");
});

test("doctor says that no VM can run", async () => {
  const { status, stdout } = await scratch.pyro(["doctor"]);
  assert.equal(status, 1);
  assert.match(stdout, /Runtime: FAIL/);
  assert.match(stdout, /- .*Run: pyro toolchain install/);
});

test("with --allow-host-compat the command runs, the result says so, and it sees neither home nor host", async () => {
  const script = `id -u; cat ${secret}; ls ${scratch.home}; echo x >/workspace/mine && cat /workspace/mine; echo 1 >/proc/sys/kernel/core_pattern; touch /etc/x; ls /sys/class/net 2>/dev/null; true`;
  const args = ["run", "debian:12", "--allow-host-compat", "--json", "--", "sh", "-c", script];
  const { status, stdout } = await scratch.pyro(args);
  assert.equal(status, 0);
  const result = JSON.parse(stdout) as Record<string, string>;
  assert.equal(result["execution_mode"], "host_compat");
  assert.equal(result["accelerator"], null);
  assert.equal(result["stdout"], "0\nx\n");
  assert.match(result["stderr"]!, /No such file.*\n.*No such file[^]*denied[^]*Read-only/);
});

test("a command without a VM finds no socket of its machine, neither by name nor among its descriptors", async () => {
  const script = "ls /run/pyro; ls -l /proc/self/fd | grep -c socket; true";
  const { status, stdout } = await scratch.pyro(["run", "debian:12", "--allow-host-compat", "--", "sh", "-c", script]);
  assert.deepEqual([status, stdout], [0, "agent\n0\n"]);
});

test("a command without a VM cannot make the filtered system calls", async () => {
  const probe = `${systemCallProbe}json.dump(results, sys.stdout)`;
  const { stdout, stderr } = await scratch.pyro([
    "run",
    "debian:12",
    "--allow-host-compat",
    "--",
    "python3",
    "-c",
    probe,
  ]);
  const results = Object.entries(JSON.parse(stdout || stderr) as Record<string, string>);
  const permitted = results.filter(([, result]) => result === "done").map(([name]) => name);
  assert.deepEqual(permitted.toSorted(), [
    "a netlink socket",
    "a unix socket",
    "an IP socket",
    "personality",
    "process_vm_readv",
    "ptrace",
    "start a program",
  ]);
  // The filter allows these calls; they fail for another reason.
  const failing = ["chroot", "pidfd_getfd"];
  const refused = results.filter(([name]) => !permitted.includes(name) && !failing.includes(name));
  assert.deepEqual(
    refused.filter(([name, result]) => result !== (refusals[name] ?? "EPERM")),
    [],
  );
});

test("a machine without a VM has a limit on its processes, which counts no others, and on its files in memory", async () => {
  const script = `ulimit -u; ulimit -u 5000 || echo kept; touch /dev/new || echo kept
    for path in /tmp /var/tmp /run /root /dev/shm; do df -BM --output=size $path | tail -n 1; done
    head -c 300M /dev/zero >/tmp/filler || echo full; ulimit -u 20; python3 -c '
import os, signal
try:
    for number in range(40): os.fork() or signal.pause()
except OSError as error: print(error.errno)'`;
  const words = ["--allow-host-compat", "--mem-mib", "256", "--", "bash", "-c", script];
  const { stdout, stderr } = await scratch.pyro(["run", "debian:12", ...words]);
  assert.deepEqual(
    stdout.match(/\w+/g),
    ["4096", "kept", "kept", ...Array<string>(5).fill("256M"), "full", "11"],
    stderr,
  );
});

test("a task without a VM takes files in the same way, all or nothing", async () => {
  const source = join(scratch.directory, "source");
  mkdirSync(join(source, "lib"), { recursive: true });
  writeFileSync(join(source, "lib/data"), "one");
  const seeded = { environment: "debian:12", allow_host_compat: true, source_path: source };
  const { task_id, execution_mode } = await createTask(scratch.client, seeded);
  assert.equal(execution_mode, "host_compat");
  const look = async () => (await execTask(scratch.client, { task_id, command: "cat lib/*; ls -A" }, {})).stdout;
  assert.equal(await look(), "onelib\n");
  writeFileSync(join(source, "lib/more"), "two");
  await pushTaskSync(scratch.client, { task_id, source_path: source });
  assert.equal(await look(), "onetwolib\n");
  symlinkSync("/etc/passwd", join(source, "zz"));
  writeFileSync(join(source, "lib/more"), "three");
  const strict = { task_id, source_path: source, links: "refuse" } as const;
  await assert.rejects(pushTaskSync(scratch.client, strict), { code: "ARCHIVE_LINK_ESCAPES" });
  assert.equal(await look(), "onetwolib\n");
});

test("a time-out without a VM ends everything that the command has started", async () => {
  const { task_id } = await createTask(scratch.client, { environment: "debian:12", allow_host_compat: true });
  const run = (command: string, timeout_seconds: number) =>
    execTask(scratch.client, { task_id, command, timeout_seconds }, {});
  await run("nohup setsid sleep 4321 >/dev/null 2>&1 &", 30);
  const script = `timeout 300 sleep 299 & (setsid sleep 300 &) ; bash -c "set -m; sleep 300 & wait"`;
  assert.equal((await run(script, 3)).timed_out, true);
  assert.equal((await run("pgrep -xa sleep | cut -d' ' -f2-", 30)).stdout, "sleep 4321\n");
});
