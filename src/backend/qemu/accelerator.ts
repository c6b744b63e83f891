import { tmpdir } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { mkdtemp, readJson, rm, writeFile, writeFileAtomic } from "../../host/files.js";
import { describeDevice, readBootIdentity } from "../../host/platform.js";
import { runTool } from "../../host/process.js";
import type { Accelerator } from "../backend.js";
import type { Toolchain } from "./toolchain.js";

/** What is known of one way to run a guest. `usable` is null while nothing has been tried. */
export interface Verdict {
  readonly exists: boolean;
  readonly opens: boolean;
  readonly usable: boolean | null;
  readonly reason: string;
}

const savedVerdict = z.object({
  boot_id: z.string(),
  kernel: z.string(),
  qemu: z.string(),
  kvm: z.object({ exists: z.boolean(), opens: z.boolean(), usable: z.boolean().nullable(), reason: z.string() }),
});

/** An emulated processor needs 0.2 s for the boot sector; a hanging one needs for ever. */
const PROBE_DEADLINE_MS = 5_000;
const PROBE_EXIT = 0x21;

/**
 * Chooses an accelerator by what boots, not by what opens. KVM must first run a boot sector here, and then
 * carry a template to a ready agent; one failure and it is not tried again until the host or QEMU changes.
 */
export class AcceleratorChoice {
  readonly #file: string;
  readonly #toolchain: Toolchain;
  readonly #forced: Accelerator | null;
  #kvm: Promise<Verdict> | null = null;

  constructor(homePath: string, toolchain: Toolchain, preference: string | undefined) {
    this.#file = join(homePath, "accelerator.json");
    this.#toolchain = toolchain;
    this.#forced = parsePreference(preference);
  }

  get forced(): Accelerator | null {
    return this.#forced;
  }

  async current(): Promise<Accelerator> {
    if (this.#forced) return this.#forced;
    return (await this.kvmVerdict()).usable === false ? "tcg" : "kvm";
  }

  kvmVerdict(): Promise<Verdict> {
    this.#kvm ??= this.#readOrProbe();
    return this.#kvm;
  }

  /** Records what a template's boot showed. */
  async learn(usable: boolean, reason: string): Promise<void> {
    const verdict = { ...(await this.kvmVerdict()), usable, reason };
    this.#kvm = Promise.resolve(verdict);
    await this.#save(verdict);
  }

  async #readOrProbe(): Promise<Verdict> {
    const device = describeDevice("/dev/kvm");
    const saved = savedVerdict.safeParse(await readJson(this.#file));
    const now = readBootIdentity();
    if (
      saved.success &&
      saved.data.boot_id === now.bootId &&
      saved.data.kernel === now.kernel &&
      saved.data.qemu === this.#toolchain.qemuVersion &&
      saved.data.kvm.exists === device.exists &&
      saved.data.kvm.opens === device.opens
    ) {
      return saved.data.kvm;
    }
    const verdict = await this.#probe(device);
    await this.#save(verdict);
    return verdict;
  }

  async #probe(device: { exists: boolean; opens: boolean }): Promise<Verdict> {
    if (!device.exists) return { ...device, usable: false, reason: "there is no /dev/kvm" };
    if (!device.opens)
      return { ...device, usable: false, reason: "/dev/kvm exists, but may not be opened by this user" };
    const ran = await runsBootSector(this.#toolchain.qemu);
    if (!ran) return { ...device, usable: false, reason: "/dev/kvm opens, but does not run a guest" };
    return { ...device, usable: null, reason: "/dev/kvm runs a boot sector; no template was booted on it yet" };
  }

  async #save(kvm: Verdict): Promise<void> {
    const { bootId, kernel } = readBootIdentity();
    const saved: z.infer<typeof savedVerdict> = { boot_id: bootId, kernel, qemu: this.#toolchain.qemuVersion, kvm };
    await writeFileAtomic(this.#file, `${JSON.stringify(saved)}\n`);
  }
}

function parsePreference(preference: string | undefined): Accelerator | null {
  if (preference === undefined || preference === "") return null;
  if (preference === "kvm" || preference === "tcg") return preference;
  throw new PyroError("INVALID_ARGUMENT", `PYRO_ACCEL is ${preference}; it may be kvm or tcg.`);
}

/** Runs `mov dx,0xf4; mov al,0x21; out dx,al` as a boot sector on KVM: a guest that works ends QEMU with a status of ours. */
async function runsBootSector(qemu: string): Promise<boolean> {
  const code = Buffer.from([0xba, 0xf4, 0x00, 0xb0, PROBE_EXIT, 0xee, 0xf4, 0xeb, 0xfd]);
  const sector = Buffer.alloc(512);
  code.copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  const directory = await mkdtemp(join(tmpdir(), "pyro-probe-"));
  try {
    const image = join(directory, "boot.img");
    await writeFile(image, sector);
    const { exitCode } = await runTool(
      qemu,
      [
        ...[
          "-nodefaults",
          "-no-user-config",
          "-display",
          "none",
          "-machine",
          "pc",
          "-accel",
          "kvm",
          "-cpu",
          "host",
          "-m",
          "64",
        ],
        ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
        ...["-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
        ...["-drive", `if=none,id=boot,format=raw,file=${image}`, "-device", "ide-hd,drive=boot"],
      ],
      { timeoutMs: PROBE_DEADLINE_MS },
    );
    return exitCode === ((PROBE_EXIT << 1) | 1);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
