import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { findToolchain } from "../../src/backend/qemu/toolchain.js";
import { VmProcess } from "../../src/backend/qemu/vm-process.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { refusals, systemCallProbe } from "./system-calls.js";

/** A program in the place of QEMU. */
const PROBE = `${systemCallProbe}
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def attempt(action):
    try:
        action()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]
scratch = open("/pyro/vm/scratch", "wb")
results["a file beyond the limit"] = attempt(lambda: os.pwrite(scratch.fileno(), b"x", 17 << 20))
results["a further file"] = attempt(lambda: open("/pyro/vm/other", "x"))
json.dump(results, sys.stderr)
`;

const PERMITTED = ["a unix socket", "fork"];
const ANSWERS: Readonly<Record<string, string>> = {
  ...refusals,
  "a file beyond the limit": "EFBIG",
  "a further file": "EROFS",
};

test("a program in QEMU's jail: system calls beyond a VM's needs fail, files are bounded", async () => {
  const toolchain = await findToolchain();
  const directory = mkdtempSync(join(tmpdir(), "pt-"));
  const scratch = join(directory, "vm", "scratch");
  try {
    mkdirSync(join(directory, "vm"), { mode: 0o755 });
    writeFileSync(scratch, "");
    chmodSync(scratch, 0o666);
    chmodSync(directory, 0o755);
    const probe = await VmProcess.start({
      toolchain: { ...toolchain, qemu: "/usr/bin/python3" },
      accelerator: "tcg",
      qemuArgs: ["-c", PROBE],
      mounts: [
        [join(directory, "vm"), "/pyro/vm", false],
        [scratch, "/pyro/vm/scratch", true],
      ],
      runDirectory: join(directory, "run"),
      gate: null,
      maxFileMib: 16,
      preload: null,
      stateFd: null,
      group: null,
      keeper: null,
    });
    const said = await probe.ended;
    const results = JSON.parse(said.slice(said.indexOf("{"))) as Record<string, string>;
    for (const [name, result] of Object.entries(results)) {
      assert.equal(result, PERMITTED.includes(name) ? "done" : (ANSWERS[name] ?? "EPERM"), name);
    }
    assert.equal(Object.keys(results).length, 23);
    await probe.kill();
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a VM's QEMU runs under the jail's filter and its own", async () => {
  await using scratch = new VmScratch();
  const task = await scratch.client.call("task.create", { environment: "debian:12", mem_mib: 256 });
  const status = readFileSync(`/proc/${scratch.qemuOfVm(task.task_id.replace("task-", "vm-"))}/status`, "utf8");
  const valueOf = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)$`, "m").exec(status)?.[1]);
  assert.equal(valueOf("Seccomp"), 2);
  assert.ok(valueOf("Seccomp_filters") >= 2);
});
