/** A Python program that makes each system call and keeps the name of its errno, or "done", in `results`. */
export const systemCallProbe = `
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
def fork():
    try:
        return "done" if os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)[1] == 0 else "failed"
    except OSError as error:
        return errno.errorcode[error.errno]
NEWUSER, NEWNS, VM = 0x10000000, 0x20000, 0x100
results = {
    "unshare a user namespace": call(272, NEWUSER),
    "unshare a mount namespace": call(272, NEWNS),
    "enter a namespace": call(308, 0, 0),
    "clone into a user namespace": call(56, NEWUSER | 17, 0, 0, 0, 0),
    "clone3": call(435, 0, 0),
    "mount": call(165, 0, 0, 0, 0, 0),
    "clone into a network namespace": call(56, 0x40000000 | 17, 0, 0, 0, 0),
    "chroot": call(161, 0),
    "pivot_root": call(155, 0, 0),
    "fsopen": call(430, 0, 0),
    "open_tree": call(428, -100, 0, 0),
    "move_mount": call(429, -1, 0, -1, 0, 0),
    "mount_setattr": call(442, -100, 0, 0, 0, 0),
    "statmount": call(457, 0, 0, 0, 0),
    "listmount": call(458, 0, 0, 0, 0),
    "a call of a later kernel": call(463, -100, 0, 0, 0, 0, 0),
    "open_by_handle_at": call(304, -100, 0, 0),
    "kexec_load": call(246, 0, 0, 0, 0),
    "init_module": call(175, 0, 0, 0),
    "io_uring_setup": call(425, 1, 0),
    "userfaultfd": call(323, 0),
    "keyctl": call(250, 0, -3, 0),
    "request_key": call(249, 0, 0, 0, -3),
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
    "start a program": fork(),
}
`;

/** The results of calls that a filter refuses with something other than EPERM. */
export const refusals: Readonly<Record<string, string>> = {
  clone3: "ENOSYS",
  io_uring_setup: "ENOSYS",
  userfaultfd: "ENOSYS",
  statmount: "ENOSYS",
  listmount: "ENOSYS",
  "a call of a later kernel": "ENOSYS",
  "getpid over x32": "ENOSYS",
  "an IP socket": "EAFNOSUPPORT",
  "a netlink socket": "EAFNOSUPPORT",
  "a vsock": "EAFNOSUPPORT",
};
