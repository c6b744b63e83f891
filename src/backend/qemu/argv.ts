import type { VmShape } from "../backend.js";
import type { Accelerator } from "./accelerator.js";
import { TRANSLATION_CACHE_MIB } from "./memory.js";
import type { QemuTraits } from "./toolchain.js";

/** Where the jail shows QEMU its files: the same for every VM, so that all command lines of a template agree. */
export const inJail = {
  root: "/pyro/root.img",
  template: "/pyro/template",
  ram: "/pyro/template/ram",
  preload: "/pyro/ram.so",
  /** The program that continues a checkpoint. It becomes QEMU, so it has the name by which people look for one. */
  restore: "/pyro/qemu-system-x86_64",
  vm: "/pyro/vm",
  scratch: "/pyro/vm/scratch",
  /** A kept disk, below the scratch disk of the VM that reads it. */
  kept: "/pyro/kept",
  mailbox: "/pyro/vm/mailbox",
  stateSocket: "/pyro/state.sock",
  /** Where a running VM leaves its device state for a snapshot, from QEMU's working directory: "/", or the links of a container's jail. */
  state: "tmp/state",
} as const;

/** The parts of QEMU's command line that a template depends on. */
export interface MachineOptions {
  readonly accelerator: Accelerator;
  readonly shape: VmShape;
  readonly traits: QemuTraits;
  /** False for the VM of a snapshot that an earlier version made: it reads its mailbox only. */
  readonly sendsMail?: boolean;
}

/**
 * A VM boots, writing the template's memory; or it wakes with a private view of that, as a clone or where a snapshot was made; or it boots
 * to read a kept disk.
 */
type Start = "boot" | "clone" | "resume" | "read";

/** The descriptor on which a clone finds the template's device state, or the checkpoint that it continues. */
export const STATE_FD = 3;

/** The descriptors that a VM with a network inherits: its tap, and one that the gate watches to detect the VM's end. */
export const TAP_FD = 6;
export const LIFELINE_FD = 7;

/** The descriptors of the sockets at which QEMU listens for the daemon. */
export const AGENT_FD = 8;
export const QMP_FD = 9;

/** The descriptors of a VM that continues from a snapshot: the snapshot's memory, and where `preload/` answers that it has mapped it. */
export const PAGES_FD = 10;
export const MAPPED_FD = 11;

/** Every clone's agent sets another one before the interface is raised. */
const TEMPLATE_MAC = "02:70:79:00:00:00";

/** Size of the end of a VM's console that QEMU keeps. */
export const CONSOLE_BYTES = 65_536;

/** QEMU's arguments. Pure. */
export function buildQemuArgs(
  { accelerator, shape, traits, sendsMail = true }: MachineOptions,
  start: Start,
): string[] {
  const clone = start === "clone" || start === "resume";
  return [
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    // A template is saved while paused; without this stored state a clone runs as soon as it is loaded.
    ...["-global", "migration.store-global-state=off"],
    // A snapshot's device state begins with no configuration.
    ...(start === "resume" ? ["-global", "migration.send-configuration=off"] : []),
    ...["-display", "none"],
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ...[
      "-object",
      `memory-backend-file,id=mem,size=${shape.memMib}M,mem-path=${inJail.ram},share=${clone ? `off${traits.readOnlyMemory ? ",readonly=on,rom=off" : ""}` : "on"}`,
    ],
    ...["-machine", "q35,memory-backend=mem,vmport=off,smm=off,usb=off,graphics=off"],
    ...["-accel", buildAccel(accelerator)],
    // A CPU that announces fast byte-wise copies (erms) makes the kernel use them, and emulation runs them slowest. A CPU that announces
    // them for short copies only (fsrm), as QEMU 9 and later would, makes the kernel loop for ever.
    // SMAP gives the kernel two tables of addresses, and PKU makes QEMU drop its tables at each switch of programs: docs/decisions/0067.
    ...["-cpu", accelerator === "kvm" ? "host" : "max,la57=off,erms=off,fsrm=off,smap=off,pku=off"],
    ...["-smp", String(shape.vcpuCount)],
    ...["-m", `${shape.memMib}M`],
    ...["-kernel", `${inJail.template}/kernel`],
    ...["-initrd", `${inJail.template}/initramfs`],
    ...["-append", buildKernelLine(accelerator)],
    ...["-blockdev", `driver=file,node-name=root-file,filename=${inJail.root},read-only=on,locking=off`],
    ...["-blockdev", "driver=raw,node-name=root,file=root-file,read-only=on"],
    ...["-device", "virtio-blk-pci,drive=root"],
    ...["-blockdev", `driver=file,node-name=scratch-file,filename=${inJail.scratch},discard=unmap,cache.no-flush=on`],
    ...["-blockdev", `driver=${start === "boot" ? "raw" : "qcow2"},node-name=scratch,file=scratch-file,discard=unmap`],
    ...["-device", "virtio-blk-pci,drive=scratch"],
    ...buildMailbox(sendsMail),
    ...["-device", "virtio-serial-pci"],
    ...["-chardev", `socket,id=agent,fd=${AGENT_FD},server=on,wait=off`],
    ...["-device", "virtserialport,chardev=agent,name=org.pyro.agent.0"],
    ...["-device", "virtio-rng-pci"],
    ...["-chardev", `ringbuf,id=console,size=${CONSOLE_BYTES}`],
    ...["-serial", "chardev:console"],
    ...["-chardev", `socket,id=qmp,fd=${QMP_FD},server=on,wait=off`],
    ...["-mon", "chardev=qmp,mode=control"],
    ...(shape.network
      ? [
          ...["-netdev", `tap,id=net,fd=${TAP_FD}`],
          ...["-device", `virtio-net-pci,netdev=net,mac=${TEMPLATE_MAC},romfile=`],
        ]
      : []),
    ...(clone ? ["-incoming", "defer"] : []),
  ];
}

/** A disk of the host that is full must not pause a VM that can send its output in frames: the agent gets an error instead. */
function buildMailbox(sendsMail: boolean): string[] {
  const access = sendsMail ? "" : ",read-only=on";
  return [
    ...["-blockdev", `driver=file,node-name=mailbox-file,filename=${inJail.mailbox}${access},locking=off`],
    ...["-blockdev", `driver=raw,node-name=mailbox,file=mailbox-file${access}`],
    ...["-device", `virtio-blk-pci,drive=mailbox${sendsMail ? ",werror=report" : ""}`],
  ];
}

function buildAccel(accelerator: Accelerator): string {
  return accelerator === "tcg" ? `tcg,tb-size=${TRANSLATION_CACHE_MIB}` : accelerator;
}

/**
 * Under KVM the kernel keeps its own defaults; under emulation each of these words saves instructions. Each word's gain and cost
 * are in docs/decisions/0017, 0023 and 0067.
 */
function buildKernelLine(accelerator: Accelerator): string {
  const emulated = [
    ...["mitigations=off", "nokaslr", "norandmaps", "lsm=landlock,yama", "init_on_alloc=0"],
    ...["cgroup.memory=nokmem", "psi=0"],
    // The kernel tests its timer against the clock, and panics when a busy host lets the test run too late.
    "no_timer_check",
  ];
  const always = ["console=ttyS0", "quiet", "panic=-1", "edd=off", "random.trust_cpu=on"];
  return [...always, ...(accelerator === "tcg" ? emulated : [])].join(" ");
}
