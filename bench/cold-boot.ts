import { chown, copyFile, mkdir, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { timeMs } from "../src/bench/numbers.js";
import type { VmShape } from "../src/backend/backend.js";
import type { Accelerator } from "../src/backend/qemu/accelerator.js";
import { buildQemuArgs, inJail } from "../src/backend/qemu/argv.js";
import { mailboxPath, makeMailbox } from "../src/backend/qemu/mailbox.js";
import type { Toolchain } from "../src/backend/qemu/toolchain.js";
import { VmProcess } from "../src/backend/qemu/vm-process.js";
import type { InstalledEnvironment } from "../src/environments/cache.js";
import { appendToInitramfs } from "../src/environments/initramfs.js";
import { Channel } from "../src/guest/channel.js";
import { runForExit } from "../src/guest/run-for-exit.js";
import { wake } from "../src/guest/wake.js";
import { runTool } from "../src/host/tool.js";
import { connectSocketFileWhenReady } from "../src/host/socket-file.js";
import { keeperPath } from "./backend.js";

export interface ColdBootSpec {
  readonly toolchain: Toolchain;
  readonly accelerator: Accelerator;
  readonly shape: VmShape;
  readonly environment: InstalledEnvironment;
  readonly agentPath: string;
  /** A directory that `bootCold` creates and removes. */
  readonly directory: string;
  readonly runDirectory: string;
}

const BOOT_DEADLINE_MS = 90_000;

/** Milliseconds from starting QEMU to the end of the first `sh -c true`, without a template. Making the disks does not count. */
export async function timeColdBoot(spec: ColdBootSpec): Promise<number> {
  const { toolchain, accelerator, shape, environment, directory } = spec;
  await layOut(spec);
  try {
    const at = (name: string) => join(directory, name);
    const { signal } = new AbortController();
    let vm: VmProcess | undefined;
    try {
      return await timeMs(async () => {
        vm = await VmProcess.start({
          toolchain,
          user: toolchain.dropTo,
          accelerator,
          qemuArgs: buildQemuArgs({ accelerator, shape, traits: toolchain.traits }, "boot"),
          mounts: [
            [environment.rootPath, inJail.root, false],
            [directory, inJail.template, false],
            [at("ram"), inJail.ram, true],
            [at("vm"), inJail.vm, false],
            [at("scratch"), inJail.scratch, true],
            [mailboxPath(at("vm")), inJail.mailbox, true],
          ],
          runDirectory: spec.runDirectory,
          gate: null,
          maxFileMib: Math.max(shape.memMib, shape.diskMib),
          memMib: shape.memMib,
          preload: null,
          stateFd: null,
          group: null,
          keeper: keeperPath,
        });
        const socket = await connectSocketFileWhenReady(vm.sockets.agent, BOOT_DEADLINE_MS, signal);
        const channel = await vm.during(Channel.open(socket, { deadlineMs: BOOT_DEADLINE_MS, signal }));
        await wake(channel, "bench");
        await runForExit(channel, "sh -c true");
        channel.close();
      });
    } finally {
      await vm?.kill();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function layOut({ toolchain, shape, environment, agentPath, directory }: ColdBootSpec): Promise<void> {
  const at = (name: string) => join(directory, name);
  await mkdir(at("vm"), { recursive: true, mode: 0o755 });
  await writeFile(at("vm/scratch"), "");
  await makeMailbox(at("vm"), toolchain.dropTo);
  await copyFile(environment.kernelPath, at("kernel"));
  const initramfs = appendToInitramfs(await readFile(environment.initramfsPath), [
    ...["dev", "proc", "sys"].map((name) => ({ kind: "directory", name }) as const),
    { kind: "file", name: "init", mode: 0o755, data: await readFile(agentPath) },
  ]);
  await writeFile(at("initramfs"), initramfs);
  for (const [name, mib] of [
    ["ram", shape.memMib],
    ["scratch", shape.diskMib],
  ] as const) {
    await (await open(at(name), "wx", 0o600)).close();
    await truncate(at(name), mib * 1_048_576);
    if (toolchain.dropTo) await chown(at(name), toolchain.dropTo.uid, toolchain.dropTo.gid);
  }
  const { exitCode, stderr } = await runTool(toolchain.mke2fs, ["-q", "-F", "-t", "ext4", "-m", "0", at("scratch")]);
  if (exitCode !== 0) throw new Error(`mke2fs failed: ${stderr}`);
}
