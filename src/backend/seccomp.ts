/**
 * Seccomp filters for jails: lists of system calls that are refused, as classic BPF programs. Pure. Numbers are those of x86-64; see
 * seccomp(2) and linux/audit.h.
 */

/** The result of a refused system call. */
const errno = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;

/** System calls of debuggers and build tools, and memory that no limit of a process counts. QEMU needs none of them. */
const refusedToQemu = {
  ...{ ptrace: 101, process_vm_readv: 310, process_vm_writev: 311, kcmp: 312, pidfd_getfd: 438 },
  ...{ process_madvise: 440, chroot: 161, personality: 135, modify_ldt: 154, sethostname: 170, setdomainname: 171 },
  ...{ fork: 57, vfork: 58, memfd_create: 319, memfd_secret: 447, shmget: 29 },
} as const;

/** Calls that change the host, share something between jails, or reach parts of the host's kernel where flaws are often found. */
const refused = {
  EPERM: {
    ...{ migrate_pages: 256, move_pages: 279 },
    // Namespaces, mounts and roots.
    ...{ unshare: 272, setns: 308, mount: 165, umount2: 166, pivot_root: 155 },
    ...{ open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433, mount_setattr: 442 },
    ...{ name_to_handle_at: 303, open_by_handle_at: 304, fanotify_init: 300 },
    // Keys, which VMs of one user would share.
    ...{ add_key: 248, request_key: 249, keyctl: 250 },
    // The kernel itself, its clock and its hardware.
    ...{ bpf: 321, perf_event_open: 298, init_module: 175, delete_module: 176, finit_module: 313 },
    ...{ kexec_load: 246, kexec_file_load: 320, reboot: 169, syslog: 103, acct: 163, quotactl: 179, quotactl_fd: 443 },
    ...{ swapon: 167, swapoff: 168, iopl: 172, ioperm: 173 },
    ...{ settimeofday: 164, clock_settime: 227, clock_adjtime: 305, adjtimex: 159 },
  },
  // Callers of these have another way for kernels without them.
  ENOSYS: {
    ...{ statmount: 457, listmount: 458 },
    ...{ clone3: 435, userfaultfd: 323, io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427 },
  },
} as const;

const CLONE = 56;
/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const NEW_NAMESPACES = 0x80 | 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x10000000 | 0x20000000 | 0x40000000;
const CLONE_THREAD = 0x10000;
const SOCKET = 41;
const AF_UNIX = 1;
/** AF_INET, AF_INET6 and AF_NETLINK. */
const AF_NETWORK = [2, 10, 16];

const AUDIT_ARCH_X86_64 = 0xc000003e;
/** The first number that no kernel had when these lists were written. Higher ones too, and those of the x32 interface, are unknown calls. */
const FIRST_UNKNOWN = 463;

/** Offsets in struct seccomp_data. The lower half of an argument comes first. */
const offset = { nr: 0, arch: 4, argument0: 16 } as const;
/** LD+W+ABS, JMP+JEQ+K, JMP+JGE+K, JMP+JSET+K, RET+K. */
const code = { load: 0x20, equals: 0x15, atLeast: 0x35, hasBits: 0x45, return: 0x06 } as const;

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const refuse = (name: keyof typeof errno) => 0x00050000 | errno[name];

type Instruction = readonly [code: number, jumpIfTrue: number, jumpIfFalse: number, operand: number];

/** The filter of QEMU's jail: no call that a VM does not need, no new namespaces or processes, and unix sockets only. */
export function buildJailFilter(): Buffer {
  return buildFilter([...Object.values(refused.EPERM), ...Object.values(refusedToQemu)], [AF_UNIX], { forks: false });
}

/** The filter of a `host_compat` container, whose commands may debug each other and use their own, empty network. */
export function buildContainerFilter(): Buffer {
  return buildFilter(Object.values(refused.EPERM), [AF_UNIX, ...AF_NETWORK], { forks: true });
}

function buildFilter(
  forbidden: readonly number[],
  families: readonly number[],
  { forks }: { readonly forks: boolean },
): Buffer {
  const load = (at: number): Instruction => [code.load, 0, 0, at];
  const end = (action: number): Instruction => [code.return, 0, 0, action];
  const endIf = (number: number, action: number): Instruction[] => [[code.equals, 0, 1, number], end(action)];
  return encode([
    load(offset.arch),
    [code.equals, 1, 0, AUDIT_ARCH_X86_64],
    end(KILL_PROCESS),
    load(offset.nr),
    [code.atLeast, 0, 1, FIRST_UNKNOWN],
    end(refuse("ENOSYS")),
    ...forbidden.flatMap((number) => endIf(number, refuse("EPERM"))),
    ...Object.values(refused.ENOSYS).flatMap((number) => endIf(number, refuse("ENOSYS"))),
    [code.equals, 0, forks ? 4 : 6, CLONE],
    load(offset.argument0),
    [code.hasBits, 0, 1, NEW_NAMESPACES],
    end(refuse("EPERM")),
    ...(forks ? [] : ([[code.hasBits, 1, 0, CLONE_THREAD], end(refuse("EPERM"))] as Instruction[])),
    end(ALLOW),
    [code.equals, 1, 0, SOCKET],
    end(ALLOW),
    load(offset.argument0),
    ...families.flatMap((family) => endIf(family, ALLOW)),
    end(refuse("EAFNOSUPPORT")),
  ]);
}

/** struct sock_filter: two bytes of code, two jumps of a byte, four bytes of operand. */
function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([operation, jumpIfTrue, jumpIfFalse, operand], index) => {
    const at = index * 8;
    bytes.writeUInt16LE(operation, at);
    bytes.writeUInt8(jumpIfTrue, at + 2);
    bytes.writeUInt8(jumpIfFalse, at + 3);
    bytes.writeUInt32LE(operand >>> 0, at + 4);
  });
  return bytes;
}
