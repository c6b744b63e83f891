import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { findToolchain } from "../../src/backend/qemu/toolchain.js";
import { VmProcess } from "../../src/backend/qemu/vm-process.js";
import { VmScratch } from "../vm/vm-scratch.js";

/** In the place of QEMU: makes each system call and prints its errno, 0 for success. */
const PROBE = `
import ctypes, errno, json, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *words):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(word) for word in words])
    return errno.errorcode[ctypes.get_errno()] if result < 0 else "done"
def family(number):
    try:
        socket.socket(number, socket.SOCK_DGRAM).close()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]
def large_file():
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open("/pyro/vm/scratch", "wb") as file:
        try:
            os.pwrite(file.fileno(), b"x", 17 << 20)
            return "done"
        except OSError as error:
            return errno.errorcode[error.errno]
def new_file():
    try:
        open("/pyro/vm/other", "x")
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]
NEWUSER, NEWNS, VM = 0x10000000, 0x20000, 0x100
json.dump({
    "unshare a user namespace": call(272, NEWUSER),
    "clone into a user namespace": call(56, NEWUSER | 17, 0, 0, 0, 0),
    "clone3": call(435, 0, 0),
    "mount": call(165, 0, 0, 0, 0, 0),
    "chroot": call(161, 0),
    "io_uring_setup": call(425, 1, 0),
    "userfaultfd": call(323, 0),
    "keyctl": call(250, 0, -3, 0),
    "add_key": call(248, 0, 0, 0, 0, -3),
    "bpf": call(321, 0, 0, 0),
    "perf_event_open": call(298, 0, 0, -1, -1, 0),
    "ptrace": call(101, 0, 0, 0, 0),
    "process_vm_readv": call(310, os.getpid(), 0, 0, 0, 0, 0),
    "pidfd_getfd": call(438, 0, 0, 0),
    "personality": call(135, 0xffffffff),
    "getpid over x32": call(0x40000000 | 39),
    "a unix socket": family(1),
    "an IP socket": family(2),
    "a netlink socket": family(16),
    "a vsock": family(40),
    "fork": "done" if os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)[1] == 0 else "failed",
    "a file beyond the limit": large_file(),
    "a further file": new_file(),
}, sys.stderr)
`;

const PERMITTED = ["a unix socket", "fork"];
const ANSWERS: Readonly<Record<string, string>> = {
  clone3: "ENOSYS",
  io_uring_setup: "ENOSYS",
  userfaultfd: "ENOSYS",
  "getpid over x32": "ENOSYS",
  "an IP socket": "EAFNOSUPPORT",
  "a netlink socket": "EAFNOSUPPORT",
  "a vsock": "EAFNOSUPPORT",
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
