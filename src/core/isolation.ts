import type { Backend, Diagnosis } from "../backend/backend.js";
import { PyroError } from "../contract/errors.js";
import { isolationLevels, type IsolationLevel } from "../contract/isolation-levels.js";
import type { ResultOf } from "../contract/operations.js";
import type { ControlGroups } from "../host/control-groups.js";
import { existsSync } from "../host/files.js";
import { viewLimits } from "./limits.js";
import type { Ceilings } from "./machines/budget.js";

type View = ResultOf<"doctor">["isolation"];
type Lack = View["missing"][number];

/** The facts from which a level follows. */
export interface IsolationFacts {
  readonly vms: Pick<Backend, "diagnose">;
  readonly groups: ControlGroups;
  readonly ceilings: Ceilings;
  /** The least that the daemon accepts, PYRO_REQUIRE_ISOLATION; null for anything that is allowed. */
  readonly required: IsolationLevel | null;
}

/** A good diagnosis is trusted for this long. */
const FRESH_MS = 10_000;
/** Where a kernel that has seccomp filters says so. */
const SECCOMP = "/proc/sys/kernel/seccomp/actions_avail";
const CGROUP_NAMESPACE = "/proc/self/ns/cgroup";

/** Compares the isolation that this host gives with the level that a caller or the daemon requires. SECURITY.md defines the levels. */
export class Isolation {
  readonly #facts: IsolationFacts;
  #last: { readonly diagnosis: Diagnosis; readonly atMs: number } | null = null;

  constructor(facts: IsolationFacts) {
    this.#facts = facts;
  }

  get required(): IsolationLevel | null {
    return this.#facts.required;
  }

  /** The level of this host by a diagnosis, and the missing pieces of higher levels. */
  view(diagnosis: Diagnosis): View {
    const missing = this.#findLacks(diagnosis);
    const level = isolationLevels.findLast((each) => !missing.some((lack) => isAtMost(lack.level, each))) ?? null;
    return { level, required: this.required, missing };
  }

  /** Throws HOST_NOT_ABLE, with what is missing, when this host gives less than a caller, or the daemon's own setting, asks for. */
  async assert(asked: IsolationLevel | undefined): Promise<void> {
    const level = strictest(asked ?? null, this.required);
    if (level === null) return;
    const view = this.view(await this.#diagnose());
    const missing = view.missing.filter((lack) => isAtMost(lack.level, level));
    if (missing.length === 0) return;
    const pieces = missing.map(({ piece }) => piece);
    throw new PyroError(
      "HOST_NOT_ABLE",
      `The isolation level of this host is ${view.level ?? "none"}, and ${level} is required; missing: ${pieces.join(", ")}.`,
      {
        hint: missing
          .map(({ message, command }) => (command === null ? message : `${message} Run: ${command}`))
          .join(" "),
        details: { reason: "isolation", required: level, level: view.level, missing: pieces },
      },
    );
  }

  async #diagnose(): Promise<Diagnosis> {
    if (this.#last !== null && performance.now() - this.#last.atMs < FRESH_MS) return this.#last.diagnosis;
    const diagnosis = await this.#facts.vms.diagnose();
    if (diagnosis.ok) this.#last = { diagnosis, atMs: performance.now() };
    return diagnosis;
  }

  #findLacks({ ok, engine, jail, accelerator, problems }: Diagnosis): Lack[] {
    const { groups, ceilings } = this.#facts;
    const [first] = problems;
    const unset = Object.entries({
      PYRO_MAX_MEMORY: ceilings.memoryMib,
      PYRO_MAX_DISK: ceilings.diskMib,
      PYRO_MAX_VMS: ceilings.vms,
    }).flatMap(([name, value]) => (value === null ? [name] : []));
    const limits = viewLimits(groups);
    const lacks: [boolean, Lack][] = [
      [!ok, lackOf("vm", "vm", first?.message ?? "No VM can run here.", first?.command ?? null)],
      [
        jail === "container",
        lackOf(
          "jailed",
          "jail",
          "QEMU has no namespaces of its own: the container that pyro runs in is its jail.",
          null,
        ),
      ],
      [!existsSync(SECCOMP), lackOf("jailed", "seccomp", "The host's kernel has no seccomp filters.", null)],
      [
        !existsSync(CGROUP_NAMESPACE),
        lackOf("jailed", "cgroup_namespace", "The host's kernel has no cgroup namespaces.", null),
      ],
      [
        !limits.set,
        lackOf("strict", "control_groups", `VMs have no control groups: ${limits.reason}.`, limits.command),
      ],
      [
        unset.length > 0,
        lackOf("strict", "total_limits", `All VMs together have no limit: ${unset.join(", ")} is not set.`, null),
      ],
      [
        engine?.source === "host",
        lackOf("strict", "private_toolchain", "QEMU sees the host's /usr.", "pyro toolchain install"),
      ],
      [ok && accelerator !== "kvm", lackOf("strict", "kvm", "QEMU emulates the processor, without KVM.", null)],
    ];
    return lacks.flatMap(([is, lack]) => (is ? [lack] : []));
  }
}

function lackOf(level: IsolationLevel, piece: string, message: string, command: string | null): Lack {
  return { level, piece, message, command };
}

function isAtMost(level: IsolationLevel, other: IsolationLevel): boolean {
  return isolationLevels.indexOf(level) <= isolationLevels.indexOf(other);
}

function strictest(one: IsolationLevel | null, other: IsolationLevel | null): IsolationLevel | null {
  if (one === null || other === null) return one ?? other;
  return isAtMost(one, other) ? other : one;
}
