import { tmpdir } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { chmod, mkdtemp, readJson, rm, writeFile, writeFileAtomic } from "../../host/files.js";
import { describeNode, readBootIdentity } from "../../host/platform.js";
import { computeBootDeadline, computeSectorDeadline } from "./boot-deadline.js";
import { runInJail } from "./jailed-tool.js";
import type { Toolchain } from "./toolchain.js";

export const acceleratorSchema = z.enum(["kvm", "tcg"]);
export type Accelerator = z.infer<typeof acceleratorSchema>;

/** The state of one accelerator. `usable` is null until it has been tried. */
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
  /** Mode and owner of the device node; older versions did not record it. */
  device: z.string().nullable().optional(),
  /** The user and groups for which it was tried; older versions did not record them. */
  user: z.string().optional(),
  /** How long the boot sector took, in ms; null when it did not run; missing in what older versions wrote. */
  sector_ms: z.number().nullable().optional(),
  kvm: z.object({ exists: z.boolean(), opens: z.boolean(), usable: z.boolean().nullable(), reason: z.string() }),
});

export const KVM_DEVICE = "/dev/kvm";

/** The verdict about KVM. */
interface Finding {
  readonly verdict: Verdict;
  /** How long the boot sector took; null when it did not run. */
  readonly sectorMs: number | null;
}

const OPEN_DEADLINE_MS = 30_000;
const PROBE_EXIT = 0x21;

/**
 * Chooses an accelerator by what boots, not by what opens. KVM must first run a boot sector here, and then
 * carry a template to a ready agent; one failure and it is not tried again until the host or QEMU changes.
 */
export class AcceleratorChoice {
  readonly #file: string;
  readonly #toolchain: Toolchain;
  readonly #forced: Accelerator | null;
  readonly #device: string;
  #kvm: Promise<Finding> | null = null;

  constructor(homePath: string, toolchain: Toolchain, preference: string | undefined, device = KVM_DEVICE) {
    this.#device = device;
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

  async kvmVerdict(): Promise<Verdict> {
    return (await this.#finding()).verdict;
  }

  /** How long a template may take to boot on the accelerator in use. On KVM a host that is slow gets more time. */
  async bootDeadlineMs(): Promise<number> {
    const triesKvm = this.#forced === null && (await this.current()) === "kvm";
    return computeBootDeadline(triesKvm ? (await this.#finding()).sectorMs : null);
  }

  /** Records whether a template booted. */
  async learn(usable: boolean, reason: string): Promise<void> {
    const { verdict, sectorMs } = await this.#finding();
    const finding = { verdict: { ...verdict, usable, reason }, sectorMs };
    this.#kvm = Promise.resolve(finding);
    await this.#save(finding);
  }

  #finding(): Promise<Finding> {
    this.#kvm ??= this.#readOrProbe();
    return this.#kvm;
  }

  async #readOrProbe(): Promise<Finding> {
    const saved = savedVerdict.safeParse(await readJson(this.#file));
    const now = readBootIdentity();
    if (
      saved.success &&
      saved.data.boot_id === now.bootId &&
      saved.data.kernel === now.kernel &&
      saved.data.qemu === this.#toolchain.qemuVersion &&
      saved.data.device === describeNode(this.#device) &&
      saved.data.user === this.#user()
    ) {
      return { verdict: saved.data.kvm, sectorMs: saved.data.sector_ms ?? null };
    }
    const finding = await this.#probe();
    await this.#save(finding);
    return finding;
  }

  /** Tries with the groups of a VM, which may differ from the daemon's: VMs of root have those of the user `nobody`. */
  async #probe(): Promise<Finding> {
    const refused = { opens: false, usable: false };
    if (describeNode(this.#device) === null) {
      return { verdict: { ...refused, exists: false, reason: "there is no /dev/kvm" }, sectorMs: null };
    }
    const startMs = await measure(() => opensInJail(this.#toolchain, this.#device));
    if (startMs === null) {
      const whose =
        this.#toolchain.dropTo === null ? "this user" : "the user nobody, whose groups the VMs of root have";
      const reason = `/dev/kvm exists, but may not be opened by ${whose}`;
      return { verdict: { ...refused, exists: true, reason }, sectorMs: null };
    }
    const device = { exists: true, opens: true };
    const deadlineMs = computeSectorDeadline(startMs);
    const sectorMs = await measure(() => runsBootSector(this.#toolchain, this.#device, deadlineMs));
    const [usable, reason] =
      sectorMs === null
        ? [false, "/dev/kvm opens, but does not run a guest"]
        : [null, "/dev/kvm runs a boot sector; no template was booted on it yet"];
    return { verdict: { ...device, usable, reason }, sectorMs };
  }

  #user(): string {
    const { dropTo } = this.#toolchain;
    const { uid, groups } = dropTo ?? { uid: process.getuid?.() ?? -1, groups: process.getgroups?.() ?? [] };
    return [uid, ...groups].join(" ");
  }

  async #save({ verdict, sectorMs }: Finding): Promise<void> {
    const { bootId, kernel } = readBootIdentity();
    const saved: z.infer<typeof savedVerdict> = {
      ...{ boot_id: bootId, kernel, qemu: this.#toolchain.qemuVersion },
      ...{ device: describeNode(this.#device), user: this.#user(), sector_ms: sectorMs, kvm: verdict },
    };
    await writeFileAtomic(this.#file, `${JSON.stringify(saved)}\n`);
  }
}

function parsePreference(preference: string | undefined): Accelerator | null {
  if (preference === undefined || preference === "") return null;
  if (preference === "kvm" || preference === "tcg") return preference;
  const shown = preference.slice(0, 100);
  throw new PyroError("INVALID_ARGUMENT", `PYRO_ACCEL must be kvm or tcg, not ${shown}.`, {
    hint: "Set PYRO_ACCEL to one of them, or unset it, and run `pyro daemon stop`.",
    details: { variable: "PYRO_ACCEL", value: shown },
  });
}

/** How long it took to succeed, in ms; null when it failed. */
async function measure(attempt: () => Promise<boolean>): Promise<number | null> {
  const started = performance.now();
  return (await attempt()) ? Math.round(performance.now() - started) : null;
}

function opensInJail(toolchain: Toolchain, device: string): Promise<boolean> {
  const words = ["/bin/sh", "-c", `exec 3<>${KVM_DEVICE}`];
  const jail = { devices: [[device, KVM_DEVICE]] as const, mounts: [] };
  return runInJail(toolchain, jail, words, OPEN_DEADLINE_MS).then((status) => status === 0);
}

/** Runs `mov dx,0xf4; mov al,0x21; out dx,al` as a boot sector on KVM: a guest that works ends QEMU with a status of ours. */
async function runsBootSector(toolchain: Toolchain, device: string, deadlineMs: number): Promise<boolean> {
  const code = Buffer.from([0xba, 0xf4, 0x00, 0xb0, PROBE_EXIT, 0xee, 0xf4, 0xeb, 0xfd]);
  const sector = Buffer.alloc(512);
  code.copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  const directory = await mkdtemp(join(tmpdir(), "pyro-probe-"));
  try {
    const image = join(directory, "boot.img");
    await writeFile(image, sector);
    // A disk of this kind is opened for writing; the directory is private.
    await chmod(image, 0o666);
    const inside = "/pyro/boot.img";
    const words = [
      toolchain.qemu,
      ...["-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc"],
      ...["-accel", "kvm", "-cpu", "host", "-m", "64"],
      ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
      ...["-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
      ...["-drive", `if=none,id=boot,format=raw,file=${inside}`, "-device", "ide-hd,drive=boot"],
    ];
    const jail = { devices: [[device, KVM_DEVICE]] as const, mounts: [[image, inside, true]] as const };
    return (await runInJail(toolchain, jail, words, deadlineMs)) === ((PROBE_EXIT << 1) | 1);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
