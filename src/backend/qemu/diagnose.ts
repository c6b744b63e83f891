import { PyroError } from "../../contract/errors.js";
import { existsSync } from "../../host/files.js";
import { unprivilegedId } from "../../host/platform.js";
import { runTool } from "../../host/tool.js";
import type { Diagnosis, Engine, Problem } from "../backend.js";
import { KVM_DEVICE, type AcceleratorChoice, type Verdict } from "./accelerator.js";
import { runInJail } from "./jailed-tool.js";
import { buildOpening, readNodeAccess } from "./kvm-access.js";
import type { Toolchain } from "./toolchain.js";

/** The parts of the backend that a diagnosis checks. */
interface Patient {
  toolchain(): Promise<Toolchain>;
  accelerators(): Promise<AcceleratorChoice>;
  networkProblem(): Promise<Problem | null>;
  snapshotProblem(): Promise<Problem | null>;
}

/** A jail starts in 0.1 s; on a busy host that is a VM itself it takes more than 5. */
const JAIL_DEADLINE_MS = 30_000;
const WITHOUT_CONTAINER = "unset PYRO_JAIL; pyro daemon stop";

/** Checks programs, jail and accelerators, and tries each accelerator. */
export async function diagnoseQemu(patient: Patient): Promise<Diagnosis> {
  let toolchain: Toolchain;
  try {
    toolchain = await patient.toolchain();
  } catch (error) {
    return withoutPrograms(PyroError.from(error));
  }
  const choice = await patient.accelerators();
  const [jailProblem, kvm, networkProblem, snapshotProblem] = await Promise.all([
    tryJail(toolchain),
    choice.kvmVerdict(),
    patient.networkProblem(),
    patient.snapshotProblem(),
  ]);
  const hostProblems = [jailProblem, ...kvmProblems(kvm), networkProblem, snapshotProblem];
  const accelerator = await choice.current();
  return {
    ok: jailProblem === null,
    engine: describeEngine(toolchain),
    jail: jailProblem === null ? toolchain.jailer.kind : "none",
    accelerator: jailProblem === null ? accelerator : null,
    acceleratorReason: choice.forced ? "PYRO_ACCEL selects it" : kvm.usable === false ? kvm.reason : accelerator,
    candidates: [
      { name: "kvm", ...kvm },
      { name: "tcg", exists: true, opens: true, usable: true, reason: "software emulation runs everywhere" },
    ],
    networkProblem,
    problems: hostProblems.filter((problem) => problem !== null),
  };
}

export function describeEngine({ qemuVersion, qemuPath, privateId }: Toolchain): Engine {
  const version = qemuVersion.replace(/ \[.*$/, "");
  return { version, path: qemuPath, source: privateId === null ? "host" : "private" };
}

function withoutPrograms(error: PyroError): Diagnosis {
  return {
    ok: false,
    engine: null,
    jail: "unknown",
    accelerator: null,
    acceleratorReason: "QEMU is missing, so it could not be tried",
    candidates: [],
    networkProblem: null,
    problems: [{ message: error.message, command: commandFor(error) }],
  };
}

/** The command that solves the problem. On a host with apt it needs no root. */
function commandFor(error: PyroError): string {
  if (error.details["reason"] === "no_container") return WITHOUT_CONTAINER;
  if (error.code === "INVALID_ARGUMENT") return "unset PYRO_TOOLCHAIN; pyro daemon stop";
  if (existsSync("/usr/bin/apt-get")) return "pyro toolchain install";
  const packages = Array.isArray(error.details["packages"]) ? error.details["packages"].join(" ") : "qemu-system-x86";
  return `sudo apt-get install ${packages}`;
}

/** Makes the namespaces that every VM gets, without starting a VM in them. */
async function tryJail(toolchain: Toolchain): Promise<Problem | null> {
  if (toolchain.jailer.kind === "container") return tryFilter(toolchain);
  const bwrap = toolchain.jailer.path;
  const userNamespace = unprivilegedId() === null ? ["--unshare-user"] : [];
  const args = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--ro-bind", "/", "/", "true"];
  const { exitCode, stderr } = await runTool(bwrap, [...userNamespace, ...args], { timeoutMs: JAIL_DEADLINE_MS });
  if (exitCode === 0) return null;
  const restricted = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
  return {
    message: `bubblewrap cannot make a jail: ${stderr.trim() || `exit status ${exitCode}`}`,
    command: existsSync(restricted)
      ? "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
      : "sudo sysctl user.max_user_namespaces=15000",
  };
}

/** Runs a program under the jail's filter. */
async function tryFilter(toolchain: Toolchain): Promise<Problem | null> {
  const status = await runInJail(toolchain, { devices: [], mounts: [] }, ["/bin/true"], JAIL_DEADLINE_MS);
  return status === 0 ? null : { message: "pyro-enclose cannot set the jail's filter.", command: WITHOUT_CONTAINER };
}

function kvmProblems(kvm: Verdict): Problem[] {
  if (!kvm.exists || kvm.opens) return [];
  return [
    {
      message: `${kvm.reason}: VMs are emulated. A new group membership takes effect at the next login.`,
      command: `${buildOpening(readNodeAccess(KVM_DEVICE))} && pyro daemon stop`,
    },
  ];
}
