import { systemCallProbe } from "./system-calls.js";

/** The things on the host that a probe in the jail tries to reach. */
export interface ProbeTargets {
  readonly secret: string;
  readonly otherDisk: string;
  readonly snapshot: string;
  readonly daemonSocket: string;
  readonly abstractSocket: string;
  /** The key of a queue of messages of System V. */
  readonly queueKey: number;
  readonly tcpPort: number;
  readonly otherPid: number;
  readonly maxFileMib: number;
  readonly memMib: number;
  readonly mostThreads: number;
}

/** A Python program in the place of QEMU. It tries each attack, and prints the name of its errno, or "done", as JSON. */
export function buildProbe(targets: ProbeTargets): string {
  return `${systemCallProbe}
import _thread, mmap, resource, signal, threading
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
target = json.loads(${JSON.stringify(JSON.stringify(targets))})
MIB = 1 << 20
def attempt(name, action):
    try:
        action()
        results[name] = "done"
    except OSError as error:
        results[name] = errno.errorcode[error.errno]
    except ValueError:
        results[name] = "EPERM"
def connect(kind, address):
    with socket.socket(kind, socket.SOCK_STREAM) as connection:
        connection.connect(address)
def read(path):
    open(path, "rb").read(1)
def write(path):
    os.close(os.open(path, os.O_WRONLY))
def create(path):
    open(path, "x").close()
def fill(directory, mib):
    for number in range(0, mib, 8):
        with open(f"{directory}/filler-{number}", "wb") as filler:
            filler.write(b"x" * (8 * MIB))

# Files of the user, of other VMs and of the host.
attempt("read a file of the user's", lambda: read(target["secret"]))
attempt("read it through the VM's directory", lambda: read("/pyro/vm/../../../.." + target["secret"]))
attempt("list the home", lambda: os.listdir(os.path.dirname(target["secret"])))
attempt("read another VM's disk", lambda: read(target["otherDisk"]))
attempt("read a snapshot", lambda: read(target["snapshot"]))
for path in ["/etc/passwd", "/proc/self/environ", "/sys/kernel", "/root", "/home", "/run", "/var"]:
    attempt("read " + path, lambda: os.stat(path))
for path in ["/dev/kvm", "/dev/mem", "/dev/net/tun", "/dev/loop-control", "/dev/fuse"]:
    attempt("open " + path, lambda: read(path))

# The resources that VMs share.
for path in ["/pyro/root.img", "/pyro/template/ram", "/pyro/template/state", "/pyro/template/overlay"]:
    attempt("write " + path, lambda: write(path))
    attempt("open " + path + " for everybody", lambda: os.chmod(path, 0o777))
attempt("remove a template's file", lambda: os.unlink("/pyro/template/state"))
attempt("add a template's file", lambda: create("/pyro/template/new"))
for path in ["/", "/pyro", "/pyro/vm", "/dev", "/dev/shm", "/usr", "/usr/bin"]:
    attempt("create a file in " + path, lambda: create(path + "/new"))

# Sockets and processes of others.
attempt("connect to the daemon", lambda: connect(socket.AF_UNIX, target["daemonSocket"]))
attempt("connect to an abstract socket", lambda: connect(socket.AF_UNIX, "\\0" + target["abstractSocket"]))
results["find a queue of messages"] = call(68, target["queueKey"], 0)
attempt("connect over IP", lambda: connect(socket.AF_INET, ("127.0.0.1", target["tcpPort"])))
attempt("signal a process of the user's", lambda: os.kill(target["otherPid"], 0))
attempt("signal every process", lambda: os.kill(-1, 0))
seen = []
for pid in range(1, 5000):
    try:
        os.kill(pid, 0)
        seen.append(pid)
    except ProcessLookupError:
        pass
    except PermissionError:
        seen.append(pid)
results["processes seen"] = str(len(seen))
descriptors = []
for descriptor in range(1024):
    try:
        os.fstat(descriptor)
        descriptors.append(descriptor)
    except OSError:
        pass
results["descriptors"] = " ".join(map(str, descriptors))

# More of the host than a VM may take.
scratch = open("/pyro/vm/scratch", "wb")
attempt("write a file beyond its limit", lambda: os.pwrite(scratch.fileno(), b"x", target["maxFileMib"] * MIB))
attempt("raise the limit on files", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1)))
attempt("raise the limit on memory", lambda: resource.setrlimit(resource.RLIMIT_DATA, (-1, -1)))
attempt("map more memory than a VM needs", lambda: mmap.mmap(-1, (target["memMib"] + 4200) * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
for name, mapped in [("share", -1), ("share, through a device,", os.open("/dev/zero", os.O_RDWR))]:
    attempt(name + " more memory than a VM needs", lambda: mmap.mmap(mapped, (2 * target["memMib"] + 16500) * MIB, flags=mmap.MAP_SHARED | 0x4000 | (mmap.MAP_ANONYMOUS if mapped < 0 else 0)).close())
attempt("raise the limit on addresses", lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)))
results["make a file without a name in memory"] = call(319, 0, 0)
results["make a segment of shared memory"] = call(29, 0, 4096, 0o600)
attempt("fill the memory with files", lambda: fill("/tmp", 112))
attempt("become more important", lambda: os.nice(-5))
attempt("become a real-time process", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
results["core dumps"] = str(resource.getrlimit(resource.RLIMIT_CORE))
attempt("fork", lambda: os._exit(0) if os.fork() == 0 else None)
thread = threading.Thread(target=lambda: None)
attempt("start a thread", thread.start)
never = threading.Lock()
never.acquire()
threading.stack_size(65536)
threads = 1
try:
    while threads < 2 * target["mostThreads"]:
        _thread.start_new_thread(never.acquire, ())
        threads += 1
except RuntimeError:
    pass
results["threads"] = "too many" if threads > target["mostThreads"] else "few" if threads < target["mostThreads"] - 3 else "limited"
json.dump(results, sys.stderr)
`;
}
